/* sim_mark.h: how mutators and marking share the CPUs while a cycle marks. */
#ifndef GAIT_SIM_MARK_H
#define GAIT_SIM_MARK_H

#include "sim_driver.h"
#include "sim_program.h"

/* A mark so far. */
struct sim_mark {
  int64_t roots_left_bytes, heap_left_bytes; /* still to be scanned, in this order */
  struct sim_work done;                      /* all that the driver was told; */
  double background_ns;                      /* beside its assists: CPU of background marking, */
  double owed_ns;                            /* and of those, what the assist ratio asked for */
  double ratio_most;
  int64_t steps;
};

/* The share of GC, idle marking apart, at which bytes marked over bytes allocated are the assist
 * ratio; not less than the least. */
double sim_mark_share(const struct sim_rates *rates, double assist_ratio);

static inline int64_t sim_mark_left(const struct sim_mark *mark) {
  return mark->roots_left_bytes + mark->heap_left_bytes;
}

/* Marks so many bytes at the ratio of this moment; all that are left if they are fewer. */
void sim_mark_bytes(struct sim_driver *driver, const struct sim_rates *rates, int64_t bytes,
                    struct sim_mark *mark);

/* Marks for so long, or until nothing is left.  False when that is too short for a single byte. */
bool sim_mark_time(struct sim_driver *driver, const struct sim_rates *rates, int64_t duration_ns,
                   struct sim_mark *mark);

/* Whole nanoseconds, of which some years are the most. */
int64_t sim_mark_ns(double ns);

#endif
