/* A program that frees an object promises that no reference to it is left.  The option `check_free`
 * has that checked: such an object is zero, but is not used again until a cycle finds it dead.  If
 * a full cycle finds it instead, the search for referrers names the way there.
 *
 * A word on a stack, or in a conservative object, may be no reference at all, and breaks no
 * promise.  Which cycle may find it: one that begins after the call.  An object that is freed while
 * its thread marks was reachable in the snapshot, perhaps; so it is shaded, and is not due before
 * the next cycle.  Thus each object of the table that is not marked when marking closes is dead,
 * and its slot may have another object soon: it leaves the table there, before the sweep. */
#include "cycle/promises.h"

#include <stdio.h>
#include <string.h>

#include "alloc/cache.h"
#include "barrier/barrier.h"
#include "barrier/buffers.h"
#include "cycle/cycle.h"
#include "cycle/referrers.h"
#include "cycle/stop.h"

#define PROMISES_FIRST 64u

static size_t promises_bytes(size_t capacity) {
  return capacity * sizeof(struct gaiti_promise);
}

void gaiti_promises_destroy(gait_heap *heap) {
  struct gaiti_promises *promises = &heap->cycle->promises;
  gaiti_structure_free(&heap->space, promises->table, promises_bytes(promises->capacity));
}

/* ---- Noting ---- */

static bool promises_reserve(gait_heap *heap, struct gaiti_promises *promises) {
  if (promises->count < promises->capacity) return true;
  size_t capacity = promises->capacity ? promises->capacity * 2 : PROMISES_FIRST;
  struct gaiti_promise *table = gaiti_structure_alloc(&heap->space, promises_bytes(capacity));
  if (!table) return false;
  if (promises->count > 0) memcpy(table, promises->table, promises_bytes(promises->count));
  gaiti_structure_free(&heap->space, promises->table, promises_bytes(promises->capacity));
  promises->table = table;
  promises->capacity = capacity;
  return true;
}

/* Without memory for the note the object is not checked. */
static bool promises_add_locked(gait_heap *heap, uintptr_t object, AO_t due) {
  struct gaiti_promises *promises = &heap->cycle->promises;
  for (size_t i = 0; i < promises->count; i++)
    if (promises->table[i].object == object) return false;
  if (promises_reserve(heap, promises))
    promises->table[promises->count++] = (struct gaiti_promise){object, due, false};
  return true;
}

bool gaiti_promises_add(gait_thread *thread, gaiti_ref ref) {
  gait_heap *heap = thread->heap;
  uintptr_t object = gaiti_ref_start(&heap->map, ref);
  bool marks = gaiti_thread_is_marking(thread);
  if (marks) gaiti_shade_word(heap, &thread->proc->buffer, object);
  gaiti_lock(&heap->cycle->requests.lock);
  bool first = promises_add_locked(heap, object, AO_load_acquire(&heap->epoch) + marks);
  gaiti_unlock(&heap->cycle->requests.lock);
  if (first)
    gaiti_clear(thread, (void **)object, gaiti_ref_bytes(&heap->map, ref) / sizeof(void *));
  return first;
}

/* ---- Checking ---- */

/* Whether the promise stays in the table. */
static bool promise_close(const gait_heap *heap, struct gaiti_promise *promise, AO_t epoch) {
  if (!gaiti_ref_is_marked(&heap->map, gaiti_map_find(&heap->map, promise->object))) return false;
  promise->broken = !heap->generation.young && promise->due <= epoch;
  return true;
}

void gaiti_promises_close(gait_heap *heap) {
  struct gaiti_promises *promises = &heap->cycle->promises;
  AO_t epoch = AO_load(&heap->epoch);
  gaiti_lock(&heap->cycle->requests.lock);
  size_t kept = 0;
  promises->any_broken = false;
  for (size_t i = 0; i < promises->count; i++) {
    struct gaiti_promise promise = promises->table[i];
    if (!promise_close(heap, &promise, epoch)) continue;
    promises->table[kept++] = promise;
    if (promise.broken) promises->any_broken = true;
  }
  promises->count = kept;
  gaiti_unlock(&heap->cycle->requests.lock);
}

