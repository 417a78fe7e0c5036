/* The reader of recordings: every form of the line, and everything that is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/run_suite.h"
#include "../support/sizes.h"
#include "what_if/recording_file.h"

static const char *folder;

static const char go_1_27[] =
    "gc 7 @0.593s 6%: 0.059+56+0.029 ms clock, 0.11+8.7/30/37+0.058 ms cpu, 201->209->120 MB, "
    "237 MB goal, 1 MB stacks, 2 MB globals, 2 P\n";

static struct recording recording;
static struct recording_error error;

static bool parse(const char *text) {
  recording_destroy(&recording);
  error.text[0] = '\0';
  return recording_parse(&recording, text, strlen(text), &error);
}

static void expect_error(const char *text, const char *part) {
  ck_assert(!parse(text));
  ck_assert_msg(strstr(error.text, part) != NULL, "\"%s\" is not in \"%s\"", part, error.text);
  ck_assert_uint_eq(recording.count, 0);
}

START_TEST(line_of_a_recording_is_read) {
  ck_assert(parse(go_1_27));
  ck_assert_uint_eq(recording.count, 1);
  const struct recording_cycle *cycle = &recording.cycles[0];
  ck_assert_uint_eq(cycle->line, 1);
  ck_assert_uint_eq(cycle->number, 7);
  ck_assert_double_eq_tol(cycle->start_seconds, 0.593, 1e-9);
  ck_assert_double_eq_tol(cycle->mark_ms, 56, 1e-9);
  ck_assert_double_eq_tol(cycle->stop_ms, 0.088, 1e-9);
  ck_assert_double_eq_tol(cycle->assist_ms, 8.7, 1e-9);
  ck_assert_double_eq_tol(cycle->background_ms, 30, 1e-9);
  ck_assert_double_eq_tol(cycle->idle_ms, 37, 1e-9);
  ck_assert_double_eq_tol(cycle->trigger_bytes, 201.5 * MIB, 1);
  ck_assert_double_eq_tol(cycle->peak_bytes, 209.5 * MIB, 1);
  ck_assert_double_eq_tol(cycle->marked_bytes, 120.5 * MIB, 1);
  ck_assert_double_eq_tol(cycle->goal_bytes, 237.5 * MIB, 1);
  ck_assert_double_eq_tol(cycle->roots_bytes, 4 * MIB, 1);
  ck_assert_double_eq_tol(cycle->cpus, 2, 1e-9);
  ck_assert_int_eq(recording.system, RECORDING_GO);
}
END_TEST

START_TEST(recording_of_go_1_5_has_five_phases) {
  ck_assert(parse("gc 1 @0.014s 5%: 0.2+1.5+0.1+3.25+0.4 ms clock, 0.2+1.5+0.1+2/3/4+0.4 ms cpu, "
                  "4->5->1 MB, 4 MB goal, 8 P (forced)\r\n"));
  const struct recording_cycle *cycle = &recording.cycles[0];
  ck_assert_double_eq_tol(cycle->mark_ms, 4.85, 1e-9);
  ck_assert_double_eq_tol(cycle->stop_ms, 0.6, 1e-9);
  ck_assert_double_eq_tol(cycle->assist_ms, 2, 1e-9);
  ck_assert_double_eq_tol(cycle->background_ms, 3, 1e-9);
  ck_assert_double_eq_tol(cycle->idle_ms, 4, 1e-9);
  ck_assert_double_eq_tol(cycle->roots_bytes, 0, 1e-9);
}
END_TEST

START_TEST(recording_stands_anywhere_in_a_log) {
  ck_assert(parse("starting gc 12 of them\n"
                  "pacer: assist ratio=+1.2e+000 (scan 1 MB in 70->80 MB) workers=2++0.0e+000\n"
                  "2026-11-23T10:00:01 app[4]: gc 1 @0.5s 1%: 0.1+2+0.1 ms clock, 0.1+0/1/2+0.1 ms "
                  "cpu, 4->4->1 MB, 5 MB goal, 4 P\n"
                  "\n"
                  "scvg: 0 MB released\n"
                  "gc 2 @0.7s 1%: 0.1+2+0.1 ms clock, 0.1+0/1/2+0.1 ms cpu, 4->4->1 MB, 5 MB goal, "
                  "4 P tail"));
  ck_assert_uint_eq(recording.count, 2);
  ck_assert_uint_eq(recording.unused, 0);
  ck_assert_uint_eq(recording.cycles[0].line, 3);
  ck_assert_uint_eq(recording.cycles[1].line, 6);
}
END_TEST

START_TEST(recording_of_gait_is_told_from_that_of_go) {
  ck_assert(parse("gc 1 @0.014s 5%: 0.010+3.25+0.011 ms clock, 0.020+0.10/2.00/0.00+0.022 ms cpu, "
                  "4->5->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P\n"));
  ck_assert_int_eq(recording.system, RECORDING_GAIT);
}
END_TEST

/* A line that is cut at any place is left out and named; the lines around it stay. */
START_TEST(recording_may_be_cut_anywhere) {
  size_t whole = strlen(go_1_27) - 1, least = strlen("gc 7 @");
  for (size_t cut = least; cut + 1 < whole; cut++) {
    char text[1024];
    snprintf(text, sizeof text, "one\n%.*s\n%s", (int)cut, go_1_27, go_1_27);
    ck_assert_msg(parse(text), "cut at %zu: %s", cut, error.text);
    ck_assert_uint_eq(recording.count, 1);
    ck_assert_uint_eq(recording.unused, 1);
    ck_assert_ptr_nonnull(strstr(recording.complaint, "line 2"));
    expect_error(strtok(text + 4, "\n"), "line 1: the cycle is cut off");
  }
}
END_TEST

