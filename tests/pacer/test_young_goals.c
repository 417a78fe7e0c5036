/* Young cycles: when the next one is, what it does to the goal, and what is learnt from it. */
#include "suite.h"

#include <math.h>

#include "../support/sizes.h"

static struct gaiti_pacer young_pacer(double survival) {
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  config.young_survival = survival;
  return suite_pacer(&config);
}

/* One cycle that starts at `start`, allocates up to `peak`, scans `work` and finds `marked`. */
static void young_cycle_told(struct gaiti_pacer *pacer, struct gaiti_pacer_snapshot *snapshot,
                             int64_t start, int64_t peak, int64_t work,
                             struct gaiti_pacer_cycle cycle) {
  cycle.duration_ns = 10000000;
  cycle.background_ns = -1;
  cycle.cpus = 4;
  suite_cycle(pacer, snapshot, start, peak, work, &cycle);
}

/* A full cycle and a young one, in MiB, beside which nothing is allocated; stores are remembered
 * from its end on. */
static void young_full(struct gaiti_pacer *pacer, struct gaiti_pacer_snapshot *snapshot,
                       int64_t marked, int64_t work) {
  young_cycle_told(pacer, snapshot, marked * MIB, marked * MIB, work * MIB,
                   (struct gaiti_pacer_cycle){.marked_bytes = marked * MIB, .remembered = true});
}

static void young_young(struct gaiti_pacer *pacer, struct gaiti_pacer_snapshot *snapshot,
                        int64_t marked, int64_t work) {
  young_cycle_told(
      pacer, snapshot, marked * MIB, marked * MIB, work * MIB,
      (struct gaiti_pacer_cycle){.marked_bytes = marked * MIB, .young = true, .remembered = true});
}

/* A pacer whose next cycle is young: 100 MiB live, all scanned, a tenth of what is new survives. */
static struct gaiti_pacer young_after_full(struct gaiti_pacer_snapshot *snapshot) {
  struct gaiti_pacer pacer = young_pacer(0.25);
  *snapshot = (struct gaiti_pacer_snapshot){0};
  gaiti_pacer_learn_survival(&pacer, 100 * MIB, 10 * MIB);
  young_full(&pacer, snapshot, 100, 100);
  ck_assert(suite_decision(&pacer, snapshot).young);
  return pacer;
}

/* ---- When ---- */

START_TEST(no_cycle_is_young_with_the_setting_at_0) {
  struct gaiti_pacer pacer = young_pacer(0);
  struct gaiti_pacer_snapshot snapshot = {0};
  gaiti_pacer_learn_survival(&pacer, 100 * MIB, 0);
  for (int i = 0; i < 3; i++) {
    young_full(&pacer, &snapshot, 100, 100);
    struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
    ck_assert(!decision.young);
    ck_assert(!decision.remember);
    ck_assert_int_eq(decision.goal_bytes, 200 * MIB);
    ck_assert_int_eq(decision.expected_work_bytes, 100 * MIB);
  }
  ck_assert(gaiti_pacer_config_default().young_survival == 0);
}
END_TEST

START_TEST(stores_are_remembered_where_little_survives) {
  struct gaiti_pacer pacer = young_pacer(0.25);
  struct gaiti_pacer_snapshot snapshot = {0};
  young_full(&pacer, &snapshot, 100, 100);
  ck_assert(!suite_decision(&pacer, &snapshot).remember);
  gaiti_pacer_learn_survival(&pacer, 100 * MIB, 26 * MIB);
  ck_assert(!suite_decision(&pacer, &snapshot).remember);
  gaiti_pacer_learn_survival(&pacer, 100 * MIB, 25 * MIB);
  ck_assert(suite_decision(&pacer, &snapshot).remember);
  ck_assert(!suite_decision(&pacer, &snapshot).young);
  gaiti_pacer_learn_survival(&pacer, 0, 100 * MIB); /* which says nothing */
  ck_assert(suite_decision(&pacer, &snapshot).remember);
  gaiti_pacer_learn_survival(&pacer, 100 * MIB, 100 * MIB);
  ck_assert(!suite_decision(&pacer, &snapshot).remember);
}
END_TEST

START_TEST(stores_are_remembered_where_there_is_work_to_spare) {
  struct gaiti_pacer pacer = young_pacer(0.25);
  struct gaiti_pacer_snapshot snapshot = {0};
  gaiti_pacer_learn_survival(&pacer, 100 * MIB, 0);
  ck_assert(!suite_decision(&pacer, &snapshot).remember);
  young_full(&pacer, &snapshot, 100, 7);
  ck_assert(!suite_decision(&pacer, &snapshot).remember);
  ck_assert(!suite_decision(&pacer, &snapshot).young);
  young_full(&pacer, &snapshot, 100, 8);
  ck_assert(suite_decision(&pacer, &snapshot).remember);
}
END_TEST

