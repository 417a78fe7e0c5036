/* Models: start, termination. */
#include "mutator/proc.h"

#include "mutator/thread.h"
#include "base/check.h"

/* Stands for every kind of which a processor has allocated nothing: no cursor has a slot, so the
 * first allocation takes the slow path.  Never written. */
static struct gaiti_row proc_empty_row;

static struct gait_cursor *proc_no_rows[GAIT_MAX_KINDS];
static pthread_once_t proc_no_rows_once = PTHREAD_ONCE_INIT;

static void proc_clear_rows(struct gait_cursor **rows) {
  for (uint32_t kind = 0; kind < GAIT_MAX_KINDS; kind++)
    rows[kind] = proc_empty_row.cursors;
}

static void proc_init_no_rows(void) {
  proc_clear_rows(proc_no_rows);
}

struct gait_cursor *const *gaiti_proc_no_rows(void) {
  pthread_once(&proc_no_rows_once, proc_init_no_rows);
  return proc_no_rows;
}

bool gaiti_procs_init(gait_heap *heap) {
  heap->procs = gaiti_structure_alloc(&heap->space, sizeof *heap->procs);
  if (!heap->procs) return false;
  if (gaiti_lock_init(&heap->procs->lock, GAITI_RANK_PROCS)) return true;
  gaiti_structure_free(&heap->space, heap->procs, sizeof *heap->procs);
  return false;
}

static void proc_free(gait_heap *heap, struct gaiti_proc *proc) {
  for (uint32_t kind = 0; kind < proc->kinds; kind++)
    if (proc->rows[kind] != proc_empty_row.cursors)
      gaiti_structure_free_at(&heap->space, proc->rows[kind], sizeof(struct gaiti_row));
  gaiti_structure_free_at(&heap->space, proc, sizeof *proc);
}

void gaiti_procs_destroy(gait_heap *heap) {
  struct gaiti_procs *procs = heap->procs;
  while (procs->all) {
    struct gaiti_proc *proc = procs->all;
    procs->all = proc->next;
    proc_free(heap, proc);
  }
  gaiti_lock_destroy(&procs->lock);
  gaiti_structure_free(&heap->space, procs, sizeof *procs);
}

struct gaiti_row *gaiti_proc_row(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind) {
  if (proc->rows[kind] != proc_empty_row.cursors) return gaiti_row_of(proc, kind);
  struct gaiti_row *row = gaiti_structure_alloc_at(&heap->space, GAITI_PLACE_OF_ROW, sizeof *row);
  if (!row) return NULL;
  for (unsigned i = 0; i < GAIT_SIZE_CLASSES; i++)
    row->runs[i].block = GAITI_NO_BLOCK;
  proc->rows[kind] = row->cursors;
  if (proc->kinds <= kind) proc->kinds = kind + 1u;
  return row;
}

void gaiti_proc_each_cache(gait_heap *heap, struct gaiti_proc *proc, gaiti_cache_visit_fn *visit) {
  for (uint32_t kind = 0; kind < proc->kinds; kind++) {
    if (proc->rows[kind] == proc_empty_row.cursors) continue;
    const struct gaiti_row *row = gaiti_row_of(proc, (uint16_t)kind);
    for (unsigned i = 0; i < GAIT_SIZE_CLASSES; i++)
      if (row->runs[i].start || row->runs[i].block != GAITI_NO_BLOCK)
        visit(heap, proc, (uint16_t)kind, i);
  }
}

/* ---- Counts of the caches ---- */

/* A processor flushes its counts when it has taken so much, or its part of the sum that all may
 * keep. */
#define PROC_FLUSH_BYTES (GAITI_STRESS ? (AO_t)64 : (AO_t)GAITI_BLOCK_BYTES)

static void proc_flush_count(AO_t *taken, AO_t *counter) {
  AO_t bytes = AO_load(taken);
  AO_store(taken, 0);
  gaiti_counter_add_some(counter, bytes);
}

