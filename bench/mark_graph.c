/* mark-graph NODES ROUNDS [SHAPE]: how long one collection of a graph that is all live takes.
 *
 * Nothing but the two roots may hold the graph while it is measured: a table that a stale word on
 * the stack kept would let the collector find the nodes in another order than the shape's.  The
 * graph is therefore built in a call of its own. */
#include "workload.h"

#include <string.h>

#define GRAPH_CHAIN_NODES 1000u /* of a chain in the shape `mixed` */
#define GRAPH_MIXED_EVERY 8u    /* which of its nodes refer to a random one */

struct graph_node {
  struct graph_node *a, *b;
  uint64_t value[4];
};

/* A barriered root. */
struct graph {
  struct graph_node **table;
  struct graph_node *root;
};

static void graph_link_random(gait_thread *thread, struct graph_node **table, uint64_t nodes,
                              uint64_t *random) {
  for (uint64_t i = 0; i < nodes; i++) {
    gait_store_init(thread, &table[i]->a, table[workload_random(random) % nodes]);
    gait_store_init(thread, &table[i]->b, table[workload_random(random) % nodes]);
  }
}

static void graph_link_tree(gait_thread *thread, struct graph_node **table, uint64_t nodes) {
  for (uint64_t i = 0; i < nodes; i++) {
    if (2 * i + 1 < nodes) gait_store_init(thread, &table[i]->a, table[2 * i + 1]);
    if (2 * i + 2 < nodes) gait_store_init(thread, &table[i]->b, table[2 * i + 2]);
  }
}

static void graph_link_list(gait_thread *thread, struct graph_node **table, uint64_t nodes) {
  for (uint64_t i = 0; i + 1 < nodes; i++)
    gait_store_init(thread, &table[i]->a, table[i + 1]);
}

static void graph_shuffle(gait_thread *thread, struct graph_node **table, uint64_t nodes,
                          uint64_t *random) {
  for (uint64_t i = nodes - 1; i > 0; i--) {
    uint64_t j = workload_random(random) % (i + 1);
    struct graph_node *node = table[i];
    gait_store(thread, &table[i], table[j]);
    gait_store(thread, &table[j], node);
  }
}

/* Chains in allocation order, of which the table keeps the heads. */
static void graph_link_mixed(gait_thread *thread, struct graph_node **table, uint64_t nodes,
                             uint64_t *random) {
  for (uint64_t i = 0; i < nodes; i++) {
    if ((i + 1) % GRAPH_CHAIN_NODES != 0 && i + 1 < nodes)
      gait_store_init(thread, &table[i]->a, table[i + 1]);
    if (i % GRAPH_MIXED_EVERY == 0)
      gait_store_init(thread, &table[i]->b, table[workload_random(random) % nodes]);
  }
  for (uint64_t i = 0; i < nodes; i++)
    if (i % GRAPH_CHAIN_NODES != 0) gait_store(thread, &table[i], NULL);
}

/* Links the nodes of the table; whether the table is part of the shape. */
static bool graph_link(gait_thread *thread, const char *shape, struct graph_node **table,
                       uint64_t nodes) {
  uint64_t random = 88172645463325252u;
  if (strcmp(shape, "array") == 0) return true;
  if (strcmp(shape, "random") == 0) {
    graph_link_random(thread, table, nodes, &random);
    return true;
  }
  if (strcmp(shape, "mixed") == 0) {
    graph_link_mixed(thread, table, nodes, &random);
    return true;
  }
  if (strcmp(shape, "tree") == 0) {
    graph_link_tree(thread, table, nodes);
    return false;
  }
  if (strcmp(shape, "shuffled") == 0) graph_shuffle(thread, table, nodes, &random);
  graph_link_list(thread, table, nodes);
  return false;
}

__attribute__((noinline)) static gait_result graph_build(const struct workload_input *input,
                                                         const char *shape, uint64_t nodes,
                                                         struct graph *graph) {
  gait_thread *thread = input->thread;
  gait_kind table_kind, node_kind;
  gait_result result = workload_kind(input->heap, "graph table", 8, 1, 8, &table_kind);
  if (result == GAIT_OK)
    result = workload_kind(input->heap, "graph node", sizeof(struct graph_node), 3, 0, &node_kind);
  if (result != GAIT_OK) return result;

  struct graph_node **table = gait_alloc_array(thread, table_kind, 0, nodes, sizeof *table);
  gait_store(thread, &graph->table, table);
  for (uint64_t i = 0; i < nodes; i++)
    gait_store_init(thread, &table[i], gait_alloc(thread, node_kind, sizeof(struct graph_node)));
  bool keep_table = graph_link(thread, shape, table, nodes);
  gait_store(thread, &graph->root, table[0]);
  if (!keep_table) gait_store(thread, &graph->table, NULL);
  return GAIT_OK;
}

