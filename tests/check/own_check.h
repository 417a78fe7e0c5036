/* own_check.h: the part of the Check framework that the tests use, for systems and C libraries for
 * which none is installed; there <check.h> is this file.  Each test runs in a child of its own, or,
 * with CK_FORK=no, in this process; with CK_VERBOSITY=verbose those that pass are named as well. */
#ifndef OWN_CHECK_H
#define OWN_CHECK_H

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct Suite Suite;
typedef struct TCase TCase;
typedef struct SRunner SRunner;

typedef struct TTest {
  const char *name;
  void (*function)(int _i);
} TTest;

enum print_output { CK_NORMAL, CK_ENV };

/* What is made here is never freed: a program has one suite. */
Suite *suite_create(const char *name);
TCase *tcase_create(const char *name);
void suite_add_tcase(Suite *suite, TCase *tcase);
void tcase_set_timeout(TCase *tcase, double seconds);
void tcase_add_test(TCase *tcase, const TTest *test);
/* The test gets each of first .. last - 1 as its _i. */
void tcase_add_loop_test(TCase *tcase, const TTest *test, int first, int last);

/* Called before and after each test of the case, where it runs; NULL: nothing. */
void tcase_add_checked_fixture(TCase *tcase, void (*before)(void), void (*after)(void));

SRunner *srunner_create(Suite *suite);
void srunner_run_all(SRunner *runner, enum print_output output);
int srunner_ntests_failed(SRunner *runner);
void srunner_free(SRunner *runner);

#define START_TEST(test)                                                                           \
  static void test##_function(int _i);                                                             \
  static const TTest test##_entry = {#test, test##_function};                                      \
  static const TTest *const test = &test##_entry;                                                  \
  static void test##_function(int _i __attribute__((unused)))
#define END_TEST

/* Ends the test as failed; from any of its threads. */
_Noreturn void check_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define ck_abort_msg(...) check_fail(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert_msg(condition, ...)                                                              \
  ((condition) ? (void)0 : check_fail(__FILE__, __LINE__, __VA_ARGS__))
#define ck_assert(condition) ck_assert_msg(condition, "%s", #condition)

#define CHECK_COMPARE(type, form, a, operation, b)                                                 \
  do {                                                                                             \
    type check_a = (a);                                                                            \
    type check_b = (b);                                                                            \
    ck_assert_msg(check_a operation check_b, "%s: %" form " and %" form, #a " " #operation " " #b, \
                  check_a, check_b);                                                               \
  } while (0)

#define ck_assert_int_eq(a, b) CHECK_COMPARE(intmax_t, PRIdMAX, a, ==, b)
#define ck_assert_int_ne(a, b) CHECK_COMPARE(intmax_t, PRIdMAX, a, !=, b)
#define ck_assert_int_ge(a, b) CHECK_COMPARE(intmax_t, PRIdMAX, a, >=, b)
#define ck_assert_int_gt(a, b) CHECK_COMPARE(intmax_t, PRIdMAX, a, >, b)
#define ck_assert_int_le(a, b) CHECK_COMPARE(intmax_t, PRIdMAX, a, <=, b)
#define ck_assert_int_lt(a, b) CHECK_COMPARE(intmax_t, PRIdMAX, a, <, b)

#define ck_assert_uint_eq(a, b) CHECK_COMPARE(uintmax_t, PRIuMAX, a, ==, b)
#define ck_assert_uint_ne(a, b) CHECK_COMPARE(uintmax_t, PRIuMAX, a, !=, b)
#define ck_assert_uint_ge(a, b) CHECK_COMPARE(uintmax_t, PRIuMAX, a, >=, b)
#define ck_assert_uint_gt(a, b) CHECK_COMPARE(uintmax_t, PRIuMAX, a, >, b)
#define ck_assert_uint_le(a, b) CHECK_COMPARE(uintmax_t, PRIuMAX, a, <=, b)
#define ck_assert_uint_lt(a, b) CHECK_COMPARE(uintmax_t, PRIuMAX, a, <, b)

#define ck_assert_double_eq(a, b) CHECK_COMPARE(double, "g", a, ==, b)
#define ck_assert_double_ge(a, b) CHECK_COMPARE(double, "g", a, >=, b)
#define ck_assert_double_gt(a, b) CHECK_COMPARE(double, "g", a, >, b)
#define ck_assert_double_le(a, b) CHECK_COMPARE(double, "g", a, <=, b)
#define ck_assert_double_lt(a, b) CHECK_COMPARE(double, "g", a, <, b)
#define ck_assert_double_eq_tol(a, b, tolerance)                                                   \
  CHECK_COMPARE(double, "g", fabs((a) - (b)), <, tolerance)

#define ck_assert_ptr_eq(a, b)    CHECK_COMPARE(const void *, "p", a, ==, b)
#define ck_assert_ptr_ne(a, b)    CHECK_COMPARE(const void *, "p", a, !=, b)
#define ck_assert_ptr_null(a)     ck_assert((a) == NULL)
#define ck_assert_ptr_nonnull(a)  ck_assert((a) != NULL)
#define ck_assert_str_eq(a, b)    check_strings(__FILE__, __LINE__, 1, a, b)
#define ck_assert_str_ne(a, b)    check_strings(__FILE__, __LINE__, 0, a, b)
#define ck_assert_mem_eq(a, b, n) ck_assert(memcmp(a, b, n) == 0)

static inline void check_strings(const char *file, int line, int same, const char *a,
                                 const char *b) {
  if ((strcmp(a, b) == 0) != same)
    check_fail(file, line, "\"%s\" and \"%s\" are %s", a, b, same ? "not the same" : "the same");
}

#endif
