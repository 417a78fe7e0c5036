/* Preparing.  The system clears a page when it is first used, one after the other, and a thread
 * that fills a large heap waits for that for a quarter of its time.  So where blocks without memory
 * are taken, the collector's thread gets memory for the next ones ahead of that.  It takes them as
 * if for allocation, so that no lock is held meanwhile, and gives them back clean.
 *
 * A program that does not write to its objects has pages that never get memory, and should not be
 * given it.  So one bare block in a hundred or so is a probe: when it has been filled, its pages
 * tell whether the program writes.  No block is prepared before the next probe has been taken. */
#include "base/check.h"
#include "heap/space_parts.h"

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

/* ---- Probes ---- */

void gaiti_space_probe_locked(struct gaiti_space *space, const struct gaiti_map *map,
                              uint32_t block, bool bare) {
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
         (first + count >= space->top || (gaiti_space_bit(space->free, first + count) &&
                                          !gaiti_space_bit(space->dirty, first + count))))
    count++;
  *block = first;
  return count > 0 && gaiti_space_commit(space, map, first + count) ? count : 0;
}

static void space_begin_prepare(struct gaiti_space *space, const struct gaiti_map *map,
                                uint64_t limit) {
  uint32_t block;
  bool clean;
  uint32_t count = space_find_bare(space, map, &block);
  size_t used = (size_t)count << GAITI_BLOCK_SHIFT;
  uint64_t growth = gaiti_space_growth(space, map, block, count, used);
  if (count == 0 || gaiti_space_mapped(space) + growth > limit) return;
  if (!gaiti_space_charge(space, growth)) return;
  gaiti_space_claim(space, map, block, count, used, &clean);
  gaiti_space_add_mapped(space, growth);
  space->prepared = block;
  space->preparing = count;
}

static void space_end_prepare(struct gaiti_space *space, const struct gaiti_map *map) {
  if (space->preparing == 0) return;
  gaiti_space_give_locked(space, map, space->prepared, space->preparing, true);
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
