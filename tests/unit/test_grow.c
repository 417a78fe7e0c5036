/* Objects that grow where they lie. */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "../support/sizes.h"

const char *const unit_suite_name = "grow";

#define BLOCK ((size_t)65536)

static bool grow_is_zero(const unsigned char *from, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    if (from[i]) return false;
  return true;
}

/* Leaves memory behind that has been written to. */
static void grow_dirty(unit_world *world) {
  for (int i = 0; i < 40; i++) {
    void *object = gait_alloc(world->thread, world->leaf, 3 * BLOCK);
    UNIT_CHECK(object);
    memset(object, 0xA5, 3 * BLOCK);
  }
  ck_assert_int_eq(gait_heap_collect(world->thread), GAIT_OK);
}

START_TEST(a_small_object_grows_to_its_slots_end) {
  for (size_t bytes = 1; bytes <= GAIT_SMALL_BYTES; bytes += bytes / 50 + 1) {
    unsigned char *object = unit.slots[0] = gait_alloc(unit.thread, unit.leaf, bytes);
    memset(object, 1, bytes);
    const size_t slot = gait_object_bytes(unit.heap, object);
    UNIT_CHECK(gait_object_grow(unit.thread, object, slot));
    UNIT_CHECK(grow_is_zero(object + bytes, slot - bytes));
    UNIT_CHECK(!gait_object_grow(unit.thread, object, slot + 1));
    UNIT_CHECK(gait_object_grow(unit.thread, object, 0));
    UNIT_CHECK(gait_object_bytes(unit.heap, object) == slot);
  }
}
END_TEST

START_TEST(a_large_object_grows_to_its_last_blocks_end) {
  grow_dirty(&unit);
  for (size_t bytes = GAIT_SMALL_BYTES + 1; bytes < 3 * BLOCK; bytes += 7777) {
    unsigned char *object = unit.slots[0] = gait_alloc(unit.thread, unit.leaf, bytes);
    const size_t room = (bytes + BLOCK - 1) / BLOCK * BLOCK;
    memset(object, 1, bytes);
    for (size_t more = bytes; more < room; more += 5000) {
      const size_t before = gait_object_bytes(unit.heap, object);
      UNIT_CHECK(gait_object_grow(unit.thread, object, more));
      const size_t now = gait_object_bytes(unit.heap, object);
      UNIT_CHECK(now >= more && now < more + 16 && now >= before);
      UNIT_CHECK(object[bytes - 1] == 1 && grow_is_zero(object + bytes, now - bytes));
      UNIT_CHECK(gait_object_start(unit.heap, object + now - 1) == object);
    }
    UNIT_CHECK(gait_object_grow(unit.thread, object, room));
    UNIT_CHECK(!gait_object_grow(unit.thread, object, room + 1));
    UNIT_CHECK(!gait_object_grow(unit.thread, object, SIZE_MAX));
    UNIT_CHECK(gait_object_bytes(unit.heap, object) == room);
  }
}
END_TEST

START_TEST(grown_bytes_are_counted) {
  void *object = unit.slots[0] = gait_alloc(unit.thread, unit.leaf, 40000);
  const gait_stats before = unit_stats(unit.heap);
  ck_assert(gait_object_grow(unit.thread, object, BLOCK));
  const gait_stats after = unit_stats(unit.heap);
  ck_assert_uint_eq(after.alloc_bytes, before.alloc_bytes + BLOCK - 40000);
  ck_assert_uint_eq(after.alloc_objects, before.alloc_objects);
  ck_assert_uint_ge(after.mapped_bytes, before.mapped_bytes);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  ck_assert_uint_ge(unit_last_record(unit.heap).marked_bytes, BLOCK);
}
END_TEST

/* The words that one grown object has are references from the first to the last. */
START_TEST(grown_references_are_traced) {
  static const size_t sizes[] = {40000, 3 * BLOCK + 100};
  for (unsigned i = 0; i < 2; i++) {
    const size_t room = (sizes[i] + BLOCK - 1) / BLOCK * BLOCK;
    void **object = unit.slots[i] = gait_alloc(unit.thread, unit.references, sizes[i]);
    ck_assert(gait_object_grow(unit.thread, object, room));
    gait_store(unit.thread, &object[room / 8 - 1], unit_tagged_leaf(&unit, 2 * i));
    gait_store(unit.thread, &object[sizes[i] / 8], unit_tagged_leaf(&unit, 2 * i + 1));
  }
  ck_assert_uint_eq(unit_alive(&unit), 15);
  void **object = unit.slots[1];
  gait_clear(unit.thread, &object[0], gait_object_bytes(unit.heap, object) / 8);
  ck_assert_uint_eq(unit_alive(&unit), 3);
}
END_TEST

