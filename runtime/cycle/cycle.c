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
 * half is enough (.barrier.scanned).
 *
 * End.  Marking is finished when nothing is grey: the queue is empty, no marker is active, no shade
 * is pending and no thread's buffer has an unmarked object.  The last can only be asked thread by
 * thread.
 *
 * .cycle.flush-again  Let t0 be a moment when the first three hold, and `objects` the number of
 * objects marked by then.  A flush handshake follows, and the flushed objects are marked.  If the
 * count is still `objects` then no unmarked object was in any buffer at t0: a buffer only grows
 * until it is flushed, every entry that it held at t0 was flushed by its thread's answer, and none
 * of these objects was newly marked, by that flush or by any other thread in between.  So at t0
 * nothing was grey, and by the invariant nothing white was reachable; and objects allocated after
 * t0 are black. Otherwise there is a new t0 and another flush.  An object that fell out of the
 * queue, or was shaded when there was no memory for a buffer, is marked and grey, so t0 cannot be
 * before it has been found again.
 *
 * .cycle.unbarriered  Roots without a barrier break the invariant: a plain store may hide a white
 * object there, and another thread, scanned already, may load it from there onto its stack and cut
 * it off.  So such roots, and the stacks as well, are scanned once more with every thread stopped,
 * and marking is then drained while no thread can hide anything.  The same holds for a cycle in
 * which such a root was removed: the object that was hidden there may be on a stack by now.
 *
 * .cycle.epoch-first  The epoch rises before any thread turns black allocation off: from then on a
 * run is taken only from a block of the new epoch, which this sweep leaves alone, so it makes no
 * difference whether its slots are marked; and it must not be marked, for no sweep would clear the
 * mark.  A thread that reads the old epoch takes black slots in an old block, which it has to do
 * before it answers.  Sweeping starts when all have answered.
 *
 * Runners.  The collector's thread runs a cycle from its first phase to its last, in one function
 * (cycle_collect).  A thread that allocates can run one as far as it comes without waiting for long
 * (collector.c): it goes by the table of phases, and where its deadline stops it, another thread
 * takes the cycle up in the same phase.  A thread with a deadline marks alone, looks at the clock,
 * and leaves the walk over marked objects, the end with all threads stopped and all work that is
 * too long to the collector's thread.
 *
 * Models: fibers, finalizers, overflow, roots, start, termination, weak.  Litmus: epoch. */
#include "cycle/cycle.h"

#include "alloc/cache.h"
#include "base/collecting.h"
#include "base/probes.h"
#include "cycle/checkmark.h"
#include "cycle/heap_walk.h"
#include "cycle/events.h"
#include "cycle/limit_report.h"
#include "cycle/inspect.h"
#include "cycle/quarantine.h"
#include "cycle/stop.h"
#include "heap/samples.h"
#include "mark/ephemerons.h"
#include "mark/fiber_scan.h"
#include "mark/marker.h"
#include "mark/root_scan.h"
#include "mark/young.h"
#include "weak/finalizers.h"
#include "weak/weak_heap.h"

static bool requests_init(struct gaiti_requests *requests) {
  if (!gaiti_lock_init(&requests->lock, GAITI_RANK_COLLECT)) return false;
  if (!gaiti_condition_init(&requests->asked)) goto fail_lock;
  if (!gaiti_condition_init(&requests->cycle_ended)) goto fail_asked;
  if (gaiti_condition_init(&requests->advanced)) return true;
  gaiti_condition_destroy(&requests->cycle_ended);
fail_asked:
  gaiti_condition_destroy(&requests->asked);
fail_lock:
  gaiti_lock_destroy(&requests->lock);
  return false;
}

static void requests_destroy(struct gaiti_requests *requests) {
  gaiti_condition_destroy(&requests->advanced);
  gaiti_condition_destroy(&requests->cycle_ended);
  gaiti_condition_destroy(&requests->asked);
  gaiti_lock_destroy(&requests->lock);
}

