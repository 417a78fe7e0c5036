#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#define PROGRESS_CELLS 30u

void progress_start(struct progress *progress, unsigned total) {
  *progress = (struct progress){.shown = isatty(STDERR_FILENO) == 1, .total = total};
}

void progress_show(const struct progress *progress, unsigned done, const char *what) {
  if (!progress->shown || progress->total == 0) return;
  unsigned full = done * PROGRESS_CELLS / progress->total;
  char bar[PROGRESS_CELLS + 1];
  for (unsigned i = 0; i < PROGRESS_CELLS; i++)
    bar[i] = i < full ? '#' : '.';
  bar[PROGRESS_CELLS] = '\0';
  fprintf(stderr, "\r\033[K[%s] %u/%u %.40s", bar, done, progress->total, what);
  fflush(stderr);
}

void progress_clear(const struct progress *progress) {
  if (!progress->shown) return;
  fputs("\r\033[K", stderr);
  fflush(stderr);
}
