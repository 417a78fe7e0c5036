/* Options: the table, its parser in Go's syntax, the environment. */
#include "unit.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const unit_suite_name = "options";

/* Two stretches of gait_options are options of the table, a word each. */
#define OPTIONS_FIRST offsetof(gait_options, gogc_percent)
#define OPTIONS_DEBUG offsetof(gait_options, debug)
#define OPTIONS_FIELDS                                                                             \
  ((offsetof(gait_options, log) - OPTIONS_FIRST + offsetof(gait_debug_options, reserved)) /        \
   sizeof(int64_t))

static int64_t options_field(const gait_options *options, const gait_option *row) {
  int64_t value;
  memcpy(&value, (const char *)options + row->field, sizeof value);
  return value;
}

/* A text has a test of its own. */
static bool options_is_text(const gait_option *row) {
  return row->type == GAIT_OPTION_TEXT;
}

static size_t options_rows(void) {
  size_t count = 0;
  while (gait_option_at(count))
    count++;
  return count;
}

/* Sets `row` from text and asserts that it alone holds `expected`. */
static void options_expect(const gait_option *row, const char *text, int64_t expected) {
  gait_options options, other;
  gait_options_init(&options);
  gait_options_init(&other);
  char error[256] = "";
  ck_assert_msg(gait_options_set(&options, row->name, text, error, sizeof error) == GAIT_OK,
                "%s=%s: %s", row->name, text, error);
  ck_assert_msg(options_field(&options, row) == expected, "%s=%s gave %" PRId64, row->name, text,
                options_field(&options, row));
  memcpy((char *)&other + row->field, &expected, sizeof expected);
  ck_assert_mem_eq(&options, &other, sizeof options);
}

/* Asserts that the text is rejected, names itself in the error, and changes nothing. */
static void options_reject(const gait_option *row, const char *text) {
  gait_options options, before;
  gait_options_init(&options);
  before = options;
  char error[256] = "";
  ck_assert_msg(gait_options_set(&options, row->name, text, error, sizeof error) ==
                    GAIT_ERROR_OPTION_VALUE,
                "%s=\"%s\" was not rejected", row->name, text);
  ck_assert_msg(strstr(error, row->name) != NULL, "\"%s\" does not name %s", error, row->name);
  ck_assert_msg(strstr(error, text) != NULL, "\"%s\" does not name %s", error, text);
  ck_assert_mem_eq(&options, &before, sizeof options);
}

START_TEST(option_table_describes_every_field_once) {
  ck_assert_uint_eq(options_rows(), OPTIONS_FIELDS);
  bool seen[OPTIONS_FIELDS] = {false};
  for (size_t i = 0; i < options_rows(); i++) {
    const gait_option *row = gait_option_at(i);
    ck_assert_uint_eq(row->field % sizeof(int64_t), 0);
    ck_assert_uint_ge(row->field, OPTIONS_FIRST);
    const size_t debug =
        row->field < OPTIONS_DEBUG ? 0 : OPTIONS_DEBUG - offsetof(gait_options, log);
    const size_t field = (row->field - OPTIONS_FIRST - debug) / sizeof(int64_t);
    ck_assert_uint_lt(field, OPTIONS_FIELDS);
    ck_assert(!seen[field]);
    seen[field] = true;
  }
}
END_TEST

START_TEST(option_table_rows_are_sound) {
  for (size_t i = 0; i < options_rows(); i++) {
    const gait_option *row = gait_option_at(i);
    ck_assert_uint_gt(strlen(row->name), 0);
    ck_assert_uint_eq(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(row->name));
    ck_assert_int_eq(strncmp(row->environment, "GAIT_", 5), 0);
    ck_assert_ptr_nonnull(row->unit);
    ck_assert_uint_gt(strlen(row->purpose), 10);
    ck_assert_int_le(row->minimum, row->maximum);
    ck_assert((row->initial >= row->minimum && row->initial <= row->maximum) ||
              (row->may_be_off && row->initial == row->off));
    for (size_t k = 0; k < i; k++) {
      ck_assert_str_ne(row->name, gait_option_at(k)->name);
      ck_assert_str_ne(row->environment, gait_option_at(k)->environment);
    }
  }
  ck_assert_ptr_null(gait_option_at(options_rows() + 1000));
  ck_assert_ptr_null(gait_option_at(SIZE_MAX));
}
END_TEST

