/* Ephemerons: which values they keep, which they lose, and when. */
#include "unit_pairs.h"
#include "unit_young.h"

#include <gait/finalizer.h>
#include <gait/walk.h>
#include <gait/weak.h>

const char *const unit_suite_name = "ephemerons";

/* One that is kept in that slot of the world. */
static gait_ephemeron *pair_new(unit_world *world, size_t slot, void *key, void *value) {
  return world->slots[slot] = pair_of(world, key, value);
}

static void *pair_key(gait_ephemeron *ephemeron) {
  return gait_ephemeron_key(unit.thread, ephemeron);
}

static void *pair_value(gait_ephemeron *ephemeron) {
  return gait_ephemeron_value(unit.thread, ephemeron);
}

/* ---- One pair ---- */

START_TEST(the_key_keeps_the_value) {
  unit.slots[1] = unit_tagged_leaf(&unit, 1);
  gait_ephemeron *ephemeron = pair_new(&unit, 0, unit.slots[1], unit_tagged_leaf(&unit, 2));
  for (int i = 0; i < 3; i++) {
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1) | UNIT_TAG(2));
    ck_assert_ptr_eq(pair_key(ephemeron), unit.slots[1]);
    ck_assert_ptr_nonnull(pair_value(ephemeron));
  }
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_ptr_null(pair_key(ephemeron));
  ck_assert_ptr_null(pair_value(ephemeron));
}
END_TEST

START_TEST(without_the_ephemeron_nothing_keeps_the_value) {
  unit.slots[1] = unit_tagged_leaf(&unit, 1);
  pair_new(&unit, 0, unit.slots[1], unit_tagged_leaf(&unit, 2));
  unit.slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
}
END_TEST

START_TEST(a_key_that_its_own_value_alone_refers_to_is_dead) {
  void **value = unit.slots[1] = gait_alloc(unit.thread, unit.references, 32);
  void *key = unit_tagged_leaf(&unit, 1);
  gait_store(unit.thread, &value[0], key);
  unit_tag(&unit, value, 2);
  gait_ephemeron *ephemeron = pair_new(&unit, 0, key, value);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1) | UNIT_TAG(2));
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_ptr_null(pair_key(ephemeron));
}
END_TEST

/* What is found last is the key, deep in a list, or the ephemeron. */
START_TEST(either_may_be_found_last) {
  for (int last = 0; last < 2; last++) {
    void *list = NULL;
    void *key = unit.slots[1] = unit_tagged_leaf(&unit, 1);
    void *ephemeron = unit.slots[2] = pair_of(&unit, key, unit_tagged_leaf(&unit, 2));
    for (int i = 0; i < 1000; i++) {
      void **node = gait_alloc(unit.thread, unit.references, 16);
      gait_store_init(unit.thread, &node[0], list);
      gait_store_init(unit.thread, &node[1], i == 0 ? (last ? ephemeron : key) : NULL);
      unit.slots[3] = list = node;
    }
    unit.slots[last ? 2 : 1] = NULL;
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1) | UNIT_TAG(2));
    ck_assert_ptr_eq(pair_key(ephemeron), key);
    unit.slots[1] = unit.slots[2] = unit.slots[3] = NULL;
    ck_assert_uint_eq(unit_alive(&unit), 0);
  }
}
END_TEST

START_TEST(the_value_is_set_and_cleared) {
  unit.slots[1] = unit_tagged_leaf(&unit, 1);
  gait_ephemeron *ephemeron = pair_new(&unit, 0, unit.slots[1], NULL);
  ck_assert_ptr_null(pair_value(ephemeron));
  void *value = unit_tagged_leaf(&unit, 2);
  gait_ephemeron_set_value(unit.thread, ephemeron, value);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1) | UNIT_TAG(2));
  ck_assert_ptr_eq(pair_value(ephemeron), value);
  gait_ephemeron_set_value(unit.thread, ephemeron, unit_tagged_leaf(&unit, 3));
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1) | UNIT_TAG(3));
  gait_ephemeron_clear(unit.thread, ephemeron);
  ck_assert_ptr_null(pair_key(ephemeron));
  gait_ephemeron_set_value(unit.thread, ephemeron, unit.slots[1]);
  ck_assert_ptr_null(pair_value(ephemeron));
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
}
END_TEST

