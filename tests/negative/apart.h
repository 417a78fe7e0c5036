/* apart.h: misuse in a process of its own, since it is to abort, and what that process said. */
#ifndef NEGATIVE_APART_H
#define NEGATIVE_APART_H

#include <stdbool.h>
#include <stddef.h>

/* Ends the process, child or parent, with a sentence where this does not hold. */
void apart_must(bool holds, const char *what);

/* Runs `run(arg)` in a child, which exits with its result.  What the child writes to standard error
 * ends up in `said`, cut at `said_bytes`.  Returns wait's status. */
int apart_run(int (*run)(const void *), const void *arg, char *said, size_t said_bytes);

#endif
