/* The runner of a cycle.
 *
 * Usually it is the collector's thread, which starts with the first request, sleeps between cycles,
 * and between cycles gives free memory back at a small share of a processor.  Where the system
 * gives no thread, the thread that asks for a cycle runs it.
 *
 * But a thread that is woken comes to its turn after some fifty microseconds, and where mutators
 * have every processor, when the heap has long passed its goal; a cycle with next to nothing to
 * mark does not take as long.  So where the last cycle marked little, the next is offered.  The
 * next thread that allocates accepts it, goes outside managed code, and runs it step by step: in
 * handshakes it acts for itself as it does for all threads outside.  When the cycle has taken
 * COLLECTOR_ACCEPT_NS, because it waits for another thread or has more to sweep, the thread hands
 * it over to the collector's thread, which goes on at the same step.  Where there is more to mark,
 * the thread does so after a quarter of that time: other processors could help.
 *
 *   offered      the next thread that allocates may accept the cycle
 *   requested    the collector's thread begins it, or the waiting thread where there is none
 *   driven       a thread runs it
 *   handed over  the collector's thread goes on with it, or its last runner where there is none
 *
 * All these change under the lock, so a cycle has one runner at a time.  An explicit request takes
 * an offer back.  An offer that no thread accepts does no harm: then no thread allocates.
 *
 * .collector.follow  The collector's thread sleeps while another drives.  So a thread that stops
 * driving looks for work that is due to that one: a cycle handed over, a request made meanwhile,
 * memory to give back, new settings, the number of processors to be learned anew
 * (tests/model/drive.pml).
 *
 * Allocation asks for cycles, so a setting that is lowered while no thread allocates would change
 * nothing.  A change of settings therefore has the collector's thread look, between two cycles,
 * whether the heap is past its new trigger, and how much memory is over by the new plan. */
#include "cycle/collector.h"

#include "alloc/away.h"
#include "cycle/cycle.h"
#include "mark/marker.h"

#define COLLECTOR_RELEASE_BYTES ((size_t)1 << 20)
#define COLLECTOR_WAIT_NS       200000
#define COLLECTOR_STALL_NS      400000
#define COLLECTOR_HELP_BYTES    ((uint64_t)256 << 10)
#define COLLECTOR_ACCEPT_NS     200000
/* A thread that accepts a cycle acts in handshakes for the threads outside: no more than these. */
#define COLLECTOR_ACCEPT_THREADS 64
/* It walks over the marks and cards of all blocks, at some 70 ns each, without a look at the clock:
 * no more than these, 64 MiB. */
#define COLLECTOR_ACCEPT_BLOCKS 1024

/* ---- Running cycles ---- */

/* The requested cycle is under way from now on.  Model: tests/model/fork.pml, drive.pml. */
static gait_cycle_cause collector_begin_locked(struct gaiti_cycle *cycle) {
  cycle->requested = false;
  cycle->full = cycle->wants_full;
  cycle->wants_full = false;
  AO_store(&cycle->offered, 0);
  cycle->started++;
  if (cycle->cause == GAIT_CAUSE_FORCED) cycle->forced++;
  return cycle->cause;
}

/* The cycle under way has ended; wakes the threads that wait for that.
 * Model: tests/model/drive.pml. */
static void collector_end_locked(struct gaiti_cycle *cycle) {
  cycle->finished = cycle->started;
  if (cycle->young) cycle->youngs++;
  gaiti_wake(&cycle->ended);
}

/* Whether the calling thread has a cycle to run, not being one that may accept it: the rest of the
 * one under way, or one that was asked for.  Model: tests/model/fork.pml, drive.pml. */
static bool collector_has_to_run_locked(const struct gaiti_cycle *cycle) {
  if (cycle->started != cycle->finished) return !cycle->driven;
  return cycle->requested && !AO_load(&cycle->offered) && !cycle->suspended;
}

/* The same, for the collector's thread: or new settings to look at. */
static bool collector_has_to_work_locked(const struct gaiti_cycle *cycle) {
  return collector_has_to_run_locked(cycle) || (cycle->review && cycle->started == cycle->finished);
}

/* Runs that cycle to its end.  The lock is held at the start and at the end, not meanwhile.
 * Model: tests/model/fork.pml, drive.pml. */
static void collector_run_locked(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  bool begins = cycle->started == cycle->finished;
  gait_cycle_cause cause = begins ? collector_begin_locked(cycle) : cycle->cause;
  cycle->driven = true;
  gaiti_unlock(&cycle->lock);
  if (begins) gaiti_cycle_begin(heap, cause);
  gaiti_cycle_run(heap, GAITI_NO_END);
  gaiti_lock(&cycle->lock);
  cycle->driven = false;
  collector_end_locked(cycle);
}

