/* A recovered program as a program of the simulator.
 *
 * Its clock is bytes allocated.  What is live, what marking that takes and what is allocated
 * meanwhile come from the recorded cycles around that clock; rates for the simulator follow from
 * them as docs/design/what-if.md says.  Go plans for the largest of five cons/mark ratios where our
 * pacer plans for less, so the pacer is told the largest. */
#include "what_if_history.h"

#include <math.h>

#define HISTORY_CYCLES_LEAST  5000u
#define HISTORY_CYCLES_FACTOR 20u
#define HISTORY_LEAST_BYTES   65536.0
#define HISTORY_LEAST_CPU     1e-10 /* seconds a mark: less than a nanosecond is none */
#define HISTORY_SHIFTED       4u    /* so many cycles start by chance */
#define HISTORY_YOUNG         0.25  /* the option's default */
#define HISTORY_RATIOS        5
#define HISTORY_EARLY_MOST    4
#define HISTORY_FRESH         0.3 /* of what is allocated beside holes, in new spans */
#define HISTORY_TRIGGER       0.7 /* of the way to the goal, Go's earliest trigger */

struct history {
  const struct what_if_program *program;
  const struct what_if_chance *chance;
  struct sim_heap heap;
  double ratios[HISTORY_RATIOS]; /* marking CPU a byte of allocation, newest first */
  double clock;                  /* bytes allocated, */
  double start_clock;            /* when the last cycle started, */
  double last_start_clock;       /* and the one before, */
  double end_clock;              /* and when the program ends */
  double real;                   /* how much of the heap's growth is allocation, in this cycle */
  double spans_bytes;            /* in spans that stay in use: the largest heap so far */
  struct what_if_point like;     /* the recorded cycles around it */
  unsigned cycles;
};

/* ---- Between cycles ---- */

/* How much of what the heap seems to grow by, from `from` to `to`, is allocated. */
static double history_real(const struct what_if_program *program, double from, double to) {
  return 1 - fmin(program->constants.span_waste * to / fmax(to - from, 1), 0.5);
}

/* Up to the clock `to`. */
static struct sim_stretch history_run_to(struct history *history, double to) {
  double bytes = to - history->clock;
  history->like = what_if_program_between(history->program, history->start_clock, to);
  double rate = history->like.free_rate;
  history->clock = to;
  return (struct sim_stretch){bytes / history->real, rate > 0 ? bytes / rate : 0};
}

static bool history_run(void *self, const struct gaiti_pacer_decision *decision, double bytes,
                        struct sim_stretch *ran) {
  struct history *history = self;
  const struct what_if_program *program = history->program;
  double marked = (double)history->heap.marked_bytes;
  if (history->cycles == 0) bytes = fmax(bytes, program->first_bytes * history->heap.way);
  history->real = history_real(program, marked, fmax(marked + bytes, (double)decision->goal_bytes));
  double start = history->clock + bytes * history->real;
  double jump = isfinite(bytes) ? what_if_program_jump(program, start) : 0;
  bool comes = start + jump <= history->end_clock;
  *ran = history_run_to(history, comes ? start + jump : history->end_clock);
  if (comes) {
    ran->bytes = bytes + jump;
    history->last_start_clock = history->start_clock;
    history->start_clock = history->clock;
  }
  return comes;
}

/* ---- While a cycle marks ---- */

static void history_pass(void *self, double bytes, double seconds) {
  struct history *history = self;
  (void)seconds;
  history->clock += bytes * history->real;
}

/* Odds of a mutator to assist that follow from what workers alone would let it allocate, `over` the
 * room: none while it is less. */
static double history_need(double over, double workers) {
  return fmax(over - 1, 0) * workers / (1 + workers);
}

/* Assists that the recording shows beyond need go with what workers alone would let mutators
 * allocate, over the room: `per_ratio` of that is there for each byte of the assist ratio. */
static void history_early(const struct history *history, double per_ratio,
                          struct sim_rates *rates) {
  const struct what_if_point *like = &history->like;
  double recorded = like->black_bytes * like->help / like->room_bytes / history->real;
  double odds = like->pressure / (1 - like->pressure);
  double early = fmax(odds - history_need(recorded, like->workers), 0);
  rates->early = recorded > 0 ? early / recorded * per_ratio : early;
  rates->early_most = recorded > 0 ? early * HISTORY_EARLY_MOST : early;
}