START_TEST(next_cycle_is_young_if_stores_were_remembered) {
  struct gaiti_pacer pacer = young_pacer(0.25);
  struct gaiti_pacer_snapshot snapshot = {0};
  const struct gaiti_pacer_cycle cycle = {.marked_bytes = 100 * MIB};
  gaiti_pacer_learn_survival(&pacer, 100 * MIB, 10 * MIB);
  for (int i = 0; i < 3; i++) {
    young_cycle_told(&pacer, &snapshot, 100 * MIB, 100 * MIB, 100 * MIB, cycle);
    ck_assert(suite_decision(&pacer, &snapshot).remember);
    ck_assert(!suite_decision(&pacer, &snapshot).young);
  }
  young_full(&pacer, &snapshot, 100, 100);
  ck_assert(suite_decision(&pacer, &snapshot).remember);
  ck_assert(suite_decision(&pacer, &snapshot).young);
  gaiti_pacer_start_cycle(&pacer, &snapshot); /* and is while it runs */
  ck_assert(suite_decision(&pacer, &snapshot).young);
}
END_TEST

START_TEST(next_cycle_is_full_if_more_survives) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = young_after_full(&snapshot);
  gaiti_pacer_learn_survival(&pacer, 10 * MIB, 3 * MIB);
  ck_assert(suite_decision(&pacer, &snapshot).young); /* as decided */
  young_young(&pacer, &snapshot, 103, 3);
  ck_assert(!suite_decision(&pacer, &snapshot).young);
  ck_assert(!suite_decision(&pacer, &snapshot).remember);
}
END_TEST

START_TEST(next_cycle_is_full_when_half_of_the_room_is_gone) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = young_after_full(&snapshot);
  for (int64_t marked = 101; marked <= 150; marked += 7) {
    young_young(&pacer, &snapshot, marked, 7);
    ck_assert(suite_decision(&pacer, &snapshot).young);
  }
  young_young(&pacer, &snapshot, 150, 1);
  ck_assert(suite_decision(&pacer, &snapshot).young);
  young_young(&pacer, &snapshot, 151, 1);
  ck_assert(!suite_decision(&pacer, &snapshot).young);
  ck_assert(suite_decision(&pacer, &snapshot).remember); /* and after that one again */
  young_full(&pacer, &snapshot, 100, 100);
  ck_assert(suite_decision(&pacer, &snapshot).young);
}
END_TEST

START_TEST(next_cycle_is_full_when_a_young_one_was_half_the_work) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = young_after_full(&snapshot);
  young_young(&pacer, &snapshot, 105, 50);
  ck_assert(suite_decision(&pacer, &snapshot).young);
  young_young(&pacer, &snapshot, 106, 51);
  ck_assert(!suite_decision(&pacer, &snapshot).young);
  young_full(&pacer, &snapshot, 100, 100);
  ck_assert(suite_decision(&pacer, &snapshot).young); /* a full one may be any work */
}
END_TEST

START_TEST(no_cycle_is_young_under_the_memory_limit) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = young_after_full(&snapshot);
  ck_assert(gaiti_pacer_set_memory_limit(&pacer, 150 * MIB));
  young_young(&pacer, &snapshot, 101, 1);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_MEMORY_LIMIT);
  ck_assert(!decision.young);
  ck_assert(!decision.remember);
  /* Nor where the CPU cap lifts the goal over it. */
  snapshot.limiter_fill = 1;
  young_full(&pacer, &snapshot, 149, 149);
  decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_CPU_CAP);
  ck_assert(!decision.young);
  ck_assert(!decision.remember);
  /* A limit that does not rule is no hindrance. */
  snapshot.limiter_fill = 0;
  ck_assert(gaiti_pacer_set_memory_limit(&pacer, 1000 * MIB));
  young_full(&pacer, &snapshot, 100, 100);
  ck_assert(suite_decision(&pacer, &snapshot).young);
}
END_TEST

START_TEST(no_cycle_is_young_without_a_goal) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = young_after_full(&snapshot);
  ck_assert(gaiti_pacer_set_gc_percent(&pacer, GAITI_PACER_GC_OFF));
  young_young(&pacer, &snapshot, 101, 1);
  ck_assert(!suite_decision(&pacer, &snapshot).young);
  ck_assert(!suite_decision(&pacer, &snapshot).remember);
}
END_TEST

