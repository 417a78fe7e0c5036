/* Folders that are not as they should be: an error that names file and line, never a crash. */
#define _POSIX_C_SOURCE 200809L
#include "suite.h"

#include <sys/stat.h>
#include <unistd.h>

#include "../support/random.h"

static char input_folder[64];

static void input_open(void) {
  strcpy(input_folder, "/tmp/gait-replay-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(input_folder));
}

static void input_path(char *path, size_t room, const char *file) {
  snprintf(path, room, "%s/%s", input_folder, file);
}

static void input_write(const char *file, const char *text) {
  char path[128];
  input_path(path, sizeof path, file);
  FILE *out = fopen(path, "w");
  ck_assert_ptr_nonnull(out);
  fputs(text, out);
  fclose(out);
}

static void input_close(void) {
  static const char *const files[] = {"A.csv", "bounds.csv", "limiter.csv", "summary.csv"};
  char path[128];
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    input_path(path, sizeof path, files[i]);
    unlink(path);
  }
  ck_assert_int_eq(rmdir(input_folder), 0);
}

/* Reads, runs and checks the folder; true when all of it was readable. */
static bool input_replay(struct replay_error *error, struct replay_tally *tally) {
  struct replay_folder folder;
  *tally = (struct replay_tally){0};
  if (!replay_folder_read(&folder, input_folder, error)) return false;
  bool good = true;
  for (size_t i = 0; good && i < folder.scenario_count; i++)
    good = replay_scenario_run(&folder.scenarios[i], error) &&
           replay_check_scenario(&folder, &folder.scenarios[i], NULL, NULL, tally, error);
  good = good && replay_check_limiter(&folder.limiter, NULL, NULL, tally, error);
  replay_folder_release(&folder);
  return good;
}

static void input_expect_error(const char *wanted) {
  struct replay_error error;
  struct replay_tally tally;
  if (input_replay(&error, &tally)) ck_abort_msg("read, but should say \"%s\"", wanted);
  if (strstr(error.text, wanted) == NULL) ck_abort_msg("\"%s\" has no \"%s\"", error.text, wanted);
}

#define HEADER                                                                                     \
  "cycle,gc_percent,memory_limit,globals_bytes,n_cores,alloc_rate,scan_rate,growth_rate,"          \
  "scannable_frac,stack_bytes\n"
#define ROW(cycle) cycle ",100,9223372036854775807,32768,8,33,1024,1,1,8192\n"
#define BOUNDS     "scenario,from_cycle,to_cycle,metric,lower,upper\n"
#define LIMITER                                                                                    \
  "op,now_ns,arg_ns,arg_gc_enable,arg_procs,fill,capacity,overflow,limiting,need_update\n"

START_TEST(smallest_scenario_folder_is_read) {
  struct replay_error error;
  struct replay_tally tally;
  input_open();
  input_write("A.csv", HEADER ROW("1") ROW("2"));
  if (!input_replay(&error, &tally)) ck_abort_msg("%s", error.text);
  ck_assert_int_eq(tally.checks, 2 * 3);
  ck_assert_int_eq(tally.failed, 0);
  /* Carriage returns, blank lines and a bound that fails are no errors. */
  input_write("bounds.csv", BOUNDS "A,1,2,goal_ratio,2,\r\n\nA,2,9,heap_goal,,1e300\n");
  if (!input_replay(&error, &tally)) ck_abort_msg("%s", error.text);
  ck_assert_int_eq(tally.checks, 2 * 3 + 2 + 1);
  ck_assert_int_eq(tally.failed, 2);
  input_close();
}
END_TEST

START_TEST(bad_scenarios_are_named) {
  static const char *const cases[][2] = {
      {"", "A.csv:1: no column names"},
      {"cycle,gc_percent\n1,100\n", "no column \"memory_limit\""},
      {HEADER, "no cycles"},
      {HEADER "1,100\n", "A.csv:2: 2 cells, but 10 columns"},
      {HEADER ROW("2"), "A.csv:2: cycle is 2, not 1"},
      {HEADER ROW("1") ROW("3"), "A.csv:3: cycle is 3, not 2"},
      {HEADER "1,x,9223372036854775807,32768,8,33,1024,1,1,8192\n", "A.csv:2: gc_percent is \"x\""},
      {HEADER "1,,9223372036854775807,32768,8,33,1024,1,1,8192\n", "A.csv:2: gc_percent is \"\""},
      {HEADER "1,-2,9223372036854775807,32768,8,33,1024,1,1,8192\n", "gc_percent is -2, outside"},
      {HEADER "1,100,99999999999999999999,32768,8,33,1024,1,1,8192\n", "memory_limit is"},
      {HEADER "1,100,9223372036854775807,-1,8,33,1024,1,1,8192\n", "globals_bytes is -1, outside"},
      {HEADER "1,100,9223372036854775807,32768,0,33,1024,1,1,8192\n", "n_cores is 0, outside"},
      {HEADER "1,100,9223372036854775807,32768,8,nan,1024,1,1,8192\n", "alloc_rate is \"nan\""},
      {HEADER "1,100,9223372036854775807,32768,8,33,inf,1,1,8192\n", "scan_rate is \"inf\""},
      {HEADER "1,100,9223372036854775807,32768,8,33,0,1,1,8192\n", "A.csv:2: the mark makes no"},
      {HEADER "1,-1,9223372036854775807,32768,8,33,1024,1,1,8192\n", "A.csv:2: no cycle starts"},
      {HEADER "1,\"100\",9223372036854775807,32768,8,33,1024,1,1,8192\n", "quoted"},
      {"cycle,cycle\n1,1\n", "two columns are named \"cycle\""},
  };
  input_open();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    input_write("A.csv", cases[i][0]);
    input_expect_error(cases[i][1]);
  }
  input_close();
}
END_TEST

