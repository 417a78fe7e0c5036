/* The simulated program, in closed form.
 *
 * Between cycles mutators allocate at their rate until the heap is at the pacer's trigger.  While a
 * cycle marks, GC gets the share u of the processors at which bytes marked over bytes allocated are
 * the assist ratio, but not less than the background share.  Marking W bytes then takes
 * W / (u x processors x mark rate) seconds, in which mutators allocate with what is left.  A
 * program with fewer threads than processors feels only what assists take; then idle processors
 * mark too, for nothing.
 *
 * The ratio is work left over room left.  As long as marking and allocation go on in that very
 * proportion it stays what it was, and when GC has more than it needs it only falls; so one step
 * does for all the work that the pacer expected.  Work beyond that changes the pacer's plan and
 * gets more steps, each with a ratio of its own: each a quarter of what is left, so that a handful
 * do.
 *
 * What was allocated during a mark survives that mark and is gone in the next. */
#include "sim_model.h"

#include <math.h>
#include <stdio.h>

#define SIM_MOST_BYTES 1e18
#define SIM_MOST_NS    1e12 /* a quarter of an hour: more than the limiter's bucket can tell */
#define SIM_SURPRISES  3    /* steps for work that was not expected */

struct sim_state {
  const struct sim_program *program;
  struct gaiti_pacer pacer;
  struct gaiti_pacer_limiter limiter;
  struct gaiti_pacer_snapshot now;
  double processors;
  double seconds;
  double marked;
  double law_growth; /* what the law lets the heap grow by */
  struct sim_result result;
};

static int64_t sim_ns(double seconds) {
  return (int64_t)fmin(seconds * 1e9, SIM_MOST_NS);
}

static bool sim_begin(struct sim_state *state, const struct sim_program *program,
                      const struct setting *setting, struct sim_error *error) {
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
  const char *wrong = gaiti_pacer_config_check(&config);
  if (wrong != NULL) {
    snprintf(error->text, sizeof error->text, "%s: %s", program->name, wrong);
    return false;
  }
  gaiti_pacer_init(&state->pacer, &config);
  state->processors = setting->processors > 0 ? setting->processors : program->processors;
  gaiti_pacer_limiter_init(&state->limiter, 0, state->processors, config.background_share,
                           config.cpu_cap);
  state->now.overhead_bytes = program->overhead_bytes;
  return true;
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
  gaiti_pacer_decide(&state->pacer, &state->now, &decision);
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
  gaiti_pacer_limiter_update(&state->limiter, state->limiter.last_update_ns + sim_ns(seconds));
  cycle->trigger_bytes = state->marked + way;
  cycle->start_seconds = state->seconds;
  return true;
}

/* Starts the cycle; returns the heap bytes to scan. */
static double sim_start(struct sim_state *state, const struct sim_cycle *cycle, double *live) {
  const struct sim_program *program = state->program;
  struct gaiti_pacer_snapshot *now = &state->now;
  uint64_t number = state->result.cycles;
  double scannable = sim_program_value(program, SIM_SCANNABLE, state->seconds, number);
  *live = fmin(sim_program_value(program, SIM_LIVE, state->seconds, number), cycle->trigger_bytes);
  now->heap_scan_bytes += (int64_t)((cycle->trigger_bytes - state->marked) * scannable);
  now->heap_live_bytes = (int64_t)cycle->trigger_bytes;
  now->globals_bytes = (int64_t)sim_program_value(program, SIM_ROOTS, state->seconds, number);
  now->heap_work_bytes = now->globals_work_bytes = 0;
  gaiti_pacer_limiter_tell(&state->limiter, now);
  gaiti_pacer_limiter_start_transition(&state->limiter, state->limiter.last_update_ns, true);
  gaiti_pacer_start_cycle(&state->pacer, now);
  return *live * scannable;
}

/* The share of the processors that assists take: as much as makes bytes marked over bytes allocated
 * the assist ratio, when mutators keep `busy` of the processors between marks and have at most
 * `left` of them now. */
static double sim_assists(const struct sim_program *program, double owed, double busy,
                          double left) {
  double helped = (program->background_share + program->idle_share) * program->mark_rate;
  double share = (owed * left / busy - helped) / (program->mark_rate + owed / busy);
  return fmin(fmax(share, 0), left);
}

