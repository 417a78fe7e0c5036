/* A million symbols that are looked up beside marking, a million weak references and entries, a
 * million ephemerons in a chain. */
#include "limits_world.h"

#include <string.h>

#include <gait/ephemeron.h>
#include <gait/weak_table.h>

#include "../support/random.h"

static size_t weakly_count(void) {
  return limits_full() ? 1000000 : 20000;
}

/* Slots of the world: 0 keeps every object of a case, 1 what refers to them weakly. */
enum { KEPT, WEAKLY, LAST };

static void **weakly_array(struct limits_world *world, int slot, size_t count) {
  world->slots[slot] = gait_alloc_array(world->thread, world->references, 0, count, sizeof(void *));
  MUST(world->slots[slot]);
  return world->slots[slot];
}

/* The longest of the program's operations, which the collector may hold up. */
struct weakly_longest {
  uint64_t since_ns;
  uint64_t ns;
};

static void weakly_note(struct weakly_longest *longest) {
  const uint64_t now_ns = limits_now_ns();
  if (longest->since_ns && now_ns - longest->since_ns > longest->ns)
    longest->ns = now_ns - longest->since_ns;
  longest->since_ns = now_ns;
}

/* ---- Symbols ---- */

static bool symbol_is(gait_thread *thread, void *object, const void *name, void *arg) {
  (void)thread, (void)arg;
  return ((const struct limits_node *)object)->number == *(const uint64_t *)name;
}

static void *symbol_make(gait_thread *thread, const void *name, void *arg) {
  struct limits_world *world = arg;
  struct limits_node *node = gait_alloc(thread, world->node, sizeof *node);
  if (node) node->number = *(const uint64_t *)name;
  return node;
}

/* Looks up symbols at random until `cycles` cycles have gone by and each has had its turn; returns
 * the ns of one. */
static double symbols_look(struct limits_world *world, size_t count,
                           const struct limits_collector *collector, unsigned cycles,
                           struct weakly_longest *longest) {
  uint64_t random = 1, looks = 0;
  const uint64_t start = limits_now_ns();
  for (; looks < count || (collector && atomic_load(&collector->cycles) < cycles); looks++) {
    const uint64_t number = random_next(&random) % count;
    const void *symbol = gait_intern_find(world->thread, world->slots[WEAKLY], number, &number);
    MUST(symbol && symbol == ((void **)world->slots[KEPT])[number]);
    gait_thread_poll(world->thread);
    if (longest) weakly_note(longest);
  }
  return (double)(limits_now_ns() - start) / (double)looks;
}

static void weakly_symbols(void) {
  struct limits_world world;
  const gait_options options = limits_options();
  const size_t count = weakly_count();
  limits_open(&world, &options);
  weakly_array(&world, KEPT, count);
  world.slots[WEAKLY] = gait_intern_create(world.thread, symbol_is, symbol_make, &world);
  MUST(world.slots[WEAKLY]);
  for (uint64_t i = 0; i < count; i++) {
    void *symbol = gait_intern(world.thread, world.slots[WEAKLY], i, &i);
    MUST(symbol);
    gait_store(world.thread, &((void **)world.slots[KEPT])[i], symbol);
  }
  const double idle_ns = symbols_look(&world, count, NULL, 0, NULL);
  struct limits_collector collector;
  struct weakly_longest longest = {0, 0};
  limits_collector_begin(&collector, world.heap);
  const double beside_ns = symbols_look(&world, count, &collector, 10, &longest);
  limits_collector_end(&world, &collector);
  printf("limits: %zu symbols: %.0f ns to find one, %.0f ns beside %u cycles one after the other; "
         "the longest took %.0f us\n",
         count, idle_ns, beside_ns, atomic_load(&collector.cycles), (double)longest.ns / 1e3);
  world.slots[KEPT] = NULL;
  MUST(gait_heap_collect(world.thread) == GAIT_OK);
  for (uint64_t i = 0; i < count; i++)
    MUST(!gait_intern_find(world.thread, world.slots[WEAKLY], i, &i));
  limits_close(&world);
}

/* ---- Weak references, and entries of a weak table ---- */

