/* The address space, below the API: which blocks are taken, what is mapped and released, and the
 * invariant of its tables after each step. */
#include "unit.h"

#include <string.h>

#include "../support/sanitizer.h"
#include "../support/race.h"
#include "../support/random.h"
#include "base/asan.h"
#include "base/check.h"
#include "heap/space.h"

const char *const unit_suite_name = "space";

#define SPACE_BLOCKS 4096u
#define SPACE_BYTES  (SPACE_BLOCKS * GAITI_BLOCK_BYTES)
#define SPACE_TAG    ((gaiti_ref)3 << GAITI_REF_KIND_SHIFT)

static struct gaiti_space space;
static struct gaiti_map map;
static uint64_t space_seed;

static size_t space_page(void) {
  return gaiti_os_page_bytes();
}

static bool space_has(const uint64_t *bits, uint32_t block) {
  return bits[block / 64] >> block % 64 & 1;
}

/* Asserts .inv.space, and that the hints are true. */
static void space_check(void) {
  uint64_t resident_bytes = 0, free_blocks = 0, dirty_blocks = 0;
  UNIT_CHECK(space.top <= space.committed && space.committed <= space.blocks);
  UNIT_CHECK(gaiti_space_top(&space) == space.top);
  for (uint32_t block = 0; block < space.top; block++) {
    const bool is_free = space_has(space.free, block), dirty = space_has(space.dirty, block);
    const size_t resident = map.states[block].resident;
    UNIT_CHECK(resident * space_page() <= GAITI_BLOCK_BYTES);
    UNIT_CHECK(!dirty || is_free);
    UNIT_CHECK(!is_free || dirty == (resident > 0));
    UNIT_CHECK(!is_free || block >= space.hint);
    UNIT_CHECK(!dirty || block >= space.dirty_hint || space.top <= 256);
    resident_bytes += resident * space_page();
    free_blocks += is_free;
    dirty_blocks += dirty;
  }
  for (uint32_t block = space.top; block < space.committed; block++)
    UNIT_CHECK(map.states[block].resident == 0);
  for (uint32_t block = space.top; block < space.blocks; block++)
    UNIT_CHECK(!space_has(space.free, block) && !space_has(space.dirty, block));
  UNIT_CHECK(space.free_blocks == free_blocks && space.dirty_blocks == dirty_blocks);
  UNIT_CHECK(gaiti_space_free_bytes(&space) == dirty_blocks * GAITI_BLOCK_BYTES);
  UNIT_CHECK(space.mapped_bytes == resident_bytes + space.table_bytes);
  UNIT_CHECK(space.mapped_peak_bytes >= gaiti_space_mapped(&space));
  UNIT_CHECK(space.top ? space.table_bytes % space.top == 0 : space.table_bytes == 0);
}

static void space_open(void) {
  memset(&space, 0, sizeof space);
  memset(&map, 0, sizeof map);
  ck_assert(gaiti_space_init(&space, &map, SPACE_BYTES));
  gaiti_space_refuse_huge_pages(&space, &map); /* a block has the pages that it was written to */
  space_check();
}

static void space_close(void) {
  space_check();
  gaiti_space_destroy(&space, &map);
}

/* ---- Steps, each with the check behind it ---- */

static enum gaiti_take space_try(uint32_t count, size_t used, uint64_t limit, uint32_t *block) {
  bool clean;
  const struct gaiti_space_request request = {.count = count, .used = used, .limit = limit};
  const enum gaiti_take take = gaiti_space_take(&space, &map, &request, block, &clean);
  space_check();
  return take;
}

/* Takes a stretch that will be used whole; *clean as gaiti_space_take says. */
static uint32_t space_take_clean(uint32_t count, uint64_t own, bool *clean) {
  const struct gaiti_space_request request = {
      .count = count, .used = count * GAITI_BLOCK_BYTES, .limit = GAITI_NO_LIMIT, .own = own};
  uint32_t block = GAITI_NO_BLOCK;
  UNIT_CHECK(gaiti_space_take(&space, &map, &request, &block, clean) == GAITI_TAKE_OK);
  UNIT_CHECK(block + count <= gaiti_space_top(&space));
  gaiti_asan_show(gaiti_block_start(&map, block), count * GAITI_BLOCK_BYTES);
  return block;
}

