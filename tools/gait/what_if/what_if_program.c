/* Recovers the program from its recording.
 *
 * A cycle found live what was reachable when it started, and everything allocated while it marked
 * (new objects are black).  So live at the start is marked - (peak - trigger).
 *
 * Bytes allocated are what the heap grew by, with one correction: when Go's allocator takes up a
 * half-full span again it counts the span's unusable rest once more, so each cycle seems to
 * allocate a small share of the heap on top, while it marks as much as before.
 *
 * Assists take a share of the mutators' time while a cycle marks.  Black bytes over what is left of
 * that time are what would have been allocated in it without assists. */
#include "what_if_program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PROGRAM_LEAST_BYTES   65536.0
#define PROGRAM_LEAST_HEAP    4194304.0 /* the smallest goal at GOGC=100 */
#define PROGRAM_JUMP_LEAST    2097152.0 /* less is rounding */
#define PROGRAM_PRESSURE_MOST 0.9
#define PROGRAM_WORKERS_LEAST 0.05
#define PROGRAM_HELP_MOST     8.0 /* more is a disturbed cycle */
#define PROGRAM_GROWING       0.5 /* of what is allocated stays: a phase that builds something */
#define PROGRAM_BACKGROUND    0.25
#define PROGRAM_RATIOS        5u       /* of which Go plans for the largest */
#define PROGRAM_DOUBT_BYTES   524288.0 /* that rounding may have added to what was allocated */

struct what_if_constants what_if_constants_default(enum recording_system system) {
  static const struct what_if_constants constants[] = {
      [RECORDING_GO] = {.span_waste = 0.015,
                        .spread_cost = 0.4,
                        .spread_black = 0.2,
                        .overhead_bytes = 4.5 * 1048576,
                        .overhead_share = 0.07,
                        .fill_least = 0.25},
      [RECORDING_GAIT] = {.spread_cost = 0.4,
                          .spread_black = 0.2,
                          .overhead_bytes = 0.5 * 1048576,
                          .overhead_share = 0.01,
                          .fill_least = 1},
  };
  return constants[system];
}

static double program_seconds(double ms) {
  return ms > 0 ? ms / 1e3 : 0;
}

/* Who marked.  Without times that say so: background workers alone, as long as mutators ran. */
static void program_split(struct what_if_point *point, const struct recording_cycle *cycle,
                          double black) {
  double workers = cycle->background_ms + cycle->idle_ms;
  double left = cycle->mark_ms * cycle->cpus - workers;
  point->back_share = point->workers = point->help = 1;
  point->black_bytes = black;
  if (!(workers > 0)) return;
  point->back_share = cycle->background_ms / workers;
  if (!(left > 0)) return;
  point->pressure = fmin(cycle->assist_ms / left, PROGRAM_PRESSURE_MOST);
  double least = fmax(PROGRAM_WORKERS_LEAST, point->pressure / (PROGRAM_HELP_MOST - 1));
  point->workers = fmin(fmax(workers / left, least), 1 / PROGRAM_WORKERS_LEAST);
  point->help = 1 + point->pressure / point->workers;
  point->black_bytes = black / (1 - point->pressure);
}

/* A cycle that starts well past where GOGC wants its end does so since one allocation was larger
 * than the room. */
static double program_jump(const struct what_if_program *program,
                           const struct recording_cycle *cycle, double marked_before) {
  if (!(program->gogc_percent > 0)) return 0;
  double share = program->gogc_percent / 100;
  double basis = marked_before + cycle->roots_bytes;
  double goal = fmax(marked_before + basis * share, PROGRAM_LEAST_HEAP * share);
  double past = cycle->trigger_bytes - goal;
  return past > PROGRAM_JUMP_LEAST && past > goal / 10 ? past : 0;
}

static void program_point(struct what_if_program *program, const struct recording_cycle *cycle,
                          const struct recording_cycle *before, struct what_if_point *point) {
  double marked_before = before == NULL ? 0 : before->marked_bytes;
  double clock = before == NULL ? 0 : point[-1].end_clock;
  double black = cycle->peak_bytes - cycle->trigger_bytes;
  double free_bytes = fmax(cycle->trigger_bytes - marked_before, 0), grown = free_bytes + black;
  double waste = fmin(program->constants.span_waste * cycle->peak_bytes, grown / 2);
  double real = grown > 0 ? 1 - waste / grown : 1;
  double cpu = program_seconds(cycle->assist_ms + cycle->background_ms + cycle->idle_ms);
  double room = cycle->goal_bytes - cycle->trigger_bytes;
  *point =
      (struct what_if_point){.black_cpu = cpu, .roots_bytes = cycle->roots_bytes, .survival = 1};
  free_bytes *= real;
  black *= real;
  point->start_clock = clock + free_bytes;
  point->end_clock = point->start_clock + black;
  point->live_bytes = fmax(cycle->marked_bytes - black, PROGRAM_LEAST_BYTES);
  point->jump_bytes = program_jump(program, cycle, marked_before);
  point->spread = fmax(cycle->trigger_bytes / point->live_bytes, 1);
  point->cost = cpu / (point->live_bytes * pow(point->spread, program->constants.spread_cost));
  point->room_bytes = fmax(room, PROGRAM_LEAST_BYTES);
  program_split(point, cycle, black);
  double pause = before == NULL ? cycle->start_seconds
                                : cycle->start_seconds - before->start_seconds -
                                      program_seconds(before->mark_ms + before->stop_ms);
  point->free_rate = pause > 0 ? free_bytes / pause : 0;
}

