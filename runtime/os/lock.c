/* Locks and conditions with the monotonic clock.  A wait is no cancellation point: the thread would
 * end with the lock in its hands, and the handlers that a caller could push against that cost more
 * than to turn cancellation off.  In debug builds each thread keeps the ranks it
 * holds, a bit each, and a lock taken out of order is a failed check. */
#define _GNU_SOURCE
#include "os/os.h"

#include <time.h>

#include "base/check.h"
#include "os/virtual.h"

#if GAITI_CHECK_SLOW
static _Thread_local uint32_t lock_ranks_held;

static void lock_check_order(enum gaiti_rank rank) {
  CHECK("lock.order", lock_ranks_held >> rank == 0, "a lock was taken after one of higher rank");
}
static void lock_note_taken(enum gaiti_rank rank) {
  lock_ranks_held |= (uint32_t)1 << rank;
}
static void lock_note_given(enum gaiti_rank rank) {
  lock_ranks_held &= ~((uint32_t)1 << rank);
}
#else
static void lock_check_order(enum gaiti_rank rank) {
  (void)rank;
}
static void lock_note_taken(enum gaiti_rank rank) {
  (void)rank;
}
static void lock_note_given(enum gaiti_rank rank) {
  (void)rank;
}
#endif

bool gaiti_lock_init(struct gaiti_lock *lock, enum gaiti_rank rank) {
  lock->rank = rank;
  return pthread_mutex_init(&lock->mutex, NULL) == 0;
}

void gaiti_lock_destroy(struct gaiti_lock *lock) {
  pthread_mutex_destroy(&lock->mutex);
}

/* The thread that has the lock waits for its turn. */
static void lock_take_in_turns(struct gaiti_lock *lock) {
  while (pthread_mutex_trylock(&lock->mutex) != 0)
    gaiti_virtual_pause();
}

void gaiti_lock(struct gaiti_lock *lock) {
  lock_check_order(lock->rank);
  if (gaiti_virtual_is_on)
    lock_take_in_turns(lock);
  else
    pthread_mutex_lock(&lock->mutex);
  lock_note_taken(lock->rank);
}

/* A try does not wait, so it needs no order. */
bool gaiti_trylock(struct gaiti_lock *lock) {
  if (pthread_mutex_trylock(&lock->mutex) != 0) return false;
  lock_note_taken(lock->rank);
  return true;
}

void gaiti_unlock(struct gaiti_lock *lock) {
  lock_note_given(lock->rank);
  pthread_mutex_unlock(&lock->mutex);
  if (gaiti_virtual_is_on) gaiti_virtual_turn();
}

bool gaiti_condition_init(struct gaiti_condition *condition) {
  pthread_condattr_t attributes;
  if (pthread_condattr_init(&attributes) != 0) return false;
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  bool made = pthread_cond_init(&condition->condition, &attributes) == 0;
  pthread_condattr_destroy(&attributes);
  return made;
}

void gaiti_condition_destroy(struct gaiti_condition *condition) {
  pthread_cond_destroy(&condition->condition);
}

static void lock_wait_in_turns(struct gaiti_condition *condition, struct gaiti_lock *lock,
                               uint64_t ns) {
  pthread_mutex_unlock(&lock->mutex);
  gaiti_virtual_wait(condition, ns);
  lock_take_in_turns(lock);
}

void gaiti_wait(struct gaiti_condition *condition, struct gaiti_lock *lock) {
  if (gaiti_virtual_is_on) {
    lock_wait_in_turns(condition, lock, GAITI_NO_DEADLINE);
    return;
  }
  int cancel = gaiti_os_cancel_off();
  pthread_cond_wait(&condition->condition, &lock->mutex);
  gaiti_os_cancel_back(cancel);
}

void gaiti_wait_for(struct gaiti_condition *condition, struct gaiti_lock *lock, uint64_t ns) {
  if (gaiti_virtual_is_on) {
    lock_wait_in_turns(condition, lock, ns);
    return;
  }
  uint64_t due = gaiti_os_now_ns() + ns;
  struct timespec time = {.tv_sec = (time_t)(due / 1000000000u),
                          .tv_nsec = (long)(due % 1000000000u)};
  int cancel = gaiti_os_cancel_off();
  pthread_cond_timedwait(&condition->condition, &lock->mutex, &time);
  gaiti_os_cancel_back(cancel);
}

void gaiti_wake(struct gaiti_condition *condition) {
  if (gaiti_virtual_is_on)
    gaiti_virtual_wake(condition);
  else
    pthread_cond_broadcast(&condition->condition);
}

void gaiti_condition_renew(struct gaiti_condition *condition) {
  gaiti_condition_init(condition);
}

void gaiti_lock_renew(struct gaiti_lock *lock) {
  gaiti_lock_init(lock, lock->rank);
}
