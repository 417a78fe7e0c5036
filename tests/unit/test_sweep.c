/* Sweeping, below the API: blocks are formatted and marked by hand, on a heap that no thread uses,
 * and swept; each word of bits is held against the rule for one bit. */
#include "unit.h"

#include <string.h>

#include "../support/race.h"
#include "../support/random.h"
#include "alloc/cache.h"
#include "alloc/partial.h"
#include "base/asan.h"
#include "sweep/sweep.h"

const char *const unit_suite_name = "sweep";

#define SWEEP_STRETCH 8u

static gait_heap *heap;
static struct gaiti_map *map;
static struct gaiti_sweep *sweep;
static struct gaiti_generation *generation;
static uint16_t leaf, references;
static uint64_t sweep_seed;

static void sweep_open(void) {
  const gait_options options = unit_options(UNIT_CONCURRENT);
  ck_assert_int_eq(gait_heap_create(&options, &heap), GAIT_OK);
  map = &heap->map;
  sweep = heap->sweep;
  generation = &heap->generation;
  leaf = gait_kind_leaf(heap).index;
  references = gait_kind_conservative(heap).index;
}

static void sweep_close(void) {
  ck_assert_int_eq(gait_heap_destroy(heap), GAIT_OK);
}

/* ---- Blocks ---- */

static uint32_t sweep_take(uint32_t count) {
  const struct gaiti_space_request request = {
      .count = count, .used = count * GAITI_BLOCK_BYTES, .limit = GAITI_NO_LIMIT};
  uint32_t block = GAITI_NO_BLOCK;
  bool clean;
  UNIT_CHECK(gaiti_space_take(&heap->space, map, &request, &block, &clean) == GAITI_TAKE_OK);
  return block;
}

static uint32_t sweep_block(uint16_t kind, size_t slot_bytes) {
  const uint32_t block = sweep_take(1);
  gaiti_block_format(map, block, gaiti_kind_tag(&heap->kinds, kind),
                     (uint8_t)gait_size_class(slot_bytes), AO_load(&heap->epoch));
  return block;
}

static uint32_t sweep_large(uint16_t kind, size_t bytes) {
  const uint32_t block = sweep_take(gaiti_large_blocks(bytes));
  gaiti_block_format_large(map, block, gaiti_kind_tag(&heap->kinds, kind), bytes,
                           AO_load(&heap->epoch));
  return block;
}

static void sweep_change(uint32_t block, uint32_t slot, enum gaiti_bits_change change) {
  const size_t bytes = gaiti_block_slot_bytes(map, block);
  const uintptr_t start = (uintptr_t)gaiti_block_start(map, block) + slot * bytes;
  const size_t step = bytes ? bytes : GAIT_GRANULE_BYTES; /* of a large object one bit is used */
  gaiti_bits_change(map, start, start + step, step, change);
}

static void sweep_allocate(uint32_t block, uint32_t slot, bool marked) {
  sweep_change(block, slot, marked ? GAITI_BITS_ALLOCATE_BLACK : GAITI_BITS_ALLOCATE);
}

/* Makes every block due, as the end of marking does. */
static void sweep_begin(void) {
  gaiti_counter_add(&heap->epoch, 1);
  gaiti_sweep_begin(heap);
}

static void sweep_all(void) {
  sweep_begin();
  gaiti_sweep_finish(heap);
  ck_assert(gaiti_sweep_is_over(heap));
}

static bool sweep_is_free(uint32_t block) {
  return gaiti_block_is_free(map, block) && heap->space.free[block / 64] >> block % 64 & 1;
}

/* ---- Bits ---- */

struct sweep_bits {
  AO_t marks[GAITI_BLOCK_WORDS], allocated[GAITI_BLOCK_WORDS], aged[GAITI_BLOCK_WORDS];
};

static struct sweep_bits sweep_copy(uint32_t block) {
  struct sweep_bits bits;
  const size_t word = gaiti_block_word(block);
  memcpy(bits.marks, &map->marks[word], sizeof bits.marks);
  memcpy(bits.allocated, &map->allocated[word], sizeof bits.allocated);
  memcpy(bits.aged, &map->aged[word], sizeof bits.aged);
  return bits;
}

