/* promises.h: the option `check_free`: objects that the program has freed, until a cycle finds them
 * dead, or finds references to them. */
#ifndef GAITI_CYCLE_PROMISES_H
#define GAITI_CYCLE_PROMISES_H

#include "mutator/thread.h"

/*   object  its start
 *   due     the epoch in which the first cycle ends that has begun since
 *   broken  that cycle, a full one, has marked it */
struct gaiti_promise {
  uintptr_t object;
  AO_t due;
  bool broken;
};

/* Guarded by the lock of the requests. */
struct gaiti_promises {
  struct gaiti_promise *table;
  size_t count;
  size_t capacity;
  bool any_broken;
};

void gaiti_promises_destroy(gait_heap *heap);

/* Notes that the program has freed the object, which is zero from here on and is not used again.
 * False: it was freed before.  Thread: the caller, in managed state. */
bool gaiti_promises_add(gait_thread *thread, gaiti_ref ref);

/* Marking has closed, and the epoch has yet to rise: forgets dead objects, and notes which ones a
 * full cycle has found.  Thread: the one that runs the cycle, here and below. */
void gaiti_promises_close(gait_heap *heap);

/* Whether the cycle has found one. */
bool gaiti_promises_are_broken(const gait_heap *heap);

/* Ends the program if an exact reference to such an object is found; after sweeping. */
void gaiti_promises_report(gait_heap *heap);

#endif
