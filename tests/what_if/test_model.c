/* The recovered program and its predictions, on the recordings and on made-up ones. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/run_suite.h"
#include "../support/sizes.h"
#include "what_if/recording_file.h"
#include "what_if/what_if_programs.h"

static const char *folder;
static const char *const programs[] = {"ramp", "spike", "steady-fast", "trees"};
static struct what_if_program program;

static void recover(struct recording *recording) {
  struct recording_error error;
  struct what_if_constants constants = what_if_constants_default(recording->system);
  if (!what_if_program_recover(&program, recording, &constants, &error))
    ck_abort_msg("%s", error.text);
}

static struct recording load(const char *name) {
  struct recording recording;
  struct recording_error error;
  char path[1024];
  snprintf(path, sizeof path, "%s/%s.gogc100.nolimit.txt", folder, name);
  if (!recording_load(&recording, path, &error)) ck_abort_msg("%s", error.text);
  return recording;
}

static struct what_if_prediction predict(int64_t gogc, int64_t limit) {
  struct setting setting = {gogc, limit, 0};
  struct what_if_prediction prediction;
  what_if_predict(&program, &setting, &prediction);
  return prediction;
}

static void expect_range(const struct what_if_range *range) {
  ck_assert(isfinite(range->low) && isfinite(range->high) && range->low >= 0);
  ck_assert(range->low <= range->estimate && range->estimate <= range->high);
}

/* The setting that was recorded comes out as it was recorded. */
START_TEST(prediction_of_the_recorded_setting_is_the_recording) {
  for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
    struct recording recording = load(programs[i]);
    recover(&recording);
    ck_assert_double_eq_tol(program.gogc_percent, 100, 1e-9);
    double cpu = 0, peak = 0, assists = 0, idle = 0, seconds = 0;
    for (size_t j = 0; j < recording.count; j++) {
      const struct recording_cycle *cycle = &recording.cycles[j];
      cpu += (cycle->assist_ms + cycle->background_ms) / 1e3;
      assists += cycle->assist_ms / 1e3;
      idle += cycle->idle_ms / 1e3;
      peak = fmax(peak, cycle->peak_bytes);
      seconds = cycle->start_seconds + cycle->mark_ms / 1e3;
    }
    struct what_if_prediction same = predict(100, SETTING_OFF);
    double cycles = (double)recording.count;
    ck_assert_msg(fabs(same.cycles.estimate / cycles - 1) < 0.08, "%s: %g cycles, not %g",
                  programs[i], same.cycles.estimate, cycles);
    ck_assert_msg(fabs(same.gc_cpu_seconds.estimate / cpu - 1) < 0.12, "%s: %g s, not %g",
                  programs[i], same.gc_cpu_seconds.estimate, cpu);
    double share = assists / (seconds * program.cpus);
    ck_assert_msg(fabs(same.assist_share.estimate / share - 1) < 0.15, "%s: assists %g, not %g",
                  programs[i], same.assist_share.estimate, share);
    ck_assert_msg(fabs(same.idle_cpu_seconds.estimate / idle - 1) < 0.05, "%s: idle %g s, not %g",
                  programs[i], same.idle_cpu_seconds.estimate, idle);
    ck_assert_msg(fabs(same.peak_heap_bytes.estimate / peak - 1) < 0.15, "%s: %g MiB, not %g",
                  programs[i], same.peak_heap_bytes.estimate / MIB, peak / MIB);
    what_if_program_destroy(&program);
    recording_destroy(&recording);
  }
}
END_TEST

START_TEST(prediction_for_more_gogc_is_fewer_cycles) {
  struct recording recording = load("steady-fast");
  recover(&recording);
  struct what_if_prediction before = predict(25, SETTING_OFF);
  for (int64_t gogc = 50; gogc <= 1600; gogc *= 2) {
    struct what_if_prediction now = predict(gogc, SETTING_OFF);
    expect_range(&now.cycles);
    expect_range(&now.gc_cpu_seconds);
    expect_range(&now.peak_heap_bytes);
    ck_assert_double_lt(now.cycles.estimate, before.cycles.estimate);
    ck_assert_double_lt(now.gc_cpu_seconds.estimate, before.gc_cpu_seconds.estimate);
    ck_assert_double_gt(now.peak_heap_bytes.estimate, before.peak_heap_bytes.estimate);
    ck_assert(!now.limit_unreachable);
    before = now;
  }
  what_if_program_destroy(&program);
  recording_destroy(&recording);
}
END_TEST

