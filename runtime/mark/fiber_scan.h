/* fiber_scan.h: scanning the stacks and values of fibers (mutator/fibers.c argues when). */
#ifndef GAITI_MARK_FIBER_SCAN_H
#define GAITI_MARK_FIBER_SCAN_H

#include "mark/marker.h"
#include "mutator/fibers.h"

/* Shades the references on a fiber's stack.  Thread: one that has claimed it.  Returns the bytes
 * looked at. */
size_t gaiti_fiber_shade(gait_fiber *fiber, struct gaiti_barrier_buffer **buffer);

/* Marks from the values of all fibers, and from parked stacks that this cycle has not scanned, with
 * `marker`.  Returns false where it has to leave the rest to a later call, since `deadline_ns`
 * (GAITI_NO_DEADLINE: none) has come.  Thread: the one that runs the cycle, when all threads have
 * scanned their stacks. */
bool gaiti_fibers_scan(gait_heap *heap, struct gaiti_marker *marker, uint64_t deadline_ns);

/* The same with every thread stopped: stacks that may have come to hold a hidden reference since
 * they were scanned; or, if `all`, all of them and the values. */
void gaiti_fibers_mark_stopped(gait_heap *heap, struct gaiti_marker *marker, bool all);

/* Marks from values and exact frames, for checkmark. */
void gaiti_fibers_mark_frames(gait_heap *heap, struct gaiti_marker *marker);

#endif
