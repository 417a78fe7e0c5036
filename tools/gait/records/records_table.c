/* Cycles as rows: comma-separated, and as Go's gctrace. */
#include <inttypes.h>
#include <string.h>

#include "gait/tune.h"
#include "records_forms.h"

struct csv {
  FILE *out;
  const gait_record_field *fields;
  size_t count;
};

/* The ring's own word is no number of the cycle. */
static bool csv_has(const gait_record_field *field) {
  return strcmp(field->name, "sequence") != 0 && field->type <= GAIT_RECORD_F64;
}

static void csv_value(const struct csv *csv, const struct record_reader *reader,
                      const gait_record_field *field, const void *entry) {
  struct record_value value = record_reader_value(field, entry);
  const char *word = field->words[0] ? record_reader_word(reader, field->words, value.whole) : NULL;
  if (word)
    fprintf(csv->out, "%s", word);
  else if (value.is_real)
    fprintf(csv->out, "%.17g", value.real);
  else if (value.is_signed && (int64_t)value.whole == GAIT_OFF)
    fprintf(csv->out, "off");
  else if (value.is_signed)
    fprintf(csv->out, "%" PRId64, (int64_t)value.whole);
  else
    fprintf(csv->out, "%" PRIu64, value.whole);
}

static void csv_row(struct record_reader *reader, const void *entry, void *arg) {
  const struct csv *csv = arg;
  const char *comma = "";
  for (size_t i = 0; i < csv->count; i++) {
    if (!csv_has(&csv->fields[i])) continue;
    fputs(comma, csv->out);
    csv_value(csv, reader, &csv->fields[i], entry);
    comma = ",";
  }
  fputc('\n', csv->out);
}

bool records_write_csv(struct record_reader *reader, const struct records_choice *choice,
                       FILE *out) {
  struct csv csv = {.out = out};
  const char *comma = "";
  csv.count = record_reader_fields(reader, GAIT_RECORD_CYCLES, &csv.fields);
  for (size_t i = 0; i < csv.count; i++) {
    if (!csv_has(&csv.fields[i])) continue;
    fprintf(out, "%s%s", comma, csv.fields[i].name);
    comma = ",";
  }
  fputc('\n', out);
  records_each(reader, choice, csv_row, &csv);
  return record_reader_error(reader)[0] == '\0';
}

/* ---- As Go's ---- */

struct gctrace {
  FILE *out;
  const gait_record_field *cycle;
};

static void gctrace_row(struct record_reader *reader, const void *entry, void *arg) {
  const struct gctrace *trace = arg;
  gait_cycle_record record;
  char line[512];
  uint64_t cycle = record_reader_value(trace->cycle, entry).whole;
  if (!record_reader_cycle(reader, cycle, &record)) return;
  gait_cycle_format(&record, line, sizeof line);
  fprintf(trace->out, "%s\n", line);
}

bool records_write_gctrace(struct record_reader *reader, const struct records_choice *choice,
                           FILE *out) {
  struct gctrace trace = {out, record_reader_field(reader, GAIT_RECORD_CYCLES, "cycle")};
  if (trace.cycle) records_each(reader, choice, gctrace_row, &trace);
  return record_reader_error(reader)[0] == '\0';
}
