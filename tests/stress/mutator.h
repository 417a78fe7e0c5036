/* mutator.h: one thread that does random things to the shared graph. */
#ifndef STRESS_MUTATOR_H
#define STRESS_MUTATOR_H

#include "graph.h"

/* What the threads of an era share. */
struct era {
  struct graph graph;
  uint64_t seed;
  int64_t gogc_percent;
  bool settings_change; /* threads may change GOGC and the limit as they run */
  atomic_bool stop;
  _Atomic uint32_t lives; /* threads started so far */
  _Atomic uint64_t operations;
};

/* Attaches, works until the era stops or this life is over, and goes, detached or by exit.
 * `arg` is the era. */
void *mutator_live(void *arg);

#endif
