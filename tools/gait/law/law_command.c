/* gait law: how often the heap is collected, by the formula, by the simulator and by the collector,
 * for a grid of live heap, allocation rate and GOGC. */
#include "command.h"
#include "run/runs.h"
#include "law_rows.h"
#include "page/report.h"
#include "settings.h"
#include "sim/sim_rows.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum law_form { LAW_TABLE, LAW_JSON, LAW_CSV };

struct law {
  struct settings_list live, rate, gogc;
  unsigned cycles;
  enum law_form form;
  const char *html_path;
  bool is_virtual;
  gait_options options; /* of the heaps: what the environment says */
};

#define LAW_LIVE_LEAST    ((int64_t)4 << 20) /* below, the smallest heap goal rules */
#define LAW_LIVE_MOST     ((int64_t)1 << 40)
#define LAW_RATE_LEAST    ((int64_t)1 << 20)
#define LAW_RATE_MOST     ((int64_t)1 << 39)
#define LAW_CYCLES_USUAL  8u
#define LAW_CYCLES_LEAST  2u
#define LAW_CYCLES_MOST   100000u
#define LAW_TRIES         3
#define LAW_LONGER        4   /* times */
#define LAW_MEMORY_MARGIN 1.2 /* over the goal: slots, side tables, a mark that ends late */

/* `paced` makes nodes of 128 bytes and keeps each in a slot of 8, so 16/17 of what is to be live
 * are nodes; it reckons in millions of bytes. */
#define LAW_NODE_SHARE (128.0 / 136)
#define LAW_MILLION    1e6

enum {
  LAW_LIVE = 1,
  LAW_RATE,
  LAW_GOGC,
  LAW_CYCLES,
  LAW_TO_JSON,
  LAW_TO_CSV,
  LAW_TO_HTML,
  LAW_VIRTUAL
};

static const struct argp_option law_options[] = {
    {"live", LAW_LIVE, "LIST", 0, "Live heaps; by default 32MiB,96MiB", 0},
    {"rate", LAW_RATE, "LIST", 0, "Allocation a second; by default 100MiB,200MiB,400MiB", 0},
    {"gogc", LAW_GOGC, "LIST", 0, "Values of GOGC; by default 50,100,200", 0},
    {"cycles", LAW_CYCLES, "N", 0, "Steady cycles of each run, about; by default 8", 0},
    {"virtual", LAW_VIRTUAL, NULL, 0,
     "Run on a virtual machine of 2 CPUs, whose clock counts work: the same everywhere", 0},
    {"json", LAW_TO_JSON, NULL, 0, "Print an array with an object for each run", 0},
    {"csv", LAW_TO_CSV, NULL, 0, "Print comma-separated values", 0},
    {"html", LAW_TO_HTML, "FILE", 0, "Write a page with plots to FILE too", 0},
    {0}};

/* ---- Reading ---- */

static int64_t law_read_size(const char *name, const char *text, int64_t least, int64_t most,
                             struct argp_state *state) {
  char range[2][32];
  int64_t bytes = settings_size_read(text);
  if (bytes < least || bytes > most)
    argp_error(state, "--%s: '%s' is no size in %s .. %s", name, text,
               settings_limit_text(least, range[0]), settings_limit_text(most, range[1]));
  return bytes;
}

static int64_t law_read_live(const char *name, const char *text, struct argp_state *state) {
  return law_read_size(name, text, LAW_LIVE_LEAST, LAW_LIVE_MOST, state);
}
static int64_t law_read_rate(const char *name, const char *text, struct argp_state *state) {
  return law_read_size(name, text, LAW_RATE_LEAST, LAW_RATE_MOST, state);
}

static void law_read_gogc(struct settings_list *list, const char *text, struct argp_state *state) {
  settings_list_read(list, "gogc", text, state);
  for (unsigned i = 0; i < list->count; i++)
    if (list->values[i] < 1) argp_error(state, "--gogc: the formula wants 1 or more, not 0 or off");
}

