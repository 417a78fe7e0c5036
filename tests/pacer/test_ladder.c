/* The steps of a heap under its memory limit, and a simulated program that leaks until it ends. */
#include "suite.h"

#include "../support/sizes.h"
#include "ladder.h"
#include "sim_heap.h"

#define SECOND INT64_C(1000000000)

/* ---- Step by step ---- */

static bool ladder_climb(struct gaiti_ladder *ladder, double seconds, enum gaiti_pacer_rule rule) {
  const struct gaiti_pacer_decision decision = {.rule = rule};
  return gaiti_ladder_climb(ladder, (int64_t)(seconds * 1e9), 10 * SECOND, true, &decision);
}

START_TEST(ladder_steps_follow_the_rule_of_the_goal) {
  struct gaiti_ladder ladder = {0};
  ck_assert(!ladder_climb(&ladder, 1, GAITI_PACER_RULE_GOGC));
  ck_assert_int_eq(ladder.step, GAITI_LADDER_FREE);
  ck_assert(ladder_climb(&ladder, 2, GAITI_PACER_RULE_MEMORY_LIMIT));
  ck_assert_int_eq(ladder.step, GAITI_LADDER_LIMIT);
  ck_assert(!ladder_climb(&ladder, 3, GAITI_PACER_RULE_MEMORY_LIMIT));
  ck_assert(ladder_climb(&ladder, 4, GAITI_PACER_RULE_CPU_CAP));
  ck_assert_int_eq(ladder.step, GAITI_LADDER_CAP);
  ck_assert(ladder_climb(&ladder, 5, GAITI_PACER_RULE_START_ROOM));
  ck_assert_int_eq(ladder.step, GAITI_LADDER_FREE);
}
END_TEST

/* A limit that nothing passes, or none: the same rules say nothing of a soft one. */
START_TEST(ladder_stands_on_a_soft_limit_alone) {
  struct gaiti_ladder ladder = {0};
  const struct gaiti_pacer_decision decision = {.rule = GAITI_PACER_RULE_CPU_CAP};
  for (int64_t second = 0; second < 100; second++)
    ck_assert(!gaiti_ladder_climb(&ladder, second * SECOND, SECOND, false, &decision));
}
END_TEST

START_TEST(ladder_fails_after_its_time_at_the_cap) {
  struct gaiti_ladder ladder = {0};
  ladder_climb(&ladder, 7, GAITI_PACER_RULE_CPU_CAP);
  ck_assert_int_eq(gaiti_ladder_at_cap_ns(&ladder, 9 * SECOND), 2 * SECOND);
  ck_assert(!ladder_climb(&ladder, 16.999, GAITI_PACER_RULE_CPU_CAP));
  ck_assert(ladder_climb(&ladder, 17, GAITI_PACER_RULE_CPU_CAP));
  ck_assert_int_eq(ladder.step, GAITI_LADDER_FAIL);
  ck_assert(!ladder_climb(&ladder, 18, GAITI_PACER_RULE_CPU_CAP));
  ck_assert_int_eq(gaiti_ladder_at_cap_ns(&ladder, 18 * SECOND), 11 * SECOND);
  ck_assert(ladder_climb(&ladder, 19, GAITI_PACER_RULE_MEMORY_LIMIT));
  ck_assert_int_eq(ladder.step, GAITI_LADDER_LIMIT);
  ck_assert_int_eq(gaiti_ladder_at_cap_ns(&ladder, 19 * SECOND), 0);
}
END_TEST

START_TEST(ladder_begins_anew_after_a_cycle_below_the_cap) {
  struct gaiti_ladder ladder = {0};
  for (int i = 0; i < 100; i++) {
    ladder_climb(&ladder, i, i % 9 == 8 ? GAITI_PACER_RULE_MEMORY_LIMIT : GAITI_PACER_RULE_CPU_CAP);
    ck_assert_int_ne(ladder.step, GAITI_LADDER_FAIL);
  }
}
END_TEST

