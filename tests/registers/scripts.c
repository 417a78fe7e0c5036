/* In each script the first heap is collected at least once while the thread has gone away or is
 * acted for: another thread starts when a step has it start, and a later step waits for its end. */
#include "scripts.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define CALL(function) ((hold_call *)(function))
#define WORD(pointer)  ((uint64_t)(uintptr_t)(pointer))

static struct hold_step *script_add(struct torture *torture, hold_call *call, uint64_t first,
                                    uint64_t second, uint64_t third) {
  if (torture->count == SCRIPT_STEPS) abort();
  struct hold_step *step = &torture->steps[torture->count];
  *step =
      (struct hold_step){.call = call, .arguments = {first, second, third, 0}, .is_gaits = true};
  torture->is_result[torture->count++] = false;
  return step;
}

/* The same for a call that returns a gait_result. */
static struct hold_step *script_add_result(struct torture *torture, hold_call *call, uint64_t first,
                                           uint64_t second, uint64_t third) {
  struct hold_step *step = script_add(torture, call, first, second, third);
  torture->is_result[torture->count - 1] = true;
  return step;
}

/* The same for a call that is not Gait's. */
static void script_add_other(struct torture *torture, hold_call *call, uint64_t first,
                             uint64_t second) {
  script_add(torture, call, first, second, 0)->is_gaits = false;
}

/* The last steps, so many of them, are repeated until the collection has ended; the other threads
 * have their turn in between. */
static void script_repeat(struct torture *torture, size_t steps) {
  script_add_other(torture, CALL(sched_yield), 0, 0);
  struct hold_step *last = &torture->steps[torture->count - 1];
  last->until = &torture->others.done;
  last->back = steps * sizeof *last;
}

static void script_add_thread(struct torture *torture, hold_call *call) {
  script_add(torture, call, WORD(torture->thread), 0, 0);
}

static void script_add_collection(struct torture *torture) {
  script_add_other(torture, CALL(others_collect), WORD(&torture->others), 0);
}

static void script_add_begin(struct torture *torture) {
  script_add_other(torture, CALL(others_begin), WORD(&torture->others), WORD(torture->thread));
}

static void script_add_poll(struct torture *torture) {
  script_add_thread(torture, CALL(gait_thread_poll_slow));
}

/* ---- Leaving and entering ---- */

static void script_leave(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_thread(torture, CALL(gait_thread_leave));
  script_add_collection(torture);
  script_add_collection(torture);
  script_add_thread(torture, CALL(gait_thread_enter));
}

/* Leaves when a cycle wants it to act. */
static void script_leave_late(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add_thread(torture, CALL(gait_thread_leave));
  script_add_other(torture, CALL(others_await), WORD(&torture->others), 0);
  script_add_thread(torture, CALL(gait_thread_enter));
}

/* Comes and goes all through a cycle. */
static void script_come_and_go(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_thread(torture, CALL(gait_thread_leave));
  script_add_other(torture, CALL(others_ask), WORD(&torture->others), 0);
  script_add_thread(torture, CALL(gait_thread_enter));
  script_add_thread(torture, CALL(gait_thread_leave));
  script_repeat(torture, 2);
  script_add_thread(torture, CALL(gait_thread_enter));
}

static void script_wrapped(struct torture *torture, void (*leave)(gait_thread *),
                           void (*enter)(gait_thread *)) {
  script_add_thread(torture, CALL(leave));
  script_add_collection(torture);
  script_add_thread(torture, CALL(enter));
}

static void script_wrapper_o0(struct torture *torture, const struct place *place) {
  (void)place;
  script_wrapped(torture, wrappers_o0.leave, wrappers_o0.enter);
}

static void script_wrapper_o2(struct torture *torture, const struct place *place) {
  (void)place;
  script_wrapped(torture, wrappers_o2.leave, wrappers_o2.enter);
}

static void script_wrapper_deep_o0(struct torture *torture, const struct place *place) {
  (void)place;
  script_wrapped(torture, wrappers_o0.leave_deep, wrappers_o0.enter);
}

static void script_wrapper_deep_o2(struct torture *torture, const struct place *place) {
  (void)place;
  script_wrapped(torture, wrappers_o2.leave_deep, wrappers_o2.enter);
}

