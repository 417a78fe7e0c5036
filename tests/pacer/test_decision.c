/* One decision at a time: which rule sets the goal, what bounds the trigger, what assists owe. */
#include "suite.h"

#include <math.h>

#include "../support/sizes.h"

static struct gaiti_pacer decision_pacer(int64_t gc_percent, int64_t limit) {
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  config.gc_percent = gc_percent;
  config.memory_limit_bytes = limit;
  return suite_pacer(&config);
}

static void decision_cycle_told(struct gaiti_pacer *pacer, struct gaiti_pacer_snapshot *snapshot,
                                int64_t start, int64_t peak, int64_t work,
                                struct gaiti_pacer_cycle cycle) {
  suite_cycle(pacer, snapshot, start, peak, work, &cycle);
  snapshot->heap_scan_bytes = work;
}

/* One cycle that starts at `start`, allocates up to `peak`, scans `work` and finds `marked`. */
static void decision_cycle(struct gaiti_pacer *pacer, struct gaiti_pacer_snapshot *snapshot,
                           int64_t start, int64_t peak, int64_t work, int64_t marked) {
  decision_cycle_told(
      pacer, snapshot, start, peak, work,
      (struct gaiti_pacer_cycle){
          .marked_bytes = marked, .duration_ns = 10000000, .background_ns = -1, .cpus = 4});
}

/* The same where the driver counts what was allocated while marking. */
static void decision_cycle_counted(struct gaiti_pacer *pacer, struct gaiti_pacer_snapshot *snapshot,
                                   int64_t start, int64_t peak, int64_t found) {
  decision_cycle_told(pacer, snapshot, start, peak, found,
                      (struct gaiti_pacer_cycle){.marked_bytes = found + peak - start,
                                                 .black_bytes = peak - start,
                                                 .duration_ns = 10000000,
                                                 .background_ns = -1,
                                                 .cpus = 4});
}

START_TEST(new_pacer_waits_for_the_minimum_heap) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.goal_bytes, 4 * MIB);
  ck_assert_int_eq(decision.trigger_bytes, 4 * MIB / 64 * 61);
  ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_MINIMUM_HEAP);
  ck_assert_int_eq(decision.trigger_bound, GAITI_PACER_TRIGGER_LATEST);
  ck_assert(decision.assist_ratio == 0);
}
END_TEST

START_TEST(gogc_counts_live_heap_and_roots) {
  struct gaiti_pacer pacer = decision_pacer(50, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {.stack_bytes = 10 * MIB, .globals_bytes = 6 * MIB};
  decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, 100 * MIB);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.goal_bytes, 158 * MIB);
  ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_GOGC);
  ck_assert_int_eq(decision.roots_bytes, 16 * MIB);
  ck_assert_int_eq(decision.expected_work_bytes, 116 * MIB);
  /* More stack by the start of the cycle: the goal counts it, and holds then. */
  snapshot.heap_live_bytes = decision.trigger_bytes;
  snapshot.stack_bytes = 20 * MIB;
  gaiti_pacer_start_cycle(&pacer, &snapshot);
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 163 * MIB);
  snapshot.stack_bytes = 90 * MIB;
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 163 * MIB);
}
END_TEST

START_TEST(gogc_off_without_a_limit_never_collects) {
  struct gaiti_pacer pacer = decision_pacer(GAITI_PACER_GC_OFF, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, 100 * MIB);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.trigger_bytes, GAITI_PACER_NO_BYTES_LIMIT);
  ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_OFF);
  ck_assert_int_eq(decision.trigger_bound, GAITI_PACER_TRIGGER_NEVER);
  ck_assert(!decision.limit_unreachable);
}
END_TEST

