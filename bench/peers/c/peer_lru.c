/* lru ENTRIES OPS: a cache of ENTRIES entries, as a hash table with chains and a list by recency.
 */
#include "peer.h"

struct entry {
  struct entry *next; /* in the chain */
  struct entry *older, *newer;
  uint64_t key;
  unsigned char *value;
};

static struct {
  struct entry **table;
  struct entry *oldest, *newest;
  uint64_t mask;
  uint64_t count, capacity;
  uint64_t hits;
  uint64_t random;
} cache = {.random = 12345};

#define BUCKET_NS 32u
#define BUCKETS   ((size_t)1 << 22)

static uint32_t latency_count[BUCKETS];
static uint64_t latency_total, latency_max_ns;

static void latency_add(uint64_t ns) {
  size_t bucket = (size_t)(ns / BUCKET_NS);
  latency_count[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
  latency_total++;
  if (ns > latency_max_ns) latency_max_ns = ns;
}

static uint64_t latency_quantile_ns(double share) {
  uint64_t seen = 0;
  for (size_t i = 0; i < BUCKETS; i++) {
    seen += latency_count[i];
    if (seen > 0 && (double)seen >= (double)latency_total * share) return i * BUCKET_NS;
  }
  return 0;
}

static uint64_t lru_mix(uint64_t key) {
  key *= 0x9E3779B97F4A7C15u;
  return key ^ (key >> 29);
}

static void lru_unlink(struct entry *entry) {
  *(entry->older ? &entry->older->newer : &cache.oldest) = entry->newer;
  *(entry->newer ? &entry->newer->older : &cache.newest) = entry->older;
}

static void lru_push(struct entry *entry) {
  entry->older = cache.newest;
  entry->newer = NULL;
  *(cache.newest ? &cache.newest->newer : &cache.oldest) = entry;
  cache.newest = entry;
}

static void lru_evict(void) {
  struct entry *entry = cache.oldest;
  lru_unlink(entry);
  struct entry **link = &cache.table[lru_mix(entry->key) & cache.mask];
  while (*link != entry)
    link = &(*link)->next;
  *link = entry->next;
  entry->newer = NULL; /* a word that is left on a stack is not to keep all that came after it */
  peer_free(entry->value);
  peer_free(entry);
  cache.count--;
}

static void lru_add(uint64_t key, uint64_t hash) {
  struct entry *entry = peer_new(sizeof *entry);
  entry->key = key;
  size_t bytes = 64 + peer_random(&cache.random) % 961;
  entry->value = peer_new_leaf(bytes);
  memset(entry->value, (int)key, bytes);
  entry->next = cache.table[hash];
  cache.table[hash] = entry;
  lru_push(entry);
  cache.count++;
}

static void lru_operation(void) {
  uint64_t key = peer_random(&cache.random) % (cache.capacity * 2);
  uint64_t hash = lru_mix(key) & cache.mask;
  struct entry *entry = cache.table[hash];
  while (entry != NULL && entry->key != key)
    entry = entry->next;
  if (entry != NULL) {
    cache.hits++;
    lru_unlink(entry);
    lru_push(entry);
    return;
  }
  if (cache.count >= cache.capacity) lru_evict();
  lru_add(key, hash);
}

static uint64_t lru_checksum(void) {
  uint64_t sum = cache.hits;
  for (const struct entry *entry = cache.oldest; entry != NULL; entry = entry->newer)
    sum = lru_mix(sum + entry->key) + entry->value[0];
  return sum;
}

int main(int argc, char **argv) {
  peer_init();
  cache.capacity = peer_number(argc, argv, 1);
  uint64_t ops = peer_number(argc, argv, 2), slots = 1;
  while (slots < cache.capacity * 2)
    slots <<= 1;
  cache.mask = slots - 1;
  cache.table = peer_new(slots * sizeof(struct entry *));

  uint64_t start = peer_now_ns();
  for (uint64_t i = 0; i < ops; i++) {
    uint64_t before = peer_now_ns();
    lru_operation();
    uint64_t ns = peer_now_ns() - before;
    if (i > ops / 2) latency_add(ns);
  }
  struct peer_result result = {.ops = ops, .ns = peer_now_ns() - start};
  result.ns_per_op = (double)result.ns / (double)ops;
  result.checksum = lru_checksum();
  char more[256];
  snprintf(more, sizeof more,
           "\"op_p99_ns\": %" PRIu64 ", \"op_p999_ns\": %" PRIu64 ", \"op_p9999_ns\": %" PRIu64
           ", \"op_max_ns\": %" PRIu64,
           latency_quantile_ns(.99), latency_quantile_ns(.999), latency_quantile_ns(.9999),
           latency_max_ns);
  peer_report(&result, more);
}
