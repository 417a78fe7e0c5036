/* Quad trees over a square: points are added, and a quarter that is full is divided; parts are
 * pruned and grow again.  A count of each cell of a coarse grid, in plain memory, says what must be
 * there.
 */
#include "shapes.h"

#include <string.h>

#define QUADS_SIDE   256u /* a power of two */
#define QUADS_POINTS 6    /* that a quarter holds */
#define QUADS_GRID   8u

struct point {
  uint32_t x, y;
  uint64_t sum;
};

struct quad {
  struct quad *quarters[4];
  struct point *points[QUADS_POINTS];
  uint32_t x, y, side, count;
};

struct quads {
  struct shape_worker *worker;
  gait_kind kind;
  struct quad *root;
  uint32_t grid[QUADS_GRID][QUADS_GRID];
};

static struct quad *quad_new(struct quads *quads, uint32_t x, uint32_t y, uint32_t side) {
  struct quad *quad = shape_alloc(quads->worker, quads->kind, sizeof *quad);
  quad->x = x;
  quad->y = y;
  quad->side = side;
  return quad;
}

static uint32_t quad_which(const struct quad *quad, const struct point *point) {
  const uint32_t half = quad->side / 2;
  return (point->x >= quad->x + half ? 1u : 0u) + (point->y >= quad->y + half ? 2u : 0u);
}

static void quad_add(struct quads *quads, struct quad *quad, struct point *point);

static void quad_divide(struct quads *quads, struct quad *quad) {
  const uint32_t half = quad->side / 2;
  gait_thread *thread = quads->worker->thread;
  for (uint32_t i = 0; i < 4; i++)
    gait_store(thread, &quad->quarters[i],
               quad_new(quads, quad->x + (i & 1) * half, quad->y + (i >> 1) * half, half));
  for (uint32_t i = 0; i < QUADS_POINTS; i++) {
    quad_add(quads, quad->quarters[quad_which(quad, quad->points[i])], quad->points[i]);
    gait_store(thread, &quad->points[i], NULL);
  }
}

/* The smallest quarters take what fits, and no more. */
static void quad_add(struct quads *quads, struct quad *quad, struct point *point) {
  while (quad->quarters[0])
    quad = quad->quarters[quad_which(quad, point)];
  if (quad->count < QUADS_POINTS) {
    gait_store(quads->worker->thread, &quad->points[quad->count++], point);
    return;
  }
  if (quad->side == 1) {
    quads->grid[point->y * QUADS_GRID / QUADS_SIDE][point->x * QUADS_GRID / QUADS_SIDE]--;
    return;
  }
  quad_divide(quads, quad);
  quad_add(quads, quad->quarters[quad_which(quad, point)], point);
}

static void quads_add_one(struct quads *quads) {
  struct shape_worker *worker = quads->worker;
  struct point *point = shape_alloc(worker, gait_kind_leaf(worker->run->heap), sizeof *point);
  point->x = random_below(&worker->random, QUADS_SIDE);
  point->y = random_below(&worker->random, QUADS_SIDE);
  point->sum = (uint64_t)point->x * 1000003 + point->y;
  quads->grid[point->y * QUADS_GRID / QUADS_SIDE][point->x * QUADS_GRID / QUADS_SIDE]++;
  quad_add(quads, quads->root, point);
}

static void quad_count(const struct quads *quads, const struct quad *quad,
                       uint32_t grid[QUADS_GRID][QUADS_GRID]) {
  for (uint32_t i = 0; quad->quarters[0] && i < 4; i++)
    quad_count(quads, quad->quarters[i], grid);
  for (uint32_t i = 0; !quad->quarters[0] && i < quad->count; i++) {
    const struct point *point = quad->points[i];
    if (point->sum != (uint64_t)point->x * 1000003 + point->y || point->x - quad->x >= quad->side ||
        point->y - quad->y >= quad->side)
      shape_fail(quads->worker->run, "a point is not what it was, or where it was");
    grid[point->y * QUADS_GRID / QUADS_SIDE][point->x * QUADS_GRID / QUADS_SIDE]++;
  }
}

/* Cuts off one of the sixteen quarters of quarters, all its points with it. */
static void quads_prune(struct quads *quads) {
  struct quad *parent = quads->root->quarters[random_below(&quads->worker->random, 4)];
  const uint32_t which = random_below(&quads->worker->random, 4);
  if (!parent || !parent->quarters[0]) return;
  const struct quad *old = parent->quarters[which];
  const uint32_t cell = QUADS_SIDE / QUADS_GRID;
  for (uint32_t y = old->y / cell; y < (old->y + old->side) / cell; y++)
    for (uint32_t x = old->x / cell; x < (old->x + old->side) / cell; x++)
      quads->grid[y][x] = 0;
  gait_store(quads->worker->thread, &parent->quarters[which],
             quad_new(quads, old->x, old->y, old->side));
}

static void quads_work(struct shape_worker *worker) {
  uint32_t grid[QUADS_GRID][QUADS_GRID];
  const gait_kind *kind = worker->arg;
  struct quads quads = {.worker = worker, .kind = *kind};
  quads.root = quad_new(&quads, 0, 0, QUADS_SIDE);
  for (uint32_t round = 0; round < 60 * worker->run->scale; round++) {
    for (uint32_t i = 0; i < 300; i++)
      quads_add_one(&quads);
    for (uint32_t i = 0; i < 3; i++)
      quads_prune(&quads);
    memset(grid, 0, sizeof grid);
    quad_count(&quads, quads.root, grid);
    if (memcmp(grid, quads.grid, sizeof grid) != 0)
      shape_fail(worker->run, "points are missing, or there are too many");
  }
}

void shape_quads(struct shape_run *run) {
  gait_kind kind = shape_kind(run, "quad", (1 << (4 + QUADS_POINTS)) - 1, false);
  shape_threads(run, 2, quads_work, &kind);
}
