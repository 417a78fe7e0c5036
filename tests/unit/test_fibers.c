/* Fibers: stacks that threads run on besides their own.  Each test runs with stacks swapped by
 * assembly and by ucontext, scanned conservatively and exactly. */
#include "unit.h"

#include <gait/fiber.h>
#include <gait/finalizer.h>
#include <gait/scope.h>
#include <gait/walk.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/coroutine.h"
#include "../support/sanitizer.h"

const char *const unit_suite_name = "fibers";

#define FIBER_BYTES ((size_t)256 << 10)

/* A fiber of the test's, and the stack that it goes back to.
 *   thread  that it runs on, as of its last switch */
struct fiber {
  struct coroutine own;
  struct coroutine *back;
  gait_fiber *gait;
  gait_fiber *gait_back;
  gait_thread *thread;
  void (*body)(struct fiber *fiber);
  gait_thread_roots roots;
  uintptr_t hidden[8]; /* addresses that are no roots */
  unsigned steps;
};

static struct coroutine fiber_home; /* the own stack of the test's thread */

static void fiber_main(void *arg) {
  struct fiber *fiber = arg;
  fiber->body(fiber);
  fiber->own.ended = true;
  struct coroutine_swap swap = {&fiber->own, fiber->back};
  gait_fiber_finish(fiber->thread, fiber->gait_back, coroutine_swap, &swap);
}

static void fiber_make(struct fiber *fiber, int way, gait_thread_roots roots,
                       void (*body)(struct fiber *)) {
  memset(fiber, 0, sizeof *fiber);
  fiber->body = body;
  fiber->roots = roots;
  UNIT_CHECK(coroutine_make(&fiber->own, FIBER_BYTES, way != 0, fiber_main, fiber));
  ck_assert_int_eq(
      gait_fiber_register(unit.thread, fiber->own.low, FIBER_BYTES, roots, &fiber->gait), GAIT_OK);
}

static void fiber_drop(struct fiber *fiber) {
  ck_assert_int_eq(gait_fiber_unregister(unit.thread, fiber->gait), GAIT_OK);
  coroutine_free(&fiber->own);
}

/* Goes from the stack `back` of a thread to the fiber, and returns when it comes back. */
static gait_thread *fiber_resume_from(gait_thread *thread, struct coroutine *back,
                                      struct fiber *fiber) {
  fiber->thread = thread;
  fiber->back = back;
  fiber->gait_back = gait_fiber_current(thread);
  struct coroutine_swap swap = {back, &fiber->own};
  return gait_fiber_switch(thread, fiber->gait, coroutine_swap, &swap);
}

static void fiber_resume(struct fiber *fiber) {
  gait_thread *thread = fiber_resume_from(unit.thread, &fiber_home, fiber);
  UNIT_CHECK(thread == unit.thread);
}

/* Goes back, and returns when it is resumed. */
static void fiber_yield(struct fiber *fiber) {
  struct coroutine_swap swap = {&fiber->own, fiber->back};
  fiber->thread = gait_fiber_switch(fiber->thread, fiber->gait_back, coroutine_swap, &swap);
}

/* Runs the rest of the test below this frame, so that what it leaves there is overwritten. */
static __attribute__((noinline)) void *fiber_tagged(gait_thread *thread, unsigned tag) {
  void *object = gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)), 32);
  UNIT_CHECK(object && gait_object_set_external(thread, object, (size_t)1 << tag) == GAIT_OK);
  memset(object, (int)tag, 32);
  return object;
}

static __attribute__((noinline)) void fiber_check_tagged(const unsigned char *object,
                                                         unsigned tag) {
  for (size_t i = 0; i < 32; i++)
    UNIT_CHECK(object[i] == tag);
}

/* Each way and each sort of roots, and a call of the same name for each. */
#define FIBER_EACH(way, roots)                                                                     \
  for (int way = 0; way <= COROUTINE_UCONTEXT; way++)                                              \
    for (gait_thread_roots roots = GAIT_STACK_CONSERVATIVE; roots <= GAIT_STACK_EXACT; roots++)

/* ---- Freed objects ---- */

/* Leaves the address of an object that it frees on its stack. */
static __attribute__((noinline)) void body_free(struct fiber *fiber) {
  void *volatile left = gait_alloc(fiber->thread, unit.references, 32);
  gait_object_free(fiber->thread, left);
  fiber_yield(fiber);
  UNIT_CHECK(left != NULL);
}