/* A vector of references to objects that nothing else keeps, which grows while cycles go by. */
static void grow_vector(unit_world *world, unsigned turn) {
  size_t words = (GAIT_SMALL_BYTES + 16 + turn % 7 * 3000) / 8, used = 0;
  uint64_t **vector = world->slots[0] = gait_alloc(world->thread, world->references, words * 8);
  UNIT_CHECK(vector);
  for (; words < BLOCK / 8; words += 500) {
    UNIT_CHECK(gait_object_grow(world->thread, vector, words * 8));
    for (; used < words; used += 50) {
      uint64_t *leaf = gait_alloc(world->thread, world->leaf, 16);
      *leaf = used;
      gait_store(world->thread, &vector[used], leaf);
    }
  }
  for (size_t i = 0; i < gait_object_bytes(world->heap, vector) / 8; i++)
    UNIT_CHECK(i % 50 ? !vector[i] : *vector[i] == i);
}

START_TEST(a_vector_grows_while_cycles_run) {
  unit_collector collector;
  unit_collector_start(&collector, unit.heap);
  for (unsigned turn = 0; turn < 300 || atomic_load(&collector.cycles) < 20; turn++)
    grow_vector(&unit, turn);
  unit_collector_stop(&collector, unit.thread);
}
END_TEST

/* Several threads grow one object: what each has handed out stays as it was. */
struct grower {
  unit_world *world;
  atomic_uint *next; /* the next of the words that are handed out */
  uint32_t *object;
};

#define GROW_FIRST 10000u /* words */

static void *grow_shared(void *arg) {
  const struct grower *grower = arg;
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(grower->world->heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  for (uint32_t at; (at = atomic_fetch_add(grower->next, 1)) < BLOCK / 4;) {
    UNIT_CHECK(gait_object_grow(thread, grower->object, ((size_t)at + 1) * 4));
    UNIT_CHECK(grower->object[at] == 0);
    grower->object[at] = at;
  }
  gait_thread_detach(thread);
  return NULL;
}

START_TEST(threads_grow_one_object) {
  enum { GROWERS = 4 };
  for (int turn = 0; turn < 20; turn++) {
    atomic_uint next = GROW_FIRST;
    uint32_t *object = unit.slots[0] = gait_alloc(unit.thread, unit.leaf, GROW_FIRST * 4);
    struct grower grower = {&unit, &next, object};
    pthread_t threads[GROWERS];
    for (int i = 0; i < GROWERS; i++)
      ck_assert_int_eq(pthread_create(&threads[i], NULL, grow_shared, &grower), 0);
    gait_thread_leave(unit.thread);
    for (int i = 0; i < GROWERS; i++)
      ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    gait_thread_enter(unit.thread);
    for (uint32_t at = GROW_FIRST; at < BLOCK / 4; at++)
      UNIT_CHECK(object[at] == at);
  }
}
END_TEST

/* At the hard limit a growth is refused, as an allocation is. */
START_TEST(growth_keeps_to_the_hard_limit) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.max_heap_bytes = (int64_t)(8 * MIB);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  void **list = NULL;
  for (;;) {
    void **node = gait_alloc(world.thread, world.references, GAIT_SMALL_BYTES + 16);
    if (!node) break;
    gait_store_init(world.thread, node, list);
    list = world.slots[0] = node;
  }
  unsigned grown = 0, refused = 0;
  for (void **node = list; node; node = *node) {
    const size_t before = gait_object_bytes(world.heap, node);
    const bool did = gait_object_grow(world.thread, node, BLOCK);
    did ? grown++ : refused++;
    UNIT_CHECK(gait_object_bytes(world.heap, node) == (did ? BLOCK : before));
  }
  ck_assert_uint_gt(refused, 0);
  ck_assert_uint_le(unit_stats(world.heap).mapped_peak_bytes, 8 * MIB);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  (void)grown;
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  unit_worlds worlds = unit_world_cases(suite, "in its slot", &unit_exact);
  UNIT_WORLD_TEST(worlds, a_small_object_grows_to_its_slots_end);
  UNIT_WORLD_TEST(worlds, a_large_object_grows_to_its_last_blocks_end);
  UNIT_WORLD_TEST(worlds, grown_bytes_are_counted);
  UNIT_WORLD_TEST(worlds, grown_references_are_traced);
  UNIT_WORLD_TEST(worlds, a_vector_grows_while_cycles_run);
  UNIT_WORLD_TEST(worlds, threads_grow_one_object);
  TCase *limits = unit_case(suite, "limits");
  UNIT_TEST(limits, growth_keeps_to_the_hard_limit);
}
