/* A program that is only described, on a simulated heap.  One with fewer threads than processors
 * feels only what assists take; then idle processors mark too, for nothing. */
#include "sim_model.h"

#include <math.h>
#include <stddef.h>

#include "sim_heap.h"
#include "sim_law.h"

#define SIM_MOST_BYTES 1e18

struct sim_state {
  const struct sim_program *program;
  struct sim_heap heap;
  struct sim_law law;
  double processors;
  double rate;    /* at which mutators have allocated since the last cycle */
  double started; /* when they had come to the trigger */
  double seconds;
  struct sim_result result;
};

/* NULL, or what is wrong. */
static const char *sim_begin(struct sim_state *state, const struct sim_program *program,
                             const struct setting *setting) {
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  *state = (struct sim_state){.program = program};
  setting_configure(setting, &config);
  if (program->minimum_heap_bytes >= 0) config.minimum_heap_bytes = program->minimum_heap_bytes;
  config.background_share = program->background_share;
  config.cpu_cap = program->cpu_cap;
  gaiti_pacer_config_rely(&config);
  state->processors = setting->processors > 0 ? setting->processors : program->processors;
  const char *wrong = sim_driver_init(&state->heap.driver, &config, state->processors);
  state->law = (struct sim_law){.setting = *setting,
                                .minimum_heap_bytes = (double)config.minimum_heap_bytes};
  state->heap.driver.now.overhead_bytes = program->overhead_bytes;
  return wrong;
}

/* ---- The program as a source ---- */

static void sim_pass(void *context, double bytes, double seconds) {
  struct sim_state *state = context;
  state->result.allocated_bytes += bytes;
  state->seconds += seconds;
}

/* The rate is that of the stretch's two ends. */
static double sim_rate(const struct sim_state *state, double bytes) {
  const struct sim_program *program = state->program;
  uint64_t cycle = state->result.cycles;
  double rate = sim_program_value(program, SIM_RATE, state->seconds, cycle);
  double end = state->seconds + bytes / rate;
  if (program->shapes[SIM_RATE].form == SIM_CONSTANT || !isfinite(end)) return rate;
  return (rate + sim_program_value(program, SIM_RATE, end, cycle)) / 2;
}

static double sim_run_mutators(void *context, double bytes, double *seconds) {
  struct sim_state *state = context;
  const struct sim_program *program = state->program;
  double rate = state->rate = sim_rate(state, bytes);
  double most = fmin(program->most_seconds - state->seconds,
                     (program->most_bytes - state->result.allocated_bytes) / rate);
  double run = bytes;
  *seconds = bytes / rate;
  if (bytes > SIM_MOST_BYTES || *seconds > most) {
    *seconds = isfinite(most) ? most : 0;
    run = *seconds * rate;
  }
  sim_pass(state, run, *seconds);
  state->started = state->seconds;
  return run;
}

static void sim_look(void *context, struct sim_nature *nature) {
  const struct sim_state *state = context;
  const struct sim_program *program = state->program;
  uint64_t cycle = state->result.cycles;
  double busy = program->threads > 0 ? fmin(program->threads / state->processors, 1) : 1;
  nature->live_bytes = sim_program_value(program, SIM_LIVE, state->seconds, cycle);
  nature->roots_bytes = sim_program_value(program, SIM_ROOTS, state->seconds, cycle);
  nature->rates = (struct sim_rates){
      .alloc = state->rate * program->barrier_share / (state->processors * busy),
      .scannable = sim_program_value(program, SIM_SCANNABLE, state->seconds, cycle),
      .mark = program->mark_rate,
      .background = program->background_share,
      .least = program->background_share,
      .idle = program->idle_share,
      .busy = busy,
  };
}

/* ---- Results ---- */

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

static void sim_finish(struct sim_state *state, struct sim_result *result) {
  if (state->result.cycles > 0) {
    state->result.mean_live_bytes /= (double)state->result.cycles;
    state->result.peak_over_goal_mean /= (double)state->result.cycles;
  } else {
    state->result.peak_heap_bytes = state->result.allocated_bytes;
  }
  state->result.cycles_by_law = sim_law_speaks(&state->law) ? state->law.cycles : -1;
  state->result.seconds = state->seconds;
  *result = state->result;
}

/* What the collection shows. */
static struct sim_cycle sim_measure(const struct sim_state *state,
                                    const struct sim_collection *collection) {
  const struct sim_mark *mark = &collection->mark;
  double trigger = (double)collection->start_bytes;
  return (struct sim_cycle){
      .number = state->result.cycles + 1,
      .start_seconds = state->started,
      .mark_seconds = mark->seconds,
      .trigger_bytes = trigger,
      .goal_bytes = (double)collection->ended.goal_bytes,
      .peak_bytes = trigger + mark->allocated_bytes,
      .marked_bytes = collection->live_bytes + mark->allocated_bytes,
      .assist_seconds = mark->assist_seconds,
      .background_seconds = mark->seconds * state->processors * state->program->background_share,
      .rule = collection->ended.rule,
      .limiting = state->heap.driver.now.limiting,
  };
}

const char *sim_run(const struct sim_program *program, const struct setting *setting,
                    void (*see)(void *context, const struct sim_cycle *cycle), void *context,
                    struct sim_result *result) {
  struct sim_state state;
  const struct sim_source source = {&state, sim_run_mutators, sim_pass, sim_look};
  const char *wrong = sim_begin(&state, program, setting);
  if (wrong != NULL) return wrong;
  while ((double)state.result.cycles < program->most_cycles) {
    struct sim_collection collection;
    if (!sim_heap_collect(&state.heap, &source, 0, &collection)) break;
    struct sim_cycle cycle = sim_measure(&state, &collection);
    state.result.limit_unreachable |= collection.ended.limit_unreachable;
    sim_law_cycle(&state.law, cycle.peak_bytes, (double)state.heap.marked_bytes);
    sim_count(&state, &cycle, collection.live_bytes);
    if (see != NULL) see(context, &cycle);
    if (state.seconds >= program->most_seconds ||
        state.result.allocated_bytes >= program->most_bytes || cycle.peak_bytes > SIM_MOST_BYTES)
      break;
  }
  sim_finish(&state, result);
  return NULL;
}
