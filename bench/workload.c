#include "workload.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- The table ---- */

static const struct workload *const workload_table[] = {
    &workload_binary_trees, &workload_alloc, &workload_mark_graph, &workload_lru,
    &workload_paced,        &workload_index, &workload_crowd,      &workload_start,
#if BENCH_SCHEME
    &workload_scheme,
#endif
};

const struct workload *workload_at(size_t index) {
  return index < sizeof workload_table / sizeof workload_table[0] ? workload_table[index] : NULL;
}

const struct workload *workload_find(const char *name) {
  for (size_t i = 0; workload_at(i) != NULL; i++)
    if (strcmp(workload_at(i)->name, name) == 0) return workload_at(i);
  return NULL;
}

/* ---- Arguments and results ---- */

enum workload_status workload_stop(struct workload_result *result, enum workload_status status,
                                   const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(result->error, sizeof result->error, format, list);
  va_end(list);
  return status;
}

bool workload_number(const struct workload_input *input, int index, const char *what,
                     uint64_t minimum, uint64_t maximum, uint64_t *number,
                     struct workload_result *result) {
  const char *text = index < input->argument_count ? input->arguments[index] : "";
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < minimum ||
      value > maximum) {
    workload_stop(result, WORKLOAD_USAGE, "%s: '%s' is no whole number in %llu .. %llu", what, text,
                  (unsigned long long)minimum, (unsigned long long)maximum);
    return false;
  }
  *number = value;
  return true;
}

bool workload_real(const struct workload_input *input, int index, const char *what, double minimum,
                   double maximum, double *number, struct workload_result *result) {
  const char *text = index < input->argument_count ? input->arguments[index] : "";
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !isfinite(value) || value < minimum || value > maximum) {
    workload_stop(result, WORKLOAD_USAGE, "%s: '%s' is no number in %g .. %g", what, text, minimum,
                  maximum);
    return false;
  }
  *number = value;
  return true;
}

gait_result workload_kind(gait_heap *heap, const char *name, size_t map_bytes, uint64_t map,
                          size_t repeat_bytes, gait_kind *kind) {
  gait_kind_info info = {.name = name,
                         .form = GAIT_KIND_POINTERS,
                         .map_bytes = map_bytes,
                         .pointer_map = &map,
                         .repeat_bytes = repeat_bytes};
  gait_result result = gait_kind_register(heap, &info, kind);
  return result == GAIT_ERROR_ALREADY ? gait_kind_find(heap, name, kind) : result;
}

void workload_figure(struct workload_result *result, const char *name, uint64_t value) {
  if (result->figure_count < WORKLOAD_FIGURES)
    result->figures[result->figure_count++] = (struct workload_figure){name, value};
}

static uint64_t workload_read_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void workload_sleep(uint64_t ns) {
  struct timespec wait = {.tv_sec = (time_t)(ns / 1000000000u),
                          .tv_nsec = (long)(ns % 1000000000u)};
  nanosleep(&wait, NULL);
}

struct workload_clock workload_clock = {workload_read_clock, workload_sleep};

/* ---- Threads ---- */

struct workload_worker {
  pthread_t id;
  gait_heap *heap;
  workload_part *function;
  void *arg;
  unsigned number;
  gait_result outcome;
};

static void *workload_worker_main(void *arg) {
  struct workload_worker *worker = arg;
  gait_thread *thread;
  worker->outcome = gait_thread_attach(worker->heap, "worker", GAIT_STACK_CONSERVATIVE, &thread);
  if (worker->outcome != GAIT_OK) return NULL;
  worker->function(worker->arg, worker->number, thread);
  worker->outcome = gait_thread_detach(thread);
  return NULL;
}

bool workload_in_parallel(const struct workload_input *input, workload_part *function, void *arg,
                          struct workload_result *result) {
  /* Set to 0, since this stack is scanned as it is: what earlier calls left here would be roots. */
  struct workload_worker workers[WORKLOAD_THREADS_MAX] = {{0}};
  unsigned started = 1;
  for (; started < input->threads; started++) {
    struct workload_worker *worker = &workers[started];
    *worker = (struct workload_worker){
        .heap = input->heap, .function = function, .arg = arg, .number = started};
    if (pthread_create(&worker->id, NULL, workload_worker_main, worker) != 0) break;
  }
  function(arg, 0, input->thread);

  bool good = started >= input->threads;
  if (!good) workload_stop(result, WORKLOAD_FAILED, "thread %u could not be started", started);
  gait_thread_leave(input->thread);
  for (unsigned i = 1; i < started; i++) {
    pthread_join(workers[i].id, NULL);
    if (workers[i].outcome == GAIT_OK) continue;
    good = false;
    workload_stop(result, WORKLOAD_FAILED, "thread %u: %s", i,
                  gait_result_text(workers[i].outcome));
  }
  gait_thread_enter(input->thread);
  return good;
}
