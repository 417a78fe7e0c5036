/* The simulator below the sources: a mark's shares, a heap and a program of its own on it, the
 * driver. */
#include <math.h>

#include "../support/run_suite.h"
#include "../support/sizes.h"
#include "sim_heap.h"

/* What is marked over what is allocated is the assist ratio, unless GC has its least share or all
 * that mutators leave; and the shares are parts of one whole. */
START_TEST(simulated_shares_follow_the_assist_ratio) {
  const double part[] = {0, 0.1, 0.3, 0.6, 1};
  size_t between = 0;
  for (int i = 0; i < 5 * 5 * 5 * 5; i++) {
    struct sim_rates rates = {.alloc = 300,
                              .mark = 500,
                              .background = 0.1,
                              .least = 0.1 + 0.4 * part[i % 5],
                              .idle = 0.4 * part[i / 5 % 5],
                              .busy = 0.1 + 0.9 * part[i / 25 % 5]};
    double ratio = 20 * part[i / 125];
    double share = sim_mark_share(&rates, ratio);
    double total = fmin(rates.busy + rates.least + rates.idle, 1);
    double mutators = total - share - rates.idle;
    ck_assert_double_ge(mutators, -1e-12);
    ck_assert_double_le(mutators, rates.busy + 1e-12);
    ck_assert_double_ge(share, rates.least - 1e-12);
    double owed = ratio * rates.alloc * mutators, done = rates.mark * (share + rates.idle);
    ck_assert_double_ge(done, owed * (1 - 1e-9));
    if (share <= rates.least + 1e-12) continue;
    ck_assert_double_eq_tol(done, owed, 1e-9 * owed);
    between++;
  }
  ck_assert_uint_gt(between, 100);
}
END_TEST

/* Assists that come early are added to those that are owed, as odds, up to their most. */
START_TEST(early_assists_come_beside_those_that_are_owed) {
  struct sim_rates rates = {
      .alloc = 300, .mark = 500, .background = 0.2, .least = 0.2, .idle = 0.1, .busy = 1};
  const double part = 0.7; /* of mutators and their assists */
  for (double ratio = 0; ratio < 20; ratio += 0.5) {
    rates.early = rates.early_most = 0;
    double assists = sim_mark_share(&rates, ratio) - rates.least;
    rates.early = 0.25;
    rates.early_most = 2;
    double odds = assists / (part - assists) + fmin(0.25 * ratio, 2);
    double share = sim_mark_share(&rates, ratio);
    ck_assert_double_eq_tol(share, rates.least + part * odds / (1 + odds), 1e-12);
    if (ratio > 0) ck_assert_double_gt(share, rates.least + assists);
  }
}
END_TEST

/* ---- A program that stays as it is ---- */

struct even {
  double allocated; /* while cycles marked */
  double piece;     /* its next allocation is as large as this, if no smaller one does */
  double mark_rate;
  bool black_untold;
};

static bool even_run(void *self, const struct gaiti_pacer_decision *decision, double bytes,
                     struct sim_stretch *ran) {
  const struct even *even = self;
  ck_assert_int_ge(decision->goal_bytes, decision->trigger_bytes);
  if (!isfinite(bytes)) return false;
  bytes = fmax(bytes, even->piece);
  *ran = (struct sim_stretch){bytes, bytes / (400 * MIB)};
  return true;
}

static void even_pass(void *self, double bytes, double seconds) {
  struct even *even = self;
  even->allocated += bytes;
  ck_assert_double_ge(seconds, 0);
}

static void even_look(void *self, double heap_bytes, struct sim_moment *moment) {
  const struct even *even = self;
  *moment = (struct sim_moment){.live_bytes = fmin(100 * MIB, heap_bytes),
                                .roots_bytes = MIB,
                                .rates = {.alloc = 300 * MIB,
                                          .scannable = 0.5,
                                          .mark = even->mark_rate,
                                          .background = 0.25,
                                          .least = 0.25,
                                          .busy = 1}};
}

static void even_tell(void *self, const struct sim_collection *collection,
                      struct gaiti_pacer_cycle *cycle) {
  const struct even *even = self;
  ck_assert_int_eq(cycle->black_bytes, collection->mark.done.allocated_bytes);
  if (even->black_untold) cycle->black_bytes = 0;
}