/* Keeps `count` nodes, to each of which a weak reference and an entry refer. */
static void weak_fill(struct limits_world *world, size_t count, bool weakly) {
  weakly_array(world, KEPT, count);
  weakly_array(world, WEAKLY, count);
  world->slots[LAST] = gait_weak_table_create(world->thread, GAIT_WEAK_KEYS);
  MUST(world->slots[LAST]);
  for (size_t i = 0; i < count; i++) {
    struct limits_node *node = gait_alloc(world->thread, world->node, sizeof *node);
    MUST(node);
    node->number = i;
    gait_store(world->thread, &((void **)world->slots[KEPT])[i], node);
    if (!weakly) continue;
    gait_weak *weak = gait_weak_create(world->thread, node);
    MUST(weak);
    gait_store(world->thread, &((void **)world->slots[WEAKLY])[i], weak);
    MUST(gait_weak_table_put(world->thread, world->slots[LAST], ((void **)world->slots[KEPT])[i],
                             weak));
  }
}

/* Drops half of the nodes in each of some cycles, while this thread allocates; returns the longest
 * time from one allocation to the next. */
static uint64_t weak_drop(struct limits_world *world, size_t count, bool weakly) {
  void **kept = world->slots[KEPT];
  struct weakly_longest longest = {0, 0};
  for (size_t step = 2; step <= 16; step *= 2) {
    for (size_t i = step / 2; i < count; i += step)
      gait_store(world->thread, &kept[i], NULL);
    struct limits_collector collector;
    limits_collector_begin(&collector, world->heap);
    for (longest.since_ns = 0; atomic_load(&collector.cycles) < 3; weakly_note(&longest))
      MUST(gait_alloc(world->thread, world->node, 64));
    limits_collector_end(world, &collector);
    for (size_t i = 0; weakly && i < count; i++)
      MUST(gait_weak_get(world->thread, ((void **)world->slots[WEAKLY])[i]) == kept[i]);
  }
  return longest.ns;
}

static double weak_longest_us(bool weakly) {
  struct limits_world world;
  const gait_options options = limits_options();
  const size_t count = weakly_count();
  limits_open(&world, &options);
  weak_fill(&world, count, weakly);
  const double us = (double)weak_drop(&world, count, weakly) / 1e3;
  if (weakly) MUST(gait_weak_table_count(world.thread, world.slots[LAST]) >= count / 16);
  limits_close(&world);
  return us;
}

static void weakly_references(void) {
  const double without = weak_longest_us(false), with = weak_longest_us(true);
  printf("limits: %zu weak references and as many entries of a table: the longest allocation took "
         "%.0f "
         "us, without them %.0f us\n",
         weakly_count(), with, without);
}

/* ---- Ephemerons in a chain ---- */

/* Each keeps the key of the next, and the last to be looked at is the first of the chain. */
static double chain_mark_ns(size_t count) {
  struct limits_world world;
  const gait_options options = limits_options();
  limits_open(&world, &options);
  void **chain = weakly_array(&world, WEAKLY, count);
  world.slots[LAST] = gait_alloc(world.thread, world.node, sizeof(struct limits_node));
  for (size_t i = 0; i < count; i++) {
    void *key = gait_alloc(world.thread, world.node, sizeof(struct limits_node));
    world.slots[3] = key;
    void *ephemeron = gait_ephemeron_new(world.thread, key, world.slots[LAST]);
    MUST(key && ephemeron);
    gait_store(world.thread, &chain[i], ephemeron);
    world.slots[LAST] = key;
  }
  MUST(gait_heap_collect(world.thread) == GAIT_OK);
  const gait_cycle_record record = limits_last_cycle(&world);
  for (size_t i = 0; i < count; i++)
    MUST(gait_ephemeron_key(world.thread, chain[i]));
  world.slots[LAST] = world.slots[3] = NULL;
  MUST(gait_heap_collect(world.thread) == GAIT_OK);
  for (size_t i = 0; i < count; i++)
    MUST(!gait_ephemeron_key(world.thread, chain[i]));
  limits_close(&world);
  return (double)record.mark_ns / (double)count;
}

static void weakly_chain(void) {
  const size_t count = weakly_count();
  printf("limits: %zu ephemerons in a chain: marked in %.0f ns each; a tenth of them in %.0f ns\n",
         count, chain_mark_ns(count), chain_mark_ns(count / 10));
}

const struct run_case limits_cases_weakly[] = {
    {"symbols", weakly_symbols},
    {"weak", weakly_references},
    {"ephemerons", weakly_chain},
    {NULL, NULL},
};
