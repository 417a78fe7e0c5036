/* workers.h: the threads that mark in the background.
 *
 * The thread that runs the cycle is the first worker.  The pacer's plan gives it the whole of one
 * CPU or a share of it; further whole CPUs of the plan get a worker each; and helpers
 * take CPUs that are idle: they mark while no other thread wants them. */
#ifndef GAITI_CYCLE_WORKERS_H
#define GAITI_CYCLE_WORKERS_H

#include "heap/heap.h"

#define GAITI_MAX_WORKERS 256

/*   cpu    the CPU on which it marks, counted from 1; 0 while it does not mark
 *   helps  it is a helper */
struct gaiti_worker {
  gait_heap *heap;
  pthread_t thread;
  AO_t cpu;
  bool helps;
};

/* How helpers come to know that a CPU is idle (workers.c).
 *   asked    helpers that want to mark
 *   granted  a CPU was idle: one of them may
 *   begun    it has begun
 *   tid      of the probe's thread, 0 until it runs; atomic
 *   signalled_ns  when one of the two that the probe waits for was raised last; atomic
 *   resting  helpers that wait to be granted something and have not asked: nothing is marked;
 *            guarded by the workers' lock
 *   runs     there is a probe; written by the thread that runs the cycle */
struct gaiti_probe {
  struct gaiti_semaphore asked;
  struct gaiti_semaphore granted;
  struct gaiti_semaphore begun;
  AO_t tid;
  AO_t signalled_ns;
  uint32_t resting;
  bool runs;
  pthread_t thread;
};

/*   round    raised when marking begins; a worker marks once a round
 *   marking  it has not ended; this and the next are written under the lock
 *   stopping the threads are to end */
struct gaiti_workers {
  struct gaiti_lock lock;
  struct gaiti_condition changed;
  uint64_t round;
  AO_t marking;
  AO_t stopping;
  uint32_t count;
  struct gaiti_worker workers[GAITI_MAX_WORKERS];
  struct gaiti_probe probe;
};

bool gaiti_workers_init(gait_heap *heap);

/* Stops and joins every worker.  Where no CPU is idle that takes as long as the system lets a
 * thread at idle priority wait: some milliseconds, as a rule. */
void gaiti_workers_destroy(gait_heap *heap);

/* In the child of a fork: the threads are gone, and start again when they are wanted. */
void gaiti_workers_forget(gait_heap *heap);

/* Marks on the calling thread, at its share, until nothing is grey outside the threads' buffers;
 * when there is much to mark, has the others begin a round. */
void gaiti_workers_mark(gait_heap *heap);

/* The same until the deadline, and with no help but that of assists; does not sleep.  Returns
 * whether nothing is grey outside the threads' buffers. */
bool gaiti_workers_mark_alone(gait_heap *heap, uint64_t deadline_ns);

/* Ends the round, if there is one, marking being closed; waits for no thread. */
void gaiti_workers_end(gait_heap *heap);

#endif
