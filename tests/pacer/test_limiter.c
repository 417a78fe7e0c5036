/* The CPU limiter beyond the recorded script: other caps, idle time, fractions of a CPU,
 * extremes. */
#include "suite.h"

#define SECOND INT64_C(1000000000)

START_TEST(limiter_level_holds_at_the_cap) {
  static const double caps[] = {0.1, 0.25, 0.5, 0.75};
  for (int i = 0; i < 4; i++) {
    struct gaiti_pacer_limiter limiter;
    gaiti_pacer_limiter_init(&limiter, 0, 4, 0.25, caps[i]);
    /* Half full, then a second in which GC takes just the cap, more, and less. */
    gaiti_pacer_limiter_add_assist(&limiter, 4 * SECOND);
    gaiti_pacer_limiter_update(&limiter, SECOND / 4);
    int64_t level = limiter.fill_ns;
    ck_assert_int_gt(level, 0);
    int64_t at_cap = (int64_t)(caps[i] * 4 * (double)SECOND / 100);
    int64_t now = SECOND / 4 + SECOND / 100;
    gaiti_pacer_limiter_add_assist(&limiter, at_cap);
    gaiti_pacer_limiter_update(&limiter, now);
    if (level < limiter.capacity_ns) {
      ck_assert_int_ge(limiter.fill_ns, level - 4);
      ck_assert_int_le(limiter.fill_ns, level + 4);
    }
    level = limiter.fill_ns;
    gaiti_pacer_limiter_update(&limiter, now += SECOND / 100);
    ck_assert_int_lt(limiter.fill_ns, level);
    level = limiter.fill_ns;
    gaiti_pacer_limiter_add_assist(&limiter, at_cap + SECOND / 100);
    gaiti_pacer_limiter_update(&limiter, now += SECOND / 100);
    ck_assert_int_gt(limiter.fill_ns, level);
  }
}
END_TEST

START_TEST(limiter_with_a_lower_cap_limits_sooner) {
  int64_t sooner = 0;
  for (int i = 0; i < 3; i++) {
    struct gaiti_pacer_limiter limiter;
    int64_t now = 0;
    gaiti_pacer_limiter_init(&limiter, 0, 2, 0.25, 0.5 - 0.2 * i);
    while (!gaiti_pacer_limiter_limiting(&limiter)) {
      gaiti_pacer_limiter_add_assist(&limiter, SECOND / 100 * 3 / 2);
      gaiti_pacer_limiter_update(&limiter, now += SECOND / 100);
      ck_assert_int_lt(now, 100 * SECOND);
    }
    ck_assert(gaiti_pacer_limiter_fill(&limiter) == 1);
    if (i > 0) ck_assert_int_lt(now, sooner);
    sooner = now;
  }
}
END_TEST

START_TEST(limiter_counts_idle_time_for_neither_side) {
  struct gaiti_pacer_limiter with, without;
  gaiti_pacer_limiter_init(&with, 0, 4, 0.25, 0.5);
  gaiti_pacer_limiter_init(&without, 0, 4, 0.25, 0.5);
  /* Two of four CPUs idle for a second: GC's second is half of what ran. */
  gaiti_pacer_limiter_add_assist(&with, SECOND);
  gaiti_pacer_limiter_add_assist(&without, SECOND);
  gaiti_pacer_limiter_add_idle(&with, 2 * SECOND);
  gaiti_pacer_limiter_add_assist(&with, SECOND / 10);
  gaiti_pacer_limiter_add_assist(&without, SECOND / 10);
  gaiti_pacer_limiter_update(&with, SECOND);
  gaiti_pacer_limiter_update(&without, SECOND);
  ck_assert_int_eq(with.fill_ns, 2 * (SECOND + SECOND / 10) - 2 * SECOND);
  ck_assert_int_eq(without.fill_ns, 0);
  /* The background share is of all CPUs, before idle time is taken away. */
  gaiti_pacer_limiter_start_transition(&with, SECOND, true);
  gaiti_pacer_limiter_add_idle(&with, 3 * SECOND);
  int64_t level = with.fill_ns;
  gaiti_pacer_limiter_update(&with, 2 * SECOND);
  ck_assert_int_eq(with.fill_ns, level + SECOND);
}
END_TEST

START_TEST(limiter_counts_half_a_cpu_as_half) {
  struct gaiti_pacer_limiter limiter;
  gaiti_pacer_limiter_init(&limiter, 0, 0.5, 0.25, 0.5);
  ck_assert_int_eq(limiter.capacity_ns, SECOND / 2);
  gaiti_pacer_limiter_start_transition(&limiter, 0, true);
  gaiti_pacer_limiter_finish_transition(&limiter, SECOND / 10);
  ck_assert_int_eq(limiter.fill_ns, SECOND / 20);
  gaiti_pacer_limiter_update(&limiter, SECOND / 5);
  ck_assert_int_eq(limiter.fill_ns, SECOND / 20 - SECOND / 40);
  gaiti_pacer_limiter_set_cpus(&limiter, SECOND / 5, 2.5);
  ck_assert_int_eq(limiter.capacity_ns, SECOND * 5 / 2);
}
END_TEST