/* A wrapper that is sure to want this very register. */
static void script_wrapper_spills(struct torture *torture, const struct place *place) {
  script_add(torture, CALL(place->spill), WORD(gait_thread_leave), WORD(torture->thread), 0);
  script_add_collection(torture);
  script_add_thread(torture, CALL(gait_thread_enter));
}

/* A large frame below one that has pushed this register; both are gone when it enters. */
static void script_wrapper_vast(struct torture *torture, const struct place *place) {
  script_add(torture, CALL(place->spill), WORD(wrappers_o2.leave_vast), WORD(torture->thread), 0);
  script_add_collection(torture);
  script_add_thread(torture, CALL(gait_thread_enter));
}

/* The same, and the large frame is full of references to another object. */
static void script_wrapper_full(struct torture *torture, const struct place *place) {
  script_add(torture, CALL(place->spill), WORD(wrappers_o2.leave_full), WORD(torture->thread), 0);
  script_add_collection(torture);
  script_add_thread(torture, CALL(gait_thread_enter));
}

/* The register is in the last word of the frames that may go. */
static void script_wrapper_far(struct torture *torture, const struct place *place) {
  script_add(torture, CALL(place->spill_far), WORD(wrappers_o2.leave), WORD(torture->thread), 0);
  script_add_collection(torture);
  script_add_thread(torture, CALL(gait_thread_enter));
}

/* The same where gait_thread_leave is called by its address, and so knows nothing of who calls it.
 */
static void script_leave_far(struct torture *torture, const struct place *place) {
  script_add(torture, CALL(place->spill_far), WORD(gait_thread_leave), WORD(torture->thread), 0);
  script_add_collection(torture);
  script_add_thread(torture, CALL(gait_thread_enter));
}

static void script_scope(struct torture *torture, const struct wrappers *wrappers) {
  script_add(torture, CALL(wrappers->construct), WORD(&torture->scope), WORD(torture->thread), 0);
  script_add_collection(torture);
  script_add(torture, CALL(wrappers->destroy), WORD(&torture->scope), 0, 0);
}

static void script_scope_o0(struct torture *torture, const struct place *place) {
  (void)place;
  script_scope(torture, &wrappers_o0);
}

static void script_scope_o2(struct torture *torture, const struct place *place) {
  (void)place;
  script_scope(torture, &wrappers_o2);
}

/* ---- Outside ---- */

static void *script_collect_outside(void *arg) {
  struct torture *torture = arg;
  others_collect(&torture->others);
  return arg;
}

static void script_do_nothing(void) {}

static void script_outside(struct torture *torture, const struct place *place) {
  (void)place;
  torture->foreign = (struct hold_foreign){.spill = hold_spill_none,
                                           .callback = script_do_nothing,
                                           .arg = torture,
                                           .then = CALL(script_collect_outside)};
  script_add(torture, CALL(gait_thread_outside), WORD(torture->thread), WORD(hold_foreign),
             WORD(&torture->foreign));
}

static void script_callback_o0(struct torture *torture) {
  wrappers_o0.callback(torture->thread);
}

static void script_callback_o2(struct torture *torture) {
  wrappers_o2.callback(torture->thread);
}

/* Foreign code calls back, the callback enters and leaves, and the frames of both are gone when
 * the heap is collected. */
static void script_outside_nested(struct torture *torture, hold_spill_fn *spill,
                                  hold_call *callback) {
  torture->foreign = (struct hold_foreign){
      .spill = spill, .callback = callback, .arg = torture, .then = CALL(script_collect_outside)};
  script_add(torture, CALL(gait_thread_outside), WORD(torture->thread), WORD(hold_foreign),
             WORD(&torture->foreign));
}

static void script_outside_nested_o0(struct torture *torture, const struct place *place) {
  script_outside_nested(torture, place->spill, CALL(script_callback_o0));
}

static void script_outside_nested_o2(struct torture *torture, const struct place *place) {
  script_outside_nested(torture, place->spill, CALL(script_callback_o2));
}

/* The same between leave and enter. */
static void script_leave_nested(struct torture *torture, const struct place *place) {
  torture->foreign = (struct hold_foreign){.spill = place->spill,
                                           .callback = CALL(script_callback_o2),
                                           .arg = torture,
                                           .then = CALL(script_collect_outside)};
  script_add_thread(torture, CALL(gait_thread_leave));
  script_add(torture, CALL(hold_foreign), WORD(&torture->foreign), 0, 0);
  script_add_thread(torture, CALL(gait_thread_enter));
}

