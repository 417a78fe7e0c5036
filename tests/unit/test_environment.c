/* The environment: names that are no option, and a program with raised privileges.
 *
 * A name is told once in a process, so each test relies on a process of its own. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const unit_suite_name = "environment";

static size_t environment_options(void) {
  size_t count = 0;
  while (gait_option_at(count))
    count++;
  return count;
}

/* What the test was started with is none of its business. */
static void environment_clear(void) {
  static char *none[] = {NULL};
  environ = none;
}

/* Reads the environment with those variables set, and returns what was logged.  A name is told once
 * in a process, and Check runs each test in one of its own. */
static const char *environment_log(const char *const *names, unit_log *log) {
  memset(log, 0, sizeof *log);
  for (size_t i = 0; names[i]; i++)
    setenv(names[i], "1", 1);
  gait_options options;
  gait_options_init(&options);
  options.log = unit_log_line;
  options.log_arg = log;
  char error[256] = "";
  ck_assert_int_eq(gait_options_from_environment(&options, error, sizeof error), GAIT_OK);
  return log->text;
}

/* A name, and the option that is suggested in its place; NULL: none. */
static const struct environment_misspelt {
  const char *name;
  const char *nearest;
} environment_misspellings[] = {
    {"GAIT_GOCG", "GAIT_GOGC"},
    {"GAIT_GOG", "GAIT_GOGC"},
    {"GAIT_GOGCC", "GAIT_GOGC"},
    {"GAIT_gogc", "GAIT_GOGC"},
    {"GAIT_MEMLIMT", "GAIT_MEMORY_LIMIT"},
    {"GAIT_MEM_LIMIT", "GAIT_MEMORY_LIMIT"},
    {"GAIT_MEMORYLIMIT", "GAIT_MEMORY_LIMIT"},
    {"GAIT_TRCAE", "GAIT_TRACE"},
    {"GAIT_CHECK_MARK", "GAIT_CHECKMARK"},
    {"GAIT_HUGEPAGES", "GAIT_HUGE_PAGES"},
    {"GAIT_BARRIERLES", "GAIT_BARRIERLESS"},
    {"GAIT_", NULL},
    {"GAIT_X", NULL},
    {"GAIT_PIG", NULL},
    {"GAIT_ANALYSIS_HOME", NULL},
    {"GAIT_OF_A_HORSE_THAT_IS_LATE_FOR_THE_TRACE", NULL},
};

START_TEST(environment_names_unknown_options) {
  const struct environment_misspelt *one = &environment_misspellings[_i];
  static unit_log log;
  char expected[256];
  if (one->nearest)
    snprintf(expected, sizeof expected, "gait: %s: there is no such option; did you mean %s?\n",
             one->name, one->nearest);
  else
    snprintf(expected, sizeof expected, "gait: %s: there is no such option\n", one->name);
  const char *const names[] = {"GAIT_TRACE", one->name, NULL};
  ck_assert_str_eq(environment_log(names, &log), expected);
  ck_assert_str_eq(environment_log(names, &log), "");
}
END_TEST

START_TEST(environment_takes_the_nearest_name_of_all) {
  for (size_t i = 0; i < environment_options(); i++) {
    char name[64]; /* one letter too many, which no option has */
    snprintf(name, sizeof name, "%sQ", gait_option_at(i)->environment);
    setenv(name, "1", 1);
  }
  static unit_log log;
  const char *const names[] = {"GAIT_UNLIKE_ANY", NULL};
  environment_log(names, &log);
  ck_assert_uint_eq(log.lines, environment_options() + 1);
  for (size_t i = 0; i < environment_options(); i++) {
    const char *environment = gait_option_at(i)->environment;
    char line[256];
    snprintf(line, sizeof line, "gait: %sQ: there is no such option; did you mean %s?\n",
             environment, environment);
    ck_assert_msg(strstr(log.text, line) != NULL, "no line of %sQ in:\n%s", environment, log.text);
  }
}
END_TEST

/* An old name sets what the new one does, and is named once; where both are set, the new one
 * counts. */
