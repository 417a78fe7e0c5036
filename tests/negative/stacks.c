/* stacks: what a program may not do with its stack, each in a child that is to abort by a named
 * check: before, the collector ran into memory that was not there, or lost what was. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>

#include <gait/gait.h>

#include "../support/sanitizer.h"
#include "apart.h"

static gait_heap *stacks_heap;
static gait_thread *stacks_thread;

static void stacks_open(gait_thread_roots roots) {
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF;
  apart_must(gait_heap_create(&options, &stacks_heap) == GAIT_OK, "no heap");
  apart_must(gait_thread_attach(stacks_heap, NULL, roots, &stacks_thread) == GAIT_OK, "no thread");
}

/* ---- A stack that is not the thread's own ---- */

static ucontext_t stacks_own, stacks_other;

static void stacks_coroutine_run(void (*function)(void)) {
  const size_t bytes = 256 * 1024;
  apart_must(getcontext(&stacks_other) == 0, "no context");
  stacks_other.uc_stack.ss_sp = malloc(bytes);
  stacks_other.uc_stack.ss_size = bytes;
  stacks_other.uc_link = &stacks_own;
  makecontext(&stacks_other, function, 0);
  apart_must(swapcontext(&stacks_own, &stacks_other) == 0, "no switch");
}

static void stacks_collect(void) {
  gait_heap_collect(stacks_thread);
}

static void stacks_leave(void) {
  gait_thread_leave(stacks_thread);
  gait_thread_enter(stacks_thread);
}

static void coroutine_leaves(void) {
  stacks_open(GAIT_STACK_CONSERVATIVE);
  stacks_coroutine_run(stacks_leave);
}

static void coroutine_collects(void) {
  stacks_open(GAIT_STACK_CONSERVATIVE);
  stacks_coroutine_run(stacks_collect);
}

/* Exact frames are found wherever they are. */
static void exact_coroutine_collects(void) {
  stacks_open(GAIT_STACK_EXACT);
  stacks_coroutine_run(stacks_collect);
  stacks_coroutine_run(stacks_leave);
}

/* ---- Frames ---- */

#if !SANITIZER_ADDRESS
static __attribute__((noinline)) void stacks_push_and_forget(void) {
  gait_frame frame;
  void *slots[2] = {NULL, NULL};
  gait_frame_push(stacks_thread, &frame, slots, 2);
}

static __attribute__((noinline)) void stacks_scrub(void) {
  volatile char frames[8192];
  for (size_t i = 0; i < sizeof frames; i++)
    frames[i] = (char)0xa5;
}

static void frame_left_linked(void) {
  stacks_open(GAIT_STACK_EXACT);
  stacks_push_and_forget();
  stacks_scrub();
  gait_thread_leave(stacks_thread);
}

/* The function went by longjmp, and another frame was linked since: the innermost is whole. */
static void outer_frame_left_linked(void) {
  stacks_open(GAIT_STACK_EXACT);
  stacks_push_and_forget();
  stacks_scrub();
  gait_frame frame;
  void *slots[1] = {NULL};
  gait_frame_push(stacks_thread, &frame, slots, 1);
  gait_heap_collect(stacks_thread);
  gait_thread_leave(stacks_thread);
  gait_thread_enter(stacks_thread);
  gait_heap_collect(stacks_thread);
  gait_thread_leave(stacks_thread);
  gait_thread_enter(stacks_thread);
}

#endif

/* As by a function that went by longjmp and is called again. */
static void frame_linked_twice(void) {
  stacks_open(GAIT_STACK_EXACT);
  gait_frame frame;
  void *slots[2] = {NULL, NULL};
  gait_frame_push(stacks_thread, &frame, slots, 2);
  gait_frame_push(stacks_thread, &frame, slots, 2);
  gait_heap_collect(stacks_thread);
  gait_thread_leave(stacks_thread);
  gait_thread_enter(stacks_thread);
}

