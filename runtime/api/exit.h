/* exit.h: detaching threads that exit attached. */
#ifndef GAITI_API_EXIT_H
#define GAITI_API_EXIT_H

#include "alloc/thread.h"

/* Notes that the calling OS thread has this attachment, and forgets it.  False: the system gives no
 * key. */
bool gaiti_exit_note(gait_thread *thread);
void gaiti_exit_forget(gait_thread *thread);

#endif
