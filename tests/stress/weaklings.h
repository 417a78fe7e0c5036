/* weaklings.h: operations of mutators on weak references. */
#ifndef STRESS_WEAKLINGS_H
#define STRESS_WEAKLINGS_H

#include "mutator.h"

/* A random one. */
void weaklings_step(struct mutator *mutator);

#endif
