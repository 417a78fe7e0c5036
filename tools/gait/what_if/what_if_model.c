/* Runs the recovered program under the real pacer, a cycle at a time.
 *
 * Each cycle starts at the pacer's trigger; what it finds live, what it costs and what is allocated
 * meanwhile come from the program at that clock, and the pacer is told as the collector would tell
 * it.  Go plans for the largest of five cons/mark ratios where our pacer plans for less, so the
 * pacer is told the largest.
 *
 * One such run is one possible history: a cycle that comes a little earlier may see a short rise of
 * the live heap that another misses.  So the run is repeated with shifted starts, and the spread of
 * the outcomes goes into the range, beside what the method itself has been measured to miss. */
#include "what_if_model.h"

#include <math.h>
#include <stdlib.h>

#include "sim_driver.h"
#include "sim_mark.h"

#define MODEL_CYCLES_LEAST  20000u
#define MODEL_CYCLES_FACTOR 20u
#define MODEL_HISTORIES     91
#define MODEL_LEAST_BYTES   65536.0
#define MODEL_MOST_BYTES    1e18
#define MODEL_SHIFT         0.08
#define MODEL_RATIOS        5
#define MODEL_LEAK_MOST     4

/* What a recording does not show, and histories differ in; shares of 1. */
struct model_chance {
  double overhead; /* bytes under a memory limit that are not for the heap */
  double holes;    /* and that share of what the last cycle freed */
  double shift;    /* of the first cycles' starts, as a share of their way */
  double fall;     /* where between two cycles a live heap falls that grew before */
  double tail;     /* how much of a last stretch the program lived */
};

struct model_history {
  const struct what_if_program *program;
  struct sim_driver driver;
  double processors;
  double ratios[MODEL_RATIOS]; /* marking CPU a byte of allocation, newest first */
  double clock;                /* bytes allocated */
  double start_clock;          /* when the last cycle started */
  double marked;
  double last_live; /* that the last cycle found */
  double real;      /* how much of the heap's growth is allocation, in this cycle */
  double end_clock; /* bytes allocated when the program ends */
  struct model_chance chance;
  double seconds;
  size_t cycles;
};

struct model_outcome {
  double cycles, gc_cpu, idle_cpu, assist_cpu, peak, seconds;
  bool unreachable;
};

/* One cycle as it is simulated. */
struct model_mark {
  struct what_if_point like;
  double free_seconds; /* before it, since the last */
  double trigger, goal, live, black, cpu, assist, background, idle, seconds;
};

static struct gaiti_pacer_config model_config(const struct setting *setting,
                                              enum recording_system system) {
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  if (system == RECORDING_GAIT) gaiti_pacer_config_rely(&config);
  setting_configure(setting, &config);
  return config;
}

static void model_begin(struct model_history *history, const struct what_if_program *program,
                        const struct setting *setting, const struct model_chance *chance) {
  struct gaiti_pacer_config config = model_config(setting, program->system);
  *history = (struct model_history){.program = program, .chance = *chance};
  history->end_clock = program->end_clock + chance->tail * program->tail_bytes;
  history->processors = setting->processors > 0 ? setting->processors : program->processors;
  sim_driver_init(&history->driver, &config, history->processors);
  history->driver.now.overhead_bytes = (int64_t)chance->overhead;
}

/* How much of what the heap seems to grow by, from `from` to `to`, is allocated. */
static double model_real(const struct what_if_program *program, double from, double to) {
  return 1 - fmin(program->constants.span_waste * to / fmax(to - from, 1), 0.5);
}

/* Goes to where the next cycle starts.  False when the program ends before. */
static bool model_advance(struct model_history *history, struct model_mark *mark) {
  struct gaiti_pacer_decision decision;
  const struct what_if_program *program = history->program;
  sim_driver_decide(&history->driver, &decision);
  mark->trigger = fmax((double)decision.trigger_bytes, history->marked);
  mark->goal = (double)decision.goal_bytes;
  if (mark->trigger > MODEL_MOST_BYTES) return false;
  if (history->cycles == 0) mark->trigger = fmax(mark->trigger, program->first_bytes);
  if (history->cycles < 4)
    mark->trigger -= (mark->trigger - history->marked) * history->chance.shift;
  history->real = model_real(program, history->marked, fmax(mark->trigger, mark->goal));
  double start = history->clock + (mark->trigger - history->marked) * history->real;
  double jump = what_if_program_jump(program, start);
  start += jump;
  mark->trigger += jump;
  if (start > history->end_clock) return false;
  mark->like = what_if_program_between(program, history->start_clock, start);
  mark->free_seconds =
      mark->like.free_rate > 0 ? (start - history->clock) / mark->like.free_rate : 0;
  history->seconds += mark->free_seconds;
  history->clock = history->start_clock = start;
  history->driver.now.stack_bytes = (int64_t)mark->like.roots_bytes;
  sim_driver_pass(&history->driver, sim_mark_ns(mark->free_seconds));
  sim_driver_start(&history->driver, (int64_t)mark->trigger,
                   (int64_t)(mark->trigger - history->marked));
  return true;
}

