/* External bytes: memory that an object holds outside the heap. */
#include "unit.h"

#include <pthread.h>
#include <unistd.h>

#include "../support/random.h"
#include "../support/sizes.h"

const char *const unit_suite_name = "external";

START_TEST(external_bytes_are_counted_replaced_and_dropped) {
  static const size_t sizes[] = {16, 400, 32768, 100000};
  uint64_t sum = 0;
  for (size_t i = 0; i < 4; i++) {
    unit.slots[i] = gait_alloc(unit.thread, unit.leaf, sizes[i]);
    ck_assert_int_eq(gait_object_set_external(unit.thread, unit.slots[i], 1000 + i), GAIT_OK);
    sum += 1000 + i;
    ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, sum);
  }
  for (size_t i = 0; i < 4; i++) {
    ck_assert_int_eq(gait_object_set_external(unit.thread, unit.slots[i], 7), GAIT_OK);
    sum -= 1000 + i - 7;
    ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, sum);
  }
  ck_assert_uint_eq(unit_alive(&unit), 28);
  ck_assert_int_eq(gait_object_set_external(unit.thread, unit.slots[0], 0), GAIT_OK);
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, 21);
  ck_assert_uint_eq(unit_alive(&unit), 14);
  ck_assert_uint_eq(unit_last_record(unit.heap).external_bytes, 14);
  unit.slots[2] = unit.slots[3] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

START_TEST(many_objects_have_external_bytes) {
  enum { COUNT = 100000 };
  for (size_t i = 0; i < COUNT; i++) {
    void **node = gait_alloc(unit.thread, unit.references, 16 + i % 100);
    UNIT_CHECK(gait_object_set_external(unit.thread, node, 10) == GAIT_OK);
    if (i % 3) continue;
    gait_store_init(unit.thread, node, unit.slots[0]);
    unit.slots[0] = node;
  }
  ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, 10 * COUNT);
  ck_assert_uint_eq(unit_alive(&unit), 10 * ((COUNT + 2) / 3));
  unit.slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

/* Objects of a few bytes that hold a mebibyte each: only the external bytes can start cycles. */
static void external_churn(unit_world *world) {
  for (int i = 0; i < 100; i++) {
    void *object = gait_alloc(world->thread, world->leaf, 16);
    UNIT_CHECK(gait_object_set_external(world->thread, object, MIB) == GAIT_OK);
    gait_thread_leave(world->thread); /* time for the collector, since these bytes cost none */
    usleep(200);
    gait_thread_enter(world->thread);
  }
}

START_TEST(external_bytes_count_in_the_goal) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.gogc_percent = 100;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  world.slots[0] = gait_alloc(world.thread, world.leaf, 16);
  ck_assert_int_eq(gait_object_set_external(world.thread, world.slots[0], 32 * MIB), GAIT_OK);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  const gait_stats stats = unit_stats(world.heap);
  ck_assert_uint_ge(stats.goal_bytes, 60 * MIB);
  ck_assert_uint_le(stats.goal_bytes, 70 * MIB);
  while (unit_stats(world.heap).cycles < stats.cycles + 10)
    external_churn(&world);
  ck_assert_int_eq(unit_last_record(world.heap).cause, GAIT_CAUSE_GOGC);
  unit_close(&world);
}
END_TEST

START_TEST(external_bytes_count_in_the_limit) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.memory_limit_bytes = (int64_t)(96 * MIB);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  while (unit_stats(world.heap).cycles < 5)
    external_churn(&world);
  ck_assert_int_eq(unit_last_record(world.heap).cause, GAIT_CAUSE_MEMORY_LIMIT);
  unit_close(&world);
}
END_TEST

/* Thousands of small objects come from one run, and none of them reaches its end: to say that an
 * object holds more is a safepoint of its own, and pays. */
