#include "profile/pprof.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Errors ---- */

struct pprof_reader {
  struct pprof *profile;
  const uint8_t *bytes;
  struct pprof_error *error;
  bool failed;
};

__attribute__((format(printf, 3, 4))) static bool
reader_fail(struct pprof_reader *reader, size_t offset, const char *format, ...) {
  if (reader->failed) return false;
  va_list values;
  va_start(values, format);
  vsnprintf(reader->error->text, sizeof reader->error->text, format, values);
  va_end(values);
  reader->error->offset = offset;
  reader->failed = true;
  return false;
}

/* ---- Arrays ---- */

/* A place for one more element behind `count`, which it raises; NULL: out of memory. */
static void *reader_append(struct pprof_reader *reader, void *array, size_t *count, size_t bytes) {
  void *elements;
  memcpy(&elements, array, sizeof elements);
  if ((*count & (*count - 1)) == 0) {
    elements = realloc(elements, (*count ? *count * 2 : 1) * bytes);
    if (elements == NULL) {
      reader_fail(reader, 0, "out of memory");
      return NULL;
    }
    memcpy(array, &elements, sizeof elements);
  }
  void *element = (char *)elements + (*count)++ * bytes;
  memset(element, 0, bytes);
  return element;
}

#define READER_APPEND(reader, array, count)                                                        \
  reader_append((reader), &(reader)->profile->array, &(reader)->profile->count,                    \
                sizeof *(reader)->profile->array)

/* ---- The encoding ---- */

/* A part of the bytes: a message, or a packed field. */
struct pprof_span {
  size_t at, end;
};

enum { PPROF_NUMBER = 0, PPROF_FIXED64 = 1, PPROF_BYTES = 2, PPROF_FIXED32 = 5 };

/* One field: a number, or a span. */
struct pprof_field {
  size_t offset;
  uint64_t number;
  unsigned field, form;
  uint64_t value;
  struct pprof_span span;
};

static bool span_number(struct pprof_reader *reader, struct pprof_span *span, uint64_t *number) {
  size_t start = span->at;
  *number = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (span->at == span->end) return reader_fail(reader, start, "a number is cut off");
    uint8_t digit = reader->bytes[span->at++];
    if (shift == 63 && digit > 1) return reader_fail(reader, start, "a number is over 64 bits");
    *number |= (uint64_t)(digit & 127) << shift;
    if (digit < 128) return true;
  }
  return reader_fail(reader, start, "a number is over 64 bits");
}

static bool span_skip(struct pprof_reader *reader, struct pprof_span *span, size_t bytes,
                      struct pprof_span *part) {
  if (bytes > span->end - span->at)
    return reader_fail(reader, span->at, "a piece of %zu bytes is cut off: %zu are left", bytes,
                       span->end - span->at);
  *part = (struct pprof_span){span->at, span->at + bytes};
  span->at += bytes;
  return true;
}

/* The next field of a message; false: it is over, or bad. */
static bool span_next(struct pprof_reader *reader, struct pprof_span *span,
                      struct pprof_field *field) {
  if (reader->failed || span->at == span->end) return false;
  uint64_t key;
  *field = (struct pprof_field){.offset = span->at};
  if (!span_number(reader, span, &key)) return false;
  field->form = (unsigned)(key & 7);
  field->field = key >> 3 <= 536870911 ? (unsigned)(key >> 3) : 0;
  if (field->field == 0) return reader_fail(reader, field->offset, "a field has no number");
  switch (field->form) {
  case PPROF_NUMBER: return span_number(reader, span, &field->value);
  case PPROF_FIXED64: return span_skip(reader, span, 8, &field->span);
  case PPROF_FIXED32: return span_skip(reader, span, 4, &field->span);
  case PPROF_BYTES:
    return span_number(reader, span, &field->value) &&
           span_skip(reader, span,
                     field->value > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)field->value,
                     &field->span);
  default:
    return reader_fail(reader, field->offset, "a field has the unknown form %u", field->form);
  }
}

