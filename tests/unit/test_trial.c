/* The option trial: its text, and settings that take turns by blocks of cycles. */
#include "unit.h"

#include <string.h>

const char *const unit_suite_name = "trial";

enum { CYCLES = 120 };

static void refused(const char *text, const char *part) {
  gait_options options;
  char error[256] = "";
  gait_options_init(&options);
  ck_assert_int_eq(gait_options_set(&options, "trial", text, error, sizeof error),
                   GAIT_ERROR_OPTION_VALUE);
  ck_assert_msg(strstr(error, part) != NULL, "\"%s\" is not in \"%s\"", part, error);
  ck_assert_ptr_null(options.trial);
  options.trial = text;
  ck_assert_int_eq(gait_options_check(&options, error, sizeof error), GAIT_ERROR_OPTION_VALUE);
}

START_TEST(text_that_is_no_trial_is_refused) {
  refused("gogc", "does not begin with gogc:");
  refused("banana:1,2", "'banana:1,2' does not begin");
  refused(":1,2", "does not begin");
  refused("gogc:", "'' is neither");
  refused("gogc:100", "has fewer than two values");
  refused("gogc:100,block=4", "has fewer than two values");
  refused("gogc:100,-3", "'-3' is neither a value");
  refused("gogc:100,200,", "'' is neither");
  refused("gogc:100,200,block=0", "'block=0' is neither");
  refused("gogc:100,200,block=x", "'block=x'");
  refused("gogc:100,200,block=1000001", "'block=1000001'");
  refused("gogc:100,200,seed=0", "'seed=0'");
  refused("gogc:100,200,discard=", "'discard='");
  refused("gogc:100,200,discard=8", "discards as many cycles as a block has");
  refused("gogc:1,2,3,4,5,6,7,8,9", "'9' is neither a value of the setting, up to 8");
  refused("memory_limit:12XB,1GiB", "'12XB'");
  refused("cpu_cap:50,off", "'off'");
  refused("gogc:100,200,"
          "0000000000000000000000000000000000000000000000000000000000000000000000000000000000",
          "is neither");
}
END_TEST

START_TEST(text_of_a_trial_is_taken) {
  gait_options options;
  gait_options_init(&options);
  const char *texts[] = {"gogc:100,off,block=1,discard=0", "memory_limit:64MiB,off,auto,seed=99",
                         "cpu_cap:20,90", "gogc:100,200,discard=7"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    ck_assert_int_eq(gait_options_set(&options, "trial", texts[i], NULL, 0), GAIT_OK);
    ck_assert_str_eq(options.trial, texts[i]);
    ck_assert_int_eq(gait_options_check(&options, NULL, 0), GAIT_OK);
  }
  ck_assert_int_eq(gait_options_set(&options, "trial", "off", NULL, 0), GAIT_OK);
  ck_assert_ptr_null(options.trial);
}
END_TEST

/* The records of so many cycles of a heap with this trial. */
static void run(int mode, const char *text, gait_cycle_record records[CYCLES]) {
  unit_world world;
  gait_options options = unit_options(mode);
  options.debug.checkmark = options.debug.heap_walk = 0;
  options.trial = text;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (size_t i = 0; i < CYCLES; i++)
    UNIT_CHECK(gait_heap_collect(world.thread) == GAIT_OK);
  ck_assert_uint_eq(gait_records_read(world.heap, 1, records, CYCLES), CYCLES);
  unit_close(&world);
}

/* Each block has one value, and each round of two blocks has both. */
START_TEST(values_take_turns_by_blocks) {
  static gait_cycle_record records[CYCLES];
  run(_i, "gogc:70,300,block=5,discard=2,seed=3", records);
  size_t firsts = 0;
  for (uint32_t i = 0; i < CYCLES; i++) {
    int64_t gogc = records[i].gogc_percent;
    uint32_t block = i / 5, at = i % 5;
    ck_assert_uint_eq(records[i].trial_block, block + 1);
    ck_assert_uint_eq(records[i].trial_cycle, at < 2 ? 0 : at - 1);
    ck_assert(gogc == 70 || gogc == 300);
    ck_assert_int_eq(gogc, records[block * 5].gogc_percent);
    if (block % 2 == 0) firsts += at == 0 && gogc == 70;
    if (block % 2 == 1) ck_assert_int_ne(gogc, records[(block - 1) * 5].gogc_percent);
  }
  ck_assert_uint_gt(firsts, 1); /* of twelve rounds */
  ck_assert_uint_lt(firsts, 11);
}
END_TEST

START_TEST(order_follows_from_the_seed) {
  static gait_cycle_record one[CYCLES], again[CYCLES], other[CYCLES];
  run(_i, "cpu_cap:10,20,30,block=1,discard=0,seed=7", one);
  run(_i, "cpu_cap:10,20,30,block=1,discard=0,seed=7", again);
  run(_i, "cpu_cap:10,20,30,block=1,discard=0,seed=8", other);
  size_t differ = 0;
  for (size_t i = 0; i < CYCLES; i++) {
    ck_assert_int_eq(one[i].cpu_cap_percent, again[i].cpu_cap_percent);
    differ += one[i].cpu_cap_percent != other[i].cpu_cap_percent;
  }
  ck_assert_uint_gt(differ, CYCLES / 3);
  for (size_t i = 0; i < CYCLES; i += 3)
    ck_assert_int_eq(
        one[i].cpu_cap_percent + one[i + 1].cpu_cap_percent + one[i + 2].cpu_cap_percent, 60);
}
END_TEST

START_TEST(limits_take_turns) {
  static gait_cycle_record records[CYCLES];
  run(_i, "memory_limit:64MiB,off,block=2,discard=1", records);
  size_t off = 0;
  for (size_t i = 0; i < CYCLES; i++) {
    int64_t limit = records[i].memory_limit_bytes;
    ck_assert(limit == GAIT_OFF || limit == 64 << 20);
    off += limit == GAIT_OFF;
  }
  ck_assert_uint_eq(off, CYCLES / 2);
}
END_TEST

START_TEST(without_a_trial_there_is_no_block) {
  static gait_cycle_record records[CYCLES];
  run(_i, NULL, records);
  for (size_t i = 0; i < CYCLES; i++) {
    ck_assert_uint_eq(records[i].trial_block, 0);
    ck_assert_uint_eq(records[i].trial_cycle, 0);
  }
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *text = unit_case(suite, "text");
  tcase_add_test(text, text_that_is_no_trial_is_refused);
  tcase_add_test(text, text_of_a_trial_is_taken);
  TCase *blocks = unit_case(suite, "blocks");
  UNIT_TEST(blocks, values_take_turns_by_blocks);
  UNIT_TEST(blocks, order_follows_from_the_seed);
  UNIT_TEST(blocks, limits_take_turns);
  UNIT_TEST(blocks, without_a_trial_there_is_no_block);
}
