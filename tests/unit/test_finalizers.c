/* Cleanups and finalizers: when they become due, in which order, where they run. */
#include "../support/sanitizer.h"
#include "unit_young.h"

#include <gait/finalizer.h>
#include <gait/weak.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const unit_suite_name = "finalizers";

#define CALLS_MOST 4096

/* The args of the calls, in their order. */
static struct {
  size_t count;
  uintptr_t args[CALLS_MOST];
  void *objects[CALLS_MOST];
} calls;

static void calls_forget(void) {
  memset(&calls, 0, sizeof calls);
}

static void open_and_forget(unit_world *world, int mode) {
  calls_forget();
  unit_open(world, mode, GAIT_STACK_EXACT);
}

UNIT_FIXTURE(finalizers_world, UNIT_MODES, open_and_forget);

static void note_cleanup(void *arg) {
  UNIT_CHECK(calls.count < CALLS_MOST);
  calls.args[calls.count++] = (uintptr_t)arg;
}

static void note_finalizer(gait_thread *thread, void *object, void *arg) {
  UNIT_CHECK(thread == unit.thread);
  UNIT_CHECK(gait_object_start(unit.heap, object) == object);
  calls.objects[calls.count] = object;
  note_cleanup(arg);
}

static gait_cleanup add_cleanup(void *object, uintptr_t arg) {
  gait_cleanup cleanup;
  ck_assert_int_eq(gait_cleanup_add(unit.thread, object, note_cleanup, (void *)arg, &cleanup),
                   GAIT_OK);
  return cleanup;
}

static gait_finalizer add_finalizer(void *object, uintptr_t arg, gait_finalizer_order order) {
  gait_finalizer finalizer;
  ck_assert_int_eq(
      gait_finalizer_add(unit.thread, object, note_finalizer, (void *)arg, order, &finalizer),
      GAIT_OK);
  return finalizer;
}

static void *new_object(size_t words) {
  void *object = gait_alloc(unit.thread, unit.references, words * sizeof(void *));
  ck_assert_ptr_nonnull(object);
  return object;
}

/* An object with a finalizer; it is in no root. */
static void **new_finalizable(uintptr_t arg, gait_finalizer_order order) {
  void **object = new_object(2);
  add_finalizer(object, arg, order);
  return object;
}

static void refer(void **from, size_t field, void *to) {
  gait_store_init(unit.thread, &from[field], to);
}

/* Collects, and runs what is due; returns how many. */
static size_t collect_and_run(void) {
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  return gait_finalizers_run(unit.thread, SIZE_MAX);
}

/* The next object of its kind and size does not take its place, nor its functions. */
START_TEST(freed_object_keeps_its_functions) {
  void **object = new_finalizable(1, GAIT_FINALIZER_UNORDERED);
  add_cleanup(object, 2);
  gait_object_free(unit.thread, object);
  unit.slots[0] = new_object(2);
  ck_assert_ptr_ne(unit.slots[0], object);
  ck_assert_uint_eq(collect_and_run(), 1);
  ck_assert_uint_eq(collect_and_run(), 1);
  ck_assert_uint_eq(calls.args[0], 1);
  ck_assert_ptr_eq(calls.objects[0], object);
  ck_assert_uint_eq(calls.args[1], 2);
  ck_assert_ptr_null(gait_object_start(unit.heap, object));
  void *other = new_object(2);
  gait_object_free(unit.thread, other);
  unit.slots[1] = new_object(2);
  ck_assert_ptr_eq(unit.slots[1], other);
}
END_TEST

