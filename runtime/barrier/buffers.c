/* Models: overflow, roots, start, termination, weak.  Litmus: flushed, overflow, scanned. */
#include "barrier/buffers.h"

#include "base/check.h"

/* Buffers that exist before any is needed; the collector sees to more before each cycle. */
#define BUFFERS_FIRST 2

static size_t buffers_buffer_bytes(const gait_heap *heap) {
  return sizeof(struct gaiti_barrier_buffer) +
         (size_t)heap->options.debug.barrier_entries * sizeof(uintptr_t);
}

static struct gaiti_barrier_buffer *buffers_new_buffer(gait_heap *heap) {
  struct gaiti_barrier_buffer *buffer =
      gaiti_structure_alloc(&heap->space, buffers_buffer_bytes(heap));
  if (buffer) buffer->capacity = (uint32_t)heap->options.debug.barrier_entries;
  return buffer;
}

static void buffers_free_list(gait_heap *heap, struct gaiti_barrier_buffer *buffer) {
  while (buffer) {
    struct gaiti_barrier_buffer *next = buffer->next;
    gaiti_structure_free(&heap->space, buffer, buffers_buffer_bytes(heap));
    buffer = next;
  }
}

bool gaiti_buffers_init(gait_heap *heap) {
  struct gaiti_barrier_buffers *buffers = heap->buffers =
      gaiti_structure_alloc(&heap->space, sizeof *buffers);
  if (!buffers) return false;
  for (int i = 0; i < BUFFERS_FIRST; i++) {
    struct gaiti_barrier_buffer *buffer = buffers_new_buffer(heap);
    if (!buffer) goto fail;
    buffer->next = buffers->empty;
    buffers->empty = buffer;
  }
  if (gaiti_lock_init(&buffers->lock, GAITI_RANK_BUFFERS)) return true;
fail:
  buffers_free_list(heap, buffers->empty);
  gaiti_structure_free(&heap->space, buffers, sizeof *buffers);
  return false;
}

void gaiti_buffers_destroy(gait_heap *heap) {
  buffers_free_list(heap, heap->buffers->full);
  buffers_free_list(heap, heap->buffers->empty);
  gaiti_lock_destroy(&heap->buffers->lock);
  gaiti_structure_free(&heap->space, heap->buffers, sizeof *heap->buffers);
}

static struct gaiti_barrier_buffer *buffers_take_empty(gait_heap *heap) {
  struct gaiti_barrier_buffers *buffers = heap->buffers;
  gaiti_lock(&buffers->lock);
  struct gaiti_barrier_buffer *buffer = buffers->empty;
  if (buffer) buffers->empty = buffer->next;
  gaiti_unlock(&buffers->lock);
  if (!buffer) buffer = buffers_new_buffer(heap);
  if (!buffer) return NULL;
  buffer->next = NULL;
  buffer->count = 0;
  return buffer;
}

/* Marks without a buffer.  Under the lock, so that marking is not closed meanwhile; the flag rises
 * after the mark, as the thread that lowers it expects. */
static void buffers_spill_locked(gait_heap *heap, uintptr_t word) {
  struct gaiti_barrier_buffers *buffers = heap->buffers;
  gaiti_ref ref = buffers->open ? gaiti_map_resolve(&heap->map, word) : 0;
  if (ref && gaiti_ref_mark(&heap->map, ref)) {
    buffers->spilled_objects++;
    buffers->spilled_bytes += gaiti_ref_bytes(&heap->map, ref);
    AO_nop_full();
    if (!(ref & GAITI_REF_LEAF) || buffers->leaves_count) AO_store_release(&buffers->spilled, 1);
  }
}

static void buffers_spill(gait_heap *heap, uintptr_t word) {
  gaiti_lock(&heap->buffers->lock);
  buffers_spill_locked(heap, word);
  gaiti_unlock(&heap->buffers->lock);
}

