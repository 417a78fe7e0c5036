/* External bytes: memory that an object holds outside the heap.
 *
 * Many objects fit into one run, and each may hold as much as a run of a thousand: so it is not
 * enough that the end of a run is a safepoint.  To say that an object holds more is one, and the
 * thread pays and waits there as for an allocation of that size (cycle/throttle.c). */
#include "alloc/sampling.h"
#include "base/check.h"
#include "cycle/throttle.h"

/* The object may be in no root of an exact thread yet: a frame keeps it, and the objects to which
 * it refers, while a cycle goes by. */
static void external_account(gait_thread *thread, void *object, int64_t change) {
  gait_frame frame;
  gait_frame_push(thread, &frame, &object, 1);
  gaiti_throttle_account_external(thread, change > 0 ? (size_t)change : 0);
  gait_frame_pop(thread, &frame);
}

gait_result gait_object_set_external(gait_thread *thread, void *object, size_t bytes) {
  if (!thread || !object) return GAIT_ERROR_ARGUMENT;
  gait_heap *heap = thread->heap;
  gaiti_ref ref = gaiti_map_resolve(&heap->map, (uintptr_t)object);
  REQUIRE_RESULT("external.object", ref && gaiti_ref_start(&heap->map, ref) == (uintptr_t)object,
                 "external bytes belong to the start of an object of this heap",
                 GAIT_ERROR_ARGUMENT);
  REQUIRE_RESULT("thread.owner", gaiti_thread_is_own(thread),
                 "a thread says for itself alone what its objects hold", GAIT_ERROR_STATE);
  REQUIRE_RESULT("external.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
                 "the thread is outside managed code", GAIT_ERROR_STATE);
  if (bytes > GAIT_MAX_EXTERNAL_BYTES) return GAIT_ERROR_ARGUMENT;
  int64_t change;
  if (!gaiti_externals_set(&heap->externals, (uintptr_t)object, bytes, &change))
    return GAIT_ERROR_MEMORY;
  if (gaiti_profile_is_on(heap))
    gaiti_sampling_note_external(thread, ref, bytes, change, __builtin_return_address(0));
  external_account(thread, object, change);
  return GAIT_OK;
}
