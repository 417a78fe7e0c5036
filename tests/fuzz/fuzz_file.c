#include "fuzz_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file_folder[256];

static const char *file_path(const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", fuzz_file_folder(), name);
  return path;
}

static void file_clean(void) {
  DIR *folder = opendir(file_folder);
  if (folder == NULL) return;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
    if (entry->d_name[0] != '.') unlink(file_path(entry->d_name));
  closedir(folder);
  rmdir(file_folder);
}

const char *fuzz_file_folder(void) {
  if (file_folder[0] != '\0') return file_folder;
  const char *parent = getenv("TMPDIR");
  snprintf(file_folder, sizeof file_folder, "%.200s/gait-fuzz-XXXXXX",
           parent == NULL ? "/tmp" : parent);
  if (mkdtemp(file_folder) == NULL) {
    perror(file_folder);
    abort();
  }
  atexit(file_clean);
  return file_folder;
}

const char *fuzz_file_write(const char *name, const char *text, size_t bytes) {
  const char *path = file_path(name);
  FILE *out = fopen(path, "w");
  if (out == NULL || fwrite(text, 1, bytes, out) != bytes || fclose(out) != 0) {
    perror(path);
    abort();
  }
  return path;
}

void fuzz_file_remove(const char *name) {
  unlink(file_path(name));
}
