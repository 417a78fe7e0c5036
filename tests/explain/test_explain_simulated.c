/* What an explanation advises, tried: a simulated program runs until its cycles repeat themselves,
 * one of them is explained, the program runs anew with the setting that the sentence names, and the
 * goal, the collector's share and the assists are then what the sentence said. */
#include <math.h>
#include <string.h>

#include "../support/run_suite.h"
#include "../support/sizes.h"
#include "explain.h"
#include "sentence_numbers.h"
#include "sim_heap.h"

#define CPUS 4

struct steady {
  double live, alloc, mark; /* bytes; a second of all CPUs; a second of one */
  struct gaiti_pacer_config config;
  double gc_cpu, seconds; /* of the last cycle, and since the one before */
};

static bool steady_run(void *self, const struct gaiti_pacer_decision *decision, double bytes,
                       struct sim_stretch *ran) {
  struct steady *steady = self;
  (void)decision;
  if (!isfinite(bytes)) return false;
  *ran = (struct sim_stretch){bytes, bytes / steady->alloc};
  steady->seconds = ran->seconds;
  return true;
}

static void steady_pass(void *self, double bytes, double seconds) {
  (void)bytes;
  ((struct steady *)self)->seconds += seconds;
}

static void steady_look(void *self, double heap_bytes, struct sim_moment *moment) {
  const struct steady *steady = self;
  double share = steady->config.background_share;
  *moment = (struct sim_moment){.live_bytes = fmin(steady->live, heap_bytes),
                                .rates = {.alloc = steady->alloc / CPUS,
                                          .scannable = 1,
                                          .mark = steady->mark,
                                          .background = share,
                                          .least = share,
                                          .busy = 1}};
}

static void take(struct explain_cycle *cycle, const struct steady *steady,
                 const struct sim_collection *made) {
  const struct gaiti_pacer_decision *begun = &made->begun;
  const struct gaiti_pacer_config *config = &steady->config;
  double gc = (double)made->mark.done.assist_ns / 1e9 + made->mark.background_ns / 1e9;
  bool limited = config->memory_limit_bytes != GAITI_PACER_NO_BYTES_LIMIT;
  *cycle = (struct explain_cycle){
      .number = 3,
      .ran = true,
      .limit_unreachable = begun->limit_unreachable,
      .rule = (int)made->ended.rule,
      .bound = (int)begun->trigger_bound,
      .gogc_percent = (double)config->gc_percent,
      .limit_bytes = limited ? (double)config->memory_limit_bytes : INFINITY,
      .background_share = config->background_share,
      .cpu_cap = config->cpu_cap,
      .cpus = CPUS,
      .grain_bytes = 1024,
      .counted_bytes = (double)begun->marked_bytes,
      .growth_goal_bytes = (double)begun->rule_bytes[GAITI_PACER_RULE_GOGC],
      .planned_goal_bytes = (double)begun->goal_bytes,
      .trigger_bytes = (double)begun->trigger_bytes,
      .goal_bytes = (double)made->ended.goal_bytes,
      .runway_bytes = (double)begun->runway_bytes,
      .expected_work_bytes = (double)begun->expected_work_bytes,
      .at_trigger_bytes = (double)made->start_bytes,
      .peak_bytes = (double)made->peak_bytes,
      .work_bytes = (double)made->work_bytes,
      .mark_seconds = (double)made->mark.done.duration_ns / 1e9,
      .assist_seconds = (double)made->mark.done.assist_ns / 1e9,
      .background_seconds = made->mark.background_ns / 1e9,
      .gc_cpu_share = gc / (steady->seconds * CPUS),
  };
}

/* A cycle of the program once it has settled, explained. */
static struct explain_cycle settle(struct steady *steady, struct explanation *explanation) {
  const struct sim_program program = {steady, steady_run, steady_pass, steady_look, NULL};
  const struct sim_steps steps = {.parts = 64};
  struct sim_heap heap;
  struct sim_collection made;
  struct explain_cycle cycle;
  ck_assert_ptr_null(sim_heap_init(&heap, &steady->config, CPUS));
  for (int i = 0; i < 400; i++)
    ck_assert_int_eq(sim_heap_collect(&heap, &program, &steps, &made), SIM_COLLECTED);
  take(&cycle, steady, &made);
  cycle.limiter_on = heap.driver.now.limiting;
  explain_cycle(&cycle, explanation);
  numbers_check(&cycle, explanation);
  return cycle;
}

static struct steady fresh(void) {
  struct steady steady = {.live = 200 * MIB, .alloc = 200 * MIB, .mark = 500 * MIB};
  steady.config = gaiti_pacer_config_default();
  return steady;
}

static void near(const char *what, double found, double told, double tolerance) {
  ck_assert_msg(fabs(found / told - 1) <= tolerance, "%s: %g, and %g was told", what, found, told);
}

/* The goal and the share that the sentence tells come true. */
static void comes_true(struct steady *steady, const struct explanation *told, double tolerance) {
  struct explanation then;
  double goal = numbers_after(told->outcome, "goal ", NUMBER_BYTES);
  struct explain_cycle cycle = settle(steady, &then);
  near("goal", cycle.goal_bytes, goal, tolerance);
  if (strstr(told->outcome, "at about ") == NULL) return;
  near("share", cycle.gc_cpu_share, numbers_after(told->outcome, "at about ", NUMBER_SHARE),
       tolerance);
}

