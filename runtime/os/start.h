/* start.h: how the process was started.  Threads inherit from the one that makes them where they
 * may run and how urgently, and a program may have set its threads one by one; the values of the
 * process are those from before it did. */
#ifndef GAITI_OS_START_H
#define GAITI_OS_START_H

#include "os/cpus.h"

/* The CPUs on which the process may run; 1 at least. */
unsigned gaiti_start_cpus(void);

/* Lets the calling thread, one of the collector's own, run where the process may, and as urgently,
 * as far as it is allowed. */
void gaiti_start_restore(void);

/* Whether the calling thread is such a one, and runs where the process may. */
bool gaiti_start_restored(void);

#endif