START_TEST(memory_limit_leaves_headroom_and_overhead) {
  struct gaiti_pacer pacer = decision_pacer(100, 512 * MIB);
  struct gaiti_pacer_snapshot snapshot = {0};
  decision_cycle(&pacer, &snapshot, 290 * MIB, 300 * MIB, 300 * MIB, 300 * MIB);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.goal_bytes, 520764785);
  ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_MEMORY_LIMIT);
  ck_assert_int_eq(decision.rule_bytes[GAITI_PACER_RULE_GOGC], 600 * MIB);
  snapshot.overhead_bytes = 100 * MIB;
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 520764785 - 100 * MIB);
  ck_assert(!suite_decision(&pacer, &snapshot).limit_unreachable);
  /* Overhead that leaves less than is live: the goal is what is live, and says so. */
  snapshot.overhead_bytes = 250 * MIB;
  decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.goal_bytes, 300 * MIB);
  ck_assert_int_eq(decision.trigger_bytes, 300 * MIB);
  ck_assert_int_eq(decision.trigger_bound, GAITI_PACER_TRIGGER_NO_ROOM);
  ck_assert(decision.limit_unreachable);
  snapshot.overhead_bytes = 5000 * MIB;
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 300 * MIB);
  /* Headroom is 1 MiB at least. */
  ck_assert(gaiti_pacer_set_memory_limit(&pacer, 310 * MIB));
  snapshot.overhead_bytes = 0;
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 310 * MIB - 310 * MIB / 100 * 3);
}
END_TEST

START_TEST(pacer_settings_change_at_run_time) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, 100 * MIB);
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 200 * MIB);
  ck_assert(gaiti_pacer_set_gc_percent(&pacer, 300));
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 400 * MIB);
  snapshot.heap_live_bytes = 350 * MIB;
  gaiti_pacer_start_cycle(&pacer, &snapshot);
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 400 * MIB);
  ck_assert(gaiti_pacer_set_gc_percent(&pacer, 500)); /* while marking */
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 600 * MIB);
  ck_assert(gaiti_pacer_set_memory_limit(&pacer, 400 * MIB));
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 400 * MIB - 400 * MIB / 100 * 3);
  ck_assert(!gaiti_pacer_set_gc_percent(&pacer, -2));
  ck_assert(!gaiti_pacer_set_memory_limit(&pacer, -1));
  ck_assert_int_eq(pacer.config.gc_percent, 500);
}
END_TEST

START_TEST(every_pacer_setting_has_a_range) {
  struct gaiti_pacer_config good = gaiti_pacer_config_default(), bad;
  ck_assert_ptr_null(gaiti_pacer_config_check(&good));
#define EXPECT_BAD(field, value)                                                                   \
  bad = good;                                                                                      \
  bad.field = value;                                                                               \
  ck_assert_ptr_nonnull(gaiti_pacer_config_check(&bad));                                           \
  ck_assert_ptr_nonnull(strstr(gaiti_pacer_config_check(&bad), #field))
  EXPECT_BAD(policy, (enum gaiti_pacer_policy)7);
  EXPECT_BAD(gc_percent, -2);
  EXPECT_BAD(memory_limit_bytes, -1);
  EXPECT_BAD(minimum_heap_bytes, -1);
  EXPECT_BAD(square_root_bytes, 0);
  EXPECT_BAD(background_share, 0);
  EXPECT_BAD(background_share, (double)NAN);
  EXPECT_BAD(cpu_cap, 1);
  EXPECT_BAD(cpu_budget, 0);
#undef EXPECT_BAD
  struct gaiti_pacer pacer;
  memset(&pacer, 7, sizeof pacer);
  struct gaiti_pacer before = pacer;
  ck_assert(!gaiti_pacer_init(&pacer, &bad));
  ck_assert_mem_eq(&pacer, &before, sizeof pacer);
}
END_TEST

/* 10 MiB allocated while 100 MiB were marked at a quarter of the CPU: the ratio is a thirtieth, and
 * at that ratio a quarter of the CPU needs a runway of 10 MiB. */
START_TEST(runway_repeats_the_measured_ratio) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, 110 * MIB);
  decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, 110 * MIB);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_double_eq_tol(decision.cons_mark, 1.0 / 30, 1e-12);
  ck_assert_double_eq_tol((double)decision.runway_bytes, 10.0 * (double)MIB, 2);
  ck_assert_int_eq(decision.goal_bytes, 220 * MIB);
  ck_assert_int_eq(decision.trigger_bytes, decision.goal_bytes - decision.runway_bytes);
  ck_assert_int_eq(decision.trigger_bound, GAITI_PACER_TRIGGER_RUNWAY);
  ck_assert_int_eq(decision.slack_bytes, 0);
}
END_TEST

