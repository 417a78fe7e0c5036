/* census.h: the count of the live heap when marking has closed. */
#ifndef GAITI_CYCLE_CENSUS_H
#define GAITI_CYCLE_CENSUS_H

#include "gait/tune.h"
#include "heap/heap.h"
#include "pacer.h"

/* Bytes of the heap at the last census, without external ones.
 *   found_bytes     of objects that the last cycle has found live, or taken for live
 *   kept_bytes      found_bytes, and bytes allocated while that cycle marked
 *   new_bytes       allocated between the marks of the last two
 *   reserved_bytes  of kept_bytes: in runs, and not handed out when marking ended */
struct gaiti_census {
  uint64_t found_bytes;
  uint64_t kept_bytes;
  uint64_t new_bytes;
  uint64_t reserved_bytes;
};

/* Counts the live heap, sets the heap's counters back to it, and passes it to the pacer and the
 * record.  Returns the plan for the next cycle.  Thread: the one that runs the cycle; marking is
 * closed. */
struct gaiti_pacer_next gaiti_census_take(gait_heap *heap, gait_cycle_record *record);

/* Passes to the pacer which part of the new bytes has survived.  Thread: as above; the sweep is
 * over. */
void gaiti_census_learn_survival(gait_heap *heap);

#endif