START_TEST(every_cycle_is_young_that_may_be_with_the_setting_at_1) {
  struct gaiti_pacer pacer = young_pacer(1);
  struct gaiti_pacer_snapshot snapshot = {0};
  ck_assert(suite_decision(&pacer, &snapshot).remember); /* with nothing known */
  young_full(&pacer, &snapshot, 1, 1);
  ck_assert(suite_decision(&pacer, &snapshot).young);
  gaiti_pacer_learn_survival(&pacer, MIB, MIB);
  young_full(&pacer, &snapshot, 100, 100);
  young_young(&pacer, &snapshot, 199, 99);
  ck_assert(suite_decision(&pacer, &snapshot).young);
  young_young(&pacer, &snapshot, 200, 1); /* no room is left */
  ck_assert(!suite_decision(&pacer, &snapshot).young);
  ck_assert(suite_decision(&pacer, &snapshot).remember);
}
END_TEST

START_TEST(young_cycle_is_given_up) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = young_after_full(&snapshot);
  young_young(&pacer, &snapshot, 105, 5);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert(decision.young);
  ck_assert_int_eq(decision.expected_work_bytes, 5 * MIB);
  gaiti_pacer_give_up_young(&pacer);
  decision = suite_decision(&pacer, &snapshot);
  ck_assert(!decision.young);
  ck_assert(decision.remember);
  ck_assert_int_eq(decision.expected_work_bytes, 105 * MIB);
  ck_assert_int_eq(decision.goal_bytes, 200 * MIB);
  young_full(&pacer, &snapshot, 100, 100);
  ck_assert(suite_decision(&pacer, &snapshot).young);
}
END_TEST

/* ---- The goal ---- */

START_TEST(young_cycles_leave_the_goal_of_the_last_full_one) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = young_after_full(&snapshot);
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 200 * MIB);
  for (int64_t marked = 101; marked <= 151; marked += 10) {
    young_young(&pacer, &snapshot, marked, 10);
    struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
    ck_assert_int_eq(decision.goal_bytes, 200 * MIB);
    ck_assert_int_eq(decision.marked_bytes, marked * MIB);
    ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_GOGC);
  }
  young_full(&pacer, &snapshot, 80, 80);
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 160 * MIB);
  young_young(&pacer, &snapshot, 90, 10);
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 160 * MIB);
  /* But it is never below what is marked, and follows the settings. */
  young_young(&pacer, &snapshot, 170, 10);
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 170 * MIB);
  ck_assert(gaiti_pacer_set_gc_percent(&pacer, 300));
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, 320 * MIB);
}
END_TEST

/* Twice, since the first cycle tells what marking costs. */
static void young_try_policy(enum gaiti_pacer_policy policy, enum gaiti_pacer_rule rule) {
  struct gaiti_pacer pacer = young_pacer(0.25);
  struct gaiti_pacer_config config = pacer.config;
  struct gaiti_pacer_snapshot snapshot = {0};
  const struct gaiti_pacer_cycle cycle = {.marked_bytes = 100 * MIB, .remembered = true};
  config.policy = policy;
  ck_assert(gaiti_pacer_configure(&pacer, &config));
  gaiti_pacer_learn_survival(&pacer, 100 * MIB, 10 * MIB);
  young_cycle_told(&pacer, &snapshot, 100 * MIB, 200 * MIB, 100 * MIB, cycle);
  young_cycle_told(&pacer, &snapshot, 100 * MIB, 200 * MIB, 100 * MIB, cycle);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.rule, rule);
  ck_assert_int_gt(decision.goal_bytes, 150 * MIB);
  ck_assert(decision.young);
  young_young(&pacer, &snapshot, 110, 10);
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).goal_bytes, decision.goal_bytes);
}

START_TEST(every_policy_holds_its_goal_over_young_cycles) {
  young_try_policy(GAITI_PACER_POLICY_GOGC, GAITI_PACER_RULE_GOGC);
  young_try_policy(GAITI_PACER_POLICY_SQUARE_ROOT, GAITI_PACER_RULE_SQUARE_ROOT);
  young_try_policy(GAITI_PACER_POLICY_CPU_BUDGET, GAITI_PACER_RULE_CPU_BUDGET);
}
END_TEST

/* A runway longer than the way: a young cycle's way begins at what is marked, that of a full one
 * where the last full one ended. */
