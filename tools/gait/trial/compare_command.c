/* gait compare: two recorded runs, by blocks of their cycles. */
#include "command.h"
#include "trial_table.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct compare {
  const char *paths[2];
  size_t blocks;
  size_t discard;
  bool json;
};

enum { COMPARE_BLOCKS = 1, COMPARE_DISCARD, COMPARE_JSON };

static const struct argp_option compare_options[] = {
    {"blocks", COMPARE_BLOCKS, "N", 0, "Cut each run into N blocks, 16 by default", 0},
    {"discard", COMPARE_DISCARD, "N", 0, "Leave out the first N cycles of each, 4 by default", 0},
    {"json", COMPARE_JSON, NULL, 0, "Print one JSON object", 0},
    {0}};

static size_t compare_number(const char *name, const char *text, size_t least,
                             struct argp_state *state) {
  char *end;
  unsigned long number = strtoul(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || number < least || number > 100000)
    argp_error(state, "--%s=%s: a number in %zu .. 100000 is wanted", name, text, least);
  return number;
}

static error_t compare_option(int key, char *arg, struct argp_state *state) {
  struct compare *compare = state->input;
  switch (key) {
  case COMPARE_BLOCKS: compare->blocks = compare_number("blocks", arg, 2, state); return 0;
  case COMPARE_DISCARD: compare->discard = compare_number("discard", arg, 0, state); return 0;
  case COMPARE_JSON: compare->json = true; return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num > 1) argp_error(state, "two files are wanted, not '%s' too", arg);
    compare->paths[state->arg_num] = arg;
    return 0;
  case ARGP_KEY_END:
    if (state->arg_num < 2) argp_error(state, "two files are wanted");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp compare_argp = {
    .options = compare_options,
    .parser = compare_option,
    .args_doc = "A B",
    .doc =
        "Compare two recorded runs of a program, B against A.\v"
        "Each run is cut into blocks of equally many cycles, and the means of its blocks are a "
        "sample: the interval is Welch's, at 95%.  It tells of the spread within the two runs, and "
        "nothing of that from run to run: for that, take GAIT_TRIAL, or several runs.",
};

static void compare_print(const struct compare *compare, const struct trial_row *rows) {
  const char *a = compare->paths[0], *b = compare->paths[1];
  if (!compare->json) {
    printf("A: %s\nB: %s\n", a, b);
    trial_table_print("A", "B", rows);
    return;
  }
  json_t *object = trial_table_json(a, b, rows);
  json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
  putchar('\n');
  json_decref(object);
}

static int compare_run(const struct compare *compare, const struct trial_records loaded[2]) {
  struct block *blocks[2];
  size_t counts[2];
  struct trial_row rows[BLOCK_METRICS];
  int status = COMMAND_OK;
  for (int i = 0; i < 2; i++) {
    blocks[i] = blocks_of_run(loaded[i].records, loaded[i].count, compare->discard, compare->blocks,
                              &counts[i]);
    if (counts[i] >= 2) continue;
    fprintf(stderr, "gait compare: %s: %zu cycle(s) are too few, with %zu to be left out\n",
            compare->paths[i], loaded[i].count, compare->discard);
    status = COMMAND_FAILED;
  }
  for (int i = 0; status == COMMAND_OK && i < BLOCK_METRICS; i++) {
    rows[i].metric = (enum block_metric)i;
    rows[i].difference = blocks_compare_runs(blocks[0], counts[0], blocks[1], counts[1],
                                             rows[i].metric, &rows[i].a, &rows[i].b);
  }
  if (status == COMMAND_OK) compare_print(compare, rows);
  free(blocks[0]);
  free(blocks[1]);
  return status;
}

int gait_cmd_compare(int argc, char **argv) {
  struct compare compare = {.blocks = 16, .discard = 4};
  struct trial_records loaded[2] = {{0}, {0}};
  argp_parse(&compare_argp, argc, argv, 0, NULL, &compare);
  bool read = trial_records_load(&loaded[0], "compare", compare.paths[0]) &&
              trial_records_load(&loaded[1], "compare", compare.paths[1]);
  int status = read ? compare_run(&compare, loaded) : COMMAND_FAILED;
  trial_records_destroy(&loaded[0]);
  trial_records_destroy(&loaded[1]);
  return status;
}