/* A spread of rates: the runway is between mean and maximum, the slack within 1% of the goal; none
 * of that under a memory limit. */
START_TEST(runway_has_slack_for_a_spread_of_rates) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  for (int i = 0; i < 6; i++)
    decision_cycle(&pacer, &snapshot, 90 * MIB, (100 + i % 2) * MIB, 100 * MIB, 110 * MIB);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_double_lt(decision.cons_mark, decision.cons_mark_largest);
  ck_assert_int_gt(decision.slack_bytes, 0);
  ck_assert_int_le(decision.slack_bytes, decision.goal_bytes / 100);
  ck_assert_int_lt(decision.runway_bytes, 11 * MIB);
  ck_assert_int_gt(decision.runway_bytes, 10 * MIB);
  ck_assert(gaiti_pacer_set_memory_limit(&pacer, 200 * MIB));
  decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_MEMORY_LIMIT);
  ck_assert_int_eq(decision.slack_bytes, 0);
  ck_assert_double_eq_tol((double)decision.runway_bytes, 11.0 * (double)MIB, 2);
}
END_TEST

/* A runway longer than what may be given to it: the heap ends at its goal, not over it. */
START_TEST(cut_runway_has_no_slack) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  for (int i = 0; i < 6; i++)
    decision_cycle(&pacer, &snapshot, 90 * MIB, (150 + i % 2) * MIB, 100 * MIB, 110 * MIB);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.trigger_bound, GAITI_PACER_TRIGGER_EARLIEST);
  ck_assert_int_eq(decision.trigger_bytes, 110 * MIB + 110 * MIB / 64 * 45);
  ck_assert_double_lt(decision.cons_mark, decision.cons_mark_largest);
  ck_assert_int_eq(decision.slack_bytes, 0);
}
END_TEST

START_TEST(cons_mark_ratio_is_a_mean_of_five) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  static const int black[] = {13, 10, 11, 9, 12, 8}; /* the first is forgotten */
  for (int i = 0; i < 6; i++)
    decision_cycle(&pacer, &snapshot, 90 * MIB, (90 + black[i]) * MIB, 100 * MIB, 110 * MIB);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_double_eq_tol(decision.cons_mark, 10.0 / 300, 1e-12);
  ck_assert_double_eq_tol(decision.cons_mark_largest, 12.0 / 300, 1e-12);
}
END_TEST

/* Work that grew is expected to grow on, by three quarters as much and up to a half. */
START_TEST(growth_lengthens_the_runway) {
  static const struct {
    int64_t work_mib;
    double trend;
  } cases[] = {{100, 0}, {101, 0}, {120, 0.15}, {150, 0.375}, {300, 0.5}, {50, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
    struct gaiti_pacer_snapshot snapshot = {0};
    int64_t work = cases[i].work_mib * MIB;
    decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, 500 * MIB);
    decision_cycle(&pacer, &snapshot, 90 * MIB, 90 * MIB + work / 10, work, 500 * MIB);
    struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
    ck_assert_double_eq_tol(decision.work_trend, cases[i].trend, 1e-9);
    ck_assert_double_eq_tol((double)decision.runway_bytes, (double)work / 10 * (1 + cases[i].trend),
                            2);
  }
}
END_TEST

START_TEST(cons_mark_ratio_believes_a_step_up_and_not_a_lull) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  for (int i = 0; i < 5; i++)
    decision_cycle(&pacer, &snapshot, 90 * MIB, 91 * MIB, 100 * MIB, 100 * MIB);
  decision_cycle(&pacer, &snapshot, 90 * MIB, 93 * MIB, 100 * MIB, 100 * MIB);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_double_eq_tol(decision.cons_mark, 1.0 / 100, 1e-12);
  ck_assert(decision.cons_mark == decision.cons_mark_largest);
  decision_cycle(&pacer, &snapshot, 90 * MIB, 90 * MIB + 1000, 100 * MIB, 100 * MIB);
  decision = suite_decision(&pacer, &snapshot);
  ck_assert_double_eq_tol(decision.cons_mark_largest, 1.0 / 100, 1e-12);
}
END_TEST

