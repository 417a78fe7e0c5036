/* Allocation: zeroed, aligned, writable to the end, at a known waste, and NULL instead of an abort.
 */
#include "unit.h"

#include <string.h>

#include "../support/sizes.h"

const char *const unit_suite_name = "alloc";

static bool alloc_is_zero(const void *start, size_t bytes) {
  static const char zeros[4096];
  const char *at = start;
  for (; bytes > sizeof zeros; at += sizeof zeros, bytes -= sizeof zeros)
    if (memcmp(at, zeros, sizeof zeros) != 0) return false;
  return memcmp(at, zeros, bytes) == 0;
}

/* Waste inside a slot: 12.5% of it above 128 bytes, rounding to 16 below. */
static bool alloc_waste_is_fair(size_t bytes, size_t slot_bytes) {
  if (slot_bytes < bytes) return false;
  const size_t waste = slot_bytes - bytes;
  return bytes > 128 ? waste <= slot_bytes / 8 : waste < 16;
}

static void alloc_expect(unit_world *world, void *object, size_t bytes, size_t alignment) {
  UNIT_CHECK(object != NULL);
  UNIT_CHECK((uintptr_t)object % alignment == 0);
  UNIT_CHECK(gait_object_start(world->heap, object) == object);
  UNIT_CHECK(gait_object_start(world->heap, (char *)object + bytes - 1) == object);
  UNIT_CHECK(gait_object_start(world->heap, (char *)object + bytes / 2) == object);
  UNIT_CHECK(gait_object_bytes(world->heap, object) >= bytes);
}

/* Every size, in a window of live neighbours that must not overlap; twice, so that the second pass
 * gets memory that the first has dirtied. */
START_TEST(objects_of_every_size_up_to_40000) {
  enum { WINDOW = 32, LARGEST = 40000 };
  for (int pass = 0; pass < 2; pass++) {
    for (size_t bytes = 1; bytes <= LARGEST; bytes += pass ? 7 : 1) {
      void **slot = &unit.slots[bytes % WINDOW];
      if (*slot) {
        const size_t old_bytes = gait_object_bytes(unit.heap, *slot);
        const unsigned char *old = *slot;
        UNIT_CHECK(old[0] == old[old_bytes - 1] && old[0] == old[old_bytes / 2]);
      }
      *slot = gait_alloc(unit.thread, unit.leaf, bytes);
      alloc_expect(&unit, *slot, bytes, 16);
      const size_t slot_bytes = gait_object_bytes(unit.heap, *slot);
      if (!alloc_waste_is_fair(bytes, slot_bytes))
        ck_abort_msg("%zu bytes take a slot of %zu", bytes, slot_bytes);
      if (!alloc_is_zero(*slot, slot_bytes)) ck_abort_msg("%zu bytes are not zero", bytes);
      memset(*slot, (int)(1 + bytes % 255), slot_bytes);
      if (bytes % 5000 == 0) ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    }
    memset(unit.slots, 0, sizeof unit.slots);
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  }
}
END_TEST

START_TEST(slot_sizes_are_as_the_header_says) {
  for (size_t bytes = 1; bytes <= GAIT_SMALL_BYTES; bytes += bytes < 2000 ? 1 : 97) {
    ck_assert_uint_lt(gait_size_class(bytes), GAIT_SIZE_CLASSES);
    unit.slots[0] = gait_alloc(unit.thread, unit.leaf, bytes);
    UNIT_CHECK(gait_object_bytes(unit.heap, unit.slots[0]) == gait_slot_bytes(bytes));
  }
  ck_assert_uint_eq(gait_size_class(GAIT_SMALL_BYTES), GAIT_SIZE_CLASSES - 1);
}
END_TEST

