/* Models: overflow. */
#include "mark/local_stack.h"

#include <string.h>

static bool local_stash(struct gaiti_marker *marker) {
  struct gaiti_segment *fresh = gaiti_structure_alloc(&marker->heap->space, sizeof *fresh);
  if (!fresh) return false;
  marker->local->next = marker->stash;
  marker->stash = marker->local;
  marker->local = fresh;
  return true;
}

bool gaiti_local_unstash(struct gaiti_marker *marker) {
  struct gaiti_segment *segment = marker->stash;
  if (!segment) return false;
  marker->stash = segment->next;
  gaiti_structure_free(&marker->heap->space, marker->local, sizeof *marker->local);
  marker->local = segment;
  return true;
}

bool gaiti_local_make_room(struct gaiti_marker *marker) {
  if (marker->alone) return local_stash(marker);
  struct gaiti_segment *full = marker->local;
  if (marker->spare->count == 0) {
    marker->local = marker->spare;
    marker->spare = full;
    return true;
  }
  struct gaiti_segment *fresh = gaiti_segment_take(marker->heap);
  if (!fresh) {
    gaiti_marking_note_dropped(marker->heap);
    return false;
  }
  gaiti_segment_give_work(marker->heap, marker->spare);
  marker->spare = full;
  marker->local = fresh;
  fresh->count = 0;
  return true;
}

void gaiti_local_share(struct gaiti_marker *marker, uint32_t first, uint32_t count) {
  struct gaiti_segment *gift = gaiti_segment_take(marker->heap), *local = marker->local;
  if (!gift) return;
  memcpy(gift->entries, local->entries + first, count * sizeof *gift->entries);
  gift->count = count;
  local->count -= count;
  memmove(local->entries + first, local->entries + first + count,
          (local->count - first) * sizeof *local->entries);
  gaiti_segment_give_work(marker->heap, gift);
}