START_TEST(word_on_a_conservative_fiber_breaks_no_promise) {
  gait_options options = unit_options(_i);
  options.debug.check_free = 1;
  unit_close(&unit);
  unit_open_with(&unit, &options, GAIT_STACK_EXACT);
  for (int way = 0; way <= COROUTINE_UCONTEXT; way++) {
    struct fiber fiber;
    fiber_make(&fiber, way, GAIT_STACK_CONSERVATIVE, body_free);
    fiber_resume(&fiber);
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    fiber_drop(&fiber);
  }
}
END_TEST

/* ---- What is kept ---- */

/* Holds an object, in a local variable or in a frame, over two switches. */
static __attribute__((noinline)) void body_hold(struct fiber *fiber) {
  void *slot[1] = {NULL};
  gait_frame frame;
  if (fiber->roots == GAIT_STACK_EXACT) gait_frame_push(fiber->thread, &frame, slot, 1);
  slot[0] = fiber_tagged(fiber->thread, 3);
  fiber->steps++;
  fiber_yield(fiber);
  fiber_check_tagged(slot[0], 3);
  fiber->steps++;
  fiber_yield(fiber);
  fiber_check_tagged(slot[0], 3);
  if (fiber->roots == GAIT_STACK_EXACT) gait_frame_pop(fiber->thread, &frame);
}

START_TEST(parked_fiber_keeps_what_is_on_its_stack) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    fiber_make(&fiber, way, roots, body_hold);
    fiber_resume(&fiber);
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(3));
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(3));
    fiber_resume(&fiber);
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(3));
    fiber_drop(&fiber);
    ck_assert_uint_eq(unit_alive(&unit), 0);
  }
}
END_TEST

/* Holds an object in a handle of a scope. */
static __attribute__((noinline)) void body_scope(struct fiber *fiber) {
  gait_scope outer, inner;
  gait_scope_open(fiber->thread, &outer);
  void **handle = gait_scope_add(fiber->thread, fiber_tagged(fiber->thread, 3));
  gait_scope_open(fiber->thread, &inner);
  gait_scope_add(fiber->thread, fiber_tagged(fiber->thread, 4));
  fiber_yield(fiber);
  gait_scope_close(fiber->thread, &inner);
  fiber_yield(fiber);
  fiber_check_tagged(*handle, 3);
  gait_scope_close(fiber->thread, &outer);
  fiber_yield(fiber);
}

/* Scopes of the thread's own stack and those of fibers are apart. */
START_TEST(scopes_go_with_their_stacks) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    gait_scope scope;
    fiber_make(&fiber, way, roots, body_scope);
    gait_scope_open(unit.thread, &scope);
    gait_scope_add(unit.thread, fiber_tagged(unit.thread, 5));
    fiber_resume(&fiber);
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(3) | UNIT_TAG(4) | UNIT_TAG(5));
    gait_scope_close(unit.thread, &scope);
    ck_assert_uint_eq(unit_alive(&unit) & ~UNIT_TAG(5), UNIT_TAG(3) | UNIT_TAG(4));
    fiber_resume(&fiber);
    ck_assert_uint_eq(unit_alive(&unit) & UNIT_TAG(3), UNIT_TAG(3));
    fiber_resume(&fiber);
    if (roots == GAIT_STACK_EXACT) ck_assert_uint_eq(unit_alive(&unit), 0);
    fiber_drop(&fiber);
    ck_assert_uint_eq(unit_alive(&unit), 0);
  }
}
END_TEST

/* A fiber that is unregistered with open scopes keeps nothing. */
START_TEST(scopes_end_with_their_fiber) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    fiber_make(&fiber, way, roots, body_scope);
    fiber_resume(&fiber);
    fiber_drop(&fiber);
    ck_assert_uint_eq(unit_alive(&unit), 0);
  }
}
END_TEST

START_TEST(finished_fiber_keeps_nothing) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    fiber_make(&fiber, way, roots, body_hold);
    for (int i = 0; i < 3; i++)
      fiber_resume(&fiber);
    ck_assert_uint_eq(fiber.steps, 2);
    ck_assert_uint_eq(unit_alive(&unit), 0);
    fiber_drop(&fiber);
  }
}
END_TEST

