#include "dying.h"

#include <inttypes.h>
#include <sched.h>

#include <gait/finalizer.h>

enum { TOKEN_FREE, TOKEN_REGISTERED, TOKEN_HELD, TOKEN_STOPPED, TOKEN_RUN };

/* The token's state moves under no lock: each side exchanges it, and looks at the one before. */
static void token_move(struct graph_token *token, int to, const char *what) {
  const int from = atomic_exchange(&token->state, to);
  if (from != TOKEN_REGISTERED && !(from == TOKEN_HELD && atomic_load(&token->graph->forked)))
    graph_fail(token->graph, "a %s of object %" PRIu32 " was %s in state %d",
               token->cleanup ? "cleanup" : "finalizer", token->id, what, from);
}

/* The object is gone for good: graph_check fails from now on where one of it is found. */
static void dying_cleanup(void *arg) {
  struct graph_token *token = arg;
  token_move(token, TOKEN_RUN, "called");
  atomic_store(&token->graph->gone[token->id], true);
}

/* Makes the call last, so that a cycle begins or ends in the middle. */
static void dying_linger(gait_thread *thread, struct graph_token *token) {
  for (uint32_t left = random_below(&token->random, 2) ? 2000 : 0;
       left > 0 && gait_fast_of(thread)->marking & GAIT_SHADE_OLD; left--) {
    gait_thread_poll(thread);
    sched_yield();
  }
  for (uint32_t i = random_below(&token->random, 60); i-- > 0;)
    gait_thread_poll(thread);
  if (random_below(&token->random, 8) == 0)
    for (int i = 0; i < 50; i++)
      gait_alloc(thread, gait_kind_leaf(token->graph->heap), 32);
}

static void dying_finalizer(gait_thread *thread, void *object, void *arg) {
  struct graph_token *token = arg;
  struct graph *graph = token->graph;
  token_move(token, TOKEN_RUN, "called");
  void *reference = graph_reference(graph, object, token->id);
  graph_walk(graph, token->id, reference, 40);
  dying_linger(thread, token);
  graph_walk(graph, token->id, reference, 40);
  if (atomic_load(&graph->ends) || random_below(&token->random, 3)) return;
  graph_put(graph, thread, &graph->shared, random_below(&token->random, graph->shared.count),
            reference, token->id);
}

static struct graph_token *dying_token(struct mutator *mutator, uint32_t id) {
  struct graph *graph = mutator->graph;
  const uint32_t place = atomic_fetch_add(&graph->next_token, 1);
  if (place >= GRAPH_TOKENS) return NULL;
  struct graph_token *token = &graph->tokens[place];
  token->graph = graph;
  token->id = id;
  token->random = random_next(&mutator->random);
  token->cleanup = mutator_below(mutator, 2);
  return token;
}

/* What a mutator remembers of its last registrations, to stop them. */
static void dying_remember(struct mutator *mutator, const struct mutator_registration *last) {
  mutator->registrations[mutator->next_registration++ % MUTATOR_REGISTRATIONS] = *last;
}

/* The token's state is set first: a function may run at once. */
static void dying_register(struct mutator *mutator, uint32_t id, void *object, int state) {
  struct mutator_registration last = {.token = dying_token(mutator, id)};
  struct graph_token *token = last.token;
  if (!token) return;
  const gait_finalizer_order order = (gait_finalizer_order)mutator_below(mutator, 3);
  atomic_store(&token->state, state);
  const gait_result result =
      token->cleanup
          ? gait_cleanup_add(mutator->thread, object, dying_cleanup, token, &last.cleanup)
          : gait_finalizer_add(mutator->thread, object, dying_finalizer, token, order,
                               &last.finalizer);
  if (result == GAIT_OK)
    dying_remember(mutator, &last);
  else if (result == GAIT_ERROR_MEMORY)
    atomic_store(&token->state, TOKEN_FREE);
  else
    graph_fail(mutator->graph, "object %" PRIu32 " was not registered", id);
}

static void dying_add(struct mutator *mutator) {
  uint32_t id;
  void *reference = mutator_get_local(mutator, mutator_any_local(mutator), &id);
  if (id) dying_register(mutator, id, graph_check(mutator->graph, reference, id), TOKEN_REGISTERED);
}

