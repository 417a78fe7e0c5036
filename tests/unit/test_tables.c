/* Tables: the heap's own structures count as mapped, and are given back when they are too large. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/random.h"
#include "../support/sanitizer.h"
#include "../support/sizes.h"

const char *const unit_suite_name = "tables";

static uint64_t tables_mapped(const unit_world *world) {
  return unit_stats(world->heap).mapped_bytes;
}

/* So that what a first cycle makes is there. */
static void tables_open(unit_world *world, int mode) {
  unit_open(world, mode, GAIT_STACK_EXACT);
  for (unsigned i = 0; i < 3; i++)
    ck_assert_int_eq(gait_heap_collect(world->thread), GAIT_OK);
}

UNIT_FIXTURE(tables_world, UNIT_MODES, tables_open);

/* What is mapped after `cycles` cycles. */
static uint64_t tables_mapped_after(unit_world *world, unsigned cycles) {
  for (unsigned i = 0; i < cycles; i++)
    ck_assert_int_eq(gait_heap_collect(world->thread), GAIT_OK);
  return tables_mapped(world);
}

/* ---- Roots ---- */

enum { HANDLES = 20000 };

START_TEST(handles_are_counted_and_given_back) {
  gait_handle **handles = calloc(HANDLES, sizeof *handles);
  const uint64_t before = tables_mapped(&unit);
  for (size_t i = 0; i < HANDLES; i++)
    UNIT_CHECK((handles[i] = gait_handle_create(unit.thread, NULL)) != NULL);
  const uint64_t full = tables_mapped(&unit);
  ck_assert_uint_ge(full, before + HANDLES * 2 * sizeof(void *));
  for (size_t i = 0; i < HANDLES; i++) /* one in a thousand stays, in a chunk of its own */
    if (i % 1000 != 0) gait_handle_destroy(unit.thread, handles[i]);
  const uint64_t sparse = tables_mapped_after(&unit, 1);
  ck_assert_uint_le(sparse, before + HANDLES / 1000 * 8 * KIB + 256 * KIB);
  gait_store(unit.thread, &unit.slots[0], unit_tagged_leaf(&unit, 0));
  gait_handle_set(unit.thread, handles[0], unit.slots[0]);
  gait_handle_set(unit.thread, handles[HANDLES - 1000], unit_tagged_leaf(&unit, 1));
  unit.slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(0) | UNIT_TAG(1));
  for (size_t i = 0; i < HANDLES; i += 1000)
    gait_handle_destroy(unit.thread, handles[i]);
  ck_assert_uint_le(tables_mapped_after(&unit, 1), before + 256 * KIB);
  for (size_t i = 0; i < HANDLES; i++) /* and they can be had again */
    UNIT_CHECK((handles[i] = gait_handle_create(unit.thread, NULL)) != NULL);
  ck_assert_uint_ge(tables_mapped(&unit), before + HANDLES * 2 * sizeof(void *));
  free(handles);
}
END_TEST

START_TEST(roots_are_counted_and_given_back) {
  enum { ROOTS = 20000, KEPT = 100 };
  void **words = calloc(ROOTS, sizeof *words);
  const uint64_t before = tables_mapped(&unit);
  for (size_t i = 0; i < ROOTS; i++)
    UNIT_CHECK(gait_roots_add(unit.heap, &words[i], sizeof *words, GAIT_ROOTS_BARRIERED) ==
               GAIT_OK);
  const uint64_t full = tables_mapped(&unit);
  ck_assert_uint_ge(full, before + ROOTS * 4 * sizeof(void *));
  for (size_t i = 0; i < ROOTS; i++) /* those that stay are all over the table */
    if (i % (ROOTS / KEPT) != 7) UNIT_CHECK(gait_roots_remove(unit.heap, &words[i]) == GAIT_OK);
  for (unsigned tag = 0; tag < 8; tag++)
    gait_store(unit.thread, &words[tag * (ROOTS / KEPT) + 7], unit_tagged_leaf(&unit, tag));
  ck_assert_uint_eq(unit_alive(&unit), 0xff);
  ck_assert_uint_le(tables_mapped(&unit), before + 128 * KIB);
  ck_assert_uint_eq(unit_alive(&unit), 0xff);
  for (size_t i = 7; i < ROOTS; i += ROOTS / KEPT) {
    UNIT_CHECK(gait_roots_add(unit.heap, &words[i], 8, GAIT_ROOTS_BARRIERED) == GAIT_ERROR_ALREADY);
    UNIT_CHECK(gait_roots_remove(unit.heap, &words[i]) == GAIT_OK);
    UNIT_CHECK(gait_roots_remove(unit.heap, &words[i]) == GAIT_ERROR_NOT_FOUND);
  }
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_uint_le(tables_mapped(&unit), before + 256 * KIB);
  free(words);
}
END_TEST

