#include "cycle/inspect.h"

#include "alloc/cache.h"
#include "cycle/collector.h"
#include "cycle/cycle.h"
#include "cycle/stop.h"

static void inspect_post(gait_heap *heap, struct gaiti_inspection *inspection) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  gaiti_lock(&requests->lock);
  inspection->is_done = false;
  inspection->next = requests->inspections;
  requests->inspections = inspection;
  gaiti_unlock(&requests->lock);
}

static bool inspect_is_done(gait_heap *heap, const struct gaiti_inspection *inspection) {
  gaiti_lock(&heap->cycle->requests.lock);
  bool is_done = inspection->is_done;
  gaiti_unlock(&heap->cycle->requests.lock);
  return is_done;
}

/* A cycle that was asked for is a full one and begins after the post, so one is enough. */
void gaiti_inspect(gait_thread *thread, struct gaiti_inspection *inspection) {
  inspect_post(thread->heap, inspection);
  do
    gaiti_collector_collect(thread, GAIT_CAUSE_FORCED);
  while (!inspect_is_done(thread->heap, inspection));
}

void gaiti_inspections_take(gait_heap *heap) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  gaiti_lock(&requests->lock);
  heap->cycle->runner.inspections = requests->inspections;
  requests->inspections = NULL;
  gaiti_unlock(&requests->lock);
}

/* The owner of an inspection has it back, and may be gone, once it is done. */
static void inspections_finish(gait_heap *heap) {
  gaiti_lock(&heap->cycle->requests.lock);
  struct gaiti_inspection *inspection = heap->cycle->runner.inspections;
  heap->cycle->runner.inspections = NULL;
  while (inspection) {
    struct gaiti_inspection *next = inspection->next;
    inspection->is_done = true;
    inspection = next;
  }
  gaiti_unlock(&heap->cycle->requests.lock);
}

void gaiti_inspections_run(gait_heap *heap) {
  if (!heap->cycle->runner.inspections) return;
  gaiti_stop_all(heap);
  for (struct gaiti_proc *proc = heap->procs->all; proc; proc = proc->next)
    gaiti_caches_empty(heap, proc);
  for (struct gaiti_inspection *inspection = heap->cycle->runner.inspections; inspection;
       inspection = inspection->next)
    inspection->run(heap, inspection);
  gaiti_resume_all(heap);
  inspections_finish(heap);
}

void gaiti_inspections_drop(gait_heap *heap) {
  heap->cycle->requests.inspections = heap->cycle->runner.inspections = NULL;
}

static bool inspect_block(gait_heap *heap, uint32_t block, gaiti_inspect_fn *look, void *arg) {
  const AO_t *allocated = &heap->map.allocated[gaiti_block_word(block)];
  uintptr_t start = (uintptr_t)gaiti_block_start(&heap->map, block);
  for (uintptr_t word = 0; word < GAITI_BLOCK_WORDS; word++)
    for (AO_t bits = AO_load(&allocated[word]); bits; bits &= bits - 1) {
      uintptr_t granule = word * 64 + (uintptr_t)__builtin_ctzll(bits);
      gaiti_ref ref = gaiti_map_find(&heap->map, start + (granule << GAITI_GRANULE_SHIFT));
      if (!look(heap, ref, arg)) return false;
    }
  return true;
}

void gaiti_inspect_each(gait_heap *heap, gaiti_inspect_fn *look, void *arg) {
  uint32_t top = gaiti_space_top(&heap->space);
  for (uint32_t block = 0; block < top; block++)
    if (!gaiti_block_is_free(&heap->map, block) && !inspect_block(heap, block, look, arg)) return;
}
