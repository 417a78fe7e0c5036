/* Blocks, below the API: size classes, how a word is resolved, and the bits of slots, each against
 * the same done bit by bit.  Tables stand alone here: no block has memory behind it. */
#include "unit.h"

#include <string.h>

#include "../support/race.h"
#include "../support/random.h"
#include "heap/block.h"

const char *const unit_suite_name = "block";

#define BLOCK_COUNT 6u
#define BLOCK_WORDS (BLOCK_COUNT * GAITI_BLOCK_WORDS)
#define BLOCK_KIND  5
#define BLOCK_TAG   ((gaiti_ref)BLOCK_KIND << GAITI_REF_KIND_SHIFT)
#define BLOCK_EPOCH 7

static struct gaiti_block_shape block_shapes[BLOCK_COUNT];
static struct gaiti_block_state block_states[BLOCK_COUNT];
static AO_t block_marks[BLOCK_WORDS], block_allocated[BLOCK_WORDS], block_aged[BLOCK_WORDS];
static unsigned char block_cards[BLOCK_WORDS];
static const struct gaiti_map map = {
    .base = (uintptr_t)1 << 44,
    .bytes = BLOCK_COUNT * GAITI_BLOCK_BYTES,
    .shapes = block_shapes,
    .states = block_states,
    .marks = block_marks,
    .allocated = block_allocated,
    .aged = block_aged,
    .cards = block_cards,
};

static uint64_t block_seed;

static void block_setup(void) {
  memset(block_shapes, 0, sizeof block_shapes);
  memset(block_states, 0, sizeof block_states);
  memset(block_marks, 0, sizeof block_marks);
  memset(block_allocated, 0, sizeof block_allocated);
}

static void block_format(uint32_t block, unsigned size_class) {
  gaiti_block_format(&map, block, BLOCK_TAG, (uint8_t)size_class, BLOCK_EPOCH);
}

static uintptr_t block_address(uint32_t block, size_t offset) {
  return (uintptr_t)gaiti_block_start(&map, block) + offset;
}

/* ---- Size classes and shapes ---- */

START_TEST(class_bytes_are_the_inverse_of_the_size_class) {
  for (unsigned size_class = 0; size_class < GAIT_SIZE_CLASSES; size_class++) {
    size_t bytes = gaiti_class_bytes(size_class);
    ck_assert_uint_eq(gait_size_class(bytes), size_class);
    ck_assert_uint_eq(bytes % GAIT_GRANULE_BYTES, 0);
    if (bytes < GAIT_SMALL_BYTES) ck_assert_uint_eq(gait_size_class(bytes + 1), size_class + 1);
  }
  ck_assert_uint_eq(gaiti_class_bytes(GAIT_SIZE_CLASSES - 1), GAIT_SMALL_BYTES);
}
END_TEST

START_TEST(block_format_writes_shape_and_state) {
  const unsigned size_class = gait_size_class(144);
  block_format(2, size_class);
  ck_assert_uint_eq(map.shapes[2].slot_granules, 9);
  ck_assert_uint_eq(map.shapes[2].slots, 455);
  ck_assert_uint_eq(gaiti_block_slot_bytes(&map, 2), 144);
  ck_assert_uint_eq(map.states[2].size_class, size_class);
  ck_assert_uint_eq(map.states[2].swept, BLOCK_EPOCH);
  ck_assert_uint_eq(map.states[2].next, GAITI_NO_BLOCK);
  ck_assert_uint_eq(map.states[2].fresh, 1);
  const gaiti_ref tag = gaiti_block_tag(&map, 2);
  ck_assert_uint_eq(gaiti_ref_kind(tag), BLOCK_KIND);
  ck_assert_uint_eq(gaiti_block_kind(&map, 2), BLOCK_KIND);
  ck_assert_uint_eq(gaiti_ref_class(tag), size_class);
  ck_assert_uint_eq(gaiti_ref_start(&map, tag), block_address(2, 0));
  ck_assert_uint_eq(gaiti_ref_bytes(&map, tag), 144);
  ck_assert(!gaiti_block_is_free(&map, 2));
  gaiti_block_unformat(&map, 2, 1);
  ck_assert(gaiti_block_is_free(&map, 2));
}
END_TEST

