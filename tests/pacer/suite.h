/* suite.h: what the pacer's tests share: replaying a folder, random numbers. */
#ifndef PACER_SUITE_H
#define PACER_SUITE_H

#include "../run_suite.h"
#include "replay/replay_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* ---- Random numbers: seeded by GAIT_SEED or the clock, and printed. ---- */

static inline uint64_t suite_seed(void) {
  const char *given = getenv("GAIT_SEED");
  uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
  printf("GAIT_SEED=%llu\n", (unsigned long long)seed);
  fflush(stdout);
  return seed;
}

static inline uint64_t suite_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* In [low, high). */
static inline double suite_random_real(uint64_t *state, double low, double high) {
  return low + (high - low) * (double)(suite_random(state) >> 11) / 9007199254740992.0;
}

/* In [0, 2^bits), spread evenly over the orders of magnitude. */
static inline int64_t suite_random_bytes(uint64_t *state, unsigned bits) {
  unsigned order = (unsigned)(suite_random(state) % (bits + 1));
  return order == 0 ? 0 : (int64_t)(suite_random(state) >> (64 - order));
}

#endif
