/* Reading a folder of scenarios. */
#define _POSIX_C_SOURCE 200809L
#include "replay_scenario.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The columns of a scenario file that the model reads. */
enum scenario_column {
  COLUMN_CYCLE,
  COLUMN_GC_PERCENT,
  COLUMN_MEMORY_LIMIT,
  COLUMN_GLOBALS_BYTES,
  COLUMN_CORES,
  COLUMN_ALLOC_RATE,
  COLUMN_SCAN_RATE,
  COLUMN_GROWTH_RATE,
  COLUMN_SCANNABLE_FRAC,
  COLUMN_STACK_BYTES,
  COLUMNS_NEEDED,
  COLUMN_EXTERNAL_BYTES = COLUMNS_NEEDED,
  COLUMN_OVERHEAD_BYTES,
  COLUMN_MINIMUM_HEAP_BYTES,
  COLUMN_IDLE_SHARE,
  COLUMN_FORCED_AT,
  COLUMN_CPU_CAP,
  COLUMN_WORKER_PLAN,
  COLUMN_BLACK_TOLD,
  COLUMN_IDLE_RELIANCE,
  COLUMN_ASSIST_RELIANCE,
  COLUMN_GC_UTILIZATION,
  COLUMN_GOAL_RATIO,
  COLUMN_HEAP_PEAK,
  COLUMNS
};

static const char *const scenario_columns[COLUMNS] = {
    "cycle",          "gc_percent",     "memory_limit",       "globals_bytes",  "n_cores",
    "alloc_rate",     "scan_rate",      "growth_rate",        "scannable_frac", "stack_bytes",
    "external_bytes", "overhead_bytes", "minimum_heap_bytes", "idle_share",     "forced_at",
    "cpu_cap",        "worker_plan",    "black_told",         "idle_reliance",  "assist_reliance",
    "gc_utilization", "goal_ratio",     "heap_peak"};

static bool scenario_within(const struct replay_table *table, size_t row, const char *name,
                            double value, double low, double high, struct replay_error *error) {
  if (value >= low && value <= high) return true;
  return replay_table_fail(table, row, error, "%s is %g, outside %g .. %g", name, value, low, high);
}

/* Sizes over this would overflow sums of a few of them. */
static const double scenario_most_bytes = 1e18;

static bool scenario_check_input(const struct replay_table *table, size_t row,
                                 const struct replay_input *in, struct replay_error *error) {
  return scenario_within(table, row, "gc_percent", (double)in->gc_percent, -1, 1e9, error) &&
         scenario_within(table, row, "memory_limit", (double)in->memory_limit_bytes, 0, 9.3e18,
                         error) &&
         scenario_within(table, row, "globals_bytes", (double)in->globals_bytes, 0,
                         scenario_most_bytes, error) &&
         scenario_within(table, row, "stack_bytes", (double)in->stack_bytes, 0, scenario_most_bytes,
                         error) &&
         scenario_within(table, row, "external_bytes", (double)in->external_bytes, 0,
                         scenario_most_bytes, error) &&
         scenario_within(table, row, "overhead_bytes", (double)in->overhead_bytes, 0,
                         scenario_most_bytes, error) &&
         scenario_within(table, row, "n_cores", in->cpus, 0.01, 1e6, error) &&
         scenario_within(table, row, "alloc_rate", in->alloc_rate, -1e12, 1e12, error) &&
         scenario_within(table, row, "scan_rate", in->scan_rate, -1e12, 1e12, error) &&
         scenario_within(table, row, "scannable_frac", in->scannable_frac, -1e12, 1e12, error) &&
         scenario_within(table, row, "idle_share", in->idle_share, 0, 0.74, error) &&
         scenario_within(table, row, "forced_at", in->forced_at, 0, 1, error) &&
         scenario_within(table, row, "idle_reliance", in->idle_reliance, 0, 1, error) &&
         scenario_within(table, row, "assist_reliance", in->assist_reliance, 0, 1, error) &&
         (in->cpu_cap == 0 ||
          scenario_within(table, row, "cpu_cap", in->cpu_cap, 0.01, 0.95, error));
}

