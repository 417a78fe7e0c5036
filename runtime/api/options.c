/* Options: one row each, which feeds the parser, the checks, `gait options` and the manual. */
#define _GNU_SOURCE /* secure_getenv, environ */
#include "api/options.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/trial_option.h"
#include "base/atomic.h"
#include "base/check.h"
#include "base/sized.h"
#include "heap/heap.h"

#define KIB ((int64_t)1 << 10)
#define MIB ((int64_t)1 << 20)
#define GIB ((int64_t)1 << 30)
#define TIB ((int64_t)1 << 40)

/* Less where addresses that hold nothing have a price: qemu keeps a record of each page. */
#ifndef GAITI_RESERVE_GIB
#define GAITI_RESERVE_GIB 256
#endif

/* What the stress build begins with instead. */
#define SHRUNKEN(usual, small) (GAITI_STRESS ? (small) : (usual))

#define FIELD(name) offsetof(gait_options, name)

/* {name, environment, type, unit, initial, minimum, maximum, may be off, off, purpose, field,
 *  words} */
static const gait_option options_table[] = {
    {"gogc", "GAIT_GOGC", GAIT_OPTION_PERCENT, "%", 100, 0, 1000000, true, GAIT_OFF,
     "How far the heap may grow over what the last cycle found live before the next one ends.",
     FIELD(gogc_percent), NULL},
    {"memory_limit", "GAIT_MEMORY_LIMIT", GAIT_OPTION_BYTES, "bytes", GAIT_OFF, 0, INT64_MAX, true,
     GAIT_OFF,
     "Soft limit on all memory that the heap maps, with external bytes; auto: that of the control "
     "group less a tenth, and none where the group has none.",
     FIELD(memory_limit_bytes), "auto"},
    {"max_heap", "GAIT_MAX_HEAP", GAIT_OPTION_BYTES, "bytes", GAIT_OFF, GAITI_LEAST_HEAP_BYTES,
     INT64_MAX, true, GAIT_OFF,
     "Hard limit on the memory that the heap maps, without external bytes: allocation fails there.",
     FIELD(max_heap_bytes), NULL},
    {"min_heap", "GAIT_MIN_HEAP", GAIT_OPTION_BYTES, "bytes", 4 * MIB, 0, TIB, false, 0,
     "Smallest heap goal at gogc=100; scaled by gogc.", FIELD(min_heap_bytes), NULL},
    {"reserve", "GAIT_RESERVE", GAIT_OPTION_BYTES, "bytes", GAITI_RESERVE_GIB *GIB, MIB, 16 * TIB,
     false, 0, "Addresses to reserve for the heap; halved until the system grants them.",
     FIELD(reserve_bytes), NULL},
    {"background", "GAIT_BACKGROUND", GAIT_OPTION_PERCENT, "%", 25, 1, 90, false, 0,
     "Share of the CPUs that background marking takes while a cycle marks.",
     FIELD(background_percent), NULL},
    {"cpu_cap", "GAIT_CPU_CAP", GAIT_OPTION_PERCENT, "%", 50, 1, 95, false, 0,
     "Share of CPU time beyond which the collector lets the heap pass the memory limit.",
     FIELD(cpu_cap_percent), NULL},
    {"fail_after", "GAIT_FAIL_AFTER", GAIT_OPTION_MILLISECONDS, "ms", GAIT_OFF, 1, 1000000000, true,
     GAIT_OFF, "The heap fails when cpu_cap has kept it over the memory limit for so long.",
     FIELD(fail_after_ms), NULL},
    {"fail_by", "GAIT_FAIL_BY", GAIT_OPTION_WORD, "", GAIT_FAIL_BY_NULL, 0, GAIT_FAIL_BY_ABORT,
     false, 0, "How it fails: allocations return NULL, or the program aborts.", FIELD(fail_by),
     "null, abort"},
    {"policy", "GAIT_POLICY", GAIT_OPTION_WORD, "", GAIT_POLICY_GOGC, 0, GAIT_POLICY_SQUARE_ROOT,
     false, 0, "What sets the heap's growth: gogc, or, for research, one of two other rules.",
     FIELD(policy), "gogc, cpu-budget, square-root"},
    {"cpu_budget", "GAIT_CPU_BUDGET", GAIT_OPTION_PERCENT, "%", 10, 1, 90, false, 0,
     "Share of CPU time that the collector is to take over whole periods; policy cpu-budget.",
     FIELD(cpu_budget_percent), NULL},
    {"square_root", "GAIT_SQUARE_ROOT", GAIT_OPTION_BYTES, "bytes", 256 * MIB, 1, TIB, false, 0,
     "The heap may grow by the root of live x cons/mark ratio x this; policy square-root.",
     FIELD(square_root_bytes), NULL},
    {"cpus", "GAIT_CPUS", GAIT_OPTION_COUNT, "", 0, 0, 1024, false, 0,
     "CPUs to plan for; 0: those of the affinity, cut by the quota of the control group.",
     FIELD(cpus), NULL},
    {"idle_help", "GAIT_IDLE_HELP", GAIT_OPTION_SWITCH, "", 1, 0, 1, true, 0,
     "Whether helpers mark on CPUs that nothing else uses.", FIELD(idle_help), NULL},
    {"inline", "GAIT_INLINE", GAIT_OPTION_BYTES, "bytes", 16 * MIB, 0, TIB, false, 0,
     "A cycle begins on a thread that allocates if the last marked less, roots included; 0: none.",
     FIELD(inline_bytes), NULL},
    {"young", "GAIT_YOUNG", GAIT_OPTION_PERCENT, "%", 25, 0, 100, true, GAIT_OFF,
     "Cycles mark only what is new where no more of that survives; 0: none, 100: every one that "
     "may.",
     FIELD(young_percent), NULL},
    {"barrierless", "GAIT_BARRIERLESS", GAIT_OPTION_SWITCH, "", 0, 0, 1, true, 0,
     "Mark with every thread stopped, for programs that cannot call the write barrier.",
     FIELD(barrierless), NULL},
    {"release", "GAIT_RELEASE", GAIT_OPTION_PERCENT, "%", 1, 1, 100, false, 0,
     "Share of one CPU for giving free memory back to the system in the background.",
     FIELD(release_percent), NULL},
    {"huge_pages", "GAIT_HUGE_PAGES", GAIT_OPTION_SWITCH, "", 0, 0, 1, true, 0,
     "Ask for pages of 2 MiB: marking and first touches are faster, memory goes in larger steps.",
     FIELD(huge_pages), NULL},
    {"trace", "GAIT_TRACE", GAIT_OPTION_SWITCH, "", 0, 0, 1, true, 0,
     "Log a line for each cycle, in the form of Go's gctrace.", FIELD(trace), NULL},
    {"late", "GAIT_LATE", GAIT_OPTION_MILLISECONDS, "ms", 1000, 1, 3600000, false, 0,
     "Name a thread in the log that has not reached a safepoint for this long.", FIELD(late_ms),
     NULL},
    {"late_signal", "GAIT_LATE_SIGNAL", GAIT_OPTION_COUNT, "", SIGURG, 0, 64, false, 0,
     "Signal that asks such a thread for its stack, where the program has left it alone; 0: none.",
     FIELD(late_signal), NULL},
    {"records", "GAIT_RECORDS", GAIT_OPTION_TEXT, "", 0, 0, 0, true, 0,
     "File in which other processes see cycles as they run; %p in it is the process number, and a "
     "second heap's has .2 behind.",
     FIELD(records), NULL},
    {"trial", "GAIT_TRIAL", GAIT_OPTION_TEXT, "", 0, 0, 0, true, 0,
     "Experiment: values of gogc, memory_limit or cpu_cap that take turns by blocks of cycles, as "
     "gogc:100,200,block=8,discard=2,seed=1.",
     FIELD(trial), NULL},
    {"dump", "GAIT_DUMP", GAIT_OPTION_TEXT, "", 0, 0, 0, true, 0,
     "File to which the heap is dumped where it is full, at dump_signal, when the program asks for "
     "it, and else when it is destroyed; %p and a second heap as in records.",
     FIELD(dump), NULL},
    {"dump_signal", "GAIT_DUMP_SIGNAL", GAIT_OPTION_COUNT, "", SIGUSR2, 0, 64, false, 0,
     "Signal at which the heap is dumped to that file, where the program has left it alone; 0: "
     "none.",
     FIELD(dump_signal), NULL},
    {"profile", "GAIT_PROFILE", GAIT_OPTION_TEXT, "", 0, 0, 0, true, 0,
     "File in which the heap writes a profile of its allocations at its end; %p and a second heap "
     "as in records.",
     FIELD(profile), NULL},
    {"profile_bytes", "GAIT_PROFILE_BYTES", GAIT_OPTION_BYTES, "bytes", 0, 0, TIB, false, 0,
     "Take a sample of the allocations in so many bytes by the mean, for a profile; 0: none, or "
     "one "
     "in 512KiB where it is written.",
     FIELD(profile_bytes), NULL},
    {"checkmark", "GAIT_CHECKMARK", GAIT_OPTION_SWITCH, "", 0, 0, 1, true, 0,
     "Debug: mark a second time with every thread stopped, and compare.", FIELD(debug.checkmark),
     NULL},
    {"heap_walk", "GAIT_HEAP_WALK", GAIT_OPTION_SWITCH, "", 0, 0, 1, true, 0,
     "Debug: prove every invariant of the heap after each cycle.", FIELD(debug.heap_walk), NULL},
    {"poison", "GAIT_POISON", GAIT_OPTION_SWITCH, "", 0, 0, 1, true, 0,
     "Debug: fill free slots with a pattern, and check it when they are taken again.",
     FIELD(debug.poison), NULL},
    {"collect_every", "GAIT_COLLECT_EVERY", GAIT_OPTION_COUNT, "", 0, 0, 1000000000, false, 0,
     "Debug: collect at every so many allocations, all on the slow path; 0: never.",
     FIELD(debug.collect_every), NULL},
    {"run_bytes", "GAIT_RUN_BYTES", GAIT_OPTION_BYTES, "bytes", SHRUNKEN(16 * KIB, 64), 1, 64 * KIB,
     false, 0, "Most bytes that a cache takes at a time; 1: every allocation takes the slow path.",
     FIELD(debug.run_bytes), NULL},
    {"barrier_entries", "GAIT_BARRIER_ENTRIES", GAIT_OPTION_COUNT, "", SHRUNKEN(512, 4), 2, 65536,
     false, 0, "References that a processor's write barrier buffers.", FIELD(debug.barrier_entries),
     NULL},
    {"mark_segments", "GAIT_MARK_SEGMENTS", GAIT_OPTION_COUNT, "", SHRUNKEN(1000000, 4), 0,
     1000000000, false, 0,
     "Most segments of 8 KiB in the queue of mark work; marking walks the heap when they are full.",
     FIELD(debug.mark_segments), NULL},
    {"delay", "GAIT_DELAY", GAIT_OPTION_MICROSECONDS, "us", 0, 0, 1000000, false, 0,
     "Debug: sleep at random, at most this long, at each step of a protocol.",
     FIELD(debug.delay_us), NULL},
    {"seed", "GAIT_SEED", GAIT_OPTION_COUNT, "", 1, 1, INT64_MAX, false, 0,
     "Debug: seed of the delays, repeated in reports.", FIELD(debug.seed), NULL},
    {"check_free", "GAIT_CHECK_FREE", GAIT_OPTION_SWITCH, "", 0, 0, 1, true, 0,
     "Debug: look for references to objects that were freed.", FIELD(debug.check_free), NULL},
    {"find_missing", "GAIT_FIND_MISSING", GAIT_OPTION_WORD, "", GAIT_FIND_OFF, GAIT_FIND_OFF,
     GAIT_FIND_STORES, false, 0,
     "Debug: name the store that missed the barrier, and the object that is in no root.",
     FIELD(debug.find_missing), "off, on, stores"},
};

