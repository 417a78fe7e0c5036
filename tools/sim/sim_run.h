/* sim_run.h: a program from its begin to its end, on one heap. */
#ifndef GAIT_SIM_RUN_H
#define GAIT_SIM_RUN_H

#include "sim_heap.h"

/* One cycle. */
struct sim_cycle {
  uint64_t number;
  double start_seconds; /* when it started, */
  double mark_seconds;  /* and for how long it marked */
  double trigger_bytes, goal_bytes, peak_bytes, marked_bytes;
  double assist_seconds, background_seconds, idle_seconds; /* of CPU */
  enum gaiti_pacer_rule rule;
  bool limiting;
};

struct sim_result {
  uint64_t cycles;
  double seconds;
  double allocated_bytes;
  double gc_cpu_seconds; /* assists and background workers */
  double assist_cpu_seconds;
  double idle_cpu_seconds; /* beside them */
  double peak_heap_bytes;
  double mark_seconds;    /* while cycles marked */
  double mean_live_bytes; /* marked, less what was allocated while marking */
  double peak_over_goal_mean, peak_over_goal_max;
  uint64_t limiting_cycles;
  uint64_t unreachable_cycles; /* for which the limit was out of reach */
};

/* What is to be run, and for how many cycles at most. */
struct sim_run {
  const struct sim_program *program;
  struct sim_heap *heap;
  struct sim_steps steps;
  double most_cycles;
  void (*see)(void *context, const struct sim_cycle *cycle); /* each cycle; may be NULL */
  void *context;
};

/* Fewer cycles than those: the program has ended. */
void sim_run(const struct sim_run *run, struct sim_result *result);

#endif