/* Every class, every byte of a block: the slot by the reciprocal is the slot by division. */
START_TEST(reciprocal_is_exact_at_every_offset) {
  block_format(1, (unsigned)_i);
  const size_t bytes = gaiti_class_bytes((unsigned)_i), slots = GAITI_BLOCK_BYTES / bytes;
  const gaiti_ref tag = gaiti_block_tag(&map, 1);
  for (size_t offset = 0; offset < GAITI_BLOCK_BYTES; offset++) {
    const size_t slot = offset / bytes;
    const gaiti_ref found = gaiti_map_find(&map, block_address(1, offset));
    UNIT_CHECK(found == (slot < slots ? tag + slot * (bytes / GAIT_GRANULE_BYTES) : 0));
    if (found) UNIT_CHECK(gaiti_ref_start(&map, found) == block_address(1, slot * bytes));
  }
}
END_TEST

START_TEST(words_outside_of_formatted_blocks_resolve_to_nothing) {
  block_format(0, 0);
  block_format(BLOCK_COUNT - 1, 0);
  memset(block_allocated, 0xff, sizeof block_allocated);
  ck_assert_uint_ne(gaiti_map_resolve(&map, map.base), 0);
  ck_assert_uint_eq(gaiti_map_resolve(&map, map.base - 1), 0);
  ck_assert_uint_ne(gaiti_map_resolve(&map, map.base + map.bytes - 1), 0);
  ck_assert_uint_eq(gaiti_map_resolve(&map, map.base + map.bytes), 0);
  ck_assert_uint_eq(gaiti_map_resolve(&map, 0), 0);
  ck_assert_uint_eq(gaiti_map_resolve(&map, UINTPTR_MAX), 0);
  for (size_t offset = 0; offset < GAITI_BLOCK_BYTES; offset++)
    UNIT_CHECK(gaiti_map_resolve(&map, block_address(1, offset)) == 0);
}
END_TEST

START_TEST(word_resolves_only_to_an_allocated_slot) {
  block_format(3, gait_size_class(48));
  const uintptr_t slot = block_address(3, 48 * 100);
  gaiti_bits_change(&map, slot, slot + 48, 48, GAITI_BITS_ALLOCATE);
  for (uintptr_t word = slot; word < slot + 48; word++)
    UNIT_CHECK(gaiti_ref_start(&map, gaiti_map_resolve(&map, word)) == slot);
  ck_assert_uint_eq(gaiti_map_resolve(&map, slot - 1), 0);
  ck_assert_uint_eq(gaiti_map_resolve(&map, slot + 48), 0);
}
END_TEST

/* ---- Large objects ---- */

/* An object of two whole blocks and a part of a third. */
static gaiti_ref block_format_large(size_t part_bytes) {
  const size_t bytes = 2 * GAITI_BLOCK_BYTES + part_bytes;
  gaiti_block_format_large(&map, 1, BLOCK_TAG | GAITI_REF_LEAF, bytes, BLOCK_EPOCH);
  const gaiti_ref tag = gaiti_block_tag(&map, 1);
  ck_assert_uint_eq(gaiti_block_large_bytes(&map, 1), bytes);
  ck_assert_uint_eq(gaiti_ref_bytes(&map, tag), bytes);
  ck_assert_uint_eq(map.states[1].swept, BLOCK_EPOCH);
  return tag;
}

START_TEST(large_object_is_found_from_each_of_its_blocks) {
  const size_t part_bytes = 5 * GAIT_GRANULE_BYTES;
  const gaiti_ref tag = block_format_large(part_bytes);
  const uintptr_t start = block_address(1, 0), end = block_address(3, part_bytes);
  ck_assert_uint_eq(gaiti_ref_start(&map, tag), start);
  ck_assert(tag & GAITI_REF_LARGE && tag & GAITI_REF_LEAF);
  for (uintptr_t word = start; word < end; word += 8)
    UNIT_CHECK(gaiti_map_find(&map, word) == tag);
  ck_assert_uint_eq(gaiti_map_find(&map, end - 1), tag);
  ck_assert_uint_eq(gaiti_map_find(&map, end), 0);
  ck_assert_uint_eq(gaiti_map_find(&map, start - 1), 0);
  ck_assert_uint_eq(gaiti_map_find(&map, block_address(4, 0)), 0);
  ck_assert_uint_eq(gaiti_map_resolve(&map, start), 0);
  gaiti_bits_change(&map, start, start + GAIT_GRANULE_BYTES, GAIT_GRANULE_BYTES,
                    GAITI_BITS_ALLOCATE);
  ck_assert_uint_eq(gaiti_map_resolve(&map, end - 1), tag);
}
END_TEST