#define OPTIONS_COUNT (sizeof options_table / sizeof options_table[0])

/* Names that an option had before: each still sets it, and the log says once in a process how it is
 * called now. */
static const struct option_renamed {
  const char *name;
  const char *environment;
  const char *now;
} options_renamed[] = {{"memlimit", "GAIT_MEMLIMIT", "memory_limit"},
                       {"processors", "GAIT_PROCESSORS", "cpus"}};

#define OPTIONS_RENAMED (sizeof options_renamed / sizeof options_renamed[0])

/* Variables that Gait's own tests and tools read, and that are no options of a heap.  A variable
 * that begins with GAIT_ and stands neither here nor in the table is taken for a misspelt one. */
static const char *const options_not_of_a_heap[] = {"GAIT_LIMITS", "GAIT_CYCLES", "GAIT_SECONDS"};

#define OPTIONS_PREFIX       "GAIT_"
#define OPTIONS_PREFIX_CHARS 5

static int64_t *option_field(gait_options *options, const gait_option *option) {
  return (int64_t *)(void *)((char *)options + option->field);
}

static const char **option_text(gait_options *options, const gait_option *option) {
  return (const char **)(void *)((char *)options + option->field);
}

_Static_assert(sizeof(char *) == sizeof(int64_t), "each option is a word");

