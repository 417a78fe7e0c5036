/* misused_fibers: each of these ends by a named check in a child; where a call has a result, a
 * release build returns it instead, and the child exits with it. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gait/fiber.h>

#include "../support/coroutine.h"
#include "../support/sanitizer.h"
#include "apart.h"

#define FIBER_BYTES ((size_t)256 << 10)
#define ABORTS      (-1) /* in every build */

static gait_heap *heap;
static gait_thread *thread;
static gait_fiber *fiber;
static struct coroutine own, stack;
static struct coroutine_swap in = {&own, &stack}, out = {&stack, &own};
static int (*body)(void);
static int result; /* of the body */

static void fiber_main(void *arg) {
  (void)arg;
  result = body();
  for (;;)
    thread = gait_fiber_switch(thread, NULL, coroutine_swap, &out);
}

static gait_fiber *fiber_register(gait_thread *of, gait_thread_roots roots) {
  gait_fiber *made = NULL;
  apart_must(gait_fiber_register(of, stack.low, FIBER_BYTES, roots, &made) == GAIT_OK, "no fiber");
  return made;
}

static void fiber_open(int (*function)(void)) {
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF;
  body = function;
  apart_must(gait_heap_create(&options, &heap) == GAIT_OK, "no heap");
  apart_must(gait_thread_attach(heap, NULL, GAIT_STACK_CONSERVATIVE, &thread) == GAIT_OK,
             "no thread");
  apart_must(coroutine_make(&stack, FIBER_BYTES, false, fiber_main, NULL), "no stack");
  fiber = fiber_register(thread, GAIT_STACK_CONSERVATIVE);
}

static int fiber_go_in(void) {
  gait_fiber_switch(thread, fiber, coroutine_swap, &in);
  return result;
}

static int fiber_return(void) {
  return EXIT_SUCCESS;
}

/* ---- Switches ---- */

static int body_to_itself(void) {
  gait_fiber_switch(thread, fiber, coroutine_swap, &in);
  return EXIT_SUCCESS;
}

static int to_itself(void) {
  fiber_open(body_to_itself);
  return fiber_go_in();
}

static int to_the_own_stack_on_it(void) {
  fiber_open(fiber_return);
  gait_fiber_switch(thread, NULL, coroutine_swap, &out);
  return EXIT_SUCCESS;
}

static void *other_goes_in(void *arg) {
  struct coroutine other = {0};
  struct coroutine_swap swap = {&other, &stack};
  gait_thread *mine;
  apart_must(gait_thread_attach(heap, NULL, GAIT_STACK_EXACT, &mine) == GAIT_OK, "no thread");
  gait_fiber_switch(mine, fiber, coroutine_swap, &swap);
  return arg;
}

static int body_waits_for_other(void) {
  pthread_t other;
  pthread_create(&other, NULL, other_goes_in, NULL);
  gait_thread_leave(thread);
  pthread_join(other, NULL);
  return EXIT_SUCCESS;
}

static int to_one_that_runs(void) {
  fiber_open(body_waits_for_other);
  return fiber_go_in();
}

static int body_finishes(void) {
  gait_fiber_finish(thread, NULL, coroutine_swap, &out);
}

static int to_one_that_has_finished(void) {
  fiber_open(body_finishes);
  fiber_go_in();
  return fiber_go_in();
}

/* By a swap that Gait knows nothing of. */
static int finished_one_goes_on(void) {
  fiber_open(body_finishes);
  fiber_go_in();
  coroutine_swap(&in);
  return EXIT_SUCCESS;
}

static int finish_without_one(void) {
  fiber_open(fiber_return);
  gait_fiber_finish(thread, fiber, coroutine_swap, &in);
}

static int to_one_that_is_none(void) {
  fiber_open(fiber_return);
  apart_must(gait_fiber_unregister(thread, fiber) == GAIT_OK, "it stays");
  return fiber_go_in();
}

static gait_thread *fiber_other_heap(void) {
  gait_heap *other;
  gait_thread *attached;
  apart_must(gait_heap_create(NULL, &other) == GAIT_OK, "no other heap");
  apart_must(gait_thread_attach(other, NULL, GAIT_STACK_EXACT, &attached) == GAIT_OK, "no thread");
  return attached;
}

static int to_one_of_another_heap(void) {
  fiber_open(fiber_return);
  fiber = fiber_register(fiber_other_heap(), GAIT_STACK_EXACT);
  return fiber_go_in();
}

static int switch_outside(void) {
  fiber_open(fiber_return);
  gait_thread_leave(thread);
  return fiber_go_in();
}

static void *other_switches(void *arg) {
  fiber_go_in();
  return arg;
}

static int switch_from_elsewhere(void) {
  fiber_open(fiber_return);
  pthread_t other;
  pthread_create(&other, NULL, other_switches, NULL);
  gait_thread_leave(thread);
  pthread_join(other, NULL);
  return EXIT_SUCCESS;
}

