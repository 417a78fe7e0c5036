/* The simulated program, in closed form.
 *
 * Between cycles mutators allocate at their rate until the heap is at the pacer's trigger.  While a
 * cycle marks, sim_mark.c divides the processors.  A program with fewer threads than processors
 * feels only what assists take; then idle processors mark too, for nothing.
 *
 * The assist ratio is work left over room left.  As long as marking and allocation go on in that
 * very proportion it stays what it was, and when GC has more than it needs it only falls; so one
 * step does for all the work that the pacer expected.  Work beyond that changes the pacer's plan
 * and gets more steps, each with a ratio of its own: each a quarter of what is left, so that a
 * handful do.
 *
 * What was allocated during a mark survives that mark and is gone in the next. */
#include "sim_model.h"

#include <math.h>
#include <stddef.h>

#include "bytes.h"
#include "sim_mark.h"

#define SIM_MOST_BYTES 1e18
#define SIM_SURPRISES  3 /* steps for work that was not expected */

struct sim_state {
  const struct sim_program *program;
  struct sim_driver driver;
  double processors;
  double seconds;
  double marked;
  double law_growth; /* what the law lets the heap grow by */
  struct sim_result result;
};

/* NULL, or what is wrong. */
static const char *sim_begin(struct sim_state *state, const struct sim_program *program,
                             const struct setting *setting) {
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  *state = (struct sim_state){.program = program};
  config.gc_percent =
      setting->gogc_percent == SETTING_OFF ? GAITI_PACER_GC_OFF : setting->gogc_percent;
  if (setting->memory_limit_bytes != SETTING_OFF)
    config.memory_limit_bytes = setting->memory_limit_bytes;
  if (program->minimum_heap_bytes >= 0) config.minimum_heap_bytes = program->minimum_heap_bytes;
  config.background_share = program->background_share;
  config.cpu_cap = program->cpu_cap;
  gaiti_pacer_config_rely(&config);
  state->processors = setting->processors > 0 ? setting->processors : program->processors;
  const char *wrong = sim_driver_init(&state->driver, &config, state->processors);
  state->driver.now.overhead_bytes = program->overhead_bytes;
  return wrong;
}

static void sim_allocate(struct sim_state *state, double bytes, double seconds) {
  state->result.allocated_bytes += bytes;
  state->seconds += seconds;
}

/* Mutators alone, up to the trigger.  The rate is that of the stretch's two ends.  False when the
 * program ends before. */
static bool sim_advance(struct sim_state *state, struct sim_cycle *cycle, double *rate) {
  struct gaiti_pacer_decision decision;
  const struct sim_program *program = state->program;
  sim_driver_decide(&state->driver, &decision);
  double way = fmax((double)decision.trigger_bytes - state->marked, 0);
  double first = sim_program_value(program, SIM_RATE, state->seconds, state->result.cycles);
  double seconds = way / first;
  if (program->shapes[SIM_RATE].form != SIM_CONSTANT && isfinite(seconds)) {
    double last =
        sim_program_value(program, SIM_RATE, state->seconds + seconds, state->result.cycles);
    first = (first + last) / 2;
    seconds = way / first;
  }
  *rate = first;
  double most = fmin(program->most_seconds - state->seconds,
                     (program->most_bytes - state->result.allocated_bytes) / first);
  if (way > SIM_MOST_BYTES || seconds > most) {
    if (isfinite(most)) sim_allocate(state, most * first, most);
    return false;
  }
  sim_allocate(state, way, seconds);
  sim_driver_pass(&state->driver, sim_mark_ns(seconds));
  cycle->trigger_bytes = state->marked + way;
  cycle->start_seconds = state->seconds;
  return true;
}

/* Starts the cycle.  *live: what is live of the heap; *scannable: which share of it is scanned. */
static void sim_start(struct sim_state *state, const struct sim_cycle *cycle, double *live,
                      double *scannable) {
  const struct sim_program *program = state->program;
  uint64_t number = state->result.cycles;
  double grown = cycle->trigger_bytes - state->marked;
  *scannable = sim_program_value(program, SIM_SCANNABLE, state->seconds, number);
  *live = fmin(sim_program_value(program, SIM_LIVE, state->seconds, number), cycle->trigger_bytes);
  state->driver.now.globals_bytes =
      (int64_t)sim_program_value(program, SIM_ROOTS, state->seconds, number);
  sim_driver_start(&state->driver, (int64_t)cycle->trigger_bytes, (int64_t)(grown * *scannable));
}

/* The rates while it marks, of a program that allocates at `rate` while it does not. */
static struct sim_rates sim_rates(const struct sim_state *state, double rate, double scannable) {
  const struct sim_program *program = state->program;
  double busy = program->threads > 0 ? fmin(program->threads / state->processors, 1) : 1;
  return (struct sim_rates){.alloc = rate * program->barrier_share / (state->processors * busy),
                            .scannable = scannable,
                            .mark = program->mark_rate,
                            .background = program->background_share,
                            .least = program->background_share,
                            .idle = program->idle_share,
                            .busy = busy};
}

/* Marks it all; the steps are told above. */
static void sim_mark(struct sim_state *state, const struct sim_rates *rates,
                     struct sim_mark *mark) {
  struct gaiti_pacer_decision decision;
  sim_driver_decide(&state->driver, &decision);
  sim_mark_bytes(&state->driver, rates, bytes_add(decision.expected_work_bytes, 1), mark);
  for (int i = 1; i <= SIM_SURPRISES; i++) {
    int64_t left = mark->globals_left_bytes + mark->heap_left_bytes;
    if (left > 0) sim_mark_bytes(&state->driver, rates, i < SIM_SURPRISES ? left / 4 : left, mark);
  }
  sim_allocate(state, mark->allocated_bytes, mark->seconds);
}