/* Whether options of so many bytes have a field for that one. */
static bool option_fits(const gait_option *option, size_t options_bytes) {
  return option->field + sizeof(int64_t) <= options_bytes;
}

void gait_options_init_sized(gait_options *options, size_t options_bytes) {
  REQUIRE_ARGUMENT(options);
  REQUIRE("struct.bytes", gaiti_sized_may_fill(options_bytes, GAITI_OPTIONS_BYTES),
          "a gait_options has at least the size of version 0.2.0");
  memset(options, 0, options_bytes);
  options->struct_bytes = options_bytes;
  for (size_t i = 0; i < OPTIONS_COUNT; i++)
    if (option_fits(&options_table[i], options_bytes) && options_table[i].type != GAIT_OPTION_TEXT)
      *option_field(options, &options_table[i]) = options_table[i].initial;
}

/* Rows that do not fit are skipped, wherever in the table they stand. */
const gait_option *gait_option_at_sized(size_t index, size_t options_bytes) {
  for (size_t i = 0; i < OPTIONS_COUNT; i++)
    if (option_fits(&options_table[i], options_bytes) && index-- == 0) return &options_table[i];
  return NULL;
}

static const gait_option *option_find(const char *name) {
  for (size_t i = 0; i < OPTIONS_COUNT; i++)
    if (strcmp(options_table[i].name, name) == 0) return &options_table[i];
  return NULL;
}

