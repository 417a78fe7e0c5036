/* Ephemerons: a value is marked when its ephemeron and its key are.
 *
 * Which of the two is marked last sees to it:
 *
 *   key first        Tracing the ephemeron finds the key marked, and marks the value, as that of
 *                    any field.
 *   ephemeron first  Tracing it puts it into a table: it waits.  A marker looks there for each
 *                    object that it has just marked.  Where one is a key that is waited for, the
 *                    ephemeron goes back on the marker's stack, to be traced again.
 *
 * So there are no rounds: when nothing is grey, the fixed point has been reached.  An ephemeron is
 * put into the table once a cycle and comes back once, and its bucket is as long as the table is
 * full: marking is linear in the number of ephemerons, in whatever order keys and values depend on
 * one another.  The table is made for all ephemerons that there are when the cycle begins.  Where
 * the system gives less memory, or where more come, the lists of its buckets are longer.  They
 * go through the ephemerons themselves, so that no memory can lack.
 *
 *   state     traced        moved by
 *   unseen    not yet       -
 *   waits     once          a marker, which finds its key white
 *   kept      again         the marker that marks the key
 *   cleared   not again     the runner, after the close: the key is dead
 *
 * To see whether an object is waited for has to be cheap, since every object is asked about: a
 * filter has a bit for a word of marks, and a bucket is looked at only where it is set.  In a heap
 * without ephemerons a marker looks at one flag for each group.
 *
 * .ephemeron.race  Two markers may have the two at the same time:
 *
 *   has the ephemeron                        has the key
 *   finds the key white                      .
 *   puts the ephemeron into the table        marks the key
 *   looks at the key's mark again            looks into the table
 *
 * Each writes before it looks, with a full fence between the two, so one of them at least sees the
 * other's.  If both do, the value is marked by one of them.  tests/litmus/awaited.litmus.
 *
 * .ephemeron.closure  What a thread reaches by way of an ephemeron is one more reference, from two
 * objects.  The invariant of cycle.c holds with it: a white object that a thread can reach is
 * reachable from grey ones, or from the stack of a thread that has not been scanned, by references
 * and by values whose ephemeron and key are.  No thread can cut such a way unseen:
 *
 *   the key is got     by a weak read (weak/weak_load.c): a thread that has scanned its stack
 *                      shades it.  Then the key is grey or marked, and the value, which it gets as
 *                      well, is on such a way.
 *   the value is set   or cleared: that is a store, and its barrier shades the value that goes, and
 *                      the one that comes while there is a stack that has not been scanned.  To be
 *                      shaded for no need keeps it a cycle longer.
 *   they are new       An ephemeron that a thread allocates black is not traced, like any black
 *                      object.  Its key and its value are in the hands of that thread, so they are
 *                      marked when marking closes: it need not wait.
 *
 * .ephemeron.rescan  A marked object that has fallen out of the queue is found by a walk, which
 * traces all marked objects anew.  `round` says that one waits already.  A thread that marks
 * without a buffer wakes none; the walk traces the ephemerons, too, and finds the key marked.  So
 * there has to be one for leaves as well, which have nothing to trace (`leaves_count`).
 *
 * .ephemeron.first  A cycle has a table if there was an ephemeron when it began.  Where the first
 * comes later, and is found, its key and its value are marked in this cycle.
 *
 * .ephemeron.clear  A pair that waits for a white key when marking has closed is cleared, before
 * the epoch rises and beside the threads: .weak.when says why then. The key goes first: from then
 * on no thread looks at the value. A thread that has seen the key may set the value behind it; the
 * value of one without a key is no reference. Finalizers mark after that, with the table still
 * open: what they raise is traced, waits, comes back and is cleared by the second look, as weak
 * references are (.weak.twice). No function runs before all is marked that its object leads to.
 *
 * .ephemeron.young  An old ephemeron that has not been stored to is not traced in a young cycle.
 * Its key and its value are old, too: a cycle that has found the ephemeron has found its key, or
 * cleared it, and with both the value; two have done so (.young.remembered).  A dead key that is
 * old is kept until a full cycle, as everything old is.
 *
 * .ephemeron.alone  A marker with marks of its own leaves the table alone.  The search for
 * referrers follows a value whose key is marked, and calls an ephemeron no referrer of its key.
 * Checkmark goes over all ephemerons until nothing is new, which shares no step with the above.
 *
 * Models: weak.  Litmus: awaited. */