/* ---- Safepoints of the same heap ---- */

static void script_poll(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add_poll(torture);
  script_repeat(torture, 1);
}

static void script_poll_inline(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add_thread(torture, CALL(wrappers_o2.poll));
  script_add_thread(torture, CALL(wrappers_o0.poll));
  script_repeat(torture, 2);
}

/* A gait_kind as the register in which it is passed. */
static uint64_t script_kind(const struct torture *torture) {
  const gait_kind kind = gait_kind_leaf(torture->heap);
  return kind.index | (uint64_t)kind.heap_tag << 16;
}

static void script_alloc(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add(torture, CALL(gait_alloc_slow), WORD(torture->thread), script_kind(torture), 48);
  script_repeat(torture, 1);
}

static void script_alloc_inline(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add(torture, CALL(wrappers_o2.alloc), WORD(torture->thread), script_kind(torture), 1000);
  script_add(torture, CALL(wrappers_o0.alloc), WORD(torture->thread), script_kind(torture), 3000);
  script_repeat(torture, 2);
}

static void script_alloc_large(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add(torture, CALL(gait_alloc_slow), WORD(torture->thread), script_kind(torture), 100000);
  script_add(torture, CALL(gait_alloc_aligned), WORD(torture->thread), script_kind(torture), 5000);
  torture->steps[torture->count - 1].arguments[3] = 4096;
  script_repeat(torture, 2);
}

/* Its own allocations have cycles run, and it accepts those that are offered. */
static void script_alloc_cycles(struct torture *torture, const struct place *place) {
  (void)place;
  script_add(torture, CALL(gait_heap_set_gogc), WORD(torture->heap), 20, 0);
  for (int i = 0; i < 3; i++) {
    script_add_other(torture, CALL(others_ask), WORD(&torture->others), 0);
    script_add(torture, CALL(gait_alloc_slow), WORD(torture->thread), script_kind(torture), 20000);
    script_repeat(torture, 1);
  }
  script_add(torture, CALL(gait_heap_set_gogc), WORD(torture->heap), WORD(-1), 0);
}

static void script_collect(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_result(torture, CALL(gait_heap_collect), WORD(torture->thread), 0, 0);
  script_add_result(torture, CALL(gait_heap_collect), WORD(torture->thread), 0, 0);
}

/* Two threads ask for a cycle at once. */
static void script_collect_both(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add_result(torture, CALL(gait_heap_collect), WORD(torture->thread), 0, 0);
  script_add_poll(torture);
  script_repeat(torture, 1);
}

static uint32_t script_external_step(struct torture *torture) {
  return gait_object_set_external(torture->thread, gait_handle_get(torture->kept),
                                  SCRIPT_KEPT_EXTERNAL);
}

static void script_external(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add_result(torture, CALL(script_external_step), WORD(torture), 0, 0);
  script_add_poll(torture);
  script_repeat(torture, 2);
}

static void script_roots(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add_result(torture, CALL(gait_roots_add), WORD(torture->heap), WORD(torture->roots),
                    sizeof torture->roots);
  torture->steps[torture->count - 1].arguments[3] = GAIT_ROOTS_BARRIERED;
  script_add_poll(torture);
  script_add_result(torture, CALL(gait_roots_remove), WORD(torture->heap), WORD(torture->roots), 0);
  script_add_poll(torture);
  script_repeat(torture, 4);
}

/* ---- Other heaps ---- */

static void script_create_second(struct torture *torture) {
  gait_options options = torture->options;
  options.barrierless = false;
  if (gait_heap_create(&options, &torture->second_heap) != GAIT_OK)
    others_fail("a second heap was not created");
}

static void script_destroy_second(struct torture *torture) {
  if (gait_heap_destroy(torture->second_heap) != GAIT_OK)
    others_fail("a second heap was not destroyed");
}

static uint32_t script_attach_second(struct torture *torture) {
  return gait_thread_attach(torture->second_heap, "second", GAIT_STACK_CONSERVATIVE,
                            &torture->second_thread);
}

static uint32_t script_detach_second(struct torture *torture) {
  return gait_thread_detach(torture->second_thread);
}

