/* Sentences about made-up cycles: each rule, each bound, each cause, each miss and each advice
 * comes up, and every number in a sentence is one that follows from the cycle. */
#include <math.h>
#include <string.h>

#include "../support/random.h"
#include "../support/run_suite.h"
#include "../support/sizes.h"
#include "explain.h"
#include "explain_text.h"
#include "sentence_numbers.h"

/* A cycle that keeps its goal: 100 MiB were left, GOGC=100 adds 100. */
static struct explain_cycle usual(void) {
  return (struct explain_cycle){.number = 7,
                                .ran = true,
                                .rule = GAITI_PACER_RULE_GOGC,
                                .bound = GAITI_PACER_TRIGGER_RUNWAY,
                                .gogc_percent = 100,
                                .limit_bytes = INFINITY,
                                .background_share = 0.25,
                                .cpu_cap = 0.5,
                                .cpus = 4,
                                .grain_bytes = 65536,
                                .counted_bytes = 100 * MIB,
                                .growth_goal_bytes = 200 * MIB,
                                .planned_goal_bytes = 200 * MIB,
                                .trigger_bytes = 180 * MIB,
                                .goal_bytes = 200 * MIB,
                                .runway_bytes = 20 * MIB,
                                .expected_work_bytes = 101 * MIB,
                                .overhead_bytes = 3 * MIB,
                                .at_trigger_bytes = 180 * MIB,
                                .peak_bytes = 200 * MIB,
                                .work_bytes = 100 * MIB,
                                .mark_seconds = 0.1,
                                .background_seconds = 0.1,
                                .gc_cpu_share = 0.1};
}

static struct explain_cycle limited(void) {
  struct explain_cycle cycle = usual();
  cycle.cause = EXPLAIN_CAUSE_LIMIT;
  cycle.rule = GAITI_PACER_RULE_MEMORY_LIMIT;
  cycle.limit_bytes = 150 * MIB;
  cycle.goal_bytes = cycle.planned_goal_bytes = 150 * MIB - 4.5 * MIB - 3 * MIB;
  cycle.trigger_bytes = cycle.at_trigger_bytes = 135 * MIB;
  cycle.peak_bytes = cycle.goal_bytes;
  return cycle;
}

static struct explanation made;

static void explain(const struct explain_cycle *cycle) {
  explain_cycle(cycle, &made);
  numbers_check(cycle, &made);
}

static void says(const char *text, const char *part) {
  ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in: %s", part, text);
}

/* Explains the cycle: this was missed, this is advised, and these words are in the sentences. */
static void expect(const struct explain_cycle *cycle, enum explain_miss miss,
                   enum explain_advice advice, const char *why, const char *outcome) {
  explain(cycle);
  says(made.why, why);
  says(made.outcome, outcome);
  ck_assert_msg(made.miss == miss, "miss %d: %s", (int)made.miss, made.outcome);
  ck_assert_msg(made.advice == advice, "advice %d: %s", (int)made.advice, made.outcome);
}

/* ---- Why then ---- */

START_TEST(every_bound_of_the_trigger_has_its_words) {
  struct explain_cycle cycle = usual();
  expect(&cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_GOGC_TRADE,
         "Cycle 7 began at 180 MiB, 20 MiB before its goal: so much the program allocates",
         "at its goal: nothing missed; GOGC=200 would have made the goal 300 MiB");
  cycle.bound = GAITI_PACER_TRIGGER_EARLIEST;
  cycle.runway_bytes = 44 * MIB;
  explain(&cycle);
  says(made.why, "20 MiB before its goal, the earliest that the pacer allows: background marking "
                 "alone would want 44 MiB to get through the expected 101 MiB");
  cycle.bound = GAITI_PACER_TRIGGER_LATEST;
  cycle.runway_bytes = MIB / 2;
  explain(&cycle);
  says(made.why, "512 KiB would do for the expected 101 MiB, but a start is always given");
  cycle.bound = GAITI_PACER_TRIGGER_NO_ROOM;
  cycle.counted_bytes = cycle.trigger_bytes = cycle.at_trigger_bytes = 200 * MIB;
  explain(&cycle);
  says(made.why, "began at 200 MiB, at once, since what the cycle before left is at the goal");
  cycle.bound = GAITI_PACER_TRIGGER_NEVER;
  cycle.trigger_bytes = INFINITY;
  explain(&cycle);
  says(made.why, "though no trigger was set");
}
END_TEST

