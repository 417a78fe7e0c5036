/* run_suite.h: a program that is one suite of Check's. */
#ifndef SUPPORT_RUN_SUITE_H
#define SUPPORT_RUN_SUITE_H

#include <check.h>
#include <stdlib.h>

/* A test may take long on a slow machine or under a sanitizer: the time-out only ends what hangs.
 */
#define SUITE_HANG_SECONDS 600

static inline TCase *suite_case(Suite *suite, const char *name) {
  TCase *tcase = tcase_create(name);
  tcase_set_timeout(tcase, SUITE_HANG_SECONDS);
  suite_add_tcase(suite, tcase);
  return tcase;
}

/* Runs the suite.  Returns the exit status of the program. */
static inline int suite_end(Suite *suite) {
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  const int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Runs tests as the only case of a suite. */
static inline int suite_run(const char *name, const TTest *const *tests, size_t count) {
  Suite *suite = suite_create(name);
  TCase *tcase = suite_case(suite, name);
  for (size_t i = 0; i < count; i++)
    tcase_add_test(tcase, tests[i]);
  return suite_end(suite);
}

#define SUITE_RUN(name, tests) suite_run(name, tests, sizeof(tests) / sizeof *(tests))

#endif
