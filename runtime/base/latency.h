/* latency.h: a histogram of durations, for pauses.
 *
 * Sixteen buckets to a doubling, so a quantile is an upper bound within 1/16.  One writer at a time
 * (the thread whose pauses these are, or the collector while it has suspended that thread); readers
 * may see a sample late. */
#ifndef GAITI_BASE_LATENCY_H
#define GAITI_BASE_LATENCY_H

#include "base/atomic.h"

#define GAITI_LATENCY_BUCKETS 640

struct gaiti_latency {
  AO_t count;
  AO_t total_ns;
  AO_t max_ns;
  unsigned buckets[GAITI_LATENCY_BUCKETS];
};

void gaiti_latency_add(struct gaiti_latency *latency, uint64_t ns);

/* Adds all that `from` holds. */
void gaiti_latency_merge(struct gaiti_latency *into, const struct gaiti_latency *from);

/* The duration that a share of `quantile` (0 .. 1) does not exceed; 0 when empty. */
uint64_t gaiti_latency_quantile(const struct gaiti_latency *latency, double quantile);

#endif
