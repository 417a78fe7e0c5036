/* Reads and validates the file.  Every complaint begins with where: the line of a JSON error, or
 * the path of keys to the value that is wrong. */
#include "sim_spec.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gait/gait.h"
#include "what_if/recording_file.h"
#include "what_if/what_if_program.h"

#define SPEC_PATH_MOST     200
#define SPEC_NUMBER_MOST   1e15
#define SPEC_PROGRAMS_MOST 100000u

/* Where the reader is. */
struct spec_reader {
  struct sim_error *error;
  const char *folder; /* of the spec, for recordings; ends in / or is empty */
  char path[SPEC_PATH_MOST];
};

static bool spec_fail(struct spec_reader *reader, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool spec_fail(struct spec_reader *reader, const char *key, const char *format, ...) {
  char what[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  const char *dot = reader->path[0] != '\0' && key[0] != '\0' ? "." : "";
  snprintf(reader->error->text, sizeof reader->error->text, "%.150s%s%.80s: %.150s", reader->path,
           dot, key, what);
  return false;
}

/* Steps down to a key; returns what spec_leave needs. */
static size_t spec_enter(struct spec_reader *reader, const char *key) {
  size_t length = strlen(reader->path);
  snprintf(reader->path + length, sizeof reader->path - length, "%s%s", length > 0 ? "." : "", key);
  return length;
}

static void spec_leave(struct spec_reader *reader, size_t length) {
  reader->path[length] = '\0';
}

/* Whether every key of the object is one of `known`, a list "a b c". */
static bool spec_keys(struct spec_reader *reader, json_t *object, const char *known) {
  const char *key;
  json_t *value;
  json_object_foreach(object, key, value) {
    size_t length = strlen(key);
    bool found = false;
    for (const char *at = known; length > 0 && !found && (at = strstr(at, key)) != NULL; at++)
      found = (at == known || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0');
    if (!found) return spec_fail(reader, key, "there is no such key; there are: %s", known);
  }
  return true;
}

/* A number, or a size as "512MiB". */
static bool spec_number(struct spec_reader *reader, json_t *object, const char *key, double least,
                        double *number) {
  json_t *value = json_object_get(object, key);
  if (value == NULL) return spec_fail(reader, key, "is wanted");
  double read = json_number_value(value);
  if (json_is_string(value)) {
    int64_t bytes = settings_size_read(json_string_value(value));
    if (bytes < 0)
      return spec_fail(reader, key, "\"%.40s\" is no size as \"512MiB\"", json_string_value(value));
    read = (double)bytes;
  } else if (!json_is_number(value)) {
    return spec_fail(reader, key, "a number is wanted");
  }
  if (!(read >= least) || read > SPEC_NUMBER_MOST)
    return spec_fail(reader, key, "%g is not in %g .. %g", read, least, SPEC_NUMBER_MOST);
  *number = read;
  return true;
}

static bool spec_optional(struct spec_reader *reader, json_t *object, const char *key, double least,
                          double otherwise, double *number) {
  *number = otherwise;
  return json_object_get(object, key) == NULL || spec_number(reader, object, key, least, number);
}

/* ---- Quantities over time ---- */

static bool spec_recorded_points(struct sim_shape *shape, enum sim_quantity quantity,
                                 const struct recording *recording,
                                 const struct what_if_program *program) {
  shape->times = calloc(recording->count, sizeof *shape->times);
  shape->values = calloc(recording->count, sizeof *shape->values);
  if (shape->times == NULL || shape->values == NULL) return false;
  for (size_t i = 0; i < recording->count; i++) {
    const struct what_if_point *point = &program->points[i];
    shape->times[i] = recording->cycles[i].start_seconds;
    shape->values[i] = quantity == SIM_LIVE   ? point->live_bytes
                       : quantity == SIM_RATE ? point->free_rate
                                              : point->roots_bytes;
  }
  shape->count = recording->count;
  return true;
}

static bool spec_recorded(struct spec_reader *reader, json_t *object, enum sim_quantity quantity,
                          struct sim_shape *shape) {
  const char *name = json_string_value(json_object_get(object, "recording"));
  struct recording recording;
  struct recording_error error;
  struct what_if_program program;
  char path[4096];
  if (name == NULL) return spec_fail(reader, "recording", "the name of a file is wanted");
  if (quantity == SIM_SCANNABLE)
    return spec_fail(reader, "recording", "a recording does not tell this");
  snprintf(path, sizeof path, "%s%s", name[0] == '/' ? "" : reader->folder, name);
  if (!recording_load(&recording, path, &error))
    return spec_fail(reader, "recording", "%s", error.text);
  struct what_if_constants constants = what_if_constants_default(recording.system);
  bool read = what_if_program_recover(&program, &recording, &constants, &error);
  if (read) {
    shape->form = SIM_RECORDED;
    read = spec_recorded_points(shape, quantity, &recording, &program);
    what_if_program_destroy(&program);
  }
  recording_destroy(&recording);
  return read || spec_fail(reader, "recording", "%s", error.text);
}

static bool spec_form(struct spec_reader *reader, json_t *object, double least,
                      struct sim_shape *shape) {
  const char *const forms[] = {"ramp", "step", "oscillation"};
  for (size_t i = 0; i < 3; i++) {
    json_t *inner = json_object_get(object, forms[i]);
    if (inner == NULL) continue;
    size_t length = spec_enter(reader, forms[i]);
    bool read = json_is_object(inner) || spec_fail(reader, "", "an object is wanted");
    if (i == 2) {
      shape->form = SIM_OSCILLATION;
      read = read && spec_keys(reader, inner, "mean amplitude period") &&
             spec_number(reader, inner, "mean", least, &shape->from) &&
             spec_number(reader, inner, "amplitude", 0, &shape->to) &&
             spec_number(reader, inner, "period", 1e-6, &shape->over);
      if (read && shape->to > shape->from)
        read = spec_fail(reader, "amplitude", "is more than the mean");
    } else {
      shape->form = i == 0 ? SIM_RAMP : SIM_STEP;
      read = read && spec_keys(reader, inner, i == 0 ? "from to at over" : "from to at") &&
             spec_number(reader, inner, "from", least, &shape->from) &&
             spec_number(reader, inner, "to", least, &shape->to) &&
             spec_optional(reader, inner, "at", 0, 0, &shape->at) &&
             (i == 1 || spec_number(reader, inner, "over", 1e-6, &shape->over));
    }
    spec_leave(reader, length);
    return read;
  }
  return spec_number(reader, object, "constant", least, &shape->from);
}

static bool spec_shape(struct spec_reader *reader, json_t *object, const char *key,
                       enum sim_quantity quantity, double least, struct sim_shape *shape) {
  json_t *value = json_object_get(object, key);
  if (!json_is_object(value)) return spec_number(reader, object, key, least, &shape->from);
  size_t length = spec_enter(reader, key);
  bool read = spec_keys(reader, value, "constant ramp step oscillation recording jitter");
  json_t *jitter = json_object_get(value, "jitter");
  if (read && json_object_size(value) != (jitter == NULL ? 1 : 2))
    read = spec_fail(reader, "",
                     "one of constant, ramp, step, oscillation, recording is wanted, "
                     "and jitter if it has any");
  if (read && json_object_get(value, "recording") != NULL)
    read = spec_recorded(reader, value, quantity, shape);
  else
    read = read && spec_form(reader, value, least, shape);
  read = read && spec_optional(reader, value, "jitter", 0, 0, &shape->jitter);
  if (read && shape->jitter > 0.99) read = spec_fail(reader, "jitter", "is more than 0.99");
  spec_leave(reader, length);
  return read;
}

/* ---- Programs ---- */

static bool spec_until(struct spec_reader *reader, json_t *object,
                       struct sim_description *program) {
  json_t *until = json_object_get(object, "until");
  if (!json_is_object(until) || json_object_size(until) == 0)
    return spec_fail(reader, "until",
                     "an object with cycles, seconds or allocated_bytes is wanted");
  size_t length = spec_enter(reader, "until");
  bool read = spec_keys(reader, until, "cycles seconds allocated_bytes") &&
              spec_optional(reader, until, "cycles", 1, INFINITY, &program->most_cycles) &&
              spec_optional(reader, until, "seconds", 1e-6, INFINITY, &program->most_seconds) &&
              spec_optional(reader, until, "allocated_bytes", 1, INFINITY, &program->most_bytes);
  spec_leave(reader, length);
  return read;
}

static bool spec_share(struct spec_reader *reader, json_t *object, const char *key,
                       double otherwise, double most, double *share) {
  if (!spec_optional(reader, object, key, 0.01, otherwise, share)) return false;
  return *share <= most || spec_fail(reader, key, "%g is not in 0.01 .. %g", *share, most);
}

static bool spec_policy(struct spec_reader *reader, json_t *object,
                        struct sim_description *program) {
  json_t *policy = json_object_get(object, "policy");
  double square_root;
  program->policy = GAITI_PACER_POLICY_GOGC;
  while (policy != NULL &&
         (!json_is_string(policy) ||
          strcmp(json_string_value(policy), gaiti_pacer_policy_name(program->policy)) != 0))
    if (program->policy++ == GAITI_PACER_POLICY_SQUARE_ROOT)
      return spec_fail(reader, "policy", "one of gogc, cpu-budget, square-root is wanted");
  if (!spec_share(reader, object, "cpu_budget", 0, 0.9, &program->cpu_budget) ||
      !spec_optional(reader, object, "square_root_bytes", 1, 0, &square_root))
    return false;
  program->square_root_bytes = (int64_t)square_root;
  return true;
}

static bool spec_quantities(struct spec_reader *reader, json_t *object,
                            struct sim_description *program) {
  struct sim_shape *shapes = program->shapes;
  shapes[SIM_SCANNABLE].from = 1;
  return spec_shape(reader, object, "live_bytes", SIM_LIVE, 0, &shapes[SIM_LIVE]) &&
         spec_shape(reader, object, "allocation_rate", SIM_RATE, 1, &shapes[SIM_RATE]) &&
         (json_object_get(object, "scannable_share") == NULL ||
          spec_shape(reader, object, "scannable_share", SIM_SCANNABLE, 0,
                     &shapes[SIM_SCANNABLE])) &&
         (json_object_get(object, "root_bytes") == NULL ||
          spec_shape(reader, object, "root_bytes", SIM_ROOTS, 0, &shapes[SIM_ROOTS]));
}

static bool spec_program(struct spec_reader *reader, json_t *object,
                         struct sim_description *program) {
  double minimum, overhead, seed;
  const char *cpus = json_object_get(object, "processors") ? "processors" : "cpus"; /* of 0.1 */
  if (!json_is_object(object)) return spec_fail(reader, "", "an object is wanted");
  const char *name = json_string_value(json_object_get(object, "name"));
  program->name = strdup(name == NULL ? "program" : name);
  bool read =
      spec_keys(
          reader, object,
          "name until live_bytes allocation_rate scannable_share root_bytes mark_rate "
          "cpus processors threads barrier_share background_share idle_share cpu_cap "
          "minimum_heap_bytes "
          "overhead_bytes policy cpu_budget square_root_bytes seed gogc memory_limit memlimit") &&
      spec_until(reader, object, program) && spec_quantities(reader, object, program) &&
      spec_number(reader, object, "mark_rate", 1, &program->mark_rate) &&
      spec_optional(reader, object, cpus, 0.01, 1, &program->cpus) &&
      spec_optional(reader, object, "threads", 0.01, 0, &program->threads) &&
      spec_share(reader, object, "barrier_share", 1, 1, &program->barrier_share) &&
      spec_share(reader, object, "background_share", 0.25, 0.9, &program->background_share) &&
      spec_optional(reader, object, "idle_share", 0, 0, &program->idle_share) &&
      spec_share(reader, object, "cpu_cap", 0.5, 0.95, &program->cpu_cap) &&
      spec_policy(reader, object, program) &&
      spec_optional(reader, object, "minimum_heap_bytes", 0, -1, &minimum) &&
      spec_optional(reader, object, "overhead_bytes", 0, 0, &overhead) &&
      spec_optional(reader, object, "seed", 0, 1, &seed);
  if (read && program->cpus > 65536)
    read = spec_fail(reader, cpus, "%g is not in 0.01 .. 65536", program->cpus);
  if (read && program->background_share + program->idle_share > 1)
    read = spec_fail(reader, "idle_share", "with the background share it is more than 1");
  if (!read) return false;
  program->minimum_heap_bytes = (int64_t)minimum;
  program->overhead_bytes = (int64_t)overhead;
  program->seed = (uint64_t)seed;
  return true;
}

/* ---- Settings ---- */

static bool spec_setting(struct spec_reader *reader, const char *key, json_t *value,
                         struct settings_list *list) {
  char text[32], error[200] = "a number or \"off\" is wanted";
  if (json_is_integer(value))
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
  else
    snprintf(text, sizeof text, "%s", json_is_string(value) ? json_string_value(value) : "");
  gait_options options;
  gait_options_init(&options);
  if (text[0] == '\0' || gait_options_set(&options, key, text, error, sizeof error) != GAIT_OK)
    return spec_fail(reader, key, "%s", error);
  if (strcmp(text, "auto") == 0)
    return spec_fail(reader, key, "%s", "a number or \"off\" is wanted");
  if (list->count == SETTINGS_LIST_MOST)
    return spec_fail(reader, key, "%u values at most", SETTINGS_LIST_MOST);
  bool off = strcmp(text, "off") == 0;
  int64_t number = strcmp(key, "gogc") == 0 ? options.gogc_percent : options.memory_limit_bytes;
  list->values[list->count++] = off ? SETTING_OFF : number;
  return true;
}

static bool spec_settings(struct spec_reader *reader, json_t *root, const char *key,
                          struct settings_list *list) {
  json_t *values = json_object_get(root, key), *value;
  size_t index;
  if (values == NULL) return true;
  if (!json_is_array(values)) return spec_setting(reader, key, values, list);
  json_array_foreach(values, index, value) {
    if (!spec_setting(reader, key, value, list)) return false;
  }
  return true;
}

/* ---- The whole ---- */

static bool spec_programs(struct spec_reader *reader, json_t *root, struct sim_spec *spec) {
  json_t *programs = json_object_get(root, "programs");
  size_t count = programs == NULL ? 1 : json_array_size(programs);
  if (programs != NULL && (count == 0 || count > SPEC_PROGRAMS_MOST))
    return spec_fail(reader, "programs", "an array of 1 .. %u programs is wanted",
                     SPEC_PROGRAMS_MOST);
  spec->programs = calloc(count, sizeof *spec->programs);
  if (spec->programs == NULL) return spec_fail(reader, "", "out of memory");
  spec->count = count;
  if (programs == NULL) return spec_program(reader, root, &spec->programs[0]);
  if (!spec_keys(reader, root, "programs gogc memory_limit memlimit")) return false;
  for (size_t i = 0; i < count; i++) {
    snprintf(reader->path, sizeof reader->path, "programs[%zu]", i);
    if (!spec_program(reader, json_array_get(programs, i), &spec->programs[i])) return false;
  }
  reader->path[0] = '\0';
  return true;
}

static bool spec_read(struct sim_spec *spec, json_t *root, const char *folder,
                      struct sim_error *error) {
  struct spec_reader reader = {.error = error, .folder = folder};
  if (!json_is_object(root)) {
    snprintf(error->text, sizeof error->text, "the file holds no JSON object");
    return false;
  }
  return spec_programs(&reader, root, spec) && spec_settings(&reader, root, "gogc", &spec->gogc) &&
         spec_settings(&reader, root, "memory_limit", &spec->memory_limit) &&
         spec_settings(&reader, root, "memlimit",
                       &spec->memory_limit); /* as it was called before */
}

bool sim_spec_load(struct sim_spec *spec, const char *path, struct sim_error *error) {
  *spec = (struct sim_spec){0};
  bool standard = strcmp(path, "-") == 0;
  json_error_t where;
  json_t *root = standard ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &where)
                          : json_load_file(path, JSON_REJECT_DUPLICATES, &where);
  if (root == NULL) {
    if (where.line > 0)
      snprintf(error->text, sizeof error->text, "%.150s: line %d, column %d: %.150s", path,
               where.line, where.column, where.text);
    else
      snprintf(error->text, sizeof error->text, "%.300s", where.text);
    return false;
  }
  const char *slash = standard ? NULL : strrchr(path, '/');
  char *folder = strndup(path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
  struct sim_error inner = {"out of memory"};
  bool read = folder != NULL && spec_read(spec, root, folder, &inner);
  free(folder);
  json_decref(root);
  if (read) return true;
  snprintf(error->text, sizeof error->text, "%.100s: %.290s", path, inner.text);
  sim_spec_destroy(spec);
  return false;
}

void sim_spec_destroy(struct sim_spec *spec) {
  for (size_t i = 0; i < spec->count; i++) {
    free(spec->programs[i].name);
    for (int j = 0; j < SIM_QUANTITIES; j++) {
      free(spec->programs[i].shapes[j].times);
      free(spec->programs[i].shapes[j].values);
    }
  }
  free(spec->programs);
  *spec = (struct sim_spec){0};
}
