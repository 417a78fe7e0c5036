#include "mutator.h"

#include "aimed.h"
#include "dying.h"
#include "coroutines.h"
#include "fork_child.h"
#include "frames.h"
#include "lookups.h"
#include "pairings.h"
#include "weaklings.h"
#include "vectors.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *mutator_get_local(struct mutator *mutator, uint32_t index, uint32_t *id) {
  return graph_get(mutator->graph, &mutator->locals, index, id);
}

void mutator_set_local(struct mutator *mutator, uint32_t index, void *reference, uint32_t id) {
  graph_put(mutator->graph, mutator->thread, &mutator->locals, index, reference, id);
}

/* The object of some local, checked; *id 0 when it holds none. */
static graph_object *mutator_object(struct mutator *mutator, uint32_t *id) {
  void *reference = mutator_get_local(mutator, mutator_any_local(mutator), id);
  return graph_check(mutator->graph, reference, *id);
}

/* The same, of an object that has references. */
static graph_object *mutator_holder(struct mutator *mutator, uint32_t *id, uint32_t *references) {
  graph_object *object = mutator_object(mutator, id);
  *references = *id ? mutator->graph->twins[*id].references : 0;
  return *references ? object : NULL;
}

static const graph_place *mutator_any_place(struct mutator *mutator) {
  const uint32_t which = mutator_below(mutator, OWN_PLACES + 4);
  if (which < OWN_PLACES) return &mutator->own[which];
  return which == OWN_PLACES ? &mutator->graph->plain : &mutator->graph->shared;
}

/* ---- Objects and fields ---- */

/* A new object takes over some of the locals. */
static void mutator_allocate(struct mutator *mutator) {
  uint32_t id = 0, taken = 0;
  void *reference = graph_new(mutator->graph, mutator->thread, &mutator->random, &id);
  if (!id) return;
  graph_object *object = graph_check(mutator->graph, reference, id);
  const uint32_t references = mutator->graph->twins[id].references;
  const bool moves = mutator_below(mutator, 2) == 0;
  for (uint32_t edge = 0; edge < references && edge < 4; edge++) {
    const uint32_t local = mutator_any_local(mutator);
    void *value = mutator_get_local(mutator, local, &taken);
    graph_init_edge(mutator->graph, mutator->thread, id, object, edge, value, taken);
    if (moves) mutator_set_local(mutator, local, NULL, 0);
  }
  mutator_set_local(mutator, mutator_any_local(mutator), reference, id);
}

static void mutator_load_field(struct mutator *mutator) {
  uint32_t holder, references, id;
  graph_object *object = mutator_holder(mutator, &holder, &references);
  if (!object) return;
  const uint32_t edge = mutator_below(mutator, references);
  void *reference = graph_get_edge(mutator->graph, holder, object, edge, &id);
  mutator_set_local(mutator, mutator_any_local(mutator), reference, id);
}

static void mutator_store_field(struct mutator *mutator) {
  uint32_t holder, references, id;
  graph_object *object = mutator_holder(mutator, &holder, &references);
  if (!object) return;
  void *reference = mutator_get_local(mutator, mutator_any_local(mutator), &id);
  graph_put_edge(mutator->graph, mutator->thread, holder, object,
                 mutator_below(mutator, references), reference, id);
}

/* Takes a reference out of a field: from then on only this thread has it. */
static void mutator_take_field(struct mutator *mutator) {
  uint32_t holder, references, id;
  graph_object *object = mutator_holder(mutator, &holder, &references);
  if (!object) return;
  const uint32_t edge = mutator_below(mutator, references);
  void *reference = graph_get_edge(mutator->graph, holder, object, edge, &id);
  mutator_set_local(mutator, mutator_any_local(mutator), reference, id);
  graph_put_edge(mutator->graph, mutator->thread, holder, object, edge, NULL, 0);
}