START_TEST(predictions_keep_to_limits) {
  struct recording recording = load("steady-fast");
  recover(&recording);
  struct what_if_prediction wide = predict(100, (int64_t)(4096 * MIB));
  struct what_if_prediction none = predict(100, SETTING_OFF);
  ck_assert_double_eq_tol(wide.cycles.estimate, none.cycles.estimate, 1e-9);
  struct what_if_prediction tight = predict(100, (int64_t)(200 * MIB));
  ck_assert_double_gt(tight.cycles.estimate, 1.3 * none.cycles.estimate);
  ck_assert_double_le(tight.peak_heap_bytes.estimate, 200 * MIB);
  ck_assert(!tight.limit_unreachable);
  expect_range(&tight.cycles);
  ck_assert_double_le(tight.peak_heap_bytes.high, 2 * tight.peak_heap_bytes.low);
  ck_assert(predict(100, (int64_t)(100 * MIB)).limit_unreachable);
  struct what_if_prediction off = predict(SETTING_OFF, SETTING_OFF);
  ck_assert_double_eq_tol(off.cycles.estimate, 0, 1e-9);
  ck_assert_double_gt(off.peak_heap_bytes.estimate, 4000 * MIB);
  what_if_program_destroy(&program);
  recording_destroy(&recording);
}
END_TEST

/* `count` cycles alike: `cycle` is what follows the number and the time. */
static struct recording alike(int count, const char *cycle) {
  char *text = NULL;
  size_t bytes = 0;
  FILE *out = open_memstream(&text, &bytes);
  for (int i = 0; i < count; i++)
    fprintf(out, "gc %d @%d.000s 1%%: %s\n", i + 1, i + 1, cycle);
  fclose(out);
  struct recording recording;
  struct recording_error error;
  if (!recording_parse(&recording, text, bytes, &error)) ck_abort_msg("%s", error.text);
  free(text);
  return recording;
}

/* A made-up program whose cycles are known: live 100 MiB, nothing allocated while marking, and each
 * cycle at its goal; so `allocated / (GOGC% x live)` of them. */
static struct recording made_up(int count, double live_mb) {
  char cycle[200];
  snprintf(cycle, sizeof cycle,
           "0.010+10.00+0.010 ms clock, 0.010+0.00/10.00/0.00+0.010 ms cpu, "
           "%.0f->%.0f->%.0f MB, %.0f MB goal, 4 P",
           2 * live_mb, 2 * live_mb, live_mb, 2 * live_mb);
  return alike(count, cycle);
}

START_TEST(predictions_follow_the_law) {
  struct recording recording = made_up(200, 100);
  recover(&recording);
  ck_assert_int_eq(program.system, RECORDING_GAIT);
  double allocated = program.end_clock;
  for (int64_t gogc = 50; gogc <= 400; gogc *= 2) {
    double law = allocated / ((double)gogc / 100 * 100.5 * MIB);
    double cycles = predict(gogc, SETTING_OFF).cycles.estimate;
    ck_assert_msg(fabs(cycles / law - 1) < 0.10, "GOGC=%d: %g cycles, not %g", (int)gogc, cycles,
                  law);
  }
  what_if_program_destroy(&program);
  recording_destroy(&recording);
}
END_TEST