/* A cycle that shows nothing changes no estimate and divides by nothing. */
START_TEST(cons_mark_ratio_skips_empty_measurements) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, 110 * MIB);
  double known = suite_decision(&pacer, &snapshot).cons_mark;
  decision_cycle(&pacer, &snapshot, 90 * MIB, 90 * MIB, 100 * MIB, 110 * MIB); /* no allocation */
  ck_assert(suite_decision(&pacer, &snapshot).cons_mark == known);
  decision_cycle(&pacer, &snapshot, 90 * MIB, 95 * MIB, 0, 110 * MIB); /* no work */
  ck_assert(suite_decision(&pacer, &snapshot).cons_mark == known);
  struct gaiti_pacer_cycle nothing = {.marked_bytes = 110 * MIB, .cpus = 4};
  gaiti_pacer_start_cycle(&pacer, &snapshot);
  gaiti_pacer_end_cycle(&pacer, &snapshot, &nothing); /* no time, no CPUs' share */
  ck_assert(suite_decision(&pacer, &snapshot).cons_mark == known);
  ck_assert(gaiti_pacer_cycle_utilization(&pacer, &nothing) == pacer.config.background_share);
}
END_TEST

/* Mutators that waited would have allocated more: the ratio may rise by such a cycle and not fall.
 */
START_TEST(stalled_mutators_are_not_taken_for_slow) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, 110 * MIB);
  double known = suite_decision(&pacer, &snapshot).cons_mark;
  for (int allocated = 1; allocated <= 20; allocated += 19) {
    decision_cycle_told(&pacer, &snapshot, 90 * MIB, (90 + allocated) * MIB, 100 * MIB,
                        (struct gaiti_pacer_cycle){.marked_bytes = 110 * MIB,
                                                   .duration_ns = 10000000,
                                                   .background_ns = -1,
                                                   .stalled = true,
                                                   .cpus = 4});
    double now = suite_decision(&pacer, &snapshot).cons_mark;
    if (allocated == 1)
      ck_assert(now == known);
    else
      ck_assert_double_gt(now, known);
  }
}
END_TEST

START_TEST(idle_marking_is_work_but_not_gc_cpu) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_cycle cycle = {.duration_ns = 1000,
                                    .assist_ns = 100,
                                    .background_ns = 500,
                                    .idle_ns = 900,
                                    .cpus = 2,
                                    .marked_bytes = 110 * MIB};
  ck_assert_double_eq_tol(gaiti_pacer_cycle_utilization(&pacer, &cycle), 0.3, 1e-12);
  struct gaiti_pacer_snapshot snapshot = {.heap_live_bytes = 90 * MIB};
  gaiti_pacer_start_cycle(&pacer, &snapshot);
  snapshot.heap_live_bytes = 100 * MIB;
  snapshot.heap_work_bytes = 100 * MIB;
  gaiti_pacer_end_cycle(&pacer, &snapshot, &cycle);
  /* 10 MiB by 0.7 of the CPU, 100 MiB by 0.3 and 0.45. */
  ck_assert_double_eq_tol(suite_decision(&pacer, &snapshot).cons_mark, 0.1 * 0.75 / 0.7, 1e-12);
}
END_TEST

START_TEST(assists_pay_for_the_marking_that_is_left) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, 100 * MIB);
  snapshot.heap_live_bytes = snapshot.heap_scan_bytes = 180 * MIB;
  snapshot.heap_work_bytes = 0;
  gaiti_pacer_start_cycle(&pacer, &snapshot);
  ck_assert_double_eq_tol(suite_decision(&pacer, &snapshot).assist_ratio, 5, 1e-9);
  snapshot.heap_work_bytes = 50 * MIB;
  snapshot.heap_live_bytes = 190 * MIB;
  ck_assert_double_eq_tol(suite_decision(&pacer, &snapshot).assist_ratio, 5, 1e-9);
  /* More work than expected: the worst case, towards a goal stretched as much. */
  snapshot.heap_work_bytes = 100 * MIB + 1;
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.worst_work_bytes, 180 * MIB);
  ck_assert_int_eq(decision.pace_goal_bytes, 180 * MIB + 20 * MIB * 9 / 5);
  ck_assert_int_eq(decision.goal_bytes, 200 * MIB);
  /* Past all that: a tenth more, and a ratio that is finite. */
  snapshot.heap_live_bytes = 230 * MIB;
  decision = suite_decision(&pacer, &snapshot);
  ck_assert_double_eq_tol((double)decision.pace_goal_bytes, 1.1 * 216 * (double)MIB, 2);
  snapshot.heap_live_bytes = 900 * MIB;
  decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.room_left_bytes, 1);
  ck_assert(isfinite(decision.assist_ratio));
  snapshot.limiting = true;
  ck_assert(suite_decision(&pacer, &snapshot).assist_ratio == 0);
}
END_TEST

