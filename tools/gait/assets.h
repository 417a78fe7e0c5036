/* assets.h: the files that the command carries inside; the table is generated. */
#ifndef GAIT_ASSETS_H
#define GAIT_ASSETS_H

#include <stddef.h>

struct asset {
  const char *name; /* NULL ends the table */
  const char *text; /* ends in a zero byte that `bytes` does not count */
  size_t bytes;
};

extern const struct asset assets[];

#endif