START_TEST(external_bytes_are_counted_and_given_back) {
  enum { OBJECTS = 20000 };
  void **holder = gait_alloc(unit.thread, unit.references, OBJECTS * sizeof(void *));
  unit.slots[0] = holder;
  for (size_t i = 0; i < OBJECTS; i++)
    gait_store(unit.thread, &holder[i], gait_alloc(unit.thread, unit.leaf, 16));
  const uint64_t before = tables_mapped_after(&unit, 1);
  for (size_t i = 0; i < OBJECTS; i++)
    UNIT_CHECK(gait_object_set_external(unit.thread, gait_load(&holder[i]), 1) == GAIT_OK);
  ck_assert_uint_ge(tables_mapped(&unit), before + OBJECTS * 2 * 2 * sizeof(void *));
  for (size_t i = 0; i < OBJECTS; i++)
    if (i % 100 != 0) gait_store(unit.thread, &holder[i], NULL);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, OBJECTS / 100);
  ck_assert_uint_le(tables_mapped_after(&unit, 1), before + 128 * KIB);
  for (size_t i = 0; i < OBJECTS; i += 100) /* each is found where it is now */
    UNIT_CHECK(gait_object_set_external(unit.thread, gait_load(&holder[i]), 0) == GAIT_OK);
  ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, 0);
}
END_TEST

START_TEST(kinds_are_counted) {
  const uint64_t before = tables_mapped(&unit);
  static uint64_t map[GAIT_MAX_KINDS / 2];
  enum { KINDS = 500 };
  for (unsigned i = 0; i < KINDS; i++) {
    char name[32];
    snprintf(name, sizeof name, "kind %u", i);
    gait_kind kind;
    const gait_kind_info info = {
        .name = name, .form = GAIT_KIND_POINTERS, .pointer_map = map, .map_bytes = 4096};
    UNIT_CHECK(gait_kind_register(unit.heap, &info, &kind) == GAIT_OK);
  }
  ck_assert_uint_ge(tables_mapped(&unit), before + (uint64_t)KINDS * (4096 / 64 + 7));
}
END_TEST

/* ---- Threads ---- */

enum { CROWD = 100 };

struct crowd {
  gait_heap *heap;
  gait_kind kind;
  pthread_barrier_t barrier;
};

/* All are in managed code at the same time, so each has a processor. */
static void *tables_attend(void *arg) {
  struct crowd *crowd = arg;
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(crowd->heap, "attends", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  UNIT_CHECK(gait_alloc(thread, crowd->kind, 16) != NULL);
  pthread_barrier_wait(&crowd->barrier);
  pthread_barrier_wait(&crowd->barrier);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

START_TEST(processors_are_counted_and_given_back) {
  const gait_stats before = unit_stats(unit.heap);
  struct crowd crowd = {.heap = unit.heap, .kind = unit.leaf};
  pthread_t threads[CROWD];
  ck_assert_int_eq(pthread_barrier_init(&crowd.barrier, NULL, CROWD + 1), 0);
  for (unsigned i = 0; i < CROWD; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, tables_attend, &crowd), 0);
  pthread_barrier_wait(&crowd.barrier);
  const gait_stats full = unit_stats(unit.heap);
  ck_assert_uint_ge(full.processors, CROWD);
  ck_assert_uint_ge(full.mapped_bytes, before.mapped_bytes + CROWD * GAIT_MAX_KINDS * 8);
  gait_thread_leave(unit.thread);
  pthread_barrier_wait(&crowd.barrier);
  for (unsigned i = 0; i < CROWD; i++)
    pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&crowd.barrier);
  gait_thread_enter(unit.thread);
  tables_mapped_after(&unit, 20);
  const gait_stats after = unit_stats(unit.heap);
  ck_assert_uint_le(after.processors, before.processors + 8);
  ck_assert_uint_le(after.mapped_bytes, full.mapped_bytes - (CROWD - 10) * GAIT_MAX_KINDS * 8);
  ck_assert_uint_ge(after.alloc_objects, before.alloc_objects + CROWD); /* are not forgotten */
}
END_TEST

