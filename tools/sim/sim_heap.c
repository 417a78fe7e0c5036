/* Between cycles mutators allocate at their rate until the heap is at the pacer's trigger.  While a
 * cycle marks, sim_mark.c divides the CPUs.  What was allocated during a mark survives that
 * mark and is gone in the next.
 *
 * The assist ratio is work left over room left.  As long as marking and allocation go on in that
 * very proportion it stays what it was, and when GC has more than it needs it only falls; so one
 * step does for all the work that the pacer expected.  Work beyond that changes the pacer's plan
 * and gets more steps, each with a ratio of its own: each a quarter of what is left, so that a
 * handful do. */
#include "sim_heap.h"

#include <stddef.h>

#include "bytes.h"

#define HEAP_SURPRISES 3 /* steps for work that was not expected */

const char *sim_heap_init(struct sim_heap *heap, const struct gaiti_pacer_config *config,
                          double cpus) {
  *heap = (struct sim_heap){.way = 1};
  return sim_driver_init(&heap->driver, config, cpus);
}

/* Where the next cycle starts; no less than `least`. */
static int64_t heap_start_bytes(const struct sim_heap *heap, int64_t trigger, int64_t least) {
  int64_t marked = heap->marked_bytes;
  if (trigger > marked && trigger < GAITI_PACER_NO_BYTES_LIMIT)
    trigger = bytes_add(marked, bytes_from_real((double)(trigger - marked) * heap->way));
  return bytes_max(trigger, least);
}

/* Runs mutators to the start of the cycle.  False when the program ends before. */
static bool heap_run(struct sim_heap *heap, const struct sim_program *program,
                     struct sim_collection *collection) {
  int64_t outside = bytes_over(heap->external_next_bytes, heap->external_bytes);
  int64_t least = bytes_add(heap->marked_bytes, outside);
  int64_t start = heap_start_bytes(heap, collection->begun.trigger_bytes, least);
  double growth = start > SIM_MOST_BYTES ? __builtin_inf() : (double)(start - least);
  struct sim_stretch *ran = &collection->ran;
  bool came = program->run(program->self, &collection->begun, growth, ran);
  sim_driver_pass(&heap->driver, sim_mark_ns(ran->seconds * 1e9));
  collection->start_bytes =
      ran->bytes == growth ? start : bytes_add(least, bytes_from_real(ran->bytes));
  heap->driver.now.heap_live_bytes = collection->start_bytes;
  return came;
}

/* Starts the cycle and its mark. */
static void heap_start(struct sim_heap *heap, const struct sim_moment *moment,
                       struct sim_collection *collection) {
  double scannable = moment->rates.scannable;
  struct sim_mark *mark = &collection->mark;
  collection->live_bytes = moment->live_bytes;
  heap->external_bytes = heap->external_next_bytes;
  mark->roots_left_bytes = bytes_from_real(moment->roots_bytes);
  mark->heap_left_bytes = bytes_from_real(moment->live_bytes * scannable);
  collection->work_bytes = sim_mark_left(mark);
  heap->driver.now.globals_bytes = mark->roots_left_bytes;
  sim_driver_start(&heap->driver, collection->start_bytes,
                   bytes_from_real(collection->ran.bytes * scannable));
}

/* ---- The steps of a mark ---- */

/* What the last step did, the program is told. */
static void heap_pass(const struct sim_program *program, const struct sim_work *before,
                      const struct sim_work *after) {
  program->pass(program->self, (double)(after->allocated_bytes - before->allocated_bytes),
                (double)(after->duration_ns - before->duration_ns) / 1e9);
}

static void heap_mark_bytes(struct sim_heap *heap, const struct sim_program *program,
                            const struct sim_rates *rates, int64_t bytes, struct sim_mark *mark) {
  struct sim_work before = mark->done;
  sim_mark_bytes(&heap->driver, rates, bytes, mark);
  heap_pass(program, &before, &mark->done);
}

