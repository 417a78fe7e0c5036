/* Attaching, detaching, leaving and entering.
 *
 * Models: fork, handshake, termination. */
#include "api/api_abi.h"
#include "barrier/finder.h"
#include "base/check.h"
#include "cycle/cycle.h"
#include "mutator/attach.h"
#include "mutator/attachments.h"
#include "weak/finalizers.h"

/* At least so much of a frame lies above its GAIT_FRAME_END, or the end is exact. */
#define THREAD_RETURN_BYTES ((uintptr_t)16)

/* ---- Attaching and detaching ---- */

gait_result gait_thread_attach_abi(gait_heap *heap, const char *name, gait_thread_roots roots,
                                   gait_thread **thread, unsigned abi) {
  if (!heap || !thread) return GAIT_ERROR_ARGUMENT;
  *thread = NULL;
  if (!gaiti_abi_matches(heap, abi)) return GAIT_ERROR_ABI;
  return gaiti_thread_attach(heap, name, roots, thread);
}

gait_result gait_thread_detach(gait_thread *thread) {
  if (!thread) return GAIT_ERROR_ARGUMENT;
  REQUIRE_RESULT("thread.attached", gaiti_thread_state(thread) != GAITI_THREAD_DETACHED,
                 "the thread is not attached", GAIT_ERROR_NOT_ATTACHED);
  REQUIRE_RESULT("thread.owner", gaiti_thread_is_own(thread),
                 "a thread is detached by itself alone", GAIT_ERROR_STATE);
  REQUIRE_RESULT("thread.fiber", !thread->fiber, "a thread is detached from its own stack alone",
                 GAIT_ERROR_STATE);
  gaiti_thread_detach(thread);
  return GAIT_OK;
}

/* ---- Leaving and entering ---- */

static bool thread_is_outside(const gait_thread *thread) {
  enum gaiti_thread_state state = gaiti_thread_state(thread);
  return state == GAITI_THREAD_NATIVE || state == GAITI_THREAD_SUSPENDED;
}

/* Whether the innermost exact frame is as it was linked. */
static bool thread_frame_is_intact(const gait_thread *thread) {
  const gait_frame *frame = thread->fast.frames;
  return !frame || frame->seal == gait_frame_seal(frame);
}

/* A safepoint of the other heaps: of this one the collector acts while the thread is outside. */
void gait_thread_leave_from(gait_thread *thread, const void *frame) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE("thread.owner", gaiti_thread_is_own(thread),
          "a thread leaves managed code for itself alone");
  REQUIRE("thread.state", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
          "managed code is left from inside");
  REQUIRE("frame.intact", thread_frame_is_intact(thread),
          "the innermost exact frame was changed, or its function has returned");
  gaiti_poll(thread);
  gaiti_delay(thread->heap);
  if (gaiti_finder_is_on(thread->heap))
    gaiti_finder_pass(thread, __builtin_return_address(0), NULL);
  gaiti_thread_leave(thread, frame);
}

#undef gait_thread_leave
void gait_thread_leave(gait_thread *thread) {
  gait_thread_leave_from(thread, GAIT_FRAME_END());
}

/* Whether what the caller of gait_thread_enter has on its stack is where it was when the thread
 * left: in the frames that have gone since were at most the words that were copied then.  `end` is
 * where the frame of gait_thread_enter ends, by GAIT_FRAME_END.
 *
 * Foreign code within gait_thread_outside may call back from further up than before.  When the
 * function that entered last has returned, nobody below gait_thread_outside holds a reference, and
 * what its callers had is in its frame or above. */
static bool thread_is_where_it_left(const gait_thread *thread, uintptr_t end) {
  if (thread->roots == GAIT_STACK_EXACT) return true;
  if (end + THREAD_RETURN_BYTES <= thread->saved.rest) return true;
  return end < thread->outside && end > thread->entered;
}

static void thread_after_enter(gait_thread *thread) {
  gaiti_delay(thread->heap);
  gaiti_thread_enter(thread);
  REQUIRE("frame.intact", !thread->frames_broken,
          "an exact frame was changed, or its function has returned");
  if (gaiti_thread_is_asked(thread))
    gaiti_safepoint(thread);
  else
    gaiti_poll(thread);
}

GAITI_NOINLINE void gait_thread_enter(gait_thread *thread) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE("thread.owner", gaiti_thread_is_own(thread),
          "a thread enters managed code for itself alone");
  REQUIRE("thread.state", thread_is_outside(thread), "managed code is entered from outside");
  uintptr_t end = (uintptr_t)GAIT_FRAME_END();
  REQUIRE("thread.frame", thread_is_where_it_left(thread, end),
          "managed code is entered from further up the stack than it was left: more than "
          "GAIT_LEAVE_FRAMES_BYTES of frames have gone since");
  thread->entered = end;
  thread_after_enter(thread);
}

/* The function may enter and leave again, which saves registers anew, from further down: those that
 * the caller had at this call are in this frame, which stays where it is.  A fiber may be on
 * another thread by then. */
GAITI_NOINLINE void *gait_thread_outside(gait_thread *thread, void *(*function)(void *),
                                         void *arg) {
  uintptr_t registers[GAITI_REGISTERS];
  gaiti_registers_read(registers);
  REQUIRE_ARGUMENT(thread);
  REQUIRE_ARGUMENT(function);
  uintptr_t outside = thread->outside, entered = thread->entered;
  gait_fiber *fiber = thread->fiber;
  gait_thread_leave_from(thread, GAIT_FRAME_END());
  thread->outside = (uintptr_t)GAIT_FRAME_END();
  thread->entered = 0;
  void *result = function(arg);
  if (fiber) thread = fiber->thread;
  REQUIRE("thread.state", thread_is_outside(thread),
          "a function that runs outside managed code has entered it and not left it again");
  thread->outside = outside;
  thread->entered = entered;
  thread_after_enter(thread);
  __asm__ volatile("" : : "r"(registers) : "memory");
  return result;
}

void gait_thread_poll_slow(gait_thread *thread) {
  if (gaiti_finder_is_on(thread->heap))
    gaiti_finder_pass(thread, __builtin_return_address(0), NULL);
  gaiti_safepoint(thread);
  gaiti_due_run_at_poll(thread);
}

gait_heap *gait_thread_heap(const gait_thread *thread) {
  REQUIRE_ARGUMENT(thread);
  return thread->heap;
}

/* The list is the OS thread's own. */
gait_thread *gait_thread_current(const gait_heap *heap) {
  REQUIRE_ARGUMENT(heap);
  gait_thread *thread = gaiti_attachments_first();
  while (thread && thread->heap != heap)
    thread = thread->next_attachment;
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
