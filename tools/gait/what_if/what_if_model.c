/* One run of a recovered program is one possible history: a cycle that comes a little earlier may
 * see a short rise of the live heap that another misses.  So the run is repeated with shifted
 * starts, and the spread of the outcomes goes into the range, beside what the method itself has
 * been measured to miss. */
#include "what_if_model.h"

#include <math.h>
#include <stdlib.h>

#include "what_if_history.h"

#define MODEL_HISTORIES 91
#define MODEL_SHIFT     0.15

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

static void model_collect(struct model_spread *spread, int i, const struct sim_result *result,
                          double cpus) {
  spread->cycles[i] = (double)result->cycles;
  spread->gc_cpu[i] = result->gc_cpu_seconds;
  spread->idle_cpu[i] = result->idle_cpu_seconds;
  spread->peak[i] = result->peak_heap_bytes;
  spread->assist[i] = gaiti_pacer_cpu_share(result->assist_cpu_seconds, result->seconds, cpus);
  spread->share[i] = gaiti_pacer_cpu_share(result->gc_cpu_seconds, result->seconds, cpus);
}

/* Places spread evenly over 0 .. 1, in another order for each `stride`. */
static double model_place(int i, int stride) {
  return (i * stride % MODEL_HISTORIES + 0.5) / MODEL_HISTORIES;
}

void what_if_predict(const struct what_if_program *program, const struct setting *setting,
                     struct what_if_prediction *prediction) {
  struct model_spread spread;
  const struct what_if_constants *constants = &program->constants;
  double cpus = setting_cpus(setting, program->cpus);
  bool limited = setting->memory_limit_bytes != SETTING_OFF;
  double overhead = limited ? constants->overhead_bytes +
                                  constants->overhead_share * (double)setting->memory_limit_bytes
                            : 0;
  *prediction = (struct what_if_prediction){0};
  for (int i = 0; i < MODEL_HISTORIES; i++) {
    double place = model_place(i, 1) * 2 - 1; /* -1 .. 1 */
    struct what_if_chance chance = {.overhead = overhead * (1 + place / 3),
                                    .holes = constants->holes_share * (1 + place),
                                    .shift = place * MODEL_SHIFT,
                                    .fall = model_place(i, 11),
                                    .tail = model_place(i, 17)};
    struct sim_result result;
    what_if_history_run(program, setting, &chance, &result);
    if (i == MODEL_HISTORIES / 2) prediction->limit_unreachable = result.unreachable_cycles > 0;
    model_collect(&spread, i, &result, cpus);
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
