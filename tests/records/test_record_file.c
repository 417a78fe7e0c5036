/* Record files: what is in them, and which file it is. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "record_world.h"

const char *const unit_suite_name = "record file";

/* A field that were missing in its list would have no name in the file. */
#define BYTES_OF(structure, name)             +sizeof(((structure *)0)->name)
#define CYCLE_BYTES(type, name, unit, words)  BYTES_OF(gait_cycle_record, name)
#define NOW_BYTES(type, name, unit, words)    BYTES_OF(gait_record_now, name)
#define THREAD_BYTES(type, name, unit, words) BYTES_OF(gait_record_thread, name)
#define EVENT_BYTES(type, name, unit, words)  BYTES_OF(gait_record_event, name)
_Static_assert(sizeof(gait_cycle_record) == GAIT_RECORD_CYCLE_FIELDS(CYCLE_BYTES), "cycles");
_Static_assert(sizeof(gait_record_now) == GAIT_RECORD_NOW_FIELDS(NOW_BYTES), "the present");
_Static_assert(sizeof(gait_record_thread) == GAIT_RECORD_THREAD_FIELDS(THREAD_BYTES), "threads");
_Static_assert(sizeof(gait_record_event) == GAIT_RECORD_EVENT_FIELDS(EVENT_BYTES), "events");

/* The record of each cycle is in the file when the call that asked for it has returned. */
START_TEST(cycles_are_those_of_the_heap) {
  enum { CYCLES = 20 };
  unit_world world;
  const char *path = record_path("file");
  const gait_options options = record_options(_i, path);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  struct record_reader *reader = record_open(path);
  ck_assert(record_reader_is_live(reader));
  for (uint64_t cycle = 1; cycle <= CYCLES; cycle++) {
    gait_cycle_record own, read;
    uint64_t first, last;
    record_run(&world, 1);
    ck_assert_uint_eq(gait_records_read(world.heap, cycle, &own, 1), 1);
    ck_assert_msg(record_reader_cycle(reader, cycle, &read), "cycle %u", (unsigned)cycle);
    ck_assert_mem_eq(&own, &read, sizeof own);
    ck_assert(record_reader_range(reader, &first, &last));
    ck_assert_uint_eq(last, cycle);
    ck_assert(!record_reader_cycle(reader, cycle + 1, &read));
  }
  unit_close(&world);
  ck_assert(!record_reader_is_live(reader));
  record_check(reader);
  record_reader_close(reader);
}
END_TEST

/* More cycles than the ring has entries: those that it has are the last. */
START_TEST(ring_of_the_file_keeps_the_newest) {
  unit_world world;
  const char *path = record_path("file");
  gait_options options = record_options(UNIT_CONCURRENT, path);
  options.debug.checkmark = options.debug.heap_walk = 0;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  struct record_reader *reader = record_open(path);
  const uint64_t room = record_reader_header(reader)->section[GAIT_RECORD_CYCLES].count;
  const uint64_t cycles = room + 5;
  uint64_t first, last;
  size_t count;
  for (uint64_t i = 0; i < cycles; i++)
    UNIT_CHECK(gait_heap_collect(world.thread) == GAIT_OK);
  ck_assert(record_reader_range(reader, &first, &last));
  ck_assert_uint_eq(first, 6);
  ck_assert_uint_eq(last, cycles);
  gait_cycle_record *records = record_reader_all(reader, &count);
  ck_assert_uint_eq(count, room);
  for (size_t i = 0; i < count; i++)
    UNIT_CHECK(records[i].cycle == 6 + i);
  free(records);
  record_reader_close(reader);
  unit_close(&world);
}
END_TEST

