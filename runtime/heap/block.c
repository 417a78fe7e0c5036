/* Blocks: formatting and unformatting them, and the bits of their slots.  block.h has the
 * invariants.
 *
 * Litmus: allocated, freed, shape. */
#include "heap/block.h"

#include <string.h>

#include "base/check.h"
#include "gait/gait.h"

_Static_assert(GAIT_SMALL_BYTES <= GAITI_BLOCK_BYTES / 2, "a block holds two slots at least");
_Static_assert(GAIT_GRANULE_BYTES == (size_t)1 << GAITI_GRANULE_SHIFT, "inline.h and we agree");

_Static_assert(GAIT_CARD_BYTES == 64 * GAIT_GRANULE_BYTES, "a card is what shares a word of marks");
_Static_assert(GAIT_SIZE_CLASSES <= 128, "a reference has seven bits for the size class");
_Static_assert(GAIT_MAX_KINDS <= 1024, "a reference has ten bits for the kind");

size_t gaiti_ref_bytes(const struct gaiti_map *map, gaiti_ref ref) {
  if (!(ref & GAITI_REF_LARGE)) return gaiti_class_bytes(gaiti_ref_class(ref));
  return gaiti_block_large_bytes(map, gaiti_block_of(map, gaiti_ref_start(map, ref)));
}

GAITI_RACY gaiti_ref gaiti_map_find_large(const struct gaiti_map *map, uintptr_t word,
                                          gaiti_ref tag) {
  if (tag == 0) return 0;
  uint32_t block = gaiti_block_of(map, word);
  if (tag & GAITI_REF_TAIL) {
    block = map->shapes[block].reciprocal;
    tag = gaiti_block_tag(map, block);
    if (!(tag & GAITI_REF_LARGE)) return 0;
  }
  size_t offset = word - (uintptr_t)gaiti_block_start(map, block);
  if (offset >= gaiti_block_large_bytes(map, block)) return 0;
  return tag;
}

GAITI_RACY gaiti_ref gaiti_map_resolve(const struct gaiti_map *map, uintptr_t word) {
  gaiti_ref ref = gaiti_map_find(map, word);
  return ref && gaiti_ref_is_allocated(map, ref) ? ref : 0;
}

/* Sets allocation bits.  Where none is set in the word no other thread writes to it: the cache that
 * owns the block is the only one to set any, and others clear those of runs that they have. */
static void bits_allocate(AO_t *word, AO_t mask) {
  if (AO_load(word) == 0)
    AO_store_release(word, mask);
  else
    AO_or_release(word, mask);
}

/* Changes the bits of `mask` in a word: marks before allocation bits, with which other threads may
 * find the slot, or take it.  A thread that finds a mark finds the slot as it was zeroed. */
static void bits_apply(const struct gaiti_map *map, size_t word, AO_t mask,
                       enum gaiti_bits_change change) {
  switch (change) {
  case GAITI_BITS_ALLOCATE_BLACK:
    AO_or_release(&map->marks[word], mask);
    bits_allocate(&map->allocated[word], mask);
    return;
  case GAITI_BITS_ALLOCATE: bits_allocate(&map->allocated[word], mask); return;
  case GAITI_BITS_BLACKEN: AO_or_release(&map->marks[word], mask); return;
  case GAITI_BITS_FREE:
    AO_and(&map->marks[word], ~mask);
    AO_and_release(&map->allocated[word], ~mask);
    return;
  }
}

/* Bits 0, step, 2 * step and so on of a word: each turn doubles their number. */
static AO_t bits_every(size_t step) {
  AO_t mask = 1;
  for (; step < 64; step *= 2)
    mask |= mask << step;
  return mask;
}