void dying_add_dead(struct mutator *mutator) {
  uint32_t id;
  const uint32_t local = mutator_any_local(mutator);
  mutator_make_list(mutator, local, 1 + mutator_below(mutator, 5));
  void *reference = mutator_get_local(mutator, local, &id);
  if (id) dying_register(mutator, id, graph_check(mutator->graph, reference, id), TOKEN_REGISTERED);
  mutator_set_local(mutator, local, NULL, 0);
}

/* A function may not run while the object is in a local. */
static void dying_hold(struct mutator *mutator) {
  uint32_t id;
  const uint32_t local = mutator_any_local(mutator);
  void *reference = mutator_get_local(mutator, local, &id);
  const uint32_t before = mutator->next_registration;
  if (!id) return;
  dying_register(mutator, id, graph_check(mutator->graph, reference, id), TOKEN_HELD);
  if (mutator->next_registration == before) return;
  struct graph_token *token = mutator->registrations[before % MUTATOR_REGISTRATIONS].token;
  for (uint32_t i = mutator_below(mutator, 200); i-- > 0;) {
    gait_thread_poll(mutator->thread);
    if (i % 8 == 0) gait_alloc(mutator->thread, gait_kind_leaf(mutator->graph->heap), 32);
  }
  graph_check(mutator->graph, reference, id);
  const int from = atomic_exchange(&token->state, TOKEN_REGISTERED);
  if (from != TOKEN_HELD)
    graph_fail(mutator->graph, "a function of object %" PRIu32 " ran while it was held", id);
  mutator_get_local(mutator, local, &id);
}

static void dying_stop(struct mutator *mutator) {
  struct mutator_registration *last =
      &mutator->registrations[mutator_below(mutator, MUTATOR_REGISTRATIONS)];
  struct graph_token *token = last->token;
  if (!token) return;
  last->token = NULL;
  const gait_result result = token->cleanup ? gait_cleanup_stop(mutator->thread, last->cleanup)
                                            : gait_finalizer_stop(mutator->thread, last->finalizer);
  if (result == GAIT_OK)
    token_move(token, TOKEN_STOPPED, "stopped");
  else if (result != GAIT_ERROR_NOT_FOUND)
    graph_fail(mutator->graph, "a function was not stopped: %s", gait_result_name(result));
}

static void dying_run(struct mutator *mutator) {
  gait_finalizers_run(mutator->thread, mutator_below(mutator, 30));
}

void dying_take_one(struct mutator *mutator) {
  gait_due due;
  gait_frame frame;
  if (!gait_finalizer_next(mutator->thread, &due)) return;
  gait_frame_push(mutator->thread, &frame, &due.object, 1);
  if (due.cleanup)
    due.cleanup(due.arg);
  else
    due.finalizer(mutator->thread, due.object, due.arg);
  gait_frame_pop(mutator->thread, &frame);
}

static void dying_at_polls(struct mutator *mutator) {
  gait_thread_set_finalizers(mutator->thread, mutator_below(mutator, 4));
}

void dying_step(struct mutator *mutator) {
  switch (mutator_below(mutator, 12)) {
  case 0: dying_hold(mutator); break;
  case 1: dying_stop(mutator); break;
  case 2:
  case 3: dying_run(mutator); break;
  case 4: dying_take_one(mutator); break;
  case 5: dying_at_polls(mutator); break;
  case 6:
  case 7:
  case 8: dying_add_dead(mutator); break;
  default: dying_add(mutator); break;
  }
}

void dying_end(struct graph *graph, gait_thread *thread) {
  atomic_store(&graph->ends, true);
  gait_finalizers_stop_thread(graph->heap);
  gait_finalizers_run_all(thread);
  if (gait_finalizers_run_all(thread) != 0) graph_fail(graph, "not all functions ran at the end");
  for (uint32_t i = 0; i < GRAPH_TOKENS; i++) {
    const struct graph_token *token = &graph->tokens[i];
    const int state = atomic_load(&token->state);
    if (state == TOKEN_REGISTERED || state == TOKEN_HELD)
      graph_fail(graph, "a %s of object %" PRIu32 " never ran",
                 token->cleanup ? "cleanup" : "finalizer", token->id);
  }
}