/* Marks `work` bytes at the ratio of this moment. */
static void sim_step(struct sim_state *state, double work, double rate, struct sim_cycle *cycle) {
  struct gaiti_pacer_decision decision;
  struct gaiti_pacer_snapshot *now = &state->now;
  const struct sim_program *program = state->program;
  double background = program->background_share;
  double busy = program->threads > 0 ? fmin(program->threads / state->processors, 1) : 1;
  double left = fmin(busy, 1 - background);
  gaiti_pacer_decide(&state->pacer, now, &decision);
  rate *= program->barrier_share;
  double owed = decision.assist_ratio * rate / state->processors;
  double assists = sim_assists(program, owed, busy, left);
  double marking = background + program->idle_share + assists;
  double seconds = work / (program->mark_rate * state->processors * marking);
  double allocated = rate * (left - assists) / busy * seconds;
  now->heap_live_bytes += (int64_t)allocated;
  now->heap_work_bytes += (int64_t)work;
  cycle->mark_seconds += seconds;
  cycle->background_seconds += seconds * state->processors * background;
  cycle->assist_seconds += seconds * state->processors * assists;
  cycle->peak_bytes += allocated;
  sim_allocate(state, allocated, seconds);
}

static void sim_mark(struct sim_state *state, double work, double rate, struct sim_cycle *cycle) {
  struct gaiti_pacer_decision decision;
  gaiti_pacer_decide(&state->pacer, &state->now, &decision);
  double expected = (double)(decision.expected_work_bytes + 1);
  sim_step(state, fmin(work, expected), rate, cycle);
  double left = work - expected;
  for (int i = 0; i < SIM_SURPRISES && left > 0; i++) {
    double part = i + 1 < SIM_SURPRISES ? left / 4 : left;
    sim_step(state, part, rate, cycle);
    left -= part;
  }
}

static void sim_end(struct sim_state *state, double heap_work, struct sim_cycle *cycle) {
  double idle_seconds = cycle->mark_seconds * state->processors * state->program->idle_share;
  struct gaiti_pacer_snapshot *now = &state->now;
  struct gaiti_pacer_limiter *limiter = &state->limiter;
  now->heap_work_bytes = (int64_t)heap_work;
  now->globals_work_bytes = now->globals_bytes;
  struct gaiti_pacer_cycle taken = {
      .marked_bytes = (int64_t)cycle->marked_bytes,
      .black_bytes = (int64_t)(cycle->peak_bytes - cycle->trigger_bytes),
      .duration_ns = (int64_t)fmin(cycle->mark_seconds * 1e9, 1e17),
      .assist_ns = (int64_t)fmin(cycle->assist_seconds * 1e9, 1e17),
      .background_ns = -1,
      .idle_ns = (int64_t)fmin(idle_seconds * 1e9, 1e17),
      .processors = state->processors,
  };
  gaiti_pacer_limiter_add_assist(limiter, sim_ns(cycle->assist_seconds));
  gaiti_pacer_limiter_add_idle(limiter, sim_ns(idle_seconds));
  gaiti_pacer_limiter_start_transition(
      limiter, limiter->last_update_ns + sim_ns(cycle->mark_seconds), false);
  gaiti_pacer_limiter_tell(limiter, now);
  gaiti_pacer_end_cycle(&state->pacer, now, &taken);
  now->heap_live_bytes = taken.marked_bytes;
  now->heap_scan_bytes = now->heap_work_bytes;
  now->heap_work_bytes = now->globals_work_bytes = 0;
  state->marked = (double)taken.marked_bytes;
}

/* The law, as `measure.c` has it: what lies between two cycles over what the first allowed. */
static void sim_law(struct sim_state *state, const struct setting *setting, double peak,
                    double marked_before) {
  struct sim_result *result = &state->result;
  double minimum = (double)state->pacer.config.minimum_heap_bytes;
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

bool sim_run(const struct sim_program *program, const struct setting *setting,
             void (*see)(void *context, const struct sim_cycle *cycle), void *context,
             struct sim_result *result, struct sim_error *error) {
  struct sim_state state;
  if (!sim_begin(&state, program, setting, error)) return false;
  while ((double)state.result.cycles < program->most_cycles) {
    struct sim_cycle cycle = {.number = state.result.cycles + 1};
    struct gaiti_pacer_decision decision;
    double rate, live, before = state.marked;
    if (!sim_advance(&state, &cycle, &rate)) break;
    cycle.peak_bytes = cycle.trigger_bytes;
    double heap_work = sim_start(&state, &cycle, &live);
    sim_mark(&state, heap_work + (double)state.now.globals_bytes, rate, &cycle);
    gaiti_pacer_decide(&state.pacer, &state.now, &decision);
    cycle.goal_bytes = (double)decision.goal_bytes;
    cycle.rule = decision.rule;
    cycle.limiting = state.now.limiting;
    cycle.marked_bytes = live + cycle.peak_bytes - cycle.trigger_bytes;
    state.result.limit_unreachable |= decision.limit_unreachable;
    sim_law(&state, setting, cycle.peak_bytes, before);
    sim_count(&state, &cycle, live);
    if (see != NULL) see(context, &cycle);
    sim_end(&state, heap_work, &cycle);
    if (state.seconds >= program->most_seconds ||
        state.result.allocated_bytes >= program->most_bytes || cycle.peak_bytes > SIM_MOST_BYTES)
      break;
  }
  sim_finish(&state, setting, result);
  return true;
}
