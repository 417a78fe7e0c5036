/* Runs of one program differ by chance, and each is a recording of its own: nothing says which
 * cycle of one belongs to which of another.  So each foretells for itself, and the predictions are
 * put together as logarithms.
 *
 * The estimate is their weighted mean.  A range is an error that all predictions share, since the
 * method makes it, and one that is each run's own; half and half as squares.  The second shrinks
 * with the number of runs; and what the estimates differ by among each other is added to it. */
#include "what_if_programs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "recording_file.h"

#define PROGRAMS_SHARED 0.5  /* of a range, as squares, that more runs do not make narrower */
#define PROGRAMS_NEAR   0.25 /* so near, by the logarithm of GOGC, is as good as equal */
#define PROGRAMS_MANY   50.0 /* cycles: more tell little more */
#define PROGRAMS_BUSY   0.1  /* of their CPU that workers did not get, worth a word */

/* ---- Reading ---- */

static bool programs_add(struct what_if_programs *programs, const struct what_if_program *program) {
  if (programs->count == programs->capacity) {
    size_t capacity = programs->capacity == 0 ? 4 : programs->capacity * 2;
    void *grown = realloc(programs->list, capacity * sizeof *programs->list);
    if (grown == NULL) return false;
    programs->list = grown;
    programs->capacity = capacity;
  }
  programs->list[programs->count++] = *program;
  return true;
}

static void programs_note(const char *command, const char *path, const struct recording *recording,
                          const struct what_if_program *program) {
  if (recording->unused > 0)
    fprintf(stderr, "gait %s: %s: %zu line(s) not used; %s\n", command, path, recording->unused,
            recording->complaint);
  if (program->starved > PROGRAMS_BUSY)
    fprintf(stderr,
            "gait %s: %s: a busy machine: workers got %.0f%% of the CPU that is theirs while a "
            "cycle marks; ranges are wider for that\n",
            command, path, 100 * (1 - program->starved));
}

static bool programs_take(struct what_if_programs *programs, const char *command, const char *path,
                          const struct recording *recording, struct recording_error *error) {
  struct what_if_constants constants = what_if_constants_default(recording->system);
  struct what_if_program program;
  if (programs->count > 0 && programs->list[0].system != recording->system) {
    snprintf(error->text, sizeof error->text,
             "a run of a program in Go and one of a program with Gait are not of one program");
    return false;
  }
  if (!what_if_program_recover(&program, recording, &constants, error)) return false;
  programs_note(command, path, recording, &program);
  if (programs_add(programs, &program)) return true;
  what_if_program_destroy(&program);
  snprintf(error->text, sizeof error->text, "out of memory");
  return false;
}

static bool programs_read(struct what_if_programs *programs, const char *command,
                          const char *path) {
  struct recording_error error;
  struct recordings runs;
  if (!recordings_load(&runs, path, &error)) {
    fprintf(stderr, "gait %s: %s\n", command, error.text);
    return false;
  }
  bool taken = true;
  for (size_t i = 0; taken && i < runs.count; i++)
    taken = programs_take(programs, command, path, &runs.list[i], &error);
  if (!taken) fprintf(stderr, "gait %s: %s: %s\n", command, path, error.text);
  recordings_destroy(&runs);
  return taken;
}

bool what_if_programs_load(struct what_if_programs *programs, const char *command,
                           char *const *paths, size_t count) {
  *programs = (struct what_if_programs){0};
  for (size_t i = 0; i < count; i++) {
    if (programs_read(programs, command, paths[i])) continue;
    what_if_programs_destroy(programs);
    return false;
  }
  return true;
}

void what_if_programs_destroy(struct what_if_programs *programs) {
  for (size_t i = 0; i < programs->count; i++)
    what_if_program_destroy(&programs->list[i]);
  free(programs->list);
  *programs = (struct what_if_programs){0};
}

/* ---- Predicting ---- */

