/* Sizes: what the library makes of a structure that is not as large as its own, and of a program
 * with other inline functions.
 *
 * Here the program's structures are larger, or wrong; tests/abi has a program whose are smaller. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const unit_suite_name = "sizes";

/* A structure with fields behind it that the library does not know, and a guard behind these. */
#define SIZES_LATER(type)                                                                          \
  struct {                                                                                         \
    type known;                                                                                    \
    uint64_t unknown[2];                                                                           \
    uint64_t guard;                                                                                \
  }
#define SIZES_BYTES(later) offsetof(__typeof__(later), guard)
#define SIZES_GUARD        UINT64_C(0x6775617264677561)

START_TEST(larger_stats_of_a_program_end_in_zeros) {
  SIZES_LATER(gait_stats) later;
  memset(&later, 0xee, sizeof later);
  later.guard = SIZES_GUARD;
  gait_stats_read_sized(unit.heap, &later.known, SIZES_BYTES(later));
  ck_assert_uint_eq(later.known.threads, 1);
  ck_assert_uint_eq(later.unknown[0] | later.unknown[1], 0);
  ck_assert_uint_eq(later.guard, SIZES_GUARD);
}
END_TEST

START_TEST(records_are_copied_with_the_stride_of_the_program) {
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  typedef struct later_record {
    gait_cycle_record known;
    uint64_t unknown;
  } later_record;
  later_record later[4];
  memset(later, 0xee, sizeof later);
  const size_t count =
      gait_records_read_sized(unit.heap, 1, &later[0].known, 3, sizeof(later_record));
  ck_assert_uint_eq(count, 3);
  for (size_t i = 0; i < count; i++) {
    ck_assert_uint_eq(later[i].known.cycle, i + 1);
    ck_assert_uint_eq(later[i].unknown, 0);
  }
  ck_assert_uint_eq(later[3].unknown, UINT64_C(0xeeeeeeeeeeeeeeee));
  char line[256], same[256];
  gait_cycle_format_sized(&later[1].known, sizeof(later_record), line, sizeof line);
  gait_cycle_format(&later[1].known, same, sizeof same);
  ck_assert_str_eq(line, same);
}
END_TEST

static void sizes_register(gait_heap *heap, size_t bytes, gait_result expected) {
  const struct {
    gait_kind_info info;
    uint64_t unknown;
  } later = {{.name = "sized", .form = GAIT_KIND_LEAF}, 0};
  const gait_kind before = {7, 7};
  gait_kind kind = before;
  ck_assert_int_eq(gait_kind_register_sized(heap, &later.info, bytes, &kind), expected);
  if (expected != GAIT_OK) ck_assert_mem_eq(&kind, &before, sizeof kind);
}

START_TEST(kinds_of_a_wrong_size_are_rejected) {
  sizes_register(unit.heap, 0, GAIT_ERROR_ARGUMENT);
  sizes_register(unit.heap, sizeof(gait_kind_info) - 8, GAIT_ERROR_ARGUMENT);
  sizes_register(unit.heap, sizeof(gait_kind_info) + 8, GAIT_ERROR_ARGUMENT);
  sizes_register(unit.heap, sizeof(gait_kind_info), GAIT_OK);
}
END_TEST

/* Asserts that every function which takes options rejects these, in a sentence, and changes
 * nothing. */
static void sizes_reject_options(gait_options *options) {
  char error[256] = "";
  ck_assert_int_eq(gait_options_check(options, error, sizeof error), GAIT_ERROR_ARGUMENT);
  ck_assert_ptr_nonnull(strstr(error, "gait_options_init"));
  const gait_options before = *options;
  ck_assert_int_eq(gait_options_set(options, "gogc", "57", error, sizeof error),
                   GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_options_set(options, "gogc", "57", NULL, 0), GAIT_ERROR_ARGUMENT);
  setenv("GAIT_GOGC", "57", 1);
  ck_assert_int_eq(gait_options_from_environment(options, error, sizeof error),
                   GAIT_ERROR_ARGUMENT);
  unsetenv("GAIT_GOGC");
  ck_assert_mem_eq(options, &before, sizeof before);
  gait_heap *heap = (gait_heap *)options;
  ck_assert_int_eq(gait_heap_create(options, &heap), GAIT_ERROR_ARGUMENT);
  ck_assert_ptr_null(heap);
}

