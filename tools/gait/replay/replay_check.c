/* Bounds and figures. */
#include "replay_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum metric_type { METRIC_REAL, METRIC_BYTES, METRIC_FLAG };

struct metric {
  const char *name;
  enum metric_type type;
  size_t offset;
};

#define METRIC(name, type, field)                                                                  \
  { name, type, offsetof(struct replay_result, field) }

static const struct metric metrics[] = {
    METRIC("trigger", METRIC_BYTES, trigger_bytes),
    METRIC("heap_goal", METRIC_BYTES, goal_bytes),
    METRIC("heap_peak", METRIC_BYTES, peak_bytes),
    METRIC("heap_marked", METRIC_BYTES, heap_marked_bytes),
    METRIC("heap_marked_after", METRIC_BYTES, heap_marked_after_bytes),
    METRIC("heap_scannable", METRIC_BYTES, heap_scannable_bytes),
    METRIC("live_true_next", METRIC_BYTES, live_true_next_bytes),
    METRIC("heap_work", METRIC_BYTES, heap_work_bytes),
    METRIC("alloc_black", METRIC_BYTES, alloc_black_bytes),
    METRIC("runway", METRIC_BYTES, runway_bytes),
    METRIC("revise_calls", METRIC_BYTES, revise_calls),
    METRIC("assist_time_ns", METRIC_BYTES, assist_ns),
    METRIC("gc_duration_ns", METRIC_BYTES, duration_ns),
    METRIC("period_ns", METRIC_BYTES, period_ns),
    METRIC("gc_utilization", METRIC_REAL, gc_utilization),
    METRIC("goal_ratio", METRIC_REAL, goal_ratio),
    METRIC("trigger_ratio", METRIC_REAL, trigger_ratio),
    METRIC("period_gc_share", METRIC_REAL, period_gc_share),
    METRIC("total_gc_share", METRIC_REAL, total_gc_share),
    METRIC("limit_unreachable", METRIC_FLAG, limit_unreachable),
    METRIC("limiting", METRIC_FLAG, limiting),
};

static const struct metric *metric_find(const char *name) {
  for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
    if (strcmp(metrics[i].name, name) == 0) return &metrics[i];
  return NULL;
}

static double metric_read(const struct metric *metric, const struct replay_result *result) {
  const char *at = (const char *)result + metric->offset;
  int64_t bytes;
  double real;
  bool flag;
  switch (metric->type) {
  case METRIC_BYTES: memcpy(&bytes, at, sizeof bytes); return (double)bytes;
  case METRIC_REAL: memcpy(&real, at, sizeof real); return real;
  case METRIC_FLAG: memcpy(&flag, at, sizeof flag); return flag;
  }
  return (double)NAN;
}

/* Metrics that compare a cycle with another: the cycle to compare with, or 0. */
static int64_t metric_other_cycle(const char *name, int64_t cycle) {
  if (strcmp(name, "d_util_prev") == 0) return cycle - 1;
  return strncmp(name, "d_util_c", 8) == 0 ? strtoll(name + 8, NULL, 10) : 0;
}

/* The metric in a cycle, counted from 1; nan where it is not defined.  Fails
 * for a name that means nothing. */
static bool metric_value(const struct replay_scenario *scenario, const char *name, int64_t cycle,
                         double *value) {
  const struct replay_result *result = &scenario->results[cycle - 1];
  if (strncmp(name, "d_util_", 7) == 0) {
    int64_t other = metric_other_cycle(name, cycle);
    *value = (double)NAN;
    if (other > 0 && (size_t)other <= scenario->cycles)
      *value = result->gc_utilization - scenario->results[other - 1].gc_utilization;
    return other > 0 || strcmp(name, "d_util_prev") == 0;
  }
  if (strcmp(name, "goal_minus_live") == 0) {
    *value = (double)(result->goal_bytes - result->heap_marked_bytes);
    return true;
  }
  const struct metric *metric = metric_find(name);
  if (metric == NULL) return false;
  *value = metric_read(metric, result);
  return true;
}

static void check_within(const struct replay_scenario *scenario, int64_t cycle, const char *metric,
                         double value, double lower, double upper, replay_complain *complain,
                         void *context, struct replay_tally *tally) {
  char text[256];
  tally->checks++;
  if (value >= lower && value <= upper) return;
  tally->failed++;
  if (complain == NULL) return;
  snprintf(text, sizeof text, "%s: cycle %lld: %s is %.9g, outside %.9g .. %.9g", scenario->name,
           (long long)cycle, metric, value, lower, upper);
  complain(context, text);
}

