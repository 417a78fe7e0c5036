/* Taking, giving and releasing blocks.
 *
 * Litmus: top. */
#include "heap/space.h"

#include "base/asan.h"
#include "base/check.h"
#include "base/probes.h"
#include "gait/gait.h"
#include "heap/heap.h"
#include "heap/space_parts.h"

/* A stretch that is released in one call while the lock is held: 1 MiB. */
#define SPACE_RELEASE_BLOCKS 16u
/* By so many blocks top falls at a time, while the lock is held: their tables are 400 KiB. */
#define SPACE_LOWER_BLOCKS (GAITI_STRESS ? 8u : 256u)
/* So many blocks have whole pages of bits. */
#define SPACE_PAGE_BLOCKS ((uint32_t)(gaiti_os_page_bytes() / GAITI_SPACE_BITS_BYTES))

/* The heap that has the space: an address alone, since some of the tests' spaces have none. */
#define SPACE_HEAP(space) ((const char *)(space)-offsetof(gait_heap, space))

/* ---- Mapped memory ---- */

void gaiti_space_add_mapped(struct gaiti_space *space, uint64_t bytes) {
  gaiti_counter_add(&space->mapped_bytes, bytes);
  gaiti_space_note_peak(space);
  PROBE3(memory_mapped, SPACE_HEAP(space), bytes, AO_load(&space->mapped_bytes));
}

static void space_sub_mapped(struct gaiti_space *space, uint64_t bytes) {
  gaiti_counter_sub(&space->mapped_bytes, bytes);
  gaiti_space_uncharge(space, bytes);
  gaiti_counter_add(&space->released_bytes, bytes);
  PROBE3(memory_released, SPACE_HEAP(space), bytes, AO_load(&space->mapped_bytes));
}

uint64_t gaiti_space_free_bytes(const struct gaiti_space *space) {
  return AO_load(&space->dirty_blocks) << GAITI_BLOCK_SHIFT;
}

/* ---- Taking ---- */

uint32_t gaiti_space_pages(size_t used, uint32_t index) {
  size_t begin = (size_t)index << GAITI_BLOCK_SHIFT;
  if (used <= begin) return 0;
  size_t pages = gaiti_space_round(used - begin) / gaiti_os_page_bytes();
  size_t most = GAITI_BLOCK_BYTES / gaiti_os_page_bytes();
  return (uint32_t)(pages < most ? pages : most);
}

/* The mapped bytes that taking the stretch adds. */
uint64_t gaiti_space_growth(const struct gaiti_space *space, const struct gaiti_map *map,
                            uint32_t block, uint32_t count, size_t used) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t pages = gaiti_space_pages(used, i);
    bool above = block + i >= space->top;
    uint32_t resident = above ? 0 : map->states[block + i].resident;
    if (pages > resident) bytes += (pages - resident) * gaiti_os_page_bytes();
    if (above) bytes += GAITI_SPACE_TABLE_BYTES;
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

/* Takes the blocks out of the bitmaps, and raises top over them.  The lock is held. */
void gaiti_space_claim(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                       uint32_t count, size_t used, bool *clean) {
  *clean = true;
  for (uint32_t i = block; i < block + count; i++) {
    if (i < space->top) {
      gaiti_space_clear_bit(space->free, i);
      AO_store(&space->free_blocks, AO_load(&space->free_blocks) - 1);
      if (gaiti_space_bit(space->dirty, i)) {
        gaiti_space_clear_bit(space->dirty, i);
        AO_store(&space->dirty_blocks, AO_load(&space->dirty_blocks) - 1);
        if (!map->states[i].clean) *clean = false;
      }
    }
    uint32_t pages = gaiti_space_pages(used, i - block);
    if (pages > map->states[i].resident) map->states[i].resident = (uint8_t)pages;
  }
  if (block + count > space->top) {
    uint32_t added = block + count - space->top;
    gaiti_counter_add(&space->table_bytes, added * GAITI_SPACE_TABLE_BYTES);
    space_touch_marks(map, space->top, block + count);
    space->top = block + count;
    AO_store_release(&space->top_shared, space->top);
  }
}

static size_t space_release_some(struct gaiti_space *space, const struct gaiti_map *map,
                                 uint32_t *below, uint32_t keep, uint32_t keep_count);

bool gaiti_space_make_room(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                           uint32_t count, uint64_t growth, uint64_t limit) {
  uint32_t below = space->top;
  while (gaiti_space_mapped(space) + growth > limit) {
    if (AO_load(&space->dirty_blocks) == 0) return false;
    if (space_release_some(space, map, &below, block, count) == 0) return false;
  }
  return true;
}

