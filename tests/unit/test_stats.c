/* The snapshot of counters. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "../support/random.h"

const char *const unit_suite_name = "stats";

START_TEST(a_new_heap_counts_from_zero) {
  const gait_options options = unit_options(_i);
  gait_heap *heap = NULL;
  ck_assert_int_eq(gait_heap_create(&options, &heap), GAIT_OK);
  const gait_stats stats = unit_stats(heap);
  ck_assert_uint_eq(stats.cycles, 0);
  ck_assert_uint_eq(stats.forced_cycles, 0);
  ck_assert_uint_eq(stats.alloc_bytes, 0);
  ck_assert_uint_eq(stats.alloc_objects, 0);
  ck_assert_uint_eq(stats.heap_live_bytes, 0);
  ck_assert_uint_eq(stats.external_bytes, 0);
  ck_assert_uint_eq(stats.threads, 0);
  ck_assert_uint_eq(stats.pauses, 0);
  ck_assert_uint_eq(stats.gc_cpu_ns, 0);
  ck_assert_uint_ge(stats.reserved_bytes, (uint64_t)1 << 20);
  ck_assert_uint_le(stats.mapped_bytes, stats.mapped_peak_bytes);
  ck_assert_int_eq(gait_heap_destroy(heap), GAIT_OK);
}
END_TEST

START_TEST(allocation_is_counted_to_the_byte) {
  uint64_t bytes = 0, objects = 0, random = 7;
  for (unsigned round = 0; round < 200; round++) {
    for (unsigned i = 0; i < 50; i++) {
      const size_t size = 1 + random_next(&random) % (i % 25 ? 3000 : 100000);
      const void *object = gait_alloc(unit.thread, round % 2 ? unit.leaf : unit.references, size);
      bytes += gait_object_bytes(unit.heap, object);
      objects++;
      const gait_stats stats = unit_stats(unit.heap);
      UNIT_CHECK(stats.alloc_objects == objects);
      UNIT_CHECK(stats.alloc_bytes == bytes);
    }
    if (round % 20 == 0) ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    if (round % 7 == 0) gait_thread_leave(unit.thread), gait_thread_enter(unit.thread);
  }
  ck_assert_uint_eq(unit_stats(unit.heap).alloc_objects, objects);
}
END_TEST

START_TEST(live_bytes_cover_live_objects) {
  uint64_t live = 0;
  for (unsigned i = 0; i < 3000; i++) {
    void **node = gait_alloc(unit.thread, unit.references, 16 + i);
    live += gait_object_bytes(unit.heap, node);
    gait_store_init(unit.thread, node, unit.slots[0]);
    unit.slots[0] = node;
    UNIT_CHECK(unit_stats(unit.heap).heap_live_bytes >= live);
  }
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  const gait_stats stats = unit_stats(unit.heap);
  ck_assert_uint_ge(stats.marked_bytes, live);
  ck_assert_uint_ge(stats.heap_live_bytes, live);
  ck_assert_uint_ge(stats.mapped_bytes, live);
}
END_TEST

/* What was taken, be it much or little, counts once: a cycle that has found nothing of it leaves
 * nothing of it but what is left of two runs. */
START_TEST(live_bytes_are_marked_bytes_after_a_cycle) {
  for (unsigned round = 0; round < 20; round++) {
    for (unsigned i = 0; i < 37 * round; i++)
      UNIT_CHECK(gait_alloc(unit.thread, i % 2 ? unit.leaf : unit.references, 400) != NULL);
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    const gait_stats stats = unit_stats(unit.heap);
    ck_assert_uint_eq(stats.marked_bytes, 0);
    ck_assert_uint_le(stats.heap_live_bytes, 2 * 16384);
  }
}
END_TEST

/* One object each in runs of all sizes and several kinds: what caches hold beside them is no
 * object, and is not live once these are dropped. */
START_TEST(marked_bytes_are_of_objects) {
  const gait_kind kinds[] = {unit.leaf, unit.references, unit.conservative};
  for (unsigned cycle = 0; cycle < 3; cycle++) {
    for (size_t bytes = 16; bytes <= GAIT_SMALL_BYTES; bytes = gait_slot_bytes(bytes) + 1)
      for (size_t i = 0; i < 3; i++)
        UNIT_CHECK(gait_alloc(unit.thread, kinds[i], bytes) != NULL);
    unit.slots[0] = cycle == 2 ? gait_alloc(unit.thread, unit.leaf, 1000) : NULL;
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    const uint64_t live = unit.slots[0] ? gait_object_bytes(unit.heap, unit.slots[0]) : 0;
    ck_assert_uint_eq(unit_stats(unit.heap).marked_bytes, live);
    ck_assert_uint_eq(unit_last_record(unit.heap).marked_bytes, live);
    ck_assert_uint_eq(unit_last_record(unit.heap).allocated_black_bytes, 0);
    ck_assert_uint_ge(unit_stats(unit.heap).heap_live_bytes, live);
  }
}
END_TEST