START_TEST(every_cause_has_its_words) {
  struct explain_cycle cycle = usual();
  cycle.young = true;
  explain(&cycle);
  says(made.why, "Young cycle 7 began");
  cycle.young = false;
  cycle.at_trigger_bytes = 120 * MIB;
  cycle.peak_bytes = 125 * MIB;
  cycle.cause = EXPLAIN_CAUSE_FORCED;
  expect(&cycle, EXPLAIN_MISS_ASKED, EXPLAIN_ADVICE_WAIT,
         "since the program asked for it, 60 MiB short of its trigger of 180 MiB",
         "38 % (75 MiB) below its goal: it was asked for before it was due; unasked it would have "
         "begun at 180 MiB");
  cycle.cause = EXPLAIN_CAUSE_OUT_OF_MEMORY;
  explain(&cycle);
  says(made.why, "since an allocation found no room, 60 MiB short");
  cycle.cause = EXPLAIN_CAUSE_DEBUG;
  explain(&cycle);
  says(made.why, "since a debug option asks for cycles, 60 MiB short");
  cycle.at_trigger_bytes = 190 * MIB;
  explain(&cycle);
  says(made.why, "10 MiB past its trigger of 180 MiB");
  cycle.rule = GAITI_PACER_RULE_OFF;
  cycle.bound = GAITI_PACER_TRIGGER_NEVER;
  cycle.gogc_percent = -1;
  cycle.growth_goal_bytes = 0;
  cycle.trigger_bytes = cycle.goal_bytes = cycle.planned_goal_bytes = INFINITY;
  expect(&cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_GOGC_ON,
         "there was no trigger; nothing bounds the heap",
         "with no goal to keep: nothing missed; GOGC=100 would have made the goal about 200 MiB");
}
END_TEST

START_TEST(a_trace_tells_no_plan) {
  struct explain_cycle cycle = usual();
  cycle.grain_bytes = MIB;
  explain_infer(&cycle);
  explain(&cycle);
  ck_assert_int_eq(cycle.rule, GAITI_PACER_RULE_GOGC);
  says(made.why, "Cycle 7 began at 180 MiB, 20 MiB before its goal; the goal of 200 MiB is that of "
                 "GOGC=100, which adds 100 MiB to the 100 MiB");
  cycle.at_trigger_bytes = cycle.peak_bytes = 210 * MIB;
  expect(&cycle, EXPLAIN_MISS_OVER, EXPLAIN_ADVICE_GOGC_PEAK, "10 MiB past its goal",
         "the program allocated 0 B while it marked; GOGC=91 would");
  cycle.at_trigger_bytes = 180 * MIB;
  cycle.peak_bytes = 190 * MIB;
  expect(&cycle, EXPLAIN_MISS_BELOW, EXPLAIN_ADVICE_GOGC_TRADE, "20 MiB before",
         "5 % (10 MiB) below its goal: the program allocated 10 MiB while it marked; GOGC=200");
  cycle.cause = EXPLAIN_CAUSE_FORCED;
  expect(&cycle, EXPLAIN_MISS_ASKED, EXPLAIN_ADVICE_NONE,
         "since the program asked for it; the goal",
         "before it was due; no setting can be told from this.");
}
END_TEST

START_TEST(the_rule_of_a_trace_is_inferred) {
  struct explain_cycle cycle = usual();
  cycle.growth_goal_bytes = 0;
  cycle.goal_bytes = 4 * MIB;
  cycle.counted_bytes = MIB;
  explain_infer(&cycle);
  ck_assert_int_eq(cycle.rule, GAITI_PACER_RULE_MINIMUM_HEAP);
  cycle = usual();
  cycle.limit_bytes = 150 * MIB;
  cycle.goal_bytes = 140 * MIB;
  explain_infer(&cycle);
  ck_assert_int_eq(cycle.rule, GAITI_PACER_RULE_MEMORY_LIMIT);
  ck_assert_double_eq_tol(cycle.overhead_bytes, 5.5 * MIB, 1);
  cycle.limit_bytes = INFINITY;
  cycle.peak_bytes = 140 * MIB;
  explain_infer(&cycle);
  ck_assert_int_eq(cycle.rule, EXPLAIN_RULE_UNKNOWN);
  expect(&cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_NONE,
         "the goal of 140 MiB agrees with no rule that the recording tells of",
         "nothing missed; no setting can be told from this.");
  cycle.gogc_percent = -1;
  cycle.limit_bytes = 139 * MIB;
  explain_infer(&cycle);
  ck_assert_int_eq(cycle.rule, GAITI_PACER_RULE_MEMORY_LIMIT);
  ck_assert_double_eq(cycle.overhead_bytes, 0);
}
END_TEST