static void option_report_renamed(const gait_options *options, size_t which, const char *before,
                                  const char *now) {
  static AO_t reported[OPTIONS_RENAMED];
  if (AO_fetch_compare_and_swap(&reported[which], 0, 1) != 0) return;
  char line[160];
  snprintf(line, sizeof line - 1, "gait: %s is called %s now", before, now);
  gaiti_log_line(options, line);
}

/* The option that was called so before; NULL when there is none. */
static const gait_option *option_find_renamed(const gait_options *options, const char *name) {
  for (size_t i = 0; i < OPTIONS_RENAMED; i++) {
    if (strcmp(options_renamed[i].name, name) != 0) continue;
    option_report_renamed(options, i, name, options_renamed[i].now);
    return option_find(options_renamed[i].now);
  }
  return NULL;
}

/* ---- Text ---- */

/* The factor of a suffix; 0 when there is none such. */
static int64_t option_suffix(const char *suffix) {
  static const struct {
    const char *text;
    int64_t factor;
  } suffixes[] = {{"", 1}, {"B", 1}, {"KiB", KIB}, {"MiB", MIB}, {"GiB", GIB}, {"TiB", TIB}};
  for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
    if (strcmp(suffix, suffixes[i].text) == 0) return suffixes[i].factor;
  return 0;
}

