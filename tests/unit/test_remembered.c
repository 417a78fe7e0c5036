/* What old objects keep alive in young cycles: stores of every sort, objects of every form. */
#include "unit_young.h"

#include <stdatomic.h>
#include <stdlib.h>

const char *const unit_suite_name = "remembered";

/* ---- Stores ---- */

START_TEST(a_store_is_remembered) {
  void **old = young_old(&unit, 0, unit.references, 64);
  young_expect_remembered(&unit, &old[3]);
  gait_store(unit.thread, &old[3], NULL);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

/* It was old before anything was known of stores. */
START_TEST(a_store_in_an_object_that_the_first_cycle_left_is_remembered) {
  unit_world world;
  const gait_options options = young_options(young_modes[_i]);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  void **old = world.slots[0] = gait_alloc(world.thread, world.references, 64);
  young_full_cycle(&world);
  young_expect_remembered(&world, &old[3]);
  unit_close(&world);
}
END_TEST

START_TEST(stores_around_a_full_cycle_are_remembered) {
  void **old = young_old(&unit, 0, unit.references, 64);
  gait_store(unit.thread, &old[2], unit_tagged_leaf(&unit, 1));
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
  gait_store(unit.thread, &old[3], unit_tagged_leaf(&unit, 0));
  young_expect_alive(&unit, UNIT_TAG(0) | UNIT_TAG(1));
}
END_TEST

START_TEST(a_store_in_an_object_that_is_not_old_yet_is_remembered) {
  void **aged = unit.slots[0] = gait_alloc(unit.thread, unit.references, 64);
  young_cycle(&unit);
  young_expect_remembered(&unit, &aged[3]);
}
END_TEST

/* Without a goal nobody remembers stores.  The first cycle after that takes all that it finds for
 * old, and what was known of ages for nothing. */
START_TEST(a_store_from_before_remembering_is_kept) {
  void **old = young_old(&unit, 0, unit.references, 64);
  ck_assert_int_eq(gait_heap_set_gogc(unit.heap, GAIT_OFF, NULL), GAIT_OK);
  young_any_cycle(&unit);
  young_full_cycle(&unit);
  gait_store(unit.thread, &old[3], unit_tagged_leaf(&unit, 0));
  ck_assert_int_eq(gait_heap_set_gogc(unit.heap, 100, NULL), GAIT_OK);
  young_full_cycle(&unit);
  young_expect_alive(&unit, UNIT_TAG(0));
}
END_TEST

START_TEST(an_initialising_store_that_comes_late_is_remembered) {
  void **old = young_old(&unit, 0, unit.references, 64);
  gait_store_init(unit.thread, &old[3], unit_tagged_leaf(&unit, 0));
  ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(0));
}
END_TEST

START_TEST(a_compare_and_swap_is_remembered) {
  void **old = young_old(&unit, 0, unit.references, 64);
  ck_assert(gait_cas(unit.thread, &old[3], NULL, unit_tagged_leaf(&unit, 0)));
  ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(0));
  ck_assert(gait_cas(unit.thread, &old[3], old[3], unit_tagged_leaf(&unit, 1)));
  young_expect_alive(&unit, UNIT_TAG(1));
}
END_TEST

/* Over several cards, of which the outer ones are met in part. */
START_TEST(a_copy_is_remembered) {
  enum { WORDS = 10000, FIRST = 500, COUNT = 400 };
  static const unsigned holding[] = {0, 1, 150, 250, COUNT - 2, COUNT - 1};
  void **old = young_old(&unit, 0, unit.references, WORDS * sizeof(void *));
  void *from[COUNT] = {NULL};
  for (unsigned tag = 0; tag < 6; tag++)
    from[holding[tag]] = unit_tagged_leaf(&unit, tag);
  gait_copy(unit.thread, &old[FIRST], from, COUNT);
  ck_assert_uint_eq(young_alive(&unit), 0x3f);
}
END_TEST

/* A copy within an object, which was the only one to hold it, to another of its cards. */
START_TEST(a_value_that_a_copy_moves_away_is_remembered) {
  void **old = young_old(&unit, 0, unit.references, 80000);
  gait_store(unit.thread, &old[1000], unit_tagged_leaf(&unit, 0));
  gait_copy(unit.thread, &old[9000], &old[1000], 1);
  gait_clear(unit.thread, &old[1000], 1);
  ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(0));
}
END_TEST

/* What is kept fills the room that young cycles have, so that a full one follows. */
START_TEST(a_full_cycle_notes_ages_of_objects_as_well) {
  unit_world world;
  gait_options options = young_options(young_modes[_i]);
  options.min_heap_bytes = (int64_t)(4 * MIB);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  young_any_cycle(&world);
  void **old = world.slots[0] = gait_alloc(world.thread, world.references, 64);
  young_any_cycle(&world);
  young_any_cycle(&world);
  const gait_stats before = unit_stats(world.heap);
  gait_store(world.thread, &old[3], unit_tagged_leaf(&world, 0));
  world.slots[1] = gait_alloc(world.thread, world.leaf, 6 * MIB);
  gait_stats now;
  do {
    UNIT_CHECK(gait_alloc(world.thread, world.leaf, 16) != NULL);
    now = unit_stats(world.heap);
    ck_assert_uint_eq(now.external_bytes, UNIT_TAG(0));
  } while (now.young_cycles < before.young_cycles + 4);
  ck_assert_uint_gt(now.cycles - now.young_cycles, before.cycles - before.young_cycles);
  unit_close(&world);
}
END_TEST