/* Live bytes come last: a census between the two additions takes the black ones for live a second
 * time, and not for dead. */
void gaiti_proc_flush_counts(gait_heap *heap, struct gaiti_proc *proc) {
  proc_flush_count(&proc->taken.black, &heap->black_bytes);
  proc_flush_count(&proc->taken.scannable, &heap->scannable_bytes);
  proc_flush_count(&proc->taken.live, &heap->live_bytes);
}

void gaiti_proc_take(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind, uint64_t bytes,
                     bool black) {
  struct gaiti_taken *taken = &proc->taken;
  AO_t unflushed = AO_load(&taken->live) + bytes;
  AO_store(&taken->live, unflushed);
  if (!gaiti_kind_is_leaf(&heap->kinds, kind))
    AO_store(&taken->scannable, AO_load(&taken->scannable) + bytes);
  if (black) AO_store(&taken->black, AO_load(&taken->black) + bytes);
  if (unflushed >= PROC_FLUSH_BYTES ||
      unflushed * AO_load(&heap->procs->count) >= GAITI_PROCS_UNFLUSHED_BYTES)
    gaiti_proc_flush_counts(heap, proc);
}

/* ---- Holders ---- */

static struct gaiti_proc *proc_new(gait_heap *heap) {
  struct gaiti_procs *procs = heap->procs;
  struct gaiti_proc *proc =
      gaiti_structure_alloc_at(&heap->space, GAITI_PLACE_OF_PROC, sizeof *proc);
  if (!proc) return NULL;
  proc_clear_rows(proc->rows);
  proc->next = procs->all;
  procs->all = proc;
  proc->number = (uint32_t)gaiti_counter_add(&procs->count, 1) - 1;
  gaiti_sampler_init(&proc->sampler, (uint64_t)heap->options.profile_bytes,
                     (uint64_t)heap->options.debug.seed + ((uint64_t)proc->number << 32));
  return proc;
}

/* Takes a processor from a thread that is outside.  While that thread is suspended it cannot enter,
 * and afterwards it finds that it has none.  The two must have seen the same handshakes, so that
 * each handshake acts on the processor once (.handshake.theft). */
static struct gaiti_proc *proc_steal(struct gaiti_procs *procs, const gait_thread *thief) {
  for (struct gaiti_proc *proc = procs->all; proc; proc = proc->next) {
    gait_thread *holder = proc->holder;
    if (!holder || !gaiti_thread_try_suspend(holder)) continue;
    if (AO_load(&holder->seen) != AO_load(&thief->seen)) {
      gaiti_thread_resume(holder);
      continue;
    }
    holder->proc = NULL;
    holder->fast.rows = gaiti_proc_no_rows();
    proc->holder = NULL;
    gaiti_delay(thief->heap);
    gaiti_thread_resume(holder);
    return proc;
  }
  return NULL;
}

bool gaiti_proc_acquire(gait_thread *thread) {
  struct gaiti_procs *procs = thread->heap->procs;
  gaiti_lock(&procs->lock);
  struct gaiti_proc *proc = procs->free;
  if (proc)
    procs->free = proc->next_free;
  else
    proc = proc_steal(procs, thread);
  if (!proc) proc = proc_new(thread->heap);
  if (proc) {
    proc->holder = thread;
    thread->proc = proc;
    thread->fast.rows = proc->rows;
  }
  gaiti_unlock(&procs->lock);
  return proc != NULL;
}

void gaiti_proc_surrender(gait_thread *thread) {
  struct gaiti_procs *procs = thread->heap->procs;
  struct gaiti_proc *proc = thread->proc;
  if (!proc) return;
  CHECK("proc.buffer", !proc->buffer, "a processor is freed with shaded references in its buffer");
  thread->proc = NULL;
  thread->fast.rows = gaiti_proc_no_rows();
  gaiti_delay(thread->heap);
  gaiti_lock(&procs->lock);
  proc->holder = NULL;
  proc->next_free = procs->free;
  procs->free = proc;
  gaiti_unlock(&procs->lock);
}

