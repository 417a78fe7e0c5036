/* gait what-if: a recording at one setting, predicted at others. */
#include "command.h"
#include "page/report.h"
#include "what_if_check.h"
#include "settings.h"
#include "what_if_programs.h"

#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct what_if {
  struct settings_list gogc, memory_limit;
  double cpus;
  char **paths;
  size_t path_count;
  const char *html_path;
  const char *check_path;
  bool each;
  bool json;
};

enum {
  WHAT_IF_GOGC = 1,
  WHAT_IF_MEMORY_LIMIT,
  WHAT_IF_PROCS,
  WHAT_IF_JSON,
  WHAT_IF_HTML,
  WHAT_IF_CHECK,
  WHAT_IF_EACH
};

static const struct argp_option what_if_options[] = {
    {"gogc", WHAT_IF_GOGC, "LIST", 0, "Values of GOGC, as 50,100,off; by default 50 to 400", 0},
    {"memory-limit", WHAT_IF_MEMORY_LIMIT, "LIST", 0,
     "Memory limits, as 256MiB,off; by default off", 0},
    {"memlimit", WHAT_IF_MEMORY_LIMIT, "LIST", OPTION_HIDDEN, "As it was called before", 0},
    {"procs", WHAT_IF_PROCS, "N", 0, "CPUs; by default as many as were recorded", 0},
    {"json", WHAT_IF_JSON, NULL, 0, "Print an array with an object for each setting", 0},
    {"html", WHAT_IF_HTML, "FILE", 0, "Write a page with plots to FILE too", 0},
    {"check", WHAT_IF_CHECK, "DIR", 0,
     "Instead: predict the recordings in DIR from that at GOGC=100 and tell the errors", 0},
    {"each", WHAT_IF_EACH, NULL, 0, "With --check: from each recording without a limit", 0},
    {0}};

