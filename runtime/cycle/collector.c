/* The runner of a cycle.
 *
 * Usually it is the collector's thread, which starts with the first request, sleeps between cycles,
 * and between cycles gives free memory back at a small share of a CPU.  Where the system
 * gives no thread, the thread that asks for a cycle runs it.
 *
 * But a thread that is woken comes to its turn after some fifty microseconds, and where mutators
 * have every CPU, when the heap has long passed its goal; a cycle with next to nothing to
 * mark does not take as long.  So where the last cycle marked little, the next is an inline one:
 * the next thread that allocates leaves managed code, and runs it phase by phase.  In handshakes it
 * acts for itself as it does for all threads outside.  When the cycle has taken
 * COLLECTOR_INLINE_NS, because it waits for another thread or has more to sweep, the thread hands
 * it over to the collector's thread, which goes on in the same phase.  Where there is more to mark,
 * the thread does so after a quarter of that time: other CPUs could help.
 *
 *   inline due   the next thread that allocates runs the cycle
 *   requested    the collector's thread begins it, or the waiting thread where there is none
 *   running      a thread runs it
 *   handed over  the collector's thread goes on with it, or its last runner where there is none
 *
 * All these change under the lock, so a cycle has one runner at a time.  An explicit request takes
 * the place of an inline cycle that is due.  One that no thread runs does no harm: then no thread
 * allocates.
 *
 * .collector.hand-off  The collector's thread sleeps while another runs a cycle.  So a thread that
 * stops running one looks for work that is due to that one: a cycle handed over, a request made in
 * the meantime, memory to give back, new settings, the number of CPUs to be learned anew
 * (tests/model/drive.pml).
 *
 * Allocation asks for cycles, so a setting that is lowered while no thread allocates would change
 * nothing.  A change of settings therefore has the collector's thread look, between two cycles,
 * whether the heap is past its new trigger, and how much memory is over by the new plan.
 *
 * Models: drive, fork, roots.  Litmus: stalled. */
#include "cycle/collector.h"

#include "mutator/blocking.h"
#include "cycle/cycle.h"
#include "cycle/events.h"
#include "mark/marker.h"

#define COLLECTOR_RELEASE_BYTES ((size_t)1 << 20)
#define COLLECTOR_WAIT_NS       200000
#define COLLECTOR_STALL_NS      400000
#define COLLECTOR_LOOK_NS       ((uint64_t)5000000000)
#define COLLECTOR_HELP_BYTES    ((uint64_t)256 << 10)
#define COLLECTOR_INLINE_NS     200000
/* A thread with an inline cycle acts in handshakes for the threads outside: no more than these. */
#define COLLECTOR_INLINE_THREADS 64
/* It walks over the marks and cards of all blocks, at some 70 ns each, without a look at the clock:
 * no more than these, 64 MiB. */
#define COLLECTOR_INLINE_BLOCKS 1024

/* ---- Running cycles ---- */

/* The requested cycle is under way from now on. */
static gait_cycle_cause collector_begin_locked(struct gaiti_requests *requests) {
  requests->requested = false;
  requests->full = requests->wants_full;
  requests->wants_full = false;
  AO_store(&requests->inline_due, 0);
  requests->started++;
  if (requests->cause == GAIT_CAUSE_FORCED) requests->forced_cycles++;
  return requests->cause;
}

/* The cycle under way has ended; wakes the threads that wait for that. */
static void collector_end_locked(gait_heap *heap) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  requests->finished = requests->started;
  if (heap->generation.young) requests->young_cycles++;
  gaiti_wake(&requests->cycle_ended);
}

/* Whether the calling thread has a cycle to run that is no inline one: the rest of the one under
 * way, or one that was asked for. */
static bool collector_has_to_run_locked(const struct gaiti_requests *requests) {
  if (requests->started != requests->finished) return !requests->running;
  return requests->requested && !AO_load(&requests->inline_due) && !requests->suspended;
}

/* The same, for the collector's thread: or new settings to look at. */
static bool collector_has_to_work_locked(const struct gaiti_requests *requests) {
  return collector_has_to_run_locked(requests) ||
         (requests->review && requests->started == requests->finished);
}