/* ---- Shades ---- */

struct shading {
  unit_world world;
  atomic_bool marks; /* the cycle is marking, */
  atomic_bool done;  /* and there were enough stores while it did */
};

/* Runs while every barrier is on. */
static void tables_wait_for_stores(gait_tracer *tracer, void *arg) {
  (void)tracer;
  struct shading *shading = arg;
  if (atomic_load(&shading->done)) return;
  atomic_store(&shading->marks, true);
  while (!atomic_load(&shading->done))
    sched_yield();
}

/* Cuts many objects off while the cycle marks: each is shaded.  The root that has them comes after
 * the one that the cycle waits in, so nobody has marked them; and nobody asked for this cycle, so
 * nobody but the collector's thread takes shades. */
START_TEST(shades_are_counted_and_given_back) {
  enum { STORES = 256 * 1024 };
  if (_i == UNIT_BARRIERLESS) return;
  static struct shading shading;
  shading = (struct shading){0};
  unit_world *world = &shading.world;
  gait_options options = unit_options(_i);
  options.gogc_percent = 100;
  options.inline_bytes = 0;
  options.young_percent = 0;
  unit_open_with(world, &options, GAIT_STACK_EXACT);
  void **holder = gait_alloc(world->thread, world->references, STORES * sizeof *holder);
  world->slots[0] = holder;
  for (size_t i = 0; i < STORES; i++)
    gait_store(world->thread, &holder[i], gait_alloc(world->thread, world->leaf, 16));
  const uint64_t before = tables_mapped_after(world, 1);
  ck_assert_int_eq(
      gait_roots_add_callback(world->heap, tables_wait_for_stores, &shading, GAIT_ROOTS_BARRIERED),
      GAIT_OK);
  static void *root;
  root = NULL;
  ck_assert_int_eq(gait_roots_add(world->heap, &root, sizeof root, GAIT_ROOTS_BARRIERED), GAIT_OK);
  gait_store(world->thread, &root, holder);
  world->slots[0] = NULL;
  while (!atomic_load(&shading.marks))
    UNIT_CHECK(gait_alloc(world->thread, world->leaf, 4 * KIB) != NULL);
  const uint64_t marking = tables_mapped(world);
  for (size_t i = 0; i < STORES; i++)
    gait_store(world->thread, &holder[i], NULL);
  const uint64_t full = tables_mapped(world);
  atomic_store(&shading.done, true);
  ck_assert_uint_ge(full, marking + STORES / 2 * sizeof(void *));
  tables_mapped_after(world, 1);
  gait_heap_trim(world->heap);
  ck_assert_uint_le(tables_mapped(world), before + 256 * KIB);
  unit_close(world);
}
END_TEST

/* ---- The limit ---- */

/* What structures take is not there for objects. */
START_TEST(structures_count_against_the_limit) {
  enum { MANY = 500000 };
  unit_world world;
  gait_options options = unit_options(_i);
  options.memory_limit_bytes = 64 * MIB;
  options.gogc_percent = GAIT_OFF;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  const uint64_t before = unit_stats(world.heap).goal_bytes;
  for (size_t i = 0; i < MANY; i++)
    UNIT_CHECK(gait_handle_create(world.thread, NULL) != NULL);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  ck_assert_uint_le(unit_stats(world.heap).goal_bytes, before - MANY * 2 * sizeof(void *));
  unit_close(&world);
}
END_TEST

/* ---- Side tables ---- */

/* Memory that is freed in poisoned heaps is written to, which takes time. */
static size_t tables_fill_bytes(int mode) {
  return (size_t)(mode == UNIT_SHRUNKEN ? 128 * MIB : 1024 * MIB);
}

/* The blocks that caches hold on to come from the low end after it. */
static void tables_use_up_runs(unit_world *world, gait_kind kind, size_t bytes) {
  for (size_t i = 0; i < 256 * KIB / bytes; i++)
    UNIT_CHECK(gait_alloc(world->thread, kind, bytes) != NULL);
}

static void tables_fill_large(unit_world *world, int mode) {
  for (size_t done = 0; done < tables_fill_bytes(mode); done += MIB)
    UNIT_CHECK(gait_alloc(world->thread, world->leaf, MIB) != NULL);
}

