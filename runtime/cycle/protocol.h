/* protocol.h: the phases of a cycle, and the one table of how they follow one another (protocol.c).
 *
 *   phase  barrier    black runs  asked of threads     done when                          then
 *   IDLE   off        no          -                    a cycle begins                     START
 *   START  turns on   no          barrier on           all have acted                     FENCE
 *   FENCE  on         no          to come by           all have: no store is in flight    ROOTS
 *   OLD    on         no          -                    references of old objects traced   ROOTS
 *   ROOTS  on         turn on     scan of their stack  all have acted, roots are scanned  MARK
 *   MARK   on         yes         -                    only buffers may hold grey ones    FLUSH
 *   FLUSH  on         yes         their buffers        all have acted                     DRAIN
 *   DRAIN  on         yes         -                    no flushed object was new          CLOSE
 *   STOP   on         yes         to stop              all have, and nothing is grey      CLOSE
 *   CLOSE  on         yes         -                    live bytes counted, epoch raised   OFF
 *   OFF    turns off  turn off    barrier off          all have acted                     SWEEP
 *   SWEEP  off        no          -                    every block is swept               IDLE
 *
 * A young cycle goes from FENCE to OLD.  From DRAIN it is MARK again when a flushed object was new.
 * From MARK it is STOP, and not FLUSH, where a root has no barrier (.cycle.unbarriered); a heap
 * without barriers begins with STOP and goes on to MARK, CLOSE and SWEEP with all threads stopped.
 *
 * The thread that runs the cycle moves the phase.  Where a phase is done when all threads have
 * acted, the last of them to act may do so instead (.handshake.series, .sweep.last-begins). */
#ifndef GAITI_CYCLE_PROTOCOL_H
#define GAITI_CYCLE_PROTOCOL_H

#include "heap/heap.h"

enum gaiti_phase {
  GAITI_PHASE_IDLE,
  GAITI_PHASE_START,
  GAITI_PHASE_FENCE,
  GAITI_PHASE_OLD,
  GAITI_PHASE_ROOTS,
  GAITI_PHASE_MARK,
  GAITI_PHASE_FLUSH,
  GAITI_PHASE_DRAIN,
  GAITI_PHASE_STOP,
  GAITI_PHASE_CLOSE,
  GAITI_PHASE_OFF,
  GAITI_PHASE_SWEEP,
};

#define GAITI_PHASES (GAITI_PHASE_SWEEP + 1)

/* Small things that a thread does at a safepoint, or that are done in its place: handshake.c. */
enum gaiti_action {
  GAITI_ACTION_NONE,
  GAITI_ACTION_BARRIER_ON,
  GAITI_ACTION_FENCE,
  GAITI_ACTION_SCAN_ROOTS,
  GAITI_ACTION_FLUSH,
  GAITI_ACTION_BARRIER_OFF,
};

/*   phase       enum gaiti_phase, atomic; written in protocol.c alone, under the threads' lock
 *   entered_ns  when this cycle came to each phase first; 0: not yet */
struct gaiti_protocol {
  AO_t phase;
  uint64_t entered_ns[GAITI_PHASES];
};

/* Before the first phase of a cycle.  Thread: the one that will run it. */
void gaiti_protocol_begin(gait_heap *heap);

/* Moves on to a phase that may follow, asks threads for its action, and wakes those that wait for a
 * phase.  Thread: the one that runs the cycle, outside every heap.  Locks: none. */
void gaiti_protocol_move(gait_heap *heap, enum gaiti_phase to);

/* Moves on where the phase is done since all threads have acted, to a phase that asks for an action
 * only if the caller may ask.  Returns that action, or NONE.  Afterwards, without the lock, threads
 * that wait for a phase are to be woken.  Locks: the threads'. */
enum gaiti_action gaiti_protocol_move_on_locked(gait_heap *heap, bool may_ask);

/* Wakes threads that wait for a phase (.cycle.stalled). */
void gaiti_protocol_wake(gait_heap *heap);

/* In the child of a fork: the cycle is over. */
void gaiti_protocol_drop(gait_heap *heap);

enum gaiti_phase gaiti_phase(const gait_heap *heap);

/* Whether threads that allocate may mark: their roots are being scanned or have been. */
bool gaiti_phase_marks(enum gaiti_phase phase);

#endif
