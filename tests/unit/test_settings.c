/* Settings of a running heap: their ranges, and what follows from them while nobody allocates. */
#include "unit.h"

#include <unistd.h>

#include "../support/sizes.h"

const char *const unit_suite_name = "settings";

/* ---- Ranges ---- */

typedef gait_result setting_fn(gait_heap *heap, int64_t value, int64_t *before);
typedef int64_t setting_get_fn(const gait_heap *heap);

/* The edges of an option's range are taken, and what lies beyond them changes nothing. */
static void setting_check_range(gait_heap *heap, setting_fn *set, setting_get_fn *get,
                                const gait_option *option) {
  int64_t before = 0;
  const int64_t inside[] = {option->minimum, option->maximum, option->off};
  for (size_t i = 0; i < 3; i++) {
    ck_assert_int_eq(set(heap, inside[i], NULL), GAIT_OK);
    ck_assert_int_eq(set(heap, inside[i], &before), GAIT_OK);
    ck_assert_int_eq(before, inside[i]);
    ck_assert_int_eq(get(heap), inside[i]);
  }
  const int64_t outside[] = {INT64_MIN, option->minimum - 3,
                             option->maximum < INT64_MAX ? option->maximum + 1 : INT64_MIN,
                             option->maximum < INT64_MAX ? INT64_MAX : INT64_MIN};
  for (size_t i = 0; i < 4; i++) {
    before = -77;
    ck_assert_int_eq(set(heap, outside[i], &before), GAIT_ERROR_OPTION_VALUE);
    ck_assert_int_eq(before, -77);
    ck_assert_int_eq(get(heap), option->off);
    ck_assert_int_eq(set(heap, option->off, &before), GAIT_OK);
    ck_assert_int_eq(before, option->off);
  }
}

START_TEST(a_running_heap_takes_the_settings_of_a_new_one) {
  setting_check_range(unit.heap, gait_heap_set_gogc, gait_heap_gogc, UNIT_OPTION(gogc_percent));
  setting_check_range(unit.heap, gait_heap_set_memory_limit, gait_heap_memory_limit,
                      UNIT_OPTION(memory_limit_bytes));
}
END_TEST

START_TEST(cpu_cap_of_a_running_heap_is_in_its_range) {
  int64_t before = 0;
  ck_assert_int_eq(gait_heap_cpu_cap(unit.heap), UNIT_OPTION(cpu_cap_percent)->initial);
  ck_assert_int_eq(gait_heap_set_cpu_cap(unit.heap, 1, &before), GAIT_OK);
  ck_assert_int_eq(before, UNIT_OPTION(cpu_cap_percent)->initial);
  ck_assert_int_eq(gait_heap_set_cpu_cap(unit.heap, 95, &before), GAIT_OK);
  ck_assert_int_eq(before, 1);
  const int64_t outside[] = {INT64_MIN, GAIT_AUTO, GAIT_OFF, 0, 96, INT64_MAX};
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
    ck_assert_int_eq(gait_heap_set_cpu_cap(unit.heap, outside[i], &before),
                     GAIT_ERROR_OPTION_VALUE);
  ck_assert_int_eq(gait_heap_cpu_cap(unit.heap), 95);
}
END_TEST

/* ---- An idle program ---- */

static void setting_open(unit_world *world, int mode) {
  gait_options options = unit_options(mode);
  options.release_percent = 100;
  unit_open_with(world, &options, GAIT_STACK_EXACT);
}

UNIT_FIXTURE(setting_world, UNIT_MODES, setting_open);

static void setting_allocate(unit_world *world, size_t bytes) {
  for (size_t i = 0; i < bytes / 4096; i++)
    UNIT_CHECK(gait_alloc(world->thread, world->leaf, 4096) != NULL);
}

/* Waits until so many cycles have ended and no more is mapped.  The number of looks only ends what
 * would hang. */
static void setting_await(gait_heap *heap, uint64_t cycles, uint64_t mapped) {
  for (int looks = 0; looks < 300000; looks++) {
    const gait_stats stats = unit_stats(heap);
    if (stats.cycles >= cycles && stats.mapped_bytes <= mapped) return;
    usleep(1000);
  }
  const gait_stats stats = unit_stats(heap);
  ck_abort_msg("%llu cycles, %llu bytes mapped", (unsigned long long)stats.cycles,
               (unsigned long long)stats.mapped_bytes);
}

