/* weak_heap.h: the weak references of one heap.
 *
 * A weak reference is an object of a leaf kind of Gait's own, whose first word refers to another
 * object and does not keep it.  Its word is nil once that object has been found dead.
 *
 * .inv.weak  After a sweep the word of each allocated weak reference is nil, no reference, or one
 *            to an allocated object. */
#ifndef GAITI_WEAK_WEAK_HEAP_H
#define GAITI_WEAK_WEAK_HEAP_H

#include "mark/marking.h"

/* An object of the kind GAITI_KIND_WEAK.
 *   word  the reference, plain or tagged, or any other word; atomic */
struct gait_weak {
  AO_t word;
};

/*   used     the heap has had a weak reference; never lowered
 *   cleared  no word refers to an object that the cycle under way has found dead: raised by the
 *            thread that runs the cycle, before the epoch rises, and lowered by it before any
 *            barrier is turned on
 *   marked   objects that had been marked when gaiti_weak_close began; the thread's that runs the
 *            cycle */
struct gaiti_weak {
  AO_t used;
  AO_t cleared;
  uint64_t marked;
};

bool gaiti_weak_init(gait_heap *heap);
void gaiti_weak_destroy(gait_heap *heap);

/* Begins a cycle; before any barrier is on. */
void gaiti_weak_begin(gait_heap *heap);

/* Whether gaiti_weak_close takes longer than a thread with a deadline may. */
bool gaiti_weak_is_long(const gait_heap *heap);

/* Clears the marked weak references to unmarked objects, and ephemerons of such keys.  Marking is
 * closed, every thread still allocates black, and the epoch has not risen.  Threads run.  May be
 * called again. */
void gaiti_weak_close(gait_heap *heap);

/* The same of those that have been marked since, with the objects of finalizers; from then on each
 * word is one to a live object (`cleared`). */
void gaiti_weak_end(gait_heap *heap);

/* Loads the reference in `word`, which may be weak; 0 when its object has been found dead.
 * Thread: attached, in managed state. */
uintptr_t gaiti_weak_load(gait_thread *thread, const AO_t *word);

/* Checks .inv.weak; all threads are stopped, and the sweep is over. */
void gaiti_weak_walk(const gait_heap *heap);

/* The object to which a word refers, plainly or by the heap's rule; 0: none. */
static inline gaiti_ref gaiti_weak_referent(const gait_heap *heap, uintptr_t word) {
  return gaiti_map_find(&heap->map, gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, word));
}

#endif
