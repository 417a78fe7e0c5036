/* The simulator (tools/sim) for a page: a program whose CPUs are always busy.
 *
 * What is live at the start of a cycle is what the track says, but no more than
 * the heap holds.  The mark goes through that in equal steps of work.
 *
 * There is one program, held in static variables, since a page shows one at a
 * time. */
#include "page_model.h"

#include <stdbool.h>
#include <stddef.h>

#include "explain.h"
#include "sim_run.h"

static const double model_most_bytes = (double)SIM_MOST_BYTES;
static const double model_most_s = 1e8;
static const double model_bucket_answered = 0.26; /* a little over where the pacer lifts the goal */
static const double model_least_rate = 1;         /* bytes a second */

enum {
  MODEL_WARM_CYCLES = 8,
  MODEL_MEASURED_CYCLES = 8,
};

static struct model_settings settings;
static struct model_point track[MODEL_MOST_POINTS];
static struct model_cycle cycle;
static struct model_totals totals;
static double proposals[GAITI_PACER_RULES];
static struct explanation explanation;

static struct {
  struct sim_heap heap;
  struct gaiti_pacer_config config;
  double allocated_bytes; /* ever */
  double clock_s;
  int points, at; /* at: the point of the track that comes next, or the last one */
} program;

/* ---- Numbers ---- */

static double model_within(double value, double low, double high) {
  return value >= low ? value <= high ? value : high : low; /* not a number: low */
}

static int64_t model_bytes(double bytes) {
  return (int64_t)model_within(bytes, 0, model_most_bytes);
}

static double model_size(int64_t bytes) {
  return bytes == GAITI_PACER_NO_BYTES_LIMIT ? __builtin_inf() : (double)bytes;
}

static int64_t model_ns(double seconds) {
  return (int64_t)(model_within(seconds, 0, model_most_s) * 1e9);
}

static double model_s(int64_t ns) {
  return (double)ns / 1e9;
}

/* ---- Settings and track ---- */

static double model_cpus(void) {
  return model_within(settings.cpus, 0.01, 65536);
}

static void model_configure(void) {
  struct gaiti_pacer_config *config = &program.config;
  *config = gaiti_pacer_config_default();
  config->gc_percent = settings.gc_percent < 0
                           ? GAITI_PACER_GC_OFF
                           : (int64_t)model_within(settings.gc_percent, 0, 1e15);
  if (settings.memory_limit_bytes < model_most_bytes)
    config->memory_limit_bytes = model_bytes(settings.memory_limit_bytes);
  config->minimum_heap_bytes = model_bytes(settings.minimum_heap_bytes);
  config->cpu_cap = model_within(settings.cpu_cap, 0.01, 0.95);
  gaiti_pacer_config_rely(config);
}

/* The rates that hold now. */
static const struct model_point *model_here(void) {
  return &track[program.at];
}

static bool model_in_track(void) {
  return program.allocated_bytes < model_here()->allocated_bytes;
}

/* How far between the point before and the next one: 1 is at the next one. */
static double model_along(void) {
  if (program.at == 0 || !model_in_track()) return 1;
  double from = track[program.at - 1].allocated_bytes, to = model_here()->allocated_bytes;
  return model_within((program.allocated_bytes - from) / (to - from), 0, 1);
}

static double model_between(double before, double next) {
  return program.at == 0 ? next : before + (next - before) * model_along();
}

static double model_live(void) {
  const struct model_point *before = &track[program.at > 0 ? program.at - 1 : 0];
  return model_between(before->live_bytes, model_here()->live_bytes);
}

static double model_roots(void) {
  const struct model_point *before = &track[program.at > 0 ? program.at - 1 : 0];
  return model_between(before->roots_bytes, model_here()->roots_bytes);
}

static void model_pass_points(void) {
  while (program.at + 1 < program.points && !model_in_track())
    program.at++;
}

/* ---- The track as a program of the simulator ---- */

static bool model_whole(void) {
  return program.points > 1;
}

