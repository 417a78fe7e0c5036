/* The ring of cycle records, and the line in the form of Go's gctrace. */
#include "unit.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const unit_suite_name = "records";

START_TEST(each_cycle_leaves_one_record) {
  enum { CYCLES = 20 };
  gait_cycle_record records[64];
  ck_assert_uint_eq(gait_records_read(unit.heap, 1, records, 64), 0);
  for (size_t i = 0; i < CYCLES; i++)
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_uint_eq(gait_records_read(unit.heap, 1, records, 64), CYCLES);
  for (size_t i = 0; i < CYCLES; i++) {
    ck_assert_uint_eq(records[i].cycle, i + 1);
    ck_assert_int_eq(records[i].cause, GAIT_CAUSE_FORCED);
    ck_assert_uint_eq(records[i].threads, 1);
    ck_assert(records[i].cpus > 0);
    ck_assert_int_eq(records[i].gogc_percent, GAIT_OFF);
    ck_assert_int_eq(records[i].memory_limit_bytes, GAIT_OFF);
    ck_assert_uint_eq(records[i].handshakes > 0, _i != UNIT_BARRIERLESS);
    ck_assert_uint_eq(records[i].stopped_ns > 0, _i != UNIT_CONCURRENT);
    if (i) ck_assert_uint_ge(records[i].started_ns, records[i - 1].started_ns);
  }
}
END_TEST

START_TEST(any_part_of_the_ring_of_records_can_be_read) {
  gait_cycle_record records[64];
  for (size_t i = 0; i < 10; i++)
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_uint_eq(gait_records_read(unit.heap, 4, records, 3), 3);
  ck_assert_uint_eq(records[0].cycle, 4);
  ck_assert_uint_eq(records[2].cycle, 6);
  ck_assert_uint_eq(gait_records_read(unit.heap, 9, records, 64), 2);
  ck_assert_uint_eq(records[1].cycle, 10);
  ck_assert_uint_eq(gait_records_read(unit.heap, 11, records, 64), 0);
  ck_assert_uint_eq(gait_records_read(unit.heap, UINT64_MAX, records, 64), 0);
  ck_assert_uint_eq(gait_records_read(unit.heap, 0, records, 64), 10);
  ck_assert_uint_eq(gait_records_read(unit.heap, 1, records, 0), 0);
}
END_TEST

START_TEST(ring_of_records_keeps_the_newest) {
  enum { CYCLES = 3000, ROOM = 4096 };
  unit_world world;
  gait_options options = unit_options(_i);
  options.debug.checkmark = options.debug.heap_walk = 0;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (size_t i = 0; i < CYCLES; i++)
    UNIT_CHECK(gait_heap_collect(world.thread) == GAIT_OK);
  gait_cycle_record *records = calloc(ROOM, sizeof *records);
  const size_t count = gait_records_read(world.heap, 1, records, ROOM);
  ck_assert_uint_ge(count, 100);
  ck_assert_uint_eq(records[count - 1].cycle, unit_stats(world.heap).cycles);
  for (size_t i = 1; i < count; i++)
    UNIT_CHECK(records[i].cycle == records[i - 1].cycle + 1);
  free(records);
  unit_close(&world);
}
END_TEST

START_TEST(numbers_of_a_record_add_up) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.gogc_percent = 100;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (uint64_t i = 0; unit_stats(world.heap).cycles < 10; i++) {
    void **node = gait_alloc(world.thread, world.references, 512);
    gait_store_init(world.thread, node, world.slots[0]);
    world.slots[0] = i % 20000 ? node : NULL;
  }
  gait_cycle_record records[64];
  const size_t count = gait_records_read(world.heap, 1, records, 64);
  ck_assert_uint_ge(count, 10);
  for (size_t i = 0; i < count; i++) {
    const gait_cycle_record *record = &records[i];
    ck_assert_int_eq(record->cause, GAIT_CAUSE_GOGC);
    ck_assert_int_eq(record->gogc_percent, 100);
    ck_assert_uint_le(record->trigger_bytes, record->goal_bytes);
    ck_assert_uint_ge(record->at_trigger_bytes, record->trigger_bytes);
    ck_assert_uint_ge(record->at_mark_end_bytes, record->at_trigger_bytes);
    ck_assert_uint_le(record->marked_bytes, record->at_mark_end_bytes);
    ck_assert_uint_le(record->mapped_bytes, record->mapped_peak_bytes);
    ck_assert_uint_gt(record->mark_ns, 0);
    ck_assert(record->gc_cpu_share >= 0 && record->gc_cpu_share <= 1);
    ck_assert(record->cons_mark >= 0 && record->assist_ratio >= 0);
    ck_assert_uint_eq(record->limit_unreachable, 0);
    if (i) ck_assert_uint_eq(record->live_before_bytes, records[i - 1].marked_bytes);
  }
  unit_close(&world);
}
END_TEST

