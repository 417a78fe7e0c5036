#include "alloc/away.h"

#include "alloc/exit.h"

/* Whether the OS thread could be cancelled when it went away.  It cannot be until it has come back:
 * it may hold locks meanwhile, or run a cycle, with callbacks of the embedder's. */
static _Thread_local int away_cancel_state;

/* Leaves every heap in whose managed state the OS thread is, and notes to come back.
 * Model: tests/model/fork.pml. */
static void away_leave_all(void) {
  for (gait_thread *thread = gaiti_exit_first(); thread; thread = thread->next_exit) {
    if (gaiti_thread_state(thread) != GAITI_THREAD_MANAGED) continue;
    gaiti_thread_leave(thread, NULL);
    thread->away = true;
  }
}

/* Model: tests/model/fork.pml. */
void gaiti_away_begin(void) {
  away_cancel_state = gaiti_os_cancel_off();
  away_leave_all();
}

/* Comes back to one heap after the other, as far as it goes; returns the first that does not let
 * the thread in, or NULL.  Model: tests/model/fork.pml. */
static gait_thread *away_come_back(void) {
  for (gait_thread *thread = gaiti_exit_first(); thread; thread = thread->next_exit) {
    if (!thread->away) continue;
    if (!gaiti_thread_try_come_in(thread)) return thread;
    thread->away = false;
  }
  return NULL;
}

/* Model: tests/model/fork.pml. */
void gaiti_away_end(void) {
  for (gait_thread *closed; (closed = away_come_back());) {
    away_leave_all();
    gaiti_thread_wait_until_free(closed);
  }
  gaiti_os_cancel_back(away_cancel_state);
}

/* Model: tests/model/fork.pml. */
void gaiti_away_end_with(gait_thread *thread) {
  thread->away = true;
  gaiti_away_end();
}
