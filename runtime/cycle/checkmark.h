/* checkmark.h: a second mark with every thread stopped, beside which marking must have missed
 * nothing: the option `checkmark`. */
#ifndef GAITI_CYCLE_CHECKMARK_H
#define GAITI_CYCLE_CHECKMARK_H

#include "heap/heap.h"

/* Marks a second time, into bits of its own, with every thread stopped, and fails when that finds
 * an object which marking did not.  After marking has closed, before the epoch rises. */
void gaiti_checkmark(gait_heap *heap);

#endif