static void body_collect(struct fiber *fiber) {
  unit_scrub_stack();
  ck_assert_int_eq(gait_heap_collect(fiber->thread), GAIT_OK);
  fiber->steps++;
  fiber_yield(fiber);
}

/* The stack that the thread came from is its own, and a root while it runs on another. */
static __attribute__((noinline)) void fiber_hold_and_resume(struct fiber *fiber, bool exact) {
  void *slot[1] = {NULL};
  gait_frame frame;
  if (exact) gait_frame_push(unit.thread, &frame, slot, 1);
  slot[0] = fiber_tagged(unit.thread, 5);
  fiber_resume(fiber);
  ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, UNIT_TAG(5));
  fiber_check_tagged(slot[0], 5);
  if (exact) gait_frame_pop(unit.thread, &frame);
}

START_TEST(own_stack_is_kept_while_the_thread_runs_on_a_fiber) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    fiber_make(&fiber, way, roots, body_collect);
    fiber_hold_and_resume(&fiber, false);
    fiber_drop(&fiber);
  }
}
END_TEST

START_TEST(own_frames_are_kept_while_the_thread_runs_on_a_fiber) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    fiber_make(&fiber, way, roots, body_collect);
    fiber_hold_and_resume(&fiber, true);
    fiber_drop(&fiber);
  }
}
END_TEST

/* Words that are on a stack before anything has run there. */
START_TEST(fiber_that_never_ran_keeps_its_value_alone) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    fiber_make(&fiber, way, roots, body_collect);
    void **words = (void **)(void *)(fiber.own.low + FIBER_BYTES / 2);
    words[0] = fiber_tagged(unit.thread, 1);
    gait_fiber_set_value(unit.thread, fiber.gait, fiber_tagged(unit.thread, 2));
    unit_scrub_stack();
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(2));
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(2));
    fiber_check_tagged(gait_fiber_value(fiber.gait), 2);
    gait_fiber_set_value(unit.thread, fiber.gait, NULL);
    ck_assert_ptr_null(gait_fiber_value(fiber.gait));
    unit_scrub_stack();
    ck_assert_uint_eq(unit_alive(&unit), 0);
    fiber_drop(&fiber);
  }
}
END_TEST

static void body_know(struct fiber *fiber) {
  UNIT_CHECK(gait_fiber_current(fiber->thread) == fiber->gait);
  gait_thread_leave(fiber->thread);
  gait_thread_enter(fiber->thread);
  fiber_yield(fiber);
  UNIT_CHECK(gait_fiber_current(fiber->thread) == fiber->gait);
}

START_TEST(thread_knows_on_which_fiber_it_is) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    fiber_make(&fiber, way, roots, body_know);
    ck_assert_ptr_null(gait_fiber_current(unit.thread));
    fiber_resume(&fiber);
    ck_assert_ptr_null(gait_fiber_current(unit.thread));
    fiber_resume(&fiber);
    fiber_drop(&fiber);
  }
}
END_TEST

/* ---- Outside ---- */

static void *fiber_call_back(void *arg) {
  struct fiber *fiber = arg;
  gait_thread_enter(fiber->thread);
  fiber_yield(fiber);
  fiber->steps++;
  gait_thread_leave(fiber->thread);
  return NULL;
}

/* A callback of foreign code switches. */
static __attribute__((noinline)) void body_call_back(struct fiber *fiber) {
  void *slot[1] = {NULL};
  gait_frame frame;
  gait_frame_push(fiber->thread, &frame, slot, 1);
  slot[0] = fiber_tagged(fiber->thread, 4);
  gait_thread_outside(fiber->thread, fiber_call_back, fiber);
  fiber_check_tagged(slot[0], 4);
  gait_frame_pop(fiber->thread, &frame);
}

static void *fiber_call_out(void *arg) {
  struct fiber *fiber = arg;
  gait_thread_enter(unit.thread);
  fiber_resume(fiber);
  ck_assert_uint_ge(unit_alive(&unit), UNIT_TAG(4));
  gait_thread_leave(unit.thread);
  return NULL;
}

START_TEST(callbacks_of_foreign_code_switch) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    fiber_make(&fiber, way, roots, body_call_back);
    gait_thread_outside(unit.thread, fiber_call_out, &fiber);
    fiber_resume(&fiber);
    ck_assert_uint_eq(fiber.steps, 1);
    fiber_drop(&fiber);
  }
}
END_TEST