/* A young cycle traces what survives of the new objects alone, costs by how much was allocated, and
 * finds all that is old beside. */
static bool history_is_young(const struct history *history) {
  return history->heap.driver.pacer.next.young;
}

static double history_allocated(const struct history *history) {
  return fmax(history->start_clock - history->last_start_clock, 0);
}

static double history_survivors(const struct history *history) {
  return history->like.survival * history_allocated(history);
}

static double history_found(const struct history *history, double live) {
  if (!history_is_young(history)) return live;
  return fmax(live, (double)history->heap.marked_bytes + history_survivors(history));
}

/* CPU seconds that a full cycle takes. */
static double history_cost(const struct history *history, double live, double spread) {
  const struct what_if_point *like = &history->like;
  double cpu = like->cost * live * pow(spread, history->program->constants.spread_cost);
  return fmax(cpu * history->chance->cost, HISTORY_LEAST_CPU);
}

/* What a young cycle has to do, in place of a full one. */
static void history_young(const struct history *history, struct sim_moment *moment) {
  double survivors = fmin(history_survivors(history), moment->live_bytes);
  double cpu = history->like.young_cost * history_allocated(history) * history->chance->cost;
  moment->rates.scannable = survivors / moment->live_bytes;
  moment->rates.mark = (survivors + moment->roots_bytes + 1) / fmax(cpu, HISTORY_LEAST_CPU);
}

static void history_look(void *self, double heap_bytes, struct sim_moment *moment) {
  const struct history *history = self;
  const struct what_if_program *program = history->program;
  const struct what_if_constants *constants = &program->constants;
  const struct what_if_point *like = &history->like;
  double live = what_if_program_live(program, history->clock, history->chance->fall);
  live = fmax(live, HISTORY_LEAST_BYTES);
  double spread = fmax(heap_bytes / live, 1), work = live + like->roots_bytes;
  double cpu = history_cost(history, live, spread);
  double scale = like->black_cpu > 0 ? cpu / like->black_cpu : 1;
  double slower = pow(spread / like->spread, constants->spread_black - constants->spread_cost);
  /* By mutators, for each second of CPU that marks, had workers marked alone. */
  double black = like->black_bytes * like->help * scale * slower / history->real;
  double workers = like->workers / (1 + like->workers); /* of all CPUs */
  double parallel = program->cpus / history->heap.driver.limiter.cpus;
  moment->live_bytes = history_found(history, live);
  moment->roots_bytes = like->roots_bytes;
  moment->rates = (struct sim_rates){
      .alloc = black * like->workers / cpu * parallel,
      .scannable = 1,
      .mark = work / cpu,
      .background = workers * like->back_share,
      .least = workers * like->back_share,
      .idle = workers * (1 - like->back_share),
      .busy = 1,
  };
  history_early(history, black * parallel / work, &moment->rates);
  if (history_is_young(history)) history_young(history, moment);
}

/* ---- At the end of a mark ---- */

/* What the pacer should take for idle marking, so that it measures what Go would plan for: the
 * largest of five ratios, which is the mean of the last ones here times what noise adds to that. */
static int64_t history_idle_ns(struct history *history, const struct sim_work *done) {
  double cpu = (double)done->duration_ns * history->heap.driver.limiter.cpus, sum = 0;
  double used = cpu > 0 ? fmin(0.25 + (double)done->assist_ns / cpu, 0.95) : 0.25;
  double marking = used + (cpu > 0 ? (double)done->idle_ns / cpu : 0);
  double work = (double)done->heap_bytes;
  double ratio = (double)done->allocated_bytes * marking / (work * (1 - used));
  for (int i = HISTORY_RATIOS - 1; i > 0; i--)
    history->ratios[i] = history->ratios[i - 1];
  history->ratios[0] = ratio;
  if (!(ratio > 0)) return done->idle_ns;
  unsigned known = history->cycles + 1 < HISTORY_RATIOS ? history->cycles + 1 : HISTORY_RATIOS;
  for (unsigned i = 0; i < known; i++)
    sum += history->ratios[i];
  double surge = (history->program->surge - 1) * (known - 1) / (HISTORY_RATIOS - 1) + 1;
  double wanted = marking * (sum / known) / ratio * surge;
  return sim_mark_ns(fmax(wanted - used, 0) * cpu);
}

