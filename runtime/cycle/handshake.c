/* Handshakes.
 *
 * The race is between a thread that leaves or enters managed code and the collector that would act
 * in its place.  The state word settles it (mutator/thread.h): the collector acts only after moving
 * the thread from outside to suspended, which fails while the thread is inside and keeps it from
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
 * and the collector's, which tries to suspend the thread after it has raised the number, are both
 * compare-and-swaps with a full fence, so either the thread sees the number or the collector finds
 * it outside.
 *
 * .handshake.series  A series of actions, as at the start of a cycle, needs the collector at its
 * beginning only.  `pending` counts the threads that have yet to act; the thread that makes it zero
 * moves to the next phase, under the lock, and acts on its action next (protocol.c).  Where threads
 * have every CPU, the collector waits for its turn for longer than a small heap lasts, and it
 * would have to wait once for each action.  But when a thread was outside, the rest is left to the
 * collector: no thread should act for others, which may be many.  The same holds while the thread
 * that runs the cycle has a deadline: it must not sleep, and both would only get into each other's
 * way at the lock.
 *
 * .sweep.last-begins  Likewise, the thread that makes `pending` zero when barriers go off begins
 * the sweep: before that, allocation finds no slot that the cycle has freed.
 *
 * .handshake.theft  A thread may be outside and its processor with another one by now
 * (mutator/proc.c).  A thief takes a processor only from a thread that has seen the same handshakes
 * as itself, so every processor's buffer and caches are acted on exactly once per handshake.
 *
 * Models: fibers, finalizers, fork, handshake, roots, start, sweep, termination, weak.  Litmus:
 * acted, asked, card, cleared, epoch, flushed, phase, poll, polled, remembered, scanned, stop,
 * waiting. */
#include "cycle/handshake.h"

#include "alloc/cache.h"
#include "base/probes.h"
#include "cycle/cycle.h"
#include "cycle/events.h"
#include "cycle/watchdog.h"
#include "mark/root_scan.h"
#include "mutator/attachments.h"
#include "mutator/blocking.h"
#include "mutator/lateness.h"
#include "weak/finalizers.h"

/* A runner with a deadline reads the count so often at most between two looks. */
#define HANDSHAKE_PAUSES 64

/* ---- Actions: by the thread, or by the collector that has suspended it ---- */

/* Turns the thread's barrier on; where the cycle has a deadline, runs are cut into parts. */
static void action_barrier_on(gait_thread *thread) {
  thread->fast.marking = thread->heap->threads->handshake.marking;
  if (thread->proc && AO_load(&thread->heap->short_runs))
    gaiti_proc_each_cache(thread->heap, thread->proc, gaiti_cache_shorten);
}

/* Nothing: the safepoint itself shows that no store is in flight. */
static void action_fence(gait_thread *thread) {
  (void)thread;
}

/* Scans the thread's roots; it allocates black from now on. */
static void action_scan_roots(gait_thread *thread) {
  gait_heap *heap = thread->heap;
  AO_store(&thread->black_epoch, AO_load(&heap->epoch));
  size_t bytes;
  if (thread->proc) {
    gaiti_proc_each_cache(heap, thread->proc, gaiti_cache_blacken);
    bytes = gaiti_roots_scan_thread(thread, &thread->proc->buffer);
    gaiti_buffers_flush(heap, &thread->proc->buffer);
  } else {
    bytes = gaiti_roots_scan_thread(thread, &heap->cycle->handshakes.buffer);
  }
  gaiti_counter_add(&heap->marking->root_bytes, bytes);
}

/* Hands the barrier's buffer to the markers. */
static void action_flush(gait_thread *thread) {
  if (thread->proc) gaiti_buffers_flush(thread->heap, &thread->proc->buffer);
}

/* Turns the barrier and black allocation off; caches keep their runs, and give up their blocks. */
static void action_barrier_off(gait_thread *thread) {
  thread->fast.marking = thread->heap->threads->handshake.marking;
  AO_store(&thread->black_epoch, 0);
  if (!thread->proc) return;
  gaiti_buffers_flush(thread->heap, &thread->proc->buffer);
  gaiti_proc_each_cache(thread->heap, thread->proc, gaiti_cache_disown);
}

typedef void action_fn(gait_thread *thread);

static action_fn *const actions[] = {
    [GAITI_ACTION_NONE] = action_fence,  [GAITI_ACTION_BARRIER_ON] = action_barrier_on,
    [GAITI_ACTION_FENCE] = action_fence, [GAITI_ACTION_SCAN_ROOTS] = action_scan_roots,
    [GAITI_ACTION_FLUSH] = action_flush, [GAITI_ACTION_BARRIER_OFF] = action_barrier_off,
};