enum gaiti_take gaiti_space_take(struct gaiti_space *space, const struct gaiti_map *map,
                                 const struct gaiti_space_request *request, uint32_t *block,
                                 bool *clean) {
  enum gaiti_take result = GAITI_TAKE_FAILED;
  uint32_t count = request->count;
  gaiti_lock(&space->lock);
  uint32_t found = gaiti_space_find(space, count, request->own);
  if (count > space->blocks || found > space->blocks - count ||
      !gaiti_space_commit(space, map, found + count))
    goto unlock;
  uint64_t growth = gaiti_space_growth(space, map, found, count, request->used);
  result = GAITI_TAKE_LIMIT;
  if (growth > 0 && request->limit != GAITI_NO_LIMIT &&
      !gaiti_space_make_room(space, map, found, count, growth, request->limit))
    goto unlock;
  if (!gaiti_space_charge(space, growth)) goto unlock;
  gaiti_space_claim(space, map, found, count, request->used, clean);
  gaiti_space_add_mapped(space, growth);
  if (count == 1) gaiti_space_probe_locked(space, map, found, growth > 0);
  *block = found;
  result = GAITI_TAKE_OK;
unlock:
  gaiti_unlock(&space->lock);
  return result;
}

/* ---- Giving and releasing ---- */

void gaiti_space_give_locked(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                             uint32_t count, bool clean) {
  for (uint32_t i = block; i < block + count; i++) {
    CHECK_SLOW("space.give", !gaiti_space_bit(space->free, i), "a block is given back twice");
    gaiti_space_set_bit(space->free, i);
    map->states[i].clean = clean;
    if (i == space->probe) space->probe = GAITI_NO_BLOCK; /* before it could be told */
    if (map->states[i].resident == 0) continue;
    gaiti_space_set_bit(space->dirty, i);
    AO_store(&space->dirty_blocks, AO_load(&space->dirty_blocks) + 1);
  }
  AO_store(&space->free_blocks, AO_load(&space->free_blocks) + count);
  gaiti_asan_hide(gaiti_block_start(map, block), (size_t)count << GAITI_BLOCK_SHIFT);
  if (block < space->hint) space->hint = block;
  if (block < space->dirty_hint) space->dirty_hint = block;
}

void gaiti_space_give(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                      uint32_t count) {
  gaiti_lock(&space->lock);
  gaiti_space_give_locked(space, map, block, count, false);
  gaiti_unlock(&space->lock);
}

static bool space_releasable(const struct gaiti_space *space, uint32_t block, uint32_t keep,
                             uint32_t keep_count) {
  return gaiti_space_bit(space->free, block) && gaiti_space_bit(space->dirty, block) &&
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
    gaiti_space_clear_bit(space->dirty, i);
  }
  AO_store(&space->dirty_blocks, AO_load(&space->dirty_blocks) - (end - start));
  space_sub_mapped(space, bytes);
  return bytes;
}

void gaiti_space_release_tail(struct gaiti_space *space, const struct gaiti_map *map,
                              uint32_t block, uint32_t count, size_t used) {
  for (uint32_t i = 0; i < count; i++) {
    struct gaiti_block_state *state = &map->states[block + i];
    uint32_t pages = gaiti_space_pages(used, i);
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
  while (to > 0 && top - to < SPACE_LOWER_BLOCKS && gaiti_space_bit(space->free, to - 1) &&
         !gaiti_space_bit(space->dirty, to - 1))
    to--;
  to = (to + SPACE_PAGE_BLOCKS - 1) / SPACE_PAGE_BLOCKS * SPACE_PAGE_BLOCKS;
  if (to >= top || !gaiti_space_release_tables(map, to, top)) return 0;
  for (uint32_t i = to; i < top; i++)
    gaiti_space_clear_bit(space->free, i);
  AO_store(&space->free_blocks, AO_load(&space->free_blocks) - (top - to));
  if (space->hint > to) space->hint = to;
  if (space->dirty_hint > to) space->dirty_hint = to;
  space->top = to;
  AO_store_release(&space->top_shared, to);
  size_t bytes = (top - to) * GAITI_SPACE_TABLE_BYTES;
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

/* ---- Blocks that a fork has left without an owner ---- */

/* How many blocks, from this one on, were taken by a thread that is gone and that had yet to format
 * them, or to allocate the large object there.  Such an object's bit is set last, and its size is
 * known before its first block has a tag; others of its blocks may have none yet. */
static uint32_t space_orphans(const struct gaiti_space *space, const struct gaiti_map *map,
                              uint32_t block) {
  gaiti_ref tag = gaiti_block_tag(map, block);
  if (tag == 0) return gaiti_space_bit(space->free, block) ? 0 : 1;
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
    gaiti_space_give_locked(space, map, block, count, false);
  }
  space->preparing = 0;
  AO_store(&space->charged_bytes, gaiti_space_mapped(space)); /* some had yet to count theirs */
  AO_store(&space->zeroed_blocks, 0);
  gaiti_unlock(&space->lock);
}