START_TEST(header_says_whose_file_it_is) {
  unit_world world;
  char value[64];
  const char *path = record_path("file");
  gait_options options = record_options(UNIT_CONCURRENT, path);
  options.young_percent = 33;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  struct record_reader *reader = record_open(path);
  const gait_record_header *header = record_reader_header(reader);
  ck_assert_int_eq(header->process, getpid());
  ck_assert_uint_eq(header->heap, 1);
  ck_assert_uint_gt(header->wall_ns, UINT64_C(1500000000) * 1000000000);
  ck_assert_ptr_nonnull(strstr(header->library, gait_version()));
  for (size_t i = 0; gait_option_at(i); i++)
    ck_assert(record_reader_setting(reader, gait_option_at(i)->name, value, sizeof value));
  ck_assert(record_reader_setting(reader, "gogc", value, sizeof value));
  ck_assert_str_eq(value, "off");
  ck_assert(record_reader_setting(reader, "young", value, sizeof value));
  ck_assert_str_eq(value, "33");
  ck_assert(record_reader_setting(reader, "policy", value, sizeof value));
  ck_assert_str_eq(value, "gogc");
  ck_assert(!record_reader_setting(reader, "gog", value, sizeof value));
  record_reader_close(reader);
  unit_close(&world);
}
END_TEST

/* Each field of the structures of this version is in the tables, by its name. */
START_TEST(fields_have_names) {
  unit_world world;
  const char *path = record_path("file");
  const gait_options options = record_options(UNIT_CONCURRENT, path);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  record_run(&world, 3);
  struct record_reader *reader = record_open(path);
  const gait_record_field *fields;
  ck_assert_uint_gt(record_reader_fields(reader, GAIT_RECORD_CYCLES, &fields), 40);
  ck_assert_uint_gt(record_reader_fields(reader, GAIT_RECORD_NOW, &fields), 20);
  void *entry = malloc(record_reader_entry_bytes(reader));
  gait_cycle_record record;
  ck_assert(record_reader_entry(reader, 3, entry));
  ck_assert(record_reader_cycle(reader, 3, &record));
  const gait_record_field *marked = record_reader_field(reader, GAIT_RECORD_CYCLES, "marked_bytes");
  ck_assert_str_eq(marked->unit, "bytes");
  ck_assert_uint_eq(record_reader_value(marked, entry).whole, record.marked_bytes);
  const gait_record_field *gogc = record_reader_field(reader, GAIT_RECORD_CYCLES, "gogc_percent");
  ck_assert_int_eq((int64_t)record_reader_value(gogc, entry).whole, GAIT_OFF);
  const gait_record_field *cpus = record_reader_field(reader, GAIT_RECORD_CYCLES, "cpus");
  ck_assert(record_reader_value(cpus, entry).is_real &&
            record_reader_value(cpus, entry).real == record.cpus);
  ck_assert_str_eq(record_reader_word(reader, "cause", GAIT_CAUSE_FORCED), "forced");
  free(entry);
  record_reader_close(reader);
  unit_close(&world);
}
END_TEST

/* When the heap is gone, the present is what its statistics were. */
START_TEST(present_is_that_of_the_statistics) {
  unit_world world;
  gait_record_now now;
  const char *path = record_path("file");
  gait_options options = record_options(_i, path);
  options.memory_limit_bytes = (int64_t)64 << 20;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  struct record_reader *reader = record_open(path);
  record_run(&world, 10);
  gait_frame_pop(world.thread, &world.frame);
  ck_assert_int_eq(gait_thread_detach(world.thread), GAIT_OK);
  const gait_stats stats = unit_stats(world.heap);
  ck_assert(record_reader_now(reader, &now));
  ck_assert_uint_eq(now.ended, 0);
  ck_assert_int_eq(gait_heap_destroy(world.heap), GAIT_OK);
  ck_assert(record_reader_now(reader, &now));
  ck_assert_uint_eq(now.ended, 1);
  ck_assert_uint_eq(now.phase, 0);
  ck_assert_uint_eq(now.cycle, 0);
  ck_assert_uint_eq(now.cycles_written, stats.cycles);
  ck_assert_uint_eq(now.heap_live_bytes, stats.heap_live_bytes);
  ck_assert_uint_eq(now.goal_bytes, stats.goal_bytes);
  ck_assert_uint_eq(now.trigger_bytes, stats.trigger_bytes);
  ck_assert_uint_eq(now.alloc_objects, stats.alloc_objects);
  ck_assert_int_eq(now.memory_limit_bytes, options.memory_limit_bytes);
  ck_assert_int_eq(now.gogc_percent, GAIT_OFF);
  ck_assert_uint_eq(now.pauses, stats.pauses);
  ck_assert_uint_eq(now.answers, stats.answers);
  ck_assert_uint_eq(now.late_max_ns, stats.late_max_ns);
  ck_assert(now.cpus == stats.cpus);
  record_reader_close(reader);
}
END_TEST