bool gaiti_cycle_init(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle = gaiti_structure_alloc(&heap->space, sizeof *cycle);
  if (!cycle) return false;
  gaiti_member_init(heap);
  if (!requests_init(&cycle->requests)) goto fail_memory;
  if (!gaiti_pace_init(heap)) goto fail_requests;
  if (!gaiti_workers_init(heap)) goto fail_pace;
  if (!gaiti_records_init(&cycle->records)) goto fail_workers;
  if (!(cycle->runner.marker = gaiti_marker_take(heap))) goto fail_records;
  gaiti_marker_pause(cycle->runner.marker);
  gaiti_pace_publish(heap);
  gaiti_recorder_init(heap);
  heap->hooks = &gaiti_cycle_hooks;
  return true;
fail_records:
  gaiti_records_destroy(&cycle->records);
fail_workers:
  gaiti_workers_destroy(heap);
fail_pace:
  gaiti_pace_destroy(heap);
fail_requests:
  requests_destroy(&cycle->requests);
fail_memory:
  gaiti_structure_free(&heap->space, cycle, sizeof *cycle);
  return false;
}

void gaiti_cycle_destroy(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  gaiti_recorder_close(heap);
  gaiti_marker_resume(cycle->runner.marker);
  gaiti_marker_give(cycle->runner.marker);
  gaiti_pools_abandon(heap);
  gaiti_promises_destroy(heap);
  gaiti_records_destroy(&cycle->records);
  gaiti_workers_destroy(heap);
  gaiti_pace_destroy(heap);
  requests_destroy(&cycle->requests);
  gaiti_structure_free(&heap->space, cycle, sizeof *cycle);
}

/* Marks from the registered roots, with the runner's own marker. */
static void cycle_scan_registered(gait_heap *heap, enum gaiti_roots_which which) {
  struct gaiti_marker *marker = heap->cycle->runner.marker;
  gaiti_marker_resume(marker);
  size_t bytes = gaiti_roots_scan_registered(heap, marker, which);
  gaiti_marker_pause(marker);
  gaiti_counter_add(&heap->marking->root_bytes, bytes);
}

static bool cycle_has_deadline(const gait_heap *heap) {
  return heap->cycle->runner.deadline_ns != GAITI_NO_DEADLINE;
}

/* Marks the objects that fell out of the queue when it could not grow: every marked object is
 * traced anew.  The flag is lowered before any mark is looked at: a thread that drops an entry has
 * marked its object and raises the flag after. */
static void cycle_rescan_marked(gait_heap *heap) {
  struct gaiti_marker *marker = heap->cycle->runner.marker;
  while (gaiti_marking_overflowed(heap)) {
    gaiti_marking_forget_overflow(heap);
    gaiti_marker_resume(marker);
    gaiti_marker_rescan(marker);
    gaiti_marker_pause(marker);
    gaiti_workers_mark(heap);
  }
}

/* Returns whether nothing is grey outside the threads' buffers: always, where there is no deadline.
 */
static bool cycle_mark_until_idle(gait_heap *heap) {
  if (cycle_has_deadline(heap))
    return gaiti_workers_mark_alone(heap, heap->cycle->runner.mark_deadline_ns) &&
           !gaiti_marking_overflowed(heap);
  gaiti_workers_mark(heap);
  cycle_rescan_marked(heap);
  return true;
}

/* Marks from the stacks, with every thread stopped. */
static void cycle_scan_stacks_stopped(gait_heap *heap) {
  struct gaiti_marker *marker = heap->cycle->runner.marker;
  gaiti_marker_resume(marker);
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    gaiti_counter_add(&heap->marking->root_bytes, gaiti_roots_mark_thread(thread, marker));
  gaiti_fibers_mark_stopped(heap, marker, heap->options.barrierless);
  gaiti_marker_pause(marker);
}

