/* The cycle.
 *
 * The claim to be shown is that no reachable object is freed, though threads run all the time.
 *
 * Start.  Handshake 1 turns the barrier on; handshake 2 waits for stores that were in flight
 * meanwhile (barrier/barrier.c); handshake 3 scans each thread's stack, and the thread allocates
 * black from then on.  Registered roots are scanned after handshake 2 as well; a barriered root is
 * a field of an object that is always reachable.
 *
 * .cycle.black-with-scan  Black allocation begins with the scan of the thread's own stack, not with
 * its barrier: a thread without a barrier could store a white reference into a black object of
 * another, where marking would not look again (tests/model/start.pml).
 *
 * A young cycle (mark/young.c) begins with old objects that are marked, and are black from then on.
 * Between handshakes 2 and 3 those that may refer to young ones are made grey.
 *
 *   at each moment after handshake 2: every white object that a thread can reach is reachable from
 *   a grey one, through white ones only, or from the stack of a thread that has not been scanned.
 *
 * The deletion half of the barrier keeps this when a reference is cut, the insertion half when a
 * thread not yet scanned hides one in a black object.  When all roots have been scanned the first
 * half is enough (.barrier.settled).
 *
 * End.  Marking is finished when nothing is grey: the queue is empty, no marker is active, no shade
 * is pending and no thread's buffer has an unmarked object.  The last can only be asked thread by
 * thread.
 *
 * .cycle.flush-again  Let t0 be a moment when the first three hold, and `objects` the number of
 * objects marked by then.  A flush handshake follows, and its shades are marked.  If the count is
 * still `objects` then no unmarked object was in any buffer at t0: a buffer only grows until it is
 * flushed, every entry that it held at t0 was flushed by its thread's answer, and none of these
 * objects was newly marked, by that flush or by any other thread in between.  So at t0 nothing was
 * grey, and by the invariant nothing white was reachable; and objects allocated after t0 are black.
 * Otherwise there is a new t0 and another flush.  An object that fell out of the queue, or was
 * shaded when there was no memory for a buffer, is marked and grey, so t0 cannot be before it has
 * been found again.
 *
 * .cycle.unbarriered  Roots without a barrier break the invariant: a plain store may hide a white
 * object there, and another thread, scanned already, may load it from there onto its stack and cut
 * it off.  So such roots, and the stacks as well, are scanned once more with every thread held, and
 * marking is then drained while no thread can hide anything.  The same holds for a cycle in which
 * such a root was removed: the object that was hidden there may be on a stack by now.
 *
 * .cycle.epoch-first  The epoch rises before any thread turns black allocation off: from then on a
 * run is taken only from a block of the new epoch, which this sweep leaves alone, so it makes no
 * difference whether its slots are marked; and it must not be marked, for no sweep would clear the
 * mark.  A thread that reads the old epoch takes black slots in an old block, which it has to do
 * before it answers.  Sweeping starts when all have answered.
 *
 * Steps.  The cycle is cut into steps.  Each is a function that returns the next step, and another
 * thread can take a step up where one thread leaves it, so a thread that allocates can run a cycle
 * as far as it comes without waiting for long (collector.c).  A thread that must not wait differs
 * from the collector's thread in this: it marks alone, looks at the clock, and leaves the walk over
 * marked objects, the end with all threads held and all work that is too long to that thread. */
#include "cycle/cycle.h"

#include "alloc/cache.h"
#include "base/collecting.h"
#include "cycle/check.h"
#include "mark/marker.h"
#include "mark/roots.h"
#include "mark/young.h"

const char *gaiti_phase_name(enum gaiti_phase phase) {
  static const char *const names[] = {"idle", "start", "mark", "end", "off", "sweep"};
  return names[phase];
}

