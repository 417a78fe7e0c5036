/* scopes.h: the handles of a thread's scopes: a stack of references, in chunks.
 *
 * The thread alone pushes and pops, in managed state; its roots are scanned at a safepoint, or
 * while it is outside, as its frames are.  Like the frames' list it goes with the stack that the
 * thread runs on: a switch to a fiber moves both (fibers.c).
 *
 * .inv.scopes  Chunks below `top` are full; `next` lies in `top`; those above it have no handle. */
#ifndef GAITI_MUTATOR_SCOPES_H
#define GAITI_MUTATOR_SCOPES_H

#include "gait/scope.h"
#include "base/check.h"
#include "heap/heap.h"

/* With the links, a chunk has 4 KiB; fewer under stress. */
#define GAITI_SCOPE_SLOTS (GAITI_STRESS ? 3u : 510u)

struct gaiti_scope_chunk {
  struct gaiti_scope_chunk *below;
  struct gaiti_scope_chunk *above;
  void *slots[GAITI_SCOPE_SLOTS];
};

/* `depth`: open scopes.  `first` NULL: no handle was ever made. */
struct gaiti_scopes {
  struct gaiti_scope_chunk *first;
  struct gaiti_scope_chunk *top;
  void **next;
  size_t depth;
};

/* The place of a new handle; NULL: out of memory. */
void **gaiti_scopes_push(gait_heap *heap, struct gaiti_scopes *scopes);

void gaiti_scopes_open(struct gaiti_scopes *scopes, gait_scope *scope);

/* Drops the handles that were made since the scope was opened. */
void gaiti_scopes_close(gait_heap *heap, struct gaiti_scopes *scopes, const gait_scope *scope);

/* Gives the memory back: the thread is off the list. */
void gaiti_scopes_free(gait_heap *heap, struct gaiti_scopes *scopes);

#endif