static uint32_t space_take(uint32_t count) {
  bool clean;
  const uint32_t block = space_take_clean(count, 0, &clean);
  space_check();
  return block;
}

/* Single blocks 0 .. count - 1. */
static void space_take_first(uint32_t count) {
  bool clean;
  for (uint32_t i = 0; i < count; i++)
    UNIT_CHECK(space_take_clean(1, 0, &clean) == i);
  space_check();
}

static void space_give(uint32_t block, uint32_t count) {
  gaiti_space_give(&space, &map, block, count);
  space_check();
}

static size_t space_release(size_t bytes) {
  const uint64_t mapped = gaiti_space_mapped(&space), before = space.released_bytes;
  const size_t released = gaiti_space_release(&space, &map, bytes);
  UNIT_CHECK(mapped - gaiti_space_mapped(&space) == released);
  UNIT_CHECK(space.released_bytes - before == released);
  space_check();
  return released;
}

static size_t space_pages_with_memory(uint32_t block) {
  return gaiti_os_resident_pages(gaiti_block_start(&map, block), GAITI_BLOCK_BYTES / space_page());
}

static bool space_reads_as_zero(uint32_t block) {
  const uint64_t *words = (const void *)gaiti_block_start(&map, block);
  for (size_t i = 0; i < GAITI_BLOCK_BYTES / sizeof *words; i++)
    if (words[i]) return false;
  return true;
}

static void space_write(uint32_t block) {
  memset(gaiti_block_start(&map, block), 0xa5, GAITI_BLOCK_BYTES);
}

/* ---- Reserving ---- */

START_TEST(space_is_of_whole_blocks) {
  struct gaiti_space other = {0};
  struct gaiti_map others = {0};
  ck_assert_uint_eq(map.bytes, SPACE_BYTES);
  ck_assert_uint_eq(map.base % GAITI_BLOCK_BYTES, 0);
  ck_assert_uint_eq(gaiti_space_mapped(&space), 0);
  ck_assert(gaiti_space_init(&other, &others, 3 * ((size_t)1 << 20) + 12345));
  ck_assert_uint_eq(others.bytes, 3 << 20);
  ck_assert_uint_eq(other.blocks, 48);
  gaiti_space_destroy(&other, &others);
  ck_assert(!gaiti_space_init(&other, &others, ((size_t)1 << 20) - 1));
}
END_TEST

START_TEST(tables_of_committed_blocks_do_not_overlap) {
  space_take_first(100);
  for (uint32_t block = 0; block < 100; block++) {
    const size_t word = gaiti_block_word(block);
    map.shapes[block].reciprocal = block;
    map.states[block].next = block;
    for (size_t i = word; i < word + GAITI_BLOCK_WORDS; i++)
      map.marks[i] = 1000000 + i, map.allocated[i] = 2000000 + i, map.aged[i] = 3000000 + i;
    memset(&map.cards[word], (int)block, GAITI_BLOCK_WORDS);
  }
  space_check();
  for (uint32_t block = 0; block < 100; block++) {
    const size_t word = gaiti_block_word(block);
    UNIT_CHECK(map.shapes[block].reciprocal == block && map.states[block].next == block);
    for (size_t i = word; i < word + GAITI_BLOCK_WORDS; i++)
      UNIT_CHECK(map.marks[i] == 1000000 + i && map.allocated[i] == 2000000 + i &&
                 map.aged[i] == 3000000 + i && map.cards[i] == block);
  }
}
END_TEST

/* ---- Which blocks are taken ---- */

START_TEST(fresh_blocks_are_taken_in_the_order_of_addresses) {
  bool clean = false;
  for (uint32_t i = 0; i < 130; i++) {
    ck_assert_uint_eq(space_take_clean(1, 0, &clean), i);
    ck_assert(clean);
    ck_assert_uint_eq(space.top, i + 1);
  }
}
END_TEST

START_TEST(block_that_was_used_is_taken_first_and_is_not_clean) {
  bool clean = true;
  space_take_first(3);
  space_give(1, 1);
  ck_assert_uint_eq(space_take_clean(1, 0, &clean), 1);
  ck_assert(!clean);
  ck_assert_uint_eq(space_take_clean(1, 0, &clean), 3);
  ck_assert(clean);
}
END_TEST

