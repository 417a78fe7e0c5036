/* stop.h: stop the world: every thread at a safepoint or outside managed code. */
#ifndef GAITI_CYCLE_STOP_H
#define GAITI_CYCLE_STOP_H

#include "heap/heap.h"

/* Stops every thread, and lets those go on that were stopped.  Returns how many were in managed
 * state when that was asked for.  Thread: the one that runs the cycle. */
uint32_t gaiti_stop_all(gait_heap *heap);
void gaiti_resume_all(gait_heap *heap);

/* The same, for a fork: gives up at the deadline, says nothing of threads that are late, and
 * returns whether all were stopped.  Thread: any; no cycle is under way. */
bool gaiti_stop_until(gait_heap *heap, uint64_t deadline_ns);

#endif
