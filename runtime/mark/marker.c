/* Marking, as fast as memory lets it.
 *
 * To mark an object costs two cache misses that depend on one another: its mark bit, and its
 * fields.  Following references one by one, a CPU waits for both each time.  So a marker keeps two
 * queues of things that it has asked memory for and not yet read:
 *
 *   word --resolve--> candidates --test and set bits--> local stack --> scans --trace--> words
 *               (asks for the bits)                           (asks for the object)
 *          candidates.h                             local_stack.h       scan.h
 *
 * A word is resolved from the block's shape, which is a small dense table and stays in the cache.
 * References that come one after the other often have their mark bits in the same word: siblings,
 * the elements of an array, a list.  They are gathered into one group, for which the bits are asked
 * for once and set with one compare-and-swap, which costs as much as to trace an object.  Newly
 * marked objects go on the local stack as the group in which they came, and are traced as one: to
 * take an object from a queue by itself costs as much as to trace it.
 *
 * Both queues have two halves: while one is filled, the other's entries are on their way into the
 * cache.  A half of the candidates is full when it has so many groups; a half of the scans when so
 * many cache lines have been asked for, since a CPU can wait for a few dozen only.
 *
 * When the stack runs dry the queues are drained early.  A list has no parallelism to wait for: it
 * is followed from object to object, through no queue at all.
 *
 * A large object is traced in pieces.  The objects of an array lie mostly in the order of its
 * elements, and the objects to which those refer lie anywhere: so the pieces come first, and find
 * nearly all elements in that order, many objects to a group, as long as the queue of the heap has
 * room for it.  When it has none, all objects that have been asked for are traced before the next
 * piece.
 *
 * The races.  Several markers may find the same bit clear; compare-and-swap lets one win, and the
 * load before it spares the rest the cost.  A mutator changes an object's fields while it is
 * traced: the marker sees the old or the new value of each, and the barrier has shaded both.  An
 * object that is being initialised by its mutator was born marked and is never traced here; one
 * that was allocated before marking began is published by a release store that the marker's load
 * follows.  That load has no order of its own, and C11 would want one: here the CPU keeps
 * loads through a reference behind the load of the reference (tests/litmus/publish.litmus).
 *
 * .mark.termination  A marker is active while it holds work (.inv.active), and its counts reach the
 * heap when it stops being active.  cycle.c argues the end of marking from these two.
 *
 * Models: finalizers, overflow, roots, start, termination, weak.  Litmus: overflow. */
#include "mark/marker.h"

#include "base/collecting.h"
#include "mark/candidates.h"
#include "mark/ephemerons.h"
#include "mark/local_stack.h"
#include "mark/scan.h"
#include "mark/trace.h"
#include "os/virtual.h"

/* A marker shares with others that are hungry only when it has more than a few groups. */
#define MARKER_SHARE_LEAST 4

/* A shade takes as long as so many bytes of marking, and is no work for which credit is given. */
#define MARKER_SHADE_COST_BYTES 16

/* ---- Candidates: objects whose mark bits have been asked for ---- */

/* The bytes of a slot of each size class. */
const uint16_t gaiti_marker_class_bytes[GAIT_SIZE_CLASSES] = {
#define EIGHT(first, step)                                                                         \
  (first), (first) + (step), (first) + 2 * (step), (first) + 3 * (step), (first) + 4 * (step),     \
      (first) + 5 * (step), (first) + 6 * (step), (first) + 7 * (step)
    EIGHT(16, 16),    EIGHT(144, 16),   EIGHT(288, 32),    EIGHT(576, 64),     EIGHT(1152, 128),
    EIGHT(2304, 256), EIGHT(4608, 512), EIGHT(9216, 1024), EIGHT(18432, 2048),
#undef EIGHT
};

void gaiti_marker_retrace(struct gaiti_marker *marker, struct gaiti_group group) {
  gaiti_local_wait(marker, group);
}

/* Marks a group's candidates, and pushes those that were not marked.  Mostly that is all, and then
 * the pushed group does not come from the word of marks: a CPU that guesses so goes on to the
 * objects before that word is there.  The compiler must not see that the two are equal. */
static inline void marker_mark(struct gaiti_marker *marker, struct gaiti_group group) {
  AO_t bits = gaiti_marks_set(&marker->map, group.ref, group.bits);
  if (!bits) return;
  if (bits == group.bits)
    __asm__ volatile("" : "+r"(group.bits));
  else
    group.bits = bits;
  gaiti_marker_count(marker, group);
  if (!(group.ref & GAITI_REF_LEAF)) gaiti_local_wait(marker, group);
  gaiti_ephemerons_note_marked(marker, group);
}

