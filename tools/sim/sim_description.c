/* Quantities over time, and the program that they describe.  Jitter is a hash of seed, quantity and
 * cycle, so that a simulation is the same on every machine and in every shard.
 *
 * A program with fewer threads than CPUs feels only what assists take; then idle CPUs
 * mark too, for nothing. */
#include "sim_description.h"

#include <math.h>

static double shape_recorded(const struct sim_shape *shape, double seconds) {
  size_t low = 0, high = shape->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (shape->times[middle] < seconds)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return shape->values[0];
  if (low == shape->count) return shape->values[low - 1];
  double span = shape->times[low] - shape->times[low - 1];
  double share = span > 0 ? (seconds - shape->times[low - 1]) / span : 1;
  return shape->values[low - 1] + (shape->values[low] - shape->values[low - 1]) * share;
}

static double shape_value(const struct sim_shape *shape, double seconds) {
  switch (shape->form) {
  case SIM_CONSTANT: return shape->from;
  case SIM_STEP: return seconds < shape->at ? shape->from : shape->to;
  case SIM_RAMP:
    return shape->from +
           (shape->to - shape->from) * fmin(fmax((seconds - shape->at) / shape->over, 0), 1);
  case SIM_OSCILLATION:
    return shape->from + shape->to * sin(2 * 3.14159265358979323846 * seconds / shape->over);
  case SIM_RECORDED: return shape_recorded(shape, seconds);
  }
  return shape->from;
}

/* In [-1, 1). */
static double shape_noise(uint64_t seed, uint64_t quantity, uint64_t cycle) {
  uint64_t z = seed * UINT64_C(0x9e3779b97f4a7c15) + (cycle * SIM_QUANTITIES + quantity);
  z *= UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  z ^= z >> 31;
  return (double)(z >> 11) / 4503599627370496.0 - 1;
}

double sim_description_value(const struct sim_description *description, enum sim_quantity quantity,
                             double seconds, uint64_t cycle) {
  const struct sim_shape *shape = &description->shapes[quantity];
  double value = shape_value(shape, seconds);
  if (shape->jitter > 0)
    value *= 1 + shape->jitter * shape_noise(description->seed, (uint64_t)quantity, cycle);
  if (quantity == SIM_SCANNABLE) return fmin(fmax(value, 0), 1);
  return fmax(value, quantity == SIM_RATE ? 1 : 0);
}

/* ---- The program ---- */

static double described_value(const struct sim_described *program, enum sim_quantity quantity) {
  return sim_description_value(program->description, quantity, program->seconds, program->cycles);
}

/* The rate is that of the stretch's two ends, of which the later is the program's at most. */
static double described_rate(const struct sim_described *program, double bytes) {
  const struct sim_description *description = program->description;
  double rate = described_value(program, SIM_RATE);
  double end = fmin(program->seconds + bytes / rate, description->most_seconds);
  if (description->shapes[SIM_RATE].form == SIM_CONSTANT || !isfinite(end)) return rate;
  return (rate + sim_description_value(description, SIM_RATE, end, program->cycles)) / 2;
}

static void described_pass(void *self, double bytes, double seconds) {
  struct sim_described *program = self;
  program->bytes += bytes;
  program->seconds += seconds;
}

static bool described_run(void *self, const struct gaiti_pacer_decision *decision, double bytes,
                          struct sim_stretch *ran) {
  struct sim_described *program = self;
  const struct sim_description *description = program->description;
  (void)decision;
  double rate = program->rate = described_rate(program, bytes);
  double most = fmin(description->most_seconds - program->seconds,
                     (description->most_bytes - program->bytes) / rate);
  bool ends = !isfinite(bytes) || most <= 0 || bytes / rate > most;
  *ran = (struct sim_stretch){bytes, bytes / rate};
  if (ends) {
    ran->seconds = isfinite(most) ? fmax(most, 0) : 0;
    ran->bytes = ran->seconds * rate;
  }
  described_pass(program, ran->bytes, ran->seconds);
  return !ends;
}

static void described_look(void *self, double heap_bytes, struct sim_moment *moment) {
  const struct sim_described *program = self;
  const struct sim_description *description = program->description;
  double busy = description->threads > 0 ? fmin(description->threads / program->cpus, 1) : 1;
  moment->live_bytes = fmin(described_value(program, SIM_LIVE), heap_bytes);
  moment->roots_bytes = described_value(program, SIM_ROOTS);
  moment->rates = (struct sim_rates){
      .alloc = program->rate * description->barrier_share / (program->cpus * busy),
      .scannable = described_value(program, SIM_SCANNABLE),
      .mark = description->mark_rate,
      .background = description->background_share,
      .least = description->background_share,
      .idle = description->idle_share,
      .busy = busy,
  };
}

static void described_tell(void *self, const struct sim_collection *collection,
                           struct gaiti_pacer_cycle *cycle) {
  struct sim_described *program = self;
  sim_law_cycle(&program->law, (double)collection->peak_bytes, (double)cycle->marked_bytes);
  program->cycles++;
}

static struct gaiti_pacer_config described_config(const struct sim_description *description,
                                                  const struct setting *setting) {
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  setting_configure(setting, &config);
  if (description->minimum_heap_bytes >= 0)
    config.minimum_heap_bytes = description->minimum_heap_bytes;
  config.background_share = description->background_share;
  config.cpu_cap = description->cpu_cap;
  config.policy = description->policy;
  if (description->cpu_budget > 0) config.cpu_budget = description->cpu_budget;
  if (description->square_root_bytes > 0) config.square_root_bytes = description->square_root_bytes;
  gaiti_pacer_config_rely(&config);
  return config;
}

const char *sim_described_begin(struct sim_described *self,
                                const struct sim_description *description,
                                const struct setting *setting, struct sim_heap *heap) {
  struct gaiti_pacer_config config = described_config(description, setting);
  *self = (struct sim_described){
      .description = description,
      .cpus = setting_cpus(setting, description->cpus),
      .law = {*setting, .minimum_heap_bytes = (double)config.minimum_heap_bytes}};
  self->program =
      (struct sim_program){self, described_run, described_pass, described_look, described_tell};
  const char *wrong = sim_heap_init(heap, &config, self->cpus);
  if (wrong == NULL) heap->driver.now.overhead_bytes = description->overhead_bytes;
  return wrong;
}

const char *sim_description_run(const struct sim_description *description,
                                const struct setting *setting,
                                void (*see)(void *context, const struct sim_cycle *cycle),
                                void *context, struct sim_result *result, double *cycles_by_law) {
  struct sim_described self;
  struct sim_heap heap;
  const struct sim_run run = {
      .program = &self.program,
      .heap = &heap,
      .most_cycles = description->most_cycles,
      .see = see,
      .context = context,
  };
  const char *wrong = sim_described_begin(&self, description, setting, &heap);
  if (wrong != NULL) return wrong;
  sim_run(&run, result);
  bool speaks =
      heap.driver.pacer.config.policy == GAITI_PACER_POLICY_GOGC && sim_law_speaks(&self.law);
  *cycles_by_law = speaks ? self.law.cycles : -1;
  return NULL;
}
