/* Models: fork. */
#include "mutator/blocking.h"

#include "mutator/attachments.h"

/* Whether the OS thread could be cancelled when its blocking section began.  It cannot be until the
 * section ends: it may hold locks meanwhile, or run a cycle, with callbacks of the embedder's. */
static _Thread_local int blocking_cancel_state;

/* Leaves every heap in whose managed state the OS thread is, and notes to come back. */
static void blocking_leave_all(void) {
  for (gait_thread *thread = gaiti_attachments_first(); thread; thread = thread->next_attachment) {
    if (gaiti_thread_state(thread) != GAITI_THREAD_MANAGED) continue;
    gaiti_thread_leave(thread, NULL);
    thread->blocked = true;
  }
}

void gaiti_blocking_begin(void) {
  blocking_cancel_state = gaiti_os_cancel_off();
  blocking_leave_all();
}

/* Comes back to one heap after the other, as far as it goes; returns the first that does not let
 * the thread in, or NULL. */
static gait_thread *blocking_enter_all(void) {
  for (gait_thread *thread = gaiti_attachments_first(); thread; thread = thread->next_attachment) {
    if (!thread->blocked) continue;
    if (!gaiti_thread_try_enter_with_proc(thread)) return thread;
    thread->blocked = false;
  }
  return NULL;
}

void gaiti_blocking_end(void) {
  for (gait_thread *closed; (closed = blocking_enter_all());) {
    blocking_leave_all();
    gaiti_thread_wait_until_free(closed);
  }
  gaiti_os_cancel_back(blocking_cancel_state);
}

void gaiti_blocking_end_with(gait_thread *thread) {
  thread->blocked = true;
  gaiti_blocking_end();
}
