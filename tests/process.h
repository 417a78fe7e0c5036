/* process.h: this process, as the kernel counts it. */
#ifndef TESTS_PROCESS_H
#define TESTS_PROCESS_H

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
  FILE *maps = fopen("/proc/self/maps", "r");
  if (!maps) abort();
  while (fgets(line, sizeof line, maps)) {
    if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2) continue;
    memory.mappings++;
    memory.bytes += end - start;
    if (strstr(line, "[heap]") || strstr(line, "[stack]")) memory.growing_bytes += end - start;
  }
  fclose(maps);
  return memory;
}

#endif
