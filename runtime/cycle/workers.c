/* Background marking.
 *
 * A slice is a quarter of a megabyte of marking, some hundred microseconds.  After each a worker
 * gives credit for the bytes that it marked, on which allocation may draw instead of assisting, and
 * the first worker, when its plan is a share of a CPU, sleeps until its CPU time is that
 * share of the time gone by.  It does not sleep while a thread waits for the cycle to end.
 *
 * The other workers begin when the first has marked a slice and there is more: where next to
 * nothing is live, to wake them takes longer than to mark.
 *
 * Helpers.  CPUs that no thread wants may be used for marking.  The system has a priority for
 * that, at which a thread runs on idle CPUs alone; but such a thread may be taken off its
 * CPU at any moment, with work in its hands without which marking cannot end, and an ordinary
 * user may not give it another priority then.  So no thread at that priority marks, nor holds
 * anything else (.workers.probe).  One of them, the probe, tells when a CPU is idle, by the
 * mere fact that it runs; helpers, which have an ordinary priority, mark when it has granted that:
 *
 *   helper                                 probe (at idle priority)
 *   asked + 1                              waits for `asked`
 *   waits for `granted`                    ...
 *                                          gets a CPU: one is idle
 *                                          granted + 1, waits for `begun`
 *   begun + 1                              ...
 *   marks for a millisecond at most, slice by slice; after each it holds nothing
 *   asked + 1, waits for `granted`         gets a CPU, if one is idle still or again
 *
 * The probe does not go on before the helper has begun: else it would tell of the same idle
 * CPU again and again.  Where all CPUs are busy it does not run, so no helper marks or
 * even wakes up, and marking ends without them: one that has asked waits on, and finds when it is
 * granted something later that there is nothing to do.  The counts are semaphores, for to raise one
 * takes no lock.
 *
 * On some systems a thread at idle priority gets its turn now and then though others want the
 * CPU.  Then it comes late: it sees so by the time that has passed since it was signalled,
 * grants nothing, and looks every millisecond whether it is woken in time.
 *
 * The system wakes a thread on a CPU that does nothing, if there is one; a CPU on which
 * a helper marks does not count as such.  So the first worker might share a mutator's CPU for
 * a whole cycle, and the two would take turns of milliseconds, while a helper had one for itself.
 * The first worker therefore moves to where a helper marks: it takes the helper's place.
 *
 * Models: termination. */
#include "cycle/workers.h"

#include "cycle/cycle.h"
#include "cycle/events.h"
#include "mark/marker.h"

#define WORKER_SLICE_BYTES  ((uint64_t)256 << 10)
#define WORKER_ALONE_BYTES  ((uint64_t)16 << 10)
#define WORKER_WAIT_NS      200000
#define WORKER_SLEEP_MAX_NS 2000000
/* A helper marks so long when a CPU was idle, in slices of a hundred microseconds or so: the
 * end of marking may have to wait for one slice. */
#define HELPER_TURN_NS     GAITI_NS_OF_MS
#define HELPER_SLICE_BYTES ((uint64_t)64 << 10)
/* A probe that gets its CPU so much later than it might run shares it with others. */
#define PROBE_LATE_NS  500000
#define PROBE_SLEEP_NS GAITI_NS_OF_MS

static bool probe_init(struct gaiti_probe *probe) {
  if (!gaiti_semaphore_init(&probe->asked)) return false;
  if (!gaiti_semaphore_init(&probe->granted)) goto fail_asked;
  if (!gaiti_semaphore_init(&probe->begun)) goto fail_granted;
  return true;
fail_granted:
  gaiti_semaphore_destroy(&probe->granted);
fail_asked:
  gaiti_semaphore_destroy(&probe->asked);
  return false;
}

static void probe_destroy(struct gaiti_probe *probe) {
  gaiti_semaphore_destroy(&probe->begun);
  gaiti_semaphore_destroy(&probe->granted);
  gaiti_semaphore_destroy(&probe->asked);
}

bool gaiti_workers_init(gait_heap *heap) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  if (!gaiti_lock_init(&workers->lock, GAITI_RANK_WORKERS)) return false;
  if (!gaiti_condition_init(&workers->changed)) goto fail_lock;
  if (!probe_init(&workers->probe)) goto fail_condition;
  return true;
fail_condition:
  gaiti_condition_destroy(&workers->changed);
fail_lock:
  gaiti_lock_destroy(&workers->lock);
  return false;
}