/* The phases of each cycle, each handshake with an answer of the one thread, and its name. */
START_TEST(events_tell_each_step_of_a_cycle) {
  enum { CYCLES = 1 };
  unit_world world;
  const char *path = record_path("file");
  const gait_options options = record_options(UNIT_CONCURRENT, path);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  record_run(&world, CYCLES);
  gait_cycle_record record;
  struct record_reader *reader = record_open(path);
  ck_assert(record_reader_cycle(reader, CYCLES, &record));
  size_t count, threads, of[GAIT_EVENT_IDS] = {0};
  uint64_t lost;
  gait_record_event *events = record_reader_events(reader, &count, &lost);
  ck_assert_uint_eq(lost, 0);
  for (size_t i = 0; i < count; i++)
    of[events[i].type]++;
  ck_assert_uint_ge(of[GAIT_EVENT_PHASE], 9); /* a flush may be asked again */
  ck_assert_uint_eq(of[GAIT_EVENT_ASKED], record.handshakes);
  ck_assert_uint_eq(of[GAIT_EVENT_HANDSHAKE], record.handshakes);
  ck_assert_uint_eq(of[GAIT_EVENT_ANSWER], record.handshakes);
  ck_assert_uint_eq(of[GAIT_EVENT_CYCLE], CYCLES);
  ck_assert_uint_ge(of[GAIT_EVENT_HEAP], 2); /* when the file was opened, and after the cycle */
  gait_record_thread *known = record_reader_threads(reader, &threads);
  bool found = false;
  for (size_t i = 0; i < threads; i++)
    found = found || (strcmp(known[i].name, "test") == 0 && known[i].thread > 0);
  ck_assert(found);
  record_check(reader);
  free(known);
  free(events);
  record_reader_close(reader);
  unit_close(&world);
}
END_TEST

/* ---- Which file ---- */

START_TEST(each_heap_of_a_process_has_a_file) {
  unit_world worlds[3];
  char path[600];
  const char *first = record_path("file");
  const gait_options options = record_options(UNIT_CONCURRENT, first);
  for (unsigned i = 0; i < 3; i++) {
    unit_open_with(&worlds[i], &options, GAIT_STACK_EXACT);
    record_run(&worlds[i], i + 1);
  }
  for (unsigned i = 0; i < 3; i++) {
    gait_record_now now;
    snprintf(path, sizeof path, i ? "%s.%u" : "%s", first, i + 1);
    struct record_reader *reader = record_open(path);
    ck_assert_uint_eq(record_reader_header(reader)->heap, i + 1);
    ck_assert(record_reader_now(reader, &now));
    ck_assert_uint_eq(now.cycles_written, i + 1);
    record_reader_close(reader);
    unit_close(&worlds[i]);
  }
  /* One with another path counts by itself. */
  unit_world other;
  const gait_options others = record_options(UNIT_CONCURRENT, record_path("other"));
  unit_open_with(&other, &others, GAIT_STACK_EXACT);
  ck_assert(record_file_exists(record_path("other")));
  unit_close(&other);
}
END_TEST

START_TEST(number_of_the_process_stands_in_the_name) {
  unit_world world;
  char name[64];
  const gait_options options = record_options(UNIT_CONCURRENT, record_path("a%pb%%c%"));
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  snprintf(name, sizeof name, "a%db%%c%%", (int)getpid());
  ck_assert(record_file_exists(record_path(name)));
  unit_close(&world);
}
END_TEST