/* Runs that cycle to its end.  The lock is held at the start and at the end, not meanwhile. */
static void collector_run_locked(gait_heap *heap) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  bool begins = requests->started == requests->finished;
  gait_cycle_cause cause = begins ? collector_begin_locked(requests) : requests->cause;
  requests->running = true;
  gaiti_unlock(&requests->lock);
  if (begins) gaiti_cycle_begin(heap, cause);
  gaiti_cycle_run(heap, GAITI_NO_DEADLINE);
  gaiti_lock(&requests->lock);
  requests->running = false;
  collector_end_locked(heap);
}

static bool collector_has_excess(const struct gaiti_pacer_release *plan) {
  int64_t over =
      plan->now_bytes > plan->background_bytes ? plan->now_bytes : plan->background_bytes;
  return over >= (int64_t)GAITI_BLOCK_BYTES;
}

/* Releases a little of the memory that is over the plan, at leisure not before *due_ns, and says
 * how long to leave it at that: 0 when no more is over. */
static uint64_t collector_release_some(gait_heap *heap, uint64_t *due_ns) {
  struct gaiti_pacer_release plan = gaiti_pace_plan_release(heap);
  if (!collector_has_excess(&plan)) return 0;
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
  return AO_load(&heap->cycle->pace.limit_bound) ? GAIT_CAUSE_MEMORY_LIMIT : GAIT_CAUSE_GOGC;
}

/* Between two cycles: the next begins at once if the heap is past the trigger that new settings
 * have set.  It is a full one, since no allocation will ask for another. */
static void collector_review_locked(gait_heap *heap) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  requests->review = false;
  if (!collector_is_past_trigger(heap)) return;
  if (!requests->requested) requests->cause = collector_cause(heap);
  requests->requested = requests->wants_full = true;
  AO_store(&requests->inline_due, 0);
}

static bool collector_has_to_count_cpus(const gait_heap *heap) {
  return !heap->options.cpus && gaiti_os_cpus_are_old();
}

/* How many CPUs and how much memory there are is read from files, which no thread of the embedder's
 * waits for, not even one that runs a cycle: that one sees that this thread wakes up
 * (.collector.hand-off). */
static bool collector_has_to_learn(const gait_heap *heap) {
  return collector_has_to_count_cpus(heap) || gaiti_pace_has_to_look(heap);
}

/* The lock is held at the start and at the end. */
static void collector_learn_locked(gait_heap *heap) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  bool looks = gaiti_pace_has_to_look(heap);
  gaiti_unlock(&requests->lock);
  if (collector_has_to_count_cpus(heap)) gaiti_os_cpus_learn();
  if (looks) gaiti_pace_look(heap);
  gaiti_lock(&requests->lock);
  if (looks) requests->review = true;
}

/* Until something is asked for, or the next memory may be given back; and where limits change that
 * the heap does not set, not for ever. */
static void collector_sleep_locked(gait_heap *heap, uint64_t pause_ns) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  requests->releasing = pause_ns > 0;
  if (pause_ns == 0 && gaiti_pace_looks(heap)) pause_ns = COLLECTOR_LOOK_NS;
  if (pause_ns)
    gaiti_wait_for(&requests->asked, &requests->lock, pause_ns);
  else
    gaiti_wait(&requests->asked, &requests->lock);
}

/* The collector's thread: runs requested cycles, and between them prepares blocks and gives memory
 * back. */
static void *collector_main(void *arg) {
  gait_heap *heap = arg;
  struct gaiti_requests *requests = &heap->cycle->requests;
  uint64_t release_due_ns = 0;
  gaiti_os_thread_begin("gait-collector");
  gaiti_lock(&requests->lock);
  while (!requests->stopping) {
    if (requests->review && requests->started == requests->finished) collector_review_locked(heap);
    if (collector_has_to_learn(heap)) collector_learn_locked(heap);
    if (collector_has_to_run_locked(requests)) {
      collector_run_locked(heap);
      continue;
    }
    gaiti_unlock(&requests->lock);
    bool prepared = collector_prepare_some(heap);
    uint64_t pause_ns = prepared ? 0 : collector_release_some(heap, &release_due_ns);
    gaiti_lock(&requests->lock);
    if (prepared) continue;
    AO_store(&requests->preparing, 0);
    if (collector_has_to_work_locked(requests) || requests->stopping) continue;
    collector_sleep_locked(heap, pause_ns);
  }
  gaiti_unlock(&requests->lock);
  return NULL;
}