static bool collector_is_over(const struct gaiti_pacer_release *plan) {
  int64_t over =
      plan->now_bytes > plan->background_bytes ? plan->now_bytes : plan->background_bytes;
  return over >= (int64_t)GAITI_BLOCK_BYTES;
}

/* Releases a little of the memory that is over the plan, at leisure not before *due_ns, and says
 * how long to leave it at that: 0 when no more is over.  Model: tests/model/fork.pml. */
static uint64_t collector_release_some(gait_heap *heap, uint64_t *due_ns) {
  struct gaiti_pacer_release plan = gaiti_pace_plan_release(heap);
  if (!collector_is_over(&plan)) return 0;
  size_t step = plan.now_bytes > 0 ? (size_t)plan.now_bytes : COLLECTOR_RELEASE_BYTES;
  uint64_t start = gaiti_os_now_ns();
  if (plan.now_bytes <= 0 && start < *due_ns) return *due_ns - start;
  if (gaiti_space_release(&heap->space, &heap->map, step) == 0) return 0;
  uint64_t took = gaiti_os_now_ns() - start;
  uint64_t pause = took * 100 / (uint64_t)heap->options.release_percent + 1;
  *due_ns = start + took + pause;
  return pause;
}

/* Prepares blocks that allocation will come to before the next cycle ends.  Returns whether it has.
 */
static bool collector_prepare_some(gait_heap *heap) {
  uint64_t goal = AO_load(&heap->cycle->pace.goal_bytes), limit = AO_load(&heap->memory_limit);
  uint64_t most = goal < limit ? goal : limit, external = AO_load(&heap->externals.bytes);
  uint64_t room = most > external ? most - external : 0,
           hard = gaiti_space_hard_limit(&heap->space);
  return gaiti_space_prepare(&heap->space, &heap->map, room < hard ? room : hard);
}

static bool collector_is_past_trigger(const gait_heap *heap) {
  return gaiti_heap_live(heap) >= AO_load(&heap->cycle->pace.trigger_bytes);
}

static gait_cycle_cause collector_cause(const gait_heap *heap) {
  return AO_load(&heap->cycle->pace.limit_rules) ? GAIT_CAUSE_MEMORY_LIMIT : GAIT_CAUSE_GOGC;
}

/* Between two cycles: the next begins at once if the heap is past the trigger that new settings
 * have set.  It is a full one, since no allocation will ask for another. */
static void collector_review_locked(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  cycle->review = false;
  if (!collector_is_past_trigger(heap)) return;
  if (!cycle->requested) cycle->cause = collector_cause(heap);
  cycle->requested = cycle->wants_full = true;
  AO_store(&cycle->offered, 0);
}

/* How many processors there are is read from files, which no thread of the embedder's waits for,
 * not even one that runs a cycle: that one sees that this thread wakes up (.collector.follow). */
static bool collector_has_to_learn(const gait_heap *heap) {
  return !heap->options.processors && gaiti_os_processors_are_old();
}

/* The collector's thread: runs requested cycles, and between them prepares blocks and gives memory
 * back.
 * Model: tests/model/fork.pml, drive.pml. */
static void *collector_main(void *arg) {
  gait_heap *heap = arg;
  struct gaiti_cycle *cycle = heap->cycle;
  uint64_t release_due_ns = 0;
  gaiti_os_thread_begin("gait-collector");
  gaiti_lock(&cycle->lock);
  while (!cycle->stopping) {
    if (cycle->review && cycle->started == cycle->finished) collector_review_locked(heap);
    if (collector_has_to_learn(heap)) {
      gaiti_unlock(&cycle->lock);
      gaiti_os_processors_learn();
      gaiti_lock(&cycle->lock);
    }
    if (collector_has_to_run_locked(cycle)) {
      collector_run_locked(heap);
      continue;
    }
    gaiti_unlock(&cycle->lock);
    bool prepared = collector_prepare_some(heap);
    uint64_t pause_ns = prepared ? 0 : collector_release_some(heap, &release_due_ns);
    gaiti_lock(&cycle->lock);
    if (prepared) continue;
    AO_store(&cycle->preparing, 0);
    if (collector_has_to_work_locked(cycle) || cycle->stopping) continue;
    cycle->releasing = pause_ns > 0;
    if (pause_ns)
      gaiti_wait_for(&cycle->asked, &cycle->lock, pause_ns);
    else
      gaiti_wait(&cycle->asked, &cycle->lock);
  }
  gaiti_unlock(&cycle->lock);
  return NULL;
}

