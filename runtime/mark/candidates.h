/* candidates.h: the way of a reference into a marker, inline: the work for every field of every
 * object.  marker.c has the whole picture.
 *
 * Litmus: publish, publish-aarch64. */
#ifndef GAITI_MARK_CANDIDATES_H
#define GAITI_MARK_CANDIDATES_H

#include "base/check.h"
#include "mark/marker.h"

/* Marks the candidates that have waited longest, and lets those that came since wait. */
void gaiti_marker_mark_oldest(struct gaiti_marker *marker);

/* The bytes of a slot of each size class. */
extern const uint16_t gaiti_marker_class_bytes[GAIT_SIZE_CLASSES];

static inline size_t gaiti_marker_bytes(const struct gaiti_marker *marker, gaiti_ref ref) {
  if (__builtin_expect(!(ref & GAITI_REF_LARGE), 1))
    return gaiti_marker_class_bytes[gaiti_ref_class(ref)];
  return gaiti_ref_bytes(&marker->map, ref);
}

/* Few are set, as a rule. */
static inline uint64_t marker_bits_count(AO_t bits) {
  uint64_t count = 0;
  for (; bits; bits &= bits - 1)
    count++;
  return count;
}

/* Counts objects of one group that have just been marked. */
static inline void gaiti_marker_count(struct gaiti_marker *marker, struct gaiti_group group) {
  CHECK_SLOW("mark.dangling",
             !(group.bits & ~AO_load_acquire(&marker->map.allocated[gaiti_ref_word(group.ref)])),
             "a field that its kind calls a reference points to a free slot");
  uint64_t objects = marker_bits_count(group.bits);
  marker->counts.objects += objects;
  marker->counts.bytes += objects * gaiti_marker_bytes(marker, group.ref);
}

/* A loop over references, with all that it needs for each in local variables, that is in
 * registers. */
struct gaiti_gathering {
  struct gaiti_marker *marker;
  const struct gaiti_block_shape *shapes;
  uintptr_t base;
  size_t bytes;
  struct gaiti_group gathered;
  struct gaiti_group *next;
};

GAITI_RACY_INLINE struct gaiti_gathering gaiti_gathering_begin(struct gaiti_marker *marker) {
  return (struct gaiti_gathering){marker,
                                  marker->map.shapes,
                                  marker->map.base,
                                  marker->map.bytes,
                                  gaiti_group_read(&marker->gathered),
                                  marker->next};
}

GAITI_RACY_INLINE void gaiti_gathering_end(const struct gaiti_gathering *gathering) {
  gathering->marker->gathered = gathering->gathered;
  gathering->marker->next = gathering->next;
}

/* Gathers the object with others of the same word of marks, or asks for that word. */
GAITI_RACY_INLINE void gaiti_gathering_add(struct gaiti_gathering *gathering, gaiti_ref ref) {
  if ((ref ^ gathering->gathered.ref) < 64) {
    gathering->gathered.bits |= gaiti_ref_bit(ref);
    return;
  }
  struct gaiti_marker *marker = gathering->marker;
  gaiti_prefetch_for_write(&marker->map.marks[gaiti_ref_word(ref)]);
  if (gathering->gathered.bits) *gathering->next++ = gathering->gathered;
  gathering->gathered = gaiti_group_of(ref);
  if (__builtin_expect(gathering->next != marker->full, 1)) return;
  marker->next = gathering->next;
  gaiti_marker_mark_oldest(marker);
  gathering->next = marker->next;
}

/* Traces one reference: the object that it points to or into is marked if it is not.  A word that
 * lies outside the heap is ignored. */
GAITI_RACY_INLINE void gaiti_gathering_reference(struct gaiti_gathering *gathering,
                                                 uintptr_t word) {
  uintptr_t offset = word - gathering->base;
  gaiti_ref ref;
  if (offset < gathering->bytes &&
      gaiti_shape_find(&gathering->marker->map, gathering->shapes, offset, &ref))
    gaiti_gathering_add(gathering, ref);
}

/* The same of a tagged word, by the heap's rule. */
GAITI_RACY_INLINE void gaiti_gathering_tagged(struct gaiti_gathering *gathering,
                                              const struct gaiti_tags *tags, uintptr_t word) {
  if ((word & tags->mask) - tags->first <= tags->span)
    gaiti_gathering_reference(gathering, word & tags->address);
}

/* The same by a rule that needs one subtraction (.tags.origin). */
GAITI_RACY_INLINE void gaiti_gathering_one_tag(struct gaiti_gathering *gathering,
                                               const struct gaiti_tags *tags, uintptr_t word) {
  uintptr_t offset = word - tags->origin;
  gaiti_ref ref;
  if (offset < gathering->bytes && !(offset & tags->low) &&
      gaiti_shape_find(&gathering->marker->map, gathering->shapes, offset, &ref))
    gaiti_gathering_add(gathering, ref);
}

/* The same for a single one. */
GAITI_RACY_INLINE void gaiti_marker_reference(struct gaiti_marker *marker, uintptr_t word) {
  struct gaiti_gathering gathering = gaiti_gathering_begin(marker);
  gaiti_gathering_reference(&gathering, word);
  gaiti_gathering_end(&gathering);
}

#endif
