/* cycle.h: one collection, and what its parts share.
 *
 *   phase   barrier    black runs   what goes on
 *   IDLE    off        no           mutators allocate until the trigger
 *   START   turns on   no           handshakes: barrier on, then once more for stores in flight
 *   MARK    on         turns on     a handshake scans the stacks; then marking
 *   END     on         yes          flush handshakes until nothing is grey; marking closes
 *   OFF     turns off  turns off    the epoch rises; a handshake turns the barrier off
 *   SWEEP   off        no           blocks are swept; mutators allocate from swept ones
 *
 * The collector moves the phase, by cycle.c's table; from START to MARK it may be a mutator, the
 * last to answer (handshake.c). */
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

/* Requests for cycles and their ends; guarded by `lock`.
 *   started, finished  cycles begun and ended; finished <= started <= finished + 1
 *   requested          a cycle is to begin, for `cause`
 *   asking_bytes       of the allocation that asked for a cycle, until that begins; atomic
 *   stalled            threads that wait for the next phase; atomic
 *   waiting            threads that wait for a cycle to end: marking then takes all the CPU it
 * gets; atomic, read without the lock */
struct gaiti_cycle {
  struct gaiti_lock lock;
  struct gaiti_condition asked;
  struct gaiti_condition ended;
  struct gaiti_condition advanced; /* the phase has changed, and somebody is stalled */
  uint64_t started;
  uint64_t finished;
  uint64_t forced;
  bool requested;
  gait_cycle_cause cause;
  bool stopping;
  bool suspended; /* no cycle begins: a fork is under way */
  bool collector_runs;
  pthread_t collector;
  AO_t asking_bytes;
  AO_t waiting;
  AO_t stalled;
  AO_t phase;
  struct gaiti_marker *own_marker; /* of the thread that runs the cycle: no cycle lacks one */
  struct gaiti_handshakes handshakes;
  struct gaiti_pace pace;
  struct gaiti_workers workers;
  struct gaiti_records records;
};

bool gaiti_cycle_init(gait_heap *heap);
void gaiti_cycle_destroy(gait_heap *heap);

/* Runs one whole cycle on the calling thread, which is not in managed state. */
void gaiti_cycle_run(gait_heap *heap, gait_cycle_cause cause);

/* Moves the phase; whoever is stalled has to be told after. */
static inline void gaiti_cycle_set_phase(gait_heap *heap, enum gaiti_phase phase) {
  gaiti_delay(heap);
  AO_store_full(&heap->cycle->phase, phase);
}

/* Wakes those that wait for the next phase. */
void gaiti_cycle_tell_phase(gait_heap *heap);

static inline enum gaiti_phase gaiti_phase(const gait_heap *heap) {
  return (enum gaiti_phase)AO_load_acquire(&heap->cycle->phase);
}

#endif