/* Goes from word to word; in each, the bits of the slots that start there. */
void gaiti_bits_change(const struct gaiti_map *map, uintptr_t start, uintptr_t end,
                       size_t slot_bytes, enum gaiti_bits_change change) {
  size_t step = slot_bytes >> GAITI_GRANULE_SHIFT;
  size_t granule = (start - map->base) >> GAITI_GRANULE_SHIFT;
  size_t last = (end - map->base) >> GAITI_GRANULE_SHIFT;
  AO_t every = bits_every(step);
  while (granule < last) {
    size_t word = granule / 64;
    AO_t mask = every << granule % 64;
    if (last - word * 64 < 64) mask &= ((AO_t)1 << (last - word * 64)) - 1;
    bits_apply(map, word, mask, change);
    granule = word * 64 + (size_t)(63 - __builtin_clzll(mask)) + step;
  }
}

/* Slots of one granule fill their words, so whole words are skipped at a time.
 *
 * Here and below: a free slot may have been given back a moment ago, so the thread that takes it
 * looks with acquire.  Else the mark bits that it sets might be cleared by the thread that gave it
 * back. */
static uint32_t bits_next_free_granule(const AO_t *allocated, uint32_t from) {
  for (uint32_t word = from / 64; word < GAITI_BLOCK_WORDS; word++) {
    AO_t free = ~AO_load_acquire(&allocated[word]);
    if (word == from / 64) free &= ~(AO_t)0 << (from % 64);
    if (free) return word * 64 + (uint32_t)__builtin_ctzll(free);
  }
  return GAITI_BLOCK_GRANULES;
}

/* The first allocated granule of [from, end), or `end`. */
static uint32_t bits_next_allocated_granule(const AO_t *allocated, uint32_t from, uint32_t end) {
  for (uint32_t word = from / 64; word * 64 < end; word++) {
    AO_t set = AO_load_acquire(&allocated[word]);
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
  uint32_t step = shape->slot_granules;
  uint32_t slot = from;
  if (step == 1) {
    slot = bits_next_free_granule(allocated, from);
  } else {
    while (slot < shape->slots &&
           AO_load_acquire(&allocated[slot * step / 64]) >> (slot * step % 64) & 1)
      slot++;
  }
  if (slot >= shape->slots) return false;
  uint32_t stop = shape->slots - slot > most ? slot + most : shape->slots;
  *first = slot;
  *end = bits_next_allocated_granule(allocated, slot * step, stop * step) / step;
  return true;
}

void gaiti_block_format(const struct gaiti_map *map, uint32_t block, gaiti_ref tag,
                        uint8_t size_class, AO_t epoch) {
  struct gaiti_block_shape *shape = &map->shapes[block];
  size_t slot_bytes = gaiti_class_bytes(size_class);
  shape->reciprocal = (uint32_t)((((uint64_t)1 << 32) + slot_bytes - 1) / slot_bytes);
  shape->slot_granules = (uint16_t)(slot_bytes >> GAITI_GRANULE_SHIFT);
  shape->slots = (uint16_t)(GAITI_BLOCK_BYTES / slot_bytes);
  struct gaiti_block_state *state = &map->states[block];
  state->size_class = size_class;
  AO_char_store(&state->fresh, 1);
  state->next = GAITI_NO_BLOCK;
  AO_store(&state->swept, epoch);
  AO_store_release(&shape->tag, tag | GAITI_REF_SMALL |
                                    (gaiti_ref)size_class << GAITI_REF_CLASS_SHIFT |
                                    gaiti_block_granule(block));
}

void gaiti_block_format_large(const struct gaiti_map *map, uint32_t block, gaiti_ref tag,
                              size_t bytes, AO_t epoch) {
  uint32_t count = gaiti_large_blocks(bytes);
  struct gaiti_block_shape *head = &map->shapes[block];
  head->reciprocal = (uint32_t)(bytes >> GAITI_GRANULE_SHIFT);
  head->slot_granules = 0;
  head->slots = 1;
  AO_store(&map->states[block].swept, epoch);
  AO_store_release(&head->tag, tag | GAITI_REF_LARGE | gaiti_block_granule(block));
  for (uint32_t i = 1; i < count; i++) {
    map->shapes[block + i].reciprocal = block;
    AO_store_release(&map->shapes[block + i].tag, GAITI_REF_TAIL);
  }
}

void gaiti_block_unformat(const struct gaiti_map *map, uint32_t block, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    AO_store_release(&map->shapes[block + i].tag, 0);
}
