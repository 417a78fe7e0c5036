#include "barrier/shades.h"

#include "base/check.h"

/* Buffers that exist before any is needed; the collector sees to more before each cycle. */
#define SHADES_FIRST_BUFFERS 2

static size_t shades_buffer_bytes(const gait_heap *heap) {
  return sizeof(struct gaiti_shade_buffer) +
         (size_t)heap->options.debug.barrier_entries * sizeof(uintptr_t);
}

static struct gaiti_shade_buffer *shades_new_buffer(gait_heap *heap) {
  struct gaiti_shade_buffer *buffer =
      gaiti_structure_alloc(&heap->space, shades_buffer_bytes(heap));
  if (buffer) buffer->capacity = (uint32_t)heap->options.debug.barrier_entries;
  return buffer;
}

static void shades_free_list(gait_heap *heap, struct gaiti_shade_buffer *buffer) {
  while (buffer) {
    struct gaiti_shade_buffer *next = buffer->next;
    gaiti_structure_free(&heap->space, buffer, shades_buffer_bytes(heap));
    buffer = next;
  }
}

bool gaiti_shades_init(gait_heap *heap) {
  struct gaiti_shades *shades = heap->shades = gaiti_structure_alloc(&heap->space, sizeof *shades);
  if (!shades) return false;
  for (int i = 0; i < SHADES_FIRST_BUFFERS; i++) {
    struct gaiti_shade_buffer *buffer = shades_new_buffer(heap);
    if (!buffer) goto fail;
    buffer->next = shades->empty;
    shades->empty = buffer;
  }
  if (gaiti_lock_init(&shades->lock, GAITI_RANK_SHADES)) return true;
fail:
  shades_free_list(heap, shades->empty);
  gaiti_structure_free(&heap->space, shades, sizeof *shades);
  return false;
}

void gaiti_shades_destroy(gait_heap *heap) {
  shades_free_list(heap, heap->shades->full);
  shades_free_list(heap, heap->shades->empty);
  gaiti_lock_destroy(&heap->shades->lock);
  gaiti_structure_free(&heap->space, heap->shades, sizeof *heap->shades);
}

static struct gaiti_shade_buffer *shades_take_empty(gait_heap *heap) {
  struct gaiti_shades *shades = heap->shades;
  gaiti_lock(&shades->lock);
  struct gaiti_shade_buffer *buffer = shades->empty;
  if (buffer) shades->empty = buffer->next;
  gaiti_unlock(&shades->lock);
  if (!buffer) buffer = shades_new_buffer(heap);
  if (!buffer) return NULL;
  buffer->next = NULL;
  buffer->count = 0;
  return buffer;
}

/* Marks without a buffer.  Under the lock, so that marking is not closed meanwhile; the flag rises
 * after the mark, as the thread that lowers it expects.  Model: tests/model/overflow.pml.  Litmus:
 * tests/litmus/overflow.litmus. */
static void shades_spill(gait_heap *heap, uintptr_t word) {
  struct gaiti_shades *shades = heap->shades;
  gaiti_lock(&shades->lock);
  gaiti_ref ref = shades->open ? gaiti_map_resolve(&heap->map, word) : 0;
  if (ref && gaiti_ref_mark(&heap->map, ref)) {
    shades->spilled_objects++;
    shades->spilled_bytes += gaiti_ref_bytes(&heap->map, ref);
    AO_nop_full();
    if (!(ref & GAITI_REF_LEAF)) AO_store_release(&shades->spilled, 1);
  }
  gaiti_unlock(&shades->lock);
}

/* Model: tests/model/overflow.pml. */
void gaiti_shades_take_spilled(gait_heap *heap, uint64_t *objects, uint64_t *bytes) {
  struct gaiti_shades *shades = heap->shades;
  gaiti_lock(&shades->lock);
  *objects = shades->spilled_objects;
  *bytes = shades->spilled_bytes;
  shades->spilled_objects = shades->spilled_bytes = 0;
  gaiti_unlock(&shades->lock);
}

void gaiti_shade_word(gait_heap *heap, struct gaiti_shade_buffer **buffer, uintptr_t word) {
  if (!gaiti_map_covers(&heap->map, word)) return;
  if (!*buffer) *buffer = shades_take_empty(heap);
  struct gaiti_shade_buffer *into = *buffer;
  if (!into) {
    shades_spill(heap, word);
    return;
  }
  into->words[into->count++] = word;
  if (into->count == into->capacity) gaiti_shades_flush(heap, buffer);
}

/* gaiti_shade_range on a heap with a rule for tagged references. */
GAITI_RACY static void shades_range_tagged(gait_heap *heap, struct gaiti_shade_buffer **buffer,
                                           const void *start, const void *end) {
  for (const volatile uintptr_t *word = start; (uintptr_t)(word + 1) <= (uintptr_t)end; word++)
    gaiti_shade_word(heap, buffer, gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, *word));
}

