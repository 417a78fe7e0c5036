/* Taking, giving and releasing blocks.
 *
 * First fit by address, and blocks that hold memory before those that do not: the heap stays dense
 * at its low end, and the high end empties and can be given back.  Two bitmaps and a hint each make
 * the search a matter of a few words.
 *
 * .space.turns  Not so in a small heap.  A processor's cache holds a part of it, and a walk through
 * it in one direction, again and again, comes to each block when that has just been driven out.  So
 * each sweep turns the direction: the blocks that were used last are taken first.
 *
 * Preparing.  The system clears a page when it is first used, one after the other, and a thread
 * that fills a large heap waits for that for a quarter of its time.  So where blocks without memory
 * are taken, the collector's thread gets memory for the next ones ahead of that.  It takes them as
 * if for allocation, so that no lock is held meanwhile, and gives them back clean.
 *
 * A program that does not write to its objects has pages that never get memory, and should not be
 * given it.  So one bare block in a hundred or so is a probe: when it has been filled, its pages
 * tell whether the program writes.  No block is prepared before the next probe has been taken. */
#include "heap/space.h"

#include "base/asan.h"
#include "base/check.h"
#include "gait/gait.h"

/* Memory behind addresses is asked for in steps of this many blocks: 4 MiB. */
#define SPACE_COMMIT_BLOCKS 64u
/* A stretch that is released in one call while the lock is held: 1 MiB. */
#define SPACE_RELEASE_BLOCKS 16u
/* By so many blocks top falls at a time, while the lock is held: their tables are 400 KiB. */
#define SPACE_LOWER_BLOCKS (GAITI_STRESS ? 8u : 256u)
#define SPACE_LEAST_BYTES  ((size_t)1 << 20)
/* How far a processor looks for a block of its own: 64 MiB. */
#define SPACE_NEARBY_WORDS 16u
/* A heap of so many blocks is small: 16 MiB. */
#define SPACE_TURNS_BLOCKS 256u
/* From this size on blocks are prepared, so many at a time, when there are fewer than the first
 * number with memory, until there are as many as the second: 512 KiB and 1 MiB. */
#define SPACE_PREPARE_FROM   ((AO_t)(GAITI_STRESS ? 1 : 256 << 20))
#define SPACE_PREPARE_BLOCKS 4u
#define SPACE_PREPARE_LOW    8u
#define SPACE_PREPARE_HIGH   16u
/* A probe is looked at when so many more blocks have been taken.  One that was written to all over
 * counts one, any other takes three off, and from this score on blocks are prepared. */
#define SPACE_PROBE_AGE    (GAITI_STRESS ? 2u : 256u)
#define SPACE_WRITTEN      (GAITI_STRESS ? 1u : 3u)
#define SPACE_WRITTEN_MOST 8u
/* One table's bits of one block. */
#define SPACE_BITS_BYTES (GAITI_BLOCK_WORDS * sizeof(AO_t))
/* Of the addresses that the system would still give, so many parts are reserved at most: the
 * program needs some for itself. */
#define SPACE_OF_ADDRESSES 2

_Static_assert(GAITI_BLOCK_BYTES >= GAITI_OS_PAGE_BYTES_MAX, "a block is made of whole pages");

/* ---- Tables ---- */

static size_t space_round(size_t bytes) {
  size_t page_bytes = gaiti_os_page_bytes();
  return (bytes + page_bytes - 1) & ~(page_bytes - 1);
}

/* Lays out the tables one after the other from `start` on; the first has two bits for each block,
 * each in words of its own.  Returns their bytes. */