/* What must hold in every cycle of every scenario, whatever bounds.csv says. */
static void check_always(const struct replay_scenario *scenario, replay_complain *complain,
                         void *context, struct replay_tally *tally) {
  for (size_t i = 0; i < scenario->cycles; i++) {
    const struct replay_result *result = &scenario->results[i];
    int64_t cycle = (int64_t)i + 1;
    check_within(scenario, cycle, "gc_utilization", result->gc_utilization, 0, 1, complain, context,
                 tally);
    check_within(scenario, cycle, "heap_scannable", (double)result->heap_scannable_bytes, 0,
                 (double)INFINITY, complain, context, tally);
    check_within(scenario, cycle, "runway", (double)result->runway_bytes, 0, (double)INFINITY,
                 complain, context, tally);
  }
}

bool replay_check_scenario(const struct replay_folder *folder,
                           const struct replay_scenario *scenario, replay_complain *complain,
                           void *context, struct replay_tally *tally, struct replay_error *error) {
  check_always(scenario, complain, context, tally);
  for (size_t i = 0; i < folder->bound_count; i++) {
    const struct replay_bound *bound = &folder->bounds[i];
    if (strcmp(bound->scenario, scenario->name) != 0) continue;
    for (int64_t cycle = bound->from_cycle;
         cycle <= bound->to_cycle && (size_t)cycle <= scenario->cycles; cycle++) {
      double value;
      if (!metric_value(scenario, bound->metric, cycle, &value))
        return replay_fail(error, "%s/bounds.csv:%d: no metric \"%.40s\"", folder->path,
                           bound->line, bound->metric);
      if (!isnan(value))
        check_within(scenario, cycle, bound->metric, value, bound->lower, bound->upper, complain,
                     context, tally);
    }
  }
  return true;
}

void replay_check_unused_bounds(const struct replay_folder *folder, replay_complain *complain,
                                void *context) {
  for (size_t i = 0; i < folder->bound_count; i++) {
    const struct replay_bound *bound = &folder->bounds[i];
    size_t cycles = 0;
    for (size_t j = 0; j < folder->scenario_count; j++)
      if (strcmp(folder->scenarios[j].name, bound->scenario) == 0)
        cycles = folder->scenarios[j].cycles;
    if ((uint64_t)bound->to_cycle <= cycles) continue;
    char text[400];
    if (cycles == 0)
      snprintf(text, sizeof text, "%s/bounds.csv:%d: there is no scenario \"%.60s\"", folder->path,
               bound->line, bound->scenario);
    else
      snprintf(text, sizeof text, "%s/bounds.csv:%d: %.60s has %zu cycles, not %lld", folder->path,
               bound->line, bound->scenario, cycles, (long long)bound->to_cycle);
    complain(context, text);
  }
}

static bool figures_bounded(const struct replay_folder *folder,
                            const struct replay_scenario *scenario, const char *metric,
                            int64_t cycle) {
  for (size_t i = 0; i < folder->bound_count; i++) {
    const struct replay_bound *bound = &folder->bounds[i];
    if (strcmp(bound->scenario, scenario->name) == 0 && strcmp(bound->metric, metric) == 0 &&
        (cycle == 0 || (bound->from_cycle <= cycle && cycle <= bound->to_cycle)))
      return true;
  }
  return false;
}

/* The metric whose bounds mark the window, or NULL for all cycles. */
static const char *figures_window(const struct replay_folder *folder,
                                  const struct replay_scenario *scenario) {
  if (figures_bounded(folder, scenario, "goal_ratio", 0)) return "goal_ratio";
  if (figures_bounded(folder, scenario, "d_util_prev", 0)) return "d_util_prev";
  return NULL;
}

struct replay_figures replay_figures_of(const struct replay_folder *folder,
                                        const struct replay_scenario *scenario,
                                        const struct replay_result *results) {
  struct replay_figures sum = {0};
  double background_share = gaiti_pacer_config_default().background_share;
  const char *window = figures_window(folder, scenario);
  double cycles = 0;
  for (size_t i = 0; i < scenario->cycles; i++) {
    const struct replay_result *result = &results[i];
    double over = fmax(result->goal_ratio - 1, 0), under = fmax(1 - result->goal_ratio, 0);
    sum.overshoot_max = fmax(sum.overshoot_max, over);
    if (result->peak_bytes > sum.peak_max_bytes) sum.peak_max_bytes = result->peak_bytes;
    if (window != NULL && !figures_bounded(folder, scenario, window, (int64_t)i + 1)) continue;
    bool room = scenario->results[i].goal_bytes > scenario->results[i].heap_marked_bytes;
    cycles++;
    sum.utilization_mean += result->gc_utilization;
    sum.util_abs_err_mean += fabs(result->gc_utilization - (room ? background_share : 1));
    sum.undershoot_mean += under;
    sum.overshoot_mean += over;
  }
  if (cycles > 0) {
    sum.utilization_mean /= cycles;
    sum.util_abs_err_mean /= cycles;
    sum.undershoot_mean /= cycles;
    sum.overshoot_mean /= cycles;
  }
  return sum;
}
