/* Marking, as fast as memory lets it.
 *
 * To mark an object costs two cache misses that depend on one another: its mark bit, and its
 * fields.  Following references one by one, a processor waits for both each time.  So a marker
 * keeps two queues of things that it has asked memory for and not yet looked at:
 *
 *   word ---resolve---> candidates ---test and set bit---> local stack ---> scans ---trace--->
 * words (asks for the bits)                              (asks for the object)
 *
 * A word is resolved from the block's shape, which is a small dense table and stays in the cache.
 * Its mark bit is asked for, and it waits in `candidates` until as many others have come after it.
 * Then the bit is there.  If it is newly marked it goes on the local stack; from there objects move
 * to `scans`, their memory asked for, and are traced when their turn comes.  When the stack runs
 * dry the queues are drained early: a list has no parallelism to wait for.
 *
 * The races.  Several markers may find the same bit clear; compare-and-swap lets one win, and the
 * load before it spares the rest the cost.  A mutator changes an object's fields while it is
 * traced: the marker sees the old or the new value of each, and the barrier has shaded both.  An
 * object that is being initialised by its mutator was born marked and is never traced here; one
 * that was allocated before marking began is published by a release store that the marker's load
 * follows.
 *
 * .mark.termination  A marker is active while it holds work (.inv.active), and its counts reach the
 * heap when it stops being active.  cycle.c argues the end of marking from these two. */
#include "mark/marker.h"

#include "base/check.h"
#include "mark/candidates.h"
#include "mark/trace.h"

/* A marker looks whether others are hungry after so many objects, and shares what it has then when
 * that is more than a few. */
#define MARKER_SHARE_INTERVAL 128
#define MARKER_SHARE_LEAST    32

/* A shade takes as long as so many bytes of marking, and is no work that anybody gets credit for.
 */
#define MARKER_SHADE_COST_BYTES 16

/* ---- The local stack ---- */

static bool marker_stash(struct gaiti_marker *marker) {
  struct gaiti_segment *fresh = gaiti_os_alloc(sizeof *fresh);
  if (!fresh) return false;
  marker->local->next = marker->stash;
  marker->stash = marker->local;
  marker->local = fresh;
  return true;
}

static bool marker_unstash(struct gaiti_marker *marker) {
  struct gaiti_segment *segment = marker->stash;
  if (!segment) return false;
  marker->stash = segment->next;
  gaiti_os_free(marker->local);
  marker->local = segment;
  return true;
}

/* Neither segment has room: one goes to the others.  Without a new one the entry is dropped.
 * Model: tests/model/overflow.pml. */
static bool marker_make_room(struct gaiti_marker *marker) {
  if (marker->alone) return marker_stash(marker);
  struct gaiti_segment *full = marker->local;
  if (marker->spare->count == 0) {
    marker->local = marker->spare;
    marker->spare = full;
    return true;
  }
  struct gaiti_segment *fresh = gaiti_segment_take(marker->heap);
  if (!fresh) {
    AO_store_release(&marker->heap->marking->overflowed, 1);
    return false;
  }
  gaiti_segment_give_work(marker->heap, marker->spare);
  marker->spare = full;
  marker->local = fresh;
  fresh->count = 0;
  return true;
}

/* Model: tests/model/overflow.pml. */
static void marker_push(struct gaiti_marker *marker, gaiti_ref entry) {
  if (marker->local->count == GAITI_SEGMENT_ENTRIES && !marker_make_room(marker)) return;
  marker->local->entries[marker->local->count++] = entry;
}

static gaiti_ref marker_pop(struct gaiti_marker *marker) {
  if (marker->local->count == 0) {
    if (marker->spare->count == 0) return 0;
    struct gaiti_segment *empty = marker->local;
    marker->local = marker->spare;
    marker->spare = empty;
  }
  return marker->local->entries[--marker->local->count];
}

/* Gives the last `count` entries of the local stack to those who wait, if anybody does. */
static void marker_share(struct gaiti_marker *marker, uint32_t count) {
  struct gaiti_segment *local = marker->local;
  if (marker->alone || AO_load(&marker->heap->marking->hungry) == 0) return;
  struct gaiti_segment *gift = gaiti_segment_take(marker->heap);
  if (!gift) return;
  gift->count = count;
  local->count -= count;
  for (uint32_t i = 0; i < gift->count; i++)
    gift->entries[i] = local->entries[local->count + i];
  gaiti_segment_give_work(marker->heap, gift);
}

/* ---- Candidates: objects whose mark bits have been asked for ---- */