/* Marks one slice; counts its CPU time and gives credit.  Returns whether there may be more. */
static bool workers_slice(gait_heap *heap, struct gaiti_marker *marker, uint64_t bytes,
                          AO_t *cpu_ns, uint64_t *cpu_before_ns) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  uint64_t work = marker->work, since_ns = gaiti_events_open(heap) ? gaiti_os_now_ns() : 0;
  bool more = gaiti_marker_run(marker, bytes);
  gaiti_counter_add(&pace->background_credit, marker->work - work);
  uint64_t cpu = gaiti_os_thread_cpu_ns();
  gaiti_counter_add(cpu_ns, cpu - *cpu_before_ns);
  *cpu_before_ns = cpu;
  if (since_ns) gaiti_event_write_mark(heap, since_ns, marker->work - work);
  return more;
}

/* ---- Workers beside the cycle's own thread ---- */

static bool workers_marking(const struct gaiti_workers *workers) {
  return AO_load_acquire(&workers->marking) != 0;
}

/* Marks, slice by slice, until the round has ended; waits for work in between. */
static void worker_mark_round(struct gaiti_worker *worker) {
  gait_heap *heap = worker->heap;
  struct gaiti_pace *pace = &heap->cycle->pace;
  uint64_t cpu = gaiti_os_thread_cpu_ns();
  gaiti_events_name_helper(heap);
  while (workers_marking(&heap->cycle->workers)) {
    struct gaiti_marker *marker = gaiti_marker_join(heap);
    if (!marker) return;
    while (workers_slice(heap, marker, WORKER_SLICE_BYTES, &pace->background_ns, &cpu) &&
           workers_marking(&heap->cycle->workers)) {
    }
    gaiti_marker_give(marker);
    gaiti_marking_wait(heap, WORKER_WAIT_NS);
  }
}

static void *worker_main(void *arg) {
  struct gaiti_worker *worker = arg;
  struct gaiti_workers *workers = &worker->heap->cycle->workers;
  uint64_t round = 0;
  gaiti_os_thread_begin("gait-worker");
  gaiti_lock(&workers->lock);
  while (!AO_load(&workers->stopping)) {
    if (!workers_marking(workers) || workers->round == round) {
      gaiti_wait(&workers->changed, &workers->lock);
      continue;
    }
    round = workers->round;
    gaiti_unlock(&workers->lock);
    worker_mark_round(worker);
    gaiti_lock(&workers->lock);
  }
  gaiti_unlock(&workers->lock);
  return NULL;
}

/* ---- Helpers, and the probe ---- */

static void probe_signal(struct gaiti_probe *probe, struct gaiti_semaphore *semaphore) {
  AO_store_release(&probe->signalled_ns, (AO_t)gaiti_os_now_ns());
  gaiti_semaphore_post(semaphore);
}

/* Waits while this thread, which runs now, might have run sooner; not when there is nothing to mark
 * any more: a grant does no harm then. */
static void probe_await_idle(struct gaiti_workers *workers) {
  uint64_t since = AO_load_acquire(&workers->probe.signalled_ns);
  while (workers_marking(workers) && gaiti_os_now_ns() - since > PROBE_LATE_NS) {
    since = gaiti_os_now_ns() + PROBE_SLEEP_NS;
    gaiti_os_sleep_ns(PROBE_SLEEP_NS);
  }
}

/* .workers.probe  This thread takes no lock and no marker, allocates nothing, and changes nothing
 * but the two counts. */
static void *probe_main(void *arg) {
  struct gaiti_workers *workers = arg;
  struct gaiti_probe *probe = &workers->probe;
  gaiti_os_thread_begin("gait-idle");
  AO_store_release(&probe->tid, (AO_t)gaiti_os_thread_id());
  gaiti_os_thread_idle_priority();
  for (;;) {
    gaiti_semaphore_wait(&probe->asked);
    probe_await_idle(workers);
    if (AO_load_acquire(&workers->stopping)) return NULL;
    gaiti_semaphore_post(&probe->granted);
    gaiti_semaphore_wait(&probe->begun);
  }
}

/* A slice, after which the helper holds no work.  Returns whether there may be more. */
static bool helper_slice(gait_heap *heap, uint64_t *cpu_ns) {
  struct gaiti_marker *marker = gaiti_marker_join(heap);
  if (!marker) return false;
  bool more = workers_slice(heap, marker, HELPER_SLICE_BYTES, &heap->cycle->pace.idle_ns, cpu_ns);
  gaiti_marker_give(marker);
  return more;
}

/* A CPU was idle just now. */
static void helper_turn(struct gaiti_worker *worker, uint64_t *cpu_ns) {
  gait_heap *heap = worker->heap;
  uint64_t until_ns = gaiti_os_now_ns() + HELPER_TURN_NS;
  bool more = true;
  gaiti_events_name_helper(heap);
  AO_store(&worker->cpu, (AO_t)(gaiti_os_thread_cpu() + 1));
  while (more && workers_marking(&heap->cycle->workers) && gaiti_os_now_ns() < until_ns)
    more = helper_slice(heap, cpu_ns);
  AO_store(&worker->cpu, 0);
  if (!more) gaiti_marking_wait(heap, WORKER_WAIT_NS);
}

