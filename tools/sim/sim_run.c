#include "sim_run.h"

#include <stddef.h>

static double run_more(double a, double b) {
  return a > b ? a : b;
}

/* What the collection shows, of the program whose cycles up to it are in `result`. */
static struct sim_cycle run_measure(const struct sim_run *run,
                                    const struct sim_collection *collection,
                                    const struct sim_result *result) {
  const struct sim_mark *mark = &collection->mark;
  return (struct sim_cycle){
      .number = result->cycles + 1,
      .start_seconds = result->seconds + collection->ran.seconds,
      .mark_seconds = (double)mark->done.duration_ns / 1e9,
      .trigger_bytes = (double)collection->start_bytes,
      .goal_bytes = (double)collection->ended.goal_bytes,
      .peak_bytes = (double)collection->peak_bytes,
      .marked_bytes = collection->live_bytes + (double)mark->done.allocated_bytes,
      .assist_seconds = (double)mark->done.assist_ns / 1e9,
      .background_seconds = mark->background_ns / 1e9,
      .idle_seconds = (double)mark->done.idle_ns / 1e9,
      .rule = collection->ended.rule,
      .limiting = run->heap->driver.now.limiting,
  };
}

static void run_count(const struct sim_cycle *cycle, const struct sim_collection *collection,
                      struct sim_result *result) {
  double over = cycle->peak_bytes / cycle->goal_bytes;
  result->cycles++;
  result->seconds = cycle->start_seconds + cycle->mark_seconds;
  result->allocated_bytes += collection->ran.bytes + (double)collection->mark.done.allocated_bytes;
  result->gc_cpu_seconds += cycle->assist_seconds + cycle->background_seconds;
  result->assist_cpu_seconds += cycle->assist_seconds;
  result->idle_cpu_seconds += cycle->idle_seconds;
  result->peak_heap_bytes = run_more(result->peak_heap_bytes, cycle->peak_bytes);
  result->mark_seconds += cycle->mark_seconds;
  result->mean_live_bytes += collection->live_bytes;
  result->peak_over_goal_mean += over;
  result->peak_over_goal_max = run_more(result->peak_over_goal_max, over);
  result->limiting_cycles += cycle->limiting;
  result->unreachable_cycles += collection->ended.limit_unreachable;
}

/* One cycle.  False when the program ended before it. */
static bool run_cycle(const struct sim_run *run, struct sim_result *result) {
  struct sim_collection collection;
  if (sim_heap_collect(run->heap, run->program, &run->steps, &collection) != SIM_COLLECTED) {
    result->seconds += collection.ran.seconds;
    result->allocated_bytes += collection.ran.bytes;
    return false;
  }
  struct sim_cycle cycle = run_measure(run, &collection, result);
  run_count(&cycle, &collection, result);
  if (run->see != NULL) run->see(run->context, &cycle);
  return true;
}

void sim_run(const struct sim_run *run, struct sim_result *result) {
  *result = (struct sim_result){0};
  while ((double)result->cycles < run->most_cycles && run_cycle(run, result))
    ;
  if (result->cycles > 0) {
    result->mean_live_bytes /= (double)result->cycles;
    result->peak_over_goal_mean /= (double)result->cycles;
  } else {
    result->peak_heap_bytes = result->allocated_bytes;
  }
}
