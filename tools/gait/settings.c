#include "settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gait/tune.h"

_Static_assert(SETTING_OFF == GAIT_OFF, "off is the same for a setting and for an option");

/* The value as the heap's own option reads it. */
static bool settings_value(const char *name, const char *text, int64_t *value, char *error,
                           size_t error_bytes) {
  gait_options options;
  gait_options_init(&options);
  if (gait_options_set(&options, name, text, error, error_bytes) != GAIT_OK) return false;
  *value = strcmp(name, "gogc") == 0 ? options.gogc_percent : options.memory_limit_bytes;
  if (*value != GAIT_AUTO) return true;
  if (error) snprintf(error, error_bytes, "%s=%s: a number is wanted here, or off", name, text);
  return false;
}

void settings_list_read_by(struct settings_list *list, const char *name, settings_value_read *read,
                           const char *text, struct argp_state *state) {
  char *copy = strdup(text);
  if (copy == NULL) argp_failure(state, 1, 0, "out of memory");
  for (char *rest = copy, *value; (value = strsep(&rest, ",")) != NULL;) {
    if (list->count == SETTINGS_LIST_MOST)
      argp_error(state, "%s: %u values at most", name, SETTINGS_LIST_MOST);
    list->values[list->count++] = read(name, value, state);
  }
  free(copy);
}

static int64_t settings_read_value(const char *name, const char *text, struct argp_state *state) {
  int64_t value = SETTING_OFF;
  char error[256];
  if (!settings_value(name, text, &value, error, sizeof error)) argp_error(state, "%s", error);
  return value;
}

void settings_list_read(struct settings_list *list, const char *name, const char *text,
                        struct argp_state *state) {
  settings_list_read_by(list, name, settings_read_value, text, state);
}

double settings_cpus_read(const char *text, struct argp_state *state) {
  char *end;
  double cpus = strtod(text, &end);
  if (end == text || *end != '\0' || !(cpus >= 0.01) || !(cpus <= 65536))
    argp_error(state, "--procs=%s: a number in 0.01 .. 65536 is wanted", text);
  return cpus;
}

int64_t settings_size_read(const char *text) {
  int64_t value;
  return settings_value("memory_limit", text, &value, NULL, 0) ? value : -1;
}

json_t *settings_value_json(int64_t value) {
  return value == SETTING_OFF ? json_null() : json_integer(value);
}

const char *settings_option_text(int64_t value, char text[32]) {
  snprintf(text, 32, value == SETTING_OFF ? "off" : "%lld", (long long)value);
  return text;
}

const char *settings_gogc_text(int64_t value, char text[32]) {
  return settings_option_text(value, text);
}

const char *settings_limit_text(int64_t value, char text[32]) {
  snprintf(text, 32, value == SETTING_OFF ? "off" : "%.6g MiB", (double)value / 1048576);
  return text;
}
