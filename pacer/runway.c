/* The runway: the part of the goal that is kept free for allocation by mutators while the
 * background workers alone do the mark.
 *
 * Two errors cost.  Too long a runway collects too early and leaves memory unused; too short a one
 * lets the heap reach its goal while marking, and then mutators must assist.  To plan for the
 * largest recent cons/mark ratio avoids assists and pays with an early end in every cycle that is
 * not the worst.  To plan for the mean does the reverse.
 *
 * A third way is open as long as the spread is small: to plan for the mean, and to let a cycle
 * that turns out worse end a little over the goal, without assists.  So the runway is that of the
 * largest ratio less an allowance of 1% of the goal, but not less than that of the mean; and the
 * runway given up so is slack, which the assists may use, twice over since the next ratio may
 * exceed the largest seen, yet within the same 1%.  A program with steady rates gives up nothing
 * and gets no slack.
 *
 * The allowance ends where the heap may not pass its goal (the memory limit), where the runway is
 * cut by the earliest trigger (see trigger.c), since then the heap would end over the goal by plan
 * and not by chance, and while the work itself was a surprise, which is error enough.
 *
 * A driver may rely on more, and says on how much of it; by default on nothing.
 *
 * On assists.  Marking that is now and then twice as slow, as on a machine that is shared, makes
 * the worst of five cycles twice the usual one most of the time.  The recurring ratio is planned
 * for then: the second largest ratio, or the newest.  A single bad cycle has been followed by one
 * long runway when it is among the older ones, and if it comes again, assists do the missing work.
 *
 * On idle CPUs.  They mark beside the workers, for nothing, and where they do, marking ends
 * before a runway for the workers alone is used, and the heap below its goal.  They may be gone in
 * the next cycle.  So part of their saving is relied on.  When they fail, the heap may end as much
 * over its goal without assists as the slack allows, and assists do the rest of that one cycle:
 * its measurement has them no more.
 *
 * Under the memory limit nothing is relied on.
 *
 * Growth of the work tends to go on, as when a program starts.  Three quarters of the excess of
 * the last cycle over its expectation are expected to come again, up to half of the work. */
#include "decision.h"
#include "bytes.h"

static const double runway_allowance = 0.01; /* of the goal */
static const double runway_slack_factor = 2;
static const double runway_trend_factor = 0.75;
static const double runway_trend_most = 0.5;
static const double runway_trend_least = 0.02; /* less is noise */

int64_t gaiti_pacer_runway(double cons_mark, int64_t work_bytes, double share) {
  return bytes_from_real(cons_mark * (1 - share) / share * (double)work_bytes);
}

static double runway_trend(double work_growth) {
  double trend = runway_trend_factor * work_growth;
  if (work_growth < runway_trend_least) return 0;
  return trend < runway_trend_most ? trend : runway_trend_most;
}

static int64_t runway_for(const struct gaiti_pacer *pacer,
                          const struct gaiti_pacer_decision *decision, double cons_mark) {
  int64_t bytes =
      gaiti_pacer_runway(cons_mark, decision->expected_work_bytes, pacer->config.background_share);
  return bytes_from_real((double)bytes * (1 + decision->work_trend));
}

/* By how much the runway may be shorter than the `worst`, since others will help. */
static int64_t runway_relied(const struct gaiti_pacer *pacer,
                             const struct gaiti_pacer_decision *decision, int64_t worst) {
  int64_t recurring = runway_for(pacer, decision, decision->cons_mark_recurring);
  int64_t helped = runway_for(pacer, decision, decision->cons_mark_helped);
  double single = pacer->config.assist_reliance * (double)bytes_over(worst, recurring);
  double idle = pacer->config.idle_reliance * (double)bytes_over(recurring, helped);
  return bytes_from_real(single + idle);
}

void gaiti_pacer_runway_decide(const struct gaiti_pacer *pacer,
                               struct gaiti_pacer_decision *decision) {
  decision->work_trend = runway_trend(pacer->work_growth);
  int64_t worst = runway_for(pacer, decision, decision->cons_mark_largest);
  int64_t likely = runway_for(pacer, decision, decision->cons_mark);
  decision->runway_bytes = worst;
  if (decision->rule >= GAITI_PACER_RULE_MEMORY_LIMIT ||
      decision->goal_bytes == GAITI_PACER_NO_BYTES_LIMIT)
    return;

  double most = runway_allowance * (double)decision->goal_bytes;
  int64_t allowance = bytes_from_real(most - pacer->work_growth * (double)worst);
  decision->runway_bytes = bytes_max(likely, bytes_over(worst, allowance));
  decision->runway_bytes =
      bytes_over(decision->runway_bytes, runway_relied(pacer, decision, worst));
  double slack = runway_slack_factor * (double)bytes_over(worst, decision->runway_bytes);
  decision->slack_bytes = bytes_from_real(slack < most ? slack : most);
}
