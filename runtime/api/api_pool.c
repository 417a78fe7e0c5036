/* Pools of objects. */
#include "base/check.h"
#include "cycle/cycle.h"
#include "cycle/pools.h"

gait_result gait_pool_create(gait_heap *heap, const gait_pool_info *info, gait_pool **out) {
  if (!heap || !out) return GAIT_ERROR_ARGUMENT;
  *out = NULL;
  gait_pool *pool = gaiti_os_alloc(sizeof *pool);
  if (!pool) return GAIT_ERROR_MEMORY;
  pool->heap = heap;
  if (info) pool->info = *info;
  gait_result result = GAIT_ERROR_SYSTEM;
  if (!gaiti_pool_init(pool)) goto fail_memory;
  result = gait_roots_add_callback(heap, gaiti_pool_trace, pool, GAIT_ROOTS_BARRIERED);
  if (result != GAIT_OK) goto fail_pool;
  gaiti_pools_link(pool);
  *out = pool;
  return GAIT_OK;
fail_pool:
  gaiti_pool_destroy(pool);
fail_memory:
  gaiti_os_free(pool);
  return result;
}

void gait_pool_destroy(gait_pool *pool) {
  REQUIRE_ARGUMENT(pool);
  if (pool->heap) {
    gaiti_pools_unlink(pool);
    gait_roots_remove_callback(pool->heap, gaiti_pool_trace, pool);
  }
  gaiti_pool_destroy(pool);
  gaiti_os_free(pool);
}

static void pool_check(const gait_thread *thread, const gait_pool *pool) {
  REQUIRE("argument.null", thread && pool, "an argument is NULL");
  REQUIRE("pool.heap", pool->heap == thread->heap,
          "the pool is of another heap than the thread, or its heap is gone");
  REQUIRE("pool.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
          "the thread is outside managed code");
}

void *gait_pool_get(gait_thread *thread, gait_pool *pool) {
  pool_check(thread, pool);
  void *object = gaiti_pool_take(thread, pool);
  if (object || !pool->info.new_object) return object;
  return pool->info.new_object(thread, pool->info.arg);
}

void gait_pool_put(gait_thread *thread, gait_pool *pool, void *object) {
  pool_check(thread, pool);
  REQUIRE_ARGUMENT(object);
  const struct gaiti_map *map = &thread->heap->map;
  gaiti_ref ref = gaiti_map_resolve(map, (uintptr_t)object);
  REQUIRE("pool.object", ref && gaiti_ref_start(map, ref) == (uintptr_t)object,
          "the address is the start of no object of this heap");
  gaiti_pool_give(thread, pool, object, gaiti_ref_bytes(map, ref));
}

size_t gait_pool_bytes(const gait_pool *pool) {
  REQUIRE_ARGUMENT(pool);
  return AO_load(&pool->bytes);
}