/* With every thread stopped: nothing is hidden any more, so one round is enough. */
static void cycle_drain_stopped(gait_heap *heap, enum gaiti_roots_which which) {
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next) {
    if (!thread->proc) continue;
    gaiti_buffers_flush(heap, &thread->proc->buffer);
    gaiti_proc_flush_counts(heap, thread->proc);
  }
  if (!MUTANT(MUTANT_UNBARRIERED_ROOTS_ONCE)) {
    cycle_scan_stacks_stopped(heap);
    cycle_scan_registered(heap, which);
  }
  do
    cycle_mark_until_idle(heap);
  while (!gaiti_marking_try_close(heap, gaiti_marking_counts(heap).objects));
}

static uint32_t cycle_count_procs(gait_heap *heap) {
  return (uint32_t)AO_load(&heap->procs->count);
}

/* So many empty buffers have to be there when a cycle begins. */
static uint32_t cycle_buffers_wanted(gait_heap *heap) {
  return cycle_count_procs(heap) + 2;
}

/* All that is left of the cycle is to say that it has ended. */
static void cycle_report(gait_heap *heap, const gait_cycle_record *record) {
  bool stuck = AO_load(&heap->finalizers->stuck);
  if (!heap->options.trace && !heap->options.cycle && !stuck) return;
  gaiti_handshake_stand_still(heap, true);
  gaiti_finalizers_report(heap);
  if (heap->options.trace) {
    char line[512];
    gaiti_record_format(record, line, sizeof line - 1);
    gaiti_log_line(&heap->options, line);
  }
  if (heap->options.cycle) heap->options.cycle(heap, record, heap->options.cycle_arg);
  gaiti_handshake_stand_still(heap, false);
}

/* ---- Phases ----
 *
 * Each function ends a phase, and moves on to the next; or returns false, where it would have to
 * wait longer than this thread may: the next runner begins with the same phase again. */

/* START and FENCE: all barriers are on, and no store is in flight that had none. */
static bool phase_barriers_on(gait_heap *heap) {
  return gaiti_handshake_await(heap, heap->cycle->runner.deadline_ns);
}

/* OLD: traces references of old objects, while every marked object is an old one. */
static bool phase_old(gait_heap *heap) {
  struct gaiti_marker *marker = heap->cycle->runner.marker;
  gaiti_marker_resume(marker);
  gaiti_young_trace_old(heap, marker);
  gaiti_marker_pause(marker);
  gaiti_protocol_move(heap, GAITI_PHASE_ROOTS);
  return true;
}

/* Marks from parked fibers; returns whether it has come to their end. */
static bool cycle_scan_fibers(gait_heap *heap) {
  struct gaiti_runner *runner = &heap->cycle->runner;
  gaiti_marker_resume(runner->marker);
  bool over = gaiti_fibers_scan(heap, runner->marker, runner->deadline_ns);
  gaiti_marker_pause(runner->marker);
  return over;
}

/* ROOTS: threads scan their stacks, and this one those of fibers and the registered roots. */
static bool phase_roots(gait_heap *heap) {
  if (!gaiti_handshake_await(heap, heap->cycle->runner.deadline_ns)) return false;
  gaiti_delay(heap);
  if (!cycle_scan_fibers(heap)) return false;
  cycle_scan_registered(heap, GAITI_ROOTS_ALL);
  if (!gaiti_roots_need_stop(&heap->roots)) gaiti_buffers_note_scanned(heap);
  gaiti_protocol_move(heap, GAITI_PHASE_MARK);
  return true;
}

/* A heap without barriers: every thread is stopped from the roots to the end of marking. */
static bool phase_mark_stopped(gait_heap *heap) {
  gaiti_buffers_open(heap);
  gaiti_marking_open(heap);
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    if (thread->proc) gaiti_proc_each_cache(heap, thread->proc, gaiti_cache_blacken);
  cycle_drain_stopped(heap, GAITI_ROOTS_ALL);
  gaiti_protocol_move(heap, GAITI_PHASE_CLOSE);
  return true;
}

