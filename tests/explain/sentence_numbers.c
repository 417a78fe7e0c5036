#include "sentence_numbers.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  enum number_unit unit;
  double size;
} units[] = {{"KiB", NUMBER_BYTES, 1024.0},
             {"MiB", NUMBER_BYTES, 1048576.0},
             {"GiB", NUMBER_BYTES, 1073741824.0},
             {"TiB", NUMBER_BYTES, 1099511627776.0},
             {"PiB", NUMBER_BYTES, 1125899906842624.0},
             {"B", NUMBER_BYTES, 1},
             {"%", NUMBER_SHARE, 0.01},
             {"min", NUMBER_SECONDS, 60},
             {"ms", NUMBER_SECONDS, 1e-3},
             {"us", NUMBER_SECONDS, 1e-6},
             {"s", NUMBER_SECONDS, 1}};

/* Half of the last digit that stands there; zeros at the end are not written. */
static double numbers_off(double written) {
  double size = fabs(written);
  return size >= 99.95 ? 0.5 : size >= 9.995 ? 0.05 : size >= 0.9995 ? 0.005 : 0.0005;
}

size_t numbers_find(const char *text, struct number numbers[NUMBERS_MOST]) {
  size_t count = 0;
  for (const char *at = text; *at != '\0' && count < NUMBERS_MOST; at++) {
    if (*at < '0' || *at > '9' || (at > text && (at[-1] == '=' || at[-1] == '.'))) continue;
    char *end;
    double written = strtod(at, &end);
    at = end - 1;
    if (*end != ' ') continue;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
      size_t length = strlen(units[i].name);
      char after = strncmp(end + 1, units[i].name, length) == 0 ? end[1 + length] : 'x';
      if (after >= 'A') continue;
      double off = units[i].unit == NUMBER_SHARE ? (written >= 9.95    ? 0.5
                                                    : written >= 0.995 ? 0.05
                                                                       : 0.0005)
                                                 : numbers_off(written);
      numbers[count++] =
          (struct number){units[i].unit, written * units[i].size, off * units[i].size * 1.000001};
      break;
    }
  }
  return count;
}

bool numbers_agree(const struct number *number, double value) {
  return fabs(number->value - value) <= number->off + 1e-9 * fabs(value);
}

double numbers_after(const char *text, const char *word, enum number_unit unit) {
  struct number numbers[NUMBERS_MOST];
  const char *at = strstr(text, word);
  ck_assert_msg(at != NULL, "\"%s\" is not in: %s", word, text);
  size_t count = numbers_find(at + strlen(word), numbers);
  for (size_t i = 0; i < count; i++)
    if (numbers[i].unit == unit) return numbers[i].value;
  ck_abort_msg("nothing behind \"%s\" in: %s", word, text);
}

double numbers_setting(const char *text, const char *word) {
  const char *at = strstr(text, word);
  ck_assert_msg(at != NULL, "\"%s\" is not in: %s", word, text);
  return strtod(at + strlen(word), NULL);
}

/* Sizes that the sentences may speak of, computed anew. */
static size_t numbers_sizes(const struct explain_cycle *c, const struct explanation *e,
                            double sizes[40]) {
  double goal = c->rule == GAITI_PACER_RULE_START_ROOM && c->planned_goal_bytes > 0
                    ? c->planned_goal_bytes
                    : c->goal_bytes;
  double headroom = fmax(floor(c->limit_bytes / 100) * 3, 1048576);
  double all[] = {
      c->at_trigger_bytes,
      c->trigger_bytes,
      c->planned_goal_bytes,
      c->goal_bytes,
      c->counted_bytes,
      c->growth_goal_bytes,
      c->runway_bytes,
      c->expected_work_bytes,
      c->work_bytes,
      c->overhead_bytes,
      c->peak_bytes,
      c->limit_bytes,
      headroom,
      fmax(c->limit_bytes - c->overhead_bytes - headroom, 0),
      (c->limit_bytes - headroom - c->external_bytes) * 2048 / 1953,
      fabs(c->peak_bytes - goal),
      c->goal_bytes - c->counted_bytes,
      c->planned_goal_bytes - c->trigger_bytes,
      fabs(c->goal_bytes - c->at_trigger_bytes),
      fabs(c->trigger_bytes - c->at_trigger_bytes),
      c->peak_bytes - c->at_trigger_bytes,
      e->setting_goal_bytes,
      e->advice == EXPLAIN_ADVICE_WAIT ? e->setting : 0,
  };
  memcpy(sizes, all, sizeof all);
  return sizeof all / sizeof *all;
}

static size_t numbers_shares(const struct explain_cycle *c, const struct explanation *e,
                             double shares[40]) {
  double goal = c->rule == GAITI_PACER_RULE_START_ROOM && c->planned_goal_bytes > 0
                    ? c->planned_goal_bytes
                    : c->goal_bytes;
  double all[] = {c->background_share,
                  c->cpu_cap,
                  c->gc_cpu_share,
                  e->setting_share,
                  fabs(c->peak_bytes / goal - 1),
                  c->assist_seconds / (c->assist_seconds + c->background_seconds)};
  memcpy(shares, all, sizeof all);
  return sizeof all / sizeof *all;
}

static void numbers_check_text(const struct explain_cycle *cycle,
                               const struct explanation *explanation, const char *text) {
  struct number numbers[NUMBERS_MOST];
  double sizes[40], shares[40], seconds[] = {cycle->stalled_seconds};
  size_t size_count = numbers_sizes(cycle, explanation, sizes),
         share_count = numbers_shares(cycle, explanation, shares);
  size_t count = numbers_find(text, numbers);
  for (size_t i = 0; i < count; i++) {
    enum number_unit unit = numbers[i].unit;
    const double *known = unit == NUMBER_BYTES ? sizes : unit == NUMBER_SHARE ? shares : seconds;
    size_t known_count = unit == NUMBER_BYTES ? size_count : unit == NUMBER_SHARE ? share_count : 1;
    bool found = false;
    for (size_t j = 0; j < known_count; j++)
      found = found || numbers_agree(&numbers[i], known[j]);
    ck_assert_msg(found, "number %zu, %g, is none of the cycle's: %s", i + 1, numbers[i].value,
                  text);
  }
}

/* One sentence each, that ends, with nothing cut off and nothing unfilled. */
static void numbers_check_form(const char *text) {
  size_t length = strlen(text);
  ck_assert_msg(length > 20 && text[length - 1] == '.', "cut off: %s", text);
  ck_assert_msg(strstr(text, ". ") == NULL && strstr(text, "  ") == NULL, "not one: %s", text);
  ck_assert_msg(strstr(text, "nan") == NULL && strstr(text, "-") == NULL &&
                    strstr(text, "without end") == NULL,
                "no number: %s", text);
}

void numbers_check(const struct explain_cycle *cycle, const struct explanation *explanation) {
  numbers_check_form(explanation->why);
  numbers_check_form(explanation->outcome);
  numbers_check_text(cycle, explanation, explanation->why);
  numbers_check_text(cycle, explanation, explanation->outcome);
}