START_TEST(objects_with_external_bytes_keep_to_the_limit) {
  enum { COUNT = 2000 };
  const uint64_t limit = 64 * MIB;
  unit_world world;
  gait_options options = unit_options(_i);
  options.memory_limit_bytes = (int64_t)limit;
  options.cpu_cap_percent = 95;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  uint64_t peak = 0;
  for (size_t i = 0; i < COUNT; i++) {
    void *object = gait_alloc(world.thread, world.leaf, 16);
    UNIT_CHECK(gait_object_set_external(world.thread, object, MIB) == GAIT_OK);
    const gait_stats stats = unit_stats(world.heap);
    if (stats.mapped_bytes + stats.external_bytes > peak)
      peak = stats.mapped_bytes + stats.external_bytes;
  }
  ck_assert_uint_ge(peak, limit / 2);
  ck_assert_uint_le(peak, limit + limit / 4);
  unit_close(&world);
}
END_TEST

/* Blocks and external bytes are under one limit. */
START_TEST(external_bytes_leave_less_to_the_heap) {
  const uint64_t limit = 64 * MIB;
  unit_world world;
  gait_options options = unit_options(_i);
  options.memory_limit_bytes = (int64_t)limit;
  options.cpu_cap_percent = 95;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  world.slots[0] = gait_alloc(world.thread, world.leaf, 16);
  ck_assert_int_eq(gait_object_set_external(world.thread, world.slots[0], 40 * MIB), GAIT_OK);
  for (size_t i = 0; i < 400 * MIB / 4096; i++)
    UNIT_CHECK(gait_alloc(world.thread, world.leaf, 4096) != NULL);
  const gait_stats stats = unit_stats(world.heap);
  ck_assert_uint_le(stats.mapped_peak_bytes + 40 * MIB, limit + limit / 8);
  unit_close(&world);
}
END_TEST

/* The limit is out of reach, so the thread waits for a cycle while the object is in no root. */
START_TEST(object_stays_alive_while_its_external_bytes_change) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.memory_limit_bytes = (int64_t)MIB;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (unsigned i = 0; i < 20; i++) {
    const uint64_t cycles = unit_stats(world.heap).cycles;
    world.slots[0] = gait_alloc(world.thread, world.leaf, 16);
    void **object = gait_alloc(world.thread, world.references, 32);
    gait_store_init(world.thread, &object[1], world.slots[0]);
    world.slots[0] = NULL;
    ck_assert_int_eq(gait_object_set_external(world.thread, object, 4 * MIB), GAIT_OK);
    if (i == 0) ck_assert_uint_gt(unit_stats(world.heap).cycles, cycles);
    ck_assert_ptr_eq(gait_object_start(world.heap, object), object);
    ck_assert_ptr_eq(gait_object_start(world.heap, object[1]), object[1]);
    ck_assert_uint_ge(unit_stats(world.heap).external_bytes, 4 * MIB);
  }
  ck_assert_uint_eq(unit_alive(&world), 0);
  unit_close(&world);
}
END_TEST

START_TEST(sum_of_external_bytes_has_a_bound) {
  for (size_t i = 0; i < 3; i++)
    unit.slots[i] = gait_alloc(unit.thread, unit.leaf, 16);
  ck_assert_int_eq(gait_object_set_external(unit.thread, unit.slots[2], 7), GAIT_OK);
  static const size_t too_many[] = {GAIT_MAX_EXTERNAL_BYTES + 1, INT64_MAX, (size_t)INT64_MAX + 1,
                                    SIZE_MAX};
  for (size_t i = 0; i < 4; i++) {
    ck_assert_int_eq(gait_object_set_external(unit.thread, unit.slots[2], too_many[i]),
                     GAIT_ERROR_ARGUMENT);
    ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, 7);
  }
  const size_t most = GAIT_MAX_EXTERNAL_BYTES - 7;
  ck_assert_int_eq(gait_object_set_external(unit.thread, unit.slots[0], most + 1),
                   GAIT_ERROR_MEMORY);
  ck_assert_int_eq(gait_object_set_external(unit.thread, unit.slots[0], most), GAIT_OK);
  ck_assert_int_eq(gait_object_set_external(unit.thread, unit.slots[1], 1), GAIT_ERROR_MEMORY);
  ck_assert_int_eq(gait_object_set_external(unit.thread, unit.slots[2], 8), GAIT_ERROR_MEMORY);
  ck_assert_uint_eq(unit_alive(&unit), GAIT_MAX_EXTERNAL_BYTES);
  const gait_stats stats = unit_stats(unit.heap);
  ck_assert_uint_ge(stats.heap_live_bytes, GAIT_MAX_EXTERNAL_BYTES);
  ck_assert_uint_le(stats.heap_live_bytes, GAIT_MAX_EXTERNAL_BYTES + MIB);
  ck_assert_int_eq(gait_object_set_external(unit.thread, unit.slots[2], 6), GAIT_OK);
  ck_assert_int_eq(gait_object_set_external(unit.thread, unit.slots[1], 1), GAIT_OK);
  unit.slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 7);
}
END_TEST