/* ---- Why this goal ---- */

START_TEST(every_rule_of_growth_has_its_words) {
  struct explain_cycle cycle = usual();
  cycle.goal_bytes = cycle.planned_goal_bytes = cycle.growth_goal_bytes = 190 * MIB;
  cycle.peak_bytes = 190 * MIB;
  expect(
      &cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_GOGC_TRADE,
      "GOGC=100, which adds 90 MiB to the 100 MiB that the cycle before left, half of what was "
      "allocated while that was marked being taken for dead.",
      "GOGC=200 would have made the goal 280 MiB, with the collector at about 5.3 % of the CPU in "
      "place of 10 %.");
  cycle = usual();
  cycle.gc_cpu_share = 0.01;
  expect(&cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_GOGC_TRADE, "adds 100 MiB",
         "GOGC=50 would have made the goal 150 MiB, with the collector at about 2 % of the CPU in "
         "place of 1 %.");
  cycle.gc_cpu_share = -1;
  explain(&cycle);
  says(made.outcome, "GOGC=200 would have made the goal 300 MiB.");
  cycle.rule = GAITI_PACER_RULE_CPU_BUDGET;
  expect(&cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_POLICY,
         "that of cpu_budget, which adds 100 MiB to the 100 MiB",
         "half of this cpu_budget would have let the heap grow to about 300 MiB.");
  cycle.rule = GAITI_PACER_RULE_SQUARE_ROOT;
  expect(&cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_POLICY,
         "that of square_root, which adds 100 MiB to the 100 MiB",
         "four times this square_root would have let the heap grow to 300 MiB.");
}
END_TEST

START_TEST(a_small_heap_is_that_of_min_heap) {
  struct explain_cycle cycle = usual();
  cycle.rule = GAITI_PACER_RULE_MINIMUM_HEAP;
  cycle.counted_bytes = MIB;
  cycle.growth_goal_bytes = 2 * MIB;
  cycle.goal_bytes = cycle.planned_goal_bytes = cycle.peak_bytes = 4 * MIB;
  cycle.trigger_bytes = cycle.at_trigger_bytes = 3.5 * MIB;
  expect(&cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_MIN_HEAP,
         "the goal of 4 MiB is that of min_heap, below which no cycle is worth it, where GOGC=100 "
         "alone would have set 2 MiB",
         "min_heap=7MiB would have made the goal 7 MiB, with the collector at about 5.3 %");
  cycle.gogc_percent = 50;
  cycle.counted_bytes = 4 * MIB;
  explain(&cycle);
  says(made.outcome, "min_heap=8MiB would have made the goal 4 MiB");
  cycle.gogc_percent = -1;
  explain(&cycle);
  says(made.why, "where the policy alone would have set 2 MiB");
  cycle.growth_goal_bytes = 0;
  explain(&cycle);
  says(made.why, "below which no cycle is worth it.");
}
END_TEST

START_TEST(a_late_start_moves_the_goal) {
  struct explain_cycle cycle = usual();
  cycle.rule = GAITI_PACER_RULE_START_ROOM;
  cycle.at_trigger_bytes = 199.9 * MIB;
  cycle.goal_bytes = 200.5 * MIB;
  cycle.peak_bytes = 203 * MIB;
  expect(&cycle, EXPLAIN_MISS_LATE, EXPLAIN_ADVICE_NONE,
         "began at 200 MiB and was due at 180 MiB, 20 MiB before its goal",
         "1.5 % (3 MiB) over the goal that was planned: it began 19.9 MiB past its trigger; no "
         "setting changes that.");
  says(made.why, "the planned goal of 200 MiB was so near by then that it became 201 MiB");
  cycle.at_trigger_bytes = 230 * MIB;
  cycle.goal_bytes = 240 * MIB;
  cycle.peak_bytes = 238 * MIB;
  explain(&cycle);
  says(made.why, "the planned goal of 200 MiB was passed by then and became 240 MiB, for room");
  says(made.outcome, "It ended at 238 MiB, 19 % (38 MiB) over the goal that was planned");
}
END_TEST

