/* ephemerons.h: the ephemerons of one heap, and those of the cycle under way whose keys are not
 * marked yet: they wait.
 *
 * .inv.ephemeron  After a sweep each allocated ephemeron has no key; or one that is no reference or
 *                 one to an allocated object, and a value likewise. */
#ifndef GAITI_MARK_EPHEMERONS_H
#define GAITI_MARK_EPHEMERONS_H

#include "mark/marker.h"

/* An object of the kind GAITI_KIND_EPHEMERON; all atomic.
 *   key, value  references, plain or tagged, or any other words; without a key the value is not
 *               looked at
 *   next        the next one that waits in the same bucket
 *   round       of the cycle in which it has been put there */
struct gait_ephemeron {
  AO_t key;
  AO_t value;
  gaiti_atomic_pointer next;
  AO_t round;
};

/* The buckets that there are without memory being asked for. */
#define GAITI_EPHEMERONS_LEAST (GAITI_STRESS ? 2u : 64u)

/* The table of those that wait.  It does not change while it is open, but for what is put into it.
 *   buckets        lists, by the granule of the key; a power of two
 *   filter         a bit for each few words of marks: whether keys there are waited for
 *   filter_words   a power of two */
struct gaiti_waiting {
  gaiti_atomic_pointer *buckets;
  AO_t *filter;
  size_t count;
  size_t filter_words;
};

/*   open     the table is there: from the begin of a cycle to its last look at keys; never in one
 *            that has begun before there was an ephemeron; written by the runner of the cycle
 *   used     the heap has had an ephemeron; never lowered
 *   round    counts cycles that have a table
 *   least_*  of which the table is made where it is small, or there is no memory for another */
struct gaiti_ephemerons {
  AO_t open;
  struct gaiti_waiting waiting;
  AO_t used;
  AO_t round;
  gaiti_atomic_pointer least_buckets[GAITI_EPHEMERONS_LEAST];
  AO_t least_filter[1];
};

bool gaiti_ephemerons_init(gait_heap *heap);
void gaiti_ephemerons_destroy(gait_heap *heap);

/* Begins a cycle; before any barrier is on. */
void gaiti_ephemerons_begin(gait_heap *heap);

/* Has the ephemerons that wait for newly marked objects traced. */
void gaiti_ephemerons_wake(struct gaiti_marker *marker, struct gaiti_group marked);

/* Whether gaiti_ephemerons_clear takes longer than a thread with a deadline may. */
bool gaiti_ephemerons_are_many(const gait_heap *heap);

/* Clears those that wait for keys that are dead.  Marking is closed, and the epoch has not risen.
 * Threads run.  May be called again, when more has been marked. */
void gaiti_ephemerons_clear(gait_heap *heap);

/* There is no table any more: no key of an object that is marked will be dead in this cycle.  Also
 * in the child of a fork, for a cycle that is not gone on with. */
void gaiti_ephemerons_end(gait_heap *heap);

/* The fixed point by another way, for checkmark: marks the values of ephemerons that are marked in
 * the marker's own table and whose keys are, where the values are not.  Returns whether there were
 * any.  All threads are stopped. */
bool gaiti_ephemerons_mark_values(struct gaiti_marker *marker);

/* Checks .inv.ephemeron; all threads are stopped, and the sweep is over. */
void gaiti_ephemerons_walk(const gait_heap *heap);

/* The object to which a key or a value refers; 0: none. */
static inline gaiti_ref gaiti_ephemeron_referent(const gait_heap *heap, uintptr_t word) {
  return gaiti_map_find(&heap->map, gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, word));
}

/* Looks whether anything waits; inline, for every group that a marker marks. */
static inline void gaiti_ephemerons_note_marked(struct gaiti_marker *marker,
                                                struct gaiti_group marked) {
  if (__builtin_expect(AO_load(&marker->ephemerons->open) != 0, 0))
    gaiti_ephemerons_wake(marker, marked);
}

#endif
