/* The CPU cap over a memory limit: when the goal is lifted, and how far. */
#include "suite.h"

#include "../support/sizes.h"

#define LIVE (100 * MIB)

/* A program of LIVE live bytes under a limit of `limit`, whose cycles cost `cost_ns` of CPU time,
 * and which allocates `rate` bytes a nanosecond while the CPUs offer two. */
struct cap {
  struct gaiti_pacer pacer;
  struct gaiti_pacer_snapshot snapshot;
  double cost_ns;
  double rate;
  double share; /* of the last cycle */
};

static struct cap cap_make(double share, int64_t limit) {
  struct cap cap = {.cost_ns = 5e6, .rate = 10};
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  config.gc_percent = GAITI_PACER_GC_OFF;
  config.memory_limit_bytes = limit;
  config.cpu_cap = share;
  cap.pacer = suite_pacer(&config);
  cap.snapshot.limiter_fill = 0.5;
  return cap;
}

static int64_t cap_goal(const struct cap *cap) {
  return suite_decision(&cap->pacer, &cap->snapshot).goal_bytes;
}

static int64_t cap_room(const struct cap *cap) {
  return cap_goal(cap) - LIVE;
}

/* One cycle, whose mark ends when the heap is at `peak`. */
static void cap_cycle_to(struct cap *cap, int64_t peak) {
  struct gaiti_pacer_snapshot *now = &cap->snapshot;
  const struct gaiti_pacer_cycle cycle = {
      .marked_bytes = LIVE, .duration_ns = 1000000, .background_ns = -1, .cpus = 2};
  now->heap_live_bytes = now->heap_scan_bytes = peak - MIB;
  gaiti_pacer_start_cycle(&cap->pacer, now);
  now->heap_live_bytes = peak;
  now->heap_work_bytes = LIVE;
  double offered = 2 * (double)(peak - LIVE) / cap->rate;
  now->limiter_offered_ns += (int64_t)offered;
  now->limiter_gc_ns += (int64_t)cap->cost_ns;
  cap->share = cap->cost_ns / offered;
  gaiti_pacer_end_cycle(&cap->pacer, now, &cycle);
  now->heap_live_bytes = LIVE;
}

static void cap_cycles(struct cap *cap, int count) {
  for (int i = 0; i < count; i++)
    cap_cycle_to(cap, cap_goal(cap));
}

START_TEST(cap_lifts_the_goal_while_the_bucket_is_full) {
  static const struct {
    double fill;
    bool lifted;
  } steps[] = {{0, false},   {0.24, false}, {0.25, true}, {0.2, true},
               {0.13, true}, {0.12, false}, {0.2, false}};
  struct cap cap = cap_make(0.25, 120 * MIB);
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    cap.snapshot.limiter_fill = steps[i].fill;
    cap.cost_ns = 1e9;
    cap_cycle_to(&cap, 110 * MIB);
    ck_assert_int_eq(cap_goal(&cap) > 120 * MIB, steps[i].lifted);
  }
}
END_TEST

START_TEST(cap_keeps_the_goal_lifted_over_a_limit_out_of_reach) {
  struct cap cap = cap_make(0.25, 90 * MIB);
  cap_cycle_to(&cap, 110 * MIB);
  cap.snapshot.limiter_fill = 0;
  cap_cycle_to(&cap, 110 * MIB);
  ck_assert_int_gt(cap_goal(&cap), LIVE);
}
END_TEST

START_TEST(cap_room_settles_where_cycles_cost_the_cap) {
  static const double shares[] = {0.1, 0.25, 0.5};
  for (int i = 0; i < 3; i++) {
    struct cap cap = cap_make(shares[i], 90 * MIB);
    cap_cycle_to(&cap, 101 * MIB);
    cap_cycles(&cap, 40);
    ck_assert_double_eq_tol(cap.share, shares[i], 0.005);
    cap.rate /= 8; /* a program that allocates more slowly needs less, */
    cap_cycles(&cap, 40);
    ck_assert_double_eq_tol(cap.share, shares[i], 0.005);
    cap.cost_ns *= 20; /* and one that is dearer to mark needs more */
    cap_cycles(&cap, 40);
    ck_assert_double_eq_tol(cap.share, shares[i], 0.005);
  }
}
END_TEST

START_TEST(cap_room_moves_by_half_at_most_in_one_cycle) {
  struct cap cap = cap_make(0.25, 90 * MIB);
  cap_cycle_to(&cap, 101 * MIB);
  cap_cycles(&cap, 40);
  const int64_t settled = cap_room(&cap);
  struct cap dear = cap, cheap = cap;
  dear.cost_ns *= 1000;
  cap_cycles(&dear, 1);
  ck_assert_double_eq_tol((double)cap_room(&dear) / (double)settled, 1.5, 1e-6);
  cheap.cost_ns = 0;
  cap_cycles(&cheap, 1);
  ck_assert_double_eq_tol((double)cap_room(&cheap) / (double)settled, 0.75, 1e-6);
}
END_TEST

/* Cycles at the limit that are cheap again leave nothing of a dearer time. */
START_TEST(cap_room_fades_while_the_limit_holds) {
  struct cap cap = cap_make(0.1, 120 * MIB);
  cap.cost_ns *= 20;
  cap_cycle_to(&cap, 110 * MIB);
  cap_cycles(&cap, 40);
  const int64_t settled = cap_room(&cap);
  ck_assert_int_gt(settled, 100 * MIB);
  cap.snapshot.limiter_fill = 0;
  cap.cost_ns /= 1000;
  cap_cycles(&cap, 10); /* the first of these ends it */
  ck_assert_int_lt(cap_goal(&cap), 120 * MIB);
  cap.snapshot.limiter_fill = 0.5;
  cap_cycles(&cap, 1);
  ck_assert_int_lt(cap_room(&cap), settled / 10);
}
END_TEST

int main(void) {
  const TTest *const tests[] = {cap_lifts_the_goal_while_the_bucket_is_full,
                                cap_keeps_the_goal_lifted_over_a_limit_out_of_reach,
                                cap_room_settles_where_cycles_cost_the_cap,
                                cap_room_moves_by_half_at_most_in_one_cycle,
                                cap_room_fades_while_the_limit_holds};
  return SUITE_RUN("pacer cap", tests);
}
