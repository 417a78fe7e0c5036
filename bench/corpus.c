#include "corpus.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CORPUS_PROBE_BYTES 4096u

static void corpus_complain(const char *path, int error) {
  fprintf(stderr, "gait: %s: %s\n", path, strerror(error));
}

/* Reads up to `bytes` bytes; -1 with errno when that fails. */
static ssize_t corpus_fill(int file, char *buffer, size_t bytes) {
  size_t got = 0;
  while (got < bytes) {
    ssize_t part = read(file, buffer + got, bytes - got);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return -1;
    if (part == 0) break;
    got += (size_t)part;
  }
  return (ssize_t)got;
}

static bool corpus_is_text(const char *path) {
  char start[CORPUS_PROBE_BYTES];
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  ssize_t bytes = file < 0 ? -1 : corpus_fill(file, start, sizeof start);
  if (bytes < 0) corpus_complain(path, errno);
  if (file >= 0) close(file);
  return bytes > 0 && memchr(start, 0, (size_t)bytes) == NULL;
}

/* `capacity` is that of corpus->files. */
static bool corpus_add(struct corpus *corpus, const char *path, size_t bytes, uint32_t *capacity) {
  if (corpus->file_count == *capacity) {
    uint32_t more = *capacity == 0 ? 64 : *capacity * 2;
    char **files = realloc(corpus->files, more * sizeof *files);
    if (files == NULL) return false;
    corpus->files = files;
    *capacity = more;
  }
  char *copy = strdup(path);
  if (copy == NULL) return false;
  corpus->files[corpus->file_count++] = copy;
  corpus->bytes += bytes;
  if (bytes > corpus->capacity) corpus->capacity = bytes;
  return true;
}

static bool corpus_walk(struct corpus *corpus, FTS *tree) {
  uint32_t capacity = 0;
  for (FTSENT *entry; (entry = fts_read(tree)) != NULL;) {
    switch (entry->fts_info) {
    case FTS_F:
      if (entry->fts_statp->st_size > 0 && corpus_is_text(entry->fts_accpath) &&
          !corpus_add(corpus, entry->fts_path, (size_t)entry->fts_statp->st_size, &capacity))
        return false;
      break;
    case FTS_D:
      if (entry->fts_level > 0 && entry->fts_name[0] == '.') fts_set(tree, entry, FTS_SKIP);
      break;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS: corpus_complain(entry->fts_path, entry->fts_errno); break;
    default: break;
    }
  }
  return true;
}

static int corpus_by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

bool corpus_open(struct corpus *corpus, char *const *paths, int path_count) {
  *corpus = (struct corpus){.files = NULL};
  char **list = calloc((size_t)path_count + 1, sizeof *list);
  if (list == NULL) return false;
  memcpy(list, paths, (size_t)path_count * sizeof *list);
  FTS *tree = fts_open(list, FTS_COMFOLLOW | FTS_PHYSICAL | FTS_NOCHDIR, NULL);
  bool good = tree != NULL && corpus_walk(corpus, tree);
  if (tree != NULL) fts_close(tree);
  free(list);
  if (good && corpus->capacity > 0) {
    corpus->buffer = malloc(corpus->capacity);
    good = corpus->buffer != NULL;
    qsort(corpus->files, corpus->file_count, sizeof *corpus->files, corpus_by_name);
  }
  if (!good) corpus_close(corpus);
  return good;
}

void corpus_close(struct corpus *corpus) {
  for (uint32_t i = 0; i < corpus->file_count; i++)
    free(corpus->files[i]);
  free(corpus->files);
  free(corpus->buffer);
  *corpus = (struct corpus){.files = NULL};
}

void corpus_read(struct corpus *corpus, uint32_t file, struct corpus_text *text) {
  *text = (struct corpus_text){.start = corpus->buffer};
  int opened = open(corpus->files[file], O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (opened < 0) return;
  ssize_t bytes = corpus_fill(opened, corpus->buffer, corpus->capacity);
  if (bytes > 0) text->bytes = (size_t)bytes;
  close(opened);
}