START_TEST(trigger_of_a_full_cycle_counts_the_marks_of_young_ones) {
  struct gaiti_pacer pacer = young_pacer(0.25);
  struct gaiti_pacer_snapshot snapshot = {0};
  const struct gaiti_pacer_cycle cycle = {.marked_bytes = 100 * MIB, .remembered = true};
  gaiti_pacer_learn_survival(&pacer, 100 * MIB, 10 * MIB);
  young_cycle_told(&pacer, &snapshot, 90 * MIB, 390 * MIB, 100 * MIB, cycle);
  young_young(&pacer, &snapshot, 120, 40);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert(decision.young);
  ck_assert_int_eq(decision.trigger_bound, GAITI_PACER_TRIGGER_EARLIEST);
  ck_assert_int_eq(decision.trigger_bytes, 120 * MIB + 80 * MIB / 64 * 45);
  young_young(&pacer, &snapshot, 160, 40);
  decision = suite_decision(&pacer, &snapshot);
  ck_assert(!decision.young);
  ck_assert_int_eq(decision.trigger_bound, GAITI_PACER_TRIGGER_EARLIEST);
  ck_assert_int_eq(decision.trigger_bytes, 100 * MIB + 100 * MIB / 64 * 45);
}
END_TEST

/* ---- What is learnt ---- */

START_TEST(expected_work_is_that_of_a_young_or_full_cycle) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = young_after_full(&snapshot);
  struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
  ck_assert_int_eq(decision.expected_work_bytes, 10 * MIB); /* a tenth of the full one's */
  snapshot.stack_bytes = 3 * MIB;
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).expected_work_bytes, 13 * MIB);
  snapshot.stack_bytes = 0;
  young_young(&pacer, &snapshot, 110, 8);
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).expected_work_bytes, 8 * MIB);
  young_young(&pacer, &snapshot, 130, 60);
  decision = suite_decision(&pacer, &snapshot);
  ck_assert(!decision.young);
  ck_assert_int_eq(decision.expected_work_bytes, 130 * MIB);
  young_full(&pacer, &snapshot, 90, 80);
  ck_assert_int_eq(suite_decision(&pacer, &snapshot).expected_work_bytes, 8 * MIB);
}
END_TEST

/* A full cycle after a young one is no growth. */
START_TEST(change_between_young_and_full_is_no_growth_of_work) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = young_after_full(&snapshot);
  for (int round = 0; round < 3; round++) {
    young_young(&pacer, &snapshot, 110, 10);
    ck_assert_double_eq(suite_decision(&pacer, &snapshot).work_trend, 0);
    gaiti_pacer_give_up_young(&pacer);
    young_full(&pacer, &snapshot, 100, 100);
    ck_assert_double_eq(suite_decision(&pacer, &snapshot).work_trend, 0);
  }
  young_young(&pacer, &snapshot, 120, 20); /* but twice as much is */
  ck_assert_double_gt(suite_decision(&pacer, &snapshot).work_trend, 0.4);
}
END_TEST

START_TEST(cons_mark_ratio_is_learnt_from_full_cycles_only) {
  struct gaiti_pacer pacer = young_pacer(0.25);
  struct gaiti_pacer_snapshot snapshot = {0};
  struct gaiti_pacer_cycle cycle = {.marked_bytes = 110 * MIB, .remembered = true};
  gaiti_pacer_learn_survival(&pacer, 100 * MIB, 10 * MIB);
  young_cycle_told(&pacer, &snapshot, 90 * MIB, 100 * MIB, 100 * MIB, cycle);
  ck_assert_double_eq_tol(suite_decision(&pacer, &snapshot).cons_mark, 1.0 / 30, 1e-12);
  cycle.young = true;
  for (int i = 0; i < 6; i++) {
    young_cycle_told(&pacer, &snapshot, 90 * MIB, 150 * MIB, 10 * MIB, cycle);
    struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
    ck_assert_double_eq_tol(decision.cons_mark, 1.0 / 30, 1e-12);
    ck_assert_double_eq_tol(decision.cons_mark_largest, 1.0 / 30, 1e-12);
  }
  cycle.young = false;
  young_cycle_told(&pacer, &snapshot, 90 * MIB, 102 * MIB, 100 * MIB, cycle);
  ck_assert_double_eq_tol(suite_decision(&pacer, &snapshot).cons_mark, 1.1 / 30, 1e-12);
}
END_TEST

/* ---- A program ---- */

