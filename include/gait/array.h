/* array.h: growable arrays on the heap, byte builders among them, and views of their bytes.
 *
 * An array is a structure of the program's, with one reference: `items`, the object that has the
 * elements.  It lies where a reference may lie: in an object, whose kind's map has the bit of its
 * first word; in memory that is a root; or on the stack, with &array.items in a frame of a thread
 * with exact ones.  One thread at a time uses it.
 *
 * An array that is full grows as Go's slices do: to twice its capacity below 256 elements, beyond
 * that by a quarter and 192 elements, and to the end of the slot that this takes.  Its object grows
 * where it lies, if the slot has room, or is copied to a larger one.  Elements past `count` are
 * zero.
 *
 * A byte builder is an array of a leaf kind whose elements have one byte.  A view is a stretch of
 * such bytes that keeps its owner alive, without a copy. */
#ifndef GAIT_ARRAY_H
#define GAIT_ARRAY_H

#include "gait/gait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Read it as you like; the functions write it.  It will not grow. */
typedef struct gait_array {
  void *items;            /* a reference; NULL: it has no room yet */
  size_t count;           /* elements that it has */
  size_t capacity;        /* and those that it has room for */
  uint32_t element_bytes; /* of one element */
  gait_kind kind;         /* of `items` */
} gait_array;

/* Makes it empty, for elements of `element_bytes` bytes, 1 .. 2^31.  `kind` is that of the object
 * that will have them: the leaf kind, or one whose references repeat from the start on every
 * element; these are multiples of 8 bytes then.
 * Thread: attached.  Fails: GAIT_ERROR_ARGUMENT (another heap's kind, the size). */
GAIT_API gait_result gait_array_init(gait_thread *thread, gait_array *array, gait_kind kind,
                                     size_t element_bytes);

/* Sees that there is room for `count` elements in all.  False: out of memory, or more than an
 * object can have; nothing has changed then, here and below.
 * Thread: attached.  GC: safepoint where it has to grow; may start a cycle, may assist. */
GAIT_API bool gait_array_reserve(gait_thread *thread, gait_array *array, size_t count);

/* Appends `count` elements, all of them zero, and returns the address of the first.  References are
 * stored there through the barrier, as in every object.  The address is good until the array grows
 * again.  Fails: NULL.
 * Thread: attached.  GC: as gait_array_reserve. */
GAIT_API void *gait_array_append(gait_thread *thread, gait_array *array, size_t count);

/* Appends a reference, which stays alive meanwhile, to an array of such.
 * Thread: attached.  GC: as gait_array_reserve.  Fails: false. */
GAIT_API bool gait_array_append_reference(gait_thread *thread, gait_array *array, void *value);

/* Appends `count` elements of a leaf kind as they lie at `from`: anywhere, in the array itself or
 * in another object that is in the roots.
 * Thread: attached.  GC: as gait_array_reserve.  Fails: false. */
GAIT_API bool gait_array_append_copy(gait_thread *thread, gait_array *array, const void *from,
                                     size_t count);

/* Takes the elements from `count` on away; their references are cleared, and the room stays for
 * others.  A view of these bytes sees the change.
 * Thread: attached. */
GAIT_API void gait_array_truncate(gait_thread *thread, gait_array *array, size_t count);

/* The address of an element that there is, or of the place behind the last one: not checked. */
static inline void *gait_array_at(const gait_array *array, size_t index) {
  return (char *)array->items + index * array->element_bytes;
}

/* ---- Views ---------------------------------------------------------------------------------- */

/* `bytes` bytes from `offset` on in the object `owner`, which is a reference: it lies where one may
 * lie, and keeps all of the object.  It will not grow. */
typedef struct gait_view {
  void *owner;
  size_t offset;
  size_t bytes;
} gait_view;

/* The elements from `first` on, `count` of them.  The view goes on to see the object that the array
 * has now: appended elements do not change it, and when the array has moved to a larger object it
 * is the view's alone.  Thread: any that may read the array. */
GAIT_API gait_view gait_array_view(const gait_array *array, size_t first, size_t count);

/* All elements; the array is empty then, without room, and another one's bytes are not changed by
 * the array's next use.  Thread: attached. */
GAIT_API gait_view gait_array_take(gait_thread *thread, gait_array *array);

/* A part of a view.  Thread: any. */
GAIT_API gait_view gait_view_part(gait_view view, size_t first, size_t bytes);

/* Stores a view in an object or a root.  The three words are no one store: other threads that read
 * it meanwhile need a lock.  Thread: attached. */
GAIT_API void gait_view_store(gait_thread *thread, gait_view *to, gait_view view);

static inline const void *gait_view_bytes(gait_view view) {
  return (const char *)view.owner + view.offset;
}

#ifdef __cplusplus
}
#endif
#endif