bool gaiti_cycle_init(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle = gaiti_structure_alloc(&heap->space, sizeof *cycle);
  if (!cycle) return false;
  if (!gaiti_lock_init(&cycle->lock, GAITI_RANK_COLLECT)) goto fail_memory;
  if (!gaiti_condition_init(&cycle->asked)) goto fail_lock;
  if (!gaiti_condition_init(&cycle->ended)) goto fail_asked;
  if (!gaiti_condition_init(&cycle->advanced)) goto fail_ended;
  if (!gaiti_pace_init(heap)) goto fail_advanced;
  if (!gaiti_workers_init(heap)) goto fail_pace;
  if (!gaiti_records_init(&cycle->records)) goto fail_workers;
  if (!(cycle->own_marker = gaiti_marker_take(heap))) goto fail_records;
  gaiti_marker_pause(cycle->own_marker);
  gaiti_pace_settle(heap);
  return true;
fail_records:
  gaiti_records_destroy(&cycle->records);
fail_workers:
  gaiti_workers_destroy(heap);
fail_pace:
  gaiti_pace_destroy(heap);
fail_advanced:
  gaiti_condition_destroy(&cycle->advanced);
fail_ended:
  gaiti_condition_destroy(&cycle->ended);
fail_asked:
  gaiti_condition_destroy(&cycle->asked);
fail_lock:
  gaiti_lock_destroy(&cycle->lock);
fail_memory:
  gaiti_structure_free(&heap->space, cycle, sizeof *cycle);
  return false;
}

void gaiti_cycle_destroy(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  gaiti_marker_resume(cycle->own_marker);
  gaiti_marker_give(cycle->own_marker);
  gaiti_records_destroy(&cycle->records);
  gaiti_workers_destroy(heap);
  gaiti_pace_destroy(heap);
  gaiti_condition_destroy(&cycle->advanced);
  gaiti_condition_destroy(&cycle->ended);
  gaiti_condition_destroy(&cycle->asked);
  gaiti_lock_destroy(&cycle->lock);
  gaiti_structure_free(&heap->space, cycle, sizeof *cycle);
}

/* ---- Phases and roots ---- */

/* Litmus: tests/litmus/stalled.litmus. */
void gaiti_cycle_tell_phase(gait_heap *heap) {
  if (!AO_load(&heap->cycle->stalled)) return;
  gaiti_lock(&heap->cycle->lock);
  gaiti_wake(&heap->cycle->advanced);
  gaiti_unlock(&heap->cycle->lock);
}

static void cycle_enter(gait_heap *heap, enum gaiti_phase phase) {
  gaiti_cycle_set_phase(heap, phase);
  gaiti_cycle_tell_phase(heap);
}

/* Marks from the registered roots, with the runner's own marker.
 * Model: tests/model/start.pml, roots.pml. */
static void cycle_scan_registered(gait_heap *heap, enum gaiti_roots_which which) {
  struct gaiti_marker *marker = heap->cycle->own_marker;
  gaiti_marker_resume(marker);
  size_t bytes = gaiti_roots_scan_registered(heap, marker, which);
  gaiti_marker_pause(marker);
  gaiti_counter_add(&heap->marking->root_bytes, bytes);
}

/* ---- Marking ---- */

static bool cycle_is_patient(const gait_heap *heap) {
  return heap->cycle->until_ns == GAITI_NO_END;
}

/* Marks the objects that fell out of the queue when it could not grow: every marked object is
 * traced anew.  The flag is lowered before any mark is looked at: a thread that drops an entry has
 * marked its object and raises the flag after.  Model: tests/model/overflow.pml. */
static void cycle_rescan_marked(gait_heap *heap) {
  struct gaiti_marker *marker = heap->cycle->own_marker;
  while (gaiti_marking_overflowed(heap)) {
    gaiti_marking_forget_overflow(heap);
    gaiti_marker_resume(marker);
    gaiti_marker_rescan(marker);
    gaiti_marker_pause(marker);
    gaiti_workers_mark(heap);
  }
}

/* Returns whether nothing is grey outside the threads' buffers: always, when there is no end.
 * Model: tests/model/start.pml, termination.pml, roots.pml, weak.pml, overflow.pml. */
static bool cycle_mark_until_idle(gait_heap *heap) {
  if (!cycle_is_patient(heap))
    return gaiti_workers_mark_alone(heap, heap->cycle->mark_until_ns) &&
           !gaiti_marking_overflowed(heap);
  gaiti_workers_mark(heap);
  cycle_rescan_marked(heap);
  return true;
}