/* A whole number in decimal without sign or space, and, for bytes, a suffix. */
static bool option_parse_number(const gait_option *option, const char *text, int64_t *value) {
  if (text[0] < '0' || text[0] > '9') return false;
  char *end;
  int before = errno;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  bool fits = errno == 0;
  errno = before;
  if (!fits) return false;
  int64_t factor = option->type == GAIT_OPTION_BYTES ? option_suffix(end) : (*end == '\0');
  return factor != 0 && !__builtin_mul_overflow((int64_t)number, factor, value);
}

/* The place of the word in the row's list. */
static bool option_parse_word(const gait_option *option, const char *text, int64_t *value) {
  size_t chars = strlen(text);
  *value = 0;
  for (const char *word = option->words; word; ++*value) {
    size_t length = strcspn(word, ",");
    if (length == chars && strncmp(word, text, chars) == 0) return true;
    word = word[length] ? word + length + strlen(", ") : NULL;
  }
  return false;
}

static bool option_parse(const gait_option *option, const char *text, int64_t *value) {
  if (option->words && option_parse_word(option, text, value)) {
    if (option->type != GAIT_OPTION_WORD) *value = GAIT_AUTO;
    return true;
  }
  if (option->may_be_off && strcmp(text, "off") == 0) {
    *value = option->off;
    return true;
  }
  if (option->type == GAIT_OPTION_SWITCH && strcmp(text, "on") == 0) {
    *value = 1;
    return true;
  }
  return option_parse_number(option, text, value);
}

bool gaiti_option_in_range(const gait_option *option, int64_t value) {
  bool has_auto = option->words && option->type != GAIT_OPTION_WORD;
  return (option->may_be_off && value == option->off) || (has_auto && value == GAIT_AUTO) ||
         (value >= option->minimum && value <= option->maximum);
}

/* ---- Errors ---- */

#define OPTIONS_LATER                                                                              \
  "this option is of a later version of Gait than the headers that the program was compiled with"

/* Nothing but the size of options says whether they are any. */
static gait_result options_check_bytes(const gait_options *options, char *error,
                                       size_t error_bytes) {
  if (gaiti_sized_may_read(options->struct_bytes, GAITI_OPTIONS_BYTES, sizeof *options))
    return GAIT_OK;
  if (error)
    snprintf(error, error_bytes,
             "gait_options have struct_bytes %zu, and this library takes %zu to %zu: "
             "gait_options_init sets it, and the headers may not be later than the library",
             options->struct_bytes, GAITI_OPTIONS_BYTES, sizeof *options);
  return GAIT_ERROR_ARGUMENT;
}

static const char *option_form(const gait_option *option) {
  switch (option->type) {
  case GAIT_OPTION_BYTES:
    if (option->words) return "\"off\", \"auto\" or bytes such as 512MiB (B, KiB, MiB, GiB, TiB)";
    return option->may_be_off ? "\"off\" or bytes such as 512MiB (B, KiB, MiB, GiB, TiB)"
                              : "bytes such as 512MiB (B, KiB, MiB, GiB, TiB)";
  case GAIT_OPTION_SWITCH: return "\"on\", \"off\", 1 or 0";
  case GAIT_OPTION_WORD: return option->words;
  case GAIT_OPTION_TEXT: return "\"off\" or a text";
  case GAIT_OPTION_PERCENT:
  case GAIT_OPTION_COUNT:
  case GAIT_OPTION_MILLISECONDS:
  case GAIT_OPTION_MICROSECONDS: break;
  }
  return option->may_be_off ? "\"off\" or a whole number" : "a whole number";
}

