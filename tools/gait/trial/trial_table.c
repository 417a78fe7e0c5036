#include "trial_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record_reader.h"

bool trial_records_load(struct trial_records *loaded, const char *command, const char *path) {
  char error[400];
  *loaded = (struct trial_records){0};
  struct record_reader *reader = record_reader_open(path, error, sizeof error);
  if (reader == NULL) {
    fprintf(stderr, "gait %s: %s\n", command, error);
    return false;
  }
  loaded->records = record_reader_all(reader, &loaded->count);
  if (loaded->records == NULL) {
    const char *wrong = record_reader_error(reader);
    fprintf(stderr, "gait %s: %s%s\n", command, wrong[0] != '\0' ? wrong : path,
            wrong[0] != '\0' ? "" : ": it has no cycle yet");
  }
  if (!record_reader_setting(reader, "trial", loaded->setting, sizeof loaded->setting) ||
      strcmp(loaded->setting, "off") == 0)
    loaded->setting[0] = '\0';
  record_reader_close(reader);
  return loaded->records != NULL;
}

void trial_records_destroy(struct trial_records *loaded) {
  free(loaded->records);
  *loaded = (struct trial_records){0};
}

/* ---- Printing ---- */

/* As a part of A, where there is any. */
static bool trial_has_parts(const struct trial_row *row) {
  return row->a > 0 && isfinite(row->difference.low) && isfinite(row->difference.high);
}

static const char *trial_verdict(const struct interval *difference) {
  if (!isfinite(difference->low)) return "too few";
  if (difference->low <= 0 && difference->high >= 0) return "the same, as far as can be told";
  return difference->mean > 0 ? "more" : "less";
}

static void trial_row_print(const struct trial_row *row) {
  const struct interval *difference = &row->difference;
  printf("%-18s %5s %11.4g %11.4g %+11.4g", block_names[row->metric], block_units[row->metric],
         row->a, row->b, difference->mean);
  if (isfinite(difference->low))
    printf("  %+10.4g .. %+-10.4g", difference->low, difference->high);
  else
    printf("  %10s    %-10s", "?", "?");
  if (trial_has_parts(row))
    printf("  %+6.1f%% .. %+.1f%%", 100 * difference->low / row->a,
           100 * difference->high / row->a);
  printf("  %s\n", trial_verdict(difference));
}

void trial_table_print(const char *a, const char *b, const struct trial_row rows[BLOCK_METRICS]) {
  printf("%-18s %5s %11.11s %11.11s %11s  %s\n", "", "", a, b, "difference", "95% interval");
  for (int i = 0; i < BLOCK_METRICS; i++)
    trial_row_print(&rows[i]);
}

static json_t *trial_number(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

json_t *trial_table_json(const char *a, const char *b, const struct trial_row rows[BLOCK_METRICS]) {
  json_t *list = json_array();
  for (int i = 0; i < BLOCK_METRICS; i++)
    json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:f, s:f, s:o, s:o, s:I}", "name",
                                          block_names[i], "unit", block_units[i], "a", rows[i].a,
                                          "b", rows[i].b, "difference", rows[i].difference.mean,
                                          "low", trial_number(rows[i].difference.low), "high",
                                          trial_number(rows[i].difference.high), "pairs",
                                          (json_int_t)rows[i].difference.count));
  return json_pack("{s:s, s:s, s:o}", "a", a, "b", b, "metrics", list);
}
