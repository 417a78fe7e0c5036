/* Young cycles: when they come, what they mark and what they free. */
#include "unit_young.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"

const char *const unit_suite_name = "young";

/* On one card; across cards; half a block; large. */
static const size_t young_sizes[] = {32, 1300, 30000, 200000};

/* ---- When ---- */

START_TEST(the_first_cycle_prepares_a_young_one) {
  unit_world world;
  const gait_options options = young_options(young_modes[_i]);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  young_full_cycle(&world);
  ck_assert_uint_eq(unit_last_record(world.heap).young, 0);
  for (int i = 0; i < 5; i++) {
    young_cycle(&world);
    ck_assert_uint_eq(unit_last_record(world.heap).young, 1);
    ck_assert_int_eq(unit_last_record(world.heap).cause, GAIT_CAUSE_DEBUG);
  }
  unit_close(&world);
}
END_TEST

START_TEST(a_collection_that_is_asked_for_is_full) {
  for (int i = 0; i < 5; i++) {
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    ck_assert_uint_eq(unit_last_record(unit.heap).young, 0);
    ck_assert_int_eq(unit_last_record(unit.heap).cause, GAIT_CAUSE_FORCED);
    young_cycle(&unit);
  }
  ck_assert_uint_eq(unit_stats(unit.heap).young_cycles, 5);
}
END_TEST

START_TEST(no_cycle_is_young_with_the_option_at_0) {
  unit_world world;
  gait_options options = young_options(young_modes[_i]);
  options.young_percent = 0;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (int i = 0; i < 5; i++)
    young_full_cycle(&world);
  unit_close(&world);
}
END_TEST

START_TEST(no_cycle_is_young_without_barriers) {
  unit_world world;
  const gait_options options = young_options(UNIT_BARRIERLESS);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (int i = 0; i < 5; i++)
    young_full_cycle(&world);
  unit_close(&world);
}
END_TEST

START_TEST(no_cycle_is_young_without_a_goal) {
  unit_world world;
  gait_options options = young_options(young_modes[_i]);
  options.gogc_percent = GAIT_OFF;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (int i = 0; i < 5; i++)
    young_full_cycle(&world);
  unit_close(&world);
}
END_TEST

START_TEST(no_cycle_is_young_where_the_memory_limit_rules) {
  unit_world world;
  gait_options options = young_options(young_modes[_i]);
  options.memory_limit_bytes = (int64_t)(256 * MIB);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (int i = 0; i < 5; i++)
    young_full_cycle(&world);
  ck_assert_int_eq(gait_heap_set_memory_limit(world.heap, GAIT_OFF, NULL), GAIT_OK);
  young_full_cycle(&world);
  young_cycle(&world);
  unit_close(&world);
}
END_TEST

/* The limit by itself is no reason for full cycles: it is one where it sets the goal. */
START_TEST(cycles_are_young_where_the_memory_limit_is_far) {
  unit_world world;
  gait_options options = young_options(young_modes[_i]);
  options.memory_limit_bytes = 2 * options.min_heap_bytes;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  young_full_cycle(&world);
  for (int i = 0; i < 5; i++)
    young_cycle(&world);
  ck_assert_int_eq(gait_heap_set_memory_limit(world.heap, (int64_t)(256 * MIB), NULL), GAIT_OK);
  young_full_cycle(&world);
  ck_assert_int_eq(gait_heap_set_memory_limit(world.heap, options.memory_limit_bytes, NULL),
                   GAIT_OK);
  young_full_cycle(&world);
  young_cycle(&world);
  unit_close(&world);
}
END_TEST

/* Keeps a list of about so many bytes in slot 0. */
static void young_keep(unit_world *world, size_t bytes) {
  for (size_t done = 0; done < bytes; done += 1024) {
    void **node = gait_alloc(world->thread, world->references, 1024);
    UNIT_CHECK(node != NULL);
    gait_store_init(world->thread, node, world->slots[0]);
    world->slots[0] = node;
  }
}

static void young_open_growing(unit_world *world, int mode) {
  gait_options options = unit_options((int)young_modes[mode]);
  options.gogc_percent = 100;
  unit_open_with(world, &options, GAIT_STACK_EXACT);
}

UNIT_FIXTURE(young_growing_world, 2, young_open_growing);