/* Acts on the handshake under way: the thread itself, or the one that
 * has suspended it. */
static void handshake_act(gait_thread *thread) {
  if (thread->proc) gaiti_proc_flush_counts(thread->heap, thread->proc);
  unsigned action = AO_int_load(&thread->heap->cycle->handshakes.action);
  actions[action](thread);
  PROBE6(handshake_answer, thread->heap, AO_load(&thread->heap->threads->handshake.number), action,
         thread, thread->name, gaiti_thread_state(thread) == GAITI_THREAD_MANAGED);
}

/* ---- Asking ---- */

static void handshake_stage_asked_locked(gait_heap *heap) {
  const struct gaiti_handshake_runner *handshakes = &heap->cycle->handshakes;
  gaiti_event_stage_locked(heap, &(struct gaiti_event){
                                     .type = GAIT_EVENT_ASKED,
                                     .at_ns = handshakes->asked_ns,
                                     .value = {AO_int_load(&handshakes->action),
                                               AO_load(&heap->threads->handshake.number)},
                                 });
}

static void handshake_stage_over_locked(gait_heap *heap, uint64_t took_ns) {
  const struct gaiti_handshake_runner *handshakes = &heap->cycle->handshakes;
  gaiti_event_stage_locked(heap, &(struct gaiti_event){
                                     .type = GAIT_EVENT_HANDSHAKE,
                                     .at_ns = handshakes->asked_ns,
                                     .value = {took_ns, AO_int_load(&handshakes->action),
                                               AO_load(&heap->threads->handshake.number)},
                                 });
}

/* Raises the number of handshakes for the action, and the poll flag of each thread. */
void gaiti_handshake_ask_locked(gait_heap *heap, enum gaiti_action action) {
  struct gaiti_handshake_runner *handshakes = &heap->cycle->handshakes;
  struct gaiti_handshake *asked = &heap->threads->handshake;
  handshakes->count++;
  handshakes->asked_ns = gaiti_os_now_ns();
  handshakes->acted_for_outside = handshakes->measured = false;
  AO_store(&asked->pending, heap->threads->count);
  AO_int_store(&handshakes->action, action);
  AO_store_full(&asked->number, AO_load(&asked->number) + 1);
  PROBE4(handshake_ask, heap, AO_load(&asked->number), action, heap->threads->count);
  gaiti_delay(heap);
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    AO_int_store_release(&thread->attachments->poll, 1);
  handshake_stage_asked_locked(heap);
}

bool gaiti_handshake_is_pending(const gait_heap *heap) {
  return AO_load_acquire(&heap->threads->handshake.pending) > 0;
}

void gaiti_handshake_measure_locked(gait_heap *heap) {
  struct gaiti_handshake_runner *handshakes = &heap->cycle->handshakes;
  if (handshakes->measured) return;
  handshakes->measured = true;
  uint64_t took = gaiti_os_now_ns() - handshakes->asked_ns;
  if (took > handshakes->slowest_ns) handshakes->slowest_ns = took;
  handshake_stage_over_locked(heap, took);
}

/* ---- The thread's side ---- */

/* Wakes the collector if it sleeps.  It says that it will before it looks a last time, so either it
 * sees that this thread has acted, or this thread sees that it waits.  When another thread has the
 * lock, this one does not wait for it: the collector looks again soon enough by itself. */
static void safepoint_wake_collector(gait_heap *heap) {
  AO_nop_full();
  if (!AO_load(&heap->cycle->handshakes.waiting)) return;
  if (!gaiti_trylock(&heap->threads->lock)) return;
  gaiti_wake(&heap->threads->changed);
  gaiti_unlock(&heap->threads->lock);
}

/* This thread has come to the safepoint then; before another can be asked for the same.  Returns
 * how late: no time at all for an action that it has asked for itself since. */
static uint64_t safepoint_note_late(gait_thread *thread, uint64_t asked_ns, uint64_t came_ns) {
  uint64_t late_ns = came_ns > asked_ns ? came_ns - asked_ns : 0;
  gaiti_latency_add(&thread->answers, late_ns);
  gaiti_counter_raise(&thread->heap->cycle->handshakes.latest,
                      gaiti_lateness_pack(late_ns, thread->tid));
  return late_ns;
}

/* Until it has come back, it is one that the collector keeps waiting: it may have to wait for a
 * CPU longer than the next stop is away. */
