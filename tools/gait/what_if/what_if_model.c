/* One run of a recovered program is one possible history: a cycle that comes a little earlier may
 * see a short rise of the live heap that another misses.  So the run is repeated with shifted
 * starts, and the spread of the outcomes goes into the range, beside what the method itself has
 * been measured to miss. */
#include "what_if_model.h"

#include <math.h>
#include <stdlib.h>

#include "what_if_history.h"

#define MODEL_HISTORIES  91
#define MODEL_OUTSIDE    4 /* of these are below the range, and as many above */
#define MODEL_SHIFT      0.15
#define MODEL_COST       0.4 /* marking may cost so much more than was recorded, or less */
#define MODEL_MARGIN     0.1 /* cycles and peaks may be off by, */
#define MODEL_CPU_MARGIN 0.3 /* and CPU time */
#define MODEL_FEW        0.5 /* and cycles and peaks, by what one cycle shows by chance, */
#define MODEL_STARVED    0.5 /* and for what workers did not get of their CPUs */
/* Strides of what is spread over histories that are sorted. */
#define MODEL_NOISE 31
#define MODEL_SPLIT 37

/* ---- Ranges ---- */

static int model_compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

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

/* Places spread evenly over 0 .. 1, in another order for each `stride`. */
static double model_place(int i, int stride) {
  return (i * stride % MODEL_HISTORIES + 0.5) / MODEL_HISTORIES;
}

/* Factors spread evenly, by their logarithm, over 1 / (1 + most) .. 1 + most. */
static double model_factor(int i, int stride, double most) {
  return pow(1 + most, 2 * model_place(i, stride) - 1);
}

/* Sorts `values`.  The range is that of nine in ten of them, each of which may be off by a factor
 * of up to 1 + `margin`. */
static struct what_if_range model_range(double estimate, double *values, double margin) {
  qsort(values, MODEL_HISTORIES, sizeof *values, model_compare);
  for (int i = 0; i < MODEL_HISTORIES; i++)
    values[i] *= model_factor(i, MODEL_NOISE, margin);
  qsort(values, MODEL_HISTORIES, sizeof *values, model_compare);
  return (struct what_if_range){
      .estimate = estimate,
      .low = fmin(values[MODEL_OUTSIDE], estimate),
      .high = fmax(values[MODEL_HISTORIES - 1 - MODEL_OUTSIDE], estimate),
  };
}

/* ---- Histories ---- */

enum model_quantity {
  MODEL_CYCLES,
  MODEL_GC_CPU,
  MODEL_IDLE_CPU,
  MODEL_PEAK,
  MODEL_ASSIST,
  MODEL_SHARE,
  MODEL_QUANTITIES
};

struct model_spread {
  double values[MODEL_QUANTITIES][MODEL_HISTORIES];
};

static void model_collect(struct model_spread *spread, int i, const struct sim_result *result,
                          double cpus) {
  const double values[MODEL_QUANTITIES] = {
      [MODEL_CYCLES] = (double)result->cycles,
      [MODEL_GC_CPU] = result->gc_cpu_seconds,
      [MODEL_IDLE_CPU] = result->idle_cpu_seconds,
      [MODEL_PEAK] = result->peak_heap_bytes,
      [MODEL_ASSIST] = gaiti_pacer_cpu_share(result->assist_cpu_seconds, result->seconds, cpus),
      [MODEL_SHARE] = gaiti_pacer_cpu_share(result->gc_cpu_seconds, result->seconds, cpus),
  };
  for (int q = 0; q < MODEL_QUANTITIES; q++)
    spread->values[q][i] = values[q];
}

static double model_square(int i, int stride) {
  return model_place(i, stride) * model_place(i, stride);
}

