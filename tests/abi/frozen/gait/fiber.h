/* fiber.h: fibers: stacks that a thread runs on besides its own, as coroutines, generators and
 * green threads do.
 *
 * The program makes stacks and swaps them by its own means (swapcontext, a library, some lines of
 * assembly); Gait is told of each stack, and of each swap.  The stack of a fiber on which no thread
 * runs is a root, as far as it is in use: from the place of its last swap up.  A fiber that has
 * never run has none, and costs nothing but its entry in a list.
 *
 *     static void swap(void *arg) {                 makes the one context, and takes up the other
 *       struct contexts *contexts = arg;
 *       swapcontext(contexts->from, contexts->to);
 *     }
 *     ...
 *     thread = gait_fiber_switch(thread, fiber, swap, &contexts);
 *
 * A fiber may be switched to by one thread and then by another: the call returns the gait_thread on
 * which it has been taken up again.  Keep no gait_thread over a switch but that one.
 *
 * Fibers hand references to one another in objects, handles, registered roots, and as
 * their value (gait_fiber_set_value).  A reference on a parked fiber's stack may be read by other
 * fibers as long as all of them stay on one thread; a store there goes through gait_store.  The
 * thread's own stack is no fiber: a fiber that its thread runs may read and write there as it
 * likes. */
#ifndef GAIT_FIBER_H
#define GAIT_FIBER_H

#include "gait/gait.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gait_fiber gait_fiber;

/* Registers the stack [low, low + bytes) as a fiber, on which no thread has run yet.  `roots` says
 * how it is scanned, whatever its threads were attached with; an exact one has frames alone, and
 * `low` may be NULL then.  The stack is the program's, and stays readable until the fiber is
 * unregistered.
 * Words that are on the stack before its first switch are no roots: a reference that it begins with
 * goes there as its value.
 * A stack that holds references to several heaps is a fiber of each.
 * Thread: attached.
 * Fails: GAIT_ERROR_ARGUMENT, GAIT_ERROR_MEMORY, GAIT_ERROR_STATE (outside managed code, or not the
 * owner); *fiber is NULL then. */
GAIT_API gait_result gait_fiber_register(gait_thread *thread, void *low, size_t bytes,
                                         gait_thread_roots roots, gait_fiber **fiber);

/* Undoes that: its stack and its value are no roots any more, and the stack may be given back.  The
 * fiber is parked or finished.  Where the collector scans it just now the call waits for that,
 * which takes as long as the stack is deep.  Fibers that are left go with their heap.
 * Thread: attached.  GC: while a cycle marks, may scan the stack; no safepoint.
 * Fails: GAIT_ERROR_ARGUMENT, GAIT_ERROR_STATE (a thread runs on it, it was unregistered before, it
 * is of another heap; or outside managed code, or not the owner). */
GAIT_API gait_result gait_fiber_unregister(gait_thread *thread, gait_fiber *fiber);

/* Swaps the stacks, and returns when the one that it left has been swapped to again.  The first
 * swap to a stack begins the function there.  It calls nothing of Gait's but, for another
 * heap, gait_fiber_switch. */
typedef void gait_fiber_swap_fn(void *arg);

/* Runs `swap(arg)`, which goes from the present stack to that of `to`, a parked fiber of the same
 * heap; NULL: to the thread's own.  Returns when another switch has come back to this stack: the
 * thread that it is on now.  From the call on this stack is parked, and other threads may switch to
 * it; the program sees that none does before its registers have been put away.
 *
 * A switch is no safepoint: a loop that only switches calls gait_thread_poll.
 * Thread: attached.  GC: while a cycle marks, may scan the stack of `to` before it runs, and waits
 * where the collector does so, which takes as long as that stack is deep; no safepoint. */
GAIT_API gait_thread *gait_fiber_switch(gait_thread *thread, gait_fiber *to,
                                        gait_fiber_swap_fn *swap, void *arg);

/* The last switch of the fiber that the thread runs: nothing on its stack is a root from then on,
 * and it can but be unregistered, when `swap` has left it.  Does not return.
 * Thread: attached, on a fiber.  GC: as gait_fiber_switch. */
GAIT_API void gait_fiber_finish(gait_thread *thread, gait_fiber *to, gait_fiber_swap_fn *swap,
                                void *arg) __attribute__((noreturn));

/* The fiber that the thread runs on; NULL: its own stack.  Thread: the owner. */
GAIT_API gait_fiber *gait_fiber_current(const gait_thread *thread);

/* One reference that the fiber keeps alive until it is unregistered: NULL at first.  For one that
 * it begins with, and for those that go in and out at a switch.
 * Thread: attached; any that is, while the fiber is registered. */
GAIT_API void gait_fiber_set_value(gait_thread *thread, gait_fiber *fiber, void *value);
GAIT_API void *gait_fiber_value(const gait_fiber *fiber);

#ifdef __cplusplus
}
#endif
#endif
