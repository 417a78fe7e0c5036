/* The closed-form simulation, against the model that takes steps of half a millisecond (the one
 * that reproduces recorded runs of Go's pacer) and against what must hold of any program. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../support/run_suite.h"
#include "../support/sizes.h"
#include "replay/replay_model.h"
#include "sim_description.h"
#include "sim_law.h"

static struct sim_description steady(void) {
  struct sim_description program = {
      .name = (char *)(uintptr_t) "steady",
      .shapes = {[SIM_LIVE] = {.from = 100 * MIB},
                 [SIM_RATE] = {.from = 800 * MIB},
                 [SIM_SCANNABLE] = {.from = 0.7},
                 [SIM_ROOTS] = {.from = 2 * MIB}},
      .mark_rate = 500 * MIB,
      .cpus = 8,
      .barrier_share = 1,
      .background_share = 0.25,
      .cpu_cap = 0.5,
      .minimum_heap_bytes = -1,
      .seed = 1,
      .most_cycles = 60,
      .most_seconds = INFINITY,
      .most_bytes = INFINITY,
  };
  return program;
}

static double by_law; /* cycles of the last run */

static struct sim_result run(const struct sim_description *program, int64_t gogc, int64_t limit) {
  struct setting setting = {gogc, limit, 0};
  struct sim_result result;
  const char *wrong = sim_description_run(program, &setting, NULL, NULL, &result, &by_law);
  if (wrong != NULL) ck_abort_msg("%s", wrong);
  return result;
}

static void keep_last(void *context, const struct sim_cycle *cycle) {
  *(struct sim_cycle *)context = *cycle;
}

/* The last cycle of the same program in steps. */
static struct replay_result in_steps(const struct sim_description *program, int64_t gogc) {
  struct replay_input input = {
      .gc_percent = gogc,
      .memory_limit_bytes = GAITI_PACER_NO_BYTES_LIMIT,
      .globals_bytes = (int64_t)program->shapes[SIM_ROOTS].from,
      .cpus = program->cpus,
      .alloc_rate = program->shapes[SIM_RATE].from / program->cpus / 1024 / 1000,
      .scan_rate = program->mark_rate / 1024 / 1000,
      .growth_rate = 1,
      .scannable_frac = program->shapes[SIM_SCANNABLE].from,
      .minimum_heap_bytes = -1,
      .idle_share = program->idle_share,
      .idle_reliance = 0.75,
      .assist_reliance = 1,
      .forced_at = 1,
      .black_told = true,
  };
  struct replay_model model;
  struct replay_result result;
  struct replay_error error;
  if (!replay_model_init(&model, &input, &error)) ck_abort_msg("%s", error.text);
  for (int i = 0; i < (int)program->most_cycles; i++) {
    double survivors = (double)(model.heap.marked_bytes - model.black_before_bytes);
    if (i > 0) input.growth_rate = fmin(program->shapes[SIM_LIVE].from / survivors, 2);
    if (!replay_model_cycle(&model, &input, &result, &error)) ck_abort_msg("%s", error.text);
  }
  return result;
}

static void expect_near(double a, double b, double share, const char *what, int gogc) {
  ck_assert_msg(fabs(a / b - 1) <= share, "GOGC=%d: %s: %g, in steps %g", gogc, what, a, b);
}

/* The closed form's last cycle is that in steps. */
static void expect_as_in_steps(const struct sim_description *program, int gogc) {
  struct setting setting = {gogc, SETTING_OFF, 0};
  struct sim_cycle last;
  struct sim_result result;
  ck_assert_ptr_null(sim_description_run(program, &setting, keep_last, &last, &result, &by_law));
  struct replay_result steps = in_steps(program, gogc);
  expect_near(last.goal_bytes, (double)steps.goal_bytes, 0.01, "goal", gogc);
  expect_near(last.trigger_bytes, (double)steps.trigger_bytes, 0.01, "trigger", gogc);
  expect_near(last.peak_bytes, (double)steps.peak_bytes, 0.01, "peak", gogc);
  expect_near(last.mark_seconds, (double)steps.duration_ns / 1e9, 0.01, "mark", gogc);
}

START_TEST(simulator_agrees_with_one_in_steps) {
  const double rates[] = {50 * MIB, 800 * MIB, 4000 * MIB}, idle[] = {0, 0.2};
  for (int gogc = 25; gogc <= 800; gogc *= 2) {
    for (size_t i = 0; i < 6; i++) {
      struct sim_description program = steady();
      program.shapes[SIM_RATE].from = rates[i % 3];
      program.idle_share = idle[i / 3];
      program.cpu_cap = 0.95; /* the steps know no limiter */
      expect_as_in_steps(&program, gogc);
    }
  }
}
END_TEST