static unsigned law_read_cycles(const char *text, struct argp_state *state) {
  char *end;
  unsigned long cycles = strtoul(text, &end, 10);
  if (text[0] < '1' || text[0] > '9' || *end != '\0' || cycles < LAW_CYCLES_LEAST ||
      cycles > LAW_CYCLES_MOST)
    argp_error(state, "--cycles=%s: a number in %u .. %u is wanted", text, LAW_CYCLES_LEAST,
               LAW_CYCLES_MOST);
  return (unsigned)cycles;
}

/* The largest heap of the grid must fit into the machine: a machine that swaps measures nothing. */
static void law_check_memory(const struct law *law, struct argp_state *state) {
  int64_t live = 0, gogc = 0;
  for (unsigned i = 0; i < law->live.count; i++)
    live = law->live.values[i] > live ? law->live.values[i] : live;
  for (unsigned i = 0; i < law->gogc.count; i++)
    gogc = law->gogc.values[i] > gogc ? law->gogc.values[i] : gogc;
  double wanted = (double)live * (1 + (double)gogc / 100) * LAW_MEMORY_MARGIN;
  double there = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  if (wanted > there)
    argp_error(state, "%.4g MiB live at GOGC=%lld take some %.4g MiB; this machine has %.4g",
               (double)live / 1048576, (long long)gogc, wanted / 1048576, there / 1048576);
}

static void law_defaults(struct law *law) {
  const int64_t mib = 1 << 20;
  if (law->live.count == 0) law->live = (struct settings_list){{32 * mib, 96 * mib}, 2};
  if (law->rate.count == 0)
    law->rate = (struct settings_list){{100 * mib, 200 * mib, 400 * mib}, 3};
  if (law->gogc.count == 0) law->gogc = (struct settings_list){{50, 100, 200}, 3};
}

