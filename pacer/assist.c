/* The assist ratio: mark work that each allocated byte owes, so that the work
 * is done when the heap reaches its goal.
 *
 * At first the work is taken to be what the last cycle scanned, with the roots
 * that this one has.  When more than that has been done, the heap has grown: from then on
 * the worst case counts (everything that may be scannable is live), and the
 * goal is stretched in proportion to the work, at most to where the next goal
 * would be if the heap ended at this one.  A heap past even that is paced
 * towards a goal a tenth further on, so that the ratio stays finite. */
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
  decision->cons_mark = pacer->cons_mark.likely;
  decision->cons_mark_largest = pacer->cons_mark.largest;
  decision->roots_bytes = pacer->marking
                              ? pacer->last_roots_bytes
                              : bytes_add(snapshot->stack_bytes, snapshot->globals_bytes);
  decision->expected_work_bytes = bytes_add(pacer->last_heap_work_bytes, decision->roots_bytes);
  decision->worst_work_bytes = bytes_add(snapshot->heap_scan_bytes, decision->roots_bytes);
}

/* The furthest that a growing heap may stretch the goal of its cycle. */
static int64_t assist_hard_goal(const struct gaiti_pacer *pacer, int64_t goal) {
  bool gogc = pacer->config.policy == GAITI_PACER_POLICY_GOGC;
  int64_t percent = !gogc                          ? 100
                    : pacer->config.gc_percent < 0 ? ASSIST_PERCENT_WHEN_OFF
                                                   : pacer->config.gc_percent;
  return bytes_add(goal, bytes_percent(goal, percent));
}

static int64_t assist_stretched_goal(const struct gaiti_pacer *pacer,
                                     const struct gaiti_pacer_decision *decision) {
  double span = (double)bytes_over(decision->goal_bytes, pacer->triggered_bytes);
  double per_work =
      decision->expected_work_bytes > 0 ? span / (double)decision->expected_work_bytes : span;
  int64_t stretched = bytes_add(pacer->triggered_bytes,
                                bytes_from_real(per_work * (double)decision->worst_work_bytes));
  return bytes_min(stretched, assist_hard_goal(pacer, decision->goal_bytes));
}

void gaiti_pacer_assist_decide(const struct gaiti_pacer *pacer,
                               const struct gaiti_pacer_snapshot *snapshot,
                               struct gaiti_pacer_decision *decision) {
  decision->pace_goal_bytes = decision->goal_bytes;
  if (!pacer->marking) return;
  decision->trigger_bytes = pacer->triggered_bytes;

  int64_t done = bytes_add(bytes_add(snapshot->heap_work_bytes, snapshot->stack_work_bytes),
                           snapshot->globals_work_bytes);
  int64_t work = decision->expected_work_bytes;
  int64_t goal = bytes_add(decision->goal_bytes, decision->slack_bytes);
  if (done > work) {
    goal = assist_stretched_goal(pacer, decision);
    work = decision->worst_work_bytes;
  }
  if (snapshot->heap_live_bytes > goal) {
    goal = bytes_from_real(1.1 * (double)goal);
    work = decision->worst_work_bytes;
  }
  decision->pace_goal_bytes = goal;
  decision->work_left_bytes = bytes_max(bytes_over(work, done), ASSIST_LEAST_WORK_BYTES);
  decision->room_left_bytes = bytes_max(bytes_over(goal, snapshot->heap_live_bytes), 1);
  decision->assist_ratio =
      snapshot->limiting ? 0
                         : (double)decision->work_left_bytes / (double)decision->room_left_bytes;
}
