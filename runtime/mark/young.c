/* Young cycles.
 *
 * A program that keeps much, and drops most of what it allocates soon, pays for marking the same
 * objects again and again.  So a cycle may leave the marks of the one before where they are (sticky
 * mark bits: Demers, Weiser, Hayes, Boehm, Bobrow and Shenker, "Combining generational and
 * conservative garbage collection", 1990).  Objects do not move, and there is no nursery: the marks
 * alone tell the old from the young.
 *
 *   object          between cycles   a young cycle               a full one
 *   old             marked           keeps it, dead or not       clears its mark first
 *   young: aged     not marked       marks it if it is reached   as every object
 *          or new   not marked       likewise                    likewise
 *
 * All else is as in every cycle: handshakes, barrier, black allocation, end, sweep.  The one
 * question left is which old objects refer to young ones.
 *
 * .young.twice  An object is old when two cycles have found it live.  Most of what one finds is in
 * the middle of its life, or was allocated black and is dead: kept as old it would be garbage until
 * a full cycle.  So the sweep notes in a table of bits, `aged`, the objects that it leaves
 * allocated, and keeps the marks of those that the sweep before has noted.
 *
 *   sweep of cycle b:   old := found by b, and noted by the sweep of a;   noted := found by b
 *
 * A first cycle knows nothing of stores before it, and takes all objects that it finds for old.
 * That an object is old too soon does no harm: the argument below rests on the young ones.
 *
 * .young.remembered  A card is a byte for the KiB whose objects have their marks in one word. While
 * a young cycle may follow, each store in an object writes GAIT_CARD_NOTED to the card of its slot.
 * Each cycle takes one off when its marking has closed, and a card with something left is dirty.
 * To be kept:
 *
 *   when a young cycle begins, every reference from an old object to a young one lies on a dirty
 *   card, or outside the heap.
 *
 * Let c be the cycle that begins, after a and b, and let x be young.  Had a found x, then b as
 * well, or x would be free, and x would be old.  So x is new since a's marking closed.  A reference
 * to it was stored since then; that store wrote 2, and only b has taken one off.  Where b is a
 * first cycle, x is new since b's marking closed.
 *
 * Outside the heap there are no cards.  Roots are scanned in every cycle; and all old objects of a
 * kind whose function looks outside (GAIT_KIND_CALLBACK_ANYWHERE) are traced anew.
 *
 * .young.from-the-start  When marking closes, every object that is reachable, and each that a
 * marked one refers to, is marked, and new objects are black: the sweep will find all of them.
 * There is no new object before the first thread turns its barrier off.  The race is with those
 * that have not:
 *
 *   thread A                                   thread B
 *   turns its barrier off                      has not answered: allocates black
 *   allocates x, which is new                  .
 *   stores it where B can load it              loads x, stores it in an old object or in a black
 *                                              one
 *
 * B's barrier shades nothing then: the roots have been scanned, and the list of buffers is closed.
 * So B must note stores already.  All threads do from the handshake on that turned their barriers
 * on; and one is taken off the cards when marking has closed, and before any thread is asked to
 * turn the barrier off.  A note that was made before that is of an object which this cycle finds:
 * one cycle more is enough for it.  Eight cards change by one compare-and-swap, so no note falls in
 * between.  tests/model/start.pml.
 *
 * At the start.  Cards are read when all threads have answered handshake 2, and before any is asked
 * to scan its roots.  A thread stores a reference and notes it without a safepoint in between, so
 * both have been seen, in either order.  A reference that is stored later is shaded by the barrier
 * as in any black object.  No thread allocates black yet, so a marked slot is that of an old
 * object, or lies in the rest of a run that was black in cycles before: zero, or an object that is
 * being made.
 *
 * So the invariant of cycle.c holds at that moment in a young cycle as in a full one, with the old
 * objects for black and those on dirty cards for grey.  An old object on a clean card refers to
 * marked ones only.
 *
 * A dead old object is traced as well, and the objects to which it refers have never been freed:
 * while it was marked it kept them.
 *
 * Models: start.  Litmus: card, card-aarch64, card-x86, remembered. */
#include "mark/young.h"

#include "mark/trace.h"

static bool young_is_marked(const struct gaiti_map *map, gaiti_ref ref) {
  return ref && gaiti_ref_is_marked(map, ref);
}

static size_t young_least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Traces [from, to) of an old object, bytes of the heap; bytes past its end are left out.  An
 * embedder's function traces it whole. */
static void young_trace_part(struct gaiti_marker *marker, gaiti_ref ref, uintptr_t from,
                             uintptr_t to) {
  const struct gaiti_map *map = &marker->map;
  uintptr_t start = gaiti_ref_start(map, ref);
  const struct gaiti_kind *kind = &marker->kinds[gaiti_ref_kind(ref)];
  size_t bytes = gaiti_ref_bytes(map, ref), last = young_least(to - start, bytes);
  if (from - start >= last) return;
  size_t first = gaiti_kind_has_function(kind) ? 0 : from - start;
  gaiti_trace(marker, kind, start, bytes, first, last);
  marker->work += last - first;
}

/* The old objects that start on a card of slots that have this tag. */
static struct gaiti_group young_group(const struct gaiti_map *map, gaiti_ref tag, size_t card) {
  return (struct gaiti_group){(tag & ~GAITI_REF_GRANULES) | card * 64, AO_load(&map->marks[card])};
}