/* Whether the collector's thread runs, now at the latest. */
static bool collector_started_locked(gait_heap *heap) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  if (!requests->collector_runs && !requests->stopping)
    requests->collector_runs = gaiti_os_thread_start(&requests->collector, collector_main, heap);
  return requests->collector_runs;
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

/* Requests a cycle of the collector's thread, in place of an inline one.  Returns whether there is
 * such a thread. */
static bool collector_ask_locked(gait_heap *heap, gait_cycle_cause cause) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  if (!requests->requested || collector_weight(cause) > collector_weight(requests->cause))
    requests->cause = cause;
  requests->requested = true;
  AO_store(&requests->inline_due, 0);
  bool runs = collector_started_locked(heap);
  gaiti_wake(&requests->asked);
  return runs;
}

/* Only the last cycle tells how much work the next one has; and one that has to stop all threads
 * could not be ended without waiting for them. */
static bool collector_may_be_inline_locked(const gait_heap *heap) {
  const struct gaiti_runner *runner = &heap->cycle->runner;
  return heap->cycle->requests.finished > 0 && !runner->stopped && !heap->options.barrierless &&
         runner->record.threads <= COLLECTOR_INLINE_THREADS &&
         gaiti_space_top(&heap->space) <= COLLECTOR_INLINE_BLOCKS &&
         runner->census.found_bytes + runner->record.root_bytes <
             (uint64_t)heap->options.inline_bytes;
}

/* Leaves a cycle to the next thread that allocates where that may run it, and requests it
 * otherwise. */
static void collector_request_locked(gait_heap *heap, gait_cycle_cause cause, size_t bytes) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  bool asked = requests->requested && (AO_load(&requests->inline_due) || requests->collector_runs);
  if (requests->started != requests->finished || asked) return;
  AO_store(&requests->asking_bytes, bytes);
  if (requests->requested || !collector_may_be_inline_locked(heap)) {
    collector_ask_locked(heap, cause);
    return;
  }
  requests->requested = true;
  requests->cause = cause;
  AO_store(&requests->inline_due, 1);
}

void gaiti_collector_request(gait_heap *heap, gait_cycle_cause cause, size_t bytes) {
  gaiti_lock(&heap->cycle->requests.lock);
  collector_request_locked(heap, cause, bytes);
  gaiti_unlock(&heap->cycle->requests.lock);
}

void gaiti_collector_prepare(gait_heap *heap) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  if (AO_load(&requests->preparing) || gaiti_phase(heap) != GAITI_PHASE_IDLE) return;
  gaiti_lock(&requests->lock);
  if (requests->collector_runs && requests->started == requests->finished) {
    AO_store(&requests->preparing, 1);
    gaiti_wake(&requests->asked);
  }
  gaiti_unlock(&requests->lock);
}

void gaiti_collector_review(gait_heap *heap) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  gaiti_lock(&requests->lock);
  struct gaiti_pacer_release plan = gaiti_pace_plan_release(heap);
  bool under_way = requests->started != requests->finished;
  if (under_way || collector_is_past_trigger(heap) || collector_has_excess(&plan)) {
    requests->review = true;
    if (collector_started_locked(heap)) gaiti_wake(&requests->asked);
  } else if (requests->collector_runs && gaiti_pace_looks(heap)) {
    gaiti_wake(&requests->asked); /* it sleeps for so long from now on */
  }
  gaiti_unlock(&requests->lock);
}

void gaiti_collector_stop(gait_heap *heap) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  gaiti_lock(&requests->lock);
  requests->stopping = true;
  bool runs = requests->collector_runs;
  gaiti_wake(&requests->asked);
  gaiti_unlock(&requests->lock);
  if (runs) gaiti_os_thread_join(requests->collector);
}

/* ---- Running one inline ---- */

/* This thread has run a cycle, or a part of it, while the collector's slept: sees that the rest is
 * done, and other work of the collector's thread. */
