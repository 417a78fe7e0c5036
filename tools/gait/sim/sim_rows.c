#include "sim_rows.h"

#include <stdlib.h>
#include <string.h>

#include "pacer.h"
#include "settings.h"

json_t *sim_row(const struct sim_description *program, const struct setting *setting,
                const struct sim_result *result, double cycles_by_law, size_t index, size_t total) {
  double cpus = setting->cpus > 0 ? setting->cpus : program->cpus;
  double cycles = (double)result->cycles;
  json_t *law = cycles_by_law < 0 ? json_null() : json_real(cycles_by_law);
  return json_pack(
      "{s:I, s:I, s:s, s:o, s:o, s:f, s:I, s:o, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, "
      "s:I, s:b}",
      "index", (json_int_t)index, "of", (json_int_t)total, "program", program->name, "gogc",
      settings_value_json(setting->gogc_percent), "memory_limit",
      settings_value_json(setting->memory_limit_bytes), "cpus", cpus, "cycles",
      (json_int_t)result->cycles, "cycles_by_law", law, "seconds", result->seconds,
      "interval_seconds", cycles > 0 ? result->seconds / cycles : 0, "allocated_bytes",
      result->allocated_bytes, "mean_live_bytes", result->mean_live_bytes, "gc_cpu_seconds",
      result->gc_cpu_seconds, "gc_cpu_share",
      gaiti_pacer_cpu_share(result->gc_cpu_seconds, result->seconds, cpus), "assist_share",
      gaiti_pacer_cpu_share(result->assist_cpu_seconds, result->seconds, cpus), "peak_heap_bytes",
      result->peak_heap_bytes, "peak_over_goal_mean", result->peak_over_goal_mean,
      "peak_over_goal_max", result->peak_over_goal_max, "limiting_cycles",
      (json_int_t)result->limiting_cycles, "limit_unreachable", result->unreachable_cycles > 0);
}

static double rows_number(const json_t *row, const char *name) {
  return json_number_value(json_object_get(row, name));
}

static const char *rows_setting(const json_t *row, const char *name, char text[32]) {
  const json_t *value = json_object_get(row, name);
  int64_t number = json_is_integer(value) ? json_integer_value(value) : SETTING_OFF;
  return strcmp(name, "gogc") == 0 ? settings_gogc_text(number, text)
                                   : settings_limit_text(number, text);
}

void sim_rows_print(const json_t *rows, FILE *out) {
  size_t index;
  json_t *row;
  char gogc[32], limit[32];
  fprintf(out, "%-16s %6s %10s %9s %9s %11s %8s %8s %10s %10s\n", "program", "GOGC", "limit",
          "cycles", "by law", "interval, s", "GC CPU,%", "assist,%", "peak, MiB", "peak/goal");
  json_array_foreach(rows, index, row) {
    const char *program = json_string_value(json_object_get(row, "program"));
    bool over = json_is_true(json_object_get(row, "limit_unreachable"));
    fprintf(out, "%-16s %6s %10s %9.0f %9.1f %11.4g %8.2f %8.2f %10.1f %10.3f%s\n",
            program == NULL ? "" : program, rows_setting(row, "gogc", gogc),
            rows_setting(row, "memory_limit", limit), rows_number(row, "cycles"),
            rows_number(row, "cycles_by_law"), rows_number(row, "interval_seconds"),
            100 * rows_number(row, "gc_cpu_share"), 100 * rows_number(row, "assist_share"),
            rows_number(row, "peak_heap_bytes") / 1048576, rows_number(row, "peak_over_goal_mean"),
            over ? " *" : "");
  }
}

static void rows_put_csv(const json_t *value, FILE *out) {
  if (json_is_integer(value)) fprintf(out, "%lld", (long long)json_integer_value(value));
  if (json_is_real(value)) fprintf(out, "%.10g", json_real_value(value));
  if (json_is_boolean(value)) fputs(json_is_true(value) ? "1" : "0", out);
  if (!json_is_string(value)) return;
  fputc('"', out);
  for (const char *at = json_string_value(value); *at != '\0'; at++) {
    if (*at == '"') fputc('"', out);
    fputc(*at, out);
  }
  fputc('"', out);
}