/* By the rules of heap/generation.h, for each bit; returns the number of old objects. */
static uint64_t sweep_expect(struct sweep_bits *bits) {
  uint64_t old_objects = 0;
  for (unsigned i = 0; i < GAITI_BLOCK_GRANULES; i++) {
    const AO_t bit = (AO_t)1 << i % 64;
    const bool marked = bits->marks[i / 64] & bit, aged = bits->aged[i / 64] & bit;
    const bool old = marked && (generation->remembered ? aged : generation->young_next);
    bits->allocated[i / 64] = (bits->allocated[i / 64] & ~bit) | (marked ? bit : 0);
    if (!(generation->young_next && old)) bits->marks[i / 64] &= ~bit;
    if (generation->remembers)
      bits->aged[i / 64] = (bits->aged[i / 64] & ~bit) | (marked ? bit : 0);
    old_objects += old;
  }
  return old_objects;
}

/* Slots are free, allocated, marked, or marked and aged, at random. */
static void sweep_fill(uint32_t block, uint64_t *random) {
  const size_t granules = map->shapes[block].slot_granules;
  for (uint32_t slot = 0; slot < map->shapes[block].slots; slot++) {
    const size_t granule = gaiti_block_granule(block) + slot * granules;
    const uint64_t form = random_below(random, 6);
    if (form) sweep_allocate(block, slot, form > 2);
    if (form % 2) map->aged[granule / 64] |= (AO_t)1 << granule % 64;
  }
  sweep_allocate(block, 0, true);
}

static void sweep_set_generation(int flags) {
  generation->young_next = flags & 1;
  generation->remembered = flags & 2;
  generation->remembers = flags & 4;
}

static const size_t sweep_slot_bytes[] = {16, 32, 48, 144, 1024, 9216, 32768};
#define SWEEP_SIZES (sizeof sweep_slot_bytes / sizeof *sweep_slot_bytes)

START_TEST(sweep_changes_bits_as_the_generation_says) {
  uint64_t random = sweep_seed + (uint64_t)_i, objects = 0, bytes = 0, scan_bytes = 0;
  struct sweep_bits expected[2 * SWEEP_SIZES];
  sweep_set_generation(_i);
  for (uint32_t i = 0; i < 2 * SWEEP_SIZES; i++) {
    const size_t slot_bytes = sweep_slot_bytes[i / 2];
    const uint32_t block = sweep_block(i % 2 ? references : leaf, slot_bytes);
    ck_assert_uint_eq(block, i);
    sweep_fill(block, &random);
    expected[i] = sweep_copy(block);
    const uint64_t old = sweep_expect(&expected[i]);
    objects += old, bytes += old * slot_bytes;
    if (i % 2) scan_bytes += old * slot_bytes;
  }
  sweep_all();
  for (uint32_t block = 0; block < 2 * SWEEP_SIZES; block++) {
    const struct sweep_bits found = sweep_copy(block);
    ck_assert_mem_eq(&found, &expected[block], sizeof found);
    ck_assert_uint_eq(map->states[block].swept, heap->epoch);
  }
  ck_assert_uint_eq(sweep->old_objects, objects);
  ck_assert_uint_eq(sweep->old_bytes, bytes);
  ck_assert_uint_eq(sweep->old_scan_bytes, scan_bytes);
  ck_assert_uint_eq(sweep->freed_blocks, 0);
}
END_TEST

START_TEST(sweep_clears_the_bits_of_a_dead_block) {
  sweep_set_generation(_i);
  const uint32_t block = sweep_block(leaf, 16);
  for (uint32_t slot = 0; slot < map->shapes[block].slots; slot += 3)
    sweep_allocate(block, slot, false);
  map->aged[gaiti_block_word(block) + 7] = 0x49; /* slots that a mark of the last sweep had */
  struct sweep_bits expected = sweep_copy(block);
  sweep_expect(&expected);
  sweep_all();
  const struct sweep_bits found = sweep_copy(block);
  ck_assert_mem_eq(&found, &expected, sizeof found);
  ck_assert(sweep_is_free(block));
}
END_TEST

START_TEST(objects_get_old_by_two_sweeps_that_note_ages) {
  const uint32_t block = sweep_block(references, 64);
  generation->young_next = generation->remembered = generation->remembers = true;
  sweep_allocate(block, 9, true);
  sweep_all();
  ck_assert_uint_eq(sweep->old_objects, 0);
  ck_assert(!gaiti_ref_is_marked(map, gaiti_block_tag(map, block) + 36));
  sweep_change(block, 9, GAITI_BITS_BLACKEN);
  sweep_allocate(block, 10, true);
  sweep_all();
  ck_assert_uint_eq(sweep->old_objects, 1);
  ck_assert(gaiti_ref_is_marked(map, gaiti_block_tag(map, block) + 36));
  ck_assert(!gaiti_ref_is_marked(map, gaiti_block_tag(map, block) + 40));
  ck_assert(gaiti_ref_is_allocated(map, gaiti_block_tag(map, block) + 40));
}
END_TEST

