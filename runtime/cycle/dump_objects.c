/* The objects of a dump, a block at a time: a bit for each slot, and then the references of each
 * object.
 *
 * Where a kind has a map, or takes any word for a reference, the words are looked at here, as
 * marking does, since the dump tells the word of each reference.  A function of the program's is
 * called with a marker that marks nothing; the words are searched for its finds. */
#include <string.h>

#include "cycle/cycle.h"
#include "cycle/heap_dump.h"
#include "heap/kind_visit.h"
#include "mark/ephemerons.h"
#include "mark/trace.h"
#include "weak/weak_heap.h"

/* An edge takes no more: a number of 43 bits, and one for the word. */
#define DUMP_EDGE_BYTES ((size_t)17)

/* The edges of one object, so far.
 *   at, end  the place in the chunk, and where its room ends
 *   before   the object that the last edge led to; at first the one itself
 *   word     of the last edge; -1 at first */
struct dump_edges {
  struct gaiti_dump *dump;
  unsigned char *at, *end;
  uint64_t before;
  int64_t word;
  uintptr_t start;
  size_t words;
};

#define DUMP_NO_WORD INT64_MIN

/* Room for one edge more and for the end. */
static bool edges_reserve(struct dump_edges *edges) {
  if (edges->at + 2 * DUMP_EDGE_BYTES <= edges->end) return true;
  size_t bytes = 256 * DUMP_EDGE_BYTES;
  if (edges->at) edges->at = gaiti_dump_more(&edges->dump->file, edges->at, bytes);
  edges->end = edges->at ? edges->at + bytes : NULL;
  return edges->at != NULL;
}

/* The lowest bit says that the word is not the next one; 0 would be the end, so one is added. */
static void edges_put(struct dump_edges *edges, uint64_t target, int64_t word) {
  if (!edges_reserve(edges)) return;
  bool next = word == edges->word + 1;
  uint64_t number = gaiti_dump_signed(target - edges->before) << 1 | !next;
  edges->at = gaiti_dump_number(edges->at, number + 1);
  if (!next)
    edges->at = gaiti_dump_number(
        edges->at,
        word == DUMP_NO_WORD ? 0 : gaiti_dump_signed((uint64_t)word - (uint64_t)edges->word) + 1);
  if (word != DUMP_NO_WORD) edges->word = word;
  edges->before = target;
  edges->dump->edges++;
}

static void edges_put_address(struct dump_edges *edges, uintptr_t address, size_t word) {
  gaiti_ref ref = gaiti_map_resolve(&edges->dump->heap->map, address);
  if (ref) edges_put(edges, gaiti_dump_granule(ref), (int64_t)word);
}

/* ---- Words ---- */

GAITI_RACY static uintptr_t edges_load(uintptr_t start, size_t word) {
  return ((const volatile uintptr_t *)start)[word];
}

/* Those of a short map, plain ones and tagged ones in the order of their words. */
static void edges_short(struct dump_edges *edges, uint64_t plain, uint64_t tagged) {
  const gait_heap *heap = edges->dump->heap;
  if (edges->words < 64) plain &= ((uint64_t)1 << edges->words) - 1;
  if (edges->words < 64) tagged &= ((uint64_t)1 << edges->words) - 1;
  for (uint64_t map = plain | tagged; map; map &= map - 1) {
    size_t word = (size_t)__builtin_ctzll(map);
    uintptr_t value = edges_load(edges->start, word);
    if (plain >> word & 1) edges_put_address(edges, value, word);
    if (tagged >> word & 1) edges_put_address(edges, gaiti_tags_address(&heap->tags, value), word);
  }
}

static void edges_mapped(struct dump_edges *edges, const struct gaiti_kind *kind) {
  const gait_heap *heap = edges->dump->heap;
  size_t words = edges->words;
  if (!kind->repeat_words && words > kind->words) words = kind->words;
  for (size_t word = 0; word < words; word++) {
    uintptr_t value = edges_load(edges->start, word);
    if (value == 0) continue;
    if (gaiti_kind_is_plain(kind, word)) edges_put_address(edges, value, word);
    if (gaiti_kind_is_tagged(kind, word))
      edges_put_address(edges, gaiti_tags_address(&heap->tags, value), word);
  }
}

/* The same of a kind all words of which are references. */
static void edges_conservative(struct dump_edges *edges) {
  const gait_heap *heap = edges->dump->heap;
  for (size_t word = 0; word < edges->words; word++) {
    uintptr_t value = edges_load(edges->start, word);
    edges_put_address(edges, gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, value), word);
  }
}

/* ---- Functions ---- */

