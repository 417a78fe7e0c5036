/* collector.h: the thread that runs cycles, and those who ask for one. */
#ifndef GAITI_CYCLE_COLLECTOR_H
#define GAITI_CYCLE_COLLECTOR_H

#include "alloc/thread.h"

/* Asks for a cycle after an allocation of `bytes`; returns at once.
 * Thread: any that holds no lock. */
void gaiti_collector_request(gait_heap *heap, gait_cycle_cause cause, size_t bytes);

/* Runs a cycle that begins after this call and returns when it has ended; helps to mark.
 * Thread: in managed state; it is outside meanwhile. */
void gaiti_collector_collect(gait_thread *thread, gait_cycle_cause cause);

/* Waits until the cycle under way, or the next when there is none, has ended; helps to mark.  As
 * above, but a cycle that had begun will do. */
void gaiti_collector_wait_for_cycle(gait_thread *thread, gait_cycle_cause cause);

/* Waits a little for the cycle under way to get on: until it reaches another phase, for less
 * than half a millisecond.  Runs the cycle that was asked for when the collector has no thread.
 * Thread: in managed state; it is outside meanwhile. */
void gaiti_collector_stall(gait_thread *thread);

/* Ends the collector's thread, after the cycle under way. */
void gaiti_collector_stop(gait_heap *heap);

#endif