START_TEST(block_of_this_epoch_is_left_alone) {
  sweep_begin();
  const uint32_t block = sweep_block(leaf, 32);
  gaiti_sweep_begin(heap); /* now it is below top */
  sweep_allocate(block, 5, false);
  sweep_allocate(block, 6, true);
  const struct sweep_bits before = sweep_copy(block);
  gaiti_sweep_finish(heap);
  const struct sweep_bits after = sweep_copy(block);
  ck_assert_mem_eq(&before, &after, sizeof before);
  ck_assert_uint_eq(heap->partial->count, 0);
  ck_assert(!gaiti_block_is_free(map, block));
}
END_TEST

/* ---- Blocks that are freed, and listed ---- */

START_TEST(dead_blocks_are_freed_and_counted) {
  for (uint32_t i = 0; i < 20; i++)
    sweep_allocate(sweep_block(leaf, 64), i, i % 5 == 0);
  sweep_all();
  for (uint32_t block = 0; block < 20; block++)
    ck_assert_int_eq(sweep_is_free(block), block % 5 != 0);
  ck_assert_uint_eq(sweep->freed_blocks, 16);
  ck_assert_uint_eq(heap->space.free_blocks, 16);
  sweep_all();
  ck_assert_uint_eq(sweep->freed_blocks, 4);
  ck_assert_uint_eq(heap->space.free_blocks, 20);
}
END_TEST

START_TEST(block_with_free_slots_is_listed_and_a_full_one_is_not) {
  const uint32_t part = sweep_block(references, 32768), full = sweep_block(references, 32768);
  const unsigned size_class = gait_size_class(32768);
  sweep_allocate(part, 1, true);
  sweep_allocate(full, 0, true);
  sweep_allocate(full, 1, true);
  map->states[part].clean = map->states[full].clean = 1;
  sweep_all();
  ck_assert_uint_eq(heap->partial->count, 1);
  ck_assert_uint_eq(map->states[part].clean | map->states[full].clean, 0);
  ck_assert_uint_eq(gaiti_partial_take(heap, leaf, size_class), GAITI_NO_BLOCK);
  ck_assert_uint_eq(gaiti_partial_take(heap, references, size_class - 1), GAITI_NO_BLOCK);
  ck_assert_uint_eq(gaiti_partial_take(heap, references, size_class), part);
  ck_assert_uint_eq(heap->partial->count, 0);
}
END_TEST

START_TEST(sweep_begin_empties_lists_and_turns_the_space) {
  const uint32_t block = sweep_block(leaf, 64);
  sweep_allocate(block, 3, true);
  sweep_all();
  ck_assert_uint_eq(heap->partial->count, 1);
  const bool downwards = heap->space.downwards;
  sweep_change(block, 3, GAITI_BITS_BLACKEN);
  sweep_begin();
  ck_assert_int_eq(heap->space.downwards, !downwards);
  ck_assert_uint_eq(heap->partial->count, 0);
  ck_assert_uint_eq(gaiti_partial_take(heap, leaf, gait_size_class(64)), GAITI_NO_BLOCK);
  gaiti_sweep_finish(heap);
  ck_assert_uint_eq(gaiti_partial_take(heap, leaf, gait_size_class(64)), block);
}
END_TEST

START_TEST(fresh_blocks_tell_how_much_of_them_survives) {
  const uint32_t some = sweep_block(leaf, 1024), none = sweep_block(leaf, 2048);
  const uint32_t before = sweep_block(leaf, 64);
  AO_char_store(&map->states[before].fresh, 0);
  sweep_allocate(before, 0, true);
  for (uint32_t slot = 0; slot < 10; slot++) {
    sweep_allocate(some, slot, slot < 3);
    sweep_allocate(none, slot, false);
  }
  sweep_all();
  ck_assert_uint_eq(sweep->fresh_objects_bytes, 2 * GAITI_BLOCK_BYTES);
  ck_assert_uint_eq(sweep->fresh_live_bytes, 3 * 1024);
  ck_assert_uint_eq(map->states[some].fresh, 0);
  sweep_change(some, 0, GAITI_BITS_BLACKEN);
  sweep_all();
  ck_assert_uint_eq(sweep->fresh_objects_bytes, 0);
}
END_TEST

