/* large.h: objects of more than GAIT_SMALL_BYTES, each in blocks of its own. */
#ifndef GAITI_ALLOC_LARGE_H
#define GAITI_ALLOC_LARGE_H

#include "mutator/thread.h"

/* The bytes of a large object that is to have room for so many: whole granules. */
static inline size_t gaiti_large_round(size_t bytes) {
  return (bytes + GAIT_GRANULE_BYTES - 1) & ~(GAIT_GRANULE_BYTES - 1);
}

/* Takes and zeroes one large object of `bytes` bytes, more than GAIT_SMALL_BYTES.
 * Thread: the caller, in managed state; it is outside while much is zeroed. */
enum gaiti_take gaiti_large_take(gait_thread *thread, uint16_t kind, size_t bytes, uint64_t limit,
                                 void **object);

#endif