/* ---- Old objects of every form ---- */

static atomic_uint young_calls;

static void young_trace_words(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)arg;
  atomic_fetch_add(&young_calls, 1);
  gait_trace_range(tracer, object, bytes);
}

/* A kind of that form, every word of which is a reference. */
static gait_kind young_kind(unit_world *world, gait_kind_form form) {
  if (form == GAIT_KIND_POINTERS) return world->references;
  if (form == GAIT_KIND_CONSERVATIVE) return world->conservative;
  gait_kind kind;
  const gait_kind_info info = {.name = "called", .form = form, .trace = young_trace_words};
  ck_assert_int_eq(gait_kind_register(world->heap, &info, &kind), GAIT_OK);
  return kind;
}

/* In an old object of `words` words, stores a young one at each of `count` places, one between two
 * cycles, so that no other card of the object is dirty. */
static void young_try_words(int mode, gait_kind_form form, size_t words, const size_t *at,
                            unsigned count) {
  unit_world world;
  young_open(&world, mode);
  void **old = young_old(&world, 0, young_kind(&world, form), words * sizeof(void *));
  for (unsigned tag = 0; tag < count; tag++) {
    gait_store(world.thread, &old[at[tag]], unit_tagged_leaf(&world, tag));
    const uint64_t alive = young_alive(&world);
    ck_assert_msg(alive == UNIT_TAG(tag + 1) - 1, "word %zu of %zu: %lx are left", at[tag], words,
                  (unsigned long)alive);
  }
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(count) - 1);
  unit_close(&world);
}

/* On one card; across cards, where the card on which it starts stays clean; large. */
static void young_try_form(int mode, gait_kind_form form) {
  static const size_t within[] = {5, 0, 7};
  static const size_t last[] = {1300 / 8 - 1};
  static const size_t middle[] = {200, 300, 374};
  static const size_t many[] = {130, 1000, 2000, 4095};
  static const size_t large[] = {50000, 0, 127, 128, 8191, 8192, 65535, 99000, 99999};
  young_try_words(mode, form, 8, within, 3);
  young_try_words(mode, form, 1300 / 8, last, 1);
  young_try_words(mode, form, 375, middle, 3);
  young_try_words(mode, form, 4096, many, 4);
  young_try_words(mode, form, 100000, large, 9);
}

START_TEST(a_large_old_array_keeps_the_objects_of_its_middle) {
  static const size_t at[] = {50000, 0, 127, 128, 8191, 8192, 65535, 99000, 99999};
  young_try_words(_i, GAIT_KIND_POINTERS, 100000, at, 9);
}
END_TEST

START_TEST(an_old_object_with_a_map_keeps_its_new_ones) {
  young_try_form(_i, GAIT_KIND_POINTERS);
}
END_TEST

START_TEST(an_old_conservative_object_keeps_its_new_ones) {
  young_try_form(_i, GAIT_KIND_CONSERVATIVE);
}
END_TEST

START_TEST(an_old_object_with_a_callback_keeps_its_new_ones) {
  young_try_form(_i, GAIT_KIND_CALLBACK);
  young_try_form(_i, GAIT_KIND_CALLBACK_ANYWHERE);
}
END_TEST

/* Nothing was stored in it: it is left alone.  In several places of it: it is traced once, in each
 * of two cycles. */
START_TEST(a_callback_is_called_once_for_an_object_that_was_stored_to) {
  const unsigned again =
      young_options(young_modes[_i]).debug.checkmark != 0; /* which calls as well */
  void **old = young_old(&unit, 0, young_kind(&unit, GAIT_KIND_CALLBACK), 200000);
  atomic_store(&young_calls, 0);
  young_cycle(&unit);
  ck_assert_uint_eq(atomic_load(&young_calls), again);
  for (unsigned tag = 0; tag < 4; tag++)
    gait_store(unit.thread, &old[1000 + 7000 * tag], unit_tagged_leaf(&unit, tag));
  for (unsigned cycle = 0; cycle < 3; cycle++) {
    atomic_store(&young_calls, 0);
    ck_assert_uint_eq(young_alive(&unit), 0xf);
    ck_assert_uint_eq(atomic_load(&young_calls), again + (cycle < 2));
  }
}
END_TEST

