/* mark_graph NODES ROUNDS SHAPE: the best time of ROUNDS forced collections of a graph that is all
 * live. */
#include "peer.h"

struct node {
  struct node *a, *b;
  uint64_t value[4];
};

#define CHAIN_NODES 1000u /* of a chain in the shape `mixed` */
#define MIXED_EVERY 8u    /* which of its nodes refer to a random one */

static struct node **graph_table;
static struct node *graph_root;

static void graph_link_random(uint64_t nodes, uint64_t *random) {
  for (uint64_t i = 0; i < nodes; i++) {
    graph_table[i]->a = graph_table[peer_random(random) % nodes];
    graph_table[i]->b = graph_table[peer_random(random) % nodes];
  }
}

static void graph_link_tree(uint64_t nodes) {
  for (uint64_t i = 0; i < nodes; i++) {
    if (2 * i + 1 < nodes) graph_table[i]->a = graph_table[2 * i + 1];
    if (2 * i + 2 < nodes) graph_table[i]->b = graph_table[2 * i + 2];
  }
}

static void graph_link_list(uint64_t nodes) {
  for (uint64_t i = 0; i + 1 < nodes; i++)
    graph_table[i]->a = graph_table[i + 1];
}

static void graph_shuffle(uint64_t nodes, uint64_t *random) {
  for (uint64_t i = nodes - 1; i > 0; i--) {
    uint64_t j = peer_random(random) % (i + 1);
    struct node *node = graph_table[i];
    graph_table[i] = graph_table[j];
    graph_table[j] = node;
  }
}

/* Chains in allocation order, of which the table keeps the heads. */
static void graph_link_mixed(uint64_t nodes, uint64_t *random) {
  for (uint64_t i = 0; i < nodes; i++) {
    if ((i + 1) % CHAIN_NODES != 0 && i + 1 < nodes) graph_table[i]->a = graph_table[i + 1];
    if (i % MIXED_EVERY == 0) graph_table[i]->b = graph_table[peer_random(random) % nodes];
  }
  for (uint64_t i = 0; i < nodes; i++)
    if (i % CHAIN_NODES != 0) graph_table[i] = NULL;
}

static void graph_build(const char *shape, uint64_t nodes) {
  uint64_t random = 88172645463325252u;
  graph_table = peer_new(nodes * sizeof *graph_table);
  for (uint64_t i = 0; i < nodes; i++)
    graph_table[i] = peer_new(sizeof(struct node));
  graph_root = graph_table[0];
  if (strcmp(shape, "random") == 0) {
    graph_link_random(nodes, &random);
  } else if (strcmp(shape, "mixed") == 0) {
    graph_link_mixed(nodes, &random);
  } else if (strcmp(shape, "tree") == 0) {
    graph_link_tree(nodes);
  } else if (strcmp(shape, "array") != 0) {
    if (strcmp(shape, "shuffled") == 0) graph_shuffle(nodes, &random);
    graph_link_list(nodes);
    graph_root = graph_table[0];
  }
  if (strcmp(shape, "tree") == 0 || strcmp(shape, "list") == 0 || strcmp(shape, "shuffled") == 0)
    graph_table = NULL;
}

static uint64_t graph_count(const struct node *node) {
  uint64_t nodes = 0;
  for (; node != NULL; node = node->a)
    nodes += 1 + graph_count(node->b);
  return nodes;
}

/* The nodes by the chains that begin in the table. */
static uint64_t graph_count_chains(uint64_t nodes) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < nodes; i++)
    for (const struct node *node = graph_table[i]; node != NULL; node = node->a)
      count++;
  return count;
}

static uint64_t graph_count_linked(uint64_t nodes) {
  uint64_t linked = 0;
  for (uint64_t i = 0; i < nodes; i++)
    linked += graph_table[i]->a != NULL && graph_table[i]->b != NULL;
  return linked;
}

int main(int argc, char **argv) {
  peer_init();
  uint64_t nodes = peer_number(argc, argv, 1), rounds = peer_number(argc, argv, 2);
  const char *shape = argc > 3 ? argv[3] : "random";
  graph_build(shape, nodes);
  struct peer_result result = {.ops = nodes, .ns = UINT64_MAX};
  peer_collect();
  for (uint64_t i = 0; i < rounds; i++) {
    uint64_t start = peer_now_ns();
    peer_collect();
    uint64_t ns = peer_now_ns() - start;
    if (ns < result.ns) result.ns = ns;
  }
  result.ns_per_op = (double)result.ns / (double)nodes;
  if (graph_table == NULL)
    result.checksum = graph_count(graph_root);
  else if (strcmp(shape, "random") == 0)
    result.checksum = graph_count_linked(nodes);
  else
    result.checksum = graph_count_chains(nodes);
  peer_report(&result, "");
}