START_TEST(ladder_without_a_time_never_fails) {
  struct gaiti_ladder ladder = {0};
  const struct gaiti_pacer_decision decision = {.rule = GAITI_PACER_RULE_CPU_CAP};
  for (int64_t hour = 0; hour < 10000; hour++) {
    gaiti_ladder_climb(&ladder, hour * 3600 * SECOND, GAITI_LADDER_NEVER, true, &decision);
    ck_assert_int_eq(ladder.step, GAITI_LADDER_CAP);
  }
}
END_TEST

/* ---- A program that leaks ---- */

#define LEAK_RATE  ((double)(400 * MIB))
#define LEAK_MARK  ((double)(800 * MIB))
#define LEAK_LIMIT (100 * MIB)

/* Of its live bytes, so many stay, and so many are leaked a second, up to the most. */
struct leak {
  double live, leaked, most;
  double seconds;
};

static bool leak_run(void *self, const struct gaiti_pacer_decision *decision, double bytes,
                     struct sim_stretch *ran) {
  struct leak *leak = self;
  (void)decision;
  *ran = (struct sim_stretch){bytes, bytes / LEAK_RATE};
  leak->seconds += ran->seconds;
  return true;
}

static void leak_pass(void *self, double bytes, double seconds) {
  struct leak *leak = self;
  (void)bytes;
  leak->seconds += seconds;
}

static void leak_look(void *self, double heap_bytes, struct sim_moment *moment) {
  const struct leak *leak = self;
  const double live = leak->live + leak->leaked * leak->seconds;
  moment->live_bytes = live < leak->most ? live : leak->most;
  if (moment->live_bytes > heap_bytes) moment->live_bytes = heap_bytes;
  moment->roots_bytes = 0;
  moment->rates = (struct sim_rates){.alloc = LEAK_RATE,
                                     .scannable = 1,
                                     .mark = LEAK_MARK,
                                     .background = 0.25,
                                     .least = 0.25,
                                     .busy = 1};
}

/* Runs it until it fails, or `most_seconds` have passed; returns when it failed, else below 0.
 * *capped is when it came to the cap for the last time, and *gap the longest cycle since. */
static double leak_fails_at(struct leak leak, double cap, int64_t fail_after_ns,
                            double most_seconds, double *capped, double *gap) {
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  config.memory_limit_bytes = LEAK_LIMIT;
  config.cpu_cap = cap;
  struct sim_heap heap;
  ck_assert_ptr_null(sim_heap_init(&heap, &config, 1));
  heap.driver.fail_after_ns = fail_after_ns;
  const struct sim_program program = {&leak, leak_run, leak_pass, leak_look, NULL};
  const struct sim_steps steps = {0};
  struct sim_collection collection;
  enum gaiti_ladder_step step = GAITI_LADDER_FREE;
  double before = 0;
  *capped = *gap = 0;
  while (before < most_seconds) {
    ck_assert_int_eq(sim_heap_collect(&heap, &program, &steps, &collection), SIM_COLLECTED);
    const double now = (double)heap.driver.clock_ns / 1e9;
    *gap = now - before > *gap ? now - before : *gap;
    before = now;
    if (heap.driver.ladder.step == GAITI_LADDER_FAIL) return now;
    if (heap.driver.ladder.step == GAITI_LADDER_CAP && step != GAITI_LADDER_CAP) {
      *capped = now;
      *gap = 0;
    }
    step = heap.driver.ladder.step;
  }
  return -1;
}

