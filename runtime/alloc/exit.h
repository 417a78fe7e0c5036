/* exit.h: what the calling OS thread is attached to, so that it can be detached when it exits. */
#ifndef GAITI_ALLOC_EXIT_H
#define GAITI_ALLOC_EXIT_H

#include "alloc/thread.h"

/* Notes that the calling OS thread has this attachment, and forgets it.  False: the system gives no
 * key. */
bool gaiti_exit_note(gait_thread *thread);
void gaiti_exit_forget(gait_thread *thread);

/* The calling OS thread's attachments, linked by next_exit; NULL when it has none. */
gait_thread *gaiti_exit_first(void);

#endif
