/* checkers: misuse that only the options checkmark and poison can see.  Each runs in a child, whose
 * report has to name the check and what it is about. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <gait/gait.h>

#include "../support/sanitizer.h"
#include "apart.h"

static gait_heap *checkers_heap;
static gait_thread *checkers_thread;
static gait_kind checkers_gate_kind;
static gait_kind checkers_words;
static gait_frame checkers_frame;
static void *checkers_slots[4];
static atomic_bool checkers_entered, checkers_may_leave, checkers_once;

/* ---- A store without the barrier ---- */

/* Marking stands still in here, the first time, until the program has changed the object. */
static void checkers_trace_gate(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)bytes, (void)arg;
  if (!atomic_exchange(&checkers_once, true)) {
    atomic_store(&checkers_entered, true);
    while (!atomic_load(&checkers_may_leave))
      sched_yield();
  }
  gait_trace_slot(tracer, object);
}

static void *checkers_collect(void *arg) {
  (void)arg;
  gait_thread *thread;
  apart_must(gait_thread_attach(checkers_heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK,
             "no second thread");
  gait_heap_collect(thread);
  gait_thread_detach(thread);
  return NULL;
}

/* The gate's referent moves, without the barrier, to a place that marking has been at: to an object
 * made since, or to the frame of a thread that was scanned. */
static void checkers_hide(bool in_object) {
  pthread_t collects;
  void **gate = checkers_slots[0] = gait_alloc(checkers_thread, checkers_gate_kind, 16);
  void *hidden = gait_alloc(checkers_thread, checkers_words, 48);
  apart_must(gate && hidden, "no objects");
  gait_store_init(checkers_thread, gate, hidden);
  apart_must(pthread_create(&collects, NULL, checkers_collect, NULL) == 0, "no thread");
  while (!atomic_load(&checkers_entered))
    gait_thread_poll(checkers_thread);
  if (in_object) {
    void **fresh = checkers_slots[1] = gait_alloc(checkers_thread, checkers_words, 32);
    apart_must(fresh != NULL, "no object");
    *fresh = *gate;
  } else {
    checkers_slots[2] = *gate;
  }
  *gate = NULL;
  atomic_store(&checkers_may_leave, true);
  gait_thread_leave(checkers_thread);
  pthread_join(collects, NULL);
}

static void checkers_hide_in_object(void) {
  checkers_hide(true);
}
static void checkers_hide_in_frame(void) {
  checkers_hide(false);
}

/* ---- Writing to an object that is dead ---- */

static void checkers_write_to_the_dead(void) {
  enum { COUNT = 1000 };
  static uint64_t *objects[COUNT];
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < COUNT; i++) {
      objects[i] = gait_alloc(checkers_thread, checkers_words, 64);
      apart_must(objects[i] != NULL, "no object");
    }
    checkers_slots[3] = objects[COUNT / 2];
    apart_must(gait_heap_collect(checkers_thread) == GAIT_OK, "no collection");
    if (round == 0) objects[COUNT / 2 + 1][2] = 7;
  }
}

/* ---- The cases ---- */

static const struct checkers_case {
  const char *name;
  void (*run)(void);
  const char *says[3];
} checkers_cases[] = {
    {"a reference is hidden in a new object",
     checkers_hide_in_object,
     {"CHECK(checkmark) failed", "is reachable and was not marked", "it is referred to by object"}},
    {"a reference is hidden in a scanned frame",
     checkers_hide_in_frame,
     {"CHECK(checkmark) failed", "is reachable and was not marked", "of thread \"checkers\""}},
    {"an object is written to when it is dead",
     checkers_write_to_the_dead,
     {"CHECK(cache.poison) failed", "used after it became unreachable", ""}},
};

static int checkers_child(const void *arg) {
  const struct checkers_case *one = arg;
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF;
  options.debug.checkmark = options.debug.poison = options.debug.heap_walk = 1;
  apart_must(gait_heap_create(&options, &checkers_heap) == GAIT_OK, "no heap");
  apart_must(gait_thread_attach(checkers_heap, "checkers", GAIT_STACK_EXACT, &checkers_thread) ==
                 GAIT_OK,
             "no thread");
  gait_frame_push(checkers_thread, &checkers_frame, checkers_slots, 4);
  const gait_kind_info info = {
      .name = "gate", .form = GAIT_KIND_CALLBACK, .trace = checkers_trace_gate};
  apart_must(gait_kind_register(checkers_heap, &info, &checkers_gate_kind) == GAIT_OK, "no kind");
  checkers_words = gait_kind_conservative(checkers_heap);
  one->run();
  return EXIT_SUCCESS;
}

static void checkers_expect(const struct checkers_case *one) {
  static char text[65536];
  const int status = apart_run(checkers_child, one, text, sizeof text);
  bool said = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  for (size_t i = 0; i < 3; i++)
    said = said && strstr(text, one->says[i]);
  if (!said) fprintf(stderr, "status %#x; it said: %s\n", (unsigned)status, text);
  apart_must(said, one->name);
}

int main(void) {
  /* AddressSanitizer notices the last one first: freed.c. */
  const size_t count = sizeof checkers_cases / sizeof *checkers_cases - SANITIZER_ADDRESS;
  for (size_t i = 0; i < count; i++)
    checkers_expect(&checkers_cases[i]);
  return EXIT_SUCCESS;
}
