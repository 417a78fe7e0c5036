/* What a cycle missed, and the two sentences put together.
 *
 * A cycle keeps its goal if it ends within 1% of it (.promise.goal in docs/design/pacer.md), or
 * within what its sizes are rounded to.  What missed is one thing, the first that holds of these:
 * the limit cannot be kept; the heap ended over its goal; the cap on CPU time held assists back;
 * threads waited, or had to mark; the heap ended below its goal. */
#include "explain.h"
#include "explain_text.h"
#include "explain_why.h"

static const double explain_work_tolerance = 1.02; /* less is noise, as in .runway.trend */
static const double explain_help_tolerance = 0.05; /* of the collector's CPU time */

bool explain_is_finite(double bytes) {
  return bytes < 9e18;
}

double explain_headroom(double limit_bytes) {
  if (!explain_is_finite(limit_bytes)) return 0;
  return (double)gaiti_pacer_limit_headroom((int64_t)limit_bytes);
}

double explain_goal_kept(const struct explain_cycle *cycle) {
  bool moved = cycle->rule == GAITI_PACER_RULE_START_ROOM && cycle->planned_goal_bytes > 0;
  return moved ? cycle->planned_goal_bytes : cycle->goal_bytes;
}

double explain_tolerance(const struct explain_cycle *cycle) {
  double share = explain_goal_kept(cycle) * 0.01;
  return share > cycle->grain_bytes ? share : cycle->grain_bytes;
}

bool explain_helped(const struct explain_cycle *cycle) {
  double gc = cycle->assist_seconds + cycle->background_seconds;
  return cycle->assist_seconds > explain_help_tolerance * gc;
}

static bool explain_was_asked(const struct explain_cycle *cycle) {
  return cycle->cause == EXPLAIN_CAUSE_FORCED || cycle->cause == EXPLAIN_CAUSE_OUT_OF_MEMORY ||
         cycle->cause == EXPLAIN_CAUSE_DEBUG;
}

static enum explain_miss explain_miss_over(const struct explain_cycle *cycle,
                                           const struct explanation *explanation) {
  if (cycle->limiter_on) return EXPLAIN_MISS_LIMITER;
  if (cycle->bound == EXPLAIN_BOUND_UNKNOWN) return EXPLAIN_MISS_OVER;
  if (explanation->late_bytes * 2 >= explanation->over_bytes) return EXPLAIN_MISS_LATE;
  if (cycle->work_bytes > explain_work_tolerance * cycle->expected_work_bytes)
    return EXPLAIN_MISS_WORK;
  return EXPLAIN_MISS_RATE;
}

static enum explain_miss explain_miss_below(const struct explain_cycle *cycle) {
  if (explain_was_asked(cycle)) return EXPLAIN_MISS_ASKED;
  if (cycle->bound == GAITI_PACER_TRIGGER_LATEST) return EXPLAIN_MISS_ROOM;
  return cycle->bound == EXPLAIN_BOUND_UNKNOWN ? EXPLAIN_MISS_BELOW : EXPLAIN_MISS_FAST;
}

static enum explain_miss explain_find_miss(const struct explain_cycle *cycle,
                                           const struct explanation *explanation) {
  double gc = cycle->assist_seconds + cycle->background_seconds;
  double over = explanation->over_bytes, tolerance = explain_tolerance(cycle);
  if (cycle->limit_unreachable && explain_is_finite(cycle->limit_bytes))
    return EXPLAIN_MISS_UNREACHABLE;
  bool bounded = explain_is_finite(explain_goal_kept(cycle));
  if (bounded && over > tolerance) return explain_miss_over(cycle, explanation);
  if (cycle->limiter_on) return EXPLAIN_MISS_LIMITER;
  if (cycle->stalled_seconds > explain_help_tolerance * gc) return EXPLAIN_MISS_STALLED;
  if (explain_helped(cycle)) return EXPLAIN_MISS_ASSISTS;
  if (bounded && over < -tolerance) return explain_miss_below(cycle);
  return EXPLAIN_MISS_NONE;
}

/* ---- The second sentence ---- */

