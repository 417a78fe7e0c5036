/* fork: parent and child both go on.
 *
 * Before the fork the calling thread goes outside every heap, and all heaps are brought to rest,
 * all of them in each step before any in the next:
 *
 *   suspended  the cycle under way has ended, and no other begins
 *   stopped    every thread is at a safepoint or outside
 *   locked     every lock is taken, so that nothing is half changed
 *
 * In the parent all that is undone, last step first.  In the child the other threads are gone: they
 * are detached, their processors freed, and the collector's threads forgotten: they start again
 * with the next cycle.
 *
 * Why in steps: a thread may be in managed state of one heap while it takes a lock of another.  If
 * the fork had that lock, the thread would reach no safepoint of the first, and the fork would wait
 * for it until its patience ends.  A thread that waits for anything but a lock is outside all
 * heaps (.inv.blocking), so no step waits for it.
 *
 * .fork.patience  A handler of a fork that was registered after ours runs before ours, and may have
 * taken a lock of a library's.  A thread in managed state that waits for that lock, as for a
 * logger's in the middle of a call, reaches no safepoint before the fork is over.  So no step waits
 * for a thread longer than FORK_PATIENCE_NS:
 *
 *   suspended  a cycle that has stood still for so long (handshake.h: it waits for such a thread,
 *              or is in the embedder's log) stays where it is, and threads of its heap run on
 *   stopped    threads that are not stopped by then run on
 *   locked     as before: Gait makes no call to the embedder while it holds a lock
 *
 * .fork.frozen  In the child such a thread is frozen, at any instruction that it may come to
 * without taking one of our locks.  Its next steps will not be missed; but everything that other
 * threads rely on has to be whole:
 *
 *   data under a lock    whole, since every lock is taken: budgets, lists of threads, processors,
 *                        roots, fibers, finalizers, kinds, blocks, segments, buffers, records; the
 *                        pacer.  External bytes have a gate in front of their locks
 *                        (.external.gate)
 *   bits of slots        change word by word, a word at once.  Allocated and not yet handed out,
 *                        handed out and not yet stored anywhere, given back in part: each is a slot
 *                        that is free one cycle later
 *   a block              taken, and not yet zeroed, formatted or, if it is a large object's,
 *                        allocated: no thread's, and given back (gaiti_space_recover).  Formatted,
 *                        and not yet a cache's: no list has it until the next sweep, which frees
 *                        it
 *   a cache              abandoned, for its run may be half changed: the rest of it, and its block,
 *                        come back with the next sweep.  Free slots that are poisoned may be zero,
 *                        where it was about to take them: they are filled anew
 *   a barrier's buffer   dropped: nothing marks (for a cycle under way see below).  The card was
 *                        noted before the store
 *   a marker             none is active: marking has closed (or see below)
 *   a stretch of sweep   none is claimed: the sweep is over before the cycle is
 *   a handshake          none is under way (or see below)
 *   a thread             off the list, in any state.  One that is being detached is on it until the
 *                        lock is taken; its processor may have a holder that does not know of it
 *                        any more, and is freed by the list of processors
 *   a fiber              on it, or about to be, is lost (mutator/fibers.c)
 *   counters             off by the bytes that were just being counted, until the next cycle sets
 *                        them; the mapped bytes, by the pages past a large object's end at most
 *
 * A cycle that stands still is in the child
 *
 *   in its handshakes    given up, unless that is the last one: work of markers, buffers and queue
 *   or about to hold     is lost with the threads that had it.  Nothing has been freed; marks are
 *                        cleared, and a full cycle is asked for
 *   in the last one      ended: marking is whole, and the caller alone has to turn its barrier off;
 *                        it sweeps, here
 *   swept                over: the walk through the heap comes after, and then the callback that
 *                        reports the cycle
 *
 * In the parent nothing of that is the case: a thread that was not stopped goes on, and only
 * stopped ones are resumed.
 *
 * .fork.back  The thread that forks comes back to its heaps without waiting for a thread, too: the
 * handler that gives the library's lock back runs after ours.  So cycles stay suspended until it is
 * back, and one that is stuck may not suspend it.
 *
 * A callback of Gait's that forks, on a thread that runs a cycle or marks, would wait for itself:
 * that is a failed check.  The out-of-memory handler may fork.
 *
 * Models: drive, fork. */