/* Odds of a mutator to assist that follow from what workers alone would let it allocate, `over` the
 * room: none while it is less. */
static double model_need(double over, double workers) {
  return fmax(over - 1, 0) * workers / (1 + workers);
}

/* The share of the mutators' time that assists take when workers alone would let them allocate
 * `over` times the room to the goal. */
static double model_pressure(const struct what_if_point *like, double over) {
  double recorded = like->black_bytes * like->help / like->room_bytes;
  double odds = like->pressure / (1 - like->pressure);
  double leak = fmax(odds - model_need(recorded, like->workers), 0);
  double more = recorded > 0 ? fmin(over / recorded, MODEL_LEAK_MOST) : 1;
  odds = leak * more + model_need(over, like->workers);
  return odds / (1 + odds);
}

/* Bytes that may be allocated while marking.  Go expects as much work as the last cycle had; for
 * what is found beyond it, it sets the goal further off, as the whole heap is to what it expected.
 */
static double model_room(const struct model_history *history, const struct model_mark *mark) {
  if (history->driver.now.limiting) return MODEL_MOST_BYTES;
  double room = fmax(mark->goal - mark->trigger, MODEL_LEAST_BYTES);
  if (history->program->system != RECORDING_GO || mark->live <= history->last_live) return room;
  double expected = fmax(history->last_live, mark->trigger / 2);
  double beyond = fmax(1 - expected / mark->live, 0);
  return room * (1 + beyond * (mark->trigger / expected - 1));
}

/* What marking takes and what is allocated meanwhile. */
static void model_measure(const struct model_history *history, struct model_mark *mark) {
  const struct what_if_program *program = history->program;
  const struct what_if_point *like = &mark->like;
  mark->live =
      fmax(what_if_program_live(program, history->clock, history->chance.fall), MODEL_LEAST_BYTES);
  double spread = fmax(mark->trigger / mark->live, 1);
  mark->cpu = like->cost * mark->live * pow(spread, program->constants.spread_cost);
  double scale = like->black_cpu > 0 ? mark->cpu / like->black_cpu : 1;
  double slower =
      pow(spread / like->spread, program->constants.spread_black - program->constants.spread_cost);
  double parallel = program->processors / history->processors;
  double alone_black = like->black_bytes * like->help * scale * slower * parallel;
  double room = model_room(history, mark);
  double pressure = model_pressure(like, alone_black / room);
  double alone = like->workers / (like->workers + pressure); /* the workers' part */
  mark->black = fmin(alone_black * alone * (1 - pressure) / history->real, room);
  mark->assist = mark->cpu * (1 - alone);
  mark->background = mark->cpu * alone * like->back_share;
  mark->idle = mark->cpu - mark->assist - mark->background;
  mark->seconds = mark->cpu * alone * like->mark_per_cpu * parallel;
}

/* What the pacer should take for idle marking, so that it measures what Go would plan for: the
 * largest of five ratios, which is the mean of the last ones here times what noise adds to that. */
static double model_idle_for_pacer(struct model_history *history, const struct model_mark *mark) {
  double cpu = mark->seconds * history->processors;
  double used = cpu > 0 ? fmin(0.25 + mark->assist / cpu, 0.95) : 0.25;
  double marking = used + (cpu > 0 ? mark->idle / cpu : 0);
  double ratio = mark->black * marking / (mark->live * (1 - used)), sum = 0;
  for (int i = MODEL_RATIOS - 1; i > 0; i--)
    history->ratios[i] = history->ratios[i - 1];
  history->ratios[0] = ratio;
  if (history->program->system != RECORDING_GO || !(ratio > 0)) return mark->idle;
  size_t known = history->cycles + 1 < MODEL_RATIOS ? history->cycles + 1 : MODEL_RATIOS;
  for (size_t i = 0; i < known; i++)
    sum += history->ratios[i];
  double surge = (history->program->surge - 1) * (double)(known - 1) / (MODEL_RATIOS - 1) + 1;
  double wanted = marking * (sum / (double)known) / ratio * surge;
  return fmax(wanted - used, 0) * cpu;
}

