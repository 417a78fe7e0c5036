/* The parts of a decision, in the order in which they are made: each reads the fields that those
 * before it filled in. */
#ifndef GAITI_PACER_DECISION_H
#define GAITI_PACER_DECISION_H

#include "pacer.h"

enum {
  GAITI_PACER_MIB = 1 << 20,
  /* A trigger may come this close to a large goal: the least runway (as large
   * as Go's heap minimum). */
  GAITI_PACER_START_DISTANCE_BYTES = 4 << 20,
};

void gaiti_pacer_work_decide(const struct gaiti_pacer *pacer,
                             const struct gaiti_pacer_snapshot *snapshot,
                             struct gaiti_pacer_decision *decision);
void gaiti_pacer_goal_decide(const struct gaiti_pacer *pacer,
                             const struct gaiti_pacer_snapshot *snapshot,
                             struct gaiti_pacer_decision *decision);
void gaiti_pacer_runway_decide(const struct gaiti_pacer *pacer,
                               struct gaiti_pacer_decision *decision);
void gaiti_pacer_trigger_decide(const struct gaiti_pacer *pacer,
                                struct gaiti_pacer_decision *decision);
void gaiti_pacer_assist_decide(const struct gaiti_pacer *pacer,
                               const struct gaiti_pacer_snapshot *snapshot,
                               struct gaiti_pacer_decision *decision);

/* Allocation during which GC takes `share` of the CPU, if `work` bytes must be
 * marked meanwhile. */
int64_t gaiti_pacer_runway(double cons_mark, int64_t work_bytes, double share);

/* Whether live heap and overhead leave no room under the memory limit. */
bool gaiti_pacer_limit_unreachable(const struct gaiti_pacer *pacer,
                                   const struct gaiti_pacer_snapshot *snapshot);

void gaiti_pacer_cons_mark_init(struct gaiti_pacer_cons_mark *cons_mark);
/* `helped` is the ratio when idle marking goes on beside the workers. */
void gaiti_pacer_cons_mark_learn(struct gaiti_pacer_cons_mark *cons_mark, double measured,
                                 double helped);

/* Learns from the cycle that ends how much room the CPU cap needs over a memory limit; before the
 * pacer takes its live heap. */
void gaiti_pacer_cap_learn(struct gaiti_pacer *pacer, const struct gaiti_pacer_snapshot *snapshot);
/* Whether the next goal has that room; after. */
void gaiti_pacer_cap_relax(struct gaiti_pacer *pacer, const struct gaiti_pacer_snapshot *snapshot);

/* Whether the next cycle may be young; and when a cycle ends, whether it will be, and with how much
 * work: after the pacer has taken its live heap. */
void gaiti_pacer_young_decide(const struct gaiti_pacer *pacer,
                              struct gaiti_pacer_decision *decision);
void gaiti_pacer_young_end_cycle(struct gaiti_pacer *pacer,
                                 const struct gaiti_pacer_snapshot *snapshot,
                                 const struct gaiti_pacer_cycle *cycle);

/* Of the bytes that a cycle left marked, those that are dead by estimate. */
int64_t gaiti_pacer_floating(const struct gaiti_pacer *pacer,
                             const struct gaiti_pacer_cycle *cycle);

#endif