START_TEST(program_that_drops_new_objects_has_young_cycles) {
  young_keep(&unit, 24 * MIB);
  gait_stats stats = unit_stats(unit.heap);
  for (size_t done = 0; done < 2048 * MIB && stats.young_cycles < 5; done += MIB) {
    for (size_t i = 0; i < MIB; i += 512)
      UNIT_CHECK(gait_alloc(unit.thread, unit.leaf, 512) != NULL);
    stats = unit_stats(unit.heap);
  }
  ck_assert_uint_ge(stats.young_cycles, 5);
  size_t nodes = 0;
  for (void *const *node = unit.slots[0]; node; node = node[0])
    nodes++;
  ck_assert_uint_eq(nodes, 24 * MIB / 1024);
  ck_assert_uint_eq(unit_marked_objects(&unit), nodes);
}
END_TEST

START_TEST(program_that_keeps_all_has_no_young_cycles) {
  young_keep(&unit, 128 * MIB);
  ck_assert_uint_ge(unit_stats(unit.heap).cycles, 3);
  ck_assert_uint_eq(unit_stats(unit.heap).young_cycles, 0);
}
END_TEST

/* ---- Roots ---- */

START_TEST(frames_and_handles_keep_new_objects) {
  gait_handle *handle = gait_handle_create(unit.thread, NULL);
  ck_assert_ptr_nonnull(handle);
  young_cycle(&unit);
  unit.slots[7] = unit_tagged_leaf(&unit, 0);
  gait_handle_set(unit.thread, handle, unit_tagged_leaf(&unit, 1));
  gait_handle *fresh = gait_handle_create(unit.thread, unit_tagged_leaf(&unit, 2));
  ck_assert_uint_eq(young_alive(&unit), 7);
  ck_assert_uint_eq(young_alive(&unit), 7);
  gait_handle_destroy(unit.thread, handle);
  gait_handle_destroy(unit.thread, fresh);
  ck_assert_uint_eq(unit_alive(&unit), 1);
}
END_TEST