GAITI_RACY void gaiti_shade_range(gait_heap *heap, struct gaiti_shade_buffer **buffer,
                                  const void *start, const void *end) {
  uintptr_t first = ((uintptr_t)start + 7) & ~(uintptr_t)7;
  if (gaiti_tags_exist(&heap->tags)) {
    shades_range_tagged(heap, buffer, (const void *)first, end);
    return;
  }
  for (const volatile uintptr_t *word = (const volatile uintptr_t *)first;
       (uintptr_t)(word + 1) <= (uintptr_t)end; word++) {
    uintptr_t value = *word;
    if (gaiti_map_covers(&heap->map, value)) gaiti_shade_word(heap, buffer, value);
  }
}

/* Model: tests/model/start.pml, termination.pml.  Litmus: tests/litmus/flushed.litmus. */
void gaiti_shades_flush(gait_heap *heap, struct gaiti_shade_buffer **buffer) {
  struct gaiti_shades *shades = heap->shades;
  struct gaiti_shade_buffer *given = *buffer;
  *buffer = NULL;
  if (!given) return;
  gaiti_lock(&shades->lock);
  if (given->count == 0 || !shades->open) {
    given->next = shades->empty;
    shades->empty = given;
  } else {
    given->next = shades->full;
    shades->full = given;
    AO_store_release(&shades->pending, AO_load(&shades->pending) + 1);
  }
  gaiti_unlock(&shades->lock);
}

void gaiti_shades_reserve(gait_heap *heap, uint32_t count) {
  uint32_t found = 0;
  gaiti_lock(&heap->shades->lock);
  for (const struct gaiti_shade_buffer *buffer = heap->shades->empty; buffer && found < count;
       buffer = buffer->next)
    found++;
  gaiti_unlock(&heap->shades->lock);
  for (; found < count; found++) {
    struct gaiti_shade_buffer *buffer = shades_new_buffer(heap);
    if (!buffer) return;
    gaiti_shades_give(heap, buffer);
  }
}

void gaiti_shades_trim(gait_heap *heap, uint32_t keep) {
  struct gaiti_shades *shades = heap->shades;
  gaiti_lock(&shades->lock);
  struct gaiti_shade_buffer **place = &shades->empty;
  for (uint32_t kept = 0; *place && kept < keep; kept++)
    place = &(*place)->next;
  struct gaiti_shade_buffer *rest = *place;
  *place = NULL;
  gaiti_unlock(&shades->lock);
  shades_free_list(heap, rest);
}

/* Litmus: tests/litmus/settled.litmus. */
void gaiti_shades_open(gait_heap *heap) {
  gaiti_lock(&heap->shades->lock);
  heap->shades->open = true;
  AO_store(&heap->shades->settled, 0);
  gaiti_unlock(&heap->shades->lock);
}

/* Model: tests/model/start.pml, roots.pml.  Litmus: tests/litmus/settled.litmus. */
void gaiti_shades_settle(gait_heap *heap) {
  AO_store_release(&heap->shades->settled, 1);
}

bool gaiti_shades_open_now(gait_heap *heap) {
  gaiti_lock(&heap->shades->lock);
  bool open = heap->shades->open;
  gaiti_unlock(&heap->shades->lock);
  return open;
}

struct gaiti_shade_buffer *gaiti_shades_take(gait_heap *heap) {
  struct gaiti_shades *shades = heap->shades;
  if (!gaiti_shades_pending(heap)) return NULL;
  gaiti_lock(&shades->lock);
  struct gaiti_shade_buffer *buffer = shades->full;
  if (buffer) {
    shades->full = buffer->next;
    AO_store_release(&shades->pending, AO_load(&shades->pending) - 1);
  }
  gaiti_unlock(&shades->lock);
  return buffer;
}

void gaiti_shades_give(gait_heap *heap, struct gaiti_shade_buffer *buffer) {
  gaiti_lock(&heap->shades->lock);
  buffer->next = heap->shades->empty;
  heap->shades->empty = buffer;
  gaiti_unlock(&heap->shades->lock);
}

/* ---- After a fork ---- */

/* A thread that is gone may have been in the middle of filling its processor's buffer: its entries
 * are not read, and its count is set when it is taken again. */
void gaiti_shades_forget_buffers(gait_heap *heap) {
  for (struct gaiti_proc *proc = heap->procs->all; proc; proc = proc->next) {
    struct gaiti_shade_buffer *buffer = proc->shades;
    proc->shades = NULL;
    if (buffer) gaiti_shades_give(heap, buffer);
  }
}

void gaiti_shades_drop(gait_heap *heap) {
  struct gaiti_shades *shades = heap->shades;
  for (struct gaiti_shade_buffer *buffer; (buffer = gaiti_shades_take(heap));)
    gaiti_shades_give(heap, buffer);
  gaiti_lock(&shades->lock);
  shades->open = false;
  AO_store(&shades->settled, 0);
  AO_store(&shades->spilled, 0);
  shades->spilled_objects = shades->spilled_bytes = 0;
  gaiti_unlock(&shades->lock);
}