/* Gives a reference to a field and forgets it. */
static void mutator_give_field(struct mutator *mutator) {
  uint32_t holder, references, id;
  graph_object *object = mutator_holder(mutator, &holder, &references);
  if (!object) return;
  const uint32_t local = mutator_any_local(mutator);
  void *reference = mutator_get_local(mutator, local, &id);
  graph_put_edge(mutator->graph, mutator->thread, holder, object,
                 mutator_below(mutator, references), reference, id);
  mutator_set_local(mutator, local, NULL, 0);
}

void mutator_make_list(struct mutator *mutator, uint32_t local, uint32_t length) {
  uint32_t list_id = 0;
  mutator_set_local(mutator, local, NULL, 0);
  for (; length > 0; length--) {
    uint32_t id = 0;
    void *reference = graph_new(mutator->graph, mutator->thread, &mutator->random, &id);
    if (!id) return;
    if (mutator->graph->twins[id].references == 0) continue;
    void *list = mutator_get_local(mutator, local, &list_id);
    graph_init_edge(mutator->graph, mutator->thread, id, graph_check(mutator->graph, reference, id),
                    0, list, list_id);
    mutator_set_local(mutator, local, reference, id);
  }
}

/* Makes a long list and leaves it in a root, for any thread to eat. */
static void mutator_cook(struct mutator *mutator) {
  const uint32_t local = mutator_any_local(mutator);
  uint32_t list_id;
  mutator_make_list(mutator, local, 20 + mutator_below(mutator, 60));
  void *list = mutator_get_local(mutator, local, &list_id);
  graph_put(mutator->graph, mutator->thread, &mutator->graph->shared,
            mutator_below(mutator, mutator->graph->shared.count), list, list_id);
  mutator_set_local(mutator, local, NULL, 0);
}

/* Takes a list out of a root and cuts it off behind itself: each time the only reference to the
 * rest moves from a field to this thread's stack.  Marking must not end before it has seen that. */
static void mutator_eat(struct mutator *mutator) {
  const graph_place *place = &mutator->graph->shared;
  const uint32_t slot = mutator_below(mutator, place->count), local = mutator_any_local(mutator);
  uint32_t id, next_id;
  void *reference = graph_get(mutator->graph, place, slot, &id);
  mutator_set_local(mutator, local, reference, id);
  graph_put(mutator->graph, mutator->thread, place, slot, NULL, 0);
  for (uint32_t left = 200; id && left > 0; left--) {
    if (mutator_below(mutator, 4) == 0) gait_thread_poll(mutator->thread);
    graph_object *object = graph_check(mutator->graph, reference, id);
    if (mutator->graph->twins[id].references == 0) return;
    reference = graph_get_edge(mutator->graph, id, object, 0, &next_id);
    mutator_set_local(mutator, local, reference, next_id);
    graph_put_edge(mutator->graph, mutator->thread, id, object, 0, NULL, 0);
    id = next_id;
  }
}

static void mutator_swap_field(struct mutator *mutator) {
  uint32_t holder, references, id;
  graph_object *object = mutator_holder(mutator, &holder, &references);
  if (!object) return;
  void *reference = mutator_get_local(mutator, mutator_any_local(mutator), &id);
  graph_swap_edge(mutator->graph, mutator->thread, holder, object,
                  mutator_below(mutator, references), reference, id,
                  mutator_below(mutator, 4) == 0);
}

static void mutator_copy_fields(struct mutator *mutator) {
  uint32_t to, from, to_references, from_references;
  graph_object *target = mutator_holder(mutator, &to, &to_references);
  graph_object *source = mutator_holder(mutator, &from, &from_references);
  if (!target || !source) return;
  const uint32_t most = to_references < from_references ? to_references : from_references;
  const uint32_t count = mutator_below(mutator, most < 40 ? most + 1 : 40);
  graph_copy_edges(mutator->graph, mutator->thread, to, target,
                   mutator_below(mutator, to_references - count + 1), from, source,
                   mutator_below(mutator, from_references - count + 1), count);
}

static void mutator_clear_fields(struct mutator *mutator) {
  uint32_t holder, references;
  graph_object *object = mutator_holder(mutator, &holder, &references);
  if (!object) return;
  const uint32_t count = mutator_below(mutator, references + 1);
  graph_clear_edges(mutator->graph, mutator->thread, holder, object,
                    mutator_below(mutator, references - count + 1), count);
}

