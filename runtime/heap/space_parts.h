/* space_parts.h: the common part of the files of the space: space.c takes, gives and releases
 * blocks, space_tables.c has the memory behind addresses, space_search.c finds free blocks,
 * space_prepare.c prepares some, space_grow.c makes large objects larger.  Everything here is
 * called with the space's lock held. */
#ifndef GAITI_HEAP_SPACE_PARTS_H
#define GAITI_HEAP_SPACE_PARTS_H

#include "heap/space.h"

/* One table's bits of one block. */
#define GAITI_SPACE_BITS_BYTES (GAITI_BLOCK_WORDS * sizeof(AO_t))
/* The side tables' bytes for one block that has been taken once. */
#define GAITI_SPACE_TABLE_BYTES                                                                    \
  (sizeof(struct gaiti_block_shape) + sizeof(struct gaiti_block_state) +                           \
   3 * GAITI_SPACE_BITS_BYTES + GAITI_BLOCK_WORDS)

/* Whole pages that hold so many bytes. */
static inline size_t gaiti_space_round(size_t bytes) {
  size_t page_bytes = gaiti_os_page_bytes();
  return (bytes + page_bytes - 1) & ~(page_bytes - 1);
}

/* ---- A bit a block ---- */

static inline bool gaiti_space_bit(const uint64_t *bits, uint32_t block) {
  return bits[block / 64] >> (block % 64) & 1;
}

static inline void gaiti_space_set_bit(uint64_t *bits, uint32_t block) {
  bits[block / 64] |= (uint64_t)1 << block % 64;
}

static inline void gaiti_space_clear_bit(uint64_t *bits, uint32_t block) {
  bits[block / 64] &= ~((uint64_t)1 << block % 64);
}

/* ---- space_tables.c ---- */

/* Gets memory and tables for every block below `need`, and for more ahead if the system gives that:
 * where it grants no more memory than there is, the heap may have the memory that is needed and no
 * more. */
bool gaiti_space_commit(struct gaiti_space *space, const struct gaiti_map *map, uint32_t need);

/* Gives back the pages of all tables that have blocks from `from` on alone, up to `to`. */
bool gaiti_space_release_tables(const struct gaiti_map *map, uint32_t from, uint32_t to);

/* ---- space_search.c ---- */

/* The first stretch of `count` free blocks; it may run past top.  A single one has memory, if there
 * is one that has, and is one of `own` if there is one nearby. */
uint32_t gaiti_space_find(struct gaiti_space *space, uint32_t count, uint64_t own);

/* ---- space.c ---- */

/* The mapped bytes that taking the stretch adds, of which `used` bytes are touched. */
uint64_t gaiti_space_growth(const struct gaiti_space *space, const struct gaiti_map *map,
                            uint32_t block, uint32_t count, size_t used);

/* Takes the blocks out of the bitmaps, and raises top over them.  *clean: they read as zero. */
void gaiti_space_claim(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                       uint32_t count, size_t used, bool *clean);

/* Gives back free memory outside [block, block + count) until `growth` more fits into `limit`. */
bool gaiti_space_make_room(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                           uint32_t count, uint64_t growth, uint64_t limit);

/* Pages of block number `index` of a stretch of which `used` bytes are touched. */
uint32_t gaiti_space_pages(size_t used, uint32_t index);

void gaiti_space_give_locked(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                             uint32_t count, bool clean);

void gaiti_space_add_mapped(struct gaiti_space *space, uint64_t bytes);

/* ---- space_prepare.c ---- */

/* A single block is being taken, `bare` of memory or not. */
void gaiti_space_probe_locked(struct gaiti_space *space, const struct gaiti_map *map,
                              uint32_t block, bool bare);

#endif
