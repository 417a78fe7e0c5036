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
  ck_assert_ptr_null(gaiti_marker_join(unit.heap));
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_ptr_null(gaiti_marker_join(unit.heap));
  ck_assert_uint_eq(unit.heap->marking->active, 0);
}
END_TEST

static void helpers_open(unit_world *world, int mode) {
  unit_open(world, mode, GAIT_STACK_EXACT);
}

UNIT_FIXTURE(helpers_concurrent, UNIT_CONCURRENT + 1, helpers_open);

/* The test's own thread has not turned its barrier on: the cycle waits for it in START.  A root
 * that comes then queues what it refers to, and nobody may trace that. */
START_TEST(no_thread_helps_before_barriers_are_on) {
  void **root = unit.slots[0] = gait_alloc(unit.thread, unit.references, 64);
  void *leaf = unit_tagged_leaf(&unit, 5);
  gait_store(unit.thread, root, leaf);
  struct helpers_collector collector = {.heap = unit.heap};
  pthread_t thread;
  ck_assert_int_eq(pthread_create(&thread, NULL, helpers_collect, &collector), 0);
  while (gaiti_phase(unit.heap) != GAITI_PHASE_START)
    sched_yield();
  while (!gaiti_buffers_open_now(unit.heap))
    sched_yield();
  ck_assert_int_eq(gait_roots_add(unit.heap, &root, sizeof root, GAIT_ROOTS_BARRIERED), GAIT_OK);
  ck_assert(gaiti_marking_has_work(unit.heap));
  ck_assert_ptr_null(gaiti_marker_join(unit.heap));
  ck_assert_int_eq(gaiti_phase(unit.heap), GAITI_PHASE_START);
  while (!atomic_load(&collector.over))
    gait_thread_poll(unit.thread);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, UNIT_TAG(5));
  ck_assert_int_eq(gait_roots_remove(unit.heap, &root), GAIT_OK);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds worlds = unit_world_cases(suite, "joins", &unit_exact);
  const unit_worlds concurrent = unit_world_cases(suite, "joins", &helpers_concurrent);
  UNIT_WORLD_TEST(worlds, no_thread_helps_between_cycles);
  UNIT_WORLD_TEST(concurrent, no_thread_helps_before_barriers_are_on);
}
