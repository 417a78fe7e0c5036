/* Callbacks of foreign code: a function that runs outside managed code enters it again, leaves it,
 * and goes outside once more, several deep.  Each level holds the only reference to an object in a
 * local variable over all that goes on further in. */
#include "unit.h"

#include <string.h>

const char *const unit_suite_name = "outside";

#define OUTSIDE_LEVELS 12

struct outside {
  int levels;
  int times; /* that each level calls into the next */
  bool exact;
  uint64_t expected; /* tags of the objects that levels hold now */
  unsigned bottoms;
};

/* ---- At the bottom ---- */

static void *outside_collect_elsewhere(void *arg) {
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(unit.heap, "other", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return arg;
}

/* With a conservative stack a stale word may keep an object that no level holds any more. */
static void outside_expect(const struct outside *outside, uint64_t alive) {
  if (!outside->exact) alive &= outside->expected;
  ck_assert_uint_eq(alive, outside->expected);
}

/* Every object that a level holds is alive, be the collection this thread's or another's, while
 * this one is inside or outside. */
static void outside_bottom(struct outside *outside) {
  outside->bottoms++;
  unit_scrub_stack();
  outside_expect(outside, unit_alive(&unit));
  unit_on_thread(unit.thread, outside_collect_elsewhere, outside);
  outside_expect(outside, unit_stats(unit.heap).external_bytes);
}

/* ---- The levels ---- */

static void outside_level(struct outside *outside, int level);

struct outside_call {
  struct outside *outside;
  int level;
};

/* Foreign code that calls back: it knows nothing of Gait, and its callback goes in. */
static __attribute__((noinline)) void *outside_foreign(void *arg) {
  struct outside_call *call = arg;
  gait_thread *thread = unit.thread;
  for (int i = 0; i < call->outside->times; i++) {
    gait_thread_enter(thread);
    outside_level(call->outside, call->level + 1);
    gait_thread_leave(thread);
    unit_scrub_stack();
  }
  return &call->outside->levels;
}

/* Nothing but `object` refers to what it allocates, not even the call further in. */
static __attribute__((noinline)) void outside_hold(struct outside *outside, int level) {
  struct outside_call call = {outside, level};
  gait_thread *thread = unit.thread;
  unsigned char *object = unit_tagged_leaf(&unit, (unsigned)level);
  memset(object, level + 1, 32);
  outside->expected |= UNIT_TAG(level);
  ck_assert_ptr_eq(gait_thread_outside(thread, outside_foreign, &call), &outside->levels);
  outside->expected &= ~UNIT_TAG(level);
  for (int i = 0; i < 32; i++)
    UNIT_CHECK(object[i] == level + 1);
  /* A stale word may keep it, and the next of this level has the same tag. */
  ck_assert_int_eq(gait_object_set_external(thread, object, 0), GAIT_OK);
}

static __attribute__((noinline)) void outside_hold_in_frame(struct outside *outside, int level) {
  void *slots[1] = {NULL};
  gait_frame frame;
  gait_frame_push(unit.thread, &frame, slots, 1);
  struct outside_call call = {outside, level};
  slots[0] = unit_tagged_leaf(&unit, (unsigned)level);
  memset(slots[0], level + 1, 32);
  outside->expected |= UNIT_TAG(level);
  ck_assert_ptr_eq(gait_thread_outside(unit.thread, outside_foreign, &call), &outside->levels);
  outside->expected &= ~UNIT_TAG(level);
  for (int i = 0; i < 32; i++)
    UNIT_CHECK(((unsigned char *)slots[0])[i] == level + 1);
  gait_frame_pop(unit.thread, &frame);
}

static void outside_level(struct outside *outside, int level) {
  if (level == outside->levels)
    outside_bottom(outside);
  else if (outside->exact)
    outside_hold_in_frame(outside, level);
  else
    outside_hold(outside, level);
}

static void outside_run(int levels, int times, bool exact) {
  struct outside outside = {.levels = levels, .times = times, .exact = exact};
  outside_level(&outside, 0);
  unsigned bottoms = 1;
  for (int i = 0; i < levels; i++)
    bottoms *= (unsigned)times;
  ck_assert_uint_eq(outside.bottoms, bottoms);
  ck_assert_uint_eq(outside.expected, 0);
}

START_TEST(callbacks_from_outside_go_many_levels_in) {
  outside_run(OUTSIDE_LEVELS, 1, false);
}
END_TEST

START_TEST(callbacks_from_outside_go_many_levels_in_with_frames) {
  outside_run(OUTSIDE_LEVELS, 1, true);
}
END_TEST

START_TEST(callbacks_from_outside_go_in_again_and_again) {
  outside_run(4, 3, false);
}
END_TEST

START_TEST(callbacks_from_outside_go_in_again_and_again_with_frames) {
  outside_run(4, 3, true);
}
END_TEST

/* ---- What the caller of gait_thread_outside has in hand ---- */

/* Runs the function outside, with an object that a local variable alone keeps. */
static void outside_keep_object(void *(*function)(void *)) {
  struct outside outside = {.expected = UNIT_TAG(3)};
  unsigned char *object = unit_tagged_leaf(&unit, 3);
  memset(object, 9, 32);
  gait_thread_outside(unit.thread, function, &outside);
  for (int i = 0; i < 32; i++)
    UNIT_CHECK(object[i] == 9);
}

/* ---- Foreign code that calls back from everywhere ---- */

#define OUTSIDE_FOREIGN_DEPTH 40

/* A walk over a tree calls back from its nodes, the leaves first: many a callback comes from some
 * KiB further up the stack than the one before, and the next from further down again. */
static __attribute__((noinline)) void outside_walk(struct outside *outside, int depth) {
  volatile char locals[300];
  locals[0] = (char)depth;
  if (depth < OUTSIDE_FOREIGN_DEPTH) outside_walk(outside, depth + 1);
  if (depth % 20 == 0 && depth < OUTSIDE_FOREIGN_DEPTH) outside_walk(outside, depth + 1);
  if (depth % 10 == 0) {
    gait_thread_enter(unit.thread);
    outside_bottom(outside);
    gait_thread_leave(unit.thread);
  }
  UNIT_CHECK(locals[0] == (char)depth);
}

static void *outside_walk_all(void *arg) {
  outside_walk(arg, 0);
  return NULL;
}

START_TEST(callbacks_from_outside_come_from_further_up) {
  outside_keep_object(outside_walk_all);
}
END_TEST

/* ---- Another heap within ---- */

/* Outside its own heap, and inside one that it makes. */
static void *outside_visit_another_heap(void *arg) {
  struct outside *outside = arg;
  unit_world other;
  unit_open(&other, UNIT_CONCURRENT, GAIT_STACK_CONSERVATIVE);
  unsigned char *object = unit_tagged_leaf(&other, 1);
  memset(object, 7, 32);
  unit_on_thread(other.thread, outside_collect_elsewhere, outside);
  outside_expect(outside, unit_stats(unit.heap).external_bytes);
  ck_assert_uint_eq(unit_alive(&other) & UNIT_TAG(1), UNIT_TAG(1));
  for (int i = 0; i < 32; i++)
    UNIT_CHECK(object[i] == 7);
  unit_close(&other);
  return NULL;
}

START_TEST(another_heap_is_visited_from_outside) {
  outside_keep_object(outside_visit_another_heap);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds callbacks = unit_world_cases(suite, "callbacks", &unit_conservative);
  const unit_worlds frames = unit_world_cases(suite, "callbacks", &unit_exact);
  UNIT_WORLD_TEST(callbacks, callbacks_from_outside_go_many_levels_in);
  UNIT_WORLD_TEST(frames, callbacks_from_outside_go_many_levels_in_with_frames);
  UNIT_WORLD_TEST(callbacks, callbacks_from_outside_go_in_again_and_again);
  UNIT_WORLD_TEST(frames, callbacks_from_outside_go_in_again_and_again_with_frames);
  UNIT_WORLD_TEST(callbacks, callbacks_from_outside_come_from_further_up);
  UNIT_WORLD_TEST(callbacks, another_heap_is_visited_from_outside);
}
