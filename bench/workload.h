/* workload.h: pieces of real work for the collector, written once and run by `gait run`, `gait
 * grid` and the tests.
 *
 * A workload does, operation for operation, what the same program does for the peers it is compared
 * with: the same random numbers, sizes, loops and timed window.
 *
 * Whoever runs a workload gives its heap an out-of-memory handler that does not return zero: the
 * workloads, like the programs that they are compared with, do not look for NULL. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gait/tune.h"

#include "operation_latency.h"

/* ---- A workload ---- */

/* What a workload is given. */
struct workload_input {
  gait_heap *heap;
  gait_thread *thread; /* the caller's, in managed state */
  unsigned threads;
  int argument_count;
  char **arguments;
};

/* A number that only this workload has. */
struct workload_figure {
  const char *name;
  uint64_t value;
};

#define WORKLOAD_FIGURES 8

/* What a workload found.  `ns_per_op` is of one thread, and so not always seconds / ops. */
struct workload_result {
  uint64_t ops;
  double seconds;
  double ns_per_op;
  uint64_t checksum;
  struct latency latency; /* count NULL: not measured */
  size_t figure_count;
  struct workload_figure figures[WORKLOAD_FIGURES];
  char error[256]; /* after WORKLOAD_USAGE and WORKLOAD_FAILED: one sentence */
};

enum workload_status {
  WORKLOAD_OK,
  WORKLOAD_USAGE, /* the arguments make no sense */
  WORKLOAD_FAILED,
};

struct workload {
  const char *name;
  const char *arguments; /* as in a line of help */
  const char *summary;
  const char *operation; /* what ops counts */
  unsigned threads_max;
  bool exact; /* its references on stacks are in frames */
  enum workload_status (*run)(const struct workload_input *input, struct workload_result *result);
  /* The rule for tagged references that its heap is to have with these arguments, or NULL.  The
   * function may be NULL. */
  const gait_tags *(*tags)(int argument_count, char *const *arguments);
};

extern const struct workload workload_binary_trees;
extern const struct workload workload_alloc;
extern const struct workload workload_mark_graph;
extern const struct workload workload_lru;
extern const struct workload workload_paced;
extern const struct workload workload_index;
extern const struct workload workload_crowd;
extern const struct workload workload_start;
extern const struct workload workload_scheme; /* where there is GMP */

#define WORKLOAD_THREADS_MAX 64u

/* Workload `index`, or NULL past the last. */
const struct workload *workload_at(size_t index);
const struct workload *workload_find(const char *name);

/* ---- For workloads ---- */

/* Reads argument `index` as a whole number in minimum .. maximum; else writes result->error. */
bool workload_number(const struct workload_input *input, int index, const char *what,
                     uint64_t minimum, uint64_t maximum, uint64_t *number,
                     struct workload_result *result);

/* The same for a number with a fraction. */
bool workload_real(const struct workload_input *input, int index, const char *what, double minimum,
                   double maximum, double *number, struct workload_result *result);

/* Writes result->error and returns `status`. */
__attribute__((format(printf, 3, 4))) enum workload_status
workload_stop(struct workload_result *result, enum workload_status status, const char *format, ...);

/* Registers, or finds, a kind whose first `map_bytes` (at most 512) hold references where bit i of
 * `map` says that word i is one, the last `repeat_bytes` of them over and over. */
gait_result workload_kind(gait_heap *heap, const char *name, size_t map_bytes, uint64_t map,
                          size_t repeat_bytes, gait_kind *kind);

/* Notes a figure.  `name` lives as long as the program. */
void workload_figure(struct workload_result *result, const char *name, uint64_t value);

/* Runs `function(arg, number, thread)` for number 0 .. threads - 1: 0 on the caller's thread, the
 * others on threads of their own that are attached to the heap.  Returns when all are done. */
typedef void workload_part(void *arg, unsigned number, gait_thread *thread);
bool workload_in_parallel(const struct workload_input *input, workload_part *function, void *arg,
                          struct workload_result *result);

/* The monotonic clock, and a wait; those of the system, unless a tool has put others here. */
struct workload_clock {
  uint64_t (*now_ns)(void);
  void (*sleep_ns)(uint64_t ns);
};
extern struct workload_clock workload_clock;

static inline uint64_t workload_now_ns(void) {
  return workload_clock.now_ns();
}

/* The next of a sequence of xorshift numbers; *state is not 0. */
static inline uint64_t workload_random(uint64_t *state) {
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *state = x;
}

#endif
