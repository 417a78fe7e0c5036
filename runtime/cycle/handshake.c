/* Handshakes.
 *
 * The race is between a thread that leaves or enters managed code and the collector that would act
 * in its place.  The state word settles it (mutator/thread.h): the collector acts only after moving
 * the thread from outside to held, which fails while the thread is inside and keeps it from
 * entering meanwhile.  A thread that enters before that finds its poll flag set, since the flag is
 * raised before the collector looks at states, and acts itself.
 *
 *   thread                                     collector
 *   enters (outside -> managed)                raises number, then poll
 *   ...                                        finds it managed: waits
 *   polls: lowers poll, then reads number      .
 *   acts, seen := number                       sees it
 *
 * The thread lowers its flag before it reads the number, and the collector raises the number before
 * the flag, so a request cannot fall between.
 *
 * .handshake.entered  There is one flag for all heaps of an OS thread, and a poll looks only at the
 * heaps in whose managed state the thread is.  So it may lower the flag of a heap that the thread
 * is about to enter.  An entering thread therefore looks at the number itself: its change of state
 * and the collector's, which tries to hold the thread after it has raised the number, are both
 * compare-and-swaps with a full fence, so either the thread sees the number or the collector finds
 * it outside.
 *
 * .handshake.series  A series of actions, as at the start of a cycle, needs the collector at its
 * beginning only.  `pending` counts the threads that have yet to act; the thread that makes it zero
 * asks for the next action, under the lock, and acts on it next.  Where threads hold every
 * processor, the collector waits for its turn for longer than a small heap lasts, and it would have
 * to wait once for each action.  But when a thread was outside, the rest is left to the collector:
 * no thread should act for others, which may be many.  The same holds while the thread that runs
 * the cycle is eager: it must not sleep, and both would only get into each other's way at the lock.
 *
 * .sweep.last-begins  Likewise, the thread that makes `pending` zero when barriers go off begins
 * the sweep: before that, allocation finds no slot that the cycle has freed.
 *
 * .handshake.theft  A thread may be outside and its processor with another one by now
 * (mutator/proc.c).  A thief takes a processor only from a thread that has seen the same handshakes
 * as itself, so every processor's buffer and caches are acted on exactly once per handshake. */
#include "cycle/handshake.h"

#include "mutator/blocking.h"
#include "alloc/cache.h"
#include "mutator/attachments.h"
#include "cycle/cycle.h"
#include "mark/marking.h"
#include "mark/root_scan.h"
#include "os/stack.h"

/* Before it sleeps, the collector looks so often whether all have acted. */
#define HANDSHAKE_SPINS 3
/* Between two looks, one that must not sleep reads the count so often at most. */
#define HANDSHAKE_PAUSES      64
#define HANDSHAKE_SLEEP_NS    200000
#define HANDSHAKE_PLACE_BYTES 200

const char *gaiti_action_name(enum gaiti_action action) {
  static const char *const names[] = {"none",       "barrier on", "settle",
                                      "scan roots", "flush",      "barrier off"};
  return names[action];
}

/* ---- Actions: by the thread, or by the collector that holds it ---- */

/* Turns the thread's barrier on; where the cycle has a deadline, runs are cut into parts.
 * Model: tests/model/start.pml. */
static void action_barrier_on(gait_thread *thread) {
  thread->fast.marking = thread->heap->threads->handshake.marking;
  if (thread->proc && AO_load(&thread->heap->short_runs))
    gaiti_proc_each_cache(thread->heap, thread->proc, gaiti_cache_shorten);
}

/* Nothing: the safepoint itself shows that no store is in flight.
 * Model: tests/model/start.pml. */
static void action_settle(gait_thread *thread) {
  (void)thread;
}

/* Scans the thread's roots; it allocates black from now on.
 * Model: tests/model/start.pml. */
