/* shapes.h: clients of the sort that other collectors are tested with, as a stranger writes them.
 *
 * They know gait.h and nothing else of Gait: all stacks are conservative, and references are in
 * locals, fields and a few roots.  Each shape builds data of one form, drops parts of it, and
 * checks what is left against numbers that follow from how it was built. */
#ifndef SHAPES_H
#define SHAPES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gait/gait.h>
#include <gait/tune.h>

#include "../support/random.h"

#define SHAPE_MAX_THREADS 32

/* One run of one shape, on a heap of its own. */
struct shape_run {
  const char *name;
  uint64_t seed;
  uint32_t scale; /* 1 is small: some ten milliseconds */
  gait_heap *heap;
};

/* What a thread of a shape is given. */
struct shape_worker {
  struct shape_run *run;
  void *arg;
  uint32_t index;
  uint64_t random;
  gait_thread *thread; /* attached, inside managed code */
};

typedef void shape_work(struct shape_worker *worker);

/* Runs `work` on `count` new threads at once, each attached to the heap, and waits for them.  The
 * calling thread is not attached. */
void shape_threads(struct shape_run *run, uint32_t count, shape_work *work, void *arg);

/* Ends the program with a sentence that names shape and seed. */
_Noreturn void shape_fail(const struct shape_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An object; the program ends when there is none. */
void *shape_alloc(struct shape_worker *worker, gait_kind kind, size_t bytes);

/* A kind of objects whose words of `pointers` (bit i: word i) are references; the last one repeats
 * to the object's end when `repeats`. */
gait_kind shape_kind(const struct shape_run *run, const char *name, uint64_t pointers,
                     bool repeats);

/* Makes [start, start + bytes) roots, to which gait_store stores. */
void shape_roots(const struct shape_run *run, void *start, size_t bytes);
void shape_roots_end(const struct shape_run *run, void *start);

/* Locks a mutex outside managed code, so that the collector waits for nobody who waits for it. */
void shape_lock(struct shape_worker *worker, pthread_mutex_t *mutex);
void shape_wait(struct shape_worker *worker, pthread_cond_t *condition, pthread_mutex_t *mutex);

typedef void shape_fn(struct shape_run *run);
shape_fn shape_lists, shape_trees, shape_quads, shape_queues, shape_mixed, shape_short_lives,
    shape_tables, shape_strings, shape_rings, shape_recursion;

#endif
