/* One point of the law: what the collector did, and what the simulator says that it should do.
 *
 * Steady is what lies behind the warm-up.  A run starts with an empty heap; cycles that start
 * before as much has been allocated as is to be live find less, so they do not count.  Nor do the
 * next three, in which the pacer still plans by what it measured while the live set grew.
 *
 * Allocation is not counted by the heap, it follows from the records: what the heap grew by from
 * what one cycle found live to where the next one started, and from there to its end.
 *
 * Live is what the program could reach when a cycle started.  New objects are black while a cycle
 * marks, so `marked` counts what was allocated meanwhile as live, and GOGC gives room for that too.
 *
 * The simulator is told what it cannot know: how fast marking was, what share of it idle CPUs
 * did, how much of the live heap has to be scanned, the rate, and by how much the barrier and
 * marking beside it slow allocation down.  What a cycle costs the program in rate, the workload,
 * which keeps to a clock, makes up for in between.  So the simulator's rate between marks is raised
 * until its mean is the rate. */
#include "law_point.h"

#include <math.h>
#include <stdlib.h>

#include "pacer.h"
#include "run/runs.h"
#include "sim_description.h"

#define LAW_WARM_UP       3 /* cycles after the live set is whole */
#define LAW_SHARE_LEAST   0.01
#define LAW_SIM_WARM_UP   4000u
#define LAW_SIM_CYCLES    64u
#define LAW_SIM_ROUNDS    8    /* of finding the rate between marks */
#define LAW_CPU_LEAST     1e-6 /* seconds a cycle: less is not measured */
#define LAW_GROWTH_MARGIN 1.15 /* intervals are longer than the formula's by black bytes */

double law_point_formula(const struct law_point *point, double rate) {
  return (double)point->gogc_percent / 100 * point->live_bytes / rate;
}

double law_point_total(const struct law_point *point, size_t cycles) {
  double growth = law_point_formula(point, 1) * LAW_GROWTH_MARGIN;
  return point->live_bytes + (double)(cycles + LAW_WARM_UP + 1) * growth;
}

/* ---- Adding up ---- */

/* One cycle, real or simulated. */
struct law_cycle {
  double start_seconds;
  double allocated_bytes; /* since the program began, when the cycle started */
  double trigger_bytes, peak_bytes, goal_bytes;
  double gc_seconds, idle_seconds; /* of CPU */
  double assist_seconds;           /* a part of gc_seconds */
  double mark_seconds;             /* by the clock */
};

struct law_sums {
  struct law_cycle first, last;
  size_t cycles;
  double squares; /* of intervals */
  double gc_seconds, idle_seconds, assist_seconds, mark_seconds, peak_over_goal, black_bytes;
};

static void law_add(struct law_sums *sums, struct law_steady *steady,
                    const struct law_cycle *cycle) {
  double over = cycle->peak_bytes / cycle->goal_bytes;
  if (sums->cycles == 0) {
    sums->first = *cycle;
    *steady = (struct law_steady){
        .interval_min_seconds = INFINITY, .peak_over_goal_min = over, .peak_over_goal_max = over};
  } else {
    double interval = cycle->start_seconds - sums->last.start_seconds;
    steady->interval_min_seconds = fmin(steady->interval_min_seconds, interval);
    steady->interval_max_seconds = fmax(steady->interval_max_seconds, interval);
    sums->squares += interval * interval;
    sums->gc_seconds += sums->last.gc_seconds;
    sums->idle_seconds += sums->last.idle_seconds;
  }
  steady->peak_over_goal_min = fmin(steady->peak_over_goal_min, over);
  steady->peak_over_goal_max = fmax(steady->peak_over_goal_max, over);
  sums->peak_over_goal += over;
  sums->mark_seconds += cycle->mark_seconds;
  sums->assist_seconds += cycle->assist_seconds;
  sums->black_bytes += cycle->peak_bytes - cycle->trigger_bytes;
  sums->last = *cycle;
  sums->cycles++;
}

static bool law_finish(const struct law_sums *sums, double cpus, struct law_steady *steady) {
  double seconds = sums->last.start_seconds - sums->first.start_seconds;
  double allocated = sums->last.allocated_bytes - sums->first.allocated_bytes;
  if (sums->cycles < 2 || !(seconds > 0) || !(allocated > 0)) return false;
  double count = (double)sums->cycles, intervals = count - 1;
  steady->intervals = sums->cycles - 1;
  steady->interval_seconds = seconds / intervals;
  double variance = sums->squares / intervals - pow(steady->interval_seconds, 2);
  steady->spread = sqrt(fmax(variance, 0)) / steady->interval_seconds;
  steady->gc_cpu_share = gaiti_pacer_cpu_share(sums->gc_seconds, seconds, cpus);
  steady->idle_cpu_share = gaiti_pacer_cpu_share(sums->idle_seconds, seconds, cpus);
  steady->peak_over_goal = sums->peak_over_goal / count;
  steady->mark_seconds = sums->mark_seconds / count;
  steady->black_bytes = sums->black_bytes / count;
  steady->rate = allocated / seconds;
  return true;
}

/* ---- The collector ---- */

static double law_ns(const json_t *record, const char *name) {
  return runs_number(record, name) * 1e-9;
}

static void law_take(const json_t *record, const struct law_cycle *cycle,
                     struct law_collector *collector) {
  double black = cycle->peak_bytes - cycle->trigger_bytes;
  collector->live_bytes += runs_number(record, "marked_bytes") - black;
  collector->scan_bytes += runs_number(record, "scan_bytes");
  collector->roots_bytes += runs_number(record, "root_bytes");
  collector->cpus = runs_number(record, "cpus");
}