START_TEST(large_objects_up_to_a_gibibyte) {
  static const size_t sizes[] = {65535,         65536,         65537,     131072,   1048575,
                                 1048576,       1048577,       5000001,   16 * MIB, 64 * MIB,
                                 255 * MIB + 1, 512 * MIB - 1, 1024 * MIB};
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      const size_t bytes = sizes[i];
      char *object = gait_alloc(unit.thread, unit.leaf, bytes);
      unit.slots[0] = object;
      alloc_expect(&unit, object, bytes, 16);
      ck_assert(alloc_waste_is_fair(bytes, gait_object_bytes(unit.heap, object)));
      const size_t step = bytes > 16 * MIB ? 65536 : 512;
      for (size_t at = 0; at < bytes; at += step)
        UNIT_CHECK(object[at] == 0);
      ck_assert_int_eq(object[bytes - 1], 0);
      for (size_t at = 0; at < bytes; at += step * 16)
        object[at] = 1;
      object[bytes - 1] = 1;
      unit.slots[0] = NULL;
      if (bytes > 16 * MIB) ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    }
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  }
}
END_TEST

START_TEST(objects_are_aligned_up_to_a_page) {
  static const size_t sizes[] = {1,    15,   16,   17,    100,   128,   129,   1000,   4096,
                                 5000, 8192, 9999, 32767, 32768, 32769, 40000, 100000, 1 << 20};
  for (size_t alignment = 1; alignment <= GAIT_MAX_ALIGNMENT; alignment *= 2) {
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      for (unsigned copy = 0; copy < 3; copy++) {
        char *object = gait_alloc_aligned(unit.thread, unit.references, sizes[i], alignment);
        unit.slots[copy] = object;
        alloc_expect(&unit, object, sizes[i], alignment < 16 ? 16 : alignment);
        UNIT_CHECK(alloc_is_zero(object, sizes[i]));
        memset(object, 0xff, sizes[i]);
      }
      if (i % 4 == 0) ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    }
  }
}
END_TEST

/* An aligned object keeps what it refers to and is freed like any other. */
START_TEST(aligned_objects_are_traced) {
  unsigned tag = 0;
  for (size_t alignment = 1; alignment <= GAIT_MAX_ALIGNMENT; alignment *= 2, tag++) {
    void **object = gait_alloc_aligned(unit.thread, unit.references, 48, alignment);
    unit.slots[tag] = object;
    gait_store_init(unit.thread, &object[5], unit_tagged_leaf(&unit, tag));
  }
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(tag) - 1);
  for (unsigned i = 0; i < tag; i += 2)
    unit.slots[i] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), (UNIT_TAG(tag) - 1) & UINT64_C(0xaaaaaaaa));
}
END_TEST

START_TEST(array_sizes_multiply_with_care) {
  char *array = gait_alloc_array(unit.thread, unit.leaf, 24, 1000, 40);
  unit.slots[0] = array;
  alloc_expect(&unit, array, 24 + 1000 * 40, 16);
  ck_assert(alloc_is_zero(array, 24 + 1000 * 40));
  ck_assert_ptr_nonnull(gait_alloc_array(unit.thread, unit.leaf, 24, 0, 40));
  ck_assert_ptr_nonnull(gait_alloc_array(unit.thread, unit.leaf, 0, 3, 1));
  static const size_t bad[][3] = {
      {0, SIZE_MAX, 2},
      {0, SIZE_MAX / 2, 3},
      {16, SIZE_MAX / 16, 16},
      {SIZE_MAX, 1, 1},
      {SIZE_MAX - 7, 1, 16},
      {0, (size_t)1 << 32, (size_t)1 << 32},
      {8, ((size_t)1 << 61) + 1, 8},
      {0, GAIT_MAX_OBJECT_BYTES, 2},
      {1, GAIT_MAX_OBJECT_BYTES, 1},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    ck_assert_ptr_null(gait_alloc_array(unit.thread, unit.leaf, bad[i][0], bad[i][1], bad[i][2]));
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

START_TEST(objects_beyond_every_limit_are_null) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.reserve_bytes = (int64_t)(256 * MIB);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  static const size_t sizes[] = {
      SIZE_MAX, SIZE_MAX - 4095, SIZE_MAX / 2 + 1, GAIT_MAX_OBJECT_BYTES + 1, GAIT_MAX_OBJECT_BYTES,
      512 * MIB};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    ck_assert_ptr_null(gait_alloc(world.thread, world.leaf, sizes[i]));
    ck_assert_ptr_null(gait_alloc_aligned(world.thread, world.leaf, sizes[i], 4096));
  }
  world.slots[0] = unit_tagged_leaf(&world, 0);
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(0));
  unit_close(&world);
}
END_TEST

