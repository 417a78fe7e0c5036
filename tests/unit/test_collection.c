/* Control of collection: when cycles run, what they free, what goes back to the system. */
#include "unit.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "../support/sanitizer.h"
#include "../support/sizes.h"

const char *const unit_suite_name = "collection";

/* Allocates garbage. */
static void collection_churn(unit_world *world, size_t bytes) {
  for (size_t done = 0; done < bytes; done += 512)
    UNIT_CHECK(gait_alloc(world->thread, world->leaf, 512) != NULL);
}

/* Keeps a list of about so many bytes in slot 0. */
static void collection_keep(unit_world *world, size_t bytes) {
  for (size_t done = 0; done < bytes; done += 1024) {
    void **node = gait_alloc(world->thread, world->references, 1024);
    UNIT_CHECK(node != NULL);
    gait_store_init(world->thread, node, world->slots[0]);
    world->slots[0] = node;
  }
}

static void collection_open(unit_world *world, int mode, int64_t gogc) {
  gait_options options = unit_options(mode);
  options.gogc_percent = gogc;
  unit_open_with(world, &options, GAIT_STACK_EXACT);
}

static void collection_open_off(unit_world *world, int mode) {
  collection_open(world, mode, GAIT_OFF);
}

static void collection_open_growing(unit_world *world, int mode) {
  collection_open(world, mode, 100);
}

UNIT_FIXTURE(collection_off, UNIT_MODES, collection_open_off);
UNIT_FIXTURE(collection_growing, UNIT_MODES, collection_open_growing);

START_TEST(gogc_off_means_no_cycle) {
  collection_churn(&unit, 200 * MIB);
  ck_assert_uint_eq(unit_stats(unit.heap).cycles, 0);
  ck_assert_uint_eq(unit_stats(unit.heap).forced_cycles, 0);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_uint_eq(unit_stats(unit.heap).cycles, 1);
  ck_assert_uint_eq(unit_stats(unit.heap).forced_cycles, 1);
  ck_assert_int_eq(unit_last_record(unit.heap).cause, GAIT_CAUSE_FORCED);
}
END_TEST

START_TEST(cycles_follow_growth) {
  collection_keep(&unit, 16 * MIB);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  const uint64_t before = unit_stats(unit.heap).cycles;
  collection_churn(&unit, 320 * MIB);
  const uint64_t cycles = unit_stats(unit.heap).cycles - before;
  /* 320 MiB over 16 live at 100%: 20 by the law, fewer where much is allocated while marking, since
   * that counts as live. */
  ck_assert_uint_ge(cycles, 5);
  ck_assert_uint_le(cycles, 40);
  ck_assert_int_eq(unit_last_record(unit.heap).cause, GAIT_CAUSE_GOGC);
}
END_TEST

struct collection_runners {
  pthread_t own;
  atomic_size_t by_own, by_other;
};

static void collection_note_runner(gait_heap *heap, const gait_cycle_record *record, void *arg) {
  (void)heap, (void)record;
  struct collection_runners *runners = arg;
  bool own = pthread_equal(pthread_self(), runners->own);
  atomic_fetch_add(own ? &runners->by_own : &runners->by_other, 1);
}

/* Opens a small heap that notes who ends its cycles. */
static void collection_open_noting(unit_world *world, int mode, int64_t inline_bytes,
                                   struct collection_runners *runners) {
  gait_options options = unit_options(mode);
  options.gogc_percent = 100;
  options.min_heap_bytes = (int64_t)MIB / 8;
  options.inline_bytes = inline_bytes;
  options.cycle = collection_note_runner;
  options.cycle_arg = runners;
  runners->own = pthread_self();
  atomic_store(&runners->by_own, 0);
  atomic_store(&runners->by_other, 0);
  unit_open_with(world, &options, GAIT_STACK_EXACT);
}

START_TEST(small_cycles_are_run_by_the_allocating_thread) {
  struct collection_runners runners;
  unit_world world;
  collection_open_noting(&world, _i, (int64_t)MIB, &runners);
  collection_churn(&world, 64 * MIB);
  if (_i == UNIT_BARRIERLESS)
    ck_assert_uint_eq(runners.by_own, 0);
  else if (!SANITIZER_THREAD) /* whose cycles all take longer than one that allocates goes on with
                               */
    ck_assert_uint_gt(runners.by_own, 0);
  collection_keep(&world, 2 * MIB);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  const size_t small = runners.by_own, all = small + runners.by_other;
  collection_churn(&world, 16 * MIB);
  ck_assert_uint_gt(runners.by_own + runners.by_other, all);
  ck_assert_uint_eq(runners.by_own, small);
  unit_close(&world);
}
END_TEST

