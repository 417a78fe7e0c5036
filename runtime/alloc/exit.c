/* An OS thread that exits is detached from every heap that it is still attached to.  The key below
 * is state of the whole process, as is the list of heaps in cycle/fork.c: the system offers neither
 * event per heap. */
#include "alloc/exit.h"

const unsigned gaiti_exit_no_poll = 0;

static pthread_key_t exit_key;
static bool exit_key_made;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

/* The destructor of the key: detaches an exiting OS thread from all its heaps.
 * Model: tests/model/termination.pml. */
static void exit_detach_all(void *own) {
  pthread_setspecific(exit_key, own); /* the system has cleared it */
  gait_thread *thread = ((struct gaiti_attachments *)own)->first;
  while (thread) {
    gait_thread *next = thread->next_exit;
    gait_thread_detach(thread);
    thread = next;
  }
}

static void exit_make_key(void) {
  exit_key_made = pthread_key_create(&exit_key, exit_detach_all) == 0;
}

static struct gaiti_attachments *exit_own(void) {
  pthread_once(&exit_once, exit_make_key);
  return exit_key_made ? pthread_getspecific(exit_key) : NULL;
}

static struct gaiti_attachments *exit_own_made(void) {
  struct gaiti_attachments *own = exit_own();
  if (own || !exit_key_made) return own;
  own = gaiti_os_alloc(sizeof *own);
  if (own && pthread_setspecific(exit_key, own) == 0) return own;
  gaiti_os_free(own);
  return NULL;
}

bool gaiti_exit_note(gait_thread *thread) {
  struct gaiti_attachments *own = exit_own_made();
  if (!own) return false;
  thread->next_exit = own->first;
  own->first = thread;
  gaiti_counter_add(&own->listed, 1);
  thread->attachments = own;
  thread->fast.poll = &own->poll;
  return true;
}

gait_thread *gaiti_exit_first(void) {
  const struct gaiti_attachments *own = exit_own();
  return own ? own->first : NULL;
}

static void exit_unlink(struct gaiti_attachments *own, const gait_thread *thread) {
  gait_thread **place = &own->first;
  while (*place && *place != thread)
    place = &(*place)->next_exit;
  if (*place) *place = thread->next_exit;
}

void gaiti_exit_forget(gait_thread *thread) {
  struct gaiti_attachments *own = thread->attachments;
  exit_unlink(own, thread);
  if (!own->first) pthread_setspecific(exit_key, NULL);
}

void gaiti_exit_unlisted(gait_thread *thread) {
  struct gaiti_attachments *own = thread->attachments;
  thread->attachments = NULL;
  thread->fast.poll = &gaiti_exit_no_poll;
  if (gaiti_counter_sub(&own->listed, 1) == 0) gaiti_os_free(own);
}

void gaiti_exit_abandon(gait_thread *thread) {
  exit_unlink(thread->attachments, thread);
  gaiti_exit_unlisted(thread);
}
