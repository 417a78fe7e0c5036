/* block.h: blocks, their descriptors, and the bits of their objects.
 *
 * The heap's address range is cut into blocks of 64 KiB.  A block holds equal slots of one kind and
 * one size class, or is part of a large object, or is free.  The descriptors of a block stand in
 * dense tables beside the heap, never inside it: headers at 64 KiB strides would share cache sets,
 * and an object would not start at a slot's boundary.
 *
 *   shape    the fields that marking reads to resolve a word: 16 bytes a block
 *   state    the fields that allocation and sweeping keep
 *   marks, allocated   a bit each for every granule of 16 bytes, in two tables: marking touches one
 *            of them at random, and the smaller that is the more of it stays in the cache
 *   aged     likewise: which objects the last cycle has found live (mark/young.c)
 *   cards    a byte for each word of marks: whether something was stored in that KiB
 *            (mark/young.c)
 *
 * .inv.bits  A bit is set only at the granule where a slot starts.  Marked implies allocated,
 *            except while marking in a slot that a cache has given back.  Outside marking no mark
 *            bit is set in a swept block, unless sweeping has kept them: then just those of old
 *            objects are.  After sweeping, allocated = found marked, or taken since.
 * .inv.shape  A marker reads `tag` with acquire; the release that pairs with it publishes the
 *            fields before it.  They change only when a free block is taken, and blocks become free
 *            only in sweeping, when nothing marks; but for the size of a large object, which may
 *            rise within its last block at any time (heap/space_grow.c).
 *
 * Litmus: allocated, awaited, publish, publish-aarch64, shape. */
#ifndef GAITI_HEAP_BLOCK_H
#define GAITI_HEAP_BLOCK_H

#include <stddef.h>

#include "base/atomic.h"
#include "base/attributes.h"
#include "heap/ref.h"

#define GAITI_BLOCK_SHIFT    16
#define GAITI_BLOCK_BYTES    ((size_t)1 << GAITI_BLOCK_SHIFT)
#define GAITI_GRANULE_SHIFT  4
#define GAITI_BLOCK_GRANULES (GAITI_BLOCK_BYTES >> GAITI_GRANULE_SHIFT)
#define GAITI_BLOCK_WORDS    (GAITI_BLOCK_GRANULES / 64)
#define GAITI_NO_BLOCK       UINT32_MAX

/* The fields that resolve a word.  slot index = (offset in block * reciprocal) >> 32, exact for
 * every offset below 2^16, with reciprocal = ceil(2^32 / slot bytes).
 *   reciprocal  of a large object: its granules, atomic; of a TAIL: the index of the first block
 *   tag         a reference to the object at its start, or TAIL; 0: the block is free; atomic */
struct gaiti_block_shape {
  uint32_t reciprocal;
  uint16_t slot_granules;
  uint16_t slots;
  AO_t tag;
};
_Static_assert(sizeof(struct gaiti_block_shape) == 16, "four shapes share a cache line");

/* The fields of a block that allocation and sweeping keep.
 *   swept     the heap's epoch in which the block was last swept (or taken); less by one: due.
 *             Written by the one thread that sweeps it.
 *   next      the next block in a list of partial ones, by index; guarded by that list's lock
 *   clean     slots that no run has covered since the block was taken are still zero; of a free
 *             block: all of it is, guarded by the space's lock
 *   resident  pages that may hold memory; guarded by the space's lock
 *   fresh     every object in it is new since the last sweep, and none was allocated black; atomic,
 *             since of the runs of a block each may be another cache's */
struct gaiti_block_state {
  AO_t swept;
  uint32_t next;
  uint8_t size_class;
  uint8_t clean;
  uint8_t resident;
  unsigned char fresh;
};
_Static_assert(sizeof(struct gaiti_block_state) == 16, "four states share a cache line");

/* Where the heap and its tables lie; constant for the heap's life. */
struct gaiti_map {
  uintptr_t base;
  size_t bytes;
  struct gaiti_block_shape *shapes;
  struct gaiti_block_state *states;
  AO_t *marks; /* a word has the bits of 64 granules: 1 KiB of heap */
  AO_t *allocated;
  AO_t *aged; /* only of a heap that has young cycles */
  unsigned char *cards;
};

/* ---- Addresses ---- */

