/* Weak references.
 *
 * Models: weak. */
#include "gait/weak.h"

#include "base/check.h"
#include "weak/weak_heap.h"

#define WEAK_REQUIRE(thread, weak)                                                                 \
  do {                                                                                             \
    GAITI_REQUIRE_MANAGED(thread);                                                                 \
    REQUIRE_ARGUMENT(weak);                                                                        \
    REQUIRE("weak.live", gaiti_map_has_kind(&(thread)->heap->map, weak, GAITI_KIND_WEAK),          \
            "this is no weak reference of the thread's heap, or it was found dead");               \
  } while (0)

gait_weak *gait_weak_create(gait_thread *thread, void *object) {
  GAITI_REQUIRE_MANAGED(thread);
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
  WEAK_REQUIRE(thread, weak);
  return (void *)gaiti_weak_load(thread, &weak->word);
}

/* Models: weak. */
void gait_weak_set(gait_thread *thread, gait_weak *weak, void *object) {
  WEAK_REQUIRE(thread, weak);
  AO_store_release(&weak->word, (AO_t)object);
}
