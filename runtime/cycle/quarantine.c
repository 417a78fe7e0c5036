/* The objects in quarantine are marked when all else of the cycle is known: weak references are
 * cleared, finalizers due, and the heap's bytes counted, as without the option.  Threads run, and
 * what they allocate is black.  A cycle of the option is never young, so it finds these objects
 * white again.  Weak references that were dead are marked by that, and are gone through once more:
 * they may be to objects for which there was no room. */
#include "cycle/quarantine.h"

#include "barrier/finder.h"
#include "cycle/cycle.h"
#include "cycle/referrers.h"
#include "mark/marker.h"
#include "weak/weak_heap.h"

#define QUARANTINE_BYTES ((size_t)16 << 20)

static uint64_t quarantine_cycle(const gait_heap *heap) {
  return heap->cycle->records.last + 1;
}

void gaiti_quarantine_check(gait_heap *heap) {
  struct gaiti_mark_counts counts = gaiti_marking_counts(heap);
  gaiti_finder_check(heap, quarantine_cycle(heap), gaiti_referrers_has);
  gaiti_lock(&heap->marking->lock);
  heap->marking->counts = counts;
  gaiti_unlock(&heap->marking->lock);
}

static size_t quarantine_most_bytes(const gait_heap *heap) {
  uint64_t hard = gaiti_space_hard_limit(&heap->space) / 16;
  return hard < QUARANTINE_BYTES ? (size_t)hard : QUARANTINE_BYTES;
}

void gaiti_quarantine_fill(gait_heap *heap) {
  struct gaiti_marker *marker = heap->cycle->runner.marker;
  uintptr_t *starts;
  size_t count =
      gaiti_finder_lose(heap, quarantine_cycle(heap), quarantine_most_bytes(heap), &starts);
  gaiti_marker_resume(marker);
  for (size_t i = 0; i < count; i++)
    gaiti_marker_word(marker, starts[i]);
  gaiti_marker_drain(marker);
  gaiti_marker_pause(marker);
  gaiti_weak_close(heap);
  gaiti_os_free(starts);
  gaiti_finder_forget_dead(heap);
}
