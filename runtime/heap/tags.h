/* tags.h: a heap's rule for tagged references: which words are some, and to which addresses.
 *
 * .inv.tags  Of an address of the heap the rule keeps all bits but perhaps the lowest four, and no
 *            bit of such an address is one of the tag's.  So a tagged word that lies among the
 *            heap's addresses as it is, as with a tag in the low bits, lies in the slot to which it
 *            refers; and the address of any other is found by the rule alone. */
#ifndef GAITI_HEAP_TAGS_H
#define GAITI_HEAP_TAGS_H

#include "gait/gait.h"
#include "heap/block.h"

/* The rule, as markers and barriers use it: a word is a reference where its bits of `mask`, less
 * `first`, are `span` at most.  Without a rule no word is, and `address` is 0.
 * Constant for the heap's life.
 *
 * .tags.origin  Where span is 0, one subtraction does for tag and address: a word, cut to the bits
 * of both, less `origin`, which is the tag and the heap's base, is an offset into the heap, with no
 * bit of `low`, for references alone.  For let a be the base and that offset: a is an address of
 * the heap, whose bits are none of the tag's; the lowest four may be, and are not set then.  So the
 * word's bits are those of `first` and those of a, and neither borrows from the other. */
struct gaiti_tags {
  uint64_t mask;
  uint64_t first;
  uint64_t span;
  uint64_t address;
  uint64_t keep;
  uint64_t origin;
  uint64_t low;
};

/* Says in a sentence why no heap can have the rule, or returns NULL. */
const char *gaiti_tags_fault(const gait_tags *rule);

/* The rule of a heap with these addresses; `rule` may be NULL, or has no fault.  False when it does
 * not keep the bits of every address (.inv.tags). */
bool gaiti_tags_init(struct gaiti_tags *tags, const gait_tags *rule, const struct gaiti_map *map);

static inline bool gaiti_tags_exist(const struct gaiti_tags *tags) {
  return tags->address != 0;
}

/* The address to which a tagged word refers; 0: it is no reference. */
static inline uintptr_t gaiti_tags_address(const struct gaiti_tags *tags, uintptr_t word) {
  return (word & tags->mask) - tags->first <= tags->span ? word & tags->address : 0;
}

/* The same for a word that may be a plain address as well: that is what it is where it lies in the
 * heap. */
static inline uintptr_t gaiti_tags_plain_or_tagged(const struct gaiti_tags *tags,
                                                   const struct gaiti_map *map, uintptr_t word) {
  return gaiti_map_covers(map, word) ? word : gaiti_tags_address(tags, word);
}

#endif
