/* external.h: bytes outside the heap, by the object that holds them.
 *
 * A table from an object's start to its bytes, in shards with a lock each, so that dropping the
 * dead, a shard at a time, holds up a mutator for one shard only. */
#ifndef GAITI_HEAP_EXTERNAL_H
#define GAITI_HEAP_EXTERNAL_H

#include "heap/block.h"
#include "heap/structure.h"

#define GAITI_EXTERNAL_SHARDS 64

struct gaiti_external {
  uintptr_t object; /* 0: free */
  size_t bytes;
};

/* Open addressing; `used` places of `capacity` (a power of two, at least twice as many, and after
 * dropping no more than eight times). */
struct gaiti_external_shard {
  struct gaiti_lock lock;
  struct gaiti_external *table;
  size_t used;
  size_t capacity;
};

struct gaiti_externals {
  struct gaiti_external_shard shards[GAITI_EXTERNAL_SHARDS];
  struct gaiti_space *space;
  AO_t bytes; /* the sum over all entries */
};

bool gaiti_externals_init(struct gaiti_externals *externals, struct gaiti_space *space);
void gaiti_externals_destroy(struct gaiti_externals *externals);

/* Sets the bytes of `object`; 0 removes it.  *change: by how much the sum rose.  False: out of
 * memory, nothing has changed. */
bool gaiti_externals_set(struct gaiti_externals *externals, uintptr_t object, size_t bytes,
                         int64_t *change);

/* Drops every object that is not marked, and gives back what tables have too much.  After marking,
 * before any block is swept. */
void gaiti_externals_drop_dead(struct gaiti_externals *externals, const struct gaiti_map *map);

#endif
