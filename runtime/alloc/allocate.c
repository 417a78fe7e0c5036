/* The slow path of allocation, for a run that is at its end.
 *
 * In this order, and nothing between the last two steps, so that the slot handed out is still this
 * thread's: do what the cycle under way wants of a thread that allocates (the hook `pay`); find
 * memory, waiting for a cycle if there is none; take a run; hand out its first slot.
 *
 * Where memory comes from: the block that the cache owns; a swept block with free slots; while
 * sweeping goes on, a few stretches swept here, since they may give one; a free block.  When the
 * memory limit forbids that, the thread waits (the hook `wait`).  When waiting at the hard limit
 * has made no room, or when the system gives nothing, a collection and then the embedder's handler
 * have their turn, and then NULL. */
#include "alloc/allocate.h"

#include "alloc/blocks.h"
#include "alloc/cache.h"
#include "alloc/large.h"
#include "alloc/sampling.h"

/* Stretches that an allocation sweeps before it takes a free block. */
#define ALLOCATE_SWEEP_STRETCHES 4

/* There is no memory: false when the allocation has to fail. */
static bool allocate_recover(gait_thread *thread, size_t bytes, struct gaiti_attempt *attempt) {
  const gait_options *options = &thread->heap->options;
  if (attempt->collected) thread->heap->hooks->full(thread);
  if (attempt->collected &&
      (!options->out_of_memory ||
       options->out_of_memory(thread->heap, bytes, options->out_of_memory_arg) == 0))
    return false;
  attempt->collected = true;
  thread->heap->hooks->collect(thread);
  return true;
}

/* One of the limits stands in the way: false when the allocation has to fail. */
static bool allocate_make_room(gait_thread *thread, size_t bytes, struct gaiti_attempt *attempt) {
  return thread->heap->hooks->wait(thread, bytes, attempt) ||
         allocate_recover(thread, bytes, attempt);
}

/* ---- Small objects ---- */

/* A swept block with free slots, swept here if need be. */
static uint32_t allocate_find_swept(gait_heap *heap, uint16_t kind, unsigned size_class) {
  uint32_t block = gaiti_blocks_partial(heap, kind, size_class);
  for (int i = 0; block == GAITI_NO_BLOCK && i < ALLOCATE_SWEEP_STRETCHES; i++) {
    if (!heap->hooks->sweep(heap)) break;
    block = gaiti_blocks_partial(heap, kind, size_class);
  }
  return block;
}

/* The next block for the cache: a swept one with free slots, or a fresh one. */
static enum gaiti_take allocate_next_block(gait_thread *thread, uint16_t kind, unsigned size_class,
                                           const struct gaiti_attempt *attempt, uint32_t *block) {
  gait_heap *heap = thread->heap;
  *block = allocate_find_swept(heap, kind, size_class);
  if (*block != GAITI_NO_BLOCK) return GAITI_TAKE_OK;
  enum gaiti_take take = gaiti_blocks_fresh(heap, thread->proc, kind, size_class,
                                            heap->hooks->limit(heap, attempt), block);
  if (gaiti_space_is_short(&heap->space)) heap->hooks->prepare(heap);
  return take;
}

/* Sees that the cache has a slot to hand out: of the run or the block that it has, or of its next
 * block.  A thread that waits may come back with another processor, whose cache has slots already.
 * False when the allocation has to fail. */
static bool allocate_fill(gait_thread *thread, uint16_t kind, unsigned size_class, size_t bytes,
                          size_t *run_bytes) {
  struct gaiti_attempt attempt = {0};
  for (bool has_room = true; has_room;) {
    const struct gaiti_row *row = gaiti_proc_row(thread->heap, thread->proc, kind);
    if (!row) {
      has_room = allocate_recover(thread, bytes, &attempt);
      continue;
    }
    const struct gait_cursor *cursor = &row->cursors[size_class];
    if (cursor->next != cursor->limit || gaiti_cache_continue(thread, kind, size_class, run_bytes))
      return true;
    uint32_t block;
    switch (allocate_next_block(thread, kind, size_class, &attempt, &block)) {
    case GAITI_TAKE_OK:
      if (gaiti_cache_open(thread, kind, size_class, block, run_bytes)) return true;
      break;
    case GAITI_TAKE_LIMIT: has_room = allocate_make_room(thread, bytes, &attempt); break;
    case GAITI_TAKE_FAILED: has_room = allocate_recover(thread, bytes, &attempt); break;
    }
  }
  return false;
}

/* Hands out the next slot of the cache.  Returns whether the profile takes a sample of it. */
static bool allocate_take_slot(gait_thread *thread, uint16_t kind, unsigned size_class,
                               void **object) {
  bool due = gaiti_cache_is_due(thread, kind, size_class);
  struct gait_cursor *cursor = &gaiti_row_of(thread->proc, kind)->cursors[size_class];
  *object = cursor->next;
  cursor->next += gaiti_class_bytes(size_class);
  if (due) gaiti_cache_aim_anew(thread->heap, thread->proc, kind, size_class);
  return due;
}

/* *due: the slot that was next before the thread paid is one that is sampled; so is the one that is
 * handed out in its place, if the thread has another cache by now. */
static void *allocate_small(gait_thread *thread, uint16_t kind, unsigned size_class, size_t bytes,
                            bool *due) {
  size_t run_bytes = 0;
  if (!allocate_fill(thread, kind, size_class, bytes, &run_bytes)) return NULL;
  void *object;
  if (allocate_take_slot(thread, kind, size_class, &object)) *due = true;
  thread->heap->hooks->account(thread, run_bytes);
  return object;
}

/* ---- Large objects ---- */

static void *allocate_large(gait_thread *thread, uint16_t kind, size_t bytes) {
  gait_heap *heap = thread->heap;
  struct gaiti_attempt attempt = {0};
  void *object = NULL;
  for (;;) {
    switch (gaiti_large_take(thread, kind, bytes, heap->hooks->limit(heap, &attempt), &object)) {
    case GAITI_TAKE_OK: thread->heap->hooks->account(thread, bytes); return object;
    case GAITI_TAKE_LIMIT:
      if (!allocate_make_room(thread, bytes, &attempt)) return NULL;
      break;
    case GAITI_TAKE_FAILED:
      if (!allocate_recover(thread, bytes, &attempt)) return NULL;
      break;
    }
  }
}

/* ---- Both ---- */

void *gaiti_allocate(gait_thread *thread, uint16_t kind, size_t bytes, const void *caller) {
  if (bytes == 0 || bytes > GAIT_MAX_OBJECT_BYTES) return NULL;
  bool large = bytes > GAIT_SMALL_BYTES;
  unsigned size_class = large ? 0 : gait_size_class(bytes);
  bool due = !large && gaiti_cache_is_due(thread, kind, size_class);
  thread->heap->hooks->pay(thread);
  if (large) {
    void *object = allocate_large(thread, kind, bytes);
    if (object) gaiti_sampling_note_large(thread, object, kind, gaiti_large_round(bytes), caller);
    return object;
  }
  void *object = allocate_small(thread, kind, size_class, bytes, &due);
  if (due && object)
    gaiti_sampling_note(thread, object, kind, gaiti_class_bytes(size_class), caller);
  return object;
}
