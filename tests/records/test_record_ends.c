/* Record files of processes that are killed, that fork, and files that are cut or foreign. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/sanitizer.h"
#include "record_world.h"

const char *const unit_suite_name = "record ends";

/* ---- Killed ---- */

#define KILLS 24
#define TOLD  (1 << 16)

/* The records as the process got them by its callback, in memory that outlives it. */
struct told {
  _Atomic uint64_t last;
  gait_cycle_record records[TOLD];
};

static void killed_told(gait_heap *heap, const gait_cycle_record *record, void *arg) {
  (void)heap;
  struct told *told = arg;
  told->records[record->cycle % TOLD] = *record;
  atomic_store(&told->last, record->cycle);
}

static void *killed_thread(void *arg) {
  unit_world *world = arg;
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(world->heap, "other", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  for (;;)
    gait_alloc(thread, world->leaf, 512);
  return NULL;
}

/* Cycles as fast as they come, with a thread that assists and answers. */
_Noreturn static void killed_process(const char *path, struct told *told) {
  unit_world world;
  pthread_t other;
  gait_options options;
  gait_options_init(&options);
  options.min_heap_bytes = 1 << 16;
  options.debug.delay_us = 200; /* so that it is killed in the middle of an entry now and then */
  options.records = path;
  options.cycle = killed_told;
  options.cycle_arg = told;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  UNIT_CHECK(pthread_create(&other, NULL, killed_thread, &world) == 0);
  for (unsigned i = 0;; i++)
    world.slots[i % UNIT_SLOTS] = gait_alloc(world.thread, world.references, 256);
}

/* All that the callback was told of is in the file, word for word: it comes after the entry. */
static void killed_compare(struct record_reader *reader, struct told *told) {
  uint64_t first, last, known = atomic_load(&told->last);
  ck_assert(record_reader_range(reader, &first, &last));
  ck_assert_uint_ge(last, known);
  ck_assert_uint_le(last, known + 1);
  for (uint64_t cycle = first; cycle <= known; cycle++) {
    gait_cycle_record record;
    if (!record_reader_cycle(reader, cycle, &record)) {
      /* the oldest one was being overwritten */
      UNIT_CHECK(cycle == first);
      continue;
    }
    UNIT_CHECK(memcmp(&record, &told->records[cycle % TOLD], sizeof record) == 0);
  }
}

static void killed_after(const char *path, struct told *told, useconds_t microseconds) {
  int status;
  atomic_store(&told->last, 0);
  unlink(path);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) killed_process(path, told);
  while (atomic_load(&told->last) == 0)
    usleep(100);
  usleep(microseconds);
  ck_assert_int_eq(kill(child, SIGKILL), 0);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert(WIFSIGNALED(status));
  struct record_reader *reader = record_open(path);
  ck_assert(!record_reader_is_live(reader));
  killed_compare(reader, told);
  record_check(reader);
  record_reader_close(reader);
}

/* Killed at a moment of its own choice, by which as many entries as it likes are half written. */
START_TEST(file_of_a_killed_process_is_whole) {
  const char *given = getenv("RECORDS_SEED");
  const unsigned seed = given ? (unsigned)atoi(given) : (unsigned)getpid();
  struct told *told =
      mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ck_assert(told != MAP_FAILED);
  srandom(seed);
  fprintf(stderr, "record ends: RECORDS_SEED=%u\n", seed);
  for (unsigned i = 0; i < KILLS; i++)
    killed_after(record_path("killed"), told, (useconds_t)(random() % 20000));
  munmap(told, sizeof *told);
}
END_TEST

/* ---- Forks ---- */

/* Under a sanitizer that lets no child start threads, it only ends. */
static void forked_child(unit_world *world, unsigned cycles) {
  if (!SANITIZER_FORKS) _exit(0);
  record_run(world, cycles);
  unit_close(world);
  _exit(0);
}

static void forked_run(unit_world *world) {
  int status;
  record_run(world, 3);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) forked_child(world, 5);
  record_run(world, 4);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
  record_run(world, 1);
}