/* Marks from the stacks, with every thread held.
 * Model: tests/model/termination.pml, roots.pml. */
static void cycle_scan_stacks_held(gait_heap *heap) {
  struct gaiti_marker *marker = heap->cycle->own_marker;
  gaiti_marker_resume(marker);
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    gaiti_counter_add(&heap->marking->root_bytes, gaiti_roots_mark_thread(thread, marker));
  gaiti_marker_pause(marker);
}

/* With every thread held: nothing is hidden any more, so one round is enough.
 * Model: tests/model/start.pml, termination.pml, roots.pml, overflow.pml. */
static void cycle_end_held(gait_heap *heap, enum gaiti_roots_which which) {
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next) {
    if (!thread->proc) continue;
    gaiti_shades_flush(heap, &thread->proc->shades);
    gaiti_proc_tell(heap, thread->proc);
  }
  if (!MUTANT(MUTANT_UNBARRIERED_ROOTS_ONCE)) {
    cycle_scan_stacks_held(heap);
    cycle_scan_registered(heap, which);
  }
  do
    cycle_mark_until_idle(heap);
  while (!gaiti_marking_try_close(heap, gaiti_marking_counts(heap).objects));
}

/* Barrier-less mode: every thread is held from the roots to the end of marking. */
static void cycle_mark_held(gait_heap *heap) {
  gaiti_shades_open(heap);
  cycle_enter(heap, GAITI_PHASE_MARK);
  gaiti_marking_open(heap);
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    if (thread->proc) gaiti_proc_each_cache(heap, thread->proc, gaiti_cache_blacken);
  cycle_end_held(heap, GAITI_ROOTS_ALL);
}

/* ---- The record ---- */

static uint32_t cycle_count_threads(gait_heap *heap) {
  gaiti_lock(&heap->threads->lock);
  uint32_t count = heap->threads->count;
  gaiti_unlock(&heap->threads->lock);
  return count;
}

static uint32_t cycle_count_procs(gait_heap *heap) {
  return (uint32_t)AO_load(&heap->procs->count);
}

/* So many empty buffers have to be there when a cycle begins. */
static uint32_t cycle_shade_buffers(gait_heap *heap) {
  return cycle_count_procs(heap) + 2;
}

static void cycle_begin_record(gait_heap *heap, gait_cycle_cause cause, gait_cycle_record *record) {
  struct gaiti_cycle *cycle = heap->cycle;
  struct gaiti_pace *pace = &cycle->pace;
  uint32_t threads = cycle_count_threads(heap);
  gaiti_lock(&pace->lock);
  *record = (gait_cycle_record){
      .cycle = cycle->records.last + 1,
      .started_ns = gaiti_os_now_ns() - cycle->records.created_ns,
      .cause = cause,
      .young = cycle->young,
      .threads = threads,
      .gogc_percent = pace->pacer.config.gc_percent,
      .memory_limit_bytes = (int64_t)AO_load(&heap->memory_limit),
      .live_before_bytes = pace->live_bytes,
      .trigger_bytes = (uint64_t)pace->decision.trigger_bytes,
      .at_trigger_bytes = gaiti_heap_live(heap),
  };
  gaiti_unlock(&pace->lock);
  cycle->handshakes.count = cycle->handshakes.slowest_ns = cycle->handshakes.held_ns = 0;
}