/* Takes functions as they become due, and refers to their objects weakly. */
static void *weak_take(void *arg) {
  gait_thread *thread;
  void *slots[2] = {NULL, NULL};
  gait_frame frame;
  UNIT_CHECK(gait_thread_attach(unit.heap, "takes", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  gait_frame_push(thread, &frame, slots, 2);
  slots[0] = gait_weak_create(thread, NULL);
  while (!atomic_load((atomic_bool *)arg)) {
    gait_due due;
    if (gait_finalizer_next(thread, &due)) {
      slots[1] = due.object;
      gait_weak_set(thread, slots[0], due.object);
      UNIT_CHECK(gait_weak_get(thread, slots[0]) == due.object);
    }
    gait_thread_poll(thread);
  }
  gait_frame_pop(thread, &frame);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

START_TEST(object_that_is_due_is_no_dead_one_to_weak_references) {
  atomic_bool ends = false;
  pthread_t taker;
  UNIT_CHECK(pthread_create(&taker, NULL, weak_take, &ends) == 0);
  for (int i = 0; i < 20; i++) {
    for (uintptr_t k = 0; k < 2000; k++)
      new_finalizable(k, GAIT_FINALIZER_UNORDERED);
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  }
  atomic_store(&ends, true);
  gait_thread_leave(unit.thread);
  pthread_join(taker, NULL);
  gait_thread_enter(unit.thread);
}
END_TEST

/* ---- Cleanups ---- */

START_TEST(cleanup_runs_once_when_its_object_is_gone) {
  unit.slots[0] = new_object(1);
  add_cleanup(unit.slots[0], 7);
  ck_assert_uint_eq(collect_and_run(), 0);
  unit.slots[0] = NULL;
  ck_assert_uint_eq(collect_and_run(), 1);
  ck_assert_uint_eq(calls.args[0], 7);
  for (int i = 0; i < 3; i++)
    ck_assert_uint_eq(collect_and_run(), 0);
  ck_assert_uint_eq(calls.count, 1);
}
END_TEST

START_TEST(cleanups_of_one_object_all_run_in_their_order) {
  void *object = new_object(1);
  for (uintptr_t i = 0; i < 200; i++)
    add_cleanup(object, i);
  ck_assert_uint_eq(collect_and_run(), 200);
  for (uintptr_t i = 0; i < 200; i++)
    UNIT_CHECK(calls.args[i] == i);
}
END_TEST

START_TEST(cleanup_that_was_stopped_does_not_run) {
  unit.slots[0] = new_object(1);
  gait_cleanup first = add_cleanup(unit.slots[0], 1), second = add_cleanup(unit.slots[0], 2);
  ck_assert_int_eq(gait_cleanup_stop(unit.thread, first), GAIT_OK);
  ck_assert_int_eq(gait_cleanup_stop(unit.thread, first), GAIT_ERROR_NOT_FOUND);
  unit.slots[0] = NULL;
  ck_assert_uint_eq(collect_and_run(), 1);
  ck_assert_uint_eq(calls.args[0], 2);
  ck_assert_int_eq(gait_cleanup_stop(unit.thread, second), GAIT_ERROR_NOT_FOUND);
}
END_TEST

START_TEST(cleanup_that_is_due_can_be_stopped) {
  void *object = new_object(1);
  gait_cleanup cleanups[3];
  for (uintptr_t i = 0; i < 3; i++)
    cleanups[i] = add_cleanup(object, i);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_int_eq(gait_cleanup_stop(unit.thread, cleanups[0]), GAIT_OK);
  ck_assert_int_eq(gait_cleanup_stop(unit.thread, cleanups[2]), GAIT_OK);
  ck_assert_uint_eq(unit_stats(unit.heap).finalizers_due, 1);
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), 1);
  ck_assert_uint_eq(calls.args[0], 1);
  ck_assert_uint_eq(unit_stats(unit.heap).finalizers, 0);
}
END_TEST

/* The name of a record that is another's by now. */
START_TEST(stale_name_stops_nothing) {
  gait_cleanup stale = add_cleanup(new_object(1), 1);
  ck_assert_uint_eq(collect_and_run(), 1);
  unit.slots[0] = new_object(1);
  gait_cleanup fresh = add_cleanup(unit.slots[0], 2);
  ck_assert_uint_eq(fresh.place, stale.place);
  ck_assert_int_eq(gait_cleanup_stop(unit.thread, stale), GAIT_ERROR_NOT_FOUND);
  gait_finalizer other = {fresh.serial, fresh.place, fresh.heap_tag, 0};
  ck_assert_int_eq(gait_finalizer_stop(unit.thread, other), GAIT_ERROR_NOT_FOUND);
  ck_assert_int_eq(gait_cleanup_stop(unit.thread, (gait_cleanup){0}), GAIT_ERROR_NOT_FOUND);
  ck_assert_int_eq(gait_cleanup_stop(unit.thread, fresh), GAIT_OK);
}
END_TEST

START_TEST(cleanup_waits_for_finalizers_that_reach_its_object) {
  void **object = new_finalizable(1, GAIT_FINALIZER_UNORDERED);
  void *child = new_object(1);
  refer(object, 0, child);
  add_cleanup(child, 2);
  add_cleanup(object, 3);
  ck_assert_uint_eq(collect_and_run(), 1);
  ck_assert_uint_eq(collect_and_run(), 2);
  ck_assert_uint_eq(calls.args[0], 1);
  ck_assert_uint_eq(calls.args[1] + calls.args[2], 5);
}
END_TEST

/* ---- Finalizers ---- */

START_TEST(finalizer_gets_its_object_whole) {
  void **object = new_object(2);
  void **child = new_object(2);
  refer(object, 0, child);
  object[1] = NULL;
  refer(child, 1, unit_tagged_leaf(&unit, 3));
  add_finalizer(object, 5, GAIT_FINALIZER_UNORDERED);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  for (int i = 0; i < 3; i++)
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(3)); /* the queue keeps them */
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), 1);
  ck_assert_ptr_eq(calls.objects[0], object);
  ck_assert_ptr_eq(object[0], child);
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), 0);
}
END_TEST