START_TEST(no_cycle_is_run_by_the_allocating_thread_with_the_option_at_0) {
  struct collection_runners runners;
  unit_world world;
  collection_open_noting(&world, _i, 0, &runners);
  collection_churn(&world, 16 * MIB);
  ck_assert_uint_gt(runners.by_other, 0);
  ck_assert_uint_eq(runners.by_own, 0);
  unit_close(&world);
}
END_TEST

START_TEST(minimum_heap_spares_small_heaps) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.gogc_percent = 100;
  options.min_heap_bytes = (int64_t)(64 * MIB);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  collection_churn(&world, 20 * MIB);
  ck_assert_uint_eq(unit_stats(world.heap).cycles, 0);
  collection_churn(&world, 640 * MIB);
  ck_assert_uint_ge(unit_stats(world.heap).cycles, 5);
  ck_assert_uint_le(unit_stats(world.heap).cycles, 40);
  unit_close(&world);
}
END_TEST

/* How far the heap may grow with so much live, as the policy's own formula has it. */
static double collection_growth(const gait_options *options, const gait_cycle_record *record,
                                double live) {
  double ratio = record->cons_mark;
  double budget = (double)options->cpu_budget_percent / 100;
  if (options->policy == GAIT_POLICY_SQUARE_ROOT)
    return sqrt(live * ratio * (double)options->square_root_bytes);
  return ratio * (1 - budget) / budget * (double)(record->scan_bytes + record->root_bytes);
}

/* Runs under the policy, and holds the goal of each cycle against what the one before it measured:
 * the ratio of two rates, which differs from run to run, so it is taken from the record.  No goal
 * is below the formula's, and one at least is just that.  Of the bytes allocated while marking, up
 * to a half is taken for dead. */
static void collection_try_policy(gait_options *options) {
  unit_world world;
  gait_cycle_record records[64];
  size_t checked = 0, count = 0;
  unit_open_with(&world, options, GAIT_STACK_EXACT);
  collection_keep(&world, 32 * MIB);
  for (int i = 0; i < 100 && checked == 0; i++) {
    collection_churn(&world, 256 * MIB);
    count = gait_records_read(world.heap, 3, records, 64);
    for (size_t k = 0; k + 1 < count; k++) {
      if (!(records[k].cons_mark > 0.01)) continue;
      double marked = (double)records[k].marked_bytes;
      double dead = (double)records[k].allocated_black_bytes / 2;
      double goal = marked + collection_growth(options, &records[k], marked);
      double least = marked + collection_growth(options, &records[k], marked - dead);
      /* A cycle that begins late, or may do so, is given room beyond the formula. */
      if ((double)records[k + 1].goal_bytes > goal * 1.05) continue;
      ck_assert_double_ge((double)records[k + 1].goal_bytes, least * 0.95);
      ck_assert_int_eq(records[k + 1].cause, GAIT_CAUSE_GOGC);
      checked++;
    }
  }
  ck_assert_uint_gt(checked, 0);
  unit_close(&world);
}

START_TEST(a_policy_sets_the_growth) {
  gait_options options = unit_options(UNIT_CONCURRENT);
  char error[128];
  options.young_percent = 0;
  ck_assert_int_eq(options.gogc_percent, GAIT_OFF); /* it has no part in these */
  ck_assert_int_eq(gait_options_set(&options, "policy", "square-root", error, sizeof error),
                   GAIT_OK);
  collection_try_policy(&options);
  ck_assert_int_eq(gait_options_set(&options, "square_root", "1GiB", error, sizeof error), GAIT_OK);
  collection_try_policy(&options);
  ck_assert_int_eq(gait_options_set(&options, "policy", "cpu-budget", error, sizeof error),
                   GAIT_OK);
  collection_try_policy(&options);
  ck_assert_int_eq(gait_options_set(&options, "cpu_budget", "20", error, sizeof error), GAIT_OK);
  collection_try_policy(&options);
}
END_TEST