static bool scenario_read_input(const struct replay_table *table, size_t row, const int *column,
                                struct replay_input *in, struct replay_error *error) {
  static const int64_t zero = 0, none = -1;
  static const double nothing = 0, whole = 1;
  int64_t cycle, worker_plan, black_told;
  bool good =
      replay_table_integer(table, row, column[COLUMN_CYCLE], NULL, &cycle, error) &&
      replay_table_integer(table, row, column[COLUMN_GC_PERCENT], NULL, &in->gc_percent, error) &&
      replay_table_integer(table, row, column[COLUMN_MEMORY_LIMIT], NULL, &in->memory_limit_bytes,
                           error) &&
      replay_table_integer(table, row, column[COLUMN_GLOBALS_BYTES], NULL, &in->globals_bytes,
                           error) &&
      replay_table_integer(table, row, column[COLUMN_STACK_BYTES], NULL, &in->stack_bytes, error) &&
      replay_table_integer(table, row, column[COLUMN_EXTERNAL_BYTES], &zero, &in->external_bytes,
                           error) &&
      replay_table_integer(table, row, column[COLUMN_OVERHEAD_BYTES], &zero, &in->overhead_bytes,
                           error) &&
      replay_table_integer(table, row, column[COLUMN_MINIMUM_HEAP_BYTES], &none,
                           &in->minimum_heap_bytes, error) &&
      replay_table_integer(table, row, column[COLUMN_WORKER_PLAN], &zero, &worker_plan, error) &&
      replay_table_integer(table, row, column[COLUMN_BLACK_TOLD], &zero, &black_told, error) &&
      replay_table_real(table, row, column[COLUMN_IDLE_RELIANCE], &nothing, &in->idle_reliance,
                        error) &&
      replay_table_real(table, row, column[COLUMN_ASSIST_RELIANCE], &nothing, &in->assist_reliance,
                        error) &&
      replay_table_real(table, row, column[COLUMN_CORES], NULL, &in->cpus, error) &&
      replay_table_real(table, row, column[COLUMN_ALLOC_RATE], NULL, &in->alloc_rate, error) &&
      replay_table_real(table, row, column[COLUMN_SCAN_RATE], NULL, &in->scan_rate, error) &&
      replay_table_real(table, row, column[COLUMN_GROWTH_RATE], NULL, &in->growth_rate, error) &&
      replay_table_real(table, row, column[COLUMN_SCANNABLE_FRAC], NULL, &in->scannable_frac,
                        error) &&
      replay_table_real(table, row, column[COLUMN_IDLE_SHARE], &nothing, &in->idle_share, error) &&
      replay_table_real(table, row, column[COLUMN_FORCED_AT], &whole, &in->forced_at, error) &&
      replay_table_real(table, row, column[COLUMN_CPU_CAP], &nothing, &in->cpu_cap, error);
  if (!good || !scenario_check_input(table, row, in, error)) return false;
  if (cycle != (int64_t)row + 1)
    return replay_table_fail(table, row, error, "cycle is %lld, not %zu", (long long)cycle,
                             row + 1);
  in->scannable_frac = fmin(fmax(in->scannable_frac, 0), 1);
  in->worker_plan = worker_plan != 0;
  in->black_told = black_told != 0;
  return true;
}

/* The reference's own results may be absent, and may be nan. */
static void scenario_read_recorded(const struct replay_table *table, size_t row, const int *column,
                                   struct replay_result *recorded) {
  recorded->gc_utilization =
      strtod(replay_table_text(table, row, column[COLUMN_GC_UTILIZATION]), NULL);
  recorded->goal_ratio = strtod(replay_table_text(table, row, column[COLUMN_GOAL_RATIO]), NULL);
  recorded->peak_bytes = strtoll(replay_table_text(table, row, column[COLUMN_HEAP_PEAK]), NULL, 10);
}

static void scenario_release(struct replay_scenario *scenario) {
  replay_table_release(&scenario->table);
  free(scenario->name);
  free(scenario->inputs);
  free(scenario->results);
  free(scenario->recorded);
  *scenario = (struct replay_scenario){0};
}

static bool scenario_read_rows(struct replay_scenario *scenario, const int *column,
                               struct replay_error *error) {
  const struct replay_table *table = &scenario->table;
  scenario->cycles = table->rows;
  if (table->rows == 0) return replay_fail(error, "%s: no cycles", table->path);
  scenario->inputs = calloc(table->rows, sizeof *scenario->inputs);
  scenario->results = calloc(table->rows, sizeof *scenario->results);
  bool recorded = column[COLUMN_GC_UTILIZATION] >= 0 && column[COLUMN_GOAL_RATIO] >= 0 &&
                  column[COLUMN_HEAP_PEAK] >= 0;
  if (recorded) scenario->recorded = calloc(table->rows, sizeof *scenario->recorded);
  if (scenario->inputs == NULL || scenario->results == NULL ||
      (recorded && scenario->recorded == NULL))
    return replay_fail(error, "%s: out of memory", table->path);
  for (size_t row = 0; row < table->rows; row++) {
    if (!scenario_read_input(table, row, column, &scenario->inputs[row], error)) return false;
    if (recorded) scenario_read_recorded(table, row, column, &scenario->recorded[row]);
  }
  return true;
}

static bool scenario_read(struct replay_scenario *scenario, const char *path, const char *file,
                          struct replay_error *error) {
  int column[COLUMNS];
  scenario->name = strndup(file, strlen(file) - strlen(".csv"));
  if (scenario->name == NULL) return replay_fail(error, "%s: out of memory", path);
  if (!replay_table_read(&scenario->table, path, error)) return false;
  for (int i = 0; i < COLUMNS; i++) {
    column[i] = replay_table_find(&scenario->table, scenario_columns[i]);
    if (i < COLUMNS_NEEDED &&
        !replay_table_need(&scenario->table, scenario_columns[i], &column[i], error))
      return false;
  }
  return scenario_read_rows(scenario, column, error);
}

