/* sim_driver.h: a heap that is only counted, under the pacer and its CPU limiter.
 *
 * The protocol of the pacer is here once for all that simulate.  Its order is that of the collector
 * (runtime/cycle/pace.c): what has passed is accounted to the limiter, the limiter tells the
 * snapshot, the pacer decides.
 *
 * Pure, like the pacer: no clock, allocation, I/O or globals, and no mathematical library, so that
 * a page can run it. */
#ifndef GAIT_SIM_DRIVER_H
#define GAIT_SIM_DRIVER_H

#include "ladder.h"
#include "pacer.h"

struct sim_driver {
  struct gaiti_pacer pacer;
  struct gaiti_pacer_limiter limiter;
  struct gaiti_pacer_snapshot now; /* overhead, and roots as globals, are the caller's to set */
  int64_t clock_ns;
  struct gaiti_ladder ladder;
  int64_t fail_after_ns; /* of the ladder; GAITI_LADDER_NEVER at first */
  bool limiter_unheard;  /* the pacer is told nothing of the limiter */
};

/* What was done in some time of a mark. */
struct sim_work {
  int64_t heap_bytes, roots_bytes; /* scanned */
  int64_t allocated_bytes;
  int64_t scannable_bytes;    /* of those */
  int64_t assist_ns, idle_ns; /* of CPU; assists are all of GC but background marking */
  int64_t duration_ns;
};
void sim_work_add(struct sim_work *sum, const struct sim_work *work);

/* NULL, or a sentence that says what is wrong with the settings; then nothing was done. */
const char *sim_driver_init(struct sim_driver *driver, const struct gaiti_pacer_config *config,
                            double cpus);
/* Other settings and CPUs from now on. */
const char *sim_driver_configure(struct sim_driver *driver, const struct gaiti_pacer_config *config,
                                 double cpus);

void sim_driver_decide(const struct sim_driver *driver, struct gaiti_pacer_decision *decision);

/* Mutators alone run for so long. */
void sim_driver_pass(struct sim_driver *driver, int64_t duration_ns);

/* A cycle starts with so much heap, of which `scannable_bytes` were allocated since the last one
 * and have to be scanned. */
void sim_driver_start(struct sim_driver *driver, int64_t heap_bytes, int64_t scannable_bytes);
void sim_driver_mark(struct sim_driver *driver, const struct sim_work *work);
/* The mark has ended.  The heap is cycle->marked_bytes from now on. */
void sim_driver_end(struct sim_driver *driver, const struct gaiti_pacer_cycle *cycle);

#endif
