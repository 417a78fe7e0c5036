/* fork_child.h: a fork in the middle of everything. */
#ifndef STRESS_FORK_CHILD_H
#define STRESS_FORK_CHILD_H

#include "mutator.h"

/* Forks.  The child goes on alone, collects, checks its graph and exits; the parent waits for it
 * outside managed code, and ends the program when the child failed.  Does nothing where the
 * sanitizer does not let a child of a threaded program start threads. */
void child_fork(struct mutator *mutator);

#endif
