/* Growable arrays: on the public calls alone, but for the question whether a kind is a leaf. */
#include "gait/array.h"

#include <string.h>

#include "base/check.h"
#include "mutator/thread.h"

#define ARRAY_ELEMENT_MOST ((size_t)1 << 31)
/* Up to here an array doubles, and beyond it grows by a quarter and three quarters of this: the
 * rule of the slices of Go since version 1.18 (its nextslicecap). */
#define ARRAY_DOUBLES ((size_t)256)

gait_result gait_array_init(gait_thread *thread, gait_array *array, gait_kind kind,
                            size_t element_bytes) {
  if (!thread || !array || element_bytes == 0 || element_bytes > ARRAY_ELEMENT_MOST)
    return GAIT_ERROR_ARGUMENT;
  const gait_heap *heap = thread->heap;
  REQUIRE_RESULT("array.kind", gaiti_heap_has_kind(heap, kind),
                 "the kind belongs to another heap, or was never registered", GAIT_ERROR_ARGUMENT);
  if (!gaiti_kind_is_leaf(&heap->kinds, kind.index) && element_bytes % sizeof(void *) != 0)
    return GAIT_ERROR_ARGUMENT;
  gait_store(thread, &array->items, NULL);
  array->count = array->capacity = 0;
  array->element_bytes = (uint32_t)element_bytes;
  array->kind = kind;
  return GAIT_OK;
}

static bool array_is_leaf(const gait_thread *thread, const gait_array *array) {
  return gaiti_kind_is_leaf(&thread->heap->kinds, array->kind.index);
}

/* ---- Growth ---- */

static size_t array_most(const gait_array *array) {
  return GAIT_MAX_OBJECT_BYTES / array->element_bytes;
}

/* The capacity after `capacity`, where `needed` elements have to have room; neither is more than
 * an object can have. */
static size_t array_next_capacity(size_t capacity, size_t needed) {
  if (needed > capacity * 2) return needed;
  if (capacity < ARRAY_DOUBLES) return capacity * 2;
  while (capacity < needed)
    capacity += (capacity + 3 * ARRAY_DOUBLES) / 4;
  return capacity;
}

static void array_take_room(gait_thread *thread, gait_array *array) {
  array->capacity = gait_object_bytes(thread->heap, array->items) / array->element_bytes;
}

static bool array_grow_in_place(gait_thread *thread, gait_array *array, size_t capacity,
                                size_t needed) {
  size_t bytes = array->element_bytes;
  if (!array->items) return false;
  if (!gait_object_grow(thread, array->items, capacity * bytes) &&
      !gait_object_grow(thread, array->items, needed * bytes))
    return false;
  array_take_room(thread, array);
  return true;
}

/* References go word by word, since a marker may look at the new object. */
static void array_copy_elements(gait_thread *thread, const gait_array *array, void *to,
                                const void *from, size_t count) {
  size_t bytes = count * array->element_bytes;
  if (bytes == 0) return;
  if (array_is_leaf(thread, array))
    memmove(to, from, bytes);
  else
    gait_copy(thread, (void **)to, (void *const *)from, bytes / sizeof(void *));
}

/* The old object stays as it is: a view may have it. */
static bool array_move(gait_thread *thread, gait_array *array, size_t capacity) {
  void *items = gait_alloc(thread, array->kind, capacity * array->element_bytes);
  if (!items) return false;
  array_copy_elements(thread, array, items, array->items, array->count);
  gait_store(thread, &array->items, items);
  array_take_room(thread, array);
  return true;
}

static bool array_grow(gait_thread *thread, gait_array *array, size_t needed) {
  size_t most = array_most(array);
  if (needed > most) return false;
  size_t capacity = array_next_capacity(array->capacity, needed);
  if (capacity > most) capacity = most;
  return array_grow_in_place(thread, array, capacity, needed) ||
         array_move(thread, array, capacity);
}

static void array_check(const gait_thread *thread, const gait_array *array) {
  REQUIRE("argument.null", thread && array, "an argument is NULL");
  REQUIRE("array.kind", array->element_bytes > 0 && gaiti_heap_has_kind(thread->heap, array->kind),
          "the array was not initialised, or by a thread of another heap");
}

bool gait_array_reserve(gait_thread *thread, gait_array *array, size_t count) {
  array_check(thread, array);
  return count <= array->capacity || array_grow(thread, array, count);
}

/* ---- Elements ---- */

void *gait_array_append(gait_thread *thread, gait_array *array, size_t count) {
  array_check(thread, array);
  size_t needed;
  if (__builtin_add_overflow(array->count, count, &needed)) return NULL;
  if (needed == 0) needed = 1; /* an address is due */
  if (needed > array->capacity && !array_grow(thread, array, needed)) return NULL;
  void *first = gait_array_at(array, array->count);
  array->count += count;
  return first;
}

bool gait_array_append_reference(gait_thread *thread, gait_array *array, void *value) {
  array_check(thread, array);
  REQUIRE("array.reference", array->element_bytes == sizeof(void *),
          "the elements of the array are no references");
  gait_frame frame;
  gait_frame_push(thread, &frame, &value, 1);
  void **slot = gait_array_append(thread, array, 1);
  gait_frame_pop(thread, &frame);
  if (slot) gait_store(thread, slot, value);
  return slot != NULL;
}

/* No safepoint stands between the growth and the copy, so an old object that has the elements is
 * there as it was. */
bool gait_array_append_copy(gait_thread *thread, gait_array *array, const void *from,
                            size_t count) {
  array_check(thread, array);
  REQUIRE("array.leaf", array_is_leaf(thread, array),
          "elements that have references are stored through the barrier");
  REQUIRE("argument.null", from || count == 0, "the argument from is NULL");
  if (count == 0) return true;
  void *to = gait_array_append(thread, array, count);
  if (to) memcpy(to, from, count * array->element_bytes);
  return to != NULL;
}

void gait_array_truncate(gait_thread *thread, gait_array *array, size_t count) {
  array_check(thread, array);
  REQUIRE("array.range", count <= array->count, "the array has fewer elements");
  size_t bytes = (array->count - count) * array->element_bytes;
  void *first = gait_array_at(array, count);
  array->count = count;
  if (bytes == 0) return;
  if (array_is_leaf(thread, array))
    memset(first, 0, bytes);
  else
    gait_clear(thread, (void **)first, bytes / sizeof(void *));
}

/* ---- Views ---- */

gait_view gait_array_view(const gait_array *array, size_t first, size_t count) {
  REQUIRE_ARGUMENT(array);
  REQUIRE("array.range", first <= array->count && count <= array->count - first,
          "the array has fewer elements");
  return (gait_view){array->items, first * array->element_bytes, count * array->element_bytes};
}

gait_view gait_array_take(gait_thread *thread, gait_array *array) {
  array_check(thread, array);
  gait_view view = gait_array_view(array, 0, array->count);
  gait_store(thread, &array->items, NULL);
  array->count = array->capacity = 0;
  return view;
}

gait_view gait_view_part(gait_view view, size_t first, size_t bytes) {
  REQUIRE("view.range", first <= view.bytes && bytes <= view.bytes - first,
          "the view has fewer bytes");
  return (gait_view){view.owner, view.offset + first, bytes};
}

void gait_view_store(gait_thread *thread, gait_view *to, gait_view view) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE_ARGUMENT(to);
  gait_store(thread, &to->owner, view.owner);
  to->offset = view.offset;
  to->bytes = view.bytes;
}
