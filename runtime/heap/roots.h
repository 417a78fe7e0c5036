/* roots.h: the registry of roots outside the stacks: ranges of words, callbacks and handles.
 *
 * A registered root keeps its place in a table until it is removed, so the collector walks the
 * table by index and holds the lock for one piece at a time.  A hash index finds the place.
 *
 * .inv.visit  A thread that scans a range or runs a callback visits its place, from a moment when
 *             the root was there, under the lock.  The place of a root that was removed is free
 *             when the last visit of it has ended, and not before. */
#ifndef GAITI_HEAP_ROOTS_H
#define GAITI_HEAP_ROOTS_H

#include "gait/gait.h"
#include "heap/structure.h"

struct gaiti_marker; /* mark/marker.h */

/* A range, or a callback, or (start and function both NULL) a place without a root. */
struct gaiti_root {
  void **start;
  size_t words; /* of a free place: the next free one and 1 */
  gait_roots_fn *function;
  void *arg;
  gait_roots_discipline discipline;
  uint32_t visits; /* under way */
};

/* A thread's visit of a place, which has `root`.  The visits of a thread are one within the other:
 * a callback may add and remove roots.
 *   marker  which the root is marked with, active */
struct gaiti_visit {
  struct gaiti_roots *roots;
  struct gaiti_marker *marker;
  size_t place;
  struct gaiti_root root;
  struct gaiti_visit *outer;
};

/*   link  while in use: the handle's chunk, and 1; else the next free one of the chunk, or 0 */
struct gait_handle {
  void *object;
  uintptr_t link;
};

static inline bool gaiti_handle_is_live(const gait_handle *handle) {
  return handle->link & 1;
}

#define GAITI_HANDLE_CHUNK 253

/*   next             of all chunks
 *   before, after    in the list of chunks that have a free handle
 *   free             the first free handle of this one, or NULL
 *   used             handles in use */
struct gaiti_handle_chunk {
  struct gaiti_handle_chunk *next;
  struct gaiti_handle_chunk *before;
  struct gaiti_handle_chunk *after;
  gait_handle *free;
  size_t used;
  gait_handle handles[GAITI_HANDLE_CHUNK];
};

struct gaiti_roots {
  struct gaiti_lock lock;
  struct gaiti_root *table;
  size_t count; /* places with a root or without */
  size_t used;  /* and with one */
  size_t capacity;
  size_t free;              /* the first free place and 1; 0: none */
  size_t *index;            /* 1 + the place, by hash; 0: empty.  Twice as many as the capacity */
  size_t unbarriered;       /* registered roots of that discipline */
  bool unbarriered_removed; /* one of them, since the cycle began */
  struct gaiti_handle_chunk *chunks;
  struct gaiti_handle_chunk *open_chunks; /* with a free handle */
  size_t empty_chunks;                    /* with no handle in use */
  struct gaiti_space *space;
};

bool gaiti_roots_init(struct gaiti_roots *roots, struct gaiti_space *space);
void gaiti_roots_destroy(struct gaiti_roots *roots);

/* Registers a root, which *visit visits from that moment on. */
gait_result gaiti_roots_insert(struct gaiti_roots *roots, const struct gaiti_root *root,
                               struct gaiti_marker *marker, struct gaiti_visit *visit);

/* Visits each place in turn.  Begin sets *visit before the first one; next ends the visit of one
 * place and begins that of the next, with or without a root; false when there is none. */
void gaiti_visit_begin(struct gaiti_visit *visit, struct gaiti_roots *roots,
                       struct gaiti_marker *marker);
bool gaiti_visit_next(struct gaiti_visit *visit);
void gaiti_visit_end(struct gaiti_visit *visit);

/* The marker of the innermost visit that the calling thread is in; NULL: it is in none. */
struct gaiti_marker *gaiti_visit_marker(const struct gaiti_roots *roots);

/* In the child of a fork: the visits of the threads that are gone have ended. */
void gaiti_roots_forget_visits(struct gaiti_roots *roots);

/* Whether marking has to end with every thread stopped: a plain store may have hidden something in
 * an unbarriered root, be it gone by now. */
void gaiti_roots_begin_cycle(struct gaiti_roots *roots);
bool gaiti_roots_need_stop(struct gaiti_roots *roots);

/* Removes the root of the same range or callback; *erased is that root.  Of several threads that
 * remove one root, one has GAIT_OK.  Returns when no thread visits the root but the calling one:
 * `erased->visits` are its own. */
gait_result gaiti_roots_erase(struct gaiti_roots *roots, const struct gaiti_root *which,
                              struct gaiti_root *erased);

/* Gives back memory that the tables have too much, all but one of the empty chunks too.  Thread:
 * the one that runs the cycle, so that no scan goes on.  Whether that might take long: more than
 * some ten microseconds. */
void gaiti_roots_trim(struct gaiti_roots *roots);
bool gaiti_roots_trim_is_long(struct gaiti_roots *roots);

gait_handle *gaiti_handle_take(struct gaiti_roots *roots);
void gaiti_handle_give(struct gaiti_roots *roots, gait_handle *handle);

#endif