static void tables_fill_small(unit_world *world, int mode) {
  for (size_t done = 0; done < tables_fill_bytes(mode); done += 8 * KIB)
    UNIT_CHECK(gait_alloc(world->thread, world->leaf, 8 * KIB) != NULL);
  ck_assert_int_eq(gait_heap_collect(world->thread), GAIT_OK);
  tables_use_up_runs(world, world->leaf, 8 * KIB);
}

static void tables_check_fallen(const unit_world *world, const gait_stats *before) {
  const gait_stats now = unit_stats(world->heap);
  ck_assert_uint_le(now.side_table_bytes, before->side_table_bytes + 64 * KIB);
  ck_assert_uint_le(now.mapped_bytes, before->mapped_bytes + 512 * KIB);
}

START_TEST(side_tables_are_given_back) {
  void (*const fills[])(unit_world *, int) = {tables_fill_large, tables_fill_small};
  tables_use_up_runs(&unit, unit.leaf, 8 * KIB);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  gait_heap_trim(unit.heap);
  const gait_stats before = unit_stats(unit.heap);
  for (unsigned i = 0; i < 2; i++) {
    fills[i](&unit, _i);
    const gait_stats full = unit_stats(unit.heap);
    ck_assert_uint_ge(full.side_table_bytes, tables_fill_bytes(_i) / 64);
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    const uint64_t held = tables_mapped(&unit);
    const size_t trimmed = gait_heap_trim(unit.heap);
    ck_assert_uint_eq(trimmed, held - tables_mapped(&unit));
    tables_check_fallen(&unit, &before);
    ck_assert_uint_eq(gait_heap_trim(unit.heap), 0);
  }
}
END_TEST

/* Without anybody asking for it, in the background: the heap's goal has fallen. */
START_TEST(side_tables_are_given_back_in_the_background) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.gogc_percent = 100;
  options.release_percent = 50;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  world.slots[0] = gait_alloc(world.thread, world.leaf, 256 * MIB);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  const uint64_t full = unit_stats(world.heap).side_table_bytes;
  ck_assert_uint_ge(full, 256 * MIB / 64);
  world.slots[0] = NULL;
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  while (unit_stats(world.heap).side_table_bytes > full / 8)
    sched_yield();
  unit_close(&world);
}
END_TEST

/* Blocks that were above top for a while hold nothing of what was there before. */
START_TEST(blocks_are_taken_again_with_clean_tables) {
  enum { ROUNDS = 6, LIVE = 4000 };
  unit_world world;
  gait_options options = unit_options(_i);
  options.young_percent = 100;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  uint64_t seed = 1;
  for (unsigned round = 0; round < ROUNDS; round++) {
    world.slots[0] = NULL;
    for (size_t i = 0; i < LIVE; i++) {
      const size_t bytes = 1024 + random_next(&seed) % 16384;
      void **node = gait_alloc(world.thread, world.references, bytes);
      for (size_t word = 0; word < bytes / 8; word++)
        UNIT_CHECK(node[word] == NULL);
      uint64_t *leaf = gait_alloc(world.thread, world.leaf, 64);
      *leaf = i;
      gait_store(world.thread, &node[1], leaf);
      if (i % (round + 2) != 0) continue; /* the others are garbage */
      gait_store(world.thread, &node[0], world.slots[0]);
      world.slots[0] = node;
    }
    ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
    gait_heap_trim(world.heap);
    size_t live = 0;
    for (void **node = world.slots[0]; node; node = gait_load(&node[0]), live++)
      UNIT_CHECK(*(uint64_t *)gait_load(&node[1]) % (round + 2) == 0);
    UNIT_CHECK(live == (LIVE + round + 1) / (round + 2));
  }
  unit_close(&world);
}
END_TEST

static atomic_bool tables_stop;

static void *tables_trim_forever(void *arg) {
  while (!atomic_load(&tables_stop)) {
    gait_heap_trim(arg);
    sched_yield();
  }
  return NULL;
}