START_TEST(large_object_of_whole_blocks_has_no_block_more) {
  block_format(3, 0);
  const gaiti_ref next = gaiti_block_tag(&map, 3);
  const gaiti_ref tag = block_format_large(0);
  ck_assert_uint_eq(gaiti_block_tag(&map, 2), GAITI_REF_TAIL);
  ck_assert_uint_eq(gaiti_block_tag(&map, 3), next);
  ck_assert_uint_eq(gaiti_map_find(&map, block_address(3, 0) - 1), tag);
  ck_assert_uint_eq(gaiti_map_find(&map, block_address(3, 0)), next);
}
END_TEST

/* The first block goes first, so for a moment its tails refer to a block without an object. */
START_TEST(tail_of_an_object_that_is_gone_resolves_to_nothing) {
  block_format_large(16);
  gaiti_block_unformat(&map, 1, 1);
  ck_assert_uint_eq(gaiti_map_find(&map, block_address(2, 0)), 0);
  block_format(1, 3);
  ck_assert_uint_eq(gaiti_map_find(&map, block_address(2, 0)), 0);
  gaiti_block_unformat(&map, 1, 3);
  for (uint32_t block = 1; block <= 3; block++)
    ck_assert_uint_eq(gaiti_block_tag(&map, block), 0);
}
END_TEST

/* ---- Bits of a range of slots ---- */

static AO_t expected_marks[BLOCK_WORDS], expected_allocated[BLOCK_WORDS];

static void block_expect_bit(AO_t *table, size_t granule, bool set) {
  const AO_t bit = (AO_t)1 << granule % 64;
  if (set)
    table[granule / 64] |= bit;
  else
    table[granule / 64] &= ~bit;
}

/* The same as gaiti_bits_change on the slots [from, to), by the meaning of each change. */
static void block_expect(uint32_t block, size_t step, uint32_t from, uint32_t to,
                         enum gaiti_bits_change change) {
  for (uint32_t slot = from; slot < to; slot++) {
    const size_t granule = gaiti_block_granule(block) + slot * step;
    if (change != GAITI_BITS_BLACKEN)
      block_expect_bit(expected_allocated, granule, change != GAITI_BITS_FREE);
    if (change != GAITI_BITS_ALLOCATE)
      block_expect_bit(expected_marks, granule, change != GAITI_BITS_FREE);
  }
}

/* Changes the slots, and compares both tables whole: neighbours keep their bits. */
static void block_change(uint32_t block, uint32_t from, uint32_t to,
                         enum gaiti_bits_change change) {
  const size_t bytes = gaiti_block_slot_bytes(&map, block);
  gaiti_bits_change(&map, block_address(block, from * bytes), block_address(block, to * bytes),
                    bytes, change);
  block_expect(block, bytes / GAIT_GRANULE_BYTES, from, to, change);
  UNIT_CHECK(memcmp(block_marks, expected_marks, sizeof block_marks) == 0);
  UNIT_CHECK(memcmp(block_allocated, expected_allocated, sizeof block_allocated) == 0);
}

static void block_expect_what_is(void) {
  memcpy(expected_marks, block_marks, sizeof block_marks);
  memcpy(expected_allocated, block_allocated, sizeof block_allocated);
}

START_TEST(bits_of_every_slot_size_change_alone) {
  uint64_t random = block_seed + (uint64_t)_i;
  for (uint32_t block = 0; block < BLOCK_COUNT; block++)
    block_format(block, (unsigned)_i);
  block_expect_what_is();
  const uint32_t slots = map.shapes[0].slots;
  for (int change = GAITI_BITS_ALLOCATE; change <= GAITI_BITS_FREE; change++)
    block_change(1, 0, slots, (enum gaiti_bits_change)change);
  for (int round = 0; round < 200; round++) {
    const uint32_t from = random_below(&random, slots);
    const uint32_t to = from + 1 + random_below(&random, slots - from);
    block_change(random_below(&random, BLOCK_COUNT), from, to,
                 (enum gaiti_bits_change)random_below(&random, GAITI_BITS_FREE + 1));
  }
}
END_TEST

