/* throttle.h: the debt of an allocation to the cycle, and its waits for memory. */
#ifndef GAITI_CYCLE_THROTTLE_H
#define GAITI_CYCLE_THROTTLE_H

#include "mutator/thread.h"

/* The hooks `pay`, `account`, `limit` and `wait` of allocation (heap/hooks.h). */
void gaiti_throttle_pay(gait_thread *thread);
void gaiti_throttle_account(gait_thread *thread, size_t bytes);
uint64_t gaiti_throttle_limit(const gait_heap *heap, const struct gaiti_attempt *attempt);
bool gaiti_throttle_wait(gait_thread *thread, size_t bytes, struct gaiti_attempt *attempt);

/* As `account`, after an object has come to hold so many bytes more outside the heap; then a
 * safepoint, at which the thread pays its debt and, if the bytes were more than none, waits as it
 * would for memory of the heap.  Thread: in managed state. */
void gaiti_throttle_account_external(gait_thread *thread, size_t bytes);

#endif