START_TEST(blocks_with_memory_are_taken_before_those_without) {
  bool clean = false;
  space_take_first(12);
  space_give(0, 4);
  ck_assert_uint_eq(space_release(SIZE_MAX), 4 * GAITI_BLOCK_BYTES);
  space_give(6, 1);
  ck_assert_uint_eq(space_take_clean(1, 0, &clean), 6);
  ck_assert(!clean);
  ck_assert_uint_eq(space_take_clean(1, 0, &clean), 0);
  ck_assert(clean);
}
END_TEST

START_TEST(small_heap_is_filled_from_either_end_by_turns) {
  space_take_first(130);
  for (int turn = 0; turn < 4; turn++) {
    space_give(3, 120);
    ck_assert_uint_eq(space_take(1), turn % 2 ? 122 : 3);
    ck_assert_uint_eq(space_take(1), turn % 2 ? 121 : 4);
    space_give(turn % 2 ? 121 : 3, 2);
    ck_assert_uint_eq(space_take(120), 3);
    gaiti_space_turn(&space);
  }
}
END_TEST

START_TEST(large_heap_is_filled_from_below_in_every_turn) {
  space_take_first(300);
  for (int turn = 0; turn < 2; turn++) {
    gaiti_space_turn(&space);
    space_give(3, 290);
    ck_assert_uint_eq(space_take(1), 3);
    ck_assert_uint_eq(space_take(1), 4);
    ck_assert_uint_eq(space_take(288), 5);
  }
}
END_TEST

/* The bit of a block in `own` is its number modulo 64. */
START_TEST(own_block_is_taken_where_one_is_near) {
  bool clean;
  const uint32_t top = _i ? 2000 : 200; /* without turns, and with them */
  space_take_first(top);
  space_give(5, 1);
  space_give(70, 3);
  ck_assert_uint_eq(space_take_clean(1, (uint64_t)1 << 71 % 64, &clean), 71);
  ck_assert_uint_eq(space_take_clean(1, (uint64_t)1 << 63, &clean), 5);
  ck_assert_uint_eq(space_take_clean(1, (uint64_t)6 << 6, &clean), 72);
  ck_assert_uint_eq(space_take_clean(1, (uint64_t)6 << 6, &clean), 70);
}
END_TEST

START_TEST(own_block_far_away_is_left_to_others) {
  bool clean;
  space_take_first(3000);
  space_give(5, 1);
  space_give(64 * 10 + 9, 1);
  ck_assert_uint_eq(space_take_clean(1, (uint64_t)1 << 9, &clean), 64 * 10 + 9);
  space_give(64 * 40 + 9, 1);
  ck_assert_uint_eq(space_take_clean(1, (uint64_t)1 << 9, &clean), 5);
}
END_TEST

START_TEST(stretch_is_the_first_that_is_long_enough) {
  space_take_first(400);
  space_give(10, 2);
  space_give(62, 4); /* over the end of a word */
  space_give(128, 64);
  space_give(300, 100);
  ck_assert_uint_eq(space_take(3), 62);
  ck_assert_uint_eq(space_take(64), 128);
  ck_assert_uint_eq(space_take(2), 10);
  ck_assert_uint_eq(space_take(2), 300);
  ck_assert_uint_eq(space_take(99), 302); /* goes past top */
  ck_assert_uint_eq(space.top, 401);
  ck_assert_uint_eq(space_take(1), 65);
  ck_assert_uint_eq(space_take(1), 401);
}
END_TEST

