/* The model: a mutator that allocates at one rate, marking at another, and steps
 * of half a millisecond in which the assist ratio divides the processors
 * between the two.
 *
 * A cycle starts exactly at its trigger.  What is live then is last cycle's
 * survivors times a growth factor; everything allocated during a mark survives
 * that mark and dies in the next.  In each step GC gets the share of CPU at
 * which bytes scanned over bytes allocated equal the assist ratio, and never
 * less than the background share.
 *
 * Reals become integers by truncation, and products are written in the order in
 * which they must be evaluated: recorded runs of the same model are compared bit
 * for bit. */
#include "replay_model.h"

#include <math.h>

#include "sim_mark.h"

#ifndef REPLAY_MOST_STEPS
#define REPLAY_MOST_STEPS 20000000 /* of one mark; fuzzing has less time */
#endif

enum {
  MODEL_STEP_NS = 500000,
  MODEL_FIRST_LIVE_BYTES = 262144,
  MODEL_MOST_STEPS = REPLAY_MOST_STEPS,
};
static const double model_step_kib = 512; /* 1 KiB per CPU ms, in bytes per step and processor */
static const int64_t model_most_bytes = INT64_C(1) << 60;

/* What is left to mark, in the order in which it is marked. */
struct model_work {
  int64_t globals, stack, heap;
};

struct model_mark {
  struct model_work left;
  double background_share;
  int64_t steps, duration_ns, assist_ns, idle_ns, black_bytes;
};

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
  const char *wrong = sim_driver_init(&model->driver, &config, first->processors);
  return wrong == NULL || replay_fail(error, "%s", wrong);
}

/* Mutators alone run until the heap has grown from `from` to `to`. */
static void model_run_mutators(struct replay_model *model, const struct replay_input *input,
                               int64_t from, int64_t to) {
  double per_ns = input->alloc_rate * 1024 / 1e6 * input->processors;
  double ns = (double)(to - from) / per_ns;
  sim_driver_pass(&model->driver, (int64_t)fmin(ns, 1e17));
  model->all_cpu_ns += ns * input->processors;
}

/* Moves to the trigger, with the sizes of stacks and globals of the cycle before:
 * the ones of this cycle are only known once it starts. */
static bool model_start(struct replay_model *model, const struct replay_input *input,
                        struct replay_result *result, struct replay_error *error) {
  struct gaiti_pacer_snapshot *now = &model->driver.now;
  struct gaiti_pacer_decision decision;
  int64_t marked = model->heap_marked_bytes;
  int64_t external = input->external_bytes - model->external_bytes;
  now->overhead_bytes = input->overhead_bytes;
  sim_driver_decide(&model->driver, &decision);
  int64_t start = decision.trigger_bytes;
  if (input->forced_at < 1 && start > marked && start < GAITI_PACER_NO_BYTES_LIMIT)
    start = marked + (int64_t)((double)(start - marked) * input->forced_at);
  int64_t least = marked + (external > 0 ? external : 0);
  if (start < least) start = least;
  if (start > model_most_bytes)
    return replay_fail(error, "no cycle starts: gc_percent and memory_limit allow %lld bytes",
                       (long long)start);

  model_run_mutators(model, input, marked, start);
  now->stack_bytes = input->stack_bytes;
  now->globals_bytes = input->globals_bytes;
  model->external_bytes = input->external_bytes;
  sim_driver_start(&model->driver, start,
                   (int64_t)((double)(start - least) * input->scannable_frac));
  result->trigger_bytes = start;
  result->cons_mark = decision.cons_mark;
  return true;
}

static int64_t model_take(int64_t *left, int64_t *want) {
  int64_t taken = *left < *want ? *left : *want;
  *left -= taken;
  *want -= taken;
  return taken;
}

/* One step.  Fails when no work gets done in it. */
static bool model_step(struct replay_model *model, const struct replay_input *input,
                       struct model_mark *mark) {
  struct gaiti_pacer_decision decision;
  sim_driver_decide(&model->driver, &decision);
  double alloc = input->alloc_rate, scan = input->scan_rate;
  double cores = input->processors, idle = input->idle_share;
  const struct sim_rates rates = {.alloc = alloc,
                                  .mark = scan,
                                  .background = mark->background_share,
                                  .least = mark->background_share,
                                  .idle = idle,
                                  .busy = 1};
  double u = sim_mark_share(&rates, decision.assist_ratio);

  double scan_per_step = scan * model_step_kib * cores * (u + idle);
  int64_t want = (int64_t)scan_per_step;
  int64_t allocated = (int64_t)(alloc * model_step_kib * cores * (1 - u - idle));
  int64_t elapsed = MODEL_STEP_NS, unmet = want;
  int64_t globals = model_take(&mark->left.globals, &unmet);
  int64_t stack = model_take(&mark->left.stack, &unmet);
  int64_t heap = model_take(&mark->left.heap, &unmet);
  if (want <= 0) return false;
  if (unmet > 0) {
    elapsed = (int64_t)((double)(want - unmet) * MODEL_STEP_NS / scan_per_step);
    allocated = (int64_t)(alloc * model_step_kib * (double)elapsed / MODEL_STEP_NS * cores *
                          (1 - u - idle));
  }

  const struct sim_work work = {
      .heap_bytes = heap,
      .stack_bytes = stack,
      .globals_bytes = globals,
      .allocated_bytes = allocated,
      .scannable_bytes = (int64_t)((double)allocated * input->scannable_frac),
      .assist_ns = (int64_t)((double)elapsed * cores * (u - mark->background_share)),
      .idle_ns = (int64_t)((double)elapsed * cores * idle),
      .duration_ns = elapsed,
  };
  sim_driver_mark(&model->driver, &work);
  mark->assist_ns += work.assist_ns;
  mark->idle_ns += work.idle_ns;
  mark->duration_ns += elapsed;
  mark->black_bytes += allocated;
  mark->steps++;
  return true;
}