static void explain_distance(const struct explain_cycle *cycle,
                             const struct explanation *explanation, struct explain_text *text) {
  double goal = explain_goal_kept(cycle), over = explanation->over_bytes;
  double values[] = {cycle->peak_bytes, (over < 0 ? -over : over) / goal, over < 0 ? -over : over};
  bool moved = cycle->rule == GAITI_PACER_RULE_START_ROOM;
  if (!explain_is_finite(goal) || goal <= 0)
    explain_say(text, "It ended at %s, with no goal to keep", values);
  else if (values[1] < 0.0005)
    explain_say(text, "It ended at %s, at its goal", values);
  else
    explain_say(text,
                over > 0 ? moved ? "It ended at %s, %p (%s) over the goal that was planned"
                                 : "It ended at %s, %p (%s) over its goal"
                         : "It ended at %s, %p (%s) below its goal",
                values);
}

static void explain_put_unreachable(const struct explain_cycle *cycle, struct explain_text *text) {
  double values[] = {cycle->limit_bytes, cycle->counted_bytes, cycle->overhead_bytes};
  if (cycle->limit_is_hard)
    explain_say(text, ", and max_heap has no room for more: %s is live", values + 1);
  else
    explain_say(text, ", and the limit of %s cannot be kept: %s is live", values);
  if (cycle->overhead_bytes > 0)
    explain_say(text, ", and %s of overhead is mapped beside", values + 2);
}

static void explain_put_miss(const struct explain_cycle *cycle,
                             const struct explanation *explanation, struct explain_text *text) {
  double gc = cycle->assist_seconds + cycle->background_seconds;
  double allocated = cycle->peak_bytes - cycle->at_trigger_bytes;
  double planned = cycle->planned_goal_bytes - cycle->trigger_bytes;
  const struct {
    const char *format;
    double values[3];
  } misses[EXPLAIN_MISSES] = {
      [EXPLAIN_MISS_NONE] = {": nothing missed", {0}},
      [EXPLAIN_MISS_UNREACHABLE] = {"", {0}},
      [EXPLAIN_MISS_LIMITER] =
          {": the collector had come to its cap of %p of the CPU, so no thread was asked to mark",
           {cycle->cpu_cap}},
      [EXPLAIN_MISS_LATE] = {": it began %s past its trigger", {explanation->late_bytes}},
      [EXPLAIN_MISS_WORK] = {": marking had %s to go through where %s was expected",
                             {cycle->work_bytes, cycle->expected_work_bytes}},
      [EXPLAIN_MISS_RATE] = {": the program allocated %s while it marked, where %s was planned",
                             {allocated, planned}},
      [EXPLAIN_MISS_OVER] = {": the program allocated %s while it marked", {allocated}},
      [EXPLAIN_MISS_STALLED] = {", but threads lost %t of CPU time waiting for marking",
                                {cycle->stalled_seconds}},
      [EXPLAIN_MISS_ASSISTS] =
          {", but threads that allocate had to mark, which was %p of the collector's CPU time",
           {cycle->assist_seconds / gc}},
      [EXPLAIN_MISS_ASKED] = {": it was asked for before it was due", {0}},
      [EXPLAIN_MISS_ROOM] = {": the program allocated %s of the %s that any start is given",
                             {allocated, planned}},
      [EXPLAIN_MISS_FAST] =
          {": marking was done when the program had allocated %s of the %s that was planned",
           {allocated, planned}},
      [EXPLAIN_MISS_BELOW] = {": the program allocated %s while it marked", {allocated}},
  };
  explain_say(text, misses[explanation->miss].format, misses[explanation->miss].values);
  if (explanation->miss == EXPLAIN_MISS_UNREACHABLE) explain_put_unreachable(cycle, text);
}

void explain_cycle(const struct explain_cycle *cycle, struct explanation *explanation) {
  double goal = explain_goal_kept(cycle), late = cycle->at_trigger_bytes - cycle->trigger_bytes;
  *explanation = (struct explanation){.setting_share = -1};
  explain_why(cycle, explanation->why, sizeof explanation->why);
  struct explain_text text = explain_text_begin(explanation->outcome, sizeof explanation->outcome);
  if (!cycle->ran) {
    explain_choose(cycle, explanation);
    explain_put_advice(cycle, explanation, &text);
    return;
  }
  if (explain_is_finite(goal) && goal > 0) explanation->over_bytes = cycle->peak_bytes - goal;
  if (cycle->bound != EXPLAIN_BOUND_UNKNOWN && late > 0) explanation->late_bytes = late;
  explanation->miss = explain_find_miss(cycle, explanation);
  explain_choose(cycle, explanation);
  explain_distance(cycle, explanation, &text);
  explain_put_miss(cycle, explanation, &text);
  explain_put(&text, "; ");
  explain_put_advice(cycle, explanation, &text);
}
