/* attachments.h: the attachments of the calling OS thread: so that it can be detached when it
 * exits, and so that a safepoint of one heap is a safepoint of all.
 *
 * .inv.attachments  An OS thread that is attached anywhere has one gaiti_attachments.  `first` and
 *                   the links are the OS thread's own.  `poll` is raised by any heap to which the
 *                   thread is attached, under that heap's lock of threads and while the attachment
 *                   is listed there.  `listed` counts these; the last to go frees the whole.  An
 *                   attachment that is being detached is linked no longer, and listed still. */
#ifndef GAITI_MUTATOR_ATTACHMENTS_H
#define GAITI_MUTATOR_ATTACHMENTS_H

#include "mutator/thread.h"

/*   poll    some heap wants this OS thread at a safepoint; gait_fast.poll points here
 *   first   the attachments, linked by next_attachment
 *   listed  how many heaps' lists have one; atomic */
struct gaiti_attachments {
  unsigned poll;
  gait_thread *first;
  AO_t listed;
};

/* Adds an attachment to those of the calling OS thread; its heap lists it next.  False: the system
 * gives no key or memory. */
bool gaiti_attachments_add(gait_thread *thread);

/* Unlinks it, before it leaves its heap's list. */
void gaiti_attachments_unlink(gait_thread *thread);

/* Its heap lists it no longer; `attachments` is not to be used any more. */
void gaiti_attachments_release(gait_thread *thread);

/* Both, in the child of a fork, for an attachment of an OS thread that is gone. */
void gaiti_attachments_abandon(gait_thread *thread);

/* The poll flag of a detached thread: never raised. */
extern const unsigned gaiti_attachments_no_poll;

/* The calling OS thread's attachments, linked by next_attachment; NULL when it has none. */
gait_thread *gaiti_attachments_first(void);

#endif
