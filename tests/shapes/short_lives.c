/* Many threads that live for a moment: each takes what the one before has left in a root, checks
 * it, leaves something new there, and ends, detached or just so. */
#include "shapes.h"

#define LIVES_AT_ONCE 8
#define LIVES_CELLS   60

struct legacy {
  struct legacy *next;
  uint64_t generation;
};

struct lives {
  void *roots[LIVES_AT_ONCE];
  uint64_t generation;
};

static void life_work(struct shape_worker *worker) {
  struct lives *lives = worker->arg;
  void **root = &lives->roots[worker->index];
  uint32_t count = 0;
  for (struct legacy *legacy = gait_load(root); legacy; legacy = legacy->next, count++)
    if (legacy->generation != lives->generation - 1)
      shape_fail(worker->run, "what a thread has left is of another generation");
  if (count != (lives->generation ? LIVES_CELLS : 0))
    shape_fail(worker->run, "a thread has left %u objects", count);
  gait_store(worker->thread, root, NULL);
  struct legacy *list = NULL;
  for (uint32_t i = 0; i < LIVES_CELLS; i++) {
    struct legacy *legacy =
        shape_alloc(worker, gait_kind_conservative(worker->run->heap), sizeof *legacy);
    legacy->generation = lives->generation;
    gait_store_init(worker->thread, &legacy->next, list);
    list = legacy;
    shape_alloc(worker, gait_kind_leaf(worker->run->heap), 1 + random_below(&worker->random, 900));
  }
  gait_store(worker->thread, root, list);
  if (random_below(&worker->random, 3) == 0) gait_thread_leave(worker->thread);
  if (random_below(&worker->random, 2)) worker->thread = NULL; /* it ends attached */
}

void shape_short_lives(struct shape_run *run) {
  struct lives lives = {.generation = 0};
  shape_roots(run, lives.roots, sizeof lives.roots);
  for (; lives.generation < 30 * run->scale; lives.generation++)
    shape_threads(run, LIVES_AT_ONCE, life_work, &lives);
  shape_roots_end(run, lives.roots);
}
