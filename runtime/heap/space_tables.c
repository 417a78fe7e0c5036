/* The addresses of a heap and of its tables, and the memory behind them. */
#include "heap/space_parts.h"

#include "base/asan.h"
#include "gait/gait.h"

/* Memory behind addresses is asked for in steps of this many blocks: 4 MiB. */
#define SPACE_COMMIT_BLOCKS 64u
#define SPACE_LEAST_BYTES   ((size_t)1 << 20)
/* Of the addresses that the system would still give, so many parts are reserved at most: the
 * program needs some for itself. */
#define SPACE_OF_ADDRESSES 2

_Static_assert(GAITI_BLOCK_BYTES >= GAITI_OS_PAGE_BYTES_MAX, "a block is made of whole pages");

/* Lays out the tables one after the other from `start` on; the first has two bits for each block,
 * each in words of its own.  Returns their bytes. */
static size_t space_lay_out(struct gaiti_space *space, struct gaiti_map *map, uintptr_t start) {
  size_t blocks = space->blocks, bits_bytes = gaiti_space_round(blocks * GAITI_SPACE_BITS_BYTES);
  uintptr_t at = start;
  space->free = (uint64_t *)at, at += gaiti_space_round(blocks / 4 + 16);
  map->shapes = (struct gaiti_block_shape *)at,
  at += gaiti_space_round(blocks * sizeof *map->shapes);
  map->states = (struct gaiti_block_state *)at,
  at += gaiti_space_round(blocks * sizeof *map->states);
  map->marks = (AO_t *)at, at += bits_bytes;
  map->allocated = (AO_t *)at, at += bits_bytes;
  map->aged = (AO_t *)at, at += bits_bytes;
  map->cards = (unsigned char *)at, at += gaiti_space_round(blocks * GAITI_BLOCK_WORDS);
  return at - start;
}

static void space_unreserve(struct gaiti_space *space, struct gaiti_map *map) {
  uintptr_t tables = (uintptr_t)space->free;
  if (tables) gaiti_os_unreserve(space->free, space_lay_out(space, map, tables));
  if (map->base) gaiti_os_unreserve((void *)map->base, map->bytes);
}

/* The free blocks and the shapes are the tables that are there from the start. */
static bool space_reserve(struct gaiti_space *space, struct gaiti_map *map, size_t bytes) {
  size_t blocks = bytes >> GAITI_BLOCK_SHIFT;
  space->blocks = (uint32_t)blocks;
  map->bytes = bytes;
  map->base = (uintptr_t)gaiti_os_reserve(bytes, GAITI_BLOCK_BYTES);
  space_lay_out(space, map, (uintptr_t)gaiti_os_reserve(space_lay_out(space, map, 0), 0));
  if (map->base && space->free &&
      gaiti_os_commit(space->free, (uintptr_t)map->states - (uintptr_t)space->free))
    return true;
  space_unreserve(space, map);
  *map = (struct gaiti_map){0};
  space->free = NULL;
  return false;
}

/* The tables are less than a thirty-second of the heap. */
static size_t space_most(void) {
  size_t bytes = gaiti_os_addresses_left() / SPACE_OF_ADDRESSES;
  return bytes - bytes / 32;
}

bool gaiti_space_init(struct gaiti_space *space, struct gaiti_map *map, size_t bytes) {
  size_t most = space_most();
  bytes = (bytes < most ? bytes : most) & ~(GAITI_BLOCK_BYTES - 1);
  if (bytes < SPACE_LEAST_BYTES) return false;
  while (!space_reserve(space, map, bytes)) {
    bytes = bytes / 2 & ~(GAITI_BLOCK_BYTES - 1);
    if (bytes < SPACE_LEAST_BYTES) return false;
  }
  space->dirty = space->free + (space->blocks + 63) / 64;
  space->most_bytes = GAITI_NO_LIMIT;
  space->probe = GAITI_NO_BLOCK;
  if (gaiti_lock_init(&space->lock, GAITI_RANK_SPACE)) return true;
  space_unreserve(space, map);
  return false;
}

