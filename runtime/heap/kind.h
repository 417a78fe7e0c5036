/* kind.h: the table of kinds of one heap.
 *
 * An entry is written once, under the lock, and read without it by any thread that has the index:
 * the registration happens before the first object of the kind.
 *
 * Litmus: kinds. */
#ifndef GAITI_HEAP_KIND_H
#define GAITI_HEAP_KIND_H

#include "gait/gait.h"
#include "heap/block.h"
#include "heap/structure.h"

#define GAITI_KIND_MAP_BYTES 4096
#define GAITI_KIND_MAP_WORDS (GAITI_KIND_MAP_BYTES / 8)

/* Kinds of Gait's own, which each heap has. */
#define GAITI_KIND_LEAF         0
#define GAITI_KIND_CONSERVATIVE 1
#define GAITI_KIND_WEAK         2 /* weak/weak_heap.h */
#define GAITI_KINDS_OWN         3
#define GAITI_KIND_EPHEMERON    3 /* added after these, with its function (mark/ephemerons.c) */

/* `words`: words that the maps describe; the last `repeat_words` of them repeat.  `short_map` is
 * the map itself when it has at most 64 words, the common case, and 0 otherwise.  `tagged_map`, of
 * tagged references, is NULL in a kind without any; `short_tagged_map` likewise. */
struct gaiti_kind {
  gait_kind_form form;
  uint16_t words;
  uint16_t repeat_words;
  uint64_t short_map;
  uint64_t *map;
  gait_trace_fn *trace;
  void *trace_arg;
  char *name;
  uint64_t *tagged_map;
  uint64_t short_tagged_map;
};

struct gaiti_kinds {
  struct gaiti_lock lock;
  struct gaiti_space *space;
  AO_t count;               /* rises under the lock, when the kind is complete */
  struct gaiti_kind *table; /* GAIT_MAX_KINDS */
  bool tagged;              /* the heap has a rule for tagged references; set with it */
};

static inline uint32_t gaiti_kinds_count(const struct gaiti_kinds *kinds) {
  return (uint32_t)AO_load_acquire(&kinds->count);
}

bool gaiti_kinds_init(struct gaiti_kinds *kinds, struct gaiti_space *space);
void gaiti_kinds_destroy(struct gaiti_kinds *kinds);

gait_result gaiti_kinds_add(struct gaiti_kinds *kinds, const gait_kind_info *info, uint16_t *index);
gait_result gaiti_kinds_find(struct gaiti_kinds *kinds, const char *name, uint16_t *index);

/* Whether a function of the embedder's traces objects of the kind. */
static inline bool gaiti_kind_has_function(const struct gaiti_kind *kind) {
  return kind->form == GAIT_KIND_CALLBACK || kind->form == GAIT_KIND_CALLBACK_ANYWHERE;
}

static inline bool gaiti_kind_is_leaf(const struct gaiti_kinds *kinds, uint16_t index) {
  return kinds->table[index].form == GAIT_KIND_LEAF;
}

/* Whether the word at `word` of an object of the kind is in its map of tagged references, and in
 * that of plain ones. */
bool gaiti_kind_is_tagged(const struct gaiti_kind *kind, size_t word);
bool gaiti_kind_is_plain(const struct gaiti_kind *kind, size_t word);

/* The common part of references to objects of the kind. */
static inline gaiti_ref gaiti_kind_tag(const struct gaiti_kinds *kinds, uint16_t index) {
  return (gaiti_ref)index << GAITI_REF_KIND_SHIFT |
         (gaiti_kind_is_leaf(kinds, index) ? GAITI_REF_LEAF : 0);
}

#endif