START_TEST(taking_more_than_there_is_fails_and_changes_nothing) {
  uint32_t block = 77;
  ck_assert_int_eq(space_try(SPACE_BLOCKS + 1, 1, GAITI_NO_LIMIT, &block), GAITI_TAKE_FAILED);
  ck_assert_int_eq(space_try(UINT32_MAX, 1, GAITI_NO_LIMIT, &block), GAITI_TAKE_FAILED);
  ck_assert_uint_eq(block, 77);
  ck_assert_uint_eq(space.top, 0);
  ck_assert_int_eq(space_try(SPACE_BLOCKS, 1, GAITI_NO_LIMIT, &block), GAITI_TAKE_OK);
  ck_assert_uint_eq(block, 0);
  ck_assert_int_eq(space_try(1, 1, GAITI_NO_LIMIT, &block), GAITI_TAKE_FAILED);
  space_give(SPACE_BLOCKS - 1, 1);
  ck_assert_int_eq(space_try(2, 1, GAITI_NO_LIMIT, &block), GAITI_TAKE_FAILED);
  ck_assert_int_eq(space_try(1, 1, GAITI_NO_LIMIT, &block), GAITI_TAKE_OK);
  ck_assert_uint_eq(block, SPACE_BLOCKS - 1);
}
END_TEST

/* ---- Mapped memory and limits ---- */

START_TEST(mapped_bytes_are_pages_in_use_and_tables) {
  uint32_t block;
  ck_assert_int_eq(space_try(1, 1, GAITI_NO_LIMIT, &block), GAITI_TAKE_OK);
  const uint64_t table_bytes = space.table_bytes;
  ck_assert_uint_gt(table_bytes, 3 * GAITI_BLOCK_WORDS * sizeof(AO_t));
  ck_assert_uint_lt(table_bytes, GAITI_BLOCK_BYTES / 32);
  ck_assert_uint_eq(gaiti_space_mapped(&space), space_page() + table_bytes);
  ck_assert_int_eq(space_try(3, 2 * GAITI_BLOCK_BYTES + 1, GAITI_NO_LIMIT, &block), GAITI_TAKE_OK);
  ck_assert_uint_eq(gaiti_space_mapped(&space),
                    2 * GAITI_BLOCK_BYTES + 2 * space_page() + 4 * table_bytes);
  ck_assert_uint_eq(space.mapped_peak_bytes, gaiti_space_mapped(&space));
  space_give(0, 4);
  ck_assert_int_eq(space_try(1, GAITI_BLOCK_BYTES, GAITI_NO_LIMIT, &block), GAITI_TAKE_OK);
  ck_assert_uint_eq(block, 0); /* the one page is a part of the whole block */
  ck_assert_uint_eq(gaiti_space_mapped(&space),
                    3 * GAITI_BLOCK_BYTES + space_page() + 4 * table_bytes);
}
END_TEST

START_TEST(limit_is_kept_to_the_byte) {
  uint32_t block = 0;
  space_take_first(2);
  const uint64_t growth = 5 * GAITI_BLOCK_BYTES + 5 * (space.table_bytes / 2);
  const uint64_t limit = gaiti_space_mapped(&space) + growth;
  ck_assert_int_eq(space_try(5, 5 * GAITI_BLOCK_BYTES, limit - 1, &block), GAITI_TAKE_LIMIT);
  ck_assert_uint_eq(space.top, 2);
  ck_assert_int_eq(space_try(5, 5 * GAITI_BLOCK_BYTES, limit, &block), GAITI_TAKE_OK);
  ck_assert_uint_eq(gaiti_space_mapped(&space), limit);
  ck_assert_int_eq(space_try(1, 1, limit, &block), GAITI_TAKE_LIMIT);
  space_give(3, 1);
  ck_assert_int_eq(space_try(1, GAITI_BLOCK_BYTES, 0, &block), GAITI_TAKE_OK); /* nothing grows */
  ck_assert_uint_eq(block, 3);
}
END_TEST

START_TEST(limit_is_met_by_releasing_free_blocks_elsewhere) {
  uint32_t block = GAITI_NO_BLOCK;
  space_take_first(40);
  space_give(0, 3);
  space_give(20, 5);
  const uint64_t limit = gaiti_space_mapped(&space);
  ck_assert_int_eq(space_try(4, 4 * GAITI_BLOCK_BYTES, limit, &block), GAITI_TAKE_OK);
  ck_assert_uint_eq(block, 20);
  ck_assert_uint_eq(space.released_bytes, 0);
  ck_assert_int_eq(space_try(3, 3 * GAITI_BLOCK_BYTES, limit, &block), GAITI_TAKE_OK);
  ck_assert_uint_eq(block, 0);
  space_give(0, 3);
  ck_assert_int_eq(space_try(4, 3 * GAITI_BLOCK_BYTES, limit, &block), GAITI_TAKE_OK);
  ck_assert_uint_eq(block, 40);
  ck_assert_uint_le(gaiti_space_mapped(&space), limit);
  ck_assert_uint_eq(space.dirty_blocks, 0);
  ck_assert_int_eq(space_try(4, 4 * GAITI_BLOCK_BYTES, limit, &block), GAITI_TAKE_LIMIT);
}
END_TEST

