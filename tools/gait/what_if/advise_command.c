/* gait advise: the setting that meets a budget, from a recording.
 *
 * A budget of memory asks for the least GC CPU under it, one of GC CPU for the least memory.  Both
 * are one walk over GOGC, from small to large: the peak rises with it and GC CPU falls.  A setting
 * counts as meeting a budget when its estimate does; whether the whole range does is said too.
 * When no GOGC keeps the peak, a memory limit may: it lets the heap grow where the program is small
 * and holds it where the program is large. */
#include "command.h"
#include "settings.h"
#include "what_if_programs.h"

#include <argp.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADVISE_MOST_CPU                                                                            \
  0.5 /* of all CPU: beyond this the limiter stops assists, and no limit holds */

struct advise {
  char **paths;
  size_t path_count;
  int64_t peak_bytes; /* 0: not asked for */
  double gc_share;    /* 0: not asked for */
  double cpus;
  bool json;
};

/* A setting, and what it would do. */
struct advise_choice {
  struct setting setting;
  struct what_if_prediction prediction;
  bool found;
};

enum { ADVISE_PEAK = 1, ADVISE_GC_CPU, ADVISE_PROCS, ADVISE_JSON };

static const struct argp_option advise_options[] = {
    {"peak", ADVISE_PEAK, "SIZE", 0, "The heap must stay within SIZE, as 512MiB", 0},
    {"gc-cpu", ADVISE_GC_CPU, "PERCENT", 0, "GC may take PERCENT of all CPU time", 0},
    {"procs", ADVISE_PROCS, "N", 0, "CPUs; by default as many as were recorded", 0},
    {"json", ADVISE_JSON, NULL, 0, "Print one JSON object", 0},
    {0}};

static double advise_percent(const char *text, struct argp_state *state) {
  char *end;
  double percent = strtod(text, &end);
  if (end != text && *end == '%') end++;
  if (end == text || *end != '\0' || !(percent > 0) || !(percent <= 100))
    argp_error(state, "--gc-cpu=%s: a percentage above 0, to 100, is wanted", text);
  return percent / 100;
}

