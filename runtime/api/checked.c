/* The functions of gait/checked.h: each checks the promises of its caller, and calls the function
 * of the same name without `checked`.
 *
 * They take no lock and change nothing but what that function changes, so a program with checks
 * meets the same handshakes and races as one without.  The data that they read are the calling
 * thread's own (its state, its frames), or constant (the heap's addresses), or atomic (the kinds,
 * the ranges of other heaps, shapes and allocation bits).  An object that a program may store to is
 * reachable, so its allocation bit is set, at whatever moment of a cycle it is asked for. */
#include "barrier/finder.h"
#include "base/check.h"
#include "cycle/cycle.h"
#include "heap/ranges.h"

#if GAIT_CHECKED
#error "the library itself is compiled without GAIT_CHECKED: it is what the checks call"
#endif

/* How many frames a new one is compared with; to compare it with all would take a recursive program
 * quadratic time. */
#define CHECKED_FRAMES 32

/* REQUIRE in the name of the function that the program wrote. */
#define CHECKED(name, function, condition, sentence)                                               \
  ((condition) ? (void)0 : gaiti_check_failed("REQUIRE", name, function, sentence))

/* ---- The checks ---- */

static void checked_thread(const gait_thread *thread, const char *function) {
  CHECKED("thread.attached", function,
          thread && gaiti_thread_state(thread) != GAITI_THREAD_DETACHED,
          "the thread is not attached");
  CHECKED("thread.owner", function, gaiti_thread_is_own(thread),
          "another thread than the caller is attached by this gait_thread");
  CHECKED("thread.managed", function, gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
          "the thread is outside managed code");
}

static void checked_kind(const gait_thread *thread, gait_kind kind, const char *function) {
  checked_thread(thread, function);
  CHECKED("alloc.kind", function, gaiti_heap_has_kind(thread->heap, kind),
          "the kind belongs to another heap, or was never registered");
}

static void checked_alignment(const void *slot, const char *function) {
  CHECKED("slot.aligned", function, slot && (uintptr_t)slot % sizeof(void *) == 0,
          "a slot of references lies at a multiple of the size of one");
}

/* A slot that the thread may store to: of an object of its heap, or of no heap at all, as a root's
 * is. */
static void checked_slot(const gait_thread *thread, const void *slot, const char *function) {
  const struct gaiti_map *map = &thread->heap->map;
  checked_alignment(slot, function);
  CHECKED("store.heap", function, !gaiti_ranges_other_covers(map, (uintptr_t)slot),
          "the slot is in another heap than the one that this gait_thread is attached to");
  CHECKED("store.slot", function,
          !gaiti_map_covers(map, (uintptr_t)slot) || gaiti_map_resolve(map, (uintptr_t)slot),
          "the slot is in the heap, and in none of its objects: the object was found dead");
}

static void checked_address(const gait_thread *thread, uintptr_t address, const char *function) {
  CHECKED("store.value", function, !gaiti_ranges_other_covers(&thread->heap->map, address),
          "the reference is to another heap, of which no object is kept alive by it");
}

/* On a heap with tagged references a word that is plainly in another heap may be a number. */
static void checked_value(const gait_thread *thread, const void *value, const char *function) {
  const gait_heap *heap = thread->heap;
  uintptr_t word = (uintptr_t)value;
  checked_address(thread,
                  gaiti_tags_exist(&heap->tags) ? gaiti_tags_address(&heap->tags, word) : word,
                  function);
}

/* The address to which `word` refers in that word of an object with a pointer map; 0: none. */
static uintptr_t checked_meaning(const gait_heap *heap, gaiti_ref object, const void *slot,
                                 uintptr_t word) {
  const struct gaiti_kind *kind = &heap->kinds.table[gaiti_ref_kind(object)];
  size_t at = ((uintptr_t)slot - gaiti_ref_start(&heap->map, object)) / sizeof(void *);
  return gaiti_kind_is_tagged(kind, at) ? gaiti_tags_address(&heap->tags, word) : word;
}