/* Whether the collector's thread runs, now at the latest. */
static bool collector_started_locked(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  if (!cycle->collector_runs && !cycle->stopping)
    cycle->collector_runs = gaiti_os_thread_start(&cycle->collector, collector_main, heap);
  return cycle->collector_runs;
}

/* How much a cycle of that cause has to free: a request for more is not content with less. */
static int collector_weight(gait_cycle_cause cause) {
  switch (cause) {
  case GAIT_CAUSE_FORCED: return 3;
  case GAIT_CAUSE_OUT_OF_MEMORY: return 2;
  case GAIT_CAUSE_MEMORY_LIMIT: return 1;
  case GAIT_CAUSE_GOGC:
  case GAIT_CAUSE_DEBUG: break;
  }
  return 0;
}

/* Requests a cycle of the collector's thread, and takes an offer back.  Returns whether there is
 * such a thread.
 * Model: tests/model/fork.pml, drive.pml. */
static bool collector_ask_locked(gait_heap *heap, gait_cycle_cause cause) {
  struct gaiti_cycle *cycle = heap->cycle;
  if (!cycle->requested || collector_weight(cause) > collector_weight(cycle->cause))
    cycle->cause = cause;
  cycle->requested = true;
  AO_store(&cycle->offered, 0);
  bool runs = collector_started_locked(heap);
  gaiti_wake(&cycle->asked);
  return runs;
}

/* Only the last cycle tells how much work the next one has; and one that has to hold all threads
 * could not be ended without waiting for them.  Model: tests/model/drive.pml. */
static bool collector_may_offer_locked(const gait_heap *heap) {
  const struct gaiti_cycle *cycle = heap->cycle;
  return cycle->finished > 0 && !cycle->held && !heap->options.barrierless &&
         cycle->record.threads <= COLLECTOR_ACCEPT_THREADS &&
         gaiti_space_top(&heap->space) <= COLLECTOR_ACCEPT_BLOCKS &&
         cycle->found_bytes + cycle->record.root_bytes < (uint64_t)heap->options.inline_bytes;
}

/* Offers a cycle where a thread that allocates may run it, and requests it otherwise.
 * Model: tests/model/drive.pml. */
static void collector_request_locked(gait_heap *heap, gait_cycle_cause cause, size_t bytes) {
  struct gaiti_cycle *cycle = heap->cycle;
  bool asked = cycle->requested && (AO_load(&cycle->offered) || cycle->collector_runs);
  if (cycle->started != cycle->finished || asked) return;
  AO_store(&cycle->asking_bytes, bytes);
  if (cycle->requested || !collector_may_offer_locked(heap)) {
    collector_ask_locked(heap, cause);
    return;
  }
  cycle->requested = true;
  cycle->cause = cause;
  AO_store(&cycle->offered, 1);
}

void gaiti_collector_request(gait_heap *heap, gait_cycle_cause cause, size_t bytes) {
  gaiti_lock(&heap->cycle->lock);
  collector_request_locked(heap, cause, bytes);
  gaiti_unlock(&heap->cycle->lock);
}

void gaiti_collector_prepare(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  if (AO_load(&cycle->preparing) || gaiti_phase(heap) != GAITI_PHASE_IDLE) return;
  gaiti_lock(&cycle->lock);
  if (cycle->collector_runs && cycle->started == cycle->finished) {
    AO_store(&cycle->preparing, 1);
    gaiti_wake(&cycle->asked);
  }
  gaiti_unlock(&cycle->lock);
}

void gaiti_collector_review(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  gaiti_lock(&cycle->lock);
  struct gaiti_pacer_release plan = gaiti_pace_plan_release(heap);
  bool under_way = cycle->started != cycle->finished;
  if (under_way || collector_is_past_trigger(heap) || collector_is_over(&plan)) {
    cycle->review = true;
    if (collector_started_locked(heap)) gaiti_wake(&cycle->asked);
  }
  gaiti_unlock(&cycle->lock);
}

void gaiti_collector_stop(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  gaiti_lock(&cycle->lock);
  cycle->stopping = true;
  bool runs = cycle->collector_runs;
  gaiti_wake(&cycle->asked);
  gaiti_unlock(&cycle->lock);
  if (runs) gaiti_os_thread_join(cycle->collector);
}

/* ---- Accepting one ---- */

/* This thread has run a cycle, or a part of it, while the collector's slept: sees that the rest is
 * done, and other work of the collector's thread.  Model: tests/model/drive.pml. */
