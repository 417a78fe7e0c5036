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
 * Models: table, weak. */
#include "weak/weak_heap.h"

#include "base/check.h"
#include "heap/kind_visit.h"
#include "mark/ephemerons.h"
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

bool gaiti_weak_is_long(const gait_heap *heap) {
  if (gaiti_ephemerons_are_many(heap)) return true;
  return AO_load(&heap->weak->used) &&
         gaiti_kind_has_more_blocks(heap, GAITI_KIND_WEAK, WEAK_SHORT_BLOCKS);
}

static void weak_clear(const gait_heap *heap, void *object, void *arg) {
  (void)arg;
  struct gait_weak *weak = object;
  AO_t word = AO_load_acquire(&weak->word);
  gaiti_ref ref = gaiti_weak_referent(heap, word);
  if (!ref || gaiti_ref_is_marked(&heap->map, ref)) return;
  gaiti_delay(heap);
  (void)AO_compare_and_swap_full(&weak->word, word, 0);
}

void gaiti_weak_close(gait_heap *heap) {
  heap->weak->marked = gaiti_marking_counts(heap).objects;
  if (AO_load(&heap->weak->used))
    gaiti_kind_visit(heap, GAITI_KIND_WEAK, heap->map.marks, weak_clear, NULL);
  gaiti_ephemerons_clear(heap);
}

void gaiti_weak_end(gait_heap *heap) {
  if (gaiti_marking_counts(heap).objects != heap->weak->marked) gaiti_weak_close(heap);
  gaiti_ephemerons_end(heap);
  AO_store_full(&heap->weak->cleared, 1);
}

/* ---- Checks ---- */

static void weak_check(const gait_heap *heap, void *object, void *arg) {
  (void)arg;
  const struct gait_weak *weak = object;
  gaiti_ref ref = gaiti_weak_referent(heap, AO_load_acquire(&weak->word));
  CHECK("walk.weak", !ref || gaiti_ref_is_allocated(&heap->map, ref),
        "a weak reference is to a free slot");
}

void gaiti_weak_walk(const gait_heap *heap) {
  gaiti_kind_visit(heap, GAITI_KIND_WEAK, heap->map.allocated, weak_check, NULL);
}