START_TEST(options_of_a_wrong_size_are_rejected) {
  SIZES_LATER(gait_options) later;
  memset(&later, 0, sizeof later);
  sizes_reject_options(&later.known);
  memset(&later, 0xee, sizeof later);
  sizes_reject_options(&later.known);
  gait_options_init(&later.known);
  later.known.struct_bytes -= sizeof(int64_t);
  sizes_reject_options(&later.known);
  gait_options_init_sized(&later.known, SIZES_BYTES(later));
  ck_assert_uint_eq(later.known.struct_bytes, SIZES_BYTES(later));
  ck_assert_uint_eq(later.unknown[0] | later.unknown[1], 0);
  ck_assert_int_eq(later.known.gogc_percent, 100);
  sizes_reject_options(&later.known);
}
END_TEST

/* A row whose field lies beyond the options of the program is not shown to it. */
START_TEST(option_rows_end_where_the_options_of_the_program_end) {
  size_t all = 0, some = 0;
  while (gait_option_at(all))
    all++;
  const size_t bytes = offsetof(gait_options, barrierless);
  const gait_option *row;
  while ((row = gait_option_at_sized(some, bytes)) != NULL) {
    ck_assert_uint_le(row->field + sizeof(int64_t), bytes);
    some++;
  }
  ck_assert_uint_eq(some, (bytes - offsetof(gait_options, gogc_percent)) / sizeof(int64_t));
  ck_assert_uint_lt(some, all);
  ck_assert_ptr_null(gait_option_at_sized(0, 0));
  ck_assert_ptr_eq(gait_option_at_sized(all - 1, SIZE_MAX), gait_option_at(all - 1));
}
END_TEST

START_TEST(another_abi_gets_no_heap) {
  gait_heap *heap = (gait_heap *)&heap;
  ck_assert_int_eq(gait_heap_create_abi(NULL, &heap, GAIT_ABI + 1), GAIT_ERROR_ABI);
  ck_assert_ptr_null(heap);
  heap = (gait_heap *)&heap;
  ck_assert_int_eq(gait_heap_create_abi(NULL, &heap, GAIT_ABI - 1), GAIT_ERROR_ABI);
  ck_assert_ptr_null(heap);
  ck_assert_int_eq(gait_heap_create_abi(NULL, NULL, GAIT_ABI - 1), GAIT_ERROR_ARGUMENT);
}
END_TEST

START_TEST(another_abi_attaches_no_thread) {
  static unit_log log;
  memset(&log, 0, sizeof log);
  gait_options options = unit_options(UNIT_CONCURRENT);
  options.log = unit_log_line;
  options.log_arg = &log;
  gait_heap *heap;
  ck_assert_int_eq(gait_heap_create(&options, &heap), GAIT_OK);
  gait_thread *thread = (gait_thread *)&heap;
  ck_assert_int_eq(gait_thread_attach_abi(heap, "plugin", GAIT_STACK_EXACT, &thread, GAIT_ABI + 1),
                   GAIT_ERROR_ABI);
  ck_assert_ptr_null(thread);
  ck_assert_uint_eq(log.lines, 1);
  char numbers[64];
  snprintf(numbers, sizeof numbers, "ABI %u", GAIT_ABI + 1);
  ck_assert_ptr_nonnull(strstr(log.text, numbers));
  ck_assert_int_eq(gait_heap_destroy(heap), GAIT_OK);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *tcase = unit_case(suite, "sizes");
  const unit_worlds worlds = unit_world_cases(suite, "sizes", &unit_exact);
  UNIT_WORLD_TEST(worlds, larger_stats_of_a_program_end_in_zeros);
  UNIT_WORLD_TEST(worlds, records_are_copied_with_the_stride_of_the_program);
  UNIT_WORLD_TEST(worlds, kinds_of_a_wrong_size_are_rejected);
  tcase_add_test(tcase, options_of_a_wrong_size_are_rejected);
  tcase_add_test(tcase, another_abi_gets_no_heap);
  tcase_add_test(tcase, another_abi_attaches_no_thread);
  tcase_add_test(tcase, option_rows_end_where_the_options_of_the_program_end);
}