/* Top rises and falls while cycles, young ones too, walk below it. */
START_TEST(trims_and_cycles_run_at_once) {
  enum { ROUNDS = 300 };
  unit_world world;
  gait_options options = unit_options(_i);
  options.gogc_percent = 100;
  if (_i == UNIT_SHRUNKEN) options.debug.delay_us = 20;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  atomic_store(&tables_stop, false);
  pthread_t trimmer;
  ck_assert_int_eq(pthread_create(&trimmer, NULL, tables_trim_forever, world.heap), 0);
  uint64_t seed = 2;
  for (unsigned round = 0; round < ROUNDS; round++) {
    void **holder = gait_alloc(world.thread, world.references, 64 * sizeof *holder);
    world.slots[round % 8] = holder;
    for (unsigned i = 0; i < 64; i++) {
      const size_t bytes = random_next(&seed) % 64 == 0 ? 300 * KIB : 64 + round * 8;
      uint64_t *leaf = gait_alloc(world.thread, world.leaf, bytes);
      UNIT_CHECK(leaf[0] == 0 && leaf[bytes / 8 - 1] == 0);
      leaf[0] = leaf[bytes / 8 - 1] = round;
      gait_store(world.thread, &holder[i], leaf);
    }
    holder = world.slots[(round + 1) % 8];
    for (unsigned i = 0; holder && i < 64; i++)
      UNIT_CHECK(*(uint64_t *)gait_load(&holder[i]) == round - 7);
  }
  atomic_store(&tables_stop, true);
  pthread_join(trimmer, NULL);
  unit_close(&world);
}
END_TEST

/* ---- Offers ---- */

struct runners {
  pthread_t mutator;
  atomic_uint cycles;
  atomic_uint own; /* that the mutator has run to their end */
};

static void tables_note_runner(gait_heap *heap, const gait_cycle_record *record, void *arg) {
  (void)heap, (void)record;
  struct runners *runners = arg;
  atomic_fetch_add(&runners->cycles, 1);
  if (pthread_equal(runners->mutator, pthread_self())) atomic_fetch_add(&runners->own, 1);
}

/* Of 50 cycles with next to nothing alive, how many the mutator runs.  One object is alive, behind
 * `below` bytes that were used once. */
static unsigned tables_count_own(size_t below) {
  unit_world world;
  struct runners runners = {.mutator = pthread_self()};
  gait_options options = unit_options(UNIT_CONCURRENT);
  options.gogc_percent = 100;
  options.cycle = tables_note_runner;
  options.cycle_arg = &runners;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  if (below) world.slots[1] = gait_alloc(world.thread, world.leaf, below);
  world.slots[0] = gait_alloc(world.thread, world.leaf, 64 * KIB);
  world.slots[1] = NULL;
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  atomic_store(&runners.cycles, 0);
  atomic_store(&runners.own, 0);
  while (atomic_load(&runners.cycles) < 50)
    UNIT_CHECK(gait_alloc(world.thread, world.leaf, 1024) != NULL);
  const unsigned own = atomic_load(&runners.own);
  unit_close(&world);
  return own;
}

/* A walk over all blocks may take longer than a mutator should be held. */
START_TEST(no_mutator_runs_the_cycles_of_a_wide_heap) {
  const unsigned own = tables_count_own(0);
  /* Either makes a cycle too slow to be ended in its time. */
  ck_assert(SANITIZER_THREAD || TESTS_EMULATED || own > 0);
  ck_assert_uint_eq(tables_count_own(256 * MIB), 0);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *structures = unit_case(suite, "structures");
  const unit_worlds structures_worlds = unit_world_cases(suite, "structures", &tables_world);
  UNIT_WORLD_TEST(structures_worlds, handles_are_counted_and_given_back);
  UNIT_WORLD_TEST(structures_worlds, roots_are_counted_and_given_back);
  UNIT_WORLD_TEST(structures_worlds, external_bytes_are_counted_and_given_back);
  UNIT_WORLD_TEST(structures_worlds, kinds_are_counted);
  UNIT_WORLD_TEST(structures_worlds, processors_are_counted_and_given_back);
  UNIT_TEST(structures, shades_are_counted_and_given_back);
  UNIT_TEST(structures, structures_count_against_the_limit);
  TCase *side = unit_case(suite, "side tables");
  const unit_worlds side_worlds = unit_world_cases(suite, "side tables", &tables_world);
  UNIT_WORLD_TEST(side_worlds, side_tables_are_given_back);
  UNIT_TEST(side, side_tables_are_given_back_in_the_background);
  UNIT_TEST(side, blocks_are_taken_again_with_clean_tables);
  UNIT_TEST(side, trims_and_cycles_run_at_once);
  tcase_add_test(side, no_mutator_runs_the_cycles_of_a_wide_heap);
}
