/* workers.h: who marks in the background.
 *
 * The thread that runs the cycle is the first worker.  The pacer's plan gives it the whole of one
 * processor or a share of it; further whole processors of the plan get a worker each; and helpers
 * at idle priority take what nobody else wants. */
#ifndef GAITI_CYCLE_WORKERS_H
#define GAITI_CYCLE_WORKERS_H

#include "heap/heap.h"

#define GAITI_MAX_WORKERS 256

/*   tid        0 until it runs
 *   processor  the one on which it marked last, counted from 1; 0 while it does not mark */
struct gaiti_worker {
  gait_heap *heap;
  pthread_t thread;
  AO_t tid;
  AO_t processor;
  bool idle;
  bool boosted; /* an idle helper that was given ordinary priority; the cycle's thread only */
};

/*   round    raised when marking begins; a worker marks once a round
 *   marking  it has not ended */
struct gaiti_workers {
  struct gaiti_lock lock;
  struct gaiti_condition changed;
  uint64_t round;
  bool marking;
  bool stopping;
  uint32_t count;
  struct gaiti_worker workers[GAITI_MAX_WORKERS];
};

bool gaiti_workers_init(gait_heap *heap);

/* Stops and joins every worker. */
void gaiti_workers_destroy(gait_heap *heap);

/* Marks on the calling thread, at its share, until nothing is grey but what threads may hold; when
 * there is much to mark, has the others begin a round. */
void gaiti_workers_mark(gait_heap *heap);

/* The same until `until_ns`, and with nobody's help but that of assists; does not sleep.  Returns
 * whether nothing is grey but what threads may hold. */
bool gaiti_workers_mark_alone(gait_heap *heap, uint64_t until_ns);

/* Ends the round, if there is one, marking being closed; waits for nobody. */
void gaiti_workers_end(gait_heap *heap);

#endif