#include "cycle/fork.h"

#include "alloc/cache.h"
#include "barrier/finder.h"
#include "mutator/blocking.h"
#include "mutator/attachments.h"
#include "base/check.h"
#include "base/collecting.h"
#include "cycle/cycle.h"
#include "cycle/dumps.h"
#include "cycle/finalizer_thread.h"
#include "cycle/inspect.h"
#include "cycle/stop.h"
#include "heap/samples.h"
#include "mark/ephemerons.h"
#include "mark/marking.h"
#include "mark/young.h"
#include "weak/finalizers.h"

/* How long one step of a fork waits for a thread that reaches no safepoint, or for a cycle that
 * waits for one. */
#define FORK_PATIENCE_NS (100 * GAITI_NS_OF_MS)
/* Between two looks at a cycle. */
#define FORK_LOOK_NS GAITI_NS_OF_MS

/*   caller  the attachment of the thread that forks, or NULL
 *   at_rest     no cycle is under way, and none begins
 *   stopped     so its threads have been stopped, but those for which patience ended
 *   all_stopped  those were none */
struct fork_entry {
  gait_heap *heap;
  gait_thread *caller;
  bool at_rest;
  bool stopped;
  bool all_stopped;
  struct fork_entry *next;
};

/* The thread that has it may be waiting for every thread to reach a safepoint: it is waited for in
 * a blocking section. */
static struct gaiti_lock fork_lock = {PTHREAD_MUTEX_INITIALIZER, GAITI_RANK_FORK};
static struct fork_entry *fork_entries;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static bool fork_handled;

/* ---- The locks of a heap, in the order of their ranks ---- */

#define FORK_LOCKS 16

static size_t fork_list_locks(gait_heap *heap, struct gaiti_lock *locks[FORK_LOCKS]) {
  size_t count = 0;
  locks[count++] = &heap->cycle->requests.lock;
  locks[count++] = &heap->cycle->workers.lock;
  locks[count++] = &heap->threads->lock;
  locks[count++] = &heap->procs->lock;
  locks[count++] = &heap->roots.lock;
  locks[count++] = &heap->fibers->lock;
  locks[count++] = &heap->finalizers->lock;
  locks[count++] = &heap->kinds.lock;
  locks[count++] = &heap->cycle->pace.lock;
  if (heap->finder) locks[count++] = &heap->finder->lock;
  if (heap->profile) locks[count++] = &heap->profile->lock;
  locks[count++] = &heap->partial->lock;
  locks[count++] = &heap->space.lock;
  locks[count++] = &heap->marking->lock;
  locks[count++] = &heap->buffers->lock;
  locks[count++] = &heap->cycle->records.lock;
  return count;
}

/* Straight on the mutexes: the locks of several heaps share their ranks.  External bytes come
 * first: a thread at work on them may still take others. */
static void fork_lock_all(gait_heap *heap) {
  struct gaiti_lock *locks[FORK_LOCKS];
  size_t count = fork_list_locks(heap, locks);
  gaiti_externals_close(&heap->externals);
  for (size_t i = 0; i < count; i++)
    pthread_mutex_lock(&locks[i]->mutex);
}

/* Releases the locks in reverse, the gate of external bytes last. */
static void fork_unlock_all(gait_heap *heap) {
  struct gaiti_lock *locks[FORK_LOCKS];
  for (size_t i = fork_list_locks(heap, locks); i-- > 0;)
    pthread_mutex_unlock(&locks[i]->mutex);
  gaiti_externals_open(&heap->externals);
}

/* The threads that waited for one are gone. */
static void fork_renew_conditions(gait_heap *heap) {
  gaiti_condition_renew(&heap->cycle->requests.asked);
  gaiti_condition_renew(&heap->cycle->requests.cycle_ended);
  gaiti_condition_renew(&heap->cycle->requests.advanced);
  gaiti_condition_renew(&heap->threads->changed);
}

