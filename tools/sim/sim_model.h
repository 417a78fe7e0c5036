/* sim_model.h: a specified program under the real pacer, a cycle at a time. */
#ifndef GAIT_SIM_MODEL_H
#define GAIT_SIM_MODEL_H

#include "pacer.h"
#include "setting.h"
#include "sim_program.h"

/* One cycle. */
struct sim_cycle {
  uint64_t number;
  double start_seconds; /* when it started, */
  double mark_seconds;  /* and for how long it marked */
  double trigger_bytes, goal_bytes, peak_bytes, marked_bytes;
  double assist_seconds, background_seconds; /* of CPU */
  enum gaiti_pacer_rule rule;
  bool limiting;
};

struct sim_result {
  uint64_t cycles;
  double seconds;
  double allocated_bytes;
  double gc_cpu_seconds; /* assists and background workers */
  double assist_cpu_seconds;
  double peak_heap_bytes;
  double mean_live_bytes; /* marked, less what was allocated while marking */
  double cycles_by_law;   /* allocated / (GOGC% x live), cycle by cycle; below 0: no bound */
  double peak_over_goal_mean, peak_over_goal_max;
  uint64_t limiting_cycles;
  bool limit_unreachable;
};

/* Simulates to the program's end.  Each cycle is shown to `see`, if that is not NULL.  Returns
 * NULL, or a sentence that says why the settings cannot be simulated. */
const char *sim_run(const struct sim_program *program, const struct setting *setting,
                    void (*see)(void *context, const struct sim_cycle *cycle), void *context,
                    struct sim_result *result);

#endif
