/* Objects that the program frees. */
#include "unit.h"

#include <string.h>

#include "../support/random.h"

const char *const unit_suite_name = "free";

static bool free_is_zero(const unsigned char *from, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    if (from[i]) return false;
  return true;
}

START_TEST(the_last_object_is_handed_out_again_at_once) {
  static const size_t sizes[] = {1, 16, 100, 4000, GAIT_SMALL_BYTES};
  for (size_t i = 0; i < 5; i++) {
    unsigned char *object = unit.slots[0] = gait_alloc(unit.thread, unit.leaf, sizes[i]);
    memset(object, 0x5A, sizes[i]);
    unit.slots[0] = NULL;
    gait_object_free(unit.thread, object);
    ck_assert_ptr_eq(gait_alloc(unit.thread, unit.leaf, sizes[i]), object);
    ck_assert(free_is_zero(object, sizes[i]));
  }
}
END_TEST

/* Allocates until one of `count` objects that were freed comes back; false: none does. */
static bool free_comes_back(unit_world *world, gait_kind kind, size_t bytes, void *const *objects,
                            size_t count) {
  for (int i = 0; i < 5000; i++) {
    unsigned char *object = gait_alloc(world->thread, kind, bytes);
    UNIT_CHECK(free_is_zero(object, bytes));
    for (size_t k = 0; k < count; k++)
      if (object == objects[k]) return true;
  }
  return false;
}

START_TEST(freed_objects_are_handed_out_again_before_a_cycle) {
  void *objects[20];
  for (size_t i = 0; i < 20; i++) {
    objects[i] = unit.slots[i] = gait_alloc(unit.thread, unit.references, 64);
    memset(objects[i], 1, 64);
  }
  for (size_t i = 0; i < 19; i++) {
    unit.slots[i] = NULL;
    gait_object_free(unit.thread, objects[i]);
  }
  ck_assert(free_comes_back(&unit, unit.references, 64, objects, 19));
  ck_assert_uint_eq(unit_stats(unit.heap).cycles, 0);
}
END_TEST

/* Of another kind, or another size, they do not come back. */
START_TEST(a_freed_slot_keeps_its_kind_and_size) {
  void *object = gait_alloc(unit.thread, unit.references, 64);
  unit.slots[0] = gait_alloc(unit.thread, unit.references, 64);
  gait_object_free(unit.thread, object);
  ck_assert(!free_comes_back(&unit, unit.leaf, 64, &object, 1));
  ck_assert(!free_comes_back(&unit, unit.references, 80, &object, 1));
  ck_assert(free_comes_back(&unit, unit.references, 64, &object, 1));
}
END_TEST

START_TEST(a_cycle_finds_a_freed_object_dead) {
  static const size_t sizes[] = {16, 5000, 100000};
  for (unsigned i = 0; i < 3; i++) {
    void *object = unit.slots[0] = gait_alloc(unit.thread, unit.leaf, sizes[i]);
    unit.slots[1] = gait_alloc(unit.thread, unit.leaf, sizes[i]); /* the run goes on behind it */
    unit_tag(&unit, object, 3);
    unit.slots[0] = NULL;
    gait_object_free(unit.thread, object);
    ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, 0);
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    ck_assert_ptr_null(gait_object_start(unit.heap, object));
  }
}
END_TEST

START_TEST(objects_that_a_freed_one_referred_to_stay) {
  void **holder = gait_alloc(unit.thread, unit.references, 32);
  void *leaf = unit.slots[0] = unit_tagged_leaf(&unit, 1);
  gait_store_init(unit.thread, holder, leaf);
  gait_object_free(unit.thread, holder);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
  unit.slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

/* Objects that have been freed and are handed out again while cycles go by: each has what was
 * written into it, and keeps its child. */
struct node {
  struct node *child;
  uint64_t number;
};

static struct node *free_new_node(unit_world *world, uint64_t number, size_t bytes) {
  struct node *child = world->slots[UNIT_SLOTS - 1] =
      gait_alloc(world->thread, world->references, bytes);
  UNIT_CHECK(child && !child->child && !child->number);
  child->number = number << 1;
  struct node *node = gait_alloc(world->thread, world->references, sizeof *node);
  UNIT_CHECK(node && !node->child && !node->number);
  node->number = number << 1;
  gait_store_init(world->thread, &node->child, child);
  return node;
}

static void free_node(unit_world *world, void **slot) {
  struct node *node = *slot, *child;
  if (!node) return;
  child = node->child;
  UNIT_CHECK(child && child->number == node->number && !child->child);
  gait_store(world->thread, &node->child, NULL);
  *slot = NULL;
  world->slots[UNIT_SLOTS - 1] = NULL;
  gait_object_free(world->thread, child);
  gait_object_free(world->thread, node);
}

static void free_churn(unit_world *world) {
  unit_collector collector;
  uint64_t random = 1;
  unit_collector_start(&collector, world->heap);
  for (uint64_t i = 0; i < 100000 || atomic_load(&collector.cycles) < 20; i++) {
    void **slot = &world->slots[random_below(&random, UNIT_SLOTS - 1)];
    if (random_below(&random, 4)) free_node(world, slot);
    *slot = free_new_node(world, i, 16 + random_below(&random, 3) * 16);
  }
  unit_collector_stop(&collector, world->thread);
}

START_TEST(objects_are_freed_and_handed_out_while_cycles_run) {
  free_churn(&unit);
}
END_TEST

/* ---- The option check_free ---- */

START_TEST(promises_that_are_kept_are_forgotten) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.debug.check_free = 1;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  free_churn(&world);
  memset(world.slots, 0, sizeof world.slots);
  void *object = gait_alloc(world.thread, world.references, 64);
  gait_object_free(world.thread, object);
  ck_assert(!free_comes_back(&world, world.references, 64, &object, 1));
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  ck_assert_ptr_null(gait_object_start(world.heap, object));
  unit_close(&world);
}
END_TEST

/* A word that may be a number is no referrer. */
START_TEST(an_ambiguous_word_breaks_no_promise) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.debug.check_free = 1;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  void **holder = world.slots[0] = gait_alloc(world.thread, world.conservative, 64);
  void *object = gait_alloc(world.thread, world.leaf, 64);
  gait_store(world.thread, holder, object);
  gait_object_free(world.thread, object);
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
    ck_assert_ptr_eq(gait_object_start(world.heap, object), object);
  }
  gait_clear(world.thread, holder, 1);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  ck_assert_ptr_null(gait_object_start(world.heap, object));
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  unit_worlds worlds = unit_world_cases(suite, "a hint", &unit_exact);
  UNIT_WORLD_TEST(worlds, the_last_object_is_handed_out_again_at_once);
  UNIT_WORLD_TEST(worlds, freed_objects_are_handed_out_again_before_a_cycle);
  UNIT_WORLD_TEST(worlds, a_freed_slot_keeps_its_kind_and_size);
  UNIT_WORLD_TEST(worlds, a_cycle_finds_a_freed_object_dead);
  UNIT_WORLD_TEST(worlds, objects_that_a_freed_one_referred_to_stay);
  UNIT_WORLD_TEST(worlds, objects_are_freed_and_handed_out_while_cycles_run);
  TCase *promises = unit_case(suite, "promises");
  UNIT_TEST(promises, promises_that_are_kept_are_forgotten);
  UNIT_TEST(promises, an_ambiguous_word_breaks_no_promise);
}