#include "mark/ephemerons.h"

#include <string.h>

#include "base/check.h"
#include "heap/kind_visit.h"
#include "mark/candidates.h"
#include "mark/local_stack.h"

/* A thread with a deadline goes through a table of no more buckets. */
#define EPHEMERONS_SHORT 32768u

/* So many bits of the filter are there for a bucket. */
#define EPHEMERONS_FILTER_BITS 8u

/* ---- The table ---- */

/* A mark has been set by compare-and-swap, which is a full fence by itself on x86-64. */
static inline void ephemerons_fence_after_mark(void) {
#if defined(__x86_64__)
  AO_compiler_barrier();
#else
  AO_nop_full();
#endif
}

static gaiti_atomic_pointer *waiting_bucket(const struct gaiti_waiting *waiting, gaiti_ref key) {
  uint64_t hash = (key & GAITI_REF_GRANULES) * 0x9E3779B97F4A7C15u;
  return &waiting->buckets[(hash >> 32) & (waiting->count - 1)];
}

/* The words of marks that share a bit are far from one another. */
static AO_t *waiting_filter(const struct gaiti_waiting *waiting, gaiti_ref key, AO_t *bit) {
  size_t word = gaiti_ref_word(key);
  *bit = (AO_t)1 << word % 64;
  return &waiting->filter[word / 64 & (waiting->filter_words - 1)];
}

static size_t waiting_bytes(const struct gaiti_waiting *waiting) {
  return waiting->count * sizeof *waiting->buckets +
         waiting->filter_words * sizeof *waiting->filter;
}

static bool waiting_is_least(const struct gaiti_ephemerons *ephemerons) {
  return ephemerons->waiting.buckets == ephemerons->least_buckets;
}

static void waiting_take_least(struct gaiti_ephemerons *ephemerons) {
  memset(ephemerons->least_buckets, 0, sizeof ephemerons->least_buckets);
  ephemerons->least_filter[0] = 0;
  ephemerons->waiting = (struct gaiti_waiting){ephemerons->least_buckets, ephemerons->least_filter,
                                               GAITI_EPHEMERONS_LEAST, 1};
}

/* Makes one of so many buckets, or of fewer where there is no memory for that. */
static struct gaiti_waiting waiting_alloc(gait_heap *heap, size_t count) {
  struct gaiti_waiting made = {.count = count};
  for (; made.count > GAITI_EPHEMERONS_LEAST; made.count /= 2) {
    made.filter_words = made.count * EPHEMERONS_FILTER_BITS / 64;
    made.buckets = gaiti_structure_alloc(&heap->space, waiting_bytes(&made));
    if (made.buckets) break;
  }
  if (made.buckets) made.filter = made.buckets + made.count;
  return made;
}

/* A table for so many ephemerons. */
static void waiting_make(gait_heap *heap, size_t most) {
  size_t count = GAITI_EPHEMERONS_LEAST;
  while (count < most && !GAITI_STRESS)
    count *= 2;
  struct gaiti_waiting made = waiting_alloc(heap, count);
  if (made.buckets)
    heap->ephemerons->waiting = made;
  else
    waiting_take_least(heap->ephemerons);
}

/* Puts an ephemeron into the table, unless it is there already. */
static void waiting_add(struct gaiti_ephemerons *ephemerons, struct gait_ephemeron *ephemeron,
                        gaiti_ref key) {
  AO_t round = AO_load(&ephemerons->round), seen = AO_load(&ephemeron->round), bit;
  if (seen == round || !AO_compare_and_swap(&ephemeron->round, seen, round)) return;
  gaiti_atomic_pointer *bucket = waiting_bucket(&ephemerons->waiting, key);
  AO_t first;
  do {
    first = AO_load(bucket);
    AO_store(&ephemeron->next, first);
  } while (!AO_compare_and_swap_release(bucket, first, (AO_t)ephemeron));
  AO_t *filter = waiting_filter(&ephemerons->waiting, key, &bit);
  AO_or_release(filter, bit);
}

/* ---- Marking ---- */

static bool ephemeron_is_marked(const struct gaiti_marker *marker, gaiti_ref ref) {
  return gaiti_ref_is_marked(&marker->map, ref);
}

