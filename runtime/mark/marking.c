/* Models: finalizers, overflow, roots, termination, weak.  Litmus: flushed, overflow. */
#include "mark/marking.h"

#include "mark/marker.h"

bool gaiti_marking_init(gait_heap *heap) {
  struct gaiti_marking *marking = heap->marking =
      gaiti_structure_alloc(&heap->space, sizeof *marking);
  if (!marking) return false;
  if (!gaiti_lock_init(&marking->lock, GAITI_RANK_MARK)) goto fail_memory;
  if (!gaiti_condition_init(&marking->changed)) goto fail_lock;
  if (!gaiti_marker_reserve(heap)) goto fail_condition;
  return true;
fail_condition:
  gaiti_condition_destroy(&marking->changed);
fail_lock:
  gaiti_lock_destroy(&marking->lock);
fail_memory:
  gaiti_structure_free(&heap->space, marking, sizeof *marking);
  return false;
}

static uint32_t segments_free(gait_heap *heap, struct gaiti_segment *segment) {
  uint32_t count = 0;
  while (segment) {
    struct gaiti_segment *next = segment->next;
    gaiti_structure_free(&heap->space, segment, sizeof *segment);
    segment = next;
    count++;
  }
  return count;
}

void gaiti_marking_destroy(gait_heap *heap) {
  struct gaiti_marking *marking = heap->marking;
  gaiti_markers_free(heap);
  segments_free(heap, marking->work);
  segments_free(heap, marking->empty);
  gaiti_condition_destroy(&marking->changed);
  gaiti_lock_destroy(&marking->lock);
  gaiti_structure_free(&heap->space, marking, sizeof *marking);
}

/* Half of the most segments that there may be are left for references that do not come from large
 * objects. */
static uint64_t segments_ahead(const gait_heap *heap) {
  uint64_t most = (uint64_t)heap->options.debug.mark_segments / 2;
  uint64_t part =
      gaiti_space_mapped(&heap->space) / (GAITI_MARKING_AHEAD * sizeof(struct gaiti_segment));
  return part < most ? part : most;
}

void gaiti_marking_begin(gait_heap *heap) {
  struct gaiti_marking *marking = heap->marking;
  gaiti_lock(&marking->lock);
  marking->counts = (struct gaiti_mark_counts){0};
  AO_store(&marking->scan_bytes, 0);
  AO_store(&marking->root_bytes, 0);
  AO_store(&marking->overflowed, 0);
  AO_store(&marking->segments_ahead, segments_ahead(heap));
  gaiti_unlock(&marking->lock);
  uint64_t objects, bytes;
  gaiti_buffers_take_spilled(heap, &objects, &bytes);
  AO_store(&heap->buffers->spilled, 0);
}

void gaiti_marking_open(gait_heap *heap) {
  gaiti_lock(&heap->marking->lock);
  heap->marking->open = true;
  gaiti_unlock(&heap->marking->lock);
}

void gaiti_marking_trim(gait_heap *heap) {
  struct gaiti_marking *marking = heap->marking;
  gaiti_lock(&marking->lock);
  struct gaiti_segment *empty = marking->empty;
  marking->empty = NULL;
  gaiti_unlock(&marking->lock);
  uint32_t freed = segments_free(heap, empty);
  gaiti_lock(&marking->lock);
  marking->allocated_segments -= freed;
  gaiti_unlock(&marking->lock);
}

struct gaiti_segment *gaiti_segment_take(gait_heap *heap) {
  struct gaiti_marking *marking = heap->marking;
  gaiti_lock(&marking->lock);
  struct gaiti_segment *segment = marking->empty;
  bool may_grow = marking->allocated_segments < (uint64_t)heap->options.debug.mark_segments;
  if (segment)
    marking->empty = segment->next;
  else if (may_grow)
    marking->allocated_segments++;
  gaiti_unlock(&marking->lock);
  if (segment || !may_grow) return segment;
  segment = gaiti_structure_alloc(&heap->space, sizeof *segment);
  if (segment) return segment;
  gaiti_lock(&marking->lock);
  marking->allocated_segments--;
  gaiti_unlock(&marking->lock);
  return NULL;
}

void gaiti_segment_give_work(gait_heap *heap, struct gaiti_segment *segment) {
  struct gaiti_marking *marking = heap->marking;
  gaiti_lock(&marking->lock);
  segment->next = marking->work;
  marking->work = segment;
  AO_store_release(&marking->segments, AO_load(&marking->segments) + 1);
  if (AO_load(&marking->hungry)) gaiti_wake(&marking->changed);
  gaiti_unlock(&marking->lock);
}

