/* sim_budget.h: heaps of one process beside one another, under one budget or each by itself.
 *
 * Each has a program and CPUs of its own, so that they have nothing in common but memory. */
#ifndef GAIT_SIM_BUDGET_H
#define GAIT_SIM_BUDGET_H

#include "shares.h"
#include "sim_heap.h"

enum { SIM_BUDGET_HEAPS = 64 };

/* One of them.  `program` and `heap` are the caller's, and begun; all else is 0 at first.
 *   cycles           that ended while it was measured
 *   gc_cpu_seconds   of these
 *   byte_seconds     the sum of a cycle's peak times its length: divided by the time that was
 *                    measured, the memory that the heap holds, since it gives none back between
 *                    two cycles
 *   collection ...   the cycle that it is in, and when that ends
 *   share, period    as the collector publishes them at a cycle's end (runtime/cycle/members.c)
 *   ended_seconds    when that was */
struct sim_budget_heap {
  const struct sim_program *program;
  struct sim_heap *heap;
  uint64_t cycles;
  double gc_cpu_seconds;
  double byte_seconds;
  struct sim_collection collection;
  enum sim_outcome outcome;
  double end_seconds;
  struct gaiti_share share;
  double period;
  double ended_seconds;
};

/*   bytes         the budget; 0: none, and each heap has its own settings
 *   from_seconds  when measuring begins, and until_seconds: when all ends */
struct sim_budget {
  struct sim_budget_heap *heaps;
  int count; /* 1 .. SIM_BUDGET_HEAPS */
  int64_t bytes;
  double from_seconds, until_seconds;
};

/* Runs them all to the end.  A heap takes a new share up at the end of its cycle, while the
 * collector does at once: what it holds is too much rather than too little. */
void sim_budget_run(const struct sim_budget *budget);

/* What they hold in the mean, and how many CPUs their collections take. */
double sim_budget_memory(const struct sim_budget *budget);
double sim_budget_cpus(const struct sim_budget *budget);

#endif
