/* blocks.h: the block allocator of the caches: blocks with free slots, swept or fresh. */
#ifndef GAITI_ALLOC_BLOCKS_H
#define GAITI_ALLOC_BLOCKS_H

#include "mutator/thread.h"

/* Takes a free block for a cache of the processor and formats it for one kind and size class. */
enum gaiti_take gaiti_blocks_fresh(gait_heap *heap, const struct gaiti_proc *proc, uint16_t kind,
                                   unsigned size_class, uint64_t limit, uint32_t *block);

/* Takes a listed block with free slots; GAITI_NO_BLOCK when there is none. */
uint32_t gaiti_blocks_partial(gait_heap *heap, uint16_t kind, unsigned size_class);

#endif