/* What differs in history i.  `cost` is by how much marking may cost more, or less. */
static struct what_if_chance model_chance(const struct what_if_constants *constants,
                                          const struct setting *setting, double cost, int i) {
  double limit = (double)setting->memory_limit_bytes, place = model_place(i, 1) * 2 - 1;
  double overhead = constants->overhead_bytes + constants->overhead_share * limit;
  if (setting->memory_limit_bytes == SETTING_OFF) overhead = 0;
  return (struct what_if_chance){.overhead = overhead * (1 + place / 3),
                                 .fill = pow(constants->fill_least, model_square(i, 29)),
                                 .cost = model_factor(i, 41, cost),
                                 .shift = place * MODEL_SHIFT,
                                 .fall = model_place(i, 11),
                                 .tail = model_place(i, 17)};
}

/* Returns whether a history in the middle found no room under the limit. */
static bool model_run(const struct what_if_program *program, const struct setting *setting,
                      double cost, struct model_spread *spread) {
  bool unreachable = false;
  for (int i = 0; i < MODEL_HISTORIES; i++) {
    struct what_if_chance chance = model_chance(&program->constants, setting, cost, i);
    struct sim_result result;
    what_if_history_run(program, setting, &chance, &result);
    if (i == MODEL_HISTORIES / 2) unreachable = result.unreachable_cycles > 0;
    model_collect(spread, i, &result, setting_cpus(setting, program->cpus));
  }
  return unreachable;
}

/* ---- Doubts ---- */

/* Cycles are looks at the program: what few of them tell is the less sure, and where few are
 * foretold, one that comes by chance is more of them. */
static double model_doubt(const struct what_if_program *program, double cycles) {
  double few = MODEL_FEW / sqrt(fmin((double)program->count, fmax(cycles, 1)));
  return few + MODEL_STARVED * program->starved;
}

/* One cycle more or less is never out of the question. */
static void model_round(struct what_if_range *cycles) {
  cycles->high = fmax(cycles->high, cycles->estimate + 1);
  cycles->low = fmin(cycles->low, fmax(cycles->estimate - 1, 0));
}

/* Which part of marking falls to idle CPUs is not the program's but the machine's to say: on a busy
 * one none, on an idle one half. */
static void model_split(struct model_spread *spread) {
  for (int i = 0; i < MODEL_HISTORIES; i++) {
    double *cpu = &spread->values[MODEL_GC_CPU][i];
    double most = *cpu + spread->values[MODEL_IDLE_CPU][i], least = fmin(*cpu, most / 2);
    double place = 2 * model_place(i, MODEL_SPLIT) - 1;
    *cpu += place > 0 ? place * (most - *cpu) : place * (*cpu - least);
  }
}

/* The estimate is the middle of histories in which marking costs what it did in the recording; the
 * range is of histories in which it may not. */
void what_if_predict(const struct what_if_program *program, const struct setting *setting,
                     struct what_if_prediction *prediction) {
  struct model_spread as_recorded, spread;
  struct what_if_range ranges[MODEL_QUANTITIES];
  bool unreachable = model_run(program, setting, 0, &as_recorded);
  model_run(program, setting, MODEL_COST + program->starved, &spread);
  model_split(&spread);
  double doubt = 0;
  for (int q = 0; q < MODEL_QUANTITIES; q++) {
    qsort(as_recorded.values[q], MODEL_HISTORIES, sizeof(double), model_compare);
    double estimate = model_middle(as_recorded.values[q]);
    if (q == MODEL_CYCLES) doubt = model_doubt(program, estimate);
    bool counted = q == MODEL_CYCLES || q == MODEL_PEAK;
    double margin = counted ? MODEL_MARGIN + doubt : MODEL_CPU_MARGIN + program->starved;
    ranges[q] = model_range(estimate, spread.values[q], margin);
  }
  model_round(&ranges[MODEL_CYCLES]);
  *prediction = (struct what_if_prediction){.cycles = ranges[MODEL_CYCLES],
                                            .gc_cpu_seconds = ranges[MODEL_GC_CPU],
                                            .idle_cpu_seconds = ranges[MODEL_IDLE_CPU],
                                            .peak_heap_bytes = ranges[MODEL_PEAK],
                                            .assist_share = ranges[MODEL_ASSIST],
                                            .gc_cpu_share = ranges[MODEL_SHARE],
                                            .limit_unreachable = unreachable};
}
