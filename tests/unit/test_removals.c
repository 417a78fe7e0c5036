/* Removals of roots: by a callback, of itself; by two threads at once; while they are added. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

const char *const unit_suite_name = "removals";

/* Long enough for a thread that has begun a call to be in the midst of it.  Nothing is asserted of
 * the time itself. */
static void removals_let_others_run(void) {
  nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
}

/* ---- From inside ---- */

struct inner {
  gait_heap *heap;
  void *slot;
  void **range; /* removed by the callback, of two words, or NULL */
  gait_roots_fn *added;
  unsigned calls;
  gait_result removed, removed_again, range_removed, range_added;
};

/* Traces its slot, then removes itself, and what else it is told to. */
static void removals_remove_self(gait_tracer *tracer, void *arg) {
  struct inner *inner = arg;
  inner->calls++;
  gait_trace_slot(tracer, &inner->slot);
  inner->removed = gait_roots_remove_callback(inner->heap, removals_remove_self, inner);
  inner->removed_again = gait_roots_remove_callback(inner->heap, removals_remove_self, inner);
  if (!inner->range) return;
  inner->range_removed = gait_roots_remove(inner->heap, inner->range);
  inner->range_added = gait_roots_add(inner->heap, inner->range, 16, GAIT_ROOTS_BARRIERED);
}

static void removals_check_self(const struct inner *inner) {
  ck_assert_uint_eq(inner->calls, 1);
  ck_assert_int_eq(inner->removed, GAIT_OK);
  ck_assert_int_eq(inner->removed_again, GAIT_ERROR_NOT_FOUND);
}

START_TEST(a_root_callback_removes_itself) {
  static const gait_roots_discipline disciplines[] = {GAIT_ROOTS_BARRIERED, GAIT_ROOTS_UNBARRIERED};
  for (size_t d = 0; d < 2; d++) {
    void *range[2] = {0};
    struct inner inner = {.heap = unit.heap, .range = range};
    ck_assert_int_eq(gait_roots_add(unit.heap, range, 16, GAIT_ROOTS_BARRIERED), GAIT_OK);
    ck_assert_int_eq(
        gait_roots_add_callback(unit.heap, removals_remove_self, &inner, disciplines[d]), GAIT_OK);
    gait_store(unit.thread, &inner.slot, unit_tagged_leaf(&unit, 0));
    gait_store(unit.thread, &range[1], unit_tagged_leaf(&unit, 1));
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(0) | UNIT_TAG(1));
    removals_check_self(&inner);
    ck_assert_int_eq(inner.range_removed, GAIT_OK);
    ck_assert_int_eq(inner.range_added, GAIT_OK);
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
    ck_assert_uint_eq(inner.calls, 1);
    ck_assert_int_eq(gait_roots_remove(unit.heap, range), GAIT_OK);
    ck_assert_uint_eq(unit_alive(&unit), 0);
  }
}
END_TEST

/* Adds a callback that removes itself when it is called, which is in that very call. */
static void removals_add_inner(gait_tracer *tracer, void *arg) {
  (void)tracer;
  struct inner *inner = arg;
  if (inner->calls > 0) return;
  UNIT_CHECK(gait_roots_add_callback(inner->heap, removals_remove_self, inner,
                                     GAIT_ROOTS_BARRIERED) == GAIT_OK);
}

START_TEST(a_root_callback_removes_itself_while_it_is_added) {
  struct inner inner = {.heap = unit.heap};
  ck_assert_int_eq(
      gait_roots_add_callback(unit.heap, removals_add_inner, &inner, GAIT_ROOTS_BARRIERED),
      GAIT_OK);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  removals_check_self(&inner);
  ck_assert_int_eq(gait_roots_remove_callback(unit.heap, removals_add_inner, &inner), GAIT_OK);
}
END_TEST

/* The places of those that have gone are used again, whatever visit was under way. */
START_TEST(many_root_callbacks_remove_themselves) {
  enum { CALLBACKS = 300 };
  static struct inner inners[CALLBACKS];
  for (unsigned round = 0; round < 3; round++) {
    for (unsigned i = 0; i < CALLBACKS; i++) {
      inners[i] = (struct inner){.heap = unit.heap};
      UNIT_CHECK(gait_roots_add_callback(unit.heap, removals_remove_self, &inners[i],
                                         GAIT_ROOTS_BARRIERED) == GAIT_OK);
    }
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    for (unsigned i = 0; i < CALLBACKS; i++)
      removals_check_self(&inners[i]);
  }
}
END_TEST