static void action_scan_roots(gait_thread *thread) {
  gait_heap *heap = thread->heap;
  AO_store(&thread->black_epoch, AO_load(&heap->epoch));
  size_t bytes;
  if (thread->proc) {
    gaiti_proc_each_cache(heap, thread->proc, gaiti_cache_blacken);
    bytes = gaiti_roots_scan_thread(thread, &thread->proc->shades);
    gaiti_shades_flush(heap, &thread->proc->shades);
  } else {
    bytes = gaiti_roots_scan_thread(thread, &heap->cycle->handshakes.shades);
  }
  gaiti_counter_add(&heap->marking->root_bytes, bytes);
}

/* Hands the barrier's buffer to the markers.
 * Model: tests/model/termination.pml.  Litmus: tests/litmus/flushed.litmus. */
static void action_flush(gait_thread *thread) {
  if (thread->proc) gaiti_shades_flush(thread->heap, &thread->proc->shades);
}

/* Turns the barrier and black allocation off; caches keep their runs, and give up their blocks.
 * Model: tests/model/start.pml. */
static void action_barrier_off(gait_thread *thread) {
  thread->fast.marking = thread->heap->threads->handshake.marking;
  AO_store(&thread->black_epoch, 0);
  if (!thread->proc) return;
  gaiti_shades_flush(thread->heap, &thread->proc->shades);
  gaiti_proc_each_cache(thread->heap, thread->proc, gaiti_cache_disown);
}

typedef void action_fn(gait_thread *thread);

static action_fn *const actions[] = {
    [GAITI_ACTION_NONE] = action_settle,   [GAITI_ACTION_BARRIER_ON] = action_barrier_on,
    [GAITI_ACTION_SETTLE] = action_settle, [GAITI_ACTION_SCAN_ROOTS] = action_scan_roots,
    [GAITI_ACTION_FLUSH] = action_flush,   [GAITI_ACTION_BARRIER_OFF] = action_barrier_off,
};

/* Acts on the handshake under way: the thread itself, or its holder.
 * Model: tests/model/handshake.pml.  Litmus: tests/litmus/acted.litmus, asked.litmus. */
static void handshake_act(gait_thread *thread) {
  if (thread->proc) gaiti_proc_tell(thread->heap, thread->proc);
  actions[AO_int_load(&thread->heap->cycle->handshakes.action)](thread);
}

/* ---- From one action to the next ---- */

/* Whether stores are remembered from now on.  From the first handshake of a cycle on if the next
 * may be young, and not from the last one: .young.from-the-start.  Model: tests/model/start.pml. */
static uint32_t handshake_remembers(const gait_heap *heap) {
  bool late = MUTANT(MUTANT_REMEMBERED_FROM_THE_END) && gaiti_phase(heap) == GAITI_PHASE_START;
  return heap->cycle->remembers && !late ? GAIT_REMEMBER : 0;
}

/* Raises the number of handshakes for the next action, and the poll flag of each thread.
 * Model: tests/model/start.pml, termination.pml, fork.pml, handshake.pml.  Litmus:
 * tests/litmus/acted.litmus, asked.litmus, card.litmus, cleared.litmus, epoch.litmus, phase.litmus,
 * poll.litmus, polled.litmus, settled.litmus. */
static void handshake_ask_locked(gait_heap *heap, enum gaiti_action action) {
  struct gaiti_handshakes *handshakes = &heap->cycle->handshakes;
  struct gaiti_handshake *asked = &heap->threads->handshake;
  if (action == GAITI_ACTION_BARRIER_ON)
    asked->marking = GAIT_SHADE_OLD | GAIT_SHADE_NEW | handshake_remembers(heap);
  if (action == GAITI_ACTION_SCAN_ROOTS) {
    gaiti_cycle_set_phase(heap, GAITI_PHASE_MARK);
    gaiti_marking_open(heap);
    asked->black_epoch = AO_load(&heap->epoch);
  }
  if (action == GAITI_ACTION_BARRIER_OFF) {
    asked->marking = handshake_remembers(heap);
    asked->black_epoch = 0;
  }
  handshakes->count++;
  handshakes->asked_ns = gaiti_os_now_ns();
  handshakes->acted_for_absent = false;
  AO_store(&asked->pending, heap->threads->count);
  AO_int_store(&handshakes->action, action);
  AO_store_full(&asked->number, AO_load(&asked->number) + 1);
  gaiti_delay(heap);
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    AO_int_store_release(&thread->attachments->poll, 1);
}

