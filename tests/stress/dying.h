/* dying.h: cleanups and finalizers of the graph's objects.
 *
 * Each registration has a token in plain memory.  A function may run once, not after it was
 * stopped, and not while its registrar holds the object; a cleanup not while any place has the
 * object.  A finalizer walks through all that its object refers to, and may store it in a root. */
#ifndef STRESS_DYING_H
#define STRESS_DYING_H

#include "mutator.h"

/* A random operation. */
void dying_step(struct mutator *mutator);

/* Registers a new object that dies at once, as a rule with others that it leads to. */
void dying_add_dead(struct mutator *mutator);

/* Takes a function out of the queue, and calls it. */
void dying_take_one(struct mutator *mutator);

/* Has everything run that is registered, and checks that each has. */
void dying_end(struct graph *graph, gait_thread *thread);

#endif
