/* Deep recursion: the references are in frames, thousands of them, and nowhere else.  A list is
 * sorted by merging, numbers that are objects are added up on the way back, and queens are placed
 * on boards that are lists. */
#include "shapes.h"

#define RECURSION_LENGTH 1500
#define RECURSION_DEPTH  6000
#define RECURSION_QUEENS 6

struct number {
  uint64_t value;
  struct number *rest;
};

static struct number *number_new(struct shape_worker *worker, uint64_t value, struct number *rest) {
  struct number *number =
      shape_alloc(worker, gait_kind_conservative(worker->run->heap), sizeof *number);
  number->value = value;
  gait_store_init(worker->thread, &number->rest, rest);
  return number;
}

/* ---- Sorting, without changing a list ---- */

static struct number *list_merge(struct shape_worker *worker, struct number *a, struct number *b) {
  if (!a) return b;
  if (!b) return a;
  if (a->value <= b->value) return number_new(worker, a->value, list_merge(worker, a->rest, b));
  return number_new(worker, b->value, list_merge(worker, a, b->rest));
}

static struct number *list_take(struct shape_worker *worker, struct number *list, uint32_t count) {
  return count == 0 ? NULL
                    : number_new(worker, list->value, list_take(worker, list->rest, count - 1));
}

static struct number *list_sort(struct shape_worker *worker, struct number *list, uint32_t length) {
  if (length < 2) return list;
  struct number *half = list_take(worker, list, length / 2), *rest = list;
  for (uint32_t i = 0; i < length / 2; i++)
    rest = rest->rest;
  struct number *sorted = list_sort(worker, half, length / 2);
  return list_merge(worker, sorted, list_sort(worker, rest, length - length / 2));
}

static void recursion_sort(struct shape_worker *worker) {
  struct number *list = NULL;
  uint64_t sum = 0, last = 0;
  for (uint32_t i = 0; i < RECURSION_LENGTH; i++) {
    list = number_new(worker, random_below(&worker->random, 100000), list);
    sum += list->value;
  }
  list = list_sort(worker, list, RECURSION_LENGTH);
  for (; list; list = list->rest) {
    if (list->value < last) shape_fail(worker->run, "a list is not sorted");
    sum -= last = list->value;
  }
  if (sum != 0) shape_fail(worker->run, "a sorted list has other numbers");
}

/* ---- Adding up ---- */

/* Each frame has two objects of its own. */
static struct number *recursion_descend(struct shape_worker *worker, uint32_t depth) {
  struct number *mine = number_new(worker, depth, NULL);
  if (depth == 0) return mine;
  struct number *below = recursion_descend(worker, depth - 1);
  if (mine->value != depth) shape_fail(worker->run, "the number of depth %u is gone", depth);
  return number_new(worker, below->value + mine->value, below);
}

static void recursion_add(struct shape_worker *worker) {
  const struct number *sum = recursion_descend(worker, RECURSION_DEPTH);
  if (sum->value != (uint64_t)RECURSION_DEPTH * (RECURSION_DEPTH + 1) / 2)
    shape_fail(worker->run, "the sum is another");
}

/* ---- Queens ---- */

static bool queen_is_safe(const struct number *board, uint64_t column) {
  for (uint64_t away = 1; board; board = board->rest, away++)
    if (board->value == column || board->value == column + away || board->value + away == column)
      return false;
  return true;
}

static uint32_t queens_place(struct shape_worker *worker, struct number *board, uint32_t left) {
  uint32_t found = 0;
  if (left == 0) return 1;
  for (uint64_t column = 0; column < RECURSION_QUEENS; column++)
    if (queen_is_safe(board, column))
      found += queens_place(worker, number_new(worker, column, board), left - 1);
  return found;
}

static void recursion_work(struct shape_worker *worker) {
  for (uint32_t round = 0; round < 8 * worker->run->scale; round++) {
    recursion_sort(worker);
    recursion_add(worker);
    if (queens_place(worker, NULL, RECURSION_QUEENS) != 4)
      shape_fail(worker->run, "the queens have another number of solutions");
  }
}

void shape_recursion(struct shape_run *run) {
  shape_threads(run, 2, recursion_work, NULL);
}