START_TEST(without_a_key_it_is_dead_from_the_start) {
  gait_ephemeron *ephemeron = pair_new(&unit, 0, NULL, unit_tagged_leaf(&unit, 1));
  ck_assert_ptr_null(pair_value(ephemeron));
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

/* The ephemeron as its own value, and as a part of its key. */
START_TEST(it_may_be_its_own_value_or_part_of_its_key) {
  void **box = pair_array(&unit, 1, 2);
  gait_ephemeron *ephemeron = pair_new(&unit, 0, box, NULL);
  gait_ephemeron_set_value(unit.thread, ephemeron, ephemeron);
  unit.slots[0] = NULL;
  ck_assert_uint_eq(unit_marked_objects(&unit), 1);
  void **key = unit.slots[1] = gait_alloc(unit.thread, unit.references, 32);
  gait_store(unit.thread, &key[0], pair_of(&unit, key, unit_tagged_leaf(&unit, 3)));
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(3));
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

/* A key that is no reference does not die. */
START_TEST(a_key_outside_the_heap_does_not_die) {
  gait_ephemeron *ephemeron = pair_new(&unit, 0, &unit, unit_tagged_leaf(&unit, 1));
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
  ck_assert_ptr_eq(pair_key(ephemeron), &unit);
}
END_TEST

START_TEST(keys_and_values_may_be_large_and_pointed_into) {
  static const size_t sizes[] = {16, 400, 30000, 70000, 1000000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    char *key = unit.slots[1] = gait_alloc(unit.thread, unit.leaf, sizes[i]);
    char *value = unit.slots[2] = gait_alloc(unit.thread, unit.leaf, sizes[i]);
    gait_ephemeron *ephemeron = pair_new(&unit, 0, key + sizes[i] - 1, value + sizes[i] - 1);
    unit.slots[2] = NULL;
    ck_assert_uint_eq(unit_marked_objects(&unit), 3);
    ck_assert_ptr_eq(pair_key(ephemeron), key + sizes[i] - 1);
    ck_assert_ptr_eq(pair_value(ephemeron), value + sizes[i] - 1);
    unit.slots[1] = NULL;
    ck_assert_uint_eq(unit_marked_objects(&unit), 1);
    ck_assert_ptr_null(pair_key(ephemeron));
  }
}
END_TEST

/* The program's hint does not free it: it may be in a list of the cycle under way. */
START_TEST(one_that_is_freed_is_left_to_the_next_cycle) {
  unit.slots[1] = unit_tagged_leaf(&unit, 1);
  gait_ephemeron *ephemeron = pair_new(&unit, 0, unit.slots[1], unit_tagged_leaf(&unit, 2));
  gait_object_free(unit.thread, ephemeron);
  ck_assert_ptr_eq(pair_key(ephemeron), unit.slots[1]);
  unit.slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
}
END_TEST

/* ---- Many ---- */

/* In the mode with all checks, checkmark goes over all ephemerons for each link. */
static size_t pair_links(int mode) {
  return mode == UNIT_SHRUNKEN ? 300 : 20000;
}

/* The value of each is the key of the next; they are found in that order, or against it. */
static void chain_check(unit_world *world, size_t links, bool backwards, bool leaves) {
  void **pairs = pair_array(world, 0, links);
  gait_kind kind = leaves ? world->leaf : world->references;
  void *key = world->slots[1] = gait_alloc(world->thread, kind, 16);
  for (size_t i = 0; i < links; i++) {
    void *value = gait_alloc(world->thread, kind, 16);
    UNIT_CHECK(value != NULL);
    void *pair = pair_of(world, key, value);
    gait_store(world->thread, &pairs[backwards ? links - 1 - i : i], pair);
    key = value;
  }
  for (int i = 0; i < 2; i++)
    ck_assert_uint_eq(unit_marked_objects(world), 2 * links + 2);
  for (size_t i = 0; i < links; i++)
    UNIT_CHECK(gait_ephemeron_value(world->thread, pairs[i]) != NULL);
  world->slots[1] = NULL;
  ck_assert_uint_eq(unit_marked_objects(world), links + 1);
  for (size_t i = 0; i < links; i++)
    UNIT_CHECK(gait_ephemeron_key(world->thread, pairs[i]) == NULL);
}

START_TEST(a_chain_is_kept_by_its_first_key) {
  for (int i = 0; i < 4; i++)
    chain_check(&unit, pair_links(_i), i & 1, i & 2);
}
END_TEST

/* Each ephemeron is the value of the one before: none but the first is found without its key. */
START_TEST(ephemerons_are_values_of_ephemerons) {
  const size_t links = pair_links(_i);
  void **keys = pair_array(&unit, 1, links);
  for (size_t i = 0; i < links; i++)
    gait_store(unit.thread, &keys[i], gait_alloc(unit.thread, unit.leaf, 16));
  for (size_t i = 0; i < links; i++)
    pair_new(&unit, 0, keys[i], unit.slots[0]);
  ck_assert_uint_eq(unit_marked_objects(&unit), 2 * links + 1);
  gait_store(unit.thread, &keys[links / 2], NULL);
  ck_assert_uint_eq(unit_marked_objects(&unit), links + links / 2);
}
END_TEST

/* Rings of keys: each is kept by the one before, and so by any. */
START_TEST(a_ring_is_kept_by_any_of_its_keys) {
  enum { RING = 50 };
  void **keys = pair_array(&unit, 1, RING);
  void **pairs = pair_array(&unit, 0, RING);
  for (size_t i = 0; i < RING; i++)
    gait_store(unit.thread, &keys[i], gait_alloc(unit.thread, unit.leaf, 16));
  for (size_t i = 0; i < RING; i++)
    gait_store(unit.thread, &pairs[i], pair_of(&unit, keys[i], keys[(i + 1) % RING]));
  unit.slots[2] = keys[RING / 2];
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_marked_objects(&unit), 2 * RING + 1);
  unit.slots[2] = NULL;
  ck_assert_uint_eq(unit_marked_objects(&unit), RING + 1);
}
END_TEST