/* A helper that rests is asked for when marking begins, so that it need not wake up to ask. */
static void helper_ask_or_rest(struct gaiti_workers *workers) {
  gaiti_lock(&workers->lock);
  if (workers_marking(workers))
    probe_signal(&workers->probe, &workers->probe.asked);
  else
    workers->probe.resting++;
  gaiti_unlock(&workers->lock);
}

static void *helper_main(void *arg) {
  struct gaiti_worker *worker = arg;
  struct gaiti_workers *workers = &worker->heap->cycle->workers;
  gaiti_os_thread_begin("gait-helper");
  uint64_t cpu_ns = gaiti_os_thread_cpu_ns();
  while (!AO_load_acquire(&workers->stopping)) {
    helper_ask_or_rest(workers);
    gaiti_semaphore_wait(&workers->probe.granted);
    probe_signal(&workers->probe, &workers->probe.begun);
    if (workers_marking(workers)) helper_turn(worker, &cpu_ns);
  }
  return NULL;
}

/* ---- Starting and stopping ---- */

static void worker_start(gait_heap *heap, bool helps) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  struct gaiti_worker *worker = &workers->workers[workers->count];
  *worker = (struct gaiti_worker){.heap = heap, .helps = helps};
  if (gaiti_os_thread_start(&worker->thread, helps ? helper_main : worker_main, worker))
    workers->count++;
}

static uint32_t workers_count(const struct gaiti_workers *workers, bool helps) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < workers->count; i++)
    count += workers->workers[i].helps == helps;
  return count;
}

/* Without a probe there are no helpers. */
static void workers_start_helpers(gait_heap *heap, uint32_t wanted) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  struct gaiti_probe *probe = &workers->probe;
  if (!probe->runs) probe->runs = gaiti_os_thread_start(&probe->thread, probe_main, workers);
  for (uint32_t i = workers_count(workers, true); probe->runs && i < wanted; i++)
    if (workers->count < GAITI_MAX_WORKERS) worker_start(heap, true);
}

/* The plan's workers, but for the cycle's own thread, and a helper for each other CPU. */
static void workers_start_missing(gait_heap *heap) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  const struct gaiti_pace *pace = &heap->cycle->pace;
  uint32_t planned = (uint32_t)pace->plan.dedicated + (pace->plan.fractional > 0 ? 1 : 0);
  uint32_t ordinary = planned > 1 ? planned - 1 : 0;
  uint32_t cpus = pace->cpus > 1 ? (uint32_t)pace->cpus : 1;
  for (uint32_t i = workers_count(workers, false); i < ordinary; i++)
    if (workers->count < GAITI_MAX_WORKERS) worker_start(heap, false);
  if (heap->options.idle_help) workers_start_helpers(heap, cpus > 1 ? cpus - 1 : 1);
}

/* Has the others mark, too, if they do not yet.  A worker that the plan wants and that cannot be
 * started is done without. */
static void workers_begin(gait_heap *heap) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  if (workers_marking(workers)) return;
  workers_start_missing(heap);
  gaiti_lock(&workers->lock);
  workers->round++;
  AO_store_release(&workers->marking, 1);
  for (; workers->probe.resting > 0; workers->probe.resting--)
    probe_signal(&workers->probe, &workers->probe.asked);
  gaiti_wake(&workers->changed);
  gaiti_unlock(&workers->lock);
}

/* A worker that has not noticed yet finds nothing to mark: marking is closed. */
void gaiti_workers_end(gait_heap *heap) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  gaiti_lock(&workers->lock);
  AO_store_release(&workers->marking, 0);
  gaiti_unlock(&workers->lock);
}

/* Whatever a helper or the probe waits for, it comes; each looks then whether it is to end. */
static void workers_stop(struct gaiti_workers *workers) {
  gaiti_lock(&workers->lock);
  AO_store_release(&workers->stopping, 1);
  gaiti_wake(&workers->changed);
  gaiti_unlock(&workers->lock);
  for (uint32_t i = 0; i < workers->count; i++)
    gaiti_semaphore_post(&workers->probe.granted);
  gaiti_semaphore_post(&workers->probe.begun);
  gaiti_semaphore_post(&workers->probe.asked);
}

/* At idle priority it may take long to come to its end; where this process may, it need not. */
static void probe_join(struct gaiti_probe *probe) {
  if (!probe->runs) return;
  int tid = (int)AO_load_acquire(&probe->tid);
  if (tid != 0) gaiti_os_thread_end_idle_priority(tid);
  gaiti_os_thread_join(probe->thread);
}