START_TEST(free_slots_are_poisoned_and_objects_are_not) {
  const uint32_t block = sweep_block(leaf, 4096);
  const unsigned char *start = (unsigned char *)gaiti_block_start(map, block);
  gaiti_asan_show(start, GAITI_BLOCK_BYTES);
  memset(gaiti_block_start(map, block), 7, GAITI_BLOCK_BYTES);
  heap->options.debug.poison = 1;
  sweep_allocate(block, 2, true);
  sweep_allocate(block, 3, false);
  sweep_all();
  gaiti_asan_show(start, GAITI_BLOCK_BYTES);
  for (size_t i = 0; i < GAITI_BLOCK_BYTES; i++)
    UNIT_CHECK(start[i] == (i / 4096 == 2 ? 7 : GAITI_POISON_BYTE));
}
END_TEST

/* ---- Large objects ---- */

START_TEST(large_object_is_freed_with_its_tails) {
  const uint32_t kept = sweep_large(references, 3 * GAITI_BLOCK_BYTES);
  const uint32_t dead = sweep_large(leaf, 2 * GAITI_BLOCK_BYTES + 16);
  sweep_allocate(kept, 0, true);
  sweep_allocate(dead, 0, false);
  generation->young_next = true;
  sweep_all();
  ck_assert_uint_eq(map->states[kept].swept, heap->epoch);
  ck_assert_uint_eq(sweep->old_objects, 1);
  ck_assert_uint_eq(sweep->old_bytes, 3 * GAITI_BLOCK_BYTES);
  ck_assert_uint_eq(sweep->old_scan_bytes, 3 * GAITI_BLOCK_BYTES);
  ck_assert_uint_eq(sweep->freed_blocks, 3);
  for (uint32_t block = 0; block < 6; block++)
    ck_assert_int_eq(sweep_is_free(block), block >= dead);
  ck_assert(gaiti_ref_is_allocated(map, gaiti_block_tag(map, kept)));
}
END_TEST

/* It is freed by the stretch that it begins in; the other passes over its tails or free blocks. */
START_TEST(large_object_over_two_stretches_is_swept_once) {
  for (uint32_t i = 0; i < 5; i++)
    sweep_allocate(sweep_block(leaf, 64), 0, true);
  const uint32_t large = sweep_large(leaf, 7 * GAITI_BLOCK_BYTES), last = sweep_block(leaf, 64);
  sweep_allocate(large, 0, _i);
  sweep_allocate(last, 0, true);
  sweep_begin();
  ck_assert(gaiti_sweep_some(heap));
  ck_assert_int_eq(sweep_is_free(large + 6), !_i);
  ck_assert_uint_eq(sweep->freed_blocks, _i ? 0 : 7);
  ck_assert(gaiti_sweep_some(heap));
  ck_assert(gaiti_sweep_is_over(heap));
  ck_assert_uint_eq(sweep->freed_blocks, _i ? 0 : 7);
  ck_assert_uint_eq(heap->space.free_blocks, _i ? 0 : 7);
  ck_assert_uint_eq(map->states[last].swept, heap->epoch);
}
END_TEST

/* ---- Claims ---- */

START_TEST(claims_are_stretches_of_blocks_up_to_top) {
  ck_assert(gaiti_sweep_is_over(heap));
  ck_assert(!gaiti_sweep_some(heap));
  for (uint32_t i = 0; i < 2 * SWEEP_STRETCH + 3; i++)
    sweep_allocate(sweep_block(leaf, 64), 0, true);
  sweep_begin();
  const uint32_t above = sweep_block(leaf, 64); /* after the begin: this epoch's */
  for (uint32_t swept = 0; swept < 2 * SWEEP_STRETCH + 3;) {
    ck_assert(!gaiti_sweep_is_over(heap));
    ck_assert_uint_eq(sweep->left, 2 * SWEEP_STRETCH + 3 - swept);
    ck_assert_uint_ne(map->states[swept].swept, heap->epoch);
    ck_assert(gaiti_sweep_some(heap));
    swept += SWEEP_STRETCH;
    ck_assert_uint_eq(map->states[swept - SWEEP_STRETCH].swept, heap->epoch);
  }
  ck_assert(gaiti_sweep_is_over(heap));
  ck_assert(!gaiti_sweep_some(heap));
  ck_assert(!gaiti_block_is_free(map, above));
}
END_TEST

