/* The queue of functions that are due.
 *
 * .finalizer.queue  The object of a finalizer that is due is reachable from the queue alone, which
 * is a root with the barrier's discipline: to take it out is a store that overwrites the only
 * reference with NULL, so while the thread marks, its barrier shades the object.  A thread whose
 * barrier is not on yet will have its own roots scanned, and has the object there.  As with a
 * handle, it is the same whether the cycle's scan of the queue came before or after.
 *
 * No lock is held while a function runs: its record has been copied, and is free.
 *
 * Models: finalizers. */
#include "weak/finalizers.h"

#include "base/check.h"

void gaiti_due_push_locked(gait_heap *heap, struct gaiti_finalizer *record) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  record->state = GAITI_FINALIZER_DUE;
  record->due_ns = gaiti_os_now_ns();
  if (record->finalizer) {
    record->due = (void *)record->object;
    gaiti_finalizer_chunk(&finalizers->table, record)->due |= gaiti_finalizer_bit(record->place);
  }
  gaiti_finalizer_list_add(&finalizers->queue, record);
  gaiti_counter_add(&finalizers->due, 1);
}

/* The record keeps its object no longer. */
static void due_unroot_locked(gait_thread *thread, struct gaiti_finalizer *record) {
  if (MUTANT(MUTANT_DUE_WITHOUT_SHADE))
    record->due = NULL;
  else if (record->due)
    gait_store(thread, &record->due, NULL);
}

/* Frees records that were stopped, at the front of the queue: the first was not, after it. */
static void due_drop_stopped_locked(struct gaiti_finalizers *finalizers) {
  while (finalizers->queue.first && finalizers->queue.first->stopped)
    gaiti_finalizer_give(&finalizers->table, gaiti_finalizer_list_take(&finalizers->queue));
}

bool gaiti_due_take(gait_thread *thread, struct gaiti_due *due) {
  struct gaiti_finalizers *finalizers = thread->heap->finalizers;
  if (AO_load(&finalizers->due) == 0) return false;
  gaiti_lock(&finalizers->lock);
  struct gaiti_finalizer *record = gaiti_finalizer_list_take(&finalizers->queue);
  if (record) {
    *due = (struct gaiti_due){record->cleanup, record->finalizer, record->due, record->arg};
    due_unroot_locked(thread, record);
    gaiti_finalizer_give(&finalizers->table, record);
    due_drop_stopped_locked(finalizers);
    gaiti_counter_sub(&finalizers->due, 1);
    gaiti_counter_add(&finalizers->run, 1);
  }
  gaiti_unlock(&finalizers->lock);
  return record != NULL;
}

/* A record that dies is looked at by the runner, which frees it; one that is due, when it has
 * come to the front of the queue. */
static void due_stop_locked(gait_thread *thread, struct gaiti_finalizer *record) {
  struct gaiti_finalizers *finalizers = thread->heap->finalizers;
  if (record->state == GAITI_FINALIZER_REGISTERED) {
    gaiti_finalizer_give(&finalizers->table, record);
    return;
  }
  record->stopped = true;
  if (record->state != GAITI_FINALIZER_DUE) return;
  due_unroot_locked(thread, record);
  gaiti_finalizer_chunk(&finalizers->table, record)->due &= ~gaiti_finalizer_bit(record->place);
  due_drop_stopped_locked(finalizers);
  gaiti_counter_sub(&finalizers->due, 1);
}

bool gaiti_finalizers_stop(gait_thread *thread, uint32_t place, uint64_t serial, bool cleanup) {
  struct gaiti_finalizers *finalizers = thread->heap->finalizers;
  gaiti_lock(&finalizers->lock);
  struct gaiti_finalizer *record = gaiti_finalizer_find(&finalizers->table, place, serial);
  bool stops = record && !record->stopped && (record->cleanup != NULL) == cleanup;
  if (stops) due_stop_locked(thread, record);
  gaiti_unlock(&finalizers->lock);
  return stops;
}

/* ---- Calls ---- */

/* The frame of the caller's, and all that it goes on with, is of this thread. */
static void due_require_thread(const gait_thread *thread, const gait_fiber *fiber) {
  REQUIRE("finalizer.fiber", thread->fiber == fiber && gaiti_thread_is_own(thread),
          "a finalizer or cleanup has switched fibers, and returns on another thread");
}

/* A frame keeps the object, on a thread with exact frames too. */
static void due_call(gait_thread *thread, struct gaiti_due *due) {
  struct gaiti_finalizers *finalizers = thread->heap->finalizers;
  const gait_fiber *fiber = thread->fiber;
  uint64_t since_ns = gaiti_os_now_ns();
  if (due->finalizer) {
    gait_frame frame;
    gait_frame_push(thread, &frame, &due->object, 1);
    due->finalizer(thread, due->object, due->arg);
    due_require_thread(thread, fiber);
    gait_frame_pop(thread, &frame);
  } else {
    due->cleanup(due->arg);
    due_require_thread(thread, fiber);
  }
  uint64_t took_ns = gaiti_os_now_ns() - since_ns;
  gaiti_counter_raise(&finalizers->slowest_ns, took_ns);
  if (took_ns > GAITI_FINALIZER_SLOW_NS) gaiti_counter_add(&finalizers->slow, 1);
}

size_t gaiti_due_run(gait_thread *thread, size_t most) {
  size_t count = 0;
  struct gaiti_due due;
  for (; count < most && gaiti_due_take(thread, &due); count++)
    due_call(thread, &due);
  return count;
}

bool gaiti_due_wants_poll(const gait_thread *thread) {
  return thread->finalizers > 0 && AO_load(&thread->heap->finalizers->due) > 0;
}

/* None of its own polls runs others meanwhile. */
void gaiti_due_run_at_poll(gait_thread *thread) {
  size_t most = (size_t)AO_load(&thread->finalizers);
  if (most == 0) return;
  AO_store(&thread->finalizers, 0);
  gaiti_due_run(thread, most);
  AO_store(&thread->finalizers, most);
}

uint64_t gaiti_due_oldest_ns(gait_heap *heap) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  uint64_t since_ns = 0;
  gaiti_lock(&finalizers->lock);
  if (finalizers->queue.first) since_ns = finalizers->queue.first->due_ns;
  gaiti_unlock(&finalizers->lock);
  return since_ns ? gaiti_os_now_ns() - since_ns : 0;
}
