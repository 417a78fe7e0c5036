/* gait sim: programs that are only described, under the real pacer, for a grid of settings. */
#include "command.h"
#include "page/report.h"
#include "progress.h"
#include "sim_rows.h"
#include "sim_spec.h"

#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum sim_output { SIM_TABLE, SIM_JSON, SIM_CSV };

struct sim {
  struct settings_list gogc, memory_limit;
  double cpus;
  enum sim_output output;
  const char *html_path;
  const char *timeline_path;
  unsigned shard, shards; /* 1 .. shards */
  bool merge;
  char **paths;
  size_t path_count;
};

enum {
  SIM_OPTION_GOGC = 1,
  SIM_OPTION_MEMORY_LIMIT,
  SIM_OPTION_PROCS,
  SIM_OPTION_JSON,
  SIM_OPTION_CSV,
  SIM_OPTION_HTML,
  SIM_OPTION_TIMELINE,
  SIM_OPTION_SHARD,
  SIM_OPTION_MERGE
};

static const struct argp_option sim_options[] = {
    {"gogc", SIM_OPTION_GOGC, "LIST", 0, "Values of GOGC, as 50,100,off, instead of the file's", 0},
    {"memory-limit", SIM_OPTION_MEMORY_LIMIT, "LIST", 0, "Memory limits, instead of the file's", 0},
    {"memlimit", SIM_OPTION_MEMORY_LIMIT, "LIST", OPTION_HIDDEN, "As it was called before", 0},
    {"procs", SIM_OPTION_PROCS, "N", 0, "CPUs, instead of the file's", 0},
    {"json", SIM_OPTION_JSON, NULL, 0, "Print an array with an object for each setting", 0},
    {"csv", SIM_OPTION_CSV, NULL, 0, "Print comma-separated values", 0},
    {"html", SIM_OPTION_HTML, "FILE", 0, "Write a page with plots to FILE too", 0},
    {"timeline", SIM_OPTION_TIMELINE, "FILE", 0, "Write every cycle to FILE, as CSV", 0},
    {"shard", SIM_OPTION_SHARD, "I/N", 0, "Only every Nth setting, from the Ith; I in 1 .. N", 0},
    {"merge", SIM_OPTION_MERGE, NULL, 0, "Join the JSON of all shards instead", 0},
    {0}};

static void sim_read_shard(struct sim *sim, const char *text, struct argp_state *state) {
  char rest;
  bool read = text[0] >= '1' && text[0] <= '9' && strlen(text) < 20 &&
              sscanf(text, "%u/%u%c", &sim->shard, &sim->shards, &rest) == 2;
  if (!read || sim->shard > sim->shards || sim->shards > 10000000)
    argp_error(state, "--shard=%s: as 1/4 is wanted, I in 1 .. N", text);
}

