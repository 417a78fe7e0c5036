/* gait explain: two sentences for each cycle, from the pacer's own terms. */
#include "command.h"
#include "explained.h"
#include "settings.h"

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct explain {
  const char *path;
  double first, last; /* cycles; 0: as many as there are */
  bool missed;        /* only those that missed something */
  bool json;
  struct explained_settings settings;
};

enum { EXPLAIN_GOGC_OPTION = 1, EXPLAIN_LIMIT_OPTION, EXPLAIN_MISSED, EXPLAIN_JSON };

static const struct argp_option explain_options[] = {
    {"missed", EXPLAIN_MISSED, NULL, 0, "Only cycles that missed something", 0},
    {"json", EXPLAIN_JSON, NULL, 0, "Print a JSON array, with the numbers in the sentences", 0},
    {"gogc", EXPLAIN_GOGC_OPTION, "PERCENT", 0,
     "Of a gctrace log: the GOGC that it was made with; by default the one that its goals agree "
     "with",
     0},
    {"memory-limit", EXPLAIN_LIMIT_OPTION, "SIZE", 0,
     "Of a gctrace log: the memory limit that it was made with", 0},
    {0}};

/* "12", "12-20" or "last". */
static void explain_take_cycles(struct explain *explain, const char *text,
                                struct argp_state *state) {
  char *end;
  if (strcmp(text, "last") == 0) {
    explain->first = -1;
    return;
  }
  errno = 0;
  unsigned long long first = strtoull(text, &end, 10), last = first;
  bool good = end != text && text[0] >= '0' && text[0] <= '9';
  if (good && *end == '-') {
    const char *second = end + 1;
    last = strtoull(second, &end, 10);
    good = end != second && second[0] >= '0' && second[0] <= '9';
  }
  if (!good || *end != '\0' || errno != 0 || first == 0 || last < first)
    argp_error(state, "CYCLE: '%s' is no number, FIRST-LAST or 'last'", text);
  explain->first = (double)first;
  explain->last = (double)last;
}

static double explain_take_gogc(const char *text, struct argp_state *state) {
  char *end;
  double percent = strtod(text, &end);
  if (strcmp(text, "off") == 0) return -1;
  if (end == text || *end != '\0' || !(percent >= 0) || !(percent <= 1e6))
    argp_error(state, "--gogc=%s: a percentage or 'off' is wanted", text);
  return percent;
}

static error_t explain_option(int key, char *arg, struct argp_state *state) {
  struct explain *explain = state->input;
  int64_t limit;
  switch (key) {
  case EXPLAIN_MISSED: explain->missed = true; return 0;
  case EXPLAIN_JSON: explain->json = true; return 0;
  case EXPLAIN_GOGC_OPTION:
    explain->settings.gogc_percent = explain_take_gogc(arg, state);
    return 0;
  case EXPLAIN_LIMIT_OPTION:
    limit = settings_size_read(arg);
    if (limit <= 0) argp_error(state, "--memory-limit=%s: a size as 512MiB is wanted", arg);
    explain->settings.limit_bytes = (double)limit;
    return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num == 0)
      explain->path = arg;
    else if (state->arg_num == 1)
      explain_take_cycles(explain, arg, state);
    else
      argp_error(state, "one FILE and one CYCLE are wanted, not '%s' too", arg);
    return 0;
  case ARGP_KEY_NO_ARGS: argp_error(state, "which FILE?"); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp explain_argp = {
    .options = explain_options,
    .parser = explain_option,
    .args_doc = "FILE [CYCLE]",
    .doc =
        "Explain the cycles of a program: why each began then, where its goal comes from, what "
        "missed and by how much, and which setting would change that.\v"
        "FILE is a record file (GAIT_RECORDS), the JSON of `gait run --json --cycles`, or a log of "
        "GODEBUG=gctrace=1, which tells less; - is standard input.  CYCLE is a number, FIRST-LAST, "
        "or 'last'; by default all cycles are explained.",
};

static bool explain_is_wanted(const struct explain *explain, const struct explained *explained,
                              size_t i) {
  double number = explained->cycles[i].number;
  if (explain->first < 0) return i + 1 == explained->count;
  return explain->first == 0 || (number >= explain->first && number <= explain->last);
}

static void explain_append(json_t *list, double number, const struct explanation *explanation) {
  static const char *const misses[EXPLAIN_MISSES] = {
      [EXPLAIN_MISS_NONE] = "none",       [EXPLAIN_MISS_UNREACHABLE] = "unreachable",
      [EXPLAIN_MISS_LIMITER] = "limiter", [EXPLAIN_MISS_LATE] = "late",
      [EXPLAIN_MISS_WORK] = "work",       [EXPLAIN_MISS_RATE] = "rate",
      [EXPLAIN_MISS_OVER] = "over",       [EXPLAIN_MISS_STALLED] = "stalled",
      [EXPLAIN_MISS_ASSISTS] = "assists", [EXPLAIN_MISS_ASKED] = "asked",
      [EXPLAIN_MISS_ROOM] = "room",       [EXPLAIN_MISS_FAST] = "fast",
      [EXPLAIN_MISS_BELOW] = "below",
  };
  json_t *object = json_pack(
      "{s:I, s:s, s:f, s:f, s:f, s:f, s:s, s:s}", "cycle", (json_int_t)number, "missed",
      misses[explanation->miss], "over_bytes", explanation->over_bytes, "late_bytes",
      explanation->late_bytes, "setting", explanation->setting, "setting_goal_bytes",
      explanation->setting_goal_bytes, "why", explanation->why, "outcome", explanation->outcome);
  json_array_append_new(list, object);
}

static int explain_print(const struct explain *explain, const struct explained *explained) {
  json_t *list = json_array();
  size_t wanted = 0;
  for (size_t i = 0; i < explained->count; i++) {
    struct explanation explanation;
    if (!explain_is_wanted(explain, explained, i)) continue;
    wanted++;
    explain_cycle(&explained->cycles[i], &explanation);
    if (explain->missed && explanation.miss == EXPLAIN_MISS_NONE) continue;
    if (explain->json)
      explain_append(list, explained->cycles[i].number, &explanation);
    else
      printf("%s\n%s\n\n", explanation.why, explanation.outcome);
  }
  if (explain->json) {
    json_dumpf(list, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    putchar('\n');
  }
  json_decref(list);
  if (wanted > 0) return COMMAND_OK;
  fprintf(stderr, "gait explain: %s has no such cycle: it has %.0f to %.0f\n", explain->path,
          explained->cycles[0].number, explained->cycles[explained->count - 1].number);
  return COMMAND_FAILED;
}

int gait_cmd_explain(int argc, char **argv) {
  struct explain explain = {.settings = {.gogc_percent = NAN, .limit_bytes = INFINITY}};
  struct explained explained;
  struct explained_error error;
  argp_parse(&explain_argp, argc, argv, 0, NULL, &explain);
  if (!explained_load(&explained, explain.path, &explain.settings, &error)) {
    fprintf(stderr, "gait explain: %s\n", error.text);
    return COMMAND_FAILED;
  }
  int status = explain_print(&explain, &explained);
  explained_destroy(&explained);
  return status;
}