bool replay_scenario_run(struct replay_scenario *scenario, struct replay_error *error) {
  struct replay_model model;
  struct replay_error why;
  if (!replay_model_init(&model, &scenario->inputs[0], &why))
    return replay_table_fail(&scenario->table, 0, error, "%s", why.text);
  for (size_t i = 0; i < scenario->cycles; i++)
    if (!replay_model_cycle(&model, &scenario->inputs[i], &scenario->results[i], &why))
      return replay_table_fail(&scenario->table, i, error, "%s", why.text);
  return true;
}

static bool bound_read(struct replay_bound *bound, const struct replay_table *table, size_t row,
                       const int *column, struct replay_error *error) {
  static const double lowest = -INFINITY, highest = INFINITY;
  bound->line = table->lines[row];
  bound->scenario = strdup(replay_table_text(table, row, column[0]));
  bound->metric = strdup(replay_table_text(table, row, column[3]));
  if (bound->scenario == NULL || bound->metric == NULL)
    return replay_table_fail(table, row, error, "out of memory");
  if (!replay_table_integer(table, row, column[1], NULL, &bound->from_cycle, error) ||
      !replay_table_integer(table, row, column[2], NULL, &bound->to_cycle, error) ||
      !replay_table_real(table, row, column[4], &lowest, &bound->lower, error) ||
      !replay_table_real(table, row, column[5], &highest, &bound->upper, error))
    return false;
  if (bound->from_cycle < 1 || bound->to_cycle < bound->from_cycle)
    return replay_table_fail(table, row, error, "cycles %lld to %lld are no range",
                             (long long)bound->from_cycle, (long long)bound->to_cycle);
  return true;
}

static bool bounds_read(struct replay_folder *folder, const char *path,
                        struct replay_error *error) {
  static const char *const names[] = {"scenario", "from_cycle", "to_cycle",
                                      "metric",   "lower",      "upper"};
  struct replay_table table;
  int column[6];
  if (!replay_table_read(&table, path, error)) return false;
  bool good = true;
  for (int i = 0; good && i < 6; i++)
    good = replay_table_need(&table, names[i], &column[i], error);
  if (good) folder->bounds = calloc(table.rows + 1, sizeof *folder->bounds);
  if (good && folder->bounds == NULL) good = replay_fail(error, "%s: out of memory", path);
  for (size_t row = 0; good && row < table.rows; row++) {
    folder->bound_count = row + 1;
    good = bound_read(&folder->bounds[row], &table, row, column, error);
  }
  replay_table_release(&table);
  return good;
}

static bool folder_is_csv(const char *file) {
  size_t length = strlen(file);
  return length > 4 && file[0] != '.' && strcmp(file + length - 4, ".csv") == 0;
}

static bool folder_read_file(struct replay_folder *folder, const char *file,
                             struct replay_error *error) {
  char *path = NULL;
  size_t room = strlen(folder->path) + strlen(file) + 2;
  path = malloc(room);
  struct replay_scenario *grown =
      realloc(folder->scenarios, (folder->scenario_count + 1) * sizeof *grown);
  if (grown != NULL) folder->scenarios = grown;
  if (path == NULL || grown == NULL) {
    free(path);
    return replay_fail(error, "%s: out of memory", folder->path);
  }
  snprintf(path, room, "%s/%s", folder->path, file);

  bool good;
  if (strcmp(file, "bounds.csv") == 0) {
    good = bounds_read(folder, path, error);
  } else if (strcmp(file, "limiter.csv") == 0) {
    good = replay_table_read(&folder->limiter, path, error);
  } else {
    struct replay_scenario *scenario = &folder->scenarios[folder->scenario_count++];
    *scenario = (struct replay_scenario){0};
    good = scenario_read(scenario, path, file, error);
  }
  free(path);
  return good;
}

bool replay_folder_read(struct replay_folder *folder, const char *path,
                        struct replay_error *error) {
  *folder = (struct replay_folder){.path = strdup(path)};
  struct dirent **entries = NULL;
  int count = folder->path == NULL ? -1 : scandir(path, &entries, NULL, alphasort);
  bool good = count >= 0 || replay_fail(error, "%s: %s", path, strerror(errno));
  for (int i = 0; i < count; i++) {
    const char *file = entries[i]->d_name;
    /* A summary repeats what the scenarios' own columns say. */
    if (good && folder_is_csv(file) && strcmp(file, "summary.csv") != 0)
      good = folder_read_file(folder, file, error);
    free(entries[i]);
  }
  free(entries);
  if (good && folder->scenario_count == 0 && folder->limiter.rows == 0)
    good = replay_fail(error, "%s: no scenario files (*.csv)", path);
  if (!good) replay_folder_release(folder);
  return good;
}

void replay_folder_release(struct replay_folder *folder) {
  for (size_t i = 0; i < folder->scenario_count; i++)
    scenario_release(&folder->scenarios[i]);
  for (size_t i = 0; i < folder->bound_count; i++) {
    free(folder->bounds[i].scenario);
    free(folder->bounds[i].metric);
  }
  free(folder->scenarios);
  free(folder->bounds);
  free(folder->path);
  replay_table_release(&folder->limiter);
  *folder = (struct replay_folder){0};
}
