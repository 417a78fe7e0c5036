/* heap_groups.h: objects of a dump by kind, by size or by site. */
#ifndef GAIT_HEAP_GROUPS_H
#define GAIT_HEAP_GROUPS_H

#include "heap_reader.h"

enum heap_by { HEAP_BY_KIND, HEAP_BY_SITE, HEAP_BY_SIZE };

struct heap_group {
  char name[512];
  uint64_t key; /* the number of the kind or the site; the least size */
  uint64_t objects;
  uint64_t bytes;    /* of slots */
  uint64_t external; /* bytes */
};

struct heap_groups {
  struct heap_group *groups;
  size_t count;
};

/* Those that have objects, those with the most bytes first; of sizes the smallest.  False: out of
 * memory. */
bool heap_groups_make(const struct heap_dump *dump, enum heap_by by, struct heap_groups *groups);

void heap_groups_destroy(struct heap_groups *groups);

/* One group in two dumps.  `kept` objects are at the same address in both, and of the same kind and
 * size. */
struct heap_change {
  const struct heap_group *before; /* NULL: none */
  const struct heap_group *after;
  const char *name;
  int64_t objects;
  int64_t bytes; /* with external ones */
  uint64_t kept;
};

struct heap_changes {
  struct heap_change *changes;
  size_t count;
};

/* The largest changes first.  False: out of memory. */
bool heap_changes_make(const struct heap_groups *before, const struct heap_groups *after,
                       struct heap_changes *changes);

/* Counts the objects that are in both, by kind. */
void heap_changes_keep(struct heap_changes *changes, const struct heap_dump *before,
                       const struct heap_dump *after);

#endif