/* The next action of the series; NONE at its end.  Model: tests/model/handshake.pml. */
static enum gaiti_action handshake_next(const struct gaiti_handshakes *handshakes) {
  enum gaiti_action action = (enum gaiti_action)AO_int_load(&handshakes->action);
  if (action == handshakes->last) return GAITI_ACTION_NONE;
  if (MUTANT(MUTANT_ROOTS_BEFORE_BARRIERS) && action == GAITI_ACTION_BARRIER_ON)
    return GAITI_ACTION_SCAN_ROOTS;
  return (enum gaiti_action)(action + 1);
}

/* Whether a thread has yet to act.
 * Model: tests/model/handshake.pml.  Litmus: tests/litmus/acted.litmus, flushed.litmus,
 * phase.litmus, remembered.litmus, waiting.litmus. */
static bool handshake_is_pending(const gait_heap *heap) {
  return AO_load_acquire(&heap->threads->handshake.pending) > 0;
}

static void handshake_measure_locked(struct gaiti_handshakes *handshakes) {
  uint64_t took = gaiti_os_now_ns() - handshakes->asked_ns;
  if (took > handshakes->slowest_ns) handshakes->slowest_ns = took;
}

/* Asks for the next action, when all have acted and there is one; returns it, or NONE.
 * Model: tests/model/start.pml, handshake.pml.  Litmus: tests/litmus/acted.litmus. */
static enum gaiti_action handshake_go_on_locked(gait_heap *heap) {
  struct gaiti_handshakes *handshakes = &heap->cycle->handshakes;
  enum gaiti_action next = handshake_next(handshakes);
  if (handshake_is_pending(heap) || next == GAITI_ACTION_NONE) return GAITI_ACTION_NONE;
  handshake_measure_locked(handshakes);
  handshake_ask_locked(heap, next);
  return next;
}

/* Begins the sweep when all have turned their barriers off, and it has not begun yet.
 * Model: tests/model/sweep.pml.  Litmus: tests/litmus/answered.litmus. */
static void handshake_begin_sweep_locked(gait_heap *heap) {
  const struct gaiti_handshakes *handshakes = &heap->cycle->handshakes;
  if (AO_int_load(&handshakes->action) != GAITI_ACTION_BARRIER_OFF) return;
  if (handshake_is_pending(heap) || gaiti_phase(heap) != GAITI_PHASE_OFF) return;
  if (MUTANT(MUTANT_SWEEP_BEFORE_BARRIERS_OFF)) return;
  gaiti_cycle_set_phase(heap, GAITI_PHASE_SWEEP);
  gaiti_sweep_begin(heap);
}

/* ---- The thread's side ---- */

/* Wakes the collector if it sleeps.  It says that it will before it looks a last time, so either it
 * sees that this thread has acted, or this thread sees that it waits.  When another thread has the
 * lock, this one does not wait for it: the collector looks again soon enough by itself.  Litmus:
 * tests/litmus/waiting.litmus. */
static void safepoint_tell(gait_heap *heap) {
  AO_nop_full();
  if (!AO_load(&heap->cycle->handshakes.waiting)) return;
  if (!gaiti_trylock(&heap->threads->lock)) return;
  gaiti_wake(&heap->threads->changed);
  gaiti_unlock(&heap->threads->lock);
}

/* Until it has come back, it is one that the collector keeps waiting: it may have to wait for a
 * processor longer than the next stop is away.
 * Model: tests/model/termination.pml, fork.pml. */
