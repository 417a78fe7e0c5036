/* process.h: this process, as the kernel counts it. */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Has malloc keep what it maps steady, where it can be told: no arena for each thread, which would
 * stay mapped. */
static inline void process_steady_malloc(void) {
#ifdef M_ARENA_MAX
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

static inline size_t process_entries(const char *path) {
  size_t count = 0;
  DIR *directory = opendir(path);
  if (!directory) abort();
  for (const struct dirent *entry; (entry = readdir(directory));)
    count += entry->d_name[0] != '.';
  closedir(directory);
  return count;
}

/* One that was joined may still be among them for a moment. */
static inline size_t process_threads(void) {
  return process_entries("/proc/self/task");
}

static inline size_t process_descriptors(void) {
  return process_entries("/proc/self/fd") - 1; /* that of the directory itself */
}

struct process_memory {
  size_t mappings;
  size_t bytes;
  size_t growing_bytes; /* of these, the break and the main stack */
};

static inline struct process_memory process_memory(void) {
  struct process_memory memory = {0, 0, 0};
  char line[512];
  uint64_t start, end;
  uint64_t limit = (uint64_t)(uintptr_t)sbrk(0); /* an emulator gives it no name */
  FILE *maps = fopen("/proc/self/maps", "r");
  if (!maps) abort();
  while (fgets(line, sizeof line, maps)) {
    if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2) continue;
    memory.mappings++;
    memory.bytes += end - start;
    bool grows = strstr(line, "[heap]") || strstr(line, "[stack]");
    if (grows || (start < limit && limit <= end)) memory.growing_bytes += end - start;
  }
  fclose(maps);
  return memory;
}

#endif