START_TEST(a_limit_leaves_a_goal) {
  struct explain_cycle cycle = limited();
  expect(
      &cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_LIMIT_ROOM,
      "the goal of 143 MiB is all that the memory limit of 150 MiB leaves, less 3 MiB of overhead "
      "and 4.5 MiB of headroom, where GOGC=100 alone would have set 200 MiB.",
      "memory_limit=194MiB would have made the goal 185 MiB, with the collector at about 5.3 %");
  cycle.overhead_bytes = 0;
  explain(&cycle);
  says(made.why, "leaves, less 4.5 MiB of headroom");
  cycle.growth_goal_bytes = 180 * MIB;
  expect(&cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_LIMIT_FREE, "all that the memory limit",
         "from memory_limit=186MiB on GOGC alone would set the goal, to 180 MiB");
  cycle = limited();
  cycle.bound = EXPLAIN_BOUND_UNKNOWN;
  cycle.gogc_percent = -1;
  cycle.growth_goal_bytes = 0;
  explain(&cycle);
  says(made.why, "all that the memory limit of 150 MiB leaves.");
}
END_TEST

START_TEST(a_limit_that_cannot_be_kept_is_told) {
  struct explain_cycle cycle = limited();
  cycle.limit_unreachable = true;
  cycle.limit_bytes = 90 * MIB;
  cycle.goal_bytes = cycle.planned_goal_bytes = cycle.at_trigger_bytes = 100 * MIB;
  cycle.trigger_bytes = 97 * MIB;
  cycle.peak_bytes = 104 * MIB;
  cycle.gc_cpu_share = 0.5;
  expect(
      &cycle, EXPLAIN_MISS_UNREACHABLE, EXPLAIN_ADVICE_LIMIT_HALF,
      "the goal is the live heap of 100 MiB, since the memory limit of 90 MiB leaves no more, "
      "where GOGC=100 alone",
      "4 % (4 MiB) over its goal, and the limit of 90 MiB cannot be kept: 100 MiB is live, and 3 "
      "MiB of overhead is mapped beside; memory_limit=115MiB would leave 109 MiB, where cycles "
      "cost about half of the cap.");
  cycle.rule = GAITI_PACER_RULE_CPU_CAP;
  cycle.goal_bytes = 104 * MIB;
  explain(&cycle);
  says(made.why, "the goal of 104 MiB is above the 84.3 MiB that the limit leaves, since to keep "
                 "that would cost the collector more than its cap of 50 % of the CPU");
  cycle.limit_unreachable = false;
  cycle.limit_bytes = 2 * MIB; /* overhead alone is more */
  cycle.overhead_bytes = 0;
  expect(&cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_LIMIT_HALF, "above the 1 MiB that",
         "memory_limit=112MiB would leave");
  cycle.peak_bytes = 100 * MIB;
  explain(&cycle);
  says(made.outcome, "memory_limit=106MiB would leave 103 MiB");
}
END_TEST

