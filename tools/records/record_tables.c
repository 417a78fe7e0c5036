/* The tables of a record file, by which its other sections are read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record_parts.h"

/* Reads a section whose entries begin as `known_bytes` of ours do: a later version may have more
 * behind that. */
static void *table_read(struct record_reader *reader, gait_record_section_id id,
                        size_t known_bytes) {
  const gait_record_section *section = &reader->header.section[id];
  char *table = record_room(reader, section->count, known_bytes);
  if (!table) return NULL;
  for (uint64_t i = 0; i < section->count; i++)
    if (!record_read(reader, section->offset + i * section->entry_bytes, table + i * known_bytes,
                     known_bytes)) {
      free(table);
      return NULL;
    }
  return table;
}

/* The text ends within its bytes, and has nothing that a terminal would take for a command. */
static bool table_text_is_sound(const char *text, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) {
    if (text[i] == '\0') return true;
    if (text[i] < ' ' || text[i] > '~') return false;
  }
  return false;
}
#define TEXT_IS_SOUND(array) table_text_is_sound(array, sizeof(array))

/* ---- Fields ---- */

static uint32_t field_type_bytes(uint32_t type) {
  switch (type) {
  case GAIT_RECORD_U32:
  case GAIT_RECORD_I32: return 4;
  case GAIT_RECORD_U64:
  case GAIT_RECORD_I64:
  case GAIT_RECORD_F64: return 8;
  default: return 0; /* a text, or of a later version */
  }
}

static bool field_check(struct record_reader *reader, const gait_record_field *field, uint64_t at) {
  if (!TEXT_IS_SOUND(field->name) || !TEXT_IS_SOUND(field->unit) || !TEXT_IS_SOUND(field->words))
    return record_fail(reader, at, "a field without a sound name");
  if (field->section >= GAIT_RECORD_SECTIONS) return true;
  const gait_record_section *section = &reader->header.section[field->section];
  uint32_t bytes = field_type_bytes(field->type);
  if ((bytes && field->bytes != bytes) || field->bytes > section->entry_bytes ||
      field->offset > section->entry_bytes - field->bytes)
    return record_fail(reader, at,
                       "field %s, %" PRIu32 " bytes at %" PRIu32 ", is not in its entry",
                       field->name, field->bytes, field->offset);
  return true;
}

static bool fields_check(struct record_reader *reader) {
  const gait_record_section *section = &reader->header.section[GAIT_RECORD_FIELDS];
  for (size_t i = 0; i < reader->fields_count; i++)
    if (!field_check(reader, &reader->fields[i], section->offset + i * section->entry_bytes))
      return false;
  return true;
}

/* Each ring has its sequence first. */
static bool fields_check_ring(struct record_reader *reader, gait_record_section_id id) {
  const gait_record_field *field = record_reader_field(reader, id, "sequence");
  if (field && field->type == GAIT_RECORD_U64 && field->offset == 0) return true;
  return record_fail(reader, reader->header.section[GAIT_RECORD_FIELDS].offset,
                     "no field says where the sequence of ring %d is", (int)id);
}

/* Fields of one section stand together; the sections in any order. */
size_t record_reader_fields(const struct record_reader *reader, gait_record_section_id section,
                            const gait_record_field **fields) {
  size_t first = 0, count = 0;
  while (first < reader->fields_count && reader->fields[first].section != (uint32_t)section)
    first++;
  while (first + count < reader->fields_count &&
         reader->fields[first + count].section == (uint32_t)section)
    count++;
  *fields = reader->fields + first;
  return count;
}

const gait_record_field *record_reader_field(const struct record_reader *reader,
                                             gait_record_section_id section, const char *name) {
  for (size_t i = 0; i < reader->fields_count; i++)
    if (reader->fields[i].section == (uint32_t)section && strcmp(reader->fields[i].name, name) == 0)
      return &reader->fields[i];
  return NULL;
}