/* In the time that was said, by the heap's clock, and the cycle under way. */
START_TEST(leak_ends_in_the_time_that_is_said) {
  static const double caps[] = {0.3, 0.5, 0.8}, seconds[] = {0.5, 2, 10};
  for (size_t i = 0; i < 9; i++) {
    double capped, gap;
    const struct leak leak = {.live = 40 * MIB, .leaked = 2 * MIB, .most = 1e18};
    const double after = seconds[i % 3];
    const double failed =
        leak_fails_at(leak, caps[i / 3], (int64_t)(after * 1e9), 1000, &capped, &gap);
    ck_assert_double_ge(failed, 0);
    ck_assert_double_ge(failed, capped + after);
    ck_assert_double_le(failed, capped + after + gap + 1e-6);
    ck_assert_double_le(failed, 40 + after); /* the leak comes to the limit after 30 s at most */
  }
}
END_TEST

START_TEST(leak_without_a_time_goes_on_at_the_cap) {
  double capped, gap;
  const struct leak leak = {.live = 40 * MIB, .leaked = 2 * MIB, .most = 1e18};
  ck_assert_double_lt(leak_fails_at(leak, 0.5, GAITI_LADDER_NEVER, 300, &capped, &gap), 0);
}
END_TEST

/* A program that fits stays, however long it runs. */
START_TEST(program_that_fits_does_not_fail) {
  double capped, gap;
  const struct leak fits = {.live = 40 * MIB, .leaked = 2 * MIB, .most = 50 * MIB};
  ck_assert_double_lt(leak_fails_at(fits, 0.5, SECOND / 2, 300, &capped, &gap), 0);
}
END_TEST

/* Under the limit that is suggested at the cap, the same program takes about half of the cap. */
START_TEST(suggested_limit_costs_about_half_of_the_cap) {
  static const double caps[] = {0.3, 0.4, 0.5};
  for (size_t i = 0; i < 3; i++) {
    int64_t limit = LEAK_LIMIT;
    for (int round = 0; round < 2; round++) {
      struct gaiti_pacer_config config = gaiti_pacer_config_default();
      config.gc_percent = GAITI_PACER_GC_OFF;
      config.memory_limit_bytes = limit;
      config.cpu_cap = caps[i];
      struct sim_heap heap;
      ck_assert_ptr_null(sim_heap_init(&heap, &config, 1));
      struct leak leak = {.live = 96 * MIB, .most = 1e18};
      const struct sim_program program = {&leak, leak_run, leak_pass, leak_look, NULL};
      const struct sim_steps steps = {0};
      struct sim_collection collection;
      int64_t gc = 0, offered = 0;
      while (leak.seconds < 60) {
        if (leak.seconds > 30 && offered == 0) {
          gc = heap.driver.limiter.gc_ns;
          offered = heap.driver.limiter.offered_ns;
        }
        ck_assert_int_eq(sim_heap_collect(&heap, &program, &steps, &collection), SIM_COLLECTED);
      }
      const double share = (double)(heap.driver.limiter.gc_ns - gc) /
                           (double)(heap.driver.limiter.offered_ns - offered);
      if (round == 0) {
        ck_assert_int_eq(heap.driver.ladder.step, GAITI_LADDER_CAP);
        limit = gaiti_ladder_suggest(&heap.driver.pacer, &heap.driver.now);
        ck_assert_int_gt(limit, LEAK_LIMIT);
      } else {
        ck_assert_int_eq(heap.driver.ladder.step, GAITI_LADDER_LIMIT);
        ck_assert_double_lt(share, caps[i] * 0.75);
        ck_assert_double_gt(share, caps[i] * 0.3);
      }
    }
  }
}
END_TEST

int main(void) {
  const TTest *const tests[] = {
      ladder_steps_follow_the_rule_of_the_goal,   ladder_stands_on_a_soft_limit_alone,
      ladder_fails_after_its_time_at_the_cap,     ladder_begins_anew_after_a_cycle_below_the_cap,
      ladder_without_a_time_never_fails,          leak_ends_in_the_time_that_is_said,
      leak_without_a_time_goes_on_at_the_cap,     program_that_fits_does_not_fail,
      suggested_limit_costs_about_half_of_the_cap};
  return SUITE_RUN("pacer ladder", tests);
}