static void collector_hand_off_locked(gait_heap *heap) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  struct gaiti_pacer_release plan = gaiti_pace_plan_release(heap);
  bool releases = !requests->releasing && collector_has_excess(&plan);
  if (!collector_has_to_work_locked(requests) && !releases && !collector_has_to_learn(heap)) return;
  if (collector_started_locked(heap))
    gaiti_wake(&requests->asked);
  else if (requests->started != requests->finished)
    collector_run_locked(heap);
}

/* Runs the inline cycle, until it has ended or time is up.  The lock is held at the start
 * and at the end. */
static void collector_run_inline_locked(gait_heap *heap, uint64_t deadline_ns) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  gait_cycle_cause cause = collector_begin_locked(requests);
  requests->running = true;
  gaiti_unlock(&requests->lock);
  gaiti_cycle_begin(heap, cause);
  bool ended = gaiti_cycle_run(heap, deadline_ns);
  gaiti_lock(&requests->lock);
  requests->running = false;
  if (ended) collector_end_locked(heap);
  collector_hand_off_locked(heap);
}

bool gaiti_collector_inline_is_due(const gait_heap *heap) {
  return AO_load(&heap->cycle->requests.inline_due) != 0;
}

bool gaiti_collector_run_inline(gait_thread *thread) {
  struct gaiti_requests *requests = &thread->heap->cycle->requests;
  uint64_t since = gaiti_pause_begin();
  gaiti_events_introduce(thread);
  gaiti_blocking_begin();
  gaiti_lock(&requests->lock);
  bool runs = AO_load(&requests->inline_due) && !requests->suspended;
  if (runs) collector_run_inline_locked(thread->heap, since + COLLECTOR_INLINE_NS);
  gaiti_unlock(&requests->lock);
  gaiti_blocking_end();
  uint64_t took = gaiti_pause_end(thread, since);
  gaiti_event_write_pause(thread, runs ? GAIT_PAUSE_CYCLE : GAIT_PAUSE_WAIT, since, took);
  return runs;
}

/* ---- Waiting for one ---- */

/* Marks while there is something to mark.  This thread answers no handshake meanwhile: that the
 * cycle waits for it follows from its marker alone (.inv.joined). */
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

/* Waits until `target` cycles have ended.  The lock is held at the start and at the end. */
static void collector_await_locked(gait_heap *heap, uint64_t target, bool runs) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  gaiti_counter_add(&requests->waiting, 1);
  while (requests->finished < target) {
    if (!runs && collector_has_to_run_locked(requests)) {
      collector_run_locked(heap);
      continue;
    }
    gaiti_unlock(&requests->lock);
    collector_help(heap);
    gaiti_lock(&requests->lock);
    if (requests->finished < target)
      gaiti_wait_for(&requests->cycle_ended, &requests->lock, COLLECTOR_WAIT_NS);
  }
  gaiti_counter_sub(&requests->waiting, 1);
}

/* A thread that allocates waits. */
struct collector_stall {
  uint64_t cpu_ns;     /* of the process, when it began, */
  uint64_t stopped_ns; /* and for how long all threads had been stopped */
};

static struct collector_stall collector_begin_stall(gait_heap *heap) {
  gaiti_counter_add(&heap->cycle->requests.kept, 1);
  return (struct collector_stall){.cpu_ns = gaiti_os_process_cpu_ns(),
                                  .stopped_ns = AO_load(&heap->cycle->pace.total_stopped_ns)};
}

/* The time for which a thread waits for marking because of the memory limit is held against the cap
 * on the collector's CPU time: of the time that passed, no more than this process had CPUs in
 * it, and of several threads that wait, as many as there are CPUs that they could use.  The
 * time for which all threads were stopped has been counted as such. */
static void collector_end_stall(gait_heap *heap, struct collector_stall stall, uint64_t took_ns,
                                AO_t others) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_counter_sub(&heap->cycle->requests.kept, 1);
  if (!AO_load(&pace->limit_bound)) return;
  AO_t threads = others + 1, cpus = AO_load(&pace->whole_cpus);
  uint64_t cpu_ns = gaiti_os_process_cpu_ns() - stall.cpu_ns;
  uint64_t stopped_ns = AO_load(&pace->total_stopped_ns) - stall.stopped_ns;
  uint64_t waited_ns = took_ns > stopped_ns ? took_ns - stopped_ns : 0;
  uint64_t lost_ns = cpu_ns < waited_ns ? cpu_ns : waited_ns;
  gaiti_counter_add(&pace->stalled_ns, threads > cpus ? lost_ns * cpus / threads : lost_ns);
}

