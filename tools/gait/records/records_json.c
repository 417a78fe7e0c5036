/* The whole file as one JSON object, with the names that the file has for its fields. */
#include <stdlib.h>
#include <string.h>

#include "records_forms.h"

static json_t *json_settings(const struct record_reader *reader) {
  json_t *settings = json_object();
  for (const char *line = record_reader_settings(reader); *line;) {
    size_t length = strcspn(line, "\n"), name = strcspn(line, "=");
    char *pair = strndup(line, length);
    if (pair && name < length) {
      pair[name] = '\0';
      json_object_set_new(settings, pair, records_text_json(pair + name + 1));
    }
    free(pair);
    line += length + (line[length] != '\0');
  }
  return settings;
}

static json_t *json_file(struct record_reader *reader) {
  const gait_record_header *header = record_reader_header(reader);
  return json_pack("{s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:b}", "version",
                   (json_int_t)header->version, "process", (json_int_t)header->process, "program",
                   records_text_json(header->program), "library",
                   records_text_json(header->library), "heap", (json_int_t)header->heap, "wall_ns",
                   (json_int_t)header->wall_ns, "monotonic_ns", (json_int_t)header->monotonic_ns,
                   "live", record_reader_is_live(reader));
}

/* An entry as an object of its fields, but for the word of the ring. */
static json_t *json_entry(const struct record_reader *reader, gait_record_section_id section,
                          const void *entry) {
  const gait_record_field *fields;
  size_t count = record_reader_fields(reader, section, &fields);
  json_t *object = json_object();
  for (size_t i = 0; i < count; i++)
    if (strcmp(fields[i].name, "sequence") != 0 && fields[i].type <= GAIT_RECORD_F64)
      json_object_set_new(object, fields[i].name, records_value_json(reader, &fields[i], entry));
  return object;
}

static void json_add_cycle(struct record_reader *reader, const void *entry, void *arg) {
  json_array_append_new(arg, json_entry(reader, GAIT_RECORD_CYCLES, entry));
}

static json_t *json_now(struct record_reader *reader) {
  void *entry = malloc(record_reader_now_bytes(reader));
  json_t *now = entry && record_reader_now_entry(reader, entry)
                    ? json_entry(reader, GAIT_RECORD_NOW, entry)
                    : json_null();
  free(entry);
  return now;
}

static json_t *json_threads(struct record_reader *reader) {
  size_t count;
  gait_record_thread *threads = record_reader_threads(reader, &count);
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(list, json_pack("{s:I, s:o, s:I, s:I, s:I}", "thread",
                                          (json_int_t)threads[i].thread, "name",
                                          records_text_json(threads[i].name), "answers",
                                          (json_int_t)threads[i].answers, "late_total_ns",
                                          (json_int_t)threads[i].late_total_ns, "late_max_ns",
                                          (json_int_t)threads[i].late_max_ns));
  free(threads);
  return list;
}

/* ---- Events ---- */

static json_t *json_event(const struct record_reader *reader, const gait_record_event *event) {
  const gait_record_event_type *type = record_reader_event_type(reader, event->type);
  json_t *object = json_pack("{s:I, s:I, s:o}", "time_ns", (json_int_t)event->time_ns, "thread",
                             (json_int_t)event->thread, "event",
                             type ? records_text_json(type->name) : json_integer(event->type));
  for (int i = 0; type && i < GAIT_RECORD_VALUES; i++) {
    if (!type->value[i].name[0]) continue;
    const char *words = type->value[i].words;
    const char *word = words[0] ? record_reader_word(reader, words, event->value[i]) : NULL;
    json_object_set_new(object, type->value[i].name,
                        word ? records_text_json(word) : json_integer((json_int_t)event->value[i]));
  }
  return object;
}

static void json_add_events(struct record_reader *reader, json_t *file) {
  size_t count;
  uint64_t lost;
  gait_record_event *events = record_reader_events(reader, &count, &lost);
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(list, json_event(reader, &events[i]));
  json_object_set_new(file, "events", list);
  json_object_set_new(file, "events_lost", json_integer((json_int_t)lost));
  free(events);
}

bool records_write_json(struct record_reader *reader, const struct records_choice *choice,
                        FILE *out) {
  json_t *file = json_file(reader), *cycles = json_array();
  records_each(reader, choice, json_add_cycle, cycles);
  json_object_set_new(file, "settings", json_settings(reader));
  json_object_set_new(file, "now", json_now(reader));
  json_object_set_new(file, "threads", json_threads(reader));
  json_object_set_new(file, "cycles", cycles);
  if (choice->events) json_add_events(reader, file);
  bool written = json_dumpf(file, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF;
  json_decref(file);
  return written && record_reader_error(reader)[0] == '\0';
}
