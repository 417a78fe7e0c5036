/* binary_trees DEPTH THREADS: builds, walks and frees many short-lived trees beside one that stays.
 */
#include "peer.h"

struct tree {
  struct tree *left, *right;
};

static unsigned trees_depth, trees_threads;
static uint64_t trees_nodes[PEER_THREADS_MAX]; /* walked by each thread */

static struct tree *trees_make(unsigned depth) {
  struct tree *tree = peer_new(sizeof *tree);
  if (depth > 0) {
    tree->left = trees_make(depth - 1);
    tree->right = trees_make(depth - 1);
  }
  return tree;
}

static uint64_t trees_count(const struct tree *tree) {
  return tree->left != NULL ? 1 + trees_count(tree->left) + trees_count(tree->right) : 1;
}

static void trees_free(struct tree *tree) {
  if (peer_collects) return;
  if (tree->left != NULL) {
    trees_free(tree->left);
    trees_free(tree->right);
  }
  peer_free(tree);
}

/* This thread's share of the trees of each depth. */
static void *trees_part(void *arg) {
  unsigned number = *(unsigned *)arg;
  uint64_t nodes = 0;
  for (unsigned depth = 4; depth <= trees_depth; depth += 4) {
    uint64_t trees = (uint64_t)1 << (trees_depth - depth + 4);
    uint64_t first = trees * number / trees_threads, end = trees * (number + 1) / trees_threads;
    for (uint64_t i = first; i < end; i++) {
      struct tree *tree = trees_make(depth);
      nodes += trees_count(tree);
      trees_free(tree);
    }
  }
  trees_nodes[number] = nodes;
  return NULL;
}

int main(int argc, char **argv) {
  peer_init();
  trees_depth = (unsigned)peer_number(argc, argv, 1);
  trees_threads = (unsigned)peer_number(argc, argv, 2);
  unsigned numbers[PEER_THREADS_MAX];
  for (unsigned i = 0; i < PEER_THREADS_MAX; i++)
    numbers[i] = i;

  uint64_t start = peer_now_ns();
  struct tree *tree = trees_make(trees_depth + 1);
  uint64_t stretch = trees_count(tree);
  trees_free(tree);
  struct tree *long_lived = trees_make(trees_depth);
  peer_in_parallel(trees_part, numbers, trees_threads);
  uint64_t kept = trees_count(long_lived);
  struct peer_result result = {.ns = peer_now_ns() - start};
  for (unsigned i = 0; i < trees_threads; i++)
    result.ops += trees_nodes[i];
  result.ns_per_op = (double)result.ns / (double)result.ops;
  result.checksum = stretch + kept + result.ops;
  peer_report(&result, "");
}