/* Collects once unmeasured and then `rounds` times; the best time, 0 on failure. */
static uint64_t graph_best_ns(gait_thread *thread, uint64_t rounds) {
  uint64_t best = UINT64_MAX;
  if (gait_collect(thread) != GAIT_OK) return 0;
  for (uint64_t i = 0; i < rounds; i++) {
    uint64_t start = workload_now_ns();
    if (gait_collect(thread) != GAIT_OK) return 0;
    uint64_t ns = workload_now_ns() - start;
    if (ns < best) best = ns;
  }
  return best;
}

/* The nodes that are still there: all of them, unless the collector lost some. */
static uint64_t graph_count(const struct graph_node *node) {
  uint64_t nodes = 0;
  for (; node != NULL; node = node->a)
    nodes += 1 + graph_count(node->b);
  return nodes;
}

/* The same by the chains that begin in the table. */
static uint64_t graph_count_chains(struct graph_node *const *table, uint64_t nodes) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < nodes; i++)
    for (const struct graph_node *node = table[i]; node != NULL; node = node->a)
      count++;
  return count;
}

static uint64_t graph_count_linked(struct graph_node *const *table, uint64_t nodes) {
  uint64_t linked = 0;
  for (uint64_t i = 0; i < nodes; i++)
    linked += table[i]->a != NULL && table[i]->b != NULL;
  return linked;
}

static uint64_t graph_checksum(const struct graph *graph, const char *shape, uint64_t nodes) {
  if (graph->table == NULL) return graph_count(graph->root);
  if (strcmp(shape, "random") == 0) return graph_count_linked(graph->table, nodes);
  return graph_count_chains(graph->table, nodes);
}

static enum workload_status graph_measure(const struct workload_input *input, const char *shape,
                                          uint64_t nodes, uint64_t rounds, struct graph *graph,
                                          struct workload_result *result) {
  gait_result built = graph_build(input, shape, nodes, graph);
  if (built != GAIT_OK)
    return workload_stop(result, WORKLOAD_FAILED, "%s", gait_result_text(built));
  uint64_t best = graph_best_ns(input->thread, rounds);
  if (best == 0) return workload_stop(result, WORKLOAD_FAILED, "a forced collection failed");

  result->ops = nodes;
  result->seconds = (double)best * 1e-9;
  result->ns_per_op = (double)best / (double)nodes;
  result->checksum = graph_checksum(graph, shape, nodes);
  gait_stats stats;
  gait_stats_read(input->heap, &stats);
  workload_figure(result, "side_table_bytes", stats.side_table_bytes);
  return WORKLOAD_OK;
}

static enum workload_status graph_run(const struct workload_input *input,
                                      struct workload_result *result) {
  static const char *const shapes[] = {"random", "tree", "list", "shuffled", "array", "mixed"};
  const char *shape = input->argument_count > 2 ? input->arguments[2] : "random";
  uint64_t nodes, rounds;
  if (!workload_number(input, 0, "NODES", 1, (uint64_t)1 << 36, &nodes, result) ||
      !workload_number(input, 1, "ROUNDS", 1, 1000000, &rounds, result))
    return WORKLOAD_USAGE;
  bool known = false;
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
    known = known || strcmp(shape, shapes[i]) == 0;
  if (!known)
    return workload_stop(result, WORKLOAD_USAGE,
                         "SHAPE: '%s' is not one of random, tree, list, shuffled, array, mixed",
                         shape);

  struct graph graph = {NULL, NULL};
  gait_result added = gait_roots_add(input->heap, &graph, sizeof graph, GAIT_ROOTS_BARRIERED);
  if (added != GAIT_OK)
    return workload_stop(result, WORKLOAD_FAILED, "%s", gait_result_text(added));
  enum workload_status status = graph_measure(input, shape, nodes, rounds, &graph, result);
  gait_clear(input->thread, &graph, sizeof graph / sizeof(void *));
  gait_roots_remove(input->heap, &graph);
  return status;
}

const struct workload workload_mark_graph = {
    .name = "mark-graph",
    .arguments = "NODES ROUNDS [SHAPE]",
    .summary = "collects ROUNDS times while NODES nodes of 48 bytes are live, and tells the best "
               "time; SHAPE random, tree, list, shuffled, array or mixed",
    .operation = "live node in one collection",
    .threads_max = 1,
    .run = graph_run,
};