static void safepoint_wait_while_held(gait_heap *heap) {
  gaiti_counter_add(&heap->cycle->kept, 1);
  gaiti_blocking_begin();
  gaiti_lock(&heap->threads->lock);
  gaiti_wake(&heap->threads->changed);
  while (AO_load(&heap->threads->handshake.stop))
    gaiti_wait_for(&heap->threads->changed, &heap->threads->lock, 1000000);
  gaiti_unlock(&heap->threads->lock);
  gaiti_blocking_end();
  gaiti_counter_sub(&heap->cycle->kept, 1);
}

/* This thread was the last to act.  Unless the collector has to act for somebody, it asks for the
 * next action itself: the collector may have to wait long for its turn on a processor.  Returns
 * whether it has.
 * Model: tests/model/start.pml, sweep.pml, handshake.pml. */
static bool safepoint_go_on(gait_heap *heap) {
  struct gaiti_handshakes *handshakes = &heap->cycle->handshakes;
  if (AO_load_acquire(&handshakes->eager)) return false;
  gaiti_delay(heap);
  gaiti_lock(&heap->threads->lock);
  enum gaiti_action next =
      handshakes->acted_for_absent ? GAITI_ACTION_NONE : handshake_go_on_locked(heap);
  handshake_begin_sweep_locked(heap);
  handshakes->still_since_ns = 0; /* the cycle has gone on, without the thread that runs it */
  gaiti_unlock(&heap->threads->lock);
  gaiti_cycle_tell_phase(heap);
  if (next == GAITI_ACTION_NONE) safepoint_tell(heap);
  return next != GAITI_ACTION_NONE;
}

/* Looks whether this heap wants the thread, and acts.  Returns whether it asked for an action
 * itself, on which it is to act next.
 * Model: tests/model/start.pml, termination.pml, roots.pml, sweep.pml, weak.pml, fork.pml,
 * handshake.pml.  Litmus: tests/litmus/asked.litmus, card.litmus, cleared.litmus, epoch.litmus,
 * holding.litmus, poll.litmus, polled.litmus, settled.litmus. */
static bool safepoint_act(gait_thread *thread) {
  struct gaiti_handshakes *handshakes = &thread->heap->cycle->handshakes;
  gaiti_delay(thread->heap);
  if (AO_load_acquire(&thread->heap->threads->handshake.stop))
    safepoint_wait_while_held(thread->heap);
  AO_t number = AO_load_acquire(&thread->heap->threads->handshake.number);
  if (AO_load(&thread->seen) == number) return false;
  bool scan = AO_int_load(&handshakes->action) == GAITI_ACTION_SCAN_ROOTS;
  uint64_t cpu = scan ? gaiti_pause_work_begin() : 0;
  if (scan) gaiti_thread_save(thread, NULL);
  handshake_act(thread);
  if (scan) gaiti_pause_work_end(thread, cpu);
  return gaiti_thread_note_acted(thread, number) && safepoint_go_on(thread->heap);
}

/* Lowers the flag, and then looks at every heap in whose managed state the OS thread is: any of
 * them may have raised it.  A heap that raises it later, as this thread does itself when it asks
 * for the next action, is seen by the next look: at once then, else at the next poll.
 *
 * Model: tests/model/start.pml, termination.pml, roots.pml, sweep.pml, weak.pml, fork.pml,
 * handshake.pml.  Litmus: tests/litmus/holding.litmus, poll.litmus, polled.litmus. */
static bool safepoint_look(struct gaiti_attachments *attachments) {
  bool asked = false;
  AO_int_store(&attachments->poll, 0);
  AO_nop_full();
  for (gait_thread *thread = attachments->first; thread; thread = thread->next_exit)
    if (gaiti_thread_state(thread) == GAITI_THREAD_MANAGED) asked |= safepoint_act(thread);
  return asked;
}

/* Model: tests/model/start.pml, termination.pml, roots.pml, sweep.pml, weak.pml, fork.pml,
 * handshake.pml. */
