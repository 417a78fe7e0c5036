/* finalizers.h: cleanups and finalizers: registration, the end of a cycle, and the queue of those
 * that are due (finalizer_queue.c). */
#ifndef GAITI_WEAK_FINALIZERS_H
#define GAITI_WEAK_FINALIZERS_H

#include "mark/marker.h"
#include "mutator/thread.h"
#include "weak/finalizer_list.h"

/* Guarded by the lock, but for the atomics.
 *   dying, gone    finalizers and cleanups whose objects the cycle under way has found dead; the
 *                  runner's.  `looked`: it has listed them, and the rest is left to do
 *   queue          due, and the stopped among them
 *   retire         registrations up to this serial become due in the next full cycle, dead or not;
 *                  `retiring`: in the cycle under way, the runner's
 *   thread         of the library's, while `thread_runs`; sleeps on `wanted`, and ends where
 *                  `thread_ends` says so, atomic (cycle/finalizer_thread.c)
 *   stuck          finalizers that a cycle among dead objects holds back are to be reported; atomic
 *   due            functions in the queue, but for stopped ones; atomic
 *   run, slow, slowest_ns   that have run, how many of those took long, the longest; atomic */
struct gaiti_finalizers {
  struct gaiti_lock lock;
  struct gaiti_finalizer_table table;
  struct gaiti_finalizer_list dying;
  struct gaiti_finalizer_list gone;
  struct gaiti_finalizer_list queue;
  bool looked;
  uint64_t retire;
  uint64_t retiring;
  struct gaiti_condition wanted;
  pthread_t thread;
  bool thread_runs;
  AO_t thread_ends;
  AO_t stuck;
  AO_t due;
  AO_t run;
  AO_t slow;
  AO_t slowest_ns;
};

/* A function that runs for longer is slow. */
#define GAITI_FINALIZER_SLOW_NS GAITI_NS_OF_MS

bool gaiti_finalizers_init(gait_heap *heap);
void gaiti_finalizers_destroy(gait_heap *heap);

/* Whether a registered callback is the queue's. */
bool gaiti_finalizers_is_queue(const gait_heap *heap, const struct gaiti_root *root);

/* False: no function is registered for the object; true: one may be. */
bool gaiti_finalizers_may_name(gait_heap *heap, const void *object);

/* Registers a function of `due`, of which the object may be live or dead from then on.  False: out
 * of memory.  *place and *serial name it. */
bool gaiti_finalizers_add(gait_heap *heap, const struct gaiti_due *due, gait_finalizer_order order,
                          uint32_t *place, uint64_t *serial);

/* Stops the registration; false: there is none of that name, or it is of the other sort.
 * Thread: in managed state. */
bool gaiti_finalizers_stop(gait_thread *thread, uint32_t place, uint64_t serial, bool cleanup);

/* Has everything that is registered now become due in the next full cycle. */
void gaiti_finalizers_retire(gait_heap *heap);

/* ---- The end of a cycle: by the thread that runs it ---- */

/* Marking has closed, and no block is swept: finds the registrations whose objects are dead, marks
 * the objects of finalizers, and makes functions due.  With `bounded`, returns false where that
 * takes long, and is to be called again by a thread that has the time. */
bool gaiti_finalizers_close(gait_heap *heap, struct gaiti_marker *marker, bool bounded);

/* In the child of a fork, where a cycle is given up: nothing has been found dead. */
void gaiti_finalizers_drop(gait_heap *heap);

/* Has threads that run functions at their polls come by one, and wakes the library's. */
void gaiti_finalizers_ring(gait_heap *heap);

/* Names in the log the kinds of objects that wait for themselves.  No lock is held. */
void gaiti_finalizers_report(gait_heap *heap);

/* Gives back memory of which there is too much. */
void gaiti_finalizers_trim(gait_heap *heap);

/* Every registration is of an allocated object (.inv.finalizer); all threads are stopped. */
void gaiti_finalizers_walk(gait_heap *heap);

/* ---- The queue (finalizer_queue.c) ---- */

/* Puts a record, which is in no list, at its end.  Locks: the finalizers'. */
void gaiti_due_push_locked(gait_heap *heap, struct gaiti_finalizer *record);

/* Takes the oldest function; false: none is due.  Its object is in no root any more.
 * Thread: in managed state. */
bool gaiti_due_take(gait_thread *thread, struct gaiti_due *due);

/* Takes and calls; returns how many.  Thread: in managed state. */
size_t gaiti_due_run(gait_thread *thread, size_t most);

/* Calls functions at a poll of a thread that wants that. */
void gaiti_due_run_at_poll(gait_thread *thread);

/* Whether a poll of the thread has functions to call. */
bool gaiti_due_wants_poll(const gait_thread *thread);

/* For how long the oldest has waited; 0: none is due. */
uint64_t gaiti_due_oldest_ns(gait_heap *heap);

#endif
