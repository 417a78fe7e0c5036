#include "base/latency.h"

/* Below 16 ns a bucket each; from there sixteen to a doubling. */
static unsigned latency_bucket(uint64_t ns) {
  if (ns < 16) return (unsigned)ns;
  unsigned log2 = 63u - (unsigned)__builtin_clzll(ns);
  unsigned bucket = (log2 - 3u) * 16u + (unsigned)((ns >> (log2 - 4u)) & 15u);
  return bucket < GAITI_LATENCY_BUCKETS ? bucket : GAITI_LATENCY_BUCKETS - 1;
}

/* The longest duration that falls into a bucket. */
static uint64_t latency_bucket_end(unsigned bucket) {
  if (bucket < 16) return bucket;
  unsigned log2 = bucket / 16u + 3u;
  uint64_t step = (uint64_t)1 << (log2 - 4u);
  return ((uint64_t)1 << log2) + (bucket % 16u + 1) * step - 1;
}

void gaiti_latency_add(struct gaiti_latency *latency, uint64_t ns) {
  unsigned *bucket = &latency->buckets[latency_bucket(ns)];
  AO_int_store(bucket, AO_int_load(bucket) + 1);
  AO_store(&latency->total_ns, AO_load(&latency->total_ns) + ns);
  if (ns > AO_load(&latency->max_ns)) AO_store(&latency->max_ns, ns);
  AO_store(&latency->count, AO_load(&latency->count) + 1);
}

void gaiti_latency_merge(struct gaiti_latency *into, const struct gaiti_latency *from) {
  for (unsigned i = 0; i < GAITI_LATENCY_BUCKETS; i++)
    into->buckets[i] += AO_int_load(&from->buckets[i]);
  into->total_ns += AO_load(&from->total_ns);
  if (AO_load(&from->max_ns) > into->max_ns) into->max_ns = AO_load(&from->max_ns);
  into->count += AO_load(&from->count);
}

uint64_t gaiti_latency_quantile(const struct gaiti_latency *latency, double quantile) {
  double wanted = quantile * (double)latency->count, seen = 0;
  for (unsigned i = 0; i < GAITI_LATENCY_BUCKETS; i++) {
    seen += latency->buckets[i];
    if (seen > 0 && seen >= wanted) {
      uint64_t end = latency_bucket_end(i);
      return end < latency->max_ns ? end : latency->max_ns;
    }
  }
  return 0;
}
