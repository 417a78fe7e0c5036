/* aimed.h: operations aimed at the windows of a cycle. */
#ifndef STRESS_AIMED_H
#define STRESS_AIMED_H

#include "mutator.h"

/* One of them, at random. */
void aimed_step(struct mutator *mutator);

#endif
