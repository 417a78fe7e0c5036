/* Attaching, detaching, leaving and entering. */
#include <string.h>

#include "alloc/away.h"
#include "alloc/exit.h"
#include "api/abi.h"
#include "base/check.h"
#include "cycle/cycle.h"
#include "mark/roots.h"

/* At least so much of a frame lies above its GAIT_FRAME_END, or the end is exact. */
#define THREAD_RETURN_BYTES ((uintptr_t)16)

/* ---- Attaching ---- */

static gait_thread *threads_find_locked(const struct gaiti_threads *threads, pthread_t owner) {
  for (gait_thread *thread = threads->all; thread; thread = thread->next)
    if (pthread_equal(thread->owner, owner)) return thread;
  return NULL;
}

static gait_thread *threads_take_spare_locked(gait_heap *heap) {
  struct gaiti_threads *threads = heap->threads;
  gait_thread *thread = threads->spare;
  if (!thread) return gaiti_structure_alloc(&heap->space, sizeof *thread);
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

/* Model: tests/model/termination.pml, fork.pml, handshake.pml. */
static void threads_unlink_locked(struct gaiti_threads *threads, gait_thread *thread) {
  if (thread->previous)
    thread->previous->next = thread->next;
  else
    threads->all = thread->next;
  if (thread->next) thread->next->previous = thread->previous;
  threads->count--;
  AO_t number = AO_load(&thread->heap->cycle->handshakes.number);
  if (AO_load(&thread->seen) != number) gaiti_handshake_note_acted(thread, number);
  gaiti_latency_merge(&threads->pauses, &thread->pauses);
  gaiti_counter_raise(&threads->pause_cpu_max_ns, AO_load(&thread->pause_cpu_max_ns));
  gaiti_exit_unlisted(thread);
  gaiti_thread_free_room(thread);
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

/* The thread starts in the state in which the handshakes so far would have put it.
 * Model: tests/model/start.pml, handshake.pml. */
static void thread_join_cycle_locked(gait_thread *thread) {
  const struct gaiti_handshakes *handshakes = &thread->heap->cycle->handshakes;
  AO_store(&thread->seen, AO_load(&handshakes->number));
  thread->fast.marking = handshakes->marking;
  AO_store(&thread->black_epoch, handshakes->black_epoch);
}

/* Model: tests/model/termination.pml, fork.pml, handshake.pml. */
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
  if (!gaiti_exit_note(thread)) goto fail_proc;
  threads_link_locked(threads, thread);
  *out = thread;
  return GAIT_OK;
fail_proc: /* taken from a thread outside, it has that one's shades */
  gaiti_shades_flush(heap, &thread->proc->shades);
  gaiti_proc_surrender(thread);
fail_thread:
  AO_store(&thread->state, GAITI_THREAD_DETACHED);
  thread->next = threads->spare;
  threads->spare = thread;
  return result;
}

/* What another thread handed to this one when it made it is a root from now on.
 * Model: tests/model/termination.pml. */
static void thread_scan_if_black(gait_thread *thread) {
  if (AO_load(&thread->black_epoch) == 0) return;
  gaiti_thread_save(thread, NULL);
  gaiti_roots_scan_thread(thread, &thread->proc->shades);
  gaiti_shades_flush(thread->heap, &thread->proc->shades);
}

/* Model: tests/model/start.pml, fork.pml. */
static gait_result thread_attach(gait_heap *heap, const char *name, gait_thread_roots roots,
                                 gait_thread **thread) {
  struct thread_stack stack = {0, 0};
  if (roots != GAIT_STACK_EXACT && !gaiti_os_stack(&stack.limit, &stack.high))
    return GAIT_ERROR_SYSTEM;
  gaiti_away_begin();
  gaiti_lock(&heap->threads->lock);
  while (AO_load(&heap->cycle->handshakes.holding))
    gaiti_wait_for(&heap->threads->changed, &heap->threads->lock, 1000000);
  gait_result result = thread_attach_locked(heap, name, roots, &stack, thread);
  gaiti_unlock(&heap->threads->lock);
  gaiti_away_end();
  gaiti_delay(heap);
  if (result == GAIT_OK) thread_scan_if_black(*thread);
  return result;
}

gait_result gait_thread_attach_abi(gait_heap *heap, const char *name, gait_thread_roots roots,
                                   gait_thread **thread, unsigned abi) {
  if (!heap || !thread) return GAIT_ERROR_ARGUMENT;
  *thread = NULL;
  if (!gaiti_abi_matches(heap, abi)) return GAIT_ERROR_ABI;
  return thread_attach(heap, name, roots, thread);
}

/* ---- Detaching ---- */

/* Moves the thread from outside to detached, when nobody holds it.
 * Model: tests/model/fork.pml, handshake.pml. */
static bool thread_try_end(gait_thread *thread) {
  return AO_compare_and_swap_full(&thread->state, GAITI_THREAD_OUTSIDE, GAITI_THREAD_DETACHED);
}

/* Returns whether the calling OS thread went away for it.  It comes back when the thread is off the
 * list, not before: a fork may hold its other heaps by then, and would wait for this one's list.
 * Model: tests/model/fork.pml. */
static bool thread_end(gait_thread *thread) {
  if (thread_try_end(thread)) return false;
  gaiti_away_begin();
  while (!thread_try_end(thread))
    gaiti_os_yield();
  return true;
}

/* Model: tests/model/start.pml, termination.pml, fork.pml, handshake.pml. */
gait_result gait_thread_detach(gait_thread *thread) {
  if (!thread) return GAIT_ERROR_ARGUMENT;
  enum gaiti_thread_state state = gaiti_thread_state(thread);
  REQUIRE_RESULT("thread.attached", state != GAITI_THREAD_DETACHED, "the thread is not attached",
                 GAIT_ERROR_NOT_ATTACHED);
  REQUIRE_RESULT("thread.owner", gaiti_thread_is_own(thread),
                 "a thread is detached by itself alone", GAIT_ERROR_STATE);
  struct gaiti_threads *threads = thread->heap->threads;
  gaiti_exit_forget(thread);
  if (state == GAITI_THREAD_MANAGED) gaiti_thread_leave(thread, NULL);
  bool away = thread_end(thread);
  gaiti_delay(thread->heap);
  if (thread->proc) {
    gaiti_shades_flush(thread->heap, &thread->proc->shades);
    thread->proc->assist_credit = 0;
    gaiti_proc_surrender(thread);
  }
  gaiti_lock(&threads->lock);
  threads_unlink_locked(threads, thread);
  gaiti_wake(&threads->changed);
  gaiti_unlock(&threads->lock);
  if (away) gaiti_away_end();
  return GAIT_OK;
}

/* ---- Leaving and entering ---- */

static bool thread_is_outside(const gait_thread *thread) {
  enum gaiti_thread_state state = gaiti_thread_state(thread);
  return state == GAITI_THREAD_OUTSIDE || state == GAITI_THREAD_HELD;
}

/* Whether the innermost exact frame is as it was linked. */
static bool thread_frame_is_intact(const gait_thread *thread) {
  const gait_frame *frame = thread->fast.frames;
  return !frame || frame->seal == gait_frame_seal(frame);
}

/* A safepoint of the other heaps: of this one the collector acts while the thread is outside.
 * Model: tests/model/termination.pml, fork.pml, handshake.pml. */
void gait_leave_from(gait_thread *thread, const void *frame) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE("thread.owner", gaiti_thread_is_own(thread),
          "a thread leaves managed code for itself alone");
  REQUIRE("thread.state", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
          "managed code is left from inside");
  REQUIRE("frame.intact", thread_frame_is_intact(thread),
          "the innermost exact frame was changed, or its function has returned");
  gait_poll(thread);
  gaiti_delay(thread->heap);
  gaiti_thread_leave(thread, frame);
}

