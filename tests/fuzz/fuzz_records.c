/* libFuzzer target: the reader of record files, and every form that `gait records` has.
 *
 * Whatever the bytes are: either a sentence names the file, or all that is read out of it is of
 * entries that are there, in their order, and each form is written to its end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_file.h"
#include "records/records_forms.h"

static void fuzz_require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "fuzz_records: %s\n", what);
  abort();
}

static void fuzz_cycles(struct record_reader *reader) {
  uint64_t first = 0, last = 0,
           room = record_reader_header(reader)->section[GAIT_RECORD_CYCLES].count;
  if (record_reader_range(reader, &first, &last))
    fuzz_require(first > 0 && last >= first && last - first < room, "a range that is none");
  size_t count;
  gait_cycle_record *records = record_reader_all(reader, &count);
  fuzz_require((records != NULL) == (count > 0), "records without a number");
  for (size_t i = 0; i < count; i++)
    fuzz_require(records[i].cycle >= first && records[i].cycle <= last &&
                     (i == 0 || records[i].cycle > records[i - 1].cycle),
                 "records out of order");
  free(records);
}

static void fuzz_events(struct record_reader *reader) {
  size_t count;
  uint64_t lost, room = record_reader_header(reader)->section[GAIT_RECORD_EVENTS].count;
  gait_record_event *events = record_reader_events(reader, &count, &lost);
  fuzz_require((events != NULL) == (count > 0) && count <= room, "events without a number");
  for (size_t i = 1; i < count; i++)
    fuzz_require(events[i].time_ns >= events[i - 1].time_ns, "events out of order");
  free(events);
}

static void fuzz_threads(struct record_reader *reader) {
  size_t count;
  gait_record_thread *threads = record_reader_threads(reader, &count);
  for (size_t i = 0; threads && i < count; i++)
    fuzz_require(threads[i].thread != 0 && memchr(threads[i].name, '\0', sizeof threads[i].name),
                 "a thread that is none");
  free(threads);
}

typedef bool fuzz_write_fn(struct record_reader *reader, const struct records_choice *choice,
                           FILE *out);

static void fuzz_forms(struct record_reader *reader) {
  static fuzz_write_fn *const forms[] = {records_write_text,    records_write_json,
                                         records_write_csv,     records_write_gctrace,
                                         records_write_metrics, records_write_trace};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    const struct records_choice choice = {.last = i % 2 ? 0 : 3, .events = true, .strict = i % 2};
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    fuzz_require(out != NULL, "no memory");
    bool written = forms[i](reader, &choice, out);
    fclose(out);
    fuzz_require(written || record_reader_error(reader)[0], "a form without an end");
    free(text);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char error[512] = "";
  const char *path = fuzz_file_write("file", (const char *)data, size);
  struct record_reader *reader = record_reader_open(path, error, sizeof error);
  if (!reader) {
    fuzz_require(strstr(error, path) != NULL, "refused without a sentence");
    return 0;
  }
  fuzz_cycles(reader);
  fuzz_events(reader);
  fuzz_threads(reader);
  fuzz_forms(reader);
  record_reader_close(reader);
  return 0;
}
