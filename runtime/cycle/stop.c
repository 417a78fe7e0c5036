/* Stop the world: for roots without a barrier, for checks of the heap, and for a fork.
 *
 * Models: fork, termination.  Litmus: stop. */
#include "cycle/stop.h"

#include "cycle/cycle.h"
#include "cycle/events.h"
#include "cycle/watchdog.h"
#include "mutator/attachments.h"

/* A thread may be suspended by a thief of processors, which resumes it: only our own stop counts.
 */
static uint32_t stop_suspend_locked(gait_heap *heap, gait_thread **late) {
  uint32_t missing = 0;
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next) {
    if (thread->stopped) continue;
    if (!thread->forking && (thread->stopped = gaiti_thread_try_suspend(thread))) continue;
    AO_int_store_release(&thread->attachments->poll, 1);
    *late = thread;
    missing++;
  }
  return missing;
}

/* As handshake_look; returns how many threads are missing. */
static uint32_t stop_look(gait_heap *heap, uint64_t started_ns, int spins) {
  struct gaiti_late_thread report = {.found = false};
  gait_thread *late = NULL;
  gaiti_lock(&heap->threads->lock);
  uint32_t missing = stop_suspend_locked(heap, &late);
  gaiti_handshake_stand_still_locked(heap, missing > 0);
  if (missing) gaiti_watchdog_look_locked(heap, late, started_ns, &report);
  if (missing && spins >= GAITI_HANDSHAKE_SPINS)
    gaiti_wait_for(&heap->threads->changed, &heap->threads->lock, GAITI_HANDSHAKE_SLEEP_NS);
  gaiti_unlock(&heap->threads->lock);
  gaiti_watchdog_report(heap, &report);
  return missing;
}

uint32_t gaiti_stop_all(gait_heap *heap) {
  struct gaiti_handshake_runner *handshakes = &heap->cycle->handshakes;
  uint64_t start = gaiti_os_now_ns();
  AO_store(&handshakes->stopped_since_ns, start);
  AO_store_full(&heap->threads->handshake.stop, 1);
  uint32_t managed = stop_look(heap, start, 0);
  for (int spins = 1; managed > 0 && stop_look(heap, start, spins) > 0; spins++) {
  }
  gaiti_watchdog_forget(heap, gaiti_os_now_ns() - start);
  return managed;
}

bool gaiti_stop_until(gait_heap *heap, uint64_t deadline_ns) {
  struct gaiti_handshake_runner *handshakes = &heap->cycle->handshakes;
  AO_store(&handshakes->stopped_since_ns, gaiti_os_now_ns());
  AO_store_full(&heap->threads->handshake.stop, 1);
  bool all = false;
  for (bool time = true; time && !all;) {
    time = gaiti_os_now_ns() < deadline_ns;
    gait_thread *late;
    gaiti_lock(&heap->threads->lock);
    all = stop_suspend_locked(heap, &late) == 0;
    if (!all && time)
      gaiti_wait_for(&heap->threads->changed, &heap->threads->lock, GAITI_HANDSHAKE_SLEEP_NS);
    gaiti_unlock(&heap->threads->lock);
  }
  return all;
}

/* One that a fork has not stopped is in managed state, or on its way from one state to another: its
 * state is its own. */
void gaiti_resume_all(gait_heap *heap) {
  struct gaiti_handshake_runner *handshakes = &heap->cycle->handshakes;
  uint64_t since_ns = AO_load(&handshakes->stopped_since_ns), took_ns;
  gaiti_lock(&heap->threads->lock);
  AO_store_release(&heap->threads->handshake.stop, 0);
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next) {
    if (thread->stopped) gaiti_thread_resume(thread);
    thread->stopped = false;
  }
  gaiti_wake(&heap->threads->changed);
  took_ns = gaiti_os_now_ns() - since_ns;
  gaiti_event_stage_locked(
      heap, &(struct gaiti_event){.type = GAIT_EVENT_STOP, .at_ns = since_ns, .value = {took_ns}});
  gaiti_unlock(&heap->threads->lock);
  handshakes->stopped_ns += took_ns;
}
