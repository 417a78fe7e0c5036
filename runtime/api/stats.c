/* The snapshot of numbers. */
#include "alloc/totals.h"
#include "base/check.h"
#include "base/sized.h"
#include "cycle/cycle.h"
#include "mutator/lateness.h"
#include "weak/finalizers.h"

static void stats_count_allocations(gait_heap *heap, gait_stats *stats) {
  struct gaiti_totals totals;
  gaiti_totals_read(heap, &totals);
  stats->processors = totals.processors;
  stats->heap_live_bytes += totals.unflushed_live_bytes;
  stats->alloc_bytes = totals.alloc_bytes;
  stats->alloc_objects = totals.alloc_objects;
}

static uint64_t stats_pause_cpu_max(gait_heap *heap) {
  AO_t most_ns = AO_load(&heap->threads->pause_cpu_max_ns);
  gaiti_lock(&heap->threads->lock);
  for (const gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    gaiti_counter_raise(&most_ns, AO_load(&thread->pause_cpu_max_ns));
  gaiti_unlock(&heap->threads->lock);
  return most_ns;
}

static void stats_count_pauses(gait_heap *heap, gait_stats *stats) {
  struct gaiti_latency pauses, answers;
  stats->threads = gaiti_lateness_sum(heap, &pauses, &answers);
  stats->pauses = pauses.count;
  stats->pause_total_ns = pauses.total_ns;
  stats->pause_max_ns = pauses.max_ns;
  stats->pause_cpu_max_ns = stats_pause_cpu_max(heap);
  stats->pause_p50_ns = gaiti_latency_quantile(&pauses, 0.5);
  stats->pause_p99_ns = gaiti_latency_quantile(&pauses, 0.99);
  stats->pause_p9999_ns = gaiti_latency_quantile(&pauses, 0.9999);
  stats->answers = answers.count;
  stats->late_max_ns = answers.max_ns;
  stats->late_p50_ns = gaiti_latency_quantile(&answers, 0.5);
  stats->late_p99_ns = gaiti_latency_quantile(&answers, 0.99);
}

static void stats_count_cycles(gait_heap *heap, gait_stats *stats) {
  struct gaiti_cycle *cycle = heap->cycle;
  gaiti_lock(&cycle->requests.lock);
  stats->cycles = cycle->requests.finished;
  stats->forced_cycles = cycle->requests.forced_cycles;
  stats->young_cycles = cycle->requests.young_cycles;
  gaiti_unlock(&cycle->requests.lock);
  gaiti_lock(&cycle->pace.lock);
  stats->marked_bytes = cycle->pace.live_bytes;
  stats->gc_assist_ns = AO_load(&cycle->pace.total_assist_ns);
  stats->gc_background_ns = AO_load(&cycle->pace.total_background_ns);
  stats->gc_idle_ns = AO_load(&cycle->pace.total_idle_ns);
  stats->gc_stopped_ns = AO_load(&cycle->pace.total_stopped_cpu_ns);
  stats->cpus = cycle->pace.cpus;
  gaiti_unlock(&cycle->pace.lock);
  stats->gc_cpu_ns = stats->gc_assist_ns + stats->gc_background_ns + stats->gc_stopped_ns;
  stats->goal_bytes = AO_load(&cycle->pace.goal_bytes);
  stats->trigger_bytes = AO_load(&cycle->pace.trigger_bytes);
  stats->memory_limit_bytes = (int64_t)AO_load(&heap->memory_limit);
  stats->memory_pressure_percent = gaiti_pace_pressure(heap);
}

static void stats_count_finalizers(gait_heap *heap, gait_stats *stats) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  gaiti_lock(&finalizers->lock);
  stats->finalizers = finalizers->table.used;
  gaiti_unlock(&finalizers->lock);
  stats->finalizers_due = AO_load(&finalizers->due);
  stats->finalizers_oldest_ns = gaiti_due_oldest_ns(heap);
  stats->finalizers_run = AO_load(&finalizers->run);
  stats->finalizers_slow = AO_load(&finalizers->slow);
  stats->finalizers_slowest_ns = AO_load(&finalizers->slowest_ns);
}

/* Counts that processors have yet to flush are read before the heap's own: one that is flushed in
 * between is seen twice, and not never. */
static void stats_fill(gait_heap *heap, gait_stats *stats) {
  *stats = (gait_stats){0};
  stats_count_allocations(heap, stats);
  stats->heap_live_bytes += gaiti_heap_live(heap);
  stats->mapped_bytes = gaiti_space_mapped(&heap->space);
  gaiti_counter_raise(&heap->space.mapped_peak_bytes, stats->mapped_bytes);
  stats->mapped_peak_bytes = AO_load(&heap->space.mapped_peak_bytes);
  stats->reserved_bytes = heap->map.bytes;
  stats->side_table_bytes = AO_load(&heap->space.table_bytes);
  stats->structure_bytes = AO_load(&heap->space.structure_bytes);
  stats->external_bytes = AO_load(&heap->externals.bytes);
  stats->released_bytes = AO_load(&heap->space.released_bytes);
  stats_count_cycles(heap, stats);
  stats_count_pauses(heap, stats);
  stats_count_finalizers(heap, stats);
}

void gait_stats_read_sized(gait_heap *heap, gait_stats *stats, size_t stats_bytes) {
  REQUIRE_ARGUMENT(heap);
  REQUIRE_ARGUMENT(stats);
  REQUIRE("struct.bytes", gaiti_sized_may_fill(stats_bytes, GAITI_STATS_BYTES),
          "a gait_stats has at least the size of version 0.2.0");
  gait_stats own;
  stats_fill(heap, &own);
  gaiti_sized_copy(stats, stats_bytes, &own, sizeof own);
}
