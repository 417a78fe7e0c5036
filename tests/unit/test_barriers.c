/* Loads and stores of references: what they do to memory, idle and while cycles run. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "../support/random.h"

const char *const unit_suite_name = "barriers";

/* Runs `work(world)` again and again until `cycles` cycles have gone by beside it, or once, idle.
 */
static void barriers_run(void (*work)(unit_world *, uint64_t), uint64_t cycles) {
  if (!cycles) {
    work(&unit, 1);
    ck_assert_uint_eq(unit_stats(unit.heap).cycles, 0);
    return;
  }
  unit_collector collector;
  unit_collector_start(&collector, unit.heap);
  for (uint64_t round = 1; unit_stats(unit.heap).cycles < cycles; round++) {
    work(&unit, round);
    gait_thread_poll(unit.thread);
  }
  unit_collector_stop(&collector, unit.thread);
}

/* A leaf that says who it is. */
static void *barriers_leaf(unit_world *world, uint64_t id) {
  uint64_t *leaf = gait_alloc(world->thread, world->leaf, 16 + id % 5 * 40);
  UNIT_CHECK(leaf && leaf[0] == 0 && leaf[1] == 0);
  leaf[0] = id;
  leaf[1] = ~id;
  return leaf;
}

static bool barriers_is(const void *leaf, uint64_t id) {
  const uint64_t *words = leaf;
  return words && words[0] == id && words[1] == ~id;
}

static void **barriers_array(unit_world *world, uint64_t words) {
  void **array = gait_alloc_array(world->thread, world->references, 0, words, sizeof(void *));
  world->slots[0] = array;
  return array;
}

static void barriers_store(unit_world *world, uint64_t round) {
  void **array = barriers_array(world, 16);
  for (uint64_t i = 0; i < 16; i++) {
    void *leaf = barriers_leaf(world, 16 * round + i);
    if (i % 2)
      gait_store_init(world->thread, &array[i], leaf);
    else
      gait_store(world->thread, &array[i], leaf);
  }
  gait_thread_poll(world->thread);
  for (uint64_t i = 0; i < 16; i++)
    UNIT_CHECK(barriers_is(gait_load(&array[i]), 16 * round + i));
  gait_store(world->thread, &array[3], NULL);
  UNIT_CHECK(array[3] == NULL && array[2] != NULL && array[4] != NULL);
}

START_TEST(stores_are_plain_while_idle) {
  barriers_run(barriers_store, 0);
}
END_TEST
START_TEST(stores_lose_no_object_during_cycles) {
  barriers_run(barriers_store, 100);
}
END_TEST

static void barriers_cas(unit_world *world, uint64_t round) {
  void **array = barriers_array(world, 3);
  gait_store(world->thread, &array[1], barriers_leaf(world, 2 * round));
  gait_store(world->thread, &array[2], barriers_leaf(world, 2 * round + 1));
  void *first = array[1], *second = array[2];
  UNIT_CHECK(!gait_cas(world->thread, &array[0], first, second));
  UNIT_CHECK(array[0] == NULL);
  UNIT_CHECK(gait_cas(world->thread, &array[0], NULL, first));
  UNIT_CHECK(array[0] == first);
  gait_store(world->thread, &array[1], NULL);
  gait_thread_poll(world->thread);
  UNIT_CHECK(!gait_cas(world->thread, &array[0], second, NULL));
  UNIT_CHECK(array[0] == first && barriers_is(first, 2 * round));
  UNIT_CHECK(gait_cas(world->thread, &array[0], first, second));
  gait_store(world->thread, &array[2], NULL);
  gait_thread_poll(world->thread);
  UNIT_CHECK(array[0] == second && barriers_is(second, 2 * round + 1));
  UNIT_CHECK(gait_cas(world->thread, &array[0], second, NULL));
  UNIT_CHECK(array[0] == NULL);
}

START_TEST(compare_and_swap_is_plain_while_idle) {
  barriers_run(barriers_cas, 0);
}
END_TEST
START_TEST(compare_and_swap_loses_no_object_during_cycles) {
  barriers_run(barriers_cas, 100);
}
END_TEST

/* Copies with every distance, forwards and backwards, against memmove of the ids. */
static void barriers_copy(unit_world *world, uint64_t round) {
  enum { WORDS = 24 };
  void **array = barriers_array(world, WORDS);
  uint64_t ids[WORDS];
  uint64_t random = round;
  for (uint64_t i = 0; i < WORDS; i++) {
    ids[i] = WORDS * round + i;
    gait_store_init(world->thread, &array[i], barriers_leaf(world, ids[i]));
  }
  for (unsigned copies = 0; copies < 20; copies++) {
    const size_t count = random_next(&random) % (WORDS + 1);
    const size_t from = random_next(&random) % (WORDS - count + 1);
    const size_t to = random_next(&random) % (WORDS - count + 1);
    gait_copy(world->thread, &array[to], &array[from], count);
    memmove(&ids[to], &ids[from], count * sizeof *ids);
    gait_thread_poll(world->thread);
    for (uint64_t i = 0; i < WORDS; i++)
      UNIT_CHECK(barriers_is(array[i], ids[i]));
  }
}

START_TEST(copies_are_plain_while_idle) {
  barriers_run(barriers_copy, 0);
}
END_TEST
START_TEST(copies_lose_no_object_during_cycles) {
  barriers_run(barriers_copy, 100);
}
END_TEST

