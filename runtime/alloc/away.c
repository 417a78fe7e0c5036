#include "alloc/away.h"

#include "alloc/exit.h"

/* The frame of this very function is saved, since it is gone while the caller waits.
 * Model: tests/model/fork.pml. */
GAITI_NOINLINE void gaiti_away_begin(void) {
  for (gait_thread *thread = gaiti_exit_first(); thread; thread = thread->next_exit) {
    if (gaiti_thread_state(thread) != GAITI_THREAD_MANAGED) continue;
    GAITI_SAVE_FRAME(&thread->saved, thread->stack_low);
    gaiti_thread_leave_saved(thread);
    thread->away = true;
  }
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
    gaiti_away_begin();
    gaiti_thread_wait_until_free(closed);
  }
}

/* Model: tests/model/fork.pml. */
void gaiti_away_end_with(gait_thread *thread) {
  thread->away = true;
  gaiti_away_end();
}