/* A word in an object with a pointer map is marked without a test, so it has to refer to an object.
 * Elsewhere a word that is none is ignored: a root, or a conservative object, may be a copy of a
 * stack. */
static void checked_reference(const gait_thread *thread, const void *slot, const void *value,
                              const char *function) {
  const gait_heap *heap = thread->heap;
  checked_value(thread, value, function);
  gaiti_ref object = gaiti_map_resolve(&heap->map, (uintptr_t)slot);
  if (!object || heap->kinds.table[gaiti_ref_kind(object)].form != GAIT_KIND_POINTERS) return;
  uintptr_t address = checked_meaning(heap, object, slot, (uintptr_t)value);
  CHECKED("store.value", function,
          !gaiti_map_covers(&heap->map, address) || gaiti_map_resolve(&heap->map, address),
          "the reference is into the heap, and to none of its objects: the object was found dead");
}

/* `count` slots in a row that the thread may store to. */
static void checked_slots(const gait_thread *thread, void *const *slots, size_t count,
                          const char *function) {
  const struct gaiti_map *map = &thread->heap->map;
  if (count == 0) return;
  checked_slot(thread, slots, function);
  checked_slot(thread, &slots[count - 1], function);
  CHECKED("store.slot", function,
          gaiti_map_resolve(map, (uintptr_t)slots) ==
              gaiti_map_resolve(map, (uintptr_t)&slots[count - 1]),
          "the slots are not of one object");
}

/* A frame that has been overwritten, and does not lead on to others, is an error of its own. */
static bool checked_is_linked(const gait_thread *thread, const gait_frame *frame) {
  const gait_frame *linked = thread->fast.frames;
  for (int i = 0; linked && i < CHECKED_FRAMES; i++, linked = linked->caller) {
    if (linked == frame) return true;
    CHECKED("frame.intact", "gait_frame_push", linked->seal == gait_frame_seal(linked),
            "an exact frame was changed, or its function has returned");
  }
  return false;
}

/* ---- Safepoints and allocation ---- */

void gait_checked_thread_poll(gait_thread *thread) {
  checked_thread(thread, "gait_thread_poll");
  gait_thread_poll(thread);
}

void *gait_checked_alloc(gait_thread *thread, gait_kind kind, size_t bytes) {
  checked_kind(thread, kind, "gait_alloc");
  return gait_alloc(thread, kind, bytes);
}

void *gait_checked_alloc_aligned(gait_thread *thread, gait_kind kind, size_t bytes,
                                 size_t alignment) {
  checked_kind(thread, kind, "gait_alloc_aligned");
  return gait_alloc_aligned(thread, kind, bytes, alignment);
}

void *gait_checked_alloc_array(gait_thread *thread, gait_kind kind, size_t head_bytes, size_t count,
                               size_t element_bytes) {
  checked_kind(thread, kind, "gait_alloc_array");
  return gait_alloc_array(thread, kind, head_bytes, count, element_bytes);
}

/* ---- Loads and stores ---- */

void *gait_checked_load(void *const *slot) {
  checked_alignment(slot, "gait_load");
  return gait_load(slot);
}

void gait_checked_store(gait_thread *thread, void *slot, void *value) {
  checked_thread(thread, "gait_store");
  checked_slot(thread, slot, "gait_store");
  checked_reference(thread, slot, value, "gait_store");
  (gait_store)(thread, slot, value);
}

/* Whether a slot of an object refers to one.  A root may have any word in it before it is filled;
 * an object has zeros. */
static bool checked_is_filled(const gait_heap *heap, const void *slot) {
  const struct gaiti_map *map = &heap->map;
  gaiti_ref object = gaiti_map_resolve(map, (uintptr_t)slot);
  if (!object) return false;
  uintptr_t word = (uintptr_t)(gait_load)(slot);
  return gaiti_map_covers(map, heap->kinds.table[gaiti_ref_kind(object)].form == GAIT_KIND_POINTERS
                                   ? checked_meaning(heap, object, slot, word)
                                   : gaiti_tags_plain_or_tagged(&heap->tags, map, word));
}

