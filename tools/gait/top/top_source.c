#include "top_source.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- The file of a process ---- */

/* The path in a line of /proc/PID/maps that is a shared mapping; NULL: it is none. */
static char *source_path_of(char *line) {
  char flags[5] = "";
  int at = 0;
  line[strcspn(line, "\n")] = '\0';
  if (sscanf(line, "%*s %4s %*s %*s %*s %n", flags, &at) != 1 || at == 0) return NULL;
  return flags[3] == 's' && line[at] == '/' ? line + at : NULL;
}

/* The record file that the process has mapped, malloced. */
static char *source_of_process(struct top_source *source, const char *number) {
  char maps[64], line[4400], *found = NULL;
  snprintf(maps, sizeof maps, "/proc/%.20s/maps", number);
  FILE *in = fopen(maps, "r");
  if (in == NULL) {
    snprintf(source->error, sizeof source->error, "process %.20s: %s", number,
             errno == ENOENT ? "there is none" : strerror(errno));
    return NULL;
  }
  while (found == NULL && fgets(line, sizeof line, in) != NULL) {
    const char *path = source_path_of(line);
    if (path != NULL && record_reader_is_file(path)) found = strdup(path);
  }
  fclose(in);
  if (found == NULL)
    snprintf(source->error, sizeof source->error,
             "process %.20s has no record file mapped: was it started with GAIT_RECORDS=FILE, and "
             "is the file still there?",
             number);
  return found;
}

static bool source_is_number(const char *target) {
  size_t digits = strspn(target, "0123456789");
  return digits > 0 && target[digits] == '\0';
}

/* ---- The file ---- */

static bool source_reopen(struct top_source *source) {
  struct stat status;
  struct record_reader *reader =
      record_reader_open(source->path, source->error, sizeof source->error);
  if (reader == NULL) return false;
  record_reader_close(source->reader);
  source->reader = reader;
  source->last = (gait_record_now){0};
  if (stat(source->path, &status) == 0) {
    source->device = status.st_dev;
    source->inode = status.st_ino;
  }
  return true;
}

bool top_source_open(struct top_source *source, const char *target) {
  struct stat status;
  *source = (struct top_source){0};
  if (stat(target, &status) != 0 && source_is_number(target))
    source->path = source_of_process(source, target);
  else
    source->path = strdup(target);
  if (source->path != NULL && source_reopen(source)) return true;
  top_source_close(source);
  return false;
}

void top_source_close(struct top_source *source) {
  record_reader_close(source->reader);
  free(source->path);
  source->reader = NULL;
  source->path = NULL;
}

/* Another file has the name now, and it can be read. */
static bool source_was_replaced(struct top_source *source) {
  struct stat status;
  if (stat(source->path, &status) != 0) return false;
  if (status.st_dev == source->device && status.st_ino == source->inode) return false;
  return source_reopen(source);
}

/* A process that has ended, and whose parent has not asked yet. */
static bool source_is_zombie(int64_t process) {
  char path[64], text[512] = "";
  snprintf(path, sizeof path, "/proc/%lld/stat", (long long)process);
  FILE *in = fopen(path, "r");
  if (in == NULL) return false;
  size_t bytes = fread(text, 1, sizeof text - 1, in);
  fclose(in);
  const char *name_end = bytes > 0 ? strrchr(text, ')') : NULL;
  return name_end != NULL && strncmp(name_end, ") Z", 3) == 0;
}

static void source_take_cycles(struct top_source *source, struct top_look *look) {
  uint64_t first, last;
  if (!record_reader_range(source->reader, &first, &last)) return;
  if (last >= TOP_CYCLES && first < last - TOP_CYCLES + 1) first = last - TOP_CYCLES + 1;
  look->cycle_count = record_reader_cycles(source->reader, first, look->cycles, TOP_CYCLES);
}

bool top_source_look(struct top_source *source, struct top_look *look) {
  *look = (struct top_look){.replaced = source_was_replaced(source)};
  bool live = record_reader_is_live(source->reader) &&
              !source_is_zombie(record_reader_header(source->reader)->process);
  look->before = source->last;
  if (!record_reader_now(source->reader, &look->now)) {
    snprintf(source->error, sizeof source->error, "%s", record_reader_error(source->reader));
    return false;
  }
  source->last = look->now;
  look->state = look->now.ended ? TOP_ENDED : live ? TOP_RUNS : TOP_GONE;
  source_take_cycles(source, look);
  return true;
}
