/* Background marking.
 *
 * A slice is a quarter of a megabyte of marking, some hundred microseconds.  After each a worker
 * gives credit for what it marked, on which allocation may draw instead of assisting, and the first
 * worker, when its plan is a share of a processor, sleeps until its CPU time is that share of the
 * time gone by.  It does not sleep while a thread waits for the cycle to end.
 *
 * A helper at idle priority may be taken off its processor in the middle of a slice, for long, with
 * work in its hands that marking cannot end without.  While the first worker has to wait for that,
 * it gives the helpers ordinary priority; no longer, for at that they take turns with the mutators.
 *
 * The other workers begin when the first has marked a slice and there is more: where next to
 * nothing is live, to wake them takes longer than to mark.
 *
 * The system wakes a thread on a processor that does nothing, if there is one; a processor on which
 * a helper marks does not count as such.  So the first worker might share a mutator's processor for
 * a whole cycle, and the two would take turns of milliseconds, while a helper had one for itself.
 * The first worker therefore moves to where a helper marks: it takes the helper's place. */
#include "cycle/workers.h"

#include "cycle/cycle.h"
#include "mark/marker.h"

#define WORKER_SLICE_BYTES  ((uint64_t)256 << 10)
#define WORKER_ALONE_BYTES  ((uint64_t)16 << 10)
#define WORKER_WAIT_NS      200000
#define WORKER_SLEEP_MAX_NS 2000000

bool gaiti_workers_init(gait_heap *heap) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  if (!gaiti_lock_init(&workers->lock, GAITI_RANK_WORKERS)) return false;
  if (gaiti_condition_init(&workers->changed)) return true;
  gaiti_lock_destroy(&workers->lock);
  return false;
}

/* Marks one slice; counts its CPU time and gives credit.  Returns whether there may be more. */
static bool workers_slice(gait_heap *heap, struct gaiti_marker *marker, AO_t *cpu_ns,
                          uint64_t *cpu_before_ns) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  uint64_t work = marker->work;
  bool more = gaiti_marker_run(marker, WORKER_SLICE_BYTES);
  gaiti_counter_add(&pace->background_credit, marker->work - work);
  uint64_t cpu = gaiti_os_thread_cpu_ns();
  gaiti_counter_add(cpu_ns, cpu - *cpu_before_ns);
  *cpu_before_ns = cpu;
  return more;
}

/* ---- Workers beside the cycle's own thread ---- */

static bool workers_marking(struct gaiti_workers *workers) {
  gaiti_lock(&workers->lock);
  bool marking = workers->marking;
  gaiti_unlock(&workers->lock);
  return marking;
}

/* Model: tests/model/termination.pml. */
static void worker_mark_round(struct gaiti_worker *worker) {
  gait_heap *heap = worker->heap;
  struct gaiti_pace *pace = &heap->cycle->pace;
  AO_t *cpu_ns = worker->idle ? &pace->idle_ns : &pace->background_ns;
  uint64_t cpu = gaiti_os_thread_cpu_ns();
  while (workers_marking(&heap->cycle->workers)) {
    struct gaiti_marker *marker = gaiti_marker_join(heap);
    if (!marker) return;
    do
      AO_store(&worker->processor, (AO_t)(gaiti_os_thread_processor() + 1));
    while (workers_slice(heap, marker, cpu_ns, &cpu) && workers_marking(&heap->cycle->workers));
    AO_store(&worker->processor, 0);
    gaiti_marker_give(marker);
    gaiti_marking_wait(heap, WORKER_WAIT_NS);
  }
}

static void *worker_main(void *arg) {
  struct gaiti_worker *worker = arg;
  struct gaiti_workers *workers = &worker->heap->cycle->workers;
  uint64_t round = 0;
  AO_store_release(&worker->tid, (AO_t)gaiti_os_thread_id());
  gaiti_os_thread_set_name(worker->idle ? "gait-helper" : "gait-worker");
  if (worker->idle) gaiti_os_thread_idle_priority();
  gaiti_lock(&workers->lock);
  while (!workers->stopping) {
    if (!workers->marking || workers->round == round) {
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

static void worker_start(gait_heap *heap, bool idle) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  struct gaiti_worker *worker = &workers->workers[workers->count];
  *worker = (struct gaiti_worker){.heap = heap, .idle = idle};
  if (gaiti_os_thread_start(&worker->thread, worker_main, worker)) workers->count++;
}

static uint32_t workers_count(const struct gaiti_workers *workers, bool idle) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < workers->count; i++)
    count += workers->workers[i].idle == idle;
  return count;
}

/* The plan's workers, but for the cycle's own thread, and a helper for each other processor. */
static void workers_start_missing(gait_heap *heap) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  const struct gaiti_pace *pace = &heap->cycle->pace;
  uint32_t planned = (uint32_t)pace->plan.dedicated + (pace->plan.fractional > 0 ? 1 : 0);
  uint32_t ordinary = planned > 1 ? planned - 1 : 0;
  uint32_t processors = pace->processors > 1 ? (uint32_t)pace->processors : 1;
  uint32_t idle = processors > 1 ? processors - 1 : 1;
  for (uint32_t i = workers_count(workers, false); i < ordinary; i++)
    if (workers->count < GAITI_MAX_WORKERS) worker_start(heap, false);
  for (uint32_t i = workers_count(workers, true); heap->options.idle_help && i < idle; i++)
    if (workers->count < GAITI_MAX_WORKERS) worker_start(heap, true);
}