#undef gait_leave
void gait_leave(gait_thread *thread) {
  gait_leave_from(thread, GAIT_FRAME_END());
}

/* Whether what the caller of gait_enter has on its stack is where it was when the thread left: in
 * the frames that have gone since were at most the words that were copied then.  `end` is where the
 * frame of gait_enter ends, by GAIT_FRAME_END.
 *
 * Foreign code within gait_outside may call back from further up than before.  When the function
 * that entered last has returned, nobody below gait_outside holds a reference, and what its callers
 * had is in its frame or above. */
static bool thread_is_where_it_left(const gait_thread *thread, uintptr_t end) {
  if (thread->roots == GAIT_STACK_EXACT) return true;
  if (end + THREAD_RETURN_BYTES <= thread->saved.rest) return true;
  return end < thread->outside && end > thread->entered;
}

/* The flag alone does not tell: a poll of another heap lowers it, and looks at the heaps alone in
 * whose managed state the thread is then (cycle/handshake.c). */
static bool thread_is_asked(const gait_thread *thread) {
  return AO_load(&thread->seen) != AO_load_acquire(&thread->heap->cycle->handshakes.number);
}

static void thread_come_back(gait_thread *thread) {
  gaiti_delay(thread->heap);
  gaiti_thread_enter(thread);
  REQUIRE("frame.intact", !thread->frames_broken,
          "an exact frame was changed, or its function has returned");
  if (thread_is_asked(thread))
    gaiti_safepoint(thread);
  else
    gait_poll(thread);
}