/* Whether the field has the form that its number asks for. */
static bool field_is(struct pprof_reader *reader, const struct pprof_field *field, unsigned form) {
  if (field->form == form) return true;
  return reader_fail(reader, field->offset, "field %u is not of the form that it has in a profile",
                     field->field);
}

/* ---- Parts ---- */

/* A message's fields that are numbers, by their field numbers from 1 on; others are left out. */
static bool reader_numbers(struct pprof_reader *reader, struct pprof_span span, uint64_t *numbers,
                           unsigned most) {
  struct pprof_field field;
  memset(numbers, 0, (most + 1) * sizeof *numbers);
  while (span_next(reader, &span, &field))
    if (field.form == PPROF_NUMBER && field.field <= most) numbers[field.field] = field.value;
  return !reader->failed;
}

static void reader_type(struct pprof_reader *reader, struct pprof_span span) {
  uint64_t numbers[3];
  if (reader->profile->sample_count > 0) {
    reader_fail(reader, span.at, "a type of values comes after samples");
    return;
  }
  if (!reader_numbers(reader, span, numbers, 2)) return;
  struct pprof_type *type = READER_APPEND(reader, types, type_count);
  if (type != NULL) *type = (struct pprof_type){(size_t)numbers[1], (size_t)numbers[2]};
}

static void reader_string(struct pprof_reader *reader, struct pprof_span span) {
  char **string = READER_APPEND(reader, strings, string_count);
  if (string == NULL) return;
  *string = malloc(span.end - span.at + 1);
  if (*string == NULL) {
    reader_fail(reader, span.at, "out of memory");
    return;
  }
  memcpy(*string, reader->bytes + span.at, span.end - span.at);
  (*string)[span.end - span.at] = '\0';
}

static void reader_frame(struct pprof_reader *reader, uint64_t id) {
  size_t *frame = READER_APPEND(reader, frames, frame_count);
  if (frame != NULL) *frame = (size_t)id; /* its place is looked up when all is read */
}

static void reader_value(struct pprof_reader *reader, uint64_t number) {
  int64_t *value = READER_APPEND(reader, values, value_count);
  if (value != NULL) *value = (int64_t)number;
}

static void reader_label(struct pprof_reader *reader, struct pprof_span span) {
  uint64_t numbers[5];
  if (!reader_numbers(reader, span, numbers, 4)) return;
  struct pprof_label *label = READER_APPEND(reader, labels, label_count);
  if (label != NULL)
    *label = (struct pprof_label){.key = (size_t)numbers[1],
                                  .text = (size_t)numbers[2],
                                  .number = (int64_t)numbers[3],
                                  .unit = (size_t)numbers[4]};
}

/* Numbers one by one or packed. */
static void reader_each(struct pprof_reader *reader, const struct pprof_field *field,
                        void (*take)(struct pprof_reader *reader, uint64_t number)) {
  struct pprof_span span = field->span;
  uint64_t number;
  if (field->form == PPROF_NUMBER) {
    take(reader, field->value);
    return;
  }
  if (!field_is(reader, field, PPROF_BYTES)) return;
  while (!reader->failed && span.at < span.end)
    if (span_number(reader, &span, &number)) take(reader, number);
}

static void reader_sample(struct pprof_reader *reader, struct pprof_span span) {
  struct pprof *profile = reader->profile;
  size_t offset = span.at;
  struct pprof_sample sample = {.offset = offset,
                                .frames = profile->frame_count,
                                .values = profile->value_count,
                                .labels = profile->label_count};
  struct pprof_field field;
  while (span_next(reader, &span, &field)) {
    if (field.field == 1) reader_each(reader, &field, reader_frame);
    if (field.field == 2) reader_each(reader, &field, reader_value);
    if (field.field == 3 && field_is(reader, &field, PPROF_BYTES)) reader_label(reader, field.span);
  }
  sample.frame_count = profile->frame_count - sample.frames;
  sample.label_count = profile->label_count - sample.labels;
  struct pprof_sample *kept = READER_APPEND(reader, samples, sample_count);
  if (kept == NULL) return;
  *kept = sample;
  if (profile->value_count - sample.values != profile->type_count)
    reader_fail(reader, offset, "a sample has %zu values, and there are %zu types before it",
                profile->value_count - sample.values, profile->type_count);
}

