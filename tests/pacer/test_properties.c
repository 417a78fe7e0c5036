/* Properties on random streams.  GAIT_SEED repeats a run. */
#include "suite.h"

#include <math.h>

#include "../support/random.h"

static struct gaiti_pacer_config properties_config(uint64_t *random) {
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  config.policy = (enum gaiti_pacer_policy)(random_next(random) % 3);
  config.gc_percent = random_next(random) % 8 == 0 ? GAITI_PACER_GC_OFF : random_bytes(random, 40);
  if (random_next(random) % 2 == 0) config.memory_limit_bytes = random_bytes(random, 62);
  config.minimum_heap_bytes = random_bytes(random, 30);
  config.square_root_bytes = 1 + random_bytes(random, 50);
  config.background_share = random_real(random, 0.01, 0.9);
  config.cpu_cap = random_real(random, 0.01, 0.95);
  config.cpu_budget = random_real(random, 0.001, 0.9);
  config.idle_reliance = random_next(random) % 2 == 0 ? random_real(random, 0, 1) : 0;
  config.assist_reliance = random_next(random) % 2 == 0 ? random_real(random, 0, 1) : 0;
  return config;
}

static struct gaiti_pacer_snapshot properties_snapshot(uint64_t *random) {
  return (struct gaiti_pacer_snapshot){
      .heap_live_bytes = random_bytes(random, 62),
      .heap_scan_bytes = random_bytes(random, 62),
      .stack_bytes = random_bytes(random, 50),
      .globals_bytes = random_bytes(random, 50),
      .overhead_bytes = random_bytes(random, 50),
      .heap_work_bytes = random_bytes(random, 62),
      .stack_work_bytes = random_bytes(random, 50),
      .globals_work_bytes = random_bytes(random, 50),
      .limiter_fill = random_real(random, 0, 1),
      .limiting = random_next(random) % 4 == 0,
  };
}

static void properties_hold(const struct gaiti_pacer *pacer,
                            const struct gaiti_pacer_decision *decision) {
  bool marking = pacer->marking;
  ck_assert_int_ge(decision->trigger_bytes, 0);
  if (!marking || decision->rule < GAITI_PACER_RULE_MEMORY_LIMIT)
    ck_assert_int_le(decision->trigger_bytes, decision->goal_bytes);
  ck_assert_int_ge(decision->goal_bytes, decision->marked_bytes);
  ck_assert(isfinite(decision->assist_ratio) && decision->assist_ratio >= 0);
  ck_assert(isfinite(decision->cons_mark) && decision->cons_mark >= 0);
  ck_assert_double_ge(decision->cons_mark_largest, decision->cons_mark * (1 - 1e-12));
  ck_assert_double_le(decision->cons_mark_recurring, decision->cons_mark_largest);
  ck_assert_double_le(decision->cons_mark_helped, decision->cons_mark_recurring * (1 + 1e-12));
  ck_assert_int_ge(decision->floating_bytes, 0);
  ck_assert_int_le(decision->floating_bytes, decision->marked_bytes);
  ck_assert_int_ge(decision->runway_bytes, 0);
  ck_assert_int_ge(decision->slack_bytes, 0);
  ck_assert_int_le(decision->slack_bytes, decision->goal_bytes / 50 + 1);
  ck_assert_int_ge(decision->room_left_bytes, marking ? 1 : 0);
  ck_assert_int_ge(decision->work_left_bytes, marking ? 1 : 0);
  ck_assert(marking || decision->assist_ratio == 0);
}

static void properties_end_cycle(struct gaiti_pacer *pacer,
                                 const struct gaiti_pacer_snapshot *snapshot, uint64_t *random) {
  struct gaiti_pacer_cycle cycle = {
      .marked_bytes = random_bytes(random, 62),
      .black_bytes = random_bytes(random, 62),
      .duration_ns = random_bytes(random, 50),
      .assist_ns = random_bytes(random, 50),
      .background_ns = random_bytes(random, 50) - 1,
      .idle_ns = random_bytes(random, 50),
      .cpus = random_real(random, 0.01, 1000),
      .stalled = random_next(random) % 2 == 0,
  };
  double share = gaiti_pacer_cycle_utilization(pacer, &cycle);
  ck_assert(share >= 0 && share <= 1);
  gaiti_pacer_end_cycle(pacer, snapshot, &cycle);
}

/* Any sequence of calls on any numbers. */
START_TEST(pacer_survives_nonsense) {
  uint64_t random = random_seed();
  for (int run = 0; run < 2000; run++) {
    struct gaiti_pacer pacer;
    struct gaiti_pacer_config config = properties_config(&random);
    ck_assert(gaiti_pacer_init(&pacer, &config));
    for (int step = 0; step < 40; step++) {
      struct gaiti_pacer_snapshot snapshot = properties_snapshot(&random);
      struct gaiti_pacer_decision decision;
      gaiti_pacer_decide(&pacer, &snapshot, &decision);
      properties_hold(&pacer, &decision);
      struct gaiti_pacer_release plan =
          gaiti_pacer_plan_release(&pacer, &snapshot, random_bytes(&random, 62));
      ck_assert(plan.now_bytes >= 0 && plan.background_bytes >= 0);
      switch (random_next(&random) % 5) {
      case 0: gaiti_pacer_start_cycle(&pacer, &snapshot); break;
      case 1: properties_end_cycle(&pacer, &snapshot, &random); break;
      case 2:
        config = properties_config(&random);
        ck_assert(gaiti_pacer_configure(&pacer, &config));
        break;
      default: break;
      }
    }
  }
}
END_TEST

