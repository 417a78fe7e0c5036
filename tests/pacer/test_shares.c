/* Heaps that share a budget: the closed form, and what holds for any numbers. */
#include "suite.h"

#include <math.h>

#include "../support/random.h"
#include "../support/sizes.h"
#include "pacer.h"
#include "shares.h"

#define FLOOR GAITI_SHARES_FLOOR_BYTES

static int64_t shares_sum(const struct gaiti_share *shares, int count) {
  int64_t sum = 0;
  for (int i = 0; i < count; i++)
    sum += shares[i].extra_bytes;
  return sum;
}

static int64_t shares_sum_of_limits(const struct gaiti_share *shares, int count) {
  int64_t sum = 0;
  for (int i = 0; i < count; i++)
    sum += shares[i].limit_bytes;
  return sum;
}

static int64_t shares_used(const struct gaiti_share *shares, int count) {
  int64_t sum = 0;
  for (int i = 0; i < count; i++)
    sum += shares[i].used_bytes;
  return sum;
}

/* The rooms are as the roots of live bytes x allocation rate / mark speed. */
START_TEST(shares_are_in_proportion_to_the_roots) {
  struct gaiti_share shares[] = {{.used_bytes = 100 * MIB, .alloc_rate = 4e6, .cycle_cpu = 1},
                                 {.used_bytes = 50 * MIB, .alloc_rate = 9e6, .cycle_cpu = 1},
                                 {.used_bytes = 10 * MIB, .alloc_rate = 9e6, .cycle_cpu = 4}};
  gaiti_shares_split(1260 * MIB, shares, 3);
  ck_assert_int_eq(shares[0].extra_bytes, 200 * MIB);
  ck_assert_int_eq(shares[1].extra_bytes, 300 * MIB);
  ck_assert_int_eq(shares[2].extra_bytes, 600 * MIB);
}
END_TEST

START_TEST(share_of_one_heap_is_all_that_is_left) {
  struct gaiti_share one = {.used_bytes = 30 * MIB, .alloc_rate = 1, .cycle_cpu = 1e-9};
  gaiti_shares_split(100 * MIB, &one, 1);
  ck_assert_int_eq(one.extra_bytes, 70 * MIB);
  one = (struct gaiti_share){.cycle_cpu = -1};
  gaiti_shares_split(100 * MIB, &one, 1);
  ck_assert_int_eq(one.extra_bytes, 100 * MIB);
  gaiti_shares_split(0, NULL, 0);
}
END_TEST

START_TEST(share_of_an_idle_heap_is_the_floor) {
  struct gaiti_share shares[] = {{.used_bytes = 100 * MIB, .alloc_rate = 0, .cycle_cpu = 1},
                                 {.used_bytes = 100 * MIB, .alloc_rate = 1e8, .cycle_cpu = 0.1}};
  gaiti_shares_split(300 * MIB, shares, 2);
  ck_assert_int_eq(shares[0].extra_bytes, FLOOR);
  ck_assert_int_eq(shares[1].extra_bytes, 100 * MIB - FLOOR);
  shares[0].extra_bytes = shares[1].extra_bytes = 0;
  gaiti_shares_split(200 * MIB + FLOOR, shares, 2); /* too little for that floor */
  ck_assert_int_eq(shares[0].extra_bytes, FLOOR / 4);
  ck_assert_int_eq(shares[1].extra_bytes, FLOOR - FLOOR / 4);
}
END_TEST

START_TEST(share_of_a_new_heap_is_that_of_a_mean_one) {
  struct gaiti_share shares[] = {{.alloc_rate = 1e6, .cycle_cpu = 1},
                                 {.alloc_rate = 9e6, .cycle_cpu = 1},
                                 {.alloc_rate = 0, .cycle_cpu = -1}};
  gaiti_shares_split(600 * MIB, shares, 3);
  ck_assert_int_eq(shares[2].extra_bytes, 200 * MIB);
}
END_TEST

START_TEST(shares_of_idle_heaps_are_equal) {
  struct gaiti_share shares[] = {{.used_bytes = 10 * MIB, .cycle_cpu = 1, .extra_bytes = 100 * MIB},
                                 {.used_bytes = 90 * MIB, .cycle_cpu = 2, .extra_bytes = 80 * MIB}};
  gaiti_shares_split(280 * MIB, shares, 2);
  ck_assert_int_eq(shares[0].extra_bytes, 90 * MIB);
  ck_assert_int_eq(shares[1].extra_bytes, 90 * MIB);
}
END_TEST

