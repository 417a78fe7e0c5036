/* Blocks: formatting and unformatting them, and the bits of their slots.  block.h has the
 * invariants. */
#include "heap/block.h"

#include <string.h>

#include "base/check.h"
#include "gait/gait.h"

_Static_assert(GAIT_SMALL_BYTES <= GAITI_BLOCK_BYTES / 2, "a block holds two slots at least");
_Static_assert(GAIT_GRANULE_BYTES == (size_t)1 << GAITI_GRANULE_SHIFT, "inline.h and we agree");

const char *gaiti_block_form_name(enum gaiti_block_form form) {
  static const char *const names[] = {"free", "slots", "large", "tail"};
  return names[form];
}

GAITI_RACY bool gaiti_map_resolve(const struct gaiti_map *map, uintptr_t word,
                                  struct gaiti_object *object) {
  return gaiti_map_slot(map, word, object) && gaiti_is_allocated(map, object->start);
}

static void bits_apply(const struct gaiti_map *map, size_t word, AO_t mask,
                       enum gaiti_bits_change change) {
  switch (change) {
  case GAITI_BITS_ALLOCATE_BLACK:
    AO_or(&map->marks[word], mask);
    AO_or_release(&map->allocated[word], mask);
    return;
  case GAITI_BITS_ALLOCATE: AO_or_release(&map->allocated[word], mask); return;
  case GAITI_BITS_BLACKEN: AO_or(&map->marks[word], mask); return;
  case GAITI_BITS_FREE:
    AO_and(&map->allocated[word], ~mask);
    AO_and(&map->marks[word], ~mask);
    return;
  }
}

/* Goes from word to word; in each, gathers the bits of the slots that start there. */
void gaiti_bits_change(const struct gaiti_map *map, uintptr_t start, uintptr_t end,
                       size_t slot_bytes, enum gaiti_bits_change change) {
  size_t step = slot_bytes >> GAITI_GRANULE_SHIFT;
  size_t granule = (start - map->base) >> GAITI_GRANULE_SHIFT;
  size_t last = (end - map->base) >> GAITI_GRANULE_SHIFT;
  while (granule < last) {
    size_t word = granule / 64, stop = (word + 1) * 64;
    if (stop > last) stop = last;
    AO_t mask = 0;
    if (step == 1 && granule % 64 == 0 && stop % 64 == 0) {
      mask = ~(AO_t)0;
      granule = stop;
    }
    for (; granule < stop; granule += step)
      mask |= (AO_t)1 << (granule % 64);
    bits_apply(map, word, mask, change);
  }
}

/* Slots of one granule fill their words, so whole words are skipped at a time. */
static uint32_t bits_next_free_granule(const AO_t *allocated, uint32_t from) {
  for (uint32_t word = from / 64; word < GAITI_BLOCK_WORDS; word++) {
    AO_t free = ~AO_load(&allocated[word]);
    if (word == from / 64) free &= ~(AO_t)0 << (from % 64);
    if (free) return word * 64 + (uint32_t)__builtin_ctzll(free);
  }
  return GAITI_BLOCK_GRANULES;
}

static uint32_t bits_next_allocated_granule(const AO_t *allocated, uint32_t from, uint32_t end) {
  for (uint32_t word = from / 64; word * 64 < end; word++) {
    AO_t set = AO_load(&allocated[word]);
    if (word == from / 64) set &= ~(AO_t)0 << (from % 64);
    if (set) {
      uint32_t found = word * 64 + (uint32_t)__builtin_ctzll(set);
      return found < end ? found : end;
    }
  }
  return end;
}

bool gaiti_bits_free_run(const struct gaiti_map *map, uint32_t block, uint32_t from, uint32_t most,
                         uint32_t *first, uint32_t *end) {
  const struct gaiti_block_shape *shape = &map->shapes[block];
  const AO_t *allocated = &map->allocated[gaiti_block_word(block)];
  uint32_t step = shape->slot_bytes >> GAITI_GRANULE_SHIFT;
  uint32_t slot = from;
  if (step == 1) {
    slot = bits_next_free_granule(allocated, from);
  } else {
    while (slot < shape->slots && AO_load(&allocated[slot * step / 64]) >> (slot * step % 64) & 1)
      slot++;
  }
  if (slot >= shape->slots) return false;
  uint32_t stop = shape->slots - slot > most ? slot + most : shape->slots;
  *first = slot;
  *end = bits_next_allocated_granule(allocated, slot * step, stop * step) / step;
  return true;
}

void gaiti_block_format(const struct gaiti_map *map, uint32_t block, uint16_t kind,
                        uint8_t size_class, AO_t epoch) {
  struct gaiti_block_shape *shape = &map->shapes[block];
  size_t slot_bytes = gaiti_class_bytes(size_class);
  shape->slot_bytes = (uint32_t)slot_bytes;
  shape->reciprocal = (uint32_t)((((uint64_t)1 << 32) + slot_bytes - 1) / slot_bytes);
  shape->slots = (uint16_t)(GAITI_BLOCK_BYTES / slot_bytes);
  shape->kind = kind;
  struct gaiti_block_state *state = &map->states[block];
  state->size_class = size_class;
  state->next = GAITI_NO_BLOCK;
  AO_store(&state->swept, epoch);
  AO_int_store_release(&shape->form,
                       GAITI_BLOCK_SLOTS | (unsigned)size_class << GAITI_FORM_CLASS_SHIFT);
}

void gaiti_block_format_large(const struct gaiti_map *map, uint32_t block, uint16_t kind,
                              size_t bytes, AO_t epoch) {
  uint32_t count = gaiti_large_blocks(bytes);
  struct gaiti_block_shape *head = &map->shapes[block];
  head->reciprocal = 0;
  head->slot_bytes = (uint32_t)(bytes >> GAITI_GRANULE_SHIFT);
  head->slots = 1;
  head->kind = kind;
  AO_store(&map->states[block].swept, epoch);
  AO_int_store_release(&head->form, GAITI_BLOCK_LARGE);
  for (uint32_t i = 1; i < count; i++) {
    map->shapes[block + i].reciprocal = block;
    AO_int_store_release(&map->shapes[block + i].form, GAITI_BLOCK_TAIL);
  }
}

void gaiti_block_unformat(const struct gaiti_map *map, uint32_t block, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    AO_int_store_release(&map->shapes[block + i].form, GAITI_BLOCK_FREE);
}