/* ---- Young cycles ---- */

/* What a young cycle cost and found says nothing of full ones: it gets that of `full`. */
static void program_take_full(struct what_if_point *point, const struct what_if_point *full) {
  point->spread = full->spread;
  point->cost = full->cost;
  point->black_bytes = full->black_bytes;
  point->black_cpu = full->black_cpu;
  point->pressure = full->pressure;
  point->room_bytes = full->room_bytes;
  point->workers = full->workers;
  point->help = full->help;
  point->back_share = full->back_share;
}

/* How much a young cycle found of what was allocated since the one before, and what that took. */
static void program_survival(struct what_if_point *point, double found_before) {
  double allocated = point->start_clock - point[-1].start_clock;
  point->young = true;
  point->young_cost = allocated > 0 ? point->black_cpu / allocated : 0;
  point->survival = allocated > 0 ? (point->live_bytes - found_before) / allocated : 0;
  point->survival = fmin(fmax(point->survival, 0), 1);
}

/* All that a young cycle finds may be live, or be garbage that is old.  The next full one tells: so
 * much can have died since the full one before, bit by bit. */
static void program_thin(struct what_if_point *points, size_t full, size_t next) {
  double from = points[full].live_bytes, to = points[next].live_bytes;
  double span = points[next].start_clock - points[full].start_clock;
  for (size_t i = full + 1; i < next && span > 0; i++) {
    double share = (points[i].start_clock - points[full].start_clock) / span;
    points[i].live_bytes = fmin(points[i].live_bytes, from + (to - from) * share);
  }
}

/* After the points have been made as if all cycles were full. */
static void program_young(struct what_if_program *program, const struct recording *recording) {
  struct what_if_point *points = program->points;
  size_t full = 0;
  for (size_t i = 1; i < program->count; i++) {
    if (!recording->cycles[i].young) continue;
    program_survival(&points[i], recording->cycles[i - 1].marked_bytes);
    program->young = true;
  }
  for (size_t i = 1; i < program->count; i++) {
    if (points[i].young) {
      program_take_full(&points[i], &points[full]);
    } else {
      program_thin(points, full, i);
      full = i;
    }
  }
  /* A full cycle does not tell which part survives; the plan that it was followed by does. */
  for (size_t i = program->count - 1; i-- > 0;) {
    if (points[i].young) continue;
    points[i].survival = points[i + 1].young ? points[i + 1].survival : 1;
    points[i].young_cost = points[i + 1].young_cost;
  }
}

/* ---- What the whole recording shows ---- */

static int program_compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* GOGC from the goals: the most that goals allowed over what was live before, unless cycles were
 * so small that rounding hides it. */
static double program_gogc(const struct recording *recording) {
  double *shares = malloc(recording->count * sizeof *shares), percent = -1;
  size_t count = 0;
  if (shares == NULL) return -1;
  for (size_t i = 1; i < recording->count; i++) {
    const struct recording_cycle *before = &recording->cycles[i - 1];
    double basis = before->marked_bytes + recording->cycles[i].roots_bytes;
    double growth = recording->cycles[i].goal_bytes - before->marked_bytes;
    if (basis > 4e6 && growth > 0) shares[count++] = growth / basis * 100;
  }
  if (count > 0) {
    qsort(shares, count, sizeof *shares, program_compare);
    percent = shares[count / 2];
  }
  free(shares);
  return percent;
}

/* A cons/mark ratio, but for factors that all cycles share. */
struct program_ratio {
  double value;
  double doubt; /* what rounding may have made of it */
};

