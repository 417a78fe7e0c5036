/* Objects are found by two tables: the block of an address by its place among the heap's, and the
 * number of an object by the bits before its own, of which those before each 64 are counted. */
#include "heap_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "heap_chunks.h"

/* Blocks lie so many bits of granules apart. */
#define BLOCKS_SHIFT 12
/* A table of addresses has no more places a block. */
#define BLOCKS_SPARSE 64

#define BLOCKS_LEAF 0 /* the gait_kind_form without references */

/* Word `word` of the bits of so many slots; those past the last one are 0. */
static uint64_t block_bits(const unsigned char *bits, uint32_t slots, uint32_t word) {
  size_t bytes = ((size_t)slots + 7) / 8, from = (size_t)word * 8;
  uint64_t result = 0;
  for (size_t i = from; i < bytes && i < from + 8; i++)
    result |= (uint64_t)bits[i] << 8 * (i - from);
  return result;
}

static uint32_t block_words(const struct heap_block *block) {
  return (block->slots + 63) / 64;
}

/* ---- Reading ---- */

static bool block_fault(const struct heap_dump *dump, const unsigned char *at,
                        struct heap_error *error) {
  return heap_fault(dump, at, error, "a block is wrong");
}

/* What a block says of itself is possible, and it lies behind the one before. */
static bool block_check(const struct heap_dump *dump, const struct heap_block *block,
                        uint64_t kind) {
  const struct heap_block *before =
      dump->blocks_count > 0 ? &dump->blocks[dump->blocks_count - 1] : NULL;
  uint64_t least = before ? before->granule + before->slots * before->slot_granules : 0;
  return kind < dump->kinds_count && block->granule >= least &&
         block->granule < (uint64_t)1 << 44 && block->slot_granules > 0 &&
         block->slot_granules < (uint64_t)1 << 44;
}

/* *bits: one for each slot. */
static bool block_begin(struct heap_dump *dump, struct heap_cursor *cursor,
                        struct heap_block *block, const unsigned char **bits) {
  uint64_t kind = heap_number(cursor);
  *block = (struct heap_block){.granule = heap_number(cursor)};
  block->slot_granules = heap_number(cursor);
  uint64_t slots = heap_number(cursor);
  if (cursor->bad || slots == 0 || slots > 4096 || !block_check(dump, block, kind)) return false;
  block->kind = (uint32_t)kind;
  block->slots = (uint32_t)slots;
  *bits = heap_bytes(cursor, (slots + 7) / 8);
  if (!*bits) return false;
  return slots % 8 == 0 || (*bits)[slots / 8] >> slots % 8 == 0;
}

static bool block_count(struct heap_dump *dump, struct heap_block *block,
                        const unsigned char *bits) {
  block->first = dump->objects;
  block->ranks = dump->ranks_count;
  for (uint32_t word = 0; word < block_words(block); word++) {
    if (!heap_reserve(&dump->ranks, dump->ranks_count, sizeof *dump->ranks)) return false;
    struct heap_rank rank = {block_bits(bits, block->slots, word), block->first + block->count};
    dump->ranks[dump->ranks_count++] = rank;
    block->count += (uint32_t)__builtin_popcountll(rank.bits);
  }
  if (block->count == 0 || block->count > UINT32_MAX - 1 - dump->objects) return false;
  dump->objects += block->count;
  dump->object_bytes += block->count * heap_block_slot_bytes(block);
  return true;
}

/* Passes over the references of one object; returns how many there were. */
static uint64_t block_pass_edges(struct heap_cursor *cursor) {
  uint64_t count = 0;
  for (uint64_t number; (number = heap_number(cursor)) != 0; count++)
    if ((number - 1) & 1) heap_number(cursor);
  return count;
}

static bool block_find_edges(struct heap_dump *dump, struct heap_cursor *cursor,
                             struct heap_block *block) {
  block->edges = cursor->at;
  block->places = dump->places_count;
  for (uint32_t object = 0; object < block->count; object++) {
    if (object % HEAP_PLACES_EVERY == 0) {
      if (!heap_reserve(&dump->places, dump->places_count, sizeof *dump->places)) return false;
      if ((uint64_t)(cursor->at - block->edges) > UINT32_MAX) return false;
      dump->places[dump->places_count++] = (uint32_t)(cursor->at - block->edges);
    }
    dump->edges += block_pass_edges(cursor);
  }
  block->edges_end = cursor->at;
  return !cursor->bad;
}

static bool blocks_read_one(struct heap_dump *dump, struct heap_cursor *cursor,
                            struct heap_error *error) {
  const unsigned char *at = cursor->at;
  struct heap_block block;
  const unsigned char *bits;
  if (!block_begin(dump, cursor, &block, &bits) || !block_count(dump, &block, bits))
    return block_fault(dump, at, error);
  if (dump->kinds[block.kind].form != BLOCKS_LEAF && !block_find_edges(dump, cursor, &block))
    return block_fault(dump, at, error);
  if (!heap_reserve(&dump->blocks, dump->blocks_count, sizeof *dump->blocks))
    return block_fault(dump, at, error);
  dump->blocks[dump->blocks_count++] = block;
  return true;
}

/* ---- Tables ---- */

/* A block lies in as many places of the table as it has begun; a search begins at the first block
 * of its place.  Where the addresses are far apart, all blocks are searched. */
