#include "alloc/available.h"

/* The lists of one kind. */
#define AVAILABLE_LISTS_BYTES (GAIT_SIZE_CLASSES * sizeof(struct gaiti_available_list))

static const struct gaiti_available_list available_empty = {GAITI_NO_BLOCK, GAITI_NO_BLOCK};

bool gaiti_available_init(gait_heap *heap) {
  heap->available = gaiti_structure_alloc(&heap->space, sizeof *heap->available);
  if (!heap->available) return false;
  if (gaiti_lock_init(&heap->available->lock, GAITI_RANK_AVAILABLE)) return true;
  gaiti_structure_free(&heap->space, heap->available, sizeof *heap->available);
  return false;
}

void gaiti_available_destroy(gait_heap *heap) {
  for (uint32_t kind = 0; kind < GAIT_MAX_KINDS; kind++)
    gaiti_structure_free(&heap->space, heap->available->kinds[kind], AVAILABLE_LISTS_BYTES);
  gaiti_lock_destroy(&heap->available->lock);
  gaiti_structure_free(&heap->space, heap->available, sizeof *heap->available);
}

uint32_t gaiti_available_take(gait_heap *heap, uint16_t kind, unsigned size_class) {
  struct gaiti_available *available = heap->available;
  uint32_t block = GAITI_NO_BLOCK;
  if (AO_load(&available->count) == 0) return block;
  gaiti_lock(&available->lock);
  if (available->kinds[kind]) {
    struct gaiti_available_list *list = &available->kinds[kind][size_class];
    block = list->first;
    if (block != GAITI_NO_BLOCK) {
      list->first = heap->map.states[block].next;
      AO_store(&available->count, AO_load(&available->count) - 1);
    }
    if (list->first == GAITI_NO_BLOCK) list->last = GAITI_NO_BLOCK;
  }
  gaiti_unlock(&available->lock);
  return block;
}

static struct gaiti_available_list *available_list(gait_heap *heap, uint16_t kind,
                                                   unsigned size_class) {
  struct gaiti_available *available = heap->available;
  if (!available->kinds[kind]) {
    struct gaiti_available_list *lists = gaiti_structure_alloc(&heap->space, AVAILABLE_LISTS_BYTES);
    if (!lists) return NULL;
    for (unsigned i = 0; i < GAIT_SIZE_CLASSES; i++)
      lists[i] = available_empty;
    available->kinds[kind] = lists;
  }
  return &available->kinds[kind][size_class];
}

bool gaiti_available_give(gait_heap *heap, uint32_t block) {
  struct gaiti_block_state *state = &heap->map.states[block];
  uint16_t kind = gaiti_block_kind(&heap->map, block);
  gaiti_lock(&heap->available->lock);
  struct gaiti_available_list *list = available_list(heap, kind, state->size_class);
  if (list) {
    state->next = GAITI_NO_BLOCK;
    if (list->last == GAITI_NO_BLOCK)
      list->first = block;
    else
      heap->map.states[list->last].next = block;
    list->last = block;
    AO_store(&heap->available->count, AO_load(&heap->available->count) + 1);
  }
  gaiti_unlock(&heap->available->lock);
  return list != NULL;
}

void gaiti_available_clear(gait_heap *heap) {
  gaiti_lock(&heap->available->lock);
  for (uint32_t kind = 0; kind < GAIT_MAX_KINDS; kind++)
    for (unsigned i = 0; heap->available->kinds[kind] && i < GAIT_SIZE_CLASSES; i++)
      heap->available->kinds[kind][i] = available_empty;
  AO_store(&heap->available->count, 0);
  gaiti_unlock(&heap->available->lock);
}