/* The parent's file has the cycles of the parent, each once, and the child has no file. */
START_TEST(child_writes_no_file_of_its_parent) {
  unit_world world;
  const char *path = record_path("file");
  const gait_options options = record_options(_i, path);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  struct record_reader *reader = record_open(path);
  forked_run(&world);
  gait_record_now now;
  gait_cycle_record own[8], read[8];
  ck_assert(record_reader_now(reader, &now));
  ck_assert_uint_eq(now.cycles_written, 8);
  ck_assert_uint_eq(now.ended, 0);
  ck_assert_uint_eq(gait_records_read(world.heap, 1, own, 8), 8);
  ck_assert_uint_eq(record_reader_cycles(reader, 1, read, 8), 8);
  ck_assert_mem_eq(own, read, sizeof own);
  ck_assert(!record_file_exists(record_path("file.2")));
  record_check(reader);
  record_reader_close(reader);
  unit_close(&world);
}
END_TEST

/* With the number of the process in the name, the child has a file, from its first cycle on. */
START_TEST(child_has_a_file_of_its_own) {
  if (!SANITIZER_FORKS) return;
  unit_world world;
  int status;
  const gait_options options = record_options(_i, record_path("of.%p"));
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  record_run(&world, 3);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) forked_child(&world, 5);
  record_run(&world, 1);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
  for (int i = 0; i < 2; i++) {
    char name[64];
    uint64_t first, last;
    gait_record_now now;
    gait_cycle_record record;
    snprintf(name, sizeof name, "of.%d", (int)(i ? child : getpid()));
    struct record_reader *reader = record_open(record_path(name));
    ck_assert_int_eq(record_reader_header(reader)->process, i ? child : getpid());
    ck_assert(record_reader_range(reader, &first, &last));
    ck_assert_uint_eq(last, i ? 8 : 4);
    ck_assert(record_reader_cycle(reader, 4, &record));
    ck_assert(record_reader_cycle(reader, 3, &record) == !i);
    ck_assert(record_reader_now(reader, &now) && now.ended == (uint64_t)i);
    record_check(reader);
    record_reader_close(reader);
  }
  unit_close(&world);
}
END_TEST

/* A child that only ends has made no file. */
START_TEST(child_without_a_cycle_makes_no_file) {
  unit_world world;
  char name[64];
  int status;
  const gait_options options = record_options(UNIT_CONCURRENT, record_path("of.%p"));
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  record_run(&world, 1);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) _exit(0);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  snprintf(name, sizeof name, "of.%d", (int)child);
  ck_assert(!record_file_exists(record_path(name)));
  unit_close(&world);
}
END_TEST

/* ---- Cut, or foreign ---- */

static size_t file_bytes_read(const char *path, char **bytes) {
  FILE *file = fopen(path, "r");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
  size_t size = (size_t)ftell(file);
  rewind(file);
  *bytes = malloc(size);
  ck_assert_uint_eq(fread(*bytes, 1, size, file), size);
  fclose(file);
  return size;
}

/* Refuses it with a sentence that names the file and a byte. */
static void expect_refused(const char *path, const char *word) {
  char error[512] = "";
  struct record_reader *reader = record_reader_open(path, error, sizeof error);
  ck_assert_msg(reader == NULL, "%s was taken", path);
  ck_assert_msg(strstr(error, path) != NULL && strstr(error, word) != NULL, "%s", error);
}

static const char *make_file(const char *name, const char *bytes, size_t count) {
  const char *path = record_path(name);
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
  ck_assert_int_eq(fclose(file), 0);
  return path;
}

static size_t make_sound_file(char **bytes) {
  unit_world world;
  const char *path = record_path("sound");
  const gait_options options = record_options(UNIT_CONCURRENT, path);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  record_run(&world, 3);
  unit_close(&world);
  return file_bytes_read(path, bytes);
}

START_TEST(cut_file_is_refused_with_its_place) {
  char *bytes, place[64];
  const size_t count = make_sound_file(&bytes);
  const size_t cuts[] = {0, 1, 7, 8, 100, 160, 200, 359, 360, 4096, 50000, count / 2, count - 1};
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
    if (cuts[i] >= count) continue; /* the stress build's files are small */
    const char *path = make_file("cut", bytes, cuts[i]);
    snprintf(place, sizeof place, ": at byte %zu: ", cuts[i]);
    expect_refused(path, place);
  }
  free(bytes);
}
END_TEST