bool law_point_collector(const struct law_point *point, const json_t *run,
                         struct law_collector *collector) {
  struct law_sums sums = {0};
  size_t index, whole = 0;
  json_t *record;
  double allocated = 0, marked = 0;
  *collector = (struct law_collector){0};
  json_array_foreach(json_object_get(run, "timeline"), index, record) {
    struct law_cycle cycle = {
        .start_seconds = runs_number(record, "seconds"),
        .trigger_bytes = runs_number(record, "at_trigger_bytes"),
        .peak_bytes = runs_number(record, "at_mark_end_bytes"),
        .goal_bytes = runs_number(record, "goal_bytes"),
        .gc_seconds = law_ns(record, "assist_ns") + law_ns(record, "background_ns") +
                      law_ns(record, "stopped_cpu_ns"),
        .idle_seconds = law_ns(record, "idle_ns"),
        .assist_seconds = law_ns(record, "assist_ns"),
        .mark_seconds = law_ns(record, "mark_ns"),
    };
    cycle.allocated_bytes = allocated + cycle.trigger_bytes - marked;
    allocated = cycle.allocated_bytes + cycle.peak_bytes - cycle.trigger_bytes;
    marked = runs_number(record, "marked_bytes");
    if (cycle.allocated_bytes < point->live_bytes || ++whole <= LAW_WARM_UP) continue;
    law_add(&sums, &collector->steady, &cycle);
    law_take(record, &cycle, collector);
  }
  if (!law_finish(&sums, collector->cpus, &collector->steady)) return false;
  double count = (double)sums.cycles;
  double intervals = (double)collector->steady.intervals;
  double idle_seconds = sums.idle_seconds / intervals;
  double cpu = fmax(sums.gc_seconds / intervals + idle_seconds, LAW_CPU_LEAST);
  double all = fmax(collector->steady.mark_seconds * collector->cpus, LAW_CPU_LEAST);
  collector->live_bytes /= count;
  collector->scan_bytes /= count;
  collector->roots_bytes /= count;
  collector->mark_rate = (collector->scan_bytes + collector->roots_bytes) / cpu;
  collector->idle_share = idle_seconds / all;
  double own = fmax(sums.mark_seconds - sums.assist_seconds, LAW_CPU_LEAST);
  double share = sums.black_bytes / own / collector->steady.rate;
  collector->barrier_share = fmin(fmax(share, LAW_SHARE_LEAST), 1);
  return true;
}

/* ---- The simulator ---- */

struct law_simulation {
  struct law_sums sums;
  struct law_steady *steady;
  double allocated_bytes, marked_bytes;
};

static void law_see(void *context, const struct sim_cycle *seen) {
  struct law_simulation *simulation = context;
  struct law_cycle cycle = {
      .start_seconds = seen->start_seconds,
      .allocated_bytes =
          simulation->allocated_bytes + seen->trigger_bytes - simulation->marked_bytes,
      .trigger_bytes = seen->trigger_bytes,
      .peak_bytes = seen->peak_bytes,
      .goal_bytes = seen->goal_bytes,
      .gc_seconds = seen->assist_seconds + seen->background_seconds,
      .mark_seconds = seen->mark_seconds,
  };
  simulation->allocated_bytes = cycle.allocated_bytes + cycle.peak_bytes - cycle.trigger_bytes;
  simulation->marked_bytes = seen->marked_bytes;
  if (seen->number > LAW_SIM_WARM_UP) law_add(&simulation->sums, simulation->steady, &cycle);
}

static struct sim_description law_program(const struct law_point *point,
                                          const gait_options *options,
                                          const struct law_collector *collector) {
  static char name[] = "law";
  double background = (double)options->background_percent / 100;
  struct sim_description program = {
      .name = name,
      .mark_rate = collector->mark_rate,
      .cpus = collector->cpus,
      .threads = 1,
      .barrier_share = collector->barrier_share,
      .background_share = background,
      .idle_share = fmin(collector->idle_share, 1 - background),
      .cpu_cap = (double)options->cpu_cap_percent / 100,
      .minimum_heap_bytes = (int64_t)options->min_heap_bytes,
      .most_cycles = LAW_SIM_WARM_UP + LAW_SIM_CYCLES,
      .most_seconds = INFINITY,
      .most_bytes = INFINITY,
  };
  program.shapes[SIM_LIVE].from = point->live_bytes;
  program.shapes[SIM_ROOTS].from = collector->roots_bytes;
  program.shapes[SIM_SCANNABLE].from = fmin(collector->scan_bytes / point->live_bytes, 1);
  return program;
}

bool law_point_simulate(const struct law_point *point, const gait_options *options,
                        const struct law_collector *collector, double rate,
                        struct law_steady *simulated) {
  struct sim_description program = law_program(point, options, collector);
  struct setting setting = {.gogc_percent = point->gogc_percent, .memory_limit_bytes = SETTING_OFF};
  struct sim_result result;
  double between = rate, by_law;
  for (int i = 0; i < LAW_SIM_ROUNDS; i++) {
    struct law_simulation simulation = {.steady = simulated};
    program.shapes[SIM_RATE].from = between;
    if (sim_description_run(&program, &setting, law_see, &simulation, &result, &by_law) != NULL ||
        !law_finish(&simulation.sums, program.cpus, simulated))
      return false;
    between *= rate / simulated->rate;
  }
  return true;
}
