/* Cleanups and finalizers. */
#include "gait/finalizer.h"

#include "base/check.h"
#include "cycle/collector.h"
#include "weak/finalizers.h"

_Static_assert(sizeof(gait_cleanup) == 16 && sizeof(gait_finalizer) == 16, "they go by value");

static gait_result finalizer_check(const gait_thread *thread) {
  REQUIRE_RESULT("thread.owner", gaiti_thread_is_own(thread),
                 "a thread has to do with finalizers for itself alone", GAIT_ERROR_STATE);
  REQUIRE_RESULT("finalizer.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
                 "the thread is outside managed code", GAIT_ERROR_STATE);
  return GAIT_OK;
}

/* The same for calls without a result. */
static void finalizer_require(const gait_thread *thread) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE("thread.owner", gaiti_thread_is_own(thread),
          "a thread has to do with finalizers for itself alone");
  REQUIRE("finalizer.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
          "the thread is outside managed code");
}

/* ---- Registration ---- */

static gait_result finalizer_add(gait_thread *thread, const struct gaiti_due *due,
                                 gait_finalizer_order order, gait_finalizer *name) {
  gait_result result = finalizer_check(thread);
  if (result != GAIT_OK) return result;
  gait_heap *heap = thread->heap;
  gaiti_ref ref = gaiti_map_resolve(&heap->map, (uintptr_t)due->object);
  REQUIRE_RESULT(
      "finalizer.object", ref && gaiti_ref_start(&heap->map, ref) == (uintptr_t)due->object,
      "a finalizer or cleanup is of the start of an object of this heap", GAIT_ERROR_ARGUMENT);
  gait_finalizer own = {.heap_tag = heap->tag};
  if (!gaiti_finalizers_add(heap, due, order, &own.place, &own.serial)) return GAIT_ERROR_MEMORY;
  if (name) *name = own;
  return GAIT_OK;
}

gait_result gait_cleanup_add(gait_thread *thread, void *object, gait_cleanup_fn *function,
                             void *arg, gait_cleanup *cleanup) {
  if (!thread || !object || !function) return GAIT_ERROR_ARGUMENT;
  gait_finalizer name;
  struct gaiti_due due = {.cleanup = function, .object = object, .arg = arg};
  gait_result result = finalizer_add(thread, &due, GAIT_FINALIZER_UNORDERED, &name);
  if (result == GAIT_OK && cleanup)
    *cleanup = (gait_cleanup){name.serial, name.place, name.heap_tag, 0};
  return result;
}

gait_result gait_finalizer_add(gait_thread *thread, void *object, gait_finalizer_fn *function,
                               void *arg, gait_finalizer_order order, gait_finalizer *finalizer) {
  if (!thread || !object || !function || (unsigned)order > GAIT_FINALIZER_IGNORE_SELF)
    return GAIT_ERROR_ARGUMENT;
  struct gaiti_due due = {.finalizer = function, .object = object, .arg = arg};
  return finalizer_add(thread, &due, order, finalizer);
}

static gait_result finalizer_stop(gait_thread *thread, gait_finalizer name, bool cleanup) {
  if (!thread) return GAIT_ERROR_ARGUMENT;
  gait_result result = finalizer_check(thread);
  if (result != GAIT_OK) return result;
  if (name.serial == 0) return GAIT_ERROR_NOT_FOUND;
  REQUIRE_RESULT("finalizer.heap", name.heap_tag == thread->heap->tag,
                 "the finalizer or cleanup belongs to another heap", GAIT_ERROR_WRONG_HEAP);
  return gaiti_finalizers_stop(thread, name.place, name.serial, cleanup) ? GAIT_OK
                                                                         : GAIT_ERROR_NOT_FOUND;
}

gait_result gait_cleanup_stop(gait_thread *thread, gait_cleanup cleanup) {
  gait_finalizer name = {cleanup.serial, cleanup.place, cleanup.heap_tag, 0};
  return finalizer_stop(thread, name, true);
}

gait_result gait_finalizer_stop(gait_thread *thread, gait_finalizer finalizer) {
  return finalizer_stop(thread, finalizer, false);
}

/* ---- Running ---- */

size_t gait_finalizers_run(gait_thread *thread, size_t most) {
  finalizer_require(thread);
  return gaiti_due_run(thread, most);
}

bool gait_finalizer_next(gait_thread *thread, gait_due *due) {
  finalizer_require(thread);
  REQUIRE_ARGUMENT(due);
  struct gaiti_due own = {NULL, NULL, NULL, NULL};
  bool any = gaiti_due_take(thread, &own);
  *due = (gait_due){own.cleanup, own.finalizer, own.object, own.arg};
  return any;
}

void gait_thread_set_finalizers(gait_thread *thread, size_t most) {
  finalizer_require(thread);
  AO_store(&thread->finalizers, most);
  gaiti_finalizers_ring(thread->heap);
}

/* A cycle that was asked for is a full one. */
size_t gait_finalizers_run_all(gait_thread *thread) {
  finalizer_require(thread);
  gaiti_finalizers_retire(thread->heap);
  gaiti_collector_collect(thread, GAIT_CAUSE_FORCED);
  return gaiti_due_run(thread, AO_load(&thread->heap->finalizers->due));
}