START_TEST(bad_bounds_are_named) {
  static const char *const cases[][2] = {
      {"scenario,from_cycle\nA,1\n", "no column \"to_cycle\""},
      {BOUNDS "A,1,1,speed,0,1\n", "bounds.csv:2: no metric \"speed\""},
      {BOUNDS "A,1,1,d_util_cx,0,1\n", "no metric \"d_util_cx\""},
      {BOUNDS "A,0,1,goal_ratio,0,1\n", "cycles 0 to 1 are no range"},
      {BOUNDS "A,2,1,goal_ratio,0,1\n", "cycles 2 to 1 are no range"},
      {BOUNDS "A,1,1,goal_ratio,low,1\n", "bounds.csv:2: lower is \"low\""},
  };
  input_open();
  input_write("A.csv", HEADER ROW("1"));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    input_write("bounds.csv", cases[i][0]);
    input_expect_error(cases[i][1]);
  }
  input_close();
}
END_TEST

START_TEST(bad_limiter_scripts_are_named) {
  static const char *const cases[][2] = {
      {"op,now_ns\nnew,0\n", "no column \"arg_ns\""},
      {LIMITER "update,0,,,,0,0,0,0,\n", "limiter.csv:2: op \"update\" before \"new\""},
      {LIMITER "new,0,,,0,0,0,0,0,\n", "arg_procs is outside"},
      {LIMITER "new,-1,,,4,0,0,0,0,\n", "now_ns is below 0"},
      {LIMITER "new,0,,,4,0,4000000000,0,0,\nfly,1,,,,,,,,\n", "limiter.csv:3: no op \"fly\""},
  };
  input_open();
  input_write("A.csv", HEADER ROW("1"));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    input_write("limiter.csv", cases[i][0]);
    input_expect_error(cases[i][1]);
  }
  struct replay_error error;
  struct replay_tally tally;
  input_write("limiter.csv", LIMITER "new,0,,,4,1,4000000000,0,0,\n");
  ck_assert(input_replay(&error, &tally));
  ck_assert_int_eq(tally.failed, 1); /* a limiter in the wrong state is a failed check */
  input_close();
}
END_TEST

START_TEST(missing_scenario_folders_are_named) {
  struct replay_folder folder;
  struct replay_error error;
  ck_assert(!replay_folder_read(&folder, "/nowhere/at/all", &error));
  ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/at/all"));
  input_open();
  input_expect_error("no scenario files");
  input_close();
}
END_TEST

/* Cuts and flips of a good file: any answer but a crash. */
START_TEST(garbage_in_scenarios_never_crashes_the_reader) {
  char text[] = HEADER ROW("1") ROW("2") ROW("3");
  char bounds[] = BOUNDS "A,1,3,goal_ratio,0.9,1.1\nA,2,3,d_util_prev,-0.1,0.1\n";
  uint64_t random = random_seed();
  input_open();
  for (int round = 0; round < 400; round++) {
    char mutated[sizeof text], *victim = mutated;
    struct replay_error error;
    struct replay_tally tally;
    bool in_bounds = round % 2 == 1;
    size_t length = in_bounds ? sizeof bounds - 1 : sizeof text - 1;
    memcpy(mutated, in_bounds ? bounds : text, length + 1);
    for (int i = 0; i < 3; i++)
      victim[random_next(&random) % length] =
          "0123456789.,-e\nx\"\r\xff"[random_next(&random) % 19];
    if (random_next(&random) % 4 == 0) victim[random_next(&random) % length] = 0;
    input_write("A.csv", in_bounds ? text : mutated);
    input_write("bounds.csv", in_bounds ? mutated : bounds);
    if (!input_replay(&error, &tally)) ck_assert_ptr_nonnull(strchr(error.text, ':'));
  }
  input_close();
}
END_TEST

int main(void) {
  const TTest *const tests[] = {smallest_scenario_folder_is_read,
                                bad_scenarios_are_named,
                                bad_bounds_are_named,
                                bad_limiter_scripts_are_named,
                                missing_scenario_folders_are_named,
                                garbage_in_scenarios_never_crashes_the_reader};
  return SUITE_RUN("pacer input", tests);
}
