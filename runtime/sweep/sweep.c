/* Models: finalizers, start, sweep, weak.  Litmus: answered, claim, cleared, left, swept. */
#include "sweep/sweep.h"

#include <string.h>

#include "alloc/cache.h"
#include "base/asan.h"
#include "base/check.h"
#include "os/virtual.h"

/* Blocks that one claim covers. */
#define SWEEP_STRETCH 8u
/* How often the collector looks whether the last stretches are done before it yields, some
 * microseconds: it might not get the CPU back for as long as a small heap lasts. */
#define SWEEP_SPINS 10000

bool gaiti_sweep_init(gait_heap *heap) {
  heap->sweep = gaiti_structure_alloc(&heap->space, sizeof *heap->sweep);
  return heap->sweep != NULL;
}

void gaiti_sweep_destroy(gait_heap *heap) {
  gaiti_structure_free(&heap->space, heap->sweep, sizeof *heap->sweep);
}

void gaiti_sweep_begin(gait_heap *heap) {
  struct gaiti_sweep *sweep = heap->sweep;
  uint32_t top = gaiti_space_top(&heap->space);
  gaiti_partial_clear(heap);
  gaiti_space_turn(&heap->space);
  AO_store(&sweep->freed_blocks, 0);
  AO_store(&sweep->old_objects, 0);
  AO_store(&sweep->old_bytes, 0);
  AO_store(&sweep->old_scan_bytes, 0);
  AO_store(&sweep->fresh_objects_bytes, 0);
  AO_store(&sweep->fresh_live_bytes, 0);
  AO_store_release(&sweep->left, top);
  AO_store_release(&sweep->claim, (AO_t)top << 32);
}

/* ---- One block ---- */

void gaiti_sweep_poison(gait_heap *heap, uint32_t block) {
  size_t slot_bytes = gaiti_block_slot_bytes(&heap->map, block);
  char *slot = gaiti_block_start(&heap->map, block);
  for (uint32_t i = 0; i < heap->map.shapes[block].slots; i++, slot += slot_bytes) {
    if (gaiti_map_resolve(&heap->map, (uintptr_t)slot)) continue;
    if (heap->options.debug.poison) {
      gaiti_asan_show(slot, slot_bytes);
      memset(slot, GAITI_POISON_BYTE, slot_bytes);
    }
    gaiti_asan_hide(slot, slot_bytes);
  }
}

/* No instruction that counts bits can be relied on. */
static uint32_t sweep_count_bits(AO_t word) {
  word -= word >> 1 & 0x5555555555555555u;
  word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
  word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return (uint32_t)(word * 0x0101010101010101u >> 56);
}

/* Most words are as they should be: they are not written to, and need no memory if never. */
static void sweep_set(AO_t *word, AO_t bits) {
  if (AO_load(word) != bits) AO_store(word, bits);
}

/* Of the objects in `mark`, found live now, those that are old; none where the sweep does not
 * age. */
static AO_t sweep_age(const struct gaiti_generation *generation, AO_t *aged, AO_t mark) {
  AO_t old = generation->remembered ? mark & AO_load(aged) : generation->young_next ? mark : 0;
  if (generation->remembers) sweep_set(aged, mark);
  return old;
}

struct sweep_found {
  uint32_t live; /* slots that are allocated from here on, */
  uint32_t old;  /* and of those, with an old object */
};

/* No other thread writes to the bits of a block that is due. */
static bool sweep_is_dead(const struct gaiti_map *map, uint32_t block) {
  static const AO_t none[GAITI_BLOCK_WORDS];
  return memcmp(&map->marks[gaiti_block_word(block)], none, sizeof none) == 0;
}

/* The same as sweep_bits, where nothing is marked. */
static void sweep_clear(const gait_heap *heap, uint32_t block) {
  size_t first = gaiti_block_word(block);
  memset(&heap->map.allocated[first], 0, GAITI_BLOCK_WORDS * sizeof *heap->map.allocated);
  for (size_t word = 0; heap->generation.remembers && word < GAITI_BLOCK_WORDS; word++)
    sweep_set(&heap->map.aged[first + word], 0);
}

/* allocated := marked; marked := old, if marks are kept. */
static struct sweep_found sweep_bits(const gait_heap *heap, uint32_t block) {
  const struct gaiti_map *map = &heap->map;
  size_t first = gaiti_block_word(block);
  struct sweep_found found = {0, 0};
  if (sweep_is_dead(map, block)) {
    sweep_clear(heap, block);
    return found;
  }
  for (size_t word = first; word < first + GAITI_BLOCK_WORDS; word++) {
    AO_t mark = AO_load(&map->marks[word]);
    AO_t old = sweep_age(&heap->generation, &map->aged[word], mark);
    sweep_set(&map->allocated[word], mark);
    if (mark == 0) continue;
    sweep_set(&map->marks[word], heap->generation.young_next ? old : 0);
    found.live += sweep_count_bits(mark);
    found.old += sweep_count_bits(old);
  }
  return found;
}

/* The part of one stretch in the counters of the sweep. */
struct sweep_tally {
  uint64_t freed_blocks;
  uint64_t old_objects, old_bytes, old_scan_bytes;
  uint64_t fresh_objects_bytes, fresh_live_bytes;
};

