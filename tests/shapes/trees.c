/* Binary trees that are built again and again, from the leaves up and from the root down, while one
 * tree and one large array live all along.  Several threads do so on one heap. */
#include "shapes.h"

#define TREES_DEPTH       9
#define TREES_ARRAY_WORDS 40000

struct tree {
  struct tree *left, *right;
  uint32_t depth, check;
};

static struct tree *tree_node(struct shape_worker *worker, uint32_t depth) {
  const gait_kind *kind = worker->arg;
  struct tree *node = shape_alloc(worker, *kind, sizeof *node);
  node->depth = depth;
  node->check = ~depth;
  return node;
}

static struct tree *tree_build_up(struct shape_worker *worker, uint32_t depth) {
  if (depth == 0) return tree_node(worker, 0);
  struct tree *left = tree_build_up(worker, depth - 1);
  struct tree *right = tree_build_up(worker, depth - 1);
  struct tree *node = tree_node(worker, depth);
  gait_store_init(worker->thread, &node->left, left);
  gait_store_init(worker->thread, &node->right, right);
  return node;
}

static void tree_populate(struct shape_worker *worker, struct tree *node) {
  if (node->depth == 0) return;
  gait_store(worker->thread, &node->left, tree_node(worker, node->depth - 1));
  gait_store(worker->thread, &node->right, tree_node(worker, node->depth - 1));
  tree_populate(worker, node->left);
  tree_populate(worker, node->right);
}

static uint32_t tree_count(const struct shape_worker *worker, const struct tree *node,
                           uint32_t depth) {
  if (!node) shape_fail(worker->run, "a node at depth %u is missing", depth);
  if (node->depth != depth || node->check != ~depth)
    shape_fail(worker->run, "a node at depth %u is not what it was", depth);
  if (depth == 0) return 1;
  return 1 + tree_count(worker, node->left, depth - 1) + tree_count(worker, node->right, depth - 1);
}

static void trees_work(struct shape_worker *worker) {
  const uint32_t nodes = (2u << TREES_DEPTH) - 1;
  struct tree *old = tree_build_up(worker, TREES_DEPTH + 1);
  uint64_t *array =
      shape_alloc(worker, gait_kind_leaf(worker->run->heap), TREES_ARRAY_WORDS * sizeof *array);
  for (uint32_t i = 0; i < TREES_ARRAY_WORDS; i++)
    array[i] = i ^ worker->index;
  for (uint32_t round = 0; round < 12 * worker->run->scale; round++) {
    struct tree *down = tree_node(worker, TREES_DEPTH);
    tree_populate(worker, down);
    struct tree *up = tree_build_up(worker, TREES_DEPTH);
    if (tree_count(worker, down, TREES_DEPTH) != nodes ||
        tree_count(worker, up, TREES_DEPTH) != nodes)
      shape_fail(worker->run, "a tree has another number of nodes");
  }
  if (tree_count(worker, old, TREES_DEPTH + 1) != 2 * nodes + 1)
    shape_fail(worker->run, "the old tree has another number of nodes");
  for (uint32_t i = 0; i < TREES_ARRAY_WORDS; i++)
    if (array[i] != (i ^ worker->index)) shape_fail(worker->run, "word %u of the array changed", i);
}

void shape_trees(struct shape_run *run) {
  gait_kind kind = shape_kind(run, "tree", 1 << 0 | 1 << 1, false);
  shape_threads(run, 3, trees_work, &kind);
}
