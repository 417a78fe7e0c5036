#include "cycle_json.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum cycle_json_type {
  CYCLE_JSON_SIZE,    /* uint64_t */
  CYCLE_JSON_WORD,    /* uint32_t */
  CYCLE_JSON_SETTING, /* int64_t, and GAIT_OFF is null */
  CYCLE_JSON_REAL,
};

struct cycle_json_field {
  const char *name;
  enum cycle_json_type type;
  size_t offset;
};

#define FIELD(name, type)                                                                          \
  { #name, CYCLE_JSON_##type, offsetof(gait_cycle_record, name) }

static const struct cycle_json_field fields[] = {
    FIELD(cycle, SIZE),
    FIELD(threads, WORD),
    FIELD(cpus, REAL),
    FIELD(gogc_percent, SETTING),
    FIELD(memory_limit_bytes, SETTING),
    FIELD(live_before_bytes, SIZE),
    FIELD(trigger_bytes, SIZE),
    FIELD(goal_bytes, SIZE),
    FIELD(at_trigger_bytes, SIZE),
    FIELD(at_mark_end_bytes, SIZE),
    FIELD(marked_bytes, SIZE),
    FIELD(marked_objects, SIZE),
    FIELD(allocated_black_bytes, SIZE),
    FIELD(scan_bytes, SIZE),
    FIELD(root_bytes, SIZE),
    FIELD(external_bytes, SIZE),
    FIELD(mapped_bytes, SIZE),
    FIELD(start_ns, SIZE),
    FIELD(mark_ns, SIZE),
    FIELD(end_ns, SIZE),
    FIELD(sweep_ns, SIZE),
    FIELD(assist_ns, SIZE),
    FIELD(background_ns, SIZE),
    FIELD(idle_ns, SIZE),
    FIELD(stopped_ns, SIZE),
    FIELD(stopped_cpu_ns, SIZE),
    FIELD(handshake_max_ns, SIZE),
    FIELD(alloc_bytes_per_second, REAL),
    FIELD(cons_mark, REAL),
    FIELD(assist_ratio, REAL),
    FIELD(gc_cpu_share, REAL),
    FIELD(limiter_on, WORD),
    FIELD(limit_unreachable, WORD),
    FIELD(limit_step, WORD),
    FIELD(goal_rule, WORD),
    FIELD(trigger_bound, WORD),
    FIELD(planned_goal_bytes, SIZE),
    FIELD(counted_bytes, SIZE),
    FIELD(growth_goal_bytes, SIZE),
    FIELD(runway_bytes, SIZE),
    FIELD(expected_work_bytes, SIZE),
    FIELD(overhead_bytes, SIZE),
    FIELD(held_limit_bytes, SETTING),
    FIELD(background_percent, SIZE),
    FIELD(cpu_cap_percent, SIZE),
    FIELD(stalled_ns, SIZE),
    FIELD(limiter_fill, REAL),
};

#define FIELDS (sizeof fields / sizeof fields[0])

static json_t *cycle_json_value(const struct cycle_json_field *field, const void *at) {
  switch (field->type) {
  case CYCLE_JSON_SIZE: return json_integer((json_int_t) * (const uint64_t *)at);
  case CYCLE_JSON_WORD: return json_integer((json_int_t) * (const uint32_t *)at);
  case CYCLE_JSON_REAL: return json_real(*(const double *)at);
  case CYCLE_JSON_SETTING: break;
  }
  int64_t setting = *(const int64_t *)at;
  return setting == GAIT_OFF ? json_null() : json_integer(setting);
}

json_t *cycle_json_write(const gait_cycle_record *record) {
  json_t *object =
      json_pack("{s:f, s:s, s:b}", "seconds", (double)record->started_ns * 1e-9, "cause",
                gait_cycle_cause_name(record->cause), "young", (int)record->young);
  for (size_t i = 0; i < FIELDS; i++)
    json_object_set_new(object, fields[i].name,
                        cycle_json_value(&fields[i], (const char *)record + fields[i].offset));
  return object;
}

/* A field that is not there has the value of a record in which nobody wrote it. */
static bool cycle_json_take(const struct cycle_json_field *field, const json_t *value, void *at) {
  bool setting = field->type == CYCLE_JSON_SETTING;
  if (setting && (value == NULL || json_is_null(value))) {
    *(int64_t *)at = GAIT_OFF;
    return true;
  }
  if (value == NULL) return true;
  double number = json_number_value(value);
  if (!json_is_number(value) || !(number >= 0) || !isfinite(number)) return false;
  if (field->type == CYCLE_JSON_REAL) {
    *(double *)at = number;
    return true;
  }
  if (!json_is_integer(value)) return false;
  json_int_t whole = json_integer_value(value);
  if (field->type == CYCLE_JSON_WORD && whole > UINT32_MAX) return false;
  if (field->type == CYCLE_JSON_WORD)
    *(uint32_t *)at = (uint32_t)whole;
  else if (setting)
    *(int64_t *)at = whole;
  else
    *(uint64_t *)at = (uint64_t)whole;
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
  for (size_t i = 0; i < FIELDS; i++)
    if (!cycle_json_take(&fields[i], json_object_get(object, fields[i].name),
                         (char *)record + fields[i].offset))
      return fields[i].name;
  return NULL;
}
