/* graph.h: a graph of managed objects, mirrored in plain memory.
 *
 * Every object carries an id, and every place that can hold a reference, a field, a root, a local,
 * a handle, has its twin in plain memory that holds the id it should refer to.  Place and twin
 * change under one lock, or by their only thread.  So an object that was freed too early is found
 * wherever it is next looked at: its id, its payload or its size is not what the mirror says.
 *
 * Half of the references point into their object, not to its start.
 *
 * A mirror lasts for one era: a heap, and at most GRAPH_IDS objects. */
#ifndef STRESS_GRAPH_H
#define STRESS_GRAPH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gait/gait.h>
#include <gait/pool.h>
#include <gait/tune.h>

#include "../support/random.h"

#include "words.h"

#define GRAPH_IDS          ((uint32_t)150000)
#define GRAPH_LOCKS        61
#define GRAPH_SHARED_SLOTS 48
#define GRAPH_PLAIN_SLOTS  12
#define GRAPH_LOOSE_SLOTS  8
#define GRAPH_HANDLES      24
#define GRAPH_FIXED_MOST   8
#define GRAPH_TABLES       4
#define GRAPH_TOKENS       ((uint32_t)20000)

typedef enum graph_form {
  GRAPH_LEAF,
  GRAPH_FIXED,    /* pointer map: head, then GRAPH_FIXED_MOST references at most, and no more */
  GRAPH_WORDS,    /* pointer map: head, then references */
  GRAPH_PAIRS,    /* pointer map: head, then (reference, word) */
  GRAPH_CALLBACK, /* traced by a function, slot by slot */
  GRAPH_RANGE,    /* traced by a function, as a range */
  GRAPH_CONSERVATIVE,
  GRAPH_FORMS,
} graph_form;

/* What every object begins with.  Then its references, then payload. */
typedef struct graph_object {
  uint64_t id;
  uint64_t mark; /* a hash of the id and the era */
  uint64_t references;
  uint64_t bytes;
} graph_object;

/* The twin of an object. */
typedef struct graph_twin {
  size_t bytes;
  uint32_t references;
  graph_form form;
  uint32_t *edges; /* the ids its references should have; 0: NULL */
} graph_twin;

/* Places that hold references. */
typedef struct graph_place {
  void **slots;
  uint32_t *ids;
  uint32_t count;
  bool barriered;
  bool shared; /* several threads use it, under the graph's lock for it */
} graph_place;

/* A registration with the heap (dying.c). */
struct graph_token {
  struct graph *graph;
  uint32_t id;
  bool cleanup;
  uint64_t random;
  _Atomic int state;
};

struct graph {
  gait_heap *heap;
  const struct words *words; /* what a reference is, wherever one is held or handed over */
  gait_kind kinds[GRAPH_FORMS];
  uint64_t seed;
  uint64_t salt;
  bool unbarriered; /* some roots are stored to plainly, so each cycle ends with all threads held */
  _Atomic uint32_t next_id;
  graph_twin *twins;
  pthread_mutex_t locks[GRAPH_LOCKS];
  graph_place shared;             /* barriered */
  graph_place plain;              /* unbarriered */
  void *loose[GRAPH_LOOSE_SLOTS]; /* barriered, without a twin: stored to without a lock */
  pthread_mutex_t handle_locks[GRAPH_HANDLES];
  gait_pool *pool; /* of vectors.c */
  gait_handle *handles[GRAPH_HANDLES];
  uint32_t handle_ids[GRAPH_HANDLES];
  void *weak[GRAPH_HANDLES]; /* roots: weak references; under the lock of the handle beside them */
  uint32_t weak_ids[GRAPH_HANDLES];
  void *tables[GRAPH_TABLES]; /* roots: weak tables (lookups.c) */
  void *pairs[GRAPH_HANDLES]; /* roots: ephemerons; likewise */
  uint32_t pair_keys[GRAPH_HANDLES];
  uint32_t pair_values[GRAPH_HANDLES];
  atomic_bool *gone;          /* by id: a cleanup of the object has run */
  struct graph_token *tokens; /* GRAPH_TOKENS */
  _Atomic uint32_t next_token;
  atomic_bool ends;   /* no finalizer keeps its object */
  atomic_bool forked; /* in a child: threads that held objects are gone */
};

/* Ends the program with a sentence that names the seed. */
_Noreturn void graph_fail(const struct graph *graph, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Makes the mirror, the kinds and the roots on a new heap, which has the rule of `words` if they
 * are tagged; ends with nothing reachable.  `seed` is what a failure reports, `salt` sets this
 * graph's objects apart from others'. */
void graph_init(struct graph *graph, gait_heap *heap, const struct words *words, uint64_t seed,
                uint64_t salt, bool unbarriered);
void graph_destroy(struct graph *graph);

graph_place graph_place_new(uint32_t count, bool barriered, bool shared);
void graph_place_delete(graph_place *place);

/* Whether the era's ids are used up. */
bool graph_is_full(const struct graph *graph);

/* A new object, or NULL with *id 0 when there is no id or no memory.  It has no references yet. */
void *graph_new(struct graph *graph, gait_thread *thread, uint64_t *random, uint32_t *id);

/* Checks that `reference` is the object `id`, or both nothing.  Returns its start. */
graph_object *graph_check(const struct graph *graph, const void *reference, uint32_t id);

/* A reference to the object, as graph_new hands one out. */
void *graph_reference(const struct graph *graph, void *object, uint32_t id);

/* What a place or a field holds, checked; and to let it hold something else. */
void *graph_get(struct graph *graph, const graph_place *place, uint32_t index, uint32_t *id);
void graph_put(struct graph *graph, gait_thread *thread, const graph_place *place, uint32_t index,
               void *reference, uint32_t id);
void *graph_get_edge(struct graph *graph, uint32_t holder, graph_object *object, uint32_t edge,
                     uint32_t *id);
void graph_put_edge(struct graph *graph, gait_thread *thread, uint32_t holder, graph_object *object,
                    uint32_t edge, void *reference, uint32_t id);

/* The first store to a field of an object that only this thread knows. */
void graph_init_edge(struct graph *graph, gait_thread *thread, uint32_t holder,
                     graph_object *object, uint32_t edge, void *reference, uint32_t id);

/* The same by compare and swap, when it holds `id` now; a failed one is checked to change nothing.
 */
void graph_swap_edge(struct graph *graph, gait_thread *thread, uint32_t holder,
                     graph_object *object, uint32_t edge, void *reference, uint32_t id,
                     bool expect_wrong);

/* Copies or clears neighbouring fields, of forms that have their references side by side. */
void graph_copy_edges(struct graph *graph, gait_thread *thread, uint32_t to,
                      graph_object *to_object, uint32_t to_edge, uint32_t from,
                      graph_object *from_object, uint32_t from_edge, uint32_t count);
void graph_clear_edges(struct graph *graph, gait_thread *thread, uint32_t holder,
                       graph_object *object, uint32_t edge, uint32_t count);

/* Checks what no twin describes, an object found in a loose slot.  Returns its id; 0: nothing. */
uint32_t graph_check_loose(const struct graph *graph, const void *reference);

/* Walks from `id` for at most `limit` objects and checks every edge on the way. */
void graph_walk(struct graph *graph, uint32_t id, void *reference, uint32_t limit);

#endif