static void keep_in_slot(gait_thread *thread, void *object, void *arg) {
  (void)thread;
  unit.slots[(uintptr_t)arg] = object;
  note_cleanup(arg);
}

START_TEST(object_may_be_kept_by_its_finalizer_and_registered_again) {
  void *object = new_object(4);
  unit_tag(&unit, object, 2);
  for (uintptr_t i = 1; i <= 3; i++) {
    ck_assert_int_eq(gait_finalizer_add(unit.thread, object, keep_in_slot, (void *)i,
                                        GAIT_FINALIZER_TOPOLOGICAL, NULL),
                     GAIT_OK);
    ck_assert_uint_eq(collect_and_run(), 1);
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(2));
    ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), 0);
    ck_assert_ptr_eq(unit.slots[i], object);
    unit.slots[i] = NULL;
  }
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

START_TEST(finalizer_that_was_stopped_does_not_run) {
  gait_finalizer registered = add_finalizer(unit.slots[0] = new_object(1), 1, 0);
  ck_assert_int_eq(gait_finalizer_stop(unit.thread, registered), GAIT_OK);
  unit.slots[0] = NULL;
  ck_assert_uint_eq(collect_and_run(), 0);
  void *object = unit_tagged_leaf(&unit, 4);
  gait_finalizer due = add_finalizer(object, 2, GAIT_FINALIZER_UNORDERED);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(4));
  ck_assert_int_eq(gait_finalizer_stop(unit.thread, due), GAIT_OK);
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), 0);
}
END_TEST

/* ---- Order ---- */

/* a -> plain -> b -> c; b and c wait, each for one cycle more. */
static void expect_order(gait_finalizer_order order, bool ordered) {
  void **a = new_finalizable(1, order), **plain = new_object(1), **b = new_finalizable(2, order),
       **c = new_finalizable(3, order);
  refer(a, 0, plain);
  refer(plain, 0, b);
  refer(b, 1, c);
  unit_tag(&unit, c, 5);
  ck_assert_uint_eq(collect_and_run(), ordered ? 1 : 3);
  if (!ordered) return;
  for (uintptr_t i = 2; i <= 3; i++) {
    ck_assert_uint_eq(collect_and_run(), 1);
    ck_assert_uint_eq(calls.args[i - 1], i);
  }
  ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, UNIT_TAG(5));
  ck_assert_uint_eq(unit_alive(&unit), 0);
}

START_TEST(unordered_finalizers_run_in_one_cycle) {
  expect_order(GAIT_FINALIZER_UNORDERED, false);
}
END_TEST

START_TEST(topological_finalizers_run_users_first) {
  expect_order(GAIT_FINALIZER_TOPOLOGICAL, true);
  calls_forget();
  expect_order(GAIT_FINALIZER_IGNORE_SELF, true);
}
END_TEST

