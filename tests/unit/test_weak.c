/* Weak references: which objects they keep, which they lose, and when. */
#include "unit_young.h"

#include <gait/finalizer.h>
#include <gait/walk.h>
#include <gait/weak.h>
#include <stdlib.h>
#include <string.h>

const char *const unit_suite_name = "weak";

/* A weak reference to `object`, kept in that slot of the world. */
static gait_weak *weak_new(unit_world *world, size_t slot, void *object) {
  gait_weak *weak = gait_weak_create(world->thread, object);
  UNIT_CHECK(weak != NULL);
  world->slots[slot] = weak;
  return weak;
}

START_TEST(a_weak_reference_does_not_keep_its_object) {
  gait_weak *weak = weak_new(&unit, 0, unit_tagged_leaf(&unit, 3));
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_ptr_null(gait_weak_get(unit.thread, weak));
}
END_TEST

START_TEST(it_refers_to_its_object_while_that_is_kept) {
  unit.slots[1] = unit_tagged_leaf(&unit, 3);
  gait_weak *weak = weak_new(&unit, 0, unit.slots[1]);
  for (int i = 0; i < 3; i++) {
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(3));
    ck_assert_ptr_eq(gait_weak_get(unit.thread, weak), unit.slots[1]);
  }
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_ptr_null(gait_weak_get(unit.thread, weak));
}
END_TEST

START_TEST(an_object_that_was_got_is_kept) {
  gait_weak *weak = weak_new(&unit, 0, unit_tagged_leaf(&unit, 3));
  unit.slots[1] = gait_weak_get(unit.thread, weak);
  ck_assert_ptr_nonnull(unit.slots[1]);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(3));
  ck_assert_ptr_eq(gait_weak_get(unit.thread, weak), unit.slots[1]);
}
END_TEST

START_TEST(it_is_set_and_cleared) {
  unit.slots[1] = unit_tagged_leaf(&unit, 1);
  unit.slots[2] = unit_tagged_leaf(&unit, 2);
  gait_weak *weak = weak_new(&unit, 0, NULL);
  ck_assert_ptr_null(gait_weak_get(unit.thread, weak));
  gait_weak_set(unit.thread, weak, unit.slots[1]);
  ck_assert_ptr_eq(gait_weak_get(unit.thread, weak), unit.slots[1]);
  gait_weak_set(unit.thread, weak, unit.slots[2]);
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(2));
  ck_assert_ptr_eq(gait_weak_get(unit.thread, weak), unit.slots[2]);
  gait_weak_set(unit.thread, weak, NULL);
  ck_assert_ptr_null(gait_weak_get(unit.thread, weak));
}
END_TEST

START_TEST(all_references_to_an_object_are_cleared) {
  void *object = unit_tagged_leaf(&unit, 3);
  for (size_t i = 0; i < 20; i++)
    weak_new(&unit, i, object);
  unit.slots[20] = object;
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(3));
  for (size_t i = 0; i < 20; i++)
    ck_assert_ptr_eq(gait_weak_get(unit.thread, unit.slots[i]), object);
  unit.slots[20] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
  for (size_t i = 0; i < 20; i++)
    ck_assert_ptr_null(gait_weak_get(unit.thread, unit.slots[i]));
}
END_TEST

START_TEST(it_refers_into_an_object_and_to_large_ones) {
  static const size_t sizes[] = {16, 400, 30000, 70000, 1000000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    char *object = unit.slots[1] = gait_alloc(unit.thread, unit.leaf, sizes[i]);
    gait_weak *weak = weak_new(&unit, 0, object + sizes[i] - 1);
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    ck_assert_ptr_eq(gait_weak_get(unit.thread, weak), object + sizes[i] - 1);
    unit.slots[1] = NULL;
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    ck_assert_ptr_null(gait_weak_get(unit.thread, weak));
  }
}
END_TEST

/* They are objects themselves: found dead, and referred to weakly. */
START_TEST(weak_references_are_found_dead) {
  gait_weak *weak = weak_new(&unit, 0, NULL);
  for (size_t i = 0; i < 20000; i++)
    UNIT_CHECK(gait_weak_create(unit.thread, weak) != NULL);
  uint64_t marked = unit_marked_objects(&unit);
  ck_assert_uint_eq(unit_marked_objects(&unit), marked);
  ck_assert_uint_lt(marked, 10);
  gait_weak_set(unit.thread, weak, gait_weak_create(unit.thread, weak));
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_ptr_null(gait_weak_get(unit.thread, weak));
}
END_TEST

#define WEAK_MANY 20000

