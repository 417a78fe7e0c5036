#include "law_formula.h"

#include <math.h>

#define LAW_GROWTH_MIN 65536.0 /* bytes: what a heap at its limit is still allowed */

void law_init(struct law *law, const gait_options *options) {
  *law = (struct law){.options = *options};
}

/* By how much the heap may grow after a cycle that found `live` bytes; infinite without a bound. */
static double law_growth(const struct law *law, double live) {
  double growth = INFINITY;
  if (law->options.gogc_percent != GAIT_GOGC_OFF) {
    double share = (double)law->options.gogc_percent / 100;
    growth = fmax(live * share, (double)law->options.min_heap_bytes * share - live);
  }
  if (law->options.memory_limit_bytes != GAIT_OFF)
    growth = fmin(growth, (double)law->options.memory_limit_bytes - live);
  return fmax(growth, LAW_GROWTH_MIN);
}

static double law_share(const struct law *law, uint64_t heap_bytes) {
  if (heap_bytes <= law->live_bytes) return 0;
  return (double)(heap_bytes - law->live_bytes) / law_growth(law, (double)law->live_bytes);
}

void law_cycle(struct law *law, const gait_cycle_record *record) {
  law->cycles += law_share(law, record->at_mark_end_bytes);
  law->live_bytes = record->marked_bytes;
}

double law_cycles(const struct law *law, uint64_t heap_bytes) {
  if (isinf(law_growth(law, 0))) return -1;
  return law->cycles + law_share(law, heap_bytes);
}