static bool model_mark_all(struct replay_model *model, const struct replay_input *input,
                           struct model_mark *mark, struct replay_error *error) {
  while (mark->left.globals + mark->left.stack + mark->left.heap > 0) {
    if (!model_step(model, input, mark))
      return replay_fail(error, "the mark makes no progress at scan_rate %g", input->scan_rate);
    if (mark->steps >= MODEL_MOST_STEPS)
      return replay_fail(error, "the mark does not end within %d steps", MODEL_MOST_STEPS);
    if (model->driver.now.heap_live_bytes > model_most_bytes)
      return replay_fail(error, "the heap grows beyond %lld bytes", (long long)model_most_bytes);
  }
  return true;
}

static void model_measure(struct replay_model *model, const struct replay_input *input,
                          const struct model_mark *mark, struct replay_result *result) {
  struct gaiti_pacer_decision decision;
  sim_driver_decide(&model->driver, &decision);
  int64_t marked = model->heap_marked_bytes;
  double cpu_ns = (double)mark->duration_ns * input->processors;
  result->heap_marked_bytes = marked;
  result->goal_bytes = decision.goal_bytes;
  result->peak_bytes = model->driver.now.heap_live_bytes;
  result->rule = decision.rule;
  result->limit_unreachable = decision.limit_unreachable;
  result->limiting = model->driver.now.limiting;
  result->gc_utilization = (double)mark->assist_ns / cpu_ns + mark->background_share;
  result->heap_scannable_bytes =
      (int64_t)((double)(marked - model->black_before_bytes) * input->scannable_frac);
  result->runway_bytes = result->goal_bytes - result->trigger_bytes;
  result->goal_ratio = (double)result->peak_bytes / (double)result->goal_bytes;
  result->trigger_ratio = result->goal_bytes == marked ? (double)NAN
                                                       : (double)(result->trigger_bytes - marked) /
                                                             (double)(result->goal_bytes - marked);
  result->alloc_black_bytes = mark->black_bytes;
  result->revise_calls = mark->steps;
  result->assist_ns = mark->assist_ns;
  result->duration_ns = mark->duration_ns;
}

static void model_end(struct replay_model *model, const struct replay_input *input,
                      const struct model_mark *mark, struct replay_result *result) {
  double cpu_ns = (double)mark->duration_ns * input->processors;
  struct gaiti_pacer_cycle cycle = {
      .marked_bytes = result->live_true_next_bytes + mark->black_bytes + input->external_bytes,
      .black_bytes = input->black_told ? mark->black_bytes : 0,
      .duration_ns = mark->duration_ns,
      .assist_ns = mark->assist_ns,
      .background_ns = input->worker_plan ? (int64_t)(mark->background_share * cpu_ns) : -1,
      .idle_ns = mark->idle_ns,
      .processors = input->processors,
  };
  sim_driver_end(&model->driver, &cycle);
  model->heap_marked_bytes = cycle.marked_bytes;
  model->black_before_bytes = mark->black_bytes;
  model->cycles++;
  result->heap_marked_after_bytes = cycle.marked_bytes;

  double gc_ns = (double)mark->assist_ns + mark->background_share * cpu_ns;
  model->all_cpu_ns += cpu_ns;
  model->gc_cpu_ns += gc_ns;
  result->period_ns = model->driver.clock_ns - result->period_ns;
  double period_cpu_ns = (double)result->period_ns * input->processors;
  result->period_gc_share = period_cpu_ns > 0 ? gc_ns / period_cpu_ns : 0;
  result->total_gc_share = model->all_cpu_ns > 0 ? model->gc_cpu_ns / model->all_cpu_ns : 0;
}

bool replay_model_cycle(struct replay_model *model, const struct replay_input *given,
                        struct replay_result *result, struct replay_error *error) {
  struct replay_input input = *given;
  input.alloc_rate = model_at_least(input.alloc_rate, REPLAY_LEAST_RATE);
  input.scan_rate = model_at_least(input.scan_rate, REPLAY_LEAST_RATE);
  input.growth_rate = model_at_least(input.growth_rate, REPLAY_LEAST_RATE);
  struct gaiti_pacer_config config = model_config(&input);
  const char *wrong = sim_driver_configure(&model->driver, &config, input.processors);
  if (wrong != NULL) return replay_fail(error, "%s", wrong);
  model->driver.limiter_unheard = !(input.cpu_cap > 0);

  *result = (struct replay_result){.period_ns = model->driver.clock_ns};
  int64_t survivors = model->heap_marked_bytes - model->black_before_bytes - model->external_bytes;
  double next = model->cycles == 0 ? MODEL_FIRST_LIVE_BYTES : (double)survivors * input.growth_rate;
  if (next > (double)model_most_bytes)
    return replay_fail(error, "the live heap grows beyond %lld bytes", (long long)model_most_bytes);
  result->live_true_next_bytes = (int64_t)next;
  result->heap_work_bytes = (int64_t)((double)result->live_true_next_bytes * input.scannable_frac);

  if (!model_start(model, &input, result, error)) return false;
  struct gaiti_pacer_workers plan =
      gaiti_pacer_plan_workers(input.processors, config.background_share);
  struct model_mark mark = {
      .left = {input.globals_bytes, input.stack_bytes, result->heap_work_bytes},
      .background_share = input.worker_plan
                              ? ((double)plan.dedicated + plan.fractional) / input.processors
                              : config.background_share,
  };
  if (!model_mark_all(model, &input, &mark, error)) return false;
  model_measure(model, &input, &mark, result);
  model_end(model, &input, &mark, result);
  return true;
}