/* Tells the pacer of the mark and of its end, as the collector does. */
static void model_end_cycle(struct model_history *history, const struct model_mark *mark) {
  struct sim_driver *driver = &history->driver;
  const struct sim_work work = {
      .heap_bytes = (int64_t)mark->live,
      .stack_bytes = driver->now.stack_bytes,
      .allocated_bytes = (int64_t)mark->black,
      .scannable_bytes = (int64_t)mark->black,
      .assist_ns = sim_mark_ns(mark->assist),
      .idle_ns = sim_mark_ns(mark->idle),
      .duration_ns = sim_mark_ns(mark->seconds),
  };
  sim_driver_mark(driver, &work);
  history->marked = mark->live + mark->black * history->real;
  if (history->chance.overhead > 0) {
    double freed = mark->trigger + mark->black - history->marked;
    driver->now.overhead_bytes =
        (int64_t)(history->chance.overhead + history->chance.holes * fmax(freed, 0));
  }
  bool go = history->program->system == RECORDING_GO;
  const struct gaiti_pacer_cycle cycle = {
      .marked_bytes = (int64_t)history->marked,
      .black_bytes = go ? 0 : work.allocated_bytes,
      .duration_ns = work.duration_ns,
      .assist_ns = work.assist_ns,
      .background_ns = go ? -1 : sim_mark_ns(mark->background),
      .idle_ns = sim_mark_ns(model_idle_for_pacer(history, mark)),
      .processors = history->processors,
  };
  sim_driver_end(driver, &cycle);
  history->seconds += mark->seconds;
  history->clock += mark->black * history->real;
  history->last_live = mark->live;
  history->cycles++;
}

/* So many are simulated; what comes after is taken to go on like them. */
static size_t model_most_cycles(const struct what_if_program *program) {
  size_t most = MODEL_CYCLES_FACTOR * program->count;
  return most < MODEL_CYCLES_LEAST ? MODEL_CYCLES_LEAST : most;
}

/* Adds what the cycles that were not simulated would have taken. */
static void model_extrapolate(const struct model_history *history, struct model_outcome *outcome) {
  double factor = fmax(history->end_clock / fmax(history->clock, 1), 1);
  outcome->cycles *= factor;
  outcome->gc_cpu *= factor;
  outcome->idle_cpu *= factor;
  outcome->assist_cpu *= factor;
  outcome->seconds *= factor;
}

static struct model_outcome model_run(const struct what_if_program *program,
                                      const struct setting *setting,
                                      const struct model_chance *chance) {
  struct model_history history;
  struct model_outcome outcome = {0};
  struct model_mark mark = {0};
  size_t most = model_most_cycles(program);
  model_begin(&history, program, setting, chance);
  while (history.cycles < most && model_advance(&history, &mark)) {
    model_measure(&history, &mark);
    model_end_cycle(&history, &mark);
    outcome.peak = fmax(outcome.peak, mark.trigger + mark.black);
    outcome.gc_cpu += mark.assist + mark.background;
    outcome.idle_cpu += mark.idle;
    outcome.assist_cpu += mark.assist;
    struct gaiti_pacer_decision decision;
    sim_driver_decide(&history.driver, &decision);
    outcome.unreachable |= decision.limit_unreachable;
  }
  outcome.cycles = (double)history.cycles;
  outcome.seconds = history.seconds;
  if (history.cycles == most) model_extrapolate(&history, &outcome);
  if (history.cycles == 0) outcome.peak = history.end_clock;
  return outcome;
}

/* ---- Ranges ---- */

static int model_compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* By how much a range may reach below and above its estimate, as factors. */
struct model_cut {
  double below, above;
};

/* Under a memory limit anything is possible, and a range that said so would say nothing: there it
 * is cut to a factor of two.  More of it is above for cycles and what they cost, where a fragmented
 * heap leads. */
static const struct model_cut model_cuts[] = {{INFINITY, INFINITY}, {1.41, 1.41}, {1.28, 1.56}};
enum { MODEL_UNCUT, MODEL_LIMITED, MODEL_LIMITED_MORE };

/* Of sorted values, which may lie in two heaps, the one that is least wrong on average as a share
 * of what comes true: each counts by its inverse. */