/* ---- Roots ---- */

static void mutator_load_root(struct mutator *mutator) {
  const graph_place *place = mutator_any_place(mutator);
  uint32_t id;
  void *reference = graph_get(mutator->graph, place, mutator_below(mutator, place->count), &id);
  mutator_set_local(mutator, mutator_any_local(mutator), reference, id);
}

static void mutator_store_root(struct mutator *mutator) {
  const graph_place *place = mutator_any_place(mutator);
  const uint32_t local = mutator_any_local(mutator);
  uint32_t id;
  void *reference = mutator_get_local(mutator, local, &id);
  graph_put(mutator->graph, mutator->thread, place, mutator_below(mutator, place->count), reference,
            id);
  if (mutator_below(mutator, 2)) mutator_set_local(mutator, local, NULL, 0);
}

static void mutator_clear_root(struct mutator *mutator) {
  const graph_place *place = mutator_any_place(mutator);
  graph_put(mutator->graph, mutator->thread, place, mutator_below(mutator, place->count), NULL, 0);
}

static void mutator_drop_local(struct mutator *mutator) {
  mutator_set_local(mutator, mutator_any_local(mutator), NULL, 0);
}

static void mutator_loose(struct mutator *mutator) {
  void **slot = &mutator->graph->loose[mutator_below(mutator, GRAPH_LOOSE_SLOTS)];
  uint32_t id;
  void *reference = mutator_get_local(mutator, mutator_any_local(mutator), &id);
  void *found = gait_load(slot);
  graph_check_loose(mutator->graph, found);
  if (mutator_below(mutator, 2))
    gait_store(mutator->thread, slot, reference);
  else
    gait_cas(mutator->thread, slot, found, reference);
  graph_check_loose(mutator->graph, gait_load(slot));
}

static void mutator_handle(struct mutator *mutator) {
  struct graph *graph = mutator->graph;
  const uint32_t which = mutator_below(mutator, GRAPH_HANDLES);
  uint32_t id;
  void *reference = graph_get(graph, &mutator->locals, mutator_any_local(mutator), &id);
  pthread_mutex_lock(&graph->handle_locks[which]);
  gait_handle **handle = &graph->handles[which];
  uint32_t *held = &graph->handle_ids[which];
  void *found = *handle ? gait_handle_get(*handle) : NULL;
  const uint32_t found_id = *held;
  graph_check(graph, found, found_id);
  if (!*handle) {
    *handle = gait_handle_create(mutator->thread, reference);
    *held = *handle ? id : 0;
  } else if (mutator_below(mutator, 3)) {
    gait_handle_set(mutator->thread, *handle, reference);
    *held = id;
  } else {
    gait_handle_destroy(mutator->thread, *handle);
    *handle = NULL;
    *held = 0;
  }
  pthread_mutex_unlock(&graph->handle_locks[which]);
  mutator_set_local(mutator, mutator_any_local(mutator), found, found_id);
}

/* ---- Everything else that the API offers ---- */

static void mutator_walk(struct mutator *mutator) {
  uint32_t id;
  void *reference = mutator_get_local(mutator, mutator_any_local(mutator), &id);
  graph_walk(mutator->graph, id, reference, 40);
}

static void mutator_poll(struct mutator *mutator) {
  gait_thread_poll(mutator->thread);
}

static void *mutator_sleep(void *arg) {
  usleep((useconds_t)(uintptr_t)arg);
  return arg;
}

static void mutator_outside(struct mutator *mutator) {
  void *arg = (void *)(uintptr_t)mutator_below(mutator, 300);
  if (mutator_below(mutator, 2)) {
    if (gait_thread_outside(mutator->thread, mutator_sleep, arg) != arg)
      graph_fail(mutator->graph, "gait_thread_outside returned something else");
    return;
  }
  gait_thread_leave(mutator->thread);
  if (mutator_below(mutator, 2)) mutator_sleep(arg);
  gait_thread_enter(mutator->thread);
}

