/* The write barrier, while it is on.
 *
 * It is Go's hybrid: a store shades the value that it overwrites (deletion, after Yuasa) and the
 * value that it writes (insertion, after Dijkstra).  Each half has its purpose:
 *
 *   deletion   A thread whose roots have been scanned is black: nothing looks at its stack again.
 *              It may load a white object from a grey one, and then cut the only path on which
 *              marking would have come there.  Shading the reference that is cut keeps the path.
 *   insertion  A thread whose roots have not been scanned may hold the only reference to a white
 *              object on its stack, store it in a black object, and drop it from the stack before
 *              the scan.  Shading the stored value keeps the object.  This is why a store that
 *              initialises a new object, which is black, needs the barrier as well.
 *
 * .barrier.scanned  When all roots have been scanned there is no such thread any more: every object
 * that can be reached is marked, or reached from a grey one through white ones, by references that
 * are there at this moment.  A reference of these that is overwritten is shaded, even by several
 * stores at once, since none of them can have loaded an older value: that would have been
 * overwritten by a store that shaded both.  A value that is stored from now on is one of these
 * objects, or a new and black one.  So the insertion half is left out for the rest of marking.  Not
 * so with a root that is written without a barrier: an object that it held, and lost before it was
 * scanned, may be on the stack of a thread, with nothing grey before it, until stacks are scanned
 * again at the end.
 *
 * The race.  A barrier is three steps: read `marking`, shade, store.  The collector changes
 * `marking` only at a safepoint of this thread, or while it is outside, so the three are one step
 * to every handshake:
 *
 *   mutator                                    collector
 *   sees marking = 0                           asks for the barrier (handshake 1)
 *   stores without a shade                     waits: this thread has not answered
 *   reaches a safepoint, sets marking          asks everyone once more (handshake 2)
 *   reaches another safepoint                  scans roots only when all have answered
 *
 * so no store without a shade happens after the first root has been scanned.  The shade comes
 * before the store: between the two the old value is still in its slot, and no thread can find it
 * missing from both.
 *
 * .barrier.fence  Another thread may store to the same slot between our load of the old value and
 * our store.  The value that it wrote, and we overwrite, it has shaded as the new value, if its
 * barrier was on.  Handshake 2 exists for the other case: a store whose shade came before the last
 * thread had its barrier on may overwrite a value that this thread wrote without one; when every
 * thread has passed one more safepoint, no such store is in flight.  tests/model/start.pml found
 * it.
 *
 * Models: fibers, finalizers, roots, start, termination, weak.  Litmus: cleared, remembered,
 * scanned. */
#include "barrier/barrier.h"

#include "barrier/buffers.h"
#include "barrier/finder.h"

/* A slot that is overwritten again and again: the value that goes has just come. */
static bool barrier_shaded_last(const struct gaiti_barrier_buffer *buffer, uintptr_t word) {
  return buffer && buffer->count > 0 && buffer->words[buffer->count - 1] == word;
}

/* Most values that a program stores while marking are marked already, above all those that it has
 * just allocated.  Looking is cheaper here, where the bits are at hand, than in a marker; and a
 * mutator that shades pays for it, so it cannot outrun the markers.
 *
 * .barrier.tags  A store does not say whether its slot has tagged words, and need not: a word that
 * is an address of the heap, or becomes one by the heap's rule, is shaded as that.  A number that
 * is one by chance keeps an object for a cycle, as on a stack; allocation bits decide whether there
 * is an object at all. */
static void barrier_shade(gait_thread *thread, const void *value) {
  const struct gaiti_map *map = &thread->heap->map;
  uintptr_t word = gaiti_tags_plain_or_tagged(&thread->heap->tags, map, (uintptr_t)value);
  if (barrier_shaded_last(thread->proc->buffer, word)) return;
  gaiti_ref ref = gaiti_map_find(map, word);
  if (!ref || gaiti_ref_is_marked(map, ref)) return;
  gaiti_shade_word(thread->heap, &thread->proc->buffer, word);
}

/* Whether the stored value has to be shaded; once all roots are scanned none has, and the thread's
 * flag is lowered. */
