/* law_point.h: one point of the grid of `gait law`, by the real collector and by the simulator. */
#ifndef GAIT_LAW_POINT_H
#define GAIT_LAW_POINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "gait/gait.h"

struct law_point {
  double live_bytes;
  double rate; /* bytes a second */
  int64_t gogc_percent;
};

/* What was seen from one steady cycle to another. */
struct law_steady {
  size_t intervals;        /* between the starts of two cycles */
  double interval_seconds; /* their mean, */
  double interval_min_seconds, interval_max_seconds;
  double spread;         /* and their standard deviation, as a share of it */
  double gc_cpu_share;   /* assists and background workers, of all the CPUs' time */
  double idle_cpu_share; /* marking on CPUs that nobody else wanted */
  double peak_over_goal; /* heap when marking ended over the goal: the mean */
  double peak_over_goal_min, peak_over_goal_max;
  double mark_seconds; /* from the start of a cycle to the end of its mark */
  double black_bytes;  /* allocated meanwhile: the mark counts them as live */
  double rate;
};

/* What the real collector showed, and what the simulator is told of it. */
struct law_collector {
  struct law_steady steady;
  double live_bytes; /* that cycles found, without those allocated while they marked */
  double scan_bytes; /* of those, that had to be scanned */
  double roots_bytes;
  double mark_rate;     /* bytes scanned a second of CPU, */
  double idle_share;    /* the share of the CPUs that marked for nothing meanwhile, */
  double barrier_share; /* and that of its rate at which the program allocated, assists apart */
  double cpus;
};

/* GOGC% x live / rate. */
double law_point_formula(const struct law_point *point, double rate);

/* Bytes to allocate for `cycles` steady cycles after those that warm up. */
double law_point_total(const struct law_point *point, size_t cycles);

/* Reads the run of `gait run ... --json --cycles`.  False when it has fewer than two steady cycles,
 * or none that can be told. */
bool law_point_collector(const struct law_point *point, const json_t *run,
                         struct law_collector *collector);

/* The same point under the simulator.  `options` are those that the collector had. */
bool law_point_simulate(const struct law_point *point, const gait_options *options,
                        const struct law_collector *collector, double rate,
                        struct law_steady *simulated);

#endif
