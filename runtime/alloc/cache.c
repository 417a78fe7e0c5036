/* Runs.
 *
 * A run is a stretch of neighbouring free slots of a block.  Taking one sets the allocation bits of
 * all its slots, and while marking their mark bits, so that from then on the mutator hands out
 * slots by moving a pointer and no one has to ask how far it came: to a conservative word an unused
 * slot of a run is an object without references.  It is zeroed when it is taken, for the same
 * reason and because the lines are then in the cache when the mutator writes them.
 *
 * .cache.parts  A mutator comes by a safepoint at the end of a run: after two microseconds where
 * objects have 16 bytes, but after thirty where it stores each of them and barriers are on.  A
 * thread that allocates, and runs a cycle, spins for the others all this time.  So in such a cycle
 * a run is handed out in parts, and at the end of each the mutator takes the slow path.  Where the
 * collector's own thread runs the cycle, no thread spins, and runs are whole.
 *
 * Changes of a block's bits.  The cache that owns the block allocates in it; a cache that gives
 * back the rest of a run frees bits in a block which it may no longer own, so every change is an
 * atomic one.  Giving back races with sweeping, which copies whole words: a cache whose block is
 * due for sweeping therefore leaves the rest of the run allocated and black.  It is then free one
 * cycle later.  So does a heap that poisons free slots: a marker may be looking at a slot to which
 * some word happened to point, and must go on seeing zeros.
 *
 * Models: start.  Litmus: counters, epoch, freed, swept. */
#include "alloc/cache.h"

#include <string.h>

#include "alloc/freed_slots.h"
#include "alloc/partial.h"
#include "base/asan.h"
#include "base/probes.h"

/* The bytes of a run that are handed out at a time, in a cycle that a thread which allocates
 * runs. */
#define CACHE_PART_BYTES ((size_t)(GAITI_STRESS ? 16 : 2048))

/* ---- Parts ---- */

/* Lets the mutator have the next part of the run: all that is left, unless a runner with a
 * deadline waits for it to come by (.cache.parts). */
static void cache_open_part(const gait_heap *heap, struct gaiti_row *row, unsigned size_class) {
  struct gait_cursor *cursor = &row->cursors[size_class];
  const struct gaiti_run *run = &row->runs[size_class];
  size_t slot_bytes = gaiti_class_bytes(size_class);
  size_t part =
      slot_bytes < CACHE_PART_BYTES ? CACHE_PART_BYTES / slot_bytes * slot_bytes : slot_bytes;
  bool whole = !AO_load(&heap->short_runs) || (size_t)(run->end - cursor->next) <= part;
  cursor->limit = whole ? run->end : cursor->next + part;
  if (run->sample && run->sample < cursor->limit) cursor->limit = run->sample;
}

void gaiti_cache_shorten(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind,
                         unsigned size_class) {
  struct gaiti_row *row = gaiti_row_of(proc, kind);
  if (row->runs[size_class].start) cache_open_part(heap, row, size_class);
}

/* ---- Samples ---- */

/* Sets where the next sample of the run's rest is. */
static void cache_aim(struct gaiti_proc *proc, const struct gait_cursor *cursor,
                      struct gaiti_run *run, size_t slot_bytes) {
  uint64_t offset;
  uint64_t bytes = (uint64_t)(run->end - cursor->next);
  bool found = gaiti_sampler_pass(&proc->sampler, bytes, slot_bytes, &offset);
  run->sample = found ? cursor->next + offset : NULL;
}

void gaiti_cache_aim_anew(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind,
                          unsigned size_class) {
  struct gaiti_row *row = gaiti_row_of(proc, kind);
  cache_aim(proc, &row->cursors[size_class], &row->runs[size_class], gaiti_class_bytes(size_class));
  cache_open_part(heap, row, size_class);
}

/* ---- Retiring ---- */

/* The run is shortened before the counters rise, and readers look at the counters first: at any
 * moment they see the bytes allocated or less. */
static void cache_count(struct gaiti_proc *proc, const struct gait_cursor *cursor,
                        struct gaiti_run *run, size_t slot_bytes) {
  uint64_t bytes = (uint64_t)(cursor->next - run->start);
  gaiti_pointer_store_release((AO_t *)&run->start, cursor->next);
  AO_store_release(&proc->alloc_bytes, AO_load(&proc->alloc_bytes) + bytes);
  AO_store_release(&proc->alloc_objects, AO_load(&proc->alloc_objects) + bytes / slot_bytes);
}

/* Frees the slots that the run has not handed out.  The block may be another cache's by now, which
 * takes them as soon as their allocation bits are clear; that comes last. */
