/* gait pacer-replay: the collector's pacer on recorded scenarios. */
#define _GNU_SOURCE
#include "command.h"
#include "replay_check.h"

#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  PACER_REPLAY_GOOD = 0,
  PACER_REPLAY_BOUND_FAILED = 1,
  PACER_REPLAY_UNREADABLE = 2,
};

struct pacer_replay {
  const char *folder_path;
  bool json;
  bool verbose;
  struct replay_folder folder;
  struct replay_tally *tallies; /* one a scenario */
  struct replay_tally limiter;
  struct replay_tally all;
  int64_t shown; /* complaints printed for the scenario at hand */
  int64_t held;  /* and held back */
};

enum { PACER_REPLAY_COMPLAINTS = 10 }; /* a scenario, unless --verbose */

static const struct argp_option pacer_replay_options[] = {
    {"json", 'j', NULL, 0, "Print one JSON object", 0},
    {"verbose", 'v', NULL, 0, "Print every failed check, not the first ten of a scenario", 0},
    {0}};

static error_t pacer_replay_option(int key, char *arg, struct argp_state *state) {
  struct pacer_replay *replay = state->input;
  switch (key) {
  case 'j': replay->json = true; return 0;
  case 'v': replay->verbose = true; return 0;
  case ARGP_KEY_ARG:
    if (replay->folder_path != NULL) argp_error(state, "one folder at a time");
    replay->folder_path = arg;
    return 0;
  case ARGP_KEY_NO_ARGS: argp_error(state, "which folder?"); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp pacer_replay_argp = {
    .options = pacer_replay_options,
    .parser = pacer_replay_option,
    .args_doc = "DIR",
    .doc = "Replay pacer scenarios with the pacer that the collector runs.\v"
           "DIR holds one CSV file a scenario, bounds.csv with what each must reach, and "
           "perhaps limiter.csv, a script for the CPU limiter.  Beside each scenario stands "
           "what the reference achieved.  Means are over the cycles that have a goal_ratio "
           "bound.  Exits with 1 when a check fails and with 2 when the input is not readable.",
};

static void pacer_replay_complain(void *context, const char *text) {
  struct pacer_replay *replay = context;
  if (!replay->verbose && replay->shown == PACER_REPLAY_COMPLAINTS) {
    replay->held++;
    return;
  }
  replay->shown++;
  fprintf(stderr, "%s\n", text);
}

static void pacer_replay_flush_complaints(struct pacer_replay *replay) {
  if (replay->held > 0)
    fprintf(stderr, "... and %lld more; --verbose prints all\n", (long long)replay->held);
  replay->shown = replay->held = 0;
}

static void pacer_replay_add(struct pacer_replay *replay, const struct replay_tally *tally) {
  replay->all.checks += tally->checks;
  replay->all.failed += tally->failed;
}

static bool pacer_replay_run(struct pacer_replay *replay, struct replay_error *error) {
  struct replay_folder *folder = &replay->folder;
  replay_check_unused_bounds(folder, pacer_replay_complain, replay);
  pacer_replay_flush_complaints(replay);
  for (size_t i = 0; i < folder->scenario_count; i++) {
    if (!replay_scenario_run(&folder->scenarios[i], error) ||
        !replay_check_scenario(folder, &folder->scenarios[i], pacer_replay_complain, replay,
                               &replay->tallies[i], error))
      return false;
    pacer_replay_flush_complaints(replay);
    pacer_replay_add(replay, &replay->tallies[i]);
  }
  bool good = replay_check_limiter(&folder->limiter, pacer_replay_complain, replay,
                                   &replay->limiter, error);
  pacer_replay_flush_complaints(replay);
  pacer_replay_add(replay, &replay->limiter);
  return good;
}

static void pacer_replay_print_line(const struct pacer_replay *replay, size_t index) {
  const struct replay_scenario *scenario = &replay->folder.scenarios[index];
  const struct replay_tally *tally = &replay->tallies[index];
  struct replay_figures ours = replay_figures_of(&replay->folder, scenario, scenario->results);
  printf("%-32s %6lld %6lld  %9.6f %8.5f %8.4f %8.1f", scenario->name,
         (long long)(tally->checks - tally->failed), (long long)tally->failed,
         ours.util_abs_err_mean, ours.undershoot_mean, ours.overshoot_max,
         (double)ours.peak_max_bytes / (1 << 20));
  if (scenario->recorded == NULL) {
    printf("  no reference\n");
    return;
  }
  struct replay_figures its = replay_figures_of(&replay->folder, scenario, scenario->recorded);
  printf("  %9.6f %8.5f %8.4f %8.1f\n", its.util_abs_err_mean, its.undershoot_mean,
         its.overshoot_max, (double)its.peak_max_bytes / (1 << 20));
}

static void pacer_replay_print(const struct pacer_replay *replay) {
  printf("%-32s %13s  %-36s  %s\n", "", "checks", "this pacer", "the reference");
  printf("%-32s %6s %6s  %9s %8s %8s %8s  %9s %8s %8s %8s\n", "scenario", "passed", "failed",
         "util err", "under", "over max", "peak MiB", "util err", "under", "over max", "peak MiB");
  for (size_t i = 0; i < replay->folder.scenario_count; i++)
    pacer_replay_print_line(replay, i);
  if (replay->folder.limiter.rows > 0)
    printf("%-32s %6lld %6lld\n", "CPU limiter",
           (long long)(replay->limiter.checks - replay->limiter.failed),
           (long long)replay->limiter.failed);
  printf("%-32s %6lld %6lld\n", "all", (long long)(replay->all.checks - replay->all.failed),
         (long long)replay->all.failed);
}

static json_t *pacer_replay_json_figures(const struct replay_figures *figures) {
  return json_pack("{s:f, s:f, s:f, s:f, s:f, s:I}", "util_mean", figures->utilization_mean,
                   "util_abs_err_mean", figures->util_abs_err_mean, "undershoot_mean",
                   figures->undershoot_mean, "overshoot_mean", figures->overshoot_mean,
                   "overshoot_max", figures->overshoot_max, "peak_max_bytes",
                   (json_int_t)figures->peak_max_bytes);
}

static json_t *pacer_replay_json_scenario(const struct pacer_replay *replay, size_t index) {
  const struct replay_scenario *scenario = &replay->folder.scenarios[index];
  const struct replay_tally *tally = &replay->tallies[index];
  struct replay_figures ours = replay_figures_of(&replay->folder, scenario, scenario->results);
  json_t *object = json_pack("{s:s, s:I, s:I}", "name", scenario->name, "checks",
                             (json_int_t)tally->checks, "failed", (json_int_t)tally->failed);
  json_t *figures = pacer_replay_json_figures(&ours);
  json_object_update(object, figures);
  json_decref(figures);
  if (scenario->recorded != NULL) {
    struct replay_figures its = replay_figures_of(&replay->folder, scenario, scenario->recorded);
    json_object_set_new(object, "reference", pacer_replay_json_figures(&its));
  }
  return object;
}

static void pacer_replay_print_json(const struct pacer_replay *replay) {
  json_t *scenarios = json_array();
  for (size_t i = 0; i < replay->folder.scenario_count; i++)
    json_array_append_new(scenarios, pacer_replay_json_scenario(replay, i));
  json_t *object =
      json_pack("{s:o, s:{s:I, s:I}, s:I, s:I}", "scenarios", scenarios, "limiter", "checks",
                (json_int_t)replay->limiter.checks, "failed", (json_int_t)replay->limiter.failed,
                "checks", (json_int_t)replay->all.checks, "failed", (json_int_t)replay->all.failed);
  json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
  putchar('\n');
  json_decref(object);
}

int gait_cmd_pacer_replay(int argc, char **argv) {
  struct pacer_replay replay = {0};
  struct replay_error error;
  argp_parse(&pacer_replay_argp, argc, argv, 0, NULL, &replay);
  if (!replay_folder_read(&replay.folder, replay.folder_path, &error)) {
    fprintf(stderr, "gait pacer-replay: %s\n", error.text);
    return PACER_REPLAY_UNREADABLE;
  }
  int status = PACER_REPLAY_UNREADABLE;
  replay.tallies = calloc(replay.folder.scenario_count + 1, sizeof *replay.tallies);
  if (replay.tallies == NULL) {
    fprintf(stderr, "gait pacer-replay: out of memory\n");
  } else if (!pacer_replay_run(&replay, &error)) {
    fprintf(stderr, "gait pacer-replay: %s\n", error.text);
  } else {
    (replay.json ? pacer_replay_print_json : pacer_replay_print)(&replay);
    status = replay.all.failed > 0 ? PACER_REPLAY_BOUND_FAILED : PACER_REPLAY_GOOD;
  }
  free(replay.tallies);
  replay_folder_release(&replay.folder);
  return status;
}
