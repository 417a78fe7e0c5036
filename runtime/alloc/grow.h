/* grow.h: objects that grow where they lie. */
#ifndef GAITI_ALLOC_GROW_H
#define GAITI_ALLOC_GROW_H

#include "mutator/thread.h"

/* Makes room for `bytes` bytes in the object's own slot.  False: it has none.  Thread: the caller,
 * in managed state.  No safepoint.  `caller`: the address to which the program's call returns. */
bool gaiti_grow(gait_thread *thread, gaiti_ref ref, size_t bytes, const void *caller);

#endif
