/* External bytes: memory that an object holds outside the heap. */
#include "unit.h"

#include <unistd.h>

const char *const unit_suite_name = "external";

#define MIB ((size_t)1 << 20)

START_TEST(they_are_counted_replaced_and_dropped) {
  unit_world world;
  unit_open(&world, _i, GAIT_STACK_EXACT);
  static const size_t sizes[] = {16, 400, 32768, 100000};
  uint64_t sum = 0;
  for (size_t i = 0; i < 4; i++) {
    world.slots[i] = gait_alloc(world.thread, world.leaf, sizes[i]);
    ck_assert_int_eq(gait_external(world.thread, world.slots[i], 1000 + i), GAIT_OK);
    sum += 1000 + i;
    ck_assert_uint_eq(unit_stats(world.heap).external_bytes, sum);
  }
  for (size_t i = 0; i < 4; i++) {
    ck_assert_int_eq(gait_external(world.thread, world.slots[i], 7), GAIT_OK);
    sum -= 1000 + i - 7;
    ck_assert_uint_eq(unit_stats(world.heap).external_bytes, sum);
  }
  ck_assert_uint_eq(unit_alive(&world), 28);
  ck_assert_int_eq(gait_external(world.thread, world.slots[0], 0), GAIT_OK);
  world.slots[1] = NULL;
  ck_assert_uint_eq(unit_stats(world.heap).external_bytes, 21);
  ck_assert_uint_eq(unit_alive(&world), 14);
  ck_assert_uint_eq(unit_last_record(world.heap).external_bytes, 14);
  world.slots[2] = world.slots[3] = NULL;
  ck_assert_uint_eq(unit_alive(&world), 0);
  unit_close(&world);
}
END_TEST

START_TEST(many_objects_have_them) {
  enum { COUNT = 100000 };
  unit_world world;
  unit_open(&world, _i, GAIT_STACK_EXACT);
  for (size_t i = 0; i < COUNT; i++) {
    void **node = gait_alloc(world.thread, world.references, 16 + i % 100);
    UNIT_CHECK(gait_external(world.thread, node, 10) == GAIT_OK);
    if (i % 3) continue;
    gait_store_init(world.thread, node, world.slots[0]);
    world.slots[0] = node;
  }
  ck_assert_uint_eq(unit_stats(world.heap).external_bytes, 10 * COUNT);
  ck_assert_uint_eq(unit_alive(&world), 10 * ((COUNT + 2) / 3));
  world.slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(&world), 0);
  unit_close(&world);
}
END_TEST

/* Objects of a few bytes that hold a mebibyte each: only the external bytes can start cycles. */
static void external_churn(unit_world *world) {
  for (int i = 0; i < 100; i++) {
    void *object = gait_alloc(world->thread, world->leaf, 16);
    UNIT_CHECK(gait_external(world->thread, object, MIB) == GAIT_OK);
    gait_leave(world->thread); /* time for the collector, since these bytes cost none */
    usleep(200);
    gait_enter(world->thread);
  }
}

START_TEST(they_count_in_the_goal) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.gogc_percent = 100;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  world.slots[0] = gait_alloc(world.thread, world.leaf, 16);
  ck_assert_int_eq(gait_external(world.thread, world.slots[0], 32 * MIB), GAIT_OK);
  ck_assert_int_eq(gait_collect(world.thread), GAIT_OK);
  const gait_stats stats = unit_stats(world.heap);
  ck_assert_uint_ge(stats.goal_bytes, 60 * MIB);
  ck_assert_uint_le(stats.goal_bytes, 70 * MIB);
  while (unit_stats(world.heap).cycles < stats.cycles + 10)
    external_churn(&world);
  ck_assert_int_eq(unit_last_record(world.heap).cause, GAIT_CAUSE_GOGC);
  unit_close(&world);
}
END_TEST

START_TEST(they_count_in_the_limit) {
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

void unit_suite_fill(Suite *suite) {
  TCase *tcase = unit_case(suite, "external");
  UNIT_TEST(tcase, they_are_counted_replaced_and_dropped);
  UNIT_TEST(tcase, many_objects_have_them);
  UNIT_TEST(tcase, they_count_in_the_goal);
  UNIT_TEST(tcase, they_count_in_the_limit);
}
