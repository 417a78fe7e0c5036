/* measure.h: one run of a workload on a heap of its own, and everything that was counted. */
#ifndef GAIT_MEASURE_H
#define GAIT_MEASURE_H

#include <jansson.h>

#include "workload.h"

/* What to run.  `options` has no handlers set. */
struct measure_plan {
  const struct workload *workload;
  int argument_count;
  char **arguments;
  unsigned threads;
  gait_options options;
  bool keep_cycles;      /* keep every cycle's record */
  const char *profile;   /* where to write one; NULL: nowhere */
  unsigned virtual_cpus; /* of a virtual machine (docs/design/virtual.md); 0: on this one */
};

struct measurement {
  struct workload_result work;
  gait_stats stats;          /* at the workload's end */
  double cycles_by_law;      /* below zero: no prediction */
  double cpu_seconds;        /* of the whole process */
  double run_seconds;        /* wall time with the heap; work.seconds is the measured part of it */
  uint64_t peak_rss_bytes;   /* 0: not told, of a virtual machine */
  gait_cycle_record *cycles; /* with keep_cycles */
  size_t cycle_count;
};

/* Runs it.  Unless the status is WORKLOAD_OK, measurement->work.error says why not.  A heap that
 * has no more memory ends the process with COMMAND_FAILED. */
enum workload_status measure(const struct measure_plan *plan, struct measurement *measurement);

/* The run as one JSON object; NULL when out of memory. */
json_t *measure_json(const struct measure_plan *plan, const struct measurement *measurement);

/* Prints the run for a person. */
void measure_print(const struct measure_plan *plan, const struct measurement *measurement);

void measurement_destroy(struct measurement *measurement);

#endif