static void script_prepare_collect_second(struct torture *torture) {
  script_create_second(torture);
  if (script_attach_second(torture) != GAIT_OK) others_fail("a second heap was not attached to");
  others_delay_cycle(&torture->second, &torture->others, torture->second_heap);
}

static void script_finish_collect_second(struct torture *torture) {
  if (script_detach_second(torture) != GAIT_OK) others_fail("a second heap was not detached from");
  others_end(&torture->second);
  script_destroy_second(torture);
}

static void script_collect_second(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_result(torture, CALL(gait_heap_collect), WORD(torture->second_thread), 0, 0);
}

/* A safepoint of one heap is a safepoint of the other. */
static void script_poll_second(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add(torture, CALL(gait_thread_poll_slow), WORD(torture->second_thread), 0, 0);
  script_repeat(torture, 1);
}

static void script_prepare_poll_second(struct torture *torture) {
  script_create_second(torture);
  if (script_attach_second(torture) != GAIT_OK) others_fail("a second heap was not attached to");
}

static void script_finish_poll_second(struct torture *torture) {
  if (script_detach_second(torture) != GAIT_OK) others_fail("a second heap was not detached from");
  script_destroy_second(torture);
}

/* The second heap holds its threads, so one that wants to attach has to wait. */
static void script_prepare_attach(struct torture *torture) {
  gait_options options = torture->options;
  options.barrierless = true;
  if (gait_heap_create(&options, &torture->second_heap) != GAIT_OK)
    others_fail("a second heap was not created");
  others_hold_threads(&torture->second, &torture->others, torture->second_heap);
}

static void script_finish_attach(struct torture *torture) {
  if (script_detach_second(torture) != GAIT_OK) others_fail("a second heap was not detached from");
  others_end(&torture->second);
  script_destroy_second(torture);
}

static void script_attach(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_other(torture, CALL(others_await_hold), WORD(&torture->second), 0);
  script_add_result(torture, CALL(gait_thread_attach), WORD(torture->second_heap), 0,
                    GAIT_STACK_CONSERVATIVE);
  torture->steps[torture->count - 1].arguments[3] = WORD(&torture->second_thread);
  script_add_poll(torture);
  script_repeat(torture, 1);
}

static void script_attach_detach(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add_result(torture, CALL(script_attach_second), WORD(torture), 0, 0);
  script_add_result(torture, CALL(script_detach_second), WORD(torture), 0, 0);
  script_add_poll(torture);
  script_repeat(torture, 3);
}

static uint32_t script_destroy_step(struct torture *torture) {
  return gait_heap_destroy(torture->second_heap);
}

static void script_create_destroy(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add_result(torture, CALL(gait_heap_create), WORD(&torture->options),
                    WORD(&torture->second_heap), 0);
  script_add_result(torture, CALL(script_destroy_step), WORD(torture), 0, 0);
  script_add_poll(torture);
  script_repeat(torture, 3);
}

/* ---- fork ---- */

static void script_note_fork(struct torture *torture, struct hold_step *step) {
  torture->is_child = (pid_t)step->returned == 0;
  if (torture->is_child) others_forget(&torture->others);
}

static void script_add_fork(struct torture *torture) {
  struct hold_step *step = script_add(torture, CALL(fork), 0, 0, 0);
  script_add_other(torture, CALL(script_note_fork), WORD(torture), WORD(step));
}

/* The fork has to wait for the cycle under way. */
static void script_fork(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_begin(torture);
  script_add_fork(torture);
  script_add_poll(torture);
  script_repeat(torture, 1);
  script_add_result(torture, CALL(gait_heap_collect), WORD(torture->thread), 0, 0);
}

static void script_fork_outside(struct torture *torture, const struct place *place) {
  (void)place;
  script_add_thread(torture, CALL(gait_thread_leave));
  script_add_other(torture, CALL(others_ask), WORD(&torture->others), 0);
  script_add_fork(torture);
  script_add_other(torture, CALL(others_await), WORD(&torture->others), 0);
  script_add_thread(torture, CALL(gait_thread_enter));
  script_add_result(torture, CALL(gait_heap_collect), WORD(torture->thread), 0, 0);
}

/* ---- Fibers ---- */

#define SCRIPT_STACK_BYTES ((size_t)256 << 10)

