/* Weak references at the end of a cycle.
 *
 * To the marker a weak reference is a leaf: it finds it, and does not look into it.  When marking
 * has closed, the thread that runs the cycle goes through the blocks of the kind and clears, in
 * each marked object, the word whose referent is not marked.  There is no list of weak references:
 * their mark bits tell, 64 of them to a word, in the order of addresses; so nothing is noted while
 * marking, no memory can lack, and dead ones cost a bit each.  The time is some nanoseconds for
 * each live one, and a load for each block of the heap.
 *
 * .weak.when  Slots are cleared after the close, when an object is white only if it is unreachable:
 * marking is whole, and every thread allocates black.  And before the epoch rises: from then on a
 * thread whose barrier is off allocates white objects, and may set a weak reference to one.  Before
 * the sweep as well, of course, which forgets which objects were marked, and gives their slots to
 * others.  No thread waits for any of this.
 *
 * .weak.swap  To clear is to compare and swap: a thread may set the word meanwhile, to an object
 * that it holds.  It cannot set it to the very same, since that is dead.
 *
 * .weak.twice  The objects of finalizers, and all that they lead to, are marked after the close
 * (.finalizer.private).  Weak references to them have been cleared by then.  But among the objects
 * that are marked now are weak references that were white before; so they are gone through once
 * more, and `cleared` rises after that.  A function of a finalizer that runs meanwhile, and loads
 * through such a one, finds a white object behind a closed list, as any thread does.
 *
 * A young cycle goes through old weak references too, which may refer to young objects: an old
 * object is marked.
 *
 * Models: weak. */
#include "weak/weak_heap.h"

#include "base/check.h"
#include "weak/weak_table_parts.h"

/* A thread with a deadline clears no more than so many blocks of weak references: 4,096 of them to
 * a block, each of which costs some nanoseconds. */
#define WEAK_SHORT_BLOCKS 8

bool gaiti_weak_init(gait_heap *heap) {
  heap->weak = gaiti_structure_alloc(&heap->space, sizeof *heap->weak);
  if (!heap->weak) return false;
  if (gaiti_table_kinds_init(heap)) return true;
  gaiti_weak_destroy(heap);
  return false;
}

void gaiti_weak_destroy(gait_heap *heap) {
  gaiti_structure_free(&heap->space, heap->weak, sizeof *heap->weak);
}

void gaiti_weak_begin(gait_heap *heap) {
  AO_store_full(&heap->weak->cleared, 0);
}

static bool weak_is_block(const gait_heap *heap, uint32_t block) {
  gaiti_ref tag = gaiti_block_tag(&heap->map, block);
  return tag != 0 && gaiti_ref_kind(tag) == GAITI_KIND_WEAK;
}

bool gaiti_weak_is_long(const gait_heap *heap) {
  if (!AO_load(&heap->weak->used)) return false;
  uint32_t count = 0, top = gaiti_space_top(&heap->space);
  for (uint32_t block = 0; block < top && count <= WEAK_SHORT_BLOCKS; block++)
    count += weak_is_block(heap, block);
  return count > WEAK_SHORT_BLOCKS;
}

typedef void weak_visit_fn(const gait_heap *heap, struct gait_weak *weak);

/* Calls for each weak reference of a block that has its bit in the table. */
static void weak_visit_block(const gait_heap *heap, uint32_t block, const AO_t *bits,
                             weak_visit_fn *visit) {
  char *start = gaiti_block_start(&heap->map, block);
  for (size_t word = 0; word < GAITI_BLOCK_WORDS; word++)
    for (AO_t set = AO_load_acquire(&bits[gaiti_block_word(block) + word]); set; set &= set - 1) {
      size_t granule = word * 64 + (size_t)__builtin_ctzll(set);
      visit(heap, (struct gait_weak *)(void *)(start + granule * GAIT_GRANULE_BYTES));
    }
}

static void weak_visit_all(const gait_heap *heap, const AO_t *bits, weak_visit_fn *visit) {
  uint32_t top = gaiti_space_top(&heap->space);
  for (uint32_t block = 0; block < top; block++)
    if (weak_is_block(heap, block)) weak_visit_block(heap, block, bits, visit);
}

static void weak_clear(const gait_heap *heap, struct gait_weak *weak) {
  AO_t word = AO_load_acquire(&weak->word);
  gaiti_ref ref = gaiti_weak_referent(heap, word);
  if (!ref || gaiti_ref_is_marked(&heap->map, ref)) return;
  gaiti_delay(heap);
  (void)AO_compare_and_swap_full(&weak->word, word, 0);
}

void gaiti_weak_close(gait_heap *heap) {
  heap->weak->marked = gaiti_marking_counts(heap).objects;
  if (AO_load(&heap->weak->used)) weak_visit_all(heap, heap->map.marks, weak_clear);
}

void gaiti_weak_end(gait_heap *heap) {
  if (gaiti_marking_counts(heap).objects != heap->weak->marked) gaiti_weak_close(heap);
  AO_store_full(&heap->weak->cleared, 1);
}

/* ---- Checks ---- */

static void weak_check(const gait_heap *heap, struct gait_weak *weak) {
  gaiti_ref ref = gaiti_weak_referent(heap, AO_load_acquire(&weak->word));
  CHECK("walk.weak", !ref || gaiti_ref_is_allocated(&heap->map, ref),
        "a weak reference is to a free slot");
}

void gaiti_weak_walk(const gait_heap *heap) {
  weak_visit_all(heap, heap->map.allocated, weak_check);
}