START_TEST(gogc_changes_at_run_time) {
  collection_keep(&unit, 32 * MIB);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  static const int64_t percents[] = {100, 50, 400, 0, GAIT_OFF, 200};
  int64_t last = 100;
  for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
    int64_t before = 0;
    ck_assert_int_eq(gait_heap_set_gogc(unit.heap, percents[i], &before), GAIT_OK);
    ck_assert_int_eq(before, last);
    last = percents[i];
    const gait_stats stats = unit_stats(unit.heap);
    ck_assert_uint_le(stats.trigger_bytes, stats.goal_bytes);
    if (percents[i] < 50) continue;
    const uint64_t goal = 32 * MIB + 32 * MIB * (uint64_t)percents[i] / 100;
    ck_assert_uint_ge(stats.goal_bytes, goal * 95 / 100);
    ck_assert_uint_le(stats.goal_bytes, goal * 110 / 100);
  }
  ck_assert_int_eq(gait_heap_set_gogc(unit.heap, -2, NULL), GAIT_ERROR_OPTION_VALUE);
  ck_assert_int_eq(gait_heap_set_gogc(unit.heap, INT64_MIN, &last), GAIT_ERROR_OPTION_VALUE);
  int64_t before = 0;
  ck_assert_int_eq(gait_heap_set_gogc(unit.heap, 100, &before), GAIT_OK);
  ck_assert_int_eq(before, 200);
}
END_TEST

START_TEST(turning_gogc_on_starts_a_cycle_that_is_due) {
  collection_churn(&unit, 100 * MIB);
  ck_assert_uint_eq(unit_stats(unit.heap).cycles, 0);
  ck_assert_int_eq(gait_heap_set_gogc(unit.heap, 50, NULL), GAIT_OK);
  collection_churn(&unit, 8 * MIB);
  gait_thread_leave(unit.thread);
  while (unit_stats(unit.heap).cycles == 0) {
  }
  gait_thread_enter(unit.thread);
}
END_TEST

START_TEST(memory_limit_changes_at_run_time) {
  int64_t before = 0;
  ck_assert_int_eq(gait_heap_set_memory_limit(unit.heap, (int64_t)(64 * MIB), &before), GAIT_OK);
  ck_assert_int_eq(before, GAIT_OFF);
  ck_assert_int_eq(gait_heap_set_memory_limit(unit.heap, -5, &before), GAIT_ERROR_OPTION_VALUE);
  collection_keep(&unit, 8 * MIB);
  collection_churn(&unit, 400 * MIB);
  gait_stats stats = unit_stats(unit.heap);
  ck_assert_uint_ge(stats.cycles, 3);
  ck_assert_uint_le(stats.mapped_peak_bytes, 64 * MIB);
  ck_assert_int_eq(unit_last_record(unit.heap).cause, GAIT_CAUSE_MEMORY_LIMIT);
  ck_assert_int_eq(unit_last_record(unit.heap).memory_limit_bytes, (int64_t)(64 * MIB));
  ck_assert_int_eq(gait_heap_set_memory_limit(unit.heap, GAIT_OFF, &before), GAIT_OK);
  ck_assert_int_eq(before, (int64_t)(64 * MIB));
  const uint64_t cycles = unit_stats(unit.heap).cycles;
  collection_churn(&unit, 200 * MIB);
  ck_assert_uint_le(unit_stats(unit.heap).cycles, cycles + 1);
}
END_TEST

START_TEST(collect_frees_all_unreachable_objects) {
  enum { COUNT = 10000 };
  void **table = gait_alloc_array(unit.thread, unit.references, 0, COUNT, sizeof(void *));
  unit.slots[0] = table;
  for (size_t i = 0; i < COUNT; i++)
    gait_store(unit.thread, &table[i], gait_alloc(unit.thread, unit.leaf, 1 + i % 3000));
  ck_assert_uint_eq(unit_marked_objects(&unit), COUNT + 1);
  const uint64_t live = unit_stats(unit.heap).heap_live_bytes;
  for (size_t i = 0; i < COUNT; i++)
    if (i % 10) gait_store(unit.thread, &table[i], NULL);
  ck_assert_uint_eq(unit_marked_objects(&unit), COUNT / 10 + 1);
  ck_assert_uint_lt(unit_stats(unit.heap).heap_live_bytes, live / 5);
  unit.slots[0] = NULL;
  ck_assert_uint_eq(unit_marked_objects(&unit), 0);
  ck_assert_uint_eq(unit_stats(unit.heap).marked_bytes, 0);
}
END_TEST

