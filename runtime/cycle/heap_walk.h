/* heap_walk.h: the proof of every invariant that can be seen while all threads are stopped, each
 * under the name that the headers give it: the option `heap_walk`. */
#ifndef GAITI_CYCLE_HEAP_WALK_H
#define GAITI_CYCLE_HEAP_WALK_H

#include "heap/heap.h"

/* Stops every thread, goes through blocks, bits, caches, lists and space, and ends the program with
 * the invariant that does not hold.  After sweeping. */
void gaiti_heap_walk(gait_heap *heap);

#endif
