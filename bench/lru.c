/* lru ENTRIES OPS: a cache of ENTRIES entries, as a hash table with chains and a list by recency.
 * Each operation looks a random key up and, when it is not there, adds it in place of the oldest.
 */
#include "workload.h"

#include <stdlib.h>
#include <string.h>

struct lru_entry {
  struct lru_entry *next; /* in the chain */
  struct lru_entry *older, *newer;
  uint64_t key;
  unsigned char *value;
};

#define LRU_ENTRY_MAP 0x17u /* next, older, newer, value */

/* The references come first and are a barriered root. */
struct lru_cache {
  struct lru_entry **table;
  struct lru_entry *oldest, *newest;
  uint64_t mask;
  uint64_t count, capacity;
  uint64_t hits;
  uint64_t random;
  gait_thread *thread;
  gait_kind entry_kind, leaf_kind;
};

#define LRU_ROOT_BYTES (3 * sizeof(void *))

static uint64_t lru_mix(uint64_t key) {
  key *= 0x9E3779B97F4A7C15u;
  return key ^ (key >> 29);
}

static void lru_unlink(struct lru_cache *cache, struct lru_entry *entry) {
  gait_store(cache->thread, entry->older ? &entry->older->newer : &cache->oldest, entry->newer);
  gait_store(cache->thread, entry->newer ? &entry->newer->older : &cache->newest, entry->older);
}

static void lru_push(struct lru_cache *cache, struct lru_entry *entry) {
  gait_store(cache->thread, &entry->older, cache->newest);
  gait_store(cache->thread, &entry->newer, NULL);
  gait_store(cache->thread, cache->newest ? &cache->newest->newer : &cache->oldest, entry);
  gait_store(cache->thread, &cache->newest, entry);
}

static void lru_evict(struct lru_cache *cache) {
  struct lru_entry *entry = cache->oldest;
  lru_unlink(cache, entry);
  struct lru_entry **link = &cache->table[lru_mix(entry->key) & cache->mask];
  while (*link != entry)
    link = &(*link)->next;
  gait_store(cache->thread, link, entry->next);
  /* A word that is left on a stack is not to keep all that came after it. */
  gait_store(cache->thread, &entry->newer, NULL);
  cache->count--;
}

static void lru_add(struct lru_cache *cache, uint64_t key, uint64_t hash) {
  gait_thread *thread = cache->thread;
  struct lru_entry *entry = gait_alloc(thread, cache->entry_kind, sizeof *entry);
  entry->key = key;
  size_t bytes = 64 + workload_random(&cache->random) % 961;
  unsigned char *value = gait_alloc(thread, cache->leaf_kind, bytes);
  gait_store_init(thread, &entry->value, value);
  memset(value, (int)key, bytes);
  gait_store_init(thread, &entry->next, cache->table[hash]);
  gait_store(thread, &cache->table[hash], entry);
  lru_push(cache, entry);
  cache->count++;
}

static void lru_operation(struct lru_cache *cache) {
  uint64_t key = workload_random(&cache->random) % (cache->capacity * 2);
  uint64_t hash = lru_mix(key) & cache->mask;
  struct lru_entry *entry = cache->table[hash];
  while (entry != NULL && entry->key != key)
    entry = entry->next;
  if (entry != NULL) {
    cache->hits++;
    lru_unlink(cache, entry);
    lru_push(cache, entry);
    return;
  }
  if (cache->count >= cache->capacity) lru_evict(cache);
  lru_add(cache, key, hash);
}

/* Depends on every key, its place in the list and its value. */
static uint64_t lru_checksum(const struct lru_cache *cache) {
  uint64_t sum = cache->hits;
  for (const struct lru_entry *entry = cache->oldest; entry != NULL; entry = entry->newer)
    sum = lru_mix(sum + entry->key) + entry->value[0];
  return sum;
}

/* Every operation is timed; the second half counts, when the cache is full. */
static void lru_measure(struct lru_cache *cache, uint64_t ops, struct workload_result *result) {
  uint64_t start = workload_now_ns();
  for (uint64_t i = 0; i < ops; i++) {
    uint64_t before = workload_now_ns();
    lru_operation(cache);
    uint64_t ns = workload_now_ns() - before;
    if (i > ops / 2) latency_add(&result->latency, ns);
  }
  uint64_t ns = workload_now_ns() - start;
  result->ops = ops;
  result->seconds = (double)ns * 1e-9;
  result->ns_per_op = (double)ns / (double)ops;
  result->checksum = lru_checksum(cache);
  workload_figure(result, "hits", cache->hits);
}

static enum workload_status lru_run(const struct workload_input *input,
                                    struct workload_result *result) {
  uint64_t capacity, ops, slots = 1;
  if (!workload_number(input, 0, "ENTRIES", 1, (uint64_t)1 << 34, &capacity, result) ||
      !workload_number(input, 1, "OPS", 1, UINT64_MAX, &ops, result))
    return WORKLOAD_USAGE;
  while (slots < capacity * 2)
    slots <<= 1;

  struct lru_cache cache = {.mask = slots - 1,
                            .capacity = capacity,
                            .random = 12345,
                            .thread = input->thread,
                            .leaf_kind = gait_kind_leaf(input->heap)};
  gait_kind table_kind;
  gait_result ready = workload_kind(input->heap, "lru table", 8, 1, 8, &table_kind);
  if (ready == GAIT_OK)
    ready = workload_kind(input->heap, "lru entry", sizeof(struct lru_entry), LRU_ENTRY_MAP, 0,
                          &cache.entry_kind);
  if (ready == GAIT_OK)
    ready = gait_roots_add(input->heap, &cache, LRU_ROOT_BYTES, GAIT_ROOTS_BARRIERED);
  if (ready != GAIT_OK)
    return workload_stop(result, WORKLOAD_FAILED, "%s", gait_result_text(ready));

  enum workload_status status = WORKLOAD_OK;
  if (latency_init(&result->latency)) {
    gait_store(input->thread, &cache.table,
               gait_alloc_array(input->thread, table_kind, 0, slots, sizeof *cache.table));
    lru_measure(&cache, ops, result);
  } else {
    status = workload_stop(result, WORKLOAD_FAILED, "out of memory");
  }
  gait_roots_remove(input->heap, &cache);
  return status;
}

const struct workload workload_lru = {
    .name = "lru",
    .arguments = "ENTRIES OPS",
    .summary = "keeps a cache of ENTRIES values of 64 to 1024 bytes through OPS random look-ups",
    .operation = "look-up",
    .threads_max = 1,
    .run = lru_run,
};
