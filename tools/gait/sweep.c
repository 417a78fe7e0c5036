/* gait sweep: one workload, run once for each pair of a GOGC and a memory limit. */
#include "command.h"
#include "grid.h"
#include "page.h"
#include "settings.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

enum sweep_form { SWEEP_TABLE, SWEEP_JSON, SWEEP_CSV };

struct sweep {
  struct settings_list gogc, memlimit;
  const char **words; /* of `gait run`: the workload, its arguments and the options that stay */
  size_t word_count;
  enum sweep_form form;
  const char *html_path;
};

enum {
  SWEEP_GOGC = 1,
  SWEEP_MEMLIMIT,
  SWEEP_THREADS,
  SWEEP_OPTION,
  SWEEP_TO_JSON,
  SWEEP_TO_CSV,
  SWEEP_TO_HTML
};

static const struct argp_option sweep_options[] = {
    {"gogc", SWEEP_GOGC, "LIST", 0, "Values of GOGC, as 50,100,off", 0},
    {"memlimit", SWEEP_MEMLIMIT, "LIST", 0, "Memory limits, as 256MiB,off", 0},
    {"threads", SWEEP_THREADS, "N", 0, "As for `gait run`", 0},
    {"option", SWEEP_OPTION, "NAME=VALUE", 0, "As for `gait run`", 0},
    {"json", SWEEP_TO_JSON, NULL, 0, "Print an array of what each run would print", 0},
    {"csv", SWEEP_TO_CSV, NULL, 0, "Print comma-separated values", 0},
    {"html", SWEEP_TO_HTML, "FILE", 0, "Write a page with plots to FILE too", 0},
    {0}};

static void sweep_pass_on(struct sweep *sweep, const char *option, const char *value) {
  sweep->words[sweep->word_count++] = option;
  sweep->words[sweep->word_count++] = value;
}

static error_t sweep_option(int key, char *arg, struct argp_state *state) {
  struct sweep *sweep = state->input;
  switch (key) {
  case SWEEP_GOGC: settings_list_read(&sweep->gogc, "gogc", arg, state); return 0;
  case SWEEP_MEMLIMIT: settings_list_read(&sweep->memlimit, "memlimit", arg, state); return 0;
  case SWEEP_THREADS: sweep_pass_on(sweep, "--threads", arg); return 0;
  case SWEEP_OPTION: sweep_pass_on(sweep, "--option", arg); return 0;
  case SWEEP_TO_JSON: sweep->form = SWEEP_JSON; return 0;
  case SWEEP_TO_CSV: sweep->form = SWEEP_CSV; return 0;
  case SWEEP_TO_HTML: sweep->html_path = arg; return 0;
  case ARGP_KEY_ARG: sweep->words[sweep->word_count++] = arg; return 0;
  case ARGP_KEY_NO_ARGS: argp_error(state, "which workload?"); return 0;
  case ARGP_KEY_END:
    if (sweep->gogc.count == 0) argp_error(state, "--gogc is wanted, as --gogc 50,100,200");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp sweep_argp = {
    .options = sweep_options,
    .parser = sweep_option,
    .args_doc = "WORKLOAD ARGUMENT...",
    .doc = "Run a workload for each of several GOGC and memory limits.\v"
           "Each run is a process of its own.  `gait run --help` lists the workloads.  The "
           "predicted cycles are `allocated / (GOGC% x live)`, cycle by cycle.",
};

/* One run for each pair. */
static void sweep_run(const struct sweep *sweep, struct grid *grid) {
  unsigned limits = sweep->memlimit.count == 0 ? 1 : sweep->memlimit.count;
  const char **words = sweep->words;
  char gogc[32], memlimit[32];
  for (unsigned i = 0; i < limits; i++) {
    for (unsigned j = 0; j < sweep->gogc.count && !grid->usage; j++) {
      size_t count = sweep->word_count;
      words[count++] = "--gogc";
      words[count++] = settings_option_text(sweep->gogc.values[j], gogc);
      if (sweep->memlimit.count > 0) {
        words[count++] = "--memlimit";
        words[count++] = settings_option_text(sweep->memlimit.values[i], memlimit);
      }
      words[count] = NULL;
      grid_run(grid, words);
    }
  }
  progress_clear(&grid->progress);
}

/* The page has the cycles of every run; the text would drown in them. */
static void sweep_print(const struct sweep *sweep, const struct grid *grid) {
  size_t index;
  json_t *row;
  json_array_foreach(grid->rows, index, row) json_object_del(row, "timeline");
  switch (sweep->form) {
  case SWEEP_TABLE: grid_print(grid, stdout); break;
  case SWEEP_CSV: grid_print_csv(grid, stdout); break;
  case SWEEP_JSON:
    json_dumpf(grid->rows, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
    putchar('\n');
    break;
  }
}

static int sweep_all(const struct sweep *sweep, const char *command) {
  struct grid grid;
  unsigned limits = sweep->memlimit.count == 0 ? 1 : sweep->memlimit.count;
  if (grid_init(&grid, limits * sweep->gogc.count) != 0) return COMMAND_FAILED;
  sweep_run(sweep, &grid);
  int status = grid.usage ? COMMAND_USAGE : grid.failed > 0 ? COMMAND_FAILED : COMMAND_OK;
  if (!grid.usage) {
    const struct page page = {.noun = "sweep", .title = "A sweep over GOGC", .command = command};
    if (sweep->html_path != NULL && page_write(sweep->html_path, &page, grid.rows) != 0)
      status = COMMAND_FAILED;
    sweep_print(sweep, &grid);
  }
  if (grid.failed > 0 && !grid.usage)
    fprintf(stderr, "gait sweep: %u of %u runs failed\n", grid.failed, grid.done);
  grid_destroy(&grid);
  return status;
}

int gait_cmd_sweep(int argc, char **argv) {
  struct sweep sweep = {.form = SWEEP_TABLE};
  char *command = page_command(argc, argv); /* before argp sorts the words */
  sweep.words = calloc((size_t)argc * 2 + 5, sizeof *sweep.words);
  int status = COMMAND_FAILED;
  if (command != NULL && sweep.words != NULL) {
    argp_parse(&sweep_argp, argc, argv, 0, NULL, &sweep);
    status = sweep_all(&sweep, command);
  }
  free(sweep.words);
  free(command);
  return status;
}