/* Off is an empty field. */
void sim_rows_print_csv(const json_t *rows, FILE *out) {
  json_t *first = json_array_get(rows, 0), *value, *row;
  const char *name, *between = "";
  size_t index;
  json_object_foreach(first, name, value) {
    fprintf(out, "%s%s", between, name);
    between = ",";
  }
  if (first != NULL) fputc('\n', out);
  json_array_foreach(rows, index, row) {
    between = "";
    json_object_foreach(first, name, value) {
      fputs(between, out);
      rows_put_csv(json_object_get(row, name), out);
      between = ",";
    }
    fputc('\n', out);
  }
}

/* ---- Joining shards ---- */

/* The rows by their place, while shards are read. */
struct rows_places {
  json_t **rows;
  const char **from; /* the file of each */
  size_t total;
};

static bool rows_fail(struct sim_error *error, const char *path, const char *why) {
  snprintf(error->text, sizeof error->text, "%.200s: %s", path, why);
  return false;
}

static bool rows_place(struct rows_places *places, json_t *row, const char *path,
                       struct sim_error *error) {
  json_t *index = json_object_get(row, "index"), *of = json_object_get(row, "of");
  if (!json_is_integer(index) || !json_is_integer(of) || json_integer_value(index) < 0 ||
      json_integer_value(index) >= json_integer_value(of) || json_integer_value(of) > 100000000)
    return rows_fail(error, path, "this is no output of gait sim --json");
  size_t place = (size_t)json_integer_value(index), total = (size_t)json_integer_value(of);
  if (places->rows == NULL) {
    places->rows = calloc(total, sizeof *places->rows);
    places->from = calloc(total, sizeof *places->from);
    places->total = total;
    if (places->rows == NULL || places->from == NULL)
      return rows_fail(error, path, "out of memory");
  }
  if (total != places->total) return rows_fail(error, path, "it is of a grid of another size");
  if (places->rows[place] != NULL) {
    snprintf(error->text, sizeof error->text, "%.150s: setting %zu is in %.150s already", path,
             place, places->from[place]);
    return false;
  }
  places->rows[place] = json_incref(row);
  places->from[place] = path;
  return true;
}

static bool rows_read(struct rows_places *places, const char *path, struct sim_error *error) {
  json_error_t where;
  json_t *rows = json_load_file(path, 0, &where), *row;
  size_t index;
  bool read = true;
  if (rows == NULL) {
    snprintf(error->text, sizeof error->text, "%.150s: line %d: %.150s", path, where.line,
             where.text);
    return false;
  }
  if (!json_is_array(rows)) read = rows_fail(error, path, "no array of rows");
  json_array_foreach(rows, index, row) read = read && rows_place(places, row, path, error);
  json_decref(rows);
  return read;
}

static json_t *rows_all(const struct rows_places *places, struct sim_error *error) {
  json_t *all = json_array();
  for (size_t i = 0; i < places->total; i++) {
    if (places->rows[i] != NULL) {
      json_array_append(all, places->rows[i]);
      continue;
    }
    snprintf(error->text, sizeof error->text,
             "setting %zu of %zu is in none of the files: a shard "
             "is missing",
             i, places->total);
    json_decref(all);
    return NULL;
  }
  return all;
}

json_t *sim_rows_merge(char *const *paths, size_t count, struct sim_error *error) {
  struct rows_places places = {0};
  bool read = true;
  for (size_t i = 0; i < count && read; i++)
    read = rows_read(&places, paths[i], error);
  json_t *all = read ? rows_all(&places, error) : NULL;
  for (size_t i = 0; i < places.total; i++)
    json_decref(places.rows[i]);
  free(places.rows);
  free(places.from);
  return all;
}