bool gaiti_promises_are_broken(const gait_heap *heap) {
  return heap->cycle->promises.any_broken;
}

/* A thread on a fiber has its own stack beside that one. */
static bool thread_is_exact(const gait_thread *thread) {
  return thread->roots == GAIT_STACK_EXACT &&
         (!thread->fiber || thread->home.roots == GAIT_STACK_EXACT);
}

static bool fiber_is_exact(const gait_fiber *fiber, const void *slot) {
  return slot == &fiber->value || fiber->stack.roots == GAIT_STACK_EXACT;
}

/* Whether a reference there is surely one. */
static bool referrer_is_exact(const gait_heap *heap, gait_referrer referrer, const void *holder,
                              const void *slot) {
  if (referrer == GAIT_REFERRER_THREAD) return thread_is_exact(holder);
  if (referrer == GAIT_REFERRER_FIBER) return fiber_is_exact(holder, slot);
  if (referrer != GAIT_REFERRER_OBJECT) return true;
  gaiti_ref ref = gaiti_map_resolve(&heap->map, (uintptr_t)holder);
  return heap->kinds.table[gaiti_ref_kind(ref)].form != GAIT_KIND_CONSERVATIVE;
}

struct promises_search {
  const gait_heap *heap;
  uintptr_t object;
};

static const char *promises_kind(const gait_heap *heap, uintptr_t object) {
  return heap->kinds.table[gaiti_ref_kind(gaiti_map_find(&heap->map, object))].name;
}

static bool promises_name_referrer(gait_referrer referrer, const void *holder, const void *slot,
                                   void *arg) {
  static const char *const names[] = {
      [GAIT_REFERRER_OBJECT] = "the object",
      [GAIT_REFERRER_THREAD] = "a frame of the thread",
      [GAIT_REFERRER_RANGE] = "the root",
      [GAIT_REFERRER_CALLBACK] = "the callback with argument",
      [GAIT_REFERRER_HANDLE] = "the handle",
      [GAIT_REFERRER_FIBER] = "the fiber",
  };
  const struct promises_search *search = arg;
  if (!referrer_is_exact(search->heap, referrer, holder, slot)) return true;
  char sentence[256];
  bool object = referrer == GAIT_REFERRER_OBJECT;
  snprintf(sentence, sizeof sentence,
           "%p, of kind %.32s, was freed and is referred to by %s %p%s%.32s, at %p",
           (void *)search->object, promises_kind(search->heap, search->object), names[referrer],
           holder, object ? " of kind " : "",
           object ? promises_kind(search->heap, (uintptr_t)holder) : "", slot);
  gaiti_check_failed("REQUIRE", "free.referenced", "gait_object_free", sentence);
}

/* Threads may free others meanwhile: this looks at a copy. */
static bool promises_take_broken(gait_heap *heap, struct gaiti_promise *taken) {
  struct gaiti_promises *promises = &heap->cycle->promises;
  bool found = false;
  gaiti_lock(&heap->cycle->requests.lock);
  for (size_t i = 0; i < promises->count && !found; i++) {
    if (!promises->table[i].broken) continue;
    promises->table[i].broken = false;
    *taken = promises->table[i];
    found = true;
  }
  if (!found) promises->any_broken = false;
  gaiti_unlock(&heap->cycle->requests.lock);
  return found;
}

void gaiti_promises_report(gait_heap *heap) {
  struct gaiti_promise promise;
  if (!gaiti_promises_are_broken(heap)) return;
  gaiti_stop_all(heap);
  for (struct gaiti_proc *proc = heap->procs->all; proc; proc = proc->next)
    gaiti_caches_empty(heap, proc);
  while (promises_take_broken(heap, &promise)) {
    struct promises_search search = {heap, promise.object};
    gaiti_referrers_find(heap, gaiti_map_find(&heap->map, promise.object), promises_name_referrer,
                         &search);
  }
  gaiti_resume_all(heap);
}
