/* An OS thread that exits is detached from every heap that it is still attached to.  The key below
 * is state of the whole process, as is the list of heaps in cycle/fork.c: the system offers neither
 * event per heap.
 *
 * Models: termination. */
#include "mutator/attachments.h"

#include "mutator/attach.h"

const unsigned gaiti_attachments_no_poll = 0;

static pthread_key_t attachments_key;
static bool attachments_key_made;
static pthread_once_t attachments_once = PTHREAD_ONCE_INIT;

/* The destructor of the key: detaches an exiting OS thread from all its heaps. */
static void attachments_detach_all(void *own) {
  pthread_setspecific(attachments_key, own); /* the system has cleared it */
  gait_thread *thread = ((struct gaiti_attachments *)own)->first;
  while (thread) {
    gait_thread *next = thread->next_attachment;
    gaiti_thread_detach(thread);
    thread = next;
  }
}

static void attachments_make_key(void) {
  attachments_key_made = pthread_key_create(&attachments_key, attachments_detach_all) == 0;
}

static struct gaiti_attachments *attachments_own(void) {
  pthread_once(&attachments_once, attachments_make_key);
  return attachments_key_made ? pthread_getspecific(attachments_key) : NULL;
}

static struct gaiti_attachments *attachments_own_made(void) {
  struct gaiti_attachments *own = attachments_own();
  if (own || !attachments_key_made) return own;
  own = gaiti_os_alloc(sizeof *own);
  if (own && pthread_setspecific(attachments_key, own) == 0) return own;
  gaiti_os_free(own);
  return NULL;
}

bool gaiti_attachments_add(gait_thread *thread) {
  struct gaiti_attachments *own = attachments_own_made();
  if (!own) return false;
  thread->next_attachment = own->first;
  own->first = thread;
  gaiti_counter_add(&own->listed, 1);
  thread->attachments = own;
  thread->fast.poll = &own->poll;
  return true;
}

gait_thread *gaiti_attachments_first(void) {
  const struct gaiti_attachments *own = attachments_own();
  return own ? own->first : NULL;
}

static void attachments_unlink(struct gaiti_attachments *own, const gait_thread *thread) {
  gait_thread **place = &own->first;
  while (*place && *place != thread)
    place = &(*place)->next_attachment;
  if (*place) *place = thread->next_attachment;
}

void gaiti_attachments_unlink(gait_thread *thread) {
  struct gaiti_attachments *own = thread->attachments;
  attachments_unlink(own, thread);
  if (!own->first) pthread_setspecific(attachments_key, NULL);
}

void gaiti_attachments_release(gait_thread *thread) {
  struct gaiti_attachments *own = thread->attachments;
  thread->attachments = NULL;
  thread->fast.poll = &gaiti_attachments_no_poll;
  if (gaiti_counter_sub(&own->listed, 1) == 0) gaiti_os_free(own);
}

void gaiti_attachments_abandon(gait_thread *thread) {
  attachments_unlink(thread->attachments, thread);
  gaiti_attachments_release(thread);
}