static void mutator_external(struct mutator *mutator) {
  uint32_t id;
  graph_object *object = mutator_object(mutator, &id);
  if (!id) return;
  if (gait_object_set_external(mutator->thread, object, mutator_below(mutator, 5000)) != GAIT_OK)
    graph_fail(mutator->graph, "object %u took no external bytes", id);
}

static void mutator_make_garbage(struct mutator *mutator, uint32_t count) {
  while (count-- > 0)
    if (!gait_alloc(mutator->thread, gait_kind_leaf(mutator->graph->heap), 16)) return;
}

static void mutator_collect_at_once(struct mutator *mutator) {
  if (mutator->era->young_every && mutator_below(mutator, 32)) {
    mutator_make_garbage(mutator, mutator->era->young_every);
    return;
  }
  if (gait_heap_collect(mutator->thread) != GAIT_OK)
    graph_fail(mutator->graph, "a collection was refused");
}

static void mutator_collect(struct mutator *mutator) {
  if (mutator_below(mutator, 10) == 0) mutator_collect_at_once(mutator);
}

static void mutator_numbers(struct mutator *mutator) {
  gait_cycle_record records[4];
  gait_stats stats;
  char line[256];
  gait_heap *heap = mutator->graph->heap;
  gait_stats_read(heap, &stats);
  if (stats.mapped_bytes > stats.mapped_peak_bytes)
    graph_fail(mutator->graph, "more is mapped than at the peak");
  const size_t count = gait_records_read(heap, stats.cycles, records, 4);
  for (size_t i = 0; i < count; i++)
    gait_cycle_format(&records[i], line, sizeof line);
  if (mutator_below(mutator, 50) == 0) gait_heap_trim(heap);
  if (!mutator->era->settings_change || mutator_below(mutator, 20)) return;
  const int64_t percent = mutator_below(mutator, 300);
  gait_heap_set_gogc(heap, mutator_below(mutator, 5) ? percent : GAIT_OFF, NULL);
  gait_heap_set_memory_limit(
      heap, mutator_below(mutator, 2) ? GAIT_OFF : (int64_t)(16 + mutator_below(mutator, 64)) << 20,
      NULL);
  gait_heap_set_cpu_cap(heap, 1 + mutator_below(mutator, 95), NULL);
}

static void mutator_fork(struct mutator *mutator) {
  if (mutator->era->forks && mutator_below(mutator, 20) == 0) child_fork(mutator);
}

/* Keeps the graph small: what hangs on most roots goes at once. */
static void mutator_forget(struct mutator *mutator) {
  gait_stats stats;
  gait_stats_read(mutator->graph->heap, &stats);
  const bool crowded = stats.marked_bytes > (uint64_t)24 << 20;
  if (!crowded && mutator_below(mutator, 20)) return;
  for (uint32_t i = 0; i < (crowded ? 400u : 60u); i++)
    mutator_clear_root(mutator);
  for (uint32_t i = 0; i < MUTATOR_LOCALS; i++)
    if (crowded || mutator_below(mutator, 2)) mutator_set_local(mutator, i, NULL, 0);
  if (crowded)
    for (uint32_t i = 0; i < GRAPH_LOOSE_SLOTS; i++)
      gait_store(mutator->thread, &mutator->graph->loose[i], NULL);
}

static void mutator_visit(struct mutator *mutator);

static const struct {
  unsigned weight;
  void (*run)(struct mutator *);
} mutator_operations[] = {
    {300, mutator_allocate},   {150, mutator_load_field}, {150, mutator_store_field},
    {100, mutator_take_field}, {100, mutator_give_field}, {40, mutator_swap_field},
    {30, mutator_copy_fields}, {8, mutator_clear_fields}, {150, mutator_load_root},
    {150, mutator_store_root}, {30, mutator_clear_root},  {60, mutator_drop_local},
    {40, mutator_loose},       {40, weaklings_step},      {40, mutator_handle},
    {20, mutator_walk},        {150, mutator_poll},       {12, mutator_outside},
    {20, mutator_external},    {10, mutator_cook},        {10, mutator_eat},
    {12, mutator_collect},     {6, mutator_numbers},      {4, mutator_forget},
    {1, mutator_visit},        {1, mutator_fork},         {3, aimed_step},
    {2, frames_step},          {40, vectors_step},        {30, dying_step},
    {20, coroutines_step},     {40, pairings_step},       {60, lookups_step},
};

