/* The assist ratio: mark work that each allocated byte owes, so that the work
 * is done when the heap reaches its goal.
 *
 * At first the work is taken to be that of the last cycle, with the roots that
 * this one has.  When more than that has been done, the heap has grown, and
 * there are two ways on.
 *
 * Where a rule of growth set the goal, the worst case counts from then on
 * (everything that may be scannable is live), and the goal is stretched in
 * proportion to the work, at most to where the next goal would be if the heap
 * ended at this one.  A heap past even that is paced towards a goal a tenth
 * further on, so that the ratio stays finite.
 *
 * Where the memory limit set it, and the live heap fits, the goal is meant.  It
 * moves by half of the limit's headroom and no further, and the work is taken
 * for twice the expected work, and twice that when even so much has been done:
 * to count the worst case against a goal that stays would call for assists in
 * each cycle that scans a little more than the last. */
#include "decision.h"
#include "bytes.h"

enum {
  ASSIST_LEAST_WORK_BYTES = 1000, /* left work is never 0 before the mark has ended */
  ASSIST_PERCENT_WHEN_OFF = 100000,
};

void gaiti_pacer_work_decide(const struct gaiti_pacer *pacer,
                             const struct gaiti_pacer_snapshot *snapshot,
                             struct gaiti_pacer_decision *decision) {
  decision->marked_bytes = pacer->marked_bytes;
  decision->floating_bytes = pacer->floating_bytes;
  decision->cons_mark = pacer->cons_mark.likely;
  decision->cons_mark_largest = pacer->cons_mark.largest;
  decision->cons_mark_recurring = pacer->cons_mark.recurring;
  decision->cons_mark_helped = pacer->cons_mark.recurring_helped;
  decision->roots_bytes = pacer->marking
                              ? pacer->last_roots_bytes
                              : bytes_add(snapshot->stack_bytes, snapshot->globals_bytes);
  decision->expected_work_bytes = bytes_add(pacer->last_heap_work_bytes, decision->roots_bytes);
  decision->worst_work_bytes = bytes_add(snapshot->heap_scan_bytes, decision->roots_bytes);
}

static bool assist_is_strict(const struct gaiti_pacer_decision *decision) {
  return decision->rule == GAITI_PACER_RULE_MEMORY_LIMIT && !decision->limit_unreachable;
}

/* The furthest that a growing heap may stretch the goal of its cycle. */
static int64_t assist_hard_goal(const struct gaiti_pacer *pacer,
                                const struct gaiti_pacer_decision *decision) {
  int64_t goal = decision->goal_bytes, percent = pacer->config.gc_percent;
  if (pacer->config.policy != GAITI_PACER_POLICY_GOGC) percent = 100;
  if (percent < 0) percent = ASSIST_PERCENT_WHEN_OFF;
  return bytes_add(goal, bytes_percent(goal, percent));
}

static int64_t assist_stretched_goal(const struct gaiti_pacer *pacer,
                                     const struct gaiti_pacer_decision *decision) {
  double span = (double)bytes_over(decision->goal_bytes, pacer->triggered_bytes);
  double per_work =
      decision->expected_work_bytes > 0 ? span / (double)decision->expected_work_bytes : span;
  int64_t stretched = bytes_add(pacer->triggered_bytes,
                                bytes_from_real(per_work * (double)decision->worst_work_bytes));
  return bytes_min(stretched, assist_hard_goal(pacer, decision));
}

/* Work and goal to pace by, after `done` bytes of work. */
struct assist_pace {
  int64_t work, goal;
};

static struct assist_pace assist_pace_by_growth(const struct gaiti_pacer *pacer,
                                                const struct gaiti_pacer_decision *decision,
                                                int64_t live, int64_t done) {
  struct assist_pace pace = {decision->expected_work_bytes,
                             bytes_add(decision->goal_bytes, decision->slack_bytes)};
  if (done > pace.work)
    pace = (struct assist_pace){decision->worst_work_bytes, assist_stretched_goal(pacer, decision)};
  if (live > pace.goal)
    pace =
        (struct assist_pace){decision->worst_work_bytes, bytes_from_real(1.1 * (double)pace.goal)};
  return pace;
}

static struct assist_pace assist_pace_by_limit(const struct gaiti_pacer *pacer,
                                               const struct gaiti_pacer_decision *decision,
                                               int64_t done) {
  struct assist_pace pace = {decision->expected_work_bytes, decision->goal_bytes};
  if (done <= pace.work) return pace;
  pace.goal =
      bytes_add(pace.goal, gaiti_pacer_limit_headroom(pacer->config.memory_limit_bytes) / 2);
  while (pace.work < done)
    pace.work = bytes_add(bytes_max(pace.work, 1), pace.work);
  pace.work = bytes_min(pace.work, bytes_max(decision->worst_work_bytes, done));
  return pace;
}

void gaiti_pacer_assist_decide(const struct gaiti_pacer *pacer,
                               const struct gaiti_pacer_snapshot *snapshot,
                               struct gaiti_pacer_decision *decision) {
  decision->pace_goal_bytes = decision->goal_bytes;
  if (!pacer->marking) return;
  decision->trigger_bytes = pacer->triggered_bytes;

  int64_t live = snapshot->heap_live_bytes;
  int64_t done = bytes_add(bytes_add(snapshot->heap_work_bytes, snapshot->stack_work_bytes),
                           snapshot->globals_work_bytes);
  struct assist_pace pace = assist_is_strict(decision)
                                ? assist_pace_by_limit(pacer, decision, done)
                                : assist_pace_by_growth(pacer, decision, live, done);
  decision->pace_goal_bytes = pace.goal;
  decision->work_left_bytes = bytes_max(bytes_over(pace.work, done), ASSIST_LEAST_WORK_BYTES);
  decision->room_left_bytes = bytes_max(bytes_over(pace.goal, live), 1);
  decision->assist_ratio =
      snapshot->limiting ? 0
                         : (double)decision->work_left_bytes / (double)decision->room_left_bytes;
}
