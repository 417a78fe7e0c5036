/* The recorded scenarios: every bound holds, and where the reference leaves room the pacer is
 * better. */
#include "suite.h"

#include <math.h>

static struct replay_folder reference_folder;
static struct replay_tally reference_tally;

static void reference_setup(void) {
  suite_replay(PACER_TEST_DIR "/reference", &reference_folder, &reference_tally);
}

static struct replay_figures reference_ours(const char *name) {
  const struct replay_scenario *scenario = suite_scenario(&reference_folder, name);
  return replay_figures_of(&reference_folder, scenario, scenario->results);
}

static struct replay_figures reference_its(const char *name) {
  const struct replay_scenario *scenario = suite_scenario(&reference_folder, name);
  ck_assert_ptr_nonnull(scenario->recorded);
  return replay_figures_of(&reference_folder, scenario, scenario->recorded);
}

START_TEST(reference_bounds_hold) {
  reference_setup();
  ck_assert_uint_eq(reference_folder.scenario_count, 12);
  ck_assert_int_gt(reference_tally.checks, 4000);
  ck_assert_int_eq(reference_tally.failed, 0);
  replay_folder_release(&reference_folder);
}
END_TEST

START_TEST(reference_limiter_script_holds) {
  struct replay_tally tally = {0};
  struct replay_error error;
  reference_setup();
  if (!replay_check_limiter(&reference_folder.limiter, suite_complain, NULL, &tally, &error))
    ck_abort_msg("%s", error.text);
  ck_assert_int_ge(tally.checks, 61 * 4);
  ck_assert_int_eq(tally.failed, 0);
  replay_folder_release(&reference_folder);
}
END_TEST

/* Neither error grows in any window beyond rounding. */
START_TEST(replay_is_never_worse_than_the_reference_in_a_window) {
  reference_setup();
  for (size_t i = 0; i < reference_folder.scenario_count; i++) {
    const char *name = reference_folder.scenarios[i].name;
    struct replay_figures ours = reference_ours(name), its = reference_its(name);
    if (ours.util_abs_err_mean > its.util_abs_err_mean + 1e-6)
      ck_abort_msg("%s: utilization error %g, reference %g", name, ours.util_abs_err_mean,
                   its.util_abs_err_mean);
    if (ours.undershoot_mean > its.undershoot_mean + 1e-6)
      ck_abort_msg("%s: undershoot %g, reference %g", name, ours.undershoot_mean,
                   its.undershoot_mean);
    if (ours.overshoot_max > its.overshoot_max + 1e-6)
      ck_abort_msg("%s: overshoot %g, reference %g", name, ours.overshoot_max, its.overshoot_max);
  }
  replay_folder_release(&reference_folder);
}
END_TEST

START_TEST(replay_of_jitter_has_less_of_both_errors) {
  reference_setup();
  struct replay_figures ours = reference_ours("JitterAlloc"), its = reference_its("JitterAlloc");
  ck_assert_double_lt(ours.util_abs_err_mean, 0.6 * its.util_abs_err_mean);
  ck_assert_double_lt(ours.undershoot_mean, 0.6 * its.undershoot_mean);
  /* Not bought with overshoot: the distance from the goal, either way, is less too. */
  ck_assert_double_lt(ours.undershoot_mean + ours.overshoot_mean,
                      its.undershoot_mean + its.overshoot_mean);
  replay_folder_release(&reference_folder);
}
END_TEST

START_TEST(replay_of_big_stacks_starts_near_its_goal) {
  reference_setup();
  const struct replay_scenario *scenario = suite_scenario(&reference_folder, "SteadyBigStacks");
  ck_assert_double_le(reference_ours("SteadyBigStacks").overshoot_max, 0.1);
  for (size_t i = 0; i < 12; i++)
    ck_assert_double_le(scenario->results[i].gc_utilization,
                        scenario->recorded[i].gc_utilization + 1e-6);
  replay_folder_release(&reference_folder);
}
END_TEST

/* After the step: no more GC CPU, and no larger heap, cycle by cycle. */
START_TEST(replay_of_a_heavy_step_is_not_worse_at_equal_peak) {
  reference_setup();
  const struct replay_scenario *scenario = suite_scenario(&reference_folder, "HeavyStepAlloc");
  for (size_t i = 51; i < scenario->cycles; i++) {
    ck_assert_double_le(scenario->results[i].gc_utilization,
                        scenario->recorded[i].gc_utilization + 1e-5);
    ck_assert_double_le((double)scenario->results[i].peak_bytes,
                        (double)scenario->recorded[i].peak_bytes * (1 + 1e-5));
  }
  replay_folder_release(&reference_folder);
}
END_TEST

/* A program that starts: its heap doubles from cycle to cycle. */
START_TEST(replay_overshoots_less_in_warm_up) {
  static const char *const names[] = {"Steady", "StepAlloc", "SteadyMemoryLimit"};
  reference_setup();
  for (int i = 0; i < 3; i++)
    ck_assert_double_lt(reference_ours(names[i]).overshoot_max,
                        0.5 * reference_its(names[i]).overshoot_max);
  replay_folder_release(&reference_folder);
}
END_TEST

/* The model itself: its inputs' consequences are recorded, whatever the pacer does. */
START_TEST(replay_model_derives_the_recorded_numbers) {
  struct replay_error error;
  reference_setup();
  const struct replay_scenario *scenario = suite_scenario(&reference_folder, "Steady");
  int first_trigger = replay_table_find(&scenario->table, "trigger");
  int first_peak = replay_table_find(&scenario->table, "heap_peak");
  int first_time = replay_table_find(&scenario->table, "gc_duration_ns");
  int64_t trigger, peak, duration;
  ck_assert(replay_table_integer(&scenario->table, 0, first_trigger, NULL, &trigger, &error));
  ck_assert(replay_table_integer(&scenario->table, 0, first_peak, NULL, &peak, &error));
  ck_assert(replay_table_integer(&scenario->table, 0, first_time, NULL, &duration, &error));
  ck_assert_int_eq(scenario->results[0].trigger_bytes, trigger);
  ck_assert_int_eq(scenario->results[0].peak_bytes, peak);
  ck_assert_int_eq(scenario->results[0].duration_ns, duration);
  replay_folder_release(&reference_folder);
}
END_TEST

int main(void) {
  const TTest *const tests[] = {reference_bounds_hold,
                                reference_limiter_script_holds,
                                replay_is_never_worse_than_the_reference_in_a_window,
                                replay_of_jitter_has_less_of_both_errors,
                                replay_of_big_stacks_starts_near_its_goal,
                                replay_of_a_heavy_step_is_not_worse_at_equal_peak,
                                replay_overshoots_less_in_warm_up,
                                replay_model_derives_the_recorded_numbers};
  return SUITE_RUN("pacer reference", tests);
}
