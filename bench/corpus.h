/* corpus.h: the text files under some paths.  What cannot be read is named on standard error. */
#ifndef BENCH_CORPUS_H
#define BENCH_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Files in the order of their names, so that the same text gives the same result everywhere. */
struct corpus {
  char **files;
  uint32_t file_count;
  uint64_t bytes;  /* of all files */
  char *buffer;    /* of the file read last */
  size_t capacity; /* of buffer: the largest file's size */
};

struct corpus_text {
  const char *start;
  size_t bytes;
};

/* Finds every regular file under the paths.  A file that holds a zero byte early on is no text and
 * left out.  Returns false when out of memory. */
bool corpus_open(struct corpus *corpus, char *const *paths, int path_count);
void corpus_close(struct corpus *corpus);

/* Reads one file.  `text` lasts until the next call; empty when the file has gone. */
void corpus_read(struct corpus *corpus, uint32_t file, struct corpus_text *text);

#endif