struct record_value record_reader_value(const gait_record_field *field, const void *entry) {
  const char *at = (const char *)entry + field->offset;
  struct record_value value = {.is_real = field->type == GAIT_RECORD_F64,
                               .is_signed = field->type == GAIT_RECORD_I64 ||
                                            field->type == GAIT_RECORD_I32};
  uint32_t half;
  int32_t signed_half;
  switch (field->type) {
  case GAIT_RECORD_U32:
    memcpy(&half, at, sizeof half);
    value.whole = half;
    break;
  case GAIT_RECORD_I32:
    memcpy(&signed_half, at, sizeof signed_half);
    value.whole = (uint64_t)(int64_t)signed_half;
    break;
  case GAIT_RECORD_U64:
  case GAIT_RECORD_I64: memcpy(&value.whole, at, sizeof value.whole); break;
  case GAIT_RECORD_F64: memcpy(&value.real, at, sizeof value.real); break;
  default: break;
  }
  return value;
}

/* ---- Types of events, words, settings ---- */

static bool types_check(struct record_reader *reader) {
  const gait_record_section *section = &reader->header.section[GAIT_RECORD_EVENT_TYPES];
  for (size_t i = 0; i < reader->types_count; i++) {
    const gait_record_event_type *type = &reader->types[i];
    bool sound = TEXT_IS_SOUND(type->name);
    for (int k = 0; k < GAIT_RECORD_VALUES; k++)
      sound = sound && TEXT_IS_SOUND(type->value[k].name) && TEXT_IS_SOUND(type->value[k].unit) &&
              TEXT_IS_SOUND(type->value[k].words);
    if (!sound)
      return record_fail(reader, section->offset + i * section->entry_bytes,
                         "a type of events without a sound name");
  }
  return true;
}

size_t record_reader_event_types(const struct record_reader *reader,
                                 const gait_record_event_type **types) {
  *types = reader->types;
  return reader->types_count;
}

const gait_record_event_type *record_reader_event_type(const struct record_reader *reader,
                                                       uint32_t type) {
  for (size_t i = 0; i < reader->types_count; i++)
    if (reader->types[i].type == type) return &reader->types[i];
  return NULL;
}

static bool words_check(struct record_reader *reader) {
  const gait_record_section *section = &reader->header.section[GAIT_RECORD_WORDS];
  for (size_t i = 0; i < reader->words_count; i++)
    if (!TEXT_IS_SOUND(reader->words[i].list) || !TEXT_IS_SOUND(reader->words[i].word))
      return record_fail(reader, section->offset + i * section->entry_bytes,
                         "a word that is no text");
  return true;
}

const char *record_reader_word(const struct record_reader *reader, const char *list,
                               uint64_t value) {
  for (size_t i = 0; i < reader->words_count; i++)
    if (reader->words[i].value == value && strcmp(reader->words[i].list, list) == 0)
      return reader->words[i].word;
  return NULL;
}

static bool settings_read(struct record_reader *reader) {
  const gait_record_section *section = &reader->header.section[GAIT_RECORD_SETTINGS];
  size_t bytes = (size_t)(section->count * section->entry_bytes);
  reader->settings = record_room(reader, bytes + 1, 1);
  return reader->settings && record_read(reader, section->offset, reader->settings, bytes);
}

static size_t table_count(const struct record_reader *reader, gait_record_section_id id) {
  return (size_t)reader->header.section[id].count;
}

bool record_tables_read(struct record_reader *reader) {
  reader->fields = table_read(reader, GAIT_RECORD_FIELDS, sizeof *reader->fields);
  if (!reader->fields) return false;
  reader->fields_count = table_count(reader, GAIT_RECORD_FIELDS);
  reader->types = table_read(reader, GAIT_RECORD_EVENT_TYPES, sizeof *reader->types);
  if (!reader->types) return false;
  reader->types_count = table_count(reader, GAIT_RECORD_EVENT_TYPES);
  reader->words = table_read(reader, GAIT_RECORD_WORDS, sizeof *reader->words);
  if (!reader->words) return false;
  reader->words_count = table_count(reader, GAIT_RECORD_WORDS);
  return fields_check(reader) && fields_check_ring(reader, GAIT_RECORD_CYCLES) &&
         fields_check_ring(reader, GAIT_RECORD_EVENTS) && types_check(reader) &&
         words_check(reader) && settings_read(reader);
}
