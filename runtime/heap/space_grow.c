/* A large object that grows where it lies, within its last block.
 *
 * Marking goes on meanwhile, and asks for the size without a lock.  The bytes are zero before the
 * size rises, by a release that the marker's acquire pairs with: so it sees the object as it was,
 * or with zeros behind.
 *
 * .grow.black  A marker that has read the size before it rose does not trace the part behind, in
 * this cycle.  It need not: the new part is like one of a black object.  At first it has no
 * reference; each that is stored there later goes through the barrier, which shades it as long as
 * some thread has not been scanned, and from then on it is marked or grey without that
 * (.barrier.scanned).  In a young cycle the store notes its card, which is that of the new part.
 * Where the store comes before the cycle, so does the size, and the handshakes stand between the
 * two and each marker.
 *
 * Pieces of an object that are queued stand for stretches of it, and the last stretch goes on to
 * the size that its marker reads (mark/scan.c): it finds the new part, or leaves it out.
 *
 * Several threads may grow one object: the space's lock lets them in one by one, so that none makes
 * zero the bytes of another. */
#include <string.h>

#include "base/asan.h"
#include "base/check.h"
#include "heap/space_parts.h"

/* Pages for the stretch up to `used` bytes; the lock is held. */
static bool space_extend(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                         size_t used, uint64_t limit) {
  uint32_t count = gaiti_large_blocks(used), last = count - 1;
  uint64_t growth = gaiti_space_growth(space, map, block, count, used);
  if (growth > 0 && limit != GAITI_NO_LIMIT &&
      !gaiti_space_make_room(space, map, block, count, growth, limit))
    return false;
  if (!gaiti_space_charge(space, growth)) return false;
  uint32_t pages = gaiti_space_pages(used, last);
  struct gaiti_block_state *state = &map->states[block + last];
  if (pages > state->resident) state->resident = (uint8_t)pages;
  gaiti_space_add_mapped(space, growth);
  return true;
}

bool gaiti_space_grow_large(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                            size_t bytes, uint64_t limit, size_t *more) {
  bool grown = true;
  *more = 0;
  gaiti_lock(&space->lock);
  size_t before = gaiti_block_large_bytes(map, block);
  if (bytes > before) {
    grown = gaiti_large_blocks(bytes) == gaiti_large_blocks(before) &&
            space_extend(space, map, block, bytes, limit);
    if (grown) {
      char *end = gaiti_block_start(map, block) + before;
      *more = bytes - before;
      gaiti_asan_show(end, *more);
      if (!MUTANT(MUTANT_GROWN_NOT_ZEROED)) memset(end, 0, *more);
      AO_int_store_release(&map->shapes[block].reciprocal,
                           (uint32_t)(bytes >> GAITI_GRANULE_SHIFT));
    }
  }
  gaiti_unlock(&space->lock);
  return grown;
}