static void safepoint_wait_while_stopped(gait_thread *thread, uint64_t came_ns) {
  gait_heap *heap = thread->heap;
  uint64_t late_ns =
      safepoint_note_late(thread, AO_load(&heap->cycle->handshakes.stopped_since_ns), came_ns);
  gaiti_counter_add(&heap->cycle->requests.kept, 1);
  gaiti_blocking_begin();
  gaiti_lock(&heap->threads->lock);
  gaiti_wake(&heap->threads->changed);
  while (AO_load(&heap->threads->handshake.stop))
    gaiti_wait_for(&heap->threads->changed, &heap->threads->lock, GAITI_NS_OF_MS);
  gaiti_unlock(&heap->threads->lock);
  gaiti_blocking_end();
  gaiti_counter_sub(&heap->cycle->requests.kept, 1);
  gaiti_event_write_answer(thread, GAITI_ACTION_NONE, late_ns);
}

/* This thread was the last to act.  Unless the collector has to act for others, it moves to the
 * next phase itself: the collector may have to wait long for its turn on a CPU.  Returns
 * whether that asks for an action. */
static bool safepoint_move_on(gait_heap *heap) {
  struct gaiti_handshake_runner *handshakes = &heap->cycle->handshakes;
  if (AO_load_acquire(&handshakes->has_deadline)) return false;
  gaiti_delay(heap);
  gaiti_lock(&heap->threads->lock);
  enum gaiti_action next = gaiti_protocol_move_on_locked(heap, !handshakes->acted_for_outside);
  handshakes->still_since_ns = 0; /* the cycle has gone on, without the thread that runs it */
  gaiti_unlock(&heap->threads->lock);
  gaiti_protocol_wake(heap);
  if (next == GAITI_ACTION_NONE) safepoint_wake_collector(heap);
  gaiti_events_flush(heap);
  return next != GAITI_ACTION_NONE;
}

/* Looks whether this heap wants the thread, and acts.  Returns whether it asked for an action
 * itself, on which it is to act next. */
static bool safepoint_act(gait_thread *thread, uint64_t came_ns) {
  struct gaiti_handshake_runner *handshakes = &thread->heap->cycle->handshakes;
  gaiti_delay(thread->heap);
  if (AO_load_acquire(&thread->heap->threads->handshake.stop))
    safepoint_wait_while_stopped(thread, came_ns);
  AO_t number = AO_load_acquire(&thread->heap->threads->handshake.number);
  if (AO_load(&thread->seen) == number) return false;
  unsigned action = AO_int_load(&handshakes->action);
  bool scan = action == GAITI_ACTION_SCAN_ROOTS;
  uint64_t late_ns = safepoint_note_late(thread, handshakes->asked_ns, came_ns);
  uint64_t cpu = scan ? gaiti_pause_work_begin() : 0;
  if (scan) gaiti_thread_save(thread, NULL);
  handshake_act(thread);
  if (scan) gaiti_pause_work_end(thread, cpu);
  bool last = gaiti_thread_note_acted(thread, number);
  bool asked = last && safepoint_move_on(thread->heap);
  gaiti_event_write_answer(thread, action, late_ns);
  return asked;
}

/* The next poll of the program's runs functions that are due: the flag stays raised for it. */
static void safepoint_keep_for_finalizers(struct gaiti_attachments *attachments) {
  for (gait_thread *thread = attachments->first; thread; thread = thread->next_attachment)
    if (gaiti_due_wants_poll(thread)) AO_int_store(&attachments->poll, 1);
}

/* Lowers the flag, and then looks at every heap in whose managed state the OS thread is: any of
 * them may have raised it.  A heap that raises it later, as this thread does itself when it asks
 * for the next action, is seen by the next look: at once then, else at the next poll. */
static bool safepoint_look(struct gaiti_attachments *attachments, uint64_t came_ns) {
  bool asked = false;
  AO_int_store(&attachments->poll, 0);
  AO_nop_full();
  for (gait_thread *thread = attachments->first; thread; thread = thread->next_attachment)
    if (gaiti_thread_state(thread) == GAITI_THREAD_MANAGED) asked |= safepoint_act(thread, came_ns);
  safepoint_keep_for_finalizers(attachments);
  return asked;
}

void gaiti_safepoint(gait_thread *thread) {
  uint64_t since = gaiti_pause_begin();
  gaiti_delay(thread->heap);
  while (safepoint_look(thread->attachments, since)) {
  }
  uint64_t took = gaiti_pause_end(thread, since);
  gaiti_event_write_pause(thread, GAIT_PAUSE_SAFEPOINT, since, took);
}

/* ---- The collector's side ---- */

