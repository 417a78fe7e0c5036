/* blocking.h: blocking sections: a thread that waits is outside every heap.
 *
 * An OS thread may be attached to several heaps.  Were it to wait for one of them (for the end of a
 * cycle, to be resumed, for a fork) in managed state of another, it would reach no safepoint of
 * that one; and the other heap may wait for just that, through another such thread or through a
 * fork, which brings all heaps to rest.  So a thread that has to wait begins a blocking section
 * first, and comes back to all its heaps at once: a safepoint of one heap is a safepoint of all in
 * whose managed state the thread is.
 *
 * .inv.blocking  a thread that waits for a deed of another thread or of a fork is in a blocking
 *                section: in managed state nowhere.  Locks are not waited for in this sense: a
 *                thread that has one waits for nothing but locks of higher rank. */
#ifndef GAITI_MUTATOR_BLOCKING_H
#define GAITI_MUTATOR_BLOCKING_H

#include "mutator/thread.h"

/* Takes the calling OS thread outside every heap in whose managed state it is, and has it not
 * cancelled until it comes back.  Calls do not nest. */
void gaiti_blocking_begin(void);

/* Brings it back to those, when none of its attachments is suspended any longer. */
void gaiti_blocking_end(void);

/* The same, and to `thread`, which is outside. */
void gaiti_blocking_end_with(gait_thread *thread);

#endif