#define SWEEP_MANY    300u
#define SWEEP_THREADS 3

static void *sweep_share(void *arg) {
  (void)arg;
  while (gaiti_sweep_some(heap)) {
  }
  return NULL;
}

/* Every third block dies in this round, another is part full, the third is full. */
static void sweep_prepare_round(void) {
  for (uint32_t block = 0; block < SWEEP_MANY; block++) {
    if (sweep_is_free(block) || block >= heap->space.top)
      ck_assert_uint_lt(sweep_block(references, 32768), SWEEP_MANY);
    for (uint32_t slot = 0; slot < 2; slot++)
      sweep_change(block, slot, GAITI_BITS_FREE);
  }
  for (uint32_t block = 0; block < SWEEP_MANY; block++)
    for (uint32_t slot = 0; slot < 2; slot++)
      sweep_allocate(block, slot, slot < block % 3);
}

START_TEST(block_is_swept_by_one_of_several_threads) {
  const uint32_t third = SWEEP_MANY / 3;
  char none[SWEEP_THREADS];
  for (int round = 0; round < 40; round++) {
    sweep_prepare_round();
    ck_assert_uint_eq(heap->space.free_blocks, 0);
    sweep_begin();
    race(SWEEP_THREADS, sweep_share, none, 1);
    ck_assert(gaiti_sweep_is_over(heap));
    ck_assert_uint_eq(sweep->freed_blocks, third);
    ck_assert_uint_eq(heap->space.free_blocks, third);
    ck_assert_uint_eq(heap->partial->count, third);
    ck_assert_uint_eq(sweep->fresh_live_bytes, (round ? 0 : 3) * third * 32768);
    for (uint32_t block = 0; block < SWEEP_MANY; block++)
      UNIT_CHECK(sweep_is_free(block) == (block % 3 == 0));
  }
}
END_TEST

/* Number 0 finishes, the other has claimed stretches that it is slow with. */
static void *sweep_finish_or_share(void *arg) {
  if (*(const char *)arg) return sweep_share(NULL);
  gaiti_sweep_finish(heap);
  const AO_t epoch = AO_load(&heap->epoch);
  for (uint32_t block = 0; block < SWEEP_MANY; block++)
    UNIT_CHECK(gaiti_block_is_free(map, block) || AO_load(&map->states[block].swept) == epoch);
  return NULL;
}

START_TEST(finish_waits_for_stretches_of_others) {
  char numbers[2] = {0, 1};
  heap->options.debug.delay_us = 300;
  for (int round = 0; round < 30; round++) {
    sweep_prepare_round();
    sweep_begin();
    race(2, sweep_finish_or_share, numbers, 1);
    ck_assert(gaiti_sweep_is_over(heap));
  }
}
END_TEST

static TCase *sweep_case(Suite *suite, const char *name) {
  TCase *tcase = unit_case(suite, name);
  tcase_add_checked_fixture(tcase, sweep_open, sweep_close);
  return tcase;
}

void unit_suite_fill(Suite *suite) {
  sweep_seed = random_seed();
  TCase *bits = sweep_case(suite, "bits");
  tcase_add_loop_test(bits, sweep_changes_bits_as_the_generation_says, 0, 8);
  tcase_add_loop_test(bits, sweep_clears_the_bits_of_a_dead_block, 0, 8);
  tcase_add_test(bits, objects_get_old_by_two_sweeps_that_note_ages);
  tcase_add_test(bits, block_of_this_epoch_is_left_alone);

  TCase *blocks = sweep_case(suite, "blocks");
  tcase_add_test(blocks, dead_blocks_are_freed_and_counted);
  tcase_add_test(blocks, block_with_free_slots_is_listed_and_a_full_one_is_not);
  tcase_add_test(blocks, sweep_begin_empties_lists_and_turns_the_space);
  tcase_add_test(blocks, fresh_blocks_tell_how_much_of_them_survives);
  tcase_add_test(blocks, free_slots_are_poisoned_and_objects_are_not);

  TCase *large = sweep_case(suite, "large");
  tcase_add_test(large, large_object_is_freed_with_its_tails);
  tcase_add_loop_test(large, large_object_over_two_stretches_is_swept_once, 0, 2);

  TCase *claims = sweep_case(suite, "claims");
  tcase_add_test(claims, claims_are_stretches_of_blocks_up_to_top);
  tcase_add_test(claims, block_is_swept_by_one_of_several_threads);
  tcase_add_test(claims, finish_waits_for_stretches_of_others);
}