START_TEST(a_key_has_many_values) {
  enum { VALUES = 16 };
  void **pairs = pair_array(&unit, 0, VALUES);
  unit.slots[1] = gait_alloc(unit.thread, unit.leaf, 16);
  for (unsigned i = 0; i < VALUES; i++)
    gait_store(unit.thread, &pairs[i], pair_of(&unit, unit.slots[1], unit_tagged_leaf(&unit, i)));
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(VALUES) - 1);
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
  for (unsigned i = 0; i < VALUES; i++)
    ck_assert_ptr_null(pair_key(pairs[i]));
}
END_TEST

/* Half of the keys die, so each block has both. */
START_TEST(of_many_just_those_of_dead_keys_are_cleared) {
  enum { MANY = 20000 };
  void **pairs = pair_array(&unit, 0, MANY);
  void **kept = pair_array(&unit, 1, MANY);
  for (size_t i = 0; i < MANY; i++) {
    void *key = unit.slots[2] = gait_alloc(unit.thread, unit.leaf, 16);
    if (i % 2 == 0) gait_store(unit.thread, &kept[i], key);
    uintptr_t *value = unit.slots[3] = gait_alloc(unit.thread, unit.leaf, 16);
    *value = i;
    gait_store(unit.thread, &pairs[i], pair_of(&unit, key, value));
  }
  unit.slots[2] = unit.slots[3] = NULL;
  ck_assert_uint_eq(unit_marked_objects(&unit), 2 + MANY + MANY / 2 * 2);
  for (size_t i = 0; i < MANY; i++) {
    const uintptr_t *value = pair_value(pairs[i]);
    UNIT_CHECK(pair_key(pairs[i]) == kept[i] && !value == !kept[i] && (!value || *value == i));
  }
}
END_TEST

