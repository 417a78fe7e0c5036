/* Litmus: counters. */
#include "alloc/totals.h"

#include "alloc/cache.h"
#include "mutator/proc.h"

/* A thread that retires a run at this moment may be seen with less than a moment before. */
static uint64_t totals_never_less(AO_t *seen, uint64_t value) {
  gaiti_counter_raise(seen, value);
  return AO_load(seen);
}

void gaiti_totals_read(gait_heap *heap, struct gaiti_totals *totals) {
  struct gaiti_procs *procs = heap->procs;
  gaiti_lock(&procs->lock);
  *totals = (struct gaiti_totals){.alloc_bytes = AO_load(&procs->gone_alloc_bytes),
                                  .alloc_objects = AO_load(&procs->gone_alloc_objects),
                                  .processors = AO_load(&procs->count)};
  for (const struct gaiti_proc *proc = procs->all; proc; proc = proc->next) {
    totals->unflushed_live_bytes += AO_load_acquire(&proc->taken.live);
    totals->alloc_bytes += AO_load_acquire(&proc->alloc_bytes);
    totals->alloc_objects += AO_load_acquire(&proc->alloc_objects);
    gaiti_proc_count_live_runs(proc, &totals->alloc_bytes, &totals->alloc_objects);
  }
  gaiti_unlock(&procs->lock);
  totals->alloc_bytes = totals_never_less(&procs->alloc_bytes_seen, totals->alloc_bytes);
  totals->alloc_objects = totals_never_less(&procs->alloc_objects_seen, totals->alloc_objects);
}