/* Up to the end of the track; beyond it, where there is no end, the last point's rates go on. */
static bool model_run(void *self, const struct gaiti_pacer_decision *decision, double bytes,
                      struct sim_stretch *ran) {
  (void)self, (void)decision;
  double left = track[program.points - 1].allocated_bytes - program.allocated_bytes;
  double run = bytes;
  if (model_whole() && run > left) run = left > 0 ? left : 0;
  if (!model_whole() && run > model_most_bytes) run = 0; /* no cycle comes */
  double begun_s = program.clock_s;
  for (double rest = run; rest > 0;) {
    double part = model_here()->allocated_bytes - program.allocated_bytes;
    if (part <= 0 || part > rest) part = rest;
    program.clock_s += part / model_within(model_here()->alloc_per_s, model_least_rate, 1e300);
    program.allocated_bytes += part;
    rest -= part;
    model_pass_points();
  }
  *ran = (struct sim_stretch){run, program.clock_s - begun_s};
  return run >= bytes;
}

static void model_pass(void *self, double bytes, double seconds) {
  (void)self;
  program.allocated_bytes += bytes;
  program.clock_s += seconds;
  model_pass_points();
}

/* In ranges that lead somewhere. */
static void model_look(void *self, double heap_bytes, struct sim_moment *moment) {
  (void)self;
  const struct model_point *here = model_here();
  double background = program.config.background_share;
  double idle = model_within(here->idle_share, 0, 0.99 - background);
  double alloc = model_within(here->alloc_marking_per_s, model_least_rate, 1e300);
  moment->live_bytes = model_within(model_live(), 0, heap_bytes);
  moment->roots_bytes = model_within(model_roots(), 0, model_most_bytes);
  moment->rates = (struct sim_rates){
      .alloc = alloc / model_cpus(),
      .scannable = model_within(here->scan_share, 0, 1),
      .mark = model_within(here->mark_per_cpu_s, model_least_rate, 1e300),
      .background = background,
      .least = model_within(here->gc_share_least, background, 0.99 - idle),
      .idle = idle,
      .busy = 1,
  };
}

static const struct sim_program model_program = {NULL, model_run, model_pass, model_look, NULL};

/* ---- The loop ---- */

static void model_explain(const struct gaiti_pacer_decision *decision) {
  cycle.trigger_bytes = model_size(decision->trigger_bytes);
  cycle.goal_bytes = model_size(decision->goal_bytes);
  cycle.rule = decision->rule;
  cycle.trigger_bound = decision->trigger_bound;
  cycle.limit_unreachable = decision->limit_unreachable;
  cycle.roots_bytes = model_size(decision->roots_bytes);
  cycle.runway_bytes = model_size(decision->runway_bytes);
  cycle.slack_bytes = model_size(decision->slack_bytes);
  cycle.cons_mark = decision->cons_mark;
  cycle.cons_mark_largest = decision->cons_mark_largest;
  cycle.work_trend = decision->work_trend;
  cycle.expected_work_bytes = model_size(decision->expected_work_bytes);
  cycle.worst_work_bytes = model_size(decision->worst_work_bytes);
  cycle.growth_goal_bytes = model_size(decision->rule_bytes[GAITI_PACER_RULE_GOGC]);
  cycle.overhead_bytes = model_within(settings.overhead_bytes, 0, model_most_bytes);
  for (int i = 0; i < GAITI_PACER_RULES; i++)
    proposals[i] = model_size(decision->rule_bytes[i]);
}

/* What the mark shows that has ended. */
static void model_report(const struct sim_collection *collection) {
  const struct sim_mark *mark = &collection->mark;
  const struct gaiti_pacer_decision *decision = &collection->ended;
  double cpu_s = model_s(mark->done.duration_ns) * model_cpus();
  cycle.start_s = cycle.begin_s + collection->ran.seconds;
  cycle.end_s = program.clock_s;
  cycle.peak_bytes = (double)collection->peak_bytes;
  cycle.marked_bytes = (double)program.heap.marked_bytes;
  cycle.live_bytes = collection->live_bytes;
  cycle.work_bytes = (double)collection->work_bytes;
  cycle.end_goal_bytes = model_size(decision->goal_bytes);
  cycle.end_rule = decision->rule;
  cycle.pace_goal_bytes = model_size(decision->pace_goal_bytes);
  cycle.assist_ratio_most = mark->ratio_most;
  cycle.assist_cpu_s = model_s(mark->done.assist_ns);
  cycle.owed_cpu_s = mark->owed_ns / 1e9;
  cycle.background_cpu_s = mark->background_ns / 1e9;
  cycle.idle_cpu_s = model_s(mark->done.idle_ns);
  cycle.gc_share = gaiti_pacer_cpu_share(cycle.assist_cpu_s + cycle.background_cpu_s, cpu_s, 1);
  cycle.limiter_fill = program.heap.driver.now.limiter_fill;
  cycle.limiting = program.heap.driver.now.limiting;
}

