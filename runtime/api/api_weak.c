/* Weak references.
 *
 * Models: weak. */
#include "gait/weak.h"

#include "base/check.h"
#include "weak/weak_heap.h"

/* The caller is the thread, in managed state; in the name of the function that it has called. */
#define WEAK_REQUIRE_THREAD(thread)                                                                \
  do {                                                                                             \
    REQUIRE_ARGUMENT(thread);                                                                      \
    REQUIRE("thread.owner", gaiti_thread_is_own(thread),                                           \
            "another thread than the caller is attached by this gait_thread");                     \
    REQUIRE("thread.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,                  \
            "the thread is outside managed code");                                                 \
  } while (0)

#define WEAK_REQUIRE(thread, weak)                                                                 \
  do {                                                                                             \
    WEAK_REQUIRE_THREAD(thread);                                                                   \
    REQUIRE_ARGUMENT(weak);                                                                        \
    REQUIRE("weak.live", weak_is_live((thread)->heap, weak),                                       \
            "this is no weak reference of the thread's heap, or it was found dead");               \
  } while (0)

static bool weak_is_live(const gait_heap *heap, const gait_weak *weak) {
  gaiti_ref ref = gaiti_map_resolve(&heap->map, (uintptr_t)weak);
  return gaiti_ref_kind(ref) == GAITI_KIND_WEAK &&
         gaiti_ref_start(&heap->map, ref) == (uintptr_t)weak;
}

gait_weak *gait_weak_create(gait_thread *thread, void *object) {
  WEAK_REQUIRE_THREAD(thread);
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
