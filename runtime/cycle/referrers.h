/* referrers.h: a search for the referrers of one object, while every thread is stopped. */
#ifndef GAITI_CYCLE_REFERRERS_H
#define GAITI_CYCLE_REFERRERS_H

#include "gait/walk.h"
#include "heap/heap.h"

/* As gait_object_walk_referrers, for the object of `target`.  False: no memory for it.  Thread: the
 * one that runs the cycle, which has swept. */
bool gaiti_referrers_find(gait_heap *heap, gaiti_ref target, gait_referrer_fn *visit, void *arg);

/* Whether tracing the one object comes to the other; false also where there is no memory for it.
 * Every thread is stopped. */
bool gaiti_referrers_has(gait_heap *heap, uintptr_t object, uintptr_t referent);

#endif