static void reader_line(struct pprof_reader *reader, struct pprof_span span) {
  uint64_t numbers[3];
  if (!reader_numbers(reader, span, numbers, 2)) return;
  struct pprof_line *line = READER_APPEND(reader, lines, line_count);
  if (line != NULL) *line = (struct pprof_line){(size_t)numbers[1], (int64_t)numbers[2]};
}

static void reader_location(struct pprof_reader *reader, struct pprof_span span) {
  struct pprof *profile = reader->profile;
  struct pprof_location location = {.offset = span.at, .lines = profile->line_count};
  struct pprof_field field;
  while (span_next(reader, &span, &field)) {
    if (field.field == 4 && field_is(reader, &field, PPROF_BYTES)) reader_line(reader, field.span);
    if (field.field < 1 || field.field > 3 || !field_is(reader, &field, PPROF_NUMBER)) continue;
    if (field.field == 1) location.id = field.value;
    if (field.field == 2) location.mapping = (size_t)field.value;
    if (field.field == 3) location.address = field.value;
  }
  location.line_count = profile->line_count - location.lines;
  struct pprof_location *kept = READER_APPEND(reader, locations, location_count);
  if (kept != NULL) *kept = location;
}

static void reader_function(struct pprof_reader *reader, struct pprof_span span) {
  uint64_t numbers[6];
  if (!reader_numbers(reader, span, numbers, 5)) return;
  struct pprof_function *function = READER_APPEND(reader, functions, function_count);
  if (function != NULL)
    *function =
        (struct pprof_function){numbers[1], span.at, (size_t)numbers[2], (size_t)numbers[4]};
}

static void reader_mapping(struct pprof_reader *reader, struct pprof_span span) {
  uint64_t numbers[7];
  if (!reader_numbers(reader, span, numbers, 6)) return;
  struct pprof_mapping *mapping = READER_APPEND(reader, mappings, mapping_count);
  if (mapping != NULL)
    *mapping = (struct pprof_mapping){numbers[1],        span.at,    numbers[2],
                                      numbers[3],        numbers[4], (size_t)numbers[5],
                                      (size_t)numbers[6]};
}

static void reader_comment(struct pprof_reader *reader, uint64_t number) {
  size_t *comment = READER_APPEND(reader, comments, comment_count);
  if (comment != NULL) *comment = (size_t)number;
}

/* ---- The whole ---- */

static void reader_number(struct pprof_reader *reader, const struct pprof_field *field) {
  struct pprof *profile = reader->profile;
  switch (field->field) {
  case 9: profile->time_ns = (int64_t)field->value; break;
  case 10: profile->duration_ns = (int64_t)field->value; break;
  case 12: profile->period = (int64_t)field->value; break;
  default: break;
  }
}

static void reader_message(struct pprof_reader *reader, struct pprof_span span) {
  static void (*const parts[])(struct pprof_reader *, struct pprof_span) = {
      [1] = reader_type,     [2] = reader_sample,   [3] = reader_mapping,
      [4] = reader_location, [5] = reader_function, [6] = reader_string};
  struct pprof_field field;
  while (span_next(reader, &span, &field)) {
    if (field.field == 13)
      reader_each(reader, &field, reader_comment);
    else if (field.field >= sizeof parts / sizeof *parts)
      reader_number(reader, &field);
    else if (field_is(reader, &field, PPROF_BYTES))
      parts[field.field](reader, field.span);
  }
}

/* ---- References ---- */