/* One without an order does not wait, and others wait for it. */
START_TEST(topological_finalizer_waits_for_unordered_one) {
  void **user = new_finalizable(1, GAIT_FINALIZER_UNORDERED);
  void **used = new_finalizable(2, GAIT_FINALIZER_TOPOLOGICAL);
  void **both = new_finalizable(3, GAIT_FINALIZER_UNORDERED);
  refer(user, 0, used);
  refer(used, 0, both);
  refer(both, 0, user);
  ck_assert_uint_eq(collect_and_run(), 2);
  ck_assert_uint_eq(calls.args[0] + calls.args[1], 4);
  ck_assert_uint_eq(collect_and_run(), 1 - 1); /* it is in a cycle with plain objects now */
}
END_TEST

START_TEST(object_that_refers_to_itself_runs_where_that_is_ignored) {
  void **object = new_finalizable(1, GAIT_FINALIZER_IGNORE_SELF);
  refer(object, 0, object);
  refer(object, 1, object);
  void **other = new_finalizable(2, GAIT_FINALIZER_TOPOLOGICAL);
  refer(other, 1, other);
  ck_assert_uint_eq(collect_and_run(), 1);
  ck_assert_uint_eq(calls.args[0], 1);
  ck_assert_uint_eq(collect_and_run(), 0);
}
END_TEST

/* References of others count, wherever they come in the order of registration. */
START_TEST(self_reference_is_ignored_and_those_of_others_are_not) {
  for (int users_first = 0; users_first < 2; users_first++) {
    calls_forget();
    void **used = new_object(2), **user = new_object(2);
    add_finalizer(users_first ? user : used, users_first ? 1 : 2, GAIT_FINALIZER_IGNORE_SELF);
    add_finalizer(users_first ? used : user, users_first ? 2 : 1, GAIT_FINALIZER_IGNORE_SELF);
    refer(used, 0, used);
    refer(user, 0, user);
    refer(user, 1, used);
    ck_assert_uint_eq(collect_and_run(), 1);
    ck_assert_uint_eq(calls.args[0], 1);
    ck_assert_uint_eq(collect_and_run(), 1);
    ck_assert_uint_eq(calls.args[1], 2);
  }
}
END_TEST

/* Through another object it is a cycle. */
START_TEST(reference_to_itself_through_another_is_not_ignored) {
  void **object = new_finalizable(1, GAIT_FINALIZER_IGNORE_SELF), **plain = new_object(1);
  refer(object, 0, plain);
  refer(plain, 0, object);
  ck_assert_uint_eq(collect_and_run(), 0);
}
END_TEST

static unit_log cycle_log;

START_TEST(cycle_among_finalizable_objects_is_named_once) {
  gait_options options = unit_options(_i);
  memset(&cycle_log, 0, sizeof cycle_log);
  options.log = unit_log_line;
  options.log_arg = &cycle_log;
  unit_open_with(&unit, &options, GAIT_STACK_EXACT);
  void **a = new_finalizable(1, GAIT_FINALIZER_TOPOLOGICAL);
  void **b = new_finalizable(2, GAIT_FINALIZER_TOPOLOGICAL);
  refer(a, 0, b);
  refer(b, 0, a);
  unit_tag(&unit, a, 1);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
  ck_assert_ptr_nonnull(strstr(cycle_log.text, "lead to one another"));
  ck_assert_ptr_nonnull(strstr(cycle_log.text, "finalized: 2 of the kinds \"references\""));
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
  ck_assert_uint_eq(cycle_log.lines, 1);
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), 0);
  unit_close(&unit);
}
END_TEST

/* ---- Where they run ---- */

START_TEST(functions_run_as_many_as_asked_for) {
  for (uintptr_t i = 0; i < 10; i++)
    add_cleanup(new_object(1), i);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, 0), 0);
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, 3), 3);
  ck_assert_uint_eq(unit_stats(unit.heap).finalizers_due, 7);
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, 100), 7);
}
END_TEST

START_TEST(program_may_take_functions_one_by_one) {
  void *object = new_object(3);
  add_finalizer(object, 9, GAIT_FINALIZER_UNORDERED);
  add_cleanup(new_object(1), 8);
  gait_due due;
  ck_assert(!gait_finalizer_next(unit.thread, &due));
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  for (int i = 0; i < 2; i++) {
    ck_assert(gait_finalizer_next(unit.thread, &due));
    if (due.cleanup) {
      ck_assert_ptr_null(due.object);
      due.cleanup(due.arg);
    } else {
      ck_assert_ptr_eq(due.object, object);
      due.finalizer(unit.thread, due.object, due.arg);
    }
  }
  ck_assert(!gait_finalizer_next(unit.thread, &due));
  ck_assert_uint_eq(calls.args[0] + calls.args[1], 17);
}
END_TEST

