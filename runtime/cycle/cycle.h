/* cycle.h: one collection, and the state that its parts share.
 *
 *   phase   barrier    black runs   activity
 *   IDLE    off        no           mutators allocate until the trigger
 *   START   turns on   no           handshakes: barrier on, then once more for stores in flight
 *   MARK    on         turns on     a handshake scans the stacks; then marking
 *   END     on         yes          flush handshakes until nothing is grey; marking closes
 *   OFF     turns off  turns off    the epoch rises; a handshake turns the barrier off
 *   SWEEP   off        no           blocks are swept; mutators allocate from swept ones
 *
 * The thread that runs the cycle moves the phase, step by step (cycle.c); from START to MARK, and
 * from OFF to SWEEP, it may be a mutator, the last to answer (handshake.c). */
#ifndef GAITI_CYCLE_CYCLE_H
#define GAITI_CYCLE_CYCLE_H

#include "cycle/handshake.h"
#include "cycle/pace.h"
#include "cycle/record.h"
#include "cycle/workers.h"
#include "sweep/sweep.h"

enum gaiti_phase {
  GAITI_PHASE_IDLE,
  GAITI_PHASE_START,
  GAITI_PHASE_MARK,
  GAITI_PHASE_END,
  GAITI_PHASE_OFF,
  GAITI_PHASE_SWEEP,
};

const char *gaiti_phase_name(enum gaiti_phase phase);

/* The next step: one function each (cycle.c). */
enum gaiti_step {
  GAITI_STEP_START,
  GAITI_STEP_OLD,
  GAITI_STEP_ROOTS,
  GAITI_STEP_MARK,
  GAITI_STEP_HOLD,
  GAITI_STEP_FLUSH,
  GAITI_STEP_FLUSHED,
  GAITI_STEP_DRAIN,
  GAITI_STEP_CLOSE,
  GAITI_STEP_OFF,
  GAITI_STEP_SWEEP,
  GAITI_STEP_OVER,
};

/* Requests for cycles and their ends; guarded by `lock`.
 *   started, finished  cycles begun and ended; finished <= started <= finished + 1
 *   requested          a cycle is to begin, for `cause`
 *   offered            the next thread that allocates may run a cycle; atomic, read without the
 *                      lock
 *   wants_full         the requested cycle, or the next, must not be a young one
 *   review             settings have changed: the collector's thread is to look for work
 *   driven             a thread runs the cycle under way; else it is handed over to the collector's
 *   releasing          the collector's thread sleeps until it may give the next memory back
 *   preparing          the collector's thread has been asked to prepare blocks; atomic
 *   asking_bytes       of the allocation that asked for a cycle, until that begins; atomic
 *   stalled            threads that wait for the next phase; atomic
 *   kept               threads that would run if the collector did not keep them: to allocate,
 *                      or in a stop; atomic
 *   waiting            threads that wait for a cycle to end: marking then takes all the CPU it
 *                      gets; atomic, read without the lock
 *
 * Of the thread that runs the cycle, until it ends it or hands it over; the lock is taken in
 * between:
 *   step               the next step
 *   until_ns           when this thread has to leave the rest of the cycle to another
 *   mark_until_ns      when it has to leave the rest of marking
 *   record             of this cycle, or the last
 *   idle_objects       marked when nothing was grey outside the threads' buffers
 *   found_bytes        of objects that the last cycle has found live, or taken for live; no
 *                      external ones
 *   kept_bytes         found_bytes, and bytes allocated while that cycle marked
 *   new_bytes          allocated between the marks of the last two
 *   reserved_bytes     of kept_bytes: in runs, and not handed out when marking ended
 *   held               every thread is held, or was at the end of the last cycle
 *   full               this cycle must not be a young one
 *   young              this cycle, or the last, is a young one (mark/young.h)
 *   remembers          stores in objects are remembered: a young one may follow
 *   remembered         stores have been remembered since the end of the cycle before */
struct gaiti_cycle {
  struct gaiti_lock lock;
  struct gaiti_condition asked;
  struct gaiti_condition ended;
  struct gaiti_condition advanced; /* the phase has changed, and somebody is stalled */
  uint64_t started;
  uint64_t finished;
  uint64_t forced;
  uint64_t youngs;
  bool requested;
  bool wants_full;
  bool review;
  bool driven;
  bool releasing;
  AO_t offered;
  AO_t preparing;
  gait_cycle_cause cause;
  bool stopping;
  bool suspended; /* no cycle begins: a fork is under way */
  bool collector_runs;
  pthread_t collector;
  AO_t asking_bytes;
  AO_t waiting;
  AO_t stalled;
  AO_t kept;
  AO_t phase;
  enum gaiti_step step;
  uint64_t until_ns;
  uint64_t mark_until_ns;
  gait_cycle_record record;
  uint64_t begun_ns, marking_ns, ending_ns, ended_ns;
  uint64_t idle_objects;
  uint64_t found_bytes;
  uint64_t kept_bytes;
  uint64_t new_bytes;
  uint64_t reserved_bytes;
  bool held;
  bool full;
  bool young;
  bool remembers;
  bool remembered;
  struct gaiti_marker *own_marker; /* of the thread that runs the cycle: no cycle lacks one */
  struct gaiti_handshakes handshakes;
  struct gaiti_pace pace;
  struct gaiti_workers workers;
  struct gaiti_records records;
};

/* Of every heap (hooks.c). */
extern const struct gaiti_hooks gaiti_cycle_hooks;

bool gaiti_cycle_init(gait_heap *heap);
void gaiti_cycle_destroy(gait_heap *heap);

/* Begins a cycle.  Thread: the one that will run it; it is not in managed state. */
void gaiti_cycle_begin(gait_heap *heap, gait_cycle_cause cause);

/* Runs the cycle under way, and returns whether it has ended.  With an end (GAITI_NO_END: none) it
 * waits for no thread longer than until then, marks for a quarter of that time, and leaves the rest
 * to another thread, which calls this function again.  Thread: as above. */
bool gaiti_cycle_run(gait_heap *heap, uint64_t until_ns);

/* Moves the phase; stalled threads have to be told after.  Litmus: tests/litmus/phase.litmus,
 * stalled.litmus. */
static inline void gaiti_cycle_set_phase(gait_heap *heap, enum gaiti_phase phase) {
  gaiti_delay(heap);
  AO_store_full(&heap->cycle->phase, phase);
}

/* Wakes those that wait for the next phase. */
void gaiti_cycle_tell_phase(gait_heap *heap);

/* Litmus: tests/litmus/phase.litmus. */
static inline enum gaiti_phase gaiti_phase(const gait_heap *heap) {
  return (enum gaiti_phase)AO_load_acquire(&heap->cycle->phase);
}

#endif
