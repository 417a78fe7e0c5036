/* Dumps of a heap: exactly these objects, references and roots; and what a reader makes of them. */
#include "unit_dump.h"

#include "../support/random.h"
#include "../support/sanitizer.h"

#include <gait/dump.h>
#include <gait/ephemeron.h>
#include <gait/fiber.h>
#include <gait/finalizer.h>
#include <gait/pool.h>
#include <gait/scope.h>
#include <gait/weak.h>
#include <heap_dominators.h>
#include <heap_paths.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const unit_suite_name = "dump";

/* ---- Objects ---- */

static const size_t dump_sizes[] = {8, 16, 40, 200, 1000, 5000, 30000, 70000, 300000};
#define DUMP_SIZES (sizeof dump_sizes / sizeof dump_sizes[0])

START_TEST(a_dump_has_each_live_object_and_no_dead_one) {
  uintptr_t dead[DUMP_SIZES];
  for (size_t i = 0; i < DUMP_SIZES; i++) {
    dead[i] = unit_hide(gait_alloc(unit.thread, unit.references, dump_sizes[i]));
    unit.slots[2 * i] = gait_alloc(unit.thread, unit.references, dump_sizes[i]);
    unit.slots[2 * i + 1] = gait_alloc(unit.thread, unit.leaf, dump_sizes[i]);
  }
  unit_tag(&unit, unit.slots[3], 5);
  unit_tag(&unit, unit.slots[16], 9);
  struct heap_dump *dump = unit_dump(unit.thread);
  ck_assert_uint_eq(dump->objects, 2 * DUMP_SIZES);
  ck_assert_uint_eq(dump->edges, 0);
  ck_assert_uint_eq(dump->roots, 2 * DUMP_SIZES);
  uint64_t bytes = 0;
  for (size_t i = 0; i < 2 * DUMP_SIZES; i++) {
    uint32_t object = unit_dump_object(dump, unit.slots[i]);
    uint64_t slot = heap_block_slot_bytes(heap_block_of(dump, object));
    ck_assert_uint_eq(slot, gait_object_bytes(unit.heap, unit.slots[i]));
    ck_assert_str_eq(unit_dump_kind(dump, object), gait_object_kind_name(unit.heap, unit.slots[i]));
    ck_assert_uint_eq(heap_note_of(&dump->external, object, 0), i == 3    ? 1u << 5
                                                                : i == 16 ? 1u << 9
                                                                          : 0);
    ck_assert_uint_eq(heap_object_with(dump, (uintptr_t)unit.slots[i] + dump_sizes[i / 2] - 1),
                      object);
    bytes += slot;
  }
  ck_assert_uint_eq(dump->object_bytes, bytes);
  for (size_t i = 0; i < DUMP_SIZES; i++)
    ck_assert_uint_eq(heap_object_with(dump, (uintptr_t)unit_find(dead[i])), HEAP_NONE);
  heap_dump_close(dump);
}
END_TEST

/* ---- References ---- */

static gait_kind dump_pair_kind(void) {
  const uint64_t map = 5; /* words 0 and 2 */
  const gait_kind_info info = {
      .name = "pair", .form = GAIT_KIND_POINTERS, .map_bytes = 32, .pointer_map = &map};
  gait_kind kind;
  ck_assert_int_eq(gait_kind_register(unit.heap, &info, &kind), GAIT_OK);
  return kind;
}

/* Those of maps, repeated ones, and of any word; into an object, to itself, from a large one. */
START_TEST(references_are_those_of_the_maps_with_their_words) {
  gait_kind pair_kind = dump_pair_kind();
  void **target = unit.slots[0] = gait_alloc(unit.thread, unit.references, 64);
  void **pair = unit.slots[1] = gait_alloc(unit.thread, pair_kind, 32);
  void **large = unit.slots[2] = gait_alloc(unit.thread, unit.conservative, 200000);
  void **leaf = unit.slots[3] = gait_alloc(unit.thread, unit.leaf, 64);
  gait_store(unit.thread, &pair[0], target);
  gait_store(unit.thread, &pair[1], large); /* no word of the map */
  gait_store(unit.thread, &pair[2], (char *)large + 100001);
  gait_store(unit.thread, &large[20000], (char *)target + 17);
  gait_store(unit.thread, &large[20001], target);
  gait_store(unit.thread, &large[20002], (void *)12345);
  gait_store(unit.thread, &target[2], target);
  gait_store(unit.thread, &target[7], leaf);
  leaf[0] = target;
  struct heap_dump *dump = unit_dump(unit.thread);
  ck_assert_uint_eq(dump->edges, 6);
  ck_assert_uint_eq(unit_dump_edges_by(dump, pair, target, 0), 1);
  ck_assert_uint_eq(unit_dump_edges_by(dump, pair, large, 2), 1);
  ck_assert_uint_eq(unit_dump_edges_by(dump, large, target, 20000), 1);
  ck_assert_uint_eq(unit_dump_edges_by(dump, large, target, 20001), 1);
  ck_assert_uint_eq(unit_dump_edges_by(dump, target, target, 2), 1);
  ck_assert_uint_eq(unit_dump_edges_by(dump, target, leaf, 7), 1);
  ck_assert_uint_eq(unit_dump_count_edges(dump, leaf), 0);
  heap_dump_close(dump);
}
END_TEST

