/* Our own scenarios, see scenarios/README.md. */
#include "suite.h"

START_TEST(scenario_bounds_hold) {
  struct replay_folder folder;
  struct replay_tally tally = {0};
  suite_replay(PACER_TEST_DIR "/scenarios", &folder, &tally);
  ck_assert_uint_ge(folder.scenario_count, 31);
  ck_assert_int_gt(tally.checks, 5000);
  ck_assert_int_eq(tally.failed, 0);
  replay_folder_release(&folder);
}
END_TEST

static void scenarios_count(void *context, const char *text) {
  suite_complain(NULL, text);
  ++*(int *)context;
}

/* Every row of bounds.csv is used. */
START_TEST(scenario_bounds_all_have_a_scenario) {
  static const char *const folders[] = {PACER_TEST_DIR "/scenarios", PACER_TEST_DIR "/reference"};
  for (int i = 0; i < 2; i++) {
    struct replay_folder folder;
    struct replay_error error;
    int unused = 0;
    ck_assert(replay_folder_read(&folder, folders[i], &error));
    replay_check_unused_bounds(&folder, scenarios_count, &unused);
    ck_assert_int_eq(unused, 0);
    replay_folder_release(&folder);
  }
}
END_TEST

/* A limit out of reach costs the cap and no more, however the cap is set. */
START_TEST(scenario_of_an_unreachable_limit_does_not_loop) {
  struct replay_folder folder;
  struct replay_tally tally = {0};
  suite_replay(PACER_TEST_DIR "/scenarios", &folder, &tally);
  static const char *const names[] = {"LimitUnreachable10", "LimitUnreachable25",
                                      "LimitUnreachable50"};
  int64_t shorter_ns = INT64_MAX;
  for (int i = 0; i < 3; i++) {
    const struct replay_scenario *scenario = suite_scenario(&folder, names[i]);
    const struct replay_result *last = &scenario->results[scenario->cycles - 1];
    ck_assert(last->limit_unreachable);
    ck_assert_int_eq(last->rule, GAITI_PACER_RULE_CPU_CAP);
    /* The lower the cap, the further apart the cycles, and never one after the other. */
    ck_assert_int_lt(last->period_ns, shorter_ns);
    ck_assert_int_gt(last->period_ns, last->duration_ns + last->duration_ns / 5);
    shorter_ns = last->period_ns;
  }
  replay_folder_release(&folder);
}
END_TEST

int main(void) {
  const TTest *const tests[] = {scenario_bounds_hold, scenario_bounds_all_have_a_scenario,
                                scenario_of_an_unreachable_limit_does_not_loop};
  return SUITE_RUN("pacer scenarios", tests);
}
