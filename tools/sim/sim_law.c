#include "sim_law.h"

#include <math.h>

#define LAW_GROWTH_MIN 65536.0 /* bytes: what a heap at its limit is still allowed */

bool sim_law_speaks(const struct sim_law *law) {
  return law->setting.gogc_percent != SETTING_OFF || law->setting.memory_limit_bytes != SETTING_OFF;
}

/* By how much the heap may grow after the last cycle; infinite without a bound. */
static double law_growth(const struct sim_law *law) {
  double growth = INFINITY, live = law->live_bytes;
  if (law->setting.gogc_percent != SETTING_OFF) {
    double share = (double)law->setting.gogc_percent / 100;
    growth = fmax(live * share, law->minimum_heap_bytes * share - live);
  }
  if (law->setting.memory_limit_bytes != SETTING_OFF)
    growth = fmin(growth, (double)law->setting.memory_limit_bytes - live);
  return fmax(growth, LAW_GROWTH_MIN);
}

void sim_law_cycle(struct sim_law *law, double heap_bytes, double live_bytes) {
  law->cycles = sim_law_cycles(law, heap_bytes);
  law->live_bytes = live_bytes;
}

double sim_law_cycles(const struct sim_law *law, double heap_bytes) {
  return law->cycles + fmax(heap_bytes - law->live_bytes, 0) / law_growth(law);
}
