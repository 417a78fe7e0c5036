/* what_if_history.h: a recovered program, run once at some setting. */
#ifndef GAIT_WHAT_IF_HISTORY_H
#define GAIT_WHAT_IF_HISTORY_H

#include "setting.h"
#include "sim_run.h"
#include "what_if_program.h"

/* What a recording does not show, and histories differ in; shares of 1. */
struct what_if_chance {
  double overhead; /* bytes under a memory limit that are not for the heap */
  double fill;  /* of the room under it, once the heap has filled that, what can be filled again */
  double cost;  /* of marking, over what the recording shows */
  double shift; /* of the first cycles' starts, as a share of their way */
  double fall;  /* where between two cycles a live heap falls that grew before */
  double tail;  /* how much of a last stretch the program lived */
};

/* Runs the program to its end.  Of one with very many cycles the last ones are taken to go on like
 * those before. */
void what_if_history_run(const struct what_if_program *program, const struct setting *setting,
                         const struct what_if_chance *chance, struct sim_result *result);

#endif
