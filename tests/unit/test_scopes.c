/* Scopes of handles. */
#include "unit.h"

#include <gait/scope.h>
#include <setjmp.h>

const char *const unit_suite_name = "scopes";

START_TEST(handles_live_as_long_as_their_scope) {
  gait_scope outer, inner;
  gait_scope_open(unit.thread, &outer);
  ck_assert_ptr_nonnull(gait_scope_add(unit.thread, unit_tagged_leaf(&unit, 0)));
  gait_scope_open(unit.thread, &inner);
  ck_assert_ptr_nonnull(gait_scope_add(unit.thread, unit_tagged_leaf(&unit, 1)));
  ck_assert_ptr_nonnull(gait_scope_add(unit.thread, NULL));
  ck_assert_uint_eq(unit_alive(&unit), 3);
  gait_scope_close(unit.thread, &inner);
  ck_assert_uint_eq(unit_alive(&unit), 1);
  ck_assert_ptr_nonnull(gait_scope_add(unit.thread, unit_tagged_leaf(&unit, 2)));
  ck_assert_uint_eq(unit_alive(&unit), 5);
  gait_scope_close(unit.thread, &outer);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

START_TEST(a_handle_is_written_plainly) {
  gait_scope scope;
  gait_scope_open(unit.thread, &scope);
  void **handle = gait_scope_add(unit.thread, unit_tagged_leaf(&unit, 0));
  *handle = unit_tagged_leaf(&unit, 1);
  ck_assert_uint_eq(unit_alive(&unit), 2);
  *handle = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
  gait_scope_close(unit.thread, &scope);
}
END_TEST

START_TEST(one_handle_escapes) {
  gait_scope outer, inner;
  gait_scope_open(unit.thread, &outer);
  for (unsigned turn = 0; turn < 2; turn++) {
    gait_scope_open(unit.thread, &inner);
    void **dropped = turn ? gait_scope_add(unit.thread, unit_tagged_leaf(&unit, 10)) : NULL;
    void *object = unit_tagged_leaf(&unit, turn);
    void **handle = gait_scope_escape(unit.thread, &inner, object);
    ck_assert(handle && *handle == object && (!dropped || handle == dropped));
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(turn + 1) - 1);
  }
  gait_scope_close(unit.thread, &outer);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

/* So many that they need chunks, on all levels of a recursion. */
static void scopes_recurse(unit_world *world, unsigned level, uint64_t salt) {
  enum { HANDLES = 700 };
  gait_scope scope;
  void **handles[HANDLES];
  gait_scope_open(world->thread, &scope);
  for (uint64_t i = 0; i < HANDLES; i++) {
    uint64_t *leaf = gait_alloc(world->thread, world->leaf, 16);
    *leaf = salt + i;
    handles[i] = gait_scope_add(world->thread, leaf);
    if (i == HANDLES / 2 && level > 0) {
      scopes_recurse(world, level - 1, salt * 2 + 1000);
      scopes_recurse(world, level - 1, salt * 2 + 5000);
    }
  }
  for (uint64_t i = 0; i < HANDLES; i++)
    UNIT_CHECK(**(uint64_t **)handles[i] == salt + i);
  gait_scope_close(world->thread, &scope);
}

START_TEST(many_handles_on_many_levels_stay_while_cycles_run) {
  unit_collector collector;
  unit_collector_start(&collector, unit.heap);
  for (int turn = 0; turn < 3 || atomic_load(&collector.cycles) < 10; turn++)
    scopes_recurse(&unit, 4, 1);
  unit_collector_stop(&collector, unit.thread);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

/* What a longjmp leaves open is closed with the scope that is left. */
static void scopes_jump(unit_world *world, jmp_buf *back) {
  gait_scope scopes[4];
  for (unsigned level = 0; level < 4; level++) {
    gait_scope_open(world->thread, &scopes[level]);
    gait_scope_add(world->thread, unit_tagged_leaf(world, 1 + level));
    for (int i = 0; i < 1000; i++)
      gait_scope_add(world->thread, NULL);
  }
  longjmp(*back, 1);
}

START_TEST(scopes_that_a_longjmp_has_left_are_dropped) {
  jmp_buf back;
  gait_scope scope;
  gait_scope_open(unit.thread, &scope);
  void **handle = gait_scope_add(unit.thread, unit_tagged_leaf(&unit, 0));
  if (setjmp(back) == 0) scopes_jump(&unit, &back);
  ck_assert_uint_eq(unit_alive(&unit), 31); /* until the scope is closed */
  gait_scope inner;
  gait_scope_open(unit.thread, &inner);
  gait_scope_add(unit.thread, unit_tagged_leaf(&unit, 10));
  gait_scope_close(unit.thread, &inner);
  ck_assert_uint_eq(unit_alive(&unit), 31);
  ck_assert_ptr_nonnull(*handle);
  gait_scope_close(unit.thread, &scope);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

/* The memory of a thread's scopes goes with it, open or not. */
static void *scopes_leave_open(void *arg) {
  gait_thread *thread;
  gait_scope scope;
  UNIT_CHECK(gait_thread_attach(arg, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  gait_scope_open(thread, &scope);
  for (int i = 0; i < 5000; i++)
    UNIT_CHECK(gait_scope_add(thread, gait_alloc(thread, gait_kind_leaf(arg), 16)));
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

START_TEST(a_thread_that_goes_takes_its_scopes_along) {
  const uint64_t before = unit_stats(unit.heap).structure_bytes;
  for (int i = 0; i < 10; i++)
    unit_on_thread(unit.thread, scopes_leave_open, unit.heap);
  ck_assert_uint_le(unit_stats(unit.heap).structure_bytes, before + 100000);
  ck_assert_uint_eq(unit_marked_objects(&unit), 0);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  unit_worlds worlds = unit_world_cases(suite, "scopes", &unit_exact);
  UNIT_WORLD_TEST(worlds, handles_live_as_long_as_their_scope);
  UNIT_WORLD_TEST(worlds, a_handle_is_written_plainly);
  UNIT_WORLD_TEST(worlds, one_handle_escapes);
  UNIT_WORLD_TEST(worlds, many_handles_on_many_levels_stay_while_cycles_run);
  UNIT_WORLD_TEST(worlds, scopes_that_a_longjmp_has_left_are_dropped);
  UNIT_WORLD_TEST(worlds, a_thread_that_goes_takes_its_scopes_along);
}
