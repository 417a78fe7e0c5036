/* finalizer_thread.h: a thread of the library's that runs functions that are due. */
#ifndef GAITI_CYCLE_FINALIZER_THREAD_H
#define GAITI_CYCLE_FINALIZER_THREAD_H

#include "gait/gait.h"

/* Starts it.  Fails: GAIT_ERROR_ALREADY, GAIT_ERROR_SYSTEM. */
gait_result gaiti_finalizer_thread_start(gait_heap *heap);

/* Ends it when the function that it runs has returned; false: there is none.  Thread: any, in no
 * heap's managed state. */
bool gaiti_finalizer_thread_stop(gait_heap *heap);

/* In the child of a fork: it is gone. */
void gaiti_finalizer_thread_forget(gait_heap *heap);

#endif
