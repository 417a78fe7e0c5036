/* trial.h: an experiment in a running heap: settings take turns by blocks of cycles.
 *
 * Within a round each setting has one block, in an order of its own, so that whatever else changes
 * in the program changes for all settings alike.  The record of a cycle tells the block.
 *
 * Thread: all is the runner's, once the heap has been created. */
#ifndef GAITI_CYCLE_TRIAL_H
#define GAITI_CYCLE_TRIAL_H

#include "gait/tune.h"
#include "heap/heap.h"

#define GAITI_TRIAL_ARMS 8

enum gaiti_trial_setting {
  GAITI_TRIAL_GOGC,
  GAITI_TRIAL_MEMORY_LIMIT,
  GAITI_TRIAL_CPU_CAP,
  GAITI_TRIAL_SETTINGS
};

/*   arms     values of the setting; 0: there is no trial
 *   block    cycles with one setting, of which the first `discard` do not count
 *   seed     of the orders, from 1 */
struct gaiti_trial_plan {
  enum gaiti_trial_setting setting;
  uint32_t arms;
  int64_t value[GAITI_TRIAL_ARMS];
  uint32_t block;
  uint32_t discard;
  uint64_t seed;
};

/*   order    of the arms in this round
 *   at       of the block under way, in `order`
 *   number   of the block under way, from 1
 *   ended    cycles of it */
struct gaiti_trial {
  struct gaiti_trial_plan plan;
  uint32_t order[GAITI_TRIAL_ARMS];
  uint32_t at;
  uint32_t number;
  uint32_t ended;
  uint64_t random;
};

/* The heap takes the setting of the first block.  Thread: the one that creates the heap. */
void gaiti_trial_begin(gait_heap *heap, const struct gaiti_trial_plan *plan);

/* A cycle has ended, and the next goal is about to be made: of another setting, if its block has
 * ended too. */
void gaiti_trial_end_cycle(gait_heap *heap);

/* Writes the block of the cycle that begins into its record. */
void gaiti_trial_note(const gait_heap *heap, gait_cycle_record *record);

#endif