static size_t space_lay_out(struct gaiti_space *space, struct gaiti_map *map, uintptr_t start) {
  size_t blocks = space->blocks, bits_bytes = space_round(blocks * SPACE_BITS_BYTES);
  uintptr_t at = start;
  space->free = (uint64_t *)at, at += space_round(blocks / 4 + 16);
  map->shapes = (struct gaiti_block_shape *)at, at += space_round(blocks * sizeof *map->shapes);
  map->states = (struct gaiti_block_state *)at, at += space_round(blocks * sizeof *map->states);
  map->marks = (AO_t *)at, at += bits_bytes;
  map->allocated = (AO_t *)at, at += bits_bytes;
  map->aged = (AO_t *)at, at += bits_bytes;
  map->cards = (unsigned char *)at, at += space_round(blocks * GAITI_BLOCK_WORDS);
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
  uintptr_t end = (uintptr_t)table + space_round(to * entry_bytes);
  return gaiti_os_commit((void *)start, end - start);
}

/* The shapes are there from the start: any word may be resolved, and where no block was ever taken
 * they read as zero, which is a free one. */
static bool space_commit_to(struct gaiti_space *space, const struct gaiti_map *map, uint32_t to) {
  uint32_t from = space->committed;
  if (!gaiti_os_commit(gaiti_block_start(map, from), (size_t)(to - from) << GAITI_BLOCK_SHIFT) ||
      !space_commit_table(map->states, sizeof *map->states, from, to) ||
      !space_commit_table(map->marks, SPACE_BITS_BYTES, from, to) ||
      !space_commit_table(map->allocated, SPACE_BITS_BYTES, from, to) ||
      !space_commit_table(map->aged, SPACE_BITS_BYTES, from, to) ||
      !space_commit_table(map->cards, GAITI_BLOCK_WORDS, from, to))
    return false;
  space->committed = to;
  return true;
}

/* Gets memory and tables for every block below `need`, and for more ahead if the system gives that:
 * where it grants no more memory than there is, the heap may have the memory that is needed and no
 * more. */
static bool space_commit(struct gaiti_space *space, const struct gaiti_map *map, uint32_t need) {
  if (need <= space->committed) return true;
  uint32_t ahead = space->committed + space->committed / 8 + SPACE_COMMIT_BLOCKS;
  if (ahead < need) ahead = need;
  ahead = (ahead + SPACE_COMMIT_BLOCKS - 1) / SPACE_COMMIT_BLOCKS * SPACE_COMMIT_BLOCKS;
  if (ahead > space->blocks) ahead = space->blocks;
  return space_commit_to(space, map, ahead) || space_commit_to(space, map, need);
}

/* The side tables' bytes for one block that has been taken once. */
#define SPACE_TABLE_BYTES                                                                          \
  (sizeof(struct gaiti_block_shape) + sizeof(struct gaiti_block_state) + 3 * SPACE_BITS_BYTES +    \
   GAITI_BLOCK_WORDS)

/* So many blocks have whole pages of bits. */
#define SPACE_PAGE_BLOCKS ((uint32_t)(gaiti_os_page_bytes() / SPACE_BITS_BYTES))

/* Releases the pages of a table that no block below `from` has a part of.  Those up from `to` have
 * no use for theirs. */
static bool space_release_table(void *table, size_t entry_bytes, uint32_t from, uint32_t to) {
  uintptr_t start = (uintptr_t)table + space_round(from * entry_bytes);
  uintptr_t end = (uintptr_t)table + space_round(to * entry_bytes);
  return start == end || gaiti_os_release((void *)start, end - start);
}

static bool space_release_tables(const struct gaiti_map *map, uint32_t from, uint32_t to) {
  return space_release_table(map->shapes, sizeof *map->shapes, from, to) &&
         space_release_table(map->states, sizeof *map->states, from, to) &&
         space_release_table(map->marks, SPACE_BITS_BYTES, from, to) &&
         space_release_table(map->allocated, SPACE_BITS_BYTES, from, to) &&
         space_release_table(map->aged, SPACE_BITS_BYTES, from, to) &&
         space_release_table(map->cards, GAITI_BLOCK_WORDS, from, to);
}

/* ---- Mapped memory ---- */

static void space_add_mapped(struct gaiti_space *space, uint64_t bytes) {
  gaiti_counter_add(&space->mapped_bytes, bytes);
  gaiti_space_note_peak(space);
}

