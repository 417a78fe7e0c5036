/* candidates.h: the way of a reference into a marker, inline: what is done for every field of every
 * object.  marker.c has the whole picture. */
#ifndef GAITI_MARK_CANDIDATES_H
#define GAITI_MARK_CANDIDATES_H

#include "mark/marker.h"

/* Looks at the mark bit of the candidate that has waited longest. */
void gaiti_marker_mark_oldest(struct gaiti_marker *marker);

/* Asks for the object's mark bit, and lets it wait. */
static inline __attribute__((always_inline)) void gaiti_marker_add(struct gaiti_marker *marker,
                                                                   gaiti_ref ref) {
  gaiti_prefetch_for_write(&marker->map.marks[gaiti_ref_word(ref)]);
  if (marker->candidates_tail - marker->candidates_head == GAITI_CANDIDATES)
    gaiti_marker_mark_oldest(marker);
  marker->candidates[marker->candidates_tail++ % GAITI_CANDIDATES] = ref;
}

/* Traces one reference: the object that it points to or into is marked if it is not.  A word that
 * lies outside the heap is ignored. */
GAITI_RACY_INLINE void gaiti_marker_reference(struct gaiti_marker *marker, uintptr_t word) {
  gaiti_ref ref = gaiti_map_find(&marker->map, word);
  if (ref) gaiti_marker_add(marker, ref);
}

#endif
