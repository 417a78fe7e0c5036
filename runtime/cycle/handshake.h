/* handshake.h: asking every thread to do a small thing, without stopping any.
 *
 * A handshake has a number and an action.  A thread in managed state acts at its next safepoint;
 * for one outside the collector acts in its place.  The collector waits until all have acted;
 * threads wait for no other thread, but for a lock at the end.  Actions may follow one another in a
 * series.
 *
 * .inv.handshake  thread->seen is the number of the last handshake that the thread has acted on, or
 *                 that was done in its place.  It is written by the thread in managed state, or by
 *                 the thread that has suspended it.  The action does not change before all have
 *                 seen the number. */
#ifndef GAITI_CYCLE_HANDSHAKE_H
#define GAITI_CYCLE_HANDSHAKE_H

#include "cycle/protocol.h"
#include "mutator/thread.h"

/* Before it sleeps, the collector looks so often whether all have acted. */
#define GAITI_HANDSHAKE_SPINS    3
#define GAITI_HANDSHAKE_SLEEP_NS 200000

/* The collector's side of the handshake under way (mutator/thread.h has the threads').  Guarded by
 * the threads' lock, but for the atomics.
 *   acted_for_outside  the collector has acted for a thread outside
 *   measured           the last thread has noted how long it took, before the runner looked
 *   buffer             barrier buffer of the collector, within one look, for threads that have no
 *                      processor
 *   waiting            the collector sleeps until a thread has acted
 *   has_deadline       the collector does not sleep while it waits, and looks again at once
 *   asked_ns           when the handshake under way was asked; threads that act on it read it, and
 *                      it does not change before all have
 *   latest             of this cycle's answers, the one that came last after it was asked:
 *                      lateness.h
 *   stopped_since_ns   likewise of a stop; atomic
 *   still_since_ns     since when the thread that runs the cycle stands still, 0: it does not.  It
 *                      waits for threads, or is in the embedder's log or in the callback that tells
 *                      of the cycle, which comes last: all that it has is in the cycle, and whole.
 *                      For a fork that cannot wait for it (cycle/fork.c) */
struct gaiti_handshake_runner {
  unsigned action; /* enum gaiti_action, atomic */
  bool acted_for_outside;
  bool measured;
  struct gaiti_barrier_buffer *buffer;
  AO_t waiting;
  AO_t has_deadline;
  uint64_t asked_ns;
  AO_t latest;
  uint64_t count; /* in this cycle */
  uint64_t slowest_ns;
  uint64_t stopped_ns; /* in this cycle, all threads */
  AO_t stopped_since_ns;
  uint64_t still_since_ns;
};

/* Asks every thread to act.  Locks: the threads'; no handshake is pending. */
void gaiti_handshake_ask_locked(gait_heap *heap, enum gaiti_action action);

/* Whether a thread has yet to act. */
bool gaiti_handshake_is_pending(const gait_heap *heap);

/* Notes how long the handshake has taken that is no longer pending.  Locks: the threads'. */
void gaiti_handshake_measure_locked(gait_heap *heap);

/* Acts for threads outside, moves the phase on, and waits until all threads have acted and the
 * phase is one that the caller has to end.  Returns whether it is: with a deadline
 * (GAITI_NO_DEADLINE: none) it does not sleep, gives up when that has come, and is to be called
 * again.  Thread: the one that runs the cycle; it is not in managed state. */
bool gaiti_handshake_await(gait_heap *heap, uint64_t deadline_ns);

/* The thread that runs the cycle stands still from now on, or goes on.  Thread: that one. */
void gaiti_handshake_stand_still(gait_heap *heap, bool still);
void gaiti_handshake_stand_still_locked(gait_heap *heap, bool still);

/* In the child of a fork, for a cycle that is not gone on with as it was: no thread has to act any
 * more, and barriers are off.  Thread: `caller`, the only one there, or one that is not attached
 * (`caller` is NULL); all locks are free. */
void gaiti_handshake_drop(gait_heap *heap, gait_thread *caller);

/* The work of a thread at a safepoint when its poll flag is set: it acts for every heap in whose
 * managed state its OS thread is. */
void gaiti_safepoint(gait_thread *thread);

/* As gait_thread_poll. */
static inline void gaiti_poll(gait_thread *thread) {
  if (AO_int_load(thread->fast.poll)) gaiti_safepoint(thread);
}

#endif
