/* Ephemerons.
 *
 * Models: weak. */
#include "gait/ephemeron.h"

#include "base/check.h"
#include "mark/ephemerons.h"
#include "weak/weak_heap.h"

#define EPHEMERON_REQUIRE(thread, ephemeron)                                                       \
  do {                                                                                             \
    GAITI_REQUIRE_MANAGED(thread);                                                                 \
    REQUIRE_ARGUMENT(ephemeron);                                                                   \
    REQUIRE("ephemeron.live",                                                                      \
            gaiti_map_has_kind(&(thread)->heap->map, ephemeron, GAITI_KIND_EPHEMERON),             \
            "this is no ephemeron of the thread's heap, or it was found dead");                    \
  } while (0)

gait_ephemeron *gait_ephemeron_new(gait_thread *thread, void *key, void *value) {
  GAITI_REQUIRE_MANAGED(thread);
  gait_heap *heap = thread->heap;
  void *kept[] = {key, value};
  gait_frame frame;
  gait_frame_push(thread, &frame, kept, 2);
  gait_ephemeron *ephemeron =
      gait_alloc(thread, (gait_kind){GAITI_KIND_EPHEMERON, heap->tag}, sizeof *ephemeron);
  gait_frame_pop(thread, &frame);
  if (!ephemeron) return NULL;
  gait_store_init_word(thread, &ephemeron->value, (uint64_t)value);
  gait_store_init_word(thread, &ephemeron->key, (uint64_t)key);
  if (!AO_load(&heap->ephemerons->used)) AO_store_release(&heap->ephemerons->used, 1);
  return ephemeron;
}

void *gait_ephemeron_key(gait_thread *thread, const gait_ephemeron *ephemeron) {
  EPHEMERON_REQUIRE(thread, ephemeron);
  return (void *)gaiti_weak_load(thread, &ephemeron->key);
}

/* Of a key that is alive the value is (.ephemeron.closure).
 *
 * Models: weak. */
void *gait_ephemeron_value(gait_thread *thread, const gait_ephemeron *ephemeron) {
  EPHEMERON_REQUIRE(thread, ephemeron);
  if (!gaiti_weak_load(thread, &ephemeron->key)) return NULL;
  return (void *)AO_load_acquire(&ephemeron->value);
}

/* Models: weak. */
void gait_ephemeron_set_value(gait_thread *thread, gait_ephemeron *ephemeron, void *value) {
  EPHEMERON_REQUIRE(thread, ephemeron);
  if (AO_load_acquire(&ephemeron->key)) gait_store_word(thread, &ephemeron->value, (uint64_t)value);
}

void gait_ephemeron_clear(gait_thread *thread, gait_ephemeron *ephemeron) {
  EPHEMERON_REQUIRE(thread, ephemeron);
  AO_store_release(&ephemeron->key, 0);
  gait_store_word(thread, &ephemeron->value, 0);
}
