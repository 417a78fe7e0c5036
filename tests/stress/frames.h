/* frames.h: references that the compiler keeps where it likes. */
#ifndef STRESS_FRAMES_H
#define STRESS_FRAMES_H

#include "mutator.h"

/* Does something random with references that are in locals, parameters and results of functions
 * only: on a thread with a conservative stack.  Other threads: nothing. */
void frames_step(struct mutator *mutator);

#endif
