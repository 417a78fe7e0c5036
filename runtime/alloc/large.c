#include "alloc/large.h"

#include <string.h>

#include "base/asan.h"
#include "base/probes.h"

/* Zeroing more than this takes so long that the collector should not wait for it. */
#define LARGE_ZERO_INSIDE_BYTES ((size_t)1 << 20)

static void large_zero(gait_thread *thread, char *start, size_t bytes) {
  if (bytes <= LARGE_ZERO_INSIDE_BYTES) {
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

enum gaiti_take gaiti_large_take(gait_thread *thread, uint16_t kind, size_t bytes, uint64_t limit,
                                 void **object) {
  gait_heap *heap = thread->heap;
  uint32_t block;
  bool clean;
  bytes = gaiti_large_round(bytes);
  struct gaiti_space_request request = {
      .count = gaiti_large_blocks(bytes), .used = bytes, .limit = limit};
  enum gaiti_take take = gaiti_space_take(&heap->space, &heap->map, &request, &block, &clean);
  if (take != GAITI_TAKE_OK) return take;
  if (!clean && limit != GAITI_NO_LIMIT)
    gaiti_space_release_tail(&heap->space, &heap->map, block, request.count, bytes);
  char *start = gaiti_block_start(&heap->map, block);
  gaiti_asan_show(start, bytes);
  if (!clean) large_zero(thread, start, bytes);
  AO_t epoch = AO_load_acquire(&heap->epoch);
  gaiti_block_format_large(&heap->map, block, gaiti_kind_tag(&heap->kinds, kind), bytes, epoch);
  bool black = gaiti_thread_allocates_black(thread, epoch);
  gaiti_bits_change(&heap->map, (uintptr_t)start, (uintptr_t)start + GAIT_GRANULE_BYTES,
                    GAIT_GRANULE_BYTES, black ? GAITI_BITS_ALLOCATE_BLACK : GAITI_BITS_ALLOCATE);
  gaiti_proc_take(heap, thread->proc, kind, bytes, black);
  gaiti_proc_flush_counts(heap, thread->proc);
  AO_store(&thread->proc->alloc_bytes, AO_load(&thread->proc->alloc_bytes) + bytes);
  AO_store(&thread->proc->alloc_objects, AO_load(&thread->proc->alloc_objects) + 1);
  PROBE5(large_taken, heap, thread, kind, heap->kinds.table[kind].name, bytes);
  *object = start;
  return GAITI_TAKE_OK;
}