/* Under the limit the goal stretches by half the headroom, whatever the work. */
START_TEST(memory_limit_is_not_stretched) {
  struct gaiti_pacer pacer = decision_pacer(GAITI_PACER_GC_OFF, 200 * MIB);
  struct gaiti_pacer_snapshot snapshot = {0};
  decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 50 * MIB, 60 * MIB);
  int64_t goal = suite_decision(&pacer, &snapshot).goal_bytes, headroom = 200 * MIB - goal;
  snapshot.heap_live_bytes = snapshot.heap_scan_bytes = 180 * MIB;
  gaiti_pacer_start_cycle(&pacer, &snapshot);
  for (int64_t done = 0; done <= 180 * MIB; done += MIB) {
    snapshot.heap_work_bytes = done;
    struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
    ck_assert_int_eq(decision.pace_goal_bytes, done > 50 * MIB ? goal + headroom / 2 : goal);
    ck_assert_int_ge(decision.work_left_bytes + done, 50 * MIB);
  }
}
END_TEST

START_TEST(late_start_of_a_cycle_has_a_whole_runway) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, 110 * MIB);
  decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, 110 * MIB);
  int64_t runway = suite_decision(&pacer, &snapshot).runway_bytes;
  snapshot.heap_live_bytes = snapshot.heap_scan_bytes = 5000 * MIB;
  gaiti_pacer_start_cycle(&pacer, &snapshot);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_START_ROOM);
  ck_assert_int_eq(decision.goal_bytes, 5000 * MIB + runway);
}
END_TEST

/* Growth that makes GC cost the budget, by the pacer's own account. */
START_TEST(cpu_budget_sets_the_growth) {
  struct gaiti_pacer pacer;
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  struct gaiti_pacer_snapshot snapshot = {0};
  config.policy = GAITI_PACER_POLICY_CPU_BUDGET;
  config.cpu_budget = 0.05;
  ck_assert(gaiti_pacer_init(&pacer, &config));
  decision_cycle(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, 110 * MIB);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_CPU_BUDGET);
  double growth = (double)(decision.goal_bytes - decision.marked_bytes);
  double gc = decision.cons_mark * (double)decision.expected_work_bytes;
  ck_assert_double_eq_tol(gc / (gc + growth), 0.05, 1e-6);
}
END_TEST

START_TEST(square_root_goal_grows_with_the_root) {
  struct gaiti_pacer pacer;
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  config.policy = GAITI_PACER_POLICY_SQUARE_ROOT;
  int64_t growth[2];
  for (int i = 0; i < 2; i++) {
    int64_t live = (i == 0 ? 100 : 400) * MIB;
    struct gaiti_pacer_snapshot snapshot = {0};
    ck_assert(gaiti_pacer_init(&pacer, &config));
    decision_cycle(&pacer, &snapshot, live, live + live / 10, live, live);
    struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
    ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_SQUARE_ROOT);
    growth[i] = decision.goal_bytes - decision.marked_bytes;
  }
  ck_assert_double_eq_tol((double)growth[1] / (double)growth[0], 2, 1e-3);
  double by_hand = sqrt(100.0 * (double)MIB / 30 * (double)config.square_root_bytes);
  ck_assert_double_eq_tol((double)growth[0] / by_hand, 1, 1e-3);
}
END_TEST