static bool blocks_make_table(struct heap_dump *dump) {
  if (dump->blocks_count == 0) return true;
  const struct heap_block *last = &dump->blocks[dump->blocks_count - 1];
  uint64_t places = (last->granule >> BLOCKS_SHIFT) + 1;
  if (places > BLOCKS_SPARSE * (uint64_t)dump->blocks_count + 4096) return true;
  dump->table = malloc((size_t)places * sizeof *dump->table);
  if (!dump->table) return false;
  dump->table_count = (size_t)places;
  size_t block = 0;
  for (size_t place = 0; place < places; place++) {
    while (block + 1 < dump->blocks_count &&
           dump->blocks[block + 1].granule >> BLOCKS_SHIFT <= place &&
           dump->blocks[block + 1].granule <= (uint64_t)place << BLOCKS_SHIFT)
      block++;
    dump->table[place] = (uint32_t)block;
  }
  return true;
}

static bool blocks_make_near(struct heap_dump *dump) {
  size_t count = dump->objects / HEAP_NEAR + 1, block = 0;
  dump->near = malloc(count * sizeof *dump->near);
  if (!dump->near) return false;
  for (size_t i = 0; i < count; i++) {
    while (block + 1 < dump->blocks_count && dump->blocks[block + 1].first <= i * HEAP_NEAR)
      block++;
    dump->near[i] = (uint32_t)block;
  }
  return true;
}

bool heap_blocks_read(struct heap_dump *dump, struct heap_error *error) {
  struct heap_cursor cursor;
  for (size_t chunk = 0; heap_chunks_next(dump, HEAP_TYPE_OBJECTS, &chunk, &cursor);)
    while (cursor.at < cursor.end)
      if (!blocks_read_one(dump, &cursor, error)) return false;
  if (blocks_make_table(dump) && blocks_make_near(dump)) return true;
  return heap_fault(dump, dump->data, error, "out of memory");
}

/* ---- Finding ---- */

/* The last block that begins at the granule or before it. */
static const struct heap_block *block_at(const struct heap_dump *dump, uint64_t granule) {
  size_t low = 0, high = dump->blocks_count;
  size_t place = (size_t)(granule >> BLOCKS_SHIFT);
  if (high == 0 || dump->blocks[0].granule > granule) return NULL;
  if (place < dump->table_count) {
    low = dump->table[place];
    while (low + 1 < high && dump->blocks[low + 1].granule <= granule)
      low++;
    return &dump->blocks[low];
  }
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (dump->blocks[middle].granule <= granule)
      low = middle;
    else
      high = middle;
  }
  return &dump->blocks[low];
}

static uint32_t block_object(const struct heap_dump *dump, const struct heap_block *block,
                             uint64_t slot) {
  const struct heap_rank *rank = &dump->ranks[block->ranks + slot / 64];
  uint64_t bit = (uint64_t)1 << slot % 64;
  if (!(rank->bits & bit)) return HEAP_NONE;
  return rank->first + (uint32_t)__builtin_popcountll(rank->bits & (bit - 1));
}

void heap_object_prefetch(const struct heap_dump *dump, uint64_t granule) {
  size_t place = (size_t)(granule >> BLOCKS_SHIFT);
  if (place >= dump->table_count) return;
  const struct heap_block *block = &dump->blocks[dump->table[place]];
  uint64_t slot = (granule - block->granule) / block->slot_granules;
  if (slot < block->slots) __builtin_prefetch(&dump->ranks[block->ranks + slot / 64]);
}

uint32_t heap_object_at(const struct heap_dump *dump, uint64_t granule) {
  const struct heap_block *block = block_at(dump, granule);
  if (!block) return HEAP_NONE;
  uint64_t offset = granule - block->granule;
  if (offset >> 32 || block->slot_granules >> 32) {
    if (offset != 0) return HEAP_NONE;
    return block_object(dump, block, 0);
  }
  uint32_t slot = (uint32_t)offset / (uint32_t)block->slot_granules;
  if (slot >= block->slots || slot * block->slot_granules != offset) return HEAP_NONE;
  return block_object(dump, block, slot);
}

uint32_t heap_object_with(const struct heap_dump *dump, uint64_t address) {
  if (address < dump->base) return HEAP_NONE;
  uint64_t granule = (address - dump->base) / HEAP_GRANULE_BYTES;
  const struct heap_block *block = block_at(dump, granule);
  if (!block) return HEAP_NONE;
  uint64_t slot = (granule - block->granule) / block->slot_granules;
  return slot < block->slots ? block_object(dump, block, slot) : HEAP_NONE;
}

const struct heap_block *heap_block_of(const struct heap_dump *dump, uint32_t object) {
  const struct heap_block *block = &dump->blocks[dump->near[object / HEAP_NEAR]];
  while (object - block->first >= block->count)
    block++;
  return block;
}

uint32_t heap_slot_of(const struct heap_dump *dump, const struct heap_block *block,
                      uint32_t object) {
  const struct heap_rank *ranks = &dump->ranks[block->ranks];
  uint32_t low = 0, high = block_words(block);
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (ranks[middle].first <= object)
      low = middle;
    else
      high = middle;
  }
  uint64_t bits = ranks[low].bits;
  for (uint32_t left = object - ranks[low].first; left > 0; left--)
    bits &= bits - 1;
  return low * 64 + (uint32_t)__builtin_ctzll(bits);
}

uint64_t heap_granule_of(const struct heap_dump *dump, uint32_t object) {
  const struct heap_block *block = heap_block_of(dump, object);
  return block->granule + heap_slot_of(dump, block, object) * block->slot_granules;
}

uint64_t heap_address_of(const struct heap_dump *dump, uint32_t object) {
  return dump->base + heap_granule_of(dump, object) * HEAP_GRANULE_BYTES;
}