void gaiti_buffers_take_spilled(gait_heap *heap, uint64_t *objects, uint64_t *bytes) {
  struct gaiti_barrier_buffers *buffers = heap->buffers;
  gaiti_lock(&buffers->lock);
  *objects = buffers->spilled_objects;
  *bytes = buffers->spilled_bytes;
  buffers->spilled_objects = buffers->spilled_bytes = 0;
  gaiti_unlock(&buffers->lock);
}

void gaiti_shade_word(gait_heap *heap, struct gaiti_barrier_buffer **buffer, uintptr_t word) {
  if (!gaiti_map_covers(&heap->map, word)) return;
  if (!*buffer) *buffer = buffers_take_empty(heap);
  struct gaiti_barrier_buffer *into = *buffer;
  if (!into) {
    buffers_spill(heap, word);
    return;
  }
  into->words[into->count++] = word;
  if (into->count == into->capacity) gaiti_buffers_flush(heap, buffer);
}

static void buffers_list_locked(struct gaiti_barrier_buffers *buffers,
                                struct gaiti_barrier_buffer *buffer) {
  buffer->next = buffers->full;
  buffers->full = buffer;
  AO_store_release(&buffers->pending, AO_load(&buffers->pending) + 1);
}

/* The newest buffer of the list where it has room, so that many words of this way share one.  Full
 * buffers before it come to the markers after it; they all come. */
bool gaiti_buffers_shade_now(gait_heap *heap, uintptr_t word) {
  struct gaiti_barrier_buffers *buffers = heap->buffers;
  struct gaiti_barrier_buffer *spare = buffers_take_empty(heap);
  gaiti_lock(&buffers->lock);
  bool open = buffers->open;
  struct gaiti_barrier_buffer *into = buffers->full;
  if (open && (!into || into->count == into->capacity) && spare) {
    buffers_list_locked(buffers, into = spare);
    spare = NULL;
  }
  if (open && into && into->count < into->capacity)
    into->words[into->count++] = word;
  else if (open)
    buffers_spill_locked(heap, word);
  gaiti_unlock(&buffers->lock);
  if (spare) gaiti_buffers_give(heap, spare);
  return open;
}

/* gaiti_shade_range on a heap with a rule for tagged references. */
GAITI_RACY static void buffers_range_tagged(gait_heap *heap, struct gaiti_barrier_buffer **buffer,
                                            const void *start, const void *end) {
  for (const volatile uintptr_t *word = start; (uintptr_t)(word + 1) <= (uintptr_t)end; word++)
    gaiti_shade_word(heap, buffer, gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, *word));
}

GAITI_RACY void gaiti_shade_range(gait_heap *heap, struct gaiti_barrier_buffer **buffer,
                                  const void *start, const void *end) {
  uintptr_t first = ((uintptr_t)start + 7) & ~(uintptr_t)7;
  if (gaiti_tags_exist(&heap->tags)) {
    buffers_range_tagged(heap, buffer, (const void *)first, end);
    return;
  }
  for (const volatile uintptr_t *word = (const volatile uintptr_t *)first;
       (uintptr_t)(word + 1) <= (uintptr_t)end; word++) {
    uintptr_t value = *word;
    if (gaiti_map_covers(&heap->map, value)) gaiti_shade_word(heap, buffer, value);
  }
}

void gaiti_buffers_flush(gait_heap *heap, struct gaiti_barrier_buffer **buffer) {
  struct gaiti_barrier_buffers *buffers = heap->buffers;
  struct gaiti_barrier_buffer *given = *buffer;
  *buffer = NULL;
  if (!given) return;
  gaiti_lock(&buffers->lock);
  if (given->count == 0 || !buffers->open) {
    given->next = buffers->empty;
    buffers->empty = given;
  } else {
    buffers_list_locked(buffers, given);
  }
  gaiti_unlock(&buffers->lock);
}

