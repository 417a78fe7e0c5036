/* Models: overflow, start, termination.  Litmus: publish, publish-aarch64. */
#include "mark/scan.h"

#include "mark/candidates.h"
#include "mark/ephemerons.h"
#include "mark/local_stack.h"
#include "mark/trace.h"

/* More pieces than any large object has; a power of two. */
#define SCAN_PIECES_MAX ((size_t)1 << 40)

/* Puts back the rest of a large object behind a piece, for any marker to take.
 *
 * An entry of the queue for a large object has the place in it from where it is to be traced.  The
 * pieces are numbered, and an entry at a piece stands for as many as the lowest set bit of its
 * number says, that at the start for all.  So a stretch falls into its first piece and stretches
 * of 1, 2, 4 ... pieces behind it, and a hungry marker gets half of the rest. */
static void scan_put_back(struct gaiti_marker *marker, gaiti_ref entry, size_t piece,
                          size_t pieces) {
  size_t stretch = piece ? piece & -piece : SCAN_PIECES_MAX;
  while (stretch > 1) {
    stretch /= 2;
    if (stretch >= pieces - piece) continue;
    struct gaiti_group rest =
        gaiti_group_of(entry + stretch * (GAITI_TRACE_PIECE_BYTES >> GAITI_GRANULE_SHIFT));
    if (!gaiti_local_others_hungry(marker)) {
      gaiti_local_wait(marker, rest);
      continue;
    }
    gaiti_local_push(marker, rest);
    gaiti_local_share(marker, marker->local->count - 1, 1);
  }
}

