/* tree.h: whole binary trees, of binary-trees and of crowd. */
#ifndef BENCH_TREE_H
#define BENCH_TREE_H

#include "workload.h"

struct tree {
  struct tree *left, *right;
};

gait_result tree_kind(gait_heap *heap, gait_kind *kind);
struct tree *tree_make(gait_thread *thread, gait_kind kind, unsigned depth);

/* How many nodes it has. */
uint64_t tree_count(const struct tree *tree);

#endif