/* ---- Threads ---- */

static void *fiber_on_other_thread(void *arg) {
  struct fiber *fiber = arg;
  gait_thread *thread;
  struct coroutine own;
  memset(&own, 0, sizeof own);
  UNIT_CHECK(gait_thread_attach(unit.heap, "other", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  UNIT_CHECK(fiber_resume_from(thread, &own, fiber) == thread);
  UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

START_TEST(fiber_moves_between_threads) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    fiber_make(&fiber, way, roots, body_hold);
    fiber_resume(&fiber);
    unit_on_thread(unit.thread, fiber_on_other_thread, &fiber);
    ck_assert_uint_eq(fiber.steps, 2);
    ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, UNIT_TAG(3));
    fiber_resume(&fiber);
    ck_assert_uint_eq(unit_alive(&unit), 0);
    fiber_drop(&fiber);
  }
}
END_TEST

/* The inner scope is closed on the other thread, the outer one back on the first. */
START_TEST(scopes_go_to_other_threads_with_their_fiber) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    fiber_make(&fiber, way, roots, body_scope);
    fiber_resume(&fiber);
    unit_on_thread(unit.thread, fiber_on_other_thread, &fiber);
    ck_assert_uint_eq(unit_alive(&unit) & UNIT_TAG(3), UNIT_TAG(3));
    fiber_resume(&fiber);
    fiber_drop(&fiber);
    ck_assert_uint_eq(unit_alive(&unit), 0);
  }
}
END_TEST

static void finalizer_yields(gait_thread *thread, void *object, void *arg) {
  (void)thread;
  (void)object;
  fiber_yield(arg);
}

static __attribute__((noinline)) void body_finalize(struct fiber *fiber) {
  void *object = gait_alloc(fiber->thread, unit.references, 32);
  UNIT_CHECK(gait_finalizer_add(fiber->thread, object, finalizer_yields, fiber,
                                GAIT_FINALIZER_UNORDERED, NULL) == GAIT_OK);
  UNIT_CHECK(gait_finalizers_run_all(fiber->thread) == 1);
}

/* A frame that was pushed there would be popped here. */
static void fiber_finalize_elsewhere(void) {
  struct fiber fiber;
  fiber_make(&fiber, 0, GAIT_STACK_EXACT, body_finalize);
  fiber_resume(&fiber);
  unit_on_thread(unit.thread, fiber_on_other_thread, &fiber);
}

