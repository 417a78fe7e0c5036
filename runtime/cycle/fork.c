/* fork: parent and child both go on.
 *
 * Before the fork every heap is brought to rest: the calling thread, if attached, goes outside; the
 * cycle under way ends, and no other begins; every thread is held at a safepoint; every lock is
 * taken, so that nothing is half changed.  In the parent all that is undone.  In the child the
 * other threads are gone: they are detached, their processors freed, the collector's threads
 * forgotten (they start again with the next cycle), and every lock is made anew.
 *
 * A thread that calls fork from inside a callback of Gait's has already violated embed.h. */
#include "cycle/fork.h"

#include "alloc/exit.h"
#include "cycle/cycle.h"
#include "mark/marker.h"

struct fork_entry {
  gait_heap *heap;
  gait_thread *caller; /* the attachment of the thread that forks, or NULL */
  struct fork_entry *next;
};

static struct gaiti_lock fork_lock = {PTHREAD_MUTEX_INITIALIZER, GAITI_RANK_FORK};
static struct fork_entry *fork_entries;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static bool fork_handled;

/* ---- The list's lock ----
 *
 * Its holder may be waiting for every thread of a heap to reach a safepoint, so nobody waits for it
 * in managed state. */

static void fork_lock_outside(void) {
  for (gait_thread *thread = gaiti_exit_first(); thread; thread = thread->next_exit) {
    thread->left_for_fork = gaiti_thread_state(thread) == GAITI_THREAD_MANAGED;
    if (thread->left_for_fork) gaiti_thread_leave(thread);
  }
  gaiti_lock(&fork_lock);
}

static void fork_unlock_inside(void) {
  gaiti_unlock(&fork_lock);
  for (gait_thread *thread = gaiti_exit_first(); thread; thread = thread->next_exit)
    if (thread->left_for_fork) gaiti_thread_enter(thread);
}

/* ---- All locks of a heap, in the order of their ranks ---- */

#define FORK_LOCKS (12 + GAITI_EXTERNAL_SHARDS)

static size_t fork_list_locks(gait_heap *heap, struct gaiti_lock *locks[FORK_LOCKS]) {
  size_t count = 0;
  locks[count++] = &heap->cycle->lock;
  locks[count++] = &heap->cycle->workers.lock;
  locks[count++] = &heap->threads->lock;
  locks[count++] = &heap->procs->lock;
  locks[count++] = &heap->roots.lock;
  for (int i = 0; i < GAITI_EXTERNAL_SHARDS; i++)
    locks[count++] = &heap->externals.shards[i].lock;
  locks[count++] = &heap->kinds.lock;
  locks[count++] = &heap->cycle->pace.lock;
  locks[count++] = &heap->available->lock;
  locks[count++] = &heap->space.lock;
  locks[count++] = &heap->marking->lock;
  locks[count++] = &heap->shades->lock;
  locks[count++] = &heap->cycle->records.lock;
  return count;
}

/* Straight on the mutexes: shards share a rank, and so do the locks of several heaps. */
static void fork_lock_all(gait_heap *heap) {
  struct gaiti_lock *locks[FORK_LOCKS];
  size_t count = fork_list_locks(heap, locks);
  for (size_t i = 0; i < count; i++)
    pthread_mutex_lock(&locks[i]->mutex);
}

static void fork_unlock_all(gait_heap *heap) {
  struct gaiti_lock *locks[FORK_LOCKS];
  for (size_t i = fork_list_locks(heap, locks); i-- > 0;)
    pthread_mutex_unlock(&locks[i]->mutex);
}

static void fork_renew_all(gait_heap *heap) {
  struct gaiti_lock *locks[FORK_LOCKS];
  for (size_t i = fork_list_locks(heap, locks); i-- > 0;)
    gaiti_lock_renew(locks[i]);
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

static void fork_prepare_heap(struct fork_entry *entry) {
  struct gaiti_cycle *cycle = entry->heap->cycle;
  fork_find_caller(entry);
  pthread_mutex_lock(&cycle->lock.mutex);
  cycle->suspended = true;
  while (cycle->started != cycle->finished)
    gaiti_wait_for(&cycle->ended, &cycle->lock, 1000000);
  pthread_mutex_unlock(&cycle->lock.mutex);
  gaiti_hold_all(entry->heap);
  fork_lock_all(entry->heap);
}

static void fork_prepare(void) {
  fork_lock_outside();
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_prepare_heap(entry);
}

static void fork_resume_heap(struct fork_entry *entry) {
  struct gaiti_cycle *cycle = entry->heap->cycle;
  gaiti_release_all(entry->heap);
  pthread_mutex_lock(&cycle->lock.mutex);
  cycle->suspended = false;
  gaiti_wake(&cycle->asked);
  pthread_mutex_unlock(&cycle->lock.mutex);
}

static void fork_parent(void) {
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next) {
    fork_unlock_all(entry->heap);
    fork_resume_heap(entry);
  }
  fork_unlock_inside();
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
  fork_renew_all(entry->heap);
  cycle->collector_runs = false;
  cycle->requested = false;
  AO_store(&cycle->waiting, 0);
  AO_store(&cycle->stalled, 0);
  cycle->workers.count = 0;
  AO_store(&entry->heap->marking->hungry, 0);
  entry->heap->marking->active = 0; /* of workers that were on their way back from the last cycle */
  if (entry->caller) entry->caller->tid = gaiti_os_thread_id();
  fork_drop_threads(entry);
  fork_resume_heap(entry);
}

static void fork_child(void) {
  for (struct fork_entry *entry = fork_entries; entry; entry = entry->next)
    fork_child_heap(entry);
  fork_unlock_inside();
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
  fork_lock_outside();
  entry->next = fork_entries;
  fork_entries = entry;
  fork_unlock_inside();
  return true;
}

void gaiti_fork_forget(gait_heap *heap) {
  fork_lock_outside();
  struct fork_entry **place = &fork_entries;
  while (*place && (*place)->heap != heap)
    place = &(*place)->next;
  struct fork_entry *entry = *place;
  if (entry) *place = entry->next;
  fork_unlock_inside();
  gaiti_os_free(entry);
}
