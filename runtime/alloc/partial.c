#include "alloc/partial.h"

/* The lists of one kind. */
#define PARTIAL_LISTS_BYTES (GAIT_SIZE_CLASSES * sizeof(struct gaiti_partial_list))

static const struct gaiti_partial_list partial_empty = {GAITI_NO_BLOCK, GAITI_NO_BLOCK};

bool gaiti_partial_init(gait_heap *heap) {
  heap->partial = gaiti_structure_alloc(&heap->space, sizeof *heap->partial);
  if (!heap->partial) return false;
  if (gaiti_lock_init(&heap->partial->lock, GAITI_RANK_PARTIAL)) return true;
  gaiti_structure_free(&heap->space, heap->partial, sizeof *heap->partial);
  return false;
}

void gaiti_partial_destroy(gait_heap *heap) {
  for (uint32_t kind = 0; kind < GAIT_MAX_KINDS; kind++)
    gaiti_structure_free(&heap->space, heap->partial->kinds[kind], PARTIAL_LISTS_BYTES);
  gaiti_lock_destroy(&heap->partial->lock);
  gaiti_structure_free(&heap->space, heap->partial, sizeof *heap->partial);
}

uint32_t gaiti_partial_take(gait_heap *heap, uint16_t kind, unsigned size_class) {
  struct gaiti_partial *partial = heap->partial;
  uint32_t block = GAITI_NO_BLOCK;
  if (AO_load(&partial->count) == 0) return block;
  gaiti_lock(&partial->lock);
  if (partial->kinds[kind]) {
    struct gaiti_partial_list *list = &partial->kinds[kind][size_class];
    block = list->first;
    if (block != GAITI_NO_BLOCK) {
      list->first = heap->map.states[block].next;
      AO_store(&partial->count, AO_load(&partial->count) - 1);
    }
    if (list->first == GAITI_NO_BLOCK) list->last = GAITI_NO_BLOCK;
  }
  gaiti_unlock(&partial->lock);
  return block;
}

static struct gaiti_partial_list *partial_list(gait_heap *heap, uint16_t kind,
                                               unsigned size_class) {
  struct gaiti_partial *partial = heap->partial;
  if (!partial->kinds[kind]) {
    struct gaiti_partial_list *lists = gaiti_structure_alloc(&heap->space, PARTIAL_LISTS_BYTES);
    if (!lists) return NULL;
    for (unsigned i = 0; i < GAIT_SIZE_CLASSES; i++)
      lists[i] = partial_empty;
    partial->kinds[kind] = lists;
  }
  return &partial->kinds[kind][size_class];
}

bool gaiti_partial_give(gait_heap *heap, uint32_t block) {
  struct gaiti_block_state *state = &heap->map.states[block];
  uint16_t kind = gaiti_block_kind(&heap->map, block);
  gaiti_lock(&heap->partial->lock);
  struct gaiti_partial_list *list = partial_list(heap, kind, state->size_class);
  if (list) {
    state->next = GAITI_NO_BLOCK;
    if (list->last == GAITI_NO_BLOCK)
      list->first = block;
    else
      heap->map.states[list->last].next = block;
    list->last = block;
    AO_store(&heap->partial->count, AO_load(&heap->partial->count) + 1);
  }
  gaiti_unlock(&heap->partial->lock);
  return list != NULL;
}

void gaiti_partial_clear(gait_heap *heap) {
  gaiti_lock(&heap->partial->lock);
  for (uint32_t kind = 0; kind < GAIT_MAX_KINDS; kind++)
    for (unsigned i = 0; heap->partial->kinds[kind] && i < GAIT_SIZE_CLASSES; i++)
      heap->partial->kinds[kind][i] = partial_empty;
  AO_store(&heap->partial->count, 0);
  gaiti_unlock(&heap->partial->lock);
}