#define DUMP_MANY 20000

static void *dump_elsewhere[DUMP_MANY];

/* More references than the object has words, most of them elsewhere. */
static void dump_trace(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)bytes, (void)arg;
  gait_trace_slot(tracer, (void **)object + 1);
  for (size_t i = 0; i < DUMP_MANY; i++)
    gait_trace_slot(tracer, &dump_elsewhere[i]);
}

START_TEST(references_are_those_that_a_function_traces) {
  const gait_kind_info info = {
      .name = "traced", .form = GAIT_KIND_CALLBACK_ANYWHERE, .trace = dump_trace};
  gait_kind kind;
  ck_assert_int_eq(gait_kind_register(unit.heap, &info, &kind), GAIT_OK);
  void **traced = unit.slots[0] = gait_alloc(unit.thread, kind, 32);
  void *inside = unit.slots[1] = gait_alloc(unit.thread, unit.leaf, 16);
  gait_store(unit.thread, &traced[1], inside);
  for (size_t i = 0; i < DUMP_MANY; i++)
    gait_store(unit.thread, &dump_elsewhere[i], gait_alloc(unit.thread, unit.leaf, 1024));
  struct heap_dump *dump = unit_dump(unit.thread);
  ck_assert_uint_eq(dump->objects, DUMP_MANY + 2);
  ck_assert_uint_eq(dump->edges, DUMP_MANY + 1);
  ck_assert_uint_eq(unit_dump_edges_by(dump, traced, inside, 1), 1);
  for (size_t i = 0; i < DUMP_MANY; i += 997)
    ck_assert_uint_eq(unit_dump_edges_by(dump, traced, dump_elsewhere[i], HEAP_NO_WORD), 1);
  heap_dump_close(dump);
  memset(dump_elsewhere, 0, sizeof dump_elsewhere);
  unit.slots[0] = NULL;
}
END_TEST

/* ---- Weak references ---- */

START_TEST(weak_references_are_none_but_are_told) {
  void *target = unit.slots[0] = gait_alloc(unit.thread, unit.leaf, 32);
  gait_weak *weak = unit.slots[1] = gait_weak_create(unit.thread, target);
  void *value = unit.slots[2] = gait_alloc(unit.thread, unit.leaf, 48);
  gait_ephemeron *ephemeron = unit.slots[3] = gait_ephemeron_new(unit.thread, target, value);
  unit.slots[4] = gait_ephemeron_new(unit.thread, NULL, value);
  struct heap_dump *dump = unit_dump(unit.thread);
  ck_assert_uint_eq(dump->objects, 5);
  ck_assert_uint_eq(dump->edges, 1);
  ck_assert_uint_eq(unit_dump_edges(dump, ephemeron, value), 1);
  ck_assert_uint_eq(dump->weak, 2);
  const void *holders[2] = {weak, ephemeron};
  struct heap_weak walk;
  heap_weak_begin(&walk, dump);
  for (size_t i = 0; i < 2; i++) {
    ck_assert(heap_weak_next(&walk));
    ck_assert_uint_eq(walk.target, unit_dump_object(dump, target));
    ck_assert(walk.from == unit_dump_object(dump, holders[0]) ||
              walk.from == unit_dump_object(dump, holders[1]));
  }
  ck_assert(!heap_weak_next(&walk));
  heap_dump_close(dump);
}
END_TEST

/* ---- Roots ---- */

static void dump_trace_root(gait_tracer *tracer, void *arg) {
  gait_trace_slot(tracer, arg);
}

static void dump_finalize(gait_thread *thread, void *object, void *arg) {
  (void)thread, (void)object, (void)arg;
}

