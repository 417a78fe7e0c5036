/* Allocation: the calls behind the inline fast path, and those that have none. */
#include "alloc/allocate.h"
#include "barrier/finder.h"
#include "base/check.h"
#include "os/guard.h"

static void *alloc_noted(gait_thread *thread, uint16_t kind, size_t bytes, const void *caller) {
  struct gaiti_site site;
  gaiti_finder_pass(thread, caller, &site);
  gaiti_guard_suspend();
  void *object = gaiti_allocate(thread, kind, bytes, caller);
  gaiti_guard_resume();
  if (object) gaiti_finder_note_object(thread, object, &site);
  return object;
}

void *gait_alloc_slow(gait_thread *thread, gait_kind kind, size_t bytes) {
  REQUIRE_RESULT("alloc.kind", gaiti_heap_has_kind(thread->heap, kind),
                 "the kind belongs to another heap", NULL);
  REQUIRE("alloc.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
          "the thread is outside managed code");
  if (gaiti_finder_is_on(thread->heap))
    return alloc_noted(thread, kind.index, bytes, __builtin_return_address(0));
  return gaiti_allocate(thread, kind.index, bytes, __builtin_return_address(0));
}

static bool alloc_is_power_of_two(size_t number) {
  return number != 0 && (number & (number - 1)) == 0;
}

void *gait_alloc_aligned(gait_thread *thread, gait_kind kind, size_t bytes, size_t alignment) {
  REQUIRE_ARGUMENT(thread);
  if (alignment > GAIT_MAX_ALIGNMENT || !alloc_is_power_of_two(alignment)) return NULL;
  if (alignment <= GAIT_GRANULE_BYTES) return gait_alloc(thread, kind, bytes);
  size_t slot = bytes;
  while (slot - 1 < GAIT_SMALL_BYTES && gait_slot_bytes(slot) % alignment != 0)
    slot = gait_slot_bytes(slot) + 1;
  return gait_alloc(thread, kind, slot);
}

void *gait_alloc_array(gait_thread *thread, gait_kind kind, size_t head_bytes, size_t count,
                       size_t element_bytes) {
  REQUIRE_ARGUMENT(thread);
  size_t bytes;
  if (__builtin_mul_overflow(count, element_bytes, &bytes) ||
      __builtin_add_overflow(bytes, head_bytes, &bytes))
    return NULL;
  return gait_alloc(thread, kind, bytes);
}
