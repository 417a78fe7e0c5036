/* gait grid: one workload, run once for each pair of a GOGC and a memory limit. */
#include "command.h"
#include "runs.h"
#include "page/report.h"
#include "settings.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

enum grid_form { GRID_TABLE, GRID_JSON, GRID_CSV };

struct grid {
  struct settings_list gogc, memory_limit;
  const char **words; /* of `gait run`: the workload, its arguments and the options that stay */
  size_t word_count;
  enum grid_form form;
  const char *html_path;
};

enum {
  GRID_GOGC = 1,
  GRID_MEMORY_LIMIT,
  GRID_THREADS,
  GRID_OPTION,
  GRID_TO_JSON,
  GRID_TO_CSV,
  GRID_TO_HTML
};

static const struct argp_option grid_options[] = {
    {"gogc", GRID_GOGC, "LIST", 0, "Values of GOGC, as 50,100,off", 0},
    {"memory-limit", GRID_MEMORY_LIMIT, "LIST", 0, "Memory limits, as 256MiB,off", 0},
    {"memlimit", GRID_MEMORY_LIMIT, "LIST", OPTION_HIDDEN, "As it was called before", 0},
    {"threads", GRID_THREADS, "N", 0, "As for `gait run`", 0},
    {"option", GRID_OPTION, "NAME=VALUE", 0, "As for `gait run`", 0},
    {"json", GRID_TO_JSON, NULL, 0, "Print an array of what each run would print", 0},
    {"csv", GRID_TO_CSV, NULL, 0, "Print comma-separated values", 0},
    {"html", GRID_TO_HTML, "FILE", 0, "Write a page with plots to FILE too", 0},
    {0}};

static void grid_pass_on(struct grid *grid, const char *option, const char *value) {
  grid->words[grid->word_count++] = option;
  grid->words[grid->word_count++] = value;
}

static error_t grid_option(int key, char *arg, struct argp_state *state) {
  struct grid *grid = state->input;
  switch (key) {
  case GRID_GOGC: settings_list_read(&grid->gogc, "gogc", arg, state); return 0;
  case GRID_MEMORY_LIMIT:
    settings_list_read(&grid->memory_limit, "memory_limit", arg, state);
    return 0;
  case GRID_THREADS: grid_pass_on(grid, "--threads", arg); return 0;
  case GRID_OPTION: grid_pass_on(grid, "--option", arg); return 0;
  case GRID_TO_JSON: grid->form = GRID_JSON; return 0;
  case GRID_TO_CSV: grid->form = GRID_CSV; return 0;
  case GRID_TO_HTML: grid->html_path = arg; return 0;
  case ARGP_KEY_ARG: grid->words[grid->word_count++] = arg; return 0;
  case ARGP_KEY_NO_ARGS: argp_error(state, "which workload?"); return 0;
  case ARGP_KEY_END:
    if (grid->gogc.count == 0) argp_error(state, "--gogc is wanted, as --gogc 50,100,200");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp grid_argp = {
    .options = grid_options,
    .parser = grid_option,
    .args_doc = "WORKLOAD ARGUMENT...",
    .doc = "Run a workload for each of several GOGC and memory limits.\v"
           "Each run is a process of its own.  `gait run --help` lists the workloads.  The "
           "predicted cycles are `allocated / (GOGC% x live)`, cycle by cycle.",
};

/* One run for each pair. */
static void grid_run(const struct grid *grid, struct runs *runs) {
  unsigned limits = grid->memory_limit.count == 0 ? 1 : grid->memory_limit.count;
  const char **words = grid->words;
  char gogc[32], memory_limit[32];
  for (unsigned i = 0; i < limits; i++) {
    for (unsigned j = 0; j < grid->gogc.count && !runs->usage; j++) {
      size_t count = grid->word_count;
      words[count++] = "--gogc";
      words[count++] = settings_option_text(grid->gogc.values[j], gogc);
      if (grid->memory_limit.count > 0) {
        words[count++] = "--memory-limit";
        words[count++] = settings_option_text(grid->memory_limit.values[i], memory_limit);
      }
      words[count] = NULL;
      runs_make(runs, words);
    }
  }
  progress_clear(&runs->progress);
}

/* The page has the cycles of every run; the text would drown in them. */
static void grid_print(const struct grid *grid, const struct runs *runs) {
  size_t index;
  json_t *row;
  json_array_foreach(runs->rows, index, row) json_object_del(row, "timeline");
  switch (grid->form) {
  case GRID_TABLE: runs_print(runs, stdout); break;
  case GRID_CSV: runs_print_csv(runs, stdout); break;
  case GRID_JSON:
    json_dumpf(runs->rows, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
    putchar('\n');
    break;
  }
}

static int grid_all(const struct grid *grid, const char *command) {
  struct runs runs;
  unsigned limits = grid->memory_limit.count == 0 ? 1 : grid->memory_limit.count;
  if (runs_init(&runs, limits * grid->gogc.count) != 0) return COMMAND_FAILED;
  grid_run(grid, &runs);
  int status = runs.usage ? COMMAND_USAGE : runs.failed > 0 ? COMMAND_FAILED : COMMAND_OK;
  if (!runs.usage) {
    const struct report report = {
        .noun = "grid", .title = "A grid of GOGC and limits", .command = command};
    if (grid->html_path != NULL && report_write(grid->html_path, &report, runs.rows) != 0)
      status = COMMAND_FAILED;
    grid_print(grid, &runs);
  }
  if (runs.failed > 0 && !runs.usage)
    fprintf(stderr, "gait grid: %u of %u runs failed\n", runs.failed, runs.done);
  runs_destroy(&runs);
  return status;
}

int gait_cmd_grid(int argc, char **argv) {
  struct grid grid = {.form = GRID_TABLE};
  char *command = report_command(argc, argv); /* before argp sorts the words */
  grid.words = calloc((size_t)argc * 2 + 5, sizeof *grid.words);
  int status = COMMAND_FAILED;
  if (command != NULL && grid.words != NULL) {
    argp_parse(&grid_argp, argc, argv, 0, NULL, &grid);
    status = grid_all(&grid, command);
  }
  free(grid.words);
  free(command);
  return status;
}