static void frames_lead_round(void) {
  stacks_open(GAIT_STACK_EXACT);
  gait_frame frames[7];
  void *slots[2] = {NULL, NULL};
  for (unsigned i = 0; i < 10; i++)
    gait_frame_push(stacks_thread, &frames[i % 7], slots, 2);
  gait_heap_collect(stacks_thread);
  gait_thread_leave(stacks_thread);
  gait_thread_enter(stacks_thread);
}

static void frame_changed(void) {
  stacks_open(GAIT_STACK_EXACT);
  gait_frame frame;
  void *slots[2] = {NULL, NULL};
  gait_frame_push(stacks_thread, &frame, slots, 2);
  frame.count = 1;
  gait_thread_leave(stacks_thread);
}

/* ---- Where managed code is entered ---- */

static __attribute__((noinline)) void stacks_leave_within(size_t bytes) {
  volatile char *frame = __builtin_alloca(bytes);
  frame[0] = frame[bytes - 1] = 1;
  gait_thread_leave(stacks_thread);
  frame[0] = 2;
}

static __attribute__((noinline)) void stacks_leave_far_down(size_t bytes) {
  volatile char *frame = __builtin_alloca(bytes);
  frame[0] = frame[bytes - 1] = 1;
  stacks_leave_within(16);
  frame[0] = 2;
}

static void entered_far_up(void) {
  stacks_open(GAIT_STACK_CONSERVATIVE);
  stacks_leave_far_down(4096);
  gait_thread_enter(stacks_thread);
}

static void entered_a_wrapper_up(void) {
  stacks_open(GAIT_STACK_CONSERVATIVE);
  stacks_leave_within(8192);
  gait_thread_enter(stacks_thread);
  stacks_leave_far_down(256);
  gait_thread_enter(stacks_thread);
  gait_heap_collect(stacks_thread);
}

static void exact_entered_far_up(void) {
  stacks_open(GAIT_STACK_EXACT);
  stacks_leave_far_down(4096);
  gait_thread_enter(stacks_thread);
  gait_heap_collect(stacks_thread);
}

/* ---- The test ---- */

struct stacks_case {
  const char *name;
  void (*run)(void);
  const char *check; /* NULL: it may be done */
};

static const struct stacks_case stacks_cases[] = {
    {"a coroutine leaves", coroutine_leaves, "thread.stack"},
    {"a coroutine collects", coroutine_collects, "thread.stack"},
    {"a coroutine collects with exact frames", exact_coroutine_collects, NULL},
#if !SANITIZER_ADDRESS /* which leaves gaps between variables that nothing overwrites */
    {"a frame is left linked", frame_left_linked, "frame.intact"},
    {"an outer frame is left linked", outer_frame_left_linked, "frame.intact"},
#endif
    {"a frame is linked twice", frame_linked_twice, "frame.intact"},
    {"frames lead round", frames_lead_round, "frame.intact"},
    {"a frame is changed", frame_changed, "frame.intact"},
    {"managed code is entered far up", entered_far_up, "thread.frame"},
    {"managed code is entered a wrapper up", entered_a_wrapper_up, NULL},
    {"exact: managed code is entered far up", exact_entered_far_up, NULL},
};

static int stacks_run(const void *arg) {
  ((const struct stacks_case *)arg)->run();
  return EXIT_SUCCESS;
}

static void stacks_expect(const struct stacks_case *test) {
  static char said[4096];
  char expected[128];
  const int status = apart_run(stacks_run, test, said, sizeof said);
  snprintf(expected, sizeof expected, "gait: REQUIRE(%s) failed in ", test->check);
  const bool holds = test->check ? WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                                       strstr(said, expected) != NULL
                                 : WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
  if (!holds) fprintf(stderr, "status %#x; it said: %s\n", (unsigned)status, said);
  apart_must(holds, test->name);
}

int main(void) {
  for (size_t i = 0; i < sizeof stacks_cases / sizeof *stacks_cases; i++)
    stacks_expect(&stacks_cases[i]);
  return EXIT_SUCCESS;
}