START_TEST(causes_of_cycles_have_names) {
  static const gait_cycle_cause causes[] = {GAIT_CAUSE_GOGC, GAIT_CAUSE_MEMORY_LIMIT,
                                            GAIT_CAUSE_FORCED, GAIT_CAUSE_OUT_OF_MEMORY,
                                            GAIT_CAUSE_DEBUG};
  for (size_t i = 0; i < 5; i++) {
    ck_assert_uint_gt(strlen(gait_cycle_cause_name(causes[i])), 2);
    for (size_t k = 0; k < i; k++)
      ck_assert_str_ne(gait_cycle_cause_name(causes[i]), gait_cycle_cause_name(causes[k]));
  }
  ck_assert_ptr_nonnull(gait_cycle_cause_name((gait_cycle_cause)99));
}
END_TEST

/* Go 1.27: gc # @#s #%: #+#+# ms clock, #+#/#/#+# ms cpu, #->#-># MB, # MB goal, # MB stacks,
 * #MB globals, # P, and (forced) on those that were asked for; ours has (young) as well. */
#define RECORDS_NUMBER "[0-9]+(\\.[0-9]+)?(e[-+][0-9]+)?"
static const char records_form[] =
    "^gc [0-9]+ @" RECORDS_NUMBER "s [0-9]+%: " RECORDS_NUMBER "\\+" RECORDS_NUMBER
    "\\+" RECORDS_NUMBER " ms clock, " RECORDS_NUMBER "\\+" RECORDS_NUMBER "/" RECORDS_NUMBER
    "/" RECORDS_NUMBER "\\+" RECORDS_NUMBER " ms cpu, [0-9]+->[0-9]+->[0-9]+ MB, [0-9]+ MB goal, "
    "[0-9]+ MB stacks, [0-9]+ MB globals, " RECORDS_NUMBER " P( \\((forced|young)\\))?$";

static bool records_matches(const char *line) {
  regex_t form;
  ck_assert_int_eq(regcomp(&form, records_form, REG_EXTENDED | REG_NOSUB), 0);
  const bool matches = regexec(&form, line, 0, NULL, 0) == 0;
  regfree(&form);
  return matches;
}

START_TEST(trace_line_has_the_form_of_gctrace) {
  unit.slots[0] = gait_alloc(unit.thread, unit.leaf, 30 << 20);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  const gait_cycle_record record = unit_last_record(unit.heap);
  char line[512];
  const int length = gait_cycle_format(&record, line, sizeof line);
  ck_assert_int_eq(length, (int)strlen(line));
  ck_assert_msg(records_matches(line), "%s", line);
  ck_assert_ptr_nonnull(strstr(line, "gc 1 @"));
  ck_assert_ptr_nonnull(strstr(line, "30->30->30 MB"));
  ck_assert_ptr_nonnull(strstr(line, "(forced)"));
  char cut[16];
  ck_assert_int_eq(gait_cycle_format(&record, cut, sizeof cut), length);
  ck_assert_int_eq(strncmp(cut, line, sizeof cut - 1), 0);
  ck_assert_uint_eq(strlen(cut), sizeof cut - 1);
  ck_assert_int_eq(gait_cycle_format(&record, NULL, 0), length);
}
END_TEST

START_TEST(any_record_can_be_formatted) {
  gait_cycle_record record;
  char line[1024];
  memset(&record, 0, sizeof record);
  ck_assert_int_eq(gait_cycle_format(&record, line, sizeof line), (int)strlen(line));
  ck_assert_msg(records_matches(line), "%s", line);
  memset(&record, 0x7f, sizeof record); /* huge numbers */
  record.cpus = 2;
  record.cons_mark = record.assist_ratio = record.gc_cpu_share = 1;
  record.alloc_bytes_per_second = 1;
  const int length = gait_cycle_format(&record, line, sizeof line);
  ck_assert_int_gt(length, 0);
  ck_assert_int_lt(length, (int)sizeof line);
}
END_TEST

START_TEST(trace_writes_a_line_a_cycle) {
  static unit_log log;
  memset(&log, 0, sizeof log);
  unit_world world;
  gait_options options = unit_options(_i);
  options.trace = 1;
  options.log = unit_log_line;
  options.log_arg = &log;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (size_t i = 0; i < 5; i++)
    ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  unit_close(&world);
  unsigned lines = 0;
  for (char *line = strtok(log.text, "\n"); line; line = strtok(NULL, "\n"))
    lines += records_matches(line);
  ck_assert_uint_eq(lines, 5);
}
END_TEST

