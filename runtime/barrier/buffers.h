/* buffers.h: write-barrier buffers: shaded references on their way from the threads to the markers.
 *
 * A thread puts raw words into its processor's buffer; a full buffer, or one that is flushed, goes
 * to the shared list, from which markers take it.
 *
 * Shading cannot fail: a lost shade would lose an object.  Nor may it wait: no marker may empty a
 * buffer before all barriers are on, and the thread that waits is no safepoint.  So when the system
 * gives no buffer, the thread marks the object itself, there and then, and raises `spilled`: such
 * an object is grey, and is found, as one whose entry fell out of the queue is, by the walk over
 * all marked objects.
 *
 * .inv.open  The list takes words only while it is open: from before the first barrier is on until
 *            marking is closed, both under the lock.  It may not open later: a store in flight
 *            would lose its shade (tests/model/start.pml).  A shade that comes after the close is
 *            dropped: it proves nothing, and would set a mark that the next cycle took for its
 *            own.
 *
 * Litmus: flushed, scanned. */
#ifndef GAITI_BARRIER_BUFFERS_H
#define GAITI_BARRIER_BUFFERS_H

#include "mutator/thread.h"

struct gaiti_barrier_buffer {
  struct gaiti_barrier_buffer *next;
  uint32_t count;
  uint32_t capacity;
  uintptr_t words[];
};

struct gaiti_barrier_buffers {
  struct gaiti_lock lock;
  struct gaiti_barrier_buffer *full;
  struct gaiti_barrier_buffer *empty;
  AO_t pending; /* buffers in `full` */
  bool open;
  bool leaves_count;        /* ephemerons may wait for leaves; under the lock */
  AO_t roots_scanned;       /* all roots have been scanned: a stored value needs no shade */
  AO_t spilled;             /* objects were marked that have not been traced */
  uint64_t spilled_objects; /* marked here, and not yet counted by marking */
  uint64_t spilled_bytes;
};

bool gaiti_buffers_init(gait_heap *heap);
void gaiti_buffers_destroy(gait_heap *heap);

/* Puts a word into *buffer, which may be NULL, and hands the buffer over when it is full. */
void gaiti_shade_word(gait_heap *heap, struct gaiti_barrier_buffer **buffer, uintptr_t word);

/* Shades every aligned word of [start, end) that lies within the heap's addresses, as it is or by
 * the heap's rule for tagged references. */
void gaiti_shade_range(gait_heap *heap, struct gaiti_barrier_buffer **buffer, const void *start,
                       const void *end);

/* Shades the object at `word`, straight into the list, unless that is closed.  Returns whether it
 * was open. */
bool gaiti_buffers_shade_now(gait_heap *heap, uintptr_t word);

/* Hands *buffer over while the list is open, and drops its entries otherwise; leaves NULL. */
void gaiti_buffers_flush(gait_heap *heap, struct gaiti_barrier_buffer **buffer);

/* In the child of a fork: takes the buffers of all processors away; and drops the entries of the
 * list and closes it, for a cycle that is not gone on with. */
void gaiti_buffers_forget_owned(gait_heap *heap);
void gaiti_buffers_drop(gait_heap *heap);

/* Sees that `count` empty buffers are there, as far as there is memory. */
void gaiti_buffers_reserve(gait_heap *heap, uint32_t count);

/* Gives the memory of all but `keep` empty buffers back. */
void gaiti_buffers_trim(gait_heap *heap, uint32_t keep);

/* Takes the counts of objects that were marked here since the last call. */
void gaiti_buffers_take_spilled(gait_heap *heap, uint64_t *objects, uint64_t *bytes);

/* Opens the list; before any root is scanned. */
void gaiti_buffers_open(gait_heap *heap);

/* Whether leaves that are marked without a buffer have to be found as others; before any barrier is
 * on, or when marking has closed. */
void gaiti_buffers_set_leaves_count(gait_heap *heap, bool count);

/* From now on only the overwritten value has to be shaded, until the list is opened anew: all roots
 * have been scanned, and none of them is written without the barrier. */
void gaiti_buffers_note_scanned(gait_heap *heap);

/* Whether it is open.  It may be closed a moment later, unless the caller has an active marker. */
bool gaiti_buffers_open_now(gait_heap *heap);

/* Takes a full buffer, or NULL; gives an emptied one back. */
struct gaiti_barrier_buffer *gaiti_buffers_take(gait_heap *heap);
void gaiti_buffers_give(gait_heap *heap, struct gaiti_barrier_buffer *buffer);

static inline bool gaiti_buffers_roots_are_scanned(const gait_heap *heap) {
  return AO_load_acquire(&heap->buffers->roots_scanned) != 0;
}

static inline bool gaiti_buffers_pending(const gait_heap *heap) {
  return AO_load_acquire(&heap->buffers->pending) != 0;
}

#endif
