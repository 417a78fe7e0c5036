/* scope.h: scopes of handles: references that a function holds over safepoints, on threads with
 * exact frames above all.
 *
 * A scope is opened and closed by one function; a handle that is made in between, by that function
 * or by those that it calls, is a place on a stack of the thread's, which keeps the object that it
 * refers to until the scope is closed.  A frame (gait_frame_push) is for references whose number a
 * function knows; a scope for any number of them. */
#ifndef GAIT_SCOPE_H
#define GAIT_SCOPE_H

#include "gait/gait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A scope, on the stack of the function that opens it.  Its members are Gait's.  It will not
 * grow. */
typedef struct gait_scope {
  gait_thread *thread;
  void *chunk;
  void **next;
  size_t depth;
} gait_scope;

/* Opens a scope inside the one that is open, if any.
 * Thread: attached. */
GAIT_API void gait_scope_open(gait_thread *thread, gait_scope *scope);

/* A handle in the innermost scope: where the reference is, read and written plainly by this thread
 * until the scope is closed.  NULL: out of memory.
 * Thread: attached, with an open scope.  Fails: NULL. */
GAIT_API void **gait_scope_add(gait_thread *thread, void *object);

/* Closes the scope: its handles are no more.  So are those of scopes that were opened inside and
 * not closed, because longjmp or an exception of another language left their functions; until then
 * they keep their objects.
 * Thread: attached; the one that has opened it, or that has taken over the fiber on which it was
 * opened. */
GAIT_API void gait_scope_close(gait_thread *thread, gait_scope *scope);

/* Closes the scope, and makes a handle of `object` in the one around it, of which there is one.
 * `object` stays alive meanwhile.
 * Thread: as gait_scope_close.  Fails: NULL, and the scope is closed. */
GAIT_API void **gait_scope_escape(gait_thread *thread, gait_scope *scope, void *object);

#ifdef __cplusplus
}
#endif
#endif
