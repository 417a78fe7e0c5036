/* block.h: blocks, their descriptors, and the bits of their objects.
 *
 * The heap's address range is cut into blocks of 64 KiB.  A block holds equal slots of one kind and
 * one size class, or is part of a large object, or is free.  All that is known of a block stands in
 * dense tables beside the heap, never inside it: headers at 64 KiB strides would share cache sets,
 * and an object would not start at a slot's boundary.
 *
 *   shape    what marking reads to resolve a word: 16 bytes a block
 *   state    what allocation and sweeping keep: who owns it, how far it is filled
 *   marks, allocated   a bit each for every granule of 16 bytes, in two tables: marking touches one
 *            of them at random, and the smaller that is the more of it stays in the cache
 *
 * .inv.bits  A bit is set only at the granule where a slot starts.  Outside marking no mark bit is
 *            set in a swept block.  While marking, marked implies allocated, except in a slot that
 *            a cache has given back.  After sweeping, allocated = found marked, or taken since.
 * .inv.shape A marker reads `form` with acquire; the release that pairs with it publishes the
 *            fields before it.  They change only when a free block is taken, and blocks become free
 *            only in sweeping, when nothing marks. */
#ifndef GAITI_HEAP_BLOCK_H
#define GAITI_HEAP_BLOCK_H

#include <stddef.h>

#include "base/atomic.h"
#include "base/attributes.h"

#define GAITI_BLOCK_SHIFT    16
#define GAITI_BLOCK_BYTES    ((size_t)1 << GAITI_BLOCK_SHIFT)
#define GAITI_BLOCK_PAGES    (GAITI_BLOCK_BYTES / 4096)
#define GAITI_GRANULE_SHIFT  4
#define GAITI_BLOCK_GRANULES (GAITI_BLOCK_BYTES >> GAITI_GRANULE_SHIFT)
#define GAITI_BLOCK_WORDS    (GAITI_BLOCK_GRANULES / 64)
#define GAITI_NO_BLOCK       UINT32_MAX

enum gaiti_block_form {
  GAITI_BLOCK_FREE = 0,
  GAITI_BLOCK_SLOTS, /* equal slots */
  GAITI_BLOCK_LARGE, /* the first block of a large object */
  GAITI_BLOCK_TAIL,  /* another block of one; `reciprocal` is the index of the first */
};

const char *gaiti_block_form_name(enum gaiti_block_form form);

/* What resolving a word needs.  slot index = (offset in block * reciprocal) >> 32, exact for every
 * offset below 2^16, with reciprocal = ceil(2^32 / slot_bytes). */
struct gaiti_block_shape {
  uint32_t reciprocal;
  uint32_t slot_bytes; /* of SLOTS; of LARGE: its size in granules, rounded up */
  uint16_t slots;      /* of SLOTS */
  uint16_t kind;
  unsigned form; /* enum gaiti_block_form, and from bit 8 on the size class; atomic */
};
_Static_assert(sizeof(struct gaiti_block_shape) == 16, "four shapes share a cache line");

/* What allocation and sweeping keep of a block.
 *   swept     the heap's epoch in which the block was last swept (or taken); less by one: due.
 *             Written by the one thread that sweeps it.
 *   next      the next block in a list of available ones, by index; guarded by that list's lock
 *   clean     slots that no run has covered since the block was taken are still zero
 *   resident  pages that may hold memory; guarded by the space's lock */
struct gaiti_block_state {
  AO_t swept;
  uint32_t next;
  uint8_t size_class;
  uint8_t clean;
  uint8_t resident;
  uint8_t unused;
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
};

/* An object: where it starts, what its slot holds, and its kind.  `size_class` of a large one: 0.
 */
struct gaiti_object {
  uintptr_t start;
  size_t bytes;
  uint16_t kind;
  uint8_t size_class;
  bool large;
};

#define GAITI_FORM_MASK        255u
#define GAITI_FORM_CLASS_SHIFT 8

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

/* The word of a table that has the bit of the granule at `address`. */
static inline size_t gaiti_word_of(const struct gaiti_map *map, uintptr_t address) {
  return (address - map->base) >> (GAITI_GRANULE_SHIFT + 6);
}

static inline AO_t gaiti_bit_of(uintptr_t address) {
  return (AO_t)1 << ((address >> GAITI_GRANULE_SHIFT) & 63);
}

/* The slot that `word` points into, from the shape alone: allocation bits have not been asked.
 * False for a word outside the heap, in a free block or past the last slot. */