static bool pair_refers(gait_referrer referrer, const void *holder, const void *slot, void *arg) {
  (void)holder, (void)slot;
  ++((int *)arg)[referrer == GAIT_REFERRER_OBJECT];
  return true;
}

START_TEST(it_refers_to_its_value_and_not_to_its_key) {
  int of_key[2] = {0}, of_value[2] = {0};
  unit.slots[1] = gait_alloc(unit.thread, unit.leaf, 64);
  void *value = gait_alloc(unit.thread, unit.leaf, 64);
  pair_new(&unit, 0, unit.slots[1], value);
  ck_assert_int_eq(gait_object_walk_referrers(unit.thread, unit.slots[1], pair_refers, of_key),
                   GAIT_OK);
  ck_assert_int_eq(gait_object_walk_referrers(unit.thread, value, pair_refers, of_value), GAIT_OK);
  ck_assert_int_eq(of_key[0], 1);
  ck_assert_int_eq(of_key[1], 0);
  ck_assert_int_eq(of_value[0], 0);
  ck_assert_int_eq(of_value[1], 1);
}
END_TEST

/* ---- Beside finalizers ---- */

static void pair_finalize(gait_thread *thread, void *object, void *arg) {
  (void)thread, (void)arg;
  unit.slots[3] = object;
}

static void pair_finalized(void *object) {
  ck_assert_int_eq(
      gait_finalizer_add(unit.thread, object, pair_finalize, NULL, GAIT_FINALIZER_UNORDERED, NULL),
      GAIT_OK);
}

/* One that lived is cleared; one that is raised with its key keeps its value. */
START_TEST(a_key_with_a_finalizer_is_dead_before_that_runs) {
  void **key = unit.slots[1] = gait_alloc(unit.thread, unit.references, 32);
  gait_ephemeron *outside = pair_new(&unit, 0, key, unit_tagged_leaf(&unit, 1));
  gait_store(unit.thread, &key[0], pair_of(&unit, key, unit_tagged_leaf(&unit, 2)));
  gait_store(unit.thread, &key[1],
             pair_of(&unit, unit_tagged_leaf(&unit, 3), unit_tagged_leaf(&unit, 4)));
  pair_finalized(key);
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(2));
  ck_assert_ptr_null(pair_key(outside));
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, 1), 1);
  ck_assert_ptr_eq(unit.slots[3], key);
  ck_assert_ptr_eq(pair_key(key[0]), key);
  ck_assert_ptr_nonnull(pair_value(key[0]));
  ck_assert_ptr_null(pair_key(key[1]));
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(2));
}
END_TEST

/* Each of two objects that die has an ephemeron of which the other is the key. */
START_TEST(what_finalizers_raise_may_hold_keys) {
  void **one = unit.slots[1] = gait_alloc(unit.thread, unit.references, 32);
  void **two = unit.slots[2] = gait_alloc(unit.thread, unit.references, 32);
  gait_store(unit.thread, &one[0], pair_of(&unit, two, unit_tagged_leaf(&unit, 1)));
  gait_store(unit.thread, &two[0], pair_of(&unit, one, unit_tagged_leaf(&unit, 2)));
  pair_finalized(one);
  pair_finalized(two);
  unit.slots[1] = unit.slots[2] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1) | UNIT_TAG(2));
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, 2), 2);
}
END_TEST

/* The finalizer of an ephemeron gets it empty when its key is dead as well. */
START_TEST(an_ephemeron_may_have_a_finalizer) {
  for (int order = 0; order < 3; order++) {
    void *object = pair_of(&unit, unit_tagged_leaf(&unit, 1), unit_tagged_leaf(&unit, 2));
    ck_assert_int_eq(gait_finalizer_add(unit.thread, object, pair_finalize, NULL,
                                        (gait_finalizer_order)order, NULL),
                     GAIT_OK);
    ck_assert_uint_eq(unit_alive(&unit), 0);
    ck_assert_uint_eq(gait_finalizers_run(unit.thread, 1), 1);
    ck_assert_ptr_eq(unit.slots[3], object);
    ck_assert_ptr_null(pair_key(object));
  }
}
END_TEST

