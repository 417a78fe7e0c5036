/* Who is who: the library's version, the calling thread's attachment, pointers of the program's own
 * on heaps and threads. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

const char *const unit_suite_name = "identity";

START_TEST(version_is_that_of_the_headers) {
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", GAIT_VERSION_MAJOR, GAIT_VERSION_MINOR,
           GAIT_VERSION_PATCH);
  ck_assert_str_eq(gait_version(), version);
  ck_assert_int_eq(gait_version_number(), GAIT_VERSION_NUMBER);
  ck_assert_int_eq(gait_version_number() / 10000, GAIT_VERSION_MAJOR);
  ck_assert_int_eq(gait_version_number() / 100 % 100, GAIT_VERSION_MINOR);
  ck_assert_int_eq(gait_version_number() % 100, GAIT_VERSION_PATCH);
}
END_TEST

/* ---- The calling thread ---- */

static void *identity_is_nobody(void *arg) {
  UNIT_CHECK(gait_thread_current(arg) == NULL);
  return NULL;
}

static void *identity_is_another(void *arg) {
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(arg, "another", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_current(arg) == thread);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_current(arg) == NULL);
  return thread;
}

START_TEST(each_thread_finds_its_own_attachment) {
  ck_assert_ptr_eq(gait_thread_current(unit.heap), unit.thread);
  unit_on_thread(unit.thread, identity_is_nobody, unit.heap);
  unit_on_thread(unit.thread, identity_is_another, unit.heap);
  ck_assert_ptr_eq(gait_thread_current(unit.heap), unit.thread);
  gait_thread_leave(unit.thread);
  ck_assert_ptr_eq(gait_thread_current(unit.heap), unit.thread);
  gait_thread_enter(unit.thread);
}
END_TEST

START_TEST(one_thread_has_an_attachment_for_each_heap) {
  unit_world other;
  unit_open(&other, _i, GAIT_STACK_EXACT);
  ck_assert_ptr_eq(gait_thread_current(unit.heap), unit.thread);
  ck_assert_ptr_eq(gait_thread_current(other.heap), other.thread);
  gait_heap *heap = other.heap;
  gait_frame_pop(other.thread, &other.frame);
  ck_assert_int_eq(gait_thread_detach(other.thread), GAIT_OK);
  ck_assert_ptr_null(gait_thread_current(heap));
  ck_assert_ptr_eq(gait_thread_current(unit.heap), unit.thread);
  ck_assert_int_eq(gait_heap_destroy(heap), GAIT_OK);
}
END_TEST

/* ---- Pointers of the program's own ---- */

START_TEST(a_heap_keeps_the_pointer_of_the_program) {
  unit_world other;
  unit_open(&other, _i, GAIT_STACK_EXACT);
  ck_assert_ptr_null(gait_heap_user(unit.heap));
  gait_heap_set_user(unit.heap, &unit);
  ck_assert_ptr_eq(gait_heap_user(unit.heap), &unit);
  ck_assert_ptr_null(gait_heap_user(other.heap));
  gait_heap_set_user(unit.heap, NULL);
  ck_assert_ptr_null(gait_heap_user(unit.heap));
  unit_close(&other);
}
END_TEST

static void *identity_has_no_user(void *arg) {
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(arg, "another", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_user(thread) == NULL);
  gait_thread_set_user(thread, arg);
  UNIT_CHECK(gait_thread_user(thread) == arg);
  return NULL;
}

/* The second takes the memory of the first, which has exited. */
START_TEST(an_attachment_begins_without_a_user_pointer) {
  gait_thread_set_user(unit.thread, &unit);
  unit_on_thread(unit.thread, identity_has_no_user, unit.heap);
  unit_on_thread(unit.thread, identity_has_no_user, unit.heap);
  ck_assert_ptr_eq(gait_thread_user(unit.thread), &unit);
}
END_TEST

START_TEST(a_pointer_of_the_program_is_no_root) {
  gait_heap_set_user(unit.heap, unit_tagged_leaf(&unit, 1));
  gait_thread_set_user(unit.thread, unit_tagged_leaf(&unit, 2));
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *tcase = unit_case(suite, "identity");
  const unit_worlds worlds = unit_world_cases(suite, "identity", &unit_exact);
  tcase_add_test(tcase, version_is_that_of_the_headers);
  UNIT_WORLD_TEST(worlds, each_thread_finds_its_own_attachment);
  UNIT_WORLD_TEST(worlds, one_thread_has_an_attachment_for_each_heap);
  UNIT_WORLD_TEST(worlds, a_heap_keeps_the_pointer_of_the_program);
  UNIT_WORLD_TEST(worlds, an_attachment_begins_without_a_user_pointer);
  UNIT_WORLD_TEST(worlds, a_pointer_of_the_program_is_no_root);
}
