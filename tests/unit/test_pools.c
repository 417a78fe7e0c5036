/* Pools of objects. */
#include "unit.h"

#include <gait/pool.h>
#include <string.h>

#include "../support/sizes.h"

const char *const unit_suite_name = "pools";

static gait_pool *pool_new(unit_world *world, const gait_pool_info *info) {
  gait_pool *pool;
  ck_assert_int_eq(gait_pool_create(world->heap, info, &pool), GAIT_OK);
  return pool;
}

static void pool_collect(unit_world *world) {
  ck_assert_int_eq(gait_heap_collect(world->thread), GAIT_OK);
}

START_TEST(an_object_comes_back_as_it_was) {
  gait_pool *pool = pool_new(&unit, NULL);
  ck_assert_ptr_null(gait_pool_get(unit.thread, pool));
  uint64_t *object = gait_alloc(unit.thread, unit.leaf, 64);
  *object = 7;
  gait_pool_put(unit.thread, pool, object);
  ck_assert_uint_eq(gait_pool_bytes(pool), 64);
  ck_assert_ptr_eq(gait_pool_get(unit.thread, pool), object);
  ck_assert_uint_eq(*object, 7);
  ck_assert_uint_eq(gait_pool_bytes(pool), 0);
  ck_assert_ptr_null(gait_pool_get(unit.thread, pool));
  gait_pool_destroy(pool);
}
END_TEST

START_TEST(an_object_stays_for_one_cycle) {
  gait_pool *pool = pool_new(&unit, NULL);
  uint64_t *object = gait_alloc(unit.thread, unit.leaf, 64);
  *object = 7;
  unit_tag(&unit, object, 0);
  gait_pool_put(unit.thread, pool, object);
  ck_assert_uint_eq(unit_alive(&unit), 1);
  ck_assert_ptr_eq(gait_pool_get(unit.thread, pool), object);
  ck_assert_uint_eq(*object, 7);
  gait_pool_put(unit.thread, pool, object); /* anew */
  ck_assert_uint_eq(unit_alive(&unit), 1);
  ck_assert_uint_eq(gait_pool_bytes(pool), 64);
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_uint_eq(gait_pool_bytes(pool), 0);
  ck_assert_ptr_null(gait_pool_get(unit.thread, pool));
  gait_pool_destroy(pool);
}
END_TEST

static void *pool_make(gait_thread *thread, void *arg) {
  unsigned *made = arg;
  ++*made;
  return gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)), 100);
}

START_TEST(an_empty_pool_makes_one) {
  unsigned made = 0;
  const gait_pool_info info = {.new_object = pool_make, .arg = &made};
  gait_pool *pool = pool_new(&unit, &info);
  void *object = gait_pool_get(unit.thread, pool);
  ck_assert(object && made == 1);
  gait_pool_put(unit.thread, pool, object);
  ck_assert_ptr_eq(gait_pool_get(unit.thread, pool), object);
  ck_assert_uint_eq(made, 1);
  gait_pool_destroy(pool);
}
END_TEST

START_TEST(outliers_and_more_than_its_bytes_are_dropped) {
  const gait_pool_info info = {.most_bytes = 100000};
  gait_pool *pool = pool_new(&unit, &info);
  gait_pool_put(unit.thread, pool, gait_alloc(unit.thread, unit.leaf, 1024));
  gait_pool_put(unit.thread, pool, gait_alloc(unit.thread, unit.leaf, 60000)); /* 60 times */
  ck_assert_uint_eq(gait_pool_bytes(pool), 1024);
  gait_pool_put(unit.thread, pool, gait_alloc(unit.thread, unit.leaf, 200000));
  ck_assert_uint_eq(gait_pool_bytes(pool), 1024);
  gait_pool_destroy(pool);
}
END_TEST

START_TEST(a_heap_short_of_memory_empties_its_pools) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.memory_limit_bytes = (int64_t)(16 * MIB);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  gait_pool *pool = pool_new(&world, NULL);
  gait_pool_put(world.thread, pool, gait_alloc(world.thread, world.leaf, 1000));
  while (unit_stats(world.heap).cycles == 0)
    UNIT_CHECK(gait_alloc(world.thread, world.leaf, 100000));
  ck_assert_uint_eq(gait_pool_bytes(pool), 0);
  gait_pool_destroy(pool);
  unit_close(&world);
}
END_TEST

/* Threads that put objects, each with a child, and get those of others, while cycles go by. */
struct pool_users {
  unit_world *world;
  gait_pool *pool;
  atomic_bool stop;
};

static void pool_use(const struct pool_users *users, gait_thread *thread, uint64_t turn) {
  void *slots[2] = {NULL, NULL};
  gait_frame frame;
  gait_frame_push(thread, &frame, slots, 2);
  uint64_t ***object = slots[0] = gait_pool_get(thread, users->pool);
  if (object) {
    UNIT_CHECK(object[0][0] == object[0][1]);
    gait_thread_poll(thread);
    UNIT_CHECK(object[0][0] == object[0][1]);
  } else {
    object = slots[0] = gait_alloc(thread, users->world->references, 16);
  }
  uint64_t *child = gait_alloc(thread, users->world->leaf, 16);
  child[0] = child[1] = turn;
  gait_store(thread, (void **)object, child);
  slots[0] = NULL;
  gait_pool_put(thread, users->pool, object);
  gait_frame_pop(thread, &frame);
}

static void *pool_user(void *arg) {
  const struct pool_users *users = arg;
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(users->world->heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  for (uint64_t turn = 0; !atomic_load(&users->stop); turn++)
    pool_use(users, thread, turn);
  gait_thread_detach(thread);
  return NULL;
}

START_TEST(threads_get_and_put_while_cycles_run) {
  enum { USERS = 3 };
  struct pool_users users = {.world = &unit, .pool = pool_new(&unit, NULL)};
  pthread_t threads[USERS];
  for (int i = 0; i < USERS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, pool_user, &users), 0);
  for (int i = 0; i < 40; i++)
    pool_collect(&unit);
  atomic_store(&users.stop, true);
  gait_thread_leave(unit.thread);
  for (int i = 0; i < USERS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  gait_thread_enter(unit.thread);
  pool_collect(&unit);
  pool_collect(&unit);
  ck_assert_uint_eq(gait_pool_bytes(users.pool), 0);
  gait_pool_destroy(users.pool);
}
END_TEST

START_TEST(a_pool_may_outlive_its_heap) {
  unit_world world;
  unit_open(&world, _i, GAIT_STACK_EXACT);
  gait_pool *pool = pool_new(&world, NULL), *other = pool_new(&world, NULL);
  gait_pool_put(world.thread, pool, gait_alloc(world.thread, world.leaf, 64));
  gait_pool_destroy(other);
  unit_close(&world);
  ck_assert_uint_eq(gait_pool_bytes(pool), 0);
  gait_pool_destroy(pool);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  unit_worlds worlds = unit_world_cases(suite, "pools", &unit_exact);
  UNIT_WORLD_TEST(worlds, an_object_comes_back_as_it_was);
  UNIT_WORLD_TEST(worlds, an_object_stays_for_one_cycle);
  UNIT_WORLD_TEST(worlds, an_empty_pool_makes_one);
  UNIT_WORLD_TEST(worlds, outliers_and_more_than_its_bytes_are_dropped);
  UNIT_WORLD_TEST(worlds, threads_get_and_put_while_cycles_run);
  TCase *heaps = unit_case(suite, "heaps");
  UNIT_TEST(heaps, a_heap_short_of_memory_empties_its_pools);
  UNIT_TEST(heaps, a_pool_may_outlive_its_heap);
}
