/* How many background workers give marking its share of the CPUs. */
#include "pacer.h"

/* Rounding to whole workers may miss the share by this much of it. */
static const double workers_tolerance = 0.3;

struct gaiti_pacer_workers gaiti_pacer_plan_workers(double cpus, double share) {
  double wanted = cpus * share;
  struct gaiti_pacer_workers plan = {.dedicated = (int)(wanted + 0.5), .fractional = 0};
  double error = (double)plan.dedicated / wanted - 1;
  if (error >= -workers_tolerance && error <= workers_tolerance) return plan;
  if ((double)plan.dedicated > wanted) plan.dedicated--;
  plan.fractional = wanted - (double)plan.dedicated;
  return plan;
}