static struct sim_program even_program(struct even *even) {
  *even = (struct even){.mark_rate = 200 * MIB};
  return (struct sim_program){even, even_run, even_pass, even_look, even_tell};
}

static void even_heap(struct sim_heap *heap, const struct gaiti_pacer_config *config) {
  ck_assert_ptr_null(sim_heap_init(heap, config, 4));
}

static struct sim_collection collect(struct sim_heap *heap, const struct sim_program *program) {
  static const struct sim_steps by_plan = {0};
  struct sim_collection made;
  ck_assert_int_eq(sim_heap_collect(heap, program, &by_plan, &made), SIM_COLLECTED);
  return made;
}

/* The last of some collections, of which later ones find external bytes; the next one never comes.
 */
static struct sim_collection collected_in(struct sim_steps steps) {
  struct sim_heap heap;
  struct sim_collection made, none;
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  struct even even;
  const struct sim_program program = even_program(&even);
  even_heap(&heap, &config);
  for (int i = 0; i < 30; i++) {
    heap.external_next_bytes = i < 10 ? 0 : (int64_t)(20 * MIB);
    even.allocated = 0;
    ck_assert_int_eq(sim_heap_collect(&heap, &program, &steps, &made), SIM_COLLECTED);
    ck_assert_double_eq_tol(even.allocated, (double)made.mark.done.allocated_bytes, 0.5);
    ck_assert_int_eq(made.work_bytes, (int64_t)MIB + (int64_t)(made.live_bytes / 2));
  }
  ck_assert_double_eq_tol((double)heap.marked_bytes, even.allocated + 120 * MIB, 2);
  config.gc_percent = GAITI_PACER_GC_OFF;
  ck_assert_ptr_null(sim_driver_configure(&heap.driver, &config, 4));
  ck_assert_int_eq(sim_heap_collect(&heap, &program, &steps, &none), SIM_PROGRAM_ENDED);
  ck_assert_int_eq(none.start_bytes, heap.marked_bytes);
  return made;
}

/* In many equal steps and in those of the plan a mark comes out the same, and what it allocates is
 * told to the program; external bytes count in the heap and cost no marking. */
START_TEST(simulated_mark_is_the_same_in_any_steps) {
  const struct sim_collection plan = collected_in((struct sim_steps){0});
  for (int steps = 8; steps <= 512; steps *= 8) {
    const struct sim_steps both[] = {{.parts = steps}, {.ns = 512000000 / steps, .most = 1000}};
    for (int i = 0; i < 2; i++) {
      const struct sim_collection made = collected_in(both[i]);
      double peak = (double)plan.peak_bytes, ns = (double)plan.mark.done.duration_ns;
      ck_assert_double_eq_tol((double)made.peak_bytes, peak, 0.01 * peak);
      ck_assert_double_eq_tol((double)made.mark.done.duration_ns, ns, 0.01 * ns);
    }
  }
}
END_TEST

/* A forced cycle starts on its way to the trigger, a late one behind it, and one large allocation
 * takes the heap as far as it goes.  External bytes come without time. */
START_TEST(simulated_cycles_start_where_they_are_made_to) {
  struct sim_heap heap;
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  struct even even;
  const struct sim_program program = even_program(&even);
  even_heap(&heap, &config);
  for (int i = 0; i < 12; i++)
    collect(&heap, &program);
  const double ways[] = {0.25, 1, 1.125};
  for (int i = 0; i < 3; i++) {
    int64_t marked = heap.marked_bytes;
    heap.way = ways[i];
    struct sim_collection made = collect(&heap, &program);
    double way = (double)(made.begun.trigger_bytes - marked) * ways[i];
    ck_assert_double_eq_tol((double)(made.start_bytes - marked), way, 1);
    ck_assert_double_eq_tol(made.ran.seconds, way / (400 * MIB), 1e-6);
  }
  heap.way = 1;
  even.piece = 500 * MIB;
  int64_t marked = heap.marked_bytes;
  ck_assert_int_eq(collect(&heap, &program).start_bytes, marked + 500 * MIB);
  even.piece = 0;
  heap.external_next_bytes = 400 * MIB;
  marked = heap.marked_bytes;
  struct sim_collection made = collect(&heap, &program);
  ck_assert_int_eq(made.start_bytes, marked + 400 * MIB);
  ck_assert_double_eq_tol(made.ran.seconds, 0, 1e-12);
}
END_TEST

