/* The one definition of the collector's share of the CPU, for the collector's records and
 * statistics, and for the tools that measure, replay and predict. */
#include "pacer.h"

double gaiti_pacer_cpu_share(double gc_cpu, double elapsed, double cpus) {
  double offered = elapsed * cpus;
  return offered > 0 ? gc_cpu / offered : 0;
}