START_TEST(roots_are_told_with_their_holders_and_places) {
  static void *range[4], *traced;
  gait_scope scope;
  gait_fiber *fiber;
  void *target = unit.slots[7] = gait_alloc(unit.thread, unit.leaf, 64);
  ck_assert_int_eq(gait_roots_add(unit.heap, range, sizeof range, GAIT_ROOTS_BARRIERED), GAIT_OK);
  ck_assert_int_eq(
      gait_roots_add_callback(unit.heap, dump_trace_root, &traced, GAIT_ROOTS_BARRIERED), GAIT_OK);
  ck_assert_int_eq(gait_fiber_register(unit.thread, NULL, 0, GAIT_STACK_EXACT, &fiber), GAIT_OK);
  gait_store(unit.thread, &range[2], target);
  gait_store(unit.thread, &traced, target);
  gait_fiber_set_value(unit.thread, fiber, target);
  gait_handle *handle = gait_handle_create(unit.thread, target);
  gait_scope_open(unit.thread, &scope);
  ck_assert_ptr_nonnull(gait_scope_add(unit.thread, target));
  struct heap_dump *dump = unit_dump(unit.thread);
  ck_assert_uint_eq(dump->objects, 1);
  ck_assert_uint_eq(unit_dump_roots(dump, HEAP_THREAD, HEAP_FRAME, &unit.slots[7], target), 1);
  ck_assert_uint_eq(unit_dump_roots(dump, HEAP_THREAD, HEAP_SCOPE, NULL, target), 1);
  ck_assert_uint_eq(unit_dump_roots(dump, HEAP_RANGE, HEAP_WORD, &range[2], target), 1);
  ck_assert_uint_eq(unit_dump_roots(dump, HEAP_CALLBACK, HEAP_TRACED, NULL, target), 1);
  ck_assert_uint_eq(unit_dump_roots(dump, HEAP_HANDLES, HEAP_WORD, handle, target), 1);
  ck_assert_uint_eq(unit_dump_roots(dump, HEAP_FIBER, HEAP_WORD, NULL, target), 1);
  ck_assert_uint_eq(dump->roots, 6);
  for (size_t i = 0; i < dump->holders_count; i++) {
    if (dump->holders[i].type == HEAP_THREAD) ck_assert_str_eq(dump->holders[i].name, "test");
    if (dump->holders[i].type == HEAP_RANGE)
      ck_assert_uint_eq(dump->holders[i].bytes, sizeof range);
  }
  heap_dump_close(dump);
  gait_scope_close(unit.thread, &scope);
  gait_handle_destroy(unit.thread, handle);
  ck_assert_int_eq(gait_fiber_unregister(unit.thread, fiber), GAIT_OK);
  ck_assert_int_eq(gait_roots_remove(unit.heap, range), GAIT_OK);
  ck_assert_int_eq(gait_roots_remove_callback(unit.heap, dump_trace_root, &traced), GAIT_OK);
}
END_TEST

START_TEST(pools_and_the_queue_of_finalizers_are_roots_of_their_own) {
  gait_pool *pool;
  ck_assert_int_eq(gait_pool_create(unit.heap, NULL, &pool), GAIT_OK);
  void *due = gait_alloc(unit.thread, unit.leaf, 64);
  uintptr_t hidden = unit_hide(due);
  ck_assert_int_eq(
      gait_finalizer_add(unit.thread, due, dump_finalize, NULL, GAIT_FINALIZER_UNORDERED, NULL),
      GAIT_OK);
  due = NULL;
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  void *pooled = gait_alloc(unit.thread, unit.leaf, 64);
  uintptr_t hidden_pooled = unit_hide(pooled);
  gait_pool_put(unit.thread, pool, pooled);
  struct heap_dump *dump = unit_dump(unit.thread);
  ck_assert_uint_eq(unit_dump_roots(dump, HEAP_QUEUE, HEAP_TRACED, NULL, unit_find(hidden)), 1);
  ck_assert_uint_eq(unit_dump_roots(dump, HEAP_POOL, HEAP_TRACED, NULL, unit_find(hidden_pooled)),
                    1);
  heap_dump_close(dump);
  gait_pool_destroy(pool);
}
END_TEST

/* On a conservative stack any word is a root. */
START_TEST(a_conservative_stack_has_roots_on_the_stack) {
  void *volatile target = gait_alloc(unit.thread, unit.leaf, 64);
  struct heap_dump *dump = unit_dump(unit.thread);
  ck_assert_uint_ge(unit_dump_roots(dump, HEAP_THREAD, HEAP_STACK, NULL, target) +
                        unit_dump_roots(dump, HEAP_THREAD, HEAP_FRAME, NULL, target),
                    1);
  heap_dump_close(dump);
  ck_assert_ptr_nonnull(target);
}
END_TEST

/* ---- Tags ---- */

START_TEST(tagged_words_are_references_by_the_rule) {
  const gait_tags rule = {.mask = 7, .first = 1, .address_mask = ~UINT64_C(7)};
  gait_options options = unit_options(_i);
  options.tags = &rule;
  unit_open_with(&unit, &options, GAIT_STACK_EXACT);
  const uint64_t map = 2, tagged = 5;
  const gait_kind_info info = {.name = "tagged",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = 32,
                               .pointer_map = &map,
                               .tagged_map = &tagged};
  gait_kind kind;
  ck_assert_int_eq(gait_kind_register(unit.heap, &info, &kind), GAIT_OK);
  uint64_t *object = unit.slots[0] = gait_alloc(unit.thread, kind, 32);
  void *target = unit.slots[1] = gait_alloc(unit.thread, unit.leaf, 16);
  gait_store_word(unit.thread, &object[0], (uintptr_t)target + 1);
  gait_store_word(unit.thread, &object[1], (uintptr_t)target);
  gait_store_word(unit.thread, &object[2], (uintptr_t)target + 2); /* another tag */
  gait_handle *handle = gait_handle_create(unit.thread, (void *)((uintptr_t)target + 1));
  struct heap_dump *dump = unit_dump(unit.thread);
  ck_assert_uint_eq(unit_dump_edges_by(dump, object, target, 0), 1);
  ck_assert_uint_eq(unit_dump_edges_by(dump, object, target, 1), 1);
  ck_assert_uint_eq(dump->edges, 2);
  ck_assert_uint_eq(unit_dump_roots(dump, HEAP_HANDLES, HEAP_WORD, handle, target), 1);
  heap_dump_close(dump);
  gait_handle_destroy(unit.thread, handle);
  unit_close(&unit);
}
END_TEST

