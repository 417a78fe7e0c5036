/* late: one thread spins and never comes to a safepoint.  The log names it and where it spins, and
 * the other threads go on allocating while the collector waits for it.
 *
 *   stress_late           the stack is in the log, and the signal is as before
 *   stress_late off       option late_signal is 0: no stack
 *   stress_late own       the program has a handler for the signal and keeps it; the log says so
 *   stress_late blocked   the thread blocks the signal; the log says so */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gait/gait.h>
#include <gait/tune.h>

#include "../support/sanitizer.h"

/* There is none under thread sanitizer, and where the C library has no backtrace():
 * runtime/os/stack.c. */
#if defined(__has_include)
#if __has_include(<execinfo.h>)
#define LATE_HAS_STACKS (!SANITIZER_THREAD)
#endif
#endif
#ifndef LATE_HAS_STACKS
#define LATE_HAS_STACKS 0
#endif

#define LATE_WORKERS   2
#define LATE_OBJECTS   5000 /* that each worker has to allocate after the late thread was named */
#define LATE_BYTES     64
#define LATE_HEAP_GOAL ((int64_t)1 << 30) /* far more than the workers come to */

enum late_case { LATE_STACK, LATE_OFF, LATE_OWN, LATE_BLOCKED };

/*   about     the log speaks of the thread that spins; the collector's own
 *   told      it has named that thread and, unless stacks are off, said a line of its stack, or why
 *             there is none
 *   placed    the function in which it spins was in a line
 *   frames    lines of the stack */
struct late {
  gait_heap *heap;
  enum late_case what;
  bool about;
  atomic_bool spins;
  atomic_bool named;
  atomic_bool told;
  atomic_bool left_out;
  atomic_bool placed;
  atomic_int frames;
  atomic_bool stop;
  _Atomic uint64_t allocated[LATE_WORKERS];
  _Atomic uint32_t workers;
};

static void late_require(bool condition, const char *sentence) {
  if (condition) return;
  fprintf(stderr, "late: %s\n", sentence);
  exit(EXIT_FAILURE);
}

/* A worker that does not get to run may be late as well, which is no matter. */
static void late_take_line(const char *line, void *arg) {
  struct late *late = arg;
  bool left_out = strstr(line, "left out");
  bool frame = strncmp(line, "gait:   ", 8) == 0;
  if (!left_out && !frame) late->about = strstr(line, "\"spins\"");
  if (!late->about) return;
  atomic_store(&late->named, true);
  if (left_out) atomic_store(&late->left_out, true);
  if (frame) atomic_fetch_add(&late->frames, 1);
  if (frame && strstr(line, "late_spins_here")) atomic_store(&late->placed, true);
  if (left_out || frame || late->what == LATE_OFF) atomic_store(&late->told, true);
}

static gait_thread *late_attach(struct late *late, const char *name) {
  gait_thread *thread = NULL;
  late_require(gait_thread_attach(late->heap, name, GAIT_STACK_EXACT, &thread) == GAIT_OK,
               "a thread was not attached");
  return thread;
}

static void late_detach(gait_thread *thread) {
  late_require(gait_thread_detach(thread) == GAIT_OK, "a thread was not detached");
}

/* Allocates a little all the time. */
static void *late_work(void *arg) {
  struct late *late = arg;
  _Atomic uint64_t *allocated = &late->allocated[atomic_fetch_add(&late->workers, 1)];
  gait_thread *thread = late_attach(late, "works");
  while (!atomic_load(&late->stop)) {
    for (int i = 0; i < 100; i++)
      late_require(gait_alloc(thread, gait_kind_leaf(late->heap), LATE_BYTES) != NULL,
                   "an allocation failed");
    atomic_fetch_add(allocated, 100);
    gait_thread_leave(thread);
    usleep(500);
    gait_thread_enter(thread);
  }
  late_detach(thread);
  return NULL;
}

/* Spins until the log has told of it and every worker has gone on for a while after.  The log can
 * know its name: it is exported. */