/* What the handler of these tests does, call by call. */
struct alloc_shortage {
  unit_world *world;
  size_t asked_bytes;
  unsigned calls;
  unsigned release_at; /* the call that clears the roots */
  unsigned give_up_at; /* the call that returns zero */
  uint64_t cycles;     /* seen by the last call */
};

static int alloc_run_short(gait_heap *heap, size_t bytes, void *arg) {
  struct alloc_shortage *shortage = arg;
  ck_assert_ptr_eq(heap, shortage->world->heap);
  ck_assert_uint_eq(bytes, shortage->asked_bytes);
  shortage->calls++;
  shortage->cycles = unit_stats(heap).cycles;
  if (shortage->calls == shortage->release_at)
    memset(shortage->world->slots, 0, sizeof shortage->world->slots);
  return shortage->calls < shortage->give_up_at;
}

/* Fills the heap with a list until allocation fails.  Returns the nodes; asserts that it ends. */
static size_t alloc_fill(unit_world *world, size_t bytes) {
  for (size_t count = 0;; count++) {
    UNIT_CHECK(count < 256 * MIB / bytes);
    void **node = gait_alloc(world->thread, world->references, bytes);
    if (!node) return count;
    gait_store_init(world->thread, node, world->slots[0]);
    world->slots[0] = node;
  }
}

static void alloc_open_short(unit_world *world, struct alloc_shortage *shortage, int mode) {
  gait_options options = unit_options(mode);
  options.reserve_bytes = (int64_t)(64 * MIB);
  options.out_of_memory = alloc_run_short;
  options.out_of_memory_arg = shortage;
  unit_open_with(world, &options, GAIT_STACK_EXACT);
  shortage->world = world;
}

static void alloc_exhaust(int mode, size_t bytes) {
  unit_world world;
  struct alloc_shortage shortage = {.asked_bytes = bytes, .give_up_at = 3};
  alloc_open_short(&world, &shortage, mode);
  const size_t count = alloc_fill(&world, bytes);
  ck_assert_uint_gt(count * bytes, 48 * MIB);
  ck_assert_uint_eq(shortage.calls, 3);
  ck_assert_uint_ge(shortage.cycles, 1); /* a collection came first */
  ck_assert_int_eq(unit_last_record(world.heap).cause, GAIT_CAUSE_OUT_OF_MEMORY);
  /* The list is whole, the heap goes on, and what is dropped comes back. */
  size_t length = 0;
  for (void **node = world.slots[0]; node; node = *node)
    length++;
  ck_assert_uint_eq(length, count);
  world.slots[0] = NULL;
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  shortage.calls = 0;
  ck_assert_uint_ge(alloc_fill(&world, bytes) * 10, count * 9);
  ck_assert_uint_eq(shortage.calls, 3);
  world.slots[0] = NULL;
  unit_close(&world);
}

START_TEST(a_full_reservation_asks_and_gives_null) {
  alloc_exhaust(_i, 4000);
}
END_TEST
START_TEST(a_reservation_full_of_large_objects_asks_and_gives_null) {
  alloc_exhaust(_i, 300000);
}
END_TEST

/* What is alive may pass the memory limit: then cycles cannot help, which the records say, and the
 * heap grows rather than fail. */
START_TEST(the_memory_limit_is_soft) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.memory_limit_bytes = (int64_t)(16 * MIB);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (size_t i = 0; i < 20 * MIB / 4000; i++) {
    void **node = gait_alloc(world.thread, world.references, 4000);
    UNIT_CHECK(node != NULL);
    gait_store_init(world.thread, node, world.slots[0]);
    world.slots[0] = node;
  }
  const gait_cycle_record record = unit_last_record(world.heap);
  ck_assert_uint_ge(unit_stats(world.heap).mapped_bytes, 20 * MIB);
  ck_assert_int_eq(record.cause, GAIT_CAUSE_MEMORY_LIMIT);
  ck_assert(record.limit_unreachable || record.limiter_on);
  unit_close(&world);
}
END_TEST