void gaiti_space_refuse_huge_pages(struct gaiti_space *space, const struct gaiti_map *map) {
  struct gaiti_map tables = *map;
  size_t bytes = space_lay_out(space, &tables, (uintptr_t)space->free);
  gaiti_os_refuse_huge_pages((void *)map->base, map->bytes);
  gaiti_os_refuse_huge_pages(space->free, bytes);
}

/* Others may get these addresses. */
void gaiti_space_destroy(struct gaiti_space *space, struct gaiti_map *map) {
  gaiti_asan_show((void *)map->base, (size_t)space->committed << GAITI_BLOCK_SHIFT);
  space_unreserve(space, map);
  gaiti_lock_destroy(&space->lock);
}

static bool space_commit_table(void *table, size_t entry_bytes, uint32_t from, uint32_t to) {
  uintptr_t start =
      ((uintptr_t)table + from * entry_bytes) & ~(uintptr_t)(gaiti_os_page_bytes() - 1);
  uintptr_t end = (uintptr_t)table + gaiti_space_round(to * entry_bytes);
  return gaiti_os_commit((void *)start, end - start);
}

/* The shapes are there from the start: any word may be resolved, and where no block was ever taken
 * they read as zero, which is a free one. */
static bool space_commit_to(struct gaiti_space *space, const struct gaiti_map *map, uint32_t to) {
  uint32_t from = space->committed;
  if (!gaiti_os_commit(gaiti_block_start(map, from), (size_t)(to - from) << GAITI_BLOCK_SHIFT) ||
      !space_commit_table(map->states, sizeof *map->states, from, to) ||
      !space_commit_table(map->marks, GAITI_SPACE_BITS_BYTES, from, to) ||
      !space_commit_table(map->allocated, GAITI_SPACE_BITS_BYTES, from, to) ||
      !space_commit_table(map->aged, GAITI_SPACE_BITS_BYTES, from, to) ||
      !space_commit_table(map->cards, GAITI_BLOCK_WORDS, from, to))
    return false;
  space->committed = to;
  return true;
}

bool gaiti_space_commit(struct gaiti_space *space, const struct gaiti_map *map, uint32_t need) {
  if (need <= space->committed) return true;
  uint32_t ahead = space->committed + space->committed / 8 + SPACE_COMMIT_BLOCKS;
  if (ahead < need) ahead = need;
  ahead = (ahead + SPACE_COMMIT_BLOCKS - 1) / SPACE_COMMIT_BLOCKS * SPACE_COMMIT_BLOCKS;
  if (ahead > space->blocks) ahead = space->blocks;
  return space_commit_to(space, map, ahead) || space_commit_to(space, map, need);
}

/* Releases the pages of a table that no block below `from` has a part of.  Those up from `to` have
 * no use for theirs. */
static bool space_release_table(void *table, size_t entry_bytes, uint32_t from, uint32_t to) {
  uintptr_t start = (uintptr_t)table + gaiti_space_round(from * entry_bytes);
  uintptr_t end = (uintptr_t)table + gaiti_space_round(to * entry_bytes);
  return start == end || gaiti_os_release((void *)start, end - start);
}

bool gaiti_space_release_tables(const struct gaiti_map *map, uint32_t from, uint32_t to) {
  return space_release_table(map->shapes, sizeof *map->shapes, from, to) &&
         space_release_table(map->states, sizeof *map->states, from, to) &&
         space_release_table(map->marks, GAITI_SPACE_BITS_BYTES, from, to) &&
         space_release_table(map->allocated, GAITI_SPACE_BITS_BYTES, from, to) &&
         space_release_table(map->aged, GAITI_SPACE_BITS_BYTES, from, to) &&
         space_release_table(map->cards, GAITI_BLOCK_WORDS, from, to);
}