void model_begin(int points, int ready) {
  struct sim_heap *heap = &program.heap;
  program.points = points < 1 ? 1 : points > MODEL_MOST_POINTS ? MODEL_MOST_POINTS : points;
  program.at = 0;
  program.allocated_bytes = program.clock_s = 0;
  model_configure();
  sim_heap_init(heap, &program.config, model_cpus());
  heap->marked_bytes = heap->external_bytes = model_bytes(settings.external_bytes);
  if (ready) {
    program.allocated_bytes = model_within(track[0].allocated_bytes, 0, model_most_bytes);
    heap->marked_bytes += model_bytes(track[0].live_bytes);
    heap->driver.now.heap_scan_bytes = model_bytes(track[0].live_bytes * track[0].scan_share);
  }
  heap->driver.now.heap_live_bytes = heap->marked_bytes;
  heap->driver.now.globals_bytes = model_bytes(track[0].roots_bytes);
  model_pass_points();
}

/* The settings as they are now. */
static void model_prepare(void) {
  struct sim_heap *heap = &program.heap;
  model_configure();
  sim_driver_configure(&heap->driver, &program.config, model_cpus());
  heap->driver.now.overhead_bytes = model_bytes(settings.overhead_bytes);
  heap->external_next_bytes = model_bytes(settings.external_bytes);
}

enum model_status model_next(int steps) {
  struct sim_heap *heap = &program.heap;
  struct sim_collection collection;
  model_prepare();
  cycle = (struct model_cycle){0};
  cycle.begin_s = program.clock_s;
  cycle.marked_before_bytes = (double)heap->marked_bytes;
  const struct sim_steps by_parts = {.parts = steps < 1 ? 1 : steps};
  bool ended = sim_heap_collect(heap, &model_program, &by_parts, &collection) == SIM_COLLECTED;
  model_explain(&collection.begun);
  cycle.start_bytes = (double)collection.start_bytes;
  if (ended) {
    model_report(&collection);
    return MODEL_CYCLE_ENDED;
  }
  cycle.start_s = cycle.end_s = program.clock_s;
  cycle.peak_bytes = cycle.start_bytes;
  return model_whole() ? MODEL_PROGRAM_ENDED : MODEL_NO_CYCLE;
}

/* ---- Many cycles ---- */

static enum model_status model_warm(int steps) {
  enum model_status status = MODEL_CYCLE_ENDED;
  for (int i = 0; i < MODEL_WARM_CYCLES && status == MODEL_CYCLE_ENDED; i++)
    status = model_next(steps);
  return status;
}

/* Passes the time of so many cycles like the last one as fill the limiter's
 * bucket to where the pacer answers, if they fill it at all.  Run one by one,
 * they would be thousands of a small heap. */
static void model_fill_bucket(double fill_before) {
  double rise = cycle.limiter_fill - fill_before;
  if (!(rise > 0) || cycle.limiter_fill >= model_bucket_answered) return;
  double count = 1 + (model_bucket_answered - cycle.limiter_fill) / rise;
  double gc_s = cycle.assist_cpu_s + cycle.background_cpu_s;
  double seconds = count * (cycle.end_s - cycle.begin_s);
  const struct sim_work work = {.assist_ns = model_ns(count * gc_s),
                                .idle_ns = model_ns(count * cycle.idle_cpu_s),
                                .duration_ns = model_ns(seconds)};
  sim_driver_mark(&program.heap.driver, &work);
  program.clock_s += seconds;
}

enum model_status model_settle(int steps) {
  model_begin(1, 1);
  enum model_status status = model_warm(steps);
  double fill = cycle.limiter_fill;
  if (status == MODEL_CYCLE_ENDED) status = model_next(steps);
  if (status != MODEL_CYCLE_ENDED || !(cycle.limiter_fill > fill)) return status;
  model_fill_bucket(fill);
  return model_warm(steps);
}

/* The totals, but for what the page asks of them beside. */
static void model_count(const struct sim_result *result) {
  totals = (struct model_totals){
      .cycles = (double)result->cycles,
      .seconds = result->seconds,
      .gc_cpu_s = result->gc_cpu_seconds,
      .assist_cpu_s = result->assist_cpu_seconds,
      .gc_share = gaiti_pacer_cpu_share(result->gc_cpu_seconds, result->seconds, model_cpus()),
      .peak_bytes = result->peak_heap_bytes,
      .mark_s = result->mark_seconds,
      .over_goal = result->peak_over_goal_max,
      .unreachable = (double)result->unreachable_cycles,
  };
}