START_TEST(barriered_roots_keep_new_objects) {
  static void *range[300];
  memset(range, 0, sizeof range);
  ck_assert_int_eq(gait_roots_add(unit.heap, range, sizeof range, GAIT_ROOTS_BARRIERED), GAIT_OK);
  young_cycle(&unit);
  gait_store(unit.thread, &range[0], unit_tagged_leaf(&unit, 0));
  gait_store(unit.thread, &range[299], unit_tagged_leaf(&unit, 1));
  ck_assert_uint_eq(young_alive(&unit), 3);
  ck_assert_uint_eq(young_alive(&unit), 3);
  ck_assert_int_eq(gait_roots_remove(unit.heap, range), GAIT_OK);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

START_TEST(unbarriered_roots_keep_new_objects) {
  static void *range[300];
  memset(range, 0, sizeof range);
  ck_assert_int_eq(gait_roots_add(unit.heap, range, sizeof range, GAIT_ROOTS_UNBARRIERED), GAIT_OK);
  young_cycle(&unit);
  range[0] = unit_tagged_leaf(&unit, 0);
  range[299] = unit_tagged_leaf(&unit, 1);
  ck_assert_uint_eq(young_alive(&unit), 3);
  ck_assert_uint_eq(young_alive(&unit), 3);
  ck_assert_int_eq(gait_roots_remove(unit.heap, range), GAIT_OK);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

static void young_trace_root(gait_tracer *tracer, void *arg) {
  gait_trace_slot(tracer, arg);
}

START_TEST(root_callbacks_keep_new_objects) {
  static void *root;
  root = NULL;
  ck_assert_int_eq(
      gait_roots_add_callback(unit.heap, young_trace_root, &root, GAIT_ROOTS_BARRIERED), GAIT_OK);
  young_cycle(&unit);
  gait_store(unit.thread, &root, unit_tagged_leaf(&unit, 0));
  ck_assert_uint_eq(young_alive(&unit), 1);
  ck_assert_int_eq(gait_roots_remove_callback(unit.heap, young_trace_root, &root), GAIT_OK);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

/* ---- What is freed ---- */

/* A leaf of each size, with the tags from 0 on. */
static void young_make_leaves(unit_world *world, void **leaves) {
  for (unsigned tag = 0; tag < 4; tag++) {
    leaves[tag] = gait_alloc(world->thread, world->leaf, young_sizes[tag]);
    unit_tag(world, leaves[tag], tag);
  }
}

START_TEST(new_objects_that_are_dead_are_freed) {
  void *objects[4];
  young_make_leaves(&unit, objects);
  unit.slots[0] = objects[1];
  ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(1));
  for (unsigned i = 0; i < 4; i++)
    ck_assert_ptr_eq(gait_object_start(unit.heap, objects[i]), i == 1 ? objects[i] : NULL);
}
END_TEST

/* Be it that one cycle has found it, which may be a full one. */
START_TEST(objects_that_one_cycle_has_found_are_not_old) {
  for (int round = 0; round < 4; round++) {
    young_make_leaves(&unit, unit.slots);
    ck_assert_uint_eq(round % 2 ? unit_alive(&unit) : young_alive(&unit), 0xf);
    memset(unit.slots, 0, sizeof unit.slots);
    ck_assert_uint_eq(young_alive(&unit), 0);
  }
}
END_TEST

START_TEST(old_objects_that_are_dead_stay_until_a_full_cycle) {
  void *objects[4];
  young_make_leaves(&unit, unit.slots);
  memcpy(objects, unit.slots, sizeof objects);
  young_grow_old(&unit);
  memset(unit.slots, 0, sizeof unit.slots);
  young_expect_alive(&unit, 0xf);
  for (unsigned i = 0; i < 4; i++)
    ck_assert_ptr_eq(gait_object_start(unit.heap, objects[i]), objects[i]);
  ck_assert_uint_eq(unit_alive(&unit), 0);
  for (unsigned i = 0; i < 4; i++)
    ck_assert_ptr_null(gait_object_start(unit.heap, objects[i]));
}
END_TEST

/* A dead old object may not refer to what has been freed. */
START_TEST(objects_of_a_dead_old_one_stay_with_it) {
  void **old = young_old(&unit, 0, unit.references, 64);
  unit_tag(&unit, old, 0);
  gait_store(unit.thread, &old[0], unit_tagged_leaf(&unit, 1));
  unit.slots[0] = NULL;
  young_expect_alive(&unit, 3);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

START_TEST(full_cycles_between_young_ones_free_all_dead_objects) {
  void **old = young_old(&unit, 0, unit.references, 64);
  unit_tag(&unit, old, 20);
  for (unsigned round = 0; round < 6; round++) {
    unit.slots[1] = unit_tagged_leaf(&unit, 0);
    gait_store(unit.thread, &old[round], unit_tagged_leaf(&unit, 1));
    ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(20) | 3);
    unit.slots[1] = NULL;
    gait_store(unit.thread, &old[round], NULL);
    unit_tagged_leaf(&unit, 2);
    ck_assert_uint_eq(young_external(&unit), UNIT_TAG(20) | 7);
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(20));
    ck_assert_uint_eq(unit_last_record(unit.heap).marked_objects, 1);
  }
}
END_TEST

/* Memory that held old objects holds young ones: neither marks nor cards tell of those before. */
START_TEST(memory_that_was_old_is_new_again) {
  for (int round = 0; round < 4; round++) {
    for (unsigned tag = 0; tag < 4; tag++) {
      void **old = unit.slots[tag] = gait_alloc(unit.thread, unit.references, young_sizes[tag]);
      unit_tag(&unit, old, tag);
      gait_store(unit.thread, old, unit_tagged_leaf(&unit, 4 + tag));
    }
    ck_assert_uint_eq(young_alive(&unit), 0xff);
    memset(unit.slots, 0, sizeof unit.slots);
    ck_assert_uint_eq(unit_alive(&unit), 0);
    for (unsigned tag = 0; tag < 4; tag++) {
      unit_tag(&unit, gait_alloc(unit.thread, unit.references, young_sizes[tag]), tag);
      unit_tag(&unit, gait_alloc(unit.thread, unit.leaf, young_sizes[tag]), 4 + tag);
    }
    ck_assert_uint_eq(young_alive(&unit), 0);
  }
}
END_TEST

/* ---- Numbers ---- */

START_TEST(a_young_cycle_counts_old_objects_as_marked) {
  enum { COUNT = 40 };
  for (size_t i = 0; i < COUNT; i++)
    unit.slots[i] = gait_alloc(unit.thread, unit.references, 48 + 100 * i);
  ck_assert_uint_eq(young_marked_objects(&unit), COUNT);
  ck_assert_uint_eq(young_marked_objects(&unit), COUNT);
  unit.slots[0] = NULL;
  unit.slots[COUNT] = gait_alloc(unit.thread, unit.references, 200000);
  unit.slots[COUNT + 1] = gait_alloc(unit.thread, unit.leaf, 48);
  gait_alloc(unit.thread, unit.leaf, 48);
  ck_assert_uint_eq(young_marked_objects(&unit), COUNT + 2);
  const uint64_t with_dead = unit_last_record(unit.heap).marked_bytes;
  ck_assert_uint_eq(unit_marked_objects(&unit), COUNT + 1);
  const uint64_t bytes = unit_last_record(unit.heap).marked_bytes;
  ck_assert_uint_eq(with_dead, bytes + 48);
  ck_assert_uint_eq(young_marked_objects(&unit), COUNT + 1);
  ck_assert_uint_eq(unit_last_record(unit.heap).marked_bytes, bytes);
  ck_assert_uint_eq(unit_stats(unit.heap).marked_bytes, bytes);
}
END_TEST

START_TEST(a_young_cycle_scans_only_new_objects) {
  enum { COUNT = 40, BYTES = 4096 };
  for (size_t i = 0; i < COUNT; i++)
    unit.slots[i] = gait_alloc(unit.thread, unit.references, BYTES);
  young_grow_old(&unit);
  gait_store(unit.thread, (void **)unit.slots[0], gait_alloc(unit.thread, unit.references, 512));
  for (int i = 0; i < 2; i++) {
    young_cycle(&unit);
    const uint64_t young = unit_last_record(unit.heap).scan_bytes;
    ck_assert_uint_ge(young, 512);
    ck_assert_uint_le(young, 2 * BYTES);
  }
  young_cycle(&unit);
  ck_assert_uint_lt(unit_last_record(unit.heap).scan_bytes, 512);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_uint_ge(unit_last_record(unit.heap).scan_bytes, COUNT * BYTES);
}
END_TEST

START_TEST(external_bytes_of_old_objects_stay_counted) {
  unit.slots[0] = unit_tagged_leaf(&unit, 0);
  ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(0));
  unit_tag(&unit, unit.slots[0], 4); /* in place of what was said before */
  unit.slots[1] = unit_tagged_leaf(&unit, 1);
  unit_tagged_leaf(&unit, 2);
  for (int i = 0; i < 3; i++) {
    ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(4) | UNIT_TAG(1));
    ck_assert_uint_eq(unit_last_record(unit.heap).external_bytes, UNIT_TAG(4) | UNIT_TAG(1));
  }
  unit.slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
}
END_TEST