static void barriers_clear(unit_world *world, uint64_t round) {
  enum { WORDS = 300 };
  void **array = barriers_array(world, WORDS);
  for (uint64_t i = 0; i < WORDS; i++)
    gait_store_init(world->thread, &array[i], barriers_leaf(world, WORDS * round + i));
  void *kept = array[150];
  world->slots[1] = kept;
  gait_clear(world->thread, &array[100], 101);
  gait_clear(world->thread, &array[10], 0);
  gait_thread_poll(world->thread);
  for (uint64_t i = 0; i < WORDS; i++) {
    if (i >= 100 && i <= 200)
      UNIT_CHECK(array[i] == NULL);
    else
      UNIT_CHECK(barriers_is(array[i], WORDS * round + i));
  }
  UNIT_CHECK(barriers_is(kept, WORDS * round + 150));
}

START_TEST(clears_are_plain_while_idle) {
  barriers_run(barriers_clear, 0);
}
END_TEST
START_TEST(clears_lose_no_object_during_cycles) {
  barriers_run(barriers_clear, 100);
}
END_TEST

/* The classic: an object moves from a field not yet scanned to a frame already scanned, the field
 * forgets it, and much later it moves on. */
static void barriers_move(unit_world *world, uint64_t round) {
  void **array = world->slots[2];
  if (!array) {
    array = gait_alloc_array(world->thread, world->references, 0, 1000, sizeof(void *));
    world->slots[2] = array;
  }
  const size_t from = round * 7919 % 1000, to = round * 104729 % 1000;
  uint64_t *leaf = gait_load(&array[from]);
  if (!leaf) {
    gait_store(world->thread, &array[from], barriers_leaf(world, round));
    return;
  }
  const uint64_t id = leaf[0];
  world->slots[3] = leaf;
  gait_store(world->thread, &array[from], NULL);
  gait_thread_poll(world->thread);
  UNIT_CHECK(barriers_is(leaf, id));
  gait_store(world->thread, &array[to], leaf);
  world->slots[3] = NULL;
}

START_TEST(moves_lose_no_object_during_cycles) {
  barriers_run(barriers_move, 300);
}
END_TEST

/* ---- Several threads on the same slots ---- */

struct barriers_shared {
  atomic_bool stop;
  gait_heap *heap;
  atomic_uint ready;
  void *slots[8];
};

/* Pushes and pops on shared stacks by compare and swap; a popped node is checked, then dropped, so
 * that no address comes back while somebody still compares with it. */
static void *barriers_push_and_pop(void *arg) {
  struct barriers_shared *shared = arg;
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(shared->heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  gait_kind kind;
  UNIT_CHECK(gait_kind_find(shared->heap, "references", &kind) == GAIT_OK);
  void *slots[2] = {NULL, NULL};
  gait_frame frame;
  gait_frame_push(thread, &frame, slots, 2);
  uint64_t random = 1 + atomic_fetch_add(&shared->ready, 1);
  while (!atomic_load(&shared->stop)) {
    void **stack = &shared->slots[random_next(&random) % 8];
    void **node = gait_alloc(thread, kind, 24);
    slots[0] = node;
    node[1] = (void *)~(uintptr_t)node;
    void *top;
    do {
      top = gait_load(stack);
      slots[1] = top;
      gait_store(thread, &node[0], top);
    } while (!gait_cas(thread, stack, top, node));
    gait_thread_poll(thread);
    for (unsigned pops = 0; pops < 2; pops++) {
      do {
        top = gait_load(stack);
        slots[1] = top;
      } while (top && !gait_cas(thread, stack, top, gait_load((void **)top)));
      UNIT_CHECK(!top || ((void **)top)[1] == (void *)~(uintptr_t)top);
      slots[1] = NULL;
      if (random_next(&random) % 2) break;
    }
  }
  gait_frame_pop(thread, &frame);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

START_TEST(stores_of_several_threads_lose_no_object_during_cycles) {
  enum { THREADS = 3 };
  static struct barriers_shared shared;
  memset(&shared, 0, sizeof shared);
  shared.heap = unit.heap;
  ck_assert_int_eq(
      gait_roots_add(unit.heap, shared.slots, sizeof shared.slots, GAIT_ROOTS_BARRIERED), GAIT_OK);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    UNIT_CHECK(pthread_create(&threads[i], NULL, barriers_push_and_pop, &shared) == 0);
  for (int i = 0; i < 150; i++)
    UNIT_CHECK(gait_heap_collect(unit.thread) == GAIT_OK);
  atomic_store(&shared.stop, true);
  gait_thread_leave(unit.thread);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  gait_thread_enter(unit.thread);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds idle = unit_world_cases(suite, "idle", &unit_exact);
  UNIT_WORLD_TEST(idle, stores_are_plain_while_idle);
  UNIT_WORLD_TEST(idle, compare_and_swap_is_plain_while_idle);
  UNIT_WORLD_TEST(idle, copies_are_plain_while_idle);
  UNIT_WORLD_TEST(idle, clears_are_plain_while_idle);
  const unit_worlds cycles = unit_world_cases(suite, "cycles", &unit_exact);
  UNIT_WORLD_TEST(cycles, stores_lose_no_object_during_cycles);
  UNIT_WORLD_TEST(cycles, compare_and_swap_loses_no_object_during_cycles);
  UNIT_WORLD_TEST(cycles, copies_lose_no_object_during_cycles);
  UNIT_WORLD_TEST(cycles, clears_lose_no_object_during_cycles);
  UNIT_WORLD_TEST(cycles, moves_lose_no_object_during_cycles);
  UNIT_WORLD_TEST(cycles, stores_of_several_threads_lose_no_object_during_cycles);
}