void model_measure(int points, int steps) {
  struct sim_heap *heap = &program.heap;
  struct sim_run run = {.program = &model_program,
                        .heap = heap,
                        .steps = {.parts = steps < 1 ? 1 : steps},
                        .most_cycles = points > 1 ? __builtin_inf() : MODEL_MEASURED_CYCLES};
  if (points > 1)
    model_begin(points, 0);
  else if (model_settle(steps) != MODEL_CYCLE_ENDED)
    run.most_cycles = 0;
  struct sim_result result;
  model_prepare();
  sim_run(&run, &result);
  model_count(&result);
  totals.unbounded = points <= 1 && totals.cycles < MODEL_MEASURED_CYCLES;
  double held = (double)heap->driver.now.heap_live_bytes;
  if (held > totals.peak_bytes) totals.peak_bytes = held;
}

/* ---- What the other side reads ---- */

#define MODEL_NAME(name) #name ","

struct model_settings *model_settings(void) {
  return &settings;
}
struct model_point *model_track(void) {
  return track;
}
struct model_cycle *model_cycle(void) {
  return &cycle;
}
const struct model_totals *model_totals(void) {
  return &totals;
}
const char *model_settings_names(void) {
  return MODEL_SETTINGS(MODEL_NAME);
}
const char *model_point_names(void) {
  return MODEL_POINT(MODEL_NAME);
}
const char *model_cycle_names(void) {
  return MODEL_CYCLE(MODEL_NAME);
}
const char *model_totals_names(void) {
  return MODEL_TOTALS(MODEL_NAME);
}

const double *model_proposals(void) {
  return proposals;
}
int model_rules(void) {
  return GAITI_PACER_RULES;
}
const char *model_rule_name(int rule) {
  return gaiti_pacer_rule_name((enum gaiti_pacer_rule)rule);
}
const char *model_rule_sentence(int rule) {
  return gaiti_pacer_rule_sentence((enum gaiti_pacer_rule)rule);
}
const char *model_bound_name(int bound) {
  return gaiti_pacer_trigger_bound_name((enum gaiti_pacer_trigger_bound)bound);
}

/* ---- Sentences ---- */

/* The CPU time that all cycles take, of what was offered since the cycle before ended. */
static double model_gc_share(void) {
  return gaiti_pacer_cpu_share(cycle.assist_cpu_s + cycle.background_cpu_s,
                               cycle.end_s - cycle.begin_s, model_cpus());
}

static void model_take(struct explain_cycle *taken) {
  taken->bound = (int)cycle.trigger_bound;
  taken->rule = (int)cycle.end_rule;
  taken->gogc_percent = settings.gc_percent;
  taken->limit_bytes = settings.memory_limit_bytes < model_most_bytes ? settings.memory_limit_bytes
                                                                      : __builtin_inf();
  taken->background_share = program.config.background_share;
  taken->cpu_cap = program.config.cpu_cap;
  taken->cpus = model_cpus();
  taken->counted_bytes = cycle.marked_before_bytes;
  taken->growth_goal_bytes = cycle.growth_goal_bytes;
  taken->planned_goal_bytes = cycle.goal_bytes;
  taken->trigger_bytes = cycle.trigger_bytes;
  taken->goal_bytes = cycle.end_goal_bytes;
  taken->runway_bytes = cycle.runway_bytes;
  taken->expected_work_bytes = cycle.expected_work_bytes;
  taken->overhead_bytes = cycle.overhead_bytes;
  taken->at_trigger_bytes = cycle.start_bytes;
  taken->peak_bytes = cycle.peak_bytes;
  taken->work_bytes = cycle.work_bytes;
  taken->mark_seconds = cycle.end_s - cycle.start_s;
  taken->assist_seconds = cycle.owed_cpu_s;
  taken->background_seconds = cycle.background_cpu_s;
  taken->gc_cpu_share = model_gc_share();
}

const char *model_why(double number, int ran) {
  struct explain_cycle taken = {.number = number,
                                .ran = ran != 0,
                                .limiter_on = cycle.limiting != 0,
                                .limit_unreachable = cycle.limit_unreachable != 0,
                                .grain_bytes = 1024};
  model_take(&taken);
  if (!ran) taken.rule = (int)cycle.rule;
  explain_cycle(&taken, &explanation);
  return explanation.why;
}

const char *model_outcome(void) {
  return explanation.outcome;
}
