/* What all forms read in the same way. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "records_forms.h"

size_t records_each(struct record_reader *reader, const struct records_choice *choice,
                    records_entry_fn *each, void *arg) {
  uint64_t first, last, count = 0;
  if (!record_reader_range(reader, &first, &last)) return 0;
  if (choice->last && choice->last <= last - first) first = last - choice->last + 1;
  void *entry = malloc(record_reader_entry_bytes(reader));
  for (uint64_t cycle = first; entry && cycle <= last; cycle++)
    if (record_reader_entry(reader, cycle, entry)) {
      each(reader, entry, arg);
      count++;
    }
  free(entry);
  return count;
}

json_t *records_text_json(const char *text) {
  json_t *string = json_string(text);
  if (string) return string;
  char *copy = strdup(text);
  for (char *at = copy; at && *at; at++)
    if ((unsigned char)*at >= 128) *at = '?';
  string = copy ? json_string(copy) : json_null();
  free(copy);
  return string;
}

static bool records_is_off(const struct record_value *value) {
  return !value->is_real && value->is_signed && (int64_t)value->whole == GAIT_OFF;
}

/* A number that JSON has no form for is null. */
json_t *records_value_json(const struct record_reader *reader, const gait_record_field *field,
                           const void *entry) {
  struct record_value value = record_reader_value(field, entry);
  const char *word = field->words[0] ? record_reader_word(reader, field->words, value.whole) : NULL;
  if (word) return records_text_json(word);
  if (value.is_real) return isfinite(value.real) ? json_real(value.real) : json_null();
  if (records_is_off(&value)) return json_null();
  return json_integer((json_int_t)value.whole);
}

const char *records_thread_name(const gait_record_thread *threads, size_t count, uint64_t thread,
                                char *text, size_t bytes) {
  snprintf(text, bytes, "thread %" PRIu64, thread);
  for (size_t i = 0; i < count; i++)
    if (threads[i].thread == thread && threads[i].name[0])
      snprintf(text, bytes, "%s (id %" PRIu64 ")", threads[i].name, thread);
  return text;
}
