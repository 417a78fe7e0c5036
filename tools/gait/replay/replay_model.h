/* A simulated program under the pacer, cycle by cycle: rates and growth come
 * in, what each collection did comes out. */
#ifndef GAIT_REPLAY_MODEL_H
#define GAIT_REPLAY_MODEL_H

#include "replay_table.h"
#include "sim_heap.h"

/* One cycle's inputs.  Those after stack_bytes are ours and default to a model
 * without idle time, external bytes, overhead or CPU limiter. */
struct replay_input {
  int64_t gc_percent;
  int64_t memory_limit_bytes;
  int64_t globals_bytes;
  double cpus;
  double alloc_rate; /* KiB per ms of mutator CPU */
  double scan_rate;  /* KiB per ms of GC CPU */
  double growth_rate;
  double scannable_frac;
  int64_t stack_bytes;

  int64_t external_bytes;     /* held by the heap's objects, not scanned */
  int64_t overhead_bytes;     /* mapped beside the live heap */
  int64_t minimum_heap_bytes; /* below 0: the pacer's own */
  double idle_share;          /* of all CPU: idle while marking, so it marks */
  double forced_at;           /* of the way to the trigger: somebody forces the cycle there */
  double cpu_cap;             /* 0: no CPU limiter */
  bool worker_plan;           /* background share as whole and fractional workers give it */
  bool black_told;            /* the pacer is told what was allocated while marking */
  double idle_reliance;       /* of the pacer's settings, */
  double assist_reliance;     /* and this too */
};

/* One cycle's results, taken at the end of the mark. */
struct replay_result {
  int64_t heap_marked_bytes; /* before the cycle */
  int64_t trigger_bytes;
  int64_t goal_bytes;
  int64_t peak_bytes;
  int64_t heap_scannable_bytes;
  int64_t live_true_next_bytes;
  int64_t heap_work_bytes;
  int64_t alloc_black_bytes;
  int64_t heap_marked_after_bytes;
  int64_t runway_bytes;
  int64_t revise_calls;
  int64_t assist_ns;
  int64_t duration_ns;
  int64_t period_ns; /* wall time since the cycle before ended */
  double gc_utilization;
  double goal_ratio;
  double trigger_ratio;   /* nan when the goal is the live heap */
  double period_gc_share; /* GC CPU over the whole period */
  double total_gc_share;  /* and since the scenario began */
  double cons_mark;
  enum gaiti_pacer_rule rule;
  bool limit_unreachable;
  bool limiting;
};

struct replay_model {
  struct sim_heap heap;
  struct replay_input input; /* of the cycle under way, */
  double background_share;   /* and what follows from it */
  int64_t live_bytes;
  int64_t black_before_bytes; /* allocated while the last cycle marked */
  double gc_cpu_ns, all_cpu_ns;
  int64_t cycles;
};

/* The smallest rates that the model takes; lower ones are raised to it. */
#define REPLAY_LEAST_RATE 0.0001

bool replay_model_init(struct replay_model *model, const struct replay_input *first,
                       struct replay_error *error);
/* Runs one cycle.  Fails when the inputs lead nowhere: a mark that cannot end,
 * or a heap beyond what 63 bits count. */
bool replay_model_cycle(struct replay_model *model, const struct replay_input *input,
                        struct replay_result *result, struct replay_error *error);

#endif
