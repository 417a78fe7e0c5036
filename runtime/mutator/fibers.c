/* Fibers.
 *
 * A parked fiber's stack is a root that no thread owns.  Like a thread's stack it is written
 * without a barrier, by the thread that runs on it; unlike one it may be scanned by any thread,
 * since its words stay as they are while it is parked.
 *
 * .fiber.grey  Call a thread grey in a cycle until it has acted on GAITI_ACTION_SCAN_ROOTS, and
 * black from then on; a stack likewise.  The invariant of the cycle (cycle/cycle.c) becomes
 *
 *   at each moment after handshake 2: every white object that a thread can reach is reachable from
 *   a grey object, through white ones only, or from a stack that has not been scanned;
 *   and a black thread runs on a black stack.
 *
 * The colour of a stack is `scanned`: it is black in the cycle of that epoch.  A stack that a
 * thread leaves has the thread's colour: a black thread has scanned it when it came, or in its own
 * action, and has met nothing since that is not kept by the barrier; a grey thread may have put
 * there, without a barrier, the only reference to a white object, be it a stack that another thread
 * has scanned before.  So:
 *
 *   leaves a fiber        scanned := the thread's black_epoch, 0 where it is grey
 *   switches to one       a black thread scans it first, unless it is black already; a grey thread
 *                         need not, since the fiber is a part of its own stack when it acts
 *   the thread acts       it scans the stack that it runs on, and its own where that is another
 *
 * The thread that runs the cycle scans the parked fibers that are left, one by one, when all
 * threads have acted.  From that moment on no thread is grey, no stack becomes grey again, and one
 * walk finds all: a fiber that the walk finds running is on a black thread, and one that is added
 * behind its back is empty.
 *
 * The race is between that thread, which scans a parked fiber, and another that takes the fiber up:
 *
 *   runner                                   mutator
 *   PARKED -> SCANNING                       PARKED -> RUNNING
 *   reads the words of the stack             black: scans it, if it is not black
 *   scanned := the epoch                     runs on it
 *   SCANNING -> PARKED, a release            scanned := black_epoch;  RUNNING -> PARKED, a release
 *
 * Each arrow at the top is a compare-and-swap, so one of the two has the fiber; the other passes by
 * (the runner: .fiber.scan-is-grey) or waits until it is parked again (the mutator), which takes as
 * long as to read the stack, and no longer: a thread that scans waits for no other thread.
 *
 * .fiber.scan-is-grey  The runner does not wait for a mutator that scans a fiber before it runs
 * there, and may note meanwhile that all roots are scanned (.barrier.scanned).  No instruction of
 * the program's runs on that stack until the scan is over, so it is like an object in the thread's
 * buffer: its references stay where they are, and are shaded before the thread's next safepoint;
 * and marking ends after a flush in which every thread has been at one.
 *
 * .fiber.before-the-swap  A fiber is PARKED before the program has swapped the stacks.  Its words
 * that count, from `place` up, are those of frames that wait, and they stay as they are: below are
 * only those of the swap itself.  Registers that callees preserve are in the frame of
 * gait_fiber_switch, which is the lowest of these (os/registers.h).  No safepoint is there between
 * the two, so neither the thread's action nor a stop finds it with one stack and on another.
 *
 * .fiber.unregister  One that goes while a cycle marks, grey, may be the only place where marking
 * would have found an object that a scanned thread has read from there (the program may read
 * another fiber's stack on the same thread).  So the thread that unregisters it scans it first.
 *
 * .fiber.ran  Where roots without a barrier have stacks scanned again, with every thread stopped
 * (.cycle.unbarriered), a parked fiber is one of these if a black thread has been on it: only such
 * a thread can have loaded a reference that was hidden.  The others are as they were scanned.
 *
 * Every cycle scans every parked fiber once, a young one too.  The end of a cycle with all threads
 * stopped from its begin (the option barrierless) knows no colours: all are scanned.
 *
 * A fork may freeze a thread in the middle of a switch (.fork.frozen): the fiber that it had is
 * LOST in the child, whether it ran there or was about to.  One that it had parked is parked, and
 * one that the runner had claimed is again.  Colours are forgotten: the cycle they belong to may be
 * given up, and the next have its epoch.
 *
 * Models: fibers. */
#include "mutator/fibers.h"

#include "base/asan.h"
#include "mutator/thread.h"

/* So many fibers are passed by under the lock at a time. */
#define FIBERS_STEP 256