void gaiti_safepoint(gait_thread *thread) {
  uint64_t since = gaiti_pause_begin();
  gaiti_delay(thread->heap);
  while (safepoint_look(thread->attachments)) {
  }
  gaiti_pause_end(thread, since);
}

/* ---- The collector's side ---- */

/* Notes the time since when the runner stands still, or that it goes on.
 * Model: tests/model/fork.pml. */
static void handshake_stand_still_locked(struct gaiti_handshakes *handshakes, bool still) {
  if (!still)
    handshakes->still_since_ns = 0;
  else if (handshakes->still_since_ns == 0)
    handshakes->still_since_ns = gaiti_os_now_ns();
}

/* Model: tests/model/fork.pml. */
void gaiti_handshake_stand_still(gait_heap *heap, bool still) {
  gaiti_lock(&heap->threads->lock);
  handshake_stand_still_locked(&heap->cycle->handshakes, still);
  gaiti_unlock(&heap->threads->lock);
}

/* Acts for those outside.  Returns one that has still to act, if there is any.
 * Shades of threads without a processor go to the markers before the lock is given up: no thread
 * goes on from this handshake without them.
 * Model: tests/model/start.pml, termination.pml, roots.pml, fork.pml, handshake.pml. */
static gait_thread *handshake_act_for_absent(gait_heap *heap) {
  struct gaiti_handshakes *handshakes = &heap->cycle->handshakes;
  AO_t number = AO_load(&heap->threads->handshake.number);
  gait_thread *late = NULL;
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next) {
    if (AO_load_acquire(&thread->seen) == number) continue;
    if (!gaiti_thread_try_hold(thread)) {
      late = thread;
      continue;
    }
    if (AO_load(&thread->seen) != number) { /* else it acted, and left then */
      handshakes->acted_for_absent = true;
      if (!MUTANT(MUTANT_OUTSIDE_THREAD_SKIPPED)) handshake_act(thread);
      gaiti_thread_note_acted(thread, number);
    }
    gaiti_thread_let_go(thread);
  }
  gaiti_shades_flush(heap, &handshakes->shades);
  return late;
}

/* A report on a late thread for the log.  It is copied from the thread under the lock, and written
 * without the lock: the thread may be gone by then. */
struct handshake_late {
  bool report;
  int tid;
  char line[160];
};

/* Once in a series. */
static void handshake_note_late(gait_heap *heap, gait_thread *thread, uint64_t since_ns,
                                struct handshake_late *late) {
  uint64_t waited_ns = gaiti_os_now_ns() - since_ns;
  if (!thread || thread->late_reported || waited_ns < (uint64_t)heap->options.late_ms * 1000000u)
    return;
  late->report = thread->late_reported = true;
  late->tid = thread->tid;
  snprintf(late->line, sizeof late->line,
           "gait: thread \"%s\" (id %d) has not reached a safepoint for %.1f ms", thread->name,
           thread->tid, (double)waited_ns / 1e6);
}

/* A fork waits while a signal is borrowed. */
static enum gaiti_stack_result handshake_take_stack(gait_heap *heap, int tid,
                                                    struct gaiti_stack *stack) {
  gaiti_handshake_stand_still(heap, false);
  enum gaiti_stack_result result = gaiti_stack_take(tid, (int)heap->options.late_signal, stack);
  gaiti_handshake_stand_still(heap, true);
  return result;
}

static void handshake_tell_stack(gait_heap *heap, int tid) {
  struct gaiti_stack stack;
  char place[HANDSHAKE_PLACE_BYTES];
  enum gaiti_stack_result result = handshake_take_stack(heap, tid, &stack);
  if (result != GAITI_STACK_TAKEN) {
    gaiti_log(heap, "gait: its stack is left out (signal %d): %s", (int)heap->options.late_signal,
              gaiti_stack_reason(result));
    return;
  }
  for (int i = 0; i < stack.count; i++) {
    gaiti_stack_describe(&stack, i, place, sizeof place);
    gaiti_log(heap, "gait:   %s %s", i == 0 ? "at" : "by", place);
  }
}

