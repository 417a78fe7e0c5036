/* Loads and stores of references: what they do to memory, idle and while cycles run. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

const char *const unit_suite_name = "barriers";

static atomic_bool barriers_stop;

static void *barriers_collect_forever(void *arg) {
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(arg, "collects", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  while (!atomic_load(&barriers_stop))
    UNIT_CHECK(gait_collect(thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

/* Runs `work(world)` again and again until `cycles` cycles have gone by beside it, or once, idle.
 */
static void barriers_run(int mode, void (*work)(unit_world *, uint64_t), uint64_t cycles) {
  unit_world world;
  unit_open(&world, mode, GAIT_STACK_EXACT);
  if (!cycles) {
    work(&world, 1);
    ck_assert_uint_eq(unit_stats(world.heap).cycles, 0);
    unit_close(&world);
    return;
  }
  atomic_store(&barriers_stop, false);
  pthread_t collector;
  ck_assert_int_eq(pthread_create(&collector, NULL, barriers_collect_forever, world.heap), 0);
  for (uint64_t round = 1; unit_stats(world.heap).cycles < cycles; round++) {
    work(&world, round);
    gait_poll(world.thread);
  }
  atomic_store(&barriers_stop, true);
  gait_leave(world.thread);
  pthread_join(collector, NULL);
  gait_enter(world.thread);
  unit_close(&world);
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
  gait_poll(world->thread);
  for (uint64_t i = 0; i < 16; i++)
    UNIT_CHECK(barriers_is(gait_load(&array[i]), 16 * round + i));
  gait_store(world->thread, &array[3], NULL);
  UNIT_CHECK(array[3] == NULL && array[2] != NULL && array[4] != NULL);
}

START_TEST(stores_idle) {
  barriers_run(_i, barriers_store, 0);
}
END_TEST
START_TEST(stores_during_cycles) {
  barriers_run(_i, barriers_store, 100);
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
  gait_poll(world->thread);
  UNIT_CHECK(!gait_cas(world->thread, &array[0], second, NULL));
  UNIT_CHECK(array[0] == first && barriers_is(first, 2 * round));
  UNIT_CHECK(gait_cas(world->thread, &array[0], first, second));
  gait_store(world->thread, &array[2], NULL);
  gait_poll(world->thread);
  UNIT_CHECK(array[0] == second && barriers_is(second, 2 * round + 1));
  UNIT_CHECK(gait_cas(world->thread, &array[0], second, NULL));
  UNIT_CHECK(array[0] == NULL);
}

START_TEST(cas_idle) {
  barriers_run(_i, barriers_cas, 0);
}
END_TEST
START_TEST(cas_during_cycles) {
  barriers_run(_i, barriers_cas, 100);
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
    const size_t count = unit_random(&random) % (WORDS + 1);
    const size_t from = unit_random(&random) % (WORDS - count + 1);
    const size_t to = unit_random(&random) % (WORDS - count + 1);
    gait_copy(world->thread, &array[to], &array[from], count);
    memmove(&ids[to], &ids[from], count * sizeof *ids);
    gait_poll(world->thread);
    for (uint64_t i = 0; i < WORDS; i++)
      UNIT_CHECK(barriers_is(array[i], ids[i]));
  }
}

START_TEST(copies_idle) {
  barriers_run(_i, barriers_copy, 0);
}
END_TEST
START_TEST(copies_during_cycles) {
  barriers_run(_i, barriers_copy, 100);
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
  gait_poll(world->thread);
  for (uint64_t i = 0; i < WORDS; i++) {
    if (i >= 100 && i <= 200)
      UNIT_CHECK(array[i] == NULL);
    else
      UNIT_CHECK(barriers_is(array[i], WORDS * round + i));
  }
  UNIT_CHECK(barriers_is(kept, WORDS * round + 150));
}

START_TEST(clears_idle) {
  barriers_run(_i, barriers_clear, 0);
}
END_TEST
START_TEST(clears_during_cycles) {
  barriers_run(_i, barriers_clear, 100);
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
  gait_poll(world->thread);
  UNIT_CHECK(barriers_is(leaf, id));
  gait_store(world->thread, &array[to], leaf);
  world->slots[3] = NULL;
}

START_TEST(moves_during_cycles) {
  barriers_run(_i, barriers_move, 300);
}
END_TEST

/* ---- Several threads on the same slots ---- */

struct barriers_shared {
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
  while (!atomic_load(&barriers_stop)) {
    void **stack = &shared->slots[unit_random(&random) % 8];
    void **node = gait_alloc(thread, kind, 24);
    slots[0] = node;
    node[1] = (void *)~(uintptr_t)node;
    void *top;
    do {
      top = gait_load(stack);
      slots[1] = top;
      gait_store(thread, &node[0], top);
    } while (!gait_cas(thread, stack, top, node));
    gait_poll(thread);
    for (unsigned pops = 0; pops < 2; pops++) {
      do {
        top = gait_load(stack);
        slots[1] = top;
      } while (top && !gait_cas(thread, stack, top, gait_load((void **)top)));
      UNIT_CHECK(!top || ((void **)top)[1] == (void *)~(uintptr_t)top);
      slots[1] = NULL;
      if (unit_random(&random) % 2) break;
    }
  }
  gait_frame_pop(thread, &frame);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

START_TEST(threads_share_slots_during_cycles) {
  enum { THREADS = 3 };
  unit_world world;
  unit_open(&world, _i, GAIT_STACK_EXACT);
  static struct barriers_shared shared;
  memset(&shared, 0, sizeof shared);
  shared.heap = world.heap;
  ck_assert_int_eq(
      gait_roots_add(world.heap, shared.slots, sizeof shared.slots, GAIT_ROOTS_BARRIERED), GAIT_OK);
  atomic_store(&barriers_stop, false);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    UNIT_CHECK(pthread_create(&threads[i], NULL, barriers_push_and_pop, &shared) == 0);
  for (int i = 0; i < 150; i++)
    UNIT_CHECK(gait_collect(world.thread) == GAIT_OK);
  atomic_store(&barriers_stop, true);
  gait_leave(world.thread);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  gait_enter(world.thread);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *idle = unit_case(suite, "idle");
  UNIT_TEST(idle, stores_idle);
  UNIT_TEST(idle, cas_idle);
  UNIT_TEST(idle, copies_idle);
  UNIT_TEST(idle, clears_idle);
  TCase *cycles = unit_case(suite, "cycles");
  UNIT_TEST(cycles, stores_during_cycles);
  UNIT_TEST(cycles, cas_during_cycles);
  UNIT_TEST(cycles, copies_during_cycles);
  UNIT_TEST(cycles, clears_during_cycles);
  UNIT_TEST(cycles, moves_during_cycles);
  UNIT_TEST(cycles, threads_share_slots_during_cycles);
}
