/* Collections on request, and settings of a running heap. */
#include "base/check.h"
#include "cycle/collector.h"
#include "cycle/cycle.h"

gait_result gait_collect(gait_thread *thread) {
  if (!thread) return GAIT_ERROR_ARGUMENT;
  REQUIRE_RESULT("thread.owner", pthread_equal(thread->owner, pthread_self()),
                 "a thread collects for itself alone", GAIT_ERROR_STATE);
  REQUIRE_RESULT("collect.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
                 "the thread is outside managed code", GAIT_ERROR_STATE);
  gaiti_collector_collect(thread, GAIT_CAUSE_FORCED);
  return GAIT_OK;
}

size_t gait_trim(gait_heap *heap) {
  return gaiti_space_release(&heap->space, &heap->map, SIZE_MAX);
}

gait_result gait_set_gogc(gait_heap *heap, int64_t percent, int64_t *before) {
  if (!heap) return GAIT_ERROR_ARGUMENT;
  return gaiti_pace_set_gogc(heap, percent, before);
}

gait_result gait_set_memory_limit(gait_heap *heap, int64_t bytes, int64_t *before) {
  if (!heap) return GAIT_ERROR_ARGUMENT;
  return gaiti_pace_set_memory_limit(heap, bytes, before);
}