/* Thread: the collector.  Locks: none, while the thread is waited for and the log is called. */
static void handshake_tell_late(gait_heap *heap, const struct handshake_late *late) {
  if (!late->report) return;
  gaiti_log(heap, "%s", late->line);
  if (heap->options.late_signal != 0) handshake_tell_stack(heap, late->tid);
}

/* Looks, goes on to the next action as long as all have acted, and when somebody is missing waits a
 * little.  Returns whether all have acted on the last.
 * Model: tests/model/start.pml, sweep.pml, handshake.pml.  Litmus: tests/litmus/waiting.litmus. */
static bool handshake_look(gait_heap *heap, int spins) {
  struct gaiti_handshakes *handshakes = &heap->cycle->handshakes;
  struct handshake_late tell = {.report = false};
  gaiti_lock(&heap->threads->lock);
  AO_store_full(&handshakes->waiting, spins >= HANDSHAKE_SPINS);
  gait_thread *late;
  bool over;
  do {
    late = handshake_act_for_absent(heap);
    over = !handshake_is_pending(heap);
  } while (over && handshake_go_on_locked(heap) != GAITI_ACTION_NONE);
  if (over) handshake_measure_locked(handshakes);
  handshake_begin_sweep_locked(heap);
  handshake_stand_still_locked(handshakes, !over);
  if (late && !over) handshake_note_late(heap, late, handshakes->asked_ns, &tell);
  if (!over && spins >= HANDSHAKE_SPINS)
    gaiti_wait_for(&heap->threads->changed, &heap->threads->lock, HANDSHAKE_SLEEP_NS);
  AO_store(&handshakes->waiting, 0);
  gaiti_unlock(&heap->threads->lock);
  handshake_tell_late(heap, &tell);
  gaiti_cycle_tell_phase(heap);
  return over;
}

static void handshake_forget_late(gait_heap *heap) {
  gaiti_lock(&heap->threads->lock);
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    thread->late_reported = false;
  gaiti_unlock(&heap->threads->lock);
}

/* Model: tests/model/start.pml, fork.pml, handshake.pml. */
void gaiti_handshake_ask(gait_heap *heap, enum gaiti_action first, enum gaiti_action last) {
  struct gaiti_handshakes *handshakes = &heap->cycle->handshakes;
  gaiti_delay(heap);
  gaiti_lock(&heap->threads->lock);
  handshakes->last = last;
  handshake_ask_locked(heap, first);
  gaiti_unlock(&heap->threads->lock);
  gaiti_delay(heap);
}

/* Returns whether there is time for another look. */
static bool handshake_pause(const gait_heap *heap, uint64_t until_ns) {
  for (int i = 0; i < HANDSHAKE_PAUSES && handshake_is_pending(heap); i++)
    gaiti_os_pause();
  return gaiti_os_now_ns() < until_ns;
}

/* Model: tests/model/start.pml, handshake.pml. */
bool gaiti_handshake_await(gait_heap *heap, uint64_t until_ns) {
  bool patient = until_ns == GAITI_NO_END, over = false;
  AO_store_full(&heap->cycle->handshakes.eager, !patient);
  for (int spins = 0; !(over = handshake_look(heap, patient ? spins : 0)); spins++)
    if (!patient && !handshake_pause(heap, until_ns)) break;
  AO_store(&heap->cycle->handshakes.eager, 0);
  if (!over) return false;
  if (heap->cycle->handshakes.slowest_ns >= (uint64_t)heap->options.late_ms * 1000000u)
    handshake_forget_late(heap);
  return true;
}

/* ---- Holding everyone ---- */

/* A thread may be held by a thief of processors, which lets it go again: only our own hold counts.
 * Model: tests/model/termination.pml, fork.pml.  Litmus: tests/litmus/holding.litmus. */
