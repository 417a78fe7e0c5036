/* gait trial: what the settings of an experiment made of a running program. */
#include "command.h"
#include "settings.h"
#include "trial_table.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trial {
  const char *path;
  bool json;
};

enum { TRIAL_JSON = 1 };

static const struct argp_option trial_options[] = {
    {"json", TRIAL_JSON, NULL, 0, "Print one JSON object", 0}, {0}};

static error_t trial_option(int key, char *arg, struct argp_state *state) {
  struct trial *trial = state->input;
  switch (key) {
  case TRIAL_JSON: trial->json = true; return 0;
  case ARGP_KEY_ARG:
    if (trial->path != NULL) argp_error(state, "one FILE is wanted, not '%s' too", arg);
    trial->path = arg;
    return 0;
  case ARGP_KEY_NO_ARGS: argp_error(state, "which FILE?"); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp trial_argp = {
    .options = trial_options,
    .parser = trial_option,
    .args_doc = "FILE",
    .doc =
        "Tell the settings of an experiment apart: a program that ran with GAIT_TRIAL and "
        "GAIT_RECORDS.\v"
        "Settings take turns by blocks of cycles, once in each round and in an order of its own, "
        "so "
        "that the blocks of a round are pairs: for each setting but the first, the differences "
        "within rounds, d, give the mean and its interval at 95%, mean(d) +- t(n-1) s / root(n). "
        "Where the interval holds 0, no difference is shown.",
};

static enum block_setting trial_setting(const struct trial_records *loaded, bool *found) {
  static const char *const names[] = {"gogc:", "memory_limit:", "cpu_cap:"};
  enum block_setting setting = BLOCK_GOGC;
  *found = blocks_find_setting(loaded->records, loaded->count, &setting);
  for (int i = BLOCK_GOGC; i <= BLOCK_CPU_CAP; i++)
    if (strncmp(loaded->setting, names[i], strlen(names[i])) == 0) setting = (enum block_setting)i;
  return setting;
}

static void trial_name(enum block_setting setting, int64_t value, char name[48]) {
  static const char *const formats[] = {"gogc=%s", "limit=%s", "cpu_cap=%s"};
  char text[32], copy[32];
  if (setting == BLOCK_MEMORY_LIMIT)
    snprintf(copy, sizeof copy, "%s", settings_limit_text(value, text));
  else
    snprintf(copy, sizeof copy, "%s", settings_gogc_text(value, text));
  snprintf(name, 48, formats[setting], copy);
}

struct trial_blocks {
  enum block_setting setting;
  struct block *blocks;
  size_t count;
  int64_t arms[BLOCK_ARMS];
  size_t arm_count;
};

static size_t trial_cycles(const struct trial_blocks *made) {
  size_t cycles = 0;
  for (size_t i = 0; i < made->count; i++)
    cycles += made->blocks[i].cycles;
  return cycles;
}

static void trial_compare(const struct trial_blocks *made, size_t arm, json_t *list) {
  struct trial_row rows[BLOCK_METRICS];
  char a[48], b[48];
  for (int i = 0; i < BLOCK_METRICS; i++) {
    rows[i].metric = (enum block_metric)i;
    rows[i].difference =
        blocks_compare_arms(made->blocks, made->count, made->arm_count, made->arms[0],
                            made->arms[arm], rows[i].metric, &rows[i].a, &rows[i].b);
  }
  trial_name(made->setting, made->arms[0], a);
  trial_name(made->setting, made->arms[arm], b);
  if (list != NULL) {
    json_array_append_new(list, trial_table_json(a, b, rows));
    return;
  }
  printf("%s against %s: %zu rounds\n", b, a, rows[0].difference.count);
  trial_table_print(a, b, rows);
}

static void trial_print(const struct trial *trial, const struct trial_records *loaded,
                        const struct trial_blocks *made) {
  json_t *list = trial->json ? json_array() : NULL;
  if (!trial->json)
    printf("%s: %s%s%zu blocks, of which %zu cycles count\n", trial->path, loaded->setting,
           loaded->setting[0] != '\0' ? ", " : "", made->count, trial_cycles(made));
  for (size_t arm = 1; arm < made->arm_count; arm++)
    trial_compare(made, arm, list);
  if (!trial->json) return;
  json_t *object =
      json_pack("{s:s, s:I, s:I, s:o}", "trial", loaded->setting, "blocks", (json_int_t)made->count,
                "cycles", (json_int_t)trial_cycles(made), "comparisons", list);
  json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
  putchar('\n');
  json_decref(object);
}

static int trial_run(const struct trial *trial, const struct trial_records *loaded) {
  struct trial_blocks made = {0};
  bool found;
  made.setting = trial_setting(loaded, &found);
  if (!found) {
    fprintf(stderr,
            "gait trial: %s: no setting takes turns in it: was the program run with "
            "GAIT_TRIAL=gogc:100,200 or the like, and for more than one block?\n",
            trial->path);
    return COMMAND_FAILED;
  }
  made.blocks = blocks_of_trial(loaded->records, loaded->count, made.setting, &made.count);
  if (made.blocks == NULL) return COMMAND_FAILED;
  made.arm_count = blocks_arms(made.blocks, made.count, made.arms);
  trial_print(trial, loaded, &made);
  free(made.blocks);
  return COMMAND_OK;
}

int trial_show(const char *path, bool json) {
  const struct trial trial = {path, json};
  struct trial_records loaded;
  if (!trial_records_load(&loaded, "trial", path)) return COMMAND_FAILED;
  int status = trial_run(&trial, &loaded);
  trial_records_destroy(&loaded);
  return status;
}

int gait_cmd_trial(int argc, char **argv) {
  struct trial trial = {0};
  argp_parse(&trial_argp, argc, argv, 0, NULL, &trial);
  return trial_show(trial.path, trial.json);
}