static void space_sub_mapped(struct gaiti_space *space, uint64_t bytes) {
  gaiti_counter_sub(&space->mapped_bytes, bytes);
  gaiti_space_uncharge(space, bytes);
  gaiti_counter_add(&space->released_bytes, bytes);
}

uint64_t gaiti_space_free_bytes(const struct gaiti_space *space) {
  return AO_load(&space->dirty_blocks) << GAITI_BLOCK_SHIFT;
}

/* ---- Bits ---- */

static bool space_bit(const uint64_t *bits, uint32_t block) {
  return bits[block / 64] >> (block % 64) & 1;
}

static void space_set(uint64_t *bits, uint32_t block) {
  bits[block / 64] |= (uint64_t)1 << block % 64;
}

static void space_clear(uint64_t *bits, uint32_t block) {
  bits[block / 64] &= ~((uint64_t)1 << block % 64);
}

/* Of the blocks that `found` has of a word, the first in the direction that it is the turn of. */
static uint32_t space_first_in_turn(const struct gaiti_space *space, uint32_t word,
                                    uint64_t found) {
  int bit = space->downwards ? 63 - __builtin_clzll(found) : __builtin_ctzll(found);
  return word * 64 + (uint32_t)bit;
}

/* The first free block with memory, one of `own` if there is any (.space.turns). */
static uint32_t space_find_in_turn(const struct gaiti_space *space, uint64_t own) {
  uint32_t words = (space->top + 63) / 64, other = GAITI_NO_BLOCK;
  for (uint32_t i = 0; i < words; i++) {
    uint32_t word = space->downwards ? words - 1 - i : i;
    uint64_t found = space->free[word] & space->dirty[word];
    if (found & own) return space_first_in_turn(space, word, found & own);
    if (found && other == GAITI_NO_BLOCK) other = space_first_in_turn(space, word, found);
  }
  return other;
}

/* The first free block with memory, or the first one of `own` that is not far from it;
 * GAITI_NO_BLOCK when there is none. */
static uint32_t space_find_dirty(struct gaiti_space *space, uint64_t own) {
  uint32_t first = GAITI_NO_BLOCK;
  if (AO_load(&space->dirty_blocks) == 0) return first;
  if (space->top <= SPACE_TURNS_BLOCKS) return space_find_in_turn(space, own);
  for (uint32_t word = space->dirty_hint / 64; word * 64 < space->top; word++) {
    uint64_t found = space->free[word] & space->dirty[word];
    if (found == 0) continue;
    if (first == GAITI_NO_BLOCK)
      space->dirty_hint = first = word * 64 + (uint32_t)__builtin_ctzll(found);
    if (found & own) return word * 64 + (uint32_t)__builtin_ctzll(found & own);
    if (word - first / 64 >= SPACE_NEARBY_WORDS) break;
  }
  return first;
}

/* The first free block below top that has memory, or that has none. */
static uint32_t space_find_one(struct gaiti_space *space, uint64_t own) {
  uint32_t dirty = space_find_dirty(space, own);
  if (dirty != GAITI_NO_BLOCK) return dirty;
  if (AO_load(&space->free_blocks) > 0) {
    for (uint32_t word = space->hint / 64; word * 64 < space->top; word++) {
      uint64_t found = space->free[word];
      if (found) return space->hint = word * 64 + (uint32_t)__builtin_ctzll(found);
    }
  }
  return space->top;
}

/* The first stretch of `count` free blocks; it may run past top. */
static uint32_t space_find(struct gaiti_space *space, uint32_t count, uint64_t own) {
  if (count == 1) return space_find_one(space, own);
  uint32_t run = 0;
  for (uint32_t block = space->hint; block < space->top; block++) {
    if (block % 64 == 0 && run == 0) {
      while (block < space->top && space->free[block / 64] == 0)
        block += 64;
      if (block >= space->top) break;
    }
    run = space_bit(space->free, block) ? run + 1 : 0;
    if (run == count) return block + 1 - count;
  }
  return space->top - run;
}

