/* Pools.
 *
 * A pool is a root with a barrier: an object is put there by a store that shades it, if need be,
 * and taken by one that shades it as the value that goes.  So while a cycle marks, each object that
 * the pool had when its slots were traced lives through the cycle, in the pool or with the thread
 * that took it.
 *
 * .pool.age  Objects are dropped before a cycle begins, and not while it goes on: no barrier is on
 * then, so that a slot may be cleared as by any thread, and a thread that comes for a victim finds
 * it, and has it in its roots before they are scanned; or finds none.  The lock of the part keeps
 * the two apart.  An object that were left in its slot, untraced, would be dead when marking
 * closes, and a thread might take it just then.
 *
 *   put before cycle a:  a begins: a victim, and traced;  b begins: dropped
 *
 * So an object is kept through one cycle, as in the pools of Go, and a program that gets and puts
 * between any two cycles never loses all of them. */
#include "cycle/pools.h"

#include "cycle/cycle.h"

/* An object is an outlier with more than so many times the mean, if it is not small. */
#define POOL_OUTLIER_TIMES 8u
#define POOL_SMALL_BYTES   ((size_t)4096)

bool gaiti_pool_init(gait_pool *pool) {
  for (uint32_t i = 0; i < GAITI_POOL_PARTS; i++) {
    if (gaiti_lock_init(&pool->parts[i].lock, GAITI_RANK_ROOTS)) continue;
    while (i-- > 0)
      gaiti_lock_destroy(&pool->parts[i].lock);
    return false;
  }
  return true;
}

void gaiti_pool_destroy(gait_pool *pool) {
  for (uint32_t i = 0; i < GAITI_POOL_PARTS; i++)
    gaiti_lock_destroy(&pool->parts[i].lock);
}

void gaiti_pools_link(gait_pool *pool) {
  struct gaiti_cycle *cycle = pool->heap->cycle;
  gaiti_lock(&cycle->requests.lock);
  pool->next = cycle->pools;
  cycle->pools = pool;
  gaiti_unlock(&cycle->requests.lock);
}

void gaiti_pools_unlink(gait_pool *pool) {
  struct gaiti_cycle *cycle = pool->heap->cycle;
  gaiti_lock(&cycle->requests.lock);
  gait_pool **place = &cycle->pools;
  while (*place != pool)
    place = &(*place)->next;
  *place = pool->next;
  gaiti_unlock(&cycle->requests.lock);
}

/* ---- Taking and giving ---- */

static void *pool_take_age(gait_thread *thread, gait_pool *pool, struct gaiti_pool_age *age) {
  if (age->count == 0) return NULL;
  uint32_t last = --age->count;
  void *object = age->slots[last];
  gait_store(thread, &age->slots[last], NULL);
  gaiti_counter_sub(&pool->bytes, age->bytes[last]);
  return object;
}

static void *pool_take_part(gait_thread *thread, gait_pool *pool, uint32_t number) {
  struct gaiti_pool_part *part = &pool->parts[number % GAITI_POOL_PARTS];
  gaiti_lock(&part->lock);
  void *object = pool_take_age(thread, pool, &part->ages[part->young]);
  if (!object) object = pool_take_age(thread, pool, &part->ages[!part->young]);
  gaiti_unlock(&part->lock);
  return object;
}

void *gaiti_pool_take(gait_thread *thread, gait_pool *pool) {
  void *object = NULL;
  for (uint32_t i = 0; i < GAITI_POOL_PARTS && !object; i++) {
    if (AO_load(&pool->bytes) == 0) return NULL;
    object = pool_take_part(thread, pool, thread->proc->number + i);
  }
  return object;
}

/* Notes that an object of so many bytes has come. */
static bool pool_is_outlier(gait_pool *pool, size_t bytes) {
  size_t mean = AO_load(&pool->mean);
  AO_store(&pool->mean, mean ? mean - mean / 8 + bytes / 8 : bytes);
  return mean && bytes > POOL_SMALL_BYTES && bytes / POOL_OUTLIER_TIMES > mean;
}

static bool pool_has_room(const gait_pool *pool, size_t bytes) {
  size_t most = pool->info.most_bytes, kept = AO_load(&pool->bytes);
  return most == 0 || (bytes <= most && kept <= most - bytes);
}

static void pool_check_twice(const struct gaiti_pool_part *part, const void *object) {
  for (uint32_t age = 0; age < 2; age++)
    for (uint32_t i = 0; i < part->ages[age].count; i++)
      REQUIRE("pool.twice", part->ages[age].slots[i] != object,
              "the object is in the pool already");
}

void gaiti_pool_give(gait_thread *thread, gait_pool *pool, void *object, size_t bytes) {
  if (pool_is_outlier(pool, bytes) || !pool_has_room(pool, bytes)) return;
  struct gaiti_pool_part *part = &pool->parts[thread->proc->number % GAITI_POOL_PARTS];
  gaiti_lock(&part->lock);
  if (GAITI_CHECK_SLOW) pool_check_twice(part, object);
  struct gaiti_pool_age *age = &part->ages[part->young];
  if (age->count < GAITI_POOL_SLOTS) {
    gait_store(thread, &age->slots[age->count], object);
    age->bytes[age->count++] = bytes;
    gaiti_counter_add(&pool->bytes, bytes);
  }
  gaiti_unlock(&part->lock);
}

/* ---- The cycle ---- */

void gaiti_pool_trace(gait_tracer *tracer, void *arg) {
  gait_pool *pool = arg;
  for (uint32_t i = 0; i < GAITI_POOL_PARTS; i++)
    for (uint32_t age = 0; age < 2; age++)
      for (uint32_t slot = 0; slot < GAITI_POOL_SLOTS; slot++)
        gait_trace_slot(tracer, &pool->parts[i].ages[age].slots[slot]);
}

static void pool_drop(gait_pool *pool, struct gaiti_pool_age *age) {
  while (age->count > 0) {
    uint32_t last = --age->count;
    AO_store((AO_t *)(void *)&age->slots[last], 0);
    gaiti_counter_sub(&pool->bytes, age->bytes[last]);
  }
}

static void pool_age_part(gait_pool *pool, struct gaiti_pool_part *part, bool all) {
  gaiti_lock(&part->lock);
  part->young = !part->young;
  pool_drop(pool, &part->ages[part->young]);
  if (all) pool_drop(pool, &part->ages[!part->young]);
  gaiti_unlock(&part->lock);
}

void gaiti_pools_age(gait_heap *heap, bool all) {
  struct gaiti_cycle *cycle = heap->cycle;
  gaiti_lock(&cycle->requests.lock);
  for (gait_pool *pool = cycle->pools; pool; pool = pool->next)
    for (uint32_t i = 0; i < GAITI_POOL_PARTS; i++)
      pool_age_part(pool, &pool->parts[i], all);
  gaiti_unlock(&cycle->requests.lock);
}

void gaiti_pools_abandon(gait_heap *heap) {
  for (gait_pool *pool = heap->cycle->pools, *next; pool; pool = next) {
    next = pool->next;
    for (uint32_t i = 0; i < GAITI_POOL_PARTS; i++)
      pool_age_part(pool, &pool->parts[i], true);
    pool->heap = NULL;
  }
  heap->cycle->pools = NULL;
}

void gaiti_pools_renew(gait_heap *heap) {
  for (gait_pool *pool = heap->cycle->pools; pool; pool = pool->next)
    for (uint32_t i = 0; i < GAITI_POOL_PARTS; i++)
      gaiti_lock_renew(&pool->parts[i].lock);
}