static gait_result option_error_value(const gait_option *option, const char *name, const char *text,
                                      char *error, size_t error_bytes) {
  if (error && option->type == GAIT_OPTION_TEXT)
    snprintf(error, error_bytes, "%s: the text is longer than a path may be, %d bytes", name,
             PATH_MAX);
  else if (error && option->type == GAIT_OPTION_WORD)
    snprintf(error, error_bytes, "%s=%s: it takes one of %s", name, text, option->words);
  else if (error && option->maximum == INT64_MAX)
    snprintf(error, error_bytes, "%s=%s: it takes %s, at least %lld", name, text,
             option_form(option), (long long)option->minimum);
  else if (error)
    snprintf(error, error_bytes, "%s=%s: it takes %s, from %lld to %lld", name, text,
             option_form(option), (long long)option->minimum, (long long)option->maximum);
  return GAIT_ERROR_OPTION_VALUE;
}

/* A text is not copied; "off" and no text at all are none. */
static gait_result option_set_text(gait_options *options, const gait_option *option,
                                   const char *name, const char *text, char *error,
                                   size_t error_bytes) {
  struct gaiti_trial_plan plan;
  if (strlen(text) >= PATH_MAX) return option_error_value(option, name, text, error, error_bytes);
  if (option->field == FIELD(trial) && text[0] != '\0' &&
      !gaiti_trial_parse(text, &plan, error, error_bytes))
    return GAIT_ERROR_OPTION_VALUE;
  *option_text(options, option) = text[0] == '\0' || strcmp(text, "off") == 0 ? NULL : text;
  return GAIT_OK;
}

/* Where an option of a later version than the program's headers would lie, is memory of others. */
static gait_result option_set(gait_options *options, const gait_option *option, const char *name,
                              const char *text, char *error, size_t error_bytes) {
  int64_t value = 0;
  if (!option_fits(option, options->struct_bytes)) {
    if (error) snprintf(error, error_bytes, "%s: " OPTIONS_LATER, name);
    return GAIT_ERROR_OPTION_NAME;
  }
  if (option->type == GAIT_OPTION_TEXT)
    return option_set_text(options, option, name, text, error, error_bytes);
  if (!option_parse(option, text, &value) || !gaiti_option_in_range(option, value))
    return option_error_value(option, name, text, error, error_bytes);
  *option_field(options, option) = value;
  return GAIT_OK;
}

/* ---- Names that are no option ----
 *
 * A misspelt variable would otherwise be a setting that silently does nothing. */

/* Longer names than this have no nearest option. */
#define NEAREST_MOST_CHARS 32

static unsigned nearest_least(unsigned a, unsigned b, unsigned c) {
  unsigned least = a < b ? a : b;
  return least < c ? least : c;
}

/* How many characters have to be changed, added or left out to make one name of the other, without
 * regard to case; neighbours that have changed places count one.  Of the table of distances between
 * all beginnings of the two, three rows at a time are kept. */
static unsigned nearest_distance(const char *a, const char *b) {
  unsigned rows[3][NEAREST_MOST_CHARS + 1];
  size_t a_chars = strlen(a), b_chars = strlen(b);
  for (unsigned k = 0; k <= b_chars; k++)
    rows[0][k] = k;
  for (size_t i = 1; i <= a_chars; i++) {
    unsigned *row = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
    row[0] = (unsigned)i;
    for (size_t k = 1; k <= b_chars; k++) {
      int x = toupper((unsigned char)a[i - 1]), y = toupper((unsigned char)b[k - 1]);
      row[k] = nearest_least(before[k] + 1, row[k - 1] + 1, before[k - 1] + (x != y));
      if (i > 1 && k > 1 && x == toupper((unsigned char)b[k - 2]) &&
          y == toupper((unsigned char)a[i - 2]))
        row[k] = nearest_least(row[k], earlier[k - 2] + 1, UINT_MAX);
    }
  }
  return rows[a_chars % 3][b_chars];
}

