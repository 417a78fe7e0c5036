/* shapes: runs shapes, one after another, each on a heap of its own.
 *
 *   shapes [--seed N] [--rounds N] [--scale N] [--cycles N] [SHAPE...]
 *
 * Without names all shapes are run.  With --cycles rounds are added until so many cycles have run.
 * One heap in four has Gait's defaults; the rest frees with poison, walks the heap and collects
 * more often than it would. */
#include "shapes.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
  const char *name;
  shape_fn *run;
} shapes[] = {{"lists", shape_lists},   {"trees", shape_trees},
              {"quads", shape_quads},   {"queues", shape_queues},
              {"mixed", shape_mixed},   {"short_lives", shape_short_lives},
              {"tables", shape_tables}, {"strings", shape_strings},
              {"rings", shape_rings},   {"recursion", shape_recursion}};
static const size_t shape_count = sizeof shapes / sizeof *shapes;

void shape_fail(const struct shape_run *run, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "shapes: seed %" PRIu64 ": %s: ", run->seed, run->name);
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  abort();
}

/* ---- What all shapes do ---- */

void *shape_alloc(struct shape_worker *worker, gait_kind kind, size_t bytes) {
  void *object = gait_alloc(worker->thread, kind, bytes);
  if (!object) shape_fail(worker->run, "there is no memory for %zu bytes", bytes);
  return object;
}

gait_kind shape_kind(const struct shape_run *run, const char *name, uint64_t pointers,
                     bool repeats) {
  gait_kind kind;
  const size_t words = (size_t)(64 - __builtin_clzll(pointers));
  const gait_kind_info info = {.name = name,
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = words * sizeof(void *),
                               .pointer_map = &pointers,
                               .repeat_bytes = repeats ? sizeof(void *) : 0};
  if (gait_kind_register(run->heap, &info, &kind) != GAIT_OK)
    shape_fail(run, "the kind %s was not registered", name);
  return kind;
}

void shape_roots(const struct shape_run *run, void *start, size_t bytes) {
  if (gait_roots_add(run->heap, start, bytes, GAIT_ROOTS_BARRIERED) != GAIT_OK)
    shape_fail(run, "roots were not added");
}

void shape_roots_end(const struct shape_run *run, void *start) {
  if (gait_roots_remove(run->heap, start) != GAIT_OK) shape_fail(run, "roots were not removed");
}

void shape_lock(struct shape_worker *worker, pthread_mutex_t *mutex) {
  if (pthread_mutex_trylock(mutex) == 0) return;
  gait_thread_leave(worker->thread);
  pthread_mutex_lock(mutex);
  gait_thread_enter(worker->thread);
}

void shape_wait(struct shape_worker *worker, pthread_cond_t *condition, pthread_mutex_t *mutex) {
  gait_thread_leave(worker->thread);
  pthread_cond_wait(condition, mutex);
  gait_thread_enter(worker->thread);
}

struct shape_start {
  struct shape_worker worker;
  shape_work *work;
  pthread_t id;
};

static void *shape_thread(void *arg) {
  struct shape_start *start = arg;
  struct shape_worker *worker = &start->worker;
  if (gait_thread_attach(worker->run->heap, worker->run->name, GAIT_STACK_CONSERVATIVE,
                         &worker->thread) != GAIT_OK)
    shape_fail(worker->run, "a thread was not attached");
  start->work(worker);
  if (worker->thread && gait_thread_detach(worker->thread) != GAIT_OK)
    shape_fail(worker->run, "a thread was not detached");
  return NULL;
}

void shape_threads(struct shape_run *run, uint32_t count, shape_work *work, void *arg) {
  static _Thread_local struct shape_start starts[SHAPE_MAX_THREADS];
  uint64_t random = run->seed ^ count;
  for (uint32_t i = 0; i < count; i++) {
    starts[i] = (struct shape_start){
        .worker = {.run = run, .arg = arg, .index = i, .random = random_next(&random)},
        .work = work};
    if (pthread_create(&starts[i].id, NULL, shape_thread, &starts[i]) != 0)
      shape_fail(run, "there is no thread");
  }
  for (uint32_t i = 0; i < count; i++)
    pthread_join(starts[i].id, NULL);
}

/* ---- Runs ---- */

static gait_heap *shape_heap(const struct shape_run *run) {
  gait_heap *heap = NULL;
  gait_options options;
  uint64_t random = run->seed;
  gait_options_init(&options);
  if (random_below(&random, 4)) {
    options.debug.poison = options.debug.heap_walk = 1;
    options.gogc_percent = 20 + random_below(&random, 100);
    options.min_heap_bytes = (int64_t)1 << (16 + random_below(&random, 5));
    options.barrierless = random_below(&random, 8) == 0;
    options.debug.delay_us = random_below(&random, 2) ? 0 : random_below(&random, 200);
    if (random_below(&random, 3) == 0)
      options.debug.collect_every = 100 + random_below(&random, 3000);
  }
  if (gait_heap_create(&options, &heap) != GAIT_OK) shape_fail(run, "there is no heap");
  return heap;
}

/* Returns how many cycles it took. */
static uint64_t shape_run_once(size_t which, uint64_t seed, uint32_t scale) {
  gait_stats stats;
  struct shape_run run = {.name = shapes[which].name, .seed = seed, .scale = scale};
  run.heap = shape_heap(&run);
  shapes[which].run(&run);
  gait_stats_read(run.heap, &stats);
  if (gait_heap_destroy(run.heap) != GAIT_OK) shape_fail(&run, "the heap was not destroyed");
  return stats.cycles;
}

static bool shape_is_chosen(const char *name, char *const *chosen) {
  if (!*chosen) return true;
  for (; *chosen; chosen++)
    if (strcmp(*chosen, name) == 0) return true;
  return false;
}

static uint64_t shape_number(const char *text) {
  char *end;
  const uint64_t number = strtoull(text, &end, 0);
  if (end != text && !*end) return number;
  fprintf(stderr, "shapes: %s is no number\n", text);
  exit(EXIT_FAILURE);
}

int main(int argc, char **argv) {
  static const struct option names[] = {{"seed", required_argument, NULL, 's'},
                                        {"rounds", required_argument, NULL, 'r'},
                                        {"scale", required_argument, NULL, 'n'},
                                        {"cycles", required_argument, NULL, 'c'},
                                        {NULL, 0, NULL, 0}};
  uint64_t seed = (uint64_t)time(NULL), rounds = 1, scale = 1, least = 0, cycles = 0, runs = 0;
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (option) {
    case 's': seed = shape_number(optarg); break;
    case 'r': rounds = shape_number(optarg); break;
    case 'n': scale = shape_number(optarg); break;
    case 'c': least = shape_number(optarg); break;
    default: return EXIT_FAILURE;
    }
  }
  printf("shapes: seed %" PRIu64 "\n", seed);
  fflush(stdout);
  for (uint64_t round = 0; round < rounds || cycles < least; round++)
    for (size_t i = 0; i < shape_count; i++)
      if (shape_is_chosen(shapes[i].name, argv + optind)) {
        uint64_t random = seed + round * shape_count + i;
        cycles += shape_run_once(i, random_next(&random), (uint32_t)scale);
        runs++;
      }
  printf("shapes: %" PRIu64 " cycles, %" PRIu64 " runs: nothing lost\n", cycles, runs);
  return runs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
