/* inspect.h: a look at the heap's objects at the end of a cycle, with every thread stopped.
 *
 * A thread posts an inspection and has a cycle run.  The next full cycle to begin takes what has
 * been posted, and the thread that runs it does the inspections when it has swept: then each slot
 * with an allocation bit has an object that this cycle found, or that was allocated since it began.
 * A young cycle takes none, since it leaves old objects that are dead. */
#ifndef GAITI_CYCLE_INSPECT_H
#define GAITI_CYCLE_INSPECT_H

#include "heap/heap.h"

/*   run      does it; every thread is stopped, and no run of a cache has slots left
 *   next     of those that wait
 *   is_done  written under the lock of the requests */
struct gaiti_inspection {
  void (*run)(gait_heap *heap, struct gaiti_inspection *inspection);
  struct gaiti_inspection *next;
  bool is_done;
};

/* Has the inspection done by a cycle, and returns when it is.  Thread: in managed state; it is
 * outside meanwhile. */
void gaiti_inspect(gait_thread *thread, struct gaiti_inspection *inspection);

/* A full cycle begins: it takes the inspections that have been posted.  Then, after sweeping: does
 * them.  Thread: the one that runs the cycle. */
void gaiti_inspections_take(gait_heap *heap);
void gaiti_inspections_run(gait_heap *heap);

/* In the child of a fork: the threads that wait for inspections are gone. */
void gaiti_inspections_drop(gait_heap *heap);

typedef bool gaiti_inspect_fn(gait_heap *heap, gaiti_ref ref, void *arg);

/* Calls `look` for each object, in the order of addresses, until it returns false. */
void gaiti_inspect_each(gait_heap *heap, gaiti_inspect_fn *look, void *arg);

#endif