/* The thread is on this stack while the heap is collected, by itself and while it is outside. */
static void script_on_fiber(void *arg) {
  struct torture *torture = arg;
  for (;;) {
    gait_heap_collect(torture->thread);
    gait_thread_leave(torture->thread);
    others_collect(&torture->others);
    gait_thread_enter(torture->thread);
    gait_fiber_switch(torture->thread, NULL, coroutine_swap, &torture->back);
  }
}

static void script_make_fiber(struct torture *torture, bool ucontext) {
  memset(&torture->own_stack, 0, sizeof torture->own_stack);
  torture->there = (struct coroutine_swap){&torture->own_stack, &torture->other_stack};
  torture->back = (struct coroutine_swap){&torture->other_stack, &torture->own_stack};
  if (!coroutine_make(&torture->other_stack, SCRIPT_STACK_BYTES, ucontext, script_on_fiber,
                      torture) ||
      gait_fiber_register(torture->thread, torture->other_stack.low, SCRIPT_STACK_BYTES,
                          GAIT_STACK_CONSERVATIVE, &torture->fiber) != GAIT_OK)
    others_fail("there is no fiber");
}

static void script_prepare_switch(struct torture *torture) {
  script_make_fiber(torture, false);
}

static void script_prepare_swapcontext(struct torture *torture) {
  script_make_fiber(torture, true);
}

static void script_finish_switch(struct torture *torture) {
  gait_fiber_unregister(torture->thread, torture->fiber);
  coroutine_free(&torture->other_stack);
}

static void script_switch(struct torture *torture, const struct place *place) {
  (void)place;
  for (int i = 0; i < 2; i++)
    script_add(torture, CALL(gait_fiber_switch), WORD(torture->thread), WORD(torture->fiber),
               WORD(coroutine_swap))
        ->arguments[3] = WORD(&torture->there);
}

const struct script scripts[] = {
    {"switch", script_switch, script_prepare_switch, script_finish_switch},
    {"swapcontext", script_switch, script_prepare_swapcontext, script_finish_switch},
    {"leave", script_leave, NULL, NULL},
    {"leave_late", script_leave_late, NULL, NULL},
    {"come_and_go", script_come_and_go, NULL, NULL},
    {"wrapper_o0", script_wrapper_o0, NULL, NULL},
    {"wrapper_o2", script_wrapper_o2, NULL, NULL},
    {"wrapper_deep_o0", script_wrapper_deep_o0, NULL, NULL},
    {"wrapper_deep_o2", script_wrapper_deep_o2, NULL, NULL},
    {"wrapper_spills", script_wrapper_spills, NULL, NULL},
    {"wrapper_vast", script_wrapper_vast, NULL, NULL},
    {"wrapper_full", script_wrapper_full, NULL, NULL},
    {"wrapper_far", script_wrapper_far, NULL, NULL},
    {"leave_far", script_leave_far, NULL, NULL},
    {"scope_o0", script_scope_o0, NULL, NULL},
    {"scope_o2", script_scope_o2, NULL, NULL},
    {"outside", script_outside, NULL, NULL},
    {"outside_nested_o0", script_outside_nested_o0, NULL, NULL},
    {"outside_nested_o2", script_outside_nested_o2, NULL, NULL},
    {"leave_nested", script_leave_nested, NULL, NULL},
    {"poll", script_poll, NULL, NULL},
    {"poll_inline", script_poll_inline, NULL, NULL},
    {"alloc", script_alloc, NULL, NULL},
    {"alloc_inline", script_alloc_inline, NULL, NULL},
    {"alloc_large", script_alloc_large, NULL, NULL},
    {"alloc_cycles", script_alloc_cycles, NULL, NULL},
    {"collect", script_collect, NULL, NULL},
    {"collect_both", script_collect_both, NULL, NULL},
    {"external", script_external, NULL, NULL},
    {"roots", script_roots, NULL, NULL},
    {"collect_second", script_collect_second, script_prepare_collect_second,
     script_finish_collect_second},
    {"poll_second", script_poll_second, script_prepare_poll_second, script_finish_poll_second},
    {"attach", script_attach, script_prepare_attach, script_finish_attach},
    {"attach_detach", script_attach_detach, script_create_second, script_destroy_second},
    {"create_destroy", script_create_destroy, NULL, NULL},
    {"fork", script_fork, NULL, NULL},
    {"fork_outside", script_fork_outside, NULL, NULL},
};
const size_t script_count = sizeof scripts / sizeof *scripts;
