/* checkmark.h: does the heap keep the invariants of the design?  For the options `checkmark` and
 * `heap_walk`. */
#ifndef GAITI_CYCLE_CHECKMARK_H
#define GAITI_CYCLE_CHECKMARK_H

#include "heap/heap.h"

/* Marks a second time, into bits of its own, with every thread stopped, and fails when that finds
 * an object which marking did not.  After marking has closed, before the epoch rises. */
void gaiti_checkmark(gait_heap *heap);

/* Holds every thread and proves the invariants of blocks, bits, caches, lists and space.  After
 * sweeping. */
void gaiti_heap_walk(gait_heap *heap);

#endif