/* Traces a piece of a large object. */
static void scan_large(struct gaiti_marker *marker, gaiti_ref entry) {
  uintptr_t place = gaiti_ref_start(&marker->map, entry);
  gaiti_ref ref = gaiti_map_find(&marker->map, place);
  const struct gaiti_kind *kind = &marker->kinds[gaiti_ref_kind(ref)];
  uintptr_t start = gaiti_ref_start(&marker->map, ref);
  size_t bytes = gaiti_ref_bytes(&marker->map, ref), from = place - start, to = bytes;
  if (!gaiti_kind_has_function(kind)) {
    scan_put_back(marker, entry, from / GAITI_TRACE_PIECE_BYTES,
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
struct scan_layout {
  gaiti_ref tag;
  uint64_t map;
  size_t bytes;
  uint64_t tagged;
};

static struct scan_layout scan_layout_of(const struct gaiti_marker *marker, gaiti_ref ref) {
  struct scan_layout layout = {.tag = ref >> GAITI_REF_CLASS_SHIFT};
  if (ref & GAITI_REF_LARGE) return layout;
  const struct gaiti_kind *kind = &marker->kinds[gaiti_ref_kind(ref)];
  layout.bytes = gaiti_marker_class_bytes[gaiti_ref_class(ref)];
  if (kind->form != GAIT_KIND_POINTERS || kind->repeat_words) return layout;
  uint64_t there = ~(uint64_t)0;
  if (layout.bytes / 8 < kind->words) there = ((uint64_t)1 << layout.bytes / 8) - 1;
  layout.map = kind->short_map & there;
  layout.tagged = kind->short_tagged_map & there;
  return layout;
}

/* Traces the objects of a group that such a map describes.  Returns their number. */
GAITI_RACY_INLINE uint64_t scan_small(struct gaiti_gathering *gathering,
                                      const struct scan_layout *layout, struct gaiti_group group) {
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
enum scan_words {
  SCAN_WORDS_PLAIN,   /* there are none: the heap has no rule */
  SCAN_WORDS_ONE_TAG, /* one subtraction tells (.tags.origin) */
  SCAN_WORDS_TAGS,
};

static inline enum scan_words scan_words_of(const struct gaiti_tags *tags) {
  if (__builtin_expect(!gaiti_tags_exist(tags), 1)) return SCAN_WORDS_PLAIN;
  return gaiti_tags_is_one(tags) ? SCAN_WORDS_ONE_TAG : SCAN_WORDS_TAGS;
}

/* The same by the map of tagged references. */
GAITI_RACY_INLINE uint64_t scan_tagged(struct gaiti_gathering *gathering,
                                       const struct gaiti_tags *tags, enum scan_words form,
                                       const struct scan_layout *layout, struct gaiti_group group) {
  uintptr_t start = gathering->base + ((group.ref & GAITI_REF_GRANULES) << GAITI_GRANULE_SHIFT);
  uint64_t count = 0;
  for (; group.bits; group.bits &= group.bits - 1, count++) {
    const volatile uintptr_t *words =
        (const volatile uintptr_t *)start + 2 * (unsigned)__builtin_ctzll(group.bits);
    for (uint64_t map = layout->tagged; map; map &= map - 1) {
      uintptr_t word = words[(unsigned)__builtin_ctzll(map)];
      if (form == SCAN_WORDS_ONE_TAG)
        gaiti_gathering_one_tag(gathering, tags, word);
      else
        gaiti_gathering_tagged(gathering, tags, word);
    }
  }
  return count;
}

static void scan_other(struct gaiti_marker *marker, struct gaiti_group group) {
  for (; group.bits; group.bits &= group.bits - 1) {
    gaiti_ref ref = gaiti_group_first(group);
    if (ref & GAITI_REF_LARGE) {
      scan_large(marker, ref);
      continue;
    }
    size_t bytes = gaiti_marker_bytes(marker, ref);
    marker->work += bytes;
    gaiti_trace(marker, &marker->kinds[gaiti_ref_kind(ref)], gaiti_ref_start(&marker->map, ref),
                bytes, 0, bytes);
  }
}

/* Traces the first `count` groups of a half of `scans`. */
GAITI_RACY_INLINE void scan_form(struct gaiti_marker *marker, bool half, uint32_t count,
                                 enum scan_words form) {
  struct gaiti_gathering gathering = gaiti_gathering_begin(marker);
  const struct gaiti_tags tags = marker->tags;
  struct scan_layout layout = {0};
  uint64_t work = 0;
  const struct gaiti_group *groups = marker->scans[half], *end = groups + count;
  for (; groups < end; groups++) {
    struct gaiti_group group = gaiti_group_read(groups);
    if (group.ref >> GAITI_REF_CLASS_SHIFT != layout.tag)
      layout = scan_layout_of(marker, group.ref);
    if (form != SCAN_WORDS_PLAIN && layout.tagged) {
      work += layout.bytes * scan_tagged(&gathering, &tags, form, &layout, group);
      if (layout.map) scan_small(&gathering, &layout, group);
      continue;
    }
    if (layout.map) {
      work += layout.bytes * scan_small(&gathering, &layout, group);
      continue;
    }
    gaiti_gathering_end(&gathering);
    scan_other(marker, group);
    gathering = gaiti_gathering_begin(marker);
  }
  marker->work += work;
  gaiti_gathering_end(&gathering);
}

GAITI_RACY GAITI_NOINLINE static void scan_plain(struct gaiti_marker *marker, bool half,
                                                 uint32_t count) {
  scan_form(marker, half, count, SCAN_WORDS_PLAIN);
}

GAITI_RACY GAITI_NOINLINE static void scan_one_tag(struct gaiti_marker *marker, bool half,
                                                   uint32_t count) {
  scan_form(marker, half, count, SCAN_WORDS_ONE_TAG);
}

GAITI_RACY GAITI_NOINLINE static void scan_tags(struct gaiti_marker *marker, bool half,
                                                uint32_t count) {
  scan_form(marker, half, count, SCAN_WORDS_TAGS);
}

void gaiti_scan(struct gaiti_marker *marker, bool half, uint32_t count) {
  switch (scan_words_of(&marker->tags)) {
  case SCAN_WORDS_PLAIN: scan_plain(marker, half, count); return;
  case SCAN_WORDS_ONE_TAG: scan_one_tag(marker, half, count); return;
  case SCAN_WORDS_TAGS: scan_tags(marker, half, count); return;
  }
}

/* Whether the one thing to do is to mark an object that has such a map. */
static inline bool scan_is_at_link(const struct gaiti_gathering *gathering) {
  struct gaiti_group gathered = gathering->gathered;
  return gathered.bits != 0 && (gathered.bits & (gathered.bits - 1)) == 0 &&
         gathering->next == gathering->marker->fresh &&
         !(gathered.ref & (GAITI_REF_LEAF | GAITI_REF_LARGE));
}

GAITI_RACY_INLINE bool scan_chain_form(struct gaiti_marker *marker, uint64_t until,
                                       enum scan_words form) {
  struct gaiti_gathering gathering = gaiti_gathering_begin(marker);
  if (marker->ripe > 0 || !scan_is_at_link(&gathering)) return false;
  struct scan_layout layout = {0};
  do {
    struct gaiti_group link = gathering.gathered;
    gaiti_ref ref = gaiti_group_first(link);
    gathering.gathered = (struct gaiti_group){0};
    gaiti_prefetch_for_read((const void *)gaiti_ref_start(&marker->map, ref));
    if (!gaiti_ref_mark(&marker->map, ref)) break;
    gaiti_marker_count(marker, link);
    gaiti_ephemerons_note_marked(marker, link);
    if (ref >> GAITI_REF_CLASS_SHIFT != layout.tag) layout = scan_layout_of(marker, ref);
    if (form != SCAN_WORDS_PLAIN && layout.tagged) {
      marker->work += layout.bytes * scan_tagged(&gathering, &marker->tags, form, &layout, link);
      if (layout.map) scan_small(&gathering, &layout, link);
      continue;
    }
    if (!layout.map) {
      gaiti_local_push(marker, link);
      break;
    }
    marker->work += layout.bytes * scan_small(&gathering, &layout, link);
  } while (marker->work < until && scan_is_at_link(&gathering));
  gaiti_gathering_end(&gathering);
  return true;
}

GAITI_RACY GAITI_NOINLINE static bool scan_chain_plain(struct gaiti_marker *marker,
                                                       uint64_t until) {
  return scan_chain_form(marker, until, SCAN_WORDS_PLAIN);
}

GAITI_RACY GAITI_NOINLINE static bool scan_chain_one_tag(struct gaiti_marker *marker,
                                                         uint64_t until) {
  return scan_chain_form(marker, until, SCAN_WORDS_ONE_TAG);
}

GAITI_RACY GAITI_NOINLINE static bool scan_chain_tags(struct gaiti_marker *marker, uint64_t until) {
  return scan_chain_form(marker, until, SCAN_WORDS_TAGS);
}

bool gaiti_scan_chain(struct gaiti_marker *marker, uint64_t until) {
  switch (scan_words_of(&marker->tags)) {
  case SCAN_WORDS_PLAIN: return scan_chain_plain(marker, until);
  case SCAN_WORDS_ONE_TAG: return scan_chain_one_tag(marker, until);
  case SCAN_WORDS_TAGS: return scan_chain_tags(marker, until);
  }
  return false;
}
