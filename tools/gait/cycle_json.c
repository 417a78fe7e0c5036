#include "cycle_json.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "gait/record_file.h"

struct cycle_json_field {
  const char *name;
  gait_record_type type;
  size_t offset;
};

#define FIELD(type, name, unit, words) {#name, type, offsetof(gait_cycle_record, name)},
static const struct cycle_json_field fields[] = {GAIT_RECORD_CYCLE_FIELDS(FIELD)};

#define FIELDS (sizeof fields / sizeof fields[0])

static json_t *cycle_json_value(const struct cycle_json_field *field, const void *at) {
  switch (field->type) {
  case GAIT_RECORD_U32: return json_integer((json_int_t) * (const uint32_t *)at);
  case GAIT_RECORD_F64: return json_real(*(const double *)at);
  case GAIT_RECORD_I64: break;
  default: return json_integer((json_int_t) * (const uint64_t *)at);
  }
  int64_t setting = *(const int64_t *)at;
  return setting == GAIT_OFF ? json_null() : json_integer(setting);
}

json_t *cycle_json_write(const gait_cycle_record *record) {
  json_t *object =
      json_pack("{s:f, s:s, s:b}", "seconds", (double)record->started_ns * 1e-9, "cause",
                gait_cycle_cause_name(record->cause), "young", (int)record->young);
  for (size_t i = 0; i < FIELDS; i++)
    if (json_object_get(object, fields[i].name) == NULL)
      json_object_set_new(object, fields[i].name,
                          cycle_json_value(&fields[i], (const char *)record + fields[i].offset));
  return object;
}

/* A field that is not there has the value of a record in which nobody wrote it. */
static bool cycle_json_take(const struct cycle_json_field *field, const json_t *value, void *at) {
  double number = json_number_value(value);
  json_int_t whole = json_integer_value(value);
  if (field->type == GAIT_RECORD_I64 && (value == NULL || json_is_null(value))) {
    *(int64_t *)at = GAIT_OFF;
    return true;
  }
  if (value == NULL) return true;
  if (field->type == GAIT_RECORD_F64) {
    if (!json_is_number(value) || !(number >= 0) || !isfinite(number)) return false;
    *(double *)at = number;
    return true;
  }
  if (!json_is_integer(value) || whole < 0) return false;
  if (field->type == GAIT_RECORD_U32 && whole > UINT32_MAX) return false;
  if (field->type == GAIT_RECORD_U32)
    *(uint32_t *)at = (uint32_t)whole;
  else
    *(uint64_t *)at = (uint64_t)whole; /* or an int64_t that is not negative */
  return true;
}

static bool cycle_json_take_cause(const json_t *value, gait_cycle_record *record) {
  if (!json_is_string(value)) return false;
  for (int cause = GAIT_CAUSE_GOGC; cause <= GAIT_CAUSE_DEBUG; cause++) {
    record->cause = (gait_cycle_cause)cause;
    if (strcmp(gait_cycle_cause_name(record->cause), json_string_value(value)) == 0) return true;
  }
  return false;
}

const char *cycle_json_read(const json_t *object, gait_cycle_record *record) {
  double seconds = json_number_value(json_object_get(object, "seconds"));
  *record = (gait_cycle_record){0};
  if (!json_is_object(object)) return "the cycle";
  if (!(seconds >= 0) || seconds > 1e9) return "seconds";
  if (!cycle_json_take_cause(json_object_get(object, "cause"), record)) return "cause";
  record->started_ns = (uint64_t)(seconds * 1e9);
  record->young = json_is_true(json_object_get(object, "young"));
  for (size_t i = 0; i < FIELDS; i++) {
    if (strcmp(fields[i].name, "cause") == 0 || strcmp(fields[i].name, "young") == 0) continue;
    if (!cycle_json_take(&fields[i], json_object_get(object, fields[i].name),
                         (char *)record + fields[i].offset))
      return fields[i].name;
  }
  return NULL;
}