/* ---- Taking ---- */

/* Pages of block number `index` of a stretch of which `used` bytes are touched. */
static uint32_t space_pages(size_t used, uint32_t index) {
  size_t begin = (size_t)index << GAITI_BLOCK_SHIFT;
  if (used <= begin) return 0;
  size_t pages = space_round(used - begin) / gaiti_os_page_bytes();
  size_t most = GAITI_BLOCK_BYTES / gaiti_os_page_bytes();
  return (uint32_t)(pages < most ? pages : most);
}

/* The mapped bytes that taking the stretch adds. */
static uint64_t space_growth(const struct gaiti_space *space, const struct gaiti_map *map,
                             uint32_t block, uint32_t count, size_t used) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t pages = space_pages(used, i);
    bool above = block + i >= space->top;
    uint32_t resident = above ? 0 : map->states[block + i].resident;
    if (pages > resident) bytes += (pages - resident) * gaiti_os_page_bytes();
    if (above) bytes += SPACE_TABLE_BYTES;
  }
  return bytes;
}

/* Writes to each page of the marks that blocks above top are the first to use: else the first mark
 * there would wait for the page, and threads may have to wait for marking. */
static void space_touch_marks(const struct gaiti_map *map, uint32_t block, uint32_t end) {
  for (uint32_t i = block; i < end; i++)
    if (gaiti_block_word(i) * sizeof(AO_t) % gaiti_os_page_bytes() == 0)
      AO_store(&map->marks[gaiti_block_word(i)], 0);
}

/* A single block is being taken. */
static void space_probe(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                        bool bare) {
  if (space->probe == GAITI_NO_BLOCK) {
    if (bare) space->probe = block;
    space->probe_age = 0;
    return;
  }
  if (++space->probe_age < SPACE_PROBE_AGE) return;
  char *start = gaiti_block_start(map, space->probe);
  size_t pages = map->states[space->probe].resident;
  AO_t score = AO_load(&space->written);
  if (gaiti_os_resident_pages(start, pages) == pages)
    score += score < SPACE_WRITTEN_MOST;
  else
    score -= score < 3 ? score : 3;
  AO_store(&space->written, score);
  space->probe = GAITI_NO_BLOCK;
}

/* Takes the blocks out of the bitmaps, and raises top over them.  The lock is held.
 * Litmus: tests/litmus/top.litmus. */
static void space_claim(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                        uint32_t count, size_t used, bool *clean) {
  *clean = true;
  for (uint32_t i = block; i < block + count; i++) {
    if (i < space->top) {
      space_clear(space->free, i);
      AO_store(&space->free_blocks, AO_load(&space->free_blocks) - 1);
      if (space_bit(space->dirty, i)) {
        space_clear(space->dirty, i);
        AO_store(&space->dirty_blocks, AO_load(&space->dirty_blocks) - 1);
        if (!map->states[i].clean) *clean = false;
      }
    }
    uint32_t pages = space_pages(used, i - block);
    if (pages > map->states[i].resident) map->states[i].resident = (uint8_t)pages;
  }
  if (block + count > space->top) {
    uint32_t added = block + count - space->top;
    gaiti_counter_add(&space->table_bytes, added * SPACE_TABLE_BYTES);
    space_touch_marks(map, space->top, block + count);
    space->top = block + count;
    AO_store_release(&space->top_shared, space->top);
  }
}

static size_t space_release_some(struct gaiti_space *space, const struct gaiti_map *map,
                                 uint32_t *below, uint32_t keep, uint32_t keep_count);

/* Gives back free memory outside [block, block + count) until `growth` more fits into `limit`. */
static bool space_make_room(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                            uint32_t count, uint64_t growth, uint64_t limit) {
  uint32_t below = space->top;
  while (gaiti_space_mapped(space) + growth > limit) {
    if (AO_load(&space->dirty_blocks) == 0) return false;
    if (space_release_some(space, map, &below, block, count) == 0) return false;
  }
  return true;
}