void gaiti_marker_mark_oldest(struct gaiti_marker *marker) {
  struct gaiti_group *fresh = marker->fresh;
  struct gaiti_group *oldest = marker->candidates[fresh == marker->candidates[0]];
  struct gaiti_group *group = oldest, *end = oldest + marker->ripe;
  if (__builtin_expect(marker->taker != NULL, 0))
    for (; group < end; group++)
      marker->taker(gaiti_group_read(group), marker->taker_arg);
  for (; group < end; group++)
    marker_mark(marker, gaiti_group_read(group));
  marker->ripe = (size_t)(marker->next - fresh);
  marker->fresh = marker->next = oldest;
  marker->full = oldest + GAITI_CANDIDATES;
}

/* Marks all candidates.  Whether there were any. */
static bool marker_mark_all(struct gaiti_marker *marker) {
  bool any = marker->ripe > 0 || marker->next != marker->fresh;
  while (marker->ripe > 0 || marker->next != marker->fresh)
    gaiti_marker_mark_oldest(marker);
  if (marker->gathered.bits == 0) return any;
  marker_mark(marker, gaiti_group_read(&marker->gathered));
  marker->gathered = (struct gaiti_group){0};
  return true;
}

void gaiti_marker_mark_candidates(struct gaiti_marker *marker) {
  marker_mark_all(marker);
}

void gaiti_marker_set_taker(struct gaiti_marker *marker, gaiti_marker_take_fn *taker, void *arg) {
  marker->taker = taker;
  marker->taker_arg = arg;
}

void gaiti_marker_have_taken(struct gaiti_marker *marker) {
  while (marker->ripe > 0 || marker->next != marker->fresh)
    gaiti_marker_mark_oldest(marker);
  if (marker->gathered.bits) marker->taker(marker->gathered, marker->taker_arg);
  marker->gathered = (struct gaiti_group){0};
}

void gaiti_marker_word(struct gaiti_marker *marker, uintptr_t word) {
  gaiti_ref ref = gaiti_map_resolve(&marker->map, word);
  if (!ref) return;
  struct gaiti_gathering gathering = gaiti_gathering_begin(marker);
  gaiti_gathering_add(&gathering, ref);
  gaiti_gathering_end(&gathering);
}

/* gaiti_marker_range on a heap with a rule for tagged references. */
GAITI_RACY static void marker_range_tagged(struct gaiti_marker *marker, const void *start,
                                           const void *end) {
  for (const volatile uintptr_t *word = start; (uintptr_t)(word + 1) <= (uintptr_t)end; word++) {
    uintptr_t value = gaiti_tags_plain_or_tagged(&marker->tags, &marker->map, *word);
    if (gaiti_map_covers(&marker->map, value)) gaiti_marker_word(marker, value);
  }
}

GAITI_RACY void gaiti_marker_range(struct gaiti_marker *marker, const void *start,
                                   const void *end) {
  uintptr_t first = ((uintptr_t)start + 7) & ~(uintptr_t)7;
  if (gaiti_tags_exist(&marker->tags)) {
    marker_range_tagged(marker, (const void *)first, end);
    return;
  }
  for (const volatile uintptr_t *word = (const volatile uintptr_t *)first;
       (uintptr_t)(word + 1) <= (uintptr_t)end; word++) {
    uintptr_t value = *word;
    if (gaiti_map_covers(&marker->map, value)) gaiti_marker_word(marker, value);
  }
}

void gait_trace_slot(gait_tracer *tracer, void *const *slot) {
  gaiti_marker_reference(&tracer->marker, AO_load((const AO_t *)(const void *)slot));
}

void gait_trace_tagged(gait_tracer *tracer, void *const *slot) {
  struct gaiti_marker *marker = &tracer->marker;
  uintptr_t word = AO_load((const AO_t *)(const void *)slot);
  gaiti_marker_reference(marker, gaiti_tags_address(&marker->tags, word));
}

void gait_trace_range(gait_tracer *tracer, const void *start, size_t bytes) {
  gaiti_marker_range(&tracer->marker, start, (const char *)start + bytes);
}

/* Traces every marked object of a word of marks. */
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

/* Its finds are marked and traced block by block, so that the local stack has room again. */
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