/* ---- Threads ---- */

struct young_visit {
  unit_world *world;
  void **old;
};

/* On a thread that has come since: stores a young object in an old one. */
static void *young_store_elsewhere(void *arg) {
  struct young_visit *visit = arg;
  unit_world other = *visit->world;
  UNIT_CHECK(gait_thread_attach(other.heap, "stores", GAIT_STACK_EXACT, &other.thread) == GAIT_OK);
  gait_store(other.thread, &visit->old[1], unit_tagged_leaf(&other, 1));
  gait_store_init(other.thread, &visit->old[2], unit_tagged_leaf(&other, 2));
  UNIT_CHECK(gait_thread_detach(other.thread) == GAIT_OK);
  return NULL;
}

START_TEST(a_thread_that_attaches_remembers_its_stores) {
  struct young_visit visit = {&unit, young_old(&unit, 0, unit.references, 64)};
  unit_on_thread(unit.thread, young_store_elsewhere, &visit);
  ck_assert_uint_eq(young_alive(&unit), 6);
}
END_TEST

/* Another thread runs the cycle that prepares. */
static void *young_prepare_elsewhere(void *arg) {
  unit_world other = *(unit_world *)arg;
  UNIT_CHECK(gait_thread_attach(other.heap, "prepares", GAIT_STACK_EXACT, &other.thread) ==
             GAIT_OK);
  young_full_cycle(&other);
  UNIT_CHECK(gait_thread_detach(other.thread) == GAIT_OK);
  return NULL;
}

