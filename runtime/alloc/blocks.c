/* Models: start. */
#include "alloc/blocks.h"

#include <string.h>

#include "alloc/partial.h"
#include "alloc/cache.h"
#include "base/asan.h"

/* Which of 64 neighbouring blocks the processor prefers: each has its own eighths of them, since
 * blocks that it has used before may still be in its caches, and blocks of another in that
 * one's. */
static uint64_t blocks_preferred(const gait_heap *heap, const struct gaiti_proc *proc) {
  uint32_t count = (uint32_t)AO_load(&heap->procs->count), shares = count < 8 ? count : 8;
  uint64_t own = 0;
  for (uint32_t eighth = proc->number % shares; eighth < 8; eighth += shares)
    own |= (uint64_t)0xff << eighth * 8;
  return own;
}

enum gaiti_take gaiti_blocks_fresh(gait_heap *heap, const struct gaiti_proc *proc, uint16_t kind,
                                   unsigned size_class, uint64_t limit, uint32_t *block) {
  size_t slot_bytes = gaiti_class_bytes(size_class);
  struct gaiti_space_request request = {.count = 1,
                                        .used = GAITI_BLOCK_BYTES / slot_bytes * slot_bytes,
                                        .limit = limit,
                                        .own = blocks_preferred(heap, proc)};
  bool clean;
  enum gaiti_take take = gaiti_space_take(&heap->space, &heap->map, &request, block, &clean);
  if (take != GAITI_TAKE_OK) return take;
  char *start = gaiti_block_start(&heap->map, *block);
  if (!clean && heap->options.debug.poison) {
    gaiti_asan_show(start, GAITI_BLOCK_BYTES);
    memset(start, GAITI_POISON_BYTE, GAITI_BLOCK_BYTES);
  }
  gaiti_asan_hide(start, GAITI_BLOCK_BYTES);
  heap->map.states[*block].clean = clean;
  gaiti_block_format(&heap->map, *block, gaiti_kind_tag(&heap->kinds, kind), (uint8_t)size_class,
                     AO_load_acquire(&heap->epoch));
  return GAITI_TAKE_OK;
}

uint32_t gaiti_blocks_partial(gait_heap *heap, uint16_t kind, unsigned size_class) {
  for (;;) {
    uint32_t block = gaiti_partial_take(heap, kind, size_class);
    if (block == GAITI_NO_BLOCK ||
        AO_load_acquire(&heap->map.states[block].swept) == AO_load_acquire(&heap->epoch))
      return block;
  }
}
