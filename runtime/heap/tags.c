/* The rule for tagged references, when it is declared.  docs/design/tags.md has the reasons. */
#include "heap/tags.h"

/* The bits of an address inside a slot: two tags may differ in them and refer to one object. */
#define TAGS_SLOT_BITS ((uint64_t)GAIT_GRANULE_BYTES - 1)

const char *gaiti_tags_fault(const gait_tags *rule) {
  if (rule->mask & rule->address_mask) return "tags: mask and address_mask share bits";
  if ((rule->first | rule->last) & ~rule->mask)
    return "tags: first or last has bits that are not in mask";
  if (rule->last != 0 && rule->last < rule->first) return "tags: last is below first";
  if (rule->address_mask == 0) return "tags: address_mask has no bit";
  return NULL;
}

/* All bits that addresses of the heap have: those above the highest in which its ends differ are
 * the same in each. */
static uint64_t tags_heap_bits(const struct gaiti_map *map) {
  uint64_t first = map->base, last = map->base + (map->bytes - 1), differ = first ^ last;
  if (differ == 0) return last;
  return last | (~(uint64_t)0 >> __builtin_clzll(differ));
}

bool gaiti_tags_init(struct gaiti_tags *tags, const gait_tags *rule, const struct gaiti_map *map) {
  *tags = (struct gaiti_tags){.first = 1};
  if (!rule) return true;
  if (tags_heap_bits(map) & ~TAGS_SLOT_BITS & ~rule->address_mask) return false;
  uint64_t last = rule->last ? rule->last : rule->first;
  *tags = (struct gaiti_tags){.mask = rule->mask,
                              .first = rule->first,
                              .span = last - rule->first,
                              .address = rule->address_mask,
                              .keep = rule->mask | rule->address_mask,
                              .origin = rule->first + map->base,
                              .low = TAGS_SLOT_BITS & ~rule->address_mask};
  return true;
}
