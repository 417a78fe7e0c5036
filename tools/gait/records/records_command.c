/* gait records: a record file, in the form that one likes to read. */
#include "command.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "records_forms.h"
#include "trial/trial_table.h"

typedef bool records_write_fn(struct record_reader *reader, const struct records_choice *choice,
                              FILE *out);

struct records {
  const char *path;
  const char *trace_path; /* where the trace goes; NULL: to standard output */
  records_write_fn *write;
  bool trial; /* in place of a form, but for JSON */
  struct records_choice choice;
};

enum {
  RECORDS_JSON = 1,
  RECORDS_CSV,
  RECORDS_GCTRACE,
  RECORDS_METRICS,
  RECORDS_PERFETTO,
  RECORDS_LAST,
  RECORDS_EVENTS,
  RECORDS_TRIAL
};

static const struct argp_option records_options[] = {
    {"json", RECORDS_JSON, NULL, 0, "Print one JSON object", 0},
    {"csv", RECORDS_CSV, NULL, 0, "Print a table of cycles, each field a column", 0},
    {"gctrace", RECORDS_GCTRACE, NULL, 0, "Print a line for each cycle, as Go's gctrace does", 0},
    {"openmetrics", RECORDS_METRICS, "strict", OPTION_ARG_OPTIONAL,
     "Print metrics in the text format that Prometheus and its textfile collector read; "
     "strict: as OpenMetrics 1.0 wants them",
     0},
    {"perfetto", RECORDS_PERFETTO, "OUT", 0,
     "Write a timeline for Perfetto or chrome://tracing to the file OUT, - for standard output", 0},
    {"trial", RECORDS_TRIAL, NULL, 0, "Tell the settings of an experiment apart, as `gait trial`",
     0},
    {"last", RECORDS_LAST, "N", 0, "Only the last N cycles", 0},
    {"events", RECORDS_EVENTS, NULL, 0, "With --json: events too", 0},
    {0}};

static void records_set_form(struct records *records, records_write_fn *write,
                             struct argp_state *state) {
  if (records->write && records->write != write) argp_error(state, "one form is wanted");
  records->write = write;
}

static uint64_t records_count_read(const char *text, struct argp_state *state) {
  char *end;
  errno = 0;
  unsigned long long count = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end || errno || count == 0)
    argp_error(state, "--last=%s: a whole number from 1 on is wanted", text);
  return count;
}

static void records_set_strict(struct records *records, const char *arg, struct argp_state *state) {
  if (arg && strcmp(arg, "strict") != 0)
    argp_error(state, "--openmetrics=%s: nothing but \"strict\" may stand there", arg);
  records->choice.strict = arg != NULL;
}

static error_t records_option(int key, char *arg, struct argp_state *state) {
  struct records *records = state->input;
  switch (key) {
  case RECORDS_JSON: records_set_form(records, records_write_json, state); return 0;
  case RECORDS_CSV: records_set_form(records, records_write_csv, state); return 0;
  case RECORDS_GCTRACE: records_set_form(records, records_write_gctrace, state); return 0;
  case RECORDS_METRICS:
    records_set_form(records, records_write_metrics, state);
    records_set_strict(records, arg, state);
    return 0;
  case RECORDS_PERFETTO:
    records_set_form(records, records_write_trace, state);
    records->trace_path = strcmp(arg, "-") == 0 ? NULL : arg;
    return 0;
  case RECORDS_LAST: records->choice.last = records_count_read(arg, state); return 0;
  case RECORDS_TRIAL: records->trial = true; return 0;
  case RECORDS_EVENTS: records->choice.events = true; return 0;
  case ARGP_KEY_ARG:
    if (records->path != NULL) argp_error(state, "one record file is wanted, not '%s' too", arg);
    records->path = arg;
    return 0;
  case ARGP_KEY_END:
    if (records->path == NULL) argp_error(state, "which record file?");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp records_argp = {
    .options = records_options,
    .parser = records_option,
    .args_doc = "FILE",
    .doc =
        "Read the record file of a program on Gait, while it runs or after it has ended: that of "
        "its option `records`, as with GAIT_RECORDS=FILE.\v"
        "Without a form: the heap's numbers, the lateness of each thread, and a line for each of "
        "the last cycles.",
};

static int records_fail(const char *sentence) {
  fprintf(stderr, "gait records: %s\n", sentence);
  return COMMAND_FAILED;
}

static int records_fail_path(const char *path) {
  char sentence[600];
  snprintf(sentence, sizeof sentence, "%.500s: %s", path, strerror(errno));
  return records_fail(sentence);
}

static int records_write(struct records *records, struct record_reader *reader) {
  FILE *out = records->trace_path ? fopen(records->trace_path, "w") : stdout;
  if (!out) return records_fail_path(records->trace_path);
  bool read = records->write(reader, &records->choice, out);
  bool written = !ferror(out);
  if (out != stdout && fclose(out) != 0) written = false;
  if (!read && record_reader_error(reader)[0]) return records_fail(record_reader_error(reader));
  return read && written ? COMMAND_OK : records_fail("the output could not be written");
}

int gait_cmd_records(int argc, char **argv) {
  struct records records = {0};
  argp_parse(&records_argp, argc, argv, 0, NULL, &records);
  if (records.trial) return trial_show(records.path, records.write == records_write_json);
  if (!records.write) records.write = records_write_text;
  char error[512];
  struct record_reader *reader = record_reader_open(records.path, error, sizeof error);
  if (!reader) return records_fail(error);
  int status = records_write(&records, reader);
  record_reader_close(reader);
  return status;
}
