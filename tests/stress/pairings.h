/* pairings.h: operations of mutators on ephemerons. */
#ifndef STRESS_PAIRINGS_H
#define STRESS_PAIRINGS_H

#include "mutator.h"

/* A random one. */
void pairings_step(struct mutator *mutator);

#endif
