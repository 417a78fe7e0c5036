/* freed_slots.h: slots of objects that the program has freed, and their next use. */
#ifndef GAITI_ALLOC_FREED_SLOTS_H
#define GAITI_ALLOC_FREED_SLOTS_H

#include "mutator/thread.h"

/* Keeps the slot of a small object for the next allocation of its kind and class, where that is
 * safe now; else the object stays until a cycle finds it dead.  Thread: the caller, in managed
 * state.  No safepoint. */
void gaiti_free(gait_thread *thread, gaiti_ref ref);

/* Makes such a slot the run of a cache that has none.  False: there is no such slot.  Thread: the
 * holder, in managed state. */
bool gaiti_freed_take(gait_thread *thread, uint16_t kind, unsigned size_class);

/* Whether the processor has the slot that starts at `address`. */
bool gaiti_freed_has(const gait_thread *thread, uintptr_t address);

#endif