/* Neighbours lie on a card in every way that the size allows. */
START_TEST(each_of_many_old_objects_across_cards_keeps_its_new_ones) {
  enum { COUNT = 24, BYTES = 1300, LAST = BYTES / 8 - 1 };
  for (size_t i = 0; i < COUNT; i++)
    unit.slots[i] = gait_alloc(unit.thread, unit.references, BYTES);
  young_cycle(&unit);
  for (unsigned tag = 0; tag < COUNT; tag++) {
    void **old = unit.slots[tag];
    ck_assert_uint_ne((uintptr_t)old / GAIT_CARD_BYTES, (uintptr_t)&old[LAST] / GAIT_CARD_BYTES);
    void *leaf = gait_alloc(unit.thread, unit.leaf, 32);
    unit_tag(&unit, leaf, tag);
    gait_store(unit.thread, &old[LAST], leaf);
    ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(tag + 1) - 1);
  }
}
END_TEST

/* Holds its reference in memory of malloc's. */
struct young_box {
  void **outside;
};

static void young_trace_box(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)bytes, (void)arg;
  const struct young_box *box = object;
  if (box->outside) gait_trace_slot(tracer, box->outside);
}

START_TEST(an_old_object_with_a_callback_keeps_new_ones_outside_the_heap) {
  static const size_t sizes[] = {16, 1300, 30000, 200000};
  gait_kind kind;
  const gait_kind_info info = {
      .name = "box", .form = GAIT_KIND_CALLBACK_ANYWHERE, .trace = young_trace_box};
  ck_assert_int_eq(gait_kind_register(unit.heap, &info, &kind), GAIT_OK);
  void **outside = calloc(4, sizeof *outside);
  for (size_t i = 0; i < 4; i++) {
    struct young_box *box = unit.slots[i] = gait_alloc(unit.thread, kind, sizes[i]);
    box->outside = &outside[i];
  }
  young_cycle(&unit);
  for (unsigned tag = 0; tag < 4; tag++)
    gait_store(unit.thread, &outside[tag], unit_tagged_leaf(&unit, tag));
  ck_assert_uint_eq(young_alive(&unit), 0xf);
  ck_assert_uint_eq(young_alive(&unit), 0xf);
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0xd);
  free(outside);
}
END_TEST

START_TEST(a_chain_of_young_objects_hangs_on_an_old_one) {
  enum { LENGTH = 8 };
  void **old = young_old(&unit, 0, unit.references, 64), **chain[LENGTH];
  const uint64_t cycles = unit_stats(unit.heap).cycles;
  for (unsigned tag = 0; tag < LENGTH; tag++) {
    chain[tag] = gait_alloc(unit.thread, unit.references, 32);
    unit_tag(&unit, chain[tag], tag);
    if (tag) gait_store_init(unit.thread, &chain[tag - 1][1], chain[tag]);
  }
  ck_assert_uint_eq(unit_stats(unit.heap).cycles, cycles);
  gait_store(unit.thread, &old[0], chain[0]);
  ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(LENGTH) - 1);
  ck_assert_uint_eq(unit_last_record(unit.heap).marked_objects, LENGTH + 1);
  gait_store(unit.thread, &chain[3][1], NULL);
  ck_assert_uint_eq(unit_alive(&unit), 0xf);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *stores = unit_case(suite, "stores");
  const unit_worlds stores_worlds = unit_world_cases(suite, "stores", &young_world);
  UNIT_WORLD_TEST(stores_worlds, a_store_is_remembered);
  YOUNG_TEST(stores, a_store_in_an_object_that_the_first_cycle_left_is_remembered);
  UNIT_WORLD_TEST(stores_worlds, stores_around_a_full_cycle_are_remembered);
  UNIT_WORLD_TEST(stores_worlds, a_store_in_an_object_that_is_not_old_yet_is_remembered);
  UNIT_WORLD_TEST(stores_worlds, a_store_from_before_remembering_is_kept);
  YOUNG_TEST(stores, a_full_cycle_notes_ages_of_objects_as_well);
  UNIT_WORLD_TEST(stores_worlds, an_initialising_store_that_comes_late_is_remembered);
  UNIT_WORLD_TEST(stores_worlds, a_compare_and_swap_is_remembered);
  UNIT_WORLD_TEST(stores_worlds, a_copy_is_remembered);
  UNIT_WORLD_TEST(stores_worlds, a_value_that_a_copy_moves_away_is_remembered);
  TCase *forms = unit_case(suite, "forms");
  const unit_worlds forms_worlds = unit_world_cases(suite, "forms", &young_world);
  YOUNG_TEST(forms, a_large_old_array_keeps_the_objects_of_its_middle);
  YOUNG_TEST(forms, an_old_object_with_a_map_keeps_its_new_ones);
  UNIT_WORLD_TEST(forms_worlds, each_of_many_old_objects_across_cards_keeps_its_new_ones);
  YOUNG_TEST(forms, an_old_conservative_object_keeps_its_new_ones);
  YOUNG_TEST(forms, an_old_object_with_a_callback_keeps_its_new_ones);
  UNIT_WORLD_TEST(forms_worlds, a_callback_is_called_once_for_an_object_that_was_stored_to);
  UNIT_WORLD_TEST(forms_worlds, an_old_object_with_a_callback_keeps_new_ones_outside_the_heap);
  UNIT_WORLD_TEST(forms_worlds, a_chain_of_young_objects_hangs_on_an_old_one);
}