static void cycle_end_record(gait_heap *heap, gait_cycle_record *record) {
  struct gaiti_cycle *cycle = heap->cycle;
  struct gaiti_pace *pace = &cycle->pace;
  record->start_ns = cycle->marking_ns - cycle->begun_ns;
  record->mark_ns = cycle->ending_ns - cycle->marking_ns;
  record->end_ns = cycle->ended_ns - cycle->ending_ns;
  record->sweep_ns = gaiti_os_now_ns() - cycle->ended_ns;
  record->mapped_peak_bytes = AO_load(&heap->space.mapped_peak_bytes);
  record->released_bytes = AO_load(&heap->space.released_bytes);
  record->assist_ns = AO_load(&pace->assist_ns);
  record->background_ns = AO_load(&pace->background_ns);
  record->idle_ns = AO_load(&pace->idle_ns);
  record->handshakes = cycle->handshakes.count;
  record->handshake_max_ns = cycle->handshakes.slowest_ns;
  record->held_ns = cycle->handshakes.held_ns;
  gaiti_lock(&pace->lock);
  record->cons_mark = pace->decision.cons_mark;
  record->assist_ratio = gaiti_pace_assist_ratio(pace);
  record->limiter_on = gaiti_pace_limiting(pace);
  record->limit_unreachable = pace->decision.limit_unreachable;
  gaiti_unlock(&pace->lock);
  gaiti_records_measure(&cycle->records, record, cycle->reserved_bytes);
  gaiti_records_add(&cycle->records, record);
}

/* The part of the old objects that counts beside those that this cycle has marked: all, if it is
 * young. */
static uint64_t cycle_of_old(const gait_heap *heap, uint64_t count) {
  return heap->cycle->young ? count : 0;
}

/* Bytes of the heap at the end of marking, without external bytes.
 *   live, scannable  as it counts them, dead objects included
 *   black            of live, taken black
 *   marked, scan     the remainder of live and scannable
 *   reserved         of marked and black, in runs that have not handed it out yet */
struct cycle_counts {
  uint64_t live, scannable, black, marked, scan, reserved;
};

/* Unused bytes of runs, which are black all over when marking is closed.  Threads go on allocating.
 * Bytes that a processor has yet to tell are in none of the counts, so its run is left out to that
 * extent; they are read after the run and before the counts: bytes that are told in between make
 * this sum too small, and not too large. */
static uint64_t cycle_reserved(gait_heap *heap) {
  int64_t reserved = 0;
  gaiti_lock(&heap->procs->lock);
  for (const struct gaiti_proc *proc = heap->procs->all; proc; proc = proc->next) {
    reserved += (int64_t)gaiti_proc_count_unused(proc);
    reserved -= (int64_t)AO_load_acquire(&proc->taken.black);
  }
  gaiti_unlock(&heap->procs->lock);
  return reserved > 0 ? (uint64_t)reserved : 0;
}

/* Live bytes are read before the black ones: a processor tells them last (alloc/proc.c). */
static struct cycle_counts cycle_count(gait_heap *heap, struct gaiti_mark_counts found) {
  struct cycle_counts counts = {.reserved = cycle_reserved(heap)};
  counts.live = gaiti_counter_read(&heap->live_bytes);
  counts.black = AO_load(&heap->black_bytes);
  counts.scannable = gaiti_counter_read(&heap->scannable_bytes);
  heap->cycle->found_bytes = found.bytes + cycle_of_old(heap, AO_load(&heap->sweep->old_bytes));
  counts.marked = heap->cycle->found_bytes + counts.black;
  counts.scan = found.scan_bytes + cycle_of_old(heap, AO_load(&heap->sweep->old_scan_bytes));
  if (counts.live > 0)
    counts.scan +=
        (uint64_t)((double)counts.black * (double)counts.scannable / (double)counts.live);
  if (counts.reserved > counts.black) counts.reserved = counts.black;
  return counts;
}

/* Sets the counters, which allocation goes on raising, back to the live bytes, and notes how much
 * was allocated, by estimate, between the end of the last mark and this one's black allocation. */