START_TEST(finalizer_returns_on_its_thread) {
  struct fiber fiber;
  fiber_make(&fiber, 0, GAIT_STACK_EXACT, body_finalize);
  fiber_resume(&fiber);
  fiber_resume(&fiber);
  fiber_drop(&fiber);
  int status;
  pid_t child = fork();
  if (child == 0) {
    fiber_finalize_elsewhere();
    _exit(0);
  }
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

/* ---- Beside a collector that never rests ---- */

#define FIBER_MANY 24

/* Keeps a list, which it makes longer and shorter, and looks whether all of it is there. */
static __attribute__((noinline)) void body_list(struct fiber *fiber) {
  void *slot[1] = {NULL};
  gait_frame frame;
  gait_frame_push(fiber->thread, &frame, slot, 1);
  for (uintptr_t length = 0; fiber->steps != UINT32_MAX; fiber->steps++) {
    void **node = gait_alloc(fiber->thread, unit.references, 32);
    gait_store_init(fiber->thread, &node[0], slot[0]);
    node[1] = (void *)(2 * ++length + 1);
    slot[0] = node;
    if (length % 16 == 0)
      for (; length > 8; length--)
        slot[0] = ((void **)slot[0])[0];
    fiber_yield(fiber);
    uintptr_t left = length;
    for (void **at = slot[0]; at; at = at[0])
      UNIT_CHECK(at[1] == (void *)(2 * left-- + 1));
    UNIT_CHECK(left == 0);
  }
  gait_frame_pop(fiber->thread, &frame);
}

START_TEST(fibers_switch_beside_a_collector) {
  static struct fiber fibers[FIBER_MANY];
  for (size_t i = 0; i < FIBER_MANY; i++)
    fiber_make(&fibers[i], i & 1, i & 2 ? GAIT_STACK_EXACT : GAIT_STACK_CONSERVATIVE, body_list);
  unit_collector collector;
  unit_collector_start(&collector, unit.heap);
  for (unsigned round = 0; atomic_load(&collector.cycles) < 100 || round < 50; round++)
    for (size_t i = 0; i < FIBER_MANY; i += 1 + round % 5) {
      fiber_resume(&fibers[i]);
      gait_thread_poll(unit.thread);
    }
  for (size_t i = 0; i < FIBER_MANY; i++) {
    fibers[i].steps = UINT32_MAX - 1;
    fiber_resume(&fibers[i]);
    fiber_drop(&fibers[i]);
  }
  unit_collector_stop(&collector, unit.thread);
}
END_TEST

START_TEST(fibers_come_and_go_beside_a_collector) {
  unit_collector collector;
  unit_collector_start(&collector, unit.heap);
  for (unsigned round = 0; atomic_load(&collector.cycles) < 100 || round < 50; round++) {
    static struct fiber fibers[4];
    for (size_t i = 0; i < 4; i++)
      fiber_make(&fibers[i], i & 1, i & 2 ? GAIT_STACK_EXACT : GAIT_STACK_CONSERVATIVE, body_hold);
    for (size_t i = 0; i < 4; i++)
      for (unsigned k = 0; k < (i + round) % 4; k++)
        fiber_resume(&fibers[i]);
    for (size_t i = 0; i < 4; i++)
      fiber_drop(&fibers[i]);
  }
  unit_collector_stop(&collector, unit.thread);
}
END_TEST

/* ---- Several heaps ---- */

/* A fiber of two heaps: the swap of the switch of one is the switch of the other. */
struct pair {
  struct coroutine own, home;
  gait_thread *threads[2];
  gait_fiber *fibers[2];
  bool in;
};

static void pair_swap_second(void *arg) {
  struct pair *pair = arg;
  struct coroutine_swap swap = {pair->in ? &pair->home : &pair->own,
                                pair->in ? &pair->own : &pair->home};
  gait_fiber_switch(pair->threads[1], pair->in ? pair->fibers[1] : NULL, coroutine_swap, &swap);
}

static void pair_switch(struct pair *pair, bool in) {
  pair->in = in;
  gait_fiber_switch(pair->threads[0], in ? pair->fibers[0] : NULL, pair_swap_second, pair);
}

static void pair_main(void *arg) {
  struct pair *pair = arg;
  void *slots[2][1] = {{NULL}, {NULL}};
  gait_frame frames[2];
  for (unsigned i = 0; i < 2; i++) {
    gait_frame_push(pair->threads[i], &frames[i], slots[i], 1);
    slots[i][0] = fiber_tagged(pair->threads[i], 6 + i);
  }
  pair_switch(pair, false);
  for (unsigned i = 0; i < 2; i++) {
    fiber_check_tagged(slots[i][0], 6 + i);
    gait_frame_pop(pair->threads[i], &frames[i]);
  }
  pair_switch(pair, false);
}

START_TEST(stack_is_a_fiber_of_several_heaps) {
  FIBER_EACH(way, roots) {
    struct pair pair;
    unit_world other;
    memset(&pair, 0, sizeof pair);
    unit_open(&other, _i, GAIT_STACK_EXACT);
    pair.threads[0] = unit.thread, pair.threads[1] = other.thread;
    UNIT_CHECK(coroutine_make(&pair.own, FIBER_BYTES, way != 0, pair_main, &pair));
    for (unsigned i = 0; i < 2; i++)
      ck_assert_int_eq(
          gait_fiber_register(pair.threads[i], pair.own.low, FIBER_BYTES, roots, &pair.fibers[i]),
          GAIT_OK);
    pair_switch(&pair, true);
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(6));
    ck_assert_uint_eq(unit_alive(&other), UNIT_TAG(7));
    pair_switch(&pair, true);
    for (unsigned i = 0; i < 2; i++)
      ck_assert_int_eq(gait_fiber_unregister(pair.threads[i], pair.fibers[i]), GAIT_OK);
    ck_assert_uint_eq(unit_alive(&unit), 0);
    ck_assert_uint_eq(unit_alive(&other), 0);
    coroutine_free(&pair.own);
    unit_close(&other);
  }
}
END_TEST

/* ---- Looking at them ---- */

struct fiber_search {
  const gait_fiber *fiber;
  unsigned found, elsewhere;
};