START_TEST(foreign_files_are_refused) {
  char *bytes;
  const size_t count = make_sound_file(&bytes);
  expect_refused(record_path("none"), "No such file");
  expect_refused("/dev/zero", "no file");
  expect_refused("/tmp", "no file");
  char text[8192];
  memset(text, 'x', sizeof text);
  expect_refused(make_file("text", text, sizeof text), ": at byte 0: ");
  gait_record_header *header = (gait_record_header *)(void *)bytes;
  header->byte_order = __builtin_bswap64(GAIT_RECORD_FILE_ORDER);
  expect_refused(make_file("foreign", bytes, count), "order of bytes");
  header->byte_order = GAIT_RECORD_FILE_ORDER;
  header->version++;
  expect_refused(make_file("foreign", bytes, count), "version 2");
  header->version = GAIT_RECORD_FILE_VERSION;
  header->section[GAIT_RECORD_EVENTS].count = UINT64_MAX / 16;
  expect_refused(make_file("foreign", bytes, count), "section 7");
  free(bytes);
}
END_TEST

/* A file that is cut while it is read has no more of the entries behind the cut. */
START_TEST(file_may_be_cut_while_it_is_read) {
  char *bytes;
  gait_cycle_record record;
  size_t events;
  const size_t count = make_sound_file(&bytes);
  const char *path = make_file("cut", bytes, count);
  struct record_reader *reader = record_open(path);
  ck_assert(record_reader_cycle(reader, 2, &record));
  const uint64_t cut = record_reader_header(reader)->section[GAIT_RECORD_CYCLES].offset + 100;
  ck_assert_int_eq(truncate(path, (off_t)cut), 0);
  ck_assert(!record_reader_cycle(reader, 2, &record));
  ck_assert_ptr_nonnull(strstr(record_reader_error(reader), path));
  ck_assert_ptr_null(record_reader_events(reader, &events, NULL));
  record_reader_close(reader);
  free(bytes);
}
END_TEST

/* A later version: a longer header and longer entries, more fields in another order, one that is
 * missing, and an event of an unknown type. */
START_TEST(file_of_a_later_version_is_read_by_names) {
  char *bytes;
  const size_t count = make_sound_file(&bytes);
  gait_record_header *header = (gait_record_header *)(void *)bytes;
  gait_record_section *section = &header->section[GAIT_RECORD_FIELDS];
  gait_record_field *fields = (gait_record_field *)(void *)(bytes + section->offset);
  struct record_reader *before = record_open(record_path("sound"));
  gait_cycle_record old, read;
  ck_assert(record_reader_cycle(before, 3, &old));
  for (uint64_t i = 0; i < section->count; i++) {
    if (fields[i].section == GAIT_RECORD_CYCLES && strcmp(fields[i].name, "marked_bytes") == 0)
      strcpy(fields[i].name, "later");
    if (fields[i].section == GAIT_RECORD_CYCLES && strcmp(fields[i].name, "threads") == 0) {
      fields[i].type = GAIT_RECORD_U64; /* it has grown, into the place of another */
      fields[i].bytes = 8;
      fields[i].offset = (uint32_t)(offsetof(gait_record_cycle, record.cycle));
    }
  }
  struct record_reader *later = record_open(make_file("later", bytes, count));
  ck_assert(record_reader_cycle(later, 3, &read));
  ck_assert_uint_eq(read.marked_bytes, 0);
  ck_assert_uint_eq(read.threads, 3);
  ck_assert_uint_eq(read.scan_bytes, old.scan_bytes);
  ck_assert_ptr_nonnull(record_reader_field(later, GAIT_RECORD_CYCLES, "later"));
  record_reader_close(before);
  record_reader_close(later);
  free(bytes);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  tcase_add_test(unit_case(suite, "killed"), file_of_a_killed_process_is_whole);
  TCase *forks = unit_case(suite, "forks");
  UNIT_TEST(forks, child_writes_no_file_of_its_parent);
  UNIT_TEST(forks, child_has_a_file_of_its_own);
  tcase_add_test(forks, child_without_a_cycle_makes_no_file);
  TCase *foreign = unit_case(suite, "foreign");
  tcase_add_test(foreign, cut_file_is_refused_with_its_place);
  tcase_add_test(foreign, foreign_files_are_refused);
  tcase_add_test(foreign, file_may_be_cut_while_it_is_read);
  tcase_add_test(foreign, file_of_a_later_version_is_read_by_names);
}
