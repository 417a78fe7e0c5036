/* Intervals: Student's numbers, and how often they hold the truth; blocks of made-up records, of
 * trials in which nothing differs and in which something does. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "../support/run_suite.h"
#include "cycle_blocks.h"

START_TEST(quantiles_are_students) {
  const struct {
    double freedom, quantile;
  } rows[] = {{1, 12.7062}, {2, 4.3027},  {3, 3.1824},   {4, 2.7764},
              {5, 2.5706},  {7, 2.3646},  {9, 2.2622},   {10, 2.2281},
              {29, 2.0452}, {30, 2.0423}, {100, 1.9840}, {1000, 1.9623}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    ck_assert_double_eq_tol(interval_quantile(rows[i].freedom), rows[i].quantile, 6e-5);
  ck_assert_double_eq(interval_quantile(9.9), interval_quantile(9));
}
END_TEST

START_TEST(intervals_are_by_the_formulas) {
  const double d[] = {1, 2, 3, 4}, b[] = {2, 4, 6, 8, 10};
  struct interval made = interval_paired(d, 4); /* s = 1.2910, t(3) = 3.1824 */
  ck_assert_double_eq_tol(made.mean, 2.5, 1e-12);
  ck_assert_double_eq_tol(made.high - made.mean, 3.18245 * 1.290994 / 2, 1e-4);
  ck_assert_double_eq_tol(made.mean - made.low, 3.18245 * 1.290994 / 2, 1e-4);
  made = interval_welch(d, 4, b, 5); /* errors 5/12 and 2: v = 5.84 / (0.0579 + 1) = 5.52 */
  ck_assert_double_eq_tol(made.mean, 3.5, 1e-12);
  ck_assert_double_eq_tol(made.high - made.mean, 2.57058 * sqrt(5.0 / 12 + 2), 1e-4);
  ck_assert_uint_eq(made.count, 4);
  ck_assert(isinf(interval_paired(d, 1).high) && isinf(interval_paired(d, 0).low));
  ck_assert(isinf(interval_welch(d, 1, b, 5).high) && isinf(interval_welch(d, 0, b, 5).high));
  const double same[] = {3, 3, 3};
  made = interval_welch(same, 3, same, 3);
  ck_assert(made.low == 0 && made.high == 0);
}
END_TEST

/* ---- Records of a program that is simulated ---- */

enum { ARMS = 2, BLOCK = 6, DISCARD = 2, ROUNDS = 20, CYCLES = ARMS * BLOCK * ROUNDS };

static gait_cycle_record records[CYCLES];

static double normal(uint64_t *seed) {
  double sum = -6;
  for (int i = 0; i < 12; i++)
    sum += random_real(seed, 0, 1);
  return sum;
}

/* A trial of gogc 100 and 200.  A cycle with 200 takes `effect` times as long; all vary, and they
 * drift over the run.  The first cycle of a block is not yet its setting's. */
static void simulate(uint64_t seed, double effect) {
  double ended = 1e9, drift = 0;
  int64_t setting = 0;
  for (uint32_t i = 0; i < CYCLES; i++) {
    uint32_t block = i / BLOCK, at = i % BLOCK;
    if (at == 0 && block % ARMS == 0) setting = random_below(&seed, 2) ? 100 : 200;
    if (at == 0 && block % ARMS == 1) setting = 300 - setting;
    drift += 0.02 * normal(&seed);
    double factor = setting == 200 && at > 0 ? effect : 1;
    double length = 50e6 * factor * exp(drift + 0.1 * normal(&seed));
    double cpu = 8e6 * exp(0.1 * normal(&seed));
    records[i] = (gait_cycle_record){.cycle = i + 1,
                                     .started_ns = (uint64_t)(ended + length - 10e6),
                                     .start_ns = 1000000,
                                     .mark_ns = 8000000,
                                     .end_ns = 1000000,
                                     .cpus = 2,
                                     .gogc_percent = setting,
                                     .cpu_cap_percent = 50,
                                     .background_ns = (uint64_t)cpu,
                                     .at_mark_end_bytes = (uint64_t)(100e6 * factor),
                                     .alloc_bytes_per_second = 1e9 * exp(0.05 * normal(&seed)),
                                     .handshake_max_ns = (uint64_t)(1e5 * random_real(&seed, 1, 2)),
                                     .trial_block = block + 1,
                                     .trial_cycle = at < DISCARD ? 0 : at - DISCARD + 1};
    ended += length;
  }
}

static struct interval compared(enum block_metric metric, double *a, double *b) {
  enum block_setting setting;
  int64_t arms[BLOCK_ARMS];
  size_t count;
  ck_assert(blocks_find_setting(records, CYCLES, &setting));
  ck_assert_int_eq(setting, BLOCK_GOGC);
  struct block *blocks = blocks_of_trial(records, CYCLES, setting, &count);
  ck_assert_uint_eq(count, ARMS * ROUNDS);
  ck_assert_uint_eq(blocks_arms(blocks, count, arms), 2);
  ck_assert(arms[0] == 100 && arms[1] == 200);
  for (size_t i = 1; i < count; i++)
    ck_assert_uint_eq(blocks[i].cycles, BLOCK - DISCARD);
  struct interval made = blocks_compare_arms(blocks, count, 2, 100, 200, metric, a, b);
  free(blocks);
  ck_assert_double_eq_tol(made.mean, *b - *a, 1e-9 + 1e-9 * fabs(*a));
  return made;
}