enum gaiti_take gaiti_space_take(struct gaiti_space *space, const struct gaiti_map *map,
                                 uint32_t count, size_t used, uint64_t limit, uint64_t own,
                                 uint32_t *block, bool *clean) {
  enum gaiti_take result = GAITI_TAKE_FAILED;
  gaiti_lock(&space->lock);
  uint32_t found = space_find(space, count, own);
  if (count > space->blocks || found > space->blocks - count ||
      !space_commit(space, map, found + count))
    goto unlock;
  uint64_t growth = space_growth(space, map, found, count, used);
  result = GAITI_TAKE_LIMIT;
  if (growth > 0 && limit != GAITI_NO_LIMIT &&
      !space_make_room(space, map, found, count, growth, limit))
    goto unlock;
  if (!gaiti_space_charge(space, growth)) goto unlock;
  space_claim(space, map, found, count, used, clean);
  space_add_mapped(space, growth);
  if (count == 1) space_probe(space, map, found, growth > 0);
  *block = found;
  result = GAITI_TAKE_OK;
unlock:
  gaiti_unlock(&space->lock);
  return result;
}

/* ---- Giving and releasing ---- */

static void space_give_locked(struct gaiti_space *space, const struct gaiti_map *map,
                              uint32_t block, uint32_t count, bool clean) {
  for (uint32_t i = block; i < block + count; i++) {
    CHECK_SLOW("space.give", !space_bit(space->free, i), "a block is given back twice");
    space_set(space->free, i);
    map->states[i].clean = clean;
    if (i == space->probe) space->probe = GAITI_NO_BLOCK; /* before anybody could tell */
    if (map->states[i].resident == 0) continue;
    space_set(space->dirty, i);
    AO_store(&space->dirty_blocks, AO_load(&space->dirty_blocks) + 1);
  }
  AO_store(&space->free_blocks, AO_load(&space->free_blocks) + count);
  gaiti_asan_hide(gaiti_block_start(map, block), (size_t)count << GAITI_BLOCK_SHIFT);
  if (block < space->hint) space->hint = block;
  if (block < space->dirty_hint) space->dirty_hint = block;
}

void gaiti_space_turn(struct gaiti_space *space) {
  gaiti_lock(&space->lock);
  space->downwards = !space->downwards;
  gaiti_unlock(&space->lock);
}

void gaiti_space_give(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                      uint32_t count) {
  gaiti_lock(&space->lock);
  space_give_locked(space, map, block, count, false);
  gaiti_unlock(&space->lock);
}

static bool space_releasable(const struct gaiti_space *space, uint32_t block, uint32_t keep,
                             uint32_t keep_count) {
  return space_bit(space->free, block) && space_bit(space->dirty, block) &&
         (block < keep || block - keep >= keep_count);
}

/* Releases the highest stretch of free memory below *below, sparing `keep_count` blocks from
 * `keep`, and lowers *below to its start.  The lock is held. */
static size_t space_release_some(struct gaiti_space *space, const struct gaiti_map *map,
                                 uint32_t *below, uint32_t keep, uint32_t keep_count) {
  uint32_t end = *below;
  while (end > 0 && !space_releasable(space, end - 1, keep, keep_count))
    end -= end % 64 == 0 && !(space->free[end / 64 - 1] & space->dirty[end / 64 - 1]) ? 64 : 1;
  uint32_t start = end;
  while (start > 0 && end - start < SPACE_RELEASE_BLOCKS &&
         space_releasable(space, start - 1, keep, keep_count))
    start--;
  *below = start;
  if (start == end) return 0;
  if (!gaiti_os_release(gaiti_block_start(map, start), (size_t)(end - start) << GAITI_BLOCK_SHIFT))
    return 0;
  size_t bytes = 0;
  for (uint32_t i = start; i < end; i++) {
    bytes += map->states[i].resident * gaiti_os_page_bytes();
    map->states[i].resident = 0;
    space_clear(space->dirty, i);
  }
  AO_store(&space->dirty_blocks, AO_load(&space->dirty_blocks) - (end - start));
  space_sub_mapped(space, bytes);
  return bytes;
}