/* From the id of a location, a function or a mapping to its place.  These begin so, too. */
struct pprof_id {
  uint64_t id;
  size_t offset;
  size_t place;
};

static int id_compare(const void *a, const void *b) {
  const struct pprof_id *x = a, *y = b;
  return (x->id > y->id) - (x->id < y->id);
}

/* Sorted; NULL: out of memory. */
static struct pprof_id *ids_make(struct pprof_reader *reader, const void *elements, size_t count,
                                 size_t bytes, const char *noun) {
  struct pprof_id *ids = malloc((count + 1) * sizeof *ids);
  if (ids == NULL) {
    reader_fail(reader, 0, "out of memory");
    return NULL;
  }
  for (size_t i = 0; i < count; i++) {
    memcpy(&ids[i], (const char *)elements + i * bytes, offsetof(struct pprof_id, place));
    ids[i].place = i;
  }
  qsort(ids, count, sizeof *ids, id_compare);
  for (size_t i = 0; i < count; i++)
    if (ids[i].id == 0 || (i > 0 && ids[i].id == ids[i - 1].id))
      reader_fail(reader, ids[i].offset, "%s %" PRIu64 " is there twice, or has no number", noun,
                  ids[i].id);
  return ids;
}

/* The place of an id that the part at `offset` names. */
static size_t ids_find(struct pprof_reader *reader, const struct pprof_id *ids, size_t count,
                       size_t id, size_t offset, const char *noun) {
  struct pprof_id key = {.id = id};
  const struct pprof_id *found = bsearch(&key, ids, count, sizeof *ids, id_compare);
  if (found != NULL) return found->place;
  reader_fail(reader, offset, "there is no %s %zu", noun, id);
  return 0;
}

static void reader_resolve_locations(struct pprof_reader *reader) {
  struct pprof *profile = reader->profile;
  size_t count = profile->location_count;
  struct pprof_id *ids =
      ids_make(reader, profile->locations, count, sizeof *profile->locations, "location");
  for (size_t i = 0; ids != NULL && i < profile->sample_count; i++) {
    const struct pprof_sample *sample = &profile->samples[i];
    for (size_t j = sample->frames; j < sample->frames + sample->frame_count; j++)
      profile->frames[j] =
          ids_find(reader, ids, count, profile->frames[j], sample->offset, "location");
  }
  free(ids);
}

static void reader_resolve_functions(struct pprof_reader *reader) {
  struct pprof *profile = reader->profile;
  size_t count = profile->function_count;
  struct pprof_id *ids =
      ids_make(reader, profile->functions, count, sizeof *profile->functions, "function");
  for (size_t i = 0; ids != NULL && i < profile->location_count; i++) {
    const struct pprof_location *location = &profile->locations[i];
    for (size_t j = location->lines; j < location->lines + location->line_count; j++)
      profile->lines[j].function =
          ids_find(reader, ids, count, profile->lines[j].function, location->offset, "function");
  }
  free(ids);
}

static void reader_resolve_mappings(struct pprof_reader *reader) {
  struct pprof *profile = reader->profile;
  size_t count = profile->mapping_count;
  struct pprof_id *ids =
      ids_make(reader, profile->mappings, count, sizeof *profile->mappings, "mapping");
  for (size_t i = 0; ids != NULL && i < profile->location_count; i++) {
    struct pprof_location *location = &profile->locations[i];
    if (location->mapping != 0)
      location->mapping =
          ids_find(reader, ids, count, location->mapping, location->offset, "mapping") + 1;
  }
  free(ids);
}

/* The part at `offset` names the string. */
static void reader_need_string(struct pprof_reader *reader, size_t number, size_t offset) {
  if (number >= reader->profile->string_count)
    reader_fail(reader, offset, "there is no string %zu, but %zu of them", number,
                reader->profile->string_count);
}

