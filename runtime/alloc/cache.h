/* cache.h: runs: taking the next one into a cache, retiring it, and making it black. */
#ifndef GAITI_ALLOC_CACHE_H
#define GAITI_ALLOC_CACHE_H

#include "mutator/thread.h"

/* The pattern of free slots under the option `poison`. */
#define GAITI_POISON_BYTE 0xDB

/* Opens the next part of the cache's run or, at its end, retires it and takes the next: a slot that
 * was freed, or from the block that it owns.  *bytes: the new run's; 0 if it counts already.
 * False: it owns no block that has one; a block of an older epoch is dropped, not used.  Thread:
 * the holder, in managed state. */
bool gaiti_cache_continue(gait_thread *thread, uint16_t kind, unsigned size_class, size_t *bytes);

/* Makes `block`, which no other cache owns, the one that the cache takes its runs from, and takes
 * the first.  *bytes, False, Thread: as above.  The run before has been retired. */
bool gaiti_cache_open(gait_thread *thread, uint16_t kind, unsigned size_class, uint32_t block,
                      size_t *bytes);

/* Whether the next slot of the cache is one that the profile takes a sample of.  Thread: the
 * holder. */
static inline bool gaiti_cache_is_due(const gait_thread *thread, uint16_t kind,
                                      unsigned size_class) {
  const struct gaiti_row *row = gaiti_row_of(thread->proc, kind);
  const char *sample = row->runs[size_class].sample;
  return __builtin_expect(sample != NULL, 0) && sample == row->cursors[size_class].next;
}

/* Visitors for gaiti_proc_each_cache. */

/* Sets anew where the next sample of the run's rest is; the one before has been taken, or the rest
 * is new. */
void gaiti_cache_aim_anew(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind,
                          unsigned size_class);

/* Lets the mutator have a part only of the rest of the run, while the heap has short runs. */
void gaiti_cache_shorten(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind,
                         unsigned size_class);

/* Marks the rest of the run; at the start of marking. */
void gaiti_cache_blacken(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind,
                         unsigned size_class);

/* Drops the block but keeps the run; when marking has ended, so that sweeping finds no owner. */
void gaiti_cache_disown(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind,
                        unsigned size_class);

/* Gives back the rest of the run, and the block. */
void gaiti_cache_empty(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind,
                       unsigned size_class);

/* Gives back all runs and blocks of a processor that is about to have no holder, and flushes
 * its counts. */
void gaiti_caches_empty(gait_heap *heap, struct gaiti_proc *proc);

/* Bytes and objects that runs have handed out and the processor's counters do not have yet.  A
 * thread that runs at the same time is seen a little late. */
void gaiti_proc_count_live_runs(const struct gaiti_proc *proc, uint64_t *bytes, uint64_t *objects);

/* Bytes of runs that are not handed out yet, no object among them.  As above. */
uint64_t gaiti_proc_count_unused(const struct gaiti_proc *proc);

#endif
