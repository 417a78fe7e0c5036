/* Heaps beside one another: always the one whose cycle ends first goes on.  It publishes its
 * numbers, the budget is split, and its next cycle begins with the share that it has then. */
#include "sim_budget.h"

#include <stddef.h>

#include "bytes.h"

static double budget_overlap(const struct sim_budget *budget, double from, double until) {
  double begin = from > budget->from_seconds ? from : budget->from_seconds;
  double end = until < budget->until_seconds ? until : budget->until_seconds;
  return end > begin ? end - begin : 0;
}

/* ---- One heap ---- */

/* Runs the heap to the end of its next cycle, or of its program. */
static void heap_begin_cycle(const struct sim_budget *budget, struct sim_budget_heap *heap) {
  static const struct sim_steps by_plan = {0};
  struct sim_collection *collection = &heap->collection;
  heap->outcome = sim_heap_collect(heap->heap, heap->program, &by_plan, collection);
  heap->end_seconds = budget->until_seconds;
  if (heap->outcome == SIM_COLLECTED)
    heap->end_seconds = heap->ended_seconds + collection->ran.seconds +
                        (double)collection->mark.done.duration_ns / 1e9;
}

static double heap_cycle_cpu(const struct sim_collection *collection) {
  return ((double)collection->mark.done.assist_ns + collection->mark.background_ns) / 1e9;
}

/* The cycle has ended: it is measured, and its numbers are those of the next split. */
static void heap_end_cycle(const struct sim_budget *budget, struct sim_budget_heap *heap) {
  const struct sim_collection *collection = &heap->collection;
  bool collected = heap->outcome == SIM_COLLECTED;
  int64_t peak = collected ? collection->peak_bytes : collection->start_bytes;
  heap->byte_seconds +=
      (double)peak * budget_overlap(budget, heap->ended_seconds, heap->end_seconds);
  double allocated = collection->ran.bytes + (double)collection->mark.done.allocated_bytes;
  heap->period = heap->end_seconds - heap->ended_seconds;
  heap->ended_seconds = heap->end_seconds;
  if (!collected) return;
  double cpu = heap_cycle_cpu(collection);
  if (heap->end_seconds >= budget->from_seconds) {
    heap->cycles++;
    heap->gc_cpu_seconds += cpu;
  }
  int64_t overhead = heap->heap->driver.now.overhead_bytes;
  heap->share.used_bytes =
      gaiti_shares_with_headroom(bytes_add(heap->heap->marked_bytes, overhead));
  heap->share.alloc_rate = heap->period > 0 ? allocated / heap->period : 0;
  heap->share.cycle_cpu = cpu;
}

/* The share is the memory limit. */
static void heap_take_share(struct sim_budget_heap *heap) {
  struct sim_driver *driver = &heap->heap->driver;
  struct gaiti_pacer_config config = driver->pacer.config;
  config.memory_limit_bytes = heap->share.limit_bytes;
  sim_driver_configure(driver, &config, driver->limiter.cpus);
}

/* ---- All of them ---- */

/* A heap in the middle of a long cycle allocates evenly, as far as one can tell from outside. */
static struct gaiti_share budget_measure(const struct sim_budget_heap *heap, double now) {
  struct gaiti_share share = heap->share;
  double since = now - heap->ended_seconds, length = heap->end_seconds - heap->ended_seconds;
  double bytes = length > 0 ? heap->collection.ran.bytes * since / length : 0;
  if (share.cycle_cpu >= 0)
    share.alloc_rate = gaiti_shares_rate(share.alloc_rate, heap->period, bytes, since);
  return share;
}

static void budget_split(const struct sim_budget *budget, double now) {
  struct gaiti_share shares[SIM_BUDGET_HEAPS];
  for (int i = 0; i < budget->count; i++)
    shares[i] = budget_measure(&budget->heaps[i], now);
  gaiti_shares_split(budget->bytes, shares, budget->count);
  for (int i = 0; i < budget->count; i++) {
    budget->heaps[i].share.extra_bytes = shares[i].extra_bytes;
    budget->heaps[i].share.limit_bytes = shares[i].limit_bytes;
    heap_take_share(&budget->heaps[i]);
  }
}

/* The heap whose cycle ends first; NULL: none does before the end. */
static struct sim_budget_heap *budget_next(const struct sim_budget *budget) {
  struct sim_budget_heap *next = &budget->heaps[0];
  for (int i = 1; i < budget->count; i++)
    if (budget->heaps[i].end_seconds < next->end_seconds) next = &budget->heaps[i];
  return next->end_seconds < budget->until_seconds ? next : NULL;
}

void sim_budget_run(const struct sim_budget *budget) {
  struct sim_budget_heap *heap;
  for (int i = 0; i < budget->count; i++)
    budget->heaps[i].share = (struct gaiti_share){
        .used_bytes = gaiti_shares_with_headroom(budget->heaps[i].heap->driver.now.overhead_bytes),
        .cycle_cpu = -1};
  if (budget->bytes > 0) budget_split(budget, 0);
  for (int i = 0; i < budget->count; i++)
    heap_begin_cycle(budget, &budget->heaps[i]);
  while ((heap = budget_next(budget)) != NULL) {
    heap_end_cycle(budget, heap);
    if (budget->bytes > 0) budget_split(budget, heap->ended_seconds);
    heap_begin_cycle(budget, heap);
  }
  for (int i = 0; i < budget->count; i++)
    heap_end_cycle(budget, &budget->heaps[i]);
}

double sim_budget_memory(const struct sim_budget *budget) {
  double sum = 0;
  for (int i = 0; i < budget->count; i++)
    sum += budget->heaps[i].byte_seconds;
  return sum / (budget->until_seconds - budget->from_seconds);
}

double sim_budget_cpus(const struct sim_budget *budget) {
  double sum = 0;
  for (int i = 0; i < budget->count; i++)
    sum += budget->heaps[i].gc_cpu_seconds;
  return sum / (budget->until_seconds - budget->from_seconds);
}