static error_t law_option(int key, char *arg, struct argp_state *state) {
  struct law *law = state->input;
  switch (key) {
  case LAW_LIVE: settings_list_read_by(&law->live, "live", law_read_live, arg, state); return 0;
  case LAW_RATE: settings_list_read_by(&law->rate, "rate", law_read_rate, arg, state); return 0;
  case LAW_GOGC: law_read_gogc(&law->gogc, arg, state); return 0;
  case LAW_CYCLES: law->cycles = law_read_cycles(arg, state); return 0;
  case LAW_TO_JSON: law->form = LAW_JSON; return 0;
  case LAW_TO_CSV: law->form = LAW_CSV; return 0;
  case LAW_TO_HTML: law->html_path = arg; return 0;
  case LAW_VIRTUAL: law->is_virtual = true; return 0;
  case ARGP_KEY_ARG: argp_error(state, "'%s' is not wanted", arg); return 0;
  case ARGP_KEY_END:
    law_defaults(law);
    law_check_memory(law, state);
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp law_argp = {
    .options = law_options,
    .parser = law_option,
    .doc =
        "Measure how long it is from one collection to the next, against GOGC% x live / rate.\v"
        "Each row is a run of `gait run paced steady` in a process of its own, beside the "
        "formula and a simulation with the same pacer.  LISTs are as 32MiB,64MiB.  Measure on a "
        "machine that does nothing else, or with --virtual; docs/law.md tells what each column is.",
};

/* ---- Running ---- */

/* One run of the workload; NULL when it failed, after its message. */
static json_t *law_measure(const struct law *law, const struct law_point *point, double bytes,
                           struct runs *runs) {
  char live[32], rate[32], total[32], gogc[32];
  snprintf(live, sizeof live, "%.6f", point->live_bytes * LAW_NODE_SHARE / LAW_MILLION);
  snprintf(rate, sizeof rate, "%.6f", point->rate / LAW_MILLION);
  snprintf(total, sizeof total, "%.6f", bytes / LAW_MILLION);
  snprintf(gogc, sizeof gogc, "%lld", (long long)point->gogc_percent);
  const char *words[] = {"paced", "steady",   live,          rate,
                         total,   "--gogc",   gogc,          "--memory-limit",
                         "off",   "--option", "policy=gogc", law->is_virtual ? "--virtual" : NULL,
                         NULL};
  return runs_make(runs, words);
}

static void law_complain(const struct runs *runs, const struct law_point *point, const char *what) {
  progress_clear(&runs->progress);
  fprintf(stderr, "gait law: live %.6g MiB, %.6g MiB/s, GOGC=%lld: %s\n",
          point->live_bytes / 1048576, point->rate / 1048576, (long long)point->gogc_percent, what);
}

/* Runs it once more, for longer, while less than half of the cycles came: where a cycle cannot keep
 * up with allocation, the heap outgrows what the length was made for.  False after a message. */
static bool law_collect(const struct law *law, const struct law_point *point, struct runs *runs,
                        struct law_collector *collector) {
  double bytes = law_point_total(point, law->cycles);
  bool steady = false;
  for (int i = 0; i < LAW_TRIES; i++, bytes *= LAW_LONGER, runs->progress.total++) {
    const json_t *run = law_measure(law, point, bytes, runs);
    if (run == NULL) return false;
    steady = law_point_collector(point, run, collector);
    if (steady && collector->steady.intervals * 2 >= law->cycles) return true;
  }
  if (!steady) law_complain(runs, point, "there were no two steady cycles");
  return steady;
}

static json_t *law_point_row(const struct law *law, const struct law_point *point,
                             struct runs *runs) {
  struct law_collector collector;
  struct law_steady simulated;
  if (!law_collect(law, point, runs, &collector)) return NULL;
  if (!law_rate_reached(point, &collector)) {
    char text[128];
    snprintf(text, sizeof text, "the rate was %.1f MiB/s, %s; the formula takes that",
             collector.steady.rate / 1048576,
             collector.steady.rate < point->rate ? "no more" : "to make up for a slow start");
    law_complain(runs, point, text);
  }
  double rate = law_rate_used(point, &collector);
  if (!law_point_simulate(point, &law->options, &collector, rate, &simulated)) {
    law_complain(runs, point, "it cannot be simulated");
    return NULL;
  }
  return law_row(point, &collector, &simulated);
}

/* One row for each point; returns how many could not be measured. */
static unsigned law_run(const struct law *law, struct runs *runs, json_t *rows) {
  unsigned total = law->live.count * law->rate.count * law->gogc.count, failed = 0;
  for (unsigned i = 0; i < total && !runs->usage; i++) {
    unsigned pair = i / law->gogc.count;
    struct law_point point = {
        .live_bytes = (double)law->live.values[pair / law->rate.count],
        .rate = (double)law->rate.values[pair % law->rate.count],
        .gogc_percent = law->gogc.values[i % law->gogc.count],
    };
    json_t *row = law_point_row(law, &point, runs);
    if (row == NULL)
      failed++;
    else
      json_array_append_new(rows, row);
  }
  progress_clear(&runs->progress);
  if (failed > 0) fprintf(stderr, "gait law: %u of %u points were not measured\n", failed, total);
  return failed;
}

static void law_print(const struct law *law, const json_t *rows) {
  switch (law->form) {
  case LAW_TABLE: law_rows_print(rows, stdout); break;
  case LAW_CSV: sim_rows_print_csv(rows, stdout); break;
  case LAW_JSON:
    json_dumpf(rows, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
    putchar('\n');
    break;
  }
}

static int law_all(const struct law *law, const char *command) {
  struct runs runs;
  json_t *rows = json_array();
  if (rows == NULL || runs_init(&runs, law->live.count * law->rate.count * law->gogc.count) != 0) {
    json_decref(rows);
    return COMMAND_FAILED;
  }
  int status = law_run(law, &runs, rows) > 0 ? COMMAND_FAILED : COMMAND_OK;
  law_print(law, rows);
  const struct report report = {.noun = "law", .title = "The law, measured", .command = command};
  if (law->html_path != NULL && report_write(law->html_path, &report, rows) != 0)
    status = COMMAND_FAILED;
  runs_destroy(&runs);
  json_decref(rows);
  return status;
}

int gait_cmd_law(int argc, char **argv) {
  struct law law = {.cycles = LAW_CYCLES_USUAL};
  char error[256], *command = report_command(argc, argv);
  gait_options_init(&law.options);
  if (gait_options_from_environment(&law.options, error, sizeof error) != GAIT_OK) {
    fprintf(stderr, "gait law: %s\n", error);
    free(command);
    return COMMAND_USAGE;
  }
  argp_parse(&law_argp, argc, argv, 0, NULL, &law);
  int status = command == NULL ? COMMAND_FAILED : law_all(&law, command);
  free(command);
  return status;
}