START_TEST(recording_without_cycles_is_an_error) {
  expect_error("", "no cycles in 0 bytes");
  expect_error("hello\nworld\n", "no cycles in 12 bytes");
  expect_error("\xff\xfe gc gc gc 1 \x01 @", "no cycles");
  ck_assert(!recording_parse(&recording, "gc 1 @\0\0s", 9, &error));
}
END_TEST

START_TEST(nonsense_in_a_recording_is_named) {
#define LINE(number, clock, heap)                                                                  \
  "gc " number " @" clock "s 1%: 0.1+2+0.1 ms clock, 0.1+0/1/2+0.1 ms cpu, " heap                  \
  " MB, 5 MB goal, 4 P\n"
  expect_error(LINE("1", "0.1", "9->8->1"), "line 1: the heap shrinks");
  expect_error(LINE("1", "0.1", "4->5->6"), "line 1: more is marked");
  expect_error(LINE("1", "0.1", "99999999999->99999999999->1"), "line 1");
  expect_error(LINE("1", "0.1", "-4->5->1"), "line 1");
  expect_error(LINE("1", "0.9", "4->5->1") "x\n" LINE("2", "0.2", "4->5->1"),
               "line 3: the clock goes back from 0.900s to 0.200s");
  expect_error(LINE("8", "0.9", "4->5->1") LINE("2", "1.0", "4->5->1"),
               "line 2: cycle 2 comes after cycle 8 in line 1");
  expect_error(LINE("8", "0.9", "4->5->1") LINE("1", "0.0", "4->5->1"),
               "line 2: another run begins");
}
END_TEST

/* Only a cycle that somebody forced is not said to be young, or full. */
START_TEST(young_cycle_is_read) {
  ck_assert(parse("gc 1 @0.1s 1%: 0.1+2+0.1 ms clock, 0.1+0/1/2+0.1 ms cpu, 4->4->1 MB, 5 MB goal, "
                  "4 P (young)\n"
                  "gc 2 @0.2s 1%: 0.1+2+0.1 ms clock, 0.1+0/1/2+0.1 ms cpu, 4->4->1 MB, 5 MB goal, "
                  "4 P (forced)\n"
                  "gc 3 @0.3s 1%: 0.1+2+0.1 ms clock, 0.1+0/1/2+0.1 ms cpu, 4->4->1 MB, 5 MB goal, "
                  "4 P\n"));
  ck_assert_uint_eq(recording.count, 3);
  ck_assert(recording.cycles[0].young && !recording.cycles[1].young && !recording.cycles[2].young);
}
END_TEST

/* Two runs in one file are two recordings, with the lines of the file. */
START_TEST(runs_of_a_file_are_read) {
  char path[] = "/tmp/gait_runs.XXXXXX";
  struct recordings runs;
  int fd = mkstemp(path);
  FILE *out = fdopen(fd, "w");
  fputs("first\n" LINE("1", "0.1", "4->5->1") LINE("2", "0.2", "4->5->1") "again\n", out);
  fputs(LINE("1", "0.1", "4->5->2") LINE("2", "0.3", "4->5->2") LINE("4", "0.4", "4->5->2"), out);
  fclose(out);
  ck_assert_msg(recordings_load(&runs, path, &error), "%s", error.text);
  ck_assert_uint_eq(runs.count, 2);
  ck_assert_uint_eq(runs.list[0].count, 2);
  ck_assert_uint_eq(runs.list[1].count, 3);
  ck_assert_uint_eq(runs.list[1].cycles[0].line, 5);
  recordings_destroy(&runs);
  ck_assert(!recording_load(&recording, path, &error));
  ck_assert_ptr_nonnull(strstr(error.text, "line 5: another run begins"));
  unlink(path);
}
END_TEST

