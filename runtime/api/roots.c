/* Roots, handles and external bytes. */
#include "barrier/shades.h"
#include "base/check.h"
#include "cycle/assist.h"
#include "cycle/cycle.h"

/* A range that becomes a root while marking may have been filled before, without the barrier: what
 * it holds is shaded. */
static void roots_shade(gait_heap *heap, const struct gaiti_root *root) {
  struct gaiti_shade_buffer *buffer = NULL;
  if (gaiti_phase(heap) == GAITI_PHASE_IDLE || !root->start) return;
  gaiti_shade_range(heap, &buffer, root->start, root->start + root->words);
  gaiti_shades_flush(heap, &buffer);
}

gait_result gait_roots_add(gait_heap *heap, void *start, size_t bytes,
                           gait_roots_discipline discipline) {
  if (!heap || !start || bytes < sizeof(void *) || (uintptr_t)start % sizeof(void *) != 0)
    return GAIT_ERROR_ARGUMENT;
  struct gaiti_root root = {
      .start = start, .words = bytes / sizeof(void *), .discipline = discipline};
  gait_result result = gaiti_roots_insert(&heap->roots, &root);
  if (result == GAIT_OK) roots_shade(heap, &root);
  return result;
}

gait_result gait_roots_add_callback(gait_heap *heap, gait_roots_fn *function, void *arg,
                                    gait_roots_discipline discipline) {
  if (!heap || !function) return GAIT_ERROR_ARGUMENT;
  struct gaiti_root root = {.function = function, .arg = arg, .discipline = discipline};
  return gaiti_roots_insert(&heap->roots, &root);
}

gait_result gait_roots_remove(gait_heap *heap, void *start) {
  if (!heap || !start) return GAIT_ERROR_ARGUMENT;
  return gaiti_roots_erase(&heap->roots, start, NULL, NULL);
}

gait_result gait_roots_remove_callback(gait_heap *heap, gait_roots_fn *function, void *arg) {
  if (!heap || !function) return GAIT_ERROR_ARGUMENT;
  return gaiti_roots_erase(&heap->roots, NULL, function, arg);
}

/* ---- Handles ---- */

gait_handle *gait_handle_new(gait_thread *thread, void *object) {
  gait_handle *handle = gaiti_handle_take(&thread->heap->roots);
  if (handle) gait_store(thread, &handle->object, object);
  return handle;
}

void *gait_handle_get(const gait_handle *handle) {
  REQUIRE("handle.live", handle->next_free == handle, "the handle was freed");
  return gait_load(&handle->object);
}

void gait_handle_set(gait_thread *thread, gait_handle *handle, void *object) {
  REQUIRE("handle.live", handle->next_free == handle, "the handle was freed");
  gait_store(thread, &handle->object, object);
}

void gait_handle_free(gait_thread *thread, gait_handle *handle) {
  REQUIRE("handle.live", handle->next_free == handle, "the handle was freed");
  gait_store(thread, &handle->object, NULL);
  gaiti_handle_give(&thread->heap->roots, handle);
}

/* ---- External bytes ---- */

gait_result gait_external(gait_thread *thread, void *object, size_t bytes) {
  gait_heap *heap = thread->heap;
  struct gaiti_object found;
  REQUIRE_RESULT(
      "external.object",
      gaiti_map_resolve(&heap->map, (uintptr_t)object, &found) && found.start == (uintptr_t)object,
      "external bytes belong to the start of an object of this heap", GAIT_ERROR_ARGUMENT);
  int64_t change;
  if (bytes > INT64_MAX || !gaiti_externals_set(&heap->externals, found.start, bytes, &change))
    return GAIT_ERROR_MEMORY;
  gaiti_counter_add(&heap->live_bytes, (uint64_t)change);
  gaiti_allocation_account(thread, change > 0 ? (size_t)change : 0);
  return GAIT_OK;
}
