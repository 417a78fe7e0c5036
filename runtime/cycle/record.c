#include "cycle/record.h"

#include <stdio.h>

#include "base/sized.h"
#include "cycle/cycle.h"
#include "mutator/lateness.h"

_Static_assert((int)GAIT_GOAL_CPU_CAP == (int)GAITI_PACER_RULE_CPU_CAP &&
                   (int)GAIT_GOAL_START_ROOM == (int)GAITI_PACER_RULE_START_ROOM &&
                   (int)GAITI_PACER_RULES == (int)GAIT_GOAL_CPU_CAP + 1,
               "rules have the same values for both");
_Static_assert((int)GAIT_TRIGGER_NEVER == (int)GAITI_PACER_TRIGGER_NEVER &&
                   (int)GAIT_TRIGGER_NO_ROOM == (int)GAITI_PACER_TRIGGER_NO_ROOM,
               "bounds of the trigger have the same values for both");

bool gaiti_records_init(struct gaiti_records *records) {
  records->last = 0;
  records->created_ns = records->ended_ns = gaiti_os_now_ns();
  return gaiti_lock_init(&records->lock, GAITI_RANK_RECORDS);
}

void gaiti_records_destroy(struct gaiti_records *records) {
  gaiti_lock_destroy(&records->lock);
}

static void records_measure(struct gaiti_records *records, gait_cycle_record *record,
                            uint64_t reserved_bytes) {
  uint64_t ended = records->created_ns + record->started_ns + record->start_ns + record->mark_ns +
                   record->end_ns;
  double seconds = (double)(ended - records->ended_ns) / 1e9;
  uint64_t before = record->live_before_bytes + reserved_bytes;
  double gc_ns = (double)(record->assist_ns + record->background_ns + record->stopped_cpu_ns);
  records->ended_ns = ended;
  if (seconds <= 0) return;
  if (record->at_mark_end_bytes > before)
    record->alloc_bytes_per_second = (double)(record->at_mark_end_bytes - before) / seconds;
  record->gc_cpu_share = gaiti_pacer_cpu_share(gc_ns / 1e9, seconds, record->cpus);
}

static void records_add(struct gaiti_records *records, const gait_cycle_record *record) {
  gaiti_lock(&records->lock);
  records->ring[record->cycle % GAITI_RECORDS] = *record;
  records->last = record->cycle;
  gaiti_unlock(&records->lock);
}

size_t gaiti_records_copy(struct gaiti_records *records, uint64_t first, void *copies, size_t count,
                          size_t record_bytes) {
  size_t copied = 0;
  gaiti_lock(&records->lock);
  uint64_t oldest = records->last < GAITI_RECORDS ? 1 : records->last - GAITI_RECORDS + 1;
  for (uint64_t cycle = first < oldest ? oldest : first; cycle <= records->last && copied < count;
       cycle++)
    gaiti_sized_copy((char *)copies + copied++ * record_bytes, record_bytes,
                     &records->ring[cycle % GAITI_RECORDS], sizeof *records->ring);
  gaiti_unlock(&records->lock);
  return copied;
}

/* ---- A record ---- */

static uint32_t record_count_threads(gait_heap *heap) {
  gaiti_lock(&heap->threads->lock);
  uint32_t count = heap->threads->count;
  gaiti_unlock(&heap->threads->lock);
  return count;
}

/* Why it begins here: the decision that the trigger is of, which the cycle's start makes anew.  The
 * lock of the pace is held. */
static void record_plan(gait_heap *heap, gait_cycle_record *record) {
  const struct gaiti_pace *pace = &heap->cycle->pace;
  const struct gaiti_pacer_decision *decision = &pace->decision;
  int64_t growth = 0, limit = pace->pacer.config.memory_limit_bytes;
  for (int rule = GAITI_PACER_RULE_GOGC; rule <= GAITI_PACER_RULE_SQUARE_ROOT; rule++)
    if (decision->rule_bytes[rule] > growth) growth = decision->rule_bytes[rule];
  record->trigger_bytes = (uint64_t)decision->trigger_bytes;
  record->trigger_bound = (uint32_t)decision->trigger_bound;
  record->planned_goal_bytes = (uint64_t)decision->goal_bytes;
  record->counted_bytes = (uint64_t)decision->marked_bytes;
  record->growth_goal_bytes = (uint64_t)growth;
  record->runway_bytes = (uint64_t)decision->runway_bytes;
  record->expected_work_bytes = (uint64_t)decision->expected_work_bytes;
  record->overhead_bytes = gaiti_pace_overhead(heap);
  record->held_limit_bytes = limit == GAITI_PACER_NO_BYTES_LIMIT ? GAIT_OFF : limit;
  record->background_percent = heap->options.background_percent;
  record->cpu_cap_percent = (int64_t)AO_load(&pace->cpu_cap_percent);
}

void gaiti_record_begin(gait_heap *heap, gait_cycle_cause cause) {
  struct gaiti_cycle *cycle = heap->cycle;
  struct gaiti_pace *pace = &cycle->pace;
  uint32_t threads = record_count_threads(heap);
  gaiti_lock(&pace->lock);
  cycle->runner.record = (gait_cycle_record){
      .cycle = cycle->records.last + 1,
      .started_ns = gaiti_os_now_ns() - cycle->records.created_ns,
      .cause = cause,
      .young = heap->generation.young,
      .threads = threads,
      .gogc_percent = pace->pacer.config.gc_percent,
      .memory_limit_bytes = (int64_t)AO_load(&heap->memory_limit),
      .live_before_bytes = pace->live_bytes,
      .at_trigger_bytes = gaiti_heap_live(heap),
  };
  record_plan(heap, &cycle->runner.record);
  gaiti_unlock(&pace->lock);
  gaiti_trial_note(heap, &cycle->runner.record);
  cycle->handshakes.count = cycle->handshakes.slowest_ns = cycle->handshakes.stopped_ns = 0;
  AO_store(&cycle->handshakes.latest, 0);
  AO_store(&cycle->file.cycle, cycle->runner.record.cycle);
}

