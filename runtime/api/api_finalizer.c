/* Cleanups and finalizers. */
#include "gait/finalizer.h"

#include "base/check.h"
#include "cycle/collector.h"
#include "cycle/finalizer_thread.h"
#include "mutator/blocking.h"
#include "weak/finalizers.h"

_Static_assert(sizeof(gait_cleanup) == 16 && sizeof(gait_finalizer) == 16, "they go by value");

/* REQUIRE_RESULT in the name of the public function: whether the condition holds. */
static bool finalizer_holds(bool condition, const char *name, const char *function,
                            const char *sentence) {
  if (!condition && GAITI_CHECK_SLOW) gaiti_check_failed("REQUIRE", name, function, sentence);
  return condition;
}

static bool finalizer_may_call(const gait_thread *thread, const char *function) {
  return finalizer_holds(gaiti_thread_is_own(thread), "thread.owner", function,
                         "a thread has to do with finalizers for itself alone") &&
         finalizer_holds(gaiti_thread_state(thread) == GAITI_THREAD_MANAGED, "finalizer.managed",
                         function, "the thread is outside managed code");
}

/* The same for calls without a result, in every build. */
static void finalizer_require(const gait_thread *thread, const char *function) {
  if (!gaiti_thread_is_own(thread))
    gaiti_check_failed("REQUIRE", "thread.owner", function,
                       "a thread has to do with finalizers for itself alone");
  if (gaiti_thread_state(thread) != GAITI_THREAD_MANAGED)
    gaiti_check_failed("REQUIRE", "finalizer.managed", function,
                       "the thread is outside managed code");
}

/* ---- Registration ---- */

static gait_result finalizer_add(gait_thread *thread, const struct gaiti_due *due,
                                 gait_finalizer_order order, gait_finalizer *name,
                                 const char *function) {
  if (!finalizer_may_call(thread, function)) return GAIT_ERROR_STATE;
  gait_heap *heap = thread->heap;
  gaiti_ref ref = gaiti_map_resolve(&heap->map, (uintptr_t)due->object);
  bool is_start = ref && gaiti_ref_start(&heap->map, ref) == (uintptr_t)due->object;
  if (!finalizer_holds(is_start, "finalizer.object", function,
                       "a finalizer or cleanup is of the start of an object of this heap"))
    return GAIT_ERROR_ARGUMENT;
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
  gait_result result = finalizer_add(thread, &due, GAIT_FINALIZER_UNORDERED, &name, __func__);
  if (result == GAIT_OK && cleanup)
    *cleanup = (gait_cleanup){name.serial, name.place, name.heap_tag, 0};
  return result;
}

gait_result gait_finalizer_add(gait_thread *thread, void *object, gait_finalizer_fn *function,
                               void *arg, gait_finalizer_order order, gait_finalizer *finalizer) {
  if (!thread || !object || !function || (unsigned)order > GAIT_FINALIZER_IGNORE_SELF)
    return GAIT_ERROR_ARGUMENT;
  struct gaiti_due due = {.finalizer = function, .object = object, .arg = arg};
  return finalizer_add(thread, &due, order, finalizer, __func__);
}

static gait_result finalizer_stop(gait_thread *thread, gait_finalizer name, bool cleanup,
                                  const char *function) {
  if (!thread) return GAIT_ERROR_ARGUMENT;
  if (!finalizer_may_call(thread, function)) return GAIT_ERROR_STATE;
  if (name.serial == 0) return GAIT_ERROR_NOT_FOUND;
  if (!finalizer_holds(name.heap_tag == thread->heap->tag, "finalizer.heap", function,
                       "the finalizer or cleanup belongs to another heap"))
    return GAIT_ERROR_WRONG_HEAP;
  return gaiti_finalizers_stop(thread, name.place, name.serial, cleanup) ? GAIT_OK
                                                                         : GAIT_ERROR_NOT_FOUND;
}

gait_result gait_cleanup_stop(gait_thread *thread, gait_cleanup cleanup) {
  gait_finalizer name = {cleanup.serial, cleanup.place, cleanup.heap_tag, 0};
  return finalizer_stop(thread, name, true, __func__);
}

gait_result gait_finalizer_stop(gait_thread *thread, gait_finalizer finalizer) {
  return finalizer_stop(thread, finalizer, false, __func__);
}

/* ---- Running ---- */

size_t gait_finalizers_run(gait_thread *thread, size_t most) {
  REQUIRE_ARGUMENT(thread);
  finalizer_require(thread, __func__);
  return gaiti_due_run(thread, most);
}

bool gait_finalizer_next(gait_thread *thread, gait_due *due) {
  REQUIRE_ARGUMENT(thread);
  finalizer_require(thread, __func__);
  REQUIRE_ARGUMENT(due);
  struct gaiti_due own = {NULL, NULL, NULL, NULL};
  bool any = gaiti_due_take(thread, &own);
  *due = (gait_due){own.cleanup, own.finalizer, own.object, own.arg};
  return any;
}

void gait_thread_set_finalizers(gait_thread *thread, size_t most) {
  REQUIRE_ARGUMENT(thread);
  finalizer_require(thread, __func__);
  AO_store(&thread->finalizers, most);
  gaiti_finalizers_ring(thread->heap);
}

/* A cycle that was asked for is a full one. */
size_t gait_finalizers_run_all(gait_thread *thread) {
  REQUIRE_ARGUMENT(thread);
  finalizer_require(thread, __func__);
  gaiti_finalizers_retire(thread->heap);
  gaiti_collector_collect(thread, GAIT_CAUSE_FORCED);
  return gaiti_due_run(thread, AO_load(&thread->heap->finalizers->due));
}

/* ---- The library's thread ---- */

gait_result gait_finalizers_start_thread(gait_heap *heap) {
  if (!heap) return GAIT_ERROR_ARGUMENT;
  return gaiti_finalizer_thread_start(heap);
}

/* The calling thread waits outside all of its heaps. */
gait_result gait_finalizers_stop_thread(gait_heap *heap) {
  if (!heap) return GAIT_ERROR_ARGUMENT;
  gaiti_blocking_begin();
  bool stopped = gaiti_finalizer_thread_stop(heap);
  gaiti_blocking_end();
  return stopped ? GAIT_OK : GAIT_ERROR_NOT_FOUND;
}
