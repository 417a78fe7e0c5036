/* totals.h: all that a heap's threads have allocated. */
#ifndef GAITI_ALLOC_TOTALS_H
#define GAITI_ALLOC_TOTALS_H

#include "heap/heap.h"

/*   alloc_bytes, alloc_objects  since the heap was created; exact for threads that are not running
 *   unflushed_live_bytes  taken by caches, and in no count of the heap yet
 *   processors            that there are */
struct gaiti_totals {
  uint64_t alloc_bytes;
  uint64_t alloc_objects;
  uint64_t unflushed_live_bytes;
  uint64_t processors;
};

/* Sums them; neither of the first two is ever less than before.  Locks: none of the processors'. */
void gaiti_totals_read(gait_heap *heap, struct gaiti_totals *totals);

#endif
