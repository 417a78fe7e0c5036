/* gait demo: what GOGC and a memory limit do to two workloads, as one table and one page. */
#include "command.h"
#include "runs.h"
#include "page/report.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#define DEMO_LIMIT_SHARE 1.5 /* the memory limit, in live heaps */
#define DEMO_LRU_ENTRIES "100000"
#define DEMO_LRU_OPS     "4000000"

static const char *const demo_gogc[] = {"50", "100", "200", "400"};

#define DEMO_GOGC_COUNT (sizeof demo_gogc / sizeof demo_gogc[0])
#define DEMO_RUNS       (2 * ((unsigned)DEMO_GOGC_COUNT + 1)) /* two workloads, and limits */

struct demo {
  const char **paths; /* after the word "index" */
  size_t path_count;
  const char *html_path;
};

enum { DEMO_HTML = 1 };

static const struct argp_option demo_options[] = {
    {"html", DEMO_HTML, "FILE", 0, "Where to write the page; report.html", 0}, {0}};

static error_t demo_option(int key, char *arg, struct argp_state *state) {
  struct demo *demo = state->input;
  switch (key) {
  case DEMO_HTML: demo->html_path = arg; return 0;
  case ARGP_KEY_ARG: demo->paths[demo->path_count++] = arg; return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp demo_argp = {
    .options = demo_options,
    .parser = demo_option,
    .args_doc = "[PATH...]",
    .doc = "Index the text under each PATH, and run a cache, on the collector with different "
           "GOGC and once with a memory limit.\v"
           "Without a PATH: the licence texts of this machine.",
};

/* The most that any cycle of the run found live. */
static double demo_live(const json_t *row) {
  double live = 0;
  size_t index;
  json_t *cycle;
  json_array_foreach(json_object_get(row, "timeline"), index, cycle) {
    double marked = runs_number(cycle, "marked_bytes");
    if (marked > live) live = marked;
  }
  return live;
}

/* Runs one workload for each GOGC, then without GOGC under a limit made from its live heap.
 * `words` has room for four more behind the first `count` and a NULL. */
static void demo_workload(struct runs *runs, const char **words, size_t count) {
  double live = 0;
  for (size_t i = 0; i < DEMO_GOGC_COUNT && !runs->usage; i++) {
    words[count] = "--gogc";
    words[count + 1] = demo_gogc[i];
    words[count + 2] = NULL;
    const json_t *row = runs_make(runs, words);
    if (row != NULL && demo_live(row) > live) live = demo_live(row);
  }
  if (live <= 0) return;
  char limit[32];
  snprintf(limit, sizeof limit, "%.0fMiB", live * DEMO_LIMIT_SHARE / 1048576 + 0.5);
  words[count + 1] = "off";
  words[count + 2] = "--memory-limit";
  words[count + 3] = limit;
  words[count + 4] = NULL;
  runs_make(runs, words);
}

static int demo_run(struct demo *demo, const char *command) {
  struct runs runs;
  const char *lru[8] = {"lru", DEMO_LRU_ENTRIES, DEMO_LRU_OPS};
  if (runs_init(&runs, DEMO_RUNS) != 0) return COMMAND_FAILED;
  demo_workload(&runs, demo->paths, demo->path_count);
  demo_workload(&runs, lru, 3);
  progress_clear(&runs.progress);

  int status = runs.failed > 0 ? COMMAND_FAILED : COMMAND_OK;
  const struct report report = {
      .noun = "grid", .title = "Gait: what GOGC and a memory limit do", .command = command};
  if (report_write(demo->html_path, &report, runs.rows) != 0) status = COMMAND_FAILED;
  runs_print(&runs, stdout);
  printf(
      "\nPredicted: allocated / (GOGC%% x live), cycle by cycle; under a limit alone, allocated / "
      "(limit - live).\n%s shows the same as plots.\n",
      demo->html_path);
  if (runs.failed > 0) fprintf(stderr, "gait demo: %u of %u runs failed\n", runs.failed, runs.done);
  runs_destroy(&runs);
  return status;
}

int gait_cmd_demo(int argc, char **argv) {
  struct demo demo = {.html_path = "report.html", .path_count = 1};
  char *command = report_command(argc, argv);
  demo.paths = calloc((size_t)argc + 7, sizeof *demo.paths);
  int status = COMMAND_FAILED;
  if (command != NULL && demo.paths != NULL) {
    demo.paths[0] = "index";
    argp_parse(&demo_argp, argc, argv, 0, NULL, &demo);
    if (demo.path_count == 1) demo.paths[demo.path_count++] = "/usr/share/common-licenses";
    status = demo_run(&demo, command);
  }
  free(demo.paths);
  free(command);
  return status;
}
