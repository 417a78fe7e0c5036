#include "record_world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[256];
static pid_t folder_owner;

static void folder_remove(void) {
  if (folder_owner != getpid()) return;
  DIR *open = opendir(folder);
  for (struct dirent *entry; open && (entry = readdir(open)) != NULL;)
    if (entry->d_name[0] != '.') unlink(record_path(entry->d_name));
  if (open) closedir(open);
  rmdir(folder);
}

const char *record_path(const char *name) {
  static char paths[8][512];
  static unsigned next;
  if (folder[0] == '\0' || folder_owner != getpid()) {
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/gait-records-XXXXXX", parent ? parent : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    folder_owner = getpid();
    atexit(folder_remove);
  }
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

gait_options record_options(int mode, const char *path) {
  gait_options options = unit_options(mode);
  options.records = path;
  return options;
}

struct record_reader *record_open(const char *path) {
  char error[512] = "";
  struct record_reader *reader = record_reader_open(path, error, sizeof error);
  ck_assert_msg(reader != NULL, "%s", error);
  return reader;
}

void record_run(unit_world *world, unsigned cycles) {
  for (unsigned i = 0; i < cycles; i++) {
    for (unsigned k = 0; k < 100; k++)
      world->slots[k % UNIT_SLOTS] = gait_alloc(world->thread, world->references, 64);
    UNIT_CHECK(gait_heap_collect(world->thread) == GAIT_OK);
  }
}

bool record_file_exists(const char *path) {
  struct stat file;
  return stat(path, &file) == 0;
}

static void record_check_cycles(struct record_reader *reader) {
  uint64_t first, last;
  gait_cycle_record record;
  if (!record_reader_range(reader, &first, &last)) return;
  uint64_t started_ns = 0;
  for (uint64_t cycle = first; cycle <= last; cycle++) {
    if (!record_reader_cycle(reader, cycle, &record)) continue;
    UNIT_CHECK(record.cycle == cycle && record.started_ns > started_ns);
    UNIT_CHECK(record.cause <= GAIT_CAUSE_DEBUG && record.gc_cpu_share >= 0);
    UNIT_CHECK(record.marked_bytes <= record.at_mark_end_bytes && record.mapped_bytes > 0);
    started_ns = record.started_ns;
  }
}

static void record_check_event(const struct record_reader *reader, const gait_record_event *event) {
  const gait_record_event_type *type = record_reader_event_type(reader, event->type);
  UNIT_CHECK(type != NULL && event->thread >= 0);
  for (int i = 0; i < GAIT_RECORD_VALUES; i++)
    if (type->value[i].words[0])
      UNIT_CHECK(record_reader_word(reader, type->value[i].words, event->value[i]) != NULL);
}

void record_check(struct record_reader *reader) {
  size_t count;
  gait_record_event *events = record_reader_events(reader, &count, NULL);
  for (size_t i = 0; i < count; i++) {
    record_check_event(reader, &events[i]);
    UNIT_CHECK(i == 0 || events[i].time_ns >= events[i - 1].time_ns);
  }
  free(events);
  record_check_cycles(reader);
}