/* Notes the time since when the runner stands still, or that it goes on. */
void gaiti_handshake_stand_still_locked(gait_heap *heap, bool still) {
  struct gaiti_handshake_runner *handshakes = &heap->cycle->handshakes;
  if (!still)
    handshakes->still_since_ns = 0;
  else if (handshakes->still_since_ns == 0)
    handshakes->still_since_ns = gaiti_os_now_ns();
}

void gaiti_handshake_stand_still(gait_heap *heap, bool still) {
  gaiti_lock(&heap->threads->lock);
  gaiti_handshake_stand_still_locked(heap, still);
  gaiti_unlock(&heap->threads->lock);
}

/* Acts for those outside.  Returns one that has still to act, if there is any.
 * Shades of threads without a processor go to the markers before the lock is given up: no thread
 * goes on from this handshake without them. */
static gait_thread *handshake_act_for_outside(gait_heap *heap) {
  struct gaiti_handshake_runner *handshakes = &heap->cycle->handshakes;
  AO_t number = AO_load(&heap->threads->handshake.number);
  gait_thread *late = NULL;
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next) {
    if (AO_load_acquire(&thread->seen) == number) continue;
    if (!gaiti_thread_try_suspend(thread)) {
      late = thread;
      continue;
    }
    if (AO_load(&thread->seen) != number) { /* else it acted, and left then */
      handshakes->acted_for_outside = true;
      if (!MUTANT(MUTANT_OUTSIDE_THREAD_SKIPPED)) handshake_act(thread);
      gaiti_event_stage_answer_locked(thread, handshakes->asked_ns);
      gaiti_thread_note_acted(thread, number);
    }
    gaiti_thread_resume(thread);
  }
  gaiti_buffers_flush(heap, &handshakes->buffer);
  return late;
}

/* Looks, moves on to the next phase as long as all have acted, and when a thread is missing waits a
 * little.  Returns whether all have acted on the last action. */
static bool handshake_look(gait_heap *heap, int spins) {
  struct gaiti_handshake_runner *handshakes = &heap->cycle->handshakes;
  struct gaiti_late_thread report = {.found = false};
  gaiti_lock(&heap->threads->lock);
  AO_store_full(&handshakes->waiting, spins >= GAITI_HANDSHAKE_SPINS);
  gait_thread *late;
  bool over;
  do {
    late = handshake_act_for_outside(heap);
    over = !gaiti_handshake_is_pending(heap);
  } while (over && gaiti_protocol_move_on_locked(heap, true) != GAITI_ACTION_NONE);
  if (over) gaiti_handshake_measure_locked(heap);
  gaiti_handshake_stand_still_locked(heap, !over);
  if (late && !over) gaiti_watchdog_look_locked(heap, late, handshakes->asked_ns, &report);
  if (!over && spins >= GAITI_HANDSHAKE_SPINS)
    gaiti_wait_for(&heap->threads->changed, &heap->threads->lock, GAITI_HANDSHAKE_SLEEP_NS);
  AO_store(&handshakes->waiting, 0);
  gaiti_unlock(&heap->threads->lock);
  gaiti_watchdog_report(heap, &report);
  gaiti_protocol_wake(heap);
  gaiti_events_flush(heap);
  return over;
}

/* Returns whether there is time for another look. */
static bool handshake_pause(const gait_heap *heap, uint64_t deadline_ns) {
  for (int i = 0; i < HANDSHAKE_PAUSES && gaiti_handshake_is_pending(heap); i++)
    gaiti_os_pause();
  return gaiti_os_now_ns() < deadline_ns;
}

bool gaiti_handshake_await(gait_heap *heap, uint64_t deadline_ns) {
  bool has_deadline = deadline_ns != GAITI_NO_DEADLINE, over = false;
  AO_store_full(&heap->cycle->handshakes.has_deadline, has_deadline);
  for (int spins = 0; !(over = handshake_look(heap, has_deadline ? 0 : spins)); spins++)
    if (has_deadline && !handshake_pause(heap, deadline_ns)) break;
  AO_store(&heap->cycle->handshakes.has_deadline, 0);
  if (over) gaiti_watchdog_forget(heap, heap->cycle->handshakes.slowest_ns);
  return over;
}

/* ---- After a fork ---- */

void gaiti_handshake_drop(gait_heap *heap, gait_thread *caller) {
  struct gaiti_handshake *asked = &heap->threads->handshake;
  asked->marking = (heap->generation.remembers ? GAIT_REMEMBER : 0) | gaiti_heap_marks_always(heap);
  asked->black_epoch = 0;
  AO_store(&asked->pending, 0);
  if (!caller) return;
  action_barrier_off(caller);
  AO_store(&caller->seen, AO_load(&asked->number));
}
