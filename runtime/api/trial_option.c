#include "api/trial_option.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIAL_WORD_BYTES 64

/* Blocks and numbers of cycles beyond this make no sense. */
#define TRIAL_MOST_CYCLES 1000000

static const struct {
  const char *name;
  size_t field;
} trial_settings[GAITI_TRIAL_SETTINGS] = {
    [GAITI_TRIAL_GOGC] = {"gogc", offsetof(gait_options, gogc_percent)},
    [GAITI_TRIAL_MEMORY_LIMIT] = {"memory_limit", offsetof(gait_options, memory_limit_bytes)},
    [GAITI_TRIAL_CPU_CAP] = {"cpu_cap", offsetof(gait_options, cpu_cap_percent)},
};

static bool trial_fail(char *error, size_t error_bytes, const char *word, const char *why) {
  if (error) snprintf(error, error_bytes, "trial: '%.60s' %s", word, why);
  return false;
}

/* A value of the setting, as its own option takes it. */
static bool trial_take_value(struct gaiti_trial_plan *plan, const char *word) {
  gait_options scratch;
  int64_t value;
  if (plan->arms == GAITI_TRIAL_ARMS) return false;
  gait_options_init(&scratch);
  if (gait_options_set(&scratch, trial_settings[plan->setting].name, word, NULL, 0) != GAIT_OK)
    return false;
  memcpy(&value, (const char *)&scratch + trial_settings[plan->setting].field, sizeof value);
  plan->value[plan->arms++] = value;
  return true;
}

/* "block=8": a number from `least` on. */
static bool trial_take_number(const char *text, uint64_t least, uint64_t *number) {
  char *end;
  if (!isdigit((unsigned char)text[0]) || strlen(text) > 18) return false;
  *number = strtoull(text, &end, 10);
  return *end == '\0' && *number >= least;
}

static bool trial_take_word(struct gaiti_trial_plan *plan, const char *word) {
  uint64_t number;
  if (strncmp(word, "seed=", 5) == 0) return trial_take_number(word + 5, 1, &plan->seed);
  if (strncmp(word, "block=", 6) == 0) {
    if (!trial_take_number(word + 6, 1, &number) || number > TRIAL_MOST_CYCLES) return false;
    plan->block = (uint32_t)number;
    return true;
  }
  if (strncmp(word, "discard=", 8) == 0) {
    if (!trial_take_number(word + 8, 0, &number) || number > TRIAL_MOST_CYCLES) return false;
    plan->discard = (uint32_t)number;
    return true;
  }
  return trial_take_value(plan, word);
}

/* What stands before the colon. */
static bool trial_take_setting(struct gaiti_trial_plan *plan, const char *text, size_t bytes) {
  for (int setting = 0; setting < GAITI_TRIAL_SETTINGS; setting++) {
    const char *name = trial_settings[setting].name;
    plan->setting = (enum gaiti_trial_setting)setting;
    if (strlen(name) == bytes && memcmp(name, text, bytes) == 0) return true;
  }
  return false;
}

static bool trial_take_words(struct gaiti_trial_plan *plan, const char *text, char *error,
                             size_t error_bytes) {
  for (;; text++) {
    char word[TRIAL_WORD_BYTES];
    size_t bytes = strcspn(text, ",");
    snprintf(word, sizeof word, "%.*s", (int)(bytes < sizeof word ? bytes : sizeof word), text);
    if (bytes >= sizeof word || !trial_take_word(plan, word))
      return trial_fail(error, error_bytes, word,
                        "is neither a value of the setting, up to 8 of them, nor block=, discard= "
                        "or seed= with a number");
    text += bytes;
    if (*text == '\0') return true;
  }
}

bool gaiti_trial_parse(const char *text, struct gaiti_trial_plan *plan, char *error,
                       size_t error_bytes) {
  *plan = (struct gaiti_trial_plan){.block = 8, .discard = 2, .seed = 1};
  if (!text || strcmp(text, "off") == 0) return true;
  size_t bytes = strcspn(text, ":");
  if (!trial_take_setting(plan, text, bytes) || text[bytes] != ':')
    return trial_fail(error, error_bytes, text,
                      "does not begin with gogc:, memory_limit: or cpu_cap:");
  if (!trial_take_words(plan, text + bytes + 1, error, error_bytes)) return false;
  if (plan->arms < 2) return trial_fail(error, error_bytes, text, "has fewer than two values");
  if (plan->discard >= plan->block)
    return trial_fail(error, error_bytes, text, "discards as many cycles as a block has");
  return true;
}