/* ---- Young cycles ---- */

START_TEST(an_old_one_keeps_and_loses_young_objects) {
  void **keys = pair_array(&unit, 1, 4);
  void **pairs = pair_array(&unit, 0, 4);
  gait_ephemeron *ephemeron = pair_new(&unit, 2, keys, NULL);
  young_grow_old(&unit);
  gait_ephemeron_set_value(unit.thread, ephemeron, unit_tagged_leaf(&unit, 3));
  young_expect_alive(&unit, UNIT_TAG(3));
  ck_assert_ptr_nonnull(pair_value(ephemeron));
  gait_ephemeron_clear(unit.thread, ephemeron);
  ck_assert_uint_eq(unit_alive(&unit), 0);
  gait_store(unit.thread, &keys[0], unit_tagged_leaf(&unit, 1));
  gait_store(unit.thread, &pairs[0], pair_of(&unit, keys[0], unit_tagged_leaf(&unit, 2)));
  young_expect_alive(&unit, UNIT_TAG(1) | UNIT_TAG(2));
}
END_TEST

/* Of an ephemeron that is young, or not old yet, the key dies young. */
START_TEST(a_young_key_dies_in_a_young_cycle) {
  unit.slots[1] = unit_tagged_leaf(&unit, 1);
  gait_ephemeron *ephemeron = pair_new(&unit, 0, unit.slots[1], unit_tagged_leaf(&unit, 2));
  unit.slots[1] = NULL;
  ck_assert_uint_eq(young_alive(&unit), 0);
  ck_assert_ptr_null(pair_key(ephemeron));
  ck_assert_ptr_null(pair_value(ephemeron));
}
END_TEST

START_TEST(an_old_key_is_kept_until_a_full_cycle) {
  unit.slots[1] = unit_tagged_leaf(&unit, 1);
  gait_ephemeron *ephemeron = pair_new(&unit, 0, unit.slots[1], unit_tagged_leaf(&unit, 2));
  young_grow_old(&unit);
  unit.slots[1] = NULL;
  ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(1) | UNIT_TAG(2));
  ck_assert_ptr_nonnull(pair_value(ephemeron));
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_ptr_null(pair_key(ephemeron));
}
END_TEST

/* ---- A heap that is full ---- */

/* It has no memory for a table of all that wait, and runs cycle after cycle. */
START_TEST(a_full_heap_keeps_values) {
  enum { MOST = 200000, PLACES = 40000 };
  gait_options options = unit_options(_i);
  unit_world world;
  options.gogc_percent = 100;
  options.max_heap_bytes = 3 << 20;
  options.debug.checkmark = options.debug.heap_walk = 1;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  void **pairs = pair_array(&world, 0, PLACES);
  size_t count = 0, kept = 0;
  for (; count < MOST; count++) { /* a hundred times each keeps the key of the next */
    uintptr_t *value = world.slots[3] = gait_alloc(world.thread, world.leaf, 16);
    if (!value) break;
    if (!world.slots[1]) world.slots[1] = world.slots[2] = value;
    *value = count % PLACES;
    gait_ephemeron *pair = gait_ephemeron_new(world.thread, world.slots[2], value);
    if (!pair) break;
    gait_store(world.thread, &pairs[count % PLACES], pair);
    world.slots[2] = count % 100 ? value : world.slots[1];
  }
  ck_assert_uint_gt(unit_stats(world.heap).cycles, 1);
  for (size_t i = 0; i < PLACES; i++) {
    if (!pairs[i]) continue;
    const uintptr_t *value = gait_ephemeron_value(world.thread, pairs[i]);
    kept += value != NULL;
    UNIT_CHECK(!value || *value == i);
  }
  /* Where an allocation failed, the rest of its hundred has lost the keys that others had. */
  ck_assert_uint_ge(kept + (count < MOST ? 100 : 0), PLACES);
  unit_close(&world);
}
END_TEST

