#include "operation_latency.h"

#include <stdlib.h>

bool latency_init(struct latency *latency) {
  *latency = (struct latency){.count = calloc(LATENCY_BUCKETS, sizeof *latency->count)};
  return latency->count != NULL;
}

void latency_destroy(struct latency *latency) {
  free(latency->count);
  latency->count = NULL;
}

void latency_add(struct latency *latency, uint64_t ns) {
  size_t bucket = (size_t)(ns / LATENCY_BUCKET_NS);
  if (bucket >= LATENCY_BUCKETS) bucket = LATENCY_BUCKETS - 1;
  latency->count[bucket]++;
  latency->total++;
  if (ns > latency->max_ns) latency->max_ns = ns;
}

uint64_t latency_quantile_ns(const struct latency *latency, double share) {
  uint64_t seen = 0;
  for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
    seen += latency->count[i];
    if (seen > 0 && (double)seen >= (double)latency->total * share)
      return (uint64_t)i * LATENCY_BUCKET_NS;
  }
  return 0;
}
