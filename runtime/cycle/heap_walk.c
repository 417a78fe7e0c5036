#include "cycle/heap_walk.h"

#include "alloc/cache.h"
#include "base/check.h"
#include "cycle/cycle.h"
#include "cycle/stop.h"
#include "mark/ephemerons.h"
#include "mark/marking.h"
#include "weak/finalizers.h"
#include "weak/weak_heap.h"

/* ---- Bits: .inv.bits ---- */

/* Every bit of the block stands where a slot starts, and nothing is marked but old objects. */
static void walk_bits(const gait_heap *heap, uint32_t block, uint32_t slots, size_t slot_bytes) {
  const AO_t *marks = &heap->map.marks[gaiti_block_word(block)];
  const AO_t *allocated = &heap->map.allocated[gaiti_block_word(block)];
  size_t step = slot_bytes >> GAITI_GRANULE_SHIFT;
  for (uint32_t word = 0; word < GAITI_BLOCK_WORDS; word++) {
    AO_t old = heap->generation.young_next ? AO_load(&allocated[word]) : 0;
    CHECK("walk.bits.marked", (AO_load(&marks[word]) & ~old) == 0,
          "an object is marked while nothing marks");
    for (AO_t set = AO_load(&allocated[word]); set; set &= set - 1) {
      size_t granule = word * 64 + (size_t)__builtin_ctzll(set);
      CHECK("walk.bits.start", granule % step == 0 && granule / step < slots,
            "an allocation bit is set where no slot starts");
    }
  }
}

static void walk_tail(const gait_heap *heap, uint32_t block) {
  uint32_t head = heap->map.shapes[block].reciprocal;
  CHECK("walk.tail", gaiti_block_tag(&heap->map, head) & GAITI_REF_LARGE && head < block,
        "a block is the tail of no large object");
  walk_bits(heap, block, 0, GAIT_GRANULE_BYTES);
}

static void walk_slots(const gait_heap *heap, uint32_t block, gaiti_ref tag) {
  const struct gaiti_block_shape *shape = &heap->map.shapes[block];
  size_t slot_bytes = gaiti_block_slot_bytes(&heap->map, block);
  unsigned size_class = heap->map.states[block].size_class;
  CHECK("walk.shape",
        gaiti_ref_class(tag) == size_class && slot_bytes == gaiti_class_bytes(size_class) &&
            shape->slots == GAITI_BLOCK_BYTES / slot_bytes,
        "a block's shape and size class differ");
  walk_bits(heap, block, shape->slots, slot_bytes);
}

static void walk_block(const gait_heap *heap, uint32_t block) {
  gaiti_ref tag = gaiti_block_tag(&heap->map, block);
  if (tag == 0) {
    walk_bits(heap, block, 0, GAIT_GRANULE_BYTES);
    return;
  }
  if (tag & GAITI_REF_TAIL) {
    walk_tail(heap, block);
    return;
  }
  if (tag & GAITI_REF_LARGE)
    walk_bits(heap, block, 1, GAIT_GRANULE_BYTES);
  else
    walk_slots(heap, block, tag);
  CHECK("walk.kind", gaiti_ref_kind(tag) < gaiti_kinds_count(&heap->kinds),
        "a block is of no kind");
  CHECK("walk.swept", AO_load(&heap->map.states[block].swept) == AO_load(&heap->epoch),
        "a block was not swept");
}

/* ---- Space: .inv.space ---- */

static bool walk_bit(const uint64_t *bits, uint32_t block) {
  return bits[block / 64] >> block % 64 & 1;
}

static void walk_space(gait_heap *heap) {
  struct gaiti_space *space = &heap->space;
  uint64_t free = 0, dirty = 0, resident = 0, neither = 0;
  gaiti_lock(&space->lock);
  for (uint32_t block = 0; block < space->top; block++) {
    bool is_free = walk_bit(space->free, block), is_dirty = walk_bit(space->dirty, block);
    bool formatted = !gaiti_block_is_free(&heap->map, block);
    CHECK("walk.space.form", !is_free || !formatted, "a block is free and formatted");
    CHECK("walk.space.dirty", is_dirty == (is_free && heap->map.states[block].resident > 0),
          "a free block's memory is not what its bit says");
    neither += !is_free && !formatted;
    free += is_free;
    dirty += is_dirty;
    resident += heap->map.states[block].resident;
  }
  CHECK("walk.space.lost", neither == AO_load(&space->zeroed_blocks) + space->preparing,
        "a block is neither free nor formatted");
  CHECK("walk.space.free", free == AO_load(&space->free_blocks), "free blocks are miscounted");
  CHECK("walk.space.dirty_blocks", dirty == AO_load(&space->dirty_blocks),
        "free blocks with memory are miscounted");
  CHECK("walk.space.mapped",
        resident * gaiti_os_page_bytes() + AO_load(&space->table_bytes) ==
            AO_load(&space->mapped_bytes),
        "mapped memory is miscounted");
  CHECK("walk.space.hard", gaiti_space_mapped(space) <= space->most_bytes,
        "mapped memory is past the hard limit");
  gaiti_unlock(&space->lock);
}

/* ---- Caches and lists: .inv.cache, .inv.partial ---- */

