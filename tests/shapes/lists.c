/* Lists whose cells have a kind that says where the reference is, and lists of cells that are just
 * words.  They are made, reversed in place, copied without every other cell, and dropped. */
#include "shapes.h"

#define LISTS_LENGTH 400
#define LISTS_KEPT   8

struct cell {
  uint64_t number;
  struct cell *next;
  uint64_t twice;
};

static struct cell *list_add(struct shape_worker *worker, gait_kind kind, uint64_t number,
                             struct cell *next) {
  struct cell *cell = shape_alloc(worker, kind, sizeof *cell);
  cell->number = number;
  cell->twice = 2 * number;
  gait_store_init(worker->thread, &cell->next, next);
  return cell;
}

static struct cell *list_next(struct cell *cell) {
  return gait_load((void **)(void *)&cell->next);
}

/* The numbers first, first + 1, ... */
static struct cell *list_make(struct shape_worker *worker, gait_kind kind, uint64_t first,
                              uint32_t length) {
  struct cell *list = NULL;
  while (length > 0)
    list = list_add(worker, kind, first + --length, list);
  return list;
}

static struct cell *list_reverse(struct shape_worker *worker, struct cell *list) {
  struct cell *reversed = NULL;
  while (list) {
    struct cell *next = list_next(list);
    gait_store(worker->thread, &list->next, reversed);
    reversed = list;
    list = next;
  }
  return reversed;
}

static struct cell *list_halve(struct shape_worker *worker, gait_kind kind, struct cell *list) {
  if (!list) return NULL;
  struct cell *rest = list_next(list);
  struct cell *after = rest ? list_next(rest) : NULL;
  const uint64_t number = list->number;
  return list_add(worker, kind, number, list_halve(worker, kind, after));
}

static void list_check(const struct shape_worker *worker, struct cell *list, uint64_t first,
                       int64_t step, uint32_t length) {
  for (uint32_t i = 0; i < length; i++, list = list_next(list)) {
    const uint64_t number = first + (uint64_t)(step * (int64_t)i);
    if (!list) shape_fail(worker->run, "a list of %u ends at %u", length, i);
    if (list->number != number || list->twice != 2 * number)
      shape_fail(worker->run, "cell %u of %u has another number", i, length);
  }
  if (list) shape_fail(worker->run, "a list of %u goes on", length);
}

static void lists_work(struct shape_worker *worker) {
  const gait_kind *typed = worker->arg;
  const gait_kind kinds[] = {*typed, gait_kind_conservative(worker->run->heap)};
  struct cell *kept[LISTS_KEPT] = {NULL};
  for (uint32_t round = 0; round < 40 * worker->run->scale; round++) {
    const gait_kind kind = kinds[random_below(&worker->random, 2)];
    const uint32_t length = 2 * (1 + random_below(&worker->random, LISTS_LENGTH));
    struct cell *list = list_make(worker, kind, round, length);
    list_check(worker, list, round, 1, length);
    list = list_reverse(worker, list);
    list_check(worker, list, round + length - 1, -1, length);
    struct cell *half = list_halve(worker, kinds[0], list);
    list_check(worker, half, round + length - 1, -2, length / 2);
    list_check(worker, list, round + length - 1, -1, length);
    kept[round % LISTS_KEPT] = half;
  }
  for (uint32_t i = 0; i < LISTS_KEPT; i++)
    if (kept[i] && kept[i]->twice != 2 * kept[i]->number)
      shape_fail(worker->run, "a list that was kept is gone");
}

void shape_lists(struct shape_run *run) {
  gait_kind typed = shape_kind(run, "cell", 1 << 1, false);
  shape_threads(run, 3, lists_work, &typed);
}
