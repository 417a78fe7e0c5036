/* Attaching and detaching.
 *
 * Models: fork, handshake, start, termination. */
#include "mutator/attach.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "mutator/attachments.h"
#include "mutator/blocking.h"

/* ---- Attaching ---- */

static gait_thread *threads_find_locked(const struct gaiti_threads *threads, pthread_t owner) {
  for (gait_thread *thread = threads->all; thread; thread = thread->next)
    if (pthread_equal(thread->owner, owner)) return thread;
  return NULL;
}

static gait_thread *threads_take_spare_locked(gait_heap *heap) {
  struct gaiti_threads *threads = heap->threads;
  gait_thread *thread = threads->spare;
  if (!thread) return gaiti_structure_alloc_at(&heap->space, GAITI_PLACE_OF_THREAD, sizeof *thread);
  threads->spare = thread->next;
  memset(thread, 0, sizeof *thread);
  return thread;
}

static void threads_link_locked(struct gaiti_threads *threads, gait_thread *thread) {
  thread->previous = NULL;
  thread->next = threads->all;
  if (threads->all) threads->all->previous = thread;
  threads->all = thread;
  threads->count++;
}

static void threads_unlink_locked(struct gaiti_threads *threads, gait_thread *thread) {
  if (thread->previous)
    thread->previous->next = thread->next;
  else
    threads->all = thread->next;
  if (thread->next) thread->next->previous = thread->previous;
  threads->count--;
  AO_t number = AO_load(&threads->handshake.number);
  if (AO_load(&thread->seen) != number) gaiti_thread_note_acted(thread, number);
  gaiti_latency_merge(&threads->pauses, &thread->pauses);
  gaiti_latency_merge(&threads->answers, &thread->answers);
  gaiti_counter_raise(&threads->pause_cpu_max_ns, AO_load(&thread->pause_cpu_max_ns));
  gaiti_attachments_release(thread);
  gaiti_thread_free_room(thread);
  gaiti_scopes_free(thread->heap, &thread->scopes);
  AO_store_release(&thread->state, GAITI_THREAD_DETACHED);
  thread->next = threads->spare;
  threads->spare = thread;
}

/* Where an attachment is scanned; an exact one has no bounds. */
struct thread_stack {
  uintptr_t limit;
  uintptr_t high;
};

static void thread_init(gait_thread *thread, gait_heap *heap, const char *name,
                        gait_thread_roots roots, const struct thread_stack *stack) {
  thread->heap = heap;
  thread->roots = roots;
  thread->stack_limit = stack->limit;
  thread->stack_high = stack->high;
  thread->owner = pthread_self();
  thread->tid = gaiti_os_thread_id();
  thread->fast.rows = gaiti_proc_no_rows();
  thread->fast.heap = heap->map.base;
  thread->fast.heap_bytes = heap->map.bytes;
  thread->fast.cards = heap->map.cards;
  snprintf(thread->name, sizeof thread->name, "%s", name ? name : "");
}

/* The thread starts in the state in which the handshakes so far would have put it. */
static void thread_join_cycle_locked(gait_thread *thread) {
  const struct gaiti_handshake *handshake = &thread->heap->threads->handshake;
  AO_store(&thread->seen, AO_load(&handshake->number));
  thread->fast.marking = handshake->marking;
  AO_store(&thread->black_epoch, handshake->black_epoch);
}

static gait_result thread_attach_locked(gait_heap *heap, const char *name, gait_thread_roots roots,
                                        const struct thread_stack *stack, gait_thread **out) {
  struct gaiti_threads *threads = heap->threads;
  if (threads_find_locked(threads, pthread_self())) return GAIT_ERROR_ALREADY;
  gait_thread *thread = threads_take_spare_locked(heap);
  if (!thread) return GAIT_ERROR_MEMORY;
  gait_result result = GAIT_ERROR_MEMORY;
  thread_init(thread, heap, name, roots, stack);
  thread_join_cycle_locked(thread);
  if (!gaiti_proc_acquire(thread)) goto fail_thread;
  result = GAIT_ERROR_SYSTEM;
  if (!gaiti_attachments_add(thread)) goto fail_proc;
  threads_link_locked(threads, thread);
  *out = thread;
  return GAIT_OK;
fail_proc: /* taken from a thread outside, it has that one's slots and buffer */
  heap->hooks->retire(thread);
  gaiti_proc_surrender(thread);
fail_thread:
  AO_store(&thread->state, GAITI_THREAD_DETACHED);
  thread->next = threads->spare;
  threads->spare = thread;
  return result;
}

/* A reference that another thread handed to this one when it made it is a root from now on, which
 * the hook `attached` scans. */
gait_result gaiti_thread_attach(gait_heap *heap, const char *name, gait_thread_roots roots,
                                gait_thread **thread) {
  struct thread_stack stack = {0, 0};
  if (roots != GAIT_STACK_EXACT && !gaiti_os_stack(&stack.limit, &stack.high))
    return GAIT_ERROR_SYSTEM;
  gaiti_blocking_begin();
  gaiti_lock(&heap->threads->lock);
  while (AO_load(&heap->threads->handshake.stop))
    gaiti_wait_for(&heap->threads->changed, &heap->threads->lock, GAITI_NS_OF_MS);
  gait_result result = thread_attach_locked(heap, name, roots, &stack, thread);
  gaiti_unlock(&heap->threads->lock);
  gaiti_blocking_end();
  gaiti_delay(heap);
  if (result == GAIT_OK && AO_load(&(*thread)->black_epoch) != 0) heap->hooks->attached(*thread);
  return result;
}

/* ---- Detaching ---- */

/* Moves the thread from outside to detached, when it is not suspended. */
static bool thread_try_end(gait_thread *thread) {
  return AO_compare_and_swap_full(&thread->state, GAITI_THREAD_NATIVE, GAITI_THREAD_DETACHED);
}

/* Returns whether a blocking section has begun for it.  That ends when the thread is off the list,
 * not before: a fork may have stopped its other heaps by then, and would wait for this one's
 * list. */
static bool thread_end(gait_thread *thread) {
  if (thread_try_end(thread)) return false;
  gaiti_blocking_begin();
  while (!thread_try_end(thread))
    gaiti_os_yield();
  return true;
}

void gaiti_thread_detach(gait_thread *thread) {
  struct gaiti_threads *threads = thread->heap->threads;
  REQUIRE("thread.fiber", !thread->fiber, "an OS thread ends while it runs on a fiber");
  gaiti_attachments_unlink(thread);
  if (gaiti_thread_state(thread) == GAITI_THREAD_MANAGED) gaiti_thread_leave(thread, NULL);
  bool blocked = thread_end(thread);
  gaiti_delay(thread->heap);
  if (thread->proc) {
    thread->heap->hooks->retire(thread);
    gaiti_proc_surrender(thread);
  }
  gaiti_lock(&threads->lock);
  threads_unlink_locked(threads, thread);
  gaiti_wake(&threads->changed);
  gaiti_unlock(&threads->lock);
  if (blocked) gaiti_blocking_end();
}