/* ---- The list ---- */

bool gaiti_fibers_init(gait_heap *heap) {
  heap->fibers = gaiti_structure_alloc(&heap->space, sizeof *heap->fibers);
  if (!heap->fibers) return false;
  if (gaiti_lock_init(&heap->fibers->lock, GAITI_RANK_FIBERS)) return true;
  gaiti_structure_free(&heap->space, heap->fibers, sizeof *heap->fibers);
  return false;
}

static void fiber_free(gait_heap *heap, gait_fiber *fiber) {
  if (fiber) gaiti_scopes_free(heap, &fiber->stack.scopes);
  gaiti_structure_free(&heap->space, fiber, sizeof *fiber);
}

void gaiti_fibers_destroy(gait_heap *heap) {
  struct gaiti_fibers *fibers = heap->fibers;
  while (fibers->all) {
    gait_fiber *fiber = fibers->all;
    fibers->all = fiber->next;
    fiber_free(heap, fiber);
  }
  for (uint32_t i = 0; i < GAITI_FIBERS_SPARE; i++)
    fiber_free(heap, fibers->spare[i]);
  gaiti_lock_destroy(&fibers->lock);
  gaiti_structure_free(&heap->space, fibers, sizeof *fibers);
}

gait_fiber *gaiti_fiber_add(gait_heap *heap, const struct gaiti_parked *stack) {
  struct gaiti_fibers *fibers = heap->fibers;
  gait_fiber *fiber = gaiti_structure_alloc(&heap->space, sizeof *fiber);
  if (!fiber) return NULL;
  fiber->heap = heap;
  fiber->stack = *stack;
  gaiti_lock(&fibers->lock);
  fiber->next = fibers->all;
  if (fibers->all) fibers->all->previous = fiber;
  fibers->all = fiber;
  gaiti_counter_add(&fibers->count, 1);
  gaiti_unlock(&fibers->lock);
  return fiber;
}

static void fibers_unlink_locked(struct gaiti_fibers *fibers, gait_fiber *fiber) {
  if (fibers->cursor == fiber) fibers->cursor = fiber->next;
  if (fiber->previous)
    fiber->previous->next = fiber->next;
  else
    fibers->all = fiber->next;
  if (fiber->next) fiber->next->previous = fiber->previous;
  gaiti_counter_sub(&fibers->count, 1);
}

/* Keeps the fiber readable, and returns the one that has been so for longest. */
static gait_fiber *fibers_spare_locked(struct gaiti_fibers *fibers, gait_fiber *fiber) {
  gait_fiber **place = &fibers->spare[fibers->next_spare++ % GAITI_FIBERS_SPARE];
  gait_fiber *oldest = *place;
  *place = fiber;
  return oldest;
}

void gaiti_fiber_remove(gait_fiber *fiber) {
  gait_heap *heap = fiber->heap;
  gaiti_scopes_free(heap, &fiber->stack.scopes);
  gaiti_lock(&heap->fibers->lock);
  fibers_unlink_locked(heap->fibers, fiber);
  gait_fiber *oldest = fibers_spare_locked(heap->fibers, fiber);
  gaiti_unlock(&heap->fibers->lock);
  fiber_free(heap, oldest);
}

/* ---- Switching ---- */

bool gaiti_fiber_claim(gait_fiber *fiber, enum gaiti_fiber_state state) {
  while (!AO_compare_and_swap_full(&fiber->state, GAITI_FIBER_PARKED, state)) {
    enum gaiti_fiber_state now = gaiti_fiber_state(fiber);
    if (now != GAITI_FIBER_SCANNING && now != GAITI_FIBER_PARKED) return false;
    gaiti_os_yield();
  }
  return true;
}

static struct gaiti_parked fiber_park(const gait_thread *thread, uintptr_t place) {
  return (struct gaiti_parked){
      .roots = thread->roots,
      .limit = thread->stack_limit,
      .high = thread->stack_high,
      .place = place,
      .outside = thread->outside,
      .entered = thread->entered,
      .fake_stack = gaiti_asan_fake_stack(),
      .frames = thread->fast.frames,
      .scopes = thread->scopes,
  };
}

/* Scopes have one owner, so that they are freed once. */
static void fiber_unpark(gait_thread *thread, struct gaiti_parked *stack) {
  thread->roots = stack->roots;
  thread->stack_limit = stack->limit;
  thread->stack_high = stack->high;
  thread->outside = stack->outside;
  thread->entered = stack->entered;
  thread->fast.frames = stack->frames;
  thread->scopes = stack->scopes;
  stack->scopes = (struct gaiti_scopes){0};
}

