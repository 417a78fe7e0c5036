/* An OS thread that exits is detached from every heap that it is still attached to.  The key below,
 * and the list of heaps in cycle/fork.c, are all the state that Gait has for the whole process: the
 * system offers neither event per heap. */
#include "alloc/exit.h"

static pthread_key_t exit_key;
static bool exit_key_made;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

/* Model: tests/model/termination.pml. */
static void exit_detach_all(void *first) {
  pthread_setspecific(exit_key, first); /* the system has cleared it */
  gait_thread *thread = first;
  while (thread) {
    gait_thread *next = thread->next_exit;
    gait_thread_detach(thread);
    thread = next;
  }
}

static void exit_make_key(void) {
  exit_key_made = pthread_key_create(&exit_key, exit_detach_all) == 0;
}

bool gaiti_exit_note(gait_thread *thread) {
  pthread_once(&exit_once, exit_make_key);
  if (!exit_key_made) return false;
  thread->next_exit = pthread_getspecific(exit_key);
  return pthread_setspecific(exit_key, thread) == 0;
}

gait_thread *gaiti_exit_first(void) {
  pthread_once(&exit_once, exit_make_key);
  return exit_key_made ? pthread_getspecific(exit_key) : NULL;
}

void gaiti_exit_forget(gait_thread *thread) {
  gait_thread *first = pthread_getspecific(exit_key);
  if (first == thread) {
    pthread_setspecific(exit_key, thread->next_exit);
    return;
  }
  while (first && first->next_exit != thread)
    first = first->next_exit;
  if (first) first->next_exit = thread->next_exit;
}
