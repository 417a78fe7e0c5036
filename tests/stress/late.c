/* late: one thread spins and never comes to a safepoint.  The log names it, and the other threads
 * go on allocating while the collector waits for it. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gait/gait.h>

#define LATE_WORKERS   2
#define LATE_OBJECTS   5000 /* that each worker has to allocate after the late thread was named */
#define LATE_BYTES     64
#define LATE_HEAP_GOAL ((int64_t)1 << 30) /* far more than the workers come to */

struct late {
  gait_heap *heap;
  atomic_bool spins;
  atomic_bool named;
  atomic_bool stop;
  _Atomic uint64_t allocated[LATE_WORKERS];
  _Atomic uint32_t workers;
};

static void late_require(bool condition, const char *sentence) {
  if (condition) return;
  fprintf(stderr, "late: %s\n", sentence);
  exit(EXIT_FAILURE);
}

static void late_take_line(const char *line, void *arg) {
  struct late *late = arg;
  if (strstr(line, "\"spins\"")) atomic_store(&late->named, true);
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
    gait_leave(thread);
    usleep(500);
    gait_enter(thread);
  }
  late_detach(thread);
  return NULL;
}

/* Spins until it was named and every worker has gone on for a while after. */
static void *late_spin(void *arg) {
  struct late *late = arg;
  uint64_t before[LATE_WORKERS];
  gait_thread *thread = late_attach(late, "spins");
  atomic_store(&late->spins, true);
  while (!atomic_load(&late->named)) {
  }
  for (int i = 0; i < LATE_WORKERS; i++)
    before[i] = atomic_load(&late->allocated[i]);
  for (int i = 0; i < LATE_WORKERS; i++)
    while (atomic_load(&late->allocated[i]) < before[i] + LATE_OBJECTS) {
    }
  gait_stats stats;
  gait_stats_read(late->heap, &stats);
  late_require(stats.cycles == 0, "the cycle ended without one of the threads");
  late_detach(thread);
  return NULL;
}

static void late_start(pthread_t *thread, void *(*function)(void *), struct late *late) {
  late_require(pthread_create(thread, NULL, function, late) == 0, "a thread was not made");
}

int main(void) {
  static struct late late;
  pthread_t spinner, workers[LATE_WORKERS];
  gait_options options;
  gait_options_init(&options);
  options.late_ms = 20;
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
  late_require(gait_collect(thread) == GAIT_OK, "the collection was refused");
  late_require(atomic_load(&late.named), "the cycle ended and nobody was late");
  late_detach(thread);
  atomic_store(&late.stop, true);
  pthread_join(spinner, NULL);
  for (int i = 0; i < LATE_WORKERS; i++)
    pthread_join(workers[i], NULL);
  late_require(gait_heap_destroy(late.heap) == GAIT_OK, "the heap was not destroyed");
  return EXIT_SUCCESS;
}
