/* Heaps: objects of their own, created, used side by side, and gone without a trace. */
#include "unit.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "../support/process.h"
#include "../support/sanitizer.h"

const char *const unit_suite_name = "heap";

START_TEST(heap_create_starts_no_thread) {
  const size_t before = unit_count_threads();
  const gait_options options = unit_options(_i);
  gait_heap *heap = NULL;
  ck_assert_int_eq(gait_heap_create(&options, &heap), GAIT_OK);
  ck_assert_uint_eq(unit_count_threads(), before);
  ck_assert_int_eq(gait_heap_destroy(heap), GAIT_OK);
}
END_TEST

START_TEST(heap_destroy_while_attached_is_busy) {
  unit.slots[0] = unit_tagged_leaf(&unit, 3);
  ck_assert_int_eq(gait_heap_destroy(unit.heap), GAIT_ERROR_BUSY);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(3));
  gait_thread_leave(unit.thread);
  ck_assert_int_eq(gait_heap_destroy(unit.heap), GAIT_ERROR_BUSY);
  gait_thread_enter(unit.thread);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(3));
}
END_TEST

START_TEST(heaps_do_not_see_each_other) {
  enum { HEAPS = 4 };
  unit_world worlds[HEAPS];
  for (unsigned i = 0; i < HEAPS; i++) {
    unit_open(&worlds[i], _i, GAIT_STACK_EXACT);
    worlds[i].slots[0] = unit_tagged_leaf(&worlds[i], i);
  }
  for (unsigned i = 0; i < HEAPS; i++) {
    for (unsigned k = 0; k < HEAPS; k++) {
      void *object = worlds[k].slots[0];
      ck_assert_ptr_eq(gait_object_start(worlds[i].heap, object), i == k ? object : NULL);
    }
  }
  /* A reference into another heap is just a word: it keeps nothing there. */
  worlds[0].slots[1] = worlds[1].slots[0];
  worlds[1].slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(&worlds[0]), UNIT_TAG(0));
  ck_assert_uint_eq(unit_stats(worlds[1].heap).cycles, 0);
  ck_assert_uint_eq(unit_alive(&worlds[1]), 0);
  ck_assert_uint_eq(unit_stats(worlds[2].heap).cycles, 0);
  for (unsigned i = 0; i < HEAPS; i++)
    unit_close(&worlds[i]);
}
END_TEST

/* One heap's life, with every sort of thing on it. */
static void heap_live_once(int mode) {
  unit_world world;
  gait_options options = unit_options(mode);
  options.gogc_percent = 100;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  static void *root;
  ck_assert_int_eq(gait_roots_add(world.heap, &root, sizeof root, GAIT_ROOTS_BARRIERED), GAIT_OK);
  for (size_t i = 0; i < 20000; i++) {
    void **node = gait_alloc(world.thread, world.references, 64 + i % 512);
    UNIT_CHECK(node != NULL);
    if (i % 100) gait_store_init(world.thread, node, root);
    gait_store(world.thread, &root, node);
  }
  ck_assert_ptr_nonnull(gait_alloc(world.thread, world.leaf, 3 << 20));
  ck_assert_ptr_nonnull(gait_handle_create(world.thread, root));
  ck_assert_int_eq(gait_object_set_external(world.thread, root, 4096), GAIT_OK);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  gait_heap_trim(world.heap);
  unit_close(&world);
  root = NULL;
}

/* A joined thread leaves /proc a moment after pthread_join has returned. */
static unit_resources heap_settled_resources(size_t threads) {
  while (unit_count_threads() > threads)
    usleep(1000);
  return unit_count_resources();
}

START_TEST(heaps_leak_nothing) {
  enum { WARM_UP = 4, ROUNDS = 40 };
  if (SANITIZER_THREAD) return; /* it begins a thread of its own at any time after a fork */
  process_steady_malloc();
  const size_t threads = unit_count_threads();
  for (int i = 0; i < WARM_UP; i++)
    heap_live_once(_i);
  const unit_resources before = heap_settled_resources(threads);
  for (int i = 0; i < ROUNDS; i++)
    heap_live_once(_i);
  const unit_resources after = heap_settled_resources(threads);
  ck_assert_uint_eq(after.threads, before.threads);
  ck_assert_uint_eq(after.descriptors, before.descriptors);
  if (SANITIZER_ADDRESS) return; /* it keeps for a while what was freed */
  ck_assert_uint_lt(after.mappings, before.mappings + ROUNDS / 4);
  ck_assert_uint_lt(after.mapped_bytes, before.mapped_bytes + ((size_t)ROUNDS << 20));
}
END_TEST