/* ---- Random graphs, and what is made of them ---- */

#define GRAPH_MOST  48
#define GRAPH_OUT   6
#define GRAPH_SEEDS (TESTS_EMULATED ? 20u : 200u)

/* Node 0 stands for the roots. */
struct graph {
  size_t count;
  void **nodes[GRAPH_MOST];
  bool edge[GRAPH_MOST][GRAPH_MOST];
};

static size_t graph_below(uint64_t *random, size_t end) {
  return random_below(random, (uint32_t)end);
}

static void graph_make(struct graph *graph, uint64_t *random) {
  memset(graph, 0, sizeof *graph);
  memset(unit.slots, 0, sizeof unit.slots);
  graph->count = 2 + graph_below(random, GRAPH_MOST - 2);
  for (size_t i = 1; i < graph->count; i++) {
    size_t bytes = 8 * (GRAPH_OUT + graph_below(random, 40));
    gait_kind kind = graph_below(random, 4) == 0 ? unit.conservative : unit.references;
    graph->nodes[i] = unit.slots[i] = gait_alloc(unit.thread, kind, bytes);
  }
  size_t edges = graph_below(random, 3 * graph->count);
  for (size_t i = 0; i < edges; i++) {
    size_t from = 1 + graph_below(random, graph->count - 1);
    size_t to = 1 + graph_below(random, graph->count - 1);
    gait_store(unit.thread, &graph->nodes[from][graph_below(random, GRAPH_OUT)], graph->nodes[to]);
  }
  for (size_t from = 1; from < graph->count; from++)
    for (size_t word = 0; word < GRAPH_OUT; word++)
      for (size_t to = 1; to < graph->count; to++)
        graph->edge[from][to] |= graph->nodes[from][word] == graph->nodes[to];
}

/* Some nodes lose their roots. */
static void graph_uproot(struct graph *graph, uint64_t *random) {
  for (size_t i = 1; i < graph->count; i++) {
    graph->edge[0][i] = random_below(random, 8) == 0;
    if (!graph->edge[0][i]) unit.slots[i] = NULL;
  }
}

/* How many steps each node is away from the roots where `without` is not there; SIZE_MAX: there is
 * no way. */
static void graph_distances(const struct graph *graph, size_t without, size_t *distance) {
  size_t queue[GRAPH_MOST] = {0}, first = 0, last = 1;
  for (size_t i = 0; i < graph->count; i++)
    distance[i] = i == 0 ? 0 : SIZE_MAX;
  while (first < last) {
    size_t from = queue[first++];
    for (size_t to = 1; to < graph->count; to++) {
      if (!graph->edge[from][to] || distance[to] != SIZE_MAX || to == without) continue;
      distance[to] = distance[from] + 1;
      queue[last++] = to;
    }
  }
}

static size_t graph_node(const struct graph *graph, const struct heap_dump *dump, uint32_t object) {
  for (size_t i = 1; i < graph->count; i++)
    if (heap_address_of(dump, object) == (uintptr_t)graph->nodes[i]) return i;
  ck_abort_msg("an object that is no node");
}

static void graph_check_edges(const struct graph *graph, const struct heap_dump *dump,
                              const size_t *distance) {
  size_t live = 0, edges = 0;
  for (size_t from = 1; from < graph->count; from++) {
    if (distance[from] == SIZE_MAX) continue;
    live++;
    for (size_t word = 0; word < GRAPH_OUT; word++) {
      const void *to = graph->nodes[from][word];
      if (!to) continue;
      edges++;
      UNIT_CHECK(unit_dump_edges_by(dump, graph->nodes[from], to, word) == 1);
    }
  }
  ck_assert_uint_eq(dump->objects, live);
  ck_assert_uint_eq(dump->edges, edges);
}

static void graph_check_path(const struct graph *graph, const struct heap_dump *dump,
                             const size_t *distance, size_t node) {
  struct heap_path path;
  uint32_t object = unit_dump_object(dump, graph->nodes[node]);
  ck_assert_int_eq(heap_path_find(dump, object, &path), HEAP_PATH_FOUND);
  ck_assert_uint_eq(path.count, distance[node]);
  UNIT_CHECK(graph->edge[0][graph_node(graph, dump, path.steps[0].object)]);
  for (size_t i = 0; i + 1 < path.count; i++) {
    void **from = graph->nodes[graph_node(graph, dump, path.steps[i].object)];
    UNIT_CHECK(from[path.steps[i].word] ==
               graph->nodes[graph_node(graph, dump, path.steps[i + 1].object)]);
  }
  UNIT_CHECK(path.steps[path.count - 1].object == object);
  heap_path_destroy(&path);
}

/* A node dominates those that have no way without it: its nearest dominator is the one that all the
 * others dominate. */