/* ---- Releasing ---- */

START_TEST(released_block_reads_as_zero_and_is_clean) {
  bool clean = false;
  space_take_first(20);
  for (uint32_t block = 0; block < 20; block++)
    space_write(block);
  space_give(4, 2);
  ck_assert_uint_eq(space_release(1), 2 * GAITI_BLOCK_BYTES);
  ck_assert_uint_eq(space_take_clean(2, 0, &clean), 4);
  ck_assert(clean);
  ck_assert(space_reads_as_zero(4) && space_reads_as_zero(5));
  ck_assert(!space_reads_as_zero(3) && !space_reads_as_zero(6));
}
END_TEST

START_TEST(stretch_with_one_used_block_is_not_clean) {
  bool clean = true;
  space_take_first(20);
  space_give(4, 2);
  space_release(SIZE_MAX);
  space_give(6, 1);
  ck_assert_uint_eq(space_take_clean(3, 0, &clean), 4);
  ck_assert(!clean);
}
END_TEST

START_TEST(highest_free_blocks_are_released_first) {
  space_take_first(200);
  space_give(0, 100);
  const size_t released = space_release(3 * GAITI_BLOCK_BYTES);
  ck_assert_uint_ge(released, 3 * GAITI_BLOCK_BYTES);
  ck_assert_uint_le(released, 100 * GAITI_BLOCK_BYTES / 2);
  const uint32_t blocks = (uint32_t)(released / GAITI_BLOCK_BYTES);
  for (uint32_t block = 0; block < 100; block++)
    ck_assert_int_eq(space_has(space.dirty, block), block < 100 - blocks);
  ck_assert_uint_eq(space_release(0), 0);
  ck_assert_uint_eq(space_release(SIZE_MAX), (100 - blocks) * GAITI_BLOCK_BYTES);
  ck_assert_uint_eq(space_release(SIZE_MAX), 0);
}
END_TEST

/* Top stays at whole pages of the tables' bits. */
START_TEST(top_falls_to_the_highest_block_in_use) {
  space_take_first(300);
  const uint64_t table_bytes = space.table_bytes / 300;
  const uint32_t step = (uint32_t)(space_page() / (GAITI_BLOCK_WORDS * sizeof(AO_t)));
  memset(&map.marks[gaiti_block_word(299)], 0xff, 64);
  space_give(100, 37);
  space_give(138, 162);
  ck_assert_uint_gt(space_release(SIZE_MAX), 199 * GAITI_BLOCK_BYTES);
  ck_assert_uint_eq(space.top, (138 + step - 1) / step * step);
  ck_assert_uint_eq(space.table_bytes, space.top * table_bytes);
  ck_assert(!space_has(space.free, 137));
  space_give(137, 1);
  space_release(SIZE_MAX);
  ck_assert_uint_eq(space.top, (100 + step - 1) / step * step);
  ck_assert_uint_eq(space_take(250), 100);
  ck_assert_uint_eq(map.marks[gaiti_block_word(299)], 0);
}
END_TEST

START_TEST(top_does_not_fall_past_free_blocks_with_memory) {
  space_take_first(300);
  space_give(0, 300);
  gaiti_space_release(&space, &map, 0);
  ck_assert_uint_eq(space.top, 300);
  space_check();
  space_release(SIZE_MAX);
  ck_assert_uint_eq(space.top, 0);
  ck_assert_uint_eq(gaiti_space_mapped(&space), 0);
}
END_TEST

