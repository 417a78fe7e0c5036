/* Plans made from a decision: background workers, and memory to give back. */
#include "suite.h"

#include <math.h>

#include "../support/sizes.h"

static void plans_expect(double cpus, int dedicated, double fractional) {
  struct gaiti_pacer_workers plan = gaiti_pacer_plan_workers(cpus, 0.25);
  ck_assert_int_eq(plan.dedicated, dedicated);
  ck_assert_double_eq_tol(plan.fractional, fractional, 1e-9);
}

START_TEST(workers_are_whole_where_that_is_close) {
  plans_expect(0.1, 0, 0.025);
  plans_expect(0.5, 0, 0.125);
  plans_expect(1, 0, 0.25);
  plans_expect(2, 0, 0.5);
  plans_expect(3, 0, 0.75);
  plans_expect(4, 1, 0);
  plans_expect(5, 1, 0);
  plans_expect(6, 1, 0.5);
  plans_expect(7, 2, 0);
  plans_expect(8, 2, 0);
  plans_expect(64, 16, 0);
}
END_TEST

START_TEST(workers_come_near_every_share) {
  for (double cpus = 0.05; cpus < 130; cpus += 0.05)
    for (double share = 0.05; share < 0.95; share += 0.05) {
      struct gaiti_pacer_workers plan = gaiti_pacer_plan_workers(cpus, share);
      double given = (double)plan.dedicated + plan.fractional;
      ck_assert_int_ge(plan.dedicated, 0);
      ck_assert(plan.fractional >= 0 && plan.fractional < 1);
      ck_assert_double_le(fabs(given / (cpus * share) - 1), 0.3 + 1e-9);
    }
}
END_TEST

static struct gaiti_pacer plans_pacer(int64_t limit, struct gaiti_pacer_snapshot *snapshot) {
  struct gaiti_pacer pacer;
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  struct gaiti_pacer_cycle cycle = {
      .marked_bytes = 100 * MIB, .duration_ns = 1000000, .background_ns = -1, .cpus = 4};
  config.memory_limit_bytes = limit;
  pacer = suite_pacer(&config);
  *snapshot = (struct gaiti_pacer_snapshot){.heap_live_bytes = 150 * MIB};
  gaiti_pacer_start_cycle(&pacer, snapshot);
  gaiti_pacer_end_cycle(&pacer, snapshot, &cycle);
  snapshot->heap_live_bytes = 100 * MIB;
  return pacer;
}

START_TEST(release_keeps_the_goal_and_a_tenth) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = plans_pacer(GAITI_PACER_NO_BYTES_LIMIT, &snapshot);
  snapshot.overhead_bytes = 10 * MIB;
  struct gaiti_pacer_release plan = gaiti_pacer_plan_release(&pacer, &snapshot, 300 * MIB);
  ck_assert_int_eq(plan.keep_bytes, 230 * MIB);
  ck_assert_int_eq(plan.background_bytes, 70 * MIB);
  ck_assert_int_eq(plan.now_bytes, 0);
  plan = gaiti_pacer_plan_release(&pacer, &snapshot, 200 * MIB);
  ck_assert_int_eq(plan.background_bytes, 0);
}
END_TEST

START_TEST(release_gives_back_at_once_over_the_limit) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = plans_pacer(200 * MIB, &snapshot);
  struct gaiti_pacer_release plan = gaiti_pacer_plan_release(&pacer, &snapshot, 260 * MIB);
  ck_assert_int_eq(plan.now_bytes, 60 * MIB);
  ck_assert_int_eq(plan.background_bytes, 200 * MIB - 190 * MIB);
  /* Never more than is free. */
  snapshot.overhead_bytes = 130 * MIB;
  plan = gaiti_pacer_plan_release(&pacer, &snapshot, 260 * MIB);
  ck_assert_int_eq(plan.now_bytes, 30 * MIB);
  ck_assert_int_eq(plan.background_bytes, 0);
}
END_TEST

/* Where the CPU cap has lifted the goal over the limit, the next cycle will use as much. */
START_TEST(release_keeps_memory_up_to_a_lifted_goal) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = plans_pacer(104 * MIB, &snapshot);
  const struct gaiti_pacer_cycle cycle = {
      .marked_bytes = 100 * MIB, .duration_ns = 1000000, .background_ns = -1, .cpus = 4};
  struct gaiti_pacer_decision decision;
  snapshot.limiter_fill = 1;
  gaiti_pacer_start_cycle(&pacer, &snapshot);
  snapshot.heap_live_bytes = 150 * MIB;
  snapshot.heap_work_bytes = 100 * MIB;
  snapshot.limiter_gc_ns = 9; /* a cycle that took nearly all CPU time */
  snapshot.limiter_offered_ns = 10;
  gaiti_pacer_end_cycle(&pacer, &snapshot, &cycle);
  snapshot.heap_live_bytes = 100 * MIB;
  gaiti_pacer_decide(&pacer, &snapshot, &decision);
  ck_assert_int_eq(decision.rule, GAITI_PACER_RULE_CPU_CAP);
  ck_assert_int_gt(decision.goal_bytes, 110 * MIB);
  struct gaiti_pacer_release plan =
      gaiti_pacer_plan_release(&pacer, &snapshot, decision.goal_bytes + 7 * MIB);
  ck_assert_int_eq(plan.now_bytes, 7 * MIB);
  ck_assert_int_eq(plan.background_bytes, 0);
}
END_TEST

START_TEST(release_keeps_everything_with_gc_off) {
  struct gaiti_pacer_snapshot snapshot;
  struct gaiti_pacer pacer = plans_pacer(GAITI_PACER_NO_BYTES_LIMIT, &snapshot);
  ck_assert(gaiti_pacer_set_gc_percent(&pacer, GAITI_PACER_GC_OFF));
  struct gaiti_pacer_release plan = gaiti_pacer_plan_release(&pacer, &snapshot, INT64_MAX / 2);
  ck_assert_int_eq(plan.now_bytes + plan.background_bytes, 0);
}
END_TEST

START_TEST(group_limit_leaves_a_tenth_and_what_a_program_needs) {
  ck_assert_int_eq(gaiti_pacer_group_limit(GAITI_PACER_NO_BYTES_LIMIT), GAITI_PACER_NO_BYTES_LIMIT);
  ck_assert_int_eq(gaiti_pacer_group_limit(1000 * MIB), 900 * MIB);
  ck_assert_int_eq(gaiti_pacer_group_limit(160 * MIB), 144 * MIB);
  ck_assert_int_eq(gaiti_pacer_group_limit(100 * MIB), 84 * MIB);
  ck_assert_int_eq(gaiti_pacer_group_limit(20 * MIB), 10 * MIB);
  ck_assert_int_eq(gaiti_pacer_group_limit(0), 0);
  int64_t last = 0;
  for (int64_t group = 0; group < 400 * MIB; group += MIB / 2) {
    const int64_t limit = gaiti_pacer_group_limit(group);
    ck_assert_int_ge(limit, last);
    last = limit;
  }
}
END_TEST

int main(void) {
  const TTest *const tests[] = {workers_are_whole_where_that_is_close,
                                workers_come_near_every_share,
                                release_keeps_the_goal_and_a_tenth,
                                release_gives_back_at_once_over_the_limit,
                                release_keeps_memory_up_to_a_lifted_goal,
                                release_keeps_everything_with_gc_off,
                                group_limit_leaves_a_tenth_and_what_a_program_needs};
  return SUITE_RUN("pacer plans", tests);
}