/* The first word of the object that refers to the target, from one that is expected on. */
static int64_t edges_find_word(const struct dump_edges *edges, gaiti_ref target) {
  const gait_heap *heap = edges->dump->heap;
  size_t expected = (size_t)(edges->word + 1);
  for (size_t i = 0; i < edges->words; i++) {
    size_t word = (expected + i) % edges->words;
    uintptr_t value = edges_load(edges->start, word);
    uintptr_t address = gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, value);
    if (gaiti_dump_granule(gaiti_map_find(&heap->map, address)) == gaiti_dump_granule(target))
      return (int64_t)word;
  }
  return DUMP_NO_WORD;
}

static void edges_take(struct gaiti_group group, void *arg) {
  struct dump_edges *edges = arg;
  for (; group.bits; group.bits &= group.bits - 1) {
    gaiti_ref ref = gaiti_group_first(group);
    if (!gaiti_ref_is_allocated(&edges->dump->heap->map, ref)) continue;
    edges_put(edges, gaiti_dump_granule(ref), edges_find_word(edges, ref));
  }
}

static void edges_traced(struct dump_edges *edges, const struct gaiti_kind *kind, size_t bytes) {
  struct gaiti_marker *marker = edges->dump->marker;
  gaiti_marker_set_taker(marker, edges_take, edges);
  gaiti_trace(marker, kind, edges->start, bytes, 0, bytes);
  gaiti_marker_have_taken(marker);
  gaiti_marker_set_taker(marker, NULL, NULL);
}

/* The key is told with the weak references. */
GAITI_RACY static void edges_ephemeron(struct dump_edges *edges) {
  const struct gait_ephemeron *ephemeron = (const struct gait_ephemeron *)edges->start;
  gaiti_ref value = gaiti_ephemeron_referent(edges->dump->heap, AO_load(&ephemeron->value));
  if (AO_load(&ephemeron->key) && value && gaiti_ref_is_allocated(&edges->dump->heap->map, value))
    edges_put(edges, gaiti_dump_granule(value), offsetof(struct gait_ephemeron, value) / 8);
}

/* ---- Blocks ---- */

static bool edges_begin(struct dump_edges *edges, gaiti_ref ref) {
  const struct gaiti_map *map = &edges->dump->heap->map;
  edges->before = gaiti_dump_granule(ref);
  edges->word = -1;
  edges->start = gaiti_ref_start(map, ref);
  edges->words = gaiti_ref_bytes(map, ref) / sizeof(uintptr_t);
  return edges_reserve(edges);
}

static void edges_of(struct dump_edges *edges, gaiti_ref ref) {
  const struct gaiti_kind *kind = &edges->dump->heap->kinds.table[gaiti_ref_kind(ref)];
  if (!edges_begin(edges, ref)) return;
  if (gaiti_ref_kind(ref) == GAITI_KIND_EPHEMERON)
    edges_ephemeron(edges);
  else if (kind->form == GAIT_KIND_CONSERVATIVE)
    edges_conservative(edges);
  else if (kind->form != GAIT_KIND_POINTERS)
    edges_traced(edges, kind, edges->words * sizeof(uintptr_t));
  else if (kind->words <= 64 && !kind->repeat_words)
    edges_short(edges, kind->short_map, kind->short_tagged_map);
  else
    edges_mapped(edges, kind);
  if (edges->at) *edges->at++ = 0;
}

/* The next allocated object of a block, from a granule on; GAITI_BLOCK_GRANULES: there is none. */
static size_t block_next(const AO_t *allocated, size_t granule) {
  for (size_t word = granule / 64; word < GAITI_BLOCK_WORDS; word++) {
    AO_t bits = AO_load(&allocated[word]);
    if (word == granule / 64) bits &= ~(AO_t)0 << granule % 64;
    if (bits) return word * 64 + (size_t)__builtin_ctzll(bits);
  }
  return GAITI_BLOCK_GRANULES;
}

struct dump_block {
  gaiti_ref tag; /* of its first slot */
  size_t slot_granules;
  size_t slots;
  const AO_t *allocated;
};

static struct dump_block block_of(const gait_heap *heap, uint32_t block) {
  const struct gaiti_map *map = &heap->map;
  gaiti_ref tag = gaiti_block_tag(map, block);
  struct dump_block result = {.tag = tag, .allocated = &map->allocated[gaiti_block_word(block)]};
  bool large = tag & GAITI_REF_LARGE;
  result.slots = large ? 1 : map->shapes[block].slots;
  result.slot_granules = large ? gaiti_block_large_bytes(map, block) >> GAITI_GRANULE_SHIFT
                               : map->shapes[block].slot_granules;
  return result;
}

