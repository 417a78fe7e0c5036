/* Tables: the heap's own structures count as mapped, and are given back when they are too large. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

const char *const unit_suite_name = "tables";

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)

static uint64_t tables_mapped(const unit_world *world) {
  return unit_stats(world->heap).mapped_bytes;
}

/* So that what a first cycle makes is there. */
static void tables_open(unit_world *world, int mode) {
  unit_open(world, mode, GAIT_STACK_EXACT);
  for (unsigned i = 0; i < 3; i++)
    ck_assert_int_eq(gait_collect(world->thread), GAIT_OK);
}

/* What is mapped after `cycles` cycles. */
static uint64_t tables_mapped_after(unit_world *world, unsigned cycles) {
  for (unsigned i = 0; i < cycles; i++)
    ck_assert_int_eq(gait_collect(world->thread), GAIT_OK);
  return tables_mapped(world);
}

/* ---- Roots ---- */

enum { HANDLES = 20000 };

START_TEST(handles_are_counted_and_given_back) {
  unit_world world;
  tables_open(&world, _i);
  gait_handle **handles = calloc(HANDLES, sizeof *handles);
  const uint64_t before = tables_mapped(&world);
  for (size_t i = 0; i < HANDLES; i++)
    UNIT_CHECK((handles[i] = gait_handle_new(world.thread, NULL)) != NULL);
  const uint64_t full = tables_mapped(&world);
  ck_assert_uint_ge(full, before + HANDLES * 2 * sizeof(void *));
  for (size_t i = 0; i < HANDLES; i++) /* one in a thousand stays, in a chunk of its own */
    if (i % 1000 != 0) gait_handle_free(world.thread, handles[i]);
  const uint64_t sparse = tables_mapped_after(&world, 1);
  ck_assert_uint_le(sparse, before + HANDLES / 1000 * 8 * KIB + 256 * KIB);
  gait_store(world.thread, &world.slots[0], unit_tagged_leaf(&world, 0));
  gait_handle_set(world.thread, handles[0], world.slots[0]);
  gait_handle_set(world.thread, handles[HANDLES - 1000], unit_tagged_leaf(&world, 1));
  world.slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(0) | UNIT_TAG(1));
  for (size_t i = 0; i < HANDLES; i += 1000)
    gait_handle_free(world.thread, handles[i]);
  ck_assert_uint_le(tables_mapped_after(&world, 1), before + 256 * KIB);
  for (size_t i = 0; i < HANDLES; i++) /* and they can be had again */
    UNIT_CHECK((handles[i] = gait_handle_new(world.thread, NULL)) != NULL);
  ck_assert_uint_ge(tables_mapped(&world), before + HANDLES * 2 * sizeof(void *));
  free(handles);
  unit_close(&world);
}
END_TEST

START_TEST(roots_are_counted_and_given_back) {
  enum { ROOTS = 20000, KEPT = 100 };
  unit_world world;
  tables_open(&world, _i);
  void **words = calloc(ROOTS, sizeof *words);
  const uint64_t before = tables_mapped(&world);
  for (size_t i = 0; i < ROOTS; i++)
    UNIT_CHECK(gait_roots_add(world.heap, &words[i], sizeof *words, GAIT_ROOTS_BARRIERED) ==
               GAIT_OK);
  const uint64_t full = tables_mapped(&world);
  ck_assert_uint_ge(full, before + ROOTS * 4 * sizeof(void *));
  for (size_t i = 0; i < ROOTS; i++) /* those that stay are all over the table */
    if (i % (ROOTS / KEPT) != 7) UNIT_CHECK(gait_roots_remove(world.heap, &words[i]) == GAIT_OK);
  for (unsigned tag = 0; tag < 8; tag++)
    gait_store(world.thread, &words[tag * (ROOTS / KEPT) + 7], unit_tagged_leaf(&world, tag));
  ck_assert_uint_eq(unit_alive(&world), 0xff);
  ck_assert_uint_le(tables_mapped(&world), before + 128 * KIB);
  ck_assert_uint_eq(unit_alive(&world), 0xff);
  for (size_t i = 7; i < ROOTS; i += ROOTS / KEPT) {
    UNIT_CHECK(gait_roots_add(world.heap, &words[i], 8, GAIT_ROOTS_BARRIERED) ==
               GAIT_ERROR_ALREADY);
    UNIT_CHECK(gait_roots_remove(world.heap, &words[i]) == GAIT_OK);
    UNIT_CHECK(gait_roots_remove(world.heap, &words[i]) == GAIT_ERROR_NOT_FOUND);
  }
  ck_assert_uint_eq(unit_alive(&world), 0);
  ck_assert_uint_le(tables_mapped(&world), before + 256 * KIB);
  free(words);
  unit_close(&world);
}
END_TEST

