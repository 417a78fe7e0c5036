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

/* A visitor of each stretch of words that may hold a thread's references. */
typedef void gaiti_roots_range_fn(gait_thread *thread, const void *start, const void *end,
                                  void *arg);

/* Calls `visit` for the exact frames, the scopes, the saved registers and the stack.  Returns the
 * bytes. */
size_t gaiti_roots_each_range(gait_thread *thread, gaiti_roots_range_fn *visit, void *arg);

enum gaiti_roots_which {
  GAITI_ROOTS_ALL,
  GAITI_ROOTS_UNBARRIERED_ONLY,
};

/* Marks the references in the registered roots and handles.  Takes the registry's lock for a piece
 * at a time.  Returns the bytes looked at. */
size_t gaiti_roots_scan_registered(gait_heap *heap, struct gaiti_marker *marker,
                                   enum gaiti_roots_which which);

#endif