static void cache_return_rest(gait_heap *heap, const struct gait_cursor *cursor,
                              const struct gaiti_run *run, uint16_t kind, size_t slot_bytes) {
  size_t bytes = (size_t)(run->end - cursor->next);
  if (bytes == 0) return;
  uint32_t block = gaiti_block_of(&heap->map, (uintptr_t)cursor->next);
  const struct gaiti_block_state *state = &heap->map.states[block];
  if (AO_load_acquire(&state->swept) != AO_load_acquire(&heap->epoch)) return;
  if (heap->options.debug.poison && !state->clean) return;
  gaiti_delay(heap);
  gaiti_bits_change(&heap->map, (uintptr_t)cursor->next, (uintptr_t)run->end, slot_bytes,
                    GAITI_BITS_FREE);
  gaiti_counter_sub(&heap->live_bytes, bytes);
  if (!gaiti_kind_is_leaf(&heap->kinds, kind)) gaiti_counter_sub(&heap->scannable_bytes, bytes);
}

void gaiti_cache_empty(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind,
                       unsigned size_class) {
  struct gaiti_row *row = gaiti_row_of(proc, kind);
  struct gait_cursor *cursor = &row->cursors[size_class];
  struct gaiti_run *run = &row->runs[size_class];
  size_t slot_bytes = gaiti_class_bytes(size_class);
  if (run->start) {
    cache_count(proc, cursor, run, slot_bytes);
    cache_return_rest(heap, cursor, run, kind, slot_bytes);
  }
  cursor->next = cursor->limit = run->start = run->end = run->sample = NULL;
  uint32_t block = run->block;
  run->block = GAITI_NO_BLOCK;
  if (block != GAITI_NO_BLOCK &&
      AO_load_acquire(&heap->map.states[block].swept) == AO_load_acquire(&heap->epoch))
    gaiti_partial_give(heap, block);
}

void gaiti_caches_empty(gait_heap *heap, struct gaiti_proc *proc) {
  gaiti_proc_flush_counts(heap, proc);
  gaiti_proc_each_cache(heap, proc, gaiti_cache_empty);
}

void gaiti_cache_disown(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind,
                        unsigned size_class) {
  (void)heap;
  struct gaiti_run *run = &gaiti_row_of(proc, kind)->runs[size_class];
  if (run->block != GAITI_NO_BLOCK &&
      AO_load_acquire(&heap->map.states[run->block].swept) != AO_load_acquire(&heap->epoch))
    run->block = GAITI_NO_BLOCK;
}

/* The block of a run that is black tells no more how many of the new objects survive. */
static void cache_note_black(const gait_heap *heap, const char *run) {
  uint32_t block = gaiti_block_of(&heap->map, (uintptr_t)run);
  AO_char_store(&heap->map.states[block].fresh, 0);
}

void gaiti_cache_blacken(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind,
                         unsigned size_class) {
  const struct gaiti_row *row = gaiti_row_of(proc, kind);
  const char *next = row->cursors[size_class].next, *end = row->runs[size_class].end;
  size_t bytes = (size_t)(end - next);
  if (bytes == 0 || MUTANT(MUTANT_NO_BLACK_ALLOCATION)) return;
  gaiti_bits_change(&heap->map, (uintptr_t)next, (uintptr_t)end, gaiti_class_bytes(size_class),
                    GAITI_BITS_BLACKEN);
  cache_note_black(heap, next);
  gaiti_counter_add(&heap->black_bytes, bytes);
}

/* The cursors are their thread's, which writes them plainly: each word is read whole, and a pair
 * that makes no sense is left out. */
GAITI_RACY void gaiti_proc_count_live_runs(const struct gaiti_proc *proc, uint64_t *bytes,
                                           uint64_t *objects) {
  for (uint32_t kind = 0; kind < proc->kinds; kind++) {
    const struct gaiti_row *row = (const struct gaiti_row *)(const void *)proc->rows[kind];
    for (unsigned i = 0; i < GAIT_SIZE_CLASSES; i++) {
      const char *next = *(char *const volatile *)&row->cursors[i].next;
      const char *start = *(char *const volatile *)&row->runs[i].start;
      if (!start || next < start || next - start > (ptrdiff_t)GAITI_BLOCK_BYTES) continue;
      *bytes += (uint64_t)(next - start);
      *objects += (uint64_t)(next - start) / gaiti_class_bytes(i);
    }
  }
}