/* Whether the value is to be marked now.  It waits otherwise, but where it cannot. */
static bool ephemeron_has_key(struct gaiti_marker *marker, struct gait_ephemeron *ephemeron,
                              AO_t word) {
  gaiti_ref key = gaiti_ephemeron_referent(marker->heap, word);
  if (!key || ephemeron_is_marked(marker, key)) return true;
  if (marker->alone) return false;
  if (!AO_load(&marker->ephemerons->open)) {
    gaiti_marker_word(marker, gaiti_ref_start(&marker->map, key));
    return true;
  }
  gaiti_delay(marker->heap);
  waiting_add(marker->ephemerons, ephemeron, key);
  AO_nop_full();
  return ephemeron_is_marked(marker, key);
}

static void ephemeron_mark_value(struct gaiti_marker *marker, struct gait_ephemeron *ephemeron) {
  AO_t word = AO_load_acquire(&ephemeron->value);
  gaiti_marker_word(marker, gaiti_tags_plain_or_tagged(&marker->tags, &marker->map, word));
}

/* Traces an ephemeron: the function of its kind. */
static void ephemeron_trace(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)arg;
  struct gaiti_marker *marker = &tracer->marker;
  struct gait_ephemeron *ephemeron = object;
  AO_t key = AO_load_acquire(&ephemeron->key);
  if (key && bytes >= sizeof *ephemeron && ephemeron_has_key(marker, ephemeron, key))
    ephemeron_mark_value(marker, ephemeron);
}

static void ephemerons_wake_key(struct gaiti_marker *marker, gaiti_ref key) {
  const gait_heap *heap = marker->heap;
  gaiti_atomic_pointer *bucket = waiting_bucket(&marker->ephemerons->waiting, key);
  struct gait_ephemeron *ephemeron = gaiti_pointer_load_acquire(bucket);
  for (; ephemeron; ephemeron = gaiti_pointer_load_acquire(&ephemeron->next)) {
    if (gaiti_ephemeron_referent(heap, AO_load(&ephemeron->key)) != key) continue;
    gaiti_ref ref = gaiti_map_find(&marker->map, (uintptr_t)ephemeron);
    gaiti_local_push(marker, gaiti_group_of(ref));
  }
}

void gaiti_ephemerons_wake(struct gaiti_marker *marker, struct gaiti_group marked) {
  AO_t bit;
  if (marker->alone || MUTANT(MUTANT_EPHEMERON_NOT_WOKEN)) return;
  ephemerons_fence_after_mark();
  const AO_t *filter = waiting_filter(&marker->ephemerons->waiting, marked.ref, &bit);
  if (!(AO_load_acquire(filter) & bit)) return;
  for (; marked.bits; marked.bits &= marked.bits - 1)
    ephemerons_wake_key(marker, gaiti_group_first(marked));
}

/* ---- A cycle ---- */

/* The kind comes with its function, which is above the table of kinds. */
static bool ephemerons_add_kind(gait_heap *heap) {
  gait_kind_info info = {.name = "ephemeron", .form = GAIT_KIND_CALLBACK, .trace = ephemeron_trace};
  uint16_t index;
  if (gaiti_kinds_add(&heap->kinds, &info, &index) != GAIT_OK) return false;
  CHECK("ephemerons.kind", index == GAITI_KIND_EPHEMERON, "a kind came before that of ephemerons");
  return true;
}

bool gaiti_ephemerons_init(gait_heap *heap) {
  heap->ephemerons = gaiti_structure_alloc(&heap->space, sizeof *heap->ephemerons);
  if (!heap->ephemerons) return false;
  waiting_take_least(heap->ephemerons);
  if (ephemerons_add_kind(heap)) return true;
  gaiti_structure_free(&heap->space, heap->ephemerons, sizeof *heap->ephemerons);
  return false;
}

void gaiti_ephemerons_destroy(gait_heap *heap) {
  gaiti_ephemerons_end(heap);
  gaiti_structure_free(&heap->space, heap->ephemerons, sizeof *heap->ephemerons);
}

static void ephemerons_open(gait_heap *heap, bool open) {
  gaiti_buffers_set_leaves_count(heap, open);
  AO_store_full(&heap->ephemerons->open, open);
}