/* Used bytes beyond the budget are cut in proportion. */
START_TEST(limits_are_parts_of_the_budget) {
  struct gaiti_share shares[] = {{.used_bytes = 30 * MIB, .alloc_rate = 1e6, .cycle_cpu = 1},
                                 {.used_bytes = 90 * MIB, .alloc_rate = 1e6, .cycle_cpu = 1}};
  gaiti_shares_split(160 * MIB, shares, 2);
  ck_assert_int_eq(shares[0].limit_bytes, 50 * MIB);
  ck_assert_int_eq(shares[1].limit_bytes, 110 * MIB);
  gaiti_shares_split(120 * MIB, shares, 2);
  ck_assert_int_eq(shares[0].limit_bytes, 30 * MIB);
  ck_assert_int_eq(shares[1].limit_bytes, 90 * MIB);
  gaiti_shares_split(40 * MIB, shares, 2);
  ck_assert_int_eq(shares[0].limit_bytes, 10 * MIB);
  ck_assert_int_eq(shares[1].limit_bytes, 30 * MIB);
}
END_TEST

/* A limit of used bytes with headroom leaves the pacer those bytes, and little more. */
START_TEST(headroom_is_that_of_the_pacer) {
  uint64_t random = random_seed();
  for (int round = 0; round < 3000; round++) {
    const int64_t bytes = random_below(&random, (uint64_t)1 << random_below(&random, 45));
    const int64_t limit = gaiti_shares_with_headroom(bytes);
    const int64_t left = limit - gaiti_pacer_limit_headroom(limit);
    ck_assert_int_ge(left, bytes);
    ck_assert_int_le(left, bytes + 6);
  }
}
END_TEST

START_TEST(shares_are_none_where_nothing_is_left) {
  struct gaiti_share shares[] = {
      {.used_bytes = 60 * MIB, .alloc_rate = 1e6, .cycle_cpu = 1, .extra_bytes = 50 * MIB},
      {.used_bytes = 60 * MIB, .alloc_rate = 1e6, .cycle_cpu = 1, .extra_bytes = 50 * MIB}};
  gaiti_shares_split(100 * MIB, shares, 2);
  ck_assert_int_eq(shares_sum(shares, 2), 0);
}
END_TEST

/* In steps of a half or twice, and then they stay. */
START_TEST(shares_move_by_steps_and_settle) {
  struct gaiti_share shares[] = {
      {.used_bytes = 100 * MIB, .alloc_rate = 1e6, .cycle_cpu = 1, .extra_bytes = 700 * MIB},
      {.used_bytes = 100 * MIB, .alloc_rate = 49e6, .cycle_cpu = 1, .extra_bytes = 100 * MIB}};
  const int64_t wanted[][2] = {{350, 200}, {175, 400}, {100, 700}, {100, 700}};
  for (size_t i = 0; i < 4; i++) {
    gaiti_shares_split(1000 * MIB, shares, 2);
    ck_assert_int_eq(shares[0].extra_bytes, wanted[i][0] * MIB);
    ck_assert_int_eq(shares[1].extra_bytes, wanted[i][1] * MIB);
  }
}
END_TEST

static void shares_at_random(uint64_t *random, struct gaiti_share *shares, int count) {
  for (int i = 0; i < count; i++)
    shares[i] = (struct gaiti_share){
        .used_bytes = random_below(random, 64) * MIB,
        .alloc_rate = random_below(random, 4) ? random_below(random, 1000) * 1e5 : 0,
        .cycle_cpu = random_below(random, 8) ? random_below(random, 1000) * 1e-3 : -1,
        .extra_bytes = random_below(random, 3) * random_below(random, 64) * MIB};
}

/* Never more than is left, never less than the floor, and settled after some steps. */
START_TEST(shares_of_any_heaps_keep_the_budget) {
  uint64_t random = random_seed();
  for (int round = 0; round < 3000; round++) {
    struct gaiti_share shares[9];
    const int count = 1 + (int)random_below(&random, 9);
    const int64_t budget = random_below(&random, 1000) * MIB;
    shares_at_random(&random, shares, count);
    const int64_t used = shares_used(shares, count), left = budget > used ? budget - used : 0;
    const int64_t half = left / count / 2, floor = half < FLOOR ? half : FLOOR;
    for (int step = 0; step < 12; step++) {
      gaiti_shares_split(budget, shares, count);
      ck_assert_int_le(shares_sum(shares, count), left);
      ck_assert_int_le(shares_sum_of_limits(shares, count), budget);
      for (int i = 0; i < count; i++)
        ck_assert_int_ge(shares[i].extra_bytes, floor - 1);
    }
    ck_assert_int_ge(shares_sum(shares, count), left - count);
    ck_assert_int_ge(shares_sum_of_limits(shares, count), budget - 2 * count);
    struct gaiti_share again[9];
    memcpy(again, shares, sizeof again);
    gaiti_shares_split(budget, again, count);
    for (int i = 0; i < count; i++)
      ck_assert_int_le(llabs(again[i].extra_bytes - shares[i].extra_bytes), 2 * count + 1);
  }
}
END_TEST

