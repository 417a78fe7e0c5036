/* The objects in quarantine are marked when all else of the cycle is known: weak references are
 * cleared, finalizers due, and the heap's bytes counted, as without the option.  Threads run, and
 * what they allocate is black.  A cycle of the option is never young, so it finds these objects
 * white again.  Weak references that were dead are marked by that, and are gone through once more:
 * they may be to objects for which there was no room. */
#include "cycle/quarantine.h"

#include <string.h>

#include "barrier/finder.h"
#include "cycle/cycle.h"
#include "mark/trace.h"
#include "weak/weak_heap.h"

#define QUARANTINE_BYTES ((size_t)16 << 20)

static uint64_t quarantine_cycle(const gait_heap *heap) {
  return heap->cycle->records.last + 1;
}

/* Asks as cycle/referrers.c does: by marks in which the one object alone is missing. */
static bool quarantine_refers(gait_heap *heap, uintptr_t object, uintptr_t referent) {
  gaiti_ref from = gaiti_map_find(&heap->map, object), to = gaiti_map_find(&heap->map, referent);
  size_t words = (size_t)gaiti_space_top(&heap->space) * GAITI_BLOCK_WORDS;
  size_t bytes = gaiti_ref_bytes(&heap->map, from);
  AO_t *marks = gaiti_os_alloc(words * sizeof *marks);
  struct gaiti_marker *marker = marks ? gaiti_marker_take(heap) : NULL;
  bool found = false;
  if (marker) {
    memset(marks, 0xff, words * sizeof *marks);
    marks[gaiti_ref_word(to)] &= ~gaiti_ref_bit(to);
    marker->map.marks = marks;
    marker->alone = true;
    gaiti_trace(marker, &marker->kinds[gaiti_ref_kind(from)], object, bytes, 0, bytes);
    while (gaiti_marker_run(marker, UINT64_MAX / 2)) {
    }
    found = marks[gaiti_ref_word(to)] & gaiti_ref_bit(to);
    marker->map.marks = heap->map.marks;
    marker->alone = false;
    gaiti_marker_give(marker);
  }
  gaiti_os_free(marks);
  return found;
}

void gaiti_quarantine_check(gait_heap *heap) {
  struct gaiti_mark_counts counts = gaiti_marking_counts(heap);
  gaiti_finder_check(heap, quarantine_cycle(heap), quarantine_refers);
  gaiti_lock(&heap->marking->lock);
  heap->marking->counts = counts;
  gaiti_unlock(&heap->marking->lock);
}

static size_t quarantine_most_bytes(const gait_heap *heap) {
  uint64_t hard = gaiti_space_hard_limit(&heap->space) / 16;
  return hard < QUARANTINE_BYTES ? (size_t)hard : QUARANTINE_BYTES;
}

/* Objects that fell out of the queue are found by a walk over all that are marked. */
static void quarantine_mark(gait_heap *heap, struct gaiti_marker *marker) {
  for (;;) {
    while (gaiti_marker_run(marker, UINT64_MAX / 2)) {
    }
    if (!gaiti_marking_overflowed(heap)) return;
    gaiti_marking_forget_overflow(heap);
    gaiti_marker_rescan(marker);
  }
}

void gaiti_quarantine_fill(gait_heap *heap) {
  struct gaiti_marker *marker = heap->cycle->runner.marker;
  uintptr_t *starts;
  size_t count =
      gaiti_finder_lose(heap, quarantine_cycle(heap), quarantine_most_bytes(heap), &starts);
  gaiti_marker_resume(marker);
  for (size_t i = 0; i < count; i++)
    gaiti_marker_word(marker, starts[i]);
  quarantine_mark(heap, marker);
  gaiti_marker_pause(marker);
  gaiti_weak_close(heap);
  gaiti_os_free(starts);
  gaiti_finder_forget_dead(heap);
}
