/* A folder of pacer scenarios: one CSV file a scenario, bounds.csv, and perhaps
 * summary.csv and limiter.csv. */
#ifndef GAIT_REPLAY_SCENARIO_H
#define GAIT_REPLAY_SCENARIO_H

#include "replay_model.h"

struct replay_scenario {
  char *name; /* the file's, without .csv */
  struct replay_table table;
  struct replay_input *inputs;    /* one a cycle */
  struct replay_result *results;  /* filled in by replay_scenario_run */
  struct replay_result *recorded; /* of the reference: utilization, goal ratio and peak only;
                                     NULL when the file has none */
  size_t cycles;
};

/* One row of bounds.csv. */
struct replay_bound {
  char *scenario;
  int64_t from_cycle, to_cycle;
  char *metric;
  double lower, upper; /* infinite where there is none */
  int line;
};

struct replay_folder {
  char *path;
  struct replay_scenario *scenarios; /* by name */
  size_t scenario_count;
  struct replay_bound *bounds;
  size_t bound_count;
  struct replay_table limiter; /* no rows when there is no limiter.csv */
};

/* Reads the whole folder.  On failure nothing is left to release. */
bool replay_folder_read(struct replay_folder *folder, const char *path, struct replay_error *error);
void replay_folder_release(struct replay_folder *folder);

/* Simulates all cycles. */
bool replay_scenario_run(struct replay_scenario *scenario, struct replay_error *error);

#endif