START_TEST(polls_run_functions_where_a_thread_asks_for_it) {
  gait_thread_set_finalizers(unit.thread, 2);
  for (uintptr_t i = 0; i < 5; i++)
    add_cleanup(new_object(1), i);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  for (int i = 0; i < 100; i++)
    unit.slots[0] = new_object(100);
  gait_thread_leave(unit.thread);
  gait_thread_enter(unit.thread);
  ck_assert_uint_eq(calls.count, 0); /* in no other call */
  gait_thread_poll(unit.thread);
  ck_assert_uint_eq(calls.count, 2);
  gait_thread_poll(unit.thread);
  gait_thread_poll(unit.thread);
  ck_assert_uint_eq(calls.count, 5);
  add_cleanup(new_object(1), 5);
  gait_thread_set_finalizers(unit.thread, 0);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  gait_thread_poll(unit.thread);
  ck_assert_uint_eq(calls.count, 5);
  gait_thread_set_finalizers(unit.thread, SIZE_MAX); /* what is due by now, too */
  gait_thread_poll(unit.thread);
  ck_assert_uint_eq(calls.count, 6);
}
END_TEST

static void busy_finalizer(gait_thread *thread, void *object, void *arg) {
  UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  void **fresh = gait_alloc(thread, unit.references, 16);
  UNIT_CHECK(fresh != NULL);
  gait_store_init(thread, &fresh[0], object);
  unit.slots[1] = fresh;
  UNIT_CHECK(gait_cleanup_add(thread, fresh, note_cleanup, arg, NULL) == GAIT_OK);
  gait_thread_leave(thread);
  gait_thread_enter(thread);
  gait_finalizers_run(thread, 1);
  gait_thread_poll(thread);
  note_cleanup(arg);
}

START_TEST(function_may_allocate_collect_register_and_run_others) {
  for (uintptr_t i = 0; i < 10; i++) {
    void *object = new_object(2);
    ck_assert_int_eq(gait_finalizer_add(unit.thread, object, busy_finalizer, (void *)i,
                                        GAIT_FINALIZER_UNORDERED, NULL),
                     GAIT_OK);
  }
  gait_thread_set_finalizers(unit.thread, 1);
  collect_and_run();
  unit.slots[1] = NULL;
  while (collect_and_run() > 0) {
  }
  ck_assert_uint_eq(calls.count, 20);
}
END_TEST

/* ---- The end ---- */

START_TEST(run_all_runs_each_that_is_registered_newest_first) {
  for (uintptr_t i = 0; i < 100; i++) {
    unit.slots[i % 10] = new_object(2);
    add_finalizer(unit.slots[i % 10], i, (gait_finalizer_order)(i % 3));
  }
  refer(unit.slots[9], 0, unit.slots[9]);
  ck_assert_uint_eq(gait_finalizers_run_all(unit.thread), 100);
  for (uintptr_t i = 0; i < 100; i++)
    UNIT_CHECK(calls.args[i] == 99 - i);
  ck_assert_uint_eq(unit_stats(unit.heap).finalizers, 0);
  ck_assert_uint_eq(gait_finalizers_run_all(unit.thread), 0);
}
END_TEST

static void register_again(gait_thread *thread, void *object, void *arg) {
  unit.slots[0] = gait_alloc(thread, unit.leaf, 64); /* allocates at shutdown */
  UNIT_CHECK(gait_finalizer_add(thread, object, register_again, arg, GAIT_FINALIZER_UNORDERED,
                                NULL) == GAIT_OK);
  note_cleanup(arg);
}

START_TEST(run_all_leaves_what_its_functions_register) {
  for (uintptr_t i = 0; i < 3; i++)
    ck_assert_int_eq(gait_finalizer_add(unit.thread, new_object(1), register_again, (void *)i,
                                        GAIT_FINALIZER_UNORDERED, NULL),
                     GAIT_OK);
  for (size_t round = 1; round <= 3; round++) {
    ck_assert_uint_eq(gait_finalizers_run_all(unit.thread), 3);
    ck_assert_uint_eq(calls.count, 3 * round);
  }
  ck_assert_uint_eq(unit_stats(unit.heap).finalizers, 3);
}
END_TEST

