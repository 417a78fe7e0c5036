/* Loads through weak references, beside marking.
 *
 * A weak reference may be the only way to an object that marking has not come to.  A thread that
 * loads it takes the object back among the reachable ones, behind the marker's back:
 *
 *   thread                                   the one that runs the cycle
 *   has scanned its stack                    .
 *   loads a white object                     finds nothing grey, closes marking
 *   keeps it                                 sweeps it
 *
 * .weak.under-the-lock  So the load shades a white object straight into the shared list, under the
 * lock under which marking is closed.  Either the list is open: then it has a buffer, marking is
 * not idle, and cannot close before the object is marked.  Or it is closed: then all marks are set,
 * and this thread sees them, having taken the lock; if the object is still white it is dead, and
 * the answer is nil.  (The thread's own buffer would not do: marking may be about to close, which
 * drops it.)
 *
 * A thread that has not scanned its stack keeps the object by that.
 *
 * .weak.cleared  When the slots have been cleared, a white object is alive: one that was allocated
 * since (.weak.when).  So `cleared` is read before the word.  If it was raised the word is one
 * that was there after the clearing, or came later.  If it was not, and is raised behind a word
 * that was white and found closed, the word is read again.
 *
 * Models: weak. */
#include "barrier/buffers.h"
#include "weak/weak_heap.h"

/* Whether the object is alive, as far as is known to a thread that marks: marked, or kept by the
 * thread's stack, which will be scanned. */
static bool load_is_alive(gait_thread *thread, gaiti_ref ref) {
  return gaiti_ref_is_marked(&thread->heap->map, ref) || AO_load(&thread->black_epoch) == 0;
}

/* Shades it where marking has not closed; where it has, its mark is the last word. */
static bool load_keeps(gait_thread *thread, gaiti_ref ref) {
  gait_heap *heap = thread->heap;
  if (load_is_alive(thread, ref) || MUTANT(MUTANT_WEAK_READ_UNSHADED)) return true;
  gaiti_delay(heap);
  return gaiti_buffers_shade_now(heap, gaiti_ref_start(&heap->map, ref)) ||
         gaiti_ref_is_marked(&heap->map, ref);
}

uintptr_t gaiti_weak_load(gait_thread *thread, const AO_t *word) {
  const gait_heap *heap = thread->heap;
  for (;;) {
    bool cleared = AO_load_acquire(&heap->weak->cleared);
    AO_t value = AO_load_acquire(word);
    if (cleared || !gaiti_thread_is_marking(thread)) return value;
    gaiti_ref ref = gaiti_weak_referent(heap, value);
    gaiti_delay(heap);
    if (!ref || load_keeps(thread, ref)) return value;
    if (!AO_load_acquire(&heap->weak->cleared)) return 0;
  }
}