static void sweep_count_old(const gait_heap *heap, struct sweep_tally *tally, uint32_t block,
                            uint64_t objects, uint64_t bytes) {
  tally->old_objects += objects;
  tally->old_bytes += objects * bytes;
  if (!(gaiti_block_tag(&heap->map, block) & GAITI_REF_LEAF))
    tally->old_scan_bytes += objects * bytes;
}

static void sweep_flush_tally(struct gaiti_sweep *sweep, const struct sweep_tally *tally) {
  gaiti_counter_add_some(&sweep->freed_blocks, tally->freed_blocks);
  gaiti_counter_add_some(&sweep->old_objects, tally->old_objects);
  gaiti_counter_add_some(&sweep->old_bytes, tally->old_bytes);
  gaiti_counter_add_some(&sweep->old_scan_bytes, tally->old_scan_bytes);
  gaiti_counter_add_some(&sweep->fresh_objects_bytes, tally->fresh_objects_bytes);
  gaiti_counter_add_some(&sweep->fresh_live_bytes, tally->fresh_live_bytes);
}

/* A fresh block counts as full: all but the last that a cache has taken are.
 *
 * Returns whether the block is empty now. */
static bool sweep_slots(gait_heap *heap, struct sweep_tally *tally, uint32_t block, AO_t epoch) {
  struct gaiti_block_state *state = &heap->map.states[block];
  uint32_t slots = heap->map.shapes[block].slots;
  size_t slot_bytes = gaiti_block_slot_bytes(&heap->map, block);
  struct sweep_found found = sweep_bits(heap, block);
  if (AO_char_load(&state->fresh)) {
    tally->fresh_objects_bytes += slots * slot_bytes;
    tally->fresh_live_bytes += found.live * slot_bytes;
  }
  if (found.live == 0) return true;
  CHECK_SLOW("sweep.slots", found.live <= slots, "a block has more live slots than slots");
  sweep_count_old(heap, tally, block, found.old, slot_bytes);
  state->clean = 0;
  AO_char_store(&state->fresh, 0);
  if (GAITI_ASAN || heap->options.debug.poison) gaiti_sweep_poison(heap, block);
  AO_store_release(&state->swept, epoch);
  if (found.live < slots) gaiti_partial_give(heap, block);
  return false;
}

/* Sweeps the block, or the large object, at `block`.  Returns its blocks; *empty: they are free. */
static uint32_t sweep_at(gait_heap *heap, struct sweep_tally *tally, uint32_t block, AO_t epoch,
                         bool *empty) {
  struct gaiti_block_state *state = &heap->map.states[block];
  gaiti_ref tag = gaiti_block_tag(&heap->map, block);
  *empty = false;
  if (tag == 0 || tag & GAITI_REF_TAIL || AO_load_acquire(&state->swept) == epoch) return 1;
  if (!(tag & GAITI_REF_LARGE)) {
    *empty = sweep_slots(heap, tally, block, epoch);
    return 1;
  }
  size_t bytes = gaiti_block_large_bytes(&heap->map, block);
  struct sweep_found found = sweep_bits(heap, block);
  *empty = found.live == 0;
  if (!*empty) {
    sweep_count_old(heap, tally, block, found.old, bytes);
    AO_store_release(&state->swept, epoch);
  }
  return gaiti_large_blocks(bytes);
}

/* ---- Stretches ---- */

static void sweep_free(gait_heap *heap, struct sweep_tally *tally, uint32_t first, uint32_t count) {
  if (count == 0) return;
  gaiti_block_unformat(&heap->map, first, count);
  gaiti_space_give(&heap->space, &heap->map, first, count);
  tally->freed_blocks += count;
}

/* Neighbouring empty blocks go back in one piece. */
static void sweep_stretch(gait_heap *heap, uint32_t block, uint32_t end) {
  AO_t epoch = AO_load_acquire(&heap->epoch);
  struct sweep_tally tally = {0};
  uint32_t first_empty = block, empties = 0;
  while (block < end) {
    bool empty;
    uint32_t blocks = sweep_at(heap, &tally, block, epoch, &empty);
    if (empty) {
      if (empties == 0) first_empty = block;
      empties += blocks;
    } else {
      sweep_free(heap, &tally, first_empty, empties);
      empties = 0;
    }
    block += blocks;
  }
  sweep_free(heap, &tally, first_empty, empties);
  sweep_flush_tally(heap->sweep, &tally);
}

bool gaiti_sweep_some(gait_heap *heap) {
  struct gaiti_sweep *sweep = heap->sweep;
  AO_t claim, first, end, last;
  do {
    claim = AO_load_acquire(&sweep->claim);
    first = claim & UINT32_MAX, end = claim >> 32;
    if (first >= end) return false;
    last = first + SWEEP_STRETCH < end ? first + SWEEP_STRETCH : end;
  } while (!AO_compare_and_swap_acquire(&sweep->claim, claim, end << 32 | last));
  gaiti_delay(heap);
  sweep_stretch(heap, (uint32_t)first, (uint32_t)last);
  gaiti_os_count_sweep(last - first);
  AO_fetch_and_add_release(&sweep->left, (AO_t)0 - (last - first));
  return true;
}

bool gaiti_sweep_is_over(const gait_heap *heap) {
  return AO_load_acquire(&heap->sweep->left) == 0;
}

void gaiti_sweep_finish(gait_heap *heap) {
  while (gaiti_sweep_some(heap)) {
  }
  for (int spins = 0; !gaiti_sweep_is_over(heap); spins++)
    if (spins >= SWEEP_SPINS) gaiti_os_yield();
}
