/* suite.h: what the pacer's tests share: replaying a folder, pacers and their cycles. */
#ifndef PACER_SUITE_H
#define PACER_SUITE_H

#include "../support/run_suite.h"
#include "replay/replay_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void suite_complain(void *context, const char *text) {
  (void)context;
  fprintf(stderr, "%s\n", text);
}

/* Reads and replays a folder; the caller releases it. */
static inline void suite_replay(const char *path, struct replay_folder *folder,
                                struct replay_tally *tally) {
  struct replay_error error;
  if (!replay_folder_read(folder, path, &error)) ck_abort_msg("%s", error.text);
  for (size_t i = 0; i < folder->scenario_count; i++) {
    struct replay_scenario *scenario = &folder->scenarios[i];
    if (!replay_scenario_run(scenario, &error) ||
        !replay_check_scenario(folder, scenario, suite_complain, NULL, tally, &error))
      ck_abort_msg("%s", error.text);
  }
}

static inline const struct replay_scenario *suite_scenario(const struct replay_folder *folder,
                                                           const char *name) {
  for (size_t i = 0; i < folder->scenario_count; i++)
    if (strcmp(folder->scenarios[i].name, name) == 0) return &folder->scenarios[i];
  ck_abort_msg("no scenario %s", name);
}

/* ---- Pacers ---- */

static inline struct gaiti_pacer suite_pacer(const struct gaiti_pacer_config *config) {
  struct gaiti_pacer pacer;
  ck_assert(gaiti_pacer_init(&pacer, config));
  return pacer;
}

static inline struct gaiti_pacer_decision
suite_decision(const struct gaiti_pacer *pacer, const struct gaiti_pacer_snapshot *snapshot) {
  struct gaiti_pacer_decision decision;
  gaiti_pacer_decide(pacer, snapshot, &decision);
  ck_assert_int_le(decision.trigger_bytes, decision.goal_bytes);
  return decision;
}

/* One cycle that starts at `start`, allocates up to `peak`, scans `work`, and ends as `cycle`
 * says. */
static inline void suite_cycle(struct gaiti_pacer *pacer, struct gaiti_pacer_snapshot *snapshot,
                               int64_t start, int64_t peak, int64_t work,
                               const struct gaiti_pacer_cycle *cycle) {
  snapshot->heap_live_bytes = snapshot->heap_scan_bytes = start;
  snapshot->heap_work_bytes = snapshot->stack_work_bytes = snapshot->globals_work_bytes = 0;
  gaiti_pacer_start_cycle(pacer, snapshot);
  snapshot->heap_live_bytes = snapshot->heap_scan_bytes = peak;
  snapshot->heap_work_bytes = work;
  snapshot->stack_work_bytes = snapshot->stack_bytes;
  snapshot->globals_work_bytes = snapshot->globals_bytes;
  gaiti_pacer_end_cycle(pacer, snapshot, cycle);
  snapshot->heap_live_bytes = cycle->marked_bytes;
}

#endif