/* The option whose variable is nearest to `name`, which begins with the prefix; NULL when one
 * character, or more than a third of them, would not be enough to come to it. */
static const gait_option *nearest_option(const char *name) {
  const char *rest = name + OPTIONS_PREFIX_CHARS;
  if (strlen(rest) > NEAREST_MOST_CHARS) return NULL;
  const gait_option *nearest = NULL;
  unsigned least = (unsigned)strlen(rest) / 3 + 1;
  if (least < 2) least = 2;
  for (size_t i = 0; i < OPTIONS_COUNT + OPTIONS_RENAMED; i++) {
    const char *name_of = i < OPTIONS_COUNT ? options_table[i].environment
                                            : options_renamed[i - OPTIONS_COUNT].environment;
    unsigned distance = nearest_distance(rest, name_of + OPTIONS_PREFIX_CHARS);
    if (distance >= least) continue;
    least = distance;
    nearest =
        i < OPTIONS_COUNT ? &options_table[i] : option_find(options_renamed[i - OPTIONS_COUNT].now);
  }
  return nearest;
}

static bool environment_is_known(const char *name) {
  for (size_t i = 0; i < OPTIONS_COUNT; i++)
    if (strcmp(options_table[i].environment, name) == 0) return true;
  for (size_t i = 0; i < OPTIONS_RENAMED; i++)
    if (strcmp(options_renamed[i].environment, name) == 0) return true;
  for (size_t i = 0; i < sizeof options_not_of_a_heap / sizeof options_not_of_a_heap[0]; i++)
    if (strcmp(options_not_of_a_heap[i], name) == 0) return true;
  return false;
}

static void environment_report_later(const gait_options *options, const char *name) {
  char line[160];
  snprintf(line, sizeof line - 1, "gait: %s: " OPTIONS_LATER, name);
  gaiti_log_line(options, line);
}

/* In one line, whatever characters the name has. */
static void environment_report(const gait_options *options, const char *name) {
  char shown[80], line[160];
  snprintf(shown, sizeof shown, "%.79s", name);
  for (char *at = shown; *at; at++)
    if (!isgraph((unsigned char)*at)) *at = '?';
  const gait_option *nearest = nearest_option(name);
  snprintf(line, sizeof line - 1, "gait: %s: there is no such option%s%s%s", shown,
           nearest ? "; did you mean " : "", nearest ? nearest->environment : "",
           nearest ? "?" : "");
  gaiti_log_line(options, line);
}

/* Names the variables that are no option, once in a process.  One without a value sets nothing,
 * misspelt or not; and a program with raised privileges takes no option from its environment, so
 * none is missed there. */
static void environment_report_unknown(const gait_options *options) {
  static AO_t reported;
  if (AO_fetch_compare_and_swap(&reported, 0, 1) != 0) return;
  for (char **variable = environ; variable && *variable; variable++) {
    char name[256];
    size_t chars = strcspn(*variable, "=");
    if (strncmp(*variable, OPTIONS_PREFIX, OPTIONS_PREFIX_CHARS) != 0 || chars >= sizeof name)
      continue;
    memcpy(name, *variable, chars);
    name[chars] = '\0';
    const char *text = secure_getenv(name);
    if (text && text[0] && !environment_is_known(name)) environment_report(options, name);
  }
}

/* ---- The public functions ---- */

gait_result gait_options_set(gait_options *options, const char *name, const char *value,
                             char *error, size_t error_bytes) {
  if (!options || !name || !value) return GAIT_ERROR_ARGUMENT;
  gait_result result = options_check_bytes(options, error, error_bytes);
  if (result != GAIT_OK) return result;
  const gait_option *option = option_find(name);
  if (!option) option = option_find_renamed(options, name);
  if (option) return option_set(options, option, name, value, error, error_bytes);
  if (error) snprintf(error, error_bytes, "%s: there is no option of this name", name);
  return GAIT_ERROR_OPTION_NAME;
}