START_TEST(a_lower_memory_limit_reaches_an_idle_program) {
  setting_allocate(&unit, 64 * MIB);
  ck_assert_uint_eq(unit_stats(unit.heap).cycles, 0);
  gait_thread_leave(unit.thread);
  ck_assert_int_eq(gait_heap_set_memory_limit(unit.heap, (int64_t)(24 * MIB), NULL), GAIT_OK);
  setting_await(unit.heap, 1, 24 * MIB);
  gait_thread_enter(unit.thread);
  const gait_cycle_record record = unit_last_record(unit.heap);
  ck_assert_int_eq(record.cause, GAIT_CAUSE_MEMORY_LIMIT);
  ck_assert(!record.young);
}
END_TEST

START_TEST(a_lower_gogc_reaches_an_idle_program) {
  setting_allocate(&unit, 64 * MIB);
  gait_thread_leave(unit.thread);
  ck_assert_int_eq(gait_heap_set_gogc(unit.heap, 100, NULL), GAIT_OK);
  setting_await(unit.heap, 1, 24 * MIB);
  gait_thread_enter(unit.thread);
  ck_assert_int_eq(unit_last_record(unit.heap).cause, GAIT_CAUSE_GOGC);
}
END_TEST

/* What has been collected already goes back without another cycle. */
START_TEST(free_memory_of_an_idle_program_goes_back_to_its_limit) {
  setting_allocate(&unit, 64 * MIB);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_uint_ge(unit_stats(unit.heap).mapped_bytes, 64 * MIB);
  gait_thread_leave(unit.thread);
  ck_assert_int_eq(gait_heap_set_memory_limit(unit.heap, (int64_t)(24 * MIB), NULL), GAIT_OK);
  setting_await(unit.heap, 1, 24 * MIB);
  gait_thread_enter(unit.thread);
  ck_assert_uint_eq(unit_stats(unit.heap).cycles, 1);
}
END_TEST

/* A setting that leaves the heap below its trigger starts nothing, not even a thread. */
START_TEST(a_higher_setting_starts_no_cycle) {
  setting_allocate(&unit, MIB);
  const size_t threads = unit_count_threads();
  ck_assert_int_eq(gait_heap_set_gogc(unit.heap, 1000, NULL), GAIT_OK);
  ck_assert_int_eq(gait_heap_set_memory_limit(unit.heap, (int64_t)(900 * MIB), NULL), GAIT_OK);
  ck_assert_uint_eq(unit_count_threads(), threads);
  ck_assert_uint_eq(unit_stats(unit.heap).cycles, 0);
}
END_TEST

/* The callback runs before its cycle has ended. */
static void setting_lower_within(gait_heap *heap, const gait_cycle_record *record, void *arg) {
  (void)arg;
  if (record->cycle == 1)
    UNIT_CHECK(gait_heap_set_memory_limit(heap, (int64_t)(4 * MIB), NULL) == GAIT_OK);
}

/* The cycle under way has begun too soon for the new limit, which is out of reach: one more, and
 * not one after the other. */
START_TEST(memory_limit_may_be_lowered_within_a_cycle) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.cycle = setting_lower_within;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  world.slots[0] = gait_alloc(world.thread, world.leaf, 16 * MIB);
  ck_assert_ptr_nonnull(world.slots[0]);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  gait_thread_leave(world.thread);
  setting_await(world.heap, 2, SIZE_MAX);
  usleep(20000);
  gait_thread_enter(world.thread);
  ck_assert_uint_eq(unit_stats(world.heap).cycles, 2);
  ck_assert_int_eq(unit_last_record(world.heap).cause, GAIT_CAUSE_MEMORY_LIMIT);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *tcase = unit_case(suite, "settings");
  const unit_worlds any_worlds = unit_world_cases(suite, "settings", &unit_exact);
  const unit_worlds worlds = unit_world_cases(suite, "settings", &setting_world);
  UNIT_WORLD_TEST(any_worlds, a_running_heap_takes_the_settings_of_a_new_one);
  UNIT_WORLD_TEST(any_worlds, cpu_cap_of_a_running_heap_is_in_its_range);
  UNIT_WORLD_TEST(worlds, a_lower_memory_limit_reaches_an_idle_program);
  UNIT_WORLD_TEST(worlds, a_lower_gogc_reaches_an_idle_program);
  UNIT_WORLD_TEST(worlds, free_memory_of_an_idle_program_goes_back_to_its_limit);
  UNIT_WORLD_TEST(worlds, a_higher_setting_starts_no_cycle);
  UNIT_TEST(tcase, memory_limit_may_be_lowered_within_a_cycle);
}
