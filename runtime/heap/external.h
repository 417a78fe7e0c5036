/* external.h: bytes outside the heap, by the object that holds them.
 *
 * A table from an object's start to its bytes, in shards with a lock each, so that dropping the
 * dead, a shard at a time, holds up a mutator for one shard only.
 *
 * .external.gate  A fork takes one lock, the gate, and not that of every shard: ThreadSanitizer
 * knows of 64 locks that one thread holds.  It closes the table, and then passes through every
 * shard once, so a thread that was at work there has finished, and one that comes later finds the
 * table closed and waits for the gate. */
#ifndef GAITI_HEAP_EXTERNAL_H
#define GAITI_HEAP_EXTERNAL_H

#include "gait/gait.h"
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

/*   bytes  the sum over all entries, at most GAIT_MAX_EXTERNAL_BYTES: it rises before an entry
 *          does, and falls after; nothing else moves it */
struct gaiti_externals {
  struct gaiti_lock gate;
  AO_t closed; /* to all but the thread that has the gate */
  struct gaiti_external_shard shards[GAITI_EXTERNAL_SHARDS];
  struct gaiti_space *space;
  AO_t bytes;
};

bool gaiti_externals_init(struct gaiti_externals *externals, struct gaiti_space *space);
void gaiti_externals_destroy(struct gaiti_externals *externals);

/* Sets the bytes of `object`, at most GAIT_MAX_EXTERNAL_BYTES; 0 removes it.  *change: by how much
 * the sum rose.  False: out of memory, or the sum would be too large; nothing has changed. */
bool gaiti_externals_set(struct gaiti_externals *externals, uintptr_t object, size_t bytes,
                         int64_t *change);

/* Calls `visit` for each entry, with the lock of its shard. */
typedef void gaiti_external_fn(uintptr_t object, size_t bytes, void *arg);
void gaiti_externals_each(struct gaiti_externals *externals, gaiti_external_fn *visit, void *arg);

/* Takes the gate and closes the table, so that no shard is half changed; and opens it.  Thread: one
 * that forks. */
void gaiti_externals_close(struct gaiti_externals *externals);
void gaiti_externals_open(struct gaiti_externals *externals);

/* In the child, before it is opened: a thread that found it closed may have the lock of a shard. */
void gaiti_externals_renew(struct gaiti_externals *externals);

/* Drops every object that is not marked, and gives back memory that tables have too much.  After
 * marking, before any block is swept. */
void gaiti_externals_drop_dead(struct gaiti_externals *externals, const struct gaiti_map *map);

#endif