void gaiti_marker_drain(struct gaiti_marker *marker) {
  gait_heap *heap = marker->heap;
  for (;;) {
    while (gaiti_marker_run(marker, UINT64_MAX / 2)) {
    }
    if (!gaiti_marking_overflowed(heap)) return;
    gaiti_marking_forget_overflow(heap);
    gaiti_marker_rescan(marker);
  }
}

/* Asks for the cache lines in which objects of a group start.  Returns their number. */
static inline uint32_t marker_prefetch(const struct gaiti_marker *marker,
                                       struct gaiti_group group) {
  uintptr_t start = gaiti_ref_start(&marker->map, group.ref);
  uint32_t count = 0;
  AO_t lines = group.bits | group.bits >> 1;
  lines = (lines | lines >> 2) & 0x1111111111111111;
  for (; lines; lines &= lines - 1, count++)
    gaiti_prefetch_for_read((const uintptr_t *)start + 2 * (unsigned)__builtin_ctzll(lines));
  return count;
}

/* Whether large objects come first: the objects to which they refer may pile up. */
static bool marker_prefers_large(const struct gaiti_marker *marker) {
  const struct gaiti_marking *marking = marker->heap->marking;
  return !marker->alone && AO_load(&marking->segments) < AO_load(&marking->segments_ahead);
}

/* Takes groups from the local stack and asks for their objects, until a half of `scans` is full;
 * `last`: the other is empty.  A large object comes before all others, or, lest its references pile
 * up, when all objects that have been asked for are traced.  Returns the number of groups. */
static uint32_t marker_ask(struct gaiti_marker *marker, struct gaiti_group *groups, bool last) {
  uint32_t count = 0, lines = 0;
  if (marker->large_count > 0 && marker_prefers_large(marker)) {
    groups[0] = marker->large[--marker->large_count];
    return 1;
  }
  while (lines < GAITI_SCANS && gaiti_local_has(marker)) {
    struct gaiti_segment *local = marker->local;
    struct gaiti_group group = gaiti_group_read(&local->entries[local->count - 1]);
    if (group.ref & GAITI_REF_LARGE && (count > 0 || !last)) break;
    local->count--;
    lines += marker_prefetch(marker, group);
    groups[count++] = group;
    if (group.ref & GAITI_REF_LARGE) break;
  }
  if (count == 0 && last && marker->large_count > 0) {
    groups[0] = marker->large[--marker->large_count];
    return 1;
  }
  return count;
}

/* Asks for objects, and traces those that have been asked for before.  Whether there were any. */
static bool marker_trace(struct gaiti_marker *marker) {
  uint32_t asked = marker->asked;
  bool half = marker->half;
  marker->asked = marker_ask(marker, marker->scans[half], asked == 0);
  marker->half = !half;
  if (asked == 0) return marker->asked > 0;
  gaiti_scan(marker, !half, asked);
  return true;
}

/* Takes shared work.  Returns its cost so far in bytes of marking; 0 when there is none. */
static uint64_t marker_take_shared(struct gaiti_marker *marker) {
  struct gaiti_marking *marking = marker->heap->marking;
  if (marker->alone) return gaiti_local_unstash(marker);
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
  struct gaiti_barrier_buffer *buffer = gaiti_buffers_take(marker->heap);
  if (!buffer) return 0;
  gaiti_delay(marker->heap);
  uint64_t cost = 1 + (uint64_t)buffer->count * MARKER_SHADE_COST_BYTES;
  for (uint32_t i = 0; i < buffer->count; i++)
    gaiti_marker_word(marker, buffer->words[i]);
  gaiti_buffers_give(marker->heap, buffer);
  return cost;
}

static bool marker_run(struct gaiti_marker *marker, uint64_t budget) {
  uint64_t until = marker->work + budget, others = 0;
  while (marker->work + others < until) {
    if (marker_trace(marker)) {
      if (marker->local->count >= MARKER_SHARE_LEAST && gaiti_local_others_hungry(marker))
        gaiti_local_share(marker, 0, marker->local->count / 2);
    } else if (!gaiti_scan_chain(marker, until) && !marker_mark_all(marker)) {
      uint64_t cost = marker_take_shared(marker);
      if (cost == 0) return false;
      others += cost;
    }
  }
  return true;
}

bool gaiti_marker_run(struct gaiti_marker *marker, uint64_t budget) {
  gaiti_collecting_begin();
  uint64_t work = marker->work;
  bool more = marker_run(marker, budget);
  gaiti_os_count_mark(marker->work - work);
  gaiti_collecting_end();
  return more;
}

/* ---- Becoming active and stopping ---- */