/* Old objects that start on the card are traced whole, as one group; of one that reaches into it,
 * the part that does. */
static void young_trace_card(struct gaiti_marker *marker, gaiti_ref tag, size_t card) {
  const struct gaiti_map *map = &marker->map;
  struct gaiti_group group = young_group(map, tag, card);
  uintptr_t from = map->base + card * GAIT_CARD_BYTES;
  gaiti_ref first = gaiti_map_find(map, from);
  if (young_is_marked(map, first) && gaiti_ref_start(map, first) < from)
    young_trace_part(marker, first, from, from + GAIT_CARD_BYTES);
  if (group.bits) gaiti_marker_retrace(marker, group);
}

/* A large object's card is traced in its place: most of such an object is clean.  One that a
 * function traces, whole, is traced once: `whole` is the last. */
static void young_trace_large_card(struct gaiti_marker *marker, gaiti_ref ref, size_t card,
                                   gaiti_ref *whole) {
  uintptr_t from = marker->map.base + card * GAIT_CARD_BYTES;
  if (!young_is_marked(&marker->map, ref) || ref == *whole) return;
  if (gaiti_kind_has_function(&marker->kinds[gaiti_ref_kind(ref)])) *whole = ref;
  young_trace_part(marker, ref, from, from + GAIT_CARD_BYTES);
}

/* The object that the block is a part of, or its slots' tag. */
static gaiti_ref young_tag(const struct gaiti_map *map, uint32_t block) {
  gaiti_ref tag = gaiti_block_tag(map, block);
  return tag & GAITI_REF_TAIL ? gaiti_block_tag(map, map->shapes[block].reciprocal) : tag;
}

/* A byte for each card: 1 in the lowest bit. */
#define YOUNG_EACH_CARD ((AO_t)0x0101010101010101)

_Static_assert(GAIT_CARD_NOTED == 2, "two bits tell what a card has left");

/* The dirty ones of eight cards: the lowest bit of each. */
static AO_t young_dirty(AO_t cards) {
  return (cards | cards >> 1) & YOUNG_EACH_CARD;
}

/* Calls for each dirty card of the block, eight at a time: most are clean. */
static void young_trace_block(struct gaiti_marker *marker, uint32_t block, gaiti_ref *whole) {
  const AO_t *cards = gaiti_block_cards(&marker->map, block);
  gaiti_ref tag = young_tag(&marker->map, block);
  for (size_t word = 0; word < GAITI_BLOCK_CARD_WORDS; word++) {
    for (AO_t dirty = young_dirty(AO_load(&cards[word])); dirty; dirty &= dirty - 1) {
      size_t card = gaiti_block_word(block) + word * 8 + (size_t)__builtin_ctzll(dirty) / 8;
      if (tag & GAITI_REF_LARGE)
        young_trace_large_card(marker, tag, card, whole);
      else
        young_trace_card(marker, tag, card);
    }
  }
}

/* Traces every old object of a block: its kind's function may look anywhere. */
static void young_trace_all(struct gaiti_marker *marker, uint32_t block) {
  gaiti_ref tag = gaiti_block_tag(&marker->map, block);
  size_t first = gaiti_block_word(block);
  if (MUTANT(MUTANT_CALLBACKS_NOT_RETRACED) || tag & GAITI_REF_TAIL) return;
  for (size_t card = first; card < first + GAITI_BLOCK_WORDS; card++) {
    struct gaiti_group group = young_group(&marker->map, tag, card);
    if (group.bits) gaiti_marker_retrace(marker, group);
  }
}

static gait_kind_form young_form(const struct gaiti_marker *marker, uint32_t block) {
  return marker->kinds[gaiti_ref_kind(young_tag(&marker->map, block))].form;
}

void gaiti_young_trace_old(gait_heap *heap, struct gaiti_marker *marker) {
  uint32_t top = gaiti_space_top(&heap->space);
  gaiti_ref whole = 0;
  for (uint32_t block = 0; block < top; block++) {
    if (gaiti_block_is_free(&heap->map, block)) continue;
    switch (young_form(marker, block)) {
    case GAIT_KIND_LEAF: break;
    case GAIT_KIND_CALLBACK_ANYWHERE: young_trace_all(marker, block); break;
    case GAIT_KIND_CALLBACK:
    case GAIT_KIND_POINTERS:
    case GAIT_KIND_CONSERVATIVE: young_trace_block(marker, block, &whole); break;
    }
  }
}

/* Takes one off eight cards: 2 is half and 1 is nothing then. */
static void young_age_word(AO_t *cards) {
  AO_t old;
  do {
    old = AO_load(cards);
    if (old == 0) return;
  } while (!AO_compare_and_swap(cards, old, old >> 1 & YOUNG_EACH_CARD));
}

void gaiti_young_age_cards(gait_heap *heap) {
  AO_t *cards = gaiti_block_cards(&heap->map, 0);
  size_t count = gaiti_space_top(&heap->space) * GAITI_BLOCK_CARD_WORDS;
  for (size_t i = 0; i < count; i++)
    young_age_word(&cards[i]);
}

void gaiti_young_forget_old(gait_heap *heap) {
  size_t count = gaiti_block_word(gaiti_space_top(&heap->space));
  AO_t *marks = heap->map.marks;
  for (size_t i = 0; i < count; i++)
    if (AO_load(&marks[i])) AO_store(&marks[i], 0);
}
