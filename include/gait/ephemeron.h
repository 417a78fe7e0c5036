/* ephemeron.h: pairs of a key and a value, of which the key keeps the value.
 *
 * For properties of objects that do not know them, and for tables with weak keys: an entry is there
 * as long as its key is, though the value may refer to the key.  A weak reference to the key,
 * beside a reference to the value, would keep such a key for good.  A program that uses it includes
 * it.
 *
 * On a heap with a rule for tagged references (gait_tags) keys and values are any words, as for
 * gait_store; a key that is no reference does not die.
 *
 * An object that the program frees itself (gait_object_free) is no key any more; and an ephemeron
 * that it frees is left to the next cycle.
 */
#ifndef GAIT_EPHEMERON_H
#define GAIT_EPHEMERON_H

#include "gait/gait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Ephemerons ----------------------------------------------------------------------------- */

/* An object of 32 bytes on the heap.  It is kept, and found dead, as any other.  It does not keep
 * its key.  Its value is kept while both the ephemeron and the key are alive, and the key otherwise
 * than through the value. */
typedef struct gait_ephemeron gait_ephemeron;

/* A new ephemeron.  Both are kept during the call, and either may be NULL: without a key it is dead
 * from the start.  NULL: as gait_alloc.
 * Thread: attached.  GC: safepoint on the slow path; may start a cycle, may assist. */
GAIT_API gait_ephemeron *gait_ephemeron_new(gait_thread *thread, void *key, void *value);

/* The key, or NULL: a cycle has found it dead, or the ephemeron was cleared.  From the call on the
 * key is as reachable as the caller makes it: an exact thread has it in a frame before its next
 * safepoint.
 *
 * A key is found dead in one step for all ephemerons that have it and all weak references to it,
 * before a finalizer of its own can run and before its memory is used again.  After
 * gait_heap_collect that holds for every key that was unreachable before.
 * Thread: attached.  GC: while a cycle marks, the key is shaded. */
GAIT_API void *gait_ephemeron_key(gait_thread *thread, const gait_ephemeron *ephemeron);

/* The value, or NULL where gait_ephemeron_key is NULL.  As reachable from then on as the caller
 * makes it.
 * Thread: attached.  GC: while a cycle marks, the key is shaded. */
GAIT_API void *gait_ephemeron_value(gait_thread *thread, const gait_ephemeron *ephemeron);

/* Replaces the value; nothing, where the key is NULL.  Threads may get and set one beside each
 * other.
 * Thread: attached. */
GAIT_API void gait_ephemeron_set_value(gait_thread *thread, gait_ephemeron *ephemeron, void *value);

/* Has both be NULL from now on, for good.
 * Thread: attached. */
GAIT_API void gait_ephemeron_clear(gait_thread *thread, gait_ephemeron *ephemeron);

#ifdef __cplusplus
}
#endif

#endif
