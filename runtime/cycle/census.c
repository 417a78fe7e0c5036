/* The live heap is counted while threads go on allocating, and so are the counters that they raise:
 * each sum is read once, in the order that errs on the safe side. */
#include "cycle/census.h"

#include "alloc/cache.h"
#include "cycle/cycle.h"
#include "mark/marking.h"

/* The part of the old objects that counts beside those that this cycle has marked: all, if it is
 * young. */
static uint64_t census_of_old(const gait_heap *heap, uint64_t count) {
  return heap->generation.young ? count : 0;
}

/* Bytes of the heap at the end of marking, without external bytes.
 *   live, scannable  as it counts them, dead objects included
 *   black            of live, taken black
 *   marked, scan     the remainder of live and scannable
 *   reserved         of marked and black, in runs that have not handed it out yet */
struct census_counts {
  uint64_t live, scannable, black, marked, scan, reserved;
};

/* Unused bytes of runs, which are black all over when marking is closed.  Threads go on allocating.
 * Bytes that a processor has yet to flush are in none of the counts, so its run is left out to that
 * extent; they are read after the run and before the counts: bytes that are flushed in between make
 * this sum too small, and not too large. */
static uint64_t census_reserved(gait_heap *heap) {
  int64_t reserved = 0;
  gaiti_lock(&heap->procs->lock);
  for (const struct gaiti_proc *proc = heap->procs->all; proc; proc = proc->next) {
    reserved += (int64_t)gaiti_proc_count_unused(proc);
    reserved -= (int64_t)AO_load_acquire(&proc->taken.black);
  }
  gaiti_unlock(&heap->procs->lock);
  return reserved > 0 ? (uint64_t)reserved : 0;
}

/* Live bytes are read before the black ones: a processor flushes them last (mutator/proc.c). */
static struct census_counts census_count(gait_heap *heap, struct gaiti_mark_counts found) {
  struct census_counts counts = {.reserved = census_reserved(heap)};
  counts.live = gaiti_counter_read(&heap->live_bytes);
  counts.black = AO_load(&heap->black_bytes);
  counts.scannable = gaiti_counter_read(&heap->scannable_bytes);
  heap->cycle->runner.census.found_bytes =
      found.bytes + census_of_old(heap, AO_load(&heap->sweep->old_bytes));
  counts.marked = heap->cycle->runner.census.found_bytes + counts.black;
  counts.scan = found.scan_bytes + census_of_old(heap, AO_load(&heap->sweep->old_scan_bytes));
  if (counts.live > 0)
    counts.scan +=
        (uint64_t)((double)counts.black * (double)counts.scannable / (double)counts.live);
  if (counts.reserved > counts.black) counts.reserved = counts.black;
  return counts;
}

/* Sets the counters, which allocation goes on raising, back to the live bytes, and notes how much
 * was allocated, by estimate, between the end of the last mark and this one's black allocation. */
static void census_set_back(gait_heap *heap, const struct census_counts *counts) {
  struct gaiti_census *census = &heap->cycle->runner.census;
  uint64_t known = census->kept_bytes + counts->black;
  census->new_bytes = counts->live > known ? counts->live - known : 0;
  census->reserved_bytes = counts->reserved;
  census->kept_bytes = counts->marked;
  if (counts->live > counts->marked)
    gaiti_counter_sub(&heap->live_bytes, counts->live - counts->marked);
  if (counts->scannable > counts->scan)
    gaiti_counter_sub(&heap->scannable_bytes, counts->scannable - counts->scan);
}

/* Counts the live heap.  The pacer's count includes the unused part of runs, for they have been
 * taken from the heap, and allocation is counted by the run; the record's live bytes are those of
 * objects only.  Objects and external bytes are counted apart: threads change the external ones all
 * the time, and such changes are no part of the sum that is taken off here.  Returns the plan for
 * the next cycle. */
struct gaiti_pacer_next gaiti_census_take(gait_heap *heap, gait_cycle_record *record) {
  struct gaiti_mark_counts found = gaiti_marking_counts(heap);
  uint64_t peak_external = AO_load(&heap->externals.bytes);
  struct census_counts counts = census_count(heap, found);
  gaiti_externals_drop_dead(&heap->externals, &heap->map);
  uint64_t external = AO_load(&heap->externals.bytes);
  struct gaiti_pace_end end = {.peak_bytes = counts.live + peak_external,
                               .marked_bytes = counts.marked + external,
                               .reserved_bytes = counts.reserved};
  if (end.peak_bytes < end.marked_bytes) end.peak_bytes = end.marked_bytes;
  record->at_mark_end_bytes = end.peak_bytes;
  record->marked_bytes = end.marked_bytes - counts.reserved;
  record->marked_objects = found.objects + census_of_old(heap, AO_load(&heap->sweep->old_objects));
  record->allocated_black_bytes = counts.black - counts.reserved;
  record->scan_bytes = found.scan_bytes;
  record->root_bytes = AO_load(&heap->marking->root_bytes);
  record->external_bytes = external;
  record->mapped_bytes = gaiti_space_mapped(&heap->space);
  struct gaiti_pacer_next next = gaiti_pace_end_cycle(heap, &end);
  census_set_back(heap, &counts);
  return next;
}

/* Tells the pacer which part of the new bytes survived.  In a young cycle these are the bytes that
 * it found and that are not old now.  In a full one fresh blocks tell, if a good part of the heap,
 * and of the new bytes, is in such blocks. */
void gaiti_census_learn_survival(gait_heap *heap) {
  const struct gaiti_runner *runner = &heap->cycle->runner;
  const struct gaiti_census *census = &runner->census;
  const struct gaiti_sweep *sweep = heap->sweep;
  uint64_t new_bytes = census->new_bytes;
  uint64_t fresh = AO_load(&sweep->fresh_objects_bytes), old = AO_load(&sweep->old_bytes);
  if (heap->generation.young)
    gaiti_pace_learn_survival(heap, new_bytes,
                              census->found_bytes > old ? census->found_bytes - old : 0);
  else if (fresh >= new_bytes / 4 && fresh >= runner->record.marked_bytes / 16)
    gaiti_pace_learn_survival(heap, fresh, AO_load(&sweep->fresh_live_bytes));
}