START_TEST(marked_bytes_are_those_of_slots) {
  static const size_t sizes[] = {16, 100, 1000, 32768, 40000, 1000000};
  uint64_t sum = 0;
  for (size_t i = 0; i < 6; i++) {
    unit.slots[i] = gait_alloc(unit.thread, unit.leaf, sizes[i]);
    sum += gait_object_bytes(unit.heap, unit.slots[i]);
  }
  ck_assert_uint_eq(unit_marked_objects(&unit), 6);
  ck_assert_uint_eq(unit_last_record(unit.heap).marked_bytes, sum);
  ck_assert_uint_eq(unit_last_record(unit.heap).marked_bytes, unit_stats(unit.heap).marked_bytes);
}
END_TEST

START_TEST(freed_memory_is_used_again) {
  uint64_t mapped = 0;
  for (unsigned round = 0; round < 8; round++) {
    collection_churn(&unit, 30 * MIB);
    collection_keep(&unit, 10 * MIB);
    for (size_t i = 0; i < 10; i++)
      UNIT_CHECK(gait_alloc(unit.thread, unit.leaf, 3 * MIB + 4096 * i) != NULL);
    unit.slots[0] = NULL;
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    const uint64_t peak = unit_stats(unit.heap).mapped_peak_bytes;
    if (round == 2) mapped = peak;
  }
  ck_assert_uint_le(unit_stats(unit.heap).mapped_peak_bytes, mapped + 16 * MIB);
}
END_TEST

START_TEST(trim_gives_memory_back) {
  const size_t resident_before = unit_resident_bytes();
  for (size_t done = 0; done < 100 * MIB; done += 4096) {
    void **node = gait_alloc(unit.thread, unit.references, 4096);
    memset((char *)node + 8, 0xff, 4088); /* high bits: no reference */
    gait_store_init(unit.thread, node, unit.slots[0]);
    unit.slots[0] = node;
  }
  char *large = gait_alloc(unit.thread, unit.leaf, 50 * MIB);
  memset(large, 1, 50 * MIB);
  const size_t resident_full = unit_resident_bytes();
  const uint64_t mapped_full = unit_stats(unit.heap).mapped_bytes;
  ck_assert_uint_ge(mapped_full, 150 * MIB);
  unit.slots[0] = NULL;
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  gait_heap_trim(unit.heap);
  const gait_stats stats = unit_stats(unit.heap);
  ck_assert_uint_le(stats.mapped_bytes, 16 * MIB);
  ck_assert_uint_ge(stats.released_bytes, 130 * MIB);
  ck_assert_uint_ge(stats.mapped_peak_bytes, mapped_full);
  const size_t resident_now = unit_resident_bytes();
  ck_assert_uint_ge(resident_full, resident_before + 140 * MIB);
  ck_assert_uint_le(resident_now, resident_full - 130 * MIB);
  ck_assert_uint_le(gait_heap_trim(unit.heap), 4 * MIB); /* nothing is left to give */
  /* And what was given back serves again, zeroed. */
  for (size_t i = 0; i < 20000; i++) {
    const uint64_t *object = gait_alloc(unit.thread, unit.leaf, 4096);
    UNIT_CHECK(object && object[0] == 0 && object[1] == 0 && object[511] == 0);
  }
}
END_TEST

START_TEST(memory_is_prepared_for_a_heap_that_grows) {
  ck_assert_int_eq(gait_heap_collect(unit.thread),
                   GAIT_OK); /* which starts the collector's thread */
  bool prepared = false;
  for (size_t i = 0; i < 2048 * 1024 && !prepared; i++) { /* a GiB at most */
    memset(gait_alloc(unit.thread, unit.leaf, 512), 1, 512);
    if (i % 2048 != 0) continue;
    const gait_stats stats = unit_stats(unit.heap);
    prepared = stats.mapped_bytes - stats.side_table_bytes - stats.structure_bytes >
               stats.alloc_bytes + MIB / 4;
  }
  ck_assert(prepared);
  for (size_t done = 0; done < 2 * MIB; done += 4096) {
    const char *object = gait_alloc(unit.thread, unit.leaf, 4096);
    for (size_t i = 0; i < 4096; i++)
      UNIT_CHECK(object[i] == 0);
  }
}
END_TEST