static void fiber_stays(void *arg) {
  (void)arg;
}

static int swap_that_swaps_nothing(void) {
  fiber_open(fiber_return);
  gait_fiber_switch(thread, fiber, fiber_stays, NULL);
  return EXIT_SUCCESS;
}

/* A parked fiber is gone on with by a swap alone: it finds that it is parked. */
static int swap_without_a_switch(void) {
  fiber_open(fiber_return);
  fiber_go_in();
  coroutine_swap(&in);
  return EXIT_SUCCESS;
}

#if !SANITIZER_ADDRESS
static int body_changes_frame(void) {
  gait_frame frame;
  void *slots[2] = {NULL, NULL};
  gait_frame_push(thread, &frame, slots, 2);
  frame.count = 1;
  return EXIT_SUCCESS;
}

static int frame_left_linked(void) {
  fiber_open(body_changes_frame);
  return fiber_go_in();
}
#endif

/* ---- Stacks ---- */

static int body_collects(void) {
  return (int)gait_heap_collect(thread);
}

static int stack_is_another(void) {
  static char elsewhere[4096];
  fiber_open(body_collects);
  apart_must(gait_fiber_register(thread, elsewhere, sizeof elsewhere, GAIT_STACK_CONSERVATIVE,
                                 &fiber) == GAIT_OK,
             "no fiber");
  return fiber_go_in();
}

/* The thread is on its own stack, and Gait does not know. */
static int back_without_a_switch(void) {
  fiber_open(fiber_return);
  gait_fiber_switch(thread, fiber, fiber_stays, NULL);
  return (int)gait_heap_collect(thread);
}

/* ---- Ends ---- */

static int body_unregisters(void) {
  return (int)gait_fiber_unregister(thread, fiber);
}

static int unregister_the_running(void) {
  fiber_open(body_unregisters);
  return fiber_go_in();
}

static int unregister_twice(void) {
  fiber_open(fiber_return);
  apart_must(gait_fiber_unregister(thread, fiber) == GAIT_OK, "it stays");
  return (int)gait_fiber_unregister(thread, fiber);
}

static int unregister_of_another_heap(void) {
  fiber_open(fiber_return);
  return (int)gait_fiber_unregister(fiber_other_heap(), fiber);
}

static int unregister_outside(void) {
  fiber_open(fiber_return);
  gait_thread_leave(thread);
  return (int)gait_fiber_unregister(thread, fiber);
}

static int register_outside(void) {
  fiber_open(fiber_return);
  gait_thread_leave(thread);
  return (int)gait_fiber_register(thread, stack.low, FIBER_BYTES, GAIT_STACK_EXACT, &fiber);
}

static int value_of_none(void) {
  fiber_open(fiber_return);
  apart_must(gait_fiber_unregister(thread, fiber) == GAIT_OK, "it stays");
  return gait_fiber_value(fiber) != NULL;
}

static int value_to_none(void) {
  fiber_open(fiber_return);
  apart_must(gait_fiber_unregister(thread, fiber) == GAIT_OK, "it stays");
  gait_fiber_set_value(thread, fiber, NULL);
  return EXIT_SUCCESS;
}

static int body_detaches(void) {
  return (int)gait_thread_detach(thread);
}

static int detach_on_one(void) {
  fiber_open(body_detaches);
  return fiber_go_in();
}

static int body_exits(void) {
  pthread_exit(NULL);
}

static void *exits_on_one(void *arg) {
  fiber_open(body_exits);
  fiber_go_in();
  return arg;
}

static int exit_on_one(void) {
  pthread_t other;
  pthread_create(&other, NULL, exits_on_one, NULL);
  pthread_join(other, NULL);
  return EXIT_SUCCESS;
}

/* ---- Nothing ---- */

static int switch_of_no_thread(void) {
  fiber_open(fiber_return);
  gait_fiber_switch(NULL, fiber, coroutine_swap, &in);
  return EXIT_SUCCESS;
}

static int switch_by_no_swap(void) {
  fiber_open(fiber_return);
  gait_fiber_switch(thread, fiber, NULL, &in);
  return EXIT_SUCCESS;
}

static int finish_of_no_thread(void) {
  fiber_open(fiber_return);
  gait_fiber_finish(NULL, NULL, coroutine_swap, &out);
}

static int current_of_no_thread(void) {
  return gait_fiber_current(NULL) != NULL;
}

static int value_by_no_thread(void) {
  fiber_open(fiber_return);
  gait_fiber_set_value(NULL, fiber, NULL);
  return EXIT_SUCCESS;
}

static int value_to_nothing(void) {
  fiber_open(fiber_return);
  gait_fiber_set_value(thread, NULL, NULL);
  return EXIT_SUCCESS;
}

static int value_of_nothing(void) {
  return gait_fiber_value(NULL) != NULL;
}

