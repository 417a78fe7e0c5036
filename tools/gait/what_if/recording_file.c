/* Text is read whole; a record file by its reader (tools/records), since it may grow meanwhile. */
#include "recording_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record_reader.h"

/* ---- Text ---- */

static char *recording_read_all(FILE *in, size_t *bytes) {
  char *text = NULL;
  size_t capacity = 0;
  *bytes = 0;
  do {
    if (*bytes == capacity) {
      capacity = capacity == 0 ? 1 << 16 : capacity * 2;
      char *grown = realloc(text, capacity);
      if (grown == NULL) {
        free(text);
        return NULL;
      }
      text = grown;
    }
    *bytes += fread(text + *bytes, 1, capacity - *bytes, in);
  } while (!feof(in) && !ferror(in));
  return text;
}

/* The whole of a file, to be freed; NULL on failure. */
static char *recording_open(const char *path, size_t *bytes, struct recording_error *error) {
  bool standard = strcmp(path, "-") == 0;
  FILE *in = standard ? stdin : fopen(path, "rb");
  if (in == NULL) {
    recording_say(error, "%s: %s", path, strerror(errno));
    return NULL;
  }
  errno = 0;
  char *text = recording_read_all(in, bytes);
  bool failed = ferror(in) != 0;
  int why = errno;
  if (!standard) fclose(in);
  if (text != NULL && !failed) return text;
  free(text);
  recording_say(error, "%s: %s", path, strerror(failed ? why : ENOMEM));
  return NULL;
}

static bool recording_in(const char *path, const struct recording_error *inner,
                         struct recording_error *error) {
  return recording_say(error, "%.100s: %.190s", path, inner->text);
}

/* ---- Record files ---- */

static bool recording_is_record_file(const char *text, size_t bytes) {
  return bytes >= GAIT_RECORD_FILE_MAGIC_BYTES &&
         memcmp(text, GAIT_RECORD_FILE_MAGIC, GAIT_RECORD_FILE_MAGIC_BYTES) == 0;
}

/* Live bytes that are counted while threads run have parts of runs in them that are no objects yet,
 * so that more may seem to be marked than there is. */
static struct recording_cycle recording_cycle_of(const gait_cycle_record *record, size_t line) {
  double trigger = (double)record->at_trigger_bytes;
  double peak = fmax((double)record->at_mark_end_bytes, trigger);
  return (struct recording_cycle){
      .line = line,
      .number = record->cycle,
      .start_seconds = (double)record->started_ns / 1e9,
      .stop_ms = (double)(record->start_ns + record->end_ns) / 1e6,
      .mark_ms = (double)record->mark_ns / 1e6,
      .assist_ms = (double)record->assist_ns / 1e6,
      .background_ms = (double)record->background_ns / 1e6,
      .idle_ms = (double)record->idle_ns / 1e6,
      .trigger_bytes = trigger,
      .peak_bytes = peak,
      .marked_bytes = fmin((double)record->marked_bytes, peak),
      .goal_bytes = (double)record->goal_bytes,
      .roots_bytes = (double)record->root_bytes,
      .cpus = record->cpus,
      .young = record->young && record->cause != GAIT_CAUSE_FORCED,
  };
}

/* The setting, where all cycles had one, and no limit was in its way. */
static double recording_gogc_of(const gait_cycle_record *records, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (records[i].gogc_percent != records[0].gogc_percent || records[i].gogc_percent <= 0 ||
        records[i].cause == GAIT_CAUSE_MEMORY_LIMIT)
      return 0;
  return (double)records[0].gogc_percent;
}

/* Numbers that no cycle can have are a file's fault. */
static const char *recording_wrong(const gait_cycle_record *record,
                                   const struct recording_cycle *last) {
  const uint64_t most = UINT64_C(1) << 62;
  if (!(record->cpus > 0) || record->cpus > 65536) return "it has no CPUs";
  if (record->at_trigger_bytes > most || record->at_mark_end_bytes > most ||
      record->marked_bytes > most || record->goal_bytes > most || record->root_bytes > most)
    return "a size is larger than memory";
  if (record->mark_ns > most || record->start_ns > most || record->end_ns > most ||
      record->assist_ns > most || record->background_ns > most || record->idle_ns > most)
    return "a time is longer than a century";
  if (last != NULL && (double)record->started_ns / 1e9 < last->start_seconds)
    return "the clock goes back";
  return NULL;
}

static bool recording_take_records(struct recording *recording, const gait_cycle_record *records,
                                   size_t count, struct recording_error *error) {
  *recording = (struct recording){.system = RECORDING_GAIT};
  recording->cycles = calloc(count, sizeof *recording->cycles);
  if (recording->cycles == NULL) return recording_say(error, "out of memory");
  recording->capacity = count;
  for (size_t i = 0; i < count; i++) {
    const char *wrong = recording_wrong(&records[i], i > 0 ? &recording->cycles[i - 1] : NULL);
    if (wrong != NULL) {
      recording_destroy(recording);
      return recording_say(error, "cycle %llu: %s", (unsigned long long)records[i].cycle, wrong);
    }
    recording->cycles[recording->count++] = recording_cycle_of(&records[i], i + 1);
  }
  recording->gogc_percent = recording_gogc_of(records, count);
  return true;
}

/* Sizes and times of a record file are exact, so nothing is made up for rounding. */
static bool recording_load_records(struct recording *recording, const char *path,
                                   struct recording_error *error) {
  size_t count = 0;
  struct record_reader *reader = record_reader_open(path, error->text, sizeof error->text);
  if (reader == NULL) return false;
  gait_cycle_record *records = record_reader_all(reader, &count);
  struct recording_error inner = {"it has no cycle"};
  bool read =
      records != NULL && count > 0 && recording_take_records(recording, records, count, &inner);
  free(records);
  record_reader_close(reader);
  return read || recording_in(path, &inner, error);
}

/* ---- Either ---- */

bool recording_load(struct recording *recording, const char *path, struct recording_error *error) {
  *recording = (struct recording){0};
  size_t bytes;
  char *text = recording_open(path, &bytes, error);
  if (text == NULL) return false;
  struct recording_error inner;
  bool is_records = recording_is_record_file(text, bytes);
  bool read = !is_records && recording_parse(recording, text, bytes, &inner);
  free(text);
  if (is_records) return recording_load_records(recording, path, error);
  return read || recording_in(path, &inner, error);
}

bool recordings_load(struct recordings *recordings, const char *path,
                     struct recording_error *error) {
  *recordings = (struct recordings){0};
  size_t bytes;
  char *text = recording_open(path, &bytes, error);
  if (text == NULL) return false;
  struct recording_error inner;
  bool is_records = recording_is_record_file(text, bytes);
  bool read = !is_records && recordings_parse(recordings, text, bytes, &inner);
  free(text);
  if (!is_records) return read || recording_in(path, &inner, error);
  struct recording *one = recordings_next(recordings);
  if (one == NULL) return recording_say(error, "%s: out of memory", path);
  recordings->count = recording_load_records(one, path, error);
  if (recordings->count == 0) recordings_destroy(recordings);
  return recordings->count > 0;
}