void gaiti_workers_destroy(gait_heap *heap) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  workers_stop(workers);
  for (uint32_t i = 0; i < workers->count; i++)
    gaiti_os_thread_join(workers->workers[i].thread);
  probe_join(&workers->probe);
  probe_destroy(&workers->probe);
  gaiti_condition_destroy(&workers->changed);
  gaiti_lock_destroy(&workers->lock);
}

/* No cycle is under way.  The memory of the semaphores is in the parent's hands as well. */
void gaiti_workers_forget(gait_heap *heap) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  workers->count = 0;
  AO_store(&workers->marking, 0);
  workers->probe = (struct gaiti_probe){.runs = false};
  probe_init(&workers->probe);
  gaiti_condition_renew(&workers->changed);
}

/* ---- The cycle's own thread ---- */

/* Whether marking is more urgent than the workers' share: a thread waits for it, or the heap is at
 * its goal already. */
static bool workers_are_urgent(const gait_heap *heap) {
  const struct gaiti_pace *pace = &heap->cycle->pace;
  if (AO_load(&heap->cycle->requests.waiting) > 0 || AO_load(&heap->threads->handshake.stop))
    return true;
  return gaiti_heap_live(heap) >= AO_load(&pace->goal_bytes) && !gaiti_pace_limiting(pace);
}

/* Sleeps so long that the CPU time used since marking began is `share` of the time gone by. */
static void workers_throttle(gait_heap *heap, struct gaiti_marker *marker, double share,
                             uint64_t used_ns) {
  if (share >= 1 || workers_are_urgent(heap)) return;
  uint64_t due = heap->cycle->pace.started_ns + (uint64_t)((double)used_ns / share);
  uint64_t now = gaiti_os_now_ns();
  if (due <= now) return;
  gaiti_marker_pause(marker);
  gaiti_os_sleep_ns(due - now < WORKER_SLEEP_MAX_NS ? due - now : WORKER_SLEEP_MAX_NS);
  gaiti_marker_resume(marker);
}

/* Moves the calling thread to a CPU where a helper marks, unless one marks on its own. */
static void workers_take_place(gait_heap *heap) {
  const struct gaiti_workers *workers = &heap->cycle->workers;
  AO_t own = (AO_t)(gaiti_os_thread_cpu() + 1), place = 0;
  for (uint32_t i = 0; i < workers->count && place != own; i++) {
    const struct gaiti_worker *worker = &workers->workers[i];
    AO_t cpu = AO_load(&worker->cpu);
    if (worker->helps && cpu != 0) place = cpu;
  }
  if (place != 0 && place != own) gaiti_os_thread_move_to((int)place - 1);
}

void gaiti_workers_mark(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  double share = pace->plan.dedicated > 0 ? 1.0 : pace->plan.fractional;
  AO_t own_ns = 0;
  uint64_t cpu = gaiti_os_thread_cpu_ns();
  struct gaiti_marker *marker = heap->cycle->runner.marker;
  gaiti_marker_resume(marker);
  for (;;) {
    workers_take_place(heap);
    bool more = workers_slice(heap, marker, WORKER_SLICE_BYTES, &own_ns, &cpu);
    gaiti_pace_revise(heap);
    if (more) {
      workers_begin(heap);
      workers_throttle(heap, marker, share, AO_load(&pace->background_ns) + own_ns);
      continue;
    }
    gaiti_marker_pause(marker);
    if (gaiti_marking_is_idle(heap)) break;
    gaiti_marking_wait(heap, WORKER_WAIT_NS);
    gaiti_marker_resume(marker);
  }
  gaiti_counter_add(&pace->background_ns, own_ns);
}

/* Marks a small slice; returns whether there may be more. */
static bool workers_slice_alone(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  struct gaiti_marker *marker = heap->cycle->runner.marker;
  uint64_t cpu = gaiti_os_thread_cpu_ns();
  gaiti_marker_resume(marker);
  bool more = gaiti_marker_run(marker, WORKER_ALONE_BYTES);
  gaiti_counter_add(&pace->background_credit, marker->work);
  gaiti_marker_pause(marker);
  gaiti_counter_add(&pace->background_ns, gaiti_os_thread_cpu_ns() - cpu);
  return more;
}

bool gaiti_workers_mark_alone(gait_heap *heap, uint64_t deadline_ns) {
  for (;;) {
    bool more = gaiti_marking_has_work(heap) && workers_slice_alone(heap);
    if (!more && gaiti_marking_is_idle(heap)) return true;
    if (gaiti_os_now_ns() >= deadline_ns) return false;
    if (!more) gaiti_os_pause();
  }
}
