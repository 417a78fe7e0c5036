/* fork: parent and child both go on.
 *
 * Before the fork the calling thread goes outside every heap, and all heaps are brought to rest,
 * all of them in each step before any in the next:
 *
 *   suspended  the cycle under way has ended, and no other begins
 *   held       every thread is at a safepoint or outside
 *   locked     every lock is taken, so that nothing is half changed
 *
 * In the parent all that is undone, last step first.  In the child the other threads are gone: they
 * are detached, their processors freed, and the collector's threads forgotten: they start again
 * with the next cycle.
 *
 * Why in steps: a thread may be in managed state of one heap while it takes a lock of another.  If
 * the fork had that lock, the thread would reach no safepoint of the first, and the fork would wait
 * for it without end.  Whoever waits for anything but a lock is away from all heaps (.inv.away), so
 * no step waits for such a thread.
 *
 * A thread that calls fork from inside a callback of Gait's has already violated embed.h. */
#include "cycle/fork.h"

#include "alloc/away.h"
#include "cycle/cycle.h"
#include "mark/marker.h"

struct fork_entry {
  gait_heap *heap;
  gait_thread *caller; /* the attachment of the thread that forks, or NULL */
  struct fork_entry *next;
};

/* Its holder may be waiting for every thread to reach a safepoint: it is waited for away. */
static struct gaiti_lock fork_lock = {PTHREAD_MUTEX_INITIALIZER, GAITI_RANK_FORK};
static struct fork_entry *fork_entries;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static bool fork_handled;

/* ---- The locks of a heap, in the order of their ranks ----
 *
 * But for those of external bytes: only cycles and threads in managed state take them. */

#define FORK_LOCKS 12

static size_t fork_list_locks(gait_heap *heap, struct gaiti_lock *locks[FORK_LOCKS]) {
  size_t count = 0;
  locks[count++] = &heap->cycle->lock;
  locks[count++] = &heap->cycle->workers.lock;
  locks[count++] = &heap->threads->lock;
  locks[count++] = &heap->procs->lock;
  locks[count++] = &heap->roots.lock;
  locks[count++] = &heap->kinds.lock;
  locks[count++] = &heap->cycle->pace.lock;
  locks[count++] = &heap->available->lock;
  locks[count++] = &heap->space.lock;
  locks[count++] = &heap->marking->lock;
  locks[count++] = &heap->shades->lock;
  locks[count++] = &heap->cycle->records.lock;
  return count;
}

/* Straight on the mutexes: the locks of several heaps share their ranks.
 * Model: tests/model/fork.pml. */
static void fork_lock_all(gait_heap *heap) {
  struct gaiti_lock *locks[FORK_LOCKS];
  size_t count = fork_list_locks(heap, locks);
  for (size_t i = 0; i < count; i++)
    pthread_mutex_lock(&locks[i]->mutex);
}

/* Model: tests/model/fork.pml. */
static void fork_unlock_all(gait_heap *heap) {
  struct gaiti_lock *locks[FORK_LOCKS];
  for (size_t i = fork_list_locks(heap, locks); i-- > 0;)
    pthread_mutex_unlock(&locks[i]->mutex);
}

/* Whoever waited for one is gone. */
static void fork_renew_conditions(gait_heap *heap) {
  gaiti_condition_renew(&heap->cycle->asked);
  gaiti_condition_renew(&heap->cycle->ended);
  gaiti_condition_renew(&heap->cycle->advanced);
  gaiti_condition_renew(&heap->cycle->workers.changed);
  gaiti_condition_renew(&heap->threads->changed);
  gaiti_condition_renew(&heap->marking->changed);
}

/* ---- The three moments ---- */

static void fork_find_caller(struct fork_entry *entry) {
  struct gaiti_threads *threads = entry->heap->threads;
  entry->caller = NULL;
  gaiti_lock(&threads->lock);
  for (gait_thread *thread = threads->all; thread; thread = thread->next)
    if (pthread_equal(thread->owner, pthread_self())) entry->caller = thread;
  gaiti_unlock(&threads->lock);
}

