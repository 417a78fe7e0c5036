/* The rule of a goal, where a recording tells sizes alone.
 *
 * Go's goal is the live heap and GOGC percent of that and the roots, but at least 4 MiB in
 * proportion to GOGC, and at most what a memory limit leaves; a cycle that begins past it gets a
 * little room.  A goal is taken for a rule's if it is within 1% of what the rule proposes, or
 * within what the sizes are rounded to.  What a limit does not leave to its goal is overhead and
 * headroom, and the headroom is known. */
#include "explain.h"

static const double infer_minimum = 4194304;

static bool infer_agrees(const struct explain_cycle *cycle, double proposal) {
  double off = cycle->goal_bytes - proposal, tolerance = explain_tolerance(cycle);
  return off <= tolerance && -off <= tolerance;
}

static int infer_rule(struct explain_cycle *cycle) {
  double percent = cycle->gogc_percent, growth = cycle->growth_goal_bytes;
  double minimum = percent >= 0 ? infer_minimum * percent / 100 : 0;
  double planned = minimum > growth ? minimum : growth;
  if (percent >= 0 && infer_agrees(cycle, growth)) return GAITI_PACER_RULE_GOGC;
  if (minimum > growth && infer_agrees(cycle, minimum)) return GAITI_PACER_RULE_MINIMUM_HEAP;
  if (percent >= 0 && cycle->goal_bytes > planned) {
    if (!infer_agrees(cycle, cycle->at_trigger_bytes)) return EXPLAIN_RULE_UNKNOWN;
    cycle->planned_goal_bytes = planned;
    return GAITI_PACER_RULE_START_ROOM;
  }
  return explain_is_finite(cycle->limit_bytes) ? GAITI_PACER_RULE_MEMORY_LIMIT
                                               : EXPLAIN_RULE_UNKNOWN;
}

void explain_infer(struct explain_cycle *cycle) {
  double percent = cycle->gogc_percent;
  cycle->bound = EXPLAIN_BOUND_UNKNOWN;
  if (percent >= 0 && cycle->growth_goal_bytes <= 0)
    cycle->growth_goal_bytes = cycle->counted_bytes * (1 + percent / 100);
  cycle->rule = infer_rule(cycle);
  if (cycle->rule != GAITI_PACER_RULE_MEMORY_LIMIT) return;
  double headroom = explain_headroom(cycle->limit_bytes);
  double rest = cycle->limit_bytes - headroom - cycle->goal_bytes;
  cycle->overhead_bytes = rest > 0 ? rest : 0;
}
