/* Slots of objects that the program has freed.
 *
 * A freed slot is zero, and stays allocated by its bits, as the rest of a run is: to a word that
 * refers to it, it is an object without references.  If it was the last that the run has handed
 * out, it is a part of the run's rest again.  Else the processor keeps it, until a cache of its
 * kind and class is at the end of its run: then the slot is the next run.
 *
 * .freed.white  That is done between cycles alone: while marking, the object may be grey, and the
 * only way to another in the snapshot; and a slot that is handed out has to be marked.
 *
 *   freed    by a thread without a barrier: no thread marks before this one has come to a
 *            safepoint.  The zeros are stores without a barrier, as others that the fence waits for
 *   taken    in the epoch in which it was freed, by a thread that does not allocate black.  Where a
 *            cycle has begun meanwhile, the object is white like those of the run before it.  The
 *            epoch rises before any thread turns black allocation off (.cycle.epoch-first): so a
 *            slot is taken before the first answer to that, or not at all, and the sweep frees it
 *   block    swept in this epoch: the sweep does not look at it meanwhile
 *   old      an object whose mark is kept: its slot is not used, for the next object there would be
 *            old from the start
 *
 * .freed.dead  The program has no reference, but a dead object may, which a word on a stack, or its
 * age, keeps.  Its next marking finds the slot: free, with zeros, or the next object there, which
 * then lives a cycle longer.  It finds no slot of another size, since blocks are formatted anew
 * after a sweep alone, and marking goes before.  This is why a large object's blocks are not used
 * at once. */
#include "alloc/freed_slots.h"

#include <string.h>

#include "alloc/cache.h"
#include "base/check.h"

static bool freed_is_zero(const char *slot, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    if (slot[i]) return false;
  return true;
}

/* ---- Freeing ---- */

/* Whether the slot may be used again before the next cycle (.freed.white). */
static bool free_is_safe(const gait_thread *thread, gaiti_ref ref, AO_t epoch) {
  const struct gaiti_map *map = &thread->heap->map;
  if (ref & GAITI_REF_LARGE || gaiti_thread_is_marking(thread)) return false;
  uint32_t block = gaiti_block_of(map, gaiti_ref_start(map, ref));
  return AO_load_acquire(&map->states[block].swept) == epoch && !gaiti_ref_is_marked(map, ref);
}

/* Makes it the first slot of the run's rest, if it is the one before that.  It may be sampled anew:
 * the point that was the run's next then is forgotten, and set again behind it (.sample.points). */
static bool free_into_run(struct gaiti_proc *proc, struct gait_cursor *cursor,
                          struct gaiti_run *run, char *slot, size_t bytes) {
  if (!run->start || slot < run->start || slot + bytes != cursor->next) return false;
  cursor->next = slot;
  uint64_t offset;
  if (gaiti_sampler_pass(&proc->sampler, bytes, bytes, &offset)) run->sample = cursor->limit = slot;
  return true;
}

static void free_into_list(struct gaiti_freed *freed, char *slot, uint16_t kind, uint8_t size_class,
                           AO_t epoch) {
  if (freed->epoch != epoch) freed->count = 0;
  freed->epoch = epoch;
  if (freed->count == GAITI_FREED_SLOTS) return;
  freed->slots[freed->count] = (struct gaiti_freed_slot){slot, kind, size_class};
  freed->count++;
}

void gaiti_free(gait_thread *thread, gaiti_ref ref) {
  gait_heap *heap = thread->heap;
  AO_t epoch = AO_load_acquire(&heap->epoch);
  if (!free_is_safe(thread, ref, epoch)) return;
  uint16_t kind = gaiti_ref_kind(ref);
  unsigned size_class = gaiti_ref_class(ref);
  size_t bytes = gaiti_class_bytes(size_class);
  char *slot = (char *)gaiti_ref_start(&heap->map, ref);
  struct gaiti_row *row = gaiti_row_of(thread->proc, kind);
  struct gait_cursor *cursor = &row->cursors[size_class];
  struct gaiti_run *run = &row->runs[size_class];
  memset(slot, 0, bytes);
  if (!free_into_run(thread->proc, cursor, run, slot, bytes))
    free_into_list(&thread->proc->freed, slot, kind, (uint8_t)size_class, epoch);
}

/* ---- Taking ---- */

static bool freed_is_usable(const gait_thread *thread) {
  const struct gaiti_freed *freed = &thread->proc->freed;
  AO_t epoch = AO_load_acquire(&thread->heap->epoch);
  if (freed->count == 0 || freed->epoch != epoch) return false;
  return MUTANT(MUTANT_FREED_TAKEN_WHITE) || !gaiti_thread_allocates_black(thread, epoch);
}

static void freed_open(gait_thread *thread, uint16_t kind, unsigned size_class, char *slot) {
  struct gaiti_row *row = gaiti_row_of(thread->proc, kind);
  struct gait_cursor *cursor = &row->cursors[size_class];
  struct gaiti_run *run = &row->runs[size_class];
  size_t bytes = gaiti_class_bytes(size_class);
  CHECK_SLOW("free.written", freed_is_zero(slot, bytes),
             "an object was written to after it had been freed");
  run->start = cursor->next = slot;
  run->end = slot + bytes;
  gaiti_cache_aim_anew(thread->heap, thread->proc, kind, size_class);
}

bool gaiti_freed_take(gait_thread *thread, uint16_t kind, unsigned size_class) {
  if (!freed_is_usable(thread)) return false;
  struct gaiti_freed *freed = &thread->proc->freed;
  for (uint32_t i = freed->count; i-- > 0;) {
    struct gaiti_freed_slot taken = freed->slots[i];
    if (taken.kind != kind || taken.size_class != size_class) continue;
    freed->slots[i] = freed->slots[--freed->count];
    freed_open(thread, kind, size_class, taken.slot);
    return true;
  }
  return false;
}

bool gaiti_freed_has(const gait_thread *thread, uintptr_t address) {
  const struct gaiti_proc *proc = thread->proc;
  const struct gaiti_map *map = &thread->heap->map;
  gaiti_ref ref = gaiti_map_find(map, address);
  const struct gaiti_freed *freed = &proc->freed;
  bool usable = freed->epoch == AO_load_acquire(&thread->heap->epoch);
  for (uint32_t i = 0; usable && i < freed->count; i++)
    if ((uintptr_t)freed->slots[i].slot == address) return true;
  if (ref == 0 || ref & GAITI_REF_LARGE) return false;
  const struct gaiti_row *row = gaiti_row_of(proc, gaiti_ref_kind(ref));
  uintptr_t next = (uintptr_t)row->cursors[gaiti_ref_class(ref)].next;
  return address >= next && address < (uintptr_t)row->runs[gaiti_ref_class(ref)].end;
}