static double model_middle(const double *values) {
  double whole = 0, sum = 0;
  for (int i = 0; i < MODEL_HISTORIES; i++) {
    if (!(values[i] > 0)) return values[MODEL_HISTORIES / 2];
    whole += 1 / values[i];
  }
  int middle = 0;
  for (; middle < MODEL_HISTORIES - 1; middle++) {
    sum += 1 / values[middle];
    if (sum >= whole / 2) break;
  }
  return values[middle];
}

/* The estimate is the middle of `values`; the range reaches over all of them and `margin` more. */
static struct what_if_range model_range(double *values, double margin, int cut) {
  qsort(values, MODEL_HISTORIES, sizeof *values, model_compare);
  double estimate = model_middle(values);
  struct what_if_range range = {
      .estimate = estimate,
      .low = fmax(values[0] / (1 + margin), estimate / model_cuts[cut].below),
      .high = values[MODEL_HISTORIES - 1] * (1 + margin)};
  if (cut != MODEL_UNCUT) range.high = fmin(range.high, estimate * model_cuts[cut].above);
  return range;
}

struct model_spread {
  double cycles[MODEL_HISTORIES], gc_cpu[MODEL_HISTORIES], idle_cpu[MODEL_HISTORIES];
  double peak[MODEL_HISTORIES], assist[MODEL_HISTORIES], share[MODEL_HISTORIES];
};

static void model_collect(struct model_spread *spread, int i, const struct model_outcome *outcome,
                          double processors) {
  spread->cycles[i] = outcome->cycles;
  spread->gc_cpu[i] = outcome->gc_cpu;
  spread->idle_cpu[i] = outcome->idle_cpu;
  spread->peak[i] = outcome->peak;
  spread->assist[i] = gaiti_pacer_cpu_share(outcome->assist_cpu, outcome->seconds, processors);
  spread->share[i] = gaiti_pacer_cpu_share(outcome->gc_cpu, outcome->seconds, processors);
}

/* Places spread evenly over 0 .. 1, in another order for each `stride`. */
static double model_place(int i, int stride) {
  return (i * stride % MODEL_HISTORIES + 0.5) / MODEL_HISTORIES;
}

void what_if_predict(const struct what_if_program *program, const struct setting *setting,
                     struct what_if_prediction *prediction) {
  struct model_spread spread;
  const struct what_if_constants *constants = &program->constants;
  double processors = setting->processors > 0 ? setting->processors : program->processors;
  bool limited = setting->memory_limit_bytes != SETTING_OFF;
  double overhead = limited ? constants->overhead_bytes +
                                  constants->overhead_share * (double)setting->memory_limit_bytes
                            : 0;
  *prediction = (struct what_if_prediction){0};
  for (int i = 0; i < MODEL_HISTORIES; i++) {
    double place = model_place(i, 1) * 2 - 1; /* -1 .. 1 */
    struct model_chance chance = {.overhead = overhead * (1 + place / 3),
                                  .holes = constants->holes_share * (1 + place),
                                  .shift = place * MODEL_SHIFT,
                                  .fall = model_place(i, 11),
                                  .tail = model_place(i, 17)};
    struct model_outcome outcome = model_run(program, setting, &chance);
    if (i == MODEL_HISTORIES / 2) prediction->limit_unreachable = outcome.unreachable;
    model_collect(&spread, i, &outcome, processors);
  }
  int cut = limited ? MODEL_LIMITED : MODEL_UNCUT;
  int more = limited ? MODEL_LIMITED_MORE : MODEL_UNCUT;
  prediction->cycles = model_range(spread.cycles, 0.12, more);
  prediction->cycles.high = fmax(prediction->cycles.high, prediction->cycles.estimate + 1);
  prediction->cycles.low = fmin(prediction->cycles.low, fmax(prediction->cycles.estimate - 1, 0));
  if (limited) prediction->cycles.low = fmax(prediction->cycles.low, prediction->cycles.high / 2);
  prediction->gc_cpu_seconds = model_range(spread.gc_cpu, limited ? 0.5 : 0.35, more);
  prediction->idle_cpu_seconds = model_range(spread.idle_cpu, 0.25, cut);
  prediction->peak_heap_bytes = model_range(spread.peak, 0.12, cut);
  prediction->assist_share = model_range(spread.assist, 0.30, cut);
  prediction->gc_cpu_share = model_range(spread.share, 0.20, cut);
}