/* mapped_bytes is the truth: no more resident memory came with the heap than it says, but for the
 * shadow that a sanitizer keeps of it, or the code that an emulator has translated. */
START_TEST(mapped_bytes_cover_resident_memory) {
  unit_world world;
  if (SANITIZER_ADDRESS || SANITIZER_THREAD || TESTS_EMULATED) return;
  const size_t before = unit_resident_bytes();
  collection_open(&world, _i, 100);
  collection_keep(&world, 100 * MIB);
  collection_churn(&world, 300 * MIB);
  const size_t resident = unit_resident_bytes() - before;
  const uint64_t mapped = unit_stats(world.heap).mapped_bytes;
  ck_assert_uint_le(resident, mapped + 8 * MIB); /* stacks and the test's own */
  unit_close(&world);
}
END_TEST

START_TEST(collect_every_is_at_every_nth_allocation) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.debug.collect_every = 10;
  options.debug.run_bytes = 1; /* counted on the slow path: make that every path */
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (unsigned tag = 0; tag < 20; tag++) {
    world.slots[0] = unit_tagged_leaf(&world, tag);
    for (size_t i = 0; i < 40; i++)
      UNIT_CHECK(gait_alloc(world.thread, world.leaf, 64) != NULL);
    ck_assert(unit_stats(world.heap).external_bytes & UNIT_TAG(tag));
  }
  ck_assert_uint_ge(unit_stats(world.heap).cycles, 40);
  ck_assert_int_eq(unit_last_record(world.heap).cause, GAIT_CAUSE_DEBUG);
  unit_close(&world);
}
END_TEST

START_TEST(free_memory_is_poisoned) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.debug.poison = 1;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  void *kept = gait_alloc(world.thread, world.leaf, 256); /* so that the block stays */
  world.slots[0] = kept;
  volatile uint64_t *object = gait_alloc(world.thread, world.leaf, 256);
  object[4] = UINT64_C(0x1122334455667788);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  ck_assert_ptr_null(gait_object_start(world.heap, (void *)object));
#if !defined(__SANITIZE_ADDRESS__)
  ck_assert_uint_ne(object[4], UINT64_C(0x1122334455667788));
  ck_assert_uint_ne(object[4], 0);
#endif
  const uint64_t *fresh;
  for (size_t i = 0; i < 1000; i++) {
    fresh = gait_alloc(world.thread, world.leaf, 256);
    for (size_t k = 0; k < 32; k++)
      UNIT_CHECK(fresh[k] == 0);
  }
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *when = unit_case(suite, "when");
  const unit_worlds off = unit_world_cases(suite, "when", &collection_off);
  const unit_worlds growing = unit_world_cases(suite, "when", &collection_growing);
  UNIT_WORLD_TEST(off, gogc_off_means_no_cycle);
  UNIT_WORLD_TEST(growing, cycles_follow_growth);
  UNIT_TEST(when, small_cycles_are_run_by_the_allocating_thread);
  UNIT_TEST(when, no_cycle_is_run_by_the_allocating_thread_with_the_option_at_0);
  UNIT_TEST(when, minimum_heap_spares_small_heaps);
  tcase_add_test(when, a_policy_sets_the_growth);
  UNIT_WORLD_TEST(growing, gogc_changes_at_run_time);
  UNIT_WORLD_TEST(off, turning_gogc_on_starts_a_cycle_that_is_due);
  UNIT_WORLD_TEST(off, memory_limit_changes_at_run_time);
  TCase *what = unit_case(suite, "what");
  const unit_worlds what_worlds = unit_world_cases(suite, "what", &collection_off);
  UNIT_WORLD_TEST(what_worlds, collect_frees_all_unreachable_objects);
  UNIT_WORLD_TEST(what_worlds, marked_bytes_are_those_of_slots);
  UNIT_WORLD_TEST(what_worlds, freed_memory_is_used_again);
  UNIT_WORLD_TEST(what_worlds, trim_gives_memory_back);
  UNIT_WORLD_TEST(what_worlds, memory_is_prepared_for_a_heap_that_grows);
  UNIT_TEST(what, mapped_bytes_cover_resident_memory);
  TCase *debug = unit_case(suite, "debug");
  UNIT_TEST(debug, collect_every_is_at_every_nth_allocation);
  UNIT_TEST(debug, free_memory_is_poisoned);
}