START_TEST(recording_of_a_terabyte_heap_is_read) {
  ck_assert(parse(LINE("1", "0.1", "4194304->5242880->1048576")));
  ck_assert_double_eq_tol(recording.cycles[0].marked_bytes, 1048576.5 * MIB, 1);
}
END_TEST

/* Eight cycles of a program with 9.25 MiB live more in each, as Go prints them at `gogc`. */
static void growing(double gogc, char *text, size_t bytes) {
  double marked = 5.8, goal = 7;
  size_t at = 0;
  for (int i = 0; i < 8; i++, marked += 9.25) {
    at += (size_t)snprintf(text + at, bytes - at,
                           "gc %d @%d.0s 1%%: 0.1+2+0.1 ms clock, 0.1+0/1/2+0.1 ms cpu, "
                           "%d->%d->%d MB, %d MB goal, 0 MB stacks, 0 MB globals, 2 P\n",
                           i + 1, i, (int)marked + 2, (int)marked + 2, (int)marked, (int)goal);
    goal = marked + (marked + 0.15) * gogc / 100;
  }
}

/* The goal that follows says more closely what was marked; the last cycle has none after it. */
START_TEST(goals_of_a_recording_tell_gogc) {
  char text[4096];
  static const double values[] = {50, 100, 200, 400, 135};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    growing(values[i], text, sizeof text);
    ck_assert(parse(text));
    ck_assert_double_eq_tol(recording.gogc_percent, values[i], 1e-9);
    double most = MIB / 2 / (1 + values[i] / 100) + 1;
    for (int j = 0; j < 7; j++)
      ck_assert_double_eq_tol(recording.cycles[j].marked_bytes, (5.8 + 9.25 * j) * MIB, most);
    ck_assert_double_eq_tol(recording.cycles[7].marked_bytes, 70.5 * MIB, 1);
  }
}
END_TEST

/* Writes 77 over every `every`th goal of two digits. */
static void limit_goals(char *text, int every) {
  int count = 0;
  for (char *goal = strstr(text, "MB, "); goal != NULL; goal = strstr(goal + 1, "MB, "))
    if (goal[6] == ' ' && ++count % every == 0) memcpy(goal + 4, "77", 2);
}

/* Goals that a limit sets, all or some, or that are all the smallest heap, tell nothing. */
START_TEST(goals_of_a_recording_may_tell_nothing) {
  char text[4096];
  growing(5, text, sizeof text);
  limit_goals(text, 1);
  ck_assert(parse(text));
  ck_assert_double_eq_tol(recording.gogc_percent, 0, 1e-9);
  ck_assert_double_eq_tol(recording.cycles[1].marked_bytes, 15.5 * MIB, 1);
  growing(100, text, sizeof text);
  limit_goals(text, 2);
  ck_assert(parse(text));
  ck_assert_double_eq_tol(recording.gogc_percent, 0, 1e-9);
  growing(-100, text, sizeof text);
  ck_assert(parse(text));
  ck_assert_double_eq_tol(recording.gogc_percent, 0, 1e-9);
}
END_TEST

START_TEST(recorded_files_are_read) {
  char path[1024];
  snprintf(path, sizeof path, "%s/trees.gogc100.nolimit.txt", folder);
  recording_destroy(&recording);
  ck_assert_msg(recording_load(&recording, path, &error), "%s", error.text);
  ck_assert_uint_eq(recording.count, 57);
  ck_assert_uint_eq(recording.unused, 0);
  ck_assert_int_eq(recording.system, RECORDING_GO);
  ck_assert_double_eq_tol(recording.gogc_percent, 100, 1e-9);
  recording_destroy(&recording);
  ck_assert(!recording_load(&recording, "/nowhere/at/all", &error));
  ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/at/all: No such file"));
}
END_TEST

int main(int argc, char **argv) {
  folder = argc > 1 ? argv[1] : ".";
  const TTest *const tests[] = {line_of_a_recording_is_read,
                                recording_of_go_1_5_has_five_phases,
                                recording_stands_anywhere_in_a_log,
                                recording_of_gait_is_told_from_that_of_go,
                                recording_may_be_cut_anywhere,
                                recording_without_cycles_is_an_error,
                                nonsense_in_a_recording_is_named,
                                young_cycle_is_read,
                                runs_of_a_file_are_read,
                                recording_of_a_terabyte_heap_is_read,
                                goals_of_a_recording_tell_gogc,
                                goals_of_a_recording_may_tell_nothing,
                                recorded_files_are_read};
  return SUITE_RUN("recording", tests);
}