/* MARK: until nothing is grey outside the threads' buffers; notes how much was marked then. */
static bool phase_mark(gait_heap *heap) {
  struct gaiti_runner *runner = &heap->cycle->runner;
  if (heap->options.barrierless) return phase_mark_stopped(heap);
  do
    if (!cycle_mark_until_idle(heap)) return false;
  while (!gaiti_marking_note_idle(heap, &runner->idle_objects));
  if (gaiti_roots_need_stop(&heap->roots)) {
    gaiti_protocol_move(heap, GAITI_PHASE_STOP);
    return true;
  }
  runner->record.flush_rounds++;
  gaiti_protocol_move(heap, GAITI_PHASE_FLUSH);
  return true;
}

/* FLUSH: until all buffers have been flushed. */
static bool phase_flush(gait_heap *heap) {
  if (!gaiti_handshake_await(heap, heap->cycle->runner.deadline_ns)) return false;
  gaiti_protocol_move(heap, GAITI_PHASE_DRAIN);
  return true;
}

/* DRAIN: marks the flushed objects, and closes marking when none was new. */
static bool phase_drain(gait_heap *heap) {
  struct gaiti_runner *runner = &heap->cycle->runner;
  if (!cycle_mark_until_idle(heap)) return false;
  gaiti_delay(heap);
  if (MUTANT(MUTANT_FLUSH_ONCE)) runner->idle_objects = gaiti_marking_counts(heap).objects;
  bool closed = gaiti_marking_try_close(heap, runner->idle_objects);
  gaiti_protocol_move(heap, closed ? GAITI_PHASE_CLOSE : GAITI_PHASE_MARK);
  return true;
}

/* Threads that the collector keeps waiting are outside already, and stopped as much as those that
 * run; each of those is kept from now on, and counted as one that ran. */
static void cycle_stop(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  gaiti_pace_begin_stop(heap);
  uint64_t threads = AO_load(&cycle->requests.kept);
  threads += gaiti_stop_all(heap);
  gaiti_pace_note_stop(heap, threads);
  cycle->runner.stopped = true;
}

static void cycle_resume(gait_heap *heap) {
  gaiti_resume_all(heap);
  gaiti_pace_end_stop(heap);
}

/* STOP: stops every thread, and ends marking then; without barriers, it only begins. */
static bool phase_stop(gait_heap *heap) {
  if (cycle_has_deadline(heap)) return false;
  cycle_stop(heap);
  if (heap->options.barrierless) {
    gaiti_protocol_move(heap, GAITI_PHASE_MARK);
    return true;
  }
  cycle_drain_stopped(heap, GAITI_ROOTS_UNBARRIERED_ONLY);
  heap->cycle->runner.record.flush_rounds = 1;
  gaiti_protocol_move(heap, GAITI_PHASE_CLOSE);
  return true;
}

static void cycle_checkmark(gait_heap *heap) {
  bool stopped = heap->cycle->runner.stopped;
  if (!stopped) gaiti_stop_all(heap);
  if (heap->finder) gaiti_quarantine_check(heap);
  if (heap->options.debug.checkmark) gaiti_checkmark(heap);
  if (!stopped) gaiti_resume_all(heap);
}

/* Makes every block due for sweeping, but for those taken from now on. */
static void cycle_raise_epoch(gait_heap *heap) {
  AO_store_release(&heap->epoch, AO_load(&heap->epoch) + 1);
}

/* Without barriers every thread is still stopped. */
static void cycle_begin_sweep_stopped(gait_heap *heap) {
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    if (thread->proc) gaiti_proc_each_cache(heap, thread->proc, gaiti_cache_disown);
  gaiti_protocol_move(heap, GAITI_PHASE_SWEEP);
  cycle_resume(heap);
}

/* Whether the next cycle will be young, or the one after it may be, is known now: the marks and
 * notes that they need stay, and no others. */