/* ---- Tagged references ---- */

START_TEST(keys_and_values_may_be_tagged) {
  const gait_tags rule = {.mask = 7, .first = 1, .last = 1, .address_mask = ~UINT64_C(7)};
  gait_options options = unit_options(_i);
  options.tags = &rule;
  unit_world world;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  world.slots[1] = unit_tagged_leaf(&world, 1);
  char *key = (char *)world.slots[1] + 1, *value = (char *)unit_tagged_leaf(&world, 2) + 1;
  gait_ephemeron *ephemeron = pair_new(&world, 0, key, value);
  gait_ephemeron *number = pair_new(&world, 2, (void *)0x123456, unit_tagged_leaf(&world, 3));
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1) | UNIT_TAG(2) | UNIT_TAG(3));
  ck_assert_ptr_eq(gait_ephemeron_key(world.thread, ephemeron), key);
  ck_assert_ptr_eq(gait_ephemeron_value(world.thread, ephemeron), value);
  world.slots[1] = NULL;
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(3));
  ck_assert_ptr_null(gait_ephemeron_key(world.thread, ephemeron));
  ck_assert_ptr_eq(gait_ephemeron_key(world.thread, number), (void *)0x123456);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds simple = unit_world_cases(suite, "ephemerons", &unit_exact);
  UNIT_WORLD_TEST(simple, the_key_keeps_the_value);
  UNIT_WORLD_TEST(simple, without_the_ephemeron_nothing_keeps_the_value);
  UNIT_WORLD_TEST(simple, a_key_that_its_own_value_alone_refers_to_is_dead);
  UNIT_WORLD_TEST(simple, either_may_be_found_last);
  UNIT_WORLD_TEST(simple, the_value_is_set_and_cleared);
  UNIT_WORLD_TEST(simple, without_a_key_it_is_dead_from_the_start);
  UNIT_WORLD_TEST(simple, it_may_be_its_own_value_or_part_of_its_key);
  UNIT_WORLD_TEST(simple, a_key_outside_the_heap_does_not_die);
  UNIT_WORLD_TEST(simple, keys_and_values_may_be_large_and_pointed_into);
  UNIT_WORLD_TEST(simple, one_that_is_freed_is_left_to_the_next_cycle);
  UNIT_WORLD_TEST(simple, a_chain_is_kept_by_its_first_key);
  UNIT_WORLD_TEST(simple, ephemerons_are_values_of_ephemerons);
  UNIT_WORLD_TEST(simple, a_ring_is_kept_by_any_of_its_keys);
  UNIT_WORLD_TEST(simple, a_key_has_many_values);
  UNIT_WORLD_TEST(simple, of_many_just_those_of_dead_keys_are_cleared);
  UNIT_WORLD_TEST(simple, it_refers_to_its_value_and_not_to_its_key);
  UNIT_WORLD_TEST(simple, a_key_with_a_finalizer_is_dead_before_that_runs);
  UNIT_WORLD_TEST(simple, what_finalizers_raise_may_hold_keys);
  UNIT_WORLD_TEST(simple, an_ephemeron_may_have_a_finalizer);
  const unit_worlds young = unit_world_cases(suite, "young", &young_world);
  UNIT_WORLD_TEST(young, an_old_one_keeps_and_loses_young_objects);
  UNIT_WORLD_TEST(young, a_young_key_dies_in_a_young_cycle);
  UNIT_WORLD_TEST(young, an_old_key_is_kept_until_a_full_cycle);
  UNIT_TEST(unit_case(suite, "tags"), keys_and_values_may_be_tagged);
  UNIT_TEST(unit_case(suite, "full"), a_full_heap_keeps_values);
}
