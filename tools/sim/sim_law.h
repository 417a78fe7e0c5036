/* sim_law.h: how often a heap should be collected.
 *
 * A cycle that finds `live` bytes lets the heap grow by GOGC% of them before the next, or up to the
 * memory limit when that comes first.  So with steady live bytes the number of cycles is
 *
 *     cycles = allocated / (GOGC% x live)
 *
 * Live bytes are seldom steady.  Here each stretch between two cycles is divided by what the first
 * of them allowed, and the quotients are added up: how many cycles there would have been had each
 * come exactly when it was due.  Forced ones count like others: the heap had grown till then. */
#ifndef GAIT_SIM_LAW_H
#define GAIT_SIM_LAW_H

#include <stdbool.h>

#include "setting.h"

struct sim_law {
  struct setting setting;
  double minimum_heap_bytes; /* the smallest goal at 100% */
  double live_bytes;         /* found by the last cycle */
  double cycles;             /* that were due up to it */
};

/* False when nothing bounds the heap, so that the law says nothing. */
bool sim_law_speaks(const struct sim_law *law);

/* A cycle came when the heap had grown to `heap_bytes`, and found `live_bytes`. */
void sim_law_cycle(struct sim_law *law, double heap_bytes, double live_bytes);

/* The cycles that are due when the heap has grown to `heap_bytes` since the last. */
double sim_law_cycles(const struct sim_law *law, double heap_bytes);

#endif
