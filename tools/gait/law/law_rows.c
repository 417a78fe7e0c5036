#include "law_rows.h"

#include <math.h>
#include <stdlib.h>

#include "run/runs.h"

#define ROWS_MIB 1048576.0

bool law_rate_reached(const struct law_point *point, const struct law_collector *collector) {
  return fabs(collector->steady.rate / point->rate - 1) <= LAW_RATE_TOLERANCE;
}

double law_rate_used(const struct law_point *point, const struct law_collector *collector) {
  return law_rate_reached(point, collector) ? point->rate : collector->steady.rate;
}

json_t *law_row(const struct law_point *point, const struct law_collector *collector,
                const struct law_steady *simulated) {
  const struct law_steady *steady = &collector->steady;
  double formula = law_point_formula(point, law_rate_used(point, collector));
  const struct {
    const char *name;
    double value;
  } reals[] = {
      {"live_bytes", point->live_bytes},
      {"live_measured_bytes", collector->live_bytes},
      {"rate_bytes_per_second", point->rate},
      {"rate_measured_bytes_per_second", steady->rate},
      {"interval_formula_seconds", formula},
      {"interval_simulator_seconds", simulated->interval_seconds},
      {"interval_collector_seconds", steady->interval_seconds},
      {"interval_min_seconds", steady->interval_min_seconds},
      {"interval_max_seconds", steady->interval_max_seconds},
      {"interval_spread", steady->spread},
      {"collector_over_formula", steady->interval_seconds / formula},
      {"simulator_over_collector", simulated->interval_seconds / steady->interval_seconds},
      {"gc_cpu_share", steady->gc_cpu_share},
      {"gc_cpu_share_simulator", simulated->gc_cpu_share},
      {"idle_cpu_share", steady->idle_cpu_share},
      {"peak_over_goal", steady->peak_over_goal},
      {"peak_over_goal_min", steady->peak_over_goal_min},
      {"peak_over_goal_max", steady->peak_over_goal_max},
      {"peak_over_goal_simulator", simulated->peak_over_goal},
      {"black_bytes", steady->black_bytes},
      {"black_bytes_simulator", simulated->black_bytes},
      {"mark_seconds", steady->mark_seconds},
      {"mark_seconds_simulator", simulated->mark_seconds},
      {"idle_share_of_mark", collector->idle_share},
      {"barrier_share", collector->barrier_share},
      {"mark_rate_bytes_per_second", collector->mark_rate},
      {"cpus", collector->cpus},
  };
  json_t *row = json_object();
  json_object_set_new(row, "gogc", json_integer(point->gogc_percent));
  for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++)
    json_object_set_new(row, reals[i].name, json_real(reals[i].value));
  json_object_set_new(row, "intervals", json_integer((json_int_t)steady->intervals));
  json_object_set_new(row, "rate_reached", json_boolean(law_rate_reached(point, collector)));
  return row;
}

/* ---- For a person ---- */

static int rows_compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Median and worst of how far the rows' `name` is off 1. */
static void rows_errors(const json_t *rows, const char *name, double *median, double *worst) {
  size_t count = json_array_size(rows), index;
  double *errors = calloc(count + 1, sizeof *errors);
  json_t *row;
  *median = *worst = NAN;
  if (errors == NULL || count == 0) {
    free(errors);
    return;
  }
  json_array_foreach(rows, index, row) errors[index] = fabs(runs_number(row, name) - 1);
  qsort(errors, count, sizeof *errors, rows_compare);
  *median = (errors[count / 2] + errors[(count - 1) / 2]) / 2;
  *worst = errors[count - 1];
  free(errors);
}

static void rows_print_row(const json_t *row, FILE *out) {
  const char *mark = json_is_true(json_object_get(row, "rate_reached")) ? " " : "*";
  fprintf(out, "%9.6g %8.6g %8.1f%s %5.0f", runs_number(row, "live_bytes") / ROWS_MIB,
          runs_number(row, "rate_bytes_per_second") / ROWS_MIB,
          runs_number(row, "rate_measured_bytes_per_second") / ROWS_MIB, mark,
          runs_number(row, "gogc"));
  fprintf(out, " %9.1f %9.1f %9.1f", 1e3 * runs_number(row, "interval_formula_seconds"),
          1e3 * runs_number(row, "interval_simulator_seconds"),
          1e3 * runs_number(row, "interval_collector_seconds"));
  fprintf(out, " %+8.1f%% %+8.1f%% %7.1f%%", 100 * (runs_number(row, "collector_over_formula") - 1),
          100 * (runs_number(row, "simulator_over_collector") - 1),
          100 * runs_number(row, "interval_spread"));
  fprintf(out, " %7.1f%% %7.1f%% %7.3f %7.1f%%\n", 100 * runs_number(row, "gc_cpu_share"),
          100 * runs_number(row, "gc_cpu_share_simulator"), runs_number(row, "peak_over_goal"),
          100 * runs_number(row, "black_bytes") / runs_number(row, "live_bytes"));
}

static void rows_print_summary(const json_t *rows, FILE *out) {
  double median, worst, low = INFINITY, high = 0;
  size_t index;
  json_t *row;
  bool reached = true;
  json_array_foreach(rows, index, row) {
    low = fmin(low, runs_number(row, "peak_over_goal"));
    high = fmax(high, runs_number(row, "peak_over_goal"));
    reached &= json_is_true(json_object_get(row, "rate_reached"));
  }
  rows_errors(rows, "collector_over_formula", &median, &worst);
  fprintf(out, "\ncollector against formula: median error %.1f%%, worst %.1f%%\n", 100 * median,
          100 * worst);
  rows_errors(rows, "simulator_over_collector", &median, &worst);
  fprintf(out, "simulator against collector: median error %.1f%%, worst %.1f%%\n", 100 * median,
          100 * worst);
  fprintf(out, "peak over goal: %.3f to %.3f\n", low, high);
  if (!reached) fputs("* not the rate asked for: formula and simulator take this one\n", out);
}

void law_rows_print(const json_t *rows, FILE *out) {
  size_t index;
  json_t *row;
  fprintf(out, "%9s %8s %9s %5s %29s %19s %8s %17s %7s %8s\n", "live", "rate", "measured", "",
          "interval, ms", "", "", "GC CPU", "peak", "black");
  fprintf(out, "%9s %8s %9s %5s %9s %9s %9s %9s %9s %8s %8s %8s %7s %8s\n", "MiB", "MiB/s", "MiB/s",
          "GOGC", "formula", "simulator", "collector", "c/f - 1", "s/c - 1", "spread", "collector",
          "sim.", "/ goal", "/ live");
  json_array_foreach(rows, index, row) rows_print_row(row, out);
  if (json_array_size(rows) > 0) rows_print_summary(rows, out);
}