/* Model: tests/model/fork.pml, drive.pml. */
static void fork_suspend(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  gaiti_lock(&cycle->lock);
  cycle->suspended = true;
  while (cycle->started != cycle->finished)
    gaiti_wait_for(&cycle->ended, &cycle->lock, 1000000);
  gaiti_unlock(&cycle->lock);
}

/* Model: tests/model/fork.pml, drive.pml. */
static void fork_resume(gait_heap *heap) {
  struct gaiti_cycle *cycle = heap->cycle;
  gaiti_lock(&cycle->lock);
  cycle->suspended = false;
  gaiti_wake(&cycle->asked);
  gaiti_unlock(&cycle->lock);
}

/* Model: tests/model/fork.pml. */
static void fork_prepare(void) {
  gaiti_away_begin();
  gaiti_lock(&fork_lock);
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_suspend(entry->heap);
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next) {
    fork_find_caller(entry);
    gaiti_hold_all(entry->heap);
  }
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_lock_all(entry->heap);
}

/* Model: tests/model/fork.pml. */
static void fork_parent(void) {
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_unlock_all(entry->heap);
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    gaiti_release_all(entry->heap);
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_resume(entry->heap);
  gaiti_unlock(&fork_lock);
  gaiti_away_end();
}

/* Detaches every thread but the caller. */
static void fork_drop_threads(struct fork_entry *entry) {
  struct gaiti_threads *threads = entry->heap->threads;
  gait_thread *thread = threads->all;
  threads->all = NULL;
  threads->count = 0;
  while (thread) {
    gait_thread *next = thread->next;
    if (thread == entry->caller) {
      thread->next = thread->previous = NULL;
      threads->all = thread;
      threads->count = 1;
    } else {
      gaiti_proc_surrender(thread);
      AO_store(&thread->state, GAITI_THREAD_DETACHED);
      thread->next = threads->spare;
      threads->spare = thread;
    }
    thread = next;
  }
}

static void fork_child_heap(struct fork_entry *entry) {
  struct gaiti_cycle *cycle = entry->heap->cycle;
  fork_unlock_all(entry->heap);
  fork_renew_conditions(entry->heap);
  gaiti_space_forget_prepared(&entry->heap->space, &entry->heap->map);
  cycle->collector_runs = false;
  cycle->requested = false;
  AO_store(&cycle->offered, 0);
  cycle->releasing = false;
  AO_store(&cycle->preparing, 0);
  AO_store(&cycle->waiting, 0);
  AO_store(&cycle->stalled, 0);
  AO_store(&cycle->kept, 0);
  cycle->workers.count = 0;
  AO_store(&entry->heap->marking->hungry, 0);
  entry->heap->marking->active = 0; /* of workers that were on their way back from the last cycle */
  if (entry->caller) entry->caller->tid = gaiti_os_thread_id();
  fork_drop_threads(entry);
  gaiti_release_all(entry->heap);
  fork_resume(entry->heap);
}

static void fork_child(void) {
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_child_heap(entry);
  gaiti_unlock(&fork_lock);
  gaiti_away_end();
}

/* ---- The list ---- */

static void fork_install(void) {
  fork_handled = pthread_atfork(fork_prepare, fork_parent, fork_child) == 0;
}

bool gaiti_fork_register(gait_heap *heap) {
  pthread_once(&fork_once, fork_install);
  struct fork_entry *entry = fork_handled ? gaiti_os_alloc(sizeof *entry) : NULL;
  if (!entry) return false;
  entry->heap = heap;
  gaiti_away_begin();
  gaiti_lock(&fork_lock);
  entry->next = fork_entries;
  fork_entries = entry;
  gaiti_unlock(&fork_lock);
  gaiti_away_end();
  return true;
}

void gaiti_fork_forget(gait_heap *heap) {
  gaiti_away_begin();
  gaiti_lock(&fork_lock);
  struct fork_entry **place = &fork_entries;
  while (*place && (*place)->heap != heap)
    place = &(*place)->next;
  struct fork_entry *entry = *place;
  if (entry) *place = entry->next;
  gaiti_unlock(&fork_lock);
  gaiti_away_end();
  gaiti_os_free(entry);
}