/* Objects that threads have marked without a buffer are counted before the counts are read. */
static void marking_count_spilled(gait_heap *heap) {
  uint64_t objects, bytes;
  gaiti_buffers_take_spilled(heap, &objects, &bytes);
  heap->marking->counts.objects += objects;
  heap->marking->counts.bytes += bytes;
}

struct gaiti_mark_counts gaiti_marking_counts(gait_heap *heap) {
  gaiti_lock(&heap->marking->lock);
  marking_count_spilled(heap);
  struct gaiti_mark_counts counts = heap->marking->counts;
  gaiti_unlock(&heap->marking->lock);
  return counts;
}

/* Whether nothing is grey outside the threads' buffers, dropped entries apart. */
static bool marking_idle_locked(const gait_heap *heap) {
  return heap->marking->active == 0 && !heap->marking->work && !gaiti_buffers_pending(heap);
}

bool gaiti_marking_is_idle(gait_heap *heap) {
  gaiti_lock(&heap->marking->lock);
  bool idle = marking_idle_locked(heap);
  gaiti_unlock(&heap->marking->lock);
  return idle;
}

bool gaiti_marking_note_idle(gait_heap *heap, uint64_t *objects) {
  gaiti_lock(&heap->marking->lock);
  marking_count_spilled(heap);
  bool idle = marking_idle_locked(heap) && !gaiti_marking_overflowed(heap);
  *objects = heap->marking->counts.objects;
  gaiti_unlock(&heap->marking->lock);
  return idle;
}

bool gaiti_marking_try_close(gait_heap *heap, uint64_t objects) {
  struct gaiti_marking *marking = heap->marking;
  gaiti_lock(&marking->lock);
  gaiti_lock(&heap->buffers->lock);
  bool close = marking_idle_locked(heap) && marking->counts.objects == objects &&
               heap->buffers->spilled_objects == 0 && !gaiti_marking_overflowed(heap);
  if (close) heap->buffers->open = marking->open = false;
  gaiti_unlock(&heap->buffers->lock);
  gaiti_unlock(&marking->lock);
  return close;
}

/* The thread that lowers the flag looks at marks after; the fence keeps the mark before the flag
 * for that thread, which writes to the flag and reads nothing from it. */
void gaiti_marking_note_dropped(gait_heap *heap) {
  AO_nop_full();
  AO_store_release(&heap->marking->overflowed, 1);
}

bool gaiti_marking_overflowed(const gait_heap *heap) {
  return AO_load_acquire(&heap->marking->overflowed) || AO_load_acquire(&heap->buffers->spilled);
}

void gaiti_marking_forget_overflow(gait_heap *heap) {
  AO_store(&heap->marking->overflowed, 0);
  AO_store_full(&heap->buffers->spilled, 0);
}

bool gaiti_marking_wait(gait_heap *heap, uint64_t ns) {
  struct gaiti_marking *marking = heap->marking;
  gaiti_lock(&marking->lock);
  gaiti_counter_add(&marking->hungry, 1);
  bool waits = !gaiti_marking_has_work(heap) && marking->active > 0;
  if (waits) gaiti_wait_for(&marking->changed, &marking->lock, ns);
  gaiti_counter_sub(&marking->hungry, 1);
  gaiti_unlock(&marking->lock);
  return waits;
}

/* ---- After a fork ---- */

/* Markers that other threads had are lost, with their entries. */
void gaiti_marking_forget_markers(gait_heap *heap) {
  struct gaiti_marking *marking = heap->marking;
  gaiti_condition_renew(&marking->changed);
  gaiti_lock(&marking->lock);
  marking->active = 0;
  AO_store(&marking->hungry, 0);
  gaiti_unlock(&marking->lock);
}

void gaiti_marking_drop(gait_heap *heap) {
  struct gaiti_marking *marking = heap->marking;
  gaiti_lock(&marking->lock);
  while (marking->work) {
    struct gaiti_segment *segment = marking->work;
    marking->work = segment->next;
    segment->next = marking->empty;
    marking->empty = segment;
  }
  AO_store(&marking->segments, 0);
  AO_store(&marking->overflowed, 0);
  marking->open = false;
  gaiti_unlock(&marking->lock);
}