static void workers_set_boost(gait_heap *heap, bool boost) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  for (uint32_t i = 0; i < workers->count; i++) {
    struct gaiti_worker *worker = &workers->workers[i];
    int tid = (int)AO_load_acquire(&worker->tid);
    if (!worker->idle || worker->boosted == boost || tid == 0) continue;
    gaiti_os_thread_set_idle(tid, !boost);
    worker->boosted = boost;
  }
}

/* Has the others mark, too, if they do not yet.  A worker that the plan wants and that cannot be
 * started is done without. */
static void workers_begin(gait_heap *heap) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  if (workers_marking(workers)) return;
  workers_start_missing(heap);
  gaiti_lock(&workers->lock);
  workers->round++;
  workers->marking = true;
  gaiti_wake(&workers->changed);
  gaiti_unlock(&workers->lock);
}

/* A worker that has not noticed yet finds nothing to mark: marking is closed. */
void gaiti_workers_end(gait_heap *heap) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  gaiti_lock(&workers->lock);
  workers->marking = false;
  gaiti_unlock(&workers->lock);
}

void gaiti_workers_destroy(gait_heap *heap) {
  struct gaiti_workers *workers = &heap->cycle->workers;
  gaiti_lock(&workers->lock);
  workers->stopping = true;
  gaiti_wake(&workers->changed);
  gaiti_unlock(&workers->lock);
  workers_set_boost(heap, true);
  for (uint32_t i = 0; i < workers->count; i++)
    pthread_join(workers->workers[i].thread, NULL);
  gaiti_condition_destroy(&workers->changed);
  gaiti_lock_destroy(&workers->lock);
}

/* ---- The cycle's own thread ---- */

/* Whether marking is more urgent than the workers' share: somebody waits for it, or the heap is at
 * its goal already. */
static bool workers_hurry(const gait_heap *heap) {
  const struct gaiti_pace *pace = &heap->cycle->pace;
  if (AO_load(&heap->cycle->waiting) > 0 || AO_load(&heap->cycle->handshakes.holding)) return true;
  return AO_load(&heap->live_bytes) >= AO_load(&pace->goal_bytes) && !gaiti_pace_limiting(pace);
}

/* Sleeps so long that the CPU time used since marking began is `share` of the time gone by. */
static void workers_throttle(gait_heap *heap, struct gaiti_marker *marker, double share,
                             uint64_t used_ns) {
  if (share >= 1 || workers_hurry(heap)) return;
  uint64_t due = heap->cycle->pace.started_ns + (uint64_t)((double)used_ns / share);
  uint64_t now = gaiti_os_now_ns();
  if (due <= now) return;
  gaiti_marker_pause(marker);
  gaiti_os_sleep_ns(due - now < WORKER_SLEEP_MAX_NS ? due - now : WORKER_SLEEP_MAX_NS);
  gaiti_marker_resume(marker);
}

/* Moves the calling thread to a processor where a helper marks, unless one marks on its own. */
static void workers_take_place(gait_heap *heap) {
  const struct gaiti_workers *workers = &heap->cycle->workers;
  AO_t own = (AO_t)(gaiti_os_thread_processor() + 1), place = 0;
  for (uint32_t i = 0; i < workers->count && place != own; i++) {
    const struct gaiti_worker *worker = &workers->workers[i];
    AO_t processor = AO_load(&worker->processor);
    if (worker->idle && !worker->boosted && processor != 0) place = processor;
  }
  if (place != 0 && place != own) gaiti_os_thread_move_to((int)place - 1);
}

void gaiti_workers_mark(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  double share = pace->plan.dedicated > 0 ? 1.0 : pace->plan.fractional;
  AO_t own_ns = 0;
  uint64_t cpu = gaiti_os_thread_cpu_ns();
  struct gaiti_marker *marker = heap->cycle->own_marker;
  gaiti_marker_resume(marker);
  for (int waits = 0;;) {
    workers_take_place(heap);
    bool more = workers_slice(heap, marker, &own_ns, &cpu);
    gaiti_pace_revise(heap);
    if (more) {
      waits = 0;
      workers_set_boost(heap, false);
      workers_begin(heap);
      workers_throttle(heap, marker, share, AO_load(&pace->background_ns) + own_ns);
      continue;
    }
    gaiti_marker_pause(marker);
    if (gaiti_marking_is_idle(heap)) break;
    if (waits++ > 0) workers_set_boost(heap, true);
    gaiti_marking_wait(heap, WORKER_WAIT_NS);
    gaiti_marker_resume(marker);
  }
  gaiti_counter_add(&pace->background_ns, own_ns);
}

/* Marks a small slice; returns whether there may be more. */
static bool workers_slice_alone(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  struct gaiti_marker *marker = heap->cycle->own_marker;
  uint64_t cpu = gaiti_os_thread_cpu_ns();
  gaiti_marker_resume(marker);
  bool more = gaiti_marker_run(marker, WORKER_ALONE_BYTES);
  gaiti_counter_add(&pace->background_credit, marker->work);
  gaiti_marker_pause(marker);
  gaiti_counter_add(&pace->background_ns, gaiti_os_thread_cpu_ns() - cpu);
  return more;
}

bool gaiti_workers_mark_alone(gait_heap *heap, uint64_t until_ns) {
  for (;;) {
    bool more = gaiti_marking_has_work(heap) && workers_slice_alone(heap);
    if (!more && gaiti_marking_is_idle(heap)) return true;
    if (gaiti_os_now_ns() >= until_ns) return false;
    if (!more) gaiti_os_pause();
  }
}