void gait_checked_store_init(gait_thread *thread, void *slot, void *value) {
  checked_thread(thread, "gait_store_init");
  checked_slot(thread, slot, "gait_store_init");
  checked_reference(thread, slot, value, "gait_store_init");
  CHECKED("store.init", "gait_store_init", !checked_is_filled(thread->heap, slot),
          "the slot has been stored to before: gait_store is for that");
  if (gaiti_finder_is_on(thread->heap)) {
    gaiti_finder_note_store(thread, slot, value, __builtin_return_address(0));
    thread->init_noted = true;
  }
  (gait_store_init)(thread, slot, value);
}

bool gait_checked_cas(gait_thread *thread, void *slot, void *expected, void *desired) {
  checked_thread(thread, "gait_cas");
  checked_slot(thread, slot, "gait_cas");
  checked_reference(thread, slot, desired, "gait_cas");
  return (gait_cas)(thread, slot, expected, desired);
}

void gait_checked_copy(gait_thread *thread, void *to, const void *from, size_t count) {
  checked_thread(thread, "gait_copy");
  checked_slots(thread, to, count, "gait_copy");
  if (count > 0) checked_alignment(from, "gait_copy");
  for (size_t i = 0; i < count; i++)
    checked_reference(thread, (void **)to + i, gait_load(&((void *const *)from)[i]), "gait_copy");
  (gait_copy)(thread, to, from, count);
}

void gait_checked_clear(gait_thread *thread, void *slots, size_t count) {
  checked_thread(thread, "gait_clear");
  checked_slots(thread, slots, count, "gait_clear");
  (gait_clear)(thread, slots, count);
}

/* ---- Frames and handles ---- */

void gait_checked_frame_push(gait_thread *thread, gait_frame *frame, void **slots, size_t count) {
  checked_thread(thread, "gait_frame_push");
  CHECKED("frame.slots", "gait_frame_push",
          count == 0 || (slots && (uintptr_t)slots % sizeof(void *) == 0),
          "a frame has slots, at multiples of the size of a reference");
  CHECKED("frame.order", "gait_frame_push", frame && !checked_is_linked(thread, frame),
          "the frame is linked already: the function that pushed it has not popped it");
  gait_frame_push(thread, frame, slots, count);
}

void gait_checked_frame_push_sized(gait_thread *thread, gait_sized_frame *frame, void **slots,
                                   size_t most, gait_frame_count_fn *count, void *arg) {
  checked_thread(thread, "gait_frame_push_sized");
  CHECKED(
      "frame.slots", "gait_frame_push_sized",
      count && slots && (uintptr_t)slots % sizeof(void *) == 0,
      "a frame has slots, at multiples of the size of a reference, and a function to count them");
  CHECKED("frame.order", "gait_frame_push_sized",
          frame && !checked_is_linked(thread, &frame->frame),
          "the frame is linked already: the function that pushed it has not popped it");
  gait_frame_push_sized(thread, frame, slots, most, count, arg);
}

void gait_checked_frame_pop(gait_thread *thread, gait_frame *frame) {
  checked_thread(thread, "gait_frame_pop");
  CHECKED("frame.order", "gait_frame_pop", frame && thread->fast.frames == frame,
          "the innermost frame is another one, which was pushed and not popped");
  gait_frame_pop(thread, frame);
}

gait_handle *gait_checked_handle_create(gait_thread *thread, void *object) {
  checked_thread(thread, "gait_handle_create");
  checked_value(thread, object, "gait_handle_create");
  return gait_handle_create(thread, object);
}

void gait_checked_handle_set(gait_thread *thread, gait_handle *handle, void *object) {
  checked_thread(thread, "gait_handle_set");
  checked_value(thread, object, "gait_handle_set");
  gait_handle_set(thread, handle, object);
}

void gait_checked_handle_destroy(gait_thread *thread, gait_handle *handle) {
  checked_thread(thread, "gait_handle_destroy");
  gait_handle_destroy(thread, handle);
}
