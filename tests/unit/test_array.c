/* Growable arrays, byte builders and views. */
#include "unit.h"

#include <gait/array.h>
#include <stdio.h>
#include <string.h>

const char *const unit_suite_name = "array";

/* In the first three slots of the world's frame, as an array on the stack would be in one. */
static gait_array *array_new(unit_world *world, gait_kind kind, size_t element_bytes) {
  static gait_array array;
  array.items = NULL;
  ck_assert_int_eq(gait_array_init(world->thread, &array, kind, element_bytes), GAIT_OK);
  return &array;
}

/* An array in an object of the heap. */
static gait_array *array_on_heap(unit_world *world, gait_kind kind, size_t element_bytes) {
  static const uint64_t map[] = {1};
  static gait_kind holders;
  const gait_kind_info info = {.name = "holder",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(gait_array),
                               .pointer_map = map};
  if (gait_kind_register(world->heap, &info, &holders) != GAIT_OK)
    ck_assert_int_eq(gait_kind_find(world->heap, "holder", &holders), GAIT_OK);
  gait_array *array = world->slots[0] = gait_alloc(world->thread, holders, sizeof *array);
  ck_assert_int_eq(gait_array_init(world->thread, array, kind, element_bytes), GAIT_OK);
  return array;
}

/* Go's rule, as its runtime states it (nextslicecap). */
static size_t array_rule(size_t old, size_t needed) {
  if (needed > 2 * old) return needed;
  if (old < 256) return 2 * old;
  for (;;) {
    old += (old + 3 * 256) >> 2;
    if (old >= needed) return old;
  }
}

START_TEST(capacities_follow_the_rule) {
  gait_array *array = array_on_heap(&unit, unit.leaf, 8);
  size_t moved = 0;
  for (size_t i = 0; i < 100000; i++) {
    const void *items = array->items;
    const size_t before = array->capacity;
    ck_assert_ptr_nonnull(gait_array_append(unit.thread, array, 1));
    if (array->capacity == before) continue;
    UNIT_CHECK(i == before);
    if (array->items == items) continue; /* in its place: at least as much as is needed */
    moved++;
    const size_t bytes = array_rule(before, i + 1) * 8;
    const size_t slot = bytes <= GAIT_SMALL_BYTES ? gait_slot_bytes(bytes) : (bytes + 15) / 16 * 16;
    ck_assert_uint_eq(array->capacity * 8, slot);
  }
  ck_assert_uint_gt(moved, 10);
  ck_assert_uint_eq(array->count, 100000);
}
END_TEST

START_TEST(a_reserved_array_does_not_move) {
  gait_array *array = array_on_heap(&unit, unit.references, 8);
  ck_assert(gait_array_reserve(unit.thread, array, 50000));
  const void *items = array->items;
  for (size_t i = 0; i < 50000; i++)
    UNIT_CHECK(gait_array_append_reference(unit.thread, array, unit.slots[0]));
  ck_assert_ptr_eq(array->items, items);
  ck_assert(gait_array_reserve(unit.thread, array, 10));
  ck_assert_ptr_eq(array->items, items);
}
END_TEST

START_TEST(a_large_array_grows_in_its_block) {
  gait_array *array = array_on_heap(&unit, unit.leaf, 1);
  ck_assert(gait_array_reserve(unit.thread, array, 40000));
  const void *items = array->items;
  memset(gait_array_append(unit.thread, array, 40000), 7, 40000);
  const unsigned char *more = gait_array_append(unit.thread, array, 1);
  ck_assert_ptr_eq(array->items, items);
  ck_assert_uint_gt(array->capacity, 40000);
  ck_assert_uint_eq(*more, 0);
}
END_TEST

/* References live as long as they are in the array, through moves and cycles, and no longer. */
START_TEST(references_of_an_array_are_kept) {
  gait_array *array = array_on_heap(&unit, unit.references, 8);
  for (unsigned tag = 0; tag < 20; tag++) {
    for (int i = 0; i < 50; i++)
      UNIT_CHECK(gait_array_append_reference(unit.thread, array, NULL));
    ck_assert(gait_array_append_reference(unit.thread, array, unit_tagged_leaf(&unit, tag)));
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(tag + 1) - 1);
  }
  gait_array_truncate(unit.thread, array, 51 * 10);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(10) - 1);
  const void *items = array->items;
  gait_array_truncate(unit.thread, array, 0);
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_ptr_null(*(void **)gait_array_append(unit.thread, array, 1));
  ck_assert_ptr_eq(array->items, items);
}
END_TEST

START_TEST(arrays_grow_while_cycles_run) {
  unit_collector collector;
  unit_collector_start(&collector, unit.heap);
  for (int turn = 0; turn < 50 || atomic_load(&collector.cycles) < 20; turn++) {
    gait_array *array = array_on_heap(&unit, unit.references, 8);
    for (uint64_t i = 0; i < 3000; i++) {
      uint64_t *leaf = gait_alloc(unit.thread, unit.leaf, 16);
      *leaf = i;
      UNIT_CHECK(gait_array_append_reference(unit.thread, array, leaf));
    }
    for (uint64_t i = 0; i < 3000; i++)
      UNIT_CHECK(**(uint64_t **)gait_array_at(array, i) == i);
  }
  unit_collector_stop(&collector, unit.thread);
}
END_TEST