static void cycle_set_back(gait_heap *heap, const struct cycle_counts *counts) {
  struct gaiti_cycle *cycle = heap->cycle;
  uint64_t known = cycle->kept_bytes + counts->black;
  cycle->new_bytes = counts->live > known ? counts->live - known : 0;
  cycle->reserved_bytes = counts->reserved;
  cycle->kept_bytes = counts->marked;
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
static struct gaiti_pacer_next cycle_account(gait_heap *heap, gait_cycle_record *record) {
  struct gaiti_mark_counts found = gaiti_marking_counts(heap);
  uint64_t peak_external = AO_load(&heap->externals.bytes);
  struct cycle_counts counts = cycle_count(heap, found);
  gaiti_externals_drop_dead(&heap->externals, &heap->map);
  uint64_t external = AO_load(&heap->externals.bytes);
  struct gaiti_pace_end end = {.peak_bytes = counts.live + peak_external,
                               .marked_bytes = counts.marked + external,
                               .reserved_bytes = counts.reserved};
  if (end.peak_bytes < end.marked_bytes) end.peak_bytes = end.marked_bytes;
  record->at_mark_end_bytes = end.peak_bytes;
  record->marked_bytes = end.marked_bytes - counts.reserved;
  record->marked_objects = found.objects + cycle_of_old(heap, AO_load(&heap->sweep->old_objects));
  record->allocated_black_bytes = counts.black - counts.reserved;
  record->scan_bytes = found.scan_bytes;
  record->root_bytes = AO_load(&heap->marking->root_bytes);
  record->external_bytes = external;
  record->mapped_bytes = gaiti_space_mapped(&heap->space);
  struct gaiti_pacer_next next = gaiti_pace_end_cycle(heap, &end);
  cycle_set_back(heap, &counts);
  return next;
}

/* All that is left of the cycle is to say that it has ended.  Model: tests/model/fork.pml. */
static void cycle_tell(gait_heap *heap, const gait_cycle_record *record) {
  if (!heap->options.trace && !heap->options.cycle) return;
  gaiti_handshake_stand_still(heap, true);
  if (heap->options.trace) {
    char line[512];
    gait_cycle_format(record, line, sizeof line - 1);
    gaiti_log_line(&heap->options, line);
  }
  if (heap->options.cycle) heap->options.cycle(heap, record, heap->options.cycle_arg);
  gaiti_handshake_stand_still(heap, false);
}

/* ---- Steps ----
 *
 * Each returns the step that follows, or itself, when it would have to wait longer than this thread
 * may: the next runner begins with it again. */

/* Turns the barrier on everywhere.  Model: tests/model/start.pml, roots.pml, weak.pml. */
static enum gaiti_step step_start(gait_heap *heap) {
  if (heap->options.barrierless) return GAITI_STEP_HOLD;
  bool young = heap->cycle->young;
  gaiti_roots_begin_cycle(&heap->roots);
  gaiti_shades_open(heap);
  gaiti_handshake_ask(heap, GAITI_ACTION_BARRIER_ON,
                      young ? GAITI_ACTION_SETTLE : GAITI_ACTION_SCAN_ROOTS);
  return young ? GAITI_STEP_OLD : GAITI_STEP_ROOTS;
}

/* Traces references of old objects, while every marked object is an old one.
 * Model: tests/model/start.pml. */
static enum gaiti_step step_old(gait_heap *heap) {
  struct gaiti_marker *marker = heap->cycle->own_marker;
  if (!gaiti_handshake_await(heap, heap->cycle->until_ns)) return GAITI_STEP_OLD;
  gaiti_marker_resume(marker);
  gaiti_young_trace_old(heap, marker);
  gaiti_marker_pause(marker);
  gaiti_handshake_ask(heap, GAITI_ACTION_SCAN_ROOTS, GAITI_ACTION_SCAN_ROOTS);
  return GAITI_STEP_ROOTS;
}

/* Scans all roots.  Model: tests/model/start.pml, roots.pml, weak.pml. */
static enum gaiti_step step_roots(gait_heap *heap) {
  if (!gaiti_handshake_await(heap, heap->cycle->until_ns)) return GAITI_STEP_ROOTS;
  gaiti_delay(heap);
  cycle_scan_registered(heap, GAITI_ROOTS_ALL);
  if (!gaiti_roots_need_hold(&heap->roots)) gaiti_shades_settle(heap);
  heap->cycle->marking_ns = gaiti_os_now_ns();
  return GAITI_STEP_MARK;
}

/* Marks until nothing is grey outside the threads' buffers; then the end begins.
 * Model: tests/model/roots.pml. */
static enum gaiti_step step_mark(gait_heap *heap) {
  if (!cycle_mark_until_idle(heap)) return GAITI_STEP_MARK;
  cycle_enter(heap, GAITI_PHASE_END);
  heap->cycle->ending_ns = gaiti_os_now_ns();
  return gaiti_roots_need_hold(&heap->roots) ? GAITI_STEP_HOLD : GAITI_STEP_FLUSH;
}

/* Threads that the collector keeps waiting are outside already, and stopped as much as those that
 * run; each of those is kept from now on, and counted as one that ran. */
static void cycle_stop(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  gaiti_pace_start_stop(heap);
  uint64_t threads = AO_load(&cycle->kept);
  threads += gaiti_hold_all(heap);
  gaiti_pace_note_stop(heap, threads);
  cycle->held = true;
}

static void cycle_release(gait_heap *heap) {
  gaiti_release_all(heap);
  gaiti_pace_finish_stop(heap);
}

/* Ends marking with every thread held; without barriers, all of it. */
static enum gaiti_step step_hold(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  if (!cycle_is_patient(heap)) return GAITI_STEP_HOLD;
  cycle_stop(heap);
  if (heap->options.barrierless) {
    cycle->marking_ns = gaiti_os_now_ns();
    cycle_mark_held(heap);
    cycle->ending_ns = gaiti_os_now_ns();
  } else {
    cycle_end_held(heap, GAITI_ROOTS_UNBARRIERED_ONLY);
    cycle->record.flush_rounds = 1;
  }
  return GAITI_STEP_CLOSE;
}

/* Notes how much was marked when nothing was grey outside the threads' buffers, and asks for these.
 * Model: tests/model/start.pml, termination.pml, weak.pml, overflow.pml. */
static enum gaiti_step step_flush(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  while (!gaiti_marking_note_idle(heap, &cycle->idle_objects))
    if (!cycle_mark_until_idle(heap)) return GAITI_STEP_FLUSH;
  cycle->record.flush_rounds++;
  gaiti_handshake_ask(heap, GAITI_ACTION_FLUSH, GAITI_ACTION_FLUSH);
  return GAITI_STEP_FLUSHED;
}

/* Waits until all buffers have been flushed.
 * Model: tests/model/start.pml. */
static enum gaiti_step step_flushed(gait_heap *heap) {
  return gaiti_handshake_await(heap, heap->cycle->until_ns) ? GAITI_STEP_DRAIN : GAITI_STEP_FLUSHED;
}

/* Marks the flushed objects, and closes marking when none was new.
 * Model: tests/model/start.pml, termination.pml, weak.pml, overflow.pml. */
static enum gaiti_step step_drain(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  if (!cycle_mark_until_idle(heap)) return GAITI_STEP_DRAIN;
  gaiti_delay(heap);
  if (MUTANT(MUTANT_FLUSH_ONCE)) cycle->idle_objects = gaiti_marking_counts(heap).objects;
  bool closed = gaiti_marking_try_close(heap, cycle->idle_objects);
  return closed ? GAITI_STEP_CLOSE : GAITI_STEP_FLUSH;
}

static void cycle_checkmark(gait_heap *heap) {
  bool held = heap->cycle->held;
  if (!held) gaiti_hold_all(heap);
  gaiti_checkmark(heap);
  if (!held) gaiti_release_all(heap);
}

/* Makes every block due for sweeping, but for those taken from now on.
 * Litmus: tests/litmus/epoch.litmus. */
static void cycle_raise_epoch(gait_heap *heap) {
  AO_store_release(&heap->epoch, AO_load(&heap->epoch) + 1);
}

static void cycle_begin_sweep(gait_heap *heap) {
  cycle_enter(heap, GAITI_PHASE_SWEEP);
  gaiti_sweep_begin(heap);
}

/* Without barriers every thread is still held. */
static void cycle_go_off_held(gait_heap *heap) {
  cycle_raise_epoch(heap);
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    if (thread->proc) gaiti_proc_each_cache(heap, thread->proc, gaiti_cache_disown);
  cycle_begin_sweep(heap);
  cycle_release(heap);
}

/* Whether the next cycle will be young, or the one after it may be, is known now: the marks and
 * notes that they need stay, and no others.  Model: tests/model/start.pml. */
static void cycle_prepare_next(gait_heap *heap, struct gaiti_pacer_next next) {
  struct gaiti_cycle *cycle = heap->cycle;
  struct gaiti_sweep *sweep = heap->sweep;
  if (cycle->remembers && !MUTANT(MUTANT_CARDS_AGED_LATE)) gaiti_young_age_cards(heap);
  sweep->ages = cycle->remembered;
  sweep->notes_age = cycle->remembers = next.remember;
  sweep->keeps_marks = next.young;
}

/* Marking is closed: counts, raises the epoch, and turns the barrier off.
 * Model: tests/model/start.pml, weak.pml. */
static enum gaiti_step step_close(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  cycle_enter(heap, GAITI_PHASE_OFF);
  gaiti_workers_end(heap);
  if (heap->options.debug.checkmark) cycle_checkmark(heap);
  if (cycle->held && !heap->options.barrierless) cycle_release(heap);
  cycle_prepare_next(heap, cycle_account(heap, &cycle->record));
  if (heap->options.barrierless) {
    cycle_go_off_held(heap);
    cycle->ended_ns = gaiti_os_now_ns();
    return GAITI_STEP_SWEEP;
  }
  if (!MUTANT(MUTANT_SWEEP_BEFORE_BARRIERS_OFF)) cycle_raise_epoch(heap);
  gaiti_handshake_ask(heap, GAITI_ACTION_BARRIER_OFF, GAITI_ACTION_BARRIER_OFF);
  return GAITI_STEP_OFF;
}

/* The end of the handshake begins the sweep.  Model: tests/model/start.pml, weak.pml. */
static enum gaiti_step step_off(gait_heap *heap) {
  if (!gaiti_handshake_await(heap, heap->cycle->until_ns)) return GAITI_STEP_OFF;
  if (MUTANT(MUTANT_SWEEP_BEFORE_BARRIERS_OFF)) {
    cycle_raise_epoch(heap);
    cycle_begin_sweep(heap);
  }
  if (MUTANT(MUTANT_CARDS_AGED_LATE)) gaiti_young_age_cards(heap);
  heap->cycle->ended_ns = gaiti_os_now_ns();
  return GAITI_STEP_SWEEP;
}

/* Sweeps; returns whether that is over, as it always is without an end.
 * Model: tests/model/sweep.pml. */
static bool cycle_sweep(gait_heap *heap) {
  if (cycle_is_patient(heap)) {
    gaiti_sweep_finish(heap);
    return true;
  }
  for (;;) {
    bool more = gaiti_sweep_some(heap);
    if (!more && gaiti_sweep_is_over(heap)) return true;
    if (gaiti_os_now_ns() >= heap->cycle->until_ns) return false;
    if (!more) gaiti_os_pause();
  }
}

/* Tells the pacer which part of the new bytes survived.  In a young cycle these are the bytes that
 * it found and that are not old now.  In a full one fresh blocks tell, if a good part of the heap,
 * and of the new bytes, is in such blocks. */
static void cycle_learn_survival(gait_heap *heap) {
  const struct gaiti_cycle *cycle = heap->cycle;
  const struct gaiti_sweep *sweep = heap->sweep;
  uint64_t new_bytes = cycle->new_bytes;
  uint64_t fresh = AO_load(&sweep->fresh_objects_bytes), old = AO_load(&sweep->old_bytes);
  if (cycle->young)
    gaiti_pace_learn_survival(heap, new_bytes,
                              cycle->found_bytes > old ? cycle->found_bytes - old : 0);
  else if (fresh >= new_bytes / 4 && fresh >= cycle->record.marked_bytes / 16)
    gaiti_pace_learn_survival(heap, fresh, AO_load(&sweep->fresh_live_bytes));
}

/* Gives back memory that structures of the heap have too much.  Returns false if that takes longer
 * than this thread may. */
static bool cycle_trim(gait_heap *heap) {
  if (!cycle_is_patient(heap) && gaiti_roots_trim_is_long(&heap->roots)) return false;
  gaiti_marking_trim(heap);
  gaiti_procs_trim(heap);
  gaiti_shades_trim(heap, cycle_shade_buffers(heap));
  gaiti_roots_trim(&heap->roots);
  return true;
}

/* Sweeps, and sets the next trigger. */
static enum gaiti_step step_sweep(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  if (!cycle_sweep(heap) || !cycle_trim(heap)) return GAITI_STEP_SWEEP;
  cycle->record.freed_blocks = AO_load(&heap->sweep->freed_blocks);
  cycle_learn_survival(heap);
  gaiti_pace_settle(heap);
  if (heap->options.debug.heap_walk) gaiti_heap_walk(heap);
  cycle_end_record(heap, &cycle->record);
  cycle_enter(heap, GAITI_PHASE_IDLE);
  cycle_tell(heap, &cycle->record);
  return GAITI_STEP_OVER;
}

/* ---- The whole ---- */

/* Whether the cycle is young: if the last one prepared it, and no request wants all garbage
 * freed. */
static bool cycle_is_young(gait_heap *heap, gait_cycle_cause cause) {
  return (cause == GAIT_CAUSE_GOGC || cause == GAIT_CAUSE_DEBUG) && heap->sweep->keeps_marks &&
         !heap->cycle->full && !AO_load(&heap->cycle->pace.limit_rules);
}

/* Model: tests/model/start.pml, roots.pml. */
void gaiti_cycle_begin(gait_heap *heap, gait_cycle_cause cause) {
  struct gaiti_cycle *cycle = heap->cycle;
  cycle->young = cycle_is_young(heap, cause);
  if (heap->sweep->keeps_marks && !cycle->young) gaiti_young_forget_old(heap);
  gaiti_shades_reserve(heap, cycle_shade_buffers(heap));
  cycle->begun_ns = gaiti_os_now_ns();
  cycle->held = false;
  cycle_begin_record(heap, cause, &cycle->record);
  gaiti_marking_begin(heap);
  AO_store(&heap->black_bytes, 0);
  cycle_enter(heap, GAITI_PHASE_START);
  cycle->remembered = cycle->remembers;
  if (gaiti_pace_start_cycle(heap, cycle->young)) cycle->remembers = true;
  AO_store(&cycle->asking_bytes, 0);
  cycle->record.goal_bytes = AO_load(&cycle->pace.goal_bytes);
  cycle->record.processors = cycle->pace.processors;
  cycle->step = GAITI_STEP_START;
}

typedef enum gaiti_step step_fn(gait_heap *heap);

static step_fn *const steps[] = {
    [GAITI_STEP_START] = step_start,     [GAITI_STEP_OLD] = step_old,
    [GAITI_STEP_ROOTS] = step_roots,     [GAITI_STEP_MARK] = step_mark,
    [GAITI_STEP_HOLD] = step_hold,       [GAITI_STEP_FLUSH] = step_flush,
    [GAITI_STEP_FLUSHED] = step_flushed, [GAITI_STEP_DRAIN] = step_drain,
    [GAITI_STEP_CLOSE] = step_close,     [GAITI_STEP_OFF] = step_off,
    [GAITI_STEP_SWEEP] = step_sweep,
};

static uint64_t cycle_mark_until_ns(uint64_t until_ns) {
  uint64_t now_ns = gaiti_os_now_ns();
  if (until_ns == GAITI_NO_END || until_ns <= now_ns) return until_ns;
  return now_ns + (until_ns - now_ns) / 4;
}

bool gaiti_cycle_run(gait_heap *heap, uint64_t until_ns) {
  struct gaiti_cycle *cycle = heap->cycle;
  cycle->until_ns = until_ns;
  cycle->mark_until_ns = cycle_mark_until_ns(until_ns);
  AO_store(&heap->hurried, !cycle_is_patient(heap));
  gaiti_collecting_begin();
  gaiti_pace_take_over(heap);
  enum gaiti_step before = GAITI_STEP_OVER;
  while (cycle->step != GAITI_STEP_OVER && cycle->step != before) {
    gaiti_delay(heap);
    before = cycle->step;
    cycle->step = steps[before](heap);
  }
  gaiti_collecting_end();
  AO_store(&heap->hurried, 0);
  if (cycle->step == GAITI_STEP_OVER) return true;
  gaiti_pace_hand_over(heap);
  return false;
}
