#include "tree.h"

gait_result tree_kind(gait_heap *heap, gait_kind *kind) {
  return workload_kind(heap, "tree", sizeof(struct tree), 3, 0, kind);
}

struct tree *tree_make(gait_thread *thread, gait_kind kind, unsigned depth) {
  struct tree *tree = gait_alloc(thread, kind, sizeof *tree);
  if (depth > 0) {
    gait_store_init(thread, &tree->left, tree_make(thread, kind, depth - 1));
    gait_store_init(thread, &tree->right, tree_make(thread, kind, depth - 1));
  }
  return tree;
}

uint64_t tree_count(const struct tree *tree) {
  return tree->left != NULL ? 1 + tree_count(tree->left) + tree_count(tree->right) : 1;
}
