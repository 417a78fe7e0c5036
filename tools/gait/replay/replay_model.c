/* A scenario as a program of the simulator.
 *
 * A cycle starts exactly at its trigger.  What is live then is last cycle's survivors times a
 * growth factor; everything allocated during a mark survives that mark and dies in the next.  A
 * mark goes on in steps of half a millisecond, since so the reference was recorded; in each GC gets
 * the share of CPU that the assist ratio of its begin asks for (sim_mark.c). */
#include "replay_model.h"

#include <math.h>

#ifndef REPLAY_MOST_STEPS
#define REPLAY_MOST_STEPS 20000000 /* of one mark; fuzzing has less time */
#endif

static const struct sim_steps model_steps = {.ns = 500000, .most = REPLAY_MOST_STEPS};
static const int64_t model_first_live_bytes = 262144;
static const double model_per_second = 1024e3; /* bytes a second, at 1 KiB a millisecond */

static double model_at_least(double value, double least) {
  return value > least ? value : least;
}

static struct gaiti_pacer_config model_config(const struct replay_input *input) {
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  config.gc_percent = input->gc_percent;
  config.memory_limit_bytes = input->memory_limit_bytes;
  if (input->minimum_heap_bytes >= 0) config.minimum_heap_bytes = input->minimum_heap_bytes;
  if (input->cpu_cap > 0) config.cpu_cap = input->cpu_cap;
  config.idle_reliance = input->idle_reliance;
  config.assist_reliance = input->assist_reliance;
  return config;
}

bool replay_model_init(struct replay_model *model, const struct replay_input *first,
                       struct replay_error *error) {
  struct gaiti_pacer_config config = model_config(first);
  *model = (struct replay_model){0};
  const char *wrong = sim_heap_init(&model->heap, &config, first->cpus);
  return wrong == NULL || replay_fail(error, "%s", wrong);
}

/* ---- The program ---- */

static bool model_run(void *self, const struct gaiti_pacer_decision *decision, double bytes,
                      struct sim_stretch *ran) {
  const struct replay_model *model = self;
  const struct replay_input *input = &model->input;
  (void)decision;
  if (!isfinite(bytes)) return false;
  *ran = (struct sim_stretch){bytes, bytes / (input->alloc_rate * model_per_second * input->cpus)};
  return true;
}

static void model_pass(void *self, double bytes, double seconds) {
  (void)self, (void)bytes, (void)seconds;
}

static void model_look(void *self, double heap_bytes, struct sim_moment *moment) {
  const struct replay_model *model = self;
  const struct replay_input *input = &model->input;
  (void)heap_bytes;
  *moment = (struct sim_moment){
      .live_bytes = (double)model->live_bytes,
      .roots_bytes = (double)(input->globals_bytes + input->stack_bytes),
      .rates = {.alloc = input->alloc_rate * model_per_second,
                .scannable = input->scannable_frac,
                .mark = input->scan_rate * model_per_second,
                .background = model->background_share,
                .least = model->background_share,
                .idle = input->idle_share,
                .busy = 1},
  };
}

static void model_tell(void *self, const struct sim_collection *collection,
                       struct gaiti_pacer_cycle *cycle) {
  const struct replay_model *model = self;
  if (!model->input.black_told) cycle->black_bytes = 0;
  if (model->input.worker_plan) cycle->background_ns = sim_mark_ns(collection->mark.background_ns);
}

/* ---- One cycle ---- */

/* What the cycle finds live. */
static bool model_grow(struct replay_model *model, struct replay_error *error) {
  const struct sim_heap *heap = &model->heap;
  int64_t survivors = heap->marked_bytes - model->black_before_bytes - heap->external_bytes;
  double live = model->cycles == 0 ? (double)model_first_live_bytes
                                   : (double)survivors * model->input.growth_rate;
  if (live > (double)SIM_MOST_BYTES)
    return replay_fail(error, "the live heap grows beyond %lld bytes", (long long)SIM_MOST_BYTES);
  model->live_bytes = (int64_t)live;
  return true;
}

/* The settings and the program of this cycle. */
static bool model_prepare(struct replay_model *model, const struct replay_input *given,
                          struct replay_error *error) {
  struct replay_input *input = &model->input;
  struct sim_heap *heap = &model->heap;
  *input = *given;
  input->alloc_rate = model_at_least(input->alloc_rate, REPLAY_LEAST_RATE);
  input->scan_rate = model_at_least(input->scan_rate, REPLAY_LEAST_RATE);
  input->growth_rate = model_at_least(input->growth_rate, REPLAY_LEAST_RATE);
  struct gaiti_pacer_config config = model_config(input);
  const char *wrong = sim_driver_configure(&heap->driver, &config, input->cpus);
  if (wrong != NULL) return replay_fail(error, "%s", wrong);
  struct gaiti_pacer_workers plan = gaiti_pacer_plan_workers(input->cpus, config.background_share);
  model->background_share = input->worker_plan
                                ? ((double)plan.dedicated + plan.fractional) / input->cpus
                                : config.background_share;
  heap->driver.limiter_unheard = !(input->cpu_cap > 0);
  heap->driver.now.overhead_bytes = input->overhead_bytes;
  heap->external_next_bytes = input->external_bytes;
  heap->way = input->forced_at;
  return model_grow(model, error);
}

