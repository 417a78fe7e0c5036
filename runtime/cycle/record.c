#include "cycle/record.h"

#include <stdio.h>

#include "base/sized.h"

bool gaiti_records_init(struct gaiti_records *records) {
  records->last = 0;
  records->created_ns = records->ended_ns = gaiti_os_now_ns();
  return gaiti_lock_init(&records->lock, GAITI_RANK_RECORDS);
}

void gaiti_records_destroy(struct gaiti_records *records) {
  gaiti_lock_destroy(&records->lock);
}

void gaiti_records_measure(struct gaiti_records *records, gait_cycle_record *record,
                           uint64_t reserved_bytes) {
  uint64_t ended = records->created_ns + record->started_ns + record->start_ns + record->mark_ns +
                   record->end_ns;
  double seconds = (double)(ended - records->ended_ns) / 1e9;
  uint64_t before = record->live_before_bytes + reserved_bytes;
  double gc_ns = (double)(record->assist_ns + record->background_ns + record->idle_ns);
  records->ended_ns = ended;
  if (seconds <= 0) return;
  if (record->at_mark_end_bytes > before)
    record->alloc_bytes_per_second = (double)(record->at_mark_end_bytes - before) / seconds;
  record->gc_cpu_share = gc_ns / 1e9 / (seconds * record->processors);
}

void gaiti_records_add(struct gaiti_records *records, const gait_cycle_record *record) {
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

/* Go counts in binary megabytes, rounded down; its clock columns are the two stops around marking
 * and marking itself, where we have no stops: what stands there is the start, marking and the end.
 * Go has no young cycles, and no word for them. */
int gaiti_record_format(const gait_cycle_record *record, char *line, size_t line_bytes) {
  const double ms = 1e6;
  const uint64_t mb = (uint64_t)1 << 20;
  return snprintf(
      line, line_bytes,
      "gc %llu @%.3fs %.0f%%: %.3f+%.2f+%.3f ms clock, %.3f+%.2f/%.2f/%.2f+%.3f ms cpu, "
      "%llu->%llu->%llu MB, %llu MB goal, %llu MB stacks, %llu MB globals, %.0f P%s",
      (unsigned long long)record->cycle, (double)record->started_ns / 1e9,
      record->gc_cpu_share * 100, (double)record->start_ns / ms, (double)record->mark_ns / ms,
      (double)record->end_ns / ms, (double)record->start_ns * record->processors / ms,
      (double)record->assist_ns / ms, (double)record->background_ns / ms,
      (double)record->idle_ns / ms, (double)record->end_ns * record->processors / ms,
      (unsigned long long)(record->at_trigger_bytes / mb),
      (unsigned long long)(record->at_mark_end_bytes / mb),
      (unsigned long long)(record->marked_bytes / mb),
      (unsigned long long)(record->goal_bytes / mb), (unsigned long long)(record->root_bytes / mb),
      0ull, record->processors < 1 ? 1.0 : record->processors,
      record->cause == GAIT_CAUSE_FORCED ? " (forced)"
      : record->young                    ? " (young)"
                                         : "");
}