/* The text of the option's variable, or of the one that it had before, and the name of that; NULL:
 * neither is set. */
static const char *environment_text(const gait_options *options, const gait_option *option,
                                    const char **name) {
  *name = option->environment;
  const char *text = secure_getenv(*name);
  for (size_t i = 0; i < OPTIONS_RENAMED && (!text || !text[0]); i++) {
    if (strcmp(options_renamed[i].now, option->name) != 0) continue;
    *name = options_renamed[i].environment;
    text = secure_getenv(*name);
    if (text && text[0]) option_report_renamed(options, i, *name, option->environment);
  }
  return text && text[0] ? text : NULL;
}

gait_result gait_options_from_environment(gait_options *options, char *error, size_t error_bytes) {
  if (!options) return GAIT_ERROR_ARGUMENT;
  gait_result result = options_check_bytes(options, error, error_bytes);
  if (result == GAIT_OK) environment_report_unknown(options);
  for (size_t i = 0; i < OPTIONS_COUNT && result == GAIT_OK; i++) {
    const gait_option *option = &options_table[i];
    const char *name, *text = environment_text(options, option, &name);
    if (!text) continue;
    if (option_fits(option, options->struct_bytes))
      result = option_set(options, option, name, text, error, error_bytes);
    else
      environment_report_later(options, name);
  }
  return result;
}

gait_result gaiti_options_take(gait_options *own, const gait_options *options, char *error,
                               size_t error_bytes) {
  gait_options_init(own);
  gait_result result = options_check_bytes(options, error, error_bytes);
  if (result != GAIT_OK) return result;
  memcpy(own, options, options->struct_bytes);
  own->struct_bytes = sizeof *own;
  return GAIT_OK;
}

/* A program that was compiled with later headers has set an option of which nothing is known here.
 */
static gait_result options_check_reserved(const gait_options *options, char *error,
                                          size_t error_bytes) {
  for (size_t i = 0; i < GAIT_DEBUG_RESERVED; i++) {
    if (options->debug.reserved[i] == 0) continue;
    if (error) snprintf(error, error_bytes, "debug.reserved: this library knows no such option");
    return GAIT_ERROR_OPTION_VALUE;
  }
  return GAIT_OK;
}

static gait_result options_check_tags(const gait_options *options, char *error,
                                      size_t error_bytes) {
  const char *fault = options->tags ? gaiti_tags_fault(options->tags) : NULL;
  if (fault && error) snprintf(error, error_bytes, "%s", fault);
  return fault ? GAIT_ERROR_ARGUMENT : GAIT_OK;
}

static gait_result option_check(const gait_option *option, gait_options *options, char *error,
                                size_t error_bytes) {
  char text[32];
  if (option->type == GAIT_OPTION_TEXT) {
    const char *value = *option_text(options, option);
    return value ? option_set_text(options, option, option->name, value, error, error_bytes)
                 : GAIT_OK;
  }
  int64_t value = *option_field(options, option);
  if (gaiti_option_in_range(option, value)) return GAIT_OK;
  snprintf(text, sizeof text, "%lld", (long long)value);
  return option_error_value(option, option->name, text, error, error_bytes);
}

gait_result gait_options_check(const gait_options *options, char *error, size_t error_bytes) {
  if (!options) return GAIT_ERROR_ARGUMENT;
  gait_options copy;
  gait_result result = gaiti_options_take(&copy, options, error, error_bytes);
  for (size_t i = 0; i < OPTIONS_COUNT && result == GAIT_OK; i++)
    result = option_check(&options_table[i], &copy, error, error_bytes);
  if (result == GAIT_OK) result = options_check_reserved(&copy, error, error_bytes);
  return result == GAIT_OK ? options_check_tags(&copy, error, error_bytes) : result;
}