START_TEST(tail_of_a_stretch_gives_back_the_pages_that_are_not_used) {
  uint32_t block = GAITI_NO_BLOCK;
  space_take_first(3);
  for (uint32_t i = 0; i < 3; i++)
    space_write(i);
  const uint64_t mapped = gaiti_space_mapped(&space);
  space_give(0, 3);
  const size_t used = GAITI_BLOCK_BYTES + 100;
  ck_assert_int_eq(space_try(2, used, GAITI_NO_LIMIT, &block), GAITI_TAKE_OK);
  gaiti_space_release_tail(&space, &map, block, 2, used);
  space_check();
  gaiti_asan_show(gaiti_block_start(&map, 0), 2 * GAITI_BLOCK_BYTES);
  const size_t released = GAITI_BLOCK_BYTES - space_page();
  ck_assert_uint_eq(gaiti_space_mapped(&space), mapped - released);
  ck_assert_uint_eq(space.released_bytes, released);
  const char *start = gaiti_block_start(&map, 1);
  ck_assert_int_eq(gaiti_block_start(&map, 0)[GAITI_BLOCK_BYTES - 1], (char)0xa5);
  ck_assert_int_eq(start[space_page() - 1], (char)0xa5);
  for (size_t i = space_page(); i < GAITI_BLOCK_BYTES; i++)
    UNIT_CHECK(start[i] == 0);
}
END_TEST

/* ---- Probes and prepared blocks ---- */

/* Takes bare blocks until the probe among them has been looked at; writes to all if `write`. */
static void space_take_a_probe(bool write) {
  bool clean;
  const uint32_t block = space_take_clean(1, 0, &clean);
  ck_assert(clean);
  ck_assert_uint_eq(space.probe, block);
  if (write) space_write(block);
  for (int i = 0; i < 300 && space.probe != GAITI_NO_BLOCK; i++)
    space_take_clean(1, 0, &clean);
  ck_assert_uint_eq(space.probe, GAITI_NO_BLOCK);
  space_check();
}

START_TEST(probe_tells_whether_the_program_writes) {
  ck_assert_uint_eq(space.written, 0);
  space_take_a_probe(false);
  ck_assert_uint_eq(space.written, 0);
  for (AO_t i = 1; i <= 5; i++) {
    space_take_a_probe(true);
    ck_assert_uint_eq(space.written, i);
  }
  space_take_a_probe(false);
  ck_assert_uint_eq(space.written, 2);
  space_take_a_probe(false);
  ck_assert_uint_eq(space.written, 0);
}
END_TEST

START_TEST(probe_that_is_given_back_tells_nothing) {
  const uint32_t probe = space_take(1);
  ck_assert_uint_eq(space.probe, probe);
  space_give(probe, 1);
  ck_assert_uint_eq(space.probe, GAITI_NO_BLOCK);
  ck_assert_uint_eq(space_take(1), probe); /* has memory: no probe */
  ck_assert_uint_eq(space.probe, GAITI_NO_BLOCK);
}
END_TEST

/* Structures stand for a heap that is large enough for blocks to be prepared. */
static void space_be_large(void) {
  gaiti_counter_add(&space.structure_bytes, (uint64_t)1 << 30);
  gaiti_space_note_peak(&space);
  AO_store(&space.written, 8);
}

START_TEST(prepared_blocks_have_memory_and_are_clean) {
  space_be_large();
  ck_assert(!gaiti_space_prepare(&space, &map, GAITI_NO_LIMIT)); /* no probe has been taken */
  const uint32_t probe = space_take(1);
  ck_assert_uint_eq(space.probe, probe);
  ck_assert(gaiti_space_is_short(&space));
  int steps = 0;
  for (; gaiti_space_prepare(&space, &map, GAITI_NO_LIMIT); steps++)
    space_check();
  ck_assert_int_gt(steps, 1);
  ck_assert(!gaiti_space_is_short(&space));
  const uint32_t prepared = (uint32_t)space.dirty_blocks;
  for (uint32_t i = 0; i < prepared; i++) {
    bool clean = false;
    ck_assert(TESTS_EMULATED || /* an emulator gives no memory ahead */
              space_pages_with_memory(probe + 1 + i) == GAITI_BLOCK_BYTES / space_page());
    ck_assert_uint_eq(space_take_clean(1, 0, &clean), probe + 1 + i);
    ck_assert(clean);
    ck_assert(space_reads_as_zero(probe + 1 + i));
  }
}
END_TEST