void mutator_step(struct mutator *mutator) {
  static unsigned total; /* the same whoever computes it */
  unsigned sum = __atomic_load_n(&total, __ATOMIC_RELAXED);
  if (!sum) {
    for (size_t i = 0; i < sizeof mutator_operations / sizeof *mutator_operations; i++)
      sum += mutator_operations[i].weight;
    __atomic_store_n(&total, sum, __ATOMIC_RELAXED);
  }
  unsigned choice = mutator_below(mutator, sum);
  size_t i = 0;
  while (choice >= mutator_operations[i].weight)
    choice -= mutator_operations[i++].weight;
  mutator_operations[i].run(mutator);
}

/* ---- A life ---- */

static void mutator_trace_own(gait_tracer *tracer, void *arg) {
  const graph_place *place = arg;
  gait_trace_range(tracer, place->slots, place->count * sizeof(void *));
}

static void mutator_add_own(struct mutator *mutator) {
  gait_heap *heap = mutator->graph->heap;
  const size_t bytes = MUTATOR_OWN * sizeof(void *);
  const gait_roots_discipline plain =
      mutator->graph->unbarriered ? GAIT_ROOTS_UNBARRIERED : GAIT_ROOTS_BARRIERED;
  gait_result results[OWN_PLACES];
  graph_place *own = mutator->own;
  for (int i = 0; i < OWN_PLACES; i++)
    own[i] = graph_place_new(
        MUTATOR_OWN, i == OWN_BARRIERED || i == OWN_CALLBACK || plain == GAIT_ROOTS_BARRIERED,
        false);
  results[0] = gait_roots_add(heap, own[OWN_BARRIERED].slots, bytes, GAIT_ROOTS_BARRIERED);
  results[1] = gait_roots_add(heap, own[OWN_PLAIN].slots, bytes, plain);
  results[2] =
      gait_roots_add_callback(heap, mutator_trace_own, &own[OWN_CALLBACK], GAIT_ROOTS_BARRIERED);
  results[3] = gait_roots_add_callback(heap, mutator_trace_own, &own[OWN_PLAIN_CALLBACK], plain);
  for (int i = 0; i < OWN_PLACES; i++)
    if (results[i] != GAIT_OK) graph_fail(mutator->graph, "roots of a thread were not added");
}

static void mutator_remove_own(struct mutator *mutator) {
  gait_heap *heap = mutator->graph->heap;
  gait_result results[OWN_PLACES];
  graph_place *own = mutator->own;
  results[0] = gait_roots_remove(heap, own[OWN_BARRIERED].slots);
  results[1] = gait_roots_remove(heap, own[OWN_PLAIN].slots);
  results[2] = gait_roots_remove_callback(heap, mutator_trace_own, &own[OWN_CALLBACK]);
  results[3] = gait_roots_remove_callback(heap, mutator_trace_own, &own[OWN_PLAIN_CALLBACK]);
  for (int i = 0; i < OWN_PLACES; i++) {
    if (results[i] != GAIT_OK) graph_fail(mutator->graph, "roots of a thread were not removed");
    graph_place_delete(&own[i]);
  }
}

/* What was loaded from roots that are no more has to stay while a local has it. */
static void mutator_linger(struct mutator *mutator) {
  uint32_t id;
  for (uint32_t i = mutator_below(mutator, 400); i-- > 0;) {
    gait_thread_poll(mutator->thread);
    mutator_get_local(mutator, mutator_any_local(mutator), &id);
  }
}