void gaiti_space_release_tail(struct gaiti_space *space, const struct gaiti_map *map,
                              uint32_t block, uint32_t count, size_t used) {
  for (uint32_t i = 0; i < count; i++) {
    struct gaiti_block_state *state = &map->states[block + i];
    uint32_t pages = space_pages(used, i);
    if (state->resident <= pages) continue;
    size_t page_bytes = gaiti_os_page_bytes(), bytes = (state->resident - pages) * page_bytes;
    if (!gaiti_os_release(gaiti_block_start(map, block + i) + pages * page_bytes, bytes)) continue;
    state->resident = (uint8_t)pages;
    space_sub_mapped(space, bytes);
  }
}

/* Lowers top past free blocks without memory, and returns the bytes of their tables.  The lock is
 * held.
 *
 * Others walk through the tables without the lock, to a top that they have read before: a marker
 * that looks for objects that fell out of its queue, the sweep, a young cycle that looks at cards.
 * They skip free blocks, and write to no word that is zero; and no thread has a block in hand that
 * is free: it becomes so in sweeping alone, when nothing marks and every cache has given it up.  A
 * word that is being resolved finds the tag of a free block, 0, before and after.  Bytes that a
 * thread has written to cards and ages of a block before it was freed go with the page, or stay
 * until the block is taken again, as in a free block below top. */
static size_t space_lower(struct gaiti_space *space, const struct gaiti_map *map) {
  uint32_t top = space->top, to = top;
  while (to > 0 && top - to < SPACE_LOWER_BLOCKS && space_bit(space->free, to - 1) &&
         !space_bit(space->dirty, to - 1))
    to--;
  to = (to + SPACE_PAGE_BLOCKS - 1) / SPACE_PAGE_BLOCKS * SPACE_PAGE_BLOCKS;
  if (to >= top || !space_release_tables(map, to, top)) return 0;
  for (uint32_t i = to; i < top; i++)
    space_clear(space->free, i);
  AO_store(&space->free_blocks, AO_load(&space->free_blocks) - (top - to));
  if (space->hint > to) space->hint = to;
  if (space->dirty_hint > to) space->dirty_hint = to;
  space->top = to;
  AO_store_release(&space->top_shared, to);
  size_t bytes = (top - to) * SPACE_TABLE_BYTES;
  gaiti_counter_sub(&space->table_bytes, bytes);
  space_sub_mapped(space, bytes);
  return bytes;
}

size_t gaiti_space_release(struct gaiti_space *space, const struct gaiti_map *map, size_t bytes) {
  size_t released = 0, step;
  uint32_t below = UINT32_MAX;
  do {
    gaiti_lock(&space->lock);
    if (below > space->top) below = space->top;
    step = released < bytes ? space_release_some(space, map, &below, 0, 0) : 0;
    step += space_lower(space, map);
    gaiti_unlock(&space->lock);
    released += step;
  } while (step > 0);
  return released;
}

/* ---- Preparing ---- */

bool gaiti_space_is_short(const struct gaiti_space *space) {
  return AO_load(&space->dirty_blocks) < SPACE_PREPARE_LOW &&
         AO_load(&space->written) >= SPACE_WRITTEN &&
         gaiti_space_mapped(space) >= SPACE_PREPARE_FROM;
}

/* The first stretch of free blocks without memory, SPACE_PREPARE_BLOCKS at most; returns its
 * blocks, 0 when there are no addresses. */