/* Where nothing differs, 95 in 100 intervals hold 0: of 1,000 seeds, 950 give or take 4 times
 * 6.9. */
START_TEST(a_trial_of_the_same_shows_no_difference) {
  enum { SEEDS = 1000 };
  const enum block_metric metrics[] = {BLOCK_GC_SHARE, BLOCK_CYCLES, BLOCK_ALLOC_RATE,
                                       BLOCK_HANDSHAKE};
  uint64_t seed = random_seed();
  size_t hold[4] = {0};
  for (int i = 0; i < SEEDS; i++) {
    simulate(random_next(&seed), 1);
    for (size_t j = 0; j < 4; j++) {
      double a, b;
      struct interval made = compared(metrics[j], &a, &b);
      hold[j] += made.low <= 0 && made.high >= 0;
    }
  }
  for (size_t j = 0; j < 4; j++) {
    printf("%s: %zu of %d intervals hold 0\n", block_names[metrics[j]], hold[j], SEEDS);
    ck_assert_uint_ge(hold[j], 922);
    ck_assert_uint_le(hold[j], 978);
  }
}
END_TEST

/* Where something differs, the interval has the true difference, and not 0. */
START_TEST(a_trial_of_two_settings_shows_the_difference) {
  uint64_t seed = random_seed();
  size_t found = 0, hold = 0;
  for (int i = 0; i < 200; i++) {
    double a, b;
    simulate(random_next(&seed), 1.5);
    struct interval made = compared(BLOCK_GC_SHARE, &a, &b);
    found += made.high < 0; /* a third less of the CPU */
    hold += made.low <= -a / 3 && made.high >= -a / 3;
    made = compared(BLOCK_PEAK, &a, &b);
    ck_assert_double_eq_tol(b / a, 1.5, 1e-9);
  }
  ck_assert_uint_ge(found, 198);
  ck_assert_uint_ge(hold, 170);
}
END_TEST

START_TEST(lost_records_leave_their_block_out) {
  enum block_setting setting = BLOCK_GOGC;
  size_t count;
  double a, b;
  simulate(1, 1);
  struct interval whole = compared(BLOCK_CYCLES, &a, &b);
  ck_assert_uint_eq(whole.count, ROUNDS);
  /* Of round 3 one block is gone, and of round 5 a cycle. */
  memmove(&records[5 * BLOCK], &records[6 * BLOCK], (CYCLES - 6 * BLOCK) * sizeof *records);
  memmove(&records[8 * BLOCK + 4], &records[8 * BLOCK + 5],
          (CYCLES - 9 * BLOCK - 4) * sizeof *records);
  struct block *blocks = blocks_of_trial(records, CYCLES - BLOCK - 1, setting, &count);
  ck_assert_uint_eq(count, ARMS * ROUNDS - 1);
  ck_assert_uint_eq(blocks[8].cycles, BLOCK - DISCARD - 2);
  struct interval left = blocks_compare_arms(blocks, count, 2, 100, 200, BLOCK_CYCLES, &a, &b);
  ck_assert_uint_eq(left.count, ROUNDS - 1);
  free(blocks);
  for (size_t i = 0; i < CYCLES; i++)
    records[i].trial_block = 0;
  ck_assert(!blocks_find_setting(records, CYCLES, &setting));
  ck_assert_ptr_null(blocks_of_trial(records, CYCLES, setting, &count));
}
END_TEST

START_TEST(two_runs_are_compared_by_blocks) {
  static gait_cycle_record other[CYCLES];
  size_t first_count, second_count, hold = 0;
  uint64_t seed = random_seed();
  double a, b;
  for (int i = 0; i < 200; i++) {
    simulate(random_next(&seed), 1);
    memcpy(other, records, sizeof other);
    simulate(random_next(&seed), 1);
    struct block *first = blocks_of_run(other, CYCLES, 10, 16, &first_count);
    struct block *second = blocks_of_run(records, CYCLES, 10, 16, &second_count);
    ck_assert(first_count == 16 && second_count == 16);
    struct interval made = blocks_compare_runs(first, 16, second, 16, BLOCK_HANDSHAKE, &a, &b);
    hold += made.low <= 0 && made.high >= 0;
    free(first);
    free(second);
  }
  ck_assert_uint_ge(hold, 176); /* 190 give or take 4.5 times 3.1 */
  struct block *few = blocks_of_run(records, 3, 1, 16, &first_count);
  ck_assert_uint_eq(first_count, 2);
  free(few);
  ck_assert_ptr_null(blocks_of_run(records, 1, 1, 16, &first_count));
  ck_assert_uint_eq(first_count, 0);
}
END_TEST

int main(void) {
  const TTest *const tests[] = {
      quantiles_are_students,
      intervals_are_by_the_formulas,
      a_trial_of_the_same_shows_no_difference,
      a_trial_of_two_settings_shows_the_difference,
      lost_records_leave_their_block_out,
      two_runs_are_compared_by_blocks,
  };
  return SUITE_RUN("intervals", tests);
}