START_TEST(enums_of_the_pacer_have_names) {
  for (int i = 0; i < GAITI_PACER_RULES; i++) {
    ck_assert_str_ne(gaiti_pacer_rule_name((enum gaiti_pacer_rule)i), "unknown");
    ck_assert_uint_gt(strlen(gaiti_pacer_rule_sentence((enum gaiti_pacer_rule)i)), 10);
  }
  ck_assert_str_eq(gaiti_pacer_rule_name(GAITI_PACER_RULES), "unknown");
  ck_assert_str_eq(gaiti_pacer_rule_sentence(GAITI_PACER_RULES), "unknown");
  for (int i = 0; i <= GAITI_PACER_TRIGGER_NEVER; i++)
    ck_assert_str_ne(gaiti_pacer_trigger_bound_name((enum gaiti_pacer_trigger_bound)i), "unknown");
  for (int i = 0; i <= GAITI_PACER_POLICY_SQUARE_ROOT; i++)
    ck_assert_str_ne(gaiti_pacer_policy_name((enum gaiti_pacer_policy)i), "unknown");
}
END_TEST

/* ---- Floating garbage ---- */

/* What is allocated while marking floats as far as the live heap does not grow. */
START_TEST(floating_garbage_follows_from_growth) {
  const struct {
    int64_t found, floating; /* by the second cycle, in MiB */
  } cases[] = {{100, 20}, {140, 10}, {180, 0}, {50, 20}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
    struct gaiti_pacer_snapshot snapshot = {0};
    decision_cycle_counted(&pacer, &snapshot, 180 * MIB, 200 * MIB, 100 * MIB);
    decision_cycle_counted(&pacer, &snapshot, 180 * MIB, 200 * MIB, cases[i].found * MIB);
    struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
    ck_assert_int_eq(decision.floating_bytes, cases[i].floating * MIB);
    int64_t marked = (cases[i].found + 20) * MIB;
    ck_assert_int_eq(decision.marked_bytes, marked);
    ck_assert_int_eq(decision.goal_bytes, 2 * marked - cases[i].floating * MIB / 2);
    ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_GOGC);
  }
}
END_TEST

/* A driver that does not count gets the goal for all that is marked; a first cycle knows no growth
 * but its own. */
START_TEST(floating_garbage_is_none_unless_counted) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  for (int i = 0; i < 2; i++) {
    decision_cycle(&pacer, &snapshot, 180 * MIB, 200 * MIB, 100 * MIB, 120 * MIB);
    ck_assert_int_eq(suite_decision(&pacer, &snapshot).floating_bytes, 0);
    ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 240 * MIB);
  }
  pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  decision_cycle_counted(&pacer, &snapshot, 80 * MIB, 90 * MIB, 80 * MIB);
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).floating_bytes, 0);
  pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  decision_cycle_counted(&pacer, &snapshot, 80 * MIB, 90 * MIB, 20 * MIB);
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).floating_bytes, 10 * MIB * 3 / 4);
}
END_TEST

/* Garbage over the limit does not put it out of reach: the next cycle will find it. */
START_TEST(floating_garbage_does_not_hide_the_limit) {
  struct gaiti_pacer pacer = decision_pacer(GAITI_PACER_GC_OFF, 120 * MIB);
  struct gaiti_pacer_snapshot snapshot = {0};
  for (int i = 0; i < 2; i++)
    decision_cycle_counted(&pacer, &snapshot, 115 * MIB, 135 * MIB, 100 * MIB);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert(!decision.limit_unreachable);
  ck_assert_int_eq(decision.goal_bytes, 120 * MIB); /* what is marked: at once */
  ck_assert_int_eq(decision.trigger_bound, GAITI_PACER_TRIGGER_NO_ROOM);
  decision_cycle(&pacer, &snapshot, 115 * MIB, 135 * MIB, 100 * MIB, 120 * MIB);
  ck_assert(suite_decision(&pacer, &snapshot).limit_unreachable);
  for (int i = 0; i < 2; i++)
    decision_cycle_counted(&pacer, &snapshot, 130 * MIB, 140 * MIB, 118 * MIB);
  ck_assert(suite_decision(&pacer, &snapshot).limit_unreachable);
}
END_TEST