static inline bool gaiti_map_covers(const struct gaiti_map *map, uintptr_t word) {
  return word - map->base < map->bytes;
}

static inline uint32_t gaiti_block_of(const struct gaiti_map *map, uintptr_t address) {
  return (uint32_t)((address - map->base) >> GAITI_BLOCK_SHIFT);
}

static inline char *gaiti_block_start(const struct gaiti_map *map, uint32_t block) {
  return (char *)map->base + ((size_t)block << GAITI_BLOCK_SHIFT);
}

/* The first word of a block in a table of bits. */
static inline size_t gaiti_block_word(uint32_t block) {
  return (size_t)block * GAITI_BLOCK_WORDS;
}

/* ---- References ---- */

static inline uintptr_t gaiti_ref_start(const struct gaiti_map *map, gaiti_ref ref) {
  return map->base + ((ref & GAITI_REF_GRANULES) << GAITI_GRANULE_SHIFT);
}

/* The granule of a block where it starts. */
static inline gaiti_ref gaiti_block_granule(uint32_t block) {
  return (gaiti_ref)block * GAITI_BLOCK_GRANULES;
}

/* The cards of a block, eight to a word. */
#define GAITI_BLOCK_CARD_WORDS (GAITI_BLOCK_WORDS / sizeof(AO_t))

static inline AO_t *gaiti_block_cards(const struct gaiti_map *map, uint32_t block) {
  return (AO_t *)(void *)(map->cards + gaiti_block_word(block));
}

static inline bool gaiti_ref_is_marked(const struct gaiti_map *map, gaiti_ref ref) {
  return AO_load(&map->marks[gaiti_ref_word(ref)]) & gaiti_ref_bit(ref);
}

/* Sets bits of the word of marks that has `ref`'s.  Returns those that were clear. */
static inline AO_t gaiti_marks_set(const struct gaiti_map *map, gaiti_ref ref, AO_t bits) {
  AO_t *word = &map->marks[gaiti_ref_word(ref)], old = AO_load(word);
  while (bits & ~old) {
    AO_t seen = AO_fetch_compare_and_swap(word, old, old | bits);
    if (seen == old) break;
    old = seen;
  }
  return bits & ~old;
}

/* Sets an object's mark bit.  True when it was clear. */
static inline bool gaiti_ref_mark(const struct gaiti_map *map, gaiti_ref ref) {
  return gaiti_marks_set(map, ref, gaiti_ref_bit(ref)) != 0;
}

/* Clears it again. */
static inline void gaiti_ref_unmark(const struct gaiti_map *map, gaiti_ref ref) {
  AO_and(&map->marks[gaiti_ref_word(ref)], ~gaiti_ref_bit(ref));
}

static inline bool gaiti_ref_is_allocated(const struct gaiti_map *map, gaiti_ref ref) {
  return AO_load_acquire(&map->allocated[gaiti_ref_word(ref)]) & gaiti_ref_bit(ref);
}

/* The bytes of the object's slot. */
size_t gaiti_ref_bytes(const struct gaiti_map *map, gaiti_ref ref);

/* The large object that `word` points into, by the tag of that word's block. */
gaiti_ref gaiti_map_find_large(const struct gaiti_map *map, uintptr_t word, gaiti_ref tag);

/* The slot that the word at `offset` from the heap's base points into, from the shape of its block
 * alone: allocation bits have not been asked.  False in a free block or past the last slot. */
GAITI_RACY_INLINE bool gaiti_shape_find(const struct gaiti_map *map,
                                        const struct gaiti_block_shape *shapes, uintptr_t offset,
                                        gaiti_ref *ref) {
  const struct gaiti_block_shape *shape = &shapes[offset >> GAITI_BLOCK_SHIFT];
  gaiti_ref tag = __atomic_load_n(&shape->tag, __ATOMIC_ACQUIRE);
  if (__builtin_expect(!(tag & GAITI_REF_SMALL), 0)) {
    *ref = gaiti_map_find_large(map, map->base + offset, tag);
    return *ref != 0;
  }
  uint64_t index = ((offset & (GAITI_BLOCK_BYTES - 1)) * shape->reciprocal) >> 32;
  *ref = tag + index * shape->slot_granules;
  return __builtin_expect(index < shape->slots, 1);
}