/* ---- Before ---- */

static void fork_find_caller(struct fork_entry *entry) {
  struct gaiti_threads *threads = entry->heap->threads;
  entry->caller = NULL;
  gaiti_lock(&threads->lock);
  for (gait_thread *thread = threads->all; thread; thread = thread->next)
    if (gaiti_thread_is_own(thread)) entry->caller = thread;
  gaiti_unlock(&threads->lock);
}

/* No cycle of the heap begins from now on. */
static void fork_suspend(struct fork_entry *entry) {
  struct gaiti_requests *requests = &entry->heap->cycle->requests;
  entry->at_rest = entry->stopped = entry->all_stopped = false;
  gaiti_lock(&requests->lock);
  requests->suspended = true;
  gaiti_unlock(&requests->lock);
}

/* Lets cycles begin again. */
static void fork_resume(struct fork_entry *entry) {
  struct gaiti_requests *requests = &entry->heap->cycle->requests;
  gaiti_lock(&entry->heap->threads->lock);
  if (entry->caller) entry->caller->forking = false;
  gaiti_unlock(&entry->heap->threads->lock);
  gaiti_lock(&requests->lock);
  requests->suspended = false;
  gaiti_wake(&requests->asked);
  gaiti_unlock(&requests->lock);
}

/* The calling thread is back before any cycle begins (.fork.back). */
static void fork_end(void) {
  gaiti_blocking_end();
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_resume(entry);
  gaiti_unlock(&fork_lock);
}

static bool fork_is_at_rest_locked(const gait_heap *heap) {
  return heap->cycle->requests.started == heap->cycle->requests.finished;
}

/* Whether the cycle has stood still for so long that it may be waiting for a thread that the fork
 * delays. */
static bool fork_is_stuck_locked(const gait_heap *heap) {
  uint64_t since_ns = heap->cycle->handshakes.still_since_ns;
  return since_ns != 0 && gaiti_os_now_ns() - since_ns >= FORK_PATIENCE_NS;
}

static bool fork_is_stuck(gait_heap *heap) {
  gaiti_lock(&heap->threads->lock);
  bool stuck = fork_is_stuck_locked(heap);
  gaiti_unlock(&heap->threads->lock);
  return stuck;
}

/* Waits for the end of the cycle under way, or until it is stuck. */
static void fork_await_cycle(struct fork_entry *entry) {
  struct gaiti_requests *requests = &entry->heap->cycle->requests;
  gaiti_lock(&requests->lock);
  while (!(entry->at_rest = fork_is_at_rest_locked(entry->heap)) && !fork_is_stuck(entry->heap))
    gaiti_wait_for(&requests->cycle_ended, &requests->lock, FORK_LOOK_NS);
  gaiti_unlock(&requests->lock);
}

/* A cycle that is stuck may be about to stop the threads itself. */
static void fork_stop(struct fork_entry *entry, uint64_t until_ns) {
  if (!entry->at_rest || entry->stopped) return;
  entry->stopped = true;
  entry->all_stopped = gaiti_stop_until(entry->heap, until_ns);
}

/* The locks are taken. */
static void fork_keep_caller(struct fork_entry *entry) {
  gait_thread *caller = entry->caller;
  if (!caller || entry->stopped) return;
  caller->forking = true;
  if (caller->stopped) gaiti_thread_resume(caller);
  caller->stopped = false;
}

/* Takes the lock of budgets and those of all heaps, when none of them has a cycle that goes on
 * after all. */
static bool fork_try_lock_heaps(void) {
  bool quiet = true;
  gaiti_members_lock();
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_lock_all(entry->heap);
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    quiet = quiet && (fork_is_at_rest_locked(entry->heap) || fork_is_stuck_locked(entry->heap));
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    if (quiet)
      fork_keep_caller(entry);
    else
      fork_unlock_all(entry->heap);
  if (!quiet) gaiti_members_unlock();
  return quiet;
}