/* The block's kind and shape, and a bit for each slot. */
static unsigned char *block_put(struct gaiti_dump *dump, const struct dump_block *block) {
  size_t bytes = (block->slots + 7) / 8;
  unsigned char *at = gaiti_dump_room(&dump->file, GAITI_DUMP_OBJECTS,
                                      4 * GAITI_DUMP_NUMBER_BYTES + bytes + GAITI_BLOCK_BYTES);
  if (!at) return NULL;
  at = gaiti_dump_number(at, gaiti_ref_kind(block->tag));
  at = gaiti_dump_number(at, gaiti_dump_granule(block->tag));
  at = gaiti_dump_number(at, block->slot_granules);
  at = gaiti_dump_number(at, block->slots);
  memset(at, 0, bytes);
  for (size_t granule = 0; (granule = block_next(block->allocated, granule)) < GAITI_BLOCK_GRANULES;
       granule++) {
    size_t slot = granule / block->slot_granules;
    at[slot / 8] |= (unsigned char)(1u << slot % 8);
    dump->objects++;
  }
  return at + bytes;
}

static void block_dump(struct gaiti_dump *dump, uint32_t number) {
  struct dump_block block = block_of(dump->heap, number);
  if (block_next(block.allocated, 0) == GAITI_BLOCK_GRANULES) return;
  struct dump_edges edges = {.dump = dump, .at = block_put(dump, &block)};
  if (!edges.at) return;
  edges.end = edges.at + GAITI_BLOCK_BYTES;
  if (!(block.tag & GAITI_REF_LEAF))
    for (size_t granule = 0;
         (granule = block_next(block.allocated, granule)) < GAITI_BLOCK_GRANULES; granule++)
      edges_of(&edges, block.tag + granule);
  if (edges.at) gaiti_dump_used(&dump->file, edges.at);
}

/* ---- Weak references ---- */

static void weak_put(struct gaiti_dump *dump, const void *holder, gaiti_ref target) {
  const struct gaiti_map *map = &dump->heap->map;
  if (!target || !gaiti_ref_is_allocated(map, target)) return;
  unsigned char *at = gaiti_dump_room(&dump->file, GAITI_DUMP_WEAK, 2 * GAITI_DUMP_NUMBER_BYTES);
  if (!at) return;
  at = gaiti_dump_number(at, gaiti_dump_granule(gaiti_map_find(map, (uintptr_t)holder)));
  at = gaiti_dump_number(at, gaiti_dump_granule(target));
  gaiti_dump_used(&dump->file, at);
  dump->weak++;
}

static void weak_dump(const gait_heap *heap, void *object, void *arg) {
  const struct gait_weak *weak = object;
  weak_put(arg, object, gaiti_weak_referent(heap, AO_load(&weak->word)));
}

static void weak_dump_key(const gait_heap *heap, void *object, void *arg) {
  const struct gait_ephemeron *ephemeron = object;
  AO_t key = AO_load(&ephemeron->key);
  if (key) weak_put(arg, object, gaiti_ephemeron_referent(heap, key));
}

/* ---- The rest ---- */

static void dump_kinds(struct gaiti_dump *dump) {
  const struct gaiti_kinds *kinds = &dump->heap->kinds;
  uint32_t count = gaiti_kinds_count(kinds);
  for (uint32_t i = 0; i < count; i++) {
    const struct gaiti_kind *kind = &kinds->table[i];
    size_t chars = strlen(kind->name);
    unsigned char *at =
        gaiti_dump_room(&dump->file, GAITI_DUMP_KINDS, 2 * GAITI_DUMP_NUMBER_BYTES + chars);
    if (!at) return;
    at = gaiti_dump_number(at, (uint64_t)kind->form);
    gaiti_dump_used(&dump->file, gaiti_dump_text(at, kind->name, chars));
  }
}

static void dump_external(uintptr_t object, size_t bytes, void *arg) {
  struct gaiti_dump *dump = arg;
  gaiti_ref ref = gaiti_map_resolve(&dump->heap->map, object);
  if (!ref) return;
  unsigned char *at = gaiti_dump_room(&dump->file, GAITI_DUMP_OUTSIDE, 2 * GAITI_DUMP_NUMBER_BYTES);
  if (!at) return;
  at = gaiti_dump_number(at, gaiti_dump_granule(ref));
  gaiti_dump_used(&dump->file, gaiti_dump_number(at, bytes));
}

void gaiti_dump_objects(struct gaiti_dump *dump) {
  gait_heap *heap = dump->heap;
  dump_kinds(dump);
  uint32_t top = gaiti_space_top(&heap->space);
  for (uint32_t block = 0; block < top; block++) {
    gaiti_ref tag = gaiti_block_tag(&heap->map, block);
    if (tag && !(tag & GAITI_REF_TAIL)) block_dump(dump, block);
  }
  gaiti_externals_each(&heap->externals, dump_external, dump);
  gaiti_kind_visit(heap, GAITI_KIND_WEAK, heap->map.allocated, weak_dump, dump);
  gaiti_kind_visit(heap, GAITI_KIND_EPHEMERON, heap->map.allocated, weak_dump_key, dump);
  gaiti_dump_sited(dump);
}
