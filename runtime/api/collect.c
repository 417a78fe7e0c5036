/* Collections on request, and settings of a running heap. */
#include "api/options.h"
#include "barrier/finder.h"
#include "base/check.h"
#include "cycle/collector.h"
#include "cycle/cycle.h"

gait_result gait_heap_collect(gait_thread *thread) {
  if (!thread) return GAIT_ERROR_ARGUMENT;
  REQUIRE_RESULT("thread.owner", gaiti_thread_is_own(thread), "a thread collects for itself alone",
                 GAIT_ERROR_STATE);
  REQUIRE_RESULT("collect.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
                 "the thread is outside managed code", GAIT_ERROR_STATE);
  if (gaiti_finder_is_on(thread->heap))
    gaiti_finder_pass(thread, __builtin_return_address(0), NULL);
  gaiti_collector_collect(thread, GAIT_CAUSE_FORCED);
  return GAIT_OK;
}

size_t gait_heap_trim(gait_heap *heap) {
  REQUIRE_ARGUMENT(heap);
  return gaiti_space_release(&heap->space, &heap->map, SIZE_MAX);
}

/* Whether the option that lies at `field` of gait_options may have that value: a running heap takes
 * the same values as a new one. */
static bool setting_in_range(size_t field, int64_t value) {
  size_t at = 0;
  while (gait_option_at(at)->field != field)
    at++;
  return gaiti_option_in_range(gait_option_at(at), value);
}

/* The collector's thread, and not this one, does the work that follows from it. */
static gait_result setting_changed(gait_heap *heap, gait_result result) {
  if (result == GAIT_OK) gaiti_collector_review(heap);
  return result;
}

gait_result gait_heap_set_gogc(gait_heap *heap, int64_t percent, int64_t *before) {
  if (!heap) return GAIT_ERROR_ARGUMENT;
  if (!setting_in_range(offsetof(gait_options, gogc_percent), percent))
    return GAIT_ERROR_OPTION_VALUE;
  return setting_changed(heap, gaiti_pace_set_gogc(heap, percent, before));
}

gait_result gait_heap_set_memory_limit(gait_heap *heap, int64_t bytes, int64_t *before) {
  if (!heap) return GAIT_ERROR_ARGUMENT;
  if (!setting_in_range(offsetof(gait_options, memory_limit_bytes), bytes))
    return GAIT_ERROR_OPTION_VALUE;
  return setting_changed(heap, gaiti_pace_set_memory_limit(heap, bytes, before));
}

gait_result gait_heap_set_cpu_cap(gait_heap *heap, int64_t percent, int64_t *before) {
  if (!heap) return GAIT_ERROR_ARGUMENT;
  if (!setting_in_range(offsetof(gait_options, cpu_cap_percent), percent))
    return GAIT_ERROR_OPTION_VALUE;
  return setting_changed(heap, gaiti_pace_set_cpu_cap(heap, percent, before));
}

int64_t gait_heap_cpu_cap(const gait_heap *heap) {
  REQUIRE_ARGUMENT(heap);
  return (int64_t)AO_load(&heap->cycle->pace.cpu_cap_percent);
}

int64_t gait_heap_gogc(const gait_heap *heap) {
  REQUIRE_ARGUMENT(heap);
  return gaiti_pace_gogc(heap);
}

int64_t gait_heap_memory_limit(const gait_heap *heap) {
  REQUIRE_ARGUMENT(heap);
  return gaiti_pace_memory_limit(heap);
}
