/* grow.h: objects that grow where they lie. */
#ifndef GAITI_ALLOC_GROW_H
#define GAITI_ALLOC_GROW_H

#include "mutator/thread.h"

/* Makes room for `bytes` bytes in the object's own slot.  False: it has none.  Thread: the caller,
 * in managed state.  No safepoint. */
bool gaiti_grow(gait_thread *thread, gaiti_ref ref, size_t bytes);

#endif