START_TEST(max_heap_is_a_limit_of_its_own) {
  struct explain_cycle cycle = limited();
  cycle.limit_is_hard = true;
  cycle.external_bytes = 10 * MIB; /* of a max_heap of 160 MiB */
  double left = 160 * MIB * 1953.0 / 2048 + 10 * MIB;
  cycle.limit_bytes = left / 0.97;
  cycle.goal_bytes = cycle.planned_goal_bytes = cycle.peak_bytes = left - 3 * MIB;
  cycle.trigger_bytes = cycle.at_trigger_bytes = 150 * MIB;
  cycle.growth_goal_bytes = 400 * MIB;
  expect(&cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_LIMIT_ROOM,
         "is all that a max_heap of 160 MiB leaves, where GOGC=100", "max_heap=");
  double advised = numbers_setting(made.outcome, "max_heap=") * MIB;
  ck_assert_double_eq_tol(advised * 1953 / 2048 + 10 * MIB - 3 * MIB, made.setting_goal_bytes, 1);
  ck_assert_double_ge(made.setting_goal_bytes, 2 * cycle.goal_bytes - cycle.counted_bytes - 1);
  cycle.growth_goal_bytes = cycle.goal_bytes + 10 * MIB;
  explain(&cycle);
  says(made.outcome, "from max_heap=");
  cycle.growth_goal_bytes = 400 * MIB;
  cycle.limit_unreachable = true;
  cycle.counted_bytes = cycle.goal_bytes;
  expect(&cycle, EXPLAIN_MISS_UNREACHABLE, EXPLAIN_ADVICE_LIMIT_HALF,
         "since a max_heap of 160 MiB leaves no more", ", and max_heap has no room for more:");
  says(made.outcome, "max_heap=");
}
END_TEST

/* ---- What missed ---- */

START_TEST(over_the_goal_has_a_reason) {
  struct explain_cycle cycle = usual();
  cycle.peak_bytes = 210 * MIB;
  expect(&cycle, EXPLAIN_MISS_RATE, EXPLAIN_ADVICE_GOGC_PEAK, "so much",
         "It ended at 210 MiB, 5 % (10 MiB) over its goal: the program allocated 30 MiB while it "
         "marked, where 20 MiB was planned; GOGC=91 would have made the goal 191 MiB, and such a "
         "cycle would end where this one should have, with the collector at about 11 %");
  cycle.work_bytes = 110 * MIB;
  expect(&cycle, EXPLAIN_MISS_WORK, EXPLAIN_ADVICE_GOGC_PEAK, "so much",
         "marking had 110 MiB to go through where 101 MiB was expected");
  cycle.at_trigger_bytes = 185 * MIB;
  expect(&cycle, EXPLAIN_MISS_LATE, EXPLAIN_ADVICE_NONE, "began at 185 MiB and was due at 180 MiB",
         "it began 5 MiB past its trigger; no setting changes that.");
  cycle.limiter_on = true;
  expect(&cycle, EXPLAIN_MISS_LIMITER, EXPLAIN_ADVICE_GOGC_TRADE, "GOGC=100",
         "the collector had come to its cap of 50 % of the CPU, so no thread was asked to mark");
  cycle = limited();
  cycle.limiter_on = true;
  expect(
      &cycle, EXPLAIN_MISS_LIMITER, EXPLAIN_ADVICE_LIMIT_HALF, "memory limit",
      "at its goal: the collector had come to its cap of 50 % of the CPU, so no thread was asked "
      "to mark; memory_limit=124MiB would leave");
  cycle.growth_goal_bytes = 110 * MIB;
  expect(&cycle, EXPLAIN_MISS_LIMITER, EXPLAIN_ADVICE_LIMIT_FREE, "memory limit",
         "from memory_limit=117MiB on GOGC alone would set the goal, to 110 MiB");
  cycle = usual();
  cycle.peak_bytes = 200 * MIB + 2 * MIB - 1; /* 1% is none */
  expect(&cycle, EXPLAIN_MISS_NONE, EXPLAIN_ADVICE_GOGC_TRADE, "GOGC=100", "nothing missed");
  cycle.peak_bytes = 210 * MIB;
  cycle.assist_seconds = 0.06;
  expect(&cycle, EXPLAIN_MISS_RATE, EXPLAIN_ADVICE_BACKGROUND, "GOGC=100", "background=40 would");
  cycle.assist_seconds = 0;
  cycle.peak_bytes = 2000 * MIB;
  cycle.trigger_bytes = cycle.at_trigger_bytes = 100.5 * MIB;
  cycle.gogc_percent = 1;
  cycle.growth_goal_bytes = cycle.goal_bytes = cycle.planned_goal_bytes = 101 * MIB;
  expect(&cycle, EXPLAIN_MISS_RATE, EXPLAIN_ADVICE_GOGC_TRADE, "GOGC=1,", "GOGC=2 would");
}
END_TEST