/* The bytes of a slot of each size class. */
static const uint16_t marker_class_bytes[GAIT_SIZE_CLASSES] = {
#define EIGHT(first, step)                                                                         \
  (first), (first) + (step), (first) + 2 * (step), (first) + 3 * (step), (first) + 4 * (step),     \
      (first) + 5 * (step), (first) + 6 * (step), (first) + 7 * (step)
    EIGHT(16, 16),    EIGHT(144, 16),   EIGHT(288, 32),    EIGHT(576, 64),     EIGHT(1152, 128),
    EIGHT(2304, 256), EIGHT(4608, 512), EIGHT(9216, 1024), EIGHT(18432, 2048),
#undef EIGHT
};

static size_t marker_bytes(const struct gaiti_marker *marker, gaiti_ref ref) {
  if (__builtin_expect(!(ref & GAITI_REF_LARGE), 1))
    return marker_class_bytes[gaiti_ref_class(ref)];
  return gaiti_ref_bytes(&marker->map, ref);
}

/* Model: tests/model/start.pml, termination.pml, roots.pml, weak.pml, overflow.pml. */
void gaiti_marker_mark_oldest(struct gaiti_marker *marker) {
  gaiti_ref ref = marker->candidates[marker->candidates_head++ % GAITI_CANDIDATES];
  if (!gaiti_ref_mark(&marker->map, ref)) return;
  CHECK_SLOW("mark.dangling", gaiti_ref_is_allocated(&marker->map, ref),
             "a field that its kind calls a reference points to a free slot");
  marker->counts.objects++;
  marker->counts.bytes += marker_bytes(marker, ref);
  if (!(ref & GAITI_REF_LEAF)) marker_push(marker, ref);
}

void gaiti_marker_word(struct gaiti_marker *marker, uintptr_t word) {
  gaiti_ref ref = gaiti_map_resolve(&marker->map, word);
  if (ref) gaiti_marker_add(marker, ref);
}

GAITI_RACY void gaiti_marker_range(struct gaiti_marker *marker, const void *start,
                                   const void *end) {
  uintptr_t first = ((uintptr_t)start + 7) & ~(uintptr_t)7;
  for (const volatile uintptr_t *word = (const volatile uintptr_t *)first;
       (uintptr_t)(word + 1) <= (uintptr_t)end; word++) {
    uintptr_t value = *word;
    if (gaiti_map_covers(&marker->map, value)) gaiti_marker_word(marker, value);
  }
}

void gait_trace_slot(gait_tracer *tracer, void *const *slot) {
  gaiti_marker_reference(&tracer->marker, AO_load((const AO_t *)(const void *)slot));
}

void gait_trace_range(gait_tracer *tracer, const void *start, size_t bytes) {
  gaiti_marker_range(&tracer->marker, start, (const char *)start + bytes);
}

/* ---- Scans: objects that have been asked for ---- */

/* Traces a piece of a large object, having put the rest back for anyone to take.  Such an entry of
 * the queue has the place in the object where tracing is to go on, not the object's start. */
static void marker_scan_large(struct gaiti_marker *marker, gaiti_ref entry) {
  uintptr_t place = gaiti_ref_start(&marker->map, entry);
  gaiti_ref ref = gaiti_map_find(&marker->map, place);
  const struct gaiti_kind *kind = &marker->kinds[gaiti_ref_kind(ref)];
  uintptr_t start = gaiti_ref_start(&marker->map, ref);
  size_t bytes = gaiti_ref_bytes(&marker->map, ref), from = place - start, to = bytes;
  if (to - from > GAITI_TRACE_PIECE_BYTES && kind->form != GAIT_KIND_CALLBACK) {
    to = from + GAITI_TRACE_PIECE_BYTES;
    marker_push(marker, entry + (GAITI_TRACE_PIECE_BYTES >> GAITI_GRANULE_SHIFT));
    if (marker->local->count > 0) marker_share(marker, 1);
  }
  marker->work += to - from;
  gaiti_trace(marker, kind, start, bytes, from, to);
}

/* Model: tests/model/start.pml, termination.pml, overflow.pml. */
static void marker_scan(struct gaiti_marker *marker, gaiti_ref ref) {
  if (__builtin_expect((ref & GAITI_REF_LARGE) != 0, 0)) {
    marker_scan_large(marker, ref);
    return;
  }
  size_t bytes = marker_class_bytes[gaiti_ref_class(ref)];
  marker->work += bytes;
  gaiti_trace(marker, &marker->kinds[gaiti_ref_kind(ref)], gaiti_ref_start(&marker->map, ref),
              bytes, 0, bytes);
}