void gaiti_buffers_reserve(gait_heap *heap, uint32_t count) {
  uint32_t found = 0;
  gaiti_lock(&heap->buffers->lock);
  for (const struct gaiti_barrier_buffer *buffer = heap->buffers->empty; buffer && found < count;
       buffer = buffer->next)
    found++;
  gaiti_unlock(&heap->buffers->lock);
  for (; found < count; found++) {
    struct gaiti_barrier_buffer *buffer = buffers_new_buffer(heap);
    if (!buffer) return;
    gaiti_buffers_give(heap, buffer);
  }
}

void gaiti_buffers_trim(gait_heap *heap, uint32_t keep) {
  struct gaiti_barrier_buffers *buffers = heap->buffers;
  gaiti_lock(&buffers->lock);
  struct gaiti_barrier_buffer **place = &buffers->empty;
  for (uint32_t kept = 0; *place && kept < keep; kept++)
    place = &(*place)->next;
  struct gaiti_barrier_buffer *rest = *place;
  *place = NULL;
  gaiti_unlock(&buffers->lock);
  buffers_free_list(heap, rest);
}

void gaiti_buffers_open(gait_heap *heap) {
  gaiti_lock(&heap->buffers->lock);
  heap->buffers->open = true;
  AO_store(&heap->buffers->roots_scanned, 0);
  gaiti_unlock(&heap->buffers->lock);
}

void gaiti_buffers_set_leaves_count(gait_heap *heap, bool count) {
  gaiti_lock(&heap->buffers->lock);
  heap->buffers->leaves_count = count;
  gaiti_unlock(&heap->buffers->lock);
}

void gaiti_buffers_note_scanned(gait_heap *heap) {
  AO_store_release(&heap->buffers->roots_scanned, 1);
}

bool gaiti_buffers_open_now(gait_heap *heap) {
  gaiti_lock(&heap->buffers->lock);
  bool open = heap->buffers->open;
  gaiti_unlock(&heap->buffers->lock);
  return open;
}

struct gaiti_barrier_buffer *gaiti_buffers_take(gait_heap *heap) {
  struct gaiti_barrier_buffers *buffers = heap->buffers;
  if (!gaiti_buffers_pending(heap)) return NULL;
  gaiti_lock(&buffers->lock);
  struct gaiti_barrier_buffer *buffer = buffers->full;
  if (buffer) {
    buffers->full = buffer->next;
    AO_store_release(&buffers->pending, AO_load(&buffers->pending) - 1);
  }
  gaiti_unlock(&buffers->lock);
  return buffer;
}

void gaiti_buffers_give(gait_heap *heap, struct gaiti_barrier_buffer *buffer) {
  gaiti_lock(&heap->buffers->lock);
  buffer->next = heap->buffers->empty;
  heap->buffers->empty = buffer;
  gaiti_unlock(&heap->buffers->lock);
}

/* ---- After a fork ---- */

/* A thread that is gone may have been in the middle of filling its processor's buffer: its entries
 * are not read, and its count is set when it is taken again. */
void gaiti_buffers_forget_owned(gait_heap *heap) {
  for (struct gaiti_proc *proc = heap->procs->all; proc; proc = proc->next) {
    struct gaiti_barrier_buffer *buffer = proc->buffer;
    proc->buffer = NULL;
    if (buffer) gaiti_buffers_give(heap, buffer);
  }
}

void gaiti_buffers_drop(gait_heap *heap) {
  struct gaiti_barrier_buffers *buffers = heap->buffers;
  for (struct gaiti_barrier_buffer *buffer; (buffer = gaiti_buffers_take(heap));)
    gaiti_buffers_give(heap, buffer);
  gaiti_lock(&buffers->lock);
  buffers->open = false;
  AO_store(&buffers->roots_scanned, 0);
  AO_store(&buffers->spilled, 0);
  buffers->spilled_objects = buffers->spilled_bytes = 0;
  gaiti_unlock(&buffers->lock);
}
