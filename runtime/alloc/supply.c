#include "alloc/supply.h"

#include <string.h>

#include "alloc/available.h"
#include "alloc/cache.h"
#include "base/asan.h"

/* Zeroing more than this takes so long that the collector should not wait for it. */
#define SUPPLY_ZERO_INSIDE_BYTES ((size_t)1 << 20)

/* Which of 64 neighbouring blocks the processor prefers: each has its own eighths of them, since
 * blocks that it has used before may still be in its caches, and blocks of another in that
 * one's. */
static uint64_t supply_own(const gait_heap *heap, const struct gaiti_proc *proc) {
  uint32_t count = (uint32_t)AO_load(&heap->procs->count), shares = count < 8 ? count : 8;
  uint64_t own = 0;
  for (uint32_t eighth = proc->number % shares; eighth < 8; eighth += shares)
    own |= (uint64_t)0xff << eighth * 8;
  return own;
}

/* Model: tests/model/start.pml. */
enum gaiti_take gaiti_supply_block(gait_heap *heap, const struct gaiti_proc *proc, uint16_t kind,
                                   unsigned size_class, uint64_t limit, uint32_t *block) {
  size_t slot_bytes = gaiti_class_bytes(size_class);
  size_t used = GAITI_BLOCK_BYTES / slot_bytes * slot_bytes;
  bool clean;
  enum gaiti_take take = gaiti_space_take(&heap->space, &heap->map, 1, used, limit,
                                          supply_own(heap, proc), block, &clean);
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

uint32_t gaiti_supply_available(gait_heap *heap, uint16_t kind, unsigned size_class) {
  for (;;) {
    uint32_t block = gaiti_available_take(heap, kind, size_class);
    if (block == GAITI_NO_BLOCK ||
        AO_load_acquire(&heap->map.states[block].swept) == AO_load_acquire(&heap->epoch))
      return block;
  }
}

static void supply_zero(gait_thread *thread, char *start, size_t bytes) {
  if (bytes <= SUPPLY_ZERO_INSIDE_BYTES) {
    memset(start, 0, bytes);
    return;
  }
  AO_t *zeroed = &thread->heap->space.zeroed_blocks;
  gaiti_counter_add(zeroed, gaiti_large_blocks(bytes));
  gaiti_thread_leave(thread, NULL);
  memset(start, 0, bytes);
  gaiti_thread_enter(thread);
  gaiti_counter_sub(zeroed, gaiti_large_blocks(bytes));
}

enum gaiti_take gaiti_supply_large(gait_thread *thread, uint16_t kind, size_t bytes, uint64_t limit,
                                   void **object) {
  gait_heap *heap = thread->heap;
  uint32_t block;
  bool clean;
  bytes = (bytes + GAIT_GRANULE_BYTES - 1) & ~(GAIT_GRANULE_BYTES - 1);
  enum gaiti_take take = gaiti_space_take(&heap->space, &heap->map, gaiti_large_blocks(bytes),
                                          bytes, limit, 0, &block, &clean);
  if (take != GAITI_TAKE_OK) return take;
  if (!clean && limit != GAITI_NO_LIMIT)
    gaiti_space_release_tail(&heap->space, &heap->map, block, gaiti_large_blocks(bytes), bytes);
  char *start = gaiti_block_start(&heap->map, block);
  gaiti_asan_show(start, bytes);
  if (!clean) supply_zero(thread, start, bytes);
  AO_t epoch = AO_load_acquire(&heap->epoch);
  gaiti_block_format_large(&heap->map, block, gaiti_kind_tag(&heap->kinds, kind), bytes, epoch);
  bool black = gaiti_thread_allocates_black(thread, epoch);
  gaiti_bits_change(&heap->map, (uintptr_t)start, (uintptr_t)start + GAIT_GRANULE_BYTES,
                    GAIT_GRANULE_BYTES, black ? GAITI_BITS_ALLOCATE_BLACK : GAITI_BITS_ALLOCATE);
  gaiti_proc_take(heap, thread->proc, kind, bytes, black);
  gaiti_proc_tell(heap, thread->proc);
  AO_store(&thread->proc->alloc_bytes, AO_load(&thread->proc->alloc_bytes) + bytes);
  AO_store(&thread->proc->alloc_objects, AO_load(&thread->proc->alloc_objects) + 1);
  *object = start;
  return GAITI_TAKE_OK;
}
