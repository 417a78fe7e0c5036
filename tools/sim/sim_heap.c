/* Between cycles mutators allocate at their rate until the heap is at the pacer's trigger.  While a
 * cycle marks, sim_mark.c divides the processors.  What was allocated during a mark survives that
 * mark and is gone in the next.
 *
 * The assist ratio is work left over room left.  As long as marking and allocation go on in that
 * very proportion it stays what it was, and when GC has more than it needs it only falls; so one
 * step does for all the work that the pacer expected.  Work beyond that changes the pacer's plan
 * and gets more steps, each with a ratio of its own: each a quarter of what is left, so that a
 * handful do. */
#include "sim_heap.h"

#include "bytes.h"

#define HEAP_SURPRISES 3 /* steps for work that was not expected */

/* Runs mutators to the trigger. */
static bool heap_run(struct sim_heap *heap, const struct sim_source *source,
                     struct sim_collection *collection, double *growth) {
  int64_t outside = bytes_over(heap->external_next_bytes, heap->external_bytes);
  int64_t least = bytes_add(heap->marked_bytes, outside);
  int64_t start = bytes_max(collection->begun.trigger_bytes, least);
  *growth = (double)(start - least);
  double ran = source->run(source->program, *growth, &collection->run_seconds);
  sim_driver_pass(&heap->driver, sim_mark_ns(collection->run_seconds));
  collection->start_bytes = ran < *growth ? bytes_add(least, bytes_from_real(ran)) : start;
  return !(ran < *growth);
}

/* Starts the cycle and its mark. */
static void heap_start(struct sim_heap *heap, const struct sim_nature *nature, double growth,
                       struct sim_collection *collection) {
  double held = (double)bytes_over(collection->start_bytes, heap->external_next_bytes);
  collection->live_bytes = nature->live_bytes < held ? nature->live_bytes : held;
  heap->external_bytes = heap->external_next_bytes;
  heap->driver.now.globals_bytes = bytes_from_real(nature->roots_bytes);
  sim_driver_start(&heap->driver, collection->start_bytes,
                   bytes_from_real(growth * nature->rates.scannable));
  collection->mark.globals_left_bytes = heap->driver.now.globals_bytes;
  collection->mark.heap_left_bytes =
      bytes_from_real(collection->live_bytes * nature->rates.scannable);
  collection->work_bytes =
      bytes_add(collection->mark.globals_left_bytes, collection->mark.heap_left_bytes);
}

static int64_t heap_left(const struct sim_mark *mark) {
  return bytes_add(mark->globals_left_bytes, mark->heap_left_bytes);
}

static void heap_mark_bytes(struct sim_heap *heap, const struct sim_source *source,
                            const struct sim_rates *rates, int64_t bytes, struct sim_mark *mark) {
  double allocated = mark->allocated_bytes, seconds = mark->seconds;
  sim_mark_bytes(&heap->driver, rates, bytes, mark);
  source->pass(source->program, mark->allocated_bytes - allocated, mark->seconds - seconds);
}

/* In as few steps as are told above, at the rates with which it began. */
static void heap_mark_by_plan(struct sim_heap *heap, const struct sim_source *source,
                              const struct sim_rates *rates, struct sim_mark *mark) {
  struct gaiti_pacer_decision decision;
  sim_driver_decide(&heap->driver, &decision);
  heap_mark_bytes(heap, source, rates, bytes_add(decision.expected_work_bytes, 1), mark);
  for (int i = 1; i <= HEAP_SURPRISES && heap_left(mark) > 0; i++) {
    int64_t part = i < HEAP_SURPRISES ? heap_left(mark) / 4 : heap_left(mark);
    heap_mark_bytes(heap, source, rates, part, mark);
  }
}

static void heap_mark_in_steps(struct sim_heap *heap, const struct sim_source *source, int steps,
                               struct sim_mark *mark) {
  int64_t step = heap_left(mark) / steps + 1;
  while (heap_left(mark) > 0) {
    struct sim_nature nature;
    source->look(source->program, &nature);
    heap_mark_bytes(heap, source, &nature.rates, step, mark);
  }
}

static int64_t heap_ns(double seconds) {
  double ns = seconds * 1e9;
  return bytes_from_real(ns < 1e17 ? ns : 1e17);
}

static void heap_end(struct sim_heap *heap, const struct sim_collection *collection) {
  const struct sim_mark *mark = &collection->mark;
  int64_t black = bytes_from_real(mark->allocated_bytes);
  int64_t found = bytes_add(bytes_from_real(collection->live_bytes), heap->external_bytes);
  const struct gaiti_pacer_cycle cycle = {
      .marked_bytes = bytes_add(found, black),
      .black_bytes = black,
      .duration_ns = heap_ns(mark->seconds),
      .assist_ns = heap_ns(mark->assist_seconds),
      .background_ns = -1,
      .idle_ns = heap_ns(mark->idle_seconds),
      .processors = heap->driver.limiter.processors,
  };
  sim_driver_end(&heap->driver, &cycle);
  heap->marked_bytes = cycle.marked_bytes;
}

bool sim_heap_collect(struct sim_heap *heap, const struct sim_source *source, int steps,
                      struct sim_collection *collection) {
  struct sim_nature nature;
  double growth;
  *collection = (struct sim_collection){0};
  sim_driver_decide(&heap->driver, &collection->begun);
  if (!heap_run(heap, source, collection, &growth)) {
    heap->driver.now.heap_live_bytes = collection->start_bytes;
    return false;
  }
  source->look(source->program, &nature);
  heap_start(heap, &nature, growth, collection);
  if (steps > 0)
    heap_mark_in_steps(heap, source, steps, &collection->mark);
  else
    heap_mark_by_plan(heap, source, &nature.rates, &collection->mark);
  collection->peak_bytes = heap->driver.now.heap_live_bytes;
  sim_driver_decide(&heap->driver, &collection->ended);
  heap_end(heap, collection);
  return true;
}
