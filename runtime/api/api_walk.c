/* Looking at the objects of a heap. */
#include "gait/walk.h"

#include <string.h>

#include "base/check.h"
#include "cycle/inspect.h"
#include "cycle/referrers.h"
#include "mutator/thread.h"

static gait_result walk_check(const gait_thread *thread) {
  REQUIRE_RESULT("thread.owner", gaiti_thread_is_own(thread), "a thread walks for itself alone",
                 GAIT_ERROR_STATE);
  REQUIRE_RESULT("walk.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
                 "the thread is outside managed code", GAIT_ERROR_STATE);
  return GAIT_OK;
}

/* ---- All objects ---- */

struct walk_objects {
  struct gaiti_inspection inspection;
  gait_object_fn *visit;
  void *arg;
};

static bool walk_object(gait_heap *heap, gaiti_ref ref, void *arg) {
  const struct walk_objects *walk = arg;
  gait_kind kind = {gaiti_ref_kind(ref), heap->tag};
  return walk->visit((void *)gaiti_ref_start(&heap->map, ref), gaiti_ref_bytes(&heap->map, ref),
                     kind, walk->arg);
}

static void walk_run(gait_heap *heap, struct gaiti_inspection *inspection) {
  gaiti_inspect_each(heap, walk_object, inspection);
}

gait_result gait_heap_walk(gait_thread *thread, gait_object_fn *visit, void *arg) {
  if (!thread || !visit) return GAIT_ERROR_ARGUMENT;
  gait_result result = walk_check(thread);
  if (result != GAIT_OK) return result;
  struct walk_objects walk = {.inspection.run = walk_run, .visit = visit, .arg = arg};
  gaiti_inspect(thread, &walk.inspection);
  return GAIT_OK;
}

/* ---- Counts ---- */

struct walk_counts {
  gait_kind_count *counts;
  size_t count;
};

static bool walk_count(void *object, size_t bytes, gait_kind kind, void *arg) {
  (void)object;
  const struct walk_counts *walk = arg;
  if (kind.index >= walk->count) return true;
  walk->counts[kind.index].objects++;
  walk->counts[kind.index].bytes += bytes;
  return true;
}

gait_result gait_heap_count(gait_thread *thread, gait_kind_count *counts, size_t count) {
  if (!counts && count > 0) return GAIT_ERROR_ARGUMENT;
  if (count > 0) memset(counts, 0, count * sizeof *counts);
  struct walk_counts walk = {counts, count};
  return gait_heap_walk(thread, walk_count, &walk);
}

/* ---- References to one object ---- */

struct walk_referrers {
  struct gaiti_inspection inspection;
  gaiti_ref target;
  gait_referrer_fn *visit;
  void *arg;
  bool able;
};

static void walk_find_referrers(gait_heap *heap, struct gaiti_inspection *inspection) {
  struct walk_referrers *walk = (struct walk_referrers *)(void *)inspection;
  walk->able = gaiti_referrers_find(heap, walk->target, walk->visit, walk->arg);
}

gait_result gait_object_walk_referrers(gait_thread *thread, const void *object,
                                       gait_referrer_fn *visit, void *arg) {
  if (!thread || !visit) return GAIT_ERROR_ARGUMENT;
  gait_result result = walk_check(thread);
  if (result != GAIT_OK) return result;
  gaiti_ref target = gaiti_map_resolve(&thread->heap->map, (uintptr_t)object);
  if (!target) return GAIT_ERROR_ARGUMENT;
  struct walk_referrers walk = {
      .inspection.run = walk_find_referrers, .target = target, .visit = visit, .arg = arg};
  gaiti_inspect(thread, &walk.inspection);
  return walk.able ? GAIT_OK : GAIT_ERROR_MEMORY;
}
