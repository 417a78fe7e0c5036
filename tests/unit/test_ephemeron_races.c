/* Ephemerons beside cycles that run all the time, and in the children of forks. */
#include "unit_pairs.h"

#include <sys/wait.h>
#include <unistd.h>

#include "../support/sanitizer.h"

const char *const unit_suite_name = "ephemeron_races";

/* ---- fork ---- */

/* Of a build that counts what runs: _exit does not keep the counts. */
void __gcov_dump(void) __attribute__((weak));

#define PAIR_FORKED 2000

/* Plain results, since the child must not talk to Check. */
static bool pair_forked_is_right(unit_world *world) {
  void **pairs = world->slots[0], **kept = world->slots[1];
  if (gait_heap_collect(world->thread) != GAIT_OK) return false;
  for (size_t i = 0; i < PAIR_FORKED; i++) {
    const uintptr_t *value = gait_ephemeron_value(world->thread, pairs[i]);
    if (gait_ephemeron_key(world->thread, pairs[i]) != kept[i]) return false;
    if (!value != !kept[i] || (value && *value != i)) return false;
  }
  return true;
}

static void pair_forked_fill(unit_world *world) {
  void **pairs = world->slots[0], **kept = world->slots[1];
  for (size_t i = 0; i < PAIR_FORKED; i++) {
    void *key = world->slots[2] = gait_alloc(world->thread, world->leaf, 16);
    uintptr_t *value = world->slots[3] = gait_alloc(world->thread, world->leaf, 16);
    *value = i;
    gait_store(world->thread, &kept[i], i % 3 ? key : NULL);
    gait_store(world->thread, &pairs[i], pair_of(world, key, value));
  }
  world->slots[2] = world->slots[3] = NULL;
}

/* Cycles run meanwhile: the child has one that stands anywhere. */
START_TEST(a_forked_child_goes_on_with_them) {
  unit_collector collector;
  if (!SANITIZER_FORKS) return;
  pair_array(&unit, 0, PAIR_FORKED);
  pair_array(&unit, 1, PAIR_FORKED);
  unit_collector_start(&collector, unit.heap);
  for (int round = 0; round < 20; round++) {
    pair_forked_fill(&unit);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
      bool right = pair_forked_is_right(&unit);
      pair_forked_fill(&unit);
      right = right && pair_forked_is_right(&unit);
      if (__gcov_dump) __gcov_dump();
      _exit(right ? 0 : 1);
    }
    int status = 1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert(pair_forked_is_right(&unit));
  }
  unit_collector_stop(&collector, unit.thread);
}
END_TEST

struct pair_sitter {
  gait_heap *heap;
  atomic_int step;
};

/* In managed code, and at no safepoint, until it is told. */
static void *pair_sit(void *arg) {
  struct pair_sitter *sitter = arg;
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(sitter->heap, "sits", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  for (int step = 1; step <= 3; step++) { /* answers some handshakes, and then none */
    atomic_store(&sitter->step, step);
    if (step < 3) gait_thread_poll(thread);
  }
  while (atomic_load(&sitter->step) == 3)
    usleep(100);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

/* The child gives the cycle up, with all that waits in it. */
START_TEST(a_child_of_a_cycle_that_is_stuck_goes_on_with_them) {
  unit_collector collector;
  pthread_t thread;
  struct pair_sitter sitter = {.heap = unit.heap};
  /* elsewhere a poll may wait for that thread */
  if (!SANITIZER_FORKS || _i != UNIT_CONCURRENT) return;
  pair_array(&unit, 0, PAIR_FORKED);
  pair_array(&unit, 1, PAIR_FORKED);
  pair_forked_fill(&unit);
  unit_collector_start(&collector, unit.heap);
  for (int round = 0; round < 3; round++) {
    atomic_store(&sitter.step, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, pair_sit, &sitter), 0);
    while (atomic_load(&sitter.step) < 3)
      gait_thread_poll(unit.thread);
    for (int i = 0; i < 10000 * round; i++)
      gait_thread_poll(unit.thread);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
      const bool right = pair_forked_is_right(&unit) && pair_forked_is_right(&unit);
      if (__gcov_dump) __gcov_dump();
      _exit(right ? 0 : 1);
    }
    atomic_store(&sitter.step, 4);
    gait_thread_leave(unit.thread);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    gait_thread_enter(unit.thread);
    int status = 1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
  }
  unit_collector_stop(&collector, unit.thread);
  ck_assert(pair_forked_is_right(&unit));
}
END_TEST

/* ---- Beside marking ---- */

enum { PAIR_THREADS = 3, PAIR_OBJECTS = 100, PAIR_ROUNDS = 300 };

