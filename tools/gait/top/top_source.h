/* top_source.h: the record file that is looked at, as it is now.
 *
 * The writer may end, and another take its place under the same name: then that one is shown. */
#ifndef GAIT_TOP_SOURCE_H
#define GAIT_TOP_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "record_reader.h"

enum { TOP_CYCLES = 16, TOP_ERROR_BYTES = 400 };

enum top_state {
  TOP_RUNS,
  TOP_ENDED, /* the heap has been destroyed, */
  TOP_GONE,  /* or the process has ended before that */
};

/* What the file had at one moment, and at the one before.
 *   replaced  since the last look there is another file: `before` is its beginning
 *   cycles    the last ones, oldest first */
struct top_look {
  gait_record_now now, before;
  enum top_state state;
  bool replaced;
  gait_cycle_record cycles[TOP_CYCLES];
  size_t cycle_count;
};

struct top_source {
  char *path;
  struct record_reader *reader;
  dev_t device;
  ino_t inode;
  gait_record_now last;
  char error[TOP_ERROR_BYTES];
};

/* `target` is a file, or the number of a process that records.  False: `error` says why. */
bool top_source_open(struct top_source *source, const char *target);
void top_source_close(struct top_source *source);

/* Looks once.  False: the file cannot be read, and `error` says why. */
bool top_source_look(struct top_source *source, struct top_look *look);

#endif