/* ---- Two threads at once ---- */

struct contest {
  gait_heap *heap;
  atomic_uint calling;  /* threads that are about to remove the root */
  atomic_uint returned; /* and have come back */
  atomic_uint removed;  /* with GAIT_OK */
  atomic_uint calls;    /* of the root's callback */
  atomic_uint late;     /* of these, after the removal had returned */
  atomic_bool adding;
  pthread_t threads[2];
};

static void removals_trace_contested(gait_tracer *tracer, void *arg);

static void *removals_remove_contested(void *arg) {
  struct contest *contest = arg;
  atomic_fetch_add(&contest->calling, 1);
  gait_result result = gait_roots_remove_callback(contest->heap, removals_trace_contested, contest);
  UNIT_CHECK(result == GAIT_OK || result == GAIT_ERROR_NOT_FOUND);
  if (result == GAIT_OK) atomic_fetch_add(&contest->removed, 1);
  atomic_fetch_add(&contest->returned, 1);
  return NULL;
}

static void removals_note_late(struct contest *contest) {
  if (atomic_load(&contest->removed) > 0) atomic_fetch_add(&contest->late, 1);
}

/* The first call has two threads remove the root, and ends when both are at it. */
static void removals_trace_contested(gait_tracer *tracer, void *arg) {
  (void)tracer;
  struct contest *contest = arg;
  removals_note_late(contest);
  if (atomic_fetch_add(&contest->calls, 1) > 0) return;
  for (unsigned i = 0; i < 2; i++)
    UNIT_CHECK(pthread_create(&contest->threads[i], NULL, removals_remove_contested, contest) == 0);
  while (atomic_load(&contest->calling) < 2)
    sched_yield();
  removals_let_others_run();
  removals_note_late(contest);
}

/* The cycle calls the root once, and the thread that has removed it once more; the other does not.
 */
START_TEST(one_of_two_threads_removes_a_root) {
  struct contest contest = {.heap = unit.heap};
  ck_assert_int_eq(
      gait_roots_add_callback(unit.heap, removals_trace_contested, &contest, GAIT_ROOTS_BARRIERED),
      GAIT_OK);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  for (unsigned i = 0; i < 2; i++)
    ck_assert_int_eq(pthread_join(contest.threads[i], NULL), 0);
  ck_assert_uint_eq(atomic_load(&contest.removed), 1);
  ck_assert_uint_eq(atomic_load(&contest.late), 0);
  ck_assert_uint_le(atomic_load(&contest.calls), 2);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_uint_eq(atomic_load(&contest.late), 0);
}
END_TEST

/* ---- While it is added ---- */

static void removals_trace_added(gait_tracer *tracer, void *arg);

static void *removals_remove_added(void *arg) {
  struct contest *contest = arg;
  atomic_fetch_add(&contest->calling, 1);
  UNIT_CHECK(gait_roots_remove_callback(contest->heap, removals_trace_added, contest) == GAIT_OK);
  atomic_fetch_add(&contest->removed, 1);
  return NULL;
}

/* The first call, which is that of the thread that adds the root, has another remove it. */
static void removals_trace_added(gait_tracer *tracer, void *arg) {
  (void)tracer;
  struct contest *contest = arg;
  if (atomic_fetch_add(&contest->calls, 1) > 0) return;
  UNIT_CHECK(pthread_create(&contest->threads[0], NULL, removals_remove_added, contest) == 0);
  while (atomic_load(&contest->calling) < 1)
    sched_yield();
  removals_let_others_run();
  atomic_fetch_add(&contest->late, atomic_load(&contest->removed));
}

static void *removals_add_contested(void *arg) {
  struct contest *contest = arg;
  UNIT_CHECK(gait_roots_add_callback(contest->heap, removals_trace_added, contest,
                                     GAIT_ROOTS_BARRIERED) == GAIT_OK);
  return NULL;
}

