/* local_stack.h: the marked groups that a marker has found and not yet traced: two segments of its
 * own, from which full ones go to the queue of the heap.
 *
 * Models: overflow. */
#ifndef GAITI_MARK_LOCAL_STACK_H
#define GAITI_MARK_LOCAL_STACK_H

#include "mark/marker.h"

/* Neither segment has room: one goes to the others.  Without memory for a new one returns false,
 * and an entry that finds no room is dropped (marking.h). */
bool gaiti_local_make_room(struct gaiti_marker *marker);

/* Of a marker that marks alone: takes back the segment that it filled last, in place of its empty
 * one.  False: there is none. */
bool gaiti_local_unstash(struct gaiti_marker *marker);

/* Gives `count` entries of the local stack, from `first` on, to markers that wait. */
void gaiti_local_share(struct gaiti_marker *marker, uint32_t first, uint32_t count);

/* Puts a group on the local stack; drops it where there is no room (gaiti_local_make_room). */
static inline void gaiti_local_push(struct gaiti_marker *marker, struct gaiti_group group) {
  if (marker->local->count == GAITI_SEGMENT_ENTRIES && !gaiti_local_make_room(marker)) return;
  marker->local->entries[marker->local->count++] = group;
}

/* A group that has been found, or the rest of a large object, waits to be traced. */
static inline void gaiti_local_wait(struct gaiti_marker *marker, struct gaiti_group group) {
  if (__builtin_expect(group.ref & GAITI_REF_LARGE, 0) && marker->large_count < GAITI_MARKER_LARGE)
    marker->large[marker->large_count++] = group;
  else
    gaiti_local_push(marker, group);
}

/* Whether the local stack has anything; its newer part is then in `local`. */
static inline bool gaiti_local_has(struct gaiti_marker *marker) {
  if (marker->local->count > 0) return true;
  struct gaiti_segment *empty = marker->local;
  marker->local = marker->spare;
  marker->spare = empty;
  return marker->local->count > 0;
}

/* Whether other markers wait for work. */
static inline bool gaiti_local_others_hungry(const struct gaiti_marker *marker) {
  return AO_load(&marker->heap->marking->hungry) != 0 && !marker->alone;
}

#endif
