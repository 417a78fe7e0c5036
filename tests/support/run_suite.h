/* run_suite.h: runs tests as one Check suite with one case and no time limit. */
#ifndef SUPPORT_RUN_SUITE_H
#define SUPPORT_RUN_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Returns the exit status of the program. */
static inline int suite_run(const char *name, const TTest *const *tests, size_t count) {
  Suite *suite = suite_create(name);
  TCase *tcase = tcase_create(name);
  for (size_t i = 0; i < count; i++)
    tcase_add_test(tcase, tests[i]);
  tcase_set_timeout(tcase, 0);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define SUITE_RUN(name, tests) suite_run(name, tests, sizeof(tests) / sizeof *(tests))

#endif
