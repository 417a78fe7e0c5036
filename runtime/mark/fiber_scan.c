/* Models: fibers. */
#include "mark/fiber_scan.h"

#include "mark/root_scan.h"

/* A stack that is not deep takes a microsecond: the clock is asked after so many looks. */
#define FIBERS_LOOKS 16

size_t gaiti_fiber_shade(gait_fiber *fiber, struct gaiti_barrier_buffer **buffer) {
  if (fiber->stack.place == 0) return 0;
  return gaiti_roots_each_parked(fiber->heap, &fiber->stack, gaiti_roots_shade_range, buffer);
}

static uintptr_t fiber_value(const gait_fiber *fiber) {
  return AO_load((const AO_t *)(const void *)&fiber->value);
}

static void fiber_mark_value(struct gaiti_marker *marker, uintptr_t value) {
  gaiti_marker_word(marker, gaiti_tags_plain_or_tagged(&marker->tags, &marker->map, value));
}

static void fiber_mark_stack(gait_fiber *fiber, struct gaiti_marker *marker) {
  size_t bytes =
      gaiti_roots_each_parked(fiber->heap, &fiber->stack, gaiti_roots_mark_range, marker);
  gaiti_counter_add(&fiber->heap->marking->root_bytes, bytes);
}

bool gaiti_fibers_scan(gait_heap *heap, struct gaiti_marker *marker, uint64_t deadline_ns) {
  struct gaiti_fiber_look look;
  gaiti_fibers_walk(heap);
  for (uint32_t looks = 1; gaiti_fibers_look(heap, &look); looks++) {
    if (look.value) fiber_mark_value(marker, look.value);
    if (look.claimed) {
      gaiti_delay(heap);
      fiber_mark_stack(look.claimed, marker);
      gaiti_fiber_give(look.claimed);
    }
    if (looks % FIBERS_LOOKS == 0 && gaiti_os_now_ns() >= deadline_ns) return false;
  }
  return true;
}

void gaiti_fibers_mark_stopped(gait_heap *heap, struct gaiti_marker *marker, bool all) {
  AO_t epoch = AO_load(&heap->epoch);
  for (gait_fiber *fiber = heap->fibers->all; fiber; fiber = fiber->next) {
    if (all) fiber_mark_value(marker, fiber_value(fiber));
    if (gaiti_fiber_has_stack(fiber) && (all || AO_load(&fiber->ran) == epoch))
      fiber_mark_stack(fiber, marker);
  }
}

void gaiti_fibers_mark_frames(gait_heap *heap, struct gaiti_marker *marker) {
  for (gait_fiber *fiber = heap->fibers->all; fiber; fiber = fiber->next) {
    fiber_mark_value(marker, fiber_value(fiber));
    if (gaiti_fiber_has_stack(fiber)) gaiti_roots_mark_parked_frames(heap, &fiber->stack, marker);
  }
}
