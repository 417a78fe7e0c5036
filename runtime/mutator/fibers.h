/* fibers.h: fibers: stacks that threads run on besides their own.
 *
 * fibers.c argues which thread may move a fiber from one state to another, and when a stack is
 * scanned.
 *
 *   PARKED --> RUNNING     the thread that switches to it      RUNNING --> PARKED    by leaving it
 *   PARKED --> SCANNING    the thread that runs the cycle      SCANNING --> PARKED   likewise
 *   RUNNING --> FINISHED   its thread, in its last switch
 *   RUNNING --> LOST       in the child of a fork, whose thread is gone
 *   PARKED, FINISHED, LOST --> UNREGISTERED
 *
 * .inv.fibers  The list has the registered fibers, `count` of them.  A thread has `fiber` where it
 *              runs on one, which is RUNNING and has that thread; no other is.  A parked one has no
 *              thread, and its stack is as it was when it was left. */
#ifndef GAITI_MUTATOR_FIBERS_H
#define GAITI_MUTATOR_FIBERS_H

#include "gait/fiber.h"
#include "heap/heap.h"
#include "mutator/scopes.h"

enum gaiti_fiber_state {
  GAITI_FIBER_PARKED,
  GAITI_FIBER_SCANNING,
  GAITI_FIBER_RUNNING,
  GAITI_FIBER_FINISHED,
  GAITI_FIBER_LOST,
  GAITI_FIBER_UNREGISTERED,
};

/* A stack, while no thread runs on it; gait_thread has the same fields of the one that it runs on.
 *   place       the end that is in use; 0: none is
 *   fake_stack  AddressSanitizer's */
struct gaiti_parked {
  gait_thread_roots roots;
  uintptr_t limit;
  uintptr_t high;
  uintptr_t place;
  uintptr_t outside;
  uintptr_t entered;
  void *fake_stack;
  gait_frame *frames;
  struct gaiti_scopes scopes;
};

/*   thread    that runs on it, or NULL; written by that thread
 *   scanned   the epoch of the last cycle that has all that is on the stack; 0: none.  Written by
 *             the thread that has the fiber, by the state
 *   ran       the epoch of the last cycle in which a thread ran on it that had been scanned;
 *             likewise
 *   value     a root that is stored to with the barrier
 *   next, previous  of the list, under its lock */
struct gait_fiber {
  AO_t state;
  gait_heap *heap;
  gait_thread *thread;
  struct gaiti_parked stack;
  AO_t scanned;
  AO_t ran;
  void *value;
  gait_fiber *next;
  gait_fiber *previous;
};

/* Unregistered fibers stay readable so that a second use of them is noticed: the last of these. */
#define GAITI_FIBERS_SPARE 64

/*   cursor  the next fiber that the thread which runs the cycle looks at, while it `walks` */
struct gaiti_fibers {
  struct gaiti_lock lock;
  gait_fiber *all;
  gait_fiber *cursor;
  bool walks;
  AO_t count;
  gait_fiber *spare[GAITI_FIBERS_SPARE];
  uint32_t next_spare;
};

bool gaiti_fibers_init(gait_heap *heap);
void gaiti_fibers_destroy(gait_heap *heap);

static inline enum gaiti_fiber_state gaiti_fiber_state(const gait_fiber *fiber) {
  return (enum gaiti_fiber_state)AO_load_acquire(&fiber->state);
}

/* Whether there are words on the stack that may be roots: it is parked, and has run.  Thread: one
 * that has stopped all others. */
static inline bool gaiti_fiber_has_stack(const gait_fiber *fiber) {
  return gaiti_fiber_state(fiber) == GAITI_FIBER_PARKED && fiber->stack.place != 0;
}

/* A new fiber, in the list; NULL: out of memory. */
gait_fiber *gaiti_fiber_add(gait_heap *heap, const struct gaiti_parked *stack);

/* Takes it off the list.  It is UNREGISTERED. */
void gaiti_fiber_remove(gait_fiber *fiber);

/* Moves a parked fiber to `state`, and waits for that while it is scanned.  False: it is in
 * another one. */
bool gaiti_fiber_claim(gait_fiber *fiber, enum gaiti_fiber_state state);

/* The calling thread, which has claimed `to` (NULL: its own stack), is on it from now on, and
 * leaves the present stack in `state`, of which `place` is the end.  It runs on with both stacks
 * until it has swapped them, but touches no reference. */
void gaiti_fiber_move(gait_thread *thread, gait_fiber *to, uintptr_t place,
                      enum gaiti_fiber_state state);

/* ---- Scanning: by the thread that runs the cycle ---- */

/* One look at the list.
 *   value    of a fiber, if that has one
 *   claimed  a fiber that is SCANNING now, or NULL */
struct gaiti_fiber_look {
  uintptr_t value;
  gait_fiber *claimed;
};

/* Begins the walk of a cycle, or goes on with it after a deadline. */
void gaiti_fibers_walk(gait_heap *heap);

/* Goes on to the next fiber that has a value, or a stack that this cycle has not; after a while,
 * without any.  False: the walk is over. */
bool gaiti_fibers_look(gait_heap *heap, struct gaiti_fiber_look *look);

/* The claimed fiber has been scanned, and is parked again. */
void gaiti_fiber_give(gait_fiber *fiber);

/* In the child of a fork: fibers that ran on threads that are gone are lost. */
void gaiti_fibers_recover(gait_heap *heap, const gait_thread *caller);

#endif
