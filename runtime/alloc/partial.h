/* partial.h: swept blocks with free slots that no cache owns, by kind and size class.
 *
 * .inv.partial  A listed block is formatted for its list's kind and class, and is owned by no
 *                cache.  It has the heap's epoch, but for the time from the rise of the epoch to
 *                the begin of sweeping: then every list is emptied, and sweeping lists the blocks
 *                anew.  A thread that takes a block off its list meanwhile compares the epochs
 *                (gaiti_blocks_partial). */
#ifndef GAITI_ALLOC_PARTIAL_H
#define GAITI_ALLOC_PARTIAL_H

#include "heap/heap.h"

struct gaiti_partial_list {
  uint32_t first;
  uint32_t last;
};

struct gaiti_partial {
  struct gaiti_lock lock;
  AO_t count;                                       /* listed blocks; read without the lock */
  struct gaiti_partial_list *kinds[GAIT_MAX_KINDS]; /* GAIT_SIZE_CLASSES lists, or NULL */
};

bool gaiti_partial_init(gait_heap *heap);
void gaiti_partial_destroy(gait_heap *heap);

/* Takes a block off its list; GAITI_NO_BLOCK when the list is empty. */
uint32_t gaiti_partial_take(gait_heap *heap, uint16_t kind, unsigned size_class);

/* Lists a block, at the end.  False: out of memory for the lists of a new kind; the block then
 * stays unlisted until the next sweep. */
bool gaiti_partial_give(gait_heap *heap, uint32_t block);

/* Empties every list; the lock is taken inside. */
void gaiti_partial_clear(gait_heap *heap);

#endif
