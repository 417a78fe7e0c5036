/* operation_latency.h: how long single operations took. */
#ifndef BENCH_OPERATION_LATENCY_H
#define BENCH_OPERATION_LATENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LATENCY_BUCKET_NS 32u
#define LATENCY_BUCKETS   ((size_t)1 << 22) /* up to 134 ms; what is longer goes to the last one */

/* How long operations took: count[i] took i * LATENCY_BUCKET_NS ns or a little more. */
struct latency {
  uint32_t *count;
  uint64_t total;
  uint64_t max_ns;
};

bool latency_init(struct latency *latency);
void latency_destroy(struct latency *latency);
void latency_add(struct latency *latency, uint64_t ns);

/* The start of the bucket under or in which `share` (0 .. 1) of all operations lie. */
uint64_t latency_quantile_ns(const struct latency *latency, double share);

#endif