/* The members of gait_options that are options. */
#define MEMBER(name)                                                                               \
  { #name, offsetof(gait_options, name) }
#define DEBUG_MEMBER(name)                                                                         \
  { #name, offsetof(gait_options, debug.name) }
static const struct options_member {
  const char *name;
  size_t field;
} options_members[] = {MEMBER(gogc_percent),
                       MEMBER(memory_limit_bytes),
                       MEMBER(max_heap_bytes),
                       MEMBER(min_heap_bytes),
                       MEMBER(reserve_bytes),
                       MEMBER(background_percent),
                       MEMBER(cpu_cap_percent),
                       MEMBER(fail_after_ms),
                       MEMBER(fail_by),
                       MEMBER(policy),
                       MEMBER(cpu_budget_percent),
                       MEMBER(square_root_bytes),
                       MEMBER(cpus),
                       MEMBER(idle_help),
                       MEMBER(inline_bytes),
                       MEMBER(young_percent),
                       MEMBER(barrierless),
                       MEMBER(release_percent),
                       MEMBER(huge_pages),
                       MEMBER(trace),
                       MEMBER(late_ms),
                       MEMBER(late_signal),
                       MEMBER(records),
                       MEMBER(trial),
                       MEMBER(dump),
                       MEMBER(dump_signal),
                       MEMBER(profile),
                       MEMBER(profile_bytes),
                       DEBUG_MEMBER(checkmark),
                       DEBUG_MEMBER(heap_walk),
                       DEBUG_MEMBER(poison),
                       DEBUG_MEMBER(collect_every),
                       DEBUG_MEMBER(run_bytes),
                       DEBUG_MEMBER(barrier_entries),
                       DEBUG_MEMBER(mark_segments),
                       DEBUG_MEMBER(delay_us),
                       DEBUG_MEMBER(seed),
                       DEBUG_MEMBER(check_free),
                       DEBUG_MEMBER(find_missing)};
#define OPTIONS_MEMBERS (sizeof options_members / sizeof *options_members)

/* The settings of a running heap: the functions gait_heap_set_NAME and gait_heap_NAME. */
#define SETTING(name)                                                                              \
  { #name, gait_heap_set_##name, gait_heap_##name }
static const struct options_setting {
  const char *name;
  gait_result (*set)(gait_heap *, int64_t, int64_t *);
  int64_t (*get)(const gait_heap *);
} options_settings[] = {SETTING(gogc), SETTING(memory_limit)};

/* The member's name, as it follows from name and type of the row. */
static const char *options_member_name(const gait_option *row, char name[64]) {
  const char *ending = "";
  switch (row->type) {
  case GAIT_OPTION_PERCENT: ending = "_percent"; break;
  case GAIT_OPTION_BYTES: ending = "_bytes"; break;
  case GAIT_OPTION_MILLISECONDS: ending = "_ms"; break;
  case GAIT_OPTION_MICROSECONDS: ending = "_us"; break;
  default: break;
  }
  const size_t chars = strlen(row->name), more = strlen(ending);
  const bool has = chars > more && strcmp(row->name + chars - more, ending) == 0;
  snprintf(name, 64, "%s%s", row->name, has ? "" : ending);
  return name;
}

/* One name in four forms, of which the other three follow from that of the option. */
START_TEST(option_forms_follow_from_the_name) {
  ck_assert_uint_eq(options_rows(), OPTIONS_MEMBERS);
  for (size_t i = 0; i < options_rows(); i++) {
    const gait_option *row = gait_option_at(i);
    char variable[64] = "GAIT_", name[64];
    for (size_t k = 0; row->name[k]; k++)
      variable[5 + k] = (char)toupper((unsigned char)row->name[k]);
    ck_assert_str_eq(row->environment, variable);
    size_t member = 0;
    while (member < OPTIONS_MEMBERS && options_members[member].field != row->field)
      member++;
    ck_assert_uint_lt(member, OPTIONS_MEMBERS);
    ck_assert_str_eq(options_members[member].name, options_member_name(row, name));
  }
}
END_TEST

static const gait_option *options_row(const char *name) {
  size_t i = 0;
  while (gait_option_at(i) && strcmp(gait_option_at(i)->name, name) != 0)
    i++;
  ck_assert_ptr_nonnull(gait_option_at(i));
  return gait_option_at(i);
}

START_TEST(settings_have_the_name_of_their_option) {
  gait_heap *heap = NULL;
  gait_options options;
  gait_options_init(&options);
  ck_assert_int_eq(gait_heap_create(&options, &heap), GAIT_OK);
  for (size_t i = 0; i < sizeof options_settings / sizeof *options_settings; i++) {
    const struct options_setting *setting = &options_settings[i];
    int64_t before = 0;
    ck_assert_int_eq(setting->get(heap), options_row(setting->name)->initial);
    ck_assert_int_eq(setting->set(heap, GAIT_OFF, &before), GAIT_OK);
    ck_assert_int_eq(setting->get(heap), GAIT_OFF);
    ck_assert_int_eq(setting->set(heap, 77, &before), GAIT_OK);
    ck_assert_int_eq(before, GAIT_OFF);
    ck_assert_int_eq(setting->get(heap), 77);
  }
  ck_assert_int_eq(gait_heap_destroy(heap), GAIT_OK);
}
END_TEST

START_TEST(option_off_is_one_value) {
  for (size_t i = 0; i < options_rows(); i++) {
    const gait_option *row = gait_option_at(i);
    const bool zero = row->type == GAIT_OPTION_SWITCH || options_is_text(row);
    if (row->may_be_off) ck_assert_int_eq(row->off, zero ? 0 : GAIT_OFF);
  }
}
END_TEST

START_TEST(option_auto_is_a_word_of_the_memory_limit) {
  options_expect(UNIT_OPTION(memory_limit_bytes), "auto", GAIT_AUTO);
  for (size_t i = 0; i < options_rows(); i++)
    if (gait_option_at(i) != UNIT_OPTION(memory_limit_bytes) && !options_is_text(gait_option_at(i)))
      options_reject(gait_option_at(i), "auto");
  gait_options options;
  gait_options_init(&options);
  options.memory_limit_bytes = GAIT_AUTO;
  ck_assert_int_eq(gait_options_check(&options, NULL, 0), GAIT_OK);
  options.memory_limit_bytes = GAIT_AUTO - 1;
  ck_assert_int_eq(gait_options_check(&options, NULL, 0), GAIT_ERROR_OPTION_VALUE);
  options.memory_limit_bytes = GAIT_OFF;
  options.max_heap_bytes = GAIT_AUTO;
  ck_assert_int_eq(gait_options_check(&options, NULL, 0), GAIT_ERROR_OPTION_VALUE);
}
END_TEST

START_TEST(option_old_names_are_taken_and_named) {
  static unit_log log;
  memset(&log, 0, sizeof log);
  gait_options options;
  gait_options_init(&options);
  options.log = unit_log_line;
  options.log_arg = &log;
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(gait_options_set(&options, "memlimit", "512MiB", NULL, 0), GAIT_OK);
  ck_assert_int_eq(options.memory_limit_bytes, (int64_t)512 << 20);
  ck_assert_str_eq(log.text, "gait: memlimit is called memory_limit now\n");
  char error[256] = "";
  ck_assert_int_eq(gait_options_set(&options, "memlimit", "1XB", error, sizeof error),
                   GAIT_ERROR_OPTION_VALUE);
  ck_assert_ptr_nonnull(strstr(error, "memlimit=1XB"));
}
END_TEST

START_TEST(options_have_names_that_people_know) {
  ck_assert_str_eq(UNIT_OPTION(gogc_percent)->name, "gogc");
  ck_assert_str_eq(UNIT_OPTION(gogc_percent)->environment, "GAIT_GOGC");
  ck_assert_str_eq(UNIT_OPTION(memory_limit_bytes)->environment, "GAIT_MEMORY_LIMIT");
  ck_assert_str_eq(UNIT_OPTION(trace)->environment, "GAIT_TRACE");
  ck_assert_int_eq(UNIT_OPTION(gogc_percent)->initial, 100);
  ck_assert_int_eq(UNIT_OPTION(gogc_percent)->off, GAIT_OFF);
  ck_assert_int_eq(UNIT_OPTION(memory_limit_bytes)->initial, GAIT_OFF);
  ck_assert_int_eq(UNIT_OPTION(memory_limit_bytes)->off, GAIT_OFF);
}
END_TEST

START_TEST(option_defaults_are_those_of_the_table) {
  gait_options options;
  memset(&options, 0xee, sizeof options);
  gait_options_init(&options);
  for (size_t i = 0; i < options_rows(); i++)
    ck_assert_int_eq(options_field(&options, gait_option_at(i)), gait_option_at(i)->initial);
  ck_assert(options.log == NULL && options.out_of_memory == NULL && options.cycle == NULL);
  ck_assert_int_eq(gait_options_check(&options, NULL, 0), GAIT_OK);
}
END_TEST

START_TEST(every_option_is_read_back_from_its_text) {
  for (size_t i = 0; i < options_rows(); i++) {
    const gait_option *row = gait_option_at(i);
    if (options_is_text(row)) continue;
    const int64_t values[] = {row->minimum, row->maximum,
                              row->minimum + (row->maximum - row->minimum) / 2};
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
      char text[32];
      snprintf(text, sizeof text, "%" PRId64, values[k]);
      options_expect(row, text, values[k]);
    }
    if (row->type == GAIT_OPTION_SWITCH) {
      options_expect(row, "on", 1);
      options_expect(row, "off", 0);
    } else if (row->may_be_off) {
      options_expect(row, "off", row->off);
    } else if (row->words && strstr(row->words, "off")) {
      options_expect(row, "off", 0);
    } else {
      options_reject(row, "off");
    }
  }
}
END_TEST

START_TEST(option_values_out_of_range_are_rejected) {
  for (size_t i = 0; i < options_rows(); i++) {
    const gait_option *row = gait_option_at(i);
    if (options_is_text(row)) continue;
    char text[32];
    if (row->maximum < INT64_MAX - 1) {
      snprintf(text, sizeof text, "%" PRId64, row->maximum + 1);
      options_reject(row, text);
    }
    if (row->minimum > 1) {
      snprintf(text, sizeof text, "%" PRId64, row->minimum - 1);
      options_reject(row, text);
    }
    options_reject(row, "-2");
    options_reject(row, "9223372036854775808");
    options_reject(row, "99999999999999999999999999");
  }
}
END_TEST

START_TEST(option_words_that_are_no_number_are_rejected) {
  static const char *const words[] = {"banana", "1x",  "0x10", "1.5", " 1", "1 ",   "--1",
                                      "1e3",    "OFF", "1,0",  "NaN", "-",  "1\n2", "\xff"};
  for (size_t i = 0; i < options_rows(); i++) {
    if (options_is_text(gait_option_at(i))) continue;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
      options_reject(gait_option_at(i), words[k]);
    options_reject(gait_option_at(i), "");
  }
}
END_TEST

START_TEST(option_words_have_values) {
  const gait_option *row = UNIT_OPTION(policy);
  options_expect(row, "gogc", GAIT_POLICY_GOGC);
  options_expect(row, "cpu-budget", GAIT_POLICY_CPU_BUDGET);
  options_expect(row, "square-root", GAIT_POLICY_SQUARE_ROOT);
  static const char *const bad[] = {"gog", "gogc,", "gogc, cpu-budget", "cpu", "budget", " gogc"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    options_reject(row, bad[i]);
  options_reject(UNIT_OPTION(gogc_percent), "gogc");
}
END_TEST

/* "off" and no characters at all are no text; every other is taken as it is, where it is. */
START_TEST(option_texts_are_taken_as_they_are) {
  gait_options options;
  gait_options_init(&options);
  ck_assert_ptr_null(options.records);
  static const char *const texts[] = {"a", "/tmp/%p.rec", "OFF", "0", "on", " off", "\xff"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    ck_assert_int_eq(gait_options_set(&options, "records", texts[i], NULL, 0), GAIT_OK);
    ck_assert_ptr_eq(options.records, texts[i]);
    ck_assert_int_eq(gait_options_check(&options, NULL, 0), GAIT_OK);
  }
  ck_assert_int_eq(gait_options_set(&options, "records", "off", NULL, 0), GAIT_OK);
  ck_assert_ptr_null(options.records);
  options.records = "a";
  ck_assert_int_eq(gait_options_set(&options, "records", "", NULL, 0), GAIT_OK);
  ck_assert_ptr_null(options.records);
}
END_TEST

/* No path is that long. */
START_TEST(option_texts_have_a_longest) {
  static char text[PATH_MAX + 1];
  char error[256] = "";
  gait_options options;
  gait_options_init(&options);
  memset(text, 'x', PATH_MAX);
  ck_assert_int_eq(gait_options_set(&options, "records", text, error, sizeof error),
                   GAIT_ERROR_OPTION_VALUE);
  ck_assert_ptr_nonnull(strstr(error, "records"));
  ck_assert_ptr_null(options.records);
  options.records = text;
  ck_assert_int_eq(gait_options_check(&options, error, sizeof error), GAIT_ERROR_OPTION_VALUE);
  text[PATH_MAX - 1] = '\0';
  ck_assert_int_eq(gait_options_check(&options, error, sizeof error), GAIT_OK);
}
END_TEST

START_TEST(option_bytes_have_suffixes) {
  const gait_option *row = UNIT_OPTION(memory_limit_bytes);
  options_expect(row, "536870912", (int64_t)512 << 20);
  options_expect(row, "536870912B", (int64_t)512 << 20);
  options_expect(row, "524288KiB", (int64_t)512 << 20);
  options_expect(row, "512MiB", (int64_t)512 << 20);
  options_expect(row, "3GiB", (int64_t)3 << 30);
  options_expect(row, "2TiB", (int64_t)2 << 40);
  static const char *const bad[] = {"512MB",  "512mib",     "512 MiB", "1.5GiB",
                                    "MiB",    "512M",       "512Mi",   "12PiB",
                                    "5KiBB",  "8388608TiB", "-1MiB",   "MiB512",
                                    "512BiB", "1kiB",       "1KiB1",   "99999999999999999999TiB"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    options_reject(row, bad[i]);
  options_reject(UNIT_OPTION(gogc_percent), "1KiB");
  options_reject(UNIT_OPTION(gogc_percent), "100%");
}
END_TEST

START_TEST(option_errors_are_cut_and_terminated) {
  for (size_t bytes = 0; bytes < 80; bytes++) {
    gait_options options;
    gait_options_init(&options);
    char error[100];
    memset(error, 'x', sizeof error);
    ck_assert_int_eq(gait_options_set(&options, "gogc", "banana", error, bytes),
                     GAIT_ERROR_OPTION_VALUE);
    if (bytes) ck_assert_ptr_nonnull(memchr(error, '\0', bytes));
    for (size_t i = bytes; i < sizeof error; i++)
      ck_assert_int_eq(error[i], 'x');
  }
  gait_options options;
  gait_options_init(&options);
  ck_assert_int_eq(gait_options_set(&options, "gogc", "banana", NULL, 0), GAIT_ERROR_OPTION_VALUE);
}
END_TEST

START_TEST(unknown_option_names_are_rejected) {
  static const char *const names[] = {"", "gog", "gogcc", "GOGC", "GAIT_GOGC", "banana", " gogc"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    gait_options options, before;
    gait_options_init(&options);
    before = options;
    char error[256] = "";
    ck_assert_int_eq(gait_options_set(&options, names[i], "1", error, sizeof error),
                     GAIT_ERROR_OPTION_NAME);
    ck_assert_ptr_nonnull(strstr(error, names[i]));
    ck_assert_mem_eq(&options, &before, sizeof options);
  }
}
END_TEST

START_TEST(null_arguments_of_options_are_rejected) {
  gait_options options;
  gait_options_init(&options);
  ck_assert_int_eq(gait_options_set(NULL, "gogc", "1", NULL, 0), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_options_set(&options, NULL, "1", NULL, 0), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_options_set(&options, "gogc", NULL, NULL, 0), GAIT_ERROR_ARGUMENT);
}
END_TEST

static void options_clear_environment(void) {
  for (size_t i = 0; i < options_rows(); i++)
    unsetenv(gait_option_at(i)->environment);
}

START_TEST(environment_sets_every_option) {
  options_clear_environment();
  for (size_t i = 0; i < options_rows(); i++) {
    const gait_option *row = gait_option_at(i);
    if (options_is_text(row)) continue;
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, row->maximum);
    setenv(row->environment, text, 1);
    gait_options options, expected;
    gait_options_init(&options);
    gait_options_init(&expected);
    memcpy((char *)&expected + row->field, &row->maximum, sizeof row->maximum);
    ck_assert_int_eq(gait_options_from_environment(&options, NULL, 0), GAIT_OK);
    ck_assert_mem_eq(&options, &expected, sizeof options);
    setenv(row->environment, "", 1);
    gait_options_init(&expected);
    gait_options_init(&options);
    ck_assert_int_eq(gait_options_from_environment(&options, NULL, 0), GAIT_OK);
    ck_assert_mem_eq(&options, &expected, sizeof options);
    unsetenv(row->environment);
  }
}
END_TEST

START_TEST(environment_sets_a_text) {
  options_clear_environment();
  setenv("GAIT_RECORDS", "/tmp/x", 1);
  gait_options options;
  gait_options_init(&options);
  ck_assert_int_eq(gait_options_from_environment(&options, NULL, 0), GAIT_OK);
  ck_assert_str_eq(options.records, "/tmp/x");
  unsetenv("GAIT_RECORDS");
}
END_TEST

START_TEST(environment_error_names_the_bad_variable) {
  options_clear_environment();
  for (size_t i = 0; i < options_rows(); i++) {
    const gait_option *row = gait_option_at(i);
    if (options_is_text(row)) continue;
    setenv(row->environment, "banana", 1);
    gait_options options;
    gait_options_init(&options);
    char error[256] = "";
    ck_assert_int_eq(gait_options_from_environment(&options, error, sizeof error),
                     GAIT_ERROR_OPTION_VALUE);
    ck_assert_ptr_nonnull(strstr(error, row->environment));
    ck_assert_ptr_nonnull(strstr(error, "banana"));
    gait_heap *heap = (gait_heap *)&options;
    ck_assert_int_eq(gait_heap_create(NULL, &heap), GAIT_ERROR_OPTION_VALUE);
    ck_assert_ptr_null(heap);
    unsetenv(row->environment);
  }
}
END_TEST

START_TEST(heap_without_options_takes_the_environment) {
  options_clear_environment();
  setenv("GAIT_GOGC", "57", 1);
  setenv("GAIT_MEMORY_LIMIT", "700MiB", 1);
  gait_heap *heap = NULL;
  ck_assert_int_eq(gait_heap_create(NULL, &heap), GAIT_OK);
  int64_t gogc = 0, limit = 0;
  ck_assert_int_eq(gait_heap_set_gogc(heap, 100, &gogc), GAIT_OK);
  ck_assert_int_eq(gait_heap_set_memory_limit(heap, GAIT_OFF, &limit), GAIT_OK);
  ck_assert_int_eq(gogc, 57);
  ck_assert_int_eq(limit, (int64_t)700 << 20);
  ck_assert_int_eq(gait_heap_destroy(heap), GAIT_OK);
}
END_TEST

START_TEST(heap_with_options_ignores_the_environment) {
  options_clear_environment();
  setenv("GAIT_GOGC", "57", 1);
  gait_options options;
  gait_options_init(&options);
  gait_heap *heap = NULL;
  ck_assert_int_eq(gait_heap_create(&options, &heap), GAIT_OK);
  int64_t gogc = 0;
  ck_assert_int_eq(gait_heap_set_gogc(heap, 100, &gogc), GAIT_OK);
  ck_assert_int_eq(gogc, 100);
  ck_assert_int_eq(gait_heap_destroy(heap), GAIT_OK);
}
END_TEST

START_TEST(bad_fields_of_options_are_rejected) {
  for (size_t i = 0; i < options_rows(); i++) {
    const gait_option *row = gait_option_at(i);
    if (options_is_text(row)) continue;
    gait_options options;
    gait_options_init(&options);
    static unit_log log;
    memset(&log, 0, sizeof log);
    options.log = unit_log_line;
    options.log_arg = &log;
    const int64_t bad = INT64_MIN;
    memcpy((char *)&options + row->field, &bad, sizeof bad);
    char error[256] = "";
    ck_assert_int_eq(gait_options_check(&options, error, sizeof error), GAIT_ERROR_OPTION_VALUE);
    ck_assert_ptr_nonnull(strstr(error, row->name));
    gait_heap *heap = (gait_heap *)&options;
    ck_assert_int_eq(gait_heap_create(&options, &heap), GAIT_ERROR_OPTION_VALUE);
    ck_assert_ptr_null(heap);
    ck_assert_uint_eq(log.lines, 1);
    ck_assert_ptr_nonnull(strstr(log.text, row->name));
    ck_assert_ptr_nonnull(strstr(log.text, "-9223372036854775808"));
  }
}
END_TEST

START_TEST(debug_options_of_a_later_version_are_rejected) {
  gait_options options;
  gait_options_init(&options);
  options.debug.reserved[0] = 1;
  char error[256] = "";
  ck_assert_int_eq(gait_options_check(&options, error, sizeof error), GAIT_ERROR_OPTION_VALUE);
  ck_assert_ptr_nonnull(strstr(error, "debug"));
  gait_heap *heap;
  ck_assert_int_eq(gait_heap_create(&options, &heap), GAIT_ERROR_OPTION_VALUE);
}
END_TEST

START_TEST(results_have_names_and_texts) {
  for (int i = GAIT_OK; i <= GAIT_ERROR_ABI; i++) {
    ck_assert_int_eq(strncmp(gait_result_name((gait_result)i), "GAIT_", 5), 0);
    ck_assert_uint_gt(strlen(gait_result_text((gait_result)i)), 5);
    for (int k = 0; k < i; k++)
      ck_assert_str_ne(gait_result_name((gait_result)i), gait_result_name((gait_result)k));
  }
  ck_assert_str_eq(gait_result_name(GAIT_OK), "GAIT_OK");
  ck_assert_str_eq(gait_result_name(GAIT_ERROR_BUSY), "GAIT_ERROR_BUSY");
  ck_assert_ptr_nonnull(gait_result_name((gait_result)1000));
  ck_assert_ptr_nonnull(gait_result_text((gait_result)1000));
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *table = unit_case(suite, "table");
  tcase_add_test(table, option_table_describes_every_field_once);
  tcase_add_test(table, option_table_rows_are_sound);
  tcase_add_test(table, option_forms_follow_from_the_name);
  tcase_add_test(table, settings_have_the_name_of_their_option);
  tcase_add_test(table, option_off_is_one_value);
  tcase_add_test(table, option_auto_is_a_word_of_the_memory_limit);
  tcase_add_test(table, option_old_names_are_taken_and_named);
  tcase_add_test(table, options_have_names_that_people_know);
  tcase_add_test(table, option_defaults_are_those_of_the_table);
  tcase_add_test(table, results_have_names_and_texts);
  TCase *parser = unit_case(suite, "parser");
  tcase_add_test(parser, every_option_is_read_back_from_its_text);
  tcase_add_test(parser, option_values_out_of_range_are_rejected);
  tcase_add_test(parser, option_words_that_are_no_number_are_rejected);
  tcase_add_test(parser, option_words_have_values);
  tcase_add_test(parser, option_bytes_have_suffixes);
  tcase_add_test(parser, option_texts_are_taken_as_they_are);
  tcase_add_test(parser, option_texts_have_a_longest);
  tcase_add_test(parser, option_errors_are_cut_and_terminated);
  tcase_add_test(parser, unknown_option_names_are_rejected);
  tcase_add_test(parser, null_arguments_of_options_are_rejected);
  TCase *environment = unit_case(suite, "environment");
  tcase_add_test(environment, environment_sets_every_option);
  tcase_add_test(environment, environment_sets_a_text);
  tcase_add_test(environment, environment_error_names_the_bad_variable);
  tcase_add_test(environment, heap_without_options_takes_the_environment);
  tcase_add_test(environment, heap_with_options_ignores_the_environment);
  tcase_add_test(environment, bad_fields_of_options_are_rejected);
  tcase_add_test(environment, debug_options_of_a_later_version_are_rejected);
}