/* Brings all heaps to rest, step by step, and takes their locks. */
static void fork_prepare(void) {
  REQUIRE("fork.callback", !gaiti_is_collecting(),
          "a callback of Gait's forks, on a thread that runs a cycle or marks");
  gaiti_blocking_begin();
  gaiti_lock(&fork_lock);
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_suspend(entry);
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_find_caller(entry);
  do {
    for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
      fork_await_cycle(entry);
    uint64_t until_ns = gaiti_os_now_ns() + FORK_PATIENCE_NS;
    for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
      fork_stop(entry, until_ns);
  } while (!fork_try_lock_heaps());
}

/* ---- In the parent ---- */

/* Undoes that, last step first. */
static void fork_parent(void) {
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_unlock_all(entry->heap);
  gaiti_members_unlock();
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    if (entry->stopped) gaiti_resume_all(entry->heap);
  fork_end();
}

/* ---- In the child ---- */

/* A thread that is stopped has a processor that is whole: the rest of its caches is free again. */
static void fork_detach(struct gaiti_threads *threads, gait_thread *thread) {
  if (thread->stopped && thread->proc) {
    gaiti_caches_empty(thread->heap, thread->proc);
    gaiti_proc_surrender(thread);
  }
  gaiti_attachments_abandon(thread);
  gaiti_thread_free_room(thread);
  gaiti_scopes_free(thread->heap, &thread->scopes);
  gaiti_scopes_free(thread->heap, &thread->home.scopes); /* of one on a fiber */
  AO_store(&thread->state, GAITI_THREAD_DETACHED);
  thread->next = threads->spare;
  threads->spare = thread;
}

/* Detaches every thread but the caller. */
static void fork_drop_threads(struct fork_entry *entry) {
  struct gaiti_threads *threads = entry->heap->threads;
  gait_thread *thread = threads->all;
  gaiti_buffers_forget_owned(entry->heap);
  threads->all = NULL;
  threads->count = 0;
  while (thread) {
    gait_thread *next = thread->next;
    if (thread == entry->caller) {
      thread->next = thread->previous = NULL;
      threads->all = thread;
      threads->count = 1;
    } else {
      fork_detach(threads, thread);
    }
    thread = next;
  }
  gaiti_procs_recover(entry->heap, entry->caller);
}

/* Gives up marking.  Nothing is known of old objects any more. */
static void fork_drop_marking(struct fork_entry *entry) {
  struct gaiti_requests *requests = &entry->heap->cycle->requests;
  gaiti_buffers_drop(entry->heap);
  gaiti_marking_drop(entry->heap);
  gaiti_ephemerons_end(entry->heap);
  gaiti_finalizers_drop(entry->heap);
  gaiti_young_forget_old(entry->heap);
  entry->heap->generation = (struct gaiti_generation){.young = false};
  gaiti_handshake_drop(entry->heap, entry->caller);
  requests->requested = true;
}

/* Marking is whole, and no thread but the caller had to turn its barrier off. */
static void fork_sweep(struct fork_entry *entry) {
  gaiti_handshake_drop(entry->heap, entry->caller);
  gaiti_sweep_begin(entry->heap);
  gaiti_sweep_finish(entry->heap);
  gaiti_marking_trim(entry->heap);
  /* The CPU time that another thread has used since is not known. */
  entry->heap->cycle->pace.uncounted = false;
  gaiti_pace_publish(entry->heap);
}

/* A cycle of which there is no record is none. */
static void fork_uncount(struct gaiti_cycle *cycle) {
  cycle->requests.started = cycle->requests.finished;
  if (cycle->runner.record.cause == GAIT_CAUSE_FORCED) cycle->requests.forced_cycles--;
}

/* Brings the cycle that was stuck to an end (.fork.frozen). */
static void fork_end_cycle(struct fork_entry *entry) {
  struct gaiti_cycle *cycle = entry->heap->cycle;
  switch (gaiti_phase(entry->heap)) {
  case GAITI_PHASE_IDLE: break;
  case GAITI_PHASE_OFF: fork_sweep(entry); break;
  case GAITI_PHASE_SWEEP: break; /* it is over: the walk through the heap waits for threads */
  default: fork_drop_marking(entry);
  }
  if (cycle->records.last <= cycle->requests.finished) fork_uncount(cycle);
  gaiti_protocol_drop(entry->heap);
  AO_store(&entry->heap->short_runs, 0);
  AO_store(&cycle->handshakes.has_deadline, 0);
  AO_store(&cycle->handshakes.waiting, 0);
  cycle->handshakes.still_since_ns = 0;
  cycle->runner.stopped = false;
  cycle->requests.running = false;
  cycle->requests.finished = cycle->requests.started;
}

