#include "explain_record.h"

_Static_assert((int)GAIT_CAUSE_MEMORY_LIMIT == (int)EXPLAIN_CAUSE_LIMIT &&
                   (int)GAIT_CAUSE_DEBUG == (int)EXPLAIN_CAUSE_DEBUG,
               "causes have the same values for both");

/* Threads tell of what they have taken in lumps of about a block. */
#define RECORD_GRAIN_BYTES 65536.0

static double record_bytes(uint64_t bytes) {
  return bytes >= INT64_MAX ? __builtin_inf() : (double)bytes;
}

static double record_limit(int64_t bytes) {
  return bytes < 0 ? __builtin_inf() : record_bytes((uint64_t)bytes);
}

/* The plan, and the settings that it was made with. */
static void record_take_plan(struct explain_cycle *cycle, const gait_cycle_record *record) {
  cycle->rule =
      record->goal_rule <= GAIT_GOAL_CPU_CAP ? (int)record->goal_rule : EXPLAIN_RULE_UNKNOWN;
  cycle->bound = record->trigger_bound <= GAIT_TRIGGER_NEVER ? (int)record->trigger_bound
                                                             : EXPLAIN_BOUND_UNKNOWN;
  cycle->limit_bytes = record_limit(record->held_limit_bytes);
  cycle->limit_is_hard = record->held_limit_bytes != record->memory_limit_bytes;
  cycle->background_share = (double)record->background_percent / 100;
  cycle->cpu_cap = (double)record->cpu_cap_percent / 100;
  cycle->counted_bytes = record_bytes(record->counted_bytes);
  cycle->growth_goal_bytes = record_bytes(record->growth_goal_bytes);
  cycle->planned_goal_bytes = record_bytes(record->planned_goal_bytes);
  cycle->runway_bytes = record_bytes(record->runway_bytes);
  cycle->expected_work_bytes = record_bytes(record->expected_work_bytes);
  cycle->overhead_bytes = record_bytes(record->overhead_bytes);
  cycle->external_bytes = record_bytes(record->external_bytes);
}

static void record_take_untold(struct explain_cycle *cycle, const gait_cycle_record *record) {
  cycle->limit_bytes = record_limit(record->memory_limit_bytes);
  cycle->counted_bytes = record_bytes(record->live_before_bytes);
  cycle->cpu_cap = 0.5;
  explain_infer(cycle);
}

void explain_take_record(struct explain_cycle *cycle, const gait_cycle_record *record) {
  *cycle = (struct explain_cycle){
      .number = (double)record->cycle,
      .cause =
          (enum explain_cause)(record->cause > GAIT_CAUSE_DEBUG ? GAIT_CAUSE_GOGC : record->cause),
      .young = record->young != 0,
      .ran = true,
      .limiter_on = record->limiter_on != 0,
      .limit_unreachable = record->limit_unreachable != 0,
      .gogc_percent = (double)record->gogc_percent,
      .cpus = record->cpus,
      .grain_bytes = RECORD_GRAIN_BYTES * (record->threads > 0 ? record->threads : 1),
      .goal_bytes = record_bytes(record->goal_bytes),
      .trigger_bytes = record_bytes(record->trigger_bytes),
      .at_trigger_bytes = record_bytes(record->at_trigger_bytes),
      .peak_bytes = record_bytes(record->at_mark_end_bytes),
      .work_bytes = record_bytes(record->scan_bytes + record->root_bytes),
      .mark_seconds = (double)(record->start_ns + record->mark_ns + record->end_ns) / 1e9,
      .assist_seconds = (double)record->assist_ns / 1e9,
      .background_seconds = (double)record->background_ns / 1e9,
      .stalled_seconds = (double)record->stalled_ns / 1e9,
      .gc_cpu_share = record->gc_cpu_share,
  };
  if (record->background_percent > 0)
    record_take_plan(cycle, record);
  else
    record_take_untold(cycle, record);
}
