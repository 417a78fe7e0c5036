/* limits_world.h: what the programs of this folder share: a world, the kernel's numbers, and cases.
 *
 * Every case is a process of its own, so that the kernel's peaks are its own.  GAIT_LIMITS=full
 * asks for the sizes that the limits are claimed for; without it a case is small enough for every
 * run of the suite. */
#ifndef LIMITS_WORLD_H
#define LIMITS_WORLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <gait/gait.h>
#include <gait/tune.h>

#include "../support/run_case.h"
#include "../support/sizes.h"

#define GIB ((size_t)1 << 30)

/* A case's exit status where the machine does not have what it needs. */
#define LIMITS_SKIPPED 77

/* Ends the program with a sentence. */
_Noreturn void limits_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void limits_skip(const char *why);

#define MUST(condition)                                                                            \
  do {                                                                                             \
    if (!(condition)) limits_fail("%s:%d: %s", __FILE__, __LINE__, #condition);                    \
  } while (0)

bool limits_full(void);

/* ---- A world ---- */

struct limits_node {
  struct limits_node *next;
  struct limits_node *other;
  uint64_t number;
};

struct limits_world {
  gait_heap *heap;
  gait_thread *thread;
  gait_kind node; /* a limits_node, and what follows it is not traced */
  gait_kind references;
  gait_frame frame;
  void *slots[4];
};

gait_options limits_options(void);
void limits_open(struct limits_world *world, const gait_options *options);
void limits_close(struct limits_world *world);
gait_stats limits_stats(const struct limits_world *world);
gait_cycle_record limits_last_cycle(const struct limits_world *world);

/* Puts a node of `bytes` bytes in front of the list in slot 0. */
void limits_keep(struct limits_world *world, size_t bytes);

/* Walks the list: it has to have `count` nodes, numbered down to 0. */
void limits_check_list(const struct limits_world *world, uint64_t count);

/* Runs `function(arg)` outside managed code. */
void limits_outside(struct limits_world *world, void (*function)(void *), void *arg);

/* ---- A thread that collects, one cycle after the other ---- */

struct limits_collector {
  pthread_t id;
  gait_heap *heap;
  atomic_bool over;
  atomic_uint cycles;
};

void limits_collector_begin(struct limits_collector *collector, gait_heap *heap);
void limits_collector_end(struct limits_world *world, struct limits_collector *collector);

/* ---- The kernel's numbers ---- */

uint64_t limits_now_ns(void);
size_t limits_resident_bytes(void);
size_t limits_resident_peak_bytes(void);
size_t limits_free_memory_bytes(void); /* of the machine, and of the control group */

/* CPU time from one moment to another. */
struct limits_meter {
  uint64_t wall_ns;
  uint64_t process_ns;
  uint64_t own_ns; /* of the calling thread */
  uint64_t assist_ns;
};
struct limits_meter limits_meter_read(const struct limits_world *world);

/* The collector's share of what `cpus` offered between two readings by the only mutator: all
 * that other threads of the process took, and the assists.  Assists are wall time, so it is never
 * too low. */
double limits_gc_share(const struct limits_meter *from, const struct limits_meter *to, double cpus);

/* ---- Cases ---- */

extern const struct run_case limits_cases_cap[], limits_cases_many[], limits_cases_large[],
    limits_cases_parked[], limits_cases_weakly[], limits_cases_system[], limits_cases_held[],
    limits_cases_ladder[];

#endif
