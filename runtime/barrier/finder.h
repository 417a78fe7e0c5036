/* finder.h: the option find_missing: which store had no barrier, and which object has no root.
 *
 * The heap's threads take the slow path of every allocation and every store, which note them here.
 *
 *   objects   each object that was handed out, where that was, and a copy of its words, the
 *             shadow.  A store with the barrier changes both; so a reference that differs was
 *             stored without.
 *   lost      an object that a cycle has found dead.  It stays where it is for some time (cycle/
 *             quarantine.c), and a thread that stores it, or stores to it, had a reference to it in
 *             no root.
 *
 * .inv.shadow  Between two events of a thread that no other thread stores beside, a word of an
 *              object that refers to another, or did, is the shadow's.  It may also be the one
 *              before, while a store is under way that has been noted; and a word that two threads
 *              store at a time may be any, until every thread has been stopped. */
#ifndef GAITI_BARRIER_FINDER_H
#define GAITI_BARRIER_FINDER_H

#include "heap/word_map.h"
#include "mutator/thread.h"
#include "os/symbols.h"

/*   shadow  of the first `words` words; NULL: it has no references
 *   lost    the cycle that has found it dead; 0: none has
 *   site    where it was allocated: the place in `sites` */
struct gaiti_finder_object {
  uintptr_t start;
  uintptr_t *shadow;
  size_t words;
  const struct gaiti_kind *kind;
  uint64_t lost;
  size_t site;
};

/* A call of the program's, by a thread that may be gone. */
struct gaiti_finder_call {
  struct gaiti_site site;
  char thread[GAITI_THREAD_NAME_BYTES];
  int tid;
};

/*   last   its last call
 *   stops  its calls when marking had ended in the last cycles, by their numbers */
#define GAITI_FINDER_STOPS 64
struct gaiti_finder_thread {
  const gait_thread *thread;
  struct gaiti_finder_call last;
  struct {
    uint64_t cycle;
    struct gaiti_finder_call call;
  } stops[GAITI_FINDER_STOPS];
};

/* All of it is guarded by the lock.
 *   index     from the start of an object to its place in `objects`
 *   sites     where objects were allocated, each once; site_index: from a hash to a place there
 *   pendings  slots whose noted store may be under way, and the word of before
 *   raced     slots that threads store to at a time
 *   inits     values that gait_store_init stores into slots that it does not name, and how often
 *   words     of all shadows
 *   owed      calls since the last comparison, before: the call of then, and latest: the last call
 *   checked   the last call before the last comparison by a cycle
 *   guards    pages of objects with references are watched for stores
 *   off       there was no memory: nothing is found any more */
struct gaiti_finder {
  struct gaiti_lock lock;
  struct gaiti_finder_object *objects;
  size_t count;
  size_t capacity;
  struct gaiti_word_map index;
  struct gaiti_site *sites;
  size_t sites_count;
  size_t sites_capacity;
  struct gaiti_word_map site_index;
  struct gaiti_word_map pendings;
  struct gaiti_word_map raced;
  struct gaiti_word_map inits;
  struct gaiti_finder_thread *threads;
  size_t threads_count;
  size_t words;
  uint64_t owed;
  struct gaiti_finder_call before;
  struct gaiti_finder_call latest;
  struct gaiti_finder_call checked;
  bool guards;
  bool off;
};

/* What has been found, by copy.
 *   object     the one with the slot, or the lost one, and made: where it was allocated
 *   slot       in it, or the one that the lost object is stored in; NULL: none
 *   old, now   the words of the slot
 *   referent   the object to which the new one refers, else the old one
 *   from, to   between these calls, so many others apart, it was stored; or `to` is the use
 *   stored     where it was stored, if that was watched
 *   lost_at    where the thread was when the cycle found the object dead */
enum gaiti_finding_is { GAITI_FOUND_NOTHING, GAITI_FOUND_STORE, GAITI_FOUND_LOSS };
struct gaiti_finding {
  enum gaiti_finding_is is;
  struct gaiti_finder_object object;
  struct gaiti_site made;
  const void *slot;
  uintptr_t old;
  uintptr_t now;
  struct gaiti_finder_object referent;
  struct gaiti_site referent_made;
  struct gaiti_finder_call from;
  struct gaiti_finder_call to;
  uint64_t calls;
  struct gaiti_site stored;
  struct gaiti_finder_call lost_at;
};

/* Nothing where the option is off.  False: out of memory. */
bool gaiti_finder_init(gait_heap *heap);
void gaiti_finder_destroy(gait_heap *heap);

static inline bool gaiti_finder_is_on(const gait_heap *heap) {
  return __builtin_expect(heap->finder != NULL, 0);
}

/* ---- Calls of the program's: `caller` is the address to which the call returns ----
 *
 * Each may end the program with a report.  Thread: `thread`, in managed state, with no lock of a
 * rank that comes later. */

/* A call that stores nothing.  *site (may be NULL): where it is. */
void gaiti_finder_pass(gait_thread *thread, const void *caller, struct gaiti_site *site);

/* An object was handed out at that site. */
void gaiti_finder_note_object(gait_thread *thread, const void *object,
                              const struct gaiti_site *site);

/* `value` is about to be stored in `slot`, wherever that is. */
void gaiti_finder_note_store(gait_thread *thread, const void *slot, const void *value,
                             const void *caller);

/* The same for `count` slots in a row, with the values from there on, or NULL in each. */
void gaiti_finder_note_stores(gait_thread *thread, const void *slots, const void *values,
                              size_t count, const void *caller);

/* It is about to be stored in some slot that has not been stored to. */
void gaiti_finder_note_init(gait_thread *thread, const void *value, const void *caller);

/* The program has freed the object that starts there. */
void gaiti_finder_forget(gait_heap *heap, uintptr_t start);

/* ---- The cycle ---- */

/* Whether the object that starts there refers to the other, by the function that traces it. */
typedef bool gaiti_finder_refers_fn(gait_heap *heap, uintptr_t object, uintptr_t referent);

/* Compares all words, with every thread stopped, when cycle `cycle` has closed its marking. */
void gaiti_finder_check(gait_heap *heap, uint64_t cycle, gaiti_finder_refers_fn *refers);

/* Notes every object that is not marked as lost by that cycle, and lists the starts of those to be
 * kept, those that were lost last and of `most_bytes` in all at most, in *starts, which is freed by
 * gaiti_os_free.  Returns how many. */
size_t gaiti_finder_lose(gait_heap *heap, uint64_t cycle, size_t most_bytes, uintptr_t **starts);

/* Forgets those that are not marked now: they will be freed. */
void gaiti_finder_forget_dead(gait_heap *heap);

/* Writes where the object was allocated, in some words; "" if that is not known. */
void gaiti_finder_describe(gait_heap *heap, uintptr_t start, char *text, size_t bytes);

/* ---- Reports (finder_report.c) ---- */

_Noreturn void gaiti_finding_report(gait_heap *heap, gait_thread *thread,
                                    const struct gaiti_finding *finding);

/* Writes the functions of a site, innermost first, without Gait's own. */
void gaiti_site_describe(const struct gaiti_site *site, char *text, size_t bytes);

#endif
