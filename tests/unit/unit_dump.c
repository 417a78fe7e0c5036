#include "unit_dump.h"

#include <fcntl.h>
#include <gait/dump.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of its own for each dump: tests run side by side, and so do threads. */
static void dump_path(char path[static 256]) {
  static atomic_uint dumps;
  const char *folder = getenv("TMPDIR");
  snprintf(path, 256, "%s/gait_unit_dump_%d_%u", folder ? folder : "/tmp", (int)getpid(),
           atomic_fetch_add(&dumps, 1));
}

static void dump_make(gait_thread *thread, const char *path) {
  char error[256] = "";
  gait_result result = gait_heap_dump(thread, path, error, sizeof error);
  if (result != GAIT_OK) ck_abort_msg("%s: %s", gait_result_name(result), error);
  UNIT_CHECK(error[0] == '\0');
}

struct heap_dump *unit_dump(gait_thread *thread) {
  char path[256];
  struct heap_error error;
  dump_path(path);
  dump_make(thread, path);
  struct heap_dump *dump = heap_dump_open(path, &error);
  unlink(path);
  if (!dump) ck_abort_msg("%s", error.text);
  return dump;
}

unsigned char *unit_dump_bytes(gait_thread *thread, size_t *bytes) {
  char path[256];
  struct stat status;
  dump_path(path);
  dump_make(thread, path);
  int file = open(path, O_RDONLY);
  UNIT_CHECK(file >= 0 && fstat(file, &status) == 0);
  *bytes = (size_t)status.st_size;
  unsigned char *data = malloc(*bytes);
  UNIT_CHECK(data && read(file, data, *bytes) == (ssize_t)*bytes);
  close(file);
  unlink(path);
  return data;
}

uint32_t unit_dump_object(const struct heap_dump *dump, const void *object) {
  uint32_t number = heap_object_with(dump, (uintptr_t)object);
  UNIT_CHECK(number != HEAP_NONE && heap_address_of(dump, number) == (uintptr_t)object);
  return number;
}

const char *unit_dump_kind(const struct heap_dump *dump, uint32_t object) {
  return dump->kinds[heap_block_of(dump, object)->kind].name;
}

/* `word` is UINT64_MAX - 1 where any will do. */
static size_t dump_count_edges(const struct heap_dump *dump, const void *from, const void *to,
                               uint64_t word) {
  struct heap_edges edges;
  size_t count = 0;
  heap_edges_begin(&edges, dump, unit_dump_object(dump, from));
  while (heap_edges_next(&edges))
    count += (!to || heap_address_of(dump, edges.target) == (uintptr_t)to) &&
             (word == UINT64_MAX - 1 || edges.word == word);
  return count;
}

size_t unit_dump_edges(const struct heap_dump *dump, const void *from, const void *to) {
  return dump_count_edges(dump, from, to, UINT64_MAX - 1);
}

size_t unit_dump_edges_by(const struct heap_dump *dump, const void *from, const void *to,
                          uint64_t word) {
  return dump_count_edges(dump, from, to, word);
}

size_t unit_dump_count_edges(const struct heap_dump *dump, const void *from) {
  return dump_count_edges(dump, from, NULL, UINT64_MAX - 1);
}

size_t unit_dump_roots(const struct heap_dump *dump, enum heap_holder_type type,
                       enum heap_place place, const void *slot, const void *object) {
  struct heap_roots roots;
  size_t count = 0;
  heap_roots_begin(&roots, dump);
  while (heap_roots_next(&roots))
    count += dump->holders[roots.holder].type == type && roots.place == place &&
             (!slot || roots.slot == (uintptr_t)slot) &&
             heap_address_of(dump, roots.target) == (uintptr_t)object;
  return count;
}