static void reader_check_labels(struct pprof_reader *reader) {
  const struct pprof *profile = reader->profile;
  for (size_t i = 0; i < profile->sample_count; i++) {
    const struct pprof_sample *sample = &profile->samples[i];
    for (size_t j = sample->labels; j < sample->labels + sample->label_count; j++) {
      reader_need_string(reader, profile->labels[j].key, sample->offset);
      reader_need_string(reader, profile->labels[j].text, sample->offset);
      reader_need_string(reader, profile->labels[j].unit, sample->offset);
    }
  }
}

static void reader_check_strings(struct pprof_reader *reader) {
  const struct pprof *profile = reader->profile;
  reader_need_string(reader, 0, 0);
  for (size_t i = 0; i < profile->type_count; i++) {
    reader_need_string(reader, profile->types[i].type, 0);
    reader_need_string(reader, profile->types[i].unit, 0);
  }
  for (size_t i = 0; i < profile->function_count; i++) {
    reader_need_string(reader, profile->functions[i].name, profile->functions[i].offset);
    reader_need_string(reader, profile->functions[i].file, profile->functions[i].offset);
  }
  for (size_t i = 0; i < profile->mapping_count; i++) {
    reader_need_string(reader, profile->mappings[i].file, profile->mappings[i].offset);
    reader_need_string(reader, profile->mappings[i].build_id, profile->mappings[i].offset);
  }
  for (size_t i = 0; i < profile->comment_count; i++)
    reader_need_string(reader, profile->comments[i], 0);
  reader_check_labels(reader);
}

bool pprof_parse(struct pprof *profile, const void *bytes, size_t count,
                 struct pprof_error *error) {
  *profile = (struct pprof){0};
  struct pprof_reader reader = {.profile = profile, .bytes = bytes, .error = error};
  reader_message(&reader, (struct pprof_span){0, count});
  if (!reader.failed && profile->type_count == 0)
    reader_fail(&reader, 0, "it has no types of values: it is no profile");
  if (!reader.failed) reader_check_strings(&reader);
  if (!reader.failed) reader_resolve_locations(&reader);
  if (!reader.failed) reader_resolve_functions(&reader);
  if (!reader.failed) reader_resolve_mappings(&reader);
  if (reader.failed) pprof_destroy(profile);
  return !reader.failed;
}

void pprof_destroy(struct pprof *profile) {
  for (size_t i = 0; i < profile->string_count; i++)
    free(profile->strings[i]);
  free(profile->strings);
  free(profile->types);
  free(profile->samples);
  free(profile->frames);
  free(profile->values);
  free(profile->labels);
  free(profile->locations);
  free(profile->lines);
  free(profile->functions);
  free(profile->mappings);
  free(profile->comments);
  *profile = (struct pprof){0};
}

/* ---- Questions ---- */

int pprof_find_type(const struct pprof *profile, const char *type) {
  for (size_t i = 0; i < profile->type_count; i++)
    if (strcmp(profile->strings[profile->types[i].type], type) == 0) return (int)i;
  return -1;
}

const struct pprof_label *pprof_find_label(const struct pprof *profile,
                                           const struct pprof_sample *sample, const char *key) {
  for (size_t i = 0; i < sample->label_count; i++) {
    const struct pprof_label *label = &profile->labels[sample->labels + i];
    if (strcmp(profile->strings[label->key], key) == 0) return label;
  }
  return NULL;
}

const char *pprof_function_name(const struct pprof *profile, size_t location) {
  const struct pprof_location *of = &profile->locations[location];
  if (of->line_count == 0) return "";
  return profile->strings[profile->functions[profile->lines[of->lines].function].name];
}

int64_t pprof_find_comment(const struct pprof *profile, const char *name) {
  char format[64];
  snprintf(format, sizeof format, "gait %.40s ", name);
  for (size_t i = 0; i < profile->comment_count; i++) {
    const char *text = profile->strings[profile->comments[i]];
    if (strncmp(text, format, strlen(format)) == 0) return strtoll(text + strlen(format), NULL, 10);
  }
  return -1;
}
