/* supply.h: blocks for caches, and large objects, out of the heap's free space. */
#ifndef GAITI_ALLOC_SUPPLY_H
#define GAITI_ALLOC_SUPPLY_H

#include "alloc/thread.h"

/* Takes a free block for a cache of the processor and formats it for one kind and size class. */
enum gaiti_take gaiti_supply_block(gait_heap *heap, const struct gaiti_proc *proc, uint16_t kind,
                                   unsigned size_class, uint64_t limit, uint32_t *block);

/* Takes a listed block with free slots; GAITI_NO_BLOCK when there is none. */
uint32_t gaiti_supply_available(gait_heap *heap, uint16_t kind, unsigned size_class);

/* Takes and zeroes one large object of `bytes` bytes, more than GAIT_SMALL_BYTES.
 * Thread: the caller, in managed state; it is outside while much is zeroed. */
enum gaiti_take gaiti_supply_large(gait_thread *thread, uint16_t kind, size_t bytes, uint64_t limit,
                                   void **object);

#endif