void gaiti_ephemerons_begin(gait_heap *heap) {
  struct gaiti_ephemerons *ephemerons = heap->ephemerons;
  if (!AO_load(&ephemerons->used)) return;
  size_t most = gaiti_kind_count(heap, GAITI_KIND_EPHEMERON, heap->map.allocated);
  if (most == 0) return;
  waiting_make(heap, most);
  AO_store(&ephemerons->round, AO_load(&ephemerons->round) + 1);
  ephemerons_open(heap, true);
}

void gaiti_ephemerons_end(gait_heap *heap) {
  struct gaiti_ephemerons *ephemerons = heap->ephemerons;
  if (!AO_load(&ephemerons->open)) return;
  ephemerons_open(heap, false);
  if (!waiting_is_least(ephemerons))
    gaiti_structure_free(&heap->space, ephemerons->waiting.buckets,
                         waiting_bytes(&ephemerons->waiting));
  waiting_take_least(ephemerons);
}

bool gaiti_ephemerons_are_many(const gait_heap *heap) {
  return AO_load(&heap->ephemerons->open) && heap->ephemerons->waiting.count > EPHEMERONS_SHORT;
}

static void ephemeron_clear_dead(const gait_heap *heap, struct gait_ephemeron *ephemeron) {
  AO_t word = AO_load_acquire(&ephemeron->key);
  gaiti_ref key = word ? gaiti_ephemeron_referent(heap, word) : 0;
  if (!key || gaiti_ref_is_marked(&heap->map, key)) return;
  gaiti_delay(heap);
  AO_store_release(&ephemeron->key, 0);
  AO_store_release(&ephemeron->value, 0);
}

void gaiti_ephemerons_clear(gait_heap *heap) {
  const struct gaiti_waiting *waiting = &heap->ephemerons->waiting;
  if (!AO_load(&heap->ephemerons->open)) return;
  for (size_t i = 0; i < waiting->count; i++) {
    struct gait_ephemeron *ephemeron = gaiti_pointer_load_acquire(&waiting->buckets[i]);
    for (; ephemeron; ephemeron = gaiti_pointer_load_acquire(&ephemeron->next))
      ephemeron_clear_dead(heap, ephemeron);
  }
}

/* ---- Checks ---- */

/*   marked  whether there was a value to be marked */
struct ephemerons_search {
  struct gaiti_marker *marker;
  bool marked;
};

static void ephemeron_check_value(const gait_heap *heap, void *object, void *arg) {
  struct ephemerons_search *search = arg;
  struct gait_ephemeron *ephemeron = object;
  AO_t key = AO_load(&ephemeron->key);
  gaiti_ref value = gaiti_ephemeron_referent(heap, AO_load(&ephemeron->value));
  if (!key || !value || !gaiti_ref_is_allocated(&heap->map, value)) return;
  if (ephemeron_is_marked(search->marker, value)) return;
  gaiti_ref ref = gaiti_ephemeron_referent(heap, key);
  if (ref && !ephemeron_is_marked(search->marker, ref)) return;
  ephemeron_mark_value(search->marker, ephemeron);
  gaiti_marker_mark_candidates(search->marker); /* it may be the key of a later one */
  search->marked = true;
}

bool gaiti_ephemerons_mark_values(struct gaiti_marker *marker) {
  struct ephemerons_search search = {.marker = marker};
  if (AO_load(&marker->ephemerons->used))
    gaiti_kind_visit(marker->heap, GAITI_KIND_EPHEMERON, marker->map.marks, ephemeron_check_value,
                     &search);
  return search.marked;
}

static void ephemeron_check(const gait_heap *heap, void *object, void *arg) {
  (void)arg;
  struct gait_ephemeron *ephemeron = object;
  AO_t word = AO_load(&ephemeron->key);
  if (!word) return;
  gaiti_ref key = gaiti_ephemeron_referent(heap, word);
  gaiti_ref value = gaiti_ephemeron_referent(heap, AO_load(&ephemeron->value));
  CHECK("walk.ephemeron.key", !key || gaiti_ref_is_allocated(&heap->map, key),
        "the key of an ephemeron is a free slot");
  CHECK("walk.ephemeron.value", !value || gaiti_ref_is_allocated(&heap->map, value),
        "the value of an ephemeron is a free slot");
}

void gaiti_ephemerons_walk(const gait_heap *heap) {
  gaiti_kind_visit(heap, GAITI_KIND_EPHEMERON, heap->map.allocated, ephemeron_check, NULL);
}
