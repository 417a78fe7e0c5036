/* Fibers: registering, and the two sides of a switch.
 *
 * Models: fibers. */
#include "base/check.h"
#include "cycle/cycle.h"
#include "mark/fiber_scan.h"

/* ---- Checks ---- */

static gait_result fiber_check_thread(const gait_thread *thread) {
  REQUIRE_RESULT("thread.owner", gaiti_thread_is_own(thread),
                 "fibers are registered by the calling thread for itself alone", GAIT_ERROR_STATE);
  REQUIRE_RESULT("fiber.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
                 "the thread is outside managed code", GAIT_ERROR_STATE);
  return GAIT_OK;
}

static void fiber_require_registered(const gait_thread *thread, const gait_fiber *fiber) {
  REQUIRE("fiber.registered", gaiti_fiber_state(fiber) != GAITI_FIBER_UNREGISTERED,
          "the fiber was unregistered");
  REQUIRE("fiber.heap", fiber->heap == thread->heap,
          "the fiber was registered with another heap than that of the thread");
}

/* Why a fiber cannot be switched to. */
static void fiber_refuse(const gait_fiber *fiber) {
  enum gaiti_fiber_state state = gaiti_fiber_state(fiber);
  REQUIRE("fiber.registered", state != GAITI_FIBER_UNREGISTERED, "the fiber was unregistered");
  REQUIRE("fiber.finished", state != GAITI_FIBER_FINISHED,
          "a fiber that has finished is switched to");
  REQUIRE("fiber.lost", state != GAITI_FIBER_LOST,
          "a fiber is switched to that ran on another thread when the process was forked");
  REQUIRE("fiber.parked", false, "a fiber is switched to on which a thread runs");
}

static void fiber_require_switch(gait_thread *thread, const gait_fiber *to) {
  REQUIRE("thread.owner", gaiti_thread_is_own(thread), "a thread switches for itself alone");
  REQUIRE("thread.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
          "a thread outside managed code switches");
  gaiti_thread_check_stack(thread);
  const gait_frame *frame = thread->fast.frames;
  REQUIRE("frame.intact", !frame || frame->seal == gait_frame_seal(frame),
          "the innermost exact frame was changed, or its function has returned");
  REQUIRE("fiber.parked", to != thread->fiber, "a thread switches to the stack that it runs on");
  if (to) fiber_require_registered(thread, to);
}

/* ---- Registering ---- */

gait_result gait_fiber_register(gait_thread *thread, void *low, size_t bytes,
                                gait_thread_roots roots, gait_fiber **fiber) {
  if (!fiber) return GAIT_ERROR_ARGUMENT;
  *fiber = NULL;
  bool scans = roots == GAIT_STACK_CONSERVATIVE;
  uintptr_t limit = (uintptr_t)low, high = (limit + bytes) & ~(sizeof(void *) - 1);
  if (!thread || (!scans && roots != GAIT_STACK_EXACT)) return GAIT_ERROR_ARGUMENT;
  if (scans && (!low || high <= limit)) return GAIT_ERROR_ARGUMENT;
  gait_result result = fiber_check_thread(thread);
  if (result != GAIT_OK) return result;
  struct gaiti_parked stack = {.roots = roots, .limit = limit, .high = high};
  *fiber = gaiti_fiber_add(thread->heap, &stack);
  return *fiber ? GAIT_OK : GAIT_ERROR_MEMORY;
}

static gait_result fiber_check_unregister(const gait_thread *thread, const gait_fiber *fiber) {
  gait_result result = fiber_check_thread(thread);
  if (result != GAIT_OK) return result;
  REQUIRE_RESULT("fiber.registered", gaiti_fiber_state(fiber) != GAITI_FIBER_UNREGISTERED,
                 "the fiber was unregistered before", GAIT_ERROR_STATE);
  REQUIRE_RESULT("fiber.heap", fiber->heap == thread->heap,
                 "the fiber was registered with another heap than that of the thread",
                 GAIT_ERROR_STATE);
  REQUIRE_RESULT("fiber.running", gaiti_fiber_state(fiber) != GAITI_FIBER_RUNNING,
                 "a fiber is unregistered on which a thread runs", GAIT_ERROR_STATE);
  return GAIT_OK;
}

/* Shades the references on the stack of a fiber that the thread has claimed. */
static void fiber_shade(gait_thread *thread, gait_fiber *fiber) {
  gaiti_delay(thread->heap);
  size_t bytes = gaiti_fiber_shade(fiber, &thread->proc->buffer);
  gaiti_counter_add(&thread->heap->marking->root_bytes, bytes);
}