/* Waits for a cycle, for one that has yet to begin if it is to be `fresh`; returns how long. */
static uint64_t collector_wait(gait_thread *thread, gait_cycle_cause cause, bool fresh) {
  struct gaiti_requests *requests = &thread->heap->cycle->requests;
  uint64_t since = gaiti_pause_begin();
  gaiti_blocking_begin();
  gaiti_lock(&requests->lock);
  uint64_t target = requests->started + 1;
  bool under_way = requests->started > requests->finished;
  bool runs = requests->collector_runs;
  if (under_way && !fresh)
    target = requests->started;
  else
    runs = collector_ask_locked(thread->heap, cause);
  collector_await_locked(thread->heap, target, runs);
  gaiti_unlock(&requests->lock);
  gaiti_blocking_end();
  uint64_t took = gaiti_pause_end(thread, since);
  gaiti_event_write_pause(thread, GAIT_PAUSE_WAIT, since, took);
  return took;
}

void gaiti_collector_collect(gait_thread *thread, gait_cycle_cause cause) {
  collector_wait(thread, cause, true);
}

void gaiti_collector_wait_for_cycle(gait_thread *thread, gait_cycle_cause cause) {
  AO_t others = AO_load(&thread->heap->cycle->requests.waiting);
  struct collector_stall stall = collector_begin_stall(thread->heap);
  uint64_t took = collector_wait(thread, cause, false);
  collector_end_stall(thread->heap, stall, took, others);
}

/* Whether there is a cycle to run and the system has given no thread for it. */
static bool collector_is_missing_locked(const struct gaiti_requests *requests) {
  return collector_has_to_run_locked(requests) && !requests->collector_runs;
}

/* While marking goes on, waits for something to mark, unless as many `others` stall as there are
 * CPUs: a marker that shares wakes all that wait.  Returns whether it has waited. */
static bool collector_wait_for_work(gait_heap *heap, AO_t others) {
  if (!gaiti_phase_marks(gaiti_phase(heap))) return false;
  if (others >= AO_load(&heap->cycle->pace.whole_cpus)) return false;
  return gaiti_marking_wait(heap, COLLECTOR_STALL_NS);
}

/* Waits for the next phase.  Returns whether the cycle that was asked for has no runner yet. */
static bool collector_wait_for_phase(gait_heap *heap, enum gaiti_phase phase) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  gaiti_lock(&requests->lock);
  bool missing = collector_is_missing_locked(requests);
  if (!missing && gaiti_phase(heap) == phase)
    gaiti_wait_for(&requests->advanced, &requests->lock, COLLECTOR_STALL_NS);
  gaiti_unlock(&requests->lock);
  return missing;
}

/* A thread that moves the phase does so before it looks whether any thread stalls; so this one says
 * that it stalls before it looks at the phase. */
void gaiti_collector_stall(gait_thread *thread) {
  gait_heap *heap = thread->heap;
  struct gaiti_requests *requests = &heap->cycle->requests;
  uint64_t since = gaiti_pause_begin();
  struct collector_stall stall = collector_begin_stall(heap);
  enum gaiti_phase phase = gaiti_phase(heap);
  gaiti_blocking_begin();
  AO_t others = gaiti_counter_add(&requests->stalled, 1) - 1;
  AO_nop_full();
  bool missing = !collector_wait_for_work(heap, others) && collector_wait_for_phase(heap, phase);
  gaiti_counter_sub(&requests->stalled, 1);
  gaiti_blocking_end();
  uint64_t took = gaiti_pause_end(thread, since);
  gaiti_event_write_pause(thread, GAIT_PAUSE_STALL, since, took);
  collector_end_stall(heap, stall, took, others);
  if (missing) gaiti_collector_wait_for_cycle(thread, GAIT_CAUSE_GOGC);
}
