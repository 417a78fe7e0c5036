/* barrier.h: stores of many references at once.  Those of one are the public gait_store_slow and
 * its parts (include/gait/inline.h), which stand here as well: they run for every store. */
#ifndef GAITI_BARRIER_BARRIER_H
#define GAITI_BARRIER_BARRIER_H

#include "mutator/thread.h"

/* As gait_copy and gait_clear, of one slot at least.  Thread: the caller, in managed state. */
void gaiti_copy(gait_thread *thread, void **target, void *const *source, size_t count);
void gaiti_clear(gait_thread *thread, void **target, size_t count);

#endif