static void *heap_detach_and_destroy(void *arg) {
  unit_world *world = arg;
  ck_assert_int_eq(gait_heap_destroy(world->heap), GAIT_OK);
  return NULL;
}

/* Destroys heaps from another thread, at a moment when a cycle that growth has started may run. */
START_TEST(heap_destroy_during_a_cycle) {
  for (size_t round = 0; round < 20; round++) {
    unit_world world;
    gait_options options = unit_options(_i);
    options.gogc_percent = 50;
    unit_open_with(&world, &options, GAIT_STACK_EXACT);
    const uint64_t before = unit_stats(world.heap).cycles;
    for (size_t i = 0; unit_stats(world.heap).cycles == before || i < 997 * round; i++) {
      void **node = gait_alloc(world.thread, world.references, 512);
      gait_store_init(world.thread, node, world.slots[0]);
      world.slots[0] = node;
    }
    gait_frame_pop(world.thread, &world.frame);
    ck_assert_int_eq(gait_thread_detach(world.thread), GAIT_OK);
    unit_on_thread(NULL, heap_detach_and_destroy, &world);
  }
}
END_TEST

START_TEST(a_reservation_beyond_the_machine_is_halved_or_an_error) {
  gait_options options = unit_options(UNIT_CONCURRENT);
  static unit_log log;
  options.log = unit_log_line;
  options.log_arg = &log;
  options.reserve_bytes = UNIT_OPTION(reserve_bytes)->initial * 64;
  gait_heap *heap = NULL;
  const gait_result result = gait_heap_create(&options, &heap);
  if (result == GAIT_OK) {
    const uint64_t asked = (uint64_t)options.reserve_bytes;
    const uint64_t reserved = unit_stats(heap).reserved_bytes;
    ck_assert(reserved >= asked || (reserved > 0 && asked % reserved == 0));
    ck_assert_int_eq(gait_heap_destroy(heap), GAIT_OK);
  } else {
    ck_assert_int_eq(result, GAIT_ERROR_MEMORY);
    ck_assert_ptr_null(heap);
  }
}
END_TEST

START_TEST(many_small_heaps_live_at_once) {
  enum { HEAPS = 100 };
  gait_heap *heaps[HEAPS];
  gait_options options = unit_options(_i);
  options.reserve_bytes = UNIT_OPTION(reserve_bytes)->minimum;
  for (size_t i = 0; i < HEAPS; i++)
    ck_assert_int_eq(gait_heap_create(&options, &heaps[i]), GAIT_OK);
  for (size_t i = 0; i < HEAPS; i++) {
    gait_thread *thread = NULL;
    ck_assert_int_eq(gait_thread_attach(heaps[i], NULL, GAIT_STACK_EXACT, &thread), GAIT_OK);
    ck_assert_ptr_nonnull(gait_alloc(thread, gait_kind_leaf(heaps[i]), 100));
    ck_assert_int_eq(gait_thread_detach(thread), GAIT_OK);
  }
  for (size_t i = 0; i < HEAPS; i++)
    ck_assert_int_eq(gait_heap_destroy(heaps[i]), GAIT_OK);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *tcase = unit_case(suite, "heap");
  const unit_worlds worlds = unit_world_cases(suite, "heap", &unit_exact);
  UNIT_TEST(tcase, heap_create_starts_no_thread);
  UNIT_WORLD_TEST(worlds, heap_destroy_while_attached_is_busy);
  UNIT_TEST(tcase, heaps_do_not_see_each_other);
  UNIT_TEST(tcase, heaps_leak_nothing);
  UNIT_TEST(tcase, heap_destroy_during_a_cycle);
  tcase_add_test(tcase, a_reservation_beyond_the_machine_is_halved_or_an_error);
  UNIT_TEST(tcase, many_small_heaps_live_at_once);
}
