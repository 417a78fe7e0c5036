/* Helpers: a thread that helps to mark becomes active only while marking is open.  Inside the
 * library, since no program can tell: what is wrong is a moment too short to meet. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "cycle/cycle.h"
#include "mark/marker.h"

const char *const unit_suite_name = "helpers";

struct helpers_collector {
  gait_heap *heap;
  atomic_bool over;
};

static void *helpers_collect(void *arg) {
  struct helpers_collector *collector = arg;
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(collector->heap, "collects", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  atomic_store(&collector->over, true);
  return NULL;
}

START_TEST(no_thread_helps_between_cycles) {
  unit_world world;
  unit_open(&world, _i, GAIT_STACK_EXACT);
  ck_assert_ptr_null(gaiti_marker_join(world.heap));
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  ck_assert_ptr_null(gaiti_marker_join(world.heap));
  ck_assert_uint_eq(world.heap->marking->active, 0);
  unit_close(&world);
}
END_TEST

/* The test's own thread has not turned its barrier on: the cycle waits for it in START.  A root
 * that comes then queues what it refers to, and nobody may trace that. */
START_TEST(no_thread_helps_before_barriers_are_on) {
  unit_world world;
  unit_open(&world, UNIT_CONCURRENT, GAIT_STACK_EXACT);
  void **root = world.slots[0] = gait_alloc(world.thread, world.references, 64);
  void *leaf = unit_tagged_leaf(&world, 5);
  gait_store(world.thread, root, leaf);
  struct helpers_collector collector = {.heap = world.heap};
  pthread_t thread;
  ck_assert_int_eq(pthread_create(&thread, NULL, helpers_collect, &collector), 0);
  while (gaiti_phase(world.heap) != GAITI_PHASE_START)
    sched_yield();
  while (!gaiti_buffers_open_now(world.heap))
    sched_yield();
  ck_assert_int_eq(gait_roots_add(world.heap, &root, sizeof root, GAIT_ROOTS_BARRIERED), GAIT_OK);
  ck_assert(gaiti_marking_has_work(world.heap));
  ck_assert_ptr_null(gaiti_marker_join(world.heap));
  ck_assert_int_eq(gaiti_phase(world.heap), GAITI_PHASE_START);
  while (!atomic_load(&collector.over))
    gait_thread_poll(world.thread);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  ck_assert_uint_eq(unit_stats(world.heap).external_bytes, UNIT_TAG(5));
  ck_assert_int_eq(gait_roots_remove(world.heap, &root), GAIT_OK);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *joins = unit_case(suite, "joins");
  UNIT_TEST(joins, no_thread_helps_between_cycles);
  tcase_add_test(joins, no_thread_helps_before_barriers_are_on);
}
