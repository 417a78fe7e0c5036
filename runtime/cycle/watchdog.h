/* watchdog.h: threads that are late for a safepoint, named in the log with their stacks. */
#ifndef GAITI_CYCLE_WATCHDOG_H
#define GAITI_CYCLE_WATCHDOG_H

#include "heap/heap.h"

/* A report on a late thread.  It is copied from the thread under the lock, and written without it:
 * the thread may be gone by then. */
struct gaiti_late_thread {
  bool found;
  int tid;
  char line[160];
};

/* Fills in a report where the thread, which may be NULL, is late since `since_ns` and has not been
 * reported in this series.  Locks: the threads'. */
void gaiti_watchdog_look_locked(gait_heap *heap, gait_thread *thread, uint64_t since_ns,
                                struct gaiti_late_thread *late);

/* Writes a report that was filled in.  Thread: the one that runs the cycle.  Locks: none. */
void gaiti_watchdog_report(gait_heap *heap, const struct gaiti_late_thread *late);

/* A series of handshakes is over, the slowest of which took so long: threads that were late may be
 * reported again. */
void gaiti_watchdog_forget(gait_heap *heap, uint64_t slowest_ns);

#endif
