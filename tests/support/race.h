/* race.h: threads that start together, so that what they do meets. */
#ifndef SUPPORT_RACE_H
#define SUPPORT_RACE_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct race_runner {
  pthread_t thread;
  atomic_uint *waiting;
  void *(*function)(void *);
  void *arg;
};

/* Spins: all begin within nanoseconds of one another where each has a processor. */
static inline void *race_run(void *arg) {
  struct race_runner *runner = arg;
  atomic_fetch_sub(runner->waiting, 1);
  while (atomic_load(runner->waiting) > 0)
    sched_yield();
  return runner->function(runner->arg);
}

/* Runs `function` on `count` threads, each with its own of the args, which are `arg_bytes` apart,
 * and waits until all have returned. */
static inline void race(unsigned count, void *(*function)(void *), void *args, size_t arg_bytes) {
  struct race_runner *runners = calloc(count, sizeof *runners);
  atomic_uint waiting = count;
  if (!runners) abort();
  for (unsigned i = 0; i < count; i++) {
    runners[i].waiting = &waiting;
    runners[i].function = function;
    runners[i].arg = (char *)args + i * arg_bytes;
    if (pthread_create(&runners[i].thread, NULL, race_run, &runners[i])) abort();
  }
  for (unsigned i = 0; i < count; i++)
    if (pthread_join(runners[i].thread, NULL)) abort();
  free(runners);
}

#endif
