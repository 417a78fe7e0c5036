/* Reads recordings.
 *
 * A cycle's line has this form, of which the numbers of phases differ between versions, and the
 * sizes of stacks and globals are missing in older ones:
 *
 *   gc 7 @0.593s 6%: 0.05+56+0.02 ms clock, 0.1+8.7/30/37+0.05 ms cpu, 201->209->120 MB,
 *       237 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)
 *
 * Phases between the first and the last add up to marking; in the CPU times the three figures with
 * slashes between them are assists, background and idle marking.  Go 1.5 has five phases where
 * later ones have three.  Text before the line, as loggers put there, does no harm.
 *
 * Go's goal is (marked + roots) x GOGC / 100 over what the cycle before marked, to the byte.  So
 * all goals together tell GOGC, and each tells again, and to less than the megabyte that the cycle
 * itself does, what was marked.  Where heaps are small that is the larger part of what is known.
 *
 * A log is cut where a disk was full and mixed where two programs wrote.  What looks like a cycle
 * but cannot be one is left out and counted, with one sentence about the first; what would make the
 * whole wrong is an error.  A cycle with the number 1 begins another run. */
#include "recording.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDING_MIB       1048576.0
#define RECORDING_MB_MOST   1e9  /* a thousand terabytes */
#define RECORDING_MS_MOST   1e10 /* four months */
#define RECORDING_LIST_MOST 8u

/* Stacks and globals that are printed as 0 and 0: at 0.1 to 0.2 MiB each of 91 recordings agrees
 * with itself in all cycles. */
#define RECORDING_ROOTS_BYTES (0.15 * RECORDING_MIB)
#define RECORDING_GOGC_STEP   5
#define RECORDING_GOGC_MOST   1000
#define RECORDING_GOGC_CYCLES 2000u /* so many are asked */
#define RECORDING_GOGC_SHARE  0.9   /* so many of these have to agree, */
#define RECORDING_GOGC_LEAST  3u    /* and this many */

/* One line under the reader's finger. */
struct recording_cursor {
  const char *at;
  const char *end;
  bool two_decimals; /* the last number had exactly two */
};

bool recording_say(struct recording_error *error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  return false;
}

/* ---- Words and numbers ---- */

static bool recording_word(struct recording_cursor *cursor, const char *word) {
  size_t bytes = strlen(word);
  if ((size_t)(cursor->end - cursor->at) < bytes || memcmp(cursor->at, word, bytes) != 0)
    return false;
  cursor->at += bytes;
  return true;
}