static uint32_t space_find_bare(struct gaiti_space *space, const struct gaiti_map *map,
                                uint32_t *block) {
  uint32_t first = space->top, count = 0;
  for (uint32_t word = space->hint / 64; word * 64 < space->top; word++) {
    uint64_t found = space->free[word] & ~space->dirty[word];
    if (found) {
      first = word * 64 + (uint32_t)__builtin_ctzll(found);
      break;
    }
  }
  while (count < SPACE_PREPARE_BLOCKS && first + count < space->blocks &&
         (first + count >= space->top ||
          (space_bit(space->free, first + count) && !space_bit(space->dirty, first + count))))
    count++;
  *block = first;
  return count > 0 && space_commit(space, map, first + count) ? count : 0;
}

static void space_begin_prepare(struct gaiti_space *space, const struct gaiti_map *map,
                                uint64_t limit) {
  uint32_t block;
  bool clean;
  uint32_t count = space_find_bare(space, map, &block);
  size_t used = (size_t)count << GAITI_BLOCK_SHIFT;
  uint64_t growth = space_growth(space, map, block, count, used);
  if (count == 0 || gaiti_space_mapped(space) + growth > limit) return;
  if (!gaiti_space_charge(space, growth)) return;
  space_claim(space, map, block, count, used, &clean);
  space_add_mapped(space, growth);
  space->prepared = block;
  space->preparing = count;
}

static void space_end_prepare(struct gaiti_space *space, const struct gaiti_map *map) {
  if (space->preparing == 0) return;
  space_give_locked(space, map, space->prepared, space->preparing, true);
  space->preparing = 0;
}

bool gaiti_space_prepare(struct gaiti_space *space, const struct gaiti_map *map, uint64_t limit) {
  if (AO_load(&space->dirty_blocks) >= SPACE_PREPARE_HIGH ||
      AO_load(&space->written) < SPACE_WRITTEN || gaiti_space_mapped(space) < SPACE_PREPARE_FROM)
    return false;
  gaiti_lock(&space->lock);
  if (space->probe != GAITI_NO_BLOCK) space_begin_prepare(space, map, limit);
  uint32_t block = space->prepared, count = space->preparing;
  gaiti_unlock(&space->lock);
  if (count == 0) return false;
  gaiti_os_populate(gaiti_block_start(map, block), (size_t)count << GAITI_BLOCK_SHIFT);
  gaiti_lock(&space->lock);
  space_end_prepare(space, map);
  gaiti_unlock(&space->lock);
  return true;
}

/* ---- Blocks that a fork has left without an owner ---- */

/* How many blocks, from this one on, were taken by a thread that is gone and that had yet to format
 * them, or to allocate the large object there.  Such an object's bit is set last, and its size is
 * known before its first block has a tag; others of its blocks may have none yet. */
static uint32_t space_orphans(const struct gaiti_space *space, const struct gaiti_map *map,
                              uint32_t block) {
  gaiti_ref tag = gaiti_block_tag(map, block);
  if (tag == 0) return space_bit(space->free, block) ? 0 : 1;
  if (!(tag & GAITI_REF_LARGE) || gaiti_ref_is_allocated(map, tag)) return 0;
  return gaiti_large_blocks(gaiti_block_large_bytes(map, block));
}

void gaiti_space_recover(struct gaiti_space *space, const struct gaiti_map *map) {
  gaiti_lock(&space->lock);
  for (uint32_t block = 0, count; block < space->top; block += count ? count : 1) {
    count = space_orphans(space, map, block);
    if (count == 0) continue;
    uintptr_t start = (uintptr_t)gaiti_block_start(map, block);
    gaiti_bits_change(map, start, start + GAIT_GRANULE_BYTES, GAIT_GRANULE_BYTES, GAITI_BITS_FREE);
    gaiti_block_unformat(map, block, count);
    space_give_locked(space, map, block, count, false);
  }
  space->preparing = 0;
  AO_store(&space->charged_bytes, gaiti_space_mapped(space)); /* some had yet to count theirs */
  AO_store(&space->zeroed_blocks, 0);
  gaiti_unlock(&space->lock);
}