START_TEST(floating_garbage_leaves_the_minimum_heap_its_room) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_snapshot snapshot = {0};
  const struct {
    int64_t black, goal; /* in MiB */
  } cases[] = {{1, 4}, {2, 4}, {3, 6}, {4, 8}, {6, 10}, {10, 15}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int round = 0; round < 2; round++)
      decision_cycle_counted(&pacer, &snapshot, 4 * MIB, (4 + cases[i].black) * MIB, 0);
    struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
    ck_assert_int_eq(decision.floating_bytes, cases[i].black * MIB);
    ck_assert_int_eq(decision.goal_bytes, cases[i].goal * MIB);
  }
}
END_TEST

/* ---- What is relied on ---- */

static struct gaiti_pacer decision_relying_pacer(double idle, double assist) {
  struct gaiti_pacer pacer = decision_pacer(100, GAITI_PACER_NO_BYTES_LIMIT);
  struct gaiti_pacer_config config = pacer.config;
  config.idle_reliance = idle;
  config.assist_reliance = assist;
  ck_assert(gaiti_pacer_configure(&pacer, &config));
  return pacer;
}

/* ---- Idle help ---- */

/* A cycle of 100 MiB of work in which idle CPUs marked `idle` percent of all CPU time, beside
 * a quarter, and as much was allocated as there was time for: 20 MiB without them. */
static void decision_helped_cycle(struct gaiti_pacer *pacer, struct gaiti_pacer_snapshot *snapshot,
                                  int64_t idle) {
  int64_t allocated = 20 * MIB * 25 / (25 + idle);
  decision_cycle_told(pacer, snapshot, 190 * MIB, 190 * MIB + allocated, 100 * MIB,
                      (struct gaiti_pacer_cycle){.marked_bytes = 110 * MIB,
                                                 .duration_ns = 1000000,
                                                 .background_ns = 500000,
                                                 .idle_ns = 20000 * idle,
                                                 .cpus = 2});
}

START_TEST(idle_help_is_relied_on_as_far_as_set) {
  for (int reliance = 0; reliance <= 4; reliance++) {
    struct gaiti_pacer pacer = decision_relying_pacer(reliance / 4.0, 0);
    struct gaiti_pacer_snapshot snapshot = {0};
    for (int i = 0; i < 6; i++)
      decision_helped_cycle(&pacer, &snapshot, 25);
    /* Without help the mark would take twice as long, and 20 MiB. */
    struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
    ck_assert_double_eq_tol((double)decision.runway_bytes, (20 - 2.5 * reliance) * MIB, 4);
    ck_assert_double_eq_tol(decision.cons_mark_helped, decision.cons_mark / 2, 1e-12);
    ck_assert_int_le(decision.slack_bytes, decision.goal_bytes / 100);
    ck_assert_int_eq(decision.slack_bytes > 0, reliance > 0);
  }
}
END_TEST

/* The worst of the cycles remembered counts, and one without help at once. */
START_TEST(idle_help_that_fails_is_not_relied_on) {
  struct gaiti_pacer pacer = decision_relying_pacer(1, 0);
  struct gaiti_pacer_snapshot snapshot = {0};
  for (int i = 0; i < 6; i++)
    decision_helped_cycle(&pacer, &snapshot, 25);
  ck_assert_int_lt(suite_decision(&pacer, &snapshot).runway_bytes, 10 * MIB + 4);
  decision_helped_cycle(&pacer, &snapshot, 0);
  ck_assert_int_gt(suite_decision(&pacer, &snapshot).runway_bytes, 16 * MIB);
  /* Under the memory limit the runway is that of the workers alone. */
  for (int i = 0; i < 6; i++)
    decision_helped_cycle(&pacer, &snapshot, 25);
  ck_assert(gaiti_pacer_set_memory_limit(&pacer, 200 * MIB));
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_MEMORY_LIMIT);
  ck_assert_double_eq_tol((double)decision.runway_bytes, 20.0 * MIB, 4);
  ck_assert_int_eq(decision.slack_bytes, 0);
}
END_TEST

/* ---- Single bad cycles ---- */

/* A cycle of 100 MiB of work in which `allocated` MiB were allocated, a quarter of it marking. */
static void decision_marked_cycle(struct gaiti_pacer *pacer, struct gaiti_pacer_snapshot *snapshot,
                                  int64_t allocated) {
  decision_cycle_told(
      pacer, snapshot, 170 * MIB, (170 + allocated) * MIB, 100 * MIB,
      (struct gaiti_pacer_cycle){
          .marked_bytes = 110 * MIB, .duration_ns = 1000000, .background_ns = 500000, .cpus = 2});
}

