/* fork.h: heaps across fork. */
#ifndef GAITI_CYCLE_FORK_H
#define GAITI_CYCLE_FORK_H

#include "heap/heap.h"

/* Whether the system takes our handlers of forks; from the first call on they are there. */
bool gaiti_fork_handle(void);

/* Puts a heap on the list that fork walks, and takes it off.  False: the system takes no handler.
 */
bool gaiti_fork_register(gait_heap *heap);
void gaiti_fork_forget(gait_heap *heap);

/* Calls `visit` for each heap on the list, with its lock held: no heap goes meanwhile. */
typedef void gaiti_fork_heap_fn(gait_heap *heap, void *arg);
void gaiti_fork_each(gaiti_fork_heap_fn *visit, void *arg);

#endif
