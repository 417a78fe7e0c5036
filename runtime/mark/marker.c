/* Marking, as fast as memory lets it.
 *
 * To mark an object costs two cache misses that depend on one another: its mark bit, and its
 * fields.  Following references one by one, a CPU waits for both each time.  So a marker
 * keeps two queues of things that it has asked memory for and not yet read:
 *
 *   word --resolve--> candidates --test and set bits--> local stack --> scans --trace--> words
 *               (asks for the bits)                           (asks for the object)
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
 * room for it. When it has none, all objects that have been asked for are traced before the next
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
 * Models: overflow, roots, start, termination, weak.  Litmus: overflow, publish,
 * publish-aarch64. */
#include "mark/marker.h"

#include <string.h>

#include "base/check.h"
#include "base/collecting.h"
#include "mark/candidates.h"
#include "mark/trace.h"

/* A marker shares with others that are hungry only when it has more than a few groups. */
#define MARKER_SHARE_LEAST 4

/* More pieces than any large object has; a power of two. */
#define MARKER_PIECES_MAX ((size_t)1 << 40)

/* A shade takes as long as so many bytes of marking, and is no work that anybody gets credit for.
 */
#define MARKER_SHADE_COST_BYTES 16

/* ---- The local stack ---- */

static bool marker_stash(struct gaiti_marker *marker) {
  struct gaiti_segment *fresh = gaiti_structure_alloc(&marker->heap->space, sizeof *fresh);
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
  gaiti_structure_free(&marker->heap->space, marker->local, sizeof *marker->local);
  marker->local = segment;
  return true;
}

/* Neither segment has room: one goes to the others.  Without a new one the entry is dropped. */
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
    gaiti_marking_note_dropped(marker->heap);
    return false;
  }
  gaiti_segment_give_work(marker->heap, marker->spare);
  marker->spare = full;
  marker->local = fresh;
  fresh->count = 0;
  return true;
}

/* Puts a group on the local stack; drops it where there is no room (marker_make_room). */
static inline void marker_push(struct gaiti_marker *marker, struct gaiti_group group) {
  if (marker->local->count == GAITI_SEGMENT_ENTRIES && !marker_make_room(marker)) return;
  marker->local->entries[marker->local->count++] = group;
}

/* A group that has been found, or the rest of a large object, waits to be traced. */
static inline void marker_wait(struct gaiti_marker *marker, struct gaiti_group group) {
  if (__builtin_expect(group.ref & GAITI_REF_LARGE, 0) && marker->large_count < GAITI_MARKER_LARGE)
    marker->large[marker->large_count++] = group;
  else
    marker_push(marker, group);
}

void gaiti_marker_retrace(struct gaiti_marker *marker, struct gaiti_group group) {
  marker_wait(marker, group);
}

/* Whether the local stack has anything; its newer part is then in `local`. */
static bool marker_has_local(struct gaiti_marker *marker) {
  if (marker->local->count > 0) return true;
  struct gaiti_segment *empty = marker->local;
  marker->local = marker->spare;
  marker->spare = empty;
  return marker->local->count > 0;
}

/* Gives `count` entries of the local stack, from `first` on, to markers that wait. */
static void marker_share(struct gaiti_marker *marker, uint32_t first, uint32_t count) {
  struct gaiti_segment *gift = gaiti_segment_take(marker->heap), *local = marker->local;
  if (!gift) return;
  memcpy(gift->entries, local->entries + first, count * sizeof *gift->entries);
  gift->count = count;
  local->count -= count;
  memmove(local->entries + first, local->entries + first + count,
          (local->count - first) * sizeof *local->entries);
  gaiti_segment_give_work(marker->heap, gift);
}