static void graph_check_dominators(const struct graph *graph, const struct heap_dump *dump,
                                   const size_t *distance, bool arrays) {
  struct heap_dominators *all = heap_dominators_find(dump, arrays);
  bool dominates[GRAPH_MOST][GRAPH_MOST];
  size_t without[GRAPH_MOST], live = 0;
  memset(dominates, 0, sizeof dominates);
  for (size_t i = 1; i < graph->count; i++) {
    graph_distances(graph, i, without);
    live += distance[i] != SIZE_MAX;
    for (size_t to = 1; to < graph->count; to++)
      dominates[i][to] = distance[to] != SIZE_MAX && without[to] == SIZE_MAX;
  }
  ck_assert_ptr_nonnull(all);
  ck_assert_uint_eq(all->count, live);
  for (uint32_t number = 1; number <= all->count; number++) {
    size_t node = graph_node(graph, dump, all->objects[number]), count = 0;
    uint64_t bytes = 0;
    for (size_t to = 1; to < graph->count; to++) {
      if (!dominates[node][to]) continue;
      count++;
      bytes += gait_object_bytes(unit.heap, graph->nodes[to]);
    }
    ck_assert_uint_eq(all->retained[number], count);
    ck_assert_uint_eq(all->bytes[number], bytes);
    uint32_t above = all->dominator[number];
    size_t holder = above ? graph_node(graph, dump, all->objects[above]) : 0;
    UNIT_CHECK(above < number && holder != node && (holder == 0 || dominates[holder][node]));
    for (size_t other = 1; other < graph->count; other++)
      if (dominates[other][node] && other != node)
        UNIT_CHECK(holder != 0 && dominates[other][holder]);
  }
  heap_dominators_destroy(all);
}

START_TEST(edges_paths_and_dominators_of_random_graphs_are_the_naive_ones) {
  static struct graph graph;
  size_t distance[GRAPH_MOST];
  for (uint64_t seed = 1; seed <= GRAPH_SEEDS; seed++) {
    uint64_t random = seed;
    graph_make(&graph, &random);
    graph_uproot(&graph, &random);
    graph_distances(&graph, SIZE_MAX, distance);
    struct heap_dump *dump = unit_dump(unit.thread);
    graph_check_edges(&graph, dump, distance);
    for (size_t i = 1; i < graph.count; i++)
      if (distance[i] != SIZE_MAX) graph_check_path(&graph, dump, distance, i);
    graph_check_dominators(&graph, dump, distance, true);
    graph_check_dominators(&graph, dump, distance, false);
    heap_dump_close(dump);
  }
}
END_TEST

/* ---- Beside others ---- */

#define DUMP_THREADS 3
#define DUMP_LIST    50

static atomic_bool dump_stop;
static atomic_uint dump_ready;

/* Keeps a list of DUMP_LIST cells, and replaces its head again and again. */
static void *dump_mutate(void *arg) {
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(unit.heap, arg, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  void *slots[2] = {NULL};
  gait_frame frame;
  gait_frame_push(thread, &frame, slots, 2);
  for (uintptr_t i = 0; !atomic_load(&dump_stop); i++) {
    void **cell = slots[1] = gait_alloc(thread, unit.references, 32);
    gait_store_init(thread, &cell[0], i % DUMP_LIST ? slots[0] : NULL);
    slots[0] = cell;
    if (i == DUMP_LIST) atomic_fetch_add(&dump_ready, 1);
  }
  gait_frame_pop(thread, &frame);
  gait_thread_detach(thread);
  return NULL;
}

/* Every reference leads to an object, or the reader would have said so; each list is a path. */
START_TEST(threads_allocate_meanwhile) {
  pthread_t threads[DUMP_THREADS];
  static char names[DUMP_THREADS][8] = {"one", "two", "three"};
  atomic_store(&dump_stop, false);
  atomic_store(&dump_ready, 0);
  for (size_t i = 0; i < DUMP_THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, dump_mutate, names[i]), 0);
  gait_thread_leave(unit.thread);
  while (atomic_load(&dump_ready) < DUMP_THREADS)
    usleep(100);
  gait_thread_enter(unit.thread);
  for (int round = 0; round < 10; round++) {
    struct heap_dump *dump = unit_dump(unit.thread);
    size_t lists = 0;
    struct heap_roots roots;
    heap_roots_begin(&roots, dump);
    while (heap_roots_next(&roots))
      lists += dump->holders[roots.holder].type == HEAP_THREAD && roots.place == HEAP_FRAME;
    ck_assert_uint_ge(lists, DUMP_THREADS);
    heap_dump_close(dump);
  }
  atomic_store(&dump_stop, true);
  gait_thread_leave(unit.thread);
  for (size_t i = 0; i < DUMP_THREADS; i++)
    pthread_join(threads[i], NULL);
  gait_thread_enter(unit.thread);
}
END_TEST

