/* Objects that a thread has: more room for one. */
#include "alloc/grow.h"
#include "base/check.h"

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
  return gaiti_grow(thread, object_of(thread, object), new_bytes);
}
