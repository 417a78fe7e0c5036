/* heap.h: one heap.  The fields of this layer stand here; each higher layer keeps its part behind a
 * pointer that this header only names.
 *
 *   epoch        counts cycles: raised when marking has ended; a block is swept when its own number
 *                is this one.  Written by the thread that runs the cycle.
 *   live_bytes   found live by the last cycle, and every byte handed to a cache since; when a run
 *                is given back, its unused slots are taken off.  This counter and the next two are
 *                behind by the sums that processors have yet to flush (mutator/proc.h).  The memory
 *                that objects hold outside the heap is `externals.bytes`, and is in none of these:
 *                gaiti_heap_live is the sum.
 *   black_bytes  handed out already marked in the cycle under way */
#ifndef GAITI_HEAP_HEAP_H
#define GAITI_HEAP_HEAP_H

#include "heap/block.h"
#include "heap/external.h"
#include "heap/generation.h"
#include "heap/hooks.h"
#include "heap/kind.h"
#include "heap/roots.h"
#include "heap/space.h"
#include "heap/tags.h"

struct gaiti_threads;         /* mutator/thread.h */
struct gaiti_procs;           /* mutator/proc.h */
struct gaiti_fibers;          /* mutator/fibers.h */
struct gaiti_partial;         /* alloc/partial.h */
struct gaiti_barrier_buffers; /* barrier/buffers.h */
struct gaiti_ephemerons;      /* mark/ephemerons.h */
struct gaiti_marking;         /* mark/marking.h */
struct gaiti_weak;            /* weak/weak_heap.h */
struct gaiti_finalizers;      /* weak/finalizers.h */
struct gaiti_sweep;           /* sweep/sweep.h */
struct gaiti_cycle;           /* cycle/cycle.h */
struct gaiti_finder;          /* barrier/finder.h */
struct gaiti_profile;         /* heap/samples.h */

/* Counters of all processors stand apart from the fields that they only read. */
#define GAITI_HEAP_APART 128

/* The option max_heap is no less: an empty heap with some threads takes a third of this. */
#define GAITI_LEAST_HEAP_BYTES ((int64_t)1 << 20)

/*   short_runs  a thread that allocates runs a cycle, and waits for the others: they get their runs
 *               in parts (alloc/cache.c)
 *   hooks       calls of the layers of threads and of allocation to the cycle; set with it */
struct gait_heap {
  struct gaiti_map map;
  gait_options options;
  AO_t epoch;
  AO_t memory_limit; /* the one that holds; GAITI_NO_LIMIT, which is GAIT_OFF: none */
  AO_t short_runs;
  struct gaiti_tags tags; /* constant */
  char apart_before[GAITI_HEAP_APART];
  AO_t live_bytes;
  AO_t scannable_bytes; /* of live_bytes: of kinds that are not leaves */
  AO_t black_bytes;
  char apart_after[GAITI_HEAP_APART];
  uint16_t tag;
  struct gaiti_kinds kinds;
  struct gaiti_space space;
  struct gaiti_roots roots;
  struct gaiti_externals externals;
  struct gaiti_generation generation;
  const struct gaiti_hooks *hooks;
  struct gaiti_threads *threads;
  struct gaiti_procs *procs;
  struct gaiti_fibers *fibers;
  struct gaiti_partial *partial;
  struct gaiti_barrier_buffers *buffers;
  struct gaiti_ephemerons *ephemerons;
  struct gaiti_marking *marking;
  struct gaiti_weak *weak;
  struct gaiti_finalizers *finalizers;
  struct gaiti_sweep *sweep;
  struct gaiti_cycle *cycle;
  struct gaiti_finder *finder;   /* NULL: the option find_missing is off */
  struct gaiti_profile *profile; /* NULL: the option profile_bytes is off */
  gaiti_atomic_pointer user;     /* the program's own */
  bool forked; /* in the child of a fork: slots that the lost threads had in hand are lost */
};

/* Whether the kind was registered on this heap. */
static inline bool gaiti_heap_has_kind(const gait_heap *heap, gait_kind kind) {
  return kind.heap_tag == heap->tag && kind.index < gaiti_kinds_count(&heap->kinds);
}

/* Flags of the barrier that are never lowered: with the option find_missing every store takes its
 * slow path. */
static inline uint32_t gaiti_heap_marks_always(const gait_heap *heap) {
  return heap->options.debug.find_missing ? GAIT_SHADE_NEW : 0;
}

/* Sets up the fields of this layer; `options` have been checked. */
gait_result gaiti_heap_init(gait_heap *heap, const gait_options *options);
void gaiti_heap_destroy(gait_heap *heap);

/* The sum that counts against the goal, the trigger and the memory limit: the heap's own bytes, and
 * those that objects hold outside.  Each of the two sums is exact by itself, and set back by its
 * owner alone: the end of a cycle takes dead objects off the one, and the table of external bytes
 * takes theirs off the other. */
static inline uint64_t gaiti_heap_live(const gait_heap *heap) {
  return gaiti_counter_read(&heap->live_bytes) + AO_load(&heap->externals.bytes);
}

void gaiti_delay_slow(const gait_heap *heap);

/* Sleeps at random, at most the option `delay_us`, seldom and long, so that one thread sleeps
 * through several steps of the others: stands at the steps of protocols, so that rare interleavings
 * become common under test. */
static inline void gaiti_delay(const gait_heap *heap) {
  if (__builtin_expect(heap->options.debug.delay_us != 0, 0)) gaiti_delay_slow(heap);
}

/* Writes one line to the heap's log.  No lock may be held. */
void gaiti_log(gait_heap *heap, const char *format, ...) GAITI_PRINTF(2, 3);

/* Writes a line that stands in memory already, behind which there is room for one byte more. */
void gaiti_log_line(const gait_options *options, char *line);

#endif