START_TEST(bits_change_up_to_word_boundaries) {
  static const uint32_t edges[] = {0, 1, 62, 63, 64, 65, 127, 128, 129, 4032, 4095, 4096};
  const size_t count = sizeof edges / sizeof *edges;
  for (uint32_t block = 0; block < BLOCK_COUNT; block++)
    block_format(block, 0);
  block_expect_what_is();
  for (size_t i = 0; i < count; i++)
    for (size_t j = i; j < count; j++)
      for (int change = GAITI_BITS_ALLOCATE; change <= GAITI_BITS_FREE; change++)
        block_change(2, edges[i], edges[j], (enum gaiti_bits_change)change);
}
END_TEST

START_TEST(marks_set_tells_the_bits_that_were_clear) {
  block_format(0, 0);
  const gaiti_ref ref = gaiti_block_tag(&map, 0) + 64 + 63;
  ck_assert(!gaiti_ref_is_marked(&map, ref));
  ck_assert(gaiti_ref_mark(&map, ref));
  ck_assert(gaiti_ref_is_marked(&map, ref));
  ck_assert(!gaiti_ref_mark(&map, ref));
  ck_assert_uint_eq(block_marks[1], (AO_t)1 << 63);
  ck_assert_uint_eq(gaiti_marks_set(&map, ref, ((AO_t)3 << 62) | 1), ((AO_t)1 << 62) | 1);
  ck_assert_uint_eq(block_marks[1], ((AO_t)3 << 62) | 1);
  ck_assert_uint_eq(block_marks[0] | block_marks[2], 0);
  ck_assert_uint_eq(gaiti_ref_group(ref), gaiti_block_tag(&map, 0) + 64);
}
END_TEST

/* ---- Runs of free slots ---- */

/* Fills the allocation bits of block 1 at random: dense or sparse, as `order` says. */
static void block_fill(uint64_t *random, unsigned order) {
  const size_t step = map.shapes[1].slot_granules;
  memset(block_allocated, 0, sizeof block_allocated);
  for (uint32_t slot = 0; slot < map.shapes[1].slots; slot++)
    if (random_below(random, 1u << order) != (order > 4))
      block_expect_bit(block_allocated, gaiti_block_granule(1) + slot * step, true);
  if (order == 9) memset(block_allocated, 0, sizeof block_allocated);
}

static bool block_slot_is_free(uint32_t slot) {
  const size_t granule = gaiti_block_granule(1) + (size_t)slot * map.shapes[1].slot_granules;
  return !(block_allocated[granule / 64] >> granule % 64 & 1);
}

static void block_check_free_run(uint32_t from, uint32_t most) {
  uint32_t expected = from, slots = map.shapes[1].slots, first = 0, end = 0;
  while (expected < slots && !block_slot_is_free(expected))
    expected++;
  const bool found = gaiti_bits_free_run(&map, 1, from, most, &first, &end);
  UNIT_CHECK(found == (expected < slots));
  if (!found) return;
  UNIT_CHECK(first == expected);
  while (expected < slots && expected - first < most && block_slot_is_free(expected))
    expected++;
  UNIT_CHECK(end == expected);
}

START_TEST(free_run_is_the_first_in_every_slot_size) {
  uint64_t random = block_seed + (uint64_t)_i;
  block_format(1, (unsigned)_i);
  const uint32_t slots = map.shapes[1].slots;
  for (unsigned order = 0; order < 10; order++) {
    block_fill(&random, order);
    for (uint32_t i = 0; i < slots; i += 1 + slots / 128) {
      block_check_free_run(i, 1 + random_below(&random, slots));
      block_check_free_run(i, UINT32_MAX);
      block_check_free_run(i, 1);
    }
    block_check_free_run(slots - 1, 1);
    block_check_free_run(slots, 1);
  }
}
END_TEST

START_TEST(free_run_does_not_see_neighbouring_blocks) {
  uint32_t first = 99, end = 99;
  block_format(1, 0);
  memset(block_allocated, 0xff, sizeof block_allocated);
  ck_assert(!gaiti_bits_free_run(&map, 1, 0, UINT32_MAX, &first, &end));
  memset(&block_allocated[GAITI_BLOCK_WORDS], 0, sizeof(AO_t) * GAITI_BLOCK_WORDS);
  ck_assert(gaiti_bits_free_run(&map, 1, 0, UINT32_MAX, &first, &end));
  ck_assert_uint_eq(first, 0);
  ck_assert_uint_eq(end, GAITI_BLOCK_GRANULES);
}
END_TEST