static void cycle_prepare_next(gait_heap *heap, struct gaiti_pacer_next next) {
  struct gaiti_generation *generation = &heap->generation;
  if (generation->remembers && !MUTANT(MUTANT_CARDS_AGED_LATE)) gaiti_young_age_cards(heap);
  generation->remembers = next.remember;
  generation->young_next = next.young;
}

/* Whether all that the queue leads to is checked.  Threads that were stopped before have been let
 * go, and are not stopped again. */
static bool cycle_checks_finalizers(const gait_heap *heap) {
  bool let_go = heap->cycle->runner.stopped && !heap->options.barrierless;
  return heap->options.debug.checkmark && !let_go && AO_load(&heap->finalizers->due) > 0;
}

/* Makes cleanups and finalizers due.  Returns false where that takes too long for this thread. */
static bool cycle_close_finalizers(gait_heap *heap) {
  struct gaiti_runner *runner = &heap->cycle->runner;
  uint64_t cpu_ns = gaiti_os_thread_cpu_ns();
  if (!gaiti_finalizers_close(heap, runner->marker, cycle_has_deadline(heap))) return false;
  gaiti_counter_add(&heap->cycle->pace.background_ns, gaiti_os_thread_cpu_ns() - cpu_ns);
  if (cycle_checks_finalizers(heap)) cycle_checkmark(heap);
  gaiti_finalizers_ring(heap);
  return true;
}

/* CLOSE: clears weak references and ephemerons, makes finalizers due, counts live bytes, and raises
 * the epoch. */
static bool phase_close(gait_heap *heap) {
  struct gaiti_runner *runner = &heap->cycle->runner;
  if (cycle_has_deadline(heap) && (gaiti_weak_is_long(heap) || gaiti_profile_is_long(heap)))
    return false;
  gaiti_workers_end(heap);
  if (heap->options.debug.checkmark || heap->finder) cycle_checkmark(heap);
  if (heap->options.debug.check_free) gaiti_promises_close(heap);
  if (runner->stopped && !heap->options.barrierless) cycle_resume(heap);
  gaiti_weak_close(heap);
  if (!cycle_close_finalizers(heap)) return false;
  gaiti_weak_end(heap);
  gaiti_profile_close(heap);
  cycle_prepare_next(heap, gaiti_census_take(heap, &runner->record));
  if (heap->finder) gaiti_quarantine_fill(heap);
  if (!MUTANT(MUTANT_SWEEP_BEFORE_BARRIERS_OFF) || heap->options.barrierless)
    cycle_raise_epoch(heap);
  if (heap->options.barrierless)
    cycle_begin_sweep_stopped(heap);
  else
    gaiti_protocol_move(heap, GAITI_PHASE_OFF);
  return true;
}

/* OFF: until every barrier is off; the last thread begins the sweep. */
static bool phase_barriers_off(gait_heap *heap) {
  if (!gaiti_handshake_await(heap, heap->cycle->runner.deadline_ns)) return false;
  if (MUTANT(MUTANT_SWEEP_BEFORE_BARRIERS_OFF)) {
    cycle_raise_epoch(heap);
    gaiti_protocol_move(heap, GAITI_PHASE_SWEEP);
  }
  if (MUTANT(MUTANT_CARDS_AGED_LATE)) gaiti_young_age_cards(heap);
  return true;
}

/* Sweeps; returns whether that is over, as it always is without a deadline. */
static bool cycle_sweep(gait_heap *heap) {
  if (!cycle_has_deadline(heap)) {
    gaiti_sweep_finish(heap);
    return true;
  }
  for (;;) {
    bool more = gaiti_sweep_some(heap);
    if (!more && gaiti_sweep_is_over(heap)) return true;
    if (gaiti_os_now_ns() >= heap->cycle->runner.deadline_ns) return false;
    if (!more) gaiti_os_pause();
  }
}

/* Gives back memory that structures of the heap have too much.  Returns false if that takes longer
 * than this thread may. */
