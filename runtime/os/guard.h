/* guard.h: pages of a heap that are watched for stores: the option find_missing=stores.
 *
 * A guarded page can be read alone.  A store there is a fault, whose handler notes the place in the
 * program, lets the one instruction have its way and guards the page again.  Two signals and two
 * calls of the system, so some microseconds, for each store; and a call of the system that writes
 * there, such as read(), fails with EFAULT. */
#ifndef GAITI_OS_GUARD_H
#define GAITI_OS_GUARD_H

#include <stdbool.h>

#include "os/symbols.h"

/* Begins to watch heaps; for one more, from `start` on, none of whose pages is guarded yet.  False:
 * not on this machine or in this build, or there is no memory, or no room for more. */
bool gaiti_guard_add(uintptr_t start, size_t bytes);
void gaiti_guard_remove(uintptr_t start);

/* Guards the pages of [start, end), or opens them for good.  Thread: one at a time. */
void gaiti_guard_close(uintptr_t start, uintptr_t end);
void gaiti_guard_open(uintptr_t start, uintptr_t end);

/* Between the two the calling thread's stores open pages for good.  Calls nest. */
void gaiti_guard_suspend(void);
void gaiti_guard_resume(void);

/* Where the word at `slot` was changed last, if that is known. */
bool gaiti_guard_find(uintptr_t slot, struct gaiti_site *site);

#endif
