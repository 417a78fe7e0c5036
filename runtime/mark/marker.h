/* marker.h: a marker: one thread's hold on the marking of a heap.
 *
 * Background workers, assists, a thread that waits for a collection, and callbacks (which know it
 * as gait_tracer) all mark through one.  Markers are pooled, and a helper that gets none helps
 * later.  Two never lack: the one of the thread that runs the cycle, and the reserve, which are
 * made with the heap. */
#ifndef GAITI_MARK_MARKER_H
#define GAITI_MARK_MARKER_H

#include "mark/marking.h"

/* How far ahead memory is asked for: words of mark bits that are on their way into the cache, of
 * which as many again are being gathered; and cache lines of objects, of which as many again are
 * being traced, in so many groups at most.  docs/design/notebook.md has the measurements. */
#define GAITI_CANDIDATES 256
#define GAITI_SCANS      12

/* So many large objects wait apart from the local stack. */
#define GAITI_MARKER_LARGE 64

/* Takes candidates, for a search that marks nothing: references that an object has, or a root. */
typedef void gaiti_marker_take_fn(struct gaiti_group group, void *arg);

/*   local, spare  segments of the marker's own; empty while it is not active
 *   large         large objects, or the rest of them, that wait apart from these
 *   gathered      candidates of the word that came last; no bits: none
 *   fresh, next   the half of `candidates` that is being filled, and the place in it
 *   full          that half's end
 *   ripe          how many there are in the other half
 *   half, asked   the half of `scans` to be filled next, and how many groups wait in the other
 *   work          bytes traced since the marker became active, for which credit is given
 *   counts        objects and bytes that it has marked since it became active
 *   large_count   entries of `large`
 *   next_spare    the next of the markers that are not active
 *   tags          the heap's rule, behind the queues, whose place in their cache lines counts
 *   ephemerons    the heap's (mark/ephemerons.h)
 *   alone, stash  a marker that marks alone keeps its full segments here, for checkmark
 *   taker         takes the references, and the marker marks nothing then; NULL: none does */
struct gaiti_marker {
  struct gaiti_map map;
  struct gaiti_group gathered;
  struct gaiti_group *fresh, *next, *full;
  size_t ripe;
  const struct gaiti_kind *kinds;
  gait_heap *heap;
  struct gaiti_segment *local;
  struct gaiti_segment *spare;
  uint32_t asked;
  bool half;
  struct gaiti_mark_counts counts;
  uint64_t work;
  bool alone;
  struct gaiti_segment *stash;
  struct gaiti_marker *next_spare;
  uint32_t large_count;
  struct gaiti_group candidates[2][GAITI_CANDIDATES];
  struct gaiti_group scans[2][GAITI_SCANS];
  struct gaiti_group large[GAITI_MARKER_LARGE];
  struct gaiti_tags tags;
  struct gaiti_ephemerons *ephemerons;
  gaiti_marker_take_fn *taker;
  void *taker_arg;
};

struct gait_tracer {
  struct gaiti_marker marker;
};

/* Takes a marker from the pool, active; NULL: out of memory. */
struct gaiti_marker *gaiti_marker_take(gait_heap *heap);

/* The same for a thread that helps, if marking is open (.inv.joined); NULL if not. */
struct gaiti_marker *gaiti_marker_join(gait_heap *heap);

/* Takes one that was made with the heap, for work that can neither fail nor be left; waits while
 * another such work has it.  Thread: any that holds no lock and no marker. */
struct gaiti_marker *gaiti_marker_take_reserve(gait_heap *heap);

/* Makes the reserve; false: out of memory. */
bool gaiti_marker_reserve(gait_heap *heap);

/* Gives all its work back and returns it to the pool, inactive. */
void gaiti_marker_give(struct gaiti_marker *marker);

void gaiti_markers_free(gait_heap *heap);

/* Gives its work back and its counts to the heap, and takes up work again: between slices. */
void gaiti_marker_pause(struct gaiti_marker *marker);
void gaiti_marker_resume(struct gaiti_marker *marker);

/* Marks until it has cost about as much as to trace `budget` bytes, or until there is nothing to
 * do.  Returns whether there may be more to do. */
bool gaiti_marker_run(struct gaiti_marker *marker, uint64_t budget);

/* Traces one word that may be a reference: allocation bits decide. */
void gaiti_marker_word(struct gaiti_marker *marker, uintptr_t word);

/* Traces every aligned word of [start, end), plain or tagged. */
void gaiti_marker_range(struct gaiti_marker *marker, const void *start, const void *end);

/* Marks the objects to which references have been handed to the marker, and traces none. */
void gaiti_marker_mark_candidates(struct gaiti_marker *marker);

/* Has the marker hand all references to `taker` and mark nothing, until the taker is NULL; and has
 * it take those that have been handed over so far. */
void gaiti_marker_set_taker(struct gaiti_marker *marker, gaiti_marker_take_fn *taker, void *arg);
void gaiti_marker_have_taken(struct gaiti_marker *marker);

/* Has marked objects, which have been traced before, traced anew. */
void gaiti_marker_retrace(struct gaiti_marker *marker, struct gaiti_group group);

/* Traces every marked object anew: the walk that finds dropped entries. */
void gaiti_marker_rescan(struct gaiti_marker *marker);

/* Marks all that is grey, dropped entries too, where the runner's marker is the only one. */
void gaiti_marker_drain(struct gaiti_marker *marker);

#endif
