/* pool.h: pools of objects that are used again and again, such as buffers.
 *
 * A pool keeps objects that were put into it until a thread gets one.  It is a cache: an object
 * that two cycles have found in it is dropped, and all are when the heap is short of memory; so a
 * pool that is not used costs nothing for long.  Each processor has a part of its own, and looks
 * into the others' when that is empty. */
#ifndef GAIT_POOL_H
#define GAIT_POOL_H

#include "gait/gait.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gait_pool gait_pool;

/* Makes an object for a pool that has none; NULL: out of memory.  It runs in gait_pool_get, on that
 * thread, in managed state, and may do all that an attached thread may. */
typedef void *gait_pool_new_fn(gait_thread *thread, void *arg);

/* It will not grow.
 *   new_object  NULL: an empty pool gives NULL
 *   arg         of new_object
 *   most_bytes  the pool keeps no more than so many bytes of slots; 0: no such limit */
typedef struct gait_pool_info {
  gait_pool_new_fn *new_object;
  void *arg;
  size_t most_bytes;
} gait_pool_info;

/* Creates a pool; `info` may be NULL.
 * Thread: any; not from a callback.  Fails: GAIT_ERROR_ARGUMENT, GAIT_ERROR_MEMORY,
 * GAIT_ERROR_SYSTEM. */
GAIT_API gait_result gait_pool_create(gait_heap *heap, const gait_pool_info *info,
                                      gait_pool **pool);

/* Destroys the pool, before its heap or after it; a pool outlives its heap as one that is empty,
 * and that no thread may get from or put into (`pool.heap`).
 * Thread: any, once; no other call on this pool runs or comes later. */
GAIT_API void gait_pool_destroy(gait_pool *pool);

/* An object of the pool, as it was put there, or a new one.
 * Thread: attached.  GC: as new_object does; else none.  Fails: NULL, where new_object says so. */
GAIT_API void *gait_pool_get(gait_thread *thread, gait_pool *pool);

/* Puts an object, by its start, into the pool, which may drop it: if it is full, or the object is
 * far larger than most that come.  The caller uses it no more, until it gets it again: an object
 * that is put there twice has two users.  Debug builds end with `pool.twice` where they see that.
 * Thread: attached. */
GAIT_API void gait_pool_put(gait_thread *thread, gait_pool *pool, void *object);

/* The bytes of the slots that it keeps.  Thread: any. */
GAIT_API size_t gait_pool_bytes(const gait_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
