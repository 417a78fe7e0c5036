/* progress.h: a bar on standard error for work that takes long; nothing where that is no terminal.
 */
#ifndef GAIT_PROGRESS_H
#define GAIT_PROGRESS_H

#include <stdbool.h>

struct progress {
  bool shown;
  unsigned total;
};

void progress_start(struct progress *progress, unsigned total);

/* Shows that `done` of the total are done and `what` is under way. */
void progress_show(const struct progress *progress, unsigned done, const char *what);

/* Takes the bar away, for other text or at the end. */
void progress_clear(const struct progress *progress);

#endif
