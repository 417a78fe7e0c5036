/* sim_description.h: a program that is only described: quantities that change over time. */
#ifndef GAIT_SIM_DESCRIPTION_H
#define GAIT_SIM_DESCRIPTION_H

#include <stddef.h>

#include "setting.h"
#include "sim_law.h"
#include "sim_run.h"

enum sim_form { SIM_CONSTANT, SIM_RAMP, SIM_STEP, SIM_OSCILLATION, SIM_RECORDED };

/* A quantity as a function of time. */
struct sim_shape {
  enum sim_form form;
  double from;   /* the constant; before ramp or step; mean of an oscillation */
  double to;     /* after ramp or step; an oscillation's amplitude */
  double at;     /* seconds: when ramp or step begins */
  double over;   /* seconds: length of a ramp, period of an oscillation */
  double jitter; /* each cycle's value is off by up to this share, at random */
  double *times; /* recorded: `count` seconds, rising, and the values there */
  double *values;
  size_t count;
};

/* Each quantity has a place in its random stream, so that two jitters are independent. */
enum sim_quantity { SIM_LIVE, SIM_RATE, SIM_SCANNABLE, SIM_ROOTS, SIM_QUANTITIES };

struct sim_description {
  char *name;
  struct sim_shape shapes[SIM_QUANTITIES]; /* bytes, bytes per second, share, bytes */
  double mark_rate;                        /* bytes scanned per CPU second */
  double cpus;
  double threads;       /* CPUs that it keeps busy itself; 0: all */
  double barrier_share; /* of its rate, at which it allocates while a cycle marks */
  double background_share;
  double idle_share; /* of the CPUs, that marks beside those, for nothing */
  double cpu_cap;
  enum gaiti_pacer_policy policy;
  double cpu_budget;          /* of policy cpu-budget, */
  int64_t square_root_bytes;  /* and of square-root; 0: the pacer's own */
  int64_t minimum_heap_bytes; /* below 0: the pacer's own */
  int64_t overhead_bytes;
  uint64_t seed;
  /* Where it ends: at the first of these that is reached. */
  double most_cycles, most_seconds, most_bytes;
};

/* The quantity at some time, in the given cycle. */
double sim_description_value(const struct sim_description *description, enum sim_quantity quantity,
                             double seconds, uint64_t cycle);

/* A described program that runs; it stays where it is. */
struct sim_described {
  const struct sim_description *description;
  double cpus;
  double rate; /* at which mutators have allocated since the last cycle */
  double seconds, bytes;
  uint64_t cycles;
  struct sim_law law;
  struct sim_program program; /* for the heap that it runs on */
};

/* Begins it, on an empty heap.  Returns NULL, or a sentence as below. */
const char *sim_described_begin(struct sim_described *self,
                                const struct sim_description *description,
                                const struct setting *setting, struct sim_heap *heap);

/* Simulates the program to its end.  Each cycle is shown to `see`, if that is not NULL.
 * *cycles_by_law is allocated / (GOGC% x live), cycle by cycle; below 0 where the law says nothing.
 * Returns NULL, or a sentence that says why the settings cannot be simulated. */
const char *sim_description_run(const struct sim_description *description,
                                const struct setting *setting,
                                void (*see)(void *context, const struct sim_cycle *cycle),
                                void *context, struct sim_result *result, double *cycles_by_law);

#endif
