/* large.h: objects of more than GAIT_SMALL_BYTES, each in blocks of its own. */
#ifndef GAITI_ALLOC_LARGE_H
#define GAITI_ALLOC_LARGE_H

#include "mutator/thread.h"

/* Takes and zeroes one large object of `bytes` bytes, more than GAIT_SMALL_BYTES.
 * Thread: the caller, in managed state; it is outside while much is zeroed. */
enum gaiti_take gaiti_large_take(gait_thread *thread, uint16_t kind, size_t bytes, uint64_t limit,
                                 void **object);

#endif