GAITI_RACY uint64_t gaiti_proc_count_unused(const struct gaiti_proc *proc) {
  uint64_t unused = 0;
  for (uint32_t kind = 0; kind < proc->kinds; kind++) {
    const struct gaiti_row *row = (const struct gaiti_row *)(const void *)proc->rows[kind];
    for (unsigned i = 0; i < GAIT_SIZE_CLASSES; i++) {
      const char *next = *(char *const volatile *)&row->cursors[i].next;
      const char *end = *(char *const volatile *)&row->runs[i].end;
      if (!next || end < next || end - next > (ptrdiff_t)GAITI_BLOCK_BYTES) continue;
      unused += (uint64_t)(end - next);
    }
  }
  return unused;
}

/* ---- Taking ---- */

static void cache_check_poison(const char *slot, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    CHECK("cache.poison", (unsigned char)slot[i] == GAITI_POISON_BYTE,
          "a free slot was written to: an object was used after it became unreachable");
}

/* Makes the run's memory zero. */
static void cache_zero(gait_heap *heap, const struct gaiti_block_state *state, char *start,
                       size_t bytes) {
  gaiti_asan_show(start, bytes);
  if (state->clean) return;
  if (heap->options.debug.poison) cache_check_poison(start, bytes);
  memset(start, 0, bytes);
}

/* Makes the slots of [start, start + bytes) the cache's run: allocated by their bits, and marked
 * where the thread allocates black. */
static void cache_take(gait_thread *thread, uint16_t kind, unsigned size_class, char *start,
                       size_t bytes, AO_t epoch) {
  gait_heap *heap = thread->heap;
  struct gaiti_row *row = gaiti_row_of(thread->proc, kind);
  bool black = gaiti_thread_allocates_black(thread, epoch);
  gaiti_bits_change(&heap->map, (uintptr_t)start, (uintptr_t)start + bytes,
                    gaiti_class_bytes(size_class),
                    black ? GAITI_BITS_ALLOCATE_BLACK : GAITI_BITS_ALLOCATE);
  row->runs[size_class].start = start;
  row->runs[size_class].end = start + bytes;
  row->cursors[size_class].next = start;
  gaiti_cache_aim_anew(heap, thread->proc, kind, size_class);
  if (black) cache_note_black(heap, start);
  PROBE6(run_taken, heap, thread, kind, heap->kinds.table[kind].name, gaiti_class_bytes(size_class),
         bytes);
  gaiti_proc_take(heap, thread->proc, kind, bytes, black);
}

static bool cache_next_run(gait_thread *thread, uint16_t kind, unsigned size_class, size_t *bytes) {
  gait_heap *heap = thread->heap;
  struct gaiti_run *run = &gaiti_row_of(thread->proc, kind)->runs[size_class];
  size_t slot_bytes = gaiti_class_bytes(size_class);
  AO_t epoch = AO_load_acquire(&heap->epoch);
  gaiti_delay(heap);
  const struct gaiti_block_state *state = &heap->map.states[run->block];
  uint32_t most = (uint32_t)((size_t)heap->options.debug.run_bytes / slot_bytes), first, end;
  if (AO_load_acquire(&state->swept) != epoch ||
      !gaiti_bits_free_run(&heap->map, run->block, run->next_slot, most ? most : 1, &first, &end)) {
    run->block = GAITI_NO_BLOCK;
    return false;
  }
  run->next_slot = end;
  char *start = gaiti_block_start(&heap->map, run->block) + first * slot_bytes;
  *bytes = (end - first) * slot_bytes;
  cache_zero(heap, state, start, *bytes);
  cache_take(thread, kind, size_class, start, *bytes, epoch);
  return true;
}

bool gaiti_cache_continue(gait_thread *thread, uint16_t kind, unsigned size_class, size_t *bytes) {
  struct gaiti_row *row = gaiti_row_of(thread->proc, kind);
  struct gait_cursor *cursor = &row->cursors[size_class];
  struct gaiti_run *run = &row->runs[size_class];
  CHECK_SLOW("cache.refill", cursor->next == cursor->limit, "a run is replaced before its end");
  if (cursor->next != run->end) {
    cache_open_part(thread->heap, row, size_class);
    *bytes = 0;
    return true;
  }
  if (run->start) cache_count(thread->proc, cursor, run, gaiti_class_bytes(size_class));
  cursor->next = cursor->limit = run->start = run->end = run->sample = NULL;
  *bytes = 0;
  if (gaiti_freed_take(thread, kind, size_class)) return true;
  return run->block != GAITI_NO_BLOCK && cache_next_run(thread, kind, size_class, bytes);
}

bool gaiti_cache_open(gait_thread *thread, uint16_t kind, unsigned size_class, uint32_t block,
                      size_t *bytes) {
  struct gaiti_run *run = &gaiti_row_of(thread->proc, kind)->runs[size_class];
  run->block = block;
  run->next_slot = 0;
  return cache_next_run(thread, kind, size_class, bytes);
}
