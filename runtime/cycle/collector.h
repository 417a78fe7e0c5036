/* collector.h: the runner of a cycle: the collector's thread, or one that allocates; and the
 * threads that ask for one. */
#ifndef GAITI_CYCLE_COLLECTOR_H
#define GAITI_CYCLE_COLLECTOR_H

#include "gait/tune.h"
#include "mutator/thread.h"

/* Asks for a cycle after an allocation of `bytes`, an inline one when little is to be marked;
 * returns at once.  Thread: any that holds no lock. */
void gaiti_collector_request(gait_heap *heap, gait_cycle_cause cause, size_t bytes);

/* Has the collector's thread prepare blocks (heap/space.h), if it has nothing else to do.
 * Thread: any that holds no lock. */
void gaiti_collector_prepare(gait_heap *heap);

/* Settings have changed: has the collector's thread look whether a cycle is due, and how much
 * memory is over; returns at once.  Thread: any that holds no lock. */
void gaiti_collector_review(gait_heap *heap);

/* Whether an inline cycle is due, for the next thread that allocates. */
bool gaiti_collector_inline_is_due(const gait_heap *heap);

/* Runs the inline cycle that is due, as far as that goes without waiting for long, and leaves the
 * rest to the collector's thread.  Returns whether there was one that it might run.  Thread: in
 * managed state; it is outside meanwhile. */
bool gaiti_collector_run_inline(gait_thread *thread);

/* Runs a cycle that begins after this call and returns when it has ended; helps to mark.
 * Thread: in managed state; it is outside meanwhile. */
void gaiti_collector_collect(gait_thread *thread, gait_cycle_cause cause);

/* Waits until the cycle under way, or the next when there is none, has ended; helps to mark.  As
 * above, but a cycle that had begun will do. */
void gaiti_collector_wait_for_cycle(gait_thread *thread, gait_cycle_cause cause);

/* Waits a little for the cycle under way to get on: until there is something to mark, or until it
 * reaches another phase, for less than half a millisecond.  Runs the cycle that was asked for when
 * the collector has no thread.  Thread: in managed state; it is outside meanwhile. */
void gaiti_collector_stall(gait_thread *thread);

/* Ends the collector's thread, after the cycle under way. */
void gaiti_collector_stop(gait_heap *heap);

#endif