void gaiti_record_goal(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gait_cycle_record *record = &heap->cycle->runner.record;
  gaiti_lock(&pace->lock);
  record->goal_bytes = (uint64_t)pace->decision.goal_bytes;
  record->goal_rule = (uint32_t)pace->decision.rule;
  record->cpus = pace->cpus;
  gaiti_unlock(&pace->lock);
}

/* The end of marking begins when nothing is grey for the first time, outside of buffers. */
static uint64_t record_end_of_mark_ns(const struct gaiti_protocol *protocol, bool barrierless) {
  const uint64_t *entered = protocol->entered_ns;
  if (barrierless) return entered[GAITI_PHASE_CLOSE];
  return entered[GAITI_PHASE_FLUSH] ? entered[GAITI_PHASE_FLUSH] : entered[GAITI_PHASE_STOP];
}

/* What the pacer says of the cycle's end. */
static void record_pace(gait_heap *heap, gait_cycle_record *record) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  record->stopped_cpu_ns = pace->stopped_cpu_ns;
  record->cons_mark = pace->decision.cons_mark;
  record->assist_ratio = gaiti_pace_assist_ratio(pace);
  record->limiter_on = gaiti_pace_limiting(pace);
  record->limit_step = (uint32_t)pace->ladder.step;
  record->limit_unreachable = pace->decision.limit_unreachable;
  record->stalled_ns = AO_load(&pace->stalled_ns) - pace->stalled_before_ns;
  record->limiter_fill = gaiti_pacer_limiter_fill(&pace->limiter);
  gaiti_unlock(&pace->lock);
}

void gaiti_record_end(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  gait_cycle_record *record = &cycle->runner.record;
  const uint64_t *entered = cycle->protocol.entered_ns;
  uint64_t mark_ended_ns = record_end_of_mark_ns(&cycle->protocol, heap->options.barrierless);
  struct gaiti_pace *pace = &cycle->pace;
  record->start_ns = entered[GAITI_PHASE_MARK] - cycle->runner.begun_ns;
  record->mark_ns = mark_ended_ns - entered[GAITI_PHASE_MARK];
  record->end_ns = entered[GAITI_PHASE_SWEEP] - mark_ended_ns;
  record->sweep_ns = gaiti_os_now_ns() - entered[GAITI_PHASE_SWEEP];
  record->mapped_peak_bytes = AO_load(&heap->space.mapped_peak_bytes);
  record->released_bytes = AO_load(&heap->space.released_bytes);
  record->assist_ns = AO_load(&pace->assist_ns);
  record->background_ns = AO_load(&pace->background_ns);
  record->idle_ns = AO_load(&pace->idle_ns);
  record->handshakes = cycle->handshakes.count;
  record->handshake_max_ns = cycle->handshakes.slowest_ns;
  record->stopped_ns = cycle->handshakes.stopped_ns;
  record->memory_pressure_percent = gaiti_pace_pressure(heap);
  record->late_ns = gaiti_lateness_ns(AO_load(&cycle->handshakes.latest));
  record->late_thread = gaiti_lateness_thread(AO_load(&cycle->handshakes.latest));
  record_pace(heap, record);
  records_measure(&cycle->records, record, cycle->runner.census.reserved_bytes);
  records_add(&cycle->records, record);
}

/* Go counts in binary megabytes, rounded down.  Its columns of wall time are the two stops around
 * marking and marking itself, where we have no stops: here they are the start, marking and the end.
 * Its first and last column of CPU time are those of the two stops.  Here no thread is stopped at
 * the start; threads that are stopped, where they are, are so at the end.  Go has no young cycles,
 * and no word for them. */
int gaiti_record_format(const gait_cycle_record *record, char *line, size_t line_bytes) {
  const double ms = 1e6;
  const uint64_t mb = (uint64_t)1 << 20;
  return snprintf(
      line, line_bytes,
      "gc %llu @%.3fs %.0f%%: %.3f+%.2f+%.3f ms clock, 0+%.2f/%.2f/%.2f+%.3f ms cpu, "
      "%llu->%llu->%llu MB, %llu MB goal, %llu MB stacks, %llu MB globals, %.0f P%s",
      (unsigned long long)record->cycle, (double)record->started_ns / 1e9,
      record->gc_cpu_share * 100, (double)record->start_ns / ms, (double)record->mark_ns / ms,
      (double)record->end_ns / ms, (double)record->assist_ns / ms,
      (double)record->background_ns / ms, (double)record->idle_ns / ms,
      (double)record->stopped_cpu_ns / ms, (unsigned long long)(record->at_trigger_bytes / mb),
      (unsigned long long)(record->at_mark_end_bytes / mb),
      (unsigned long long)(record->marked_bytes / mb),
      (unsigned long long)(record->goal_bytes / mb), (unsigned long long)(record->root_bytes / mb),
      0ull, record->cpus < 1 ? 1.0 : record->cpus,
      record->cause == GAIT_CAUSE_FORCED ? " (forced)"
      : record->young                    ? " (young)"
                                         : "");
}