/* Half of the objects die, so each block has both. */
START_TEST(of_many_just_the_dead_are_cleared) {
  void **weak = unit.slots[0] = gait_alloc(unit.thread, unit.references, WEAK_MANY * sizeof *weak);
  void **kept = unit.slots[1] = gait_alloc(unit.thread, unit.references, WEAK_MANY * sizeof *kept);
  for (size_t i = 0; i < WEAK_MANY; i++) {
    void *object = gait_alloc(unit.thread, unit.leaf, 16);
    if (i % 2 == 0) gait_store(unit.thread, &kept[i], object);
    gait_store(unit.thread, &weak[i], gait_weak_create(unit.thread, object));
  }
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  for (size_t i = 0; i < WEAK_MANY; i++)
    UNIT_CHECK(gait_weak_get(unit.thread, weak[i]) == kept[i]);
}
END_TEST

static bool weak_refers(gait_referrer referrer, const void *holder, const void *slot, void *arg) {
  (void)referrer, (void)holder, (void)slot;
  ++*(int *)arg;
  return true;
}

START_TEST(it_is_no_referrer_of_its_object) {
  int referrers = 0;
  unit.slots[1] = gait_alloc(unit.thread, unit.leaf, 64);
  weak_new(&unit, 0, unit.slots[1]);
  ck_assert_int_eq(gait_object_walk_referrers(unit.thread, unit.slots[1], weak_refers, &referrers),
                   GAIT_OK);
  ck_assert_int_eq(referrers, 1); /* the frame */
}
END_TEST

/* ---- Beside finalizers ---- */

static void weak_finalize(gait_thread *thread, void *object, void *arg) {
  (void)thread, (void)arg;
  unit.slots[3] = object;
}

/* The object of a finalizer has a weak reference, found dead with it, to a dead object and to one
 * that lives on with it. */
START_TEST(those_that_a_finalizer_brings_back_are_cleared) {
  void **object = unit.slots[1] = gait_alloc(unit.thread, unit.references, 32);
  gait_weak *own = weak_new(&unit, 0, object);
  gait_store(unit.thread, &object[0], gait_weak_create(unit.thread, object));
  gait_store(unit.thread, &object[1], gait_weak_create(unit.thread, NULL));
  gait_weak_set(unit.thread, object[1], unit_tagged_leaf(&unit, 3));
  ck_assert_int_eq(
      gait_finalizer_add(unit.thread, object, weak_finalize, NULL, GAIT_FINALIZER_UNORDERED, NULL),
      GAIT_OK);
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_ptr_null(gait_weak_get(unit.thread, own));
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, 1), 1);
  ck_assert_ptr_eq(unit.slots[3], object);
  ck_assert_ptr_eq(gait_weak_get(unit.thread, object[0]), object);
  ck_assert_ptr_null(gait_weak_get(unit.thread, object[1]));
}
END_TEST

/* Takes the object out of the queue, and looks at the weak reference in it. */
static void weak_find(gait_thread *thread, void *object, void *arg) {
  void **fields = object;
  *(void **)arg = gait_weak_get(thread, fields[0]);
}

/* Both were dead, and one of them is raised with the weak reference in its field. */
START_TEST(a_finalizer_finds_no_dead_object_by_a_weak_reference) {
  void *found = &found;
  void **holder = unit.slots[0] = gait_alloc(unit.thread, unit.references, 4 * sizeof *holder);
  gait_store(unit.thread, &holder[0], gait_weak_create(unit.thread, unit_tagged_leaf(&unit, 3)));
  gait_weak *weak = weak_new(&unit, 1, holder);
  ck_assert_int_eq(
      gait_finalizer_add(unit.thread, holder, weak_find, &found, GAIT_FINALIZER_UNORDERED, NULL),
      GAIT_OK);
  unit.slots[0] = NULL;
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_ptr_null(gait_weak_get(unit.thread, weak));
  ck_assert_uint_eq(gait_finalizers_run(unit.thread, SIZE_MAX), 1);
  ck_assert_ptr_null(found);
}
END_TEST

/* The finalizer of a weak reference gets it empty. */
START_TEST(a_weak_reference_may_have_a_finalizer) {
  void **box = unit.slots[1] = gait_alloc(unit.thread, unit.references, 4 * sizeof *box);
  gait_store(unit.thread, &box[0], gait_weak_create(unit.thread, unit_tagged_leaf(&unit, 3)));
  ck_assert_int_eq(
      gait_finalizer_add(unit.thread, box[0], weak_find, box, GAIT_FINALIZER_TOPOLOGICAL, NULL),
      GAIT_OK);
  unit.slots[1] = NULL;
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  gait_due due;
  ck_assert(gait_finalizer_next(unit.thread, &due));
  ck_assert_ptr_null(gait_weak_get(unit.thread, due.object));
}
END_TEST

/* ---- Young cycles ---- */

START_TEST(an_old_one_loses_a_young_object_in_a_young_cycle) {
  gait_weak *weak = weak_new(&unit, 0, NULL);
  young_grow_old(&unit);
  gait_weak_set(unit.thread, weak, unit_tagged_leaf(&unit, 3));
  unit.slots[1] = gait_weak_get(unit.thread, weak);
  ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(3));
  ck_assert_ptr_eq(gait_weak_get(unit.thread, weak), unit.slots[1]);
  unit.slots[1] = NULL;
  ck_assert_uint_eq(young_alive(&unit), 0);
  ck_assert_ptr_null(gait_weak_get(unit.thread, weak));
}
END_TEST