/* A reader of the old file keeps that, and so would its writer. */
START_TEST(new_file_takes_the_place_of_an_old_one) {
  unit_world first, second;
  uint64_t oldest, last;
  const char *path = record_path("file");
  const gait_options options = record_options(UNIT_CONCURRENT, path);
  unit_open_with(&first, &options, GAIT_STACK_EXACT);
  record_run(&first, 7);
  struct record_reader *old = record_open(path);
  ck_assert_int_eq(rename(path, record_path("file.2")), 0);
  unit_open_with(&second, &options, GAIT_STACK_EXACT); /* this process's second of the path */
  record_run(&first, 1);
  record_run(&second, 2);
  ck_assert(record_reader_range(old, &oldest, &last));
  ck_assert_uint_eq(last, 8);
  struct record_reader *fresh = record_open(record_path("file.2"));
  ck_assert(record_reader_range(fresh, &oldest, &last));
  ck_assert_uint_eq(last, 2);
  record_reader_close(old);
  record_reader_close(fresh);
  unit_close(&first);
  unit_close(&second);
}
END_TEST

/* ---- Where it cannot be ---- */

static void expect_none(const char *path, const char *word) {
  static unit_log log;
  unit_world world;
  gait_options options = record_options(UNIT_CONCURRENT, path);
  memset(&log, 0, sizeof log);
  options.log = unit_log_line;
  options.log_arg = &log;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  record_run(&world, 3);
  ck_assert_uint_eq(log.lines, 1);
  char shown[401];
  snprintf(shown, sizeof shown, "%s", path);
  ck_assert_msg(strstr(log.text, shown) != NULL, "%s", log.text);
  ck_assert_msg(strstr(log.text, word) != NULL, "%s", log.text);
  unit_close(&world);
}

START_TEST(heap_goes_on_without_a_file) {
  expect_none(record_path("none/file"), "No such file");
  expect_none(record_path(""), "");
  char longest[5000];
  memset(longest, 'x', sizeof longest);
  longest[4000] = '\0';
  expect_none(longest, "too long");
}
END_TEST

/* A process that may write no long file is not killed for it. */
START_TEST(limit_on_files_is_no_signal) {
  const struct rlimit small = {16384, 16384};
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
  expect_none(record_path("file"), "too large");
  ck_assert(!record_file_exists(record_path("file")));
}
END_TEST

START_TEST(process_has_so_many_files_at_most) {
  enum { FILES = 64 };
  unit_world world;
  const char *path = record_path("file");
  const gait_options options = record_options(UNIT_CONCURRENT, path);
  for (unsigned i = 0; i < FILES; i++) {
    unit_open_with(&world, &options, GAIT_STACK_EXACT);
    unit_close(&world);
    char of[600];
    snprintf(of, sizeof of, i ? "%s.%u" : "%s", path, i + 1);
    ck_assert_int_eq(unlink(of), 0);
  }
  expect_none(path, "as many");
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *contents = unit_case(suite, "contents");
  UNIT_TEST(contents, cycles_are_those_of_the_heap);
  tcase_add_test(contents, ring_of_the_file_keeps_the_newest);
  tcase_add_test(contents, header_says_whose_file_it_is);
  tcase_add_test(contents, fields_have_names);
  UNIT_TEST(contents, present_is_that_of_the_statistics);
  tcase_add_test(contents, events_tell_each_step_of_a_cycle);
  TCase *names = unit_case(suite, "names");
  tcase_add_test(names, each_heap_of_a_process_has_a_file);
  tcase_add_test(names, number_of_the_process_stands_in_the_name);
  tcase_add_test(names, new_file_takes_the_place_of_an_old_one);
  TCase *refused = unit_case(suite, "refused");
  tcase_add_test(refused, heap_goes_on_without_a_file);
  tcase_add_test(refused, limit_on_files_is_no_signal);
  tcase_add_test(refused, process_has_so_many_files_at_most);
}