static error_t what_if_option(int key, char *arg, struct argp_state *state) {
  struct what_if *what_if = state->input;
  switch (key) {
  case WHAT_IF_GOGC: settings_list_read(&what_if->gogc, "gogc", arg, state); return 0;
  case WHAT_IF_MEMORY_LIMIT:
    settings_list_read(&what_if->memory_limit, "memory_limit", arg, state);
    return 0;
  case WHAT_IF_PROCS: what_if->cpus = settings_cpus_read(arg, state); return 0;
  case WHAT_IF_JSON: what_if->json = true; return 0;
  case WHAT_IF_HTML: what_if->html_path = arg; return 0;
  case WHAT_IF_CHECK: what_if->check_path = arg; return 0;
  case WHAT_IF_EACH: what_if->each = true; return 0;
  case ARGP_KEY_ARGS:
    what_if->paths = state->argv + state->next;
    what_if->path_count = (size_t)(state->argc - state->next);
    return 0;
  case ARGP_KEY_END:
    if (what_if->path_count == 0 && what_if->check_path == NULL)
      argp_error(state, "which recording?");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp what_if_argp = {
    .options = what_if_options,
    .parser = what_if_option,
    .args_doc = "RECORDING...",
    .doc =
        "Predict what other settings would have cost, from a recording of a program.\v"
        "A recording is the program's own output with GODEBUG=gctrace=1 (Go) or GAIT_TRACE=1, or "
        "the file that GAIT_RECORDS names; other lines between do no harm, and - is standard "
        "input.  Of several runs, in one file "
        "or in "
        "several, one prediction is made.  GC CPU is that of assists "
        "and background workers; marking on idle CPUs is told apart.",
};

/* ---- Rows ---- */

static int what_if_put(json_t *row, const char *name, const struct what_if_range *range) {
  char low[64], high[64];
  snprintf(low, sizeof low, "%s_low", name);
  snprintf(high, sizeof high, "%s_high", name);
  return json_object_set_new(row, name, json_real(range->estimate)) |
         json_object_set_new(row, low, json_real(range->low)) |
         json_object_set_new(row, high, json_real(range->high));
}

static json_t *what_if_row(const struct setting *setting,
                           const struct what_if_prediction *prediction) {
  json_t *row = json_object();
  json_object_set_new(row, "gogc", settings_value_json(setting->gogc_percent));
  json_object_set_new(row, "memory_limit", settings_value_json(setting->memory_limit_bytes));
  what_if_put(row, "cycles", &prediction->cycles);
  what_if_put(row, "gc_cpu_seconds", &prediction->gc_cpu_seconds);
  what_if_put(row, "peak_heap_bytes", &prediction->peak_heap_bytes);
  what_if_put(row, "assist_share", &prediction->assist_share);
  what_if_put(row, "gc_cpu_share", &prediction->gc_cpu_share);
  what_if_put(row, "idle_cpu_seconds", &prediction->idle_cpu_seconds);
  json_object_set_new(row, "limit_unreachable", json_boolean(prediction->limit_unreachable));
  return row;
}

static json_t *what_if_rows(const struct what_if *what_if,
                            const struct what_if_programs *programs) {
  json_t *rows = json_array();
  for (unsigned i = 0; i < what_if->memory_limit.count; i++) {
    for (unsigned j = 0; j < what_if->gogc.count; j++) {
      struct setting setting = {.gogc_percent = what_if->gogc.values[j],
                                .memory_limit_bytes = what_if->memory_limit.values[i],
                                .cpus = what_if->cpus};
      struct what_if_prediction prediction;
      what_if_programs_predict(programs, &setting, &prediction);
      json_array_append_new(rows, what_if_row(&setting, &prediction));
    }
  }
  return rows;
}

static double what_if_number(const json_t *row, const char *name) {
  return json_number_value(json_object_get(row, name));
}

static int64_t what_if_integer(const json_t *row, const char *name) {
  const json_t *value = json_object_get(row, name);
  return json_is_integer(value) ? json_integer_value(value) : SETTING_OFF;
}

static void what_if_print_range(const json_t *row, const char *name, double unit, int digits) {
  char low[64], high[64];
  snprintf(low, sizeof low, "%s_low", name);
  snprintf(high, sizeof high, "%s_high", name);
  char text[64];
  snprintf(text, sizeof text, "%.*f (%.*f-%.*f)", digits, what_if_number(row, name) / unit, digits,
           what_if_number(row, low) / unit, digits, what_if_number(row, high) / unit);
  printf("  %20s", text);
}

static void what_if_print(const json_t *rows) {
  size_t index;
  json_t *row;
  char text[32];
  bool unreachable = false;
  printf("%6s %10s  %20s  %20s  %20s  %20s\n", "GOGC", "limit", "cycles", "GC CPU, s",
         "peak heap, MiB", "assists, % of CPU");
  json_array_foreach(rows, index, row) {
    printf("%6s", settings_gogc_text(what_if_integer(row, "gogc"), text));
    printf(" %10s", settings_limit_text(what_if_integer(row, "memory_limit"), text));
    what_if_print_range(row, "cycles", 1, 0);
    what_if_print_range(row, "gc_cpu_seconds", 1, 3);
    what_if_print_range(row, "peak_heap_bytes", 1048576, 0);
    what_if_print_range(row, "assist_share", 0.01, 1);
    bool over = json_is_true(json_object_get(row, "limit_unreachable"));
    puts(over ? " *" : "");
    unreachable |= over;
  }
  if (unreachable) puts("* at some time the live heap leaves no room under the limit");
}

static int what_if_report(const struct what_if *what_if, json_t *rows, const char *command) {
  if (what_if->json) {
    json_dumpf(rows, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
    putchar('\n');
  } else {
    what_if_print(rows);
  }
  if (what_if->html_path == NULL) return COMMAND_OK;
  const struct report report = {
      .noun = "what_if",
      .title = "What if",
      .command = command,
      .text = "Each setting as this recording predicts it; lines above and below are the range. GC "
              "CPU is that of assists and background workers.",
  };
  return report_write(what_if->html_path, &report, rows) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static int what_if_run(const struct what_if *what_if, const char *command) {
  struct what_if_programs programs;
  if (!what_if_programs_load(&programs, "what-if", what_if->paths, what_if->path_count))
    return COMMAND_FAILED;
  json_t *rows = what_if_rows(what_if, &programs);
  int status = what_if_report(what_if, rows, command);
  json_decref(rows);
  what_if_programs_destroy(&programs);
  return status;
}

int gait_cmd_what_if(int argc, char **argv) {
  struct what_if what_if = {0};
  char *command = report_command(argc, argv);
  argp_parse(&what_if_argp, argc, argv, 0, NULL, &what_if);
  if (what_if.gogc.count == 0) what_if.gogc = (struct settings_list){{50, 100, 200, 400}, 4};
  if (what_if.memory_limit.count == 0)
    what_if.memory_limit = (struct settings_list){{SETTING_OFF}, 1};
  int status = COMMAND_FAILED;
  if (what_if.check_path != NULL)
    status = what_if_check(what_if.check_path, what_if.each, what_if.json);
  else if (command != NULL)
    status = what_if_run(&what_if, command);
  free(command);
  return status;
}