START_TEST(destroying_a_heap_runs_nothing) {
  unit_open(&unit, _i, GAIT_STACK_EXACT);
  for (uintptr_t i = 0; i < 1000; i++)
    add_finalizer(new_object(1), i, GAIT_FINALIZER_UNORDERED);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  for (uintptr_t i = 0; i < 1000; i++)
    add_cleanup(unit.slots[i % UNIT_SLOTS] = new_object(1), i);
  unit_close(&unit);
  ck_assert_uint_eq(calls.count, 0);
}
END_TEST

/* ---- Young cycles ---- */

static void young_forget(unit_world *world, int mode) {
  calls_forget();
  young_open(world, mode);
}

UNIT_FIXTURE(finalizers_young, 2, young_forget);

START_TEST(young_cycle_finds_young_objects_dead) {
  for (uintptr_t age = 0; age < 3; age++) {
    unit.slots[0] = gait_alloc(unit.thread, unit.leaf, 48);
    unit.slots[1] = gait_alloc(unit.thread, unit.references, 48);
    add_cleanup(unit.slots[0], 2 * age);
    add_finalizer(unit.slots[1], 2 * age + 1, GAIT_FINALIZER_TOPOLOGICAL);
    for (uintptr_t i = 0; i < age; i++)
      young_cycle(&unit);
    ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), 0);
    unit.slots[0] = unit.slots[1] = NULL;
    young_cycle(&unit);
    ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), age < 2 ? 2 : 0); /* old */
  }
  ck_assert_uint_eq(collect_and_run(), 2);
  ck_assert_uint_eq(calls.count, 6);
}
END_TEST

START_TEST(young_cycle_keeps_what_is_due_and_what_it_leads_to) {
  void **object = gait_alloc(unit.thread, unit.references, 48);
  add_finalizer(object, 1, GAIT_FINALIZER_UNORDERED);
  unit.slots[0] = object;
  void *leaf = unit_tagged_leaf(&unit, 6);
  gait_store(unit.thread, &object[2], leaf);
  unit.slots[0] = NULL;
  for (int i = 0; i < 4; i++)
    ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(6));
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), 1);
  ck_assert_ptr_eq(object[2], leaf);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

/* ---- Other threads and processes ---- */

static void *run_on_another(void *arg) {
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(unit.heap, "runs", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  *(size_t *)arg = gait_finalizers_run(thread, SIZE_MAX);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

START_TEST(functions_run_on_whatever_thread_asks) {
  for (uintptr_t i = 0; i < 10; i++)
    add_cleanup(new_object(1), i);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  size_t count = 0;
  unit_on_thread(unit.thread, run_on_another, &count);
  ck_assert_uint_eq(count, 10);
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), 0);
}
END_TEST

static void count_cleanup(void *arg) {
  atomic_fetch_add((atomic_uint *)arg, 1);
}

static void await_count(atomic_uint *count, unsigned wanted) {
  gait_thread_leave(unit.thread);
  while (atomic_load(count) < wanted)
    usleep(1000);
  gait_thread_enter(unit.thread);
}

START_TEST(functions_run_on_a_thread_of_the_library) {
  atomic_uint count = 0;
  ck_assert_int_eq(gait_finalizers_stop_thread(unit.heap), GAIT_ERROR_NOT_FOUND);
  for (unsigned round = 1; round <= 3; round++) {
    ck_assert_int_eq(gait_finalizers_start_thread(unit.heap), GAIT_OK);
    ck_assert_int_eq(gait_finalizers_start_thread(unit.heap), GAIT_ERROR_ALREADY);
    for (unsigned i = 0; i < 20; i++)
      ck_assert_int_eq(gait_cleanup_add(unit.thread, new_object(1), count_cleanup, &count, NULL),
                       GAIT_OK);
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    await_count(&count, 20 * round);
    ck_assert_int_eq(gait_finalizers_stop_thread(unit.heap), GAIT_OK);
    ck_assert_int_eq(gait_finalizers_stop_thread(unit.heap), GAIT_ERROR_NOT_FOUND);
  }
  ck_assert_int_eq(gait_cleanup_add(unit.thread, new_object(1), count_cleanup, &count, NULL),
                   GAIT_OK);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_uint_eq(unit_stats(unit.heap).finalizers_due, 1); /* it has ended */
  ck_assert_int_eq(gait_finalizers_start_thread(unit.heap), GAIT_OK);
  await_count(&count, 61); /* and the heap is destroyed with its thread */
}
END_TEST