START_TEST(live_heap_between_cycles_is_recovered) {
  struct recording recording = made_up(3, 100);
  recover(&recording);
  struct what_if_point *points = program.points;
  points[1].live_bytes = points[0].live_bytes + 50 * MIB;
  double half = (points[0].start_clock + points[1].start_clock) / 2;
  ck_assert_double_eq_tol(what_if_program_live(&program, half, 0.5),
                          points[0].live_bytes + 25 * MIB, 1);
  ck_assert_double_eq_tol(what_if_program_live(&program, 1e15, 0.5), points[2].live_bytes, 1);
  /* Most of what was allocated stayed: so it may go on until it falls.  What the next cycle found
   * has to be allocated after that, so it fell no later than `last`. */
  double growth = 0.6, way = points[2].start_clock - points[1].start_clock;
  points[1].live_bytes =
      points[0].live_bytes + growth * (points[1].start_clock - points[0].start_clock);
  points[2].live_bytes = 10 * MIB;
  double last = way - 10 * MIB / growth, from = points[1].start_clock;
  ck_assert_double_eq_tol(what_if_program_live(&program, from + 0.49 * last, 0.5),
                          points[1].live_bytes + growth * 0.49 * last, 1);
  ck_assert_double_eq_tol(what_if_program_live(&program, from + 0.51 * last, 0.5),
                          growth * 0.01 * last, 1);
  ck_assert_double_gt(what_if_program_live(&program, from + 0.99 * last, 1), points[1].live_bytes);
  ck_assert_double_eq_tol(what_if_program_live(&program, points[2].start_clock, 1), 10 * MIB, 1);
  ck_assert_double_eq_tol(what_if_program_live(&program, from + 0.9 * way, 0), 10 * MIB, 1);
  what_if_program_destroy(&program);
  recording_destroy(&recording);
}
END_TEST

/* A recording in which workers mark alone, and mutators allocate two thirds of the room meanwhile:
 * at a quarter of the room they have to assist, at four times the room they never do. */
START_TEST(predicted_assists_follow_from_room) {
  struct recording recording =
      alike(100, "0.010+10.00+0.010 ms clock, 0.010+0.00/5.00/5.00+0.010 ms cpu, "
                 "170->190->120 MB, 200 MB goal, 0 MB stacks, 0 MB globals, 2 P");
  recover(&recording);
  ck_assert_double_eq_tol(program.points[50].workers, 1, 1e-9);
  ck_assert_double_eq_tol(program.points[50].black_bytes, 20 * MIB, 1);
  double never = predict(400, SETTING_OFF).assist_share.estimate;
  ck_assert_double_le(never, 1e-4); /* a few of the first cycles, on a small heap */
  struct what_if_prediction tight = predict(25, SETTING_OFF);
  ck_assert_double_gt(tight.assist_share.estimate, 10 * never);
  /* They take over from idle CPUs, which do not count as GC. */
  struct what_if_prediction wide = predict(400, SETTING_OFF);
  double assisted = tight.gc_cpu_seconds.estimate / tight.idle_cpu_seconds.estimate;
  double alone = wide.gc_cpu_seconds.estimate / wide.idle_cpu_seconds.estimate;
  ck_assert_double_gt(assisted, alone + 0.02);
  what_if_program_destroy(&program);
  recording_destroy(&recording);
}
END_TEST

/* Two mutators keep both CPUs, so they mark nearly all themselves while the heap goes from
 * trigger to goal.  With twice the room that takes twice the allocation, all of which is black and
 * gets room in turn: a third of the cycles, not half. */
START_TEST(program_that_marks_less_allocates_longer) {
  struct recording recording =
      alike(60, "0.09+4.2+0.006 ms clock, 0.19+3.5/0.35/0+0.01 ms cpu, 94->110->55 MB, "
                "110 MB goal, 0 MB stacks, 0 MB globals, 2 P");
  recover(&recording);
  double alone = predict(100, SETTING_OFF).cycles.estimate;
  ck_assert_double_eq_tol(alone, 60, 9);
  double twice = predict(200, SETTING_OFF).cycles.estimate;
  ck_assert_double_gt(twice, 0.25 * alone);
  ck_assert_double_lt(twice, 0.42 * alone);
  what_if_program_destroy(&program);
  recording_destroy(&recording);
}
END_TEST

/* Gait's pacer is told what was allocated while marking, and gives half of it no room; Go's takes
 * all for live.  100 MiB live and 20 black: a goal of 230, and one of 240. */