/* The pacer learns what the program's collector tells: of what was allocated during marks half gets
 * no room, and without that all of it does. */
START_TEST(simulated_pacer_is_told_what_the_program_says) {
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  for (int i = 0; i < 2; i++) {
    struct sim_heap heap;
    struct even even;
    const struct sim_program program = even_program(&even);
    even_heap(&heap, &config);
    even.black_untold = i == 1;
    for (int j = 0; j < 30; j++)
      collect(&heap, &program);
    struct sim_collection made = collect(&heap, &program);
    double black = (double)made.mark.done.allocated_bytes, room = even.black_untold ? 1 : 0.5;
    ck_assert_double_gt(black, 10 * MIB);
    ck_assert_double_eq_tol((double)made.begun.goal_bytes, 201 * MIB + black * (1 + room), MIB);
  }
}
END_TEST

static enum sim_outcome outcome_of(double mark_rate, const struct sim_steps *steps) {
  struct sim_heap heap;
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  struct even even;
  struct sim_collection made;
  const struct sim_program program = even_program(&even);
  even.mark_rate = mark_rate;
  even_heap(&heap, &config);
  return sim_heap_collect(&heap, &program, steps, &made);
}

/* Marks in steps of time end, or say why they do not. */
START_TEST(simulated_marks_that_never_end_are_given_up) {
  const struct sim_steps few = {.ns = 500000, .most = 2}, many = {.ns = 500000, .most = 1000};
  ck_assert_int_eq(outcome_of(200 * MIB, &many), SIM_COLLECTED);
  ck_assert_int_eq(outcome_of(200 * MIB, &few), SIM_MARK_ENDLESS);
  ck_assert_int_eq(outcome_of(100, &many), SIM_MARK_STUCK);
  const struct sim_steps years = {.ns = INT64_C(100000000000000000), .most = 1000};
  ck_assert_int_eq(outcome_of(1e-6, &years), SIM_HEAP_ENDLESS);
}
END_TEST

/* The limiter is told before a cycle begins: what the mutators alone have run since the last one
 * has drained it, and assists are paid again. */
START_TEST(simulated_cycle_begins_with_the_limiter_of_that_moment) {
  struct sim_driver driver;
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  struct gaiti_pacer_decision decision;
  const struct sim_work work = {.assist_ns = 3000000000, .duration_ns = 2000000000};
  ck_assert_ptr_null(sim_driver_init(&driver, &config, 2));
  sim_driver_start(&driver, 4 << 20, 4 << 20);
  sim_driver_mark(&driver, &work);
  ck_assert(driver.now.limiting);
  sim_driver_decide(&driver, &decision);
  ck_assert_double_eq(decision.assist_ratio, 0);
  const struct gaiti_pacer_cycle cycle = {
      .marked_bytes = 1 << 20, .duration_ns = 1, .background_ns = -1, .cpus = 2};
  sim_driver_end(&driver, &cycle);
  ck_assert(driver.now.limiting);
  sim_driver_pass(&driver, 1000000000);
  sim_driver_start(&driver, 4 << 20, 3 << 20);
  ck_assert(!driver.now.limiting);
  sim_driver_decide(&driver, &decision);
  ck_assert_double_gt(decision.assist_ratio, 0);
  config.cpu_cap = 2;
  ck_assert_ptr_nonnull(sim_driver_configure(&driver, &config, 2));
  ck_assert_ptr_nonnull(sim_driver_init(&driver, &config, 2));
}
END_TEST

int main(void) {
  const TTest *const tests[] = {simulated_shares_follow_the_assist_ratio,
                                early_assists_come_beside_those_that_are_owed,
                                simulated_mark_is_the_same_in_any_steps,
                                simulated_cycles_start_where_they_are_made_to,
                                simulated_pacer_is_told_what_the_program_says,
                                simulated_marks_that_never_end_are_given_up,
                                simulated_cycle_begins_with_the_limiter_of_that_moment};
  return SUITE_RUN("sim heap", tests);
}