/* What is registered and what is due is so in both, and runs in each. */
START_TEST(forked_child_runs_its_own_copies) {
  unit.slots[0] = new_object(1);
  add_cleanup(unit.slots[0], 1);
  add_finalizer(new_object(2), 2, GAIT_FINALIZER_UNORDERED);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  const pid_t child = fork();
  ck_assert_int_ge(child, 0);
  unit.slots[0] = NULL;
  if (child == 0) {
    bool holds = gait_finalizers_run(unit.thread, SIZE_MAX) == 1 && calls.args[0] == 2 &&
                 gait_heap_collect(unit.thread) == GAIT_OK &&
                 gait_finalizers_run(unit.thread, SIZE_MAX) == 1 && calls.args[1] == 1;
    _exit(holds ? 0 : 1);
  }
  int status = 1;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), 1);
  ck_assert_uint_eq(collect_and_run(), 1);
}
END_TEST

/* A cycle that a thread with a deadline runs leaves finalizers to the collector's. */
START_TEST(cycles_of_threads_that_allocate_find_the_dead) {
  gait_options options = unit_options(_i);
  options.inline_bytes = (int64_t)1 << 40;
  options.gogc_percent = 100;
  options.min_heap_bytes = 1 << 20;
  unit_open_with(&unit, &options, GAIT_STACK_EXACT);
  size_t registered = 0, ran = 0;
  for (; unit_stats(unit.heap).cycles < 20; registered++) {
    for (int i = 0; i < 50; i++)
      UNIT_CHECK(gait_alloc(unit.thread, unit.references, 512) != NULL);
    void *object = new_object(2);
    if (registered % 2)
      UNIT_CHECK(gait_cleanup_add(unit.thread, object, free, NULL, NULL) == GAIT_OK);
    else
      add_finalizer(object, registered, (gait_finalizer_order)(registered % 3));
    ran += gait_finalizers_run(unit.thread, SIZE_MAX);
    calls.count = 0;
  }
  ck_assert_uint_gt(ran, 0);
  ran += collect_and_run();
  ck_assert_uint_eq(ran, registered);
  unit_close(&unit);
}
END_TEST

/* ---- Numbers ---- */

static void slow_cleanup(void *arg) {
  (void)arg;
  const struct timespec time = {0, 3000000};
  nanosleep(&time, NULL);
}

START_TEST(statistics_count_registered_due_run_and_slow_functions) {
  add_cleanup(unit.slots[0] = new_object(1), 1);
  add_finalizer(new_object(1), 2, GAIT_FINALIZER_UNORDERED);
  ck_assert_int_eq(gait_cleanup_add(unit.thread, new_object(1), slow_cleanup, NULL, NULL), GAIT_OK);
  gait_stats stats = unit_stats(unit.heap);
  ck_assert_uint_eq(stats.finalizers, 3);
  ck_assert_uint_eq(stats.finalizers_due, 0);
  ck_assert_uint_eq(stats.finalizers_oldest_ns, 0);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  slow_cleanup(NULL);
  stats = unit_stats(unit.heap);
  ck_assert_uint_eq(stats.finalizers, 3);
  ck_assert_uint_eq(stats.finalizers_due, 2);
  ck_assert_uint_ge(stats.finalizers_oldest_ns, 3000000);
  ck_assert_uint_eq(stats.finalizers_run, 0);
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), 2);
  stats = unit_stats(unit.heap);
  ck_assert_uint_eq(stats.finalizers, 1);
  ck_assert_uint_eq(stats.finalizers_due, 0);
  ck_assert_uint_eq(stats.finalizers_run, 2);
  ck_assert_uint_ge(stats.finalizers_slow, 1);
  ck_assert_uint_ge(stats.finalizers_slowest_ns, 3000000);
}
END_TEST