static bool cycle_trim(gait_heap *heap) {
  if (cycle_has_deadline(heap) && gaiti_roots_trim_is_long(&heap->roots)) return false;
  gaiti_marking_trim(heap);
  gaiti_procs_trim(heap);
  gaiti_buffers_trim(heap, cycle_buffers_wanted(heap));
  gaiti_roots_trim(&heap->roots);
  gaiti_finalizers_trim(heap);
  return true;
}

/* SWEEP: sweeps, and sets the next trigger. */
static bool phase_sweep(gait_heap *heap) {
  struct gaiti_runner *runner = &heap->cycle->runner;
  bool looks = runner->inspections || gaiti_promises_are_broken(heap);
  if (looks && cycle_has_deadline(heap)) return false;
  if (!cycle_sweep(heap) || !cycle_trim(heap)) return false;
  runner->record.freed_blocks = AO_load(&heap->sweep->freed_blocks);
  gaiti_census_learn_survival(heap);
  gaiti_trial_end_cycle(heap);
  gaiti_pace_publish(heap);
  if (heap->options.debug.heap_walk) gaiti_heap_walk(heap);
  gaiti_promises_report(heap);
  gaiti_inspections_run(heap);
  gaiti_record_end(heap);
  PROBE5(cycle_end, heap, runner->record.cycle, runner->record.marked_bytes,
         runner->record.at_mark_end_bytes, runner->record.goal_bytes);
  gaiti_members_note_cycle(heap);
  gaiti_protocol_move(heap, GAITI_PHASE_IDLE);
  gaiti_recorder_add(heap, &runner->record);
  cycle_report(heap, &runner->record);
  gaiti_members_report(heap);
  gaiti_limit_report(heap);
  return true;
}

/* ---- The whole ---- */

/* Whether the cycle is young: if the last one prepared it, and no request wants all garbage
 * freed. */
static bool cycle_is_young(gait_heap *heap, gait_cycle_cause cause) {
  return (cause == GAIT_CAUSE_GOGC || cause == GAIT_CAUSE_DEBUG) && heap->generation.young_next &&
         !heap->cycle->requests.full && !AO_load(&heap->cycle->pace.limit_bound);
}

static void cycle_begin_pace(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  struct gaiti_generation *generation = &heap->generation;
  generation->remembered = generation->remembers;
  if (gaiti_pace_start_cycle(heap, generation->young)) generation->remembers = true;
  AO_store(&cycle->requests.asking_bytes, 0);
  gaiti_record_goal(heap);
}

/* Whether the cycle has to find all the memory that it can. */
static bool cycle_is_pressed(const gait_heap *heap, gait_cycle_cause cause) {
  return cause == GAIT_CAUSE_MEMORY_LIMIT || cause == GAIT_CAUSE_OUT_OF_MEMORY ||
         AO_load(&heap->cycle->pace.limit_bound);
}

static void cycle_probe_begin(const gait_heap *heap, const gait_cycle_record *record) {
  PROBE7(cycle_begin, heap, record->cycle, record->cause, record->young, record->at_trigger_bytes,
         record->trigger_bytes, record->goal_bytes);
}

/* The list of buffers is open before the first barrier is on (.inv.open). */
void gaiti_cycle_begin(gait_heap *heap, gait_cycle_cause cause) {
  struct gaiti_runner *runner = &heap->cycle->runner;
  heap->generation.young = cycle_is_young(heap, cause);
  if (heap->generation.young_next && !heap->generation.young) gaiti_young_forget_old(heap);
  if (!heap->generation.young) gaiti_inspections_take(heap);
  gaiti_pools_age(heap, cycle_is_pressed(heap, cause));
  gaiti_buffers_reserve(heap, cycle_buffers_wanted(heap));
  gaiti_recorder_reopen(heap);
  runner->begun_ns = gaiti_os_now_ns();
  runner->stopped = false;
  gaiti_protocol_begin(heap);
  gaiti_record_begin(heap, cause);
  gaiti_marking_begin(heap);
  gaiti_ephemerons_begin(heap);
  gaiti_weak_begin(heap);
  AO_store(&heap->black_bytes, 0);
  cycle_begin_pace(heap);
  cycle_probe_begin(heap, &runner->record);
  if (heap->options.barrierless) {
    gaiti_protocol_move(heap, GAITI_PHASE_STOP);
    return;
  }
  gaiti_roots_begin_cycle(&heap->roots);
  gaiti_buffers_open(heap);
  gaiti_protocol_move(heap, GAITI_PHASE_START);
}

