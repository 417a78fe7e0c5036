/* roots.h: the registry of roots outside the stacks: ranges of words, callbacks and handles.
 *
 * What is registered keeps its place in a table until it is removed, so the collector walks the
 * table by index and holds the lock for one piece at a time.  A hash index finds the place. */
#ifndef GAITI_HEAP_ROOTS_H
#define GAITI_HEAP_ROOTS_H

#include "gait/gait.h"
#include "os/os.h"

/* A range, or a callback, or (start and function both NULL) a free place. */
struct gaiti_root {
  void **start;
  size_t words; /* of a free place: the next free one and 1 */
  gait_roots_fn *function;
  void *arg;
  gait_roots_discipline discipline;
};

struct gait_handle {
  void *object;
  gait_handle *next_free; /* in the list of free handles; itself while in use */
};

#define GAITI_HANDLE_CHUNK 255

struct gaiti_handle_chunk {
  struct gaiti_handle_chunk *next;
  gait_handle handles[GAITI_HANDLE_CHUNK];
};

struct gaiti_roots {
  struct gaiti_lock lock;
  struct gaiti_root *table;
  size_t count; /* places in use or free */
  size_t capacity;
  size_t free;              /* the first free place and 1; 0: none */
  size_t *index;            /* 1 + the place, by hash; 0: empty.  Twice as many as the capacity */
  size_t unbarriered;       /* registered roots of that discipline */
  bool unbarriered_removed; /* one of them, since the cycle began */
  size_t visited;           /* 1 + the place of the root whose callback runs; 0: none */
  struct gaiti_handle_chunk *chunks;
  gait_handle *free_handles;
};

bool gaiti_roots_init(struct gaiti_roots *roots);
void gaiti_roots_destroy(struct gaiti_roots *roots);

gait_result gaiti_roots_insert(struct gaiti_roots *roots, const struct gaiti_root *root);

/* The registered root of the same range or callback. */
bool gaiti_roots_look_up(struct gaiti_roots *roots, const struct gaiti_root *which,
                         struct gaiti_root *root);

/* Whether marking has to end with every thread held: a plain store may have hidden something in an
 * unbarriered root, be it gone by now. */
void gaiti_roots_begin_cycle(struct gaiti_roots *roots);
bool gaiti_roots_need_hold(struct gaiti_roots *roots);

/* Frees the place of the range at `start`, or of the callback, when that does not run. */
gait_result gaiti_roots_erase(struct gaiti_roots *roots, const void *start, gait_roots_fn *function,
                              const void *arg);

gait_handle *gaiti_handle_take(struct gaiti_roots *roots);
void gaiti_handle_give(struct gaiti_roots *roots, gait_handle *handle);

#endif
