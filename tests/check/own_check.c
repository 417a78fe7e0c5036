#define _POSIX_C_SOURCE 200809L
#include "own_check.h"

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK_MOST_TESTS 256
#define CHECK_MOST_CASES 64

struct check_test {
  const TTest *test;
  int first, last;
};

struct TCase {
  const char *name;
  unsigned seconds; /* 0: no end */
  struct check_test tests[CHECK_MOST_TESTS];
  size_t count;
  void (*before)(void), (*after)(void);
};

struct Suite {
  const char *name;
  TCase *cases[CHECK_MOST_CASES];
  size_t count;
};

struct SRunner {
  const Suite *suite;
  int runs, failures;
};

static void *check_alloc(size_t bytes) {
  void *memory = calloc(1, bytes);
  if (!memory) abort();
  return memory;
}

_Noreturn void check_fail(const char *file, int line, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s:%d: ", file, line);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  fflush(NULL);
  _exit(EXIT_FAILURE);
}

Suite *suite_create(const char *name) {
  Suite *suite = check_alloc(sizeof *suite);
  suite->name = name;
  return suite;
}

TCase *tcase_create(const char *name) {
  TCase *tcase = check_alloc(sizeof *tcase);
  tcase->name = name;
  tcase->seconds = 60;
  return tcase;
}

void suite_add_tcase(Suite *suite, TCase *tcase) {
  if (suite->count == CHECK_MOST_CASES) abort();
  suite->cases[suite->count++] = tcase;
}

void tcase_set_timeout(TCase *tcase, double seconds) {
  tcase->seconds = (unsigned)seconds;
}

void tcase_add_test(TCase *tcase, const TTest *test) {
  tcase_add_loop_test(tcase, test, 0, 1);
}

void tcase_add_loop_test(TCase *tcase, const TTest *test, int first, int last) {
  if (tcase->count == CHECK_MOST_TESTS) abort();
  tcase->tests[tcase->count++] = (struct check_test){test, first, last};
}

void tcase_add_checked_fixture(TCase *tcase, void (*before)(void), void (*after)(void)) {
  tcase->before = before;
  tcase->after = after;
}

SRunner *srunner_create(Suite *suite) {
  SRunner *runner = check_alloc(sizeof *runner);
  runner->suite = suite;
  return runner;
}

static void check_call(const TCase *tcase, const struct check_test *test, int i) {
  if (tcase->before) tcase->before();
  test->test->function(i);
  if (tcase->after) tcase->after();
}

static bool check_is(const char *variable, const char *value) {
  const char *set = getenv(variable);
  return set && strcmp(set, value) == 0;
}

/* In a process group of its own, so that what it leaves behind goes with it. */
static int check_run_child(const TCase *tcase, const struct check_test *test, int i) {
  fflush(NULL);
  pid_t child = fork();
  if (child < 0) abort();
  if (child == 0) {
    setpgid(0, 0);
    alarm(tcase->seconds);
    check_call(tcase, test, i);
    exit(EXIT_SUCCESS);
  }
  int status = -1;
  waitpid(child, &status, 0);
  kill(-child, SIGKILL);
  return status;
}

static void check_run(SRunner *runner, const TCase *tcase, const struct check_test *test, int i) {
  int status = 0;
  runner->runs++;
  if (check_is("CK_FORK", "no"))
    check_call(tcase, test, i);
  else
    status = check_run_child(tcase, test, i);
  if (status == 0 && !check_is("CK_VERBOSITY", "verbose")) return;
  runner->failures += status != 0;
  printf("%s: %s: %s: %d: ", runner->suite->name, tcase->name, test->test->name, i);
  if (status == 0)
    printf("passed\n");
  else if (WIFSIGNALED(status))
    printf("ended by signal %d\n", WTERMSIG(status));
  else
    printf("failed\n");
}

void srunner_run_all(SRunner *runner, enum print_output output) {
  (void)output;
  const Suite *suite = runner->suite;
  for (size_t i = 0; i < suite->count; i++)
    for (size_t j = 0; j < suite->cases[i]->count; j++)
      for (int k = suite->cases[i]->tests[j].first; k < suite->cases[i]->tests[j].last; k++)
        check_run(runner, suite->cases[i], &suite->cases[i]->tests[j], k);
  printf("%s: %d checks, %d failures\n", suite->name, runner->runs, runner->failures);
}

int srunner_ntests_failed(SRunner *runner) {
  return runner->failures;
}

void srunner_free(SRunner *runner) {
  free(runner);
}
