/* walk.h: looking at the objects of a heap: which there are, how many of each kind, and the holders
 * of one.  For tools, such as a heap profile or the search for a leak.
 *
 * Each call runs a whole cycle, and then stops every thread of the heap until it is done.  So the
 * objects are those that the cycle found, and those allocated since it began.  That takes some
 * nanoseconds an object, for which every thread waits.
 *
 * A callback runs on a thread of Gait's or on the one that called, under the rules of embed.h; of
 * the calls here and in gait.h it may use gait_object_start, gait_object_bytes and
 * gait_object_kind_name. */
#ifndef GAIT_WALK_H
#define GAIT_WALK_H

#include "gait/gait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One object: its start, the bytes of its slot, its kind.  False: no more are wanted. */
typedef bool gait_object_fn(void *object, size_t bytes, gait_kind kind, void *arg);

/* Calls `visit` for each object, in the order of addresses.
 * Thread: attached.  GC: safepoint; runs a cycle, marks.
 * Fails: GAIT_ERROR_ARGUMENT (NULL), GAIT_ERROR_STATE (outside managed code, or not the owner). */
GAIT_API gait_result gait_heap_walk(gait_thread *thread, gait_object_fn *visit, void *arg);

/* Objects of one kind, and the bytes of their slots.  It will not grow. */
typedef struct gait_kind_count {
  uint64_t objects;
  uint64_t bytes;
} gait_kind_count;

/* Counts the objects of each kind: counts[kind.index], of the first `count` kinds.  GAIT_MAX_KINDS
 * are always enough.
 * Thread: attached.  GC: safepoint; runs a cycle, marks.  Fails: as gait_heap_walk. */
GAIT_API gait_result gait_heap_count(gait_thread *thread, gait_kind_count *counts, size_t count);

/* Where a reference is.
 *   OBJECT    in the object `holder`, which may be the very one
 *   THREAD    in a frame, a register or the stack of the gait_thread `holder`
 *   RANGE     in the registered range that begins at `holder`
 *   CALLBACK  a registered callback with the argument `holder` traces it
 *   HANDLE    in the handle `holder`
 *   FIBER     the value, or on the parked stack, of the gait_fiber `holder` */
typedef enum gait_referrer {
  GAIT_REFERRER_OBJECT,
  GAIT_REFERRER_THREAD,
  GAIT_REFERRER_RANGE,
  GAIT_REFERRER_CALLBACK,
  GAIT_REFERRER_HANDLE,
  GAIT_REFERRER_FIBER,
} gait_referrer;

/* One holder of a reference, and the first word in it that is one; NULL where the reference was
 * found by a function that traces and is no word of the holder.  A saved register has the address
 * at which it was saved.  False: no more are wanted. */
typedef bool gait_referrer_fn(gait_referrer referrer, const void *holder, const void *slot,
                              void *arg);

/* Calls `visit` once for each object, root and handle, and for each word of a thread or a fiber,
 * that refers to `object` or into it: threads first, then fibers, then registered roots and
 * handles, then objects in the order of addresses.  References are found as marking finds them: by
 * the maps and functions of kinds, and on conservative stacks any word.  The caller's own reference
 * is one of them.
 * Thread: attached.  GC: safepoint; runs a cycle, marks.
 * Fails: as gait_heap_walk; GAIT_ERROR_ARGUMENT (not an object of this heap), GAIT_ERROR_MEMORY. */
GAIT_API gait_result gait_object_walk_referrers(gait_thread *thread, const void *object,
                                                gait_referrer_fn *visit, void *arg);

#ifdef __cplusplus
}
#endif
#endif
