/* cells.h: a world of objects that know what they should refer to, and whose making may fail.
 *
 * Every cell has the id of itself and of the two cells that it refers to, and a hash of the three.
 * Every place that keeps a cell has the id in plain memory.  So an object that was freed too early,
 * or a reference that was lost, is found by looking at everything again. */
#ifndef FAILURE_CELLS_H
#define FAILURE_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gait/fiber.h>
#include <gait/gait.h>
#include <gait/tune.h>

/* What is under way, for a report. */
extern const char *cells_where;

/* Ends the program with a sentence. */
_Noreturn void cells_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define MUST(condition)                                                                            \
  do {                                                                                             \
    if (!(condition)) cells_fail("%s:%d: %s", __FILE__, __LINE__, #condition);                     \
  } while (0)

/* The result of a call that may fail: `result` when a call of the system has been failed, and
 * GAIT_OK in any case; whatever else ends the program. */
bool cells_worked(gait_result result, gait_result refused);

#define CELLS_FORMS   5
#define CELLS_SLOTS   64
#define CELLS_RANGES  24
#define CELLS_RANGE   8
#define CELLS_HANDLES 600
#define CELLS_FIBERS  300

struct cells {
  gait_heap *heap;
  gait_thread *thread;
  gait_kind kinds[CELLS_FORMS];
  bool has_kinds;
  uint64_t next_id;
  uint64_t random;
  gait_frame frame;
  void *slots[CELLS_SLOTS];
  uint64_t slot_ids[CELLS_SLOTS];
  void *ranges[CELLS_RANGES][CELLS_RANGE];
  uint64_t range_ids[CELLS_RANGES][CELLS_RANGE];
  bool range_added[CELLS_RANGES];
  bool callback_added;
  gait_handle *handles[CELLS_HANDLES];
  uint64_t handle_ids[CELLS_HANDLES];
  uint64_t registered; /* cleanups and finalizers */
  uint64_t ran;
  gait_fiber *fibers[CELLS_FIBERS];
  uint64_t fiber_ids[CELLS_FIBERS];
};

/* Steps.  Each goes as far as memory reaches, and leaves a world that can be checked. */
bool cells_create(struct cells *cells, const gait_options *options);
bool cells_kinds(struct cells *cells);
bool cells_attach(struct cells *cells);
void cells_roots(struct cells *cells);
void cells_handles(struct cells *cells);
void cells_fibers(struct cells *cells);
void cells_allocate(struct cells *cells, unsigned count);
void cells_externals(struct cells *cells);
void cells_weak(struct cells *cells);
void cells_ephemerons(struct cells *cells);
void cells_grow(struct cells *cells);
void cells_build(struct cells *cells);
void cells_finalizers(struct cells *cells);
void cells_pool(struct cells *cells);
void cells_scope(struct cells *cells);
void cells_drop(struct cells *cells);
void cells_collect(struct cells *cells);
void cells_limit(struct cells *cells);
void cells_threads(struct cells *cells);

/* Looks at everything that is kept. */
void cells_check(const struct cells *cells);

/* Gives every root back, detaches and destroys. */
void cells_end(struct cells *cells);

#endif