START_TEST(an_old_object_is_kept_until_a_full_cycle) {
  unit.slots[1] = unit_tagged_leaf(&unit, 3);
  gait_weak *weak = weak_new(&unit, 0, unit.slots[1]);
  young_grow_old(&unit);
  unit.slots[1] = NULL;
  ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(3));
  ck_assert_ptr_nonnull(gait_weak_get(unit.thread, weak));
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_ptr_null(gait_weak_get(unit.thread, weak));
}
END_TEST

/* ---- Beside marking ---- */

/* Objects that nothing but a weak reference has, got and made part of a list again and again. */
START_TEST(what_is_got_while_marking_stays) {
  enum { OBJECTS = 200, ROUNDS = 200 };
  unit_collector collector;
  void **weak = unit.slots[0] = gait_alloc(unit.thread, unit.references, OBJECTS * sizeof *weak);
  for (size_t i = 0; i < OBJECTS; i++)
    gait_store(unit.thread, &weak[i], gait_weak_create(unit.thread, NULL));
  unit_collector_start(&collector, unit.heap);
  size_t dead = 0, alive = 0;
  for (uintptr_t round = 1; round <= ROUNDS || dead == 0 || alive == 0; round++)
    for (size_t i = 0; i < OBJECTS; i++) {
      uintptr_t *object = unit.slots[1] = gait_weak_get(unit.thread, weak[i]);
      if (object) {
        UNIT_CHECK(object[0] == i && object[1] == ~i);
        alive++;
      } else {
        object = unit.slots[1] = gait_alloc(unit.thread, unit.leaf, 16);
        object[0] = i, object[1] = ~i;
        gait_weak_set(unit.thread, weak[i], object);
        dead++;
      }
      if (i % 7 == 0) gait_thread_poll(unit.thread);
      UNIT_CHECK(object[0] == i && object[1] == ~i);
      UNIT_CHECK(gait_weak_get(unit.thread, weak[i]) == object);
    }
  unit_collector_stop(&collector, unit.thread);
}
END_TEST

/* ---- With the finder of missing barriers ---- */

/* What is found dead stays for some time, as far as there is room: the reference does, and refers
 * to no slot that was freed, which the walk through the heap would find. */
START_TEST(a_lost_reference_refers_to_nothing_that_was_freed) {
  enum { ROOM = 17 << 20, PIECE = 16 << 10 };
  gait_options options = unit_options(_i);
  options.debug.find_missing = GAIT_FIND_ON;
  options.debug.heap_walk = 1;
  unit_world world;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  gait_weak *weak = weak_new(&world, 0, NULL);
  world.slots[1] = unit_tagged_leaf(&world, 1); /* keeps the block of the one below */
  for (size_t bytes = 0; bytes < ROOM; bytes += PIECE)
    UNIT_CHECK(gait_alloc(world.thread, world.leaf, PIECE) != NULL);
  gait_weak_set(world.thread, weak, unit_tagged_leaf(&world, 2));
  world.slots[0] = NULL;
  for (int i = 0; i < 3; i++)
    ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1));
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds simple = unit_world_cases(suite, "weak", &unit_exact);
  UNIT_WORLD_TEST(simple, a_weak_reference_does_not_keep_its_object);
  UNIT_WORLD_TEST(simple, it_refers_to_its_object_while_that_is_kept);
  UNIT_WORLD_TEST(simple, an_object_that_was_got_is_kept);
  UNIT_WORLD_TEST(simple, it_is_set_and_cleared);
  UNIT_WORLD_TEST(simple, all_references_to_an_object_are_cleared);
  UNIT_WORLD_TEST(simple, it_refers_into_an_object_and_to_large_ones);
  UNIT_WORLD_TEST(simple, weak_references_are_found_dead);
  UNIT_WORLD_TEST(simple, of_many_just_the_dead_are_cleared);
  UNIT_WORLD_TEST(simple, it_is_no_referrer_of_its_object);
  UNIT_WORLD_TEST(simple, those_that_a_finalizer_brings_back_are_cleared);
  UNIT_WORLD_TEST(simple, what_is_got_while_marking_stays);
  UNIT_WORLD_TEST(simple, a_finalizer_finds_no_dead_object_by_a_weak_reference);
  UNIT_WORLD_TEST(simple, a_weak_reference_may_have_a_finalizer);
  TCase *found = unit_case(suite, "finder");
  UNIT_TEST(found, a_lost_reference_refers_to_nothing_that_was_freed);
  const unit_worlds young = unit_world_cases(suite, "young", &young_world);
  UNIT_WORLD_TEST(young, an_old_one_loses_a_young_object_in_a_young_cycle);
  UNIT_WORLD_TEST(young, an_old_object_is_kept_until_a_full_cycle);
}