/* A thread without a barrier means that none has been scanned (.fiber.unregister). */
static void fiber_shade_last(gait_thread *thread, gait_fiber *fiber) {
  if (!gaiti_thread_is_marking(thread)) return;
  if (AO_load(&fiber->scanned) == AO_load(&thread->heap->epoch)) return;
  fiber_shade(thread, fiber);
}

gait_result gait_fiber_unregister(gait_thread *thread, gait_fiber *fiber) {
  if (!thread || !fiber) return GAIT_ERROR_ARGUMENT;
  gait_result result = fiber_check_unregister(thread, fiber);
  if (result != GAIT_OK) return result;
  gait_store(thread, &fiber->value, NULL);
  if (gaiti_fiber_claim(fiber, GAITI_FIBER_UNREGISTERED))
    fiber_shade_last(thread, fiber);
  else
    AO_store(&fiber->state, GAITI_FIBER_UNREGISTERED);
  gaiti_fiber_remove(fiber);
  return GAIT_OK;
}

/* ---- Switching ---- */

/* A black thread runs on a black stack (.fiber.grey). */
static void fiber_take_up(gait_thread *thread, gait_fiber *to) {
  if (!gaiti_fiber_claim(to, GAITI_FIBER_RUNNING)) fiber_refuse(to);
  AO_t black_epoch = AO_load(&thread->black_epoch);
  if (black_epoch == 0 || AO_load(&to->scanned) == black_epoch) return;
  uint64_t since = gaiti_pause_begin();
  if (!MUTANT(MUTANT_FIBER_TAKEN_UP_UNSCANNED)) fiber_shade(thread, to);
  gaiti_pause_end(thread, since);
}

/* The near side of a switch: the thread is on `to` by the books. */
static void fiber_depart(gait_thread *thread, gait_fiber *to, uintptr_t place,
                         enum gaiti_fiber_state state) {
  fiber_require_switch(thread, to);
  if (to) fiber_take_up(thread, to);
  gaiti_delay(thread->heap);
  gaiti_fiber_move(thread, to, place, state);
}

/* The far side, on the stack of `fiber`, or on the own one of `thread`: returns the thread that is
 * here.  No address of thread-local data is kept over the swap, nor pthread_self(), which the
 * compiler may take for constant: this is a function of its own. */
GAITI_NOINLINE static gait_thread *fiber_arrive(gait_thread *thread, const gait_fiber *fiber) {
  __asm__ volatile("" : : : "memory");
  REQUIRE("fiber.swap", !fiber || gaiti_fiber_state(fiber) == GAITI_FIBER_RUNNING,
          "a fiber goes on that no thread has switched to");
  if (fiber) thread = fiber->thread;
  REQUIRE("fiber.swap", thread && thread->fiber == fiber && gaiti_thread_is_own(thread),
          "the stack that goes on is not the one that was switched to");
  return thread;
}

/* Registers that its callers have are in this frame, which is the lowest that counts. */
GAITI_NOINLINE gait_thread *gait_fiber_switch(gait_thread *thread, gait_fiber *to,
                                              gait_fiber_swap_fn *swap, void *arg) {
  uintptr_t registers[GAITI_REGISTERS];
  gaiti_registers_read(registers);
  REQUIRE_ARGUMENT(thread);
  REQUIRE_ARGUMENT(swap);
  gait_fiber *from = thread->fiber;
  fiber_depart(thread, to, gaiti_stack_pointer(), GAITI_FIBER_PARKED);
  swap(arg);
  thread = fiber_arrive(thread, from);
  __asm__ volatile("" : : "r"(registers) : "memory");
  return thread;
}

void gait_fiber_finish(gait_thread *thread, gait_fiber *to, gait_fiber_swap_fn *swap, void *arg) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE_ARGUMENT(swap);
  REQUIRE("fiber.finish", thread->fiber != NULL, "a thread that runs on no fiber finishes one");
  fiber_depart(thread, to, gaiti_stack_pointer(), GAITI_FIBER_FINISHED);
  swap(arg);
  gaiti_check_failed("REQUIRE", "fiber.finished", __func__, "a fiber that has finished goes on");
}

gait_fiber *gait_fiber_current(const gait_thread *thread) {
  REQUIRE_ARGUMENT(thread);
  return thread->fiber;
}

/* ---- Values ---- */

void gait_fiber_set_value(gait_thread *thread, gait_fiber *fiber, void *value) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE_ARGUMENT(fiber);
  fiber_require_registered(thread, fiber);
  gait_store(thread, &fiber->value, value);
}

void *gait_fiber_value(const gait_fiber *fiber) {
  REQUIRE_ARGUMENT(fiber);
  REQUIRE("fiber.registered", gaiti_fiber_state(fiber) != GAITI_FIBER_UNREGISTERED,
          "the fiber was unregistered");
  return gait_load(&fiber->value);
}