START_TEST(law_counts_each_stretch_of_a_program) {
  struct sim_law law = {.setting = {100, SETTING_OFF, 0}, .minimum_heap_bytes = 4 * MIB};
  ck_assert(sim_law_speaks(&law));
  ck_assert_double_eq_tol(sim_law_cycles(&law, 2 * MIB), 0.5, 1e-12);
  sim_law_cycle(&law, 4 * MIB, 10 * MIB);
  sim_law_cycle(&law, 25 * MIB, 20 * MIB);
  ck_assert_double_eq_tol(sim_law_cycles(&law, 30 * MIB), 1 + 1.5 + 0.5, 1e-12);
  ck_assert_double_eq_tol(sim_law_cycles(&law, 10 * MIB), 2.5, 1e-12);
  law.setting.memory_limit_bytes = (int64_t)(24 * MIB);
  ck_assert_double_eq_tol(sim_law_cycles(&law, 22 * MIB), 2.5 + 0.5, 1e-12);
  law.setting.memory_limit_bytes = (int64_t)(20 * MIB); /* 64 KiB of room */
  ck_assert_double_eq_tol(sim_law_cycles(&law, 21 * MIB), 2.5 + 16, 1e-12);
  law.setting = (struct setting){SETTING_OFF, SETTING_OFF, 0};
  ck_assert(!sim_law_speaks(&law));
  law.setting.memory_limit_bytes = 0;
  ck_assert(sim_law_speaks(&law));
}
END_TEST

START_TEST(simulated_cycles_follow_the_law) {
  for (int64_t gogc = 50; gogc <= 400; gogc *= 2) {
    struct sim_description program = steady();
    program.most_cycles = 2000;
    program.shapes[SIM_RATE].from = 50 * MIB;
    program.shapes[SIM_ROOTS].from = 0;
    struct sim_result result = run(&program, gogc, SETTING_OFF);
    double interval = (double)gogc / 100 * 100 * MIB / (50 * MIB);
    /* What is allocated while marking counts as live once, so a little more than the law says. */
    ck_assert_double_ge(result.seconds / 2000, interval);
    ck_assert_double_le(result.seconds / 2000, 1.05 * interval);
    ck_assert_double_eq_tol(by_law, 2000, 60);
    ck_assert_double_eq_tol(result.peak_over_goal_mean, 1, 0.02);
    ck_assert_double_eq_tol(result.mean_live_bytes, 100 * MIB, MIB);
  }
}
END_TEST

START_TEST(simulation_ends_at_each_bound_of_the_program) {
  struct sim_description program = steady();
  program.most_cycles = INFINITY;
  program.most_seconds = 10;
  struct sim_result result = run(&program, 100, SETTING_OFF);
  ck_assert_double_eq_tol(result.seconds, 10, 0.2);
  program.most_seconds = INFINITY;
  program.most_bytes = 5000 * MIB;
  result = run(&program, 100, SETTING_OFF);
  ck_assert_double_eq_tol(result.allocated_bytes, 5000 * MIB, 50 * MIB);
  result = run(&program, SETTING_OFF, SETTING_OFF);
  ck_assert_uint_eq(result.cycles, 0);
  ck_assert_double_eq_tol(result.peak_heap_bytes, 5000 * MIB, MIB);
  ck_assert_double_lt(by_law, 0);
}
END_TEST

START_TEST(simulated_limits_hold_or_are_reported) {
  struct sim_description program = steady();
  program.most_cycles = 500;
  struct sim_result result = run(&program, 400, (int64_t)(300 * MIB));
  ck_assert_double_le(result.peak_heap_bytes, 300 * MIB);
  ck_assert(result.unreachable_cycles == 0);
  ck_assert_uint_eq(result.limiting_cycles, 0);
  program.overhead_bytes = (int64_t)(50 * MIB);
  ck_assert_double_le(run(&program, 400, (int64_t)(300 * MIB)).peak_heap_bytes, 250 * MIB);
  program.overhead_bytes = 0;
  program.most_cycles = 20000;
  result = run(&program, 400, (int64_t)(80 * MIB));
  ck_assert(result.unreachable_cycles > 0);
  double share = result.gc_cpu_seconds / (result.seconds * 8);
  ck_assert_double_le(share, 0.55); /* the cap, and what it took to notice */
}
END_TEST

/* A program that leaves CPUs idle is not slowed down by background workers, only by assists;
 * and of what idle CPUs save the runway leaves out three quarters. */