static void *stats_allocate_little(void *arg) {
  gait_thread *thread = NULL;
  gait_heap *heap = arg;
  UNIT_CHECK(gait_thread_attach(heap, "little", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  UNIT_CHECK(gait_alloc(thread, gait_kind_leaf(heap), 100) != NULL);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

/* A thread that goes gives back what is left of its runs, and that has counted before. */
START_TEST(live_bytes_stay_counted_when_threads_have_gone) {
  for (uint64_t threads = 1; threads <= 20; threads++) {
    pthread_t id;
    ck_assert_int_eq(pthread_create(&id, NULL, stats_allocate_little, unit.heap), 0);
    pthread_join(id, NULL);
    ck_assert_uint_ge(unit_stats(unit.heap).heap_live_bytes, 100 * threads);
    ck_assert_uint_le(unit_stats(unit.heap).heap_live_bytes, 20 * 16384);
  }
}
END_TEST

static atomic_bool stats_stop;

static void *stats_watch(void *arg) {
  gait_heap *heap = arg;
  gait_stats last = unit_stats(heap);
  while (!atomic_load(&stats_stop)) {
    const gait_stats now = unit_stats(heap);
    UNIT_CHECK(now.cycles >= last.cycles);
    UNIT_CHECK(now.forced_cycles >= last.forced_cycles);
    UNIT_CHECK(now.alloc_bytes >= last.alloc_bytes);
    UNIT_CHECK(now.alloc_objects >= last.alloc_objects);
    UNIT_CHECK(now.gc_cpu_ns >= last.gc_cpu_ns);
    UNIT_CHECK(now.gc_assist_ns >= last.gc_assist_ns);
    UNIT_CHECK(now.gc_background_ns >= last.gc_background_ns);
    UNIT_CHECK(now.gc_idle_ns >= last.gc_idle_ns);
    UNIT_CHECK(now.pauses >= last.pauses);
    UNIT_CHECK(now.pause_total_ns >= last.pause_total_ns);
    UNIT_CHECK(now.pause_max_ns >= last.pause_max_ns);
    UNIT_CHECK(now.mapped_peak_bytes >= last.mapped_peak_bytes);
    UNIT_CHECK(now.mapped_peak_bytes >= now.mapped_bytes);
    UNIT_CHECK(now.released_bytes >= last.released_bytes);
    last = now;
  }
  return NULL;
}

/* Watched by a thread that is not attached, while cycles run. */
START_TEST(counters_of_stats_only_rise) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.gogc_percent = 100;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  atomic_store(&stats_stop, false);
  pthread_t watcher;
  ck_assert_int_eq(pthread_create(&watcher, NULL, stats_watch, world.heap), 0);
  for (uint64_t i = 0; unit_stats(world.heap).cycles < 30; i++) {
    void **node = gait_alloc(world.thread, world.references, 16 + i % 2000);
    gait_store_init(world.thread, node, world.slots[0]);
    world.slots[0] = i % 5000 ? node : NULL;
    if (i % 100000 == 0) ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  }
  atomic_store(&stats_stop, true);
  pthread_join(watcher, NULL);
  unit_close(&world);
}
END_TEST

static void *stats_collect(void *arg) {
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(arg, "collects", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  for (unsigned i = 0; i < 5; i++)
    UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  atomic_store(&stats_stop, true);
  return NULL;
}

/* Another thread collects; this one is in managed code and takes part at its polls. */
START_TEST(pauses_are_counted) {
  atomic_store(&stats_stop, false);
  pthread_t collector;
  ck_assert_int_eq(pthread_create(&collector, NULL, stats_collect, unit.heap), 0);
  while (!atomic_load(&stats_stop))
    gait_thread_poll(unit.thread);
  pthread_join(collector, NULL);
  const gait_stats stats = unit_stats(unit.heap);
  ck_assert_uint_ge(stats.pauses, 5);
  ck_assert_uint_gt(stats.pause_max_ns, 0);
  if (_i == UNIT_CONCURRENT) /* the thread scans its own roots */
    ck_assert_uint_gt(stats.pause_cpu_max_ns, 0);
  ck_assert_uint_ge(stats.pause_total_ns, stats.pause_max_ns);
  ck_assert_uint_le(stats.pause_p50_ns, stats.pause_p99_ns);
  ck_assert_uint_le(stats.pause_p99_ns, stats.pause_p9999_ns);
  ck_assert_uint_le(stats.pause_p9999_ns, stats.pause_max_ns + stats.pause_max_ns / 16 + 1);
  ck_assert_uint_ge(stats.gc_cpu_ns, stats.gc_assist_ns);
}
END_TEST

START_TEST(side_tables_are_small) {
  for (size_t i = 0; i < 2000000; i++) {
    void **node = gait_alloc(unit.thread, unit.references, 48);
    gait_store_init(unit.thread, node, unit.slots[0]);
    unit.slots[0] = node;
  }
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  const gait_stats stats = unit_stats(unit.heap);
  ck_assert_uint_gt(stats.side_table_bytes, 0);
  ck_assert_uint_le(stats.side_table_bytes, stats.marked_bytes * 4 / 100);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *tcase = unit_case(suite, "stats");
  const unit_worlds worlds = unit_world_cases(suite, "stats", &unit_exact);
  UNIT_TEST(tcase, a_new_heap_counts_from_zero);
  UNIT_WORLD_TEST(worlds, allocation_is_counted_to_the_byte);
  UNIT_WORLD_TEST(worlds, live_bytes_cover_live_objects);
  UNIT_WORLD_TEST(worlds, live_bytes_are_marked_bytes_after_a_cycle);
  UNIT_WORLD_TEST(worlds, marked_bytes_are_of_objects);
  UNIT_WORLD_TEST(worlds, live_bytes_stay_counted_when_threads_have_gone);
  UNIT_TEST(tcase, counters_of_stats_only_rise);
  UNIT_WORLD_TEST(worlds, pauses_are_counted);
  UNIT_WORLD_TEST(worlds, side_tables_are_small);
}
