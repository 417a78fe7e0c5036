/* pools.h: pools of objects, and how they are emptied when cycles begin. */
#ifndef GAITI_CYCLE_POOLS_H
#define GAITI_CYCLE_POOLS_H

#include "gait/pool.h"
#include "mutator/thread.h"

/* Parts of a pool; a processor has the one of its number, modulo. */
#define GAITI_POOL_PARTS 16u
#define GAITI_POOL_SLOTS (GAITI_STRESS ? 2u : 32u)

/* Objects that were put there since the last cycle began, or before: the victims. */
struct gaiti_pool_age {
  void *slots[GAITI_POOL_SLOTS]; /* roots with a barrier; NULL from `count` on */
  size_t bytes[GAITI_POOL_SLOTS];
  uint32_t count;
};

/* Guarded by its lock, but that the slots are traced without it.
 *   young  which of the two is for new ones */
struct gaiti_pool_part {
  struct gaiti_lock lock;
  uint32_t young;
  struct gaiti_pool_age ages[2];
};

/*   heap  NULL when that is gone
 *   mean  of the bytes of objects that come; some updates may be lost
 *   next  of this heap's; guarded by the lock of the requests */
struct gait_pool {
  gait_heap *heap;
  gait_pool_info info;
  AO_t bytes;
  AO_t mean;
  gait_pool *next;
  struct gaiti_pool_part parts[GAITI_POOL_PARTS];
};

bool gaiti_pool_init(gait_pool *pool);
void gaiti_pool_destroy(gait_pool *pool);

/* Puts it on the list of its heap's, and takes it off. */
void gaiti_pools_link(gait_pool *pool);
void gaiti_pools_unlink(gait_pool *pool);

/* An object of the pool, or NULL.  Thread: the caller, in managed state; here and below. */
void *gaiti_pool_take(gait_thread *thread, gait_pool *pool);
void gaiti_pool_give(gait_thread *thread, gait_pool *pool, void *object, size_t bytes);

/* The root's function: traces every object that a pool has. */
void gaiti_pool_trace(gait_tracer *tracer, void *pool);

/* A cycle is about to begin: drops the victims of all pools, and makes victims of the others; with
 * `all`, drops those as well.  Thread: the one that runs the cycle; no barrier is on. */
void gaiti_pools_age(gait_heap *heap, bool all);

/* The heap goes: its pools stay as empty ones. */
void gaiti_pools_abandon(gait_heap *heap);

/* In the child of a fork: its locks are free. */
void gaiti_pools_renew(gait_heap *heap);

#endif
