/* assist.h: marking that allocation pays for. */
#ifndef GAITI_CYCLE_ASSIST_H
#define GAITI_CYCLE_ASSIST_H

#include "mutator/thread.h"

/* Charges the thread for `bytes` just allocated; nothing while not marking. */
void gaiti_assist_charge(gait_thread *thread, size_t bytes);

/* Works off the thread's debt: by drawing on the workers' credit, and by marking for a bounded time
 * for the rest.  A debt that is left then stays.
 * Thread: in managed state, on the slow path of allocation. */
void gaiti_assist_pay(gait_thread *thread);

/* Marks for a bounded time, whatever is owed: for a thread that has to wait for the cycle anyway.
 * Returns whether there was anything to mark. */
bool gaiti_assist_step(gait_thread *thread);

#endif