GAITI_RACY_INLINE bool gaiti_map_slot(const struct gaiti_map *map, uintptr_t word,
                                      struct gaiti_object *object) {
  if (!gaiti_map_covers(map, word)) return false;
  uint32_t block = gaiti_block_of(map, word);
  const struct gaiti_block_shape *shape = &map->shapes[block];
  unsigned form = __atomic_load_n(&shape->form, __ATOMIC_ACQUIRE);
  if (__builtin_expect((form & GAITI_FORM_MASK) == GAITI_BLOCK_SLOTS, 1)) {
    uint64_t offset = word & (GAITI_BLOCK_BYTES - 1);
    uint64_t index = (offset * shape->reciprocal) >> 32;
    if (index >= shape->slots) return false;
    object->start = word - offset + index * shape->slot_bytes;
    object->bytes = shape->slot_bytes;
    object->kind = shape->kind;
    object->size_class = (uint8_t)(form >> GAITI_FORM_CLASS_SHIFT);
    object->large = false;
    return true;
  }
  if (form == GAITI_BLOCK_FREE) return false;
  if (form == GAITI_BLOCK_TAIL) {
    block = shape->reciprocal;
    shape = &map->shapes[block];
    if (__atomic_load_n(&shape->form, __ATOMIC_ACQUIRE) != GAITI_BLOCK_LARGE) return false;
  }
  object->start = (uintptr_t)gaiti_block_start(map, block);
  object->bytes = (size_t)shape->slot_bytes << GAITI_GRANULE_SHIFT;
  object->kind = shape->kind;
  object->size_class = 0;
  object->large = true;
  return word - object->start < object->bytes;
}

static inline bool gaiti_is_allocated(const struct gaiti_map *map, uintptr_t start) {
  return AO_load(&map->allocated[gaiti_word_of(map, start)]) & gaiti_bit_of(start);
}

static inline bool gaiti_is_marked(const struct gaiti_map *map, uintptr_t start) {
  return AO_load(&map->marks[gaiti_word_of(map, start)]) & gaiti_bit_of(start);
}

/* The allocated object that `word` points to or into. */
bool gaiti_map_resolve(const struct gaiti_map *map, uintptr_t word, struct gaiti_object *object);

/* ---- Bits of a range of slots ---- */

enum gaiti_bits_change {
  GAITI_BITS_ALLOCATE,       /* allocated := 1 */
  GAITI_BITS_ALLOCATE_BLACK, /* allocated := 1, mark := 1 */
  GAITI_BITS_BLACKEN,        /* mark := 1 */
  GAITI_BITS_FREE,           /* allocated := 0, mark := 0 */
};

/* Changes the bits of every slot of [start, end), both at slot boundaries of one block. */
void gaiti_bits_change(const struct gaiti_map *map, uintptr_t start, uintptr_t end,
                       size_t slot_bytes, enum gaiti_bits_change change);

/* The first free slot of a block at or after slot `from`, and the one where that run of free slots
 * ends, at most `most` slots on; false when there is none. */
bool gaiti_bits_free_run(const struct gaiti_map *map, uint32_t block, uint32_t from, uint32_t most,
                         uint32_t *first, uint32_t *end);

/* ---- Life of a block ---- */

/* Makes a taken, free block one of equal slots; `epoch` is the heap's. */
void gaiti_block_format(const struct gaiti_map *map, uint32_t block, uint16_t kind,
                        uint8_t size_class, AO_t epoch);

/* Makes a taken, free range of blocks one large object of `bytes` bytes, whole granules. */
void gaiti_block_format_large(const struct gaiti_map *map, uint32_t block, uint16_t kind,
                              size_t bytes, AO_t epoch);

/* Makes blocks free again; their bits are zero from here on. */
void gaiti_block_unformat(const struct gaiti_map *map, uint32_t block, uint32_t count);

/* The blocks of the large object whose first block this is. */
static inline uint32_t gaiti_large_blocks(size_t bytes) {
  return (uint32_t)((bytes + GAITI_BLOCK_BYTES - 1) >> GAITI_BLOCK_SHIFT);
}

static inline enum gaiti_block_form gaiti_block_form(const struct gaiti_map *map, uint32_t block) {
  return (enum gaiti_block_form)(AO_int_load_acquire(&map->shapes[block].form) & GAITI_FORM_MASK);
}

/* The slot size of a size class; the inverse of gait_size_class. */
static inline size_t gaiti_class_bytes(unsigned size_class) {
  if (size_class < 8) return (size_class + 1u) * 16u;
  unsigned log2 = size_class / 8u + 6u;
  return (size_t)(8u + size_class % 8u + 1u) << (log2 - 3u);
}

#endif
