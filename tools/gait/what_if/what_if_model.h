/* what_if_model.h: a recovered program, collected at another setting. */
#ifndef GAIT_WHAT_IF_MODEL_H
#define GAIT_WHAT_IF_MODEL_H

#include "setting.h"
#include "what_if_program.h"

struct what_if_range {
  double estimate, low, high;
};

struct what_if_prediction {
  struct what_if_range cycles;
  struct what_if_range gc_cpu_seconds; /* assists and background workers */
  struct what_if_range idle_cpu_seconds;
  struct what_if_range peak_heap_bytes; /* the largest heap at the end of marking */
  struct what_if_range assist_share;    /* of all CPU time of the run, spent in assists */
  struct what_if_range gc_cpu_share;    /* of all CPU time of the run */
  bool limit_unreachable;               /* at some time the live heap left no room */
};

void what_if_predict(const struct what_if_program *program, const struct setting *setting,
                     struct what_if_prediction *prediction);

#endif