static bool model_failed(const struct replay_model *model, enum sim_outcome outcome,
                         const struct sim_collection *collection, struct replay_error *error) {
  switch (outcome) {
  case SIM_COLLECTED: return false;
  case SIM_PROGRAM_ENDED:
    replay_fail(error, "no cycle starts: gc_percent and memory_limit allow %lld bytes",
                (long long)collection->begun.trigger_bytes);
    return true;
  case SIM_MARK_STUCK:
    replay_fail(error, "the mark makes no progress at scan_rate %g", model->input.scan_rate);
    return true;
  case SIM_MARK_ENDLESS:
    replay_fail(error, "the mark does not end within %d steps", REPLAY_MOST_STEPS);
    return true;
  case SIM_HEAP_ENDLESS:
    replay_fail(error, "the heap grows beyond %lld bytes", (long long)SIM_MOST_BYTES);
    return true;
  }
  return true;
}

/* GC CPU, in this cycle and over all. */
static void model_account(struct replay_model *model, const struct sim_collection *collection,
                          struct replay_result *result) {
  const struct sim_mark *mark = &collection->mark;
  double cpus = model->input.cpus;
  double gc_ns = (double)mark->done.assist_ns + mark->background_ns;
  double cpu_ns = (double)mark->done.duration_ns * cpus;
  model->gc_cpu_ns += gc_ns;
  model->all_cpu_ns += collection->ran.seconds * 1e9 * cpus + cpu_ns;
  result->gc_utilization = (double)mark->done.assist_ns / cpu_ns + model->background_share;
  result->period_ns = model->heap.driver.clock_ns - result->period_ns;
  result->period_gc_share = gaiti_pacer_cpu_share(gc_ns, (double)result->period_ns, cpus);
  result->total_gc_share = gaiti_pacer_cpu_share(model->gc_cpu_ns, model->all_cpu_ns, 1);
}

static void model_measure(struct replay_model *model, const struct sim_collection *collection,
                          struct replay_result *result) {
  const struct sim_work *done = &collection->mark.done;
  int64_t marked = result->heap_marked_bytes, goal = collection->ended.goal_bytes;
  double scannable = model->input.scannable_frac;
  result->trigger_bytes = collection->start_bytes;
  result->goal_bytes = goal;
  result->peak_bytes = collection->peak_bytes;
  result->cons_mark = collection->begun.cons_mark;
  result->rule = collection->ended.rule;
  result->limit_unreachable = collection->ended.limit_unreachable;
  result->limiting = model->heap.driver.now.limiting;
  result->heap_scannable_bytes =
      (int64_t)((double)(marked - model->black_before_bytes) * scannable);
  result->live_true_next_bytes = model->live_bytes;
  result->heap_work_bytes = done->heap_bytes;
  result->heap_marked_after_bytes = model->heap.marked_bytes;
  result->runway_bytes = goal - result->trigger_bytes;
  result->goal_ratio = (double)result->peak_bytes / (double)goal;
  result->trigger_ratio = goal == marked
                              ? (double)NAN
                              : (double)(result->trigger_bytes - marked) / (double)(goal - marked);
  result->alloc_black_bytes = done->allocated_bytes;
  result->revise_calls = collection->mark.steps;
  result->assist_ns = done->assist_ns;
  result->duration_ns = done->duration_ns;
}

bool replay_model_cycle(struct replay_model *model, const struct replay_input *given,
                        struct replay_result *result, struct replay_error *error) {
  const struct sim_program program = {model, model_run, model_pass, model_look, model_tell};
  struct sim_heap *heap = &model->heap;
  struct sim_collection collection;
  if (!model_prepare(model, given, error)) return false;
  *result = (struct replay_result){.period_ns = heap->driver.clock_ns,
                                   .heap_marked_bytes = heap->marked_bytes};
  enum sim_outcome outcome = sim_heap_collect(heap, &program, &model_steps, &collection);
  if (model_failed(model, outcome, &collection, error)) return false;
  model_measure(model, &collection, result);
  model_account(model, &collection, result);
  model->black_before_bytes = result->alloc_black_bytes;
  model->cycles++;
  return true;
}
