/* mutator.h: one thread that does random things to the shared graph. */
#ifndef STRESS_MUTATOR_H
#define STRESS_MUTATOR_H

#include <gait/finalizer.h>

#include "graph.h"
#include "vectors.h"

#define MUTATOR_LOCALS 12
#define MUTATOR_OWN    6

/* AIM_NONE: random operations; AIM_ANY: any of those aimed at a window of the cycle (aimed.c); or
 * one of them. */
enum era_aim {
  AIM_NONE,
  AIM_ANY,
  AIM_RAID,
  AIM_HIDE,
  AIM_DUEL,
  AIM_SMUGGLE,
  AIM_INHERIT,
  AIM_TAKE,
  AIMS
};

/* Who plays which part with whom, and in which loose slot.  In `storing` is the number of a store
 * to that slot which is under way; 0: none. */
#define ERA_PAIRS 3
struct era_pairing {
  _Atomic uint32_t turns;
  _Atomic uint64_t storing[ERA_PAIRS];
};

/* What the threads of an era share: one heap, from its creation to its end.  Several eras may run
 * at once, each other's neighbours in a ring. */
struct era {
  struct graph graph;
  uint64_t seed;
  bool settings_change; /* threads may change GOGC and the limit as they run */
  uint32_t young_every; /* cycles come after so many allocations, most of them young; 0: not so */
  enum era_aim aim;     /* what most of the threads' operations are */
  bool forks;           /* threads may fork */
  bool frames;          /* stacks are conservative, and half of what threads do is frames.c's */
  struct coroutines *coroutines; /* NULL: it has none */
  struct era *next;              /* itself when it is alone */
  atomic_bool *stop;             /* of all the eras of the ring */
  _Atomic uint32_t lives;        /* threads started so far */
  _Atomic uint64_t operations;
  _Atomic uint64_t children;
  atomic_bool driven; /* a thread has cycles run all the time, for others to aim at */
  struct era_pairing pairing;
};

/* Own roots that are not on the stack, by how the collector finds them. */
enum { OWN_BARRIERED, OWN_PLAIN, OWN_CALLBACK, OWN_PLAIN_CALLBACK, OWN_PLACES };

/* A cleanup or a finalizer of the mutator's, for it to stop. */
struct mutator_registration {
  struct graph_token *token;
  gait_cleanup cleanup;
  gait_finalizer finalizer;
};
#define MUTATOR_REGISTRATIONS 16

/* A thread's attachment to an era's heap. */
struct mutator {
  struct era *era;
  struct graph *graph;
  gait_thread *thread;
  uint64_t random;
  bool drives;           /* it has cycles run, one after another */
  bool exact;            /* its stack is not scanned */
  uint32_t frames_left;  /* wrappers of gait_thread_leave that have no gait_thread_enter yet */
  bool alone;            /* it visits, is a forked child or on a fiber: it goes nowhere else */
  struct one *coroutine; /* it is on a fiber (coroutines.c) */
  bool stays;            /* and does not leave it now */
  graph_place locals;    /* on this thread's stack: an exact frame, or just words */
  graph_place own[OWN_PLACES];
  struct vector vector; /* known to this thread alone */
  struct mutator_registration registrations[MUTATOR_REGISTRATIONS];
  uint32_t next_registration;
};

/* Attaches, works until the era stops or this life is over, and goes, detached or by exit.
 * `arg` is the era. */
void *mutator_live(void *arg);

/* ---- For the operations in other files ---- */

static inline uint32_t mutator_below(struct mutator *mutator, uint32_t bound) {
  return random_below(&mutator->random, bound);
}

static inline uint32_t mutator_any_local(struct mutator *mutator) {
  return mutator_below(mutator, MUTATOR_LOCALS);
}

static inline bool mutator_is_over(const struct mutator *mutator) {
  return atomic_load(mutator->era->stop);
}

/* What a local holds, checked; and to let it hold something else. */
void *mutator_get_local(struct mutator *mutator, uint32_t index, uint32_t *id);
void mutator_set_local(struct mutator *mutator, uint32_t index, void *reference, uint32_t id);

/* Makes a list of at most `length` objects, each in the first field of the one before, in a local.
 */
void mutator_make_list(struct mutator *mutator, uint32_t local, uint32_t length);

/* A random operation. */
void mutator_step(struct mutator *mutator);

#endif