static bool marker_others_hungry(const struct gaiti_marker *marker) {
  return AO_load(&marker->heap->marking->hungry) != 0 && !marker->alone;
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

static inline uint64_t bits_count(AO_t bits) {
  uint64_t count = 0;
  for (; bits; bits &= bits - 1)
    count++;
  return count;
}

/* Counts objects of one group that have just been marked. */
static inline void marker_count(struct gaiti_marker *marker, struct gaiti_group group) {
  CHECK_SLOW("mark.dangling",
             !(group.bits & ~AO_load_acquire(&marker->map.allocated[gaiti_ref_word(group.ref)])),
             "a field that its kind calls a reference points to a free slot");
  uint64_t objects = bits_count(group.bits);
  marker->counts.objects += objects;
  marker->counts.bytes += objects * marker_bytes(marker, group.ref);
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
  marker_count(marker, group);
  if (!(group.ref & GAITI_REF_LEAF)) marker_wait(marker, group);
}

void gaiti_marker_mark_oldest(struct gaiti_marker *marker) {
  struct gaiti_group *fresh = marker->fresh;
  struct gaiti_group *oldest = marker->candidates[fresh == marker->candidates[0]];
  for (struct gaiti_group *group = oldest, *end = oldest + marker->ripe; group < end; group++)
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

/* ---- Scans: objects that have been asked for ---- */

/* Puts back the rest of a large object behind a piece, for any marker to take.
 *
 * An entry of the queue for a large object has the place in it from where it is to be traced.  The
 * pieces are numbered, and an entry at a piece stands for as many as the lowest set bit of its
 * number says, that at the start for all.  So a stretch falls into its first piece and stretches
 * of 1, 2, 4 ... pieces behind it, and a hungry marker gets half of the rest. */
static void marker_put_back(struct gaiti_marker *marker, gaiti_ref entry, size_t piece,
                            size_t pieces) {
  size_t stretch = piece ? piece & -piece : MARKER_PIECES_MAX;
  while (stretch > 1) {
    stretch /= 2;
    if (stretch >= pieces - piece) continue;
    struct gaiti_group rest =
        gaiti_group_of(entry + stretch * (GAITI_TRACE_PIECE_BYTES >> GAITI_GRANULE_SHIFT));
    if (!marker_others_hungry(marker)) {
      marker_wait(marker, rest);
      continue;
    }
    marker_push(marker, rest);
    marker_share(marker, marker->local->count - 1, 1);
  }
}

/* Traces a piece of a large object. */
static void marker_scan_large(struct gaiti_marker *marker, gaiti_ref entry) {
  uintptr_t place = gaiti_ref_start(&marker->map, entry);
  gaiti_ref ref = gaiti_map_find(&marker->map, place);
  const struct gaiti_kind *kind = &marker->kinds[gaiti_ref_kind(ref)];
  uintptr_t start = gaiti_ref_start(&marker->map, ref);
  size_t bytes = gaiti_ref_bytes(&marker->map, ref), from = place - start, to = bytes;
  if (!gaiti_kind_has_function(kind)) {
    marker_put_back(marker, entry, from / GAITI_TRACE_PIECE_BYTES,
                    (bytes + GAITI_TRACE_PIECE_BYTES - 1) / GAITI_TRACE_PIECE_BYTES);
    if (to - from > GAITI_TRACE_PIECE_BYTES) to = from + GAITI_TRACE_PIECE_BYTES;
  }
  marker->work += to - from;
  gaiti_trace(marker, kind, start, bytes, from, to);
}

/* How the small objects of one block are traced.
 *   tag          the common part of references to them, above the granules
 *   map, tagged  their words that are references, plain and tagged; both 0: it takes more than such
 *                maps */
struct marker_layout {
  gaiti_ref tag;
  uint64_t map;
  size_t bytes;
  uint64_t tagged;
};

static struct marker_layout marker_layout_of(const struct gaiti_marker *marker, gaiti_ref ref) {
  struct marker_layout layout = {.tag = ref >> GAITI_REF_CLASS_SHIFT};
  if (ref & GAITI_REF_LARGE) return layout;
  const struct gaiti_kind *kind = &marker->kinds[gaiti_ref_kind(ref)];
  layout.bytes = marker_class_bytes[gaiti_ref_class(ref)];
  if (kind->form != GAIT_KIND_POINTERS || kind->repeat_words) return layout;
  uint64_t there = ~(uint64_t)0;
  if (layout.bytes / 8 < kind->words) there = ((uint64_t)1 << layout.bytes / 8) - 1;
  layout.map = kind->short_map & there;
  layout.tagged = kind->short_tagged_map & there;
  return layout;
}

/* Traces the objects of a group that such a map describes.  Returns their number. */
GAITI_RACY_INLINE uint64_t marker_scan_small(struct gaiti_gathering *gathering,
                                             const struct marker_layout *layout,
                                             struct gaiti_group group) {
  uintptr_t start = gathering->base + ((group.ref & GAITI_REF_GRANULES) << GAITI_GRANULE_SHIFT);
  uint64_t count = 0;
  for (; group.bits; group.bits &= group.bits - 1, count++) {
    const volatile uintptr_t *words =
        (const volatile uintptr_t *)start + 2 * (unsigned)__builtin_ctzll(group.bits);
    for (uint64_t map = layout->map; map; map &= map - 1)
      gaiti_gathering_reference(gathering, words[(unsigned)__builtin_ctzll(map)]);
  }
  return count;
}

/* How the words of tagged maps are told from others in a loop, which is compiled for each. */
enum marker_words {
  MARKER_WORDS_PLAIN,   /* there are none: the heap has no rule */
  MARKER_WORDS_ONE_TAG, /* one subtraction tells (.tags.origin) */
  MARKER_WORDS_TAGS,
};

static inline enum marker_words marker_words_of(const struct gaiti_tags *tags) {
  if (__builtin_expect(!gaiti_tags_exist(tags), 1)) return MARKER_WORDS_PLAIN;
  return gaiti_tags_is_one(tags) ? MARKER_WORDS_ONE_TAG : MARKER_WORDS_TAGS;
}

/* The same by the map of tagged references. */
GAITI_RACY_INLINE uint64_t marker_scan_tagged(struct gaiti_gathering *gathering,
                                              const struct gaiti_tags *tags, enum marker_words form,
                                              const struct marker_layout *layout,
                                              struct gaiti_group group) {
  uintptr_t start = gathering->base + ((group.ref & GAITI_REF_GRANULES) << GAITI_GRANULE_SHIFT);
  uint64_t count = 0;
  for (; group.bits; group.bits &= group.bits - 1, count++) {
    const volatile uintptr_t *words =
        (const volatile uintptr_t *)start + 2 * (unsigned)__builtin_ctzll(group.bits);
    for (uint64_t map = layout->tagged; map; map &= map - 1) {
      uintptr_t word = words[(unsigned)__builtin_ctzll(map)];
      if (form == MARKER_WORDS_ONE_TAG)
        gaiti_gathering_one_tag(gathering, tags, word);
      else
        gaiti_gathering_tagged(gathering, tags, word);
    }
  }
  return count;
}

static void marker_scan_other(struct gaiti_marker *marker, struct gaiti_group group) {
  for (; group.bits; group.bits &= group.bits - 1) {
    gaiti_ref ref = gaiti_group_first(group);
    if (ref & GAITI_REF_LARGE) {
      marker_scan_large(marker, ref);
      continue;
    }
    size_t bytes = marker_bytes(marker, ref);
    marker->work += bytes;
    gaiti_trace(marker, &marker->kinds[gaiti_ref_kind(ref)], gaiti_ref_start(&marker->map, ref),
                bytes, 0, bytes);
  }
}

/* Traces the first `count` groups of a half of `scans`. */
GAITI_RACY_INLINE void marker_scan_form(struct gaiti_marker *marker, bool half, uint32_t count,
                                        enum marker_words form) {
  struct gaiti_gathering gathering = gaiti_gathering_begin(marker);
  const struct gaiti_tags tags = marker->tags;
  struct marker_layout layout = {0};
  uint64_t work = 0;
  const struct gaiti_group *groups = marker->scans[half], *end = groups + count;
  for (; groups < end; groups++) {
    struct gaiti_group group = gaiti_group_read(groups);
    if (group.ref >> GAITI_REF_CLASS_SHIFT != layout.tag)
      layout = marker_layout_of(marker, group.ref);
    if (form != MARKER_WORDS_PLAIN && layout.tagged) {
      work += layout.bytes * marker_scan_tagged(&gathering, &tags, form, &layout, group);
      if (layout.map) marker_scan_small(&gathering, &layout, group);
      continue;
    }
    if (layout.map) {
      work += layout.bytes * marker_scan_small(&gathering, &layout, group);
      continue;
    }
    gaiti_gathering_end(&gathering);
    marker_scan_other(marker, group);
    gathering = gaiti_gathering_begin(marker);
  }
  marker->work += work;
  gaiti_gathering_end(&gathering);
}

GAITI_RACY GAITI_NOINLINE static void marker_scan_plain(struct gaiti_marker *marker, bool half,
                                                        uint32_t count) {
  marker_scan_form(marker, half, count, MARKER_WORDS_PLAIN);
}

GAITI_RACY GAITI_NOINLINE static void marker_scan_one_tag(struct gaiti_marker *marker, bool half,
                                                          uint32_t count) {
  marker_scan_form(marker, half, count, MARKER_WORDS_ONE_TAG);
}

GAITI_RACY GAITI_NOINLINE static void marker_scan_tags(struct gaiti_marker *marker, bool half,
                                                       uint32_t count) {
  marker_scan_form(marker, half, count, MARKER_WORDS_TAGS);
}

/* Traces the objects of a half, by the loop for the tags of this heap. */
static inline void marker_scan(struct gaiti_marker *marker, bool half, uint32_t count) {
  switch (marker_words_of(&marker->tags)) {
  case MARKER_WORDS_PLAIN: marker_scan_plain(marker, half, count); return;
  case MARKER_WORDS_ONE_TAG: marker_scan_one_tag(marker, half, count); return;
  case MARKER_WORDS_TAGS: marker_scan_tags(marker, half, count); return;
  }
}

/* Whether the one thing to do is to mark an object that has such a map. */
static inline bool marker_at_link(const struct gaiti_gathering *gathering) {
  struct gaiti_group gathered = gathering->gathered;
  return gathered.bits != 0 && (gathered.bits & (gathered.bits - 1)) == 0 &&
         gathering->next == gathering->marker->fresh &&
         !(gathered.ref & (GAITI_REF_LEAF | GAITI_REF_LARGE));
}

/* Follows a chain, in which there is nothing to ask ahead for: each object is asked for together
 * with its mark bit, and goes through no queue.  Whether there was one; there are no scans then. */
GAITI_RACY_INLINE bool marker_follow_form(struct gaiti_marker *marker, uint64_t until,
                                          enum marker_words form) {
  struct gaiti_gathering gathering = gaiti_gathering_begin(marker);
  if (marker->ripe > 0 || !marker_at_link(&gathering)) return false;
  struct marker_layout layout = {0};
  do {
    struct gaiti_group link = gathering.gathered;
    gaiti_ref ref = gaiti_group_first(link);
    gathering.gathered = (struct gaiti_group){0};
    gaiti_prefetch_for_read((const void *)gaiti_ref_start(&marker->map, ref));
    if (!gaiti_ref_mark(&marker->map, ref)) break;
    marker_count(marker, link);
    if (ref >> GAITI_REF_CLASS_SHIFT != layout.tag) layout = marker_layout_of(marker, ref);
    if (form != MARKER_WORDS_PLAIN && layout.tagged) {
      marker->work +=
          layout.bytes * marker_scan_tagged(&gathering, &marker->tags, form, &layout, link);
      if (layout.map) marker_scan_small(&gathering, &layout, link);
      continue;
    }
    if (!layout.map) {
      marker_push(marker, link);
      break;
    }
    marker->work += layout.bytes * marker_scan_small(&gathering, &layout, link);
  } while (marker->work < until && marker_at_link(&gathering));
  gaiti_gathering_end(&gathering);
  return true;
}

GAITI_RACY GAITI_NOINLINE static bool marker_follow_plain(struct gaiti_marker *marker,
                                                          uint64_t until) {
  return marker_follow_form(marker, until, MARKER_WORDS_PLAIN);
}

GAITI_RACY GAITI_NOINLINE static bool marker_follow_one_tag(struct gaiti_marker *marker,
                                                            uint64_t until) {
  return marker_follow_form(marker, until, MARKER_WORDS_ONE_TAG);
}

GAITI_RACY GAITI_NOINLINE static bool marker_follow_tags(struct gaiti_marker *marker,
                                                         uint64_t until) {
  return marker_follow_form(marker, until, MARKER_WORDS_TAGS);
}

static inline bool marker_follow(struct gaiti_marker *marker, uint64_t until) {
  switch (marker_words_of(&marker->tags)) {
  case MARKER_WORDS_PLAIN: return marker_follow_plain(marker, until);
  case MARKER_WORDS_ONE_TAG: return marker_follow_one_tag(marker, until);
  case MARKER_WORDS_TAGS: return marker_follow_tags(marker, until);
  }
  return false;
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
  while (lines < GAITI_SCANS && marker_has_local(marker)) {
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
  marker_scan(marker, !half, asked);
  return true;
}

/* Takes shared work.  Returns its cost so far in bytes of marking; 0 when there is none. */
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
      if (marker->local->count >= MARKER_SHARE_LEAST && marker_others_hungry(marker))
        marker_share(marker, 0, marker->local->count / 2);
    } else if (!marker_follow(marker, until) && !marker_mark_all(marker)) {
      uint64_t cost = marker_take_shared(marker);
      if (cost == 0) return false;
      others += cost;
    }
  }
  return true;
}

bool gaiti_marker_run(struct gaiti_marker *marker, uint64_t budget) {
  gaiti_collecting_begin();
  bool more = marker_run(marker, budget);
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
    marker_push(marker, marker->scans[!marker->half][--marker->asked]);
  while (marker->large_count > 0)
    marker_push(marker, marker->large[--marker->large_count]);
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