static struct program_ratio program_ratio(const struct recording_cycle *cycle) {
  double black = cycle->peak_bytes - cycle->trigger_bytes, work = cycle->marked_bytes - black;
  double cpu = cycle->mark_ms * cycle->cpus;
  if (!(cpu > 0) || !(work > 0)) return (struct program_ratio){0};
  double used = fmin(0.25 + cycle->assist_ms / cpu, 0.9);
  double factor = (used + cycle->idle_ms / cpu) / ((1 - used) * work);
  return (struct program_ratio){.value = black * factor, .doubt = PROGRAM_DOUBT_BYTES * factor};
}

/* The largest ratio of five cycles up to `last` over their mean; 0 when they have none. */
static double program_surge_at(const struct recording_cycle *last) {
  double most = 0, mean = 0;
  for (size_t i = 0; i < PROGRAM_RATIOS; i++) {
    struct program_ratio ratio = program_ratio(last - i);
    most = fmax(most, ratio.value - ratio.doubt);
    mean += ratio.value / PROGRAM_RATIOS;
  }
  return mean > 0 ? fmax(most / mean, 1) : 0;
}

static double program_surge(const struct recording *recording) {
  double sum = 0;
  size_t windows = 0;
  for (size_t i = PROGRAM_RATIOS - 1; i < recording->count; i++) {
    double surge = program_surge_at(&recording->cycles[i]);
    sum += surge;
    windows += surge > 0;
  }
  return windows == 0 ? 1 : sum / (double)windows;
}

/* The program ran on after its last cycle, but not to where the next would have been: what usually
 * lay between two. */
static double program_tail(const struct what_if_program *program) {
  size_t back = program->count < 6 ? program->count : 6;
  double from = program->count > back ? program->points[program->count - back - 1].end_clock : 0;
  return (program->points[program->count - 1].end_clock - from) / (double)back;
}

/* How much of what was allocated before point i stayed live, 0 .. 1. */
static double program_growth(const struct what_if_program *program, size_t i) {
  const struct what_if_point *point = &program->points[i];
  double from_clock = i == 0 ? 0 : point[-1].start_clock, from = i == 0 ? 0 : point[-1].live_bytes;
  double span = point->start_clock - from_clock;
  return span > 0 ? fmin((point->live_bytes - from) / span, 1) : 0;
}

/* Whether the heap grew with every allocation up to the point before i, and i found less. */
static bool program_falls(const struct what_if_program *program, size_t i) {
  return i > 0 && program->points[i].live_bytes < program->points[i - 1].live_bytes &&
         program_growth(program, i - 1) > PROGRAM_GROWING;
}

/* Of n tops that cycles came upon somewhere on their way up, the highest that was seen is n / (n +
 * 1) of the way. */
static double program_top(const struct what_if_program *program) {
  double most = 0, falls = 0;
  for (size_t i = 0; i < program->count; i++) {
    most = fmax(most, program->points[i].live_bytes);
    falls += i > 0 && program->points[i].live_bytes < 0.8 * program->points[i - 1].live_bytes;
  }
  return falls > 1 ? most * (1 + 1 / falls) : INFINITY;
}

/* A quarter of the CPUs is the workers' while a cycle marks; on a machine that others keep busy
 * they wait for it, and how late and how dear all is then is chance. */
static double program_starved(const struct recording *recording) {
  double due = 0, got = 0;
  for (size_t i = 0; i < recording->count; i++) {
    const struct recording_cycle *cycle = &recording->cycles[i];
    if (cycle->young) continue; /* most of its time is no marking */
    double share = PROGRAM_BACKGROUND * cycle->cpus * cycle->mark_ms;
    due += share;
    got += fmin(cycle->background_ms + cycle->idle_ms, share);
  }
  return due > 0 ? 1 - got / due : 0;
}

bool what_if_program_recover(struct what_if_program *program, const struct recording *recording,
                             const struct what_if_constants *constants,
                             struct recording_error *error) {
  *program = (struct what_if_program){.constants = *constants, .system = recording->system};
  program->points = calloc(recording->count, sizeof *program->points);
  if (program->points == NULL) {
    snprintf(error->text, sizeof error->text, "out of memory");
    return false;
  }
  program->count = recording->count;
  program->gogc_percent =
      recording->gogc_percent > 0 ? recording->gogc_percent : program_gogc(recording);
  for (size_t i = 0; i < recording->count; i++) {
    const struct recording_cycle *before = i == 0 ? NULL : &recording->cycles[i - 1];
    program_point(program, &recording->cycles[i], before, &program->points[i]);
    program->cpus = fmax(program->cpus, recording->cycles[i].cpus);
  }
  program_young(program, recording);
  const struct recording_cycle *first = &recording->cycles[0];
  if (first->goal_bytes > 0 && first->trigger_bytes >= first->goal_bytes)
    program->first_bytes = first->trigger_bytes;
  program->end_clock = program->points[program->count - 1].end_clock;
  program->tail_bytes = program_tail(program);
  program->starved = program_starved(recording);
  program->top_bytes = program_top(program);
  program->surge = recording->system == RECORDING_GO ? program_surge(recording) : 1;
  if (program->end_clock > 0) return true;
  snprintf(error->text, sizeof error->text,
           "line %zu: cycles in which nothing was allocated tell nothing", first->line);
  what_if_program_destroy(program);
  return false;
}

