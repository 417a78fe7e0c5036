/* The options of a heap as text that the parser would take. */
#include <stdio.h>
#include <string.h>

#include "api/options.h"

struct describe_text {
  char *text;
  size_t bytes;
  size_t used;
};

/* A line that does not fit is left out as a whole. */
static void describe_line(struct describe_text *to, const char *name, const char *value,
                          size_t chars) {
  size_t left = to->bytes - to->used;
  int wrote = snprintf(to->text + to->used, left, "%s=%.*s\n", name, (int)chars, value);
  if (wrote > 0 && (size_t)wrote < left)
    to->used += (size_t)wrote;
  else
    to->text[to->used] = '\0';
}

static const char *describe_word(const gait_option *option, int64_t value) {
  const char *word = option->words;
  for (; value > 0; value--)
    word += strcspn(word, ",") + strlen(", ");
  return word;
}

static void describe_number(struct describe_text *to, const gait_option *option, int64_t value) {
  char number[32];
  const char *text = number;
  snprintf(number, sizeof number, "%lld", (long long)value);
  if (option->may_be_off && value == option->off)
    text = "off";
  else if (option->type == GAIT_OPTION_SWITCH)
    text = "on";
  else if (option->type == GAIT_OPTION_WORD)
    text = describe_word(option, value);
  else if (option->words && value == GAIT_AUTO)
    text = "auto";
  describe_line(to, option->name, text, strcspn(text, ","));
}

void gaiti_options_describe(const gait_options *options, char *text, size_t bytes) {
  struct describe_text to = {text, bytes, 0};
  const gait_option *option;
  for (size_t i = 0; (option = gait_option_at(i)) != NULL; i++) {
    const char *field = (const char *)options + option->field;
    if (option->type == GAIT_OPTION_TEXT) {
      const char *value;
      memcpy(&value, field, sizeof value);
      describe_line(&to, option->name, value ? value : "off",
                    value ? strlen(value) : strlen("off"));
    } else {
      int64_t value;
      memcpy(&value, field, sizeof value);
      describe_number(&to, option, value);
    }
  }
}