typedef bool phase_fn(gait_heap *heap);

static phase_fn *const phases[GAITI_PHASES] = {
    [GAITI_PHASE_START] = phase_barriers_on, [GAITI_PHASE_FENCE] = phase_barriers_on,
    [GAITI_PHASE_OLD] = phase_old,           [GAITI_PHASE_ROOTS] = phase_roots,
    [GAITI_PHASE_MARK] = phase_mark,         [GAITI_PHASE_FLUSH] = phase_flush,
    [GAITI_PHASE_DRAIN] = phase_drain,       [GAITI_PHASE_STOP] = phase_stop,
    [GAITI_PHASE_CLOSE] = phase_close,       [GAITI_PHASE_OFF] = phase_barriers_off,
    [GAITI_PHASE_SWEEP] = phase_sweep,
};

/* A cycle from its first phase to its last, by a thread that may wait as long as it takes. */
static void cycle_collect(gait_heap *heap) {
  phase_barriers_on(heap);
  if (heap->generation.young) phase_old(heap);
  phase_roots(heap);
  phase_mark(heap);
  while (gaiti_phase(heap) == GAITI_PHASE_FLUSH) {
    phase_flush(heap);
    if (phase_drain(heap) && gaiti_phase(heap) == GAITI_PHASE_MARK) phase_mark(heap);
  }
  if (gaiti_phase(heap) == GAITI_PHASE_STOP) phase_stop(heap);
  phase_close(heap);
  phase_barriers_off(heap);
  phase_sweep(heap);
}

/* The same where there are no barriers. */
static void cycle_collect_stopped(gait_heap *heap) {
  phase_stop(heap);
  phase_mark(heap);
  phase_close(heap);
  phase_sweep(heap);
}

/* Goes on from the phase in which the cycle is, until its end or a deadline.  Returns whether it
 * has ended. */
static bool cycle_go_on(gait_heap *heap) {
  while (gaiti_phase(heap) != GAITI_PHASE_IDLE)
    if (!phases[gaiti_phase(heap)](heap)) return false;
  return true;
}

static bool cycle_run(gait_heap *heap) {
  enum gaiti_phase phase = gaiti_phase(heap);
  if (heap->options.barrierless && phase == GAITI_PHASE_STOP)
    cycle_collect_stopped(heap);
  else if (!cycle_has_deadline(heap) && phase == GAITI_PHASE_START)
    cycle_collect(heap);
  return cycle_go_on(heap);
}

static uint64_t cycle_mark_deadline_ns(uint64_t deadline_ns) {
  uint64_t now_ns = gaiti_os_now_ns();
  if (deadline_ns == GAITI_NO_DEADLINE || deadline_ns <= now_ns) return deadline_ns;
  return now_ns + (deadline_ns - now_ns) / 4;
}

bool gaiti_cycle_run(gait_heap *heap, uint64_t deadline_ns) {
  struct gaiti_runner *runner = &heap->cycle->runner;
  runner->deadline_ns = deadline_ns;
  runner->mark_deadline_ns = cycle_mark_deadline_ns(deadline_ns);
  AO_store(&heap->short_runs, cycle_has_deadline(heap));
  gaiti_collecting_begin();
  gaiti_events_name_runner(heap);
  gaiti_pace_take_over(heap);
  bool ended = cycle_run(heap);
  gaiti_collecting_end();
  AO_store(&heap->short_runs, 0);
  if (!ended) gaiti_pace_hand_over(heap);
  return ended;
}
