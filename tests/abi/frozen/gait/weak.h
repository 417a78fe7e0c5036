/* weak.h: references that do not keep their objects.
 *
 * For caches, for tables that know objects without owning them, and for the weak references of a
 * language.  A program that uses it includes it.
 *
 * On a heap with a rule for tagged references (gait_tags) each of these takes any word, as
 * gait_store does: a word that is no reference stays as it is.
 *
 * An object that the program frees itself (gait_object_free) has no weak reference to it any more.
 */
#ifndef GAIT_WEAK_H
#define GAIT_WEAK_H

#include "gait/gait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Weak references ------------------------------------------------------------------------ */

/* An object of 16 bytes on the heap that refers to another and does not keep it.  It is kept, and
 * found dead, as any other: by a reference in a slot, a frame or a handle. */
typedef struct gait_weak gait_weak;

/* A new weak reference to `object`, which may be NULL, and is kept during the call.  NULL: as
 * gait_alloc.
 * Thread: attached.  GC: safepoint on the slow path; may start a cycle, may assist. */
GAIT_API gait_weak *gait_weak_create(gait_thread *thread, void *object);

/* The object, or NULL: the reference is to none, or a cycle has found its object dead.  From the
 * call on the object is as reachable as the caller makes it: an exact thread has it in a frame
 * before its next safepoint.
 *
 * An object is found dead in one step for all weak references to it, however many there are, and
 * before its memory is used again.  After gait_heap_collect that holds for every object that was
 * unreachable before.
 * Thread: attached.  GC: while a cycle marks, the object is shaded. */
GAIT_API void *gait_weak_get(gait_thread *thread, const gait_weak *weak);

/* Has it refer to `object` from now on; NULL clears it.  Threads may get and set one beside each
 * other.
 * Thread: attached. */
GAIT_API void gait_weak_set(gait_thread *thread, gait_weak *weak, void *object);

#ifdef __cplusplus
}
#endif

#endif
