/* allocate.h: the slow path of allocation. */
#ifndef GAITI_ALLOC_ALLOCATE_H
#define GAITI_ALLOC_ALLOCATE_H

#include "mutator/thread.h"

/* A zeroed object of `bytes` bytes, of a kind of the thread's heap.  NULL: no object has that size,
 * or there is no memory.  `caller`: the address to which the program's call returns.  Thread: the
 * caller, in managed state.  A safepoint. */
void *gaiti_allocate(gait_thread *thread, uint16_t kind, size_t bytes, const void *caller);

#endif