/* Model: tests/model/overflow.pml. */
static void marker_rescan_word(struct gaiti_marker *marker, uint32_t block, uint32_t word) {
  const AO_t *words = &marker->map.marks[gaiti_block_word(block)];
  for (AO_t marks = AO_load(&words[word]); marks; marks &= marks - 1) {
    uintptr_t start = (uintptr_t)gaiti_block_start(&marker->map, block) +
                      ((word * 64 + (uintptr_t)__builtin_ctzll(marks)) << GAITI_GRANULE_SHIFT);
    gaiti_ref ref = gaiti_map_find(&marker->map, start);
    size_t bytes = gaiti_ref_bytes(&marker->map, ref);
    gaiti_trace(marker, &marker->kinds[gaiti_ref_kind(ref)], start, bytes, 0, bytes);
  }
}

/* What it finds is marked and traced block by block, so that the local stack has room again.
 * Model: tests/model/overflow.pml. */
void gaiti_marker_rescan(struct gaiti_marker *marker) {
  uint32_t top = gaiti_space_top(&marker->heap->space);
  for (uint32_t block = 0; block < top; block++) {
    if (gaiti_block_is_free(&marker->map, block)) continue;
    for (uint32_t word = 0; word < GAITI_BLOCK_WORDS; word++)
      marker_rescan_word(marker, block, word);
    while (gaiti_marker_run(marker, GAITI_BLOCK_BYTES)) {
    }
  }
}

/* Moves objects from the local stack to `scans` until that is full. */
static void marker_ask(struct gaiti_marker *marker) {
  while (marker->scans_tail - marker->scans_head < GAITI_SCANS) {
    gaiti_ref entry = marker_pop(marker);
    if (!entry) return;
    __builtin_prefetch((const void *)gaiti_ref_start(&marker->map, entry), 0);
    marker->scans[marker->scans_tail++ % GAITI_SCANS] = entry;
  }
}

/* Takes shared work.  Returns its cost so far in bytes of marking; 0 when there is none.
 * Model: tests/model/termination.pml, overflow.pml. */
static uint64_t marker_take_shared(struct gaiti_marker *marker) {
  struct gaiti_marking *marking = marker->heap->marking;
  if (marker->alone) return marker_unstash(marker);
  if (AO_load_acquire(&marking->segments)) {
    gaiti_lock(&marking->lock);
    struct gaiti_segment *segment = marking->work;
    if (segment) {
      marking->work = segment->next;
      AO_store_release(&marking->segments, AO_load(&marking->segments) - 1);
      marker->local->next = marking->empty;
      marking->empty = marker->local;
      marker->local = segment;
    }
    gaiti_unlock(&marking->lock);
    gaiti_delay(marker->heap);
    if (segment) return 1;
  }
  struct gaiti_shade_buffer *buffer = gaiti_shades_take(marker->heap);
  if (!buffer) return 0;
  gaiti_delay(marker->heap);
  uint64_t cost = 1 + (uint64_t)buffer->count * MARKER_SHADE_COST_BYTES;
  for (uint32_t i = 0; i < buffer->count; i++)
    gaiti_marker_word(marker, buffer->words[i]);
  gaiti_shades_give(marker->heap, buffer);
  return cost;
}

bool gaiti_marker_run(struct gaiti_marker *marker, uint64_t budget) {
  uint64_t until = marker->work + budget, others = 0;
  uint32_t objects = 0;
  while (marker->work + others < until) {
    marker_ask(marker);
    if (marker->scans_tail != marker->scans_head) {
      marker_scan(marker, marker->scans[marker->scans_head++ % GAITI_SCANS]);
      if (++objects % MARKER_SHARE_INTERVAL == 0 && marker->local->count >= MARKER_SHARE_LEAST)
        marker_share(marker, marker->local->count / 2);
    } else if (marker->candidates_tail != marker->candidates_head) {
      while (marker->candidates_tail != marker->candidates_head)
        gaiti_marker_mark_oldest(marker);
    } else {
      uint64_t cost = marker_take_shared(marker);
      if (cost == 0) return false;
      others += cost;
    }
  }
  return true;
}

/* ---- Becoming active and stopping ---- */

/* Model: tests/model/termination.pml, overflow.pml. */
static void marker_start(struct gaiti_marker *marker) {
  gaiti_lock(&marker->heap->marking->lock);
  marker->heap->marking->active++;
  gaiti_unlock(&marker->heap->marking->lock);
}