static bool barrier_update_shades_new(gait_thread *thread) {
  if (!(thread->fast.marking & GAIT_SHADE_NEW)) return false;
  if (!gaiti_buffers_roots_are_scanned(thread->heap)) return gaiti_thread_is_marking(thread);
  if (!gaiti_finder_is_on(thread->heap)) thread->fast.marking &= ~GAIT_SHADE_NEW;
  return false;
}

static void *slot_load(void *const *slot) {
  return gaiti_pointer_load_acquire((const AO_t *)slot);
}

static void slot_store(void **slot, const void *value) {
  gaiti_pointer_store_release((AO_t *)slot, value);
}

/* With the option find_missing a checked program has named the slot before. */
static void barrier_note_init(gait_thread *thread, const void *value, const void *caller) {
  if (!thread->init_noted) gaiti_finder_note_init(thread, value, caller);
  thread->init_noted = false;
}

void gait_shade(gait_thread *thread, void *value) {
  if (gaiti_finder_is_on(thread->heap))
    barrier_note_init(thread, value, __builtin_return_address(0));
  if (barrier_update_shades_new(thread) && !MUTANT(MUTANT_INIT_STORE_WITHOUT_SHADE))
    barrier_shade(thread, value);
  gaiti_delay(thread->heap);
}

/* Whether the cards of slots that are stored to are dirtied. */
static bool barrier_remembers(const gait_thread *thread) {
  return (thread->fast.marking & GAIT_REMEMBER) != 0;
}

void gait_barrier(gait_thread *thread, const void *slot, void *old_value, void *new_value) {
  if (gaiti_finder_is_on(thread->heap))
    gaiti_finder_note_store(thread, slot, new_value, __builtin_return_address(0));
  if (barrier_remembers(thread) && !MUTANT(MUTANT_STORE_NOT_REMEMBERED))
    gait_remember(thread, slot);
  if (!gaiti_thread_is_marking(thread)) return;
  if (!MUTANT(MUTANT_NO_DELETION_SHADE)) barrier_shade(thread, old_value);
  if (barrier_update_shades_new(thread) && !MUTANT(MUTANT_NO_INSERTION_SHADE))
    barrier_shade(thread, new_value);
  gaiti_delay(thread->heap);
}

void gait_store_slow(gait_thread *thread, void *slot, void *value) {
  if (MUTANT(MUTANT_BARRIER_AFTER_STORE)) slot_store(slot, value);
  gait_barrier(thread, slot, slot_load(slot), value);
  slot_store(slot, value);
}

static void barrier_shade_words(gait_thread *thread, void *const *slots, size_t count) {
  for (size_t i = 0; i < count; i++)
    barrier_shade(thread, slot_load(&slots[i]));
}

static void barrier_remember_words(gait_thread *thread, void *const *slots, size_t count) {
  for (size_t i = 0; i < count; i++)
    gait_remember(thread, &slots[i]);
}

static void barrier_copy(gait_thread *thread, void **target, void *const *source, size_t count) {
  if (barrier_remembers(thread)) barrier_remember_words(thread, target, count);
  if (!gaiti_thread_is_marking(thread)) return;
  if (!MUTANT(MUTANT_NO_DELETION_SHADE)) barrier_shade_words(thread, target, count);
  if (barrier_update_shades_new(thread) && !MUTANT(MUTANT_NO_INSERTION_SHADE))
    barrier_shade_words(thread, source, count);
  gaiti_delay(thread->heap);
}

/* Word by word, so that a marker which looks meanwhile sees whole references.  No safepoint stands
 * between the words: all are shaded before the first store, and what the thread has in
 * no frame stays alive. */
void gaiti_copy(gait_thread *thread, void **target, void *const *source, size_t count) {
  barrier_copy(thread, target, source, count);
  if (target <= source || target >= source + count) {
    for (size_t i = 0; i < count; i++)
      slot_store(&target[i], slot_load(&source[i]));
  } else {
    for (size_t i = count; i-- > 0;)
      slot_store(&target[i], slot_load(&source[i]));
  }
}

void gaiti_clear(gait_thread *thread, void **target, size_t count) {
  if (gaiti_thread_is_marking(thread)) {
    if (!MUTANT(MUTANT_NO_DELETION_SHADE)) barrier_shade_words(thread, target, count);
    gaiti_delay(thread->heap);
  }
  for (size_t i = 0; i < count; i++)
    slot_store(&target[i], NULL);
}
