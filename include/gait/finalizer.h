/* finalizer.h: functions of yours that run when an object has been found dead.
 *
 * A *cleanup* runs when its object is gone: it gets a word of yours, not the object, and frees
 * memory or a file that belonged to the object.  A *finalizer* gets the object itself, which lives
 * on until the call has returned, and longer where the function stores it somewhere.  Each runs
 * once.  One object may have any number of both.
 *
 * A function becomes due at the end of a cycle that has found its object dead, and runs where the
 * program wants it: in gait_finalizers_run, at polls of a thread that has asked for it
 * (gait_thread_set_finalizers), on a thread of the library's (gait_finalizers_start_thread), or one
 * by one by the program itself (gait_finalizer_next).  No lock of Gait's is held.  It may allocate,
 * store, collect, register and run other functions, leave managed code and enter it again; it may
 * not detach the thread, nor return on another, to which its fiber has gone (fiber.h), and an
 * exception may not leave it.
 *
 * When an object is dead is for the collector to find out: a young cycle takes its time with old
 * objects, and a conservative stack may keep it for good.  Files and locks are better closed by
 * hand. */
#ifndef GAIT_FINALIZER_H
#define GAIT_FINALIZER_H

#include "gait/gait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Cleanups ------------------------------------------------------------------------------- */

/* Frees belongings of an object that is gone: free(3) is one.  The object itself, and all that
 * was reachable through it alone, may not be used: keep no reference to them in `arg`, which is no
 * root. */
typedef void gait_cleanup_fn(void *arg);

/* Names one registration; pass it by value.  It is never valid again once that has run or was
 * stopped. */
typedef struct gait_cleanup {
  uint64_t serial;
  uint32_t place;
  uint16_t heap_tag;
  uint16_t reserved;
} gait_cleanup;

/* Has `function(arg)` run once when `object`, the start of an object of this heap, is gone.  As
 * long as an object leads to it whose finalizer has not run, it is not gone.  `cleanup` may be
 * NULL.
 * Thread: attached.
 * Fails: GAIT_ERROR_ARGUMENT (NULL; not the start of an object), GAIT_ERROR_MEMORY,
 * GAIT_ERROR_STATE (outside managed code, or not the owner). */
GAIT_API gait_result gait_cleanup_add(gait_thread *thread, void *object, gait_cleanup_fn *function,
                                      void *arg, gait_cleanup *cleanup);

/* Undoes it: after GAIT_OK the function does not run, though it may have been due.
 * Thread: attached.
 * Fails: GAIT_ERROR_NOT_FOUND (it has run, runs or was stopped), GAIT_ERROR_WRONG_HEAP,
 * GAIT_ERROR_ARGUMENT, GAIT_ERROR_STATE. */
GAIT_API gait_result gait_cleanup_stop(gait_thread *thread, gait_cleanup cleanup);

/* ---- Finalizers ----------------------------------------------------------------------------- */

/* Gets an object that was found dead.  It, and all that it refers to, is whole; but an object to
 * which it refers may have been finalized before, where the order of its own says nothing else.
 * Weak references to it were cleared before. */
typedef void gait_finalizer_fn(gait_thread *thread, void *object, void *arg);

/* Which of the objects that are dead at the same time come first.
 *   UNORDERED    this one now, whatever refers to it
 *   TOPOLOGICAL  this one when no dead object with a finalizer leads to it any more, be it through
 *                other objects: so it is finalized after its users.  One that leads to itself, or
 *                to which such a cycle leads, is never finalized nor freed; the log names its kind
 *   IGNORE_SELF  the same, but references of the object to itself do not count */
typedef enum gait_finalizer_order {
  GAIT_FINALIZER_UNORDERED,
  GAIT_FINALIZER_TOPOLOGICAL,
  GAIT_FINALIZER_IGNORE_SELF,
} gait_finalizer_order;

/* As gait_cleanup. */
typedef struct gait_finalizer {
  uint64_t serial;
  uint32_t place;
  uint16_t heap_tag;
  uint16_t reserved;
} gait_finalizer;

/* Has `function(thread, object, arg)` run once when `object`, the start of an object of this heap,
 * is dead.  `finalizer` may be NULL.
 * Thread: attached.
 * Fails: as gait_cleanup_add; GAIT_ERROR_ARGUMENT also for an order that is none. */
GAIT_API gait_result gait_finalizer_add(gait_thread *thread, void *object,
                                        gait_finalizer_fn *function, void *arg,
                                        gait_finalizer_order order, gait_finalizer *finalizer);

/* Undoes it.  Thread, Fails: as gait_cleanup_stop. */
GAIT_API gait_result gait_finalizer_stop(gait_thread *thread, gait_finalizer finalizer);

/* ---- Running them --------------------------------------------------------------------------- */

/* Runs functions that are due, at most `most`, in the order in which they became due; those that
 * become due meanwhile are among them.  Returns how many.
 * Thread: attached.  GC: as the functions. */
GAIT_API size_t gait_finalizers_run(gait_thread *thread, size_t most);

/* A function that is due, for the program to call: `cleanup(arg)`, or `finalizer(thread, object,
 * arg)`; the other one is NULL, and the object of a cleanup too. */
typedef struct gait_due {
  gait_cleanup_fn *cleanup;
  gait_finalizer_fn *finalizer;
  void *object;
  void *arg;
} gait_due;

/* Takes the function that has been due for longest, and leaves its call to the program.  False:
 * none is due.  The queue has kept the object alive until now; from here on nothing does but your
 * own references: with exact frames, it is in one before the next safepoint.
 * Thread: attached. */
GAIT_API bool gait_finalizer_next(gait_thread *thread, gait_due *due);

/* Has every gait_thread_poll of this thread, and no other call, run functions that are due, at most
 * `most` at a time; 0, as at first: none.  A poll within such a function runs no other.
 * Thread: attached. */
GAIT_API void gait_thread_set_finalizers(gait_thread *thread, size_t most);

/* Starts a thread of the library's that runs functions as they become due.  It is attached to the
 * heap with exact frames while it does, and has every signal blocked.  A heap has one at most.
 * Thread: any.  Fails: GAIT_ERROR_ALREADY, GAIT_ERROR_SYSTEM (it gives no thread),
 * GAIT_ERROR_ARGUMENT. */
GAIT_API gait_result gait_finalizers_start_thread(gait_heap *heap);

/* Ends it when the function that it runs has returned; functions that are due stay so.  So does
 * gait_heap_destroy, whatever its result.  In the child of a fork there is no such thread.
 * Thread: any, but no function that runs on that thread.  GC: safepoint of the heaps in whose
 * managed state the thread is.
 * Fails: GAIT_ERROR_NOT_FOUND (there is none), GAIT_ERROR_ARGUMENT. */
GAIT_API gait_result gait_finalizers_stop_thread(gait_heap *heap);

/* Runs every function that is registered when it is called, whether its object is dead or not:
 * first those that are due, then finalizers, newest first and without regard to their order, then
 * cleanups, newest first.  For the end of a program or of a heap: gait_heap_destroy runs none.
 * A function may allocate and do all else that it may do at other times; one that it registers is
 * not among them, and needs another call.  Returns how many have run on this thread.
 * Thread: attached.  GC: safepoint; runs a cycle, marks; as the functions. */
GAIT_API size_t gait_finalizers_run_all(gait_thread *thread);

#ifdef __cplusplus
}
#endif
#endif
