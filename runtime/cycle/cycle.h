/* cycle.h: one collection, and the state that its parts share: one struct for each owner. */
#ifndef GAITI_CYCLE_CYCLE_H
#define GAITI_CYCLE_CYCLE_H

#include "cycle/census.h"
#include "cycle/dumps.h"
#include "cycle/handshake.h"
#include "cycle/members.h"
#include "cycle/pace.h"
#include "cycle/pools.h"
#include "cycle/promises.h"
#include "cycle/protocol.h"
#include "cycle/record.h"
#include "cycle/recorder.h"
#include "cycle/trial.h"
#include "cycle/workers.h"
#include "sweep/sweep.h"

/* Requests for cycles, and their ends (collector.c).  Guarded by the lock, but for the atomics.
 *   asked              something was requested of the collector's thread
 *   cycle_ended        a cycle has ended
 *   advanced           the phase has changed, and a thread is stalled
 *   started, finished  cycles begun and ended; finished <= started <= finished + 1
 *   forced_cycles, young_cycles  cycles that the program asked for; young ones
 *   requested          a cycle is to begin, for `cause`
 *   inspections        posted, for the next full cycle (inspect.h)
 *   wants_full         the requested cycle, or the next, must not be a young one
 *   full               the cycle under way must not be; read by the thread that runs it
 *   review             settings have changed: the collector's thread is to look for work
 *   running            a thread runs the cycle under way; else it is handed over to the collector's
 *   releasing          the collector's thread sleeps until it may give the next memory back
 *   stopping           the heap is being destroyed
 *   suspended          no cycle begins: a fork is under way
 *   collector_runs     there is a collector's thread, `collector`
 *   inline_due         the next thread that allocates may run a cycle; atomic
 *   preparing          the collector's thread has been asked to prepare blocks; atomic
 *   asking_bytes       of the allocation that asked for a cycle, until that begins; atomic
 *   stalled            threads that wait for the next phase; atomic
 *   kept               threads that would run if the collector did not keep them, to allocate or in
 *                      a stop; atomic
 *   waiting            threads that wait for a cycle to end: marking then takes all the CPU it
 *                      gets; atomic */
struct gaiti_requests {
  struct gaiti_lock lock;
  struct gaiti_condition asked;
  struct gaiti_condition cycle_ended;
  struct gaiti_condition advanced;
  uint64_t started;
  uint64_t finished;
  uint64_t forced_cycles;
  uint64_t young_cycles;
  gait_cycle_cause cause;
  struct gaiti_inspection *inspections;
  bool requested;
  bool wants_full;
  bool full;
  bool review;
  bool running;
  bool releasing;
  bool stopping;
  bool suspended;
  bool collector_runs;
  pthread_t collector;
  AO_t inline_due;
  AO_t preparing;
  AO_t asking_bytes;
  AO_t stalled;
  AO_t kept;
  AO_t waiting;
};

/* Of the thread that runs the cycle, until it ends it or hands it over; the lock of the requests is
 * taken in between.
 *   deadline_ns       when this thread has to leave the rest of the cycle to another
 *   mark_deadline_ns  when it has to leave the rest of marking
 *   begun_ns          the begin of the cycle
 *   record            of this cycle, or the last
 *   census            of the last; other threads read it under the lock, between cycles
 *   idle_objects      marked when nothing was grey outside the threads' buffers
 *   stopped           every thread is stopped, or was at the end of the last cycle
 *   inspections       to be done when the heap is swept
 *   marker            no cycle lacks one */
struct gaiti_runner {
  uint64_t deadline_ns;
  uint64_t mark_deadline_ns;
  uint64_t begun_ns;
  gait_cycle_record record;
  struct gaiti_census census;
  uint64_t idle_objects;
  bool stopped;
  struct gaiti_inspection *inspections;
  struct gaiti_marker *marker;
};

/* The headers of the others name the owner of each. */
struct gaiti_cycle {
  struct gaiti_requests requests;
  struct gaiti_runner runner;
  struct gaiti_protocol protocol;
  struct gaiti_handshake_runner handshakes;
  struct gaiti_pace pace;
  struct gaiti_workers workers;
  struct gaiti_records records;
  struct gaiti_recorder file;
  struct gaiti_trial trial;
  struct gaiti_dumps dumps;
  struct gaiti_promises promises;
  struct gaiti_member member;
  gait_pool *pools; /* guarded by the lock of the requests */
};

/* Of every heap (hooks.c). */
extern const struct gaiti_hooks gaiti_cycle_hooks;

bool gaiti_cycle_init(gait_heap *heap);
void gaiti_cycle_destroy(gait_heap *heap);

/* Begins a cycle.  Thread: the one that will run it; it is not in managed state. */
void gaiti_cycle_begin(gait_heap *heap, gait_cycle_cause cause);

/* Runs the cycle under way, and returns whether it has ended.  With a deadline (GAITI_NO_DEADLINE:
 * none) it waits for no thread longer than until then, marks for a quarter of that time, and leaves
 * the rest to another thread, which calls this function again.  Thread: as above. */
bool gaiti_cycle_run(gait_heap *heap, uint64_t deadline_ns);

#endif