START_TEST(out_of_memory_handler_that_frees_saves_the_allocation) {
  unit_world world;
  struct alloc_shortage shortage = {.asked_bytes = 4000, .release_at = 2, .give_up_at = 100};
  alloc_open_short(&world, &shortage, _i);
  for (size_t i = 0; shortage.calls == 0 && i < 256 * MIB / 4000; i++) {
    void **node = gait_alloc(world.thread, world.references, 4000);
    ck_assert_ptr_nonnull(node);
    gait_store_init(world.thread, node, world.slots[0]);
    world.slots[0] = node;
  }
  ck_assert_uint_eq(shortage.calls, 2);
  unit_close(&world);
}
END_TEST

START_TEST(out_of_memory_without_a_handler_is_null) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.reserve_bytes = (int64_t)(64 * MIB);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  ck_assert_uint_gt(alloc_fill(&world, 1000), 16 * MIB / 1000);
  ck_assert_ptr_null(gait_alloc(world.thread, world.leaf, 32 * MIB));
  ck_assert_ptr_null(gait_alloc_array(world.thread, world.leaf, 0, 32, MIB));
  ck_assert_ptr_null(gait_alloc_aligned(world.thread, world.leaf, 32 * MIB, 4096));
  unit_close(&world);
}
END_TEST

/* Fills some blocks with garbage.  Returns how often the next one lay higher, less how often lower.
 */
static int alloc_climb(unit_world *world) {
  enum { BLOCKS = 40, OBJECT = 20000, TO_A_BLOCK = 3 };
  int climb = 0;
  const char *last = NULL;
  for (int i = 0; i < BLOCKS * TO_A_BLOCK; i++) {
    const char *object = gait_alloc(world->thread, world->leaf, OBJECT);
    UNIT_CHECK(object != NULL);
    if (last && i % TO_A_BLOCK == 0) climb += object > last ? 1 : -1;
    last = object;
  }
  return climb;
}

/* The blocks that were used last may still be in a cache. */
START_TEST(a_small_heap_is_filled_up_and_down_by_turns) {
  ck_assert_int_gt(alloc_climb(&unit), 30);
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    ck_assert_int_lt(alloc_climb(&unit), -30);
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    ck_assert_int_gt(alloc_climb(&unit), 30);
  }
}
END_TEST

/* Free memory of one size serves another. */
START_TEST(memory_changes_its_size_class) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.reserve_bytes = (int64_t)(64 * MIB);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  static const size_t sizes[] = {16, 48, 1000, 30000, 100000, 5000000, 700, 40000, 32};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    ck_assert_uint_gt(alloc_fill(&world, sizes[i]) * sizes[i], 16 * MIB);
    world.slots[0] = NULL;
    ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  }
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds sizes = unit_world_cases(suite, "sizes", &unit_exact);
  UNIT_WORLD_TEST(sizes, objects_of_every_size_up_to_40000);
  UNIT_WORLD_TEST(sizes, slot_sizes_are_as_the_header_says);
  UNIT_WORLD_TEST(sizes, large_objects_up_to_a_gibibyte);
  UNIT_WORLD_TEST(sizes, objects_are_aligned_up_to_a_page);
  UNIT_WORLD_TEST(sizes, aligned_objects_are_traced);
  UNIT_WORLD_TEST(sizes, array_sizes_multiply_with_care);
  UNIT_WORLD_TEST(sizes, a_small_heap_is_filled_up_and_down_by_turns);
  TCase *shortage = unit_case(suite, "shortage");
  UNIT_TEST(shortage, objects_beyond_every_limit_are_null);
  UNIT_TEST(shortage, a_full_reservation_asks_and_gives_null);
  UNIT_TEST(shortage, a_reservation_full_of_large_objects_asks_and_gives_null);
  UNIT_TEST(shortage, the_memory_limit_is_soft);
  UNIT_TEST(shortage, out_of_memory_handler_that_frees_saves_the_allocation);
  UNIT_TEST(shortage, out_of_memory_without_a_handler_is_null);
  UNIT_TEST(shortage, memory_changes_its_size_class);
}
