/* libFuzzer target: every reader of options.
 *
 * The first byte picks the row, or a made-up name; the rest is the value.  Whatever it is, a failed
 * call changes nothing and leaves a sentence, and what a call accepts passes the check and survives
 * a round trip through decimal text. */
#include <gait/gait.h>
#include <gait/tune.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_require(bool holds, const char *what, const char *name, const char *value) {
  if (holds) return;
  fprintf(stderr, "fuzz_options: %s: %s=\"%s\"\n", what, name, value);
  abort();
}

static int64_t fuzz_field(const gait_options *options, const gait_option *row) {
  int64_t value;
  memcpy(&value, (const char *)options + row->field, sizeof value);
  return value;
}

static void fuzz_value(const gait_option *row, const char *value) {
  gait_options options, before;
  gait_options_init(&options);
  before = options;
  char error[64] = "";
  const gait_result result = gait_options_set(&options, row->name, value, error, sizeof error);
  if (result != GAIT_OK) {
    fuzz_require(result == GAIT_ERROR_OPTION_VALUE, "an odd result", row->name, value);
    fuzz_require(memcmp(&options, &before, sizeof options) == 0, "a change", row->name, value);
    fuzz_require(strlen(error) > 0 && strlen(error) < sizeof error, "no error", row->name, value);
    return;
  }
  fuzz_require(gait_options_check(&options, NULL, 0) == GAIT_OK, "unchecked", row->name, value);
  if (row->type == GAIT_OPTION_TEXT) {
    fuzz_require(!options.records || options.records == value, "another text", row->name, value);
    return;
  }
  const int64_t field = fuzz_field(&options, row);
  if (row->may_be_off && field == row->off) return;
  char text[32];
  snprintf(text, sizeof text, "%" PRId64, field);
  gait_options again;
  gait_options_init(&again);
  fuzz_require(gait_options_set(&again, row->name, text, NULL, 0) == GAIT_OK &&
                   fuzz_field(&again, row) == field,
               "no round trip", row->name, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > 4096) return 0;
  char *value = malloc(size);
  if (!value) return 0;
  memcpy(value, data + 1, size - 1);
  value[size - 1] = '\0';
  size_t rows = 0;
  while (gait_option_at(rows))
    rows++;
  const gait_option *row = gait_option_at(data[0] % (rows + 1));
  if (row) {
    fuzz_value(row, value);
  } else {
    gait_options options;
    gait_options_init(&options);
    gait_options_set(&options, value, "1", NULL, 0);
  }
  free(value);
  return 0;
}