START_TEST(blocks_are_prepared_within_the_limit_and_where_it_pays) {
  space_take(1);
  ck_assert(!gaiti_space_prepare(&space, &map, GAITI_NO_LIMIT) || GAITI_STRESS);
  space_be_large();
  AO_store(&space.written, 0);
  ck_assert(!gaiti_space_is_short(&space));
  ck_assert(!gaiti_space_prepare(&space, &map, GAITI_NO_LIMIT));
  space_be_large();
  ck_assert(!gaiti_space_prepare(&space, &map, gaiti_space_mapped(&space) + GAITI_BLOCK_BYTES));
  ck_assert(gaiti_space_prepare(&space, &map, gaiti_space_mapped(&space) + 8 * GAITI_BLOCK_BYTES));
}
END_TEST

/* ---- After a fork ---- */

START_TEST(recovery_gives_back_blocks_without_a_format) {
  space_take_first(12);
  gaiti_block_format(&map, 1, SPACE_TAG, 0, 1);
  gaiti_block_format_large(&map, 3, SPACE_TAG, 3 * GAITI_BLOCK_BYTES, 1);
  gaiti_block_format_large(&map, 7, SPACE_TAG, 2 * GAITI_BLOCK_BYTES, 1);
  const uintptr_t large = (uintptr_t)gaiti_block_start(&map, 7);
  gaiti_bits_change(&map, large, large + 16, 16, GAITI_BITS_ALLOCATE);
  gaiti_block_unformat(&map, 4, 1); /* a tail may have no tag yet */
  space_give(10, 1);
  gaiti_space_recover(&space, &map);
  space_check();
  for (uint32_t block = 0; block < 12; block++)
    ck_assert_int_eq(space_has(space.free, block), block != 1 && block != 7 && block != 8);
  ck_assert(gaiti_block_is_free(&map, 3) && gaiti_block_is_free(&map, 5));
}
END_TEST

/* ---- At random, and by several threads ---- */

/* One that takes and gives, and the stretches that it has.  Alone it looks at memory and tables;
 * among others it seldom does, so that their calls meet. */
struct space_taker {
  uint64_t random;
  unsigned number;
  bool alone;
  struct {
    uint32_t block, count;
  } stretches[64];
};

static unsigned char space_owners[SPACE_BLOCKS]; /* 0: none */

static void space_taker_take(struct space_taker *taker, unsigned i) {
  const uint32_t count = random_below(&taker->random, taker->alone ? 4 : 64)
                             ? 1
                             : 1 + random_below(&taker->random, 40);
  bool clean;
  const uint32_t block = space_take_clean(count, random_next(&taker->random), &clean);
  const bool looks = taker->alone || random_below(&taker->random, 256) == 0;
  for (uint32_t each = block; each < block + count; each++) {
    UNIT_CHECK(__atomic_exchange_n(&space_owners[each], (unsigned char)taker->number,
                                   __ATOMIC_RELAXED) == 0);
    if (!looks) continue;
    UNIT_CHECK(!clean || space_reads_as_zero(each));
    memset(gaiti_block_start(&map, each), (int)taker->number,
           random_below(&taker->random, 70000) % GAITI_BLOCK_BYTES);
  }
  taker->stretches[i].block = block;
  taker->stretches[i].count = count;
}

static void space_taker_give(struct space_taker *taker, unsigned i) {
  const uint32_t block = taker->stretches[i].block, count = taker->stretches[i].count;
  for (uint32_t each = block; each < block + count; each++)
    UNIT_CHECK(__atomic_exchange_n(&space_owners[each], (unsigned char)0, __ATOMIC_RELAXED) ==
               taker->number);
  gaiti_space_give(&space, &map, block, count);
  taker->stretches[i].count = 0;
}