/* Works with the locals in place, until the steps are done or the era stops. */
static void mutator_work(struct mutator *mutator, uint32_t steps) {
  uint32_t step = 0;
  for (; step < steps && !mutator_is_over(mutator); step++) {
    if (mutator->era->frames && mutator_below(mutator, 2))
      frames_step(mutator);
    else if (mutator->era->coroutines && mutator_below(mutator, 3) == 0)
      coroutines_step(mutator);
    else if (!mutator->era->aim || mutator_below(mutator, 4) == 0)
      mutator_step(mutator);
    else if (mutator->drives)
      mutator_collect_at_once(mutator);
    else
      aimed_step(mutator);
    if (graph_is_full(mutator->graph)) atomic_store(mutator->era->stop, true);
  }
  atomic_fetch_add(&mutator->era->operations, step);
}

/* One attachment.  Returns with the thread attached, in either state. */
static void mutator_attach_and_work(struct mutator *mutator, uint32_t steps) {
  void *slots[MUTATOR_LOCALS] = {NULL};
  uint32_t ids[MUTATOR_LOCALS] = {0};
  gait_frame frame;
  mutator->locals = (graph_place){slots, ids, MUTATOR_LOCALS, false, false};
  const bool exact =
      mutator_below(mutator, mutator->era->aim ? 4 : 2) != 0 && !mutator->era->frames;
  const gait_thread_roots roots = exact ? GAIT_STACK_EXACT : GAIT_STACK_CONSERVATIVE;
  if (gait_thread_attach(mutator->graph->heap, exact ? "exact" : NULL, roots, &mutator->thread) !=
      GAIT_OK)
    graph_fail(mutator->graph, "a thread was not attached");
  mutator->exact = exact;
  if (exact) gait_frame_push(mutator->thread, &frame, slots, MUTATOR_LOCALS);
  mutator_add_own(mutator);
  vectors_begin(mutator);
  mutator_work(mutator, steps);
  vectors_end(mutator);
  mutator_remove_own(mutator);
  mutator_linger(mutator);
  if (exact) gait_frame_pop(mutator->thread, &frame);
  if (mutator_below(mutator, 8) == 0) gait_thread_leave(mutator->thread);
}

static void mutator_detach(struct mutator *mutator) {
  if (gait_thread_detach(mutator->thread) != GAIT_OK)
    graph_fail(mutator->graph, "a thread was not detached");
}

/* The callbacks of own roots have pointers to a mutator, which may not be on the stack of a thread
 * that a forked child does not have. */
static struct mutator *mutator_new(struct era *era, uint64_t random) {
  struct mutator *mutator = calloc(1, sizeof *mutator);
  if (!mutator) graph_fail(&era->graph, "out of memory for a mutator");
  mutator->era = era;
  mutator->graph = &era->graph;
  mutator->random = random;
  return mutator;
}

/* Works on the heap of the next era for a while, outside its own. */
static void mutator_visit(struct mutator *mutator) {
  struct era *next = mutator->era->next;
  if (next == mutator->era || mutator->alone || mutator_below(mutator, 20)) return;
  struct mutator *visitor = mutator_new(next, random_next(&mutator->random));
  visitor->alone = true;
  gait_thread_leave(mutator->thread);
  mutator_attach_and_work(visitor, mutator_below(mutator, 500));
  mutator_detach(visitor);
  gait_thread_enter(mutator->thread);
  free(visitor);
}

void *mutator_live(void *arg) {
  struct era *era = arg;
  const uint32_t life = atomic_fetch_add(&era->lives, 1);
  struct mutator *mutator = mutator_new(era, random_mix(era->seed ^ random_mix(life + 1)));
  bool again = true;
  mutator->drives = era->aim && !atomic_exchange(&era->driven, true);
  while (again && !mutator_is_over(mutator)) {
    mutator_attach_and_work(mutator, era->aim ? 50 + mutator_below(mutator, 500)
                                              : 500 + mutator_below(mutator, 20000));
    if (mutator_below(mutator, 8) == 0) break; /* the thread exits attached */
    mutator_detach(mutator);
    again = mutator_below(mutator, 4) != 0;
  }
  if (mutator->drives) atomic_store(&era->driven, false);
  free(mutator);
  return NULL;
}