void late_spins_here(struct late *late);
__attribute__((noinline, visibility("default"))) void late_spins_here(struct late *late) {
  uint64_t before[LATE_WORKERS];
  while (!atomic_load(&late->told)) {
  }
  for (int i = 0; i < LATE_WORKERS; i++)
    before[i] = atomic_load(&late->allocated[i]);
  for (int i = 0; i < LATE_WORKERS; i++)
    while (atomic_load(&late->allocated[i]) < before[i] + LATE_OBJECTS) {
    }
}

static void *late_spin(void *arg) {
  struct late *late = arg;
  sigset_t signals;
  sigemptyset(&signals);
  if (late->what == LATE_BLOCKED) sigaddset(&signals, SIGURG);
  late_require(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0, "a signal was not blocked");
  gait_thread *thread = late_attach(late, "spins");
  atomic_store(&late->spins, true);
  late_spins_here(late);
  gait_stats stats;
  gait_stats_read(late->heap, &stats);
  late_require(stats.cycles == 0, "the cycle ended without one of the threads");
  late_detach(thread);
  return NULL;
}

static void late_start(pthread_t *thread, void *(*function)(void *), struct late *late) {
  late_require(pthread_create(thread, NULL, function, late) == 0, "a thread was not made");
}

/* ---- What is said of the stack ---- */

static void late_own_handler(int number) {
  (void)number;
}

static void late_prepare_signal(enum late_case what) {
  struct sigaction own = {.sa_handler = late_own_handler};
  if (what == LATE_OWN) late_require(sigaction(SIGURG, &own, NULL) == 0, "the test has no handler");
}

static void late_check_signal(enum late_case what) {
  struct sigaction now;
  late_require(sigaction(SIGURG, NULL, &now) == 0, "the signal is not known");
  late_require(now.sa_handler == (what == LATE_OWN ? late_own_handler : SIG_DFL),
               "the signal is not handled as before");
}

static void late_check_log(struct late *late) {
  bool stack = late->what == LATE_STACK && LATE_HAS_STACKS;
  late_require(atomic_load(&late->named), "the cycle ended and nobody was late");
  late_require((atomic_load(&late->frames) > 0) == stack, "a stack, or none, against the option");
  late_require(atomic_load(&late->placed) == stack,
               "the stack does not say where the thread spins");
  late_require(atomic_load(&late->left_out) == (!stack && late->what != LATE_OFF),
               "the log does not say, or says, that there is no stack");
}

static enum late_case late_case_of(const char *name) {
  static const char *const names[] = {"stack", "off", "own", "blocked"};
  for (int i = LATE_STACK; i <= LATE_BLOCKED; i++)
    if (strcmp(name, names[i]) == 0) return (enum late_case)i;
  late_require(false, "it is run with: stack, off, own or blocked");
  return LATE_STACK;
}

int main(int argc, char **argv) {
  static struct late late;
  pthread_t spinner, workers[LATE_WORKERS];
  gait_options options;
  late.what = late_case_of(argc > 1 ? argv[1] : "stack");
  late_prepare_signal(late.what);
  gait_options_init(&options);
  options.late_ms = 20;
  if (late.what == LATE_OFF) options.late_signal = 0;
  options.min_heap_bytes = LATE_HEAP_GOAL;
  options.log = late_take_line;
  options.log_arg = &late;
  late_require(gait_heap_create(&options, &late.heap) == GAIT_OK, "there is no heap");
  for (int i = 0; i < LATE_WORKERS; i++)
    late_start(&workers[i], late_work, &late);
  late_start(&spinner, late_spin, &late);
  while (!atomic_load(&late.spins))
    usleep(100);
  gait_thread *thread = late_attach(&late, "asks");
  late_require(gait_heap_collect(thread) == GAIT_OK, "the collection was refused");
  late_check_log(&late);
  late_check_signal(late.what);
  late_detach(thread);
  atomic_store(&late.stop, true);
  pthread_join(spinner, NULL);
  for (int i = 0; i < LATE_WORKERS; i++)
    pthread_join(workers[i], NULL);
  late_require(gait_heap_destroy(late.heap) == GAIT_OK, "the heap was not destroyed");
  return EXIT_SUCCESS;
}
