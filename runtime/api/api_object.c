/* Objects that a thread has: more room for one, and an early end. */
#include "alloc/freed_slots.h"
#include "alloc/grow.h"
#include "barrier/finder.h"
#include "base/check.h"
#include "cycle/cycle.h"
#include "heap/samples.h"
#include "weak/finalizers.h"

/* The object that starts at `object`, for a call of its own thread. */
static gaiti_ref object_of(const gait_thread *thread, const void *object) {
  REQUIRE("thread.owner", gaiti_thread_is_own(thread), "a thread calls for itself alone");
  REQUIRE("object.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
          "the thread is outside managed code");
  gaiti_ref ref = gaiti_map_resolve(&thread->heap->map, (uintptr_t)object);
  REQUIRE("object.start", ref && gaiti_ref_start(&thread->heap->map, ref) == (uintptr_t)object,
          "the address is the start of no object of this heap");
  return ref;
}

bool gait_object_grow(gait_thread *thread, void *object, size_t new_bytes) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE_ARGUMENT(object);
  return gaiti_grow(thread, object_of(thread, object), new_bytes, __builtin_return_address(0));
}

/* Its external bytes are gone with the memory that the program has freed elsewhere. */
static void object_drop_external(gait_heap *heap, void *object) {
  int64_t change;
  if (AO_load(&heap->externals.bytes) == 0) return;
  gaiti_externals_set(&heap->externals, (uintptr_t)object, 0, &change);
}

/* One of whose functions some may have to run (.finalizer.freed), or through which a list of the
 * cycle under way goes (mark/ephemerons.c). */
static bool object_stays(gait_heap *heap, const void *object, gaiti_ref ref) {
  return gaiti_finalizers_may_name(heap, object) || gaiti_ref_kind(ref) == GAITI_KIND_EPHEMERON;
}

void gait_object_free(gait_thread *thread, void *object) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE_ARGUMENT(object);
  gaiti_ref ref = object_of(thread, object);
  if (object_stays(thread->heap, object, ref)) {
    object_drop_external(thread->heap, object);
    return;
  }
  bool checks = thread->heap->options.debug.check_free;
  bool finds = gaiti_finder_is_on(thread->heap);
  if (finds) gaiti_finder_forget(thread->heap, (uintptr_t)object);
  bool first =
      checks ? gaiti_promises_add(thread, ref) : !gaiti_freed_has(thread, (uintptr_t)object);
  REQUIRE("free.twice", first, "the object was freed before");
  object_drop_external(thread->heap, object);
  if (gaiti_profile_is_on(thread->heap)) gaiti_profile_free(thread->heap, (uintptr_t)object);
  if (!checks && !finds) gaiti_free(thread, ref);
}