/* In as few steps as are told above, at the rates with which it began. */
static void heap_mark_by_plan(struct sim_heap *heap, const struct sim_program *program,
                              const struct sim_rates *rates, struct sim_mark *mark) {
  struct gaiti_pacer_decision decision;
  sim_driver_decide(&heap->driver, &decision);
  heap_mark_bytes(heap, program, rates, bytes_add(decision.expected_work_bytes, 1), mark);
  for (int i = 1; i <= HEAP_SURPRISES && sim_mark_left(mark) > 0; i++) {
    int64_t part = i < HEAP_SURPRISES ? sim_mark_left(mark) / 4 : sim_mark_left(mark);
    heap_mark_bytes(heap, program, rates, part, mark);
  }
}

static double heap_held_bytes(const struct sim_heap *heap) {
  return (double)bytes_over(heap->driver.now.heap_live_bytes, heap->external_next_bytes);
}

static void heap_mark_in_parts(struct sim_heap *heap, const struct sim_program *program, int parts,
                               struct sim_mark *mark) {
  int64_t part = sim_mark_left(mark) / parts + 1;
  while (sim_mark_left(mark) > 0) {
    struct sim_moment moment;
    program->look(program->self, heap_held_bytes(heap), &moment);
    heap_mark_bytes(heap, program, &moment.rates, part, mark);
  }
}

static enum sim_outcome heap_mark_in_time(struct sim_heap *heap, const struct sim_program *program,
                                          const struct sim_rates *rates,
                                          const struct sim_steps *steps, struct sim_mark *mark) {
  while (sim_mark_left(mark) > 0) {
    struct sim_work before = mark->done;
    if (!sim_mark_time(&heap->driver, rates, steps->ns, mark)) return SIM_MARK_STUCK;
    heap_pass(program, &before, &mark->done);
    if (mark->steps >= steps->most) return SIM_MARK_ENDLESS;
    if (heap->driver.now.heap_live_bytes > SIM_MOST_BYTES) return SIM_HEAP_ENDLESS;
  }
  return SIM_COLLECTED;
}

static enum sim_outcome heap_mark(struct sim_heap *heap, const struct sim_program *program,
                                  const struct sim_rates *rates, const struct sim_steps *steps,
                                  struct sim_mark *mark) {
  if (steps->ns > 0) return heap_mark_in_time(heap, program, rates, steps, mark);
  if (steps->parts > 0)
    heap_mark_in_parts(heap, program, steps->parts, mark);
  else
    heap_mark_by_plan(heap, program, rates, mark);
  return SIM_COLLECTED;
}

static void heap_end(struct sim_heap *heap, const struct sim_program *program,
                     struct sim_collection *collection) {
  const struct sim_work *done = &collection->mark.done;
  int64_t found = bytes_add(bytes_from_real(collection->live_bytes), heap->external_bytes);
  struct gaiti_pacer_cycle cycle = {
      .marked_bytes = bytes_add(found, done->allocated_bytes),
      .black_bytes = done->allocated_bytes,
      .duration_ns = done->duration_ns,
      .assist_ns = done->assist_ns,
      .background_ns = -1,
      .idle_ns = done->idle_ns,
      .cpus = heap->driver.limiter.cpus,
  };
  collection->peak_bytes = heap->driver.now.heap_live_bytes;
  sim_driver_decide(&heap->driver, &collection->ended);
  if (program->tell != NULL) program->tell(program->self, collection, &cycle);
  sim_driver_end(&heap->driver, &cycle);
  heap->marked_bytes = cycle.marked_bytes;
}

enum sim_outcome sim_heap_collect(struct sim_heap *heap, const struct sim_program *program,
                                  const struct sim_steps *steps,
                                  struct sim_collection *collection) {
  struct sim_moment moment;
  *collection = (struct sim_collection){0};
  sim_driver_decide(&heap->driver, &collection->begun);
  if (!heap_run(heap, program, collection)) return SIM_PROGRAM_ENDED;
  program->look(program->self, heap_held_bytes(heap), &moment);
  heap_start(heap, &moment, collection);
  enum sim_outcome outcome = heap_mark(heap, program, &moment.rates, steps, &collection->mark);
  if (outcome == SIM_COLLECTED) heap_end(heap, program, collection);
  return outcome;
}