/* ---- Threads that change them while cycles end ---- */

enum { EXTERNAL_THREADS = 3, EXTERNAL_OBJECTS = 32 };

struct external_race {
  gait_heap *heap;
  int stop; /* atomic */
};

static void *external_change(void *arg) {
  struct external_race *race = arg;
  gait_thread *thread = NULL;
  gait_frame frame;
  void *slots[EXTERNAL_OBJECTS] = {0};
  uint64_t random = (uint64_t)(uintptr_t)&thread;
  UNIT_CHECK(gait_thread_attach(race->heap, "change", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  gait_frame_push(thread, &frame, slots, EXTERNAL_OBJECTS);
  while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
    const uint64_t number = random_next(&random);
    void **slot = &slots[number % EXTERNAL_OBJECTS];
    if (!*slot || number >> 60 == 0) *slot = gait_alloc(thread, gait_kind_leaf(race->heap), 16);
    UNIT_CHECK(gait_object_set_external(thread, *slot, (number >> 32) % MIB) == GAIT_OK);
    gait_thread_poll(thread);
  }
  gait_frame_pop(thread, &frame);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static void external_collect(unit_world *world, unsigned cycles) {
  for (unsigned i = 0; i < cycles; i++) {
    UNIT_CHECK(gait_heap_collect(world->thread) == GAIT_OK);
    const gait_stats stats = unit_stats(world->heap);
    const gait_cycle_record record = unit_last_record(world->heap);
    const uint64_t most = GAIT_MAX_EXTERNAL_BYTES;
    UNIT_CHECK(stats.heap_live_bytes < most && stats.external_bytes < most);
    UNIT_CHECK(record.at_trigger_bytes < most && record.at_mark_end_bytes < most);
    UNIT_CHECK(record.marked_bytes <= record.at_mark_end_bytes);
  }
}

static void *external_join(void *arg) {
  pthread_join(*(pthread_t *)arg, NULL);
  return NULL;
}

/* The end of a cycle takes off what is dead, and nothing that a thread has put on or taken off
 * meanwhile. */
START_TEST(sum_of_external_bytes_never_falls_below_zero) {
  struct external_race race = {.heap = unit.heap};
  pthread_t threads[EXTERNAL_THREADS];
  for (size_t i = 0; i < EXTERNAL_THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, external_change, &race), 0);
  external_collect(&unit, _i == UNIT_SHRUNKEN ? 100 : 400);
  __atomic_store_n(&race.stop, 1, __ATOMIC_RELAXED);
  for (size_t i = 0; i < EXTERNAL_THREADS; i++)
    gait_thread_outside(unit.thread, external_join, &threads[i]);
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_uint_le(unit_stats(unit.heap).heap_live_bytes, MIB);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *tcase = unit_case(suite, "external");
  const unit_worlds worlds = unit_world_cases(suite, "external", &unit_exact);
  UNIT_WORLD_TEST(worlds, external_bytes_are_counted_replaced_and_dropped);
  UNIT_WORLD_TEST(worlds, many_objects_have_external_bytes);
  UNIT_TEST(tcase, external_bytes_count_in_the_goal);
  UNIT_TEST(tcase, external_bytes_count_in_the_limit);
  UNIT_TEST(tcase, objects_with_external_bytes_keep_to_the_limit);
  UNIT_TEST(tcase, external_bytes_leave_less_to_the_heap);
  UNIT_TEST(tcase, object_stays_alive_while_its_external_bytes_change);
  UNIT_WORLD_TEST(worlds, sum_of_external_bytes_has_a_bound);
  UNIT_WORLD_TEST(worlds, sum_of_external_bytes_never_falls_below_zero);
}