/* The stack has the colour of the thread that leaves it (.fiber.grey). */
static void fiber_leave(gait_thread *thread, gait_fiber *fiber, enum gaiti_fiber_state state) {
  AO_t black_epoch = AO_load(&thread->black_epoch);
  AO_store(&fiber->scanned, black_epoch);
  AO_store(&fiber->ran, black_epoch);
  fiber->thread = NULL;
  AO_store_release(&fiber->state, state);
}

/* The stack that is left is given away last: another thread may take it up at once. */
void gaiti_fiber_move(gait_thread *thread, gait_fiber *to, uintptr_t place,
                      enum gaiti_fiber_state state) {
  gait_fiber *from = thread->fiber;
  *(from ? &from->stack : &thread->home) = fiber_park(thread, place);
  fiber_unpark(thread, to ? &to->stack : &thread->home);
  if (to) to->thread = thread;
  thread->fiber = to;
  if (from) fiber_leave(thread, from, state);
}

/* ---- Scanning ---- */

void gaiti_fiber_give(gait_fiber *fiber) {
  AO_store(&fiber->scanned, AO_load(&fiber->heap->epoch));
  AO_store_release(&fiber->state, GAITI_FIBER_PARKED);
}

void gaiti_fibers_walk(gait_heap *heap) {
  struct gaiti_fibers *fibers = heap->fibers;
  gaiti_lock(&fibers->lock);
  if (!fibers->walks) fibers->cursor = fibers->all;
  fibers->walks = true;
  gaiti_unlock(&fibers->lock);
}

/* Whether this cycle has yet to scan the stack; if so it is claimed.  Where it ends is known to the
 * one that has it alone. */
static bool fiber_try_scan(gait_fiber *fiber, AO_t epoch) {
  if (AO_load(&fiber->scanned) == epoch) return false;
  if (!AO_compare_and_swap_full(&fiber->state, GAITI_FIBER_PARKED, GAITI_FIBER_SCANNING))
    return false;
  if (fiber->stack.place != 0) return true;
  gaiti_fiber_give(fiber);
  return false;
}

bool gaiti_fibers_look(gait_heap *heap, struct gaiti_fiber_look *look) {
  struct gaiti_fibers *fibers = heap->fibers;
  AO_t epoch = AO_load(&heap->epoch);
  *look = (struct gaiti_fiber_look){0, NULL};
  gaiti_lock(&fibers->lock);
  bool more = fibers->walks = fibers->cursor != NULL;
  for (int i = 0; i < FIBERS_STEP && fibers->cursor && !look->value && !look->claimed; i++) {
    gait_fiber *fiber = fibers->cursor;
    fibers->cursor = fiber->next;
    look->value = AO_load((const AO_t *)(const void *)&fiber->value);
    if (fiber_try_scan(fiber, epoch)) look->claimed = fiber;
  }
  gaiti_unlock(&fibers->lock);
  return more;
}

/* ---- After a fork ---- */

static void fiber_recover(gait_fiber *fiber, const gait_thread *caller) {
  AO_store(&fiber->scanned, 0);
  AO_store(&fiber->ran, 0);
  if (gaiti_fiber_state(fiber) == GAITI_FIBER_SCANNING) AO_store(&fiber->state, GAITI_FIBER_PARKED);
  if (gaiti_fiber_state(fiber) != GAITI_FIBER_RUNNING || (caller && fiber->thread == caller))
    return;
  fiber->thread = NULL;
  AO_store(&fiber->state, GAITI_FIBER_LOST);
}

/* One that was just being unregistered is in the list, or is forgotten. */
void gaiti_fibers_recover(gait_heap *heap, const gait_thread *caller) {
  struct gaiti_fibers *fibers = heap->fibers;
  gaiti_lock(&fibers->lock);
  fibers->cursor = NULL;
  fibers->walks = false;
  for (gait_fiber *fiber = fibers->all, *next; fiber; fiber = next) {
    next = fiber->next;
    fiber_recover(fiber, caller);
    if (gaiti_fiber_state(fiber) != GAITI_FIBER_UNREGISTERED) continue;
    fibers_unlink_locked(fibers, fiber);
    fiber_free(heap, fiber);
  }
  gaiti_unlock(&fibers->lock);
}