/* How many logarithms the heap's growth is from that of the setting; a limit's is not known. */
static double programs_way(const struct what_if_program *program, const struct setting *setting) {
  if (!(program->gogc_percent > 0) || setting->gogc_percent <= 0) return 1;
  return fabs(log(program->gogc_percent / (double)setting->gogc_percent));
}

static double programs_weight(const struct what_if_program *program,
                              const struct setting *setting) {
  double cycles = fmin((double)program->count, PROGRAMS_MANY);
  return cycles / (PROGRAMS_NEAR + programs_way(program, setting));
}

/* Sums by weight of logarithms: estimates, their squares, and squares of the widths. */
struct programs_sum {
  double weight, squares, estimate, square, below, above;
  size_t zeros; /* and of these there are no logarithms */
  size_t count;
};

static void programs_sum(struct programs_sum *sum, const struct what_if_range *range,
                         double weight) {
  sum->count++;
  if (!(range->estimate > 0)) {
    sum->zeros++;
    return;
  }
  double estimate = log(range->estimate), low = fmax(range->low, range->estimate / 1e6);
  double below = log(range->estimate / low), above = log(range->high / range->estimate);
  sum->weight += weight;
  sum->squares += weight * weight;
  sum->estimate += weight * estimate;
  sum->square += weight * estimate * estimate;
  sum->below += weight * below * below;
  sum->above += weight * above * above;
}

/* Half a width, of the mean square of those of all. */
static double programs_width(const struct programs_sum *sum, double squares) {
  double alike = sum->squares / (sum->weight * sum->weight); /* one over the number of runs */
  double mean = sum->estimate / sum->weight;
  double apart = fmax(sum->square / sum->weight - mean * mean, 0) * (1 + alike);
  double own = (1 - PROGRAMS_SHARED) * alike;
  return sqrt(squares / sum->weight * (PROGRAMS_SHARED + own) + apart);
}

static struct what_if_range programs_range(const struct programs_sum *sum,
                                           const struct what_if_range *first) {
  if (sum->count == 1 || sum->zeros > 0) return *first;
  double estimate = exp(sum->estimate / sum->weight);
  return (struct what_if_range){.estimate = estimate,
                                .low = estimate * exp(-programs_width(sum, sum->below)),
                                .high = estimate * exp(programs_width(sum, sum->above))};
}

enum { PROGRAMS_RANGES = 6 };

static void programs_ranges(struct what_if_prediction *prediction,
                            struct what_if_range *ranges[PROGRAMS_RANGES]) {
  ranges[0] = &prediction->cycles;
  ranges[1] = &prediction->gc_cpu_seconds;
  ranges[2] = &prediction->idle_cpu_seconds;
  ranges[3] = &prediction->peak_heap_bytes;
  ranges[4] = &prediction->assist_share;
  ranges[5] = &prediction->gc_cpu_share;
}

void what_if_programs_predict(const struct what_if_programs *programs,
                              const struct setting *setting,
                              struct what_if_prediction *prediction) {
  struct programs_sum sums[PROGRAMS_RANGES] = {0};
  struct what_if_range *all[PROGRAMS_RANGES], *ranges[PROGRAMS_RANGES];
  bool unreachable = false;
  programs_ranges(prediction, all);
  for (size_t i = 0; i < programs->count; i++) {
    const struct what_if_program *program = &programs->list[i];
    struct what_if_prediction one;
    what_if_predict(program, setting, &one);
    programs_ranges(&one, ranges);
    for (int j = 0; j < PROGRAMS_RANGES; j++)
      programs_sum(&sums[j], ranges[j], programs_weight(program, setting));
    unreachable |= one.limit_unreachable;
    if (i == 0) *prediction = one;
  }
  for (int j = 0; j < PROGRAMS_RANGES; j++)
    *all[j] = programs_range(&sums[j], all[j]);
  prediction->limit_unreachable = unreachable;
}
