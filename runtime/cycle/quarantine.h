/* quarantine.h: the option find_missing at the end of marking: a last look at stores without the
 * barrier, and dead objects that stay for a while, so that a use of one is noticed. */
#ifndef GAITI_CYCLE_QUARANTINE_H
#define GAITI_CYCLE_QUARANTINE_H

#include "heap/heap.h"

/* Ends the program with a report where a reference was stored without the barrier.  Marking has
 * closed, and every thread is stopped. */
void gaiti_quarantine_check(gait_heap *heap);

/* Marks objects that are dead, and all that they lead to: weak references to them are cleared, the
 * live heap has been counted, and the epoch has yet to rise. */
void gaiti_quarantine_fill(gait_heap *heap);

#endif