START_TEST(a_builder_builds) {
  gait_array *text = array_on_heap(&unit, unit.leaf, 1);
  char expected[40000] = "";
  size_t length = 0;
  for (int i = 0; length < 30000; i++) {
    char word[20];
    const int chars = snprintf(word, sizeof word, "%d ", i);
    UNIT_CHECK(gait_array_append_copy(unit.thread, text, word, (size_t)chars));
    memcpy(expected + length, word, (size_t)chars);
    length += (size_t)chars;
  }
  ck_assert_uint_eq(text->count, length);
  ck_assert_int_eq(memcmp(text->items, expected, length), 0);
  ck_assert(gait_array_append_copy(unit.thread, text, text->items, length)); /* itself */
  ck_assert_int_eq(memcmp(gait_array_at(text, length), expected, length), 0);
  ck_assert(gait_array_append_copy(unit.thread, text, NULL, 0));
}
END_TEST

START_TEST(a_view_keeps_its_owner) {
  gait_array *text = array_on_heap(&unit, unit.leaf, 1);
  ck_assert(gait_array_append_copy(unit.thread, text, "a view of bytes", 15));
  gait_view view = gait_array_view(text, 2, 4);
  unit.slots[1] = view.owner;
  ck_assert_int_eq(memcmp(gait_view_bytes(view), "view", 4), 0);
  memset(gait_array_append(unit.thread, text, 100000), 'x', 100000); /* it moves */
  ck_assert_ptr_ne(text->items, view.owner);
  gait_array_truncate(unit.thread, text, 0);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_int_eq(memcmp(gait_view_bytes(view), "view", 4), 0);
  view = gait_view_part(view, 1, 2);
  ck_assert_uint_eq(view.bytes, 2);
  ck_assert_int_eq(memcmp(gait_view_bytes(view), "ie", 2), 0);
  const gait_view none = gait_view_part(view, 2, 0);
  ck_assert_uint_eq(none.bytes, 0);
}
END_TEST

START_TEST(a_builder_that_is_taken_from_is_used_again) {
  gait_array *text = array_on_heap(&unit, unit.leaf, 1);
  gait_view views[3];
  for (int i = 0; i < 3; i++) {
    char word[32];
    snprintf(word, sizeof word, "word %d", i);
    ck_assert(gait_array_append_copy(unit.thread, text, word, 6));
    views[i] = gait_array_take(unit.thread, text);
    unit.slots[1 + i] = views[i].owner;
    ck_assert_ptr_null(text->items);
  }
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(((const char *)gait_view_bytes(views[i]))[5], '0' + i);
  const gait_view none = gait_array_take(unit.thread, text);
  ck_assert(!none.owner && none.bytes == 0);
}
END_TEST

START_TEST(a_view_is_stored_in_an_object) {
  gait_array *text = array_on_heap(&unit, unit.leaf, 1);
  ck_assert(gait_array_append_copy(unit.thread, text, "stored", 6));
  gait_view *view = unit.slots[1] = gait_alloc(unit.thread, unit.references, sizeof *view);
  gait_view_store(unit.thread, view, gait_array_view(text, 0, 6));
  unit.slots[0] = NULL;
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_int_eq(memcmp(gait_view_bytes(*view), "stored", 6), 0);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused) {
  gait_array *array = array_on_heap(&unit, unit.leaf, 1000);
  ck_assert_ptr_nonnull(gait_array_append(unit.thread, array, 3));
  const gait_array before = *array;
  ck_assert(!gait_array_reserve(unit.thread, array, SIZE_MAX));
  ck_assert(!gait_array_reserve(unit.thread, array, SIZE_MAX / 1000 + 1));
  ck_assert(!gait_array_reserve(unit.thread, array, GAIT_MAX_OBJECT_BYTES / 1000 + 1));
  ck_assert_ptr_null(gait_array_append(unit.thread, array, SIZE_MAX));
  ck_assert_ptr_null(gait_array_append(unit.thread, array, SIZE_MAX - 3));
  ck_assert_int_eq(memcmp(array, &before, sizeof before), 0);
  ck_assert_int_eq(gait_array_init(unit.thread, array, unit.leaf, 0), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_array_init(unit.thread, array, unit.leaf, SIZE_MAX), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_array_init(unit.thread, array, unit.references, 12), GAIT_ERROR_ARGUMENT);
}
END_TEST

START_TEST(a_refused_growth_changes_nothing) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.max_heap_bytes = 8 << 20;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  gait_array *array = array_new(&world, world.leaf, 1);
  gait_frame frame;
  gait_frame_push(world.thread, &frame, &array->items, 1);
  while (gait_array_append(world.thread, array, 100000))
    memset(gait_array_at(array, array->count - 100000), 9, 100000);
  ck_assert_uint_gt(array->count, 1000000);
  ck_assert_uint_eq(array->count % 100000, 0);
  for (size_t i = 0; i < array->count; i++)
    UNIT_CHECK(*(unsigned char *)gait_array_at(array, i) == 9);
  gait_frame_pop(world.thread, &frame);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  unit_worlds worlds = unit_world_cases(suite, "arrays", &unit_exact);
  UNIT_WORLD_TEST(worlds, capacities_follow_the_rule);
  UNIT_WORLD_TEST(worlds, a_reserved_array_does_not_move);
  UNIT_WORLD_TEST(worlds, a_large_array_grows_in_its_block);
  UNIT_WORLD_TEST(worlds, references_of_an_array_are_kept);
  UNIT_WORLD_TEST(worlds, arrays_grow_while_cycles_run);
  UNIT_WORLD_TEST(worlds, a_builder_builds);
  UNIT_WORLD_TEST(worlds, a_view_keeps_its_owner);
  UNIT_WORLD_TEST(worlds, a_builder_that_is_taken_from_is_used_again);
  UNIT_WORLD_TEST(worlds, a_view_is_stored_in_an_object);
  UNIT_WORLD_TEST(worlds, sizes_that_overflow_are_refused);
  TCase *limits = unit_case(suite, "limits");
  UNIT_TEST(limits, a_refused_growth_changes_nothing);
}
