/* What a replayed folder is held against: the bounds, what every cycle must
 * satisfy, the CPU limiter's script; and the figures by which two pacers are
 * compared. */
#ifndef GAIT_REPLAY_CHECK_H
#define GAIT_REPLAY_CHECK_H

#include "replay_scenario.h"

struct replay_tally {
  int64_t checks, failed;
};

/* Called for each check that fails; may be NULL. */
typedef void replay_complain(void *context, const char *text);

/* Errors against what the pacer aims at.  Means are over the scenario's window:
 * the cycles that a goal_ratio bound covers, else those of a d_util_prev bound,
 * else all.  The largest overshoot and the peak are over all cycles. */
struct replay_figures {
  double utilization_mean;
  double util_abs_err_mean; /* against the background share; 1 where the goal leaves no room */
  double undershoot_mean;   /* peak below goal, as a share of the goal */
  double overshoot_mean;
  double overshoot_max;
  int64_t peak_max_bytes;
};

/* Fails when a bound names no metric that exists. */
bool replay_check_scenario(const struct replay_folder *folder,
                           const struct replay_scenario *scenario, replay_complain *complain,
                           void *context, struct replay_tally *tally, struct replay_error *error);

/* Runs limiter.csv.  Fails when a row cannot be read. */
bool replay_check_limiter(const struct replay_table *script, replay_complain *complain,
                          void *context, struct replay_tally *tally, struct replay_error *error);

/* `results` are the scenario's own or the recorded ones. */
struct replay_figures replay_figures_of(const struct replay_folder *folder,
                                        const struct replay_scenario *scenario,
                                        const struct replay_result *results);

/* Bounds for scenarios that the folder does not hold, or past a scenario's last
 * cycle: reported to `complain`, not failed. */
void replay_check_unused_bounds(const struct replay_folder *folder, replay_complain *complain,
                                void *context);

#endif