static error_t sim_option(int key, char *arg, struct argp_state *state) {
  struct sim *sim = state->input;
  switch (key) {
  case SIM_OPTION_GOGC: settings_list_read(&sim->gogc, "gogc", arg, state); return 0;
  case SIM_OPTION_MEMORY_LIMIT:
    settings_list_read(&sim->memory_limit, "memory_limit", arg, state);
    return 0;
  case SIM_OPTION_PROCS: sim->cpus = settings_cpus_read(arg, state); return 0;
  case SIM_OPTION_JSON: sim->output = SIM_JSON; return 0;
  case SIM_OPTION_CSV: sim->output = SIM_CSV; return 0;
  case SIM_OPTION_HTML: sim->html_path = arg; return 0;
  case SIM_OPTION_TIMELINE: sim->timeline_path = arg; return 0;
  case SIM_OPTION_SHARD: sim_read_shard(sim, arg, state); return 0;
  case SIM_OPTION_MERGE: sim->merge = true; return 0;
  case ARGP_KEY_ARG: sim->paths[sim->path_count++] = arg; return 0;
  case ARGP_KEY_END:
    if (sim->path_count == 0) argp_error(state, "which file?");
    if (!sim->merge && sim->path_count > 1)
      argp_error(state, "one file is wanted, not '%s' too", sim->paths[1]);
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp sim_argp = {
    .options = sim_options,
    .parser = sim_option,
    .args_doc = "SPEC.json\n--merge FILE...",
    .doc = "Simulate programs under the pacer, cycle by cycle, for a grid of settings.\v"
           "docs/simulator.md has the form of SPEC.json.  Interval is from cycle to cycle; by law "
           "are the cycles that GOGC% x live / rate predicts.",
};

/* ---- Running ---- */

/* Where one simulation writes its cycles. */
struct sim_timeline {
  FILE *out;
  size_t index;
};

static void sim_see(void *context, const struct sim_cycle *cycle) {
  struct sim_timeline *timeline = context;
  fprintf(timeline->out, "%zu,%llu,%.9g,%.9g,%.0f,%.0f,%.0f,%.0f,%.9g,%.9g,%s,%d\n",
          timeline->index, (unsigned long long)cycle->number, cycle->start_seconds,
          cycle->mark_seconds, cycle->trigger_bytes, cycle->goal_bytes, cycle->peak_bytes,
          cycle->marked_bytes, cycle->assist_seconds, cycle->background_seconds,
          gaiti_pacer_rule_name(cycle->rule), cycle->limiting);
}

/* Runs this shard's part of the grid.  A setting's place counts programs, then limits, then GOGC.
 */
static int sim_grid(const struct sim *sim, const struct sim_spec *spec, FILE *cycles,
                    json_t *rows) {
  size_t total = spec->count * sim->memory_limit.count * sim->gogc.count, done = 0;
  struct progress progress;
  progress_start(&progress, (unsigned)(total / sim->shards + 1));
  for (size_t i = sim->shard - 1; i < total; i += sim->shards) {
    const struct sim_description *program =
        &spec->programs[i / (sim->memory_limit.count * sim->gogc.count)];
    struct setting setting = {
        .gogc_percent = sim->gogc.values[i % sim->gogc.count],
        .memory_limit_bytes =
            sim->memory_limit.values[i / sim->gogc.count % sim->memory_limit.count],
        .cpus = sim->cpus};
    struct sim_timeline timeline = {cycles, i};
    struct sim_result result;
    double by_law;
    progress_show(&progress, (unsigned)done++, program->name);
    const char *wrong = sim_description_run(program, &setting, cycles == NULL ? NULL : sim_see,
                                            &timeline, &result, &by_law);
    if (wrong != NULL) {
      progress_clear(&progress);
      fprintf(stderr, "gait sim: %s: %s\n", program->name, wrong);
      return COMMAND_FAILED;
    }
    json_array_append_new(rows, sim_row(program, &setting, &result, by_law, i, total));
  }
  progress_clear(&progress);
  return COMMAND_OK;
}

static int sim_with_timeline(const struct sim *sim, const struct sim_spec *spec, json_t *rows) {
  FILE *cycles = NULL;
  if (sim->timeline_path != NULL) {
    cycles = fopen(sim->timeline_path, "w");
    if (cycles == NULL) {
      perror(sim->timeline_path);
      return COMMAND_FAILED;
    }
    fputs("index,cycle,start_seconds,mark_seconds,trigger_bytes,goal_bytes,peak_bytes,"
          "marked_bytes,assist_cpu_seconds,background_cpu_seconds,rule,limiting\n",
          cycles);
  }
  int status = sim_grid(sim, spec, cycles, rows);
  if (cycles != NULL && fclose(cycles) != 0) {
    perror(sim->timeline_path);
    status = COMMAND_FAILED;
  }
  return status;
}

/* The rows of the file's grid; NULL after a message. */
static json_t *sim_simulate(struct sim *sim) {
  struct sim_spec spec;
  struct sim_error error;
  if (!sim_spec_load(&spec, sim->paths[0], &error)) {
    fprintf(stderr, "gait sim: %s\n", error.text);
    return NULL;
  }
  if (sim->gogc.count == 0) sim->gogc = spec.gogc;
  if (sim->memory_limit.count == 0) sim->memory_limit = spec.memory_limit;
  if (sim->gogc.count == 0) sim->gogc = (struct settings_list){{100}, 1};
  if (sim->memory_limit.count == 0) sim->memory_limit = (struct settings_list){{SETTING_OFF}, 1};
  json_t *rows = json_array();
  if (sim_with_timeline(sim, &spec, rows) != COMMAND_OK) {
    json_decref(rows);
    rows = NULL;
  }
  sim_spec_destroy(&spec);
  return rows;
}

static json_t *sim_merge(const struct sim *sim) {
  struct sim_error error;
  json_t *rows = sim_rows_merge(sim->paths, sim->path_count, &error);
  if (rows == NULL) fprintf(stderr, "gait sim: %s\n", error.text);
  return rows;
}

/* ---- Telling ---- */

static int sim_report(const struct sim *sim, json_t *rows, const char *command) {
  switch (sim->output) {
  case SIM_TABLE: sim_rows_print(rows, stdout); break;
  case SIM_CSV: sim_rows_print_csv(rows, stdout); break;
  case SIM_JSON:
    json_dumpf(rows, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
    putchar('\n');
    break;
  }
  if (sim->html_path == NULL) return COMMAND_OK;
  const struct report report = {
      .noun = "what_if",
      .title = "Simulated settings",
      .command = command,
      .text = "Programs that are only described, simulated cycle by cycle with the pacer that the "
              "collector runs.",
  };
  return report_write(sim->html_path, &report, rows) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

int gait_cmd_sim(int argc, char **argv) {
  struct sim sim = {.shard = 1, .shards = 1};
  char *command = report_command(argc, argv);
  sim.paths = calloc((size_t)argc, sizeof *sim.paths);
  int status = COMMAND_FAILED;
  if (command != NULL && sim.paths != NULL) {
    argp_parse(&sim_argp, argc, argv, 0, NULL, &sim);
    json_t *rows = sim.merge ? sim_merge(&sim) : sim_simulate(&sim);
    if (rows != NULL) status = sim_report(&sim, rows, command);
    json_decref(rows);
  }
  free(sim.paths);
  free(command);
  return status;
}