static void sim_end(struct sim_state *state, const struct sim_mark *mark,
                    const struct sim_cycle *cycle) {
  const struct gaiti_pacer_cycle taken = {
      .marked_bytes = (int64_t)cycle->marked_bytes,
      .black_bytes = (int64_t)mark->allocated_bytes,
      .duration_ns = (int64_t)fmin(mark->seconds * 1e9, 1e17),
      .assist_ns = (int64_t)fmin(mark->assist_seconds * 1e9, 1e17),
      .background_ns = -1,
      .idle_ns = (int64_t)fmin(mark->idle_seconds * 1e9, 1e17),
      .processors = state->processors,
  };
  sim_driver_end(&state->driver, &taken);
  state->marked = (double)taken.marked_bytes;
}

/* What the mark that has ended shows. */
static void sim_measure(struct sim_state *state, const struct sim_mark *mark, double live,
                        struct sim_cycle *cycle) {
  struct gaiti_pacer_decision decision;
  sim_driver_decide(&state->driver, &decision);
  double background = state->program->background_share;
  cycle->goal_bytes = (double)decision.goal_bytes;
  cycle->rule = decision.rule;
  cycle->limiting = state->driver.now.limiting;
  cycle->mark_seconds = mark->seconds;
  cycle->assist_seconds = mark->assist_seconds;
  cycle->background_seconds = mark->seconds * state->processors * background;
  cycle->peak_bytes = cycle->trigger_bytes + mark->allocated_bytes;
  cycle->marked_bytes = live + mark->allocated_bytes;
  state->result.limit_unreachable |= decision.limit_unreachable;
}

/* The law, as `measure.c` has it: what lies between two cycles over what the first allowed. */
static void sim_law(struct sim_state *state, const struct setting *setting, double peak,
                    double marked_before) {
  struct sim_result *result = &state->result;
  double minimum = (double)state->driver.pacer.config.minimum_heap_bytes;
  double growth = INFINITY, share = (double)setting->gogc_percent / 100;
  if (setting->gogc_percent != SETTING_OFF)
    growth = fmax(marked_before * share, minimum * share - marked_before);
  if (setting->memory_limit_bytes != SETTING_OFF)
    growth = fmin(growth, (double)setting->memory_limit_bytes - marked_before);
  result->cycles_by_law += (peak - marked_before) / fmax(growth, 65536);
}

static void sim_count(struct sim_state *state, const struct sim_cycle *cycle, double live) {
  struct sim_result *result = &state->result;
  double over = cycle->peak_bytes / cycle->goal_bytes;
  result->cycles++;
  result->gc_cpu_seconds += cycle->assist_seconds + cycle->background_seconds;
  result->assist_cpu_seconds += cycle->assist_seconds;
  result->peak_heap_bytes = fmax(result->peak_heap_bytes, cycle->peak_bytes);
  result->mean_live_bytes += live;
  result->peak_over_goal_mean += over;
  result->peak_over_goal_max = fmax(result->peak_over_goal_max, over);
  result->limiting_cycles += cycle->limiting;
}

static void sim_finish(struct sim_state *state, const struct setting *setting,
                       struct sim_result *result) {
  if (state->result.cycles > 0) {
    state->result.mean_live_bytes /= (double)state->result.cycles;
    state->result.peak_over_goal_mean /= (double)state->result.cycles;
  } else {
    state->result.peak_heap_bytes = state->result.allocated_bytes;
  }
  if (setting->gogc_percent == SETTING_OFF && setting->memory_limit_bytes == SETTING_OFF)
    state->result.cycles_by_law = -1;
  state->result.seconds = state->seconds;
  *result = state->result;
}

/* One cycle.  False when the program ends before it starts. */
static bool sim_run_cycle(struct sim_state *state, const struct setting *setting,
                          struct sim_cycle *cycle) {
  double rate, live, scannable, before = state->marked;
  if (!sim_advance(state, cycle, &rate)) return false;
  sim_start(state, cycle, &live, &scannable);
  struct sim_mark mark = {.globals_left_bytes = state->driver.now.globals_bytes,
                          .heap_left_bytes = (int64_t)(live * scannable)};
  struct sim_rates rates = sim_rates(state, rate, scannable);
  sim_mark(state, &rates, &mark);
  sim_measure(state, &mark, live, cycle);
  sim_law(state, setting, cycle->peak_bytes, before);
  sim_count(state, cycle, live);
  sim_end(state, &mark, cycle);
  return true;
}

const char *sim_run(const struct sim_program *program, const struct setting *setting,
                    void (*see)(void *context, const struct sim_cycle *cycle), void *context,
                    struct sim_result *result) {
  struct sim_state state;
  const char *wrong = sim_begin(&state, program, setting);
  if (wrong != NULL) return wrong;
  while ((double)state.result.cycles < program->most_cycles) {
    struct sim_cycle cycle = {.number = state.result.cycles + 1};
    if (!sim_run_cycle(&state, setting, &cycle)) break;
    if (see != NULL) see(context, &cycle);
    if (state.seconds >= program->most_seconds ||
        state.result.allocated_bytes >= program->most_bytes || cycle.peak_bytes > SIM_MOST_BYTES)
      break;
  }
  sim_finish(&state, setting, result);
  return NULL;
}