static void walk_cache(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind,
                       unsigned size_class) {
  const struct gaiti_row *row = gaiti_row_of(proc, kind);
  const struct gait_cursor *cursor = &row->cursors[size_class];
  const struct gaiti_run *run = &row->runs[size_class];
  size_t slot_bytes = gaiti_class_bytes(size_class);
  CHECK("walk.cache.order",
        run->start <= cursor->next && cursor->next <= cursor->limit && cursor->limit <= run->end,
        "a cursor is outside its run");
  for (const char *slot = cursor->next; slot < run->end; slot += slot_bytes) {
    gaiti_ref ref = gaiti_map_resolve(&heap->map, (uintptr_t)slot);
    CHECK("walk.cache.slot",
          ref && gaiti_ref_start(&heap->map, ref) == (uintptr_t)slot && gaiti_ref_kind(ref) == kind,
          "a slot of a run is not allocated to it");
    for (size_t i = 0; i < slot_bytes; i++)
      CHECK("walk.cache.zero", slot[i] == 0, "an unused slot of a run is not zero");
  }
  if (run->block == GAITI_NO_BLOCK) return;
  struct gaiti_block_state *state = &heap->map.states[run->block];
  CHECK("walk.cache.block",
        gaiti_block_kind(&heap->map, run->block) == kind && state->size_class == size_class &&
            state->resident > 0,
        "a cache owns a block that is not its own");
}

/* Slots that were freed in this epoch are allocated, zero and of one processor. */
static void walk_freed(const gait_heap *heap, const struct gaiti_proc *proc) {
  const struct gaiti_freed *freed = &proc->freed;
  bool usable = freed->epoch == AO_load(&heap->epoch);
  for (uint32_t i = 0; usable && i < freed->count; i++) {
    const struct gaiti_freed_slot *slot = &freed->slots[i];
    gaiti_ref ref = gaiti_map_resolve(&heap->map, (uintptr_t)slot->slot);
    CHECK("walk.freed.slot",
          ref && gaiti_ref_start(&heap->map, ref) == (uintptr_t)slot->slot &&
              gaiti_ref_kind(ref) == slot->kind && gaiti_ref_class(ref) == slot->size_class,
          "a freed slot is not allocated, or of another kind");
    for (size_t at = 0; at < gaiti_class_bytes(slot->size_class); at++)
      CHECK("walk.freed.zero", slot->slot[at] == 0, "a freed slot is not zero");
  }
}

static uint64_t walk_list(const gait_heap *heap, const struct gaiti_partial_list *list,
                          uint32_t kind, unsigned size_class) {
  uint64_t length = 0;
  for (uint32_t block = list->first; block != GAITI_NO_BLOCK;
       block = heap->map.states[block].next) {
    CHECK("walk.partial",
          gaiti_block_kind(&heap->map, block) == kind &&
              heap->map.states[block].size_class == size_class &&
              !(gaiti_block_tag(&heap->map, block) & (GAITI_REF_LARGE | GAITI_REF_TAIL)),
          "a list has a block that is not of its kind and class");
    CHECK("walk.partial.loop", ++length <= gaiti_space_top(&heap->space),
          "a list of partial blocks has a loop");
  }
  return length;
}

static void walk_partial(gait_heap *heap) {
  uint64_t listed = 0;
  gaiti_lock(&heap->partial->lock);
  for (uint32_t kind = 0; kind < GAIT_MAX_KINDS; kind++)
    for (unsigned i = 0; heap->partial->kinds[kind] && i < GAIT_SIZE_CLASSES; i++)
      listed += walk_list(heap, &heap->partial->kinds[kind][i], kind, i);
  CHECK("walk.partial.count", listed == AO_load(&heap->partial->count),
        "partial blocks are miscounted");
  gaiti_unlock(&heap->partial->lock);
}

/* ---- Fibers: .inv.fibers ---- */

static void walk_fiber(const gait_fiber *fiber) {
  const struct gaiti_parked *stack = &fiber->stack;
  enum gaiti_fiber_state state = gaiti_fiber_state(fiber);
  CHECK("walk.fiber.state", state != GAITI_FIBER_SCANNING && state != GAITI_FIBER_UNREGISTERED,
        "a fiber is scanned, or is none, while every thread is stopped");
  CHECK("walk.fiber.thread",
        state == GAITI_FIBER_RUNNING ? fiber->thread && fiber->thread->fiber == fiber
                                     : !fiber->thread,
        "a fiber and its thread do not agree");
  CHECK("walk.fiber.place",
        stack->roots == GAIT_STACK_EXACT || stack->place == 0 ||
            (stack->limit <= stack->place && stack->place < stack->high),
        "a fiber was left outside its stack");
}

static void walk_fibers(gait_heap *heap) {
  uint64_t count = 0, running = 0;
  for (const gait_fiber *fiber = heap->fibers->all; fiber; fiber = fiber->next) {
    walk_fiber(fiber);
    count++;
    running += gaiti_fiber_state(fiber) == GAITI_FIBER_RUNNING;
  }
  for (const gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    running -= thread->fiber != NULL;
  CHECK("walk.fibers", count == AO_load(&heap->fibers->count) && running == 0,
        "fibers are miscounted");
}

void gaiti_heap_walk(gait_heap *heap) {
  gaiti_stop_all(heap);
  uint32_t top = gaiti_space_top(&heap->space);
  for (uint32_t block = 0; block < top; block++)
    walk_block(heap, block);
  walk_space(heap);
  walk_partial(heap);
  gaiti_weak_walk(heap);
  gaiti_ephemerons_walk(heap);
  gaiti_finalizers_walk(heap);
  walk_fibers(heap);
  for (struct gaiti_proc *proc = heap->procs->all; proc; proc = proc->next) {
    gaiti_proc_each_cache(heap, proc, walk_cache);
    walk_freed(heap, proc);
  }
  gaiti_resume_all(heap);
}
