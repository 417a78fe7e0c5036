/* coroutines.h: fibers of an era, on which its threads go on by turns. */
#ifndef STRESS_COROUTINES_H
#define STRESS_COROUTINES_H

#include "mutator.h"

/* Makes the table of fibers; there are none yet. */
struct coroutines *coroutines_new(void);

/* Unregisters those that are left, in whatever they were doing. */
void coroutines_delete(struct coroutines *coroutines, struct graph *graph, gait_thread *thread);

/* On a thread's own stack: takes one of the fibers up, or begins or ends one.  On a fiber:
 * goes back to the thread that took it up, and returns when one takes it up again. */
void coroutines_step(struct mutator *mutator);

#endif