/* Makes the marker active. */
static void marker_start(struct gaiti_marker *marker) {
  gaiti_lock(&marker->heap->marking->lock);
  marker->heap->marking->active++;
  gaiti_unlock(&marker->heap->marking->lock);
}

/* Empties the queues into the local stack, large objects last: they are taken first. */
static void marker_flush(struct gaiti_marker *marker) {
  marker_mark_all(marker);
  while (marker->asked > 0)
    gaiti_local_push(marker, marker->scans[!marker->half][--marker->asked]);
  while (marker->large_count > 0)
    gaiti_local_push(marker, marker->large[--marker->large_count]);
}

/* Gives a segment's entries to the queue, or drops them where there is no memory for another. */
static void marker_give_segment(struct gaiti_marker *marker, struct gaiti_segment **segment) {
  if ((*segment)->count == 0) return;
  struct gaiti_segment *fresh = gaiti_segment_take(marker->heap);
  if (!fresh) {
    gaiti_marking_note_dropped(marker->heap);
    (*segment)->count = 0;
    return;
  }
  gaiti_segment_give_work(marker->heap, *segment);
  *segment = fresh;
  fresh->count = 0;
}

/* Gives all entries and counts back, and makes the marker inactive. */
static void marker_stop(struct gaiti_marker *marker) {
  struct gaiti_marking *marking = marker->heap->marking;
  marker_flush(marker);
  if (marker->work) gaiti_delay(marker->heap);
  marker_give_segment(marker, &marker->spare);
  marker_give_segment(marker, &marker->local);
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
  struct gaiti_space *space = &marker->heap->space;
  gaiti_structure_free(space, marker->local, sizeof *marker->local);
  gaiti_structure_free(space, marker->spare, sizeof *marker->spare);
  gaiti_structure_free(space, marker, sizeof(struct gait_tracer));
}

static struct gaiti_marker *marker_new(gait_heap *heap) {
  struct gaiti_marker *marker = gaiti_structure_alloc(&heap->space, sizeof(struct gait_tracer));
  if (!marker) return NULL;
  marker->heap = heap;
  marker->map = heap->map;
  marker->kinds = heap->kinds.table;
  marker->tags = heap->tags;
  marker->ephemerons = heap->ephemerons;
  marker->fresh = marker->next = marker->candidates[0];
  marker->full = marker->fresh + GAITI_CANDIDATES;
  marker->local = gaiti_structure_alloc(&heap->space, sizeof *marker->local);
  marker->spare = gaiti_structure_alloc(&heap->space, sizeof *marker->spare);
  if (marker->local && marker->spare) return marker;
  marker_free(marker);
  return NULL;
}

/* One from the pool, or a new one; not active.  NULL: out of memory. */
static struct gaiti_marker *marker_from_pool(gait_heap *heap) {
  struct gaiti_marking *marking = heap->marking;
  gaiti_lock(&marking->lock);
  struct gaiti_marker *marker = marking->spare;
  if (marker) marking->spare = marker->next_spare;
  gaiti_unlock(&marking->lock);
  return marker ? marker : marker_new(heap);
}

static void marker_to_pool_locked(struct gaiti_marking *marking, struct gaiti_marker *marker) {
  if (!marking->reserve) {
    marking->reserve = marker;
  } else {
    marker->next_spare = marking->spare;
    marking->spare = marker;
  }
}

struct gaiti_marker *gaiti_marker_take(gait_heap *heap) {
  struct gaiti_marker *marker = marker_from_pool(heap);
  if (marker) marker_start(marker);
  return marker;
}

struct gaiti_marker *gaiti_marker_join(gait_heap *heap) {
  struct gaiti_marking *marking = heap->marking;
  struct gaiti_marker *marker = marker_from_pool(heap);
  if (!marker) return NULL;
  gaiti_delay(heap);
  gaiti_lock(&marking->lock);
  bool open = marking->open;
  if (open)
    marking->active++;
  else
    marker_to_pool_locked(marking, marker);
  gaiti_unlock(&marking->lock);
  return open ? marker : NULL;
}

bool gaiti_marker_reserve(gait_heap *heap) {
  heap->marking->reserve = marker_new(heap);
  return heap->marking->reserve != NULL;
}

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
  marker_to_pool_locked(marking, marker);
  gaiti_unlock(&marking->lock);
}

void gaiti_markers_free(gait_heap *heap) {
  if (heap->marking->reserve) marker_free(heap->marking->reserve);
  while (heap->marking->spare) {
    struct gaiti_marker *marker = heap->marking->spare;
    heap->marking->spare = marker->next_spare;
    marker_free(marker);
  }
}
