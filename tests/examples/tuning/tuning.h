/* tuning.h: the measurements of docs/tuning.md, each before and after a change.
 *
 * The thread's stack is scanned conservatively: what a local variable refers to is alive. */
#ifndef TUNING_H
#define TUNING_H

#include <gait/array.h>
#include <gait/bench.h>
#include <gait/gait.h>

/* A benchmark, its argument, and the objects that one operation allocates: so many exactly, or
 * TUNING_ANY where cycles decide. */
#define TUNING_ANY UINT64_MAX
struct tuning_case {
  const char *name;
  gait_bench_fn *body;
  size_t size;
  uint64_t objects;
};

/* The argument of a benchmark. */
struct tuning_input {
  gait_kind leaf;
  gait_kind references; /* each word is one */
  size_t size;          /* of the case */
};

/* The cases of a file, the last of which has no name. */
extern const struct tuning_case tuning_growth[];
extern const struct tuning_case tuning_texts[];
extern const struct tuning_case tuning_pools[];
extern const struct tuning_case tuning_values[];
extern const struct tuning_case tuning_reports[];

/* Ends the program if there is no memory. */
void *tuning_need(void *object);

/* A string on the heap: `count` bytes and a zero. */
char *tuning_string(gait_thread *thread, const char *bytes, size_t count);

/* Keeps a result from being optimised away. */
static inline void tuning_use(const void *result) {
  __asm__ volatile("" : : "r"(result) : "memory");
}

#endif
