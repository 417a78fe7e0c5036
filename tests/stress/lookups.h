/* lookups.h: operations of mutators on weak tables. */
#ifndef STRESS_LOOKUPS_H
#define STRESS_LOOKUPS_H

#include "mutator.h"

/* A random one. */
void lookups_step(struct mutator *mutator);

#endif
