/* Heaps under one budget, against the same heaps with one GOGC for all of them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../support/run_suite.h"
#include "../support/sizes.h"
#include "sim_budget.h"
#include "sim_description.h"

enum { MOST_HEAPS = 6 };

/* A set of heaps that run side by side. */
struct set {
  const char *name;
  int count;
  struct {
    double live, rate, mark; /* MiB, and MiB a second */
    struct sim_shape live_shape, rate_shape;
  } heaps[MOST_HEAPS];
};

/* What they cost under one setting.
 *   rooms  that each has in the mean, over what is live on it */
struct cost {
  double memory, cpus;
  double rooms[MOST_HEAPS];
};

static struct sim_description heap_description(const struct set *set, int i) {
  struct sim_description description = {
      .name = (char *)(uintptr_t) "heap",
      .shapes = {[SIM_LIVE] = {.from = set->heaps[i].live * MIB},
                 [SIM_RATE] = {.from = set->heaps[i].rate * MIB},
                 [SIM_SCANNABLE] = {.from = 1},
                 [SIM_ROOTS] = {.from = 0}},
      .mark_rate = set->heaps[i].mark * MIB,
      .cpus = 2,
      .barrier_share = 1,
      .background_share = 0.25,
      .cpu_cap = 0.5,
      .minimum_heap_bytes = -1,
      .seed = (uint64_t)i + 1,
      .most_cycles = INFINITY,
      .most_seconds = 300,
      .most_bytes = INFINITY,
  };
  if (set->heaps[i].live_shape.form != SIM_CONSTANT)
    description.shapes[SIM_LIVE] = set->heaps[i].live_shape;
  if (set->heaps[i].rate_shape.form != SIM_CONSTANT)
    description.shapes[SIM_RATE] = set->heaps[i].rate_shape;
  return description;
}

static struct cost cost_of(const struct set *set, int64_t gogc, int64_t bytes) {
  struct sim_description descriptions[MOST_HEAPS];
  struct sim_described programs[MOST_HEAPS];
  struct sim_heap heaps[MOST_HEAPS];
  struct sim_budget_heap members[MOST_HEAPS] = {{0}};
  const struct setting setting = {gogc, SETTING_OFF, 0};
  for (int i = 0; i < set->count; i++) {
    descriptions[i] = heap_description(set, i);
    ck_assert_ptr_null(sim_described_begin(&programs[i], &descriptions[i], &setting, &heaps[i]));
    members[i].program = &programs[i].program;
    members[i].heap = &heaps[i];
  }
  const struct sim_budget budget = {members, set->count, bytes, 60, 300};
  sim_budget_run(&budget);
  struct cost cost = {.memory = sim_budget_memory(&budget), .cpus = sim_budget_cpus(&budget)};
  for (int i = 0; i < set->count; i++)
    cost.rooms[i] = members[i].byte_seconds / 240 - set->heaps[i].live * MIB;
  return cost;
}

/* The least budget under which they need no more CPU. */
static int64_t budget_of_equal_cpu(const struct set *set, double cpus) {
  int64_t low = MIB, high = (int64_t)64 << 30;
  while (high - low > MIB / 4) {
    const int64_t middle = low + (high - low) / 2;
    if (cost_of(set, SETTING_OFF, middle).cpus > cpus)
      low = middle;
    else
      high = middle;
  }
  return high;
}

/* The share of memory that a budget saves at the CPU that `gogc` takes. */
static double saving(const struct set *set, int64_t gogc) {
  const struct cost equal = cost_of(set, gogc, 0);
  const int64_t bytes = budget_of_equal_cpu(set, equal.cpus);
  const struct cost shared = cost_of(set, SETTING_OFF, bytes);
  const double saved = 1 - shared.memory / equal.memory;
  printf("%-10s GOGC=%-4lld %7.3f CPUs: %7.0f MiB; budget %7.0f MiB, %7.3f CPUs: %7.0f MiB, "
         "%5.1f%% less\n",
         set->name, (long long)gogc, equal.cpus, equal.memory / MIB, (double)bytes / MIB,
         shared.cpus, shared.memory / MIB, saved * 100);
  ck_assert_double_le(shared.cpus, equal.cpus);
  ck_assert_double_le(shared.memory, (double)bytes);
  return saved;
}

/* Much that is live and little that is allocated, the reverse, and two between. */
static const struct set unequal = {"unequal",
                                   4,
                                   {{.live = 400, .rate = 20, .mark = 1000},
                                    {.live = 20, .rate = 400, .mark = 1000},
                                    {.live = 100, .rate = 100, .mark = 500},
                                    {.live = 50, .rate = 200, .mark = 2000}}};

/* Twice as much of either, at most. */
static const struct set similar = {"similar",
                                   4,
                                   {{.live = 100, .rate = 100, .mark = 1000},
                                    {.live = 200, .rate = 100, .mark = 1000},
                                    {.live = 100, .rate = 200, .mark = 1000},
                                    {.live = 200, .rate = 200, .mark = 1000}}};

static const struct set equal = {"equal",
                                 4,
                                 {{.live = 100, .rate = 100, .mark = 1000},
                                  {.live = 100, .rate = 100, .mark = 1000},
                                  {.live = 100, .rate = 100, .mark = 1000},
                                  {.live = 100, .rate = 100, .mark = 1000}}};

/* Heaps that are busy by turns: their rates rise and fall, out of step, and so does one's live
 * heap. */
#define WAVE(mean, amplitude, period)                                                              \
  { SIM_OSCILLATION, (mean) * (double)MIB, (amplitude) * (double)MIB, 0, period, 0.1, 0, 0, 0 }
static const struct set changing = {"changing",
                                    4,
                                    {{.live = 300, .mark = 1000, .rate_shape = WAVE(100, 99, 60)},
                                     {.live = 40, .mark = 1000, .rate_shape = WAVE(300, 290, 45)},
                                     {.rate = 100, .mark = 500, .live_shape = WAVE(100, 80, 80)},
                                     {.live = 60, .mark = 1000, .rate_shape = WAVE(150, 150, 30)}}};

START_TEST(budget_takes_less_memory_for_the_same_cpu) {
  const int64_t gogc[] = {50, 100, 200, 400};
  for (size_t i = 0; i < 4; i++) {
    ck_assert_double_ge(saving(&unequal, gogc[i]), 0.1);
    ck_assert_double_ge(saving(&changing, gogc[i]), 0.05);
    ck_assert_double_ge(saving(&similar, gogc[i]), 0.01);
    ck_assert_double_eq_tol(saving(&equal, gogc[i]), 0, 0.02);
  }
}
END_TEST

/* Steady heaps settle at rooms that are as the roots of live bytes x rate / speed of marking. */
START_TEST(rooms_settle_in_proportion_to_the_roots) {
  const struct cost cost = cost_of(&unequal, SETTING_OFF, 1500 * MIB);
  double rooms = 0, roots = 0;
  for (int i = 0; i < unequal.count; i++) {
    rooms += cost.rooms[i];
    roots += sqrt(unequal.heaps[i].live * unequal.heaps[i].rate / unequal.heaps[i].mark);
  }
  for (int i = 0; i < unequal.count; i++) {
    const double root = sqrt(unequal.heaps[i].live * unequal.heaps[i].rate / unequal.heaps[i].mark);
    ck_assert_double_eq_tol(cost.rooms[i] / rooms, root / roots, 0.05 * root / roots);
  }
}
END_TEST

int main(void) {
  const TTest *const tests[] = {budget_takes_less_memory_for_the_same_cpu,
                                rooms_settle_in_proportion_to_the_roots};
  return SUITE_RUN("sim budget", tests);
}