/* Empties the two queues into the local stack. */
static void marker_settle(struct gaiti_marker *marker) {
  while (marker->candidates_tail != marker->candidates_head)
    gaiti_marker_mark_oldest(marker);
  while (marker->scans_tail != marker->scans_head)
    marker_push(marker, marker->scans[marker->scans_head++ % GAITI_SCANS]);
}

/* Model: tests/model/overflow.pml. */
static void marker_give_segment(struct gaiti_marker *marker, struct gaiti_segment **segment) {
  if ((*segment)->count == 0) return;
  struct gaiti_segment *fresh = gaiti_segment_take(marker->heap);
  if (!fresh) {
    AO_store_release(&marker->heap->marking->overflowed, 1);
    (*segment)->count = 0;
    return;
  }
  gaiti_segment_give_work(marker->heap, *segment);
  *segment = fresh;
  fresh->count = 0;
}

/* Model: tests/model/termination.pml, overflow.pml. */
static void marker_stop(struct gaiti_marker *marker) {
  struct gaiti_marking *marking = marker->heap->marking;
  marker_settle(marker);
  if (marker->work) gaiti_delay(marker->heap);
  marker_give_segment(marker, &marker->local);
  marker_give_segment(marker, &marker->spare);
  gaiti_lock(&marking->lock);
  marking->counts.objects += marker->counts.objects;
  marking->counts.bytes += marker->counts.bytes;
  marking->counts.scan_bytes += marker->work;
  AO_store(&marking->scan_bytes, marking->counts.scan_bytes);
  if (--marking->active == 0) gaiti_wake(&marking->changed);
  gaiti_unlock(&marking->lock);
  marker->counts = (struct gaiti_mark_counts){0};
  marker->work = 0;
}

void gaiti_marker_pause(struct gaiti_marker *marker) {
  marker_stop(marker);
}

void gaiti_marker_resume(struct gaiti_marker *marker) {
  marker_start(marker);
}

static void marker_free(struct gaiti_marker *marker) {
  gaiti_os_free(marker->local);
  gaiti_os_free(marker->spare);
  gaiti_os_free(marker);
}

static struct gaiti_marker *marker_new(gait_heap *heap) {
  struct gaiti_marker *marker = gaiti_os_alloc(sizeof(struct gait_tracer));
  if (!marker) return NULL;
  marker->heap = heap;
  marker->map = heap->map;
  marker->kinds = heap->kinds.table;
  marker->local = gaiti_os_alloc(sizeof *marker->local);
  marker->spare = gaiti_os_alloc(sizeof *marker->spare);
  if (marker->local && marker->spare) return marker;
  marker_free(marker);
  return NULL;
}

struct gaiti_marker *gaiti_marker_take(gait_heap *heap) {
  struct gaiti_marking *marking = heap->marking;
  gaiti_lock(&marking->lock);
  struct gaiti_marker *marker = marking->spare;
  if (marker) marking->spare = marker->next;
  gaiti_unlock(&marking->lock);
  if (!marker) marker = marker_new(heap);
  if (marker) marker_start(marker);
  return marker;
}

bool gaiti_marker_reserve(gait_heap *heap) {
  heap->marking->reserve = marker_new(heap);
  return heap->marking->reserve != NULL;
}

/* Model: tests/model/roots.pml. */
struct gaiti_marker *gaiti_marker_take_reserve(gait_heap *heap) {
  struct gaiti_marking *marking = heap->marking;
  for (;;) {
    gaiti_lock(&marking->lock);
    struct gaiti_marker *marker = marking->reserve;
    marking->reserve = NULL;
    gaiti_unlock(&marking->lock);
    if (marker)
      marker_start(marker);
    else
      marker = gaiti_marker_take(heap);
    if (marker) return marker;
    gaiti_os_yield();
  }
}

void gaiti_marker_give(struct gaiti_marker *marker) {
  struct gaiti_marking *marking = marker->heap->marking;
  marker_stop(marker);
  gaiti_lock(&marking->lock);
  if (!marking->reserve) {
    marking->reserve = marker;
  } else {
    marker->next = marking->spare;
    marking->spare = marker;
  }
  gaiti_unlock(&marking->lock);
}

void gaiti_markers_free(gait_heap *heap) {
  if (heap->marking->reserve) marker_free(heap->marking->reserve);
  while (heap->marking->spare) {
    struct gaiti_marker *marker = heap->marking->spare;
    heap->marking->spare = marker->next;
    marker_free(marker);
  }
}