static error_t advise_option(int key, char *arg, struct argp_state *state) {
  struct advise *advise = state->input;
  switch (key) {
  case ADVISE_PEAK:
    advise->peak_bytes = settings_size_read(arg);
    if (advise->peak_bytes <= 0) argp_error(state, "--peak=%s: a size as 512MiB is wanted", arg);
    return 0;
  case ADVISE_GC_CPU: advise->gc_share = advise_percent(arg, state); return 0;
  case ADVISE_PROCS: advise->cpus = settings_cpus_read(arg, state); return 0;
  case ADVISE_JSON: advise->json = true; return 0;
  case ARGP_KEY_ARGS:
    advise->paths = state->argv + state->next;
    advise->path_count = (size_t)(state->argc - state->next);
    return 0;
  case ARGP_KEY_END:
    if (advise->path_count == 0) argp_error(state, "which recording?");
    if ((advise->peak_bytes > 0) == (advise->gc_share > 0))
      argp_error(state, "one budget is wanted: --peak or --gc-cpu");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp advise_argp = {
    .options = advise_options,
    .parser = advise_option,
    .args_doc = "RECORDING...",
    .doc = "Choose GOGC and a memory limit that meet a budget, from a recording of a program.\v"
           "Exits with 1 when no setting does.",
};

/* ---- The search ---- */

/* GOGC in steps that a person would try. */
static int64_t advise_next(int64_t gogc) {
  return gogc < 50 ? gogc + 5 : gogc < 200 ? gogc + 10 : gogc + gogc / 100 * 10;
}

static bool advise_meets(const struct advise *advise, const struct what_if_prediction *prediction) {
  if (advise->peak_bytes > 0)
    return prediction->peak_heap_bytes.estimate <= (double)advise->peak_bytes &&
           prediction->gc_cpu_share.estimate <= ADVISE_MOST_CPU;
  return prediction->gc_cpu_share.estimate <= advise->gc_share;
}

static bool advise_is_better(const struct advise *advise, const struct what_if_prediction *a,
                             const struct what_if_prediction *b) {
  if (advise->peak_bytes > 0) return a->gc_cpu_seconds.estimate < b->gc_cpu_seconds.estimate;
  return a->peak_heap_bytes.estimate < b->peak_heap_bytes.estimate;
}

static void advise_try(const struct advise *advise, const struct what_if_programs *programs,
                       int64_t gogc, int64_t limit, struct advise_choice *best) {
  struct setting setting = {gogc, limit, advise->cpus};
  struct what_if_prediction prediction;
  what_if_programs_predict(programs, &setting, &prediction);
  if (!advise_meets(advise, &prediction)) return;
  if (best->found && !advise_is_better(advise, &prediction, &best->prediction)) return;
  *best = (struct advise_choice){setting, prediction, true};
}

/* Limits under which the heap itself has the budget, or nearly: a limit counts what is mapped
 * beside the heap too. */
static void advise_try_limits(const struct advise *advise, const struct what_if_programs *programs,
                              struct advise_choice *best) {
  const struct what_if_constants *constants = &programs->list[0].constants;
  double heap = (double)advise->peak_bytes;
  double whole = (heap + constants->overhead_bytes) / (0.97 - constants->overhead_share);
  for (double share = 1; share > 0.8; share -= 0.05) {
    int64_t limit = (int64_t)(whole * share / 1048576) * 1048576;
    if (limit <= 0) continue;
    advise_try(advise, programs, SETTING_OFF, limit, best);
    advise_try(advise, programs, 100, limit, best);
  }
}

static struct advise_choice advise_search(const struct advise *advise,
                                          const struct what_if_programs *programs) {
  struct advise_choice best = {0};
  for (int64_t gogc = 10; gogc <= 1600; gogc = advise_next(gogc))
    advise_try(advise, programs, gogc, SETTING_OFF, &best);
  if (advise->peak_bytes > 0) advise_try_limits(advise, programs, &best);
  return best;
}

/* ---- The answer ---- */

static void advise_reason(const struct advise *advise, const struct advise_choice *choice,
                          char *text, size_t bytes) {
  const struct what_if_prediction *p = &choice->prediction;
  double mib = 1048576;
  if (advise->peak_bytes > 0) {
    const char *sure = p->peak_heap_bytes.high <= (double)advise->peak_bytes
                           ? "within the budget in the worst case too"
                           : "though the worst case is over the budget";
    snprintf(text, bytes,
             "of the settings that keep the heap under %.0f MiB it takes the least GC CPU "
             "(%.1f%%), with a peak of %.0f MiB (%.0f to %.0f), %s",
             (double)advise->peak_bytes / mib, 100 * p->gc_cpu_share.estimate,
             p->peak_heap_bytes.estimate / mib, p->peak_heap_bytes.low / mib,
             p->peak_heap_bytes.high / mib, sure);
    return;
  }
  const char *sure = p->gc_cpu_share.high <= advise->gc_share
                         ? "within the budget in the worst case too"
                         : "though the worst case is over the budget";
  snprintf(text, bytes,
           "of the settings that keep GC within %.3g%% of the CPU it has the lowest peak (%.0f "
           "MiB), with GC at %.1f%% (%.1f to %.1f), %s",
           100 * advise->gc_share, p->peak_heap_bytes.estimate / mib,
           100 * p->gc_cpu_share.estimate, 100 * p->gc_cpu_share.low, 100 * p->gc_cpu_share.high,
           sure);
}

/* Why nothing meets the budget: the nearest that a setting comes. */
static void advise_refusal(const struct advise *advise, const struct what_if_programs *programs,
                           char *text, size_t bytes) {
  struct setting nearest = {advise->peak_bytes > 0 ? 10 : 1600, SETTING_OFF, advise->cpus};
  struct what_if_prediction p;
  what_if_programs_predict(programs, &nearest, &p);
  if (advise->peak_bytes > 0)
    snprintf(text, bytes, "even GOGC=%lld peaks at %.0f MiB, with %.1f%% of the CPU in GC",
             (long long)nearest.gogc_percent, p.peak_heap_bytes.estimate / 1048576,
             100 * p.gc_cpu_share.estimate);
  else
    snprintf(text, bytes, "even GOGC=%lld, at a peak of %.0f MiB, takes %.2f%% of the CPU",
             (long long)nearest.gogc_percent, p.peak_heap_bytes.estimate / 1048576,
             100 * p.gc_cpu_share.estimate);
}

static void advise_print_json(const struct advise_choice *choice, const char *reason) {
  json_t *answer = json_pack("{s:b, s:s}", "found", choice->found, "reason", reason);
  if (choice->found) {
    json_object_set_new(answer, "gogc", settings_value_json(choice->setting.gogc_percent));
    json_object_set_new(answer, "memory_limit",
                        settings_value_json(choice->setting.memory_limit_bytes));
    json_object_set_new(answer, "gc_cpu_share",
                        json_real(choice->prediction.gc_cpu_share.estimate));
    json_object_set_new(answer, "peak_heap_bytes",
                        json_real(choice->prediction.peak_heap_bytes.estimate));
  }
  json_dumpf(answer, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
  putchar('\n');
  json_decref(answer);
}

static int advise_answer(const struct advise *advise, const struct what_if_programs *programs) {
  struct advise_choice choice = advise_search(advise, programs);
  char reason[400], gogc[32];
  if (choice.found)
    advise_reason(advise, &choice, reason, sizeof reason);
  else
    advise_refusal(advise, programs, reason, sizeof reason);
  if (advise->json) {
    advise_print_json(&choice, reason);
  } else if (choice.found) {
    printf("GOGC=%s", settings_gogc_text(choice.setting.gogc_percent, gogc));
    if (choice.setting.memory_limit_bytes != SETTING_OFF)
      printf(" GOMEMLIMIT=%lldMiB", (long long)(choice.setting.memory_limit_bytes >> 20));
    printf(": %s.\n", reason);
  } else {
    printf("no setting does: %s.\n", reason);
  }
  return choice.found ? COMMAND_OK : COMMAND_FAILED;
}

int gait_cmd_advise(int argc, char **argv) {
  struct advise advise = {0};
  struct what_if_programs programs;
  argp_parse(&advise_argp, argc, argv, 0, NULL, &advise);
  if (!what_if_programs_load(&programs, "advise", advise.paths, advise.path_count))
    return COMMAND_FAILED;
  int status = advise_answer(&advise, &programs);
  what_if_programs_destroy(&programs);
  return status;
}