/* Runs while marking, so that a root which is added is called at once. */
static void removals_begin_contest(gait_tracer *tracer, void *arg) {
  (void)tracer;
  struct contest *contest = arg;
  if (atomic_exchange(&contest->adding, true)) return;
  pthread_t adder;
  UNIT_CHECK(pthread_create(&adder, NULL, removals_add_contested, contest) == 0);
  UNIT_CHECK(pthread_join(adder, NULL) == 0);
}

START_TEST(removal_of_a_root_waits_for_the_call_of_its_addition) {
  struct contest contest = {.heap = unit.heap};
  ck_assert_int_eq(
      gait_roots_add_callback(unit.heap, removals_begin_contest, &contest, GAIT_ROOTS_BARRIERED),
      GAIT_OK);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert(atomic_load(&contest.adding));
  ck_assert_int_eq(pthread_join(contest.threads[0], NULL), 0);
  ck_assert_uint_eq(atomic_load(&contest.removed), 1);
  ck_assert_uint_eq(atomic_load(&contest.late), 0);
}
END_TEST

/* ---- Many rounds ---- */

struct rounds {
  gait_heap *heap;
  atomic_bool over;
  atomic_uint found; /* who has removed the root of this round */
  struct owned {
    atomic_bool freed;
    void *slot;
  } owned[2];
  pthread_barrier_t barrier;
};

static void removals_trace_owned(gait_tracer *tracer, void *arg) {
  struct owned *owned = arg;
  UNIT_CHECK(!atomic_load(&owned->freed));
  gait_trace_slot(tracer, &owned->slot);
  UNIT_CHECK(!atomic_load(&owned->freed));
}

static void *removals_compete(void *arg) {
  struct rounds *rounds = arg;
  for (unsigned round = 0;; round++) {
    struct owned *owned = &rounds->owned[round % 2];
    pthread_barrier_wait(&rounds->barrier);
    if (atomic_load(&rounds->over)) return NULL;
    if (gait_roots_remove_callback(rounds->heap, removals_trace_owned, owned) == GAIT_OK) {
      atomic_store(&owned->freed, true);
      atomic_fetch_add(&rounds->found, 1);
    }
    pthread_barrier_wait(&rounds->barrier);
  }
}

START_TEST(removals_of_roots_compete_while_cycles_run) {
  enum { ROUNDS = 400 };
  unit_world world;
  gait_options options = unit_options(_i);
  if (_i == UNIT_SHRUNKEN) options.debug.delay_us = 50;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  gait_thread_leave(world.thread);
  static struct rounds rounds;
  rounds = (struct rounds){.heap = world.heap};
  ck_assert_int_eq(pthread_barrier_init(&rounds.barrier, NULL, 3), 0);
  unit_collector collector;
  pthread_t threads[2];
  unit_collector_start(&collector, world.heap);
  for (unsigned i = 0; i < 2; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, removals_compete, &rounds), 0);
  for (unsigned round = 0; round < ROUNDS; round++) {
    struct owned *owned = &rounds.owned[round % 2];
    atomic_store(&owned->freed, false);
    UNIT_CHECK(gait_roots_add_callback(world.heap, removals_trace_owned, owned,
                                       GAIT_ROOTS_BARRIERED) == GAIT_OK);
    pthread_barrier_wait(&rounds.barrier);
    pthread_barrier_wait(&rounds.barrier);
    UNIT_CHECK(atomic_load(&rounds.found) == round + 1);
  }
  atomic_store(&rounds.over, true);
  pthread_barrier_wait(&rounds.barrier);
  for (unsigned i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  unit_collector_stop(&collector, NULL);
  pthread_barrier_destroy(&rounds.barrier);
  gait_thread_enter(world.thread);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds inside = unit_world_cases(suite, "inside", &unit_exact);
  UNIT_WORLD_TEST(inside, a_root_callback_removes_itself);
  UNIT_WORLD_TEST(inside, a_root_callback_removes_itself_while_it_is_added);
  UNIT_WORLD_TEST(inside, many_root_callbacks_remove_themselves);
  TCase *races = unit_case(suite, "races");
  const unit_worlds races_worlds = unit_world_cases(suite, "races", &unit_exact);
  UNIT_WORLD_TEST(races_worlds, one_of_two_threads_removes_a_root);
  UNIT_WORLD_TEST(races_worlds, removal_of_a_root_waits_for_the_call_of_its_addition);
  UNIT_TEST(races, removals_of_roots_compete_while_cycles_run);
}