static bool fiber_found(gait_referrer referrer, const void *holder, const void *slot, void *arg) {
  struct fiber_search *search = arg;
  UNIT_CHECK(slot != NULL);
  if (referrer == GAIT_REFERRER_FIBER && holder == search->fiber)
    search->found++;
  else
    search->elsewhere++;
  return true;
}

START_TEST(fibers_are_among_the_referrers) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    fiber_make(&fiber, way, roots, body_hold);
    fiber_resume(&fiber);
    struct fiber_search search = {.fiber = fiber.gait};
    unit.slots[0] = fiber_tagged(unit.thread, 1);
    gait_fiber_set_value(unit.thread, fiber.gait, unit.slots[0]);
    ck_assert_int_eq(gait_object_walk_referrers(unit.thread, unit.slots[0], fiber_found, &search),
                     GAIT_OK);
    ck_assert_uint_ge(search.found, 1);
    ck_assert_uint_eq(search.elsewhere, 1);
    fiber_drop(&fiber);
  }
}
END_TEST

static __attribute__((noinline)) void body_show(struct fiber *fiber) {
  void *slot[1] = {NULL};
  gait_frame frame;
  gait_frame_push(fiber->thread, &frame, slot, 1);
  slot[0] = fiber_tagged(fiber->thread, 3);
  fiber->hidden[0] = unit_hide(slot[0]);
  fiber_yield(fiber);
  gait_frame_pop(fiber->thread, &frame);
}

START_TEST(parked_stacks_are_searched_for_referrers) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    fiber_make(&fiber, way, roots, body_show);
    fiber_resume(&fiber);
    struct fiber_search search = {.fiber = fiber.gait};
    ck_assert_int_eq(
        gait_object_walk_referrers(unit.thread, unit_find(fiber.hidden[0]), fiber_found, &search),
        GAIT_OK);
    ck_assert_uint_ge(search.found, 1);
    fiber_drop(&fiber);
  }
}
END_TEST

/* ---- Forks ---- */

static atomic_int fiber_stage;

/* Waits on another thread, outside, until the parent has forked. */
static void body_wait(struct fiber *fiber) {
  gait_thread_leave(fiber->thread);
  atomic_store(&fiber_stage, 1);
  while (atomic_load(&fiber_stage) != 2)
    usleep(100);
  gait_thread_enter(fiber->thread);
}

static int fiber_in_child(struct fiber *parked, struct fiber *running) {
  if (gait_heap_collect(unit.thread) != GAIT_OK) return 1;
  fiber_resume(parked);
  if (parked->steps != 2 || gait_heap_collect(unit.thread) != GAIT_OK) return 2;
  if (unit_stats(unit.heap).external_bytes != UNIT_TAG(3)) return 3;
  if (gait_fiber_unregister(unit.thread, running->gait) != GAIT_OK) return 4;
  if (gait_fiber_unregister(unit.thread, parked->gait) != GAIT_OK) return 5;
  if (gait_heap_collect(unit.thread) != GAIT_OK) return 6;
  return unit_stats(unit.heap).external_bytes == 0 ? 0 : 7;
}

START_TEST(fibers_go_on_in_the_child_of_a_fork) {
  FIBER_EACH(way, roots) {
    struct fiber parked, running;
    pthread_t thread;
    fiber_make(&parked, way, roots, body_hold);
    fiber_make(&running, way, roots, body_wait);
    fiber_resume(&parked);
    atomic_store(&fiber_stage, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, fiber_on_other_thread, &running), 0);
    while (atomic_load(&fiber_stage) != 1)
      gait_thread_poll(unit.thread);
    const pid_t child = fork();
    if (child == 0) _exit(fiber_in_child(&parked, &running));
    atomic_store(&fiber_stage, 2);
    int status = 0;
    gait_thread_leave(unit.thread);
    UNIT_CHECK(pthread_join(thread, NULL) == 0 && waitpid(child, &status, 0) == child);
    gait_thread_enter(unit.thread);
    ck_assert_int_eq(status, 0);
    fiber_drop(&running);
    fiber_drop(&parked);
  }
}
END_TEST

/* ---- The end ---- */

