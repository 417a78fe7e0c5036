/* root_scan.h: scanning roots: a thread's own, and those registered with the heap. */
#ifndef GAITI_MARK_ROOT_SCAN_H
#define GAITI_MARK_ROOT_SCAN_H

#include "mutator/thread.h"
#include "mark/marker.h"

/* Shades the references in a thread's saved registers, stack and exact frames.  Thread: its owner,
 * having saved its frame, or the one that has suspended it.  Returns the bytes looked at. */
size_t gaiti_roots_scan_thread(gait_thread *thread, struct gaiti_barrier_buffer **buffer);

/* Marks the same.  Thread: the one that runs the cycle; it has suspended
 * `thread`. */
size_t gaiti_roots_mark_thread(gait_thread *thread, struct gaiti_marker *marker);

/* Marks the references in its exact frames and scopes, for checkmark. */
void gaiti_roots_mark_frames(gait_thread *thread, struct gaiti_marker *marker);

/* A visitor of each stretch of words that may hold references of a thread or a fiber. */
typedef void gaiti_roots_range_fn(gait_heap *heap, const void *start, const void *end, void *arg);

/* Calls `visit` for the exact frames, the scopes, the saved registers and the stack; while the
 * thread runs on a fiber, for its own stack too.  Returns the bytes. */
size_t gaiti_roots_each_range(gait_thread *thread, gaiti_roots_range_fn *visit, void *arg);

/* The same for a stack that no thread runs on. */
size_t gaiti_roots_each_parked(gait_heap *heap, const struct gaiti_parked *stack,
                               gaiti_roots_range_fn *visit, void *arg);

/* Visitors that shade and mark; `arg` is the buffer's place, and the marker. */
gaiti_roots_range_fn gaiti_roots_shade_range, gaiti_roots_mark_range;

/* Marks those in the exact frames and scopes of a stack that no thread runs on, for checkmark. */
void gaiti_roots_mark_parked_frames(gait_heap *heap, const struct gaiti_parked *stack,
                                    struct gaiti_marker *marker);

enum gaiti_roots_which {
  GAITI_ROOTS_ALL,
  GAITI_ROOTS_UNBARRIERED_ONLY,
};

/* Marks the references in the registered roots and handles.  Takes the registry's lock for a piece
 * at a time.  Returns the bytes looked at. */
size_t gaiti_roots_scan_registered(gait_heap *heap, struct gaiti_marker *marker,
                                   enum gaiti_roots_which which);

#endif