START_TEST(threads_that_help_are_a_miss) {
  struct explain_cycle cycle = usual();
  cycle.assist_seconds = 0.06; /* of 0.16, of the 0.4 that four CPUs had: 40% */
  expect(&cycle, EXPLAIN_MISS_ASSISTS, EXPLAIN_ADVICE_BACKGROUND, "GOGC=100",
         "but threads that allocate had to mark, which was 38 % of the collector's CPU time; "
         "background=40 would have left no marking to threads that allocate.");
  cycle.assist_seconds = 0;
  cycle.background_seconds = 0.2;
  cycle.stalled_seconds = 0.03;
  expect(&cycle, EXPLAIN_MISS_STALLED, EXPLAIN_ADVICE_BACKGROUND, "GOGC=100",
         "but threads lost 30 ms of CPU time waiting for marking; background=50 would");
  cycle = usual();
  cycle.assist_seconds = 0.27; /* the program has 0.03 s left, and would have three times 0.37 */
  expect(&cycle, EXPLAIN_MISS_ASSISTS, EXPLAIN_ADVICE_GOGC_ROOM, "GOGC=100",
         "GOGC=2493 would have given background marking alone the room, with a goal of 2.53 GiB");
  cycle.at_trigger_bytes = 199.5 * MIB;
  expect(&cycle, EXPLAIN_MISS_ASSISTS, EXPLAIN_ADVICE_GOGC_TRADE, "GOGC=100", "GOGC=200 would");
  cycle = limited();
  cycle.assist_seconds = 0.06;
  expect(&cycle, EXPLAIN_MISS_ASSISTS, EXPLAIN_ADVICE_LIMIT_ROOM, "memory limit", "memory_limit=");
}
END_TEST

START_TEST(below_the_goal_has_a_reason) {
  struct explain_cycle cycle = usual();
  cycle.peak_bytes = 190 * MIB;
  expect(&cycle, EXPLAIN_MISS_FAST, EXPLAIN_ADVICE_GOGC_TRADE, "GOGC=100",
         "It ended at 190 MiB, 5 % (10 MiB) below its goal: marking was done when the program had "
         "allocated 10 MiB of the 20 MiB that was planned");
  cycle.bound = GAITI_PACER_TRIGGER_LATEST;
  expect(&cycle, EXPLAIN_MISS_ROOM, EXPLAIN_ADVICE_GOGC_PEAK, "GOGC=100",
         "the program allocated 10 MiB of the 20 MiB that any start is given; GOGC=111 would have "
         "made the goal 211 MiB");
  cycle.counted_bytes = 195 * MIB;
  explain(&cycle);
  ck_assert_int_eq(made.advice, EXPLAIN_ADVICE_GOGC_TRADE);
}
END_TEST

START_TEST(what_never_comes_is_told) {
  struct explain_cycle cycle = usual();
  cycle.ran = false;
  cycle.rule = GAITI_PACER_RULE_OFF;
  cycle.gogc_percent = -1;
  cycle.goal_bytes = INFINITY;
  explain_cycle(&cycle, &made);
  ck_assert_str_eq(made.why, "No cycle will come: nothing bounds the heap, since GOGC is off and "
                             "there is no memory limit.");
  ck_assert_str_eq(made.outcome, "GOGC=100 would have made the goal about 200 MiB.");
}
END_TEST

/* ---- All of them ---- */