static void shares_settle(int64_t budget, struct gaiti_share *shares, int count) {
  for (int i = 0; i < count; i++)
    shares[i].extra_bytes = 0;
  gaiti_shares_split(budget, shares, count);
}

/* A heap that allocates faster, or whose cycles cost more, gets no less; nor does any heap of a
 * larger budget. */
START_TEST(share_rises_with_rate_cost_and_budget) {
  uint64_t random = random_seed();
  for (int round = 0; round < 3000; round++) {
    struct gaiti_share shares[6];
    const int count = 2 + (int)random_below(&random, 5);
    const int64_t budget = random_below(&random, 1000) * MIB;
    shares_at_random(&random, shares, count);
    shares_settle(budget, shares, count);
    const struct gaiti_share before = shares[0];
    shares_settle(budget + 10 * MIB, shares, count);
    ck_assert_int_ge(shares[0].extra_bytes, before.extra_bytes - 1);
    if (before.cycle_cpu < 0) continue;
    shares[0].alloc_rate = before.alloc_rate * 2 + 1;
    shares_settle(budget, shares, count);
    ck_assert_int_ge(shares[0].extra_bytes, before.extra_bytes - 1);
    shares[0].alloc_rate = before.alloc_rate;
    shares[0].cycle_cpu = before.cycle_cpu * 2 + 1;
    shares_settle(budget, shares, count);
    ck_assert_int_ge(shares[0].extra_bytes, before.extra_bytes - 1);
  }
}
END_TEST

/* No other split that keeps the floor costs less CPU. */
START_TEST(shares_cost_the_least) {
  uint64_t random = random_seed();
  for (int round = 0; round < 1000; round++) {
    struct gaiti_share shares[5];
    shares_at_random(&random, shares, 5);
    for (int i = 0; i < 5; i++) {
      shares[i].alloc_rate += 1e5;
      shares[i].cycle_cpu = fabs(shares[i].cycle_cpu) + 1e-3;
    }
    shares_settle(shares_used(shares, 5) + 200 * MIB, shares, 5);
    double cost = 0, other = 0;
    const int from = (int)random_below(&random, 5), to = (int)random_below(&random, 5);
    const double moved =
        1 + random_below(&random, 1000) / 1e3 * (double)(shares[from].extra_bytes - FLOOR);
    if (from == to || shares[from].extra_bytes - FLOOR < 2) continue;
    for (int i = 0; i < 5; i++) {
      const double room = (double)shares[i].extra_bytes;
      const double changed = room - (i == from ? moved : 0) + (i == to ? moved : 0);
      cost += shares[i].alloc_rate * shares[i].cycle_cpu / room;
      other += shares[i].alloc_rate * shares[i].cycle_cpu / changed;
    }
    ck_assert_double_ge(other, cost * (1 - 1e-6));
  }
}
END_TEST

START_TEST(share_of_a_heap_that_stops_falls_with_time) {
  ck_assert_double_eq(gaiti_shares_rate(1e8, 1, 0, 0.5), 1e8);
  ck_assert_double_eq(gaiti_shares_rate(1e8, 1, 0, 2), 1e8);
  ck_assert_double_eq(gaiti_shares_rate(1e8, 1, 4e7, 4), 1e7);
  ck_assert_double_eq(gaiti_shares_rate(1e8, 1, 4e7, 400), 1e5);
  ck_assert_double_eq(gaiti_shares_rate(1e8, 1, 8e9, 4), 1e8);
  ck_assert_double_eq(gaiti_shares_rate(0, 0, 0, 0), 0);
}
END_TEST

int main(void) {
  const TTest *const tests[] = {shares_are_in_proportion_to_the_roots,
                                share_of_one_heap_is_all_that_is_left,
                                share_of_an_idle_heap_is_the_floor,
                                share_of_a_new_heap_is_that_of_a_mean_one,
                                shares_of_idle_heaps_are_equal,
                                limits_are_parts_of_the_budget,
                                headroom_is_that_of_the_pacer,
                                shares_are_none_where_nothing_is_left,
                                shares_move_by_steps_and_settle,
                                shares_of_any_heaps_keep_the_budget,
                                share_rises_with_rate_cost_and_budget,
                                shares_cost_the_least,
                                share_of_a_heap_that_stops_falls_with_time};
  return SUITE_RUN("pacer shares", tests);
}
