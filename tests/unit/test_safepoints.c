/* Safepoints: a safepoint of one heap is a safepoint of every heap in whose managed state the
 * thread is.  Each test ends only if the thread's calls on the one heap let a collection of the
 * other end. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

const char *const unit_suite_name = "safepoints";

/* A thread that collects `heap` some times, and says when it has. */
struct safepoints_other {
  gait_heap *heap;
  atomic_bool attached;
  atomic_bool over;
};

static void *safepoints_collect(void *arg) {
  struct safepoints_other *other = arg;
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(other->heap, "collects", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  atomic_store(&other->attached, true);
  for (int i = 0; i < 3; i++)
    UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  atomic_store(&other->over, true);
  return NULL;
}

typedef void safepoints_act(unit_world *world);

static void safepoints_poll(unit_world *world) {
  gait_thread_poll(world->thread);
}

static void safepoints_allocate(unit_world *world) {
  UNIT_CHECK(gait_alloc(world->thread, world->leaf, 4096) != NULL);
}

static void safepoints_leave(unit_world *world) {
  gait_thread_leave(world->thread);
  gait_thread_enter(world->thread);
}

static void *safepoints_nothing(void *arg) {
  return arg;
}

static void safepoints_outside(unit_world *world) {
  gait_thread_outside(world->thread, safepoints_nothing, NULL);
}

/* The thread is in managed state of both heaps all the time, and calls on the first alone. */
static void safepoints_try(int mode, safepoints_act *act) {
  unit_world worlds[2];
  gait_options options = unit_options(mode);
  unit_open_with(&worlds[0], &options, GAIT_STACK_CONSERVATIVE);
  unit_open(&worlds[1], mode, GAIT_STACK_CONSERVATIVE);
  worlds[1].slots[0] = unit_tagged_leaf(&worlds[1], 3);
  struct safepoints_other other = {.heap = worlds[1].heap};
  pthread_t thread;
  ck_assert_int_eq(pthread_create(&thread, NULL, safepoints_collect, &other), 0);
  while (!atomic_load(&other.over))
    act(&worlds[0]);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  ck_assert_uint_eq(unit_stats(worlds[1].heap).external_bytes, UNIT_TAG(3));
  ck_assert_uint_ge(unit_stats(worlds[1].heap).cycles, 3);
  unit_close(&worlds[0]);
  unit_close(&worlds[1]);
}

START_TEST(polling_one_heap_is_a_safepoint_of_another) {
  safepoints_try(_i, safepoints_poll);
}
END_TEST

START_TEST(allocating_on_one_heap_is_a_safepoint_of_another) {
  safepoints_try(_i, safepoints_allocate);
}
END_TEST

START_TEST(leaving_one_heap_is_a_safepoint_of_another) {
  safepoints_try(_i, safepoints_leave);
}
END_TEST

START_TEST(running_outside_one_heap_is_a_safepoint_of_another) {
  safepoints_try(_i, safepoints_outside);
}
END_TEST

/* The flag is one for both heaps: a poll of the first lowers it, whichever has raised it, and the
 * thread then enters the second, which waits for it. */
START_TEST(entering_one_heap_meets_handshakes_that_polling_another_has_passed_over) {
  unit_world worlds[2];
  for (int i = 0; i < 2; i++)
    unit_open(&worlds[i], _i, GAIT_STACK_EXACT);
  unit_collector collector;
  unit_collector_start(&collector, worlds[1].heap);
  for (unsigned round = 0; round < 3000; round++) {
    gait_thread_leave(worlds[1].thread);
    for (unsigned i = 0; i < 200 + round % 1000; i++)
      safepoints_poll(&worlds[0]);
    gait_thread_enter(worlds[1].thread);
    const unsigned long before = atomic_load(&collector.cycles);
    while (atomic_load(&collector.cycles) == before)
      safepoints_poll(&worlds[1]);
  }
  gait_thread_leave(worlds[0].thread);
  unit_collector_stop(&collector, worlds[1].thread);
  gait_thread_enter(worlds[0].thread);
  for (int i = 0; i < 2; i++)
    unit_close(&worlds[i]);
}
END_TEST

/* A flag that a heap has raised stays readable when the thread has left that heap. */
START_TEST(a_heap_left_for_good_leaves_the_others_in_order) {
  unit_world worlds[2];
  for (int i = 0; i < 2; i++)
    unit_open(&worlds[i], _i, GAIT_STACK_CONSERVATIVE);
  worlds[1].slots[0] = unit_tagged_leaf(&worlds[1], 1);
  unit_close(&worlds[0]);
  for (int i = 0; i < 100; i++)
    safepoints_poll(&worlds[1]);
  ck_assert_uint_eq(unit_alive(&worlds[1]), UNIT_TAG(1));
  unit_close(&worlds[1]);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *several = unit_case(suite, "several");
  UNIT_TEST(several, polling_one_heap_is_a_safepoint_of_another);
  UNIT_TEST(several, allocating_on_one_heap_is_a_safepoint_of_another);
  UNIT_TEST(several, leaving_one_heap_is_a_safepoint_of_another);
  UNIT_TEST(several, running_outside_one_heap_is_a_safepoint_of_another);
  tcase_add_test(several, entering_one_heap_meets_handshakes_that_polling_another_has_passed_over);
  UNIT_TEST(several, a_heap_left_for_good_leaves_the_others_in_order);
}