/* ---- Forks ---- */

static pthread_barrier_t both;

static int body_stays_outside(void) {
  gait_thread_leave(thread);
  pthread_barrier_wait(&both);
  pthread_barrier_wait(&both);
  return EXIT_SUCCESS;
}

static void *other_runs_it(void *arg) {
  apart_must(gait_thread_attach(heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK, "no thread");
  fiber_go_in();
  return arg;
}

/* Its thread is not there in the child. */
static int to_one_that_is_lost(void) {
  pthread_t other;
  fiber_open(body_stays_outside);
  gait_thread *mine = thread;
  pthread_barrier_init(&both, NULL, 2);
  pthread_create(&other, NULL, other_runs_it, NULL);
  gait_thread_leave(mine);
  pthread_barrier_wait(&both);
  gait_thread_enter(mine);
  const pid_t child = fork();
  if (child == 0) {
    thread = mine;
    return fiber_go_in();
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) abort();
  return EXIT_SUCCESS;
}

/* ---- The test ---- */

struct misuse {
  const char *name;
  int (*run)(void);
  const char *check;
  int result; /* of a release build, or ABORTS */
};

static const struct misuse misuses[] = {
    {"to itself", to_itself, "fiber.parked", ABORTS},
    {"to the own stack, on it", to_the_own_stack_on_it, "fiber.parked", ABORTS},
    {"to one that runs", to_one_that_runs, "fiber.parked", ABORTS},
    {"to one that has finished", to_one_that_has_finished, "fiber.finished", ABORTS},
    {"a finished one goes on", finished_one_goes_on, "fiber.finished", ABORTS},
    {"finish without one", finish_without_one, "fiber.finish", ABORTS},
    {"to one that is none", to_one_that_is_none, "fiber.registered", ABORTS},
    {"to one of another heap", to_one_of_another_heap, "fiber.heap", ABORTS},
    {"switch outside", switch_outside, "thread.managed", ABORTS},
    {"switch from elsewhere", switch_from_elsewhere, "thread.owner", ABORTS},
    {"a swap that swaps nothing", swap_that_swaps_nothing, "fiber.swap", ABORTS},
    {"a swap without a switch", swap_without_a_switch, "fiber.swap", ABORTS},
#if !SANITIZER_ADDRESS /* which reports it itself */
    {"a frame left linked", frame_left_linked, "frame.intact", ABORTS},
#endif
    {"the stack is another", stack_is_another, "thread.stack", ABORTS},
    {"back without a switch", back_without_a_switch, "fiber.swap", ABORTS},
    {"unregister the running", unregister_the_running, "fiber.running", GAIT_ERROR_STATE},
    {"unregister twice", unregister_twice, "fiber.registered", GAIT_ERROR_STATE},
    {"unregister of another heap", unregister_of_another_heap, "fiber.heap", GAIT_ERROR_STATE},
    {"unregister outside", unregister_outside, "fiber.managed", GAIT_ERROR_STATE},
    {"register outside", register_outside, "fiber.managed", GAIT_ERROR_STATE},
    {"the value of none", value_of_none, "fiber.registered", ABORTS},
    {"a value to none", value_to_none, "fiber.registered", ABORTS},
    {"detach on one", detach_on_one, "thread.fiber", GAIT_ERROR_STATE},
    {"to one that is lost", to_one_that_is_lost, "fiber.lost", ABORTS},
    {"switch of no thread", switch_of_no_thread, "argument.null", ABORTS},
    {"switch by no swap", switch_by_no_swap, "argument.null", ABORTS},
    {"finish of no thread", finish_of_no_thread, "argument.null", ABORTS},
    {"current of no thread", current_of_no_thread, "argument.null", ABORTS},
    {"a value by no thread", value_by_no_thread, "argument.null", ABORTS},
    {"a value to nothing", value_to_nothing, "argument.null", ABORTS},
    {"the value of nothing", value_of_nothing, "argument.null", ABORTS},
    {"exit on one", exit_on_one, "thread.fiber", ABORTS},
};

static int misuse_run(const void *arg) {
  return ((const struct misuse *)arg)->run();
}

static void misuse_expect(const struct misuse *misuse) {
  static char said[4096];
  char expected[128];
  const int status = apart_run(misuse_run, misuse, said, sizeof said);
  snprintf(expected, sizeof expected, "gait: REQUIRE(%s) failed in ", misuse->check);
  const bool aborts = GAITI_CHECK_SLOW || misuse->result == ABORTS;
  const bool holds =
      aborts ? WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(said, expected) != NULL
             : WIFEXITED(status) && WEXITSTATUS(status) == misuse->result;
  if (!holds) fprintf(stderr, "status %#x; it said: %s\n", (unsigned)status, said);
  apart_must(holds, misuse->name);
}

int main(void) {
  for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++)
    misuse_expect(&misuses[i]);
  return EXIT_SUCCESS;
}
