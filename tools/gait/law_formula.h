/* law_formula.h: how often a heap should be collected.
 *
 * A cycle that finds `live` bytes lets the heap grow by GOGC% of them before the next, or up to
 * the memory limit when that comes first.  So with steady live bytes the number of cycles is
 *
 *     cycles = allocated / (GOGC% x live)
 *
 * Live bytes are seldom steady.  Here each stretch between two cycles is divided by what the first
 * of them allowed, and the quotients are added up: how many cycles there would have been had each
 * come exactly when it was due. */
#ifndef GAIT_LAW_FORMULA_H
#define GAIT_LAW_FORMULA_H

#include "gait/gait.h"

struct law {
  gait_options options;
  uint64_t live_bytes; /* found by the last cycle */
  double cycles;
};

void law_init(struct law *law, const gait_options *options);

/* Takes the next cycle.  Forced ones count like others: the heap had grown till then. */
void law_cycle(struct law *law, const gait_cycle_record *record);

/* The predicted number of cycles when the heap has grown to `heap_bytes` since the last; below zero
 * when nothing bounds the heap, so that there is no prediction. */
double law_cycles(const struct law *law, uint64_t heap_bytes);

#endif