/* Memory under the limit that the heap cannot have.  Live objects in a span keep it in use, and the
 * holes beside them count against the limit until they are filled, which other sizes of objects
 * never do.  Go starts a cycle at the latest when what is not in use is used up: at 7/10 of the way
 * to its goal, which moves off by what fills holes, so 10/3 of that is room. */
static double history_overhead(struct history *history, const struct sim_collection *collection,
                               double marked) {
  double overhead = history->chance->overhead, peak = (double)collection->peak_bytes;
  double most = (double)history->heap.driver.pacer.config.memory_limit_bytes - overhead;
  double fresh = (peak - marked) * (1 - history->chance->fill) * HISTORY_FRESH;
  if (collection->begun.rule < GAITI_PACER_RULE_MEMORY_LIMIT) fresh = 0;
  history->spans_bytes = fmax(fmin(history->spans_bytes + fresh, most), peak);
  double room = fmax(most - marked, 0), unused = fmax(most - history->spans_bytes, 0);
  double filled = fmax(history->chance->fill * room, unused / (1 - HISTORY_TRIGGER));
  return overhead + fmax(room - filled, 0);
}

static void history_tell(void *self, const struct sim_collection *collection,
                         struct gaiti_pacer_cycle *cycle) {
  struct history *history = self;
  const struct sim_mark *mark = &collection->mark;
  double black = (double)mark->done.allocated_bytes * history->real;
  cycle->marked_bytes = (int64_t)(collection->live_bytes + black);
  if (history->chance->overhead > 0) {
    history->heap.driver.now.overhead_bytes =
        (int64_t)history_overhead(history, collection, (double)cycle->marked_bytes);
  }
  if (history->program->system == RECORDING_GO) {
    cycle->black_bytes = 0;
    cycle->idle_ns = history_idle_ns(history, &mark->done);
  } else {
    cycle->background_ns = sim_mark_ns(mark->background_ns);
  }
  if (history->like.survival < 1)
    gaiti_pacer_learn_survival(&history->heap.driver.pacer, (int64_t)history_allocated(history),
                               (int64_t)history_survivors(history));
  cycle->young = history_is_young(history);
  cycle->remembered = history->heap.driver.pacer.next.remember || collection->begun.remember;
  history->cycles++;
  history->heap.way = history->cycles < HISTORY_SHIFTED ? 1 - history->chance->shift : 1;
}

/* ---- The whole ---- */

static struct gaiti_pacer_config history_config(const struct setting *setting,
                                                const struct what_if_program *program) {
  enum recording_system system = program->system;
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  if (system == RECORDING_GAIT) gaiti_pacer_config_rely(&config);
  config.young_survival = program->young ? HISTORY_YOUNG : 0;
  setting_configure(setting, &config);
  return config;
}

/* So many are simulated; what comes after is taken to go on like them. */
static unsigned history_most_cycles(const struct what_if_program *program) {
  unsigned most = HISTORY_CYCLES_FACTOR * (unsigned)program->count;
  return most < HISTORY_CYCLES_LEAST ? HISTORY_CYCLES_LEAST : most;
}

/* Adds what the cycles that were not simulated would have taken. */
static void history_extrapolate(const struct history *history, struct sim_result *result) {
  double factor = fmax(history->end_clock / fmax(history->clock, 1), 1);
  result->cycles = (uint64_t)((double)result->cycles * factor);
  result->gc_cpu_seconds *= factor;
  result->idle_cpu_seconds *= factor;
  result->assist_cpu_seconds *= factor;
  result->seconds *= factor;
}

void what_if_history_run(const struct what_if_program *program, const struct setting *setting,
                         const struct what_if_chance *chance, struct sim_result *result) {
  struct gaiti_pacer_config config = history_config(setting, program);
  struct history history = {.program = program, .chance = chance};
  const struct sim_program self = {&history, history_run, history_pass, history_look, history_tell};
  const struct sim_run run = {
      .program = &self,
      .heap = &history.heap,
      .most_cycles = history_most_cycles(program),
  };
  sim_heap_init(&history.heap, &config, setting_cpus(setting, program->cpus));
  history.end_clock = program->end_clock + chance->tail * program->tail_bytes;
  history.heap.driver.now.overhead_bytes = (int64_t)chance->overhead;
  history.heap.way = 1 - chance->shift;
  sim_run(&run, result);
  if ((double)result->cycles >= run.most_cycles) history_extrapolate(&history, result);
}
