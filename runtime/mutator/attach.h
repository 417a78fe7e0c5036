/* attach.h: making the calling OS thread a mutator of a heap, and the end of that. */
#ifndef GAITI_MUTATOR_ATTACH_H
#define GAITI_MUTATOR_ATTACH_H

#include "mutator/thread.h"

/* Attaches the calling OS thread, which is in managed state then.
 * Fails: as gait_thread_attach. */
gait_result gaiti_thread_attach(gait_heap *heap, const char *name, gait_thread_roots roots,
                                gait_thread **thread);

/* Detaches the calling OS thread, in managed state or outside. */
void gaiti_thread_detach(gait_thread *thread);

#endif