/* Keys are kept in turn by an array, by the value of another ephemeron, and by nothing. */
static void pair_mutate(unit_world *world) {
  gait_thread *thread = world->thread;
  void **pairs = pair_array(world, 0, PAIR_OBJECTS);
  void **keys = pair_array(world, 1, PAIR_OBJECTS);
  size_t dead = 0, alive = 0;
  for (size_t round = 0; round < PAIR_ROUNDS || dead == 0 || alive == 0; round++)
    for (size_t i = 0; i < PAIR_OBJECTS; i++) {
      uintptr_t *key = keys[i], *value;
      gait_ephemeron *pair = pairs[i];
      if (!key && pair) key = world->slots[2] = gait_ephemeron_key(thread, pair);
      if (key) {
        value = world->slots[3] = gait_ephemeron_value(thread, pair);
        UNIT_CHECK(key[0] == i && key[1] == ~i && value && value[0] == i * i && value[1] == ~i);
        alive++;
      } else {
        key = world->slots[2] = gait_alloc(thread, world->leaf, 16);
        value = world->slots[3] = gait_alloc(thread, world->leaf, 32);
        key[0] = i, key[1] = ~i, value[0] = i * i, value[1] = ~i;
        gait_store(thread, &pairs[i], pair_of(world, key, value));
        dead++;
      }
      gait_store(thread, &keys[i], (round + i) % 3 ? key : NULL);
      if ((round + i) % 5 == 0) { /* another value of the same contents */
        uintptr_t *other = gait_alloc(thread, world->leaf, 32);
        other[0] = i * i, other[1] = ~i;
        gait_ephemeron_set_value(thread, pairs[i], other);
      }
      world->slots[2] = world->slots[3] = NULL;
      if (i % 7 == 0) gait_thread_poll(thread);
    }
}

static void *pair_mutate_on(void *arg) {
  unit_world world = *(unit_world *)arg;
  UNIT_CHECK(gait_thread_attach(world.heap, "pairs", GAIT_STACK_EXACT, &world.thread) == GAIT_OK);
  gait_frame_push(world.thread, &world.frame, world.slots, UNIT_SLOTS);
  for (size_t i = 0; i < UNIT_SLOTS; i++)
    world.slots[i] = NULL;
  pair_mutate(&world);
  gait_frame_pop(world.thread, &world.frame);
  UNIT_CHECK(gait_thread_detach(world.thread) == GAIT_OK);
  return NULL;
}

START_TEST(values_stay_beside_a_collector_that_never_rests) {
  unit_collector collector;
  pthread_t threads[PAIR_THREADS];
  unit_collector_start(&collector, unit.heap);
  gait_thread_leave(unit.thread);
  for (int i = 0; i < PAIR_THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, pair_mutate_on, &unit), 0);
  for (int i = 0; i < PAIR_THREADS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  gait_thread_enter(unit.thread);
  unit_collector_stop(&collector, unit.thread);
}
END_TEST

/* A value is taken from hand to hand: got, and put as the value of the next key, over and over. */
START_TEST(a_value_that_is_handed_on_stays) {
  enum { KEYS = 64, ROUNDS = 20000 };
  unit_collector collector;
  void **keys = pair_array(&unit, 1, KEYS);
  void **pairs = pair_array(&unit, 0, KEYS);
  for (size_t i = 0; i < KEYS; i++) {
    gait_store(unit.thread, &keys[i], gait_alloc(unit.thread, unit.references, 16));
    gait_store(unit.thread, &pairs[i], pair_of(&unit, keys[i], NULL));
  }
  uintptr_t *value = gait_alloc(unit.thread, unit.leaf, 16);
  value[0] = 77;
  gait_ephemeron_set_value(unit.thread, pairs[0], value);
  unit_collector_start(&collector, unit.heap);
  for (size_t i = 0; i < ROUNDS; i++) {
    gait_ephemeron *from = pairs[i % KEYS], *to = pairs[(i * 7 + 1) % KEYS];
    for (size_t k = 0; k < KEYS && !(value = gait_ephemeron_value(unit.thread, from)); k++)
      from = pairs[k];
    value = gait_ephemeron_value(unit.thread, from);
    UNIT_CHECK(value != NULL);
    UNIT_CHECK(value[0] == 77);
    gait_ephemeron_set_value(unit.thread, from, NULL);
    gait_ephemeron_set_value(unit.thread, to, value);
    UNIT_CHECK(gait_alloc(unit.thread, unit.leaf, 16) != NULL);
    gait_thread_poll(unit.thread);
  }
  unit_collector_stop(&collector, unit.thread);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds worlds = unit_world_cases(suite, "races", &unit_exact);
  UNIT_WORLD_TEST(worlds, values_stay_beside_a_collector_that_never_rests);
  UNIT_WORLD_TEST(worlds, a_value_that_is_handed_on_stays);
  UNIT_WORLD_TEST(worlds, a_forked_child_goes_on_with_them);
  UNIT_WORLD_TEST(worlds, a_child_of_a_cycle_that_is_stuck_goes_on_with_them);
}
