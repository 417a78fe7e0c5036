/* Fibers, each of which has references in an array on its stack, and where the compiler puts them.
 *
 * A fiber is a mutator of its own that lives on whatever thread takes it up, with that thread's
 * roots.  In between it is parked with its references, which nothing else may have; they are looked
 * at when it goes on.  Which thread has a fiber is settled by `taken`; it is given back when the
 * thread is on its own stack again, so that none takes up a fiber in the middle of a swap. */
#include "coroutines.h"

#include <gait/fiber.h>
#include <stdlib.h>
#include <string.h>

#include "../support/coroutine.h"
#include "frames.h"

#define COROUTINES_MANY  8
#define COROUTINES_BYTES ((size_t)1 << 20)

/*   taken    a thread runs it, makes it or ends it
 *   resumer  the mutator on whose thread it runs
 *   home     that thread's own stack
 *   value_id of the fiber's value */
struct one {
  atomic_bool taken;
  struct coroutine own;
  struct coroutine home;
  gait_fiber *fiber;
  bool exact;
  struct mutator *resumer;
  uint32_t value_id;
};

struct coroutines {
  struct one ones[COROUTINES_MANY];
};

struct coroutines *coroutines_new(void) {
  return calloc(1, sizeof(struct coroutines));
}

/* ---- On the fiber ---- */

/* All that the resumer has but the locals and the stack are this one's as well. */
static void one_adopt(struct mutator *mutator) {
  const struct mutator *resumer = mutator->coroutine->resumer;
  mutator->thread = resumer->thread;
  mutator->random = resumer->random;
  memcpy(mutator->own, resumer->own, sizeof mutator->own);
}

static void one_yield(struct mutator *mutator) {
  struct one *one = mutator->coroutine;
  one->resumer->random = mutator->random;
  struct coroutine_swap swap = {&one->own, &one->home};
  gait_thread *thread = gait_fiber_switch(mutator->thread, NULL, coroutine_swap, &swap);
  one_adopt(mutator);
  if (thread != mutator->thread)
    graph_fail(mutator->graph, "a fiber goes on with another thread than that which it is on");
}

/* A reference changes places with one of the resumer's, and the value's with one of this one's. */
static void one_trade(struct mutator *mutator) {
  struct one *one = mutator->coroutine;
  struct mutator *resumer = one->resumer;
  const uint32_t mine = mutator_any_local(mutator), theirs = mutator_any_local(mutator);
  uint32_t my_id, their_id;
  void *my = mutator_get_local(mutator, mine, &my_id);
  void *their = mutator_get_local(resumer, theirs, &their_id);
  mutator_set_local(mutator, mine, their, their_id);
  if (mutator_below(mutator, 2)) {
    mutator_set_local(resumer, theirs, my, my_id);
    return;
  }
  void *value = gait_fiber_value(one->fiber);
  graph_check(mutator->graph, value, one->value_id);
  mutator_set_local(resumer, theirs, value, one->value_id);
  gait_fiber_set_value(mutator->thread, one->fiber, my);
  one->value_id = my_id;
}

static void one_check(struct mutator *mutator) {
  uint32_t id;
  for (uint32_t i = 0; i < MUTATOR_LOCALS; i++)
    mutator_get_local(mutator, i, &id);
}

static void one_work(struct mutator *mutator) {
  one_check(mutator);
  for (uint32_t left = mutator_below(mutator, 12); left > 0; left--) {
    if (mutator_below(mutator, 4) == 0)
      frames_step(mutator);
    else
      mutator_step(mutator);
  }
  one_trade(mutator);
  if (mutator_below(mutator, 3)) one_yield(mutator);
}

/* Some fibers end; the others are parked when the era does, or are ended as they are parked. */
static void one_main(void *arg) {
  struct mutator *mutator = arg;
  struct one *one = mutator->coroutine;
  void *slots[MUTATOR_LOCALS] = {NULL};
  uint32_t ids[MUTATOR_LOCALS] = {0};
  gait_frame frame;
  mutator->locals = (graph_place){slots, ids, MUTATOR_LOCALS, false, false};
  one_adopt(mutator);
  if (mutator->exact) gait_frame_push(mutator->thread, &frame, slots, MUTATOR_LOCALS);
  for (uint32_t left = 1 + mutator_below(mutator, 30); left > 0; left--)
    one_work(mutator);
  if (mutator->exact) gait_frame_pop(mutator->thread, &frame);
  gait_thread *thread = mutator->thread;
  one->resumer->random = mutator->random;
  one->own.ended = true;
  struct coroutine_swap swap = {&one->own, &one->home};
  gait_fiber_finish(thread, NULL, coroutine_swap, &swap);
}

/* ---- On a thread's own stack ---- */

static void one_begin(struct one *one, struct mutator *mutator) {
  struct mutator *on = calloc(1, sizeof *on);
  if (!on) graph_fail(mutator->graph, "out of memory for a fiber");
  const bool exact = mutator_below(mutator, 2) && !mutator->era->frames;
  on->era = mutator->era;
  on->graph = mutator->graph;
  on->alone = true;
  on->coroutine = one;
  on->exact = exact;
  if (!coroutine_make(&one->own, COROUTINES_BYTES, mutator_below(mutator, 2) != 0, one_main, on))
    graph_fail(mutator->graph, "no memory for a stack");
  const gait_result result =
      gait_fiber_register(mutator->thread, one->own.low, COROUTINES_BYTES,
                          exact ? GAIT_STACK_EXACT : GAIT_STACK_CONSERVATIVE, &one->fiber);
  if (result == GAIT_OK) return;
  coroutine_free(&one->own);
  free(on);
}

static void one_end(struct one *one, struct graph *graph, gait_thread *thread) {
  if (gait_fiber_unregister(thread, one->fiber) != GAIT_OK)
    graph_fail(graph, "a fiber was not unregistered");
  free(one->own.arg);
  coroutine_free(&one->own);
  one->fiber = NULL;
  one->value_id = 0;
  one->own.ended = false;
}

static void one_resume(struct one *one, struct mutator *mutator) {
  memset(&one->home, 0, sizeof one->home);
  one->home.ucontext = one->own.ucontext;
  one->resumer = mutator;
  struct coroutine_swap swap = {&one->home, &one->own};
  if (gait_fiber_switch(mutator->thread, one->fiber, coroutine_swap, &swap) != mutator->thread)
    graph_fail(mutator->graph, "a thread comes back to its stack as another one");
}

static void one_step(struct one *one, struct mutator *mutator) {
  if (!one->fiber) one_begin(one, mutator);
  if (!one->fiber) return;
  one_resume(one, mutator);
  if (one->own.ended || mutator_below(mutator, 20) == 0)
    one_end(one, mutator->graph, mutator->thread);
}

/* A child of a fork has none of those that ran on other threads. */
void coroutines_step(struct mutator *mutator) {
  struct coroutines *coroutines = mutator->era->coroutines;
  if (!coroutines) return;
  if (mutator->coroutine) {
    if (!mutator->stays) one_yield(mutator);
    return;
  }
  struct one *one = &coroutines->ones[mutator_below(mutator, COROUTINES_MANY)];
  if (atomic_exchange(&one->taken, true)) return;
  one_step(one, mutator);
  atomic_store(&one->taken, false);
}

void coroutines_delete(struct coroutines *coroutines, struct graph *graph, gait_thread *thread) {
  for (size_t i = 0; coroutines && i < COROUTINES_MANY; i++)
    if (coroutines->ones[i].fiber) one_end(&coroutines->ones[i], graph, thread);
  free(coroutines);
}