/* Model: tests/model/handshake.pml. */
GAITI_NOINLINE void gait_enter(gait_thread *thread) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE("thread.owner", gaiti_thread_is_own(thread),
          "a thread enters managed code for itself alone");
  REQUIRE("thread.state", thread_is_outside(thread), "managed code is entered from outside");
  uintptr_t end = (uintptr_t)GAIT_FRAME_END();
  REQUIRE("thread.frame", thread_is_where_it_left(thread, end),
          "managed code is entered from further up the stack than it was left: more than "
          "GAIT_LEAVE_FRAMES_BYTES of frames have gone since");
  thread->entered = end;
  thread_come_back(thread);
}

/* The function may enter and leave again, which saves registers anew, from further down: those that
 * the caller had at this call are in this frame, which stays where it is. */
GAITI_NOINLINE void *gait_outside(gait_thread *thread, void *(*function)(void *), void *arg) {
  uintptr_t registers[GAITI_REGISTERS];
  gaiti_registers_read(registers);
  REQUIRE_ARGUMENT(thread);
  REQUIRE_ARGUMENT(function);
  uintptr_t outside = thread->outside, entered = thread->entered;
  gait_leave_from(thread, GAIT_FRAME_END());
  thread->outside = (uintptr_t)GAIT_FRAME_END();
  thread->entered = 0;
  void *result = function(arg);
  REQUIRE("thread.state", thread_is_outside(thread),
          "a function that runs outside managed code has entered it and not left it again");
  thread->outside = outside;
  thread->entered = entered;
  thread_come_back(thread);
  __asm__ volatile("" : : "r"(registers) : "memory");
  return result;
}

void gait_poll_slow(gait_thread *thread) {
  gaiti_safepoint(thread);
}

gait_heap *gait_thread_heap(const gait_thread *thread) {
  REQUIRE_ARGUMENT(thread);
  return thread->heap;
}

/* The list is the OS thread's own. */
gait_thread *gait_thread_current(const gait_heap *heap) {
  REQUIRE_ARGUMENT(heap);
  gait_thread *thread = gaiti_exit_first();
  while (thread && thread->heap != heap)
    thread = thread->next_exit;
  return thread;
}

void gait_thread_set_user(gait_thread *thread, void *user) {
  REQUIRE_ARGUMENT(thread);
  gaiti_pointer_store_release(&thread->user, user);
}

void *gait_thread_user(const gait_thread *thread) {
  REQUIRE_ARGUMENT(thread);
  return gaiti_pointer_load_acquire(&thread->user);
}