START_TEST(another_gogc_makes_the_goal_and_the_share) {
  for (int64_t gogc = 25; gogc <= 400; gogc *= 2) {
    struct steady steady = fresh();
    struct explanation told;
    steady.config.gc_percent = gogc;
    steady.live = 400 * MIB;
    steady.alloc = 40 * MIB;
    settle(&steady, &told);
    ck_assert_msg(told.advice == EXPLAIN_ADVICE_GOGC_TRADE, "%s", told.outcome);
    steady.config.gc_percent = (int64_t)numbers_setting(told.outcome, "GOGC=");
    ck_assert_int_ne(steady.config.gc_percent, gogc);
    comes_true(&steady, &told, 0.06);
  }
}
END_TEST

START_TEST(another_background_leaves_no_assists) {
  struct steady steady = fresh();
  struct explanation told, then;
  steady.alloc = 1000 * MIB;
  struct explain_cycle cycle = settle(&steady, &told);
  ck_assert_msg(told.advice == EXPLAIN_ADVICE_BACKGROUND, "%s", told.outcome);
  ck_assert_double_gt(cycle.assist_seconds, 0.2 * cycle.background_seconds);
  steady.config.background_share = numbers_setting(told.outcome, "background=") / 100;
  cycle = settle(&steady, &then);
  ck_assert_double_lt(cycle.assist_seconds, 0.05 * cycle.background_seconds);
  /* And a little less would not do. */
  steady.config.background_share *= 0.8;
  cycle = settle(&steady, &then);
  ck_assert_double_gt(cycle.assist_seconds, 0.05 * cycle.background_seconds);
}
END_TEST

START_TEST(more_room_leaves_no_assists) {
  struct steady steady = fresh();
  struct explanation told, then;
  steady.alloc = 9000 * MIB;
  steady.config.cpu_cap = 0.95;
  struct explain_cycle cycle = settle(&steady, &told);
  ck_assert_msg(told.advice == EXPLAIN_ADVICE_GOGC_ROOM, "%s", told.outcome);
  double assists = cycle.assist_seconds / cycle.background_seconds;
  steady.config.gc_percent = (int64_t)numbers_setting(told.outcome, "GOGC=");
  cycle = settle(&steady, &then);
  ck_assert_double_lt(cycle.assist_seconds / cycle.background_seconds, assists / 3);
}
END_TEST

START_TEST(another_limit_makes_the_goal) {
  struct steady steady = fresh();
  struct explanation told;
  steady.config.gc_percent = -1;
  steady.config.memory_limit_bytes = 300 * MIB;
  settle(&steady, &told);
  ck_assert_msg(told.advice == EXPLAIN_ADVICE_LIMIT_ROOM, "%s", told.outcome);
  steady.config.memory_limit_bytes = (int64_t)numbers_setting(told.outcome, "memory_limit=") * MIB;
  comes_true(&steady, &told, 0.18);
  steady.config.gc_percent = 20;
  steady.config.memory_limit_bytes = 250 * MIB;
  settle(&steady, &told);
  ck_assert_msg(told.advice == EXPLAIN_ADVICE_LIMIT_FREE, "%s", told.outcome);
  steady.config.memory_limit_bytes = (int64_t)numbers_setting(told.outcome, "memory_limit=") * MIB;
  struct explanation then;
  struct explain_cycle cycle = settle(&steady, &then);
  near("goal", cycle.goal_bytes, told.setting_goal_bytes, 0.06);
  steady.config.memory_limit_bytes += steady.config.memory_limit_bytes / 10;
  cycle = settle(&steady, &then);
  ck_assert_int_eq(cycle.rule, GAITI_PACER_RULE_GOGC);
}
END_TEST

START_TEST(a_limit_at_the_cap_costs_half_with_the_one_advised) {
  struct steady steady = fresh();
  struct explanation told, then;
  steady.config.gc_percent = -1;
  steady.config.memory_limit_bytes = 180 * MIB;
  struct explain_cycle cycle = settle(&steady, &told);
  ck_assert_msg(told.miss == EXPLAIN_MISS_UNREACHABLE, "%s", told.outcome);
  near("share", cycle.gc_cpu_share, 0.5, 0.15);
  steady.config.memory_limit_bytes = (int64_t)numbers_setting(told.outcome, "memory_limit=") * MIB;
  cycle = settle(&steady, &then);
  ck_assert_int_eq(cycle.rule, GAITI_PACER_RULE_MEMORY_LIMIT);
  ck_assert_double_gt(cycle.gc_cpu_share, 0.15);
  ck_assert_double_lt(cycle.gc_cpu_share, 0.36);
}
END_TEST

START_TEST(another_min_heap_makes_the_goal) {
  struct steady steady = fresh();
  struct explanation told;
  steady.live = MIB;
  steady.alloc = 300 * MIB;
  settle(&steady, &told);
  ck_assert_msg(told.advice == EXPLAIN_ADVICE_MIN_HEAP, "%s", told.outcome);
  steady.config.minimum_heap_bytes = (int64_t)numbers_setting(told.outcome, "min_heap=") * MIB;
  struct explanation then;
  struct explain_cycle cycle = settle(&steady, &then);
  ck_assert_double_ge(cycle.goal_bytes, told.setting_goal_bytes - 1);
  near("goal", cycle.goal_bytes, told.setting_goal_bytes, 0.25);
}
END_TEST

int main(void) {
  const TTest *const tests[] = {
      another_gogc_makes_the_goal_and_the_share,
      another_background_leaves_no_assists,
      more_room_leaves_no_assists,
      another_limit_makes_the_goal,
      a_limit_at_the_cap_costs_half_with_the_one_advised,
      another_min_heap_makes_the_goal,
  };
  return SUITE_RUN("explain simulated", tests);
}
