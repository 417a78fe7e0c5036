#include "heap/ranges.h"

#include "os/os.h"

/* A range in one word: whole blocks from the base, less one, in the low bits, and the base's block
 * above; 0 is none, since no heap begins at address 0. */
#define RANGE_BYTES_BITS 28
_Static_assert(GAITI_BLOCK_SHIFT + RANGE_BYTES_BITS >= 44, "a heap has 16 TiB at most");
_Static_assert(GAITI_BLOCK_SHIFT + 64 - RANGE_BYTES_BITS >= 52, "addresses have 52 bits at most");

#define RANGES_COUNT 62

/* The first has room for the heaps of most programs; more are made as they are needed, and stay. */
struct ranges_chunk {
  AO_t ranges[RANGES_COUNT];
  AO_t used; /* places that ever were in use */
  gaiti_atomic_pointer next;
};

static struct ranges_chunk ranges_first;

static AO_t range_of(const struct gaiti_map *map) {
  return (AO_t)(map->base >> GAITI_BLOCK_SHIFT) << RANGE_BYTES_BITS |
         ((map->bytes >> GAITI_BLOCK_SHIFT) - 1);
}

static bool range_covers(AO_t range, uintptr_t address) {
  uintptr_t first = (uintptr_t)(range >> RANGE_BYTES_BITS);
  uintptr_t blocks = (range & (((AO_t)1 << RANGE_BYTES_BITS) - 1)) + 1;
  return range != 0 && (address >> GAITI_BLOCK_SHIFT) - first < blocks;
}

static struct ranges_chunk *ranges_next(const struct ranges_chunk *chunk) {
  return gaiti_pointer_load_acquire(&chunk->next);
}

/* The chunk after this one, made if need be; NULL: no memory. */
static struct ranges_chunk *ranges_next_made(struct ranges_chunk *chunk) {
  struct ranges_chunk *next = ranges_next(chunk);
  if (next) return next;
  struct ranges_chunk *made = gaiti_os_alloc(sizeof *made);
  if (made && AO_compare_and_swap_full(&chunk->next, 0, (AO_t)made)) return made;
  gaiti_os_free(made);
  return ranges_next(chunk);
}

bool gaiti_ranges_add(const struct gaiti_map *map) {
  for (struct ranges_chunk *chunk = &ranges_first; chunk; chunk = ranges_next_made(chunk)) {
    for (size_t i = 0; i < RANGES_COUNT; i++) {
      if (!AO_compare_and_swap_full(&chunk->ranges[i], 0, range_of(map))) continue;
      gaiti_counter_raise(&chunk->used, i + 1);
      return true;
    }
  }
  return false;
}

void gaiti_ranges_remove(const struct gaiti_map *map) {
  for (struct ranges_chunk *chunk = &ranges_first; chunk; chunk = ranges_next(chunk))
    for (size_t i = 0; i < RANGES_COUNT; i++)
      if (AO_compare_and_swap_full(&chunk->ranges[i], range_of(map), 0)) return;
}

bool gaiti_ranges_other_covers(const struct gaiti_map *map, uintptr_t address) {
  if (gaiti_map_covers(map, address)) return false;
  for (const struct ranges_chunk *chunk = &ranges_first; chunk; chunk = ranges_next(chunk)) {
    size_t used = AO_load(&chunk->used);
    for (size_t i = 0; i < used; i++)
      if (range_covers(AO_load(&chunk->ranges[i]), address)) return true;
  }
  return false;
}