START_TEST(limiter_ignores_time_that_stands_or_runs_back) {
  struct gaiti_pacer_limiter limiter, before;
  gaiti_pacer_limiter_init(&limiter, 5 * SECOND, 4, 0.25, 0.5);
  gaiti_pacer_limiter_add_assist(&limiter, 3 * SECOND);
  before = limiter;
  gaiti_pacer_limiter_update(&limiter, SECOND);
  gaiti_pacer_limiter_finish_transition(&limiter, SECOND);
  ck_assert_int_eq(limiter.fill_ns, before.fill_ns);
  ck_assert_int_eq(limiter.assist_pool_ns, before.assist_pool_ns);
  ck_assert_int_eq(limiter.last_update_ns, before.last_update_ns);
  gaiti_pacer_limiter_update(&limiter, 5 * SECOND); /* no time, but assists */
  ck_assert_int_eq(limiter.fill_ns, limiter.capacity_ns);
  ck_assert(!gaiti_pacer_limiter_needs_update(&limiter, 5 * SECOND + 10000000));
  ck_assert(gaiti_pacer_limiter_needs_update(&limiter, 5 * SECOND + 10000001));
}
END_TEST

START_TEST(limiter_takes_a_change_of_cap_for_the_time_after) {
  struct gaiti_pacer_limiter limiter;
  gaiti_pacer_limiter_init(&limiter, 0, 1, 0.25, 0.5);
  gaiti_pacer_limiter_add_assist(&limiter, SECOND / 10);
  gaiti_pacer_limiter_set_cap(&limiter, SECOND / 10, 0.1);
  ck_assert_int_eq(limiter.fill_ns, SECOND / 10);
  gaiti_pacer_limiter_add_assist(&limiter, SECOND / 100);
  gaiti_pacer_limiter_update(&limiter, SECOND / 5); /* a tenth of the window: at the cap */
  ck_assert_int_ge(limiter.fill_ns, SECOND / 10 - 2);
  ck_assert_int_le(limiter.fill_ns, SECOND / 10 + 2);
}
END_TEST

/* A thread that waits fills the bucket as an assist does, and took no CPU time. */
START_TEST(limiter_counts_waiting_as_no_work) {
  struct gaiti_pacer_limiter waited, worked;
  struct gaiti_pacer_snapshot snapshot = {0};
  gaiti_pacer_limiter_init(&waited, 0, 2, 0.25, 0.5);
  gaiti_pacer_limiter_init(&worked, 0, 2, 0.25, 0.5);
  gaiti_pacer_limiter_add_wait(&waited, SECOND * 3 / 2);
  gaiti_pacer_limiter_add_assist(&worked, SECOND * 3 / 2);
  gaiti_pacer_limiter_update(&waited, SECOND);
  gaiti_pacer_limiter_update(&worked, SECOND);
  ck_assert_int_eq(waited.fill_ns, SECOND);
  ck_assert_int_eq(worked.fill_ns, SECOND);
  gaiti_pacer_limiter_report(&waited, &snapshot);
  ck_assert_int_eq(snapshot.limiter_gc_ns, 0);
  ck_assert_int_eq(snapshot.limiter_offered_ns, 2 * SECOND);
  ck_assert(snapshot.limiter_fill == 0.5 && !snapshot.limiting);
  gaiti_pacer_limiter_report(&worked, &snapshot);
  ck_assert_int_eq(snapshot.limiter_gc_ns, SECOND * 3 / 2);
  gaiti_pacer_limiter_update(&waited, 2 * SECOND); /* and only once */
  ck_assert_int_eq(waited.fill_ns, 0);
}
END_TEST

/* A second on `cpus` in which the program is stopped, and the share of it that counts. */
static double limiter_stop(double cpus, int64_t threads, int64_t background_ns, int64_t assist_ns,
                           int64_t idle_ns, struct gaiti_pacer_limiter *limiter) {
  struct gaiti_pacer_snapshot snapshot = {0};
  gaiti_pacer_limiter_init(limiter, 0, cpus, 0.25, 0.5);
  gaiti_pacer_limiter_start_transition(limiter, 0, true);
  gaiti_pacer_limiter_begin_stop(limiter, 0);
  gaiti_pacer_limiter_add_assist(limiter, assist_ns);
  gaiti_pacer_limiter_add_idle(limiter, idle_ns);
  gaiti_pacer_limiter_end_stop(limiter, SECOND, threads, background_ns);
  gaiti_pacer_limiter_report(limiter, &snapshot);
  ck_assert_int_eq(snapshot.limiter_offered_ns, (int64_t)(cpus * (double)SECOND));
  return (double)snapshot.limiter_gc_ns / (double)snapshot.limiter_offered_ns;
}