void what_if_program_destroy(struct what_if_program *program) {
  free(program->points);
  *program = (struct what_if_program){0};
}

/* ---- The program at some clock ---- */

/* The first point that starts at `clock` or later; count when there is none. */
static size_t program_find(const struct what_if_program *program, double clock) {
  size_t low = 0, high = program->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (program->points[middle].start_clock < clock)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Live bytes before the rise that goes up to point i began. */
static double program_base(const struct what_if_program *program, size_t i) {
  while (i > 0 && program_growth(program, i) > PROGRAM_GROWING)
    i--;
  return program_growth(program, i) > PROGRAM_GROWING ? 0 : program->points[i].live_bytes;
}

/* Between point i - 1, up to which the heap grew with every allocation, and point i, which found it
 * fallen.  It fell to what was live before the rise, and rose again at the same pace; so it fell no
 * later than there was time for what point i found. */
static double program_fallen(const struct what_if_program *program, size_t i, double clock,
                             double fall) {
  const struct what_if_point *after = &program->points[i], *top = &after[-1];
  double growth = program_growth(program, i - 1), base = program_base(program, i - 1);
  double again = fmax(after->live_bytes - base, 0) / growth;
  double way = fmax(after->start_clock - again - top->start_clock, 0) * fall;
  double since = clock - top->start_clock - way;
  if (since < 0) {
    double rising = top->live_bytes + growth * (clock - top->start_clock);
    return fmin(rising, fmax(program->top_bytes, top->live_bytes));
  }
  return fmin(after->live_bytes, fmax(base, 0) + growth * since);
}

double what_if_program_live(const struct what_if_program *program, double clock, double fall) {
  size_t i = program_find(program, clock);
  if (i == program->count) return program->points[i - 1].live_bytes;
  const struct what_if_point *after = &program->points[i];
  double from_clock = i == 0 ? 0 : after[-1].start_clock;
  double from = i == 0 ? 0 : after[-1].live_bytes;
  double span = after->start_clock - from_clock;
  double share = span > 0 ? (clock - from_clock) / span : 1;
  if (program_falls(program, i)) return program_fallen(program, i, clock, fall);
  return from + (after->live_bytes - from) * share;
}

double what_if_program_jump(const struct what_if_program *program, double clock) {
  size_t i = program_find(program, clock);
  if (i == program->count) return 0;
  double before = program->points[i].start_clock - clock;
  return before < program->points[i].jump_bytes ? before : 0;
}

static void program_add(struct what_if_point *sum, const struct what_if_point *point) {
  sum->live_bytes += point->live_bytes;
  sum->cost += point->cost * point->live_bytes; /* weighted: small cycles tell less */
  sum->spread += log(point->spread); /* one that found next to nothing must not outweigh the rest */
  sum->black_bytes += point->black_bytes;
  sum->black_cpu += point->black_cpu;
  sum->pressure += point->pressure;
  sum->room_bytes += point->room_bytes;
  sum->back_share += point->back_share;
  sum->help += point->help;
  sum->survival += point->survival;
  sum->young_cost += point->young_cost;
  sum->workers += point->workers;
  sum->free_rate += point->free_rate;
  sum->roots_bytes += point->roots_bytes;
}

struct what_if_point what_if_program_between(const struct what_if_program *program, double from,
                                             double to) {
  size_t first = program_find(program, from), end = program_find(program, to);
  if (first == end) { /* none between: the nearest */
    if (end == program->count)
      first = end - 1;
    else if (end > 0 &&
             to - program->points[end - 1].start_clock < program->points[end].start_clock - to)
      first = end - 1;
    end = first + 1;
  }
  struct what_if_point mean = {0};
  for (size_t i = first; i < end; i++)
    program_add(&mean, &program->points[i]);
  double count = (double)(end - first);
  mean.cost /= mean.live_bytes;
  mean.spread = exp(mean.spread / count);
  mean.black_bytes /= count;
  mean.black_cpu /= count;
  mean.pressure /= count;
  mean.room_bytes /= count;
  mean.back_share /= count;
  mean.help /= count;
  mean.survival /= count;
  mean.young_cost /= count;
  mean.workers /= count;
  mean.free_rate /= count;
  mean.roots_bytes /= count;
  mean.live_bytes /= count;
  return mean;
}