START_TEST(external_bytes_are_counted_and_given_back) {
  enum { OBJECTS = 20000 };
  unit_world world;
  tables_open(&world, _i);
  void **holder = gait_alloc(world.thread, world.references, OBJECTS * sizeof(void *));
  world.slots[0] = holder;
  for (size_t i = 0; i < OBJECTS; i++)
    gait_store(world.thread, &holder[i], gait_alloc(world.thread, world.leaf, 16));
  const uint64_t before = tables_mapped_after(&world, 1);
  for (size_t i = 0; i < OBJECTS; i++)
    UNIT_CHECK(gait_external(world.thread, gait_load(&holder[i]), 1) == GAIT_OK);
  ck_assert_uint_ge(tables_mapped(&world), before + OBJECTS * 2 * 2 * sizeof(void *));
  for (size_t i = 0; i < OBJECTS; i++)
    if (i % 100 != 0) gait_store(world.thread, &holder[i], NULL);
  ck_assert_int_eq(gait_collect(world.thread), GAIT_OK);
  ck_assert_uint_eq(unit_stats(world.heap).external_bytes, OBJECTS / 100);
  ck_assert_uint_le(tables_mapped_after(&world, 1), before + 128 * KIB);
  for (size_t i = 0; i < OBJECTS; i += 100) /* each is found where it is now */
    UNIT_CHECK(gait_external(world.thread, gait_load(&holder[i]), 0) == GAIT_OK);
  ck_assert_uint_eq(unit_stats(world.heap).external_bytes, 0);
  unit_close(&world);
}
END_TEST

START_TEST(kinds_are_counted) {
  unit_world world;
  tables_open(&world, _i);
  const uint64_t before = tables_mapped(&world);
  static uint64_t map[GAIT_MAX_KINDS / 2];
  enum { KINDS = 500 };
  for (unsigned i = 0; i < KINDS; i++) {
    char name[32];
    snprintf(name, sizeof name, "kind %u", i);
    gait_kind kind;
    const gait_kind_info info = {
        .name = name, .form = GAIT_KIND_POINTERS, .pointer_map = map, .map_bytes = 4096};
    UNIT_CHECK(gait_kind_register(world.heap, &info, &kind) == GAIT_OK);
  }
  ck_assert_uint_ge(tables_mapped(&world), before + (uint64_t)KINDS * (4096 / 64 + 7));
  unit_close(&world);
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
  unit_world world;
  tables_open(&world, _i);
  const gait_stats before = unit_stats(world.heap);
  struct crowd crowd = {.heap = world.heap, .kind = world.leaf};
  pthread_t threads[CROWD];
  ck_assert_int_eq(pthread_barrier_init(&crowd.barrier, NULL, CROWD + 1), 0);
  for (unsigned i = 0; i < CROWD; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, tables_attend, &crowd), 0);
  pthread_barrier_wait(&crowd.barrier);
  const gait_stats full = unit_stats(world.heap);
  ck_assert_uint_ge(full.processors, CROWD);
  ck_assert_uint_ge(full.mapped_bytes, before.mapped_bytes + CROWD * GAIT_MAX_KINDS * 8);
  gait_leave(world.thread);
  pthread_barrier_wait(&crowd.barrier);
  for (unsigned i = 0; i < CROWD; i++)
    pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&crowd.barrier);
  gait_enter(world.thread);
  tables_mapped_after(&world, 20);
  const gait_stats after = unit_stats(world.heap);
  ck_assert_uint_le(after.processors, before.processors + 8);
  ck_assert_uint_le(after.mapped_bytes, full.mapped_bytes - (CROWD - 10) * GAIT_MAX_KINDS * 8);
  ck_assert_uint_ge(after.alloc_objects, before.alloc_objects + CROWD); /* are not forgotten */
  unit_close(&world);
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

/* Cuts many objects off while the cycle marks: each is shaded.  Nobody asked for it, so nobody
 * helps to mark; it is run by the collector's thread. */
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
  while (!atomic_load(&shading.marks))
    UNIT_CHECK(gait_alloc(world->thread, world->leaf, 4 * KIB) != NULL);
  const uint64_t marking = tables_mapped(world);
  for (size_t i = 0; i < STORES; i++)
    gait_store(world->thread, &holder[i], NULL);
  const uint64_t full = tables_mapped(world);
  atomic_store(&shading.done, true);
  ck_assert_uint_ge(full, marking + STORES * sizeof(void *) / 2);
  tables_mapped_after(world, 1);
  gait_trim(world->heap);
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
  options.gogc_percent = GAIT_GOGC_OFF;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  ck_assert_int_eq(gait_collect(world.thread), GAIT_OK);
  const uint64_t before = unit_stats(world.heap).goal_bytes;
  for (size_t i = 0; i < MANY; i++)
    UNIT_CHECK(gait_handle_new(world.thread, NULL) != NULL);
  ck_assert_int_eq(gait_collect(world.thread), GAIT_OK);
  ck_assert_uint_le(unit_stats(world.heap).goal_bytes, before - MANY * 2 * sizeof(void *));
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *structures = unit_case(suite, "structures");
  UNIT_TEST(structures, handles_are_counted_and_given_back);
  UNIT_TEST(structures, roots_are_counted_and_given_back);
  UNIT_TEST(structures, external_bytes_are_counted_and_given_back);
  UNIT_TEST(structures, kinds_are_counted);
  UNIT_TEST(structures, processors_are_counted_and_given_back);
  UNIT_TEST(structures, shades_are_counted_and_given_back);
  UNIT_TEST(structures, structures_count_against_the_limit);
}