START_TEST(prediction_for_gait_counts_half_of_floating_garbage) {
  const struct {
    const char *cycle;
    double goal;
  } systems[] = {{"0.010+10.00+0.010 ms clock, 0.010+0.00/10.00/0.00+0.010 ms cpu, "
                  "210->230->120 MB, 230 MB goal, 0 MB stacks, 0 MB globals, 4 P",
                  230},
                 {"0.01+10+0.01 ms clock, 0.01+0/10/0+0.01 ms cpu, "
                  "220->240->120 MB, 240 MB goal, 0 MB stacks, 0 MB globals, 4 P",
                  240}};
  for (int i = 0; i < 2; i++) {
    struct recording recording = alike(60, systems[i].cycle);
    recover(&recording);
    ck_assert_int_eq(program.system, i == 0 ? RECORDING_GAIT : RECORDING_GO);
    struct what_if_prediction same = predict(100, SETTING_OFF);
    ck_assert_double_eq_tol(same.peak_heap_bytes.estimate, systems[i].goal * MIB, 4 * MIB);
    what_if_program_destroy(&program);
    recording_destroy(&recording);
  }
}
END_TEST

/* One allocation larger than all the room is as large at every setting. */
START_TEST(large_allocation_is_recovered_as_a_jump) {
  struct recording recording = made_up(10, 100);
  recording.cycles[5].trigger_bytes = recording.cycles[5].peak_bytes = 500 * MIB;
  recover(&recording);
  ck_assert_double_eq_tol(program.points[4].jump_bytes, 0, 1e-9);
  ck_assert_double_eq_tol(program.points[5].jump_bytes, 299 * MIB, 2 * MIB);
  double start = program.points[5].start_clock;
  ck_assert_double_eq_tol(what_if_program_jump(&program, start - 100 * MIB), 100 * MIB, 1);
  ck_assert_double_eq_tol(what_if_program_jump(&program, start - 310 * MIB), 0, 1e-9);
  ck_assert_double_ge(predict(50, SETTING_OFF).peak_heap_bytes.estimate, 350 * MIB);
  what_if_program_destroy(&program);
  recording_destroy(&recording);
}
END_TEST

/* 100 MiB live, of which young cycles leave a tenth of what was allocated as found: so they find up
 * to 50 MiB more, until a full one drops that. */
static struct recording generations(bool young) {
  static const char line[] = "0.010+%s+0.010 ms clock, 0+0.00/%s/0.00+0.000 ms cpu, "
                             "%d->%d->%d MB, 200 MB goal, 0 MB stacks, 0 MB globals, 4 P%s\n";
  char *text = NULL;
  size_t bytes = 0;
  FILE *out = open_memstream(&text, &bytes);
  for (int i = 0; i < 90; i++) {
    bool full = !young || i % 6 == 0;
    int found = full ? 100 : 100 + 10 * (i % 6);
    fprintf(out, "gc %d @%d.000s 1%%: ", i + 1, i + 1);
    fprintf(out, line, full ? "10.00" : "0.10", full ? "10.00" : "0.10", 200, 200, found,
            full ? "" : " (young)");
  }
  fclose(out);
  struct recording recording;
  struct recording_error error;
  if (!recording_parse(&recording, text, bytes, &error)) ck_abort_msg("%s", error.text);
  free(text);
  return recording;
}

/* A young cycle tells how much survives, and what that costs; what is live the full ones do. */
START_TEST(young_cycles_are_recovered) {
  struct recording recording = generations(true);
  recover(&recording);
  const struct what_if_point *points = program.points;
  ck_assert(program.young);
  for (int i = 6; i < 84; i++) {
    ck_assert_double_eq_tol(points[i].live_bytes, 100 * MIB, 1 * MIB);
    ck_assert_double_eq_tol(points[i].survival, 0.14, 0.05);
    ck_assert_double_eq_tol(points[i].cost, points[0].cost, points[0].cost / 50);
    ck_assert(points[i].young == (i % 6 != 0));
    if (points[i].young) ck_assert_double_eq_tol(points[i].young_cost * 100 * MIB, 1.4e-4, 5e-5);
  }
  what_if_program_destroy(&program);
  recording_destroy(&recording);
}
END_TEST

/* Young cycles are foretold, at a fraction of the cost; and a limit that sets the goal makes all of
 * them full. */