/* The table gives back memory of records that are free. */
START_TEST(memory_of_many_registrations_is_given_back) {
  add_cleanup(unit.slots[0] = new_object(1), 0);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  const uint64_t before = unit_stats(unit.heap).structure_bytes;
  for (uintptr_t i = 0; i < 4000; i++)
    add_cleanup(new_object(1), i);
  ck_assert_uint_gt(unit_stats(unit.heap).structure_bytes, before + 4000 * 32);
  ck_assert_uint_eq(collect_and_run(), 4000);
  calls_forget();
  for (int i = 0; i < 3; i++)
    ck_assert_uint_eq(collect_and_run(), 0);
  ck_assert_uint_le(unit_stats(unit.heap).structure_bytes, before + 32768);
}
END_TEST

static void finalizers_fill_cycle(Suite *suite) {
  TCase *own = unit_case(suite, "own");
  tcase_add_checked_fixture(own, calls_forget, NULL);
  UNIT_TEST(own, cycle_among_finalizable_objects_is_named_once);
  UNIT_TEST(own, destroying_a_heap_runs_nothing);
  UNIT_TEST(own, cycles_of_threads_that_allocate_find_the_dead);
}

void unit_suite_fill(Suite *suite) {
  unit_worlds worlds = unit_world_cases(suite, "finalizers", &finalizers_world);
  UNIT_WORLD_TEST(worlds, freed_object_keeps_its_functions);
  UNIT_WORLD_TEST(worlds, object_that_is_due_is_no_dead_one_to_weak_references);
  UNIT_WORLD_TEST(worlds, cleanup_runs_once_when_its_object_is_gone);
  UNIT_WORLD_TEST(worlds, cleanups_of_one_object_all_run_in_their_order);
  UNIT_WORLD_TEST(worlds, cleanup_that_was_stopped_does_not_run);
  UNIT_WORLD_TEST(worlds, cleanup_that_is_due_can_be_stopped);
  UNIT_WORLD_TEST(worlds, stale_name_stops_nothing);
  UNIT_WORLD_TEST(worlds, cleanup_waits_for_finalizers_that_reach_its_object);
  UNIT_WORLD_TEST(worlds, finalizer_gets_its_object_whole);
  UNIT_WORLD_TEST(worlds, object_may_be_kept_by_its_finalizer_and_registered_again);
  UNIT_WORLD_TEST(worlds, finalizer_that_was_stopped_does_not_run);
  UNIT_WORLD_TEST(worlds, unordered_finalizers_run_in_one_cycle);
  UNIT_WORLD_TEST(worlds, topological_finalizers_run_users_first);
  UNIT_WORLD_TEST(worlds, topological_finalizer_waits_for_unordered_one);
  UNIT_WORLD_TEST(worlds, object_that_refers_to_itself_runs_where_that_is_ignored);
  UNIT_WORLD_TEST(worlds, self_reference_is_ignored_and_those_of_others_are_not);
  UNIT_WORLD_TEST(worlds, reference_to_itself_through_another_is_not_ignored);
  UNIT_WORLD_TEST(worlds, functions_run_as_many_as_asked_for);
  UNIT_WORLD_TEST(worlds, program_may_take_functions_one_by_one);
  UNIT_WORLD_TEST(worlds, polls_run_functions_where_a_thread_asks_for_it);
  UNIT_WORLD_TEST(worlds, function_may_allocate_collect_register_and_run_others);
  UNIT_WORLD_TEST(worlds, run_all_runs_each_that_is_registered_newest_first);
  UNIT_WORLD_TEST(worlds, run_all_leaves_what_its_functions_register);
  UNIT_WORLD_TEST(worlds, statistics_count_registered_due_run_and_slow_functions);
  UNIT_WORLD_TEST(worlds, memory_of_many_registrations_is_given_back);
  UNIT_WORLD_TEST(worlds, functions_run_on_whatever_thread_asks);
  UNIT_WORLD_TEST(worlds, functions_run_on_a_thread_of_the_library);
  if (SANITIZER_FORKS) UNIT_WORLD_TEST(worlds, forked_child_runs_its_own_copies);
  unit_worlds young = unit_world_cases(suite, "young", &finalizers_young);
  UNIT_WORLD_TEST(young, young_cycle_finds_young_objects_dead);
  UNIT_WORLD_TEST(young, young_cycle_keeps_what_is_due_and_what_it_leads_to);
  finalizers_fill_cycle(suite);
}
