/* The search for free blocks.
 *
 * First fit by address, and blocks that hold memory before those that do not: the heap stays dense
 * at its low end, and the high end empties and can be given back.  Two bitmaps and a hint each make
 * the search a matter of a few words.
 *
 * .space.turns  Not so in a small heap.  A processor's cache holds a part of it, and a walk through
 * it in one direction, again and again, comes to each block when that has just been driven out.  So
 * each sweep turns the direction: the blocks that were used last are taken first. */
#include "heap/space_parts.h"

/* How far a processor looks for a block of its own: 64 MiB. */
#define SPACE_NEARBY_WORDS 16u
/* A heap of so many blocks is small: 16 MiB. */
#define SPACE_TURNS_BLOCKS 256u

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
    if (first != GAITI_NO_BLOCK && word - first / 64 > SPACE_NEARBY_WORDS) break;
    if (found && first == GAITI_NO_BLOCK)
      space->dirty_hint = first = word * 64 + (uint32_t)__builtin_ctzll(found);
    if (found & own) return word * 64 + (uint32_t)__builtin_ctzll(found & own);
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

uint32_t gaiti_space_find(struct gaiti_space *space, uint32_t count, uint64_t own) {
  if (count == 1) return space_find_one(space, own);
  uint32_t run = 0;
  for (uint32_t block = space->hint; block < space->top; block++) {
    if (block % 64 == 0 && run == 0) {
      while (block < space->top && space->free[block / 64] == 0)
        block += 64;
      if (block >= space->top) break;
    }
    run = gaiti_space_bit(space->free, block) ? run + 1 : 0;
    if (run == count) return block + 1 - count;
  }
  return space->top - run;
}

void gaiti_space_turn(struct gaiti_space *space) {
  gaiti_lock(&space->lock);
  space->downwards = !space->downwards;
  gaiti_unlock(&space->lock);
}