static bool recording_is_digit(const struct recording_cursor *cursor) {
  return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

/* Digits, perhaps with a point among them; neither sign nor exponent, so never NaN. */
static bool recording_number(struct recording_cursor *cursor, double most, double *number) {
  if (!recording_is_digit(cursor)) return false;
  double value = 0, unit = 1;
  int decimals = 0;
  for (; recording_is_digit(cursor); cursor->at++)
    value = value * 10 + (*cursor->at - '0');
  if (cursor->at < cursor->end && *cursor->at == '.') {
    for (cursor->at++; recording_is_digit(cursor); cursor->at++, decimals++) {
      unit /= 10;
      value += unit * (*cursor->at - '0');
    }
  }
  cursor->two_decimals = decimals == 2;
  *number = value;
  return value <= most;
}

/* Numbers with + or / between them: `slash` is the place of the first that a slash follows. */
struct recording_list {
  double numbers[RECORDING_LIST_MOST];
  unsigned count;
  unsigned slash;
  unsigned slashes;
  bool two_decimals; /* of the number before the last */
};

static bool recording_list(struct recording_cursor *cursor, struct recording_list *list) {
  *list = (struct recording_list){0};
  for (;;) {
    bool before = cursor->two_decimals;
    if (list->count == RECORDING_LIST_MOST) return false;
    if (!recording_number(cursor, RECORDING_MS_MOST, &list->numbers[list->count])) return false;
    list->two_decimals = before;
    list->count++;
    if (recording_word(cursor, "+")) continue;
    if (!recording_word(cursor, "/")) return true;
    if (list->slashes++ == 0) list->slash = list->count - 1;
  }
}

static bool recording_size(struct recording_cursor *cursor, double *bytes) {
  double megabytes;
  if (!recording_number(cursor, RECORDING_MB_MOST, &megabytes)) return false;
  *bytes = megabytes > 0 ? (megabytes + 0.5) * RECORDING_MIB : 0;
  return true;
}

/* ---- One line ---- */

static bool recording_clock(struct recording_cursor *cursor, struct recording_cycle *cycle,
                            bool *gait) {
  struct recording_list wall;
  if (!recording_list(cursor, &wall) || wall.count < 3 || wall.slashes != 0) return false;
  for (unsigned i = 1; i + 1 < wall.count; i++)
    cycle->mark_ms += wall.numbers[i];
  cycle->stop_ms = wall.numbers[0] + wall.numbers[wall.count - 1];
  *gait = wall.two_decimals; /* Gait writes marking with two decimals, Go with two digits */
  return recording_word(cursor, " ms clock, ");
}

static bool recording_cpu(struct recording_cursor *cursor, struct recording_cycle *cycle) {
  struct recording_list cpu;
  if (!recording_list(cursor, &cpu) || cpu.slashes != 2 || cpu.slash + 2 >= cpu.count) return false;
  cycle->assist_ms = cpu.numbers[cpu.slash];
  cycle->background_ms = cpu.numbers[cpu.slash + 1];
  cycle->idle_ms = cpu.numbers[cpu.slash + 2];
  return recording_word(cursor, " ms cpu, ");
}

static bool recording_heap(struct recording_cursor *cursor, struct recording_cycle *cycle) {
  double stacks = 0, globals = 0;
  bool read = recording_size(cursor, &cycle->trigger_bytes) && recording_word(cursor, "->") &&
              recording_size(cursor, &cycle->peak_bytes) && recording_word(cursor, "->") &&
              recording_size(cursor, &cycle->marked_bytes) && recording_word(cursor, " MB, ") &&
              recording_size(cursor, &cycle->goal_bytes) && recording_word(cursor, " MB goal, ");
  if (!read) return false;
  struct recording_cursor ahead = *cursor;
  if (recording_size(&ahead, &stacks) && recording_word(&ahead, " MB stacks, ") &&
      recording_size(&ahead, &globals) && recording_word(&ahead, " MB globals, ")) {
    cycle->roots_bytes = fmax(stacks + globals, RECORDING_ROOTS_BYTES);
    *cursor = ahead;
  }
  return recording_number(cursor, 65536, &cycle->cpus) && cycle->cpus > 0 &&
         recording_word(cursor, " P");
}

/* Reads a line from after its "gc ".  Only what stands in the line, not what it means. */
static bool recording_line(struct recording_cursor *cursor, struct recording_cycle *cycle,
                           bool *gait) {
  double number, share;
  if (!recording_number(cursor, 1e15, &number) || !recording_word(cursor, " @") ||
      !recording_number(cursor, 1e10, &cycle->start_seconds) || !recording_word(cursor, "s ") ||
      !recording_number(cursor, 1e9, &share) || !recording_word(cursor, "%: "))
    return false;
  cycle->number = (uint64_t)number;
  if (!recording_clock(cursor, cycle, gait) || !recording_cpu(cursor, cycle) ||
      !recording_heap(cursor, cycle))
    return false;
  cycle->forced = recording_word(cursor, " (forced)");
  cycle->young = !cycle->forced && recording_word(cursor, " (young)");
  return true;
}

/* Finds "gc NUMBER @" in a line and stands after its "gc ". */
static bool recording_find(struct recording_cursor *cursor) {
  while ((size_t)(cursor->end - cursor->at) >= 6) {
    const char *found = memchr(cursor->at, 'g', (size_t)(cursor->end - cursor->at));
    if (found == NULL) return false;
    cursor->at = found;
    struct recording_cursor ahead = *cursor;
    double number;
    if (recording_word(&ahead, "gc ")) {
      struct recording_cursor after = ahead;
      if (recording_number(&after, 1e18, &number) && recording_word(&after, " @")) {
        *cursor = ahead;
        return true;
      }
    }
    cursor->at++;
  }
  return false;
}

/* ---- The whole ---- */

static bool recording_add(struct recording *recording, const struct recording_cycle *cycle) {
  if (recording->count == recording->capacity) {
    size_t capacity = recording->capacity == 0 ? 64 : recording->capacity * 2;
    void *grown = realloc(recording->cycles, capacity * sizeof *recording->cycles);
    if (grown == NULL) return false;
    recording->cycles = grown;
    recording->capacity = capacity;
  }
  recording->cycles[recording->count++] = *cycle;
  return true;
}

static void recording_complain(struct recording *recording, size_t line, const char *what) {
  if (recording->unused++ == 0)
    snprintf(recording->complaint, sizeof recording->complaint, "line %zu: %s", line, what);
}

/* Why a line whose words are right is no cycle; NULL when it is one. */
static const char *recording_nonsense(const struct recording_cycle *cycle) {
  if (cycle->peak_bytes < cycle->trigger_bytes) return "the heap shrinks while it is marked";
  if (cycle->marked_bytes > cycle->peak_bytes) return "more is marked than the heap has";
  return NULL;
}

/* Takes one line that has a cycle in it. */
static bool recording_take(struct recording *recording, struct recording_cursor cursor, size_t line,
                           size_t *gait_lines, struct recording_error *error) {
  struct recording_cycle cycle = {.line = line};
  bool gait = false;
  bool read = recording_line(&cursor, &cycle, &gait);
  if (!read) {
    recording_complain(recording, line, "the cycle is cut off or damaged");
    return true;
  }
  const char *nonsense = recording_nonsense(&cycle);
  if (nonsense != NULL) {
    recording_complain(recording, line, nonsense);
    return true;
  }
  if (recording->count > 0) {
    const struct recording_cycle *last = &recording->cycles[recording->count - 1];
    if (cycle.number <= last->number)
      return recording_say(error,
                           "line %zu: cycle %llu comes after cycle %llu in line %zu: another run "
                           "writes here too",
                           line, (unsigned long long)cycle.number, (unsigned long long)last->number,
                           last->line);
    if (cycle.start_seconds < last->start_seconds)
      return recording_say(error, "line %zu: the clock goes back from %.3fs to %.3fs", line,
                           last->start_seconds, cycle.start_seconds);
  }
  *gait_lines += gait;
  if (recording_add(recording, &cycle)) return true;
  return recording_say(error, "out of memory at line %zu", line);
}

/* The text that is left to read. */
struct recording_text {
  const char *at, *end;
  size_t line; /* of `at`, from 1 */
};

/* Whether a run begins in this line, from after its "gc ", beside the one that is being read. */
static bool recording_begins(const struct recording *recording, struct recording_cursor cursor) {
  double number;
  return recording->count > 0 && recording_number(&cursor, 1e15, &number) && number == 1;
}

/* Reads lines to the end, or to where another run begins. */
static bool recording_lines(struct recording *recording, struct recording_text *text,
                            struct recording_error *error) {
  size_t gait_lines = 0;
  while (text->at < text->end) {
    const char *newline = memchr(text->at, '\n', (size_t)(text->end - text->at));
    const char *stop = newline == NULL ? text->end : newline;
    struct recording_cursor cursor = {.at = text->at, .end = stop};
    if (recording_find(&cursor)) {
      if (recording_begins(recording, cursor)) break;
      if (!recording_take(recording, cursor, text->line, &gait_lines, error)) return false;
    }
    text->at = newline == NULL ? stop : stop + 1;
    text->line++;
  }
  recording->system =
      recording->count > 0 && gait_lines == recording->count ? RECORDING_GAIT : RECORDING_GO;
  return true;
}

static bool recording_nothing(const struct recording *recording, size_t bytes,
                              struct recording_error *error) {
  if (recording->unused > 0)
    return recording_say(error, "no cycle can be read; %s", recording->complaint);
  return recording_say(error,
                       "no cycles in %zu bytes: lines as \"gc 1 @0.01s 2%%: ...\", which "
                       "GODEBUG=gctrace=1 or GAIT_TRACE=1 prints, are wanted",
                       bytes);
}

/* ---- What the goals tell ---- */

struct recording_span {
  double low, high;
};

/* Between what and what a cycle marked, so that the next one's goal follows from it at `share` =
 * GOGC / 100; empty when nothing leads to that goal. */
static struct recording_span recording_marked(const struct recording_cycle *cycle, double share) {
  double half = RECORDING_MIB / 2;
  double goal = cycle[1].goal_bytes - cycle[1].roots_bytes * share;
  return (struct recording_span){
      .low = fmax(cycle->marked_bytes - half, (goal - half) / (1 + share)),
      .high = fmin(cycle->marked_bytes + half, (goal + half) / (1 + share))};
}

/* Whether the goal after this cycle follows from it, and not from the smallest heap. */
static bool recording_tells(const struct recording_cycle *cycle, double share) {
  return cycle->marked_bytes >= 2 * RECORDING_MIB &&
         cycle[1].goal_bytes > (4 * share + 1) * RECORDING_MIB;
}

/* How many goals agree with `gogc`; 0 when that is too few to believe it. */
static size_t recording_agree(const struct recording *recording, int gogc) {
  size_t agree = 0, told = 0;
  for (size_t i = 0; i + 1 < recording->count && i < RECORDING_GOGC_CYCLES; i++) {
    if (!recording_tells(&recording->cycles[i], gogc / 100.0)) continue;
    struct recording_span span = recording_marked(&recording->cycles[i], gogc / 100.0);
    agree += span.low < span.high;
    told++;
  }
  bool enough =
      agree >= RECORDING_GOGC_LEAST && (double)agree >= RECORDING_GOGC_SHARE * (double)told;
  return enough ? agree : 0;
}

/* Of values that goals agree with equally, a person chose the roundest. */
static int recording_roundness(int gogc) {
  return gogc == 100 ? 4 : gogc % 100 == 0 ? 3 : gogc % 50 == 0 ? 2 : gogc % 10 == 0 ? 1 : 0;
}

static int recording_gogc(const struct recording *recording) {
  size_t most = 0;
  int found = 0;
  for (int gogc = RECORDING_GOGC_STEP; gogc <= RECORDING_GOGC_MOST; gogc += RECORDING_GOGC_STEP) {
    size_t agree = recording_agree(recording, gogc);
    bool rounder = recording_roundness(gogc) > recording_roundness(found);
    if (agree < most || agree == 0 || (agree == most && !rounder)) continue;
    most = agree;
    found = gogc;
  }
  return found;
}

static void recording_narrow(struct recording *recording) {
  int gogc = recording_gogc(recording);
  recording->gogc_percent = gogc;
  for (size_t i = 0; gogc > 0 && i + 1 < recording->count; i++) {
    struct recording_cycle *cycle = &recording->cycles[i];
    struct recording_span span = recording_marked(cycle, gogc / 100.0);
    if (recording_tells(cycle, gogc / 100.0) && span.low < span.high)
      cycle->marked_bytes = fmin((span.low + span.high) / 2, cycle->peak_bytes);
  }
}

static bool recording_read(struct recording *recording, struct recording_text *text,
                           struct recording_error *error) {
  size_t bytes = (size_t)(text->end - text->at);
  *recording = (struct recording){0};
  bool read = recording_lines(recording, text, error) &&
              (recording->count > 0 || recording_nothing(recording, bytes, error));
  if (!read)
    recording_destroy(recording);
  else if (recording->system == RECORDING_GO)
    recording_narrow(recording);
  return read;
}

bool recording_parse(struct recording *recording, const char *text, size_t bytes,
                     struct recording_error *error) {
  struct recording_text all = {.at = text, .end = text + bytes, .line = 1};
  if (!recording_read(recording, &all, error)) return false;
  if (all.at == all.end) return true;
  recording_destroy(recording);
  return recording_say(error, "line %zu: another run begins; one is wanted here", all.line);
}

void recording_destroy(struct recording *recording) {
  free(recording->cycles);
  *recording = (struct recording){0};
}

/* ---- Several runs ---- */

struct recording *recordings_next(struct recordings *recordings) {
  if (recordings->count == recordings->capacity) {
    size_t capacity = recordings->capacity == 0 ? 4 : recordings->capacity * 2;
    void *grown = realloc(recordings->list, capacity * sizeof *recordings->list);
    if (grown == NULL) return NULL;
    recordings->list = grown;
    recordings->capacity = capacity;
  }
  return &recordings->list[recordings->count];
}

bool recordings_parse(struct recordings *recordings, const char *text, size_t bytes,
                      struct recording_error *error) {
  *recordings = (struct recordings){0};
  struct recording_text all = {.at = text, .end = text + bytes, .line = 1};
  do {
    struct recording *next = recordings_next(recordings);
    if (next != NULL ? recording_read(next, &all, error) : recording_say(error, "out of memory")) {
      recordings->count++;
      continue;
    }
    recordings_destroy(recordings);
    return false;
  } while (all.at < all.end);
  return true;
}

void recordings_destroy(struct recordings *recordings) {
  for (size_t i = 0; i < recordings->count; i++)
    recording_destroy(&recordings->list[i]);
  free(recordings->list);
  *recordings = (struct recordings){0};
}
