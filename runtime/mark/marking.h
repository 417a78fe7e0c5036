/* marking.h: the marking of one heap, shared by all markers: the queue of grey objects, the markers
 * at work on it, and the counts of the work done.
 *
 * An entry of the queue is a group of marked objects that have not been traced, or the place in a
 * large one from where it has not.
 *
 * Segments of entries go to and fro between the markers and a list under the lock.  When the list
 * is full or the system gives no memory for it, entries are dropped and `overflowed` is set: their
 * objects are marked, and a walk over all marked objects finds them again.
 *
 * .inv.active  `active` markers may hold entries of their own.  A marker takes work, becomes active
 *              and stops being active under the lock, having given back all that it held and added
 *              its counts.  So: no segment listed, no shade pending and none active means that
 *              nothing is grey outside the threads' buffers, and the counts are whole.
 * .inv.joined  A thread that helps becomes active only while marking is open: from the moment when
 *              roots may be scanned, all barriers being on, until marking is closed.  Both are
 *              changed and looked at under the lock, so a helper is active in the cycle that it
 *              has seen, which cannot end without it.  Had it looked at the phase and then become
 *              active, the next cycle could have begun in between, and it would trace objects that
 *              a coming or going root has queued before all barriers are on. */
#ifndef GAITI_MARK_MARKING_H
#define GAITI_MARK_MARKING_H

#include "barrier/buffers.h"

#define GAITI_SEGMENT_ENTRIES 511

/* References from large objects may pile up in the queue to one part in so many of the mapped heap.
 */
#define GAITI_MARKING_AHEAD 64

struct gaiti_segment {
  struct gaiti_segment *next;
  uint32_t count;
  struct gaiti_group entries[GAITI_SEGMENT_ENTRIES];
};

/* Done so far in this cycle; guarded by the lock.
 *   objects, bytes  newly marked
 *   scan_bytes      of kinds that have references, traced */
struct gaiti_mark_counts {
  uint64_t objects;
  uint64_t bytes;
  uint64_t scan_bytes;
};

struct gaiti_marking {
  struct gaiti_lock lock;
  struct gaiti_condition changed; /* work came, or the last marker stopped */
  struct gaiti_segment *work;
  struct gaiti_segment *empty;
  struct gaiti_marker *spare;   /* markers that no thread uses */
  struct gaiti_marker *reserve; /* the one of gaiti_marker_take_reserve; NULL while in use */
  AO_t segments;                /* listed in `work` */
  AO_t segments_ahead;          /* while so many are not listed, large objects come first */
  AO_t hungry;                  /* markers that wait for work */
  uint32_t allocated_segments;
  uint32_t active;
  bool open; /* threads that help may mark */
  AO_t overflowed;
  struct gaiti_mark_counts counts;
  AO_t scan_bytes; /* counts.scan_bytes, to be read without the lock */
  AO_t root_bytes; /* stacks and other roots scanned in this cycle */
};

bool gaiti_marking_init(gait_heap *heap);
void gaiti_marking_destroy(gait_heap *heap);

/* Forgets the counts of the last cycle. */
void gaiti_marking_begin(gait_heap *heap);

/* Lets threads that help mark: all barriers are on. */
void gaiti_marking_open(gait_heap *heap);

/* In the child of a fork: no marker is active, and no thread waits; and the entries of the queue
 * are dropped, for a cycle that is not gone on with. */
void gaiti_marking_forget_markers(gait_heap *heap);
void gaiti_marking_drop(gait_heap *heap);

/* Gives the memory of the queue back; after marking. */
void gaiti_marking_trim(gait_heap *heap);

/* Takes an empty segment; NULL when there is to be no more. */
struct gaiti_segment *gaiti_segment_take(gait_heap *heap);

/* Lists a segment with work, and wakes the markers that wait for it. */
void gaiti_segment_give_work(gait_heap *heap, struct gaiti_segment *segment);

struct gaiti_mark_counts gaiti_marking_counts(gait_heap *heap);

/* Whether nothing is grey outside the threads' buffers, neither in the queue nor fallen out of it,
 * and how many objects had been marked by that moment. */
bool gaiti_marking_note_idle(gait_heap *heap, uint64_t *objects);

/* Whether nothing is grey outside the threads' buffers: .inv.active. */
bool gaiti_marking_is_idle(gait_heap *heap);

/* Closes marking when it is idle and no object was marked since `objects` were: takes both locks,
 * so no buffer comes in between.  From then on buffers are refused, and so are threads that help.
 */
bool gaiti_marking_try_close(gait_heap *heap, uint64_t objects);

/* Notes that an object has been marked, not traced, and is in no queue; whether such objects have
 * to be looked for; and that this is being done. */
void gaiti_marking_note_dropped(gait_heap *heap);
bool gaiti_marking_overflowed(const gait_heap *heap);
void gaiti_marking_forget_overflow(gait_heap *heap);

/* Waits, at most `ns`, while marking is neither idle nor has work to take; markers share theirs
 * meanwhile.  Returns whether it has waited. */
bool gaiti_marking_wait(gait_heap *heap, uint64_t ns);

static inline bool gaiti_marking_has_work(const gait_heap *heap) {
  return AO_load_acquire(&heap->marking->segments) != 0 || gaiti_buffers_pending(heap);
}

#endif