/* ---- Giving back ---- */

/* So many processors without a holder stay at least. */
#define PROCS_SPARE 4u
/* And no more of them are freed by one cycle. */
#define PROCS_TRIM_MOST 64u

/* Takes those that go off the list of all. */
static void procs_unlink_locked(struct gaiti_procs *procs) {
  struct gaiti_proc **place = &procs->all;
  while (*place) {
    const struct gaiti_proc *proc = *place;
    if (!proc->to_free) {
      place = &(*place)->next;
      continue;
    }
    *place = proc->next;
    gaiti_counter_sub(&procs->count, 1);
    gaiti_counter_add(&procs->gone_alloc_bytes, AO_load(&proc->alloc_bytes));
    gaiti_counter_add(&procs->gone_alloc_objects, AO_load(&proc->alloc_objects));
  }
}

/* Takes the end of the list of those without a holder. */
static struct gaiti_proc *procs_take_spare_locked(struct gaiti_procs *procs) {
  uint32_t spare = 0;
  struct gaiti_proc **place = &procs->free;
  for (const struct gaiti_proc *proc = procs->free; proc; proc = proc->next_free)
    spare++;
  if (spare <= PROCS_SPARE) return NULL;
  uint32_t most = (spare - PROCS_SPARE + 1) / 2;
  if (most > PROCS_TRIM_MOST) most = PROCS_TRIM_MOST;
  for (uint32_t i = 0; i < spare - most; i++)
    place = &(*place)->next_free;
  struct gaiti_proc *taken = *place;
  *place = NULL;
  for (struct gaiti_proc *proc = taken; proc; proc = proc->next_free)
    proc->to_free = true;
  procs_unlink_locked(procs);
  return taken;
}

/* One without a holder belongs to the lists alone: its caches and its buffer are empty, and it has
 * flushed its counts.  A walk through all of them without the lock stops every thread, on the
 * thread that runs the cycle. */
void gaiti_procs_trim(gait_heap *heap) {
  gaiti_lock(&heap->procs->lock);
  struct gaiti_proc *taken = procs_take_spare_locked(heap->procs);
  gaiti_unlock(&heap->procs->lock);
  while (taken) {
    struct gaiti_proc *proc = taken;
    taken = proc->next_free;
    proc_free(heap, proc);
  }
}

/* ---- After a fork ---- */

static void proc_abandon_rows(struct gaiti_proc *proc) {
  proc->freed.count = 0;
  for (uint32_t kind = 0; kind < GAIT_MAX_KINDS; kind++) {
    if (proc->rows[kind] == proc_empty_row.cursors) continue;
    proc->kinds = kind + 1; /* it was raised after the row was hung up */
    struct gaiti_row *row = gaiti_row_of(proc, (uint16_t)kind);
    for (unsigned i = 0; i < GAIT_SIZE_CLASSES; i++) {
      row->cursors[i] = (struct gait_cursor){NULL, NULL};
      row->runs[i] = (struct gaiti_run){.block = GAITI_NO_BLOCK};
    }
  }
}

/* Processors that have been surrendered are empty, and listed anew with the rest. */
void gaiti_procs_recover(gait_heap *heap, const gait_thread *caller) {
  struct gaiti_procs *procs = heap->procs;
  gaiti_lock(&procs->lock);
  procs->free = NULL;
  for (struct gaiti_proc *proc = procs->all; proc; proc = proc->next) {
    if (caller && proc->holder == caller) continue;
    proc_abandon_rows(proc);
    gaiti_proc_flush_counts(heap, proc);
    proc->assist_credit = 0;
    proc->holder = NULL;
    proc->next_free = procs->free;
    procs->free = proc;
  }
  gaiti_unlock(&procs->lock);
}