START_TEST(idle_cpus_mark_in_the_simulation) {
  struct sim_description program = steady();
  struct sim_cycle busy, spare, helped;
  struct setting setting = {100, SETTING_OFF, 0};
  struct sim_result result;
  program.shapes[SIM_RATE].from = 200 * MIB;
  ck_assert_ptr_null(sim_description_run(&program, &setting, keep_last, &busy, &result, &by_law));
  program.threads = program.cpus / 2;
  ck_assert_ptr_null(sim_description_run(&program, &setting, keep_last, &spare, &result, &by_law));
  ck_assert_double_le(spare.assist_seconds, 0.01 * spare.background_seconds);
  expect_near(spare.mark_seconds, busy.mark_seconds, 0.01, "mark", 100);
  double black = spare.peak_bytes - spare.trigger_bytes;
  expect_near(black, spare.mark_seconds * program.shapes[SIM_RATE].from, 0.01, "black", 100);
  expect_near(busy.peak_bytes - busy.trigger_bytes, 0.75 * black, 0.01, "black of busy", 100);
  program.barrier_share = 0.5;
  ck_assert_ptr_null(sim_description_run(&program, &setting, keep_last, &helped, &result, &by_law));
  expect_near(helped.peak_bytes - helped.trigger_bytes, black / 2, 0.02, "black of slow", 100);
  program.barrier_share = 1;
  program.idle_share = 0.25;
  ck_assert_ptr_null(sim_description_run(&program, &setting, keep_last, &helped, &result, &by_law));
  expect_near(helped.mark_seconds, spare.mark_seconds / 2, 0.01, "mark with help", 100);
  double saved =
      spare.goal_bytes - spare.trigger_bytes - (helped.peak_bytes - helped.trigger_bytes);
  expect_near(helped.goal_bytes - helped.peak_bytes, saved / 4, 0.1, "saved and not used", 100);
  expect_near(spare.peak_bytes, spare.goal_bytes, 0.01, "peak", 100);
}
END_TEST

START_TEST(program_shapes_have_their_values_over_time) {
  struct sim_description program = steady();
  struct sim_shape *live = &program.shapes[SIM_LIVE];
  *live = (struct sim_shape){.form = SIM_RAMP, .from = 10, .to = 30, .at = 2, .over = 4};
  ck_assert_double_eq_tol(sim_description_value(&program, SIM_LIVE, 1, 0), 10, 1e-9);
  ck_assert_double_eq_tol(sim_description_value(&program, SIM_LIVE, 3, 0), 15, 1e-9);
  ck_assert_double_eq_tol(sim_description_value(&program, SIM_LIVE, 9, 0), 30, 1e-9);
  live->form = SIM_STEP;
  ck_assert_double_eq_tol(sim_description_value(&program, SIM_LIVE, 1.9, 0), 10, 1e-9);
  ck_assert_double_eq_tol(sim_description_value(&program, SIM_LIVE, 2, 0), 30, 1e-9);
  *live = (struct sim_shape){.form = SIM_OSCILLATION, .from = 10, .to = 5, .over = 4};
  ck_assert_double_eq_tol(sim_description_value(&program, SIM_LIVE, 1, 0), 15, 1e-9);
  ck_assert_double_eq_tol(sim_description_value(&program, SIM_LIVE, 3, 0), 5, 1e-9);
  double times[] = {1, 2, 4}, values[] = {10, 20, 0};
  *live = (struct sim_shape){.form = SIM_RECORDED, .times = times, .values = values, .count = 3};
  ck_assert_double_eq_tol(sim_description_value(&program, SIM_LIVE, 0, 0), 10, 1e-9);
  ck_assert_double_eq_tol(sim_description_value(&program, SIM_LIVE, 3, 0), 10, 1e-9);
  ck_assert_double_eq_tol(sim_description_value(&program, SIM_LIVE, 9, 0), 0, 1e-9);
}
END_TEST

START_TEST(program_jitter_is_even_and_seeded) {
  struct sim_description program = steady(), other = steady();
  program.shapes[SIM_RATE].jitter = other.shapes[SIM_RATE].jitter = 0.25;
  other.seed = 2;
  double sum = 0, square = 0, product = 0, base = program.shapes[SIM_RATE].from;
  for (uint64_t i = 0; i < 10000; i++) {
    double a = sim_description_value(&program, SIM_RATE, 0, i) / base - 1;
    double b = sim_description_value(&other, SIM_RATE, 0, i) / base - 1;
    ck_assert(fabs(a) <= 0.25);
    ck_assert_double_eq_tol(a, sim_description_value(&program, SIM_RATE, 5, i) / base - 1, 1e-12);
    sum += a;
    square += a * a;
    product += a * b;
  }
  ck_assert_double_eq_tol(sum / 10000, 0, 0.01);
  ck_assert_double_eq_tol(square / 10000, 0.25 * 0.25 / 3, 0.001);
  ck_assert_double_eq_tol(product / 10000, 0, 0.001);
}
END_TEST

int main(void) {
  const TTest *const tests[] = {simulator_agrees_with_one_in_steps,
                                law_counts_each_stretch_of_a_program,
                                simulated_cycles_follow_the_law,
                                simulation_ends_at_each_bound_of_the_program,
                                simulated_limits_hold_or_are_reported,
                                idle_cpus_mark_in_the_simulation,
                                program_shapes_have_their_values_over_time,
                                program_jitter_is_even_and_seeded};
  return SUITE_RUN("sim", tests);
}
