/* Weak references.
 *
 * Models: weak. */
#include "gait/weak.h"

#include "base/check.h"
#include "weak/weak_heap.h"

static void weak_require_thread(const gait_thread *thread) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE("thread.owner", gaiti_thread_is_own(thread),
          "another thread than the caller is attached by this gait_thread");
  REQUIRE("thread.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
          "the thread is outside managed code");
}

static void weak_require(const gait_thread *thread, const gait_weak *weak) {
  weak_require_thread(thread);
  REQUIRE_ARGUMENT(weak);
  const struct gaiti_map *map = &thread->heap->map;
  gaiti_ref ref = gaiti_map_resolve(map, (uintptr_t)weak);
  REQUIRE("weak.live",
          gaiti_ref_kind(ref) == GAITI_KIND_WEAK && gaiti_ref_start(map, ref) == (uintptr_t)weak,
          "this is no weak reference of the thread's heap, or it was found dead");
}

gait_weak *gait_weak_create(gait_thread *thread, void *object) {
  weak_require_thread(thread);
  gait_heap *heap = thread->heap;
  gait_frame frame;
  gait_frame_push(thread, &frame, &object, 1);
  gait_weak *weak =
      gait_alloc(thread, (gait_kind){GAITI_KIND_WEAK, heap->tag}, sizeof(struct gait_weak));
  gait_frame_pop(thread, &frame);
  if (!weak) return NULL;
  AO_store_release(&weak->word, (AO_t)object);
  AO_store_release(&heap->weak->used, 1);
  return weak;
}

void *gait_weak_get(gait_thread *thread, const gait_weak *weak) {
  weak_require(thread, weak);
  return (void *)gaiti_weak_load(thread, &weak->word);
}

void gait_weak_set(gait_thread *thread, gait_weak *weak, void *object) {
  weak_require(thread, weak);
  AO_store_release(&weak->word, (AO_t)object);
}