/* Random cycles, possible or not: two whole sentences, and no number that is not theirs. */
START_TEST(random_cycles_have_their_numbers) {
  uint64_t seed = random_seed();
  bool missed[EXPLAIN_MISSES] = {0}, advised[EXPLAIN_ADVICES] = {0};
  for (int i = 0; i < 20000; i++) {
    struct explain_cycle cycle = random_below(&seed, 3) ? usual() : limited();
    double *sizes[] = {&cycle.counted_bytes,       &cycle.growth_goal_bytes,
                       &cycle.planned_goal_bytes,  &cycle.trigger_bytes,
                       &cycle.goal_bytes,          &cycle.runway_bytes,
                       &cycle.expected_work_bytes, &cycle.at_trigger_bytes,
                       &cycle.peak_bytes,          &cycle.work_bytes};
    for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++)
      if (random_below(&seed, 3) == 0) *sizes[j] *= 0.9 + 0.001 * (double)random_below(&seed, 200);
    if (cycle.planned_goal_bytes < cycle.trigger_bytes)
      cycle.planned_goal_bytes = cycle.trigger_bytes;
    if (cycle.peak_bytes < cycle.at_trigger_bytes) cycle.peak_bytes = cycle.at_trigger_bytes;
    if (cycle.goal_bytes < cycle.counted_bytes) cycle.goal_bytes = cycle.counted_bytes;
    cycle.rule = (int)random_below(&seed, GAITI_PACER_RULES + 1);
    if (cycle.rule == GAITI_PACER_RULE_OFF) cycle.rule = GAITI_PACER_RULE_GOGC;
    if (cycle.rule >= GAITI_PACER_RULE_MEMORY_LIMIT && !isfinite(cycle.limit_bytes))
      cycle.limit_bytes = 160 * MIB;
    cycle.bound = (int)random_below(&seed, GAITI_PACER_TRIGGER_NEVER);
    cycle.cause = (enum explain_cause)random_below(&seed, EXPLAIN_CAUSE_DEBUG + 1);
    cycle.limiter_on = random_below(&seed, 8) == 0;
    cycle.limit_unreachable = random_below(&seed, 8) == 0;
    cycle.assist_seconds = random_below(&seed, 2) ? 0.0005 * (double)random_below(&seed, 1000) : 0;
    cycle.stalled_seconds = random_below(&seed, 8) ? 0 : 0.02;
    explain(&cycle);
    missed[made.miss] = advised[made.advice] = true;
  }
  for (int i = 0; i < EXPLAIN_MISSES; i++)
    ck_assert_msg(missed[i] || i == EXPLAIN_MISS_OVER || i == EXPLAIN_MISS_BELOW, "miss %d", i);
  for (int i = 0; i < EXPLAIN_ADVICES; i++)
    ck_assert_msg(advised[i] || i == EXPLAIN_ADVICE_GOGC_ON, "advice %d", i);
}
END_TEST

START_TEST(numbers_are_written_as_people_write_them) {
  char bytes[64];
  struct explain_text text = explain_text_begin(bytes, sizeof bytes);
  const double values[] = {0, 1023, 1024, 1.5 * 1048576, 448.4 * 1048576, 99.96 * 1048576};
  explain_say(&text, "%s|%s|%s|%s|%s|%s", values);
  ck_assert_str_eq(bytes, "0 B|1023 B|1 KiB|1.5 MiB|448 MiB|100 MiB");
  text = explain_text_begin(bytes, sizeof bytes);
  const double more[] = {90, 300, 0.0125, 12e-6, 0.25, 0.012, 0, 0.0012, 1e30, 5};
  explain_say(&text, "%t|%t|%t|%t|%p|%p|%p|%p|%s|%w%%", more);
  ck_assert_str_eq(bytes, "90 s|5 min|12.5 ms|12 us|25 %|1.2 %|0 %|0.12 %|without end|5%");
  text = explain_text_begin(bytes, 8);
  explain_put(&text, "too long for it");
  ck_assert_str_eq(bytes, "too lon");
  text = explain_text_begin(bytes, sizeof bytes);
  explain_put_figure(&text, -0.5);
  explain_put_whole(&text, 1e300);
  ck_assert_str_eq(bytes, "-0.5900000000000000");
}
END_TEST

int main(void) {
  const TTest *const tests[] = {
      every_bound_of_the_trigger_has_its_words,
      every_cause_has_its_words,
      a_trace_tells_no_plan,
      the_rule_of_a_trace_is_inferred,
      every_rule_of_growth_has_its_words,
      a_small_heap_is_that_of_min_heap,
      a_late_start_moves_the_goal,
      a_limit_leaves_a_goal,
      a_limit_that_cannot_be_kept_is_told,
      max_heap_is_a_limit_of_its_own,
      over_the_goal_has_a_reason,
      threads_that_help_are_a_miss,
      below_the_goal_has_a_reason,
      what_never_comes_is_told,
      random_cycles_have_their_numbers,
      numbers_are_written_as_people_write_them,
  };
  return SUITE_RUN("explain", tests);
}