static uint32_t hold_all_present(gait_heap *heap, gait_thread **late) {
  uint32_t missing = 0;
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next) {
    if (thread->stopped) continue;
    if (!thread->forking && (thread->stopped = gaiti_thread_try_hold(thread))) continue;
    AO_int_store_release(&thread->attachments->poll, 1);
    *late = thread;
    missing++;
  }
  return missing;
}

/* As handshake_look; returns how many threads are missing.
 * Model: tests/model/termination.pml, fork.pml. */
static uint32_t hold_look(gait_heap *heap, uint64_t started_ns, int spins) {
  struct handshake_late tell = {.report = false};
  gait_thread *late = NULL;
  gaiti_lock(&heap->threads->lock);
  uint32_t missing = hold_all_present(heap, &late);
  handshake_stand_still_locked(&heap->cycle->handshakes, missing > 0);
  if (missing) handshake_note_late(heap, late, started_ns, &tell);
  if (missing && spins >= HANDSHAKE_SPINS)
    gaiti_wait_for(&heap->threads->changed, &heap->threads->lock, HANDSHAKE_SLEEP_NS);
  gaiti_unlock(&heap->threads->lock);
  handshake_tell_late(heap, &tell);
  return missing;
}

/* Model: tests/model/termination.pml, fork.pml.  Litmus: tests/litmus/holding.litmus. */
uint32_t gaiti_hold_all(gait_heap *heap) {
  struct gaiti_handshakes *handshakes = &heap->cycle->handshakes;
  uint64_t start = handshakes->held_since_ns = gaiti_os_now_ns();
  AO_store_full(&heap->threads->handshake.stop, 1);
  uint32_t managed = hold_look(heap, start, 0);
  for (int spins = 1; managed > 0 && hold_look(heap, start, spins) > 0; spins++) {
  }
  if (gaiti_os_now_ns() - start >= (uint64_t)heap->options.late_ms * 1000000u)
    handshake_forget_late(heap);
  return managed;
}

/* Model: tests/model/fork.pml. */
bool gaiti_hold_until(gait_heap *heap, uint64_t until_ns) {
  struct gaiti_handshakes *handshakes = &heap->cycle->handshakes;
  handshakes->held_since_ns = gaiti_os_now_ns();
  AO_store_full(&heap->threads->handshake.stop, 1);
  bool all = false;
  for (bool time = true; time && !all;) {
    time = gaiti_os_now_ns() < until_ns;
    gait_thread *late;
    gaiti_lock(&heap->threads->lock);
    all = hold_all_present(heap, &late) == 0;
    if (!all && time)
      gaiti_wait_for(&heap->threads->changed, &heap->threads->lock, HANDSHAKE_SLEEP_NS);
    gaiti_unlock(&heap->threads->lock);
  }
  return all;
}

/* One that a fork has not stopped is in managed state, or on its way from one state to another: its
 * state is its own.  Model: tests/model/fork.pml. */
void gaiti_release_all(gait_heap *heap) {
  struct gaiti_handshakes *handshakes = &heap->cycle->handshakes;
  gaiti_lock(&heap->threads->lock);
  AO_store_release(&heap->threads->handshake.stop, 0);
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next) {
    if (thread->stopped) gaiti_thread_let_go(thread);
    thread->stopped = false;
  }
  gaiti_wake(&heap->threads->changed);
  gaiti_unlock(&heap->threads->lock);
  handshakes->held_ns += gaiti_os_now_ns() - handshakes->held_since_ns;
}

/* ---- After a fork ---- */

void gaiti_handshake_drop(gait_heap *heap, gait_thread *caller) {
  struct gaiti_handshake *asked = &heap->threads->handshake;
  asked->marking = handshake_remembers(heap);
  asked->black_epoch = 0;
  AO_store(&asked->pending, 0);
  if (!caller) return;
  action_barrier_off(caller);
  AO_store(&caller->seen, AO_load(&asked->number));
}