/* What recurs is the second largest of five, or the newest: a single bad cycle counts once, and
 * what came twice, or is a change for good, counts. */
START_TEST(runway_for_idle_help_counts_a_single_bad_cycle_once) {
  struct gaiti_pacer pacer = decision_relying_pacer(0, 1);
  struct gaiti_pacer_snapshot snapshot = {0};
  const struct {
    int64_t allocated, recurring; /* in MiB */
  } cycles[] = {{10, 10}, {10, 10}, {12, 12}, {10, 10}, {11, 11}, {11, 11}, {10, 11},
                {10, 11}, {12, 12}, {12, 12}, {10, 12}, {30, 30}, {10, 10}, {10, 10}};
  for (size_t i = 0; i < sizeof cycles / sizeof *cycles; i++) {
    decision_marked_cycle(&pacer, &snapshot, cycles[i].allocated);
    struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
    double ratio = decision.cons_mark_recurring * 3 * 100;
    ck_assert_msg(fabs(ratio - (double)cycles[i].recurring) < 1e-9, "cycle %zu: %g", i, ratio);
    ck_assert_double_eq_tol(decision.cons_mark_helped, decision.cons_mark_recurring, 1e-12);
  }
  /* The last of them: no more than the 10 MiB of all but one, less the allowance. */
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_double_eq_tol(decision.cons_mark_largest * 3 * 100, 30, 1e-9);
  double allowance = (double)decision.goal_bytes / 100;
  ck_assert_double_eq_tol((double)decision.runway_bytes, 10 * MIB - allowance, 4);
  ck_assert_double_eq_tol((double)decision.slack_bytes, allowance, 4);
  /* Who relies on half of it goes half of the way, and under the limit nobody does. */
  struct gaiti_pacer_config config = pacer.config;
  config.assist_reliance = 0.5;
  ck_assert(gaiti_pacer_configure(&pacer, &config));
  decision = suite_decision(&pacer, &snapshot);
  ck_assert_double_eq_tol((double)decision.runway_bytes, 20 * MIB - allowance, 4);
  ck_assert(gaiti_pacer_set_memory_limit(&pacer, 200 * MIB));
  ck_assert_double_eq_tol((double)suite_decision(&pacer, &snapshot).runway_bytes, 30.0 * MIB, 4);
}
END_TEST

int main(void) {
  const TTest *const tests[] = {new_pacer_waits_for_the_minimum_heap,
                                gogc_counts_live_heap_and_roots,
                                gogc_off_without_a_limit_never_collects,
                                memory_limit_leaves_headroom_and_overhead,
                                pacer_settings_change_at_run_time,
                                every_pacer_setting_has_a_range,
                                runway_repeats_the_measured_ratio,
                                runway_has_slack_for_a_spread_of_rates,
                                cut_runway_has_no_slack,
                                cons_mark_ratio_is_a_mean_of_five,
                                growth_lengthens_the_runway,
                                cons_mark_ratio_believes_a_step_up_and_not_a_lull,
                                cons_mark_ratio_skips_empty_measurements,
                                stalled_mutators_are_not_taken_for_slow,
                                idle_marking_is_work_but_not_gc_cpu,
                                floating_garbage_follows_from_growth,
                                floating_garbage_is_none_unless_counted,
                                floating_garbage_does_not_hide_the_limit,
                                floating_garbage_leaves_the_minimum_heap_its_room,
                                idle_help_is_relied_on_as_far_as_set,
                                idle_help_that_fails_is_not_relied_on,
                                runway_for_idle_help_counts_a_single_bad_cycle_once,
                                assists_pay_for_the_marking_that_is_left,
                                memory_limit_is_not_stretched,
                                late_start_of_a_cycle_has_a_whole_runway,
                                cpu_budget_sets_the_growth,
                                square_root_goal_grows_with_the_root,
                                enums_of_the_pacer_have_names};
  return SUITE_RUN("pacer decision", tests);
}
