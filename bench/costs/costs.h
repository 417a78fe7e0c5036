/* costs.h: what single calls cost, and what a cycle pays for each root, object and reference. */
#ifndef BENCH_COSTS_H
#define BENCH_COSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "gait/tune.h"

/* Of each measurement: the least counts, as all else is the machine's.  One with --quick. */
extern int cost_runs;

/* One heap and thread for a part of the table. */
struct bench {
  gait_heap *heap;
  gait_thread *thread;
  gait_kind references; /* words that are references, to the object's end */
  gait_kind tagged;     /* the same, tagged */
};

/* Does `count` of an operation. */
typedef void cost_body(struct bench *bench, void *arg, size_t count);

/* Ends the program where a call of Gait's or of the system's has failed. */
void cost_require(bool holds, const char *what);

/* A heap without help on idle CPUs, whose numbers have their lowest bit set. */
void bench_begin(struct bench *bench, int64_t young_percent);
void bench_end(struct bench *bench);

/* Prints a row: ns of wall time for one of `count` operations. */
void cost_of_call(struct bench *bench, const char *name, cost_body *body, void *arg, size_t count);

/* The CPU time of the process for one collection, the least of several. */
uint64_t cost_of_collection(struct bench *bench);

/* Prints a row: CPU time of a collection over that of another one, for each of `count`. */
void cost_of_cycle(const char *name, uint64_t with, uint64_t without, size_t count);

void cost_title(const char *title, const char *unit);
void cost_row(const char *name, double ns);

uint64_t cost_now_ns(void);

/* The parts of the table. */
void costs_of_allocation(void);
void costs_of_calls(void);
void costs_of_stores(void);
void costs_of_roots(void);
void costs_of_kinds(void);
void costs_of_deaths(void);

#endif
