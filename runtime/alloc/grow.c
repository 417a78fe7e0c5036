/* A slot is traced as a whole, and is zero beyond the bytes that a program has asked for: so a
 * small object has grown when its slot is large enough.  heap/space_grow.c has the large ones. */
#include "alloc/grow.h"

#include "alloc/large.h"
#include "alloc/sampling.h"

/* The bytes count as new ones: black where those of a new object would be, for a marker may have
 * counted the object as it was.  One that counts it later counts them twice, which makes the live
 * heap too large for one cycle; the other way it would be too small. */
static void grow_count(gait_thread *thread, gaiti_ref ref, size_t more) {
  gait_heap *heap = thread->heap;
  struct gaiti_proc *proc = thread->proc;
  bool black = gaiti_thread_allocates_black(thread, AO_load_acquire(&heap->epoch));
  gaiti_proc_take(heap, proc, gaiti_ref_kind(ref), more, black);
  AO_store(&proc->alloc_bytes, AO_load(&proc->alloc_bytes) + more);
  heap->hooks->account(thread, more);
}

bool gaiti_grow(gait_thread *thread, gaiti_ref ref, size_t bytes, const void *caller) {
  gait_heap *heap = thread->heap;
  if (bytes <= gaiti_ref_bytes(&heap->map, ref)) return true;
  if (!(ref & GAITI_REF_LARGE) || bytes > GAIT_MAX_OBJECT_BYTES) return false;
  static const struct gaiti_attempt attempt;
  uint32_t block = gaiti_block_of(&heap->map, gaiti_ref_start(&heap->map, ref));
  size_t more;
  bytes = gaiti_large_round(bytes);
  if (!gaiti_space_grow_large(&heap->space, &heap->map, block, bytes,
                              heap->hooks->limit(heap, &attempt), &more))
    return false;
  if (more > 0) {
    grow_count(thread, ref, more);
    gaiti_sampling_note_growth(thread, ref, more, caller);
  }
  return true;
}