static void *dump_own(void *arg) {
  (void)arg;
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(unit.heap, "dumper", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  void *slot[1] = {NULL};
  gait_frame frame;
  gait_frame_push(thread, &frame, slot, 1);
  for (int round = 0; round < 10; round++) {
    slot[0] = gait_alloc(thread, unit.leaf, 64);
    struct heap_dump *dump = unit_dump(thread);
    UNIT_CHECK(unit_dump_roots(dump, HEAP_THREAD, HEAP_FRAME, &slot[0], slot[0]) == 1);
    heap_dump_close(dump);
  }
  gait_frame_pop(thread, &frame);
  gait_thread_detach(thread);
  return NULL;
}

START_TEST(several_threads_dump_at_once) {
  pthread_t threads[DUMP_THREADS];
  for (size_t i = 0; i < DUMP_THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, dump_own, NULL), 0);
  gait_thread_leave(unit.thread);
  for (size_t i = 0; i < DUMP_THREADS; i++)
    pthread_join(threads[i], NULL);
  gait_thread_enter(unit.thread);
}
END_TEST

static atomic_bool dump_forking;

static void *dump_while_forking(void *arg) {
  (void)arg;
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(unit.heap, "dumper", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  while (atomic_load(&dump_forking))
    heap_dump_close(unit_dump(thread));
  gait_thread_detach(thread);
  return NULL;
}

static void dump_in_child(void) {
  void **cell = gait_alloc(unit.thread, unit.references, 32);
  gait_store_init(unit.thread, &cell[0], unit.slots[0]);
  unit.slots[0] = cell;
  struct heap_dump *dump = unit_dump(unit.thread);
  bool right = dump->objects == 2 && dump->edges == 1;
  heap_dump_close(dump);
  _exit(right ? 0 : 1);
}

/* A process forks while one of its threads dumps the heap; its children dump it, too. */
START_TEST(a_fork_may_come_at_any_time) {
  pthread_t thread;
  if (!SANITIZER_FORKS) return;
  atomic_store(&dump_forking, true);
  unit.slots[0] = gait_alloc(unit.thread, unit.leaf, 32);
  ck_assert_int_eq(pthread_create(&thread, NULL, dump_while_forking, NULL), 0);
  for (int i = 0; i < 20; i++) {
    int status;
    pid_t child = fork();
    UNIT_CHECK(child >= 0);
    if (child == 0) dump_in_child();
    gait_thread_leave(unit.thread);
    UNIT_CHECK(waitpid(child, &status, 0) == child && status == 0);
    gait_thread_enter(unit.thread);
  }
  atomic_store(&dump_forking, false);
  gait_thread_leave(unit.thread);
  pthread_join(thread, NULL);
  gait_thread_enter(unit.thread);
}
END_TEST

/* Objects that young cycles keep, and a second marking, change nothing. */
START_TEST(young_cycles_and_checkmark_change_nothing) {
  gait_options options = unit_options(_i);
  options.debug.checkmark = 1;
  options.debug.heap_walk = 1;
  options.young_percent = 100;
  options.debug.collect_every = 100;
  unit_open_with(&unit, &options, GAIT_STACK_EXACT);
  void **list = NULL;
  for (unsigned i = 0; i < 2000; i++) {
    void **cell = gait_alloc(unit.thread, unit.references, 32);
    gait_store_init(unit.thread, &cell[0], list);
    unit.slots[0] = list = cell;
  }
  for (int round = 0; round < 3; round++) {
    struct heap_dump *dump = unit_dump(unit.thread);
    ck_assert_uint_eq(dump->objects, 2000);
    ck_assert_uint_eq(dump->edges, 1999);
    struct heap_path path;
    uint32_t last = HEAP_NONE;
    for (void **cell = unit.slots[0]; cell; cell = cell[0])
      last = unit_dump_object(dump, cell);
    ck_assert_int_eq(heap_path_find(dump, last, &path), HEAP_PATH_FOUND);
    ck_assert_uint_eq(path.count, 2000);
    heap_path_destroy(&path);
    heap_dump_close(dump);
    gait_alloc(unit.thread, unit.leaf, 32);
  }
  unit_close(&unit);
}
END_TEST

/* Where the option find_missing notes them, sites are told. */
START_TEST(sites_are_told_where_they_are_known) {
  gait_options options = unit_options(_i);
  options.debug.find_missing = GAIT_FIND_ON;
  unit_open_with(&unit, &options, GAIT_STACK_EXACT);
  void *object = unit.slots[0] = gait_alloc(unit.thread, unit.leaf, 32);
  struct heap_dump *dump = unit_dump(unit.thread);
  uint64_t site = heap_note_of(&dump->sited, unit_dump_object(dump, object), UINT64_MAX);
  ck_assert_uint_lt(site, dump->sites_count);
  ck_assert_uint_gt(strlen(dump->sites[site]), 0);
  heap_dump_close(dump);
  unit_close(&unit);
}
END_TEST

/* ---- The option ---- */

static unit_log dump_log;
static atomic_uint dump_lines;

/* The thread that dumps logs beside the test's. */
static void dump_log_line(const char *line, void *log) {
  unit_log_line(line, log);
  atomic_fetch_add(&dump_lines, 1);
}

/* A world whose heap dumps to a file of this process. */
static void dump_open_with_option(const char *path, int64_t signal, int64_t max_heap_bytes) {
  gait_options options = unit_options(UNIT_CONCURRENT);
  options.dump = path;
  options.dump_signal = signal;
  options.max_heap_bytes = max_heap_bytes;
  options.log = dump_log_line;
  options.log_arg = &dump_log;
  memset(&dump_log, 0, sizeof dump_log);
  unit_open_with(&unit, &options, GAIT_STACK_EXACT);
}

static const char *dump_temporary(void) {
  static char path[256];
  const char *folder = getenv("TMPDIR");
  snprintf(path, sizeof path, "%s/gait_unit_dump_option_%%p", folder ? folder : "/tmp");
  return path;
}

/* The file that the log's last line names; it is gone then. */
static struct heap_dump *dump_of_log(const char *why) {
  struct heap_error error;
  char *line = strstr(dump_log.text, "gait: dump: "), *next;
  ck_assert_ptr_nonnull(line);
  while ((next = strstr(line + 1, "gait: dump: ")))
    line = next;
  char *path = line + strlen("gait: dump: "), *end = strstr(path, ": written, ");
  if (!end || strncmp(end + strlen(": written, "), why, strlen(why)) != 0)
    ck_abort_msg("another line: %s", line);
  char *copy = strndup(path, (size_t)(end - path));
  struct heap_dump *dump = heap_dump_open(copy, &error);
  if (!dump) ck_abort_msg("%s", error.text);
  unlink(copy);
  free(copy);
  return dump;
}

START_TEST(a_heap_that_is_full_is_dumped_once) {
  dump_open_with_option(dump_temporary(), 0, 4 << 20);
  for (int round = 0; round < 3; round++) {
    void **cell;
    while ((cell = gait_alloc(unit.thread, unit.references, 4096))) {
      gait_store_init(unit.thread, &cell[0], unit.slots[0]);
      unit.slots[0] = cell;
    }
  }
  struct heap_dump *dump = dump_of_log("since it is full");
  ck_assert_uint_gt(dump->objects, 500);
  ck_assert_uint_eq(dump->edges, dump->objects - 1);
  heap_dump_close(dump);
  ck_assert_ptr_null(strstr(strstr(dump_log.text, "gait: dump: ") + 1, "gait: dump: "));
  unit_close(&unit);
  ck_assert_ptr_null(strstr(dump_log.text, "destroyed"));
}
END_TEST

static struct heap_dump *dump_await(const char *why, unsigned before) {
  gait_thread_leave(unit.thread);
  while (atomic_load(&dump_lines) == before)
    usleep(1000);
  gait_thread_enter(unit.thread);
  return dump_of_log(why);
}

START_TEST(a_signal_has_the_heap_dumped) {
  dump_open_with_option(dump_temporary(), SIGUSR2, GAIT_OFF);
  for (size_t count = 1; count <= 3; count++) {
    unit.slots[count] = gait_alloc(unit.thread, unit.leaf, 32);
    unsigned before = atomic_load(&dump_lines);
    ck_assert_int_eq(raise(SIGUSR2), 0);
    struct heap_dump *dump = dump_await("at the signal", before);
    ck_assert_uint_eq(dump->objects, count);
    heap_dump_close(dump);
  }
  unit_close(&unit);
}
END_TEST

static volatile sig_atomic_t dump_signals;

static void dump_take_signal(int signal) {
  (void)signal;
  dump_signals++;
}

START_TEST(a_signal_of_the_programs_is_left_alone) {
  struct sigaction own = {.sa_handler = dump_take_signal}, before;
  ck_assert_int_eq(sigaction(SIGUSR1, &own, &before), 0);
  dump_open_with_option(dump_temporary(), SIGUSR1, GAIT_OFF);
  ck_assert_ptr_nonnull(strstr(dump_log.text, "gait: dump: signal "));
  ck_assert_int_eq(raise(SIGUSR1), 0);
  ck_assert_int_eq(dump_signals, 1);
  sigaction(SIGUSR1, &before, NULL);
  unit_close(&unit);
  heap_dump_close(dump_of_log("when it was destroyed"));
}
END_TEST

START_TEST(the_option_has_a_path_for_dumps_of_the_programs) {
  dump_open_with_option(dump_temporary(), 0, GAIT_OFF);
  char path[300], error[256];
  unit.slots[0] = gait_alloc(unit.thread, unit.leaf, 32);
  ck_assert_int_eq(gait_heap_dump(unit.thread, NULL, error, sizeof error), GAIT_OK);
  unit_close(&unit);
  ck_assert_ptr_null(strstr(dump_log.text, "gait: dump: "));
  const char *pattern = dump_temporary();
  snprintf(path, sizeof path, "%.*s%d", (int)(strlen(pattern) - 2), pattern, (int)getpid());
  struct heap_error fault;
  struct heap_dump *dump = heap_dump_open(path, &fault);
  if (!dump) ck_abort_msg("%s", fault.text);
  ck_assert_uint_eq(dump->objects, 1);
  heap_dump_close(dump);
  unlink(path);
}
END_TEST

START_TEST(the_log_says_why_a_dump_was_not_written) {
  dump_open_with_option("/nowhere/dump", 0, GAIT_OFF);
  unit_close(&unit);
  ck_assert_ptr_nonnull(strstr(dump_log.text, "gait: dump: /nowhere/dump: at byte 0: "));
}
END_TEST

/* ---- What is wrong ---- */

START_TEST(a_dump_refuses_null_and_says_why_it_was_not_written) {
  char error[256];
  ck_assert_int_eq(gait_heap_dump(NULL, "x", NULL, 0), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_heap_dump(unit.thread, NULL, NULL, 0), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_heap_dump(unit.thread, "", NULL, 0), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_heap_dump(unit.thread, "x", NULL, 1), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_heap_dump(unit.thread, "/nowhere/dump", error, sizeof error),
                   GAIT_ERROR_SYSTEM);
  ck_assert_ptr_nonnull(strstr(error, "/nowhere/dump: "));
  ck_assert_int_eq(gait_heap_dump(unit.thread, "/nowhere/dump", NULL, 0), GAIT_ERROR_SYSTEM);
  for (unsigned i = 0; i < 1000; i++) {
    void **cell = gait_alloc(unit.thread, unit.references, 32);
    gait_store_init(unit.thread, &cell[0], unit.slots[0]);
    unit.slots[0] = cell;
  }
  if (access("/dev/full", W_OK) != 0) return;
  ck_assert_int_eq(gait_heap_dump(unit.thread, "/dev/full", error, sizeof error),
                   GAIT_ERROR_SYSTEM);
  ck_assert_ptr_nonnull(strstr(error, "/dev/full: at byte 0: "));
  ck_assert_uint_eq(unit_marked_objects(&unit), 1000);
}
END_TEST

static void dump_expect_fault(const unsigned char *data, size_t bytes) {
  struct heap_error error = {""};
  struct heap_dump *dump = heap_dump_read(data, bytes, "a file", &error);
  UNIT_CHECK(dump == NULL);
  UNIT_CHECK(strncmp(error.text, "a file: at byte ", strlen("a file: at byte ")) == 0);
}

START_TEST(a_dump_that_was_cut_or_changed_is_refused) {
  for (size_t i = 0; i < 8; i++)
    unit.slots[i] = gait_alloc(unit.thread, unit.references, 64);
  gait_store(unit.thread, (void **)unit.slots[0] + 3, unit.slots[5]);
  size_t bytes;
  unsigned char *data = unit_dump_bytes(unit.thread, &bytes);
  struct heap_error error;
  struct heap_dump *dump = heap_dump_read(data, bytes, "a file", &error);
  if (!dump) ck_abort_msg("%s", error.text);
  heap_dump_close(dump);
  for (size_t cut = 0; cut < bytes; cut++)
    dump_expect_fault(data, cut);
  for (size_t bit = 0; bit < 8 * bytes; bit++) {
    data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    dump_expect_fault(data, bytes);
    data[bit / 8] ^= (unsigned char)(1u << bit % 8);
  }
  free(data);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds exact = unit_world_cases(suite, "exact", &unit_exact);
  UNIT_WORLD_TEST(exact, a_dump_has_each_live_object_and_no_dead_one);
  UNIT_WORLD_TEST(exact, references_are_those_of_the_maps_with_their_words);
  UNIT_WORLD_TEST(exact, references_are_those_that_a_function_traces);
  UNIT_WORLD_TEST(exact, weak_references_are_none_but_are_told);
  UNIT_WORLD_TEST(exact, roots_are_told_with_their_holders_and_places);
  UNIT_WORLD_TEST(exact, pools_and_the_queue_of_finalizers_are_roots_of_their_own);
  UNIT_WORLD_TEST(exact, edges_paths_and_dominators_of_random_graphs_are_the_naive_ones);
  UNIT_WORLD_TEST(exact, threads_allocate_meanwhile);
  UNIT_WORLD_TEST(exact, several_threads_dump_at_once);
  UNIT_WORLD_TEST(exact, a_fork_may_come_at_any_time);
  UNIT_WORLD_TEST(exact, a_dump_refuses_null_and_says_why_it_was_not_written);
  UNIT_WORLD_TEST(exact, a_dump_that_was_cut_or_changed_is_refused);
  const unit_worlds conservative = unit_world_cases(suite, "conservative", &unit_conservative);
  UNIT_WORLD_TEST(conservative, a_conservative_stack_has_roots_on_the_stack);
  TCase *alone = unit_case(suite, "alone");
  UNIT_TEST(alone, tagged_words_are_references_by_the_rule);
  UNIT_TEST(alone, young_cycles_and_checkmark_change_nothing);
  tcase_add_test(alone, a_heap_that_is_full_is_dumped_once);
  tcase_add_test(alone, a_signal_has_the_heap_dumped);
  tcase_add_test(alone, a_signal_of_the_programs_is_left_alone);
  tcase_add_test(alone, the_option_has_a_path_for_dumps_of_the_programs);
  tcase_add_test(alone, the_log_says_why_a_dump_was_not_written);
  tcase_add_loop_test(alone, sites_are_told_where_they_are_known, 0, 1);
}