/* A higher GOGC or limit never lowers the goal, in any state. */
START_TEST(goals_rise_with_gogc_and_the_limit) {
  uint64_t random = random_seed();
  for (int run = 0; run < 3000; run++) {
    struct gaiti_pacer pacer;
    struct gaiti_pacer_config config = properties_config(&random);
    config.policy = GAITI_PACER_POLICY_GOGC;
    ck_assert(gaiti_pacer_init(&pacer, &config));
    for (uint64_t cycles = random_next(&random) % 4; cycles > 0; cycles--) {
      struct gaiti_pacer_snapshot then = properties_snapshot(&random);
      gaiti_pacer_start_cycle(&pacer, &then);
      properties_end_cycle(&pacer, &then, &random);
    }
    struct gaiti_pacer_snapshot snapshot = properties_snapshot(&random);
    if (random_next(&random) % 2 == 0) gaiti_pacer_start_cycle(&pacer, &snapshot);
    bool by_percent = random_next(&random) % 2 == 0;
    int64_t goal = -1;
    for (int64_t setting = 0; setting < INT64_MAX / 8; setting = setting * 3 + 1) {
      struct gaiti_pacer_decision decision;
      ck_assert(by_percent ? gaiti_pacer_set_gc_percent(&pacer, setting)
                           : gaiti_pacer_set_memory_limit(&pacer, setting));
      gaiti_pacer_decide(&pacer, &snapshot, &decision);
      ck_assert_int_ge(decision.goal_bytes, goal);
      goal = decision.goal_bytes;
    }
  }
}
END_TEST

/* To count what was allocated while marking never raises the goal, in any state. */
START_TEST(floating_garbage_never_raises_the_goal) {
  uint64_t random = random_seed();
  for (int run = 0; run < 20000; run++) {
    struct gaiti_pacer counting, blind;
    struct gaiti_pacer_config config = properties_config(&random);
    ck_assert(gaiti_pacer_init(&counting, &config) && gaiti_pacer_init(&blind, &config));
    for (uint64_t cycles = 1 + random_next(&random) % 4; cycles > 0; cycles--) {
      struct gaiti_pacer_snapshot then = properties_snapshot(&random);
      struct gaiti_pacer_cycle cycle = {.marked_bytes = random_bytes(&random, 62),
                                        .black_bytes = random_bytes(&random, 62),
                                        .duration_ns = random_bytes(&random, 50),
                                        .cpus = 4};
      gaiti_pacer_start_cycle(&counting, &then);
      gaiti_pacer_end_cycle(&counting, &then, &cycle);
      cycle.black_bytes = 0;
      gaiti_pacer_start_cycle(&blind, &then);
      gaiti_pacer_end_cycle(&blind, &then, &cycle);
    }
    struct gaiti_pacer_snapshot snapshot = properties_snapshot(&random);
    struct gaiti_pacer_decision counted, uncounted;
    gaiti_pacer_decide(&counting, &snapshot, &counted);
    gaiti_pacer_decide(&blind, &snapshot, &uncounted);
    ck_assert_int_eq(uncounted.floating_bytes, 0);
    ck_assert_int_le(counted.goal_bytes, uncounted.goal_bytes);
    ck_assert(uncounted.limit_unreachable || !counted.limit_unreachable);
  }
}
END_TEST

static struct replay_input properties_input(uint64_t *random) {
  return (struct replay_input){
      .gc_percent = 10 + (int64_t)(random_next(random) % 400),
      .memory_limit_bytes = GAITI_PACER_NO_BYTES_LIMIT,
      .globals_bytes = random_bytes(random, 22),
      .cpus = random_next(random) % 2 == 0 ? 1 + (double)(random_next(random) % 16)
                                           : random_real(random, 0.2, 4),
      .alloc_rate = random_real(random, 0.5, 400),
      .scan_rate = random_real(random, 300, 3000),
      .growth_rate = 1,
      .scannable_frac = random_real(random, 0.05, 1),
      .stack_bytes = random_bytes(random, 22),
      .minimum_heap_bytes = -1,
      .forced_at = 1,
  };
}

/* Programs whose every rate wanders: each mark ends, GC takes a share between 0 and 1, and mutators
 * always get to allocate something while marking without a limit. */