static void collector_follow_locked(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  struct gaiti_pacer_release plan = gaiti_pace_plan_release(heap);
  bool releases = !cycle->releasing && collector_is_over(&plan);
  if (!collector_has_to_work_locked(cycle) && !releases && !collector_has_to_learn(heap)) return;
  if (collector_started_locked(heap))
    gaiti_wake(&cycle->asked);
  else if (cycle->started != cycle->finished)
    collector_run_locked(heap);
}

/* Runs the cycle that was offered, until it has ended or time is up.  The lock is held at the start
 * and at the end.
 * Model: tests/model/drive.pml. */
static void collector_drive_locked(gait_heap *heap, uint64_t until_ns) {
  struct gaiti_cycle *cycle = heap->cycle;
  gait_cycle_cause cause = collector_begin_locked(cycle);
  cycle->driven = true;
  gaiti_unlock(&cycle->lock);
  gaiti_cycle_begin(heap, cause);
  bool ended = gaiti_cycle_run(heap, until_ns);
  gaiti_lock(&cycle->lock);
  cycle->driven = false;
  if (ended) collector_end_locked(cycle);
  collector_follow_locked(heap);
}

bool gaiti_collector_offers(const gait_heap *heap) {
  return AO_load(&heap->cycle->offered) != 0;
}

/* Model: tests/model/drive.pml. */
bool gaiti_collector_accept(gait_thread *thread) {
  struct gaiti_cycle *cycle = thread->heap->cycle;
  uint64_t since = gaiti_pause_begin();
  gaiti_away_begin();
  gaiti_lock(&cycle->lock);
  bool accepts = AO_load(&cycle->offered) && !cycle->suspended;
  if (accepts) collector_drive_locked(thread->heap, since + COLLECTOR_ACCEPT_NS);
  gaiti_unlock(&cycle->lock);
  gaiti_away_end();
  gaiti_pause_end(thread, since);
  return accepts;
}

/* ---- Waiting for one ---- */

/* Marks while there is something to mark.  This thread answers no handshake meanwhile: that the
 * cycle waits for it follows from its marker alone (.inv.joined). Model: tests/model/roots.pml. */
static void collector_help(gait_heap *heap) {
  if (!gaiti_marking_has_work(heap)) return;
  struct gaiti_marker *marker = gaiti_marker_join(heap);
  if (!marker) return;
  uint64_t start = gaiti_os_thread_cpu_ns();
  while (gaiti_marker_run(marker, COLLECTOR_HELP_BYTES)) {
  }
  gaiti_marker_give(marker);
  gaiti_counter_add(&heap->cycle->pace.assist_ns, gaiti_os_thread_cpu_ns() - start);
}

/* Waits until `target` cycles have ended.  The lock is held at the start and at the end.
 * Model: tests/model/fork.pml, drive.pml. */
static void collector_await_locked(gait_heap *heap, uint64_t target, bool runs) {
  struct gaiti_cycle *cycle = heap->cycle;
  gaiti_counter_add(&cycle->waiting, 1);
  while (cycle->finished < target) {
    if (!runs && collector_has_to_run_locked(cycle)) {
      collector_run_locked(heap);
      continue;
    }
    gaiti_unlock(&cycle->lock);
    collector_help(heap);
    gaiti_lock(&cycle->lock);
    if (cycle->finished < target) gaiti_wait_for(&cycle->ended, &cycle->lock, COLLECTOR_WAIT_NS);
  }
  gaiti_counter_sub(&cycle->waiting, 1);
}

/* A thread that allocates waits. */
struct collector_stall {
  uint64_t cpu_ns;     /* of the process, when it began, */
  uint64_t stopped_ns; /* and for how long all threads had been stopped */
};

static struct collector_stall collector_begin_stall(gait_heap *heap) {
  gaiti_counter_add(&heap->cycle->kept, 1);
  return (struct collector_stall){.cpu_ns = gaiti_os_process_cpu_ns(),
                                  .stopped_ns = AO_load(&heap->cycle->pace.total_stopped_ns)};
}

/* The time for which a thread waits for marking because of the memory limit is held against the cap
 * on the collector's CPU time: of the time that passed, no more than this process had processors in
 * it, and of several threads that wait, as many as there are processors that they could use.  The
 * time for which all threads were stopped has been counted as such. */
