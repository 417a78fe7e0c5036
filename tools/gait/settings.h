/* settings.h: lists of GOGC and of memory limits, and the grid that they span. */
#ifndef GAIT_SETTINGS_H
#define GAIT_SETTINGS_H

#include <argp.h>
#include <jansson.h>

#include "setting.h"

#define SETTINGS_LIST_MOST 1024u

struct settings_list {
  int64_t values[SETTINGS_LIST_MOST]; /* SETTING_OFF among them */
  unsigned count;
};

/* Appends the values of "a,b,c"; each must be one that the heap's option `name`, "gogc" or
 * "memory_limit", takes.  Ends the program with a message through `state` otherwise. */
void settings_list_read(struct settings_list *list, const char *name, const char *text,
                        struct argp_state *state);
/* The same for values that `read` takes; it is what ends the program when the text is none. */
typedef int64_t settings_value_read(const char *name, const char *text, struct argp_state *state);
void settings_list_read_by(struct settings_list *list, const char *name, settings_value_read *read,
                           const char *text, struct argp_state *state);
/* A number of CPUs: a real one above 0. */
double settings_cpus_read(const char *text, struct argp_state *state);
/* One size, as 512MiB; -1 when it is none. */
int64_t settings_size_read(const char *text);

/* The value for JSON: null for off. */
json_t *settings_value_json(int64_t value);
/* The value as the heap's options take it: "off", or a number. */
const char *settings_option_text(int64_t value, char text[32]);
/* The value for people: "off", "100" or "512 MiB". */
const char *settings_gogc_text(int64_t value, char text[32]);
const char *settings_limit_text(int64_t value, char text[32]);

#endif