/* Of what it allocates a fiftieth lives on, and as much of what is old dies.  Returns what was
 * scanned for each byte allocated. */
static double young_run_program(double setting) {
  struct gaiti_pacer pacer = young_pacer(setting);
  struct gaiti_pacer_snapshot snapshot = {0};
  int64_t allocated = 0, worked = 0, marked = 100 * MIB;
  young_full(&pacer, &snapshot, 100, 100);
  for (int i = 0; i < 200; i++) {
    struct gaiti_pacer_decision decision = suite_decision(&pacer, &snapshot);
    ck_assert_int_eq(decision.goal_bytes, 200 * MIB);
    ck_assert_int_gt(decision.trigger_bytes, marked);
    int64_t fresh = decision.trigger_bytes - marked, survived = fresh / 50;
    int64_t work = decision.young ? survived : 100 * MIB;
    marked = decision.young ? marked + survived : 100 * MIB;
    gaiti_pacer_learn_survival(&pacer, fresh, survived);
    const struct gaiti_pacer_cycle cycle = {
        .marked_bytes = marked, .young = decision.young, .remembered = decision.remember};
    young_cycle_told(&pacer, &snapshot, decision.trigger_bytes, decision.trigger_bytes, work,
                     cycle);
    allocated += fresh;
    worked += work;
  }
  return (double)worked / (double)allocated;
}

START_TEST(young_cycles_cost_less_for_the_same_heap) {
  const double full = young_run_program(0), young = young_run_program(0.25);
  ck_assert_double_eq_tol(full, 100.0 / 96, 0.01);
  ck_assert_double_lt(young, full / 8);
  ck_assert_double_eq(young_run_program(0.01), full); /* more survives than that */
}
END_TEST

/* ---- Settings ---- */

START_TEST(young_survival_has_a_range) {
  static const double good[] = {0, 0.25, 1};
  static const double bad[] = {-0.01, 1.01, (double)NAN};
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  for (size_t i = 0; i < 3; i++) {
    config.young_survival = good[i];
    ck_assert_ptr_null(gaiti_pacer_config_check(&config));
  }
  for (size_t i = 0; i < 3; i++) {
    struct gaiti_pacer pacer;
    config.young_survival = bad[i];
    ck_assert_ptr_nonnull(gaiti_pacer_config_check(&config));
    ck_assert_ptr_nonnull(strstr(gaiti_pacer_config_check(&config), "young_survival"));
    ck_assert(!gaiti_pacer_init(&pacer, &config));
  }
}
END_TEST

START_TEST(young_survival_changes_at_run_time) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = young_after_full(&snapshot);
  struct gaiti_pacer_config config = pacer.config;
  config.young_survival = 0;
  ck_assert(gaiti_pacer_configure(&pacer, &config));
  young_young(&pacer, &snapshot, 101, 1);
  ck_assert(!suite_decision(&pacer, &snapshot).young);
  ck_assert(!suite_decision(&pacer, &snapshot).remember);
  config.young_survival = 0.25;
  ck_assert(gaiti_pacer_configure(&pacer, &config));
  ck_assert(suite_decision(&pacer, &snapshot).remember);
  young_full(&pacer, &snapshot, 100, 100);
  ck_assert(suite_decision(&pacer, &snapshot).young);
}
END_TEST

int main(void) {
  const TTest *const tests[] = {no_cycle_is_young_with_the_setting_at_0,
                                stores_are_remembered_where_little_survives,
                                stores_are_remembered_where_there_is_work_to_spare,
                                next_cycle_is_young_if_stores_were_remembered,
                                next_cycle_is_full_if_more_survives,
                                next_cycle_is_full_when_half_of_the_room_is_gone,
                                next_cycle_is_full_when_a_young_one_was_half_the_work,
                                no_cycle_is_young_under_the_memory_limit,
                                no_cycle_is_young_without_a_goal,
                                every_cycle_is_young_that_may_be_with_the_setting_at_1,
                                young_cycle_is_given_up,
                                young_cycles_leave_the_goal_of_the_last_full_one,
                                every_policy_holds_its_goal_over_young_cycles,
                                trigger_of_a_full_cycle_counts_the_marks_of_young_ones,
                                expected_work_is_that_of_a_young_or_full_cycle,
                                change_between_young_and_full_is_no_growth_of_work,
                                cons_mark_ratio_is_learnt_from_full_cycles_only,
                                young_cycles_cost_less_for_the_same_heap,
                                young_survival_has_a_range,
                                young_survival_changes_at_run_time};
  return SUITE_RUN("pacer young", tests);
}