/* The same for any word; 0 for one outside the heap. */
GAITI_RACY_INLINE gaiti_ref gaiti_map_find(const struct gaiti_map *map, uintptr_t word) {
  uintptr_t offset = word - map->base;
  gaiti_ref ref;
  return offset < map->bytes && gaiti_shape_find(map, map->shapes, offset, &ref) ? ref : 0;
}

/* The allocated object that `word` points to or into, or 0. */
gaiti_ref gaiti_map_resolve(const struct gaiti_map *map, uintptr_t word);

/* Whether that is the start of an object of the kind of that number. */
static inline bool gaiti_map_has_kind(const struct gaiti_map *map, const void *object,
                                      uint16_t kind) {
  gaiti_ref ref = gaiti_map_resolve(map, (uintptr_t)object);
  return gaiti_ref_kind(ref) == kind && gaiti_ref_start(map, ref) == (uintptr_t)object;
}

/* ---- Bits of a range of slots ---- */

enum gaiti_bits_change {
  GAITI_BITS_ALLOCATE,       /* allocated := 1 */
  GAITI_BITS_ALLOCATE_BLACK, /* allocated := 1, mark := 1 */
  GAITI_BITS_BLACKEN,        /* mark := 1 */
  GAITI_BITS_FREE, /* mark := 0, then allocated := 0, upon which others may take the slot */
};

/* Changes the bits of every slot of [start, end), both at slot boundaries of one block. */
void gaiti_bits_change(const struct gaiti_map *map, uintptr_t start, uintptr_t end,
                       size_t slot_bytes, enum gaiti_bits_change change);

/* The first free slot of a block at or after slot `from`, and the one where that run of free slots
 * ends, at most `most` slots on; false when there is none. */
bool gaiti_bits_free_run(const struct gaiti_map *map, uint32_t block, uint32_t from, uint32_t most,
                         uint32_t *first, uint32_t *end);

/* ---- Life of a block ---- */

/* Makes a taken, free block one of equal slots; `tag` has their kind, `epoch` is the heap's. */
void gaiti_block_format(const struct gaiti_map *map, uint32_t block, gaiti_ref tag,
                        uint8_t size_class, AO_t epoch);

/* Makes a taken, free range of blocks one large object of `bytes` bytes, whole granules. */
void gaiti_block_format_large(const struct gaiti_map *map, uint32_t block, gaiti_ref tag,
                              size_t bytes, AO_t epoch);

/* Makes blocks free again; their bits are zero from here on. */
void gaiti_block_unformat(const struct gaiti_map *map, uint32_t block, uint32_t count);

GAITI_RACY_INLINE gaiti_ref gaiti_block_tag(const struct gaiti_map *map, uint32_t block) {
  return AO_load_acquire(&map->shapes[block].tag);
}

static inline bool gaiti_block_is_free(const struct gaiti_map *map, uint32_t block) {
  return gaiti_block_tag(map, block) == 0;
}

static inline uint16_t gaiti_block_kind(const struct gaiti_map *map, uint32_t block) {
  return gaiti_ref_kind(gaiti_block_tag(map, block));
}

static inline size_t gaiti_block_slot_bytes(const struct gaiti_map *map, uint32_t block) {
  return (size_t)map->shapes[block].slot_granules << GAITI_GRANULE_SHIFT;
}

/* Of the large object whose first block this is; it may grow. */
GAITI_RACY_INLINE size_t gaiti_block_large_bytes(const struct gaiti_map *map, uint32_t block) {
  return (size_t)AO_int_load_acquire(&map->shapes[block].reciprocal) << GAITI_GRANULE_SHIFT;
}

/* The blocks of a large object. */
static inline uint32_t gaiti_large_blocks(size_t bytes) {
  return (uint32_t)((bytes + GAITI_BLOCK_BYTES - 1) >> GAITI_BLOCK_SHIFT);
}

/* The slot size of a size class; the inverse of gait_size_class. */
static inline size_t gaiti_class_bytes(unsigned size_class) {
  if (size_class < 8) return (size_class + 1u) * 16u;
  unsigned log2 = size_class / 8u + 6u;
  return (size_t)(8u + size_class % 8u + 1u) << (log2 - 3u);
}

#endif