START_TEST(predictions_have_young_cycles) {
  struct recording recording = generations(true);
  recover(&recording);
  struct what_if_prediction same = predict(100, SETTING_OFF), wide = predict(200, SETTING_OFF);
  struct what_if_prediction limit = predict(SETTING_OFF, (int64_t)(200 * MIB));
  ck_assert_double_eq_tol(same.cycles.estimate, 90, 8);
  ck_assert_double_eq_tol(same.gc_cpu_seconds.estimate, 0.1575, 0.05);
  what_if_program_destroy(&program);
  recording_destroy(&recording);
  recording = generations(false);
  recover(&recording);
  ck_assert(!program.young);
  struct what_if_prediction old = predict(200, SETTING_OFF);
  ck_assert_double_gt(old.gc_cpu_seconds.estimate / old.cycles.estimate,
                      2 * wide.gc_cpu_seconds.estimate / wide.cycles.estimate);
  struct what_if_prediction full = predict(SETTING_OFF, (int64_t)(200 * MIB));
  double each = full.gc_cpu_seconds.estimate / full.cycles.estimate;
  ck_assert_double_eq_tol(limit.gc_cpu_seconds.estimate / limit.cycles.estimate, each, each / 10);
  what_if_program_destroy(&program);
  recording_destroy(&recording);
}
END_TEST

/* What histories of one recording and of three differ by, with estimates that do not or do. */
START_TEST(several_runs_make_one_prediction) {
  struct recording recording = load("steady-fast");
  struct what_if_program list[3];
  for (int i = 0; i < 3; i++) {
    recover(&recording);
    list[i] = program;
  }
  struct setting setting = {200, SETTING_OFF, 0};
  struct what_if_prediction one, three, apart;
  const struct what_if_programs single = {.list = list, .count = 1};
  const struct what_if_programs all = {.list = list, .count = 3};
  what_if_programs_predict(&single, &setting, &one);
  what_if_programs_predict(&all, &setting, &three);
  ck_assert_double_eq_tol(three.cycles.estimate, one.cycles.estimate, 1e-6);
  ck_assert_double_lt(three.cycles.high / three.cycles.low, one.cycles.high / one.cycles.low);
  for (size_t i = 0; i < list[2].count; i++)
    list[2].points[i].live_bytes /= 2;
  what_if_programs_predict(&all, &setting, &apart);
  expect_range(&apart.cycles);
  ck_assert_double_gt(apart.cycles.estimate, one.cycles.estimate);
  ck_assert_double_gt(apart.cycles.high / apart.cycles.low, one.cycles.high / one.cycles.low);
  for (int i = 0; i < 3; i++)
    what_if_program_destroy(&list[i]);
  recording_destroy(&recording);
}
END_TEST

START_TEST(predictions_have_ranges_at_extremes) {
  struct recording recording = made_up(5, 4e8); /* four hundred terabytes */
  recover(&recording);
  for (int64_t gogc = SETTING_OFF; gogc <= 1000000; gogc = gogc * 10 + 10) {
    struct what_if_prediction now = predict(gogc, SETTING_OFF);
    expect_range(&now.cycles);
    expect_range(&now.peak_heap_bytes);
    now = predict(gogc, (int64_t)(64 * MIB));
    expect_range(&now.cycles);
    expect_range(&now.peak_heap_bytes);
  }
  what_if_program_destroy(&program);
  recording_destroy(&recording);
}
END_TEST

int main(int argc, char **argv) {
  folder = argc > 1 ? argv[1] : ".";
  const TTest *const tests[] = {prediction_of_the_recorded_setting_is_the_recording,
                                prediction_for_more_gogc_is_fewer_cycles,
                                predictions_keep_to_limits,
                                predictions_follow_the_law,
                                live_heap_between_cycles_is_recovered,
                                predicted_assists_follow_from_room,
                                program_that_marks_less_allocates_longer,
                                prediction_for_gait_counts_half_of_floating_garbage,
                                large_allocation_is_recovered_as_a_jump,
                                young_cycles_are_recovered,
                                predictions_have_young_cycles,
                                several_runs_make_one_prediction,
                                predictions_have_ranges_at_extremes};
  return SUITE_RUN("what_if", tests);
}
