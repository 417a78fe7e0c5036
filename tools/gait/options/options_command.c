/* gait options: the table of options, from the library itself. */
#include "command.h"

#include <argp.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "gait/tune.h"

enum options_form { OPTIONS_TABLE, OPTIONS_JSON, OPTIONS_MARKDOWN };

enum { OPTIONS_TO_JSON = 1, OPTIONS_TO_MARKDOWN };

static const struct argp_option options_options[] = {
    {"json", OPTIONS_TO_JSON, NULL, 0, "Print a JSON array", 0},
    {"markdown", OPTIONS_TO_MARKDOWN, NULL, 0, "Print docs/options.md", 0},
    {0}};

static error_t options_option(int key, char *arg, struct argp_state *state) {
  (void)arg;
  enum options_form *form = state->input;
  switch (key) {
  case OPTIONS_TO_JSON: *form = OPTIONS_JSON; return 0;
  case OPTIONS_TO_MARKDOWN: *form = OPTIONS_MARKDOWN; return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp options_argp = {
    .options = options_options,
    .parser = options_option,
    .doc = "List every option of a heap with its unit, default and range.",
};

/* A value as gait_options_set would take it. */
static const char *options_value(const gait_option *option, int64_t value, char *text,
                                 size_t bytes) {
  static const char *const suffixes[] = {"", "KiB", "MiB", "GiB", "TiB"};
  unsigned suffix = 0;
  if (option->may_be_off && value == option->off) return "off";
  if (option->type == GAIT_OPTION_SWITCH) return value ? "on" : "off";
  if (option->type == GAIT_OPTION_WORD) {
    const char *word = option->words;
    for (; value > 0; value--)
      word += strcspn(word, ",") + strlen(", ");
    snprintf(text, bytes, "%.*s", (int)strcspn(word, ","), word);
    return text;
  }
  if (option->type == GAIT_OPTION_BYTES)
    for (; value != 0 && value % 1024 == 0 && suffix < 4; suffix++)
      value /= 1024;
  snprintf(text, bytes, "%" PRId64 "%s", value, suffixes[suffix]);
  return text;
}

static const char *options_range(const gait_option *option, char *text, size_t bytes) {
  char minimum[32], maximum[32];
  if (option->type == GAIT_OPTION_SWITCH) return "on, off";
  if (option->type == GAIT_OPTION_WORD) return option->words;
  if (option->type == GAIT_OPTION_TEXT) return "a text, off";
  bool endless = option->maximum == INT64_MAX;
  snprintf(text, bytes, "%s%s%s%s%s%s",
           options_value(option, option->minimum, minimum, sizeof minimum),
           endless ? " and more" : " .. ",
           endless ? "" : options_value(option, option->maximum, maximum, sizeof maximum),
           option->may_be_off ? ", off" : "", option->words ? ", " : "",
           option->words ? option->words : "");
  return text;
}

static void options_print_table(void) {
  char initial[64], range[96];
  const gait_option *option;
  for (size_t i = 0; (option = gait_option_at(i)) != NULL; i++)
    printf("%s (%s): %s\n    default %s, range %s, unit %s\n", option->name, option->environment,
           option->purpose, options_value(option, option->initial, initial, sizeof initial),
           options_range(option, range, sizeof range), option->unit);
}

static void options_print_markdown(void) {
  char initial[64], range[96];
  const gait_option *option;
  puts("# Options of a heap\n\n"
       "Made by `gait options --markdown`.  Set them in `gait_options`, with `gait_options_set`, "
       "from the environment, or with `gait run --option NAME=VALUE`.\n\n"
       "| Name | Environment | Unit | Default | Range | Purpose |\n"
       "|---|---|---|---|---|---|");
  for (size_t i = 0; (option = gait_option_at(i)) != NULL; i++)
    printf("| `%s` | `%s` | %s | %s | %s | %s |\n", option->name, option->environment, option->unit,
           options_value(option, option->initial, initial, sizeof initial),
           options_range(option, range, sizeof range), option->purpose);
}

static int options_print_json(void) {
  json_t *list = json_array();
  const gait_option *option;
  for (size_t i = 0; (option = gait_option_at(i)) != NULL; i++)
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:s?, s:s}", "name", option->name,
                        "environment", option->environment, "unit", option->unit, "default",
                        (json_int_t)option->initial, "minimum", (json_int_t)option->minimum,
                        "maximum", (json_int_t)option->maximum, "off",
                        option->may_be_off ? json_integer(option->off) : json_null(), "words",
                        option->words, "purpose", option->purpose));
  int failed = json_dumpf(list, stdout, JSON_INDENT(1));
  json_decref(list);
  putchar('\n');
  return failed ? COMMAND_FAILED : COMMAND_OK;
}

int gait_cmd_options(int argc, char **argv) {
  enum options_form form = OPTIONS_TABLE;
  argp_parse(&options_argp, argc, argv, 0, NULL, &form);
  switch (form) {
  case OPTIONS_JSON: return options_print_json();
  case OPTIONS_MARKDOWN: options_print_markdown(); break;
  case OPTIONS_TABLE: options_print_table(); break;
  }
  return COMMAND_OK;
}
