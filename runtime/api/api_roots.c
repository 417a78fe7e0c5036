/* Roots and handles.
 *
 * Models: roots. */
#include "barrier/buffers.h"
#include "base/check.h"
#include "base/collecting.h"
#include "cycle/cycle.h"
#include "mark/marker.h"

/* A root that comes or goes while shaded references are taken is marked then and there.  One that
 * comes may have been filled before, without the barrier; one that goes may be the only place that
 * marking would have found an object in which a scanned thread has loaded from there.  The marker
 * is active before the list is asked whether it is open, so marking is not closed before this is
 * done (.inv.active).  A cycle that has yet to start finds the one root, and not the other, which
 * the threads it will scan may have loaded from. */
static void roots_mark_now(gait_heap *heap, struct gaiti_marker *marker,
                           const struct gaiti_root *root) {
  gaiti_delay(heap);
  if (!gaiti_buffers_open_now(heap)) return;
  if (root->start) gaiti_marker_range(marker, root->start, root->start + root->words);
  gaiti_collecting_begin();
  if (root->function) root->function((gait_tracer *)(void *)marker, root->arg);
  gaiti_collecting_end();
}

/* A callback that adds or removes roots goes on with the marker that it was called with: there may
 * be no memory for another, and the thread that has the reserve may be waiting for the callback to
 * end. */
static struct gaiti_marker *roots_take_marker(gait_heap *heap) {
  struct gaiti_marker *marker = gaiti_visit_marker(&heap->roots);
  return marker ? marker : gaiti_marker_take_reserve(heap);
}

static void roots_give_marker(gait_heap *heap, struct gaiti_marker *marker) {
  if (marker != gaiti_visit_marker(&heap->roots)) gaiti_marker_give(marker);
}

/* A removal that comes meanwhile waits for the visit to end, and has its own marker then; so this
 * one is taken before the root can be found. */
static gait_result roots_add(gait_heap *heap, const struct gaiti_root *root) {
  struct gaiti_visit visit;
  struct gaiti_marker *marker = roots_take_marker(heap);
  gait_result result = gaiti_roots_insert(&heap->roots, root, marker, &visit);
  if (result == GAIT_OK) roots_mark_now(heap, marker, root);
  gaiti_visit_end(&visit);
  roots_give_marker(heap, marker);
  return result;
}

/* Marks after the root has left the table: a cycle that starts between the two does not find it
 * there.  A callback that removes itself is not called again: it is marking just now. */
static gait_result roots_remove(gait_heap *heap, const struct gaiti_root *which) {
  struct gaiti_root root;
  struct gaiti_marker *marker = roots_take_marker(heap);
  gait_result result = gaiti_roots_erase(&heap->roots, which, &root);
  if (result == GAIT_OK && root.visits == 0) roots_mark_now(heap, marker, &root);
  roots_give_marker(heap, marker);
  return result;
}

gait_result gait_roots_add(gait_heap *heap, void *start, size_t bytes,
                           gait_roots_discipline discipline) {
  if (!heap || !start || bytes < sizeof(void *) || (uintptr_t)start % sizeof(void *) != 0)
    return GAIT_ERROR_ARGUMENT;
  struct gaiti_root root = {
      .start = start, .words = bytes / sizeof(void *), .discipline = discipline};
  return roots_add(heap, &root);
}

gait_result gait_roots_add_callback(gait_heap *heap, gait_roots_fn *function, void *arg,
                                    gait_roots_discipline discipline) {
  if (!heap || !function) return GAIT_ERROR_ARGUMENT;
  struct gaiti_root root = {.function = function, .arg = arg, .discipline = discipline};
  return roots_add(heap, &root);
}

gait_result gait_roots_remove(gait_heap *heap, void *start) {
  if (!heap || !start) return GAIT_ERROR_ARGUMENT;
  return roots_remove(heap, &(struct gaiti_root){.start = start});
}

gait_result gait_roots_remove_callback(gait_heap *heap, gait_roots_fn *function, void *arg) {
  if (!heap || !function) return GAIT_ERROR_ARGUMENT;
  return roots_remove(heap, &(struct gaiti_root){.function = function, .arg = arg});
}

/* ---- Handles ---- */

gait_handle *gait_handle_create(gait_thread *thread, void *object) {
  REQUIRE_ARGUMENT(thread);
  gait_handle *handle = gaiti_handle_take(&thread->heap->roots);
  if (handle) gait_store(thread, &handle->object, object);
  return handle;
}

void *gait_handle_get(const gait_handle *handle) {
  REQUIRE_ARGUMENT(handle);
  REQUIRE("handle.live", gaiti_handle_is_live(handle), "the handle was freed");
  return gait_load(&handle->object);
}

void gait_handle_set(gait_thread *thread, gait_handle *handle, void *object) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE_ARGUMENT(handle);
  REQUIRE("handle.live", gaiti_handle_is_live(handle), "the handle was freed");
  gait_store(thread, &handle->object, object);
}

void gait_handle_destroy(gait_thread *thread, gait_handle *handle) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE_ARGUMENT(handle);
  REQUIRE("handle.live", gaiti_handle_is_live(handle), "the handle was freed");
  gait_store(thread, &handle->object, NULL);
  gaiti_handle_give(&thread->heap->roots, handle);
}