START_TEST(a_thread_that_was_outside_remembers_its_stores) {
  unit_world world;
  const gait_options options = young_options(young_modes[_i]);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  void **old = world.slots[0] = gait_alloc(world.thread, world.references, 64);
  unit_on_thread(world.thread, young_prepare_elsewhere, &world);
  gait_store(world.thread, &old[1], unit_tagged_leaf(&world, 0));
  ck_assert_uint_eq(young_alive(&world), 1);
  unit_close(&world);
}
END_TEST

enum { YOUNG_BOXES = 60, YOUNG_WORDS = 3000, YOUNG_FIELDS = YOUNG_BOXES * YOUNG_WORDS };

struct young_churn {
  gait_heap *heap;
  void **exchange; /* a reference from the other thread to the test's */
  atomic_bool stop;
  uint64_t ids[YOUNG_FIELDS]; /* what each field holds; 0: nothing */
  uint64_t random;
};

/* Each leaf says who it is.  Most of what is allocated is garbage. */
static void *young_offer_forever(void *arg) {
  struct young_churn *churn = arg;
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(churn->heap, "offers", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  for (uint64_t id = 1; !atomic_load(&churn->stop); id++) {
    uint64_t *leaf = gait_alloc(thread, gait_kind_leaf(churn->heap), 16 + id % 5 * 40);
    UNIT_CHECK(leaf != NULL);
    leaf[0] = id;
    leaf[1] = ~id;
    gait_store(thread, churn->exchange, leaf);
    for (int i = 0; i < 16; i++) {
      UNIT_CHECK(gait_alloc(thread, gait_kind_leaf(churn->heap), 128) != NULL);
      gait_thread_poll(thread);
    }
  }
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static void **young_field(unit_world *world, size_t field) {
  return (void **)world->slots[field / YOUNG_WORDS] + field % YOUNG_WORDS;
}

static void *young_load(unit_world *world, const struct young_churn *churn, size_t field) {
  uint64_t *leaf = gait_load(young_field(world, field));
  const uint64_t id = churn->ids[field];
  UNIT_CHECK(id ? leaf && leaf[0] == id && leaf[1] == ~id : !leaf);
  return leaf;
}

static void young_put(unit_world *world, struct young_churn *churn, size_t field, void *leaf,
                      uint64_t id) {
  void **slot = young_field(world, field);
  switch (random_next(&churn->random) % 3) {
  case 0: gait_store(world->thread, slot, leaf); break;
  case 1: UNIT_CHECK(gait_cas(world->thread, slot, *slot, leaf)); break;
  default: gait_copy(world->thread, slot, &leaf, 1);
  }
  churn->ids[field] = id;
}

/* Takes what the other thread offers, which it may have just allocated.  Returns whether it does.
 */
static bool young_take(unit_world *world, struct young_churn *churn) {
  uint64_t *leaf = gait_load(churn->exchange);
  if (!leaf || !gait_cas(world->thread, churn->exchange, leaf, NULL)) return false;
  young_put(world, churn, random_next(&churn->random) % YOUNG_FIELDS, leaf, leaf[0]);
  return true;
}

/* Two fields change their contents: one of the two is nowhere but here for a moment. */
static void young_swap(unit_world *world, struct young_churn *churn) {
  const size_t a = random_next(&churn->random) % YOUNG_FIELDS;
  const size_t b = random_next(&churn->random) % YOUNG_FIELDS;
  void *in_a = young_load(world, churn, a), *in_b = young_load(world, churn, b);
  const uint64_t id_a = churn->ids[a], id_b = churn->ids[b];
  young_put(world, churn, a, in_b, id_b);
  young_put(world, churn, b, in_a, id_a);
}

static size_t young_verify(unit_world *world, const struct young_churn *churn) {
  size_t held = 0;
  for (size_t field = 0; field < YOUNG_FIELDS; field++)
    if (young_load(world, churn, field)) held++;
  return held;
}

/* Cycles come for growth, so the other thread allocates all through them.  This one is now and then
 * long in coming to a safepoint, and most cards stay clean from one cycle to the next. */
START_TEST(references_change_hands_while_cycles_are_young) {
  enum { CYCLES = 250 };
  static struct young_churn churn;
  unit_world world;
  gait_options options = young_options(young_modes[_i]);
  options.debug.checkmark = options.debug.heap_walk = options.debug.poison = 1;
  options.debug.collect_every = options.inline_bytes = 0;
  options.min_heap_bytes = (int64_t)MIB / 8;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (size_t i = 0; i < YOUNG_BOXES; i++)
    world.slots[i] = gait_alloc(world.thread, world.references, YOUNG_WORDS * sizeof(void *));
  memset(&churn, 0, sizeof churn);
  churn.heap = world.heap;
  churn.exchange = world.slots[YOUNG_BOXES] = gait_alloc(world.thread, world.references, 16);
  churn.random = 42;
  pthread_t thread;
  ck_assert_int_eq(pthread_create(&thread, NULL, young_offer_forever, &churn), 0);
  while (unit_stats(world.heap).young_cycles < CYCLES) {
    const uint64_t steps = random_next(&churn.random) % 8 ? 1 : 1000;
    for (uint64_t i = 0; i < steps; i++)
      if (young_take(&world, &churn)) young_swap(&world, &churn);
    gait_thread_poll(world.thread);
  }
  atomic_store(&churn.stop, true);
  gait_thread_leave(world.thread);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  gait_thread_enter(world.thread);
  gait_store(world.thread, churn.exchange, NULL);
  const size_t held = young_verify(&world, &churn);
  ck_assert_uint_gt(held, 0);
  ck_assert_uint_eq(unit_marked_objects(&world), held + YOUNG_BOXES + 1);
  ck_assert_uint_eq(young_verify(&world, &churn), held);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *when = unit_case(suite, "when");
  const unit_worlds when_worlds = unit_world_cases(suite, "when", &young_world);
  const unit_worlds growing = unit_world_cases(suite, "when", &young_growing_world);
  YOUNG_TEST(when, the_first_cycle_prepares_a_young_one);
  UNIT_WORLD_TEST(when_worlds, a_collection_that_is_asked_for_is_full);
  YOUNG_TEST(when, no_cycle_is_young_with_the_option_at_0);
  tcase_add_test(when, no_cycle_is_young_without_barriers);
  YOUNG_TEST(when, no_cycle_is_young_without_a_goal);
  YOUNG_TEST(when, no_cycle_is_young_where_the_memory_limit_rules);
  YOUNG_TEST(when, cycles_are_young_where_the_memory_limit_is_far);
  UNIT_WORLD_TEST(growing, program_that_drops_new_objects_has_young_cycles);
  UNIT_WORLD_TEST(growing, program_that_keeps_all_has_no_young_cycles);
  const unit_worlds roots = unit_world_cases(suite, "roots", &young_world);
  UNIT_WORLD_TEST(roots, frames_and_handles_keep_new_objects);
  UNIT_WORLD_TEST(roots, barriered_roots_keep_new_objects);
  UNIT_WORLD_TEST(roots, unbarriered_roots_keep_new_objects);
  UNIT_WORLD_TEST(roots, root_callbacks_keep_new_objects);
  const unit_worlds freed = unit_world_cases(suite, "freed", &young_world);
  UNIT_WORLD_TEST(freed, new_objects_that_are_dead_are_freed);
  UNIT_WORLD_TEST(freed, objects_that_one_cycle_has_found_are_not_old);
  UNIT_WORLD_TEST(freed, old_objects_that_are_dead_stay_until_a_full_cycle);
  UNIT_WORLD_TEST(freed, objects_of_a_dead_old_one_stay_with_it);
  UNIT_WORLD_TEST(freed, full_cycles_between_young_ones_free_all_dead_objects);
  UNIT_WORLD_TEST(freed, memory_that_was_old_is_new_again);
  const unit_worlds numbers = unit_world_cases(suite, "numbers", &young_world);
  UNIT_WORLD_TEST(numbers, a_young_cycle_counts_old_objects_as_marked);
  UNIT_WORLD_TEST(numbers, a_young_cycle_scans_only_new_objects);
  UNIT_WORLD_TEST(numbers, external_bytes_of_old_objects_stay_counted);
  TCase *threads = unit_case(suite, "threads");
  const unit_worlds threads_worlds = unit_world_cases(suite, "threads", &young_world);
  UNIT_WORLD_TEST(threads_worlds, a_thread_that_attaches_remembers_its_stores);
  YOUNG_TEST(threads, a_thread_that_was_outside_remembers_its_stores);
  YOUNG_TEST(threads, references_change_hands_while_cycles_are_young);
}