static void *space_take_and_give(void *arg) {
  struct space_taker *taker = arg;
  const int steps = taker->alone ? 1500 : 1000000, between = taker->alone ? 64 : 2048;
  for (int step = 0; step < steps; step++) {
    const unsigned i = random_below(&taker->random, taker->alone ? 64 : 8);
    if (taker->stretches[i].count)
      space_taker_give(taker, i);
    else
      space_taker_take(taker, i);
    if (step % 100 == 0) gaiti_space_turn(&space);
    if (step % between == 0)
      gaiti_space_release(&space, &map, random_below(&taker->random, 1 << 24));
    if (taker->alone && step % 8 == 0) space_check();
  }
  for (unsigned i = 0; i < 64; i++)
    if (taker->stretches[i].count) space_taker_give(taker, i);
  return NULL;
}

START_TEST(random_steps_keep_the_invariant) {
  struct space_taker taker = {.random = space_seed, .number = 1, .alone = true};
  space_take_and_give(&taker);
  space_check();
  ck_assert_uint_eq(space.free_blocks, space.top);
}
END_TEST

START_TEST(block_has_one_taker_among_threads) {
  struct space_taker takers[3];
  memset(takers, 0, sizeof takers);
  for (unsigned i = 0; i < 3; i++)
    takers[i].random = space_seed + i, takers[i].number = i + 1;
  race(3, space_take_and_give, takers, sizeof *takers);
  space_check();
  ck_assert_uint_eq(space.free_blocks, space.top);
}
END_TEST

static TCase *space_case(Suite *suite, const char *name) {
  TCase *tcase = unit_case(suite, name);
  tcase_add_checked_fixture(tcase, space_open, space_close);
  return tcase;
}

static void space_fill_taking(Suite *suite) {
  TCase *reserving = space_case(suite, "reserving");
  tcase_add_test(reserving, space_is_of_whole_blocks);
  tcase_add_test(reserving, tables_of_committed_blocks_do_not_overlap);

  TCase *taking = space_case(suite, "taking");
  tcase_add_test(taking, fresh_blocks_are_taken_in_the_order_of_addresses);
  tcase_add_test(taking, block_that_was_used_is_taken_first_and_is_not_clean);
  tcase_add_test(taking, blocks_with_memory_are_taken_before_those_without);
  tcase_add_test(taking, small_heap_is_filled_from_either_end_by_turns);
  tcase_add_test(taking, large_heap_is_filled_from_below_in_every_turn);
  tcase_add_loop_test(taking, own_block_is_taken_where_one_is_near, 0, 2);
  tcase_add_test(taking, own_block_far_away_is_left_to_others);
  tcase_add_test(taking, stretch_is_the_first_that_is_long_enough);
  tcase_add_test(taking, taking_more_than_there_is_fails_and_changes_nothing);
}

static void space_fill_memory(Suite *suite) {
  TCase *mapped = space_case(suite, "mapped");
  tcase_add_test(mapped, mapped_bytes_are_pages_in_use_and_tables);
  tcase_add_test(mapped, limit_is_kept_to_the_byte);
  tcase_add_test(mapped, limit_is_met_by_releasing_free_blocks_elsewhere);

  TCase *releasing = space_case(suite, "releasing");
  tcase_add_test(releasing, released_block_reads_as_zero_and_is_clean);
  tcase_add_test(releasing, stretch_with_one_used_block_is_not_clean);
  tcase_add_test(releasing, highest_free_blocks_are_released_first);
  tcase_add_test(releasing, top_falls_to_the_highest_block_in_use);
  tcase_add_test(releasing, top_does_not_fall_past_free_blocks_with_memory);
  tcase_add_test(releasing, tail_of_a_stretch_gives_back_the_pages_that_are_not_used);

  TCase *preparing = space_case(suite, "preparing");
  tcase_add_test(preparing, probe_tells_whether_the_program_writes);
  tcase_add_test(preparing, probe_that_is_given_back_tells_nothing);
  tcase_add_test(preparing, prepared_blocks_have_memory_and_are_clean);
  tcase_add_test(preparing, blocks_are_prepared_within_the_limit_and_where_it_pays);
}

void unit_suite_fill(Suite *suite) {
  space_seed = random_seed();
  space_fill_taking(suite);
  space_fill_memory(suite);
  TCase *others = space_case(suite, "others");
  tcase_add_test(others, recovery_gives_back_blocks_without_a_format);
  tcase_add_test(others, random_steps_keep_the_invariant);
  tcase_add_test(others, block_has_one_taker_among_threads);
}
