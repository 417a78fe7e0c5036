/* The references of an object.  Its fields may change while they are read; see marker.c. */
#include "mark/trace.h"

#include "mark/candidates.h"

/* A map of the words that are references: tagged ones by the rule of `tags`, or, where that is
 * NULL, plain ones. */
struct trace_map {
  const uint64_t *words;
  const struct gaiti_tags *tags;
};

GAITI_RACY_INLINE void trace_word(struct gaiti_gathering *gathering, const struct gaiti_tags *tags,
                                  uintptr_t address) {
  uintptr_t word = *(const volatile uintptr_t *)address;
  if (tags)
    gaiti_gathering_tagged(gathering, tags, word);
  else
    gaiti_gathering_reference(gathering, word);
}

/* Words [first, last) of a stretch that begins at `address`, all of them references. */
GAITI_RACY_INLINE void trace_stretch(struct gaiti_marker *marker, const struct gaiti_tags *tags,
                                     uintptr_t address, size_t first, size_t last) {
  struct gaiti_gathering gathering = gaiti_gathering_begin(marker);
  for (size_t word = first; word < last; word++)
    trace_word(&gathering, tags, address + 8 * word);
  gaiti_gathering_end(&gathering);
}

/* A loop for each of the two. */
GAITI_RACY static void trace_all(struct gaiti_marker *marker, const struct gaiti_tags *tags,
                                 uintptr_t address, size_t first, size_t last) {
  if (tags)
    trace_stretch(marker, tags, address, first, last);
  else
    trace_stretch(marker, NULL, address, first, last);
}

/* Words [first, last) of a stretch described by `words` from its bit 0 on; the stretch begins at
 * `address`. */
GAITI_RACY_INLINE void trace_words(struct gaiti_marker *marker, const uint64_t *words,
                                   const struct gaiti_tags *tags, uintptr_t address, size_t first,
                                   size_t last) {
  struct gaiti_gathering gathering = gaiti_gathering_begin(marker);
  for (size_t word = first / 64; word * 64 < last; word++) {
    uint64_t bits = words[word];
    if (word == first / 64) bits &= ~(uint64_t)0 << first % 64;
    if (last - word * 64 < 64) bits &= ((uint64_t)1 << last % 64) - 1;
    for (; bits; bits &= bits - 1)
      trace_word(&gathering, tags, address + 8 * (word * 64 + (size_t)__builtin_ctzll(bits)));
  }
  gaiti_gathering_end(&gathering);
}

GAITI_RACY static void trace_mapped(struct gaiti_marker *marker, struct trace_map map,
                                    uintptr_t address, size_t first, size_t last) {
  if (map.tags)
    trace_words(marker, map.words, map.tags, address, first, last);
  else
    trace_words(marker, map.words, NULL, address, first, last);
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* A map whose last `repeat_words` go on to the object's end: the words before them are the head,
 * then comes one element after the other, the last one perhaps in part. */
GAITI_RACY static void trace_pointers(struct gaiti_marker *marker, const struct gaiti_kind *kind,
                                      struct trace_map map, uintptr_t start, size_t first,
                                      size_t last) {
  size_t head = (size_t)kind->words - kind->repeat_words;
  if (kind->repeat_words == 0 || first < head) {
    size_t end = least(last, kind->repeat_words ? head : kind->words);
    if (first < end) trace_mapped(marker, map, start, first, end);
  }
  if (kind->repeat_words == 0 || last <= head) return;
  size_t word = first < head ? head : first;
  if (kind->repeat_words == 1) {
    if (map.words[head / 64] >> head % 64 & 1) trace_all(marker, map.tags, start, word, last);
    return;
  }
  while (word < last) {
    size_t place = (word - head) % kind->repeat_words;
    size_t element = word - place;
    size_t end = least(element + kind->repeat_words, last);
    trace_mapped(marker, map, start + 8 * (element - head), head + place, head + (end - element));
    word = end;
  }
}

GAITI_RACY void gaiti_trace(struct gaiti_marker *marker, const struct gaiti_kind *kind,
                            uintptr_t start, size_t bytes, size_t from, size_t to) {
  switch (kind->form) {
  case GAIT_KIND_LEAF: return;
  case GAIT_KIND_CONSERVATIVE:
    gaiti_marker_range(marker, (const void *)(start + from), (const void *)(start + to));
    return;
  case GAIT_KIND_CALLBACK:
  case GAIT_KIND_CALLBACK_ANYWHERE:
    if (from == 0)
      kind->trace((gait_tracer *)(void *)marker, (void *)start, bytes, kind->trace_arg);
    return;
  case GAIT_KIND_POINTERS: break;
  }
  trace_pointers(marker, kind, (struct trace_map){kind->map, NULL}, start, from / 8, to / 8);
  if (kind->tagged_map)
    trace_pointers(marker, kind, (struct trace_map){kind->tagged_map, &marker->tags}, start,
                   from / 8, to / 8);
}