/* ---- Two threads in one word ---- */

#define BLOCK_ROUNDS 200

struct block_racer {
  unsigned number;
  unsigned won;
};

static void *block_mark_all(void *arg) {
  struct block_racer *racer = arg;
  for (gaiti_ref granule = 0; granule < GAITI_BLOCK_GRANULES; granule++)
    racer->won += gaiti_ref_mark(&map, gaiti_block_tag(&map, 0) + granule);
  return NULL;
}

START_TEST(object_is_marked_by_one_of_two_threads) {
  block_format(0, 0);
  for (int round = 0; round < BLOCK_ROUNDS; round++) {
    struct block_racer racers[2] = {{0, 0}, {1, 0}};
    memset(block_marks, 0, sizeof block_marks);
    race(2, block_mark_all, racers, sizeof *racers);
    ck_assert_uint_eq(racers[0].won + racers[1].won, GAITI_BLOCK_GRANULES);
  }
}
END_TEST

/* Number 0 owns the blocks and allocates the lower slots of each word, black; number 1 gives the
 * upper ones back, slot by slot. */
static void *block_own_or_give_back(void *arg) {
  const struct block_racer *racer = arg;
  const enum gaiti_bits_change change = racer->number ? GAITI_BITS_FREE : GAITI_BITS_ALLOCATE_BLACK;
  for (uint32_t word = 0; word < BLOCK_WORDS; word++)
    for (uint32_t i = 0; i < 32; i++) {
      const uintptr_t slot = block_address(0, (word * 64 + racer->number * 32 + i) * (size_t)16);
      gaiti_bits_change(&map, slot, slot + 16, 16, change);
    }
  return NULL;
}

START_TEST(bits_that_another_thread_changes_are_not_lost) {
  for (uint32_t block = 0; block < BLOCK_COUNT; block++)
    block_format(block, 0);
  for (int round = 0; round < BLOCK_ROUNDS; round++) {
    struct block_racer racers[2] = {{0, 0}, {1, 0}};
    for (uint32_t word = 0; word < BLOCK_WORDS; word++)
      block_marks[word] = block_allocated[word] = UINT64_C(0xffffffff00000000);
    race(2, block_own_or_give_back, racers, sizeof *racers);
    for (uint32_t word = 0; word < BLOCK_WORDS; word++)
      UNIT_CHECK(block_allocated[word] == UINT32_MAX && block_marks[word] == UINT32_MAX);
  }
}
END_TEST

static TCase *block_case(Suite *suite, const char *name) {
  TCase *tcase = unit_case(suite, name);
  tcase_add_checked_fixture(tcase, block_setup, NULL);
  return tcase;
}

#define BLOCK_TEST_CLASSES(tcase, function)                                                        \
  tcase_add_loop_test(tcase, function, 0, GAIT_SIZE_CLASSES)

void unit_suite_fill(Suite *suite) {
  block_seed = random_seed();
  TCase *shapes = block_case(suite, "shapes");
  tcase_add_test(shapes, class_bytes_are_the_inverse_of_the_size_class);
  tcase_add_test(shapes, block_format_writes_shape_and_state);
  BLOCK_TEST_CLASSES(shapes, reciprocal_is_exact_at_every_offset);
  tcase_add_test(shapes, words_outside_of_formatted_blocks_resolve_to_nothing);
  tcase_add_test(shapes, word_resolves_only_to_an_allocated_slot);

  TCase *large = block_case(suite, "large");
  tcase_add_test(large, large_object_is_found_from_each_of_its_blocks);
  tcase_add_test(large, large_object_of_whole_blocks_has_no_block_more);
  tcase_add_test(large, tail_of_an_object_that_is_gone_resolves_to_nothing);

  TCase *bits = block_case(suite, "bits");
  BLOCK_TEST_CLASSES(bits, bits_of_every_slot_size_change_alone);
  tcase_add_test(bits, bits_change_up_to_word_boundaries);
  tcase_add_test(bits, marks_set_tells_the_bits_that_were_clear);
  BLOCK_TEST_CLASSES(bits, free_run_is_the_first_in_every_slot_size);
  tcase_add_test(bits, free_run_does_not_see_neighbouring_blocks);

  TCase *races = block_case(suite, "races");
  tcase_add_test(races, object_is_marked_by_one_of_two_threads);
  tcase_add_test(races, bits_that_another_thread_changes_are_not_lost);
}