static void collector_end_stall(gait_heap *heap, struct collector_stall stall, uint64_t took_ns,
                                AO_t others) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_counter_sub(&heap->cycle->kept, 1);
  if (!AO_load(&pace->limit_rules)) return;
  AO_t threads = others + 1, processors = AO_load(&pace->whole_processors);
  uint64_t cpu_ns = gaiti_os_process_cpu_ns() - stall.cpu_ns;
  uint64_t stopped_ns = AO_load(&pace->total_stopped_ns) - stall.stopped_ns;
  uint64_t waited_ns = took_ns > stopped_ns ? took_ns - stopped_ns : 0;
  uint64_t lost_ns = cpu_ns < waited_ns ? cpu_ns : waited_ns;
  gaiti_counter_add(&pace->stalled_ns,
                    threads > processors ? lost_ns * processors / threads : lost_ns);
}

/* Waits for a cycle, for one that has yet to begin if it is to be `fresh`; returns how long.
 * Model: tests/model/fork.pml, drive.pml. */
static uint64_t collector_wait(gait_thread *thread, gait_cycle_cause cause, bool fresh) {
  struct gaiti_cycle *cycle = thread->heap->cycle;
  uint64_t since = gaiti_pause_begin();
  gaiti_away_begin();
  gaiti_lock(&cycle->lock);
  uint64_t target = cycle->started + 1;
  bool under_way = cycle->started > cycle->finished;
  bool runs = cycle->collector_runs;
  if (under_way && !fresh)
    target = cycle->started;
  else
    runs = collector_ask_locked(thread->heap, cause);
  collector_await_locked(thread->heap, target, runs);
  gaiti_unlock(&cycle->lock);
  gaiti_away_end();
  return gaiti_pause_end(thread, since);
}

void gaiti_collector_collect(gait_thread *thread, gait_cycle_cause cause) {
  collector_wait(thread, cause, true);
}

void gaiti_collector_wait_for_cycle(gait_thread *thread, gait_cycle_cause cause) {
  AO_t others = AO_load(&thread->heap->cycle->waiting);
  struct collector_stall stall = collector_begin_stall(thread->heap);
  uint64_t took = collector_wait(thread, cause, false);
  collector_end_stall(thread->heap, stall, took, others);
}

/* Whether there is a cycle to run and the system has given no thread for it. */
static bool collector_is_missing_locked(const struct gaiti_cycle *cycle) {
  return collector_has_to_run_locked(cycle) && !cycle->collector_runs;
}

/* While marking goes on, waits for something to mark, unless as many `others` stall as there are
 * processors: a marker that shares wakes all that wait.  Returns whether it has waited. */
static bool collector_wait_for_work(gait_heap *heap, AO_t others) {
  enum gaiti_phase phase = gaiti_phase(heap);
  if (phase != GAITI_PHASE_MARK && phase != GAITI_PHASE_END) return false;
  if (others >= AO_load(&heap->cycle->pace.whole_processors)) return false;
  return gaiti_marking_wait(heap, COLLECTOR_STALL_NS);
}

/* Waits for the next phase.  Returns whether somebody has to run the cycle that was asked for.
 * Litmus: tests/litmus/stalled.litmus. */
static bool collector_wait_for_phase(gait_heap *heap, AO_t phase) {
  struct gaiti_cycle *cycle = heap->cycle;
  gaiti_lock(&cycle->lock);
  bool missing = collector_is_missing_locked(cycle);
  if (!missing && AO_load(&cycle->phase) == phase)
    gaiti_wait_for(&cycle->advanced, &cycle->lock, COLLECTOR_STALL_NS);
  gaiti_unlock(&cycle->lock);
  return missing;
}

/* A thread that moves the phase does so before it looks whether any thread stalls; so this one says
 * that it stalls before it looks at the phase.  Litmus: tests/litmus/stalled.litmus. */
void gaiti_collector_stall(gait_thread *thread) {
  gait_heap *heap = thread->heap;
  struct gaiti_cycle *cycle = heap->cycle;
  uint64_t since = gaiti_pause_begin();
  struct collector_stall stall = collector_begin_stall(heap);
  AO_t phase = AO_load(&cycle->phase);
  gaiti_away_begin();
  AO_t others = gaiti_counter_add(&cycle->stalled, 1) - 1;
  AO_nop_full();
  bool missing = !collector_wait_for_work(heap, others) && collector_wait_for_phase(heap, phase);
  gaiti_counter_sub(&cycle->stalled, 1);
  gaiti_away_end();
  uint64_t took = gaiti_pause_end(thread, since);
  collector_end_stall(heap, stall, took, others);
  if (missing) gaiti_collector_wait_for_cycle(thread, GAIT_CAUSE_GOGC);
}