START_TEST(heap_is_destroyed_with_parked_fibers) {
  FIBER_EACH(way, roots) {
    struct fiber fiber;
    const unit_world outer = unit;
    unit_open(&unit, _i, GAIT_STACK_EXACT);
    fiber_make(&fiber, way, roots, body_hold);
    fiber_resume(&fiber);
    unit_close(&unit);
    coroutine_free(&fiber.own);
    memcpy(&unit, &outer, sizeof unit);
  }
}
END_TEST

START_TEST(fibers_refuse_null_and_no_stack) {
  gait_fiber *fiber;
  char stack[64];
  ck_assert_int_eq(gait_fiber_register(NULL, stack, 64, GAIT_STACK_CONSERVATIVE, &fiber),
                   GAIT_ERROR_ARGUMENT);
  ck_assert_ptr_null(fiber);
  ck_assert_int_eq(gait_fiber_register(unit.thread, stack, 64, GAIT_STACK_CONSERVATIVE, NULL),
                   GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_fiber_register(unit.thread, NULL, 64, GAIT_STACK_CONSERVATIVE, &fiber),
                   GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_fiber_register(unit.thread, stack, 0, GAIT_STACK_CONSERVATIVE, &fiber),
                   GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_fiber_register(unit.thread, stack, 64, (gait_thread_roots)7, &fiber),
                   GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(
      gait_fiber_register(unit.thread, stack, SIZE_MAX, GAIT_STACK_CONSERVATIVE, &fiber),
      GAIT_ERROR_ARGUMENT);
  ck_assert_ptr_null(fiber);
  ck_assert_int_eq(gait_fiber_unregister(unit.thread, NULL), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_fiber_register(unit.thread, NULL, 0, GAIT_STACK_EXACT, &fiber), GAIT_OK);
  ck_assert_int_eq(gait_fiber_unregister(NULL, fiber), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_fiber_unregister(unit.thread, fiber), GAIT_OK);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds tcase = unit_world_cases(suite, "fibers", &unit_exact);
  UNIT_WORLD_TEST(tcase, word_on_a_conservative_fiber_breaks_no_promise);
  UNIT_WORLD_TEST(tcase, parked_fiber_keeps_what_is_on_its_stack);
  UNIT_WORLD_TEST(tcase, scopes_go_with_their_stacks);
  UNIT_WORLD_TEST(tcase, scopes_end_with_their_fiber);
  UNIT_WORLD_TEST(tcase, finished_fiber_keeps_nothing);
  UNIT_WORLD_TEST(tcase, own_frames_are_kept_while_the_thread_runs_on_a_fiber);
  UNIT_WORLD_TEST(tcase, fiber_that_never_ran_keeps_its_value_alone);
  UNIT_WORLD_TEST(tcase, thread_knows_on_which_fiber_it_is);
  UNIT_WORLD_TEST(tcase, callbacks_of_foreign_code_switch);
  UNIT_WORLD_TEST(tcase, fiber_moves_between_threads);
  if (SANITIZER_FORKS) UNIT_WORLD_TEST(tcase, finalizer_returns_on_its_thread);
  UNIT_WORLD_TEST(tcase, scopes_go_to_other_threads_with_their_fiber);
  UNIT_WORLD_TEST(tcase, fibers_switch_beside_a_collector);
  UNIT_WORLD_TEST(tcase, fibers_come_and_go_beside_a_collector);
  UNIT_WORLD_TEST(tcase, stack_is_a_fiber_of_several_heaps);
  UNIT_WORLD_TEST(tcase, fibers_are_among_the_referrers);
  UNIT_WORLD_TEST(tcase, parked_stacks_are_searched_for_referrers);
  if (SANITIZER_FORKS) UNIT_WORLD_TEST(tcase, fibers_go_on_in_the_child_of_a_fork);
  UNIT_WORLD_TEST(tcase, heap_is_destroyed_with_parked_fibers);
  UNIT_WORLD_TEST(tcase, fibers_refuse_null_and_no_stack);
  const unit_worlds scanned = unit_world_cases(suite, "scanned", &unit_conservative);
  UNIT_WORLD_TEST(scanned, own_stack_is_kept_while_the_thread_runs_on_a_fiber);
  UNIT_WORLD_TEST(scanned, callbacks_of_foreign_code_switch);
  UNIT_WORLD_TEST(scanned, thread_knows_on_which_fiber_it_is);
  UNIT_WORLD_TEST(scanned, fibers_switch_beside_a_collector);
}
