/* sized.h: structures that cross the boundary between program and library.
 *
 * Either side may have been compiled with headers that know more fields than the other's: all that
 * they share is a beginning.  docs/design/abi.md has the rules. */
#ifndef GAITI_BASE_SIZED_H
#define GAITI_BASE_SIZED_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "gait/tune.h"

/* How large each was in version 0.2.0: no program states less. */
#define GAITI_OPTIONS_BYTES   ((size_t)440)
#define GAITI_KIND_INFO_BYTES ((size_t)64)
#define GAITI_STATS_BYTES     ((size_t)344)
#define GAITI_RECORD_BYTES    ((size_t)440)
#define GAITI_BUDGET_BYTES    ((size_t)40)
#define GAITI_MEMBER_BYTES    ((size_t)48)

/* A structure that the library fills may be one that it knows less of. */
static inline bool gaiti_sized_may_fill(size_t bytes, size_t least) {
  return bytes >= least;
}

/* One that it reads may not: what it does not know may matter. */
static inline bool gaiti_sized_may_read(size_t bytes, size_t least, size_t known) {
  return bytes >= least && bytes <= known;
}

/* Copies what both know, and clears the rest of `to`. */
static inline void gaiti_sized_copy(void *to, size_t to_bytes, const void *from,
                                    size_t from_bytes) {
  size_t shared = to_bytes < from_bytes ? to_bytes : from_bytes;
  memcpy(to, from, shared);
  memset((char *)to + shared, 0, to_bytes - shared);
}

#endif