START_TEST(pacer_keeps_up_with_wandering_programs) {
  uint64_t random = random_seed();
  for (int run = 0; run < 150; run++) {
    struct replay_model model;
    struct replay_error error;
    struct replay_input base = properties_input(&random), input = base;
    ck_assert(replay_model_init(&model, &base, &error));
    double live = 262144;
    for (int cycle = 0; cycle < 60; cycle++) {
      struct replay_result result;
      input.alloc_rate = base.alloc_rate * random_real(&random, 0.3, 3);
      input.growth_rate = random_real(&random, 0.5, live > 3e7 ? 1 : 2);
      live *= input.growth_rate;
      input.idle_share = random_next(&random) % 3 == 0 ? random_real(&random, 0, 0.5) : 0;
      input.forced_at = random_next(&random) % 8 == 0 ? random_real(&random, 0, 1) : 1;
      if (!replay_model_cycle(&model, &input, &result, &error)) ck_abort_msg("%s", error.text);
      ck_assert(result.gc_utilization >= 0 && result.gc_utilization <= 1);
      ck_assert_int_le(result.trigger_bytes, result.goal_bytes);
      ck_assert_double_lt(result.gc_utilization, 0.9999);
      ck_assert_int_gt(result.alloc_black_bytes, 0);
      /* As far as a goal is stretched, the tenth after that, and what two steps of the model
       * allocate, since it looks at the ratio only between them. */
      double stretched = 1.15 * (1 + (double)input.gc_percent / 100) * (double)result.goal_bytes;
      double steps = 2 * 512 * input.alloc_rate * input.cpus;
      ck_assert_double_lt((double)result.peak_bytes, stretched + steps);
    }
  }
}
END_TEST

/* A steady program of which the pacer is told all settles: goal and trigger stay where they are
 * from cycle to cycle, at what GOGC and half of what floats give. */
START_TEST(pacer_settles_on_steady_programs) {
  uint64_t random = random_seed();
  for (int run = 0; run < 150; run++) {
    struct replay_model model;
    struct replay_error error;
    struct replay_result result, before = {0};
    struct replay_input input = properties_input(&random);
    input.minimum_heap_bytes = 0;
    input.black_told = true;
    input.idle_share = random_real(&random, 0, 0.4);
    input.idle_reliance = random_real(&random, 0, 1);
    input.assist_reliance = random_real(&random, 0, 1);
    ck_assert(replay_model_init(&model, &input, &error));
    for (int cycle = 0; cycle < 60; cycle++) {
      input.growth_rate = cycle > 0 && cycle < 8 ? 2 : 1;
      if (!replay_model_cycle(&model, &input, &result, &error)) ck_abort_msg("%s", error.text);
      if (cycle > 40 && result.rule == GAITI_PACER_RULE_GOGC) {
        double near = 0.01 * (double)before.goal_bytes;
        ck_assert_double_eq_tol((double)result.goal_bytes, (double)before.goal_bytes, near);
        ck_assert_double_eq_tol((double)result.trigger_bytes, (double)before.trigger_bytes, near);
        double black = (double)before.alloc_black_bytes;
        double live = (double)result.heap_marked_bytes - black;
        double roots = (double)(input.stack_bytes + input.globals_bytes);
        double room = (double)input.gc_percent / 100 * (live + black / 2 + roots);
        ck_assert_double_eq_tol((double)result.goal_bytes, live + black + room, near);
      }
      before = result;
    }
  }
}
END_TEST

/* Whatever the limit, a limiter keeps GC at its cap in the long run, and mutators are served. */
START_TEST(cpu_cap_holds_in_the_long_run) {
  uint64_t random = random_seed();
  for (int run = 0; run < 40; run++) {
    struct replay_model model;
    struct replay_error error;
    struct replay_result result = {0};
    struct replay_input input = properties_input(&random);
    input.cpu_cap = random_real(&random, 0.05, 0.6);
    input.memory_limit_bytes = 1 + random_bytes(&random, 28);
    input.overhead_bytes = random_bytes(&random, 27);
    input.scannable_frac = 1;
    ck_assert(replay_model_init(&model, &input, &error));
    /* Two seconds in which the live heap grows, then twenty times as long as the bucket lasts. */
    double gc_ns = 0, all_ns = 0;
    while (all_ns < 20e9 * input.cpus || model.cycles < 60) {
      input.growth_rate = model.cycles < 14 ? 1.6 : 1;
      if (!replay_model_cycle(&model, &input, &result, &error)) ck_abort_msg("%s", error.text);
      gc_ns = model.gc_cpu_ns;
      all_ns = model.all_cpu_ns;
    }
    if (gc_ns > (input.cpu_cap + 0.05) * all_ns)
      ck_abort_msg("run %d: GC takes %.3f of the CPU at a cap of %.3f", run, gc_ns / all_ns,
                   input.cpu_cap);
  }
}
END_TEST

int main(void) {
  const TTest *const tests[] = {pacer_survives_nonsense,
                                goals_rise_with_gogc_and_the_limit,
                                floating_garbage_never_raises_the_goal,
                                pacer_settles_on_steady_programs,
                                pacer_keeps_up_with_wandering_programs,
                                cpu_cap_holds_in_the_long_run};
  return SUITE_RUN("pacer properties", tests);
}