START_TEST(environment_takes_old_names) {
  static unit_log log;
  memset(&log, 0, sizeof log);
  gait_options options;
  gait_options_init(&options);
  options.log = unit_log_line;
  options.log_arg = &log;
  char error[256] = "";
  setenv("GAIT_MEMLIMIT", "banana", 1);
  ck_assert_int_eq(gait_options_from_environment(&options, error, sizeof error),
                   GAIT_ERROR_OPTION_VALUE);
  ck_assert_ptr_nonnull(strstr(error, "GAIT_MEMLIMIT=banana"));
  setenv("GAIT_MEMLIMIT", "700MiB", 1);
  ck_assert_int_eq(gait_options_from_environment(&options, error, sizeof error), GAIT_OK);
  ck_assert_int_eq(options.memory_limit_bytes, (int64_t)700 << 20);
  setenv("GAIT_MEMORY_LIMIT", "800MiB", 1);
  ck_assert_int_eq(gait_options_from_environment(&options, error, sizeof error), GAIT_OK);
  ck_assert_int_eq(options.memory_limit_bytes, (int64_t)800 << 20);
  ck_assert_str_eq(log.text, "gait: GAIT_MEMLIMIT is called GAIT_MEMORY_LIMIT now\n");
}
END_TEST

START_TEST(environment_says_nothing_of_known_options) {
  static unit_log log;
  setenv("GAIT_GOCG", "", 1); /* sets nothing */
  setenv("GAITGOGC", "1", 1); /* not ours */
  const char *const names[] = {"GAIT_TRACE",   "GAIT_LIMITS", "GAIT_CYCLES",
                               "GAIT_SECONDS", "GAIT_SEED",   NULL};
  ck_assert_str_eq(environment_log(names, &log), "");
}
END_TEST

START_TEST(environment_names_keep_to_one_line) {
  char name[600] = "GAIT_BAD\nNAME\x1b";
  static unit_log log;
  const char *const names[] = {name, NULL};
  ck_assert_str_eq(environment_log(names, &log), "gait: GAIT_BAD?NAME?: there is no such option\n");
}
END_TEST

START_TEST(environment_names_may_be_long) {
  char name[600];
  memset(name, 'A', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  memcpy(name, "GAIT_", 5);
  static unit_log log;
  const char *const names[] = {name, &name[sizeof name - 1 - 200], NULL};
  environment_log(names, &log);
  ck_assert_uint_eq(log.lines, 0); /* the first is too long to be a slip, the second not ours */
}
END_TEST

static void environment_read_error(int file, char *text, size_t bytes) {
  const ssize_t count = pread(file, text, bytes - 1, 0);
  ck_assert_int_ge(count, 0);
  text[count] = '\0';
}

START_TEST(environment_errors_are_on_standard_error) {
  char path[] = "/tmp/gait_environment_XXXXXX", said[256];
  const int file = mkstemp(path);
  ck_assert_int_ge(file, 0);
  unlink(path);
  setenv("GAIT_GOCG", "50", 1);
  fflush(stderr);
  ck_assert_int_ge(dup2(file, STDERR_FILENO), 0);
  for (int i = 0; i < 2; i++) {
    gait_heap *heap;
    ck_assert_int_eq(gait_heap_create(NULL, &heap), GAIT_OK);
    ck_assert_int_eq(gait_heap_destroy(heap), GAIT_OK);
  }
  environment_read_error(file, said, sizeof said);
  ck_assert_str_eq(said, "gait: GAIT_GOCG: there is no such option; did you mean GAIT_GOGC?\n");
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *names = unit_case(suite, "names");
  tcase_add_checked_fixture(names, environment_clear, NULL);
  tcase_add_loop_test(names, environment_names_unknown_options, 0,
                      (int)(sizeof environment_misspellings / sizeof *environment_misspellings));
  tcase_add_test(names, environment_takes_the_nearest_name_of_all);
  tcase_add_test(names, environment_takes_old_names);
  tcase_add_test(names, environment_says_nothing_of_known_options);
  tcase_add_test(names, environment_names_keep_to_one_line);
  tcase_add_test(names, environment_names_may_be_long);
  tcase_add_test(names, environment_errors_are_on_standard_error);
}
