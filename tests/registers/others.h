/* others.h: what other threads do while a reference is held, at the very moment when it is due.
 * Nothing here sleeps or counts time. */
#ifndef REGISTERS_OTHERS_H
#define REGISTERS_OTHERS_H

#include <pthread.h>
#include <stdbool.h>

#include <gait/gait.h>
#include <gait/tune.h>

/* A thread that collects `heap` when it is asked to, and is outside managed code otherwise. */
struct others {
  gait_heap *heap;
  pthread_t collector;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool asked;
  bool stopping;
  int done; /* the collection that was last asked for has ended; atomic */
};

void others_start(struct others *others, gait_heap *heap);
void others_stop(struct others *others);

/* Asks for a collection; waits for its end, for which the caller is outside managed code. */
void others_ask(struct others *others);
void others_await(struct others *others);
void others_collect(struct others *others);

/* Asks for one, and returns when it wants `thread` at a safepoint. */
void others_begin(struct others *others, gait_thread *thread);

/* In a forked child, which has no other threads: nothing is waited for. */
void others_forget(struct others *others);

/* A second thread, on a heap of its own. */
struct others_second {
  struct others *others;
  gait_heap *heap;
  pthread_t thread;
  int ready;  /* atomic, as the next */
  int ending; /* the caller wants nothing more of it */
};

/* Keeps `heap` from ending a cycle until the first heap has been collected, from the moment at
 * which the cycle wants this thread at a safepoint. */
void others_delay_cycle(struct others_second *second, struct others *others, gait_heap *heap);

/* Collects `heap`, which is barrier-less, and holds its threads until the first heap has been
 * collected.  Returns when the thread is about to.  others_let_attach waits for that moment. */
void others_hold_threads(struct others_second *second, struct others *others, gait_heap *heap);
void others_await_hold(struct others_second *second);

void others_end(struct others_second *second);

_Noreturn void others_fail(const char *sentence);

#endif
