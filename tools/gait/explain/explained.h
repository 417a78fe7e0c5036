/* explained.h: the cycles of a file, ready to be explained.
 *
 * The file is one of GAIT_RECORDS, the JSON of `gait run --json --cycles`, or a log with lines in
 * the form of Go's gctrace. */
#ifndef GAIT_EXPLAINED_H
#define GAIT_EXPLAINED_H

#include <stddef.h>

#include "explain.h"

struct explained {
  struct explain_cycle *cycles;
  size_t count;
};

struct explained_error {
  char text[400];
};

/* Settings that a log does not tell. */
struct explained_settings {
  double gogc_percent; /* below 0: off; not a number: that which its goals agree with */
  double limit_bytes;  /* infinite: none */
};

/* "-" is standard input.  False when there is nothing to explain: `error` says why, with file and
 * place. */
bool explained_load(struct explained *explained, const char *path,
                    const struct explained_settings *settings, struct explained_error *error);
/* The same of text in memory; `path` is for messages. */
bool explained_parse(struct explained *explained, const char *path, const char *text, size_t bytes,
                     const struct explained_settings *settings, struct explained_error *error);
void explained_destroy(struct explained *explained);

#endif