struct records_seen {
  unsigned calls;
  uint64_t last_cycle;
};

static void records_see(gait_heap *heap, const gait_cycle_record *record, void *arg) {
  struct records_seen *seen = arg;
  UNIT_CHECK(heap != NULL);
  UNIT_CHECK(record->cycle == seen->last_cycle + 1);
  seen->last_cycle = record->cycle;
  seen->calls++;
}

START_TEST(cycle_callback_sees_each_record) {
  struct records_seen seen = {0};
  unit_world world;
  gait_options options = unit_options(_i);
  options.cycle = records_see;
  options.cycle_arg = &seen;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (size_t i = 0; i < 7; i++)
    ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  unit_close(&world);
  ck_assert_uint_eq(seen.calls, 7);
}
END_TEST

/* ---- Lateness ---- */

#define LATE_US 30000

static uint64_t late_own_id(void) {
  return (uint64_t)syscall(SYS_gettid);
}

/* Whether the collector wants the thread at a safepoint: as gait_thread_poll looks, without one. */
static bool late_is_asked(gait_thread *thread) {
  const struct gait_fast *fast = (const struct gait_fast *)(const void *)thread;
  return __atomic_load_n(fast->poll, __ATOMIC_RELAXED) != 0;
}

static void *late_collect(void *arg) {
  const unit_world *world = arg;
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(world->heap, "asks", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

/* This thread comes to no safepoint for a while: so late it was, and no other was as late. */
START_TEST(record_names_the_last_thread_to_answer) {
  pthread_t other;
  const gait_stats before = unit_stats(unit.heap);
  ck_assert_int_eq(pthread_create(&other, NULL, late_collect, &unit), 0);
  while (!late_is_asked(unit.thread))
    usleep(100);
  usleep(LATE_US);
  while (unit_stats(unit.heap).cycles == before.cycles)
    gait_thread_poll(unit.thread);
  gait_thread_leave(unit.thread);
  ck_assert_int_eq(pthread_join(other, NULL), 0);
  gait_thread_enter(unit.thread);
  const gait_cycle_record record = unit_last_record(unit.heap);
  const gait_stats stats = unit_stats(unit.heap);
  ck_assert_uint_eq(record.late_thread, late_own_id());
  ck_assert_uint_ge(record.late_ns, (uint64_t)LATE_US * 1000);
  ck_assert_uint_gt(stats.answers, before.answers);
  ck_assert_uint_ge(stats.late_max_ns, record.late_ns);
  ck_assert_uint_le(stats.late_p50_ns, stats.late_p99_ns);
  ck_assert_uint_le(stats.late_p99_ns, stats.late_max_ns);
}
END_TEST

/* For a thread outside the collector acts: it is asked for nothing, and is never late. */
START_TEST(thread_outside_is_not_late) {
  const gait_stats before = unit_stats(unit.heap);
  pthread_t other;
  gait_thread_leave(unit.thread);
  usleep(1000);
  ck_assert_int_eq(pthread_create(&other, NULL, late_collect, &unit), 0);
  ck_assert_int_eq(pthread_join(other, NULL), 0);
  gait_thread_enter(unit.thread);
  const gait_cycle_record record = unit_last_record(unit.heap);
  ck_assert_uint_ne(record.late_thread, late_own_id());
  ck_assert_uint_ge(unit_stats(unit.heap).answers, before.answers);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *ring = unit_case(suite, "ring");
  const unit_worlds ring_worlds = unit_world_cases(suite, "ring", &unit_exact);
  UNIT_WORLD_TEST(ring_worlds, each_cycle_leaves_one_record);
  UNIT_WORLD_TEST(ring_worlds, any_part_of_the_ring_of_records_can_be_read);
  UNIT_TEST(ring, ring_of_records_keeps_the_newest);
  UNIT_TEST(ring, numbers_of_a_record_add_up);
  tcase_add_test(ring, causes_of_cycles_have_names);
  TCase *views = unit_case(suite, "views");
  const unit_worlds views_worlds = unit_world_cases(suite, "views", &unit_exact);
  UNIT_WORLD_TEST(views_worlds, trace_line_has_the_form_of_gctrace);
  tcase_add_test(views, any_record_can_be_formatted);
  UNIT_TEST(views, trace_writes_a_line_a_cycle);
  UNIT_TEST(views, cycle_callback_sees_each_record);
  const unit_worlds late = unit_world_cases(suite, "lateness", &unit_exact);
  UNIT_WORLD_TEST(late, record_names_the_last_thread_to_answer);
  UNIT_WORLD_TEST(late, thread_outside_is_not_late);
}