/* Threads that are stopped have CPUs to lose: GC counts for those, and beside that for what
 * it uses of others, though the plan gives it a quarter. */
START_TEST(limiter_counts_a_stop_for_the_threads_that_ran) {
  struct gaiti_pacer_limiter limiter;
  ck_assert_double_eq(limiter_stop(4, 0, 0, 0, 0, &limiter), 0);
  ck_assert_double_eq(limiter_stop(4, 0, SECOND, 0, 0, &limiter), 0.25);
  ck_assert_double_eq(limiter_stop(4, 1, SECOND, 0, 0, &limiter), 0.5);
  ck_assert_int_eq(limiter.fill_ns, 0); /* just the cap */
  ck_assert_double_eq(limiter_stop(4, 2, SECOND / 2, SECOND / 2, 0, &limiter), 0.75);
  ck_assert_double_eq(limiter_stop(4, 3, SECOND, 0, 0, &limiter), 1);
  ck_assert_int_eq(limiter.fill_ns, limiter.capacity_ns);
  ck_assert_double_eq(limiter_stop(4, 1000000, 4 * SECOND, SECOND, 0, &limiter), 1);
  ck_assert_double_eq(limiter_stop(0.5, 1, SECOND / 2, 0, 0, &limiter), 1);
  ck_assert_double_eq(limiter_stop(2, 1, -5, 0, 0, &limiter), 0.5);
}
END_TEST

/* Helpers at idle priority have the CPUs because the threads are stopped. */
START_TEST(limiter_counts_time_of_stopped_threads_as_not_idle) {
  struct gaiti_pacer_limiter with, without;
  ck_assert_double_eq(limiter_stop(4, 3, SECOND, 0, 3 * SECOND, &with), 1);
  ck_assert_double_eq(limiter_stop(4, 3, SECOND, 0, 0, &without), 1);
  ck_assert_int_eq(with.fill_ns, without.fill_ns);
  limiter_stop(4, 1, SECOND / 2, 0, 2 * SECOND, &with);
  limiter_stop(4, 1, SECOND / 2, 0, 0, &without);
  ck_assert_int_gt(with.fill_ns, without.fill_ns);
}
END_TEST

/* Windows before and after are as ever. */
START_TEST(limiter_gives_a_stop_a_window_of_its_own) {
  struct gaiti_pacer_limiter limiter;
  gaiti_pacer_limiter_init(&limiter, 0, 2, 0.25, 0.5);
  gaiti_pacer_limiter_start_transition(&limiter, 0, true);
  gaiti_pacer_limiter_begin_stop(&limiter, SECOND);
  ck_assert_int_eq(limiter.gc_ns, SECOND / 2);
  gaiti_pacer_limiter_end_stop(&limiter, 2 * SECOND, 2, SECOND);
  ck_assert_int_eq(limiter.gc_ns, SECOND / 2 + 2 * SECOND);
  gaiti_pacer_limiter_update(&limiter, 3 * SECOND);
  ck_assert_int_eq(limiter.gc_ns, SECOND + 2 * SECOND);
  gaiti_pacer_limiter_end_stop(&limiter, SECOND, 2, SECOND); /* runs back */
  ck_assert_int_eq(limiter.offered_ns, 6 * SECOND);
}
END_TEST

START_TEST(limiter_saturates_at_extremes) {
  struct gaiti_pacer_limiter limiter;
  gaiti_pacer_limiter_init(&limiter, 0, 1000, 0.25, 0.5);
  gaiti_pacer_limiter_add_assist(&limiter, -5);
  ck_assert_int_eq(limiter.assist_pool_ns, 0);
  for (int i = 0; i < 3; i++) {
    gaiti_pacer_limiter_add_assist(&limiter, INT64_MAX);
    gaiti_pacer_limiter_add_idle(&limiter, INT64_MAX);
    gaiti_pacer_limiter_update(&limiter, INT64_MAX / 3 * (i + 1));
    ck_assert_int_ge(limiter.fill_ns, 0);
    ck_assert_int_le(limiter.fill_ns, limiter.capacity_ns);
    ck_assert_int_ge(limiter.overflow_ns, 0);
  }
}
END_TEST

int main(void) {
  const TTest *const tests[] = {limiter_level_holds_at_the_cap,
                                limiter_with_a_lower_cap_limits_sooner,
                                limiter_counts_idle_time_for_neither_side,
                                limiter_counts_half_a_cpu_as_half,
                                limiter_ignores_time_that_stands_or_runs_back,
                                limiter_takes_a_change_of_cap_for_the_time_after,
                                limiter_counts_waiting_as_no_work,
                                limiter_counts_a_stop_for_the_threads_that_ran,
                                limiter_counts_time_of_stopped_threads_as_not_idle,
                                limiter_gives_a_stop_a_window_of_its_own,
                                limiter_saturates_at_extremes};
  return SUITE_RUN("pacer limiter", tests);
}