/* Such a thread may have zeroed slots that it had yet to allocate. */
static void fork_poison(gait_heap *heap) {
  uint32_t top = gaiti_space_top(&heap->space);
  for (uint32_t block = 0; block < top; block++)
    if (gaiti_block_tag(&heap->map, block) & GAITI_REF_SMALL && !heap->map.states[block].clean)
      gaiti_sweep_poison(heap, block);
}

/* No thread has a request under way, or waits, and the collector has no threads. */
static void fork_forget_collector(gait_heap *heap) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  requests->collector_runs = false;
  requests->requested = false;
  AO_store(&requests->inline_due, 0);
  requests->releasing = false;
  AO_store(&requests->preparing, 0);
  AO_store(&requests->waiting, 0);
  AO_store(&requests->stalled, 0);
  AO_store(&requests->kept, 0);
  gaiti_inspections_drop(heap);
  gaiti_workers_forget(heap);
  gaiti_marking_forget_markers(heap);
}

static void fork_child_heap(struct fork_entry *entry) {
  gait_heap *heap = entry->heap;
  gaiti_externals_renew(&heap->externals);
  gaiti_pools_renew(heap);
  fork_unlock_all(heap);
  gaiti_recorder_forget(heap, entry->caller);
  fork_renew_conditions(heap);
  fork_forget_collector(heap);
  gaiti_finalizer_thread_forget(heap);
  gaiti_dumps_forget(heap);
  gaiti_space_recover(&heap->space, &heap->map);
  gaiti_roots_forget_visits(&heap->roots);
  gaiti_fibers_recover(heap, entry->caller);
  heap->forked = true;
  if (entry->caller) entry->caller->tid = gaiti_os_thread_id();
  fork_drop_threads(entry);
  if (!fork_is_at_rest_locked(heap)) fork_end_cycle(entry);
  if (heap->options.debug.poison && !entry->all_stopped) fork_poison(heap);
  gaiti_resume_all(heap);
}

static void fork_child(void) {
  gaiti_members_unlock();
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_child_heap(entry);
  fork_end();
}

/* ---- The list ---- */

static void fork_install(void) {
  fork_handled = pthread_atfork(fork_prepare, fork_parent, fork_child) == 0;
}

bool gaiti_fork_handle(void) {
  pthread_once(&fork_once, fork_install);
  return fork_handled;
}

bool gaiti_fork_register(gait_heap *heap) {
  struct fork_entry *entry = gaiti_fork_handle() ? gaiti_os_alloc(sizeof *entry) : NULL;
  if (!entry) return false;
  entry->heap = heap;
  gaiti_blocking_begin();
  gaiti_lock(&fork_lock);
  entry->next = fork_entries;
  fork_entries = entry;
  gaiti_unlock(&fork_lock);
  gaiti_blocking_end();
  return true;
}

void gaiti_fork_each(gaiti_fork_heap_fn *visit, void *arg) {
  gaiti_blocking_begin();
  gaiti_lock(&fork_lock);
  for (const struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    visit(entry->heap, arg);
  gaiti_unlock(&fork_lock);
  gaiti_blocking_end();
}

void gaiti_fork_forget(gait_heap *heap) {
  gaiti_blocking_begin();
  gaiti_lock(&fork_lock);
  struct fork_entry **place = &fork_entries;
  while (*place && (*place)->heap != heap)
    place = &(*place)->next;
  struct fork_entry *entry = *place;
  if (entry) *place = entry->next;
  gaiti_unlock(&fork_lock);
  gaiti_blocking_end();
  gaiti_os_free(entry);
}
