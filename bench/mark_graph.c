/* mark-graph NODES ROUNDS [SHAPE [WORDS]]: how long one collection of a graph that is all live
 * takes.
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

/* How a node refers to others: by plain references, or by words with a tag of this rule. */
struct graph_words {
  const char *name;
  uint64_t tag;
  gait_tags rule;
};

static const struct graph_words graph_words[] = {
    {"plain", 0, {0, 0, 0, 0}},
    {"low", 1, {.mask = 7, .first = 1, .address_mask = ~UINT64_C(7)}},
    {"boxed",
     UINT64_C(0xFFFA) << 48,
     {.mask = UINT64_C(0xFFFF) << 48,
      .first = UINT64_C(0xFFFA) << 48,
      .address_mask = ~(UINT64_C(0xFFFF) << 48)}},
};

/* The words of that name; NULL: there are none. */
static const struct graph_words *graph_words_find(int argument_count, char *const *arguments) {
  const char *name = argument_count > 3 ? arguments[3] : "plain";
  for (size_t i = 0; i < sizeof graph_words / sizeof graph_words[0]; i++)
    if (strcmp(graph_words[i].name, name) == 0) return &graph_words[i];
  return NULL;
}

static const gait_tags *graph_tags(int argument_count, char *const *arguments) {
  const struct graph_words *words = graph_words_find(argument_count, arguments);
  return words != NULL && words->tag != 0 ? &words->rule : NULL;
}

/* The nodes that are linked, and the words by which they are. */
struct graph_linking {
  gait_thread *thread;
  struct graph_node **table;
  uint64_t nodes;
  const struct graph_words *words;
};

static void graph_link_to(const struct graph_linking *linking, struct graph_node **slot,
                          uint64_t node) {
  uintptr_t word = (uintptr_t)linking->table[node] + linking->words->tag;
  gait_store_init(linking->thread, slot, (void *)word);
}

static void graph_link_random(const struct graph_linking *linking, uint64_t *random) {
  for (uint64_t i = 0; i < linking->nodes; i++) {
    graph_link_to(linking, &linking->table[i]->a, workload_random(random) % linking->nodes);
    graph_link_to(linking, &linking->table[i]->b, workload_random(random) % linking->nodes);
  }
}

static void graph_link_tree(const struct graph_linking *linking) {
  for (uint64_t i = 0; i < linking->nodes; i++) {
    if (2 * i + 1 < linking->nodes) graph_link_to(linking, &linking->table[i]->a, 2 * i + 1);
    if (2 * i + 2 < linking->nodes) graph_link_to(linking, &linking->table[i]->b, 2 * i + 2);
  }
}

static void graph_link_list(const struct graph_linking *linking) {
  for (uint64_t i = 0; i + 1 < linking->nodes; i++)
    graph_link_to(linking, &linking->table[i]->a, i + 1);
}

static void graph_shuffle(const struct graph_linking *linking, uint64_t *random) {
  struct graph_node **table = linking->table;
  for (uint64_t i = linking->nodes - 1; i > 0; i--) {
    uint64_t j = workload_random(random) % (i + 1);
    struct graph_node *node = table[i];
    gait_store(linking->thread, &table[i], table[j]);
    gait_store(linking->thread, &table[j], node);
  }
}

/* Chains in allocation order, of which the table keeps the heads. */
static void graph_link_mixed(const struct graph_linking *linking, uint64_t *random) {
  struct graph_node **table = linking->table;
  uint64_t nodes = linking->nodes;
  for (uint64_t i = 0; i < nodes; i++) {
    if ((i + 1) % GRAPH_CHAIN_NODES != 0 && i + 1 < nodes)
      graph_link_to(linking, &table[i]->a, i + 1);
    if (i % GRAPH_MIXED_EVERY == 0)
      graph_link_to(linking, &table[i]->b, workload_random(random) % nodes);
  }
  for (uint64_t i = 0; i < nodes; i++)
    if (i % GRAPH_CHAIN_NODES != 0) gait_store(linking->thread, &table[i], NULL);
}

/* Links the nodes of the table; whether the table is part of the shape. */
static bool graph_link(const struct graph_linking *linking, const char *shape) {
  uint64_t random = 88172645463325252u;
  if (strcmp(shape, "array") == 0) return true;
  if (strcmp(shape, "random") == 0) {
    graph_link_random(linking, &random);
    return true;
  }
  if (strcmp(shape, "mixed") == 0) {
    graph_link_mixed(linking, &random);
    return true;
  }
  if (strcmp(shape, "tree") == 0) {
    graph_link_tree(linking);
    return false;
  }
  if (strcmp(shape, "shuffled") == 0) graph_shuffle(linking, &random);
  graph_link_list(linking);
  return false;
}

static gait_result graph_node_kind(gait_heap *heap, bool tagged, gait_kind *kind) {
  const uint64_t references = 3;
  gait_kind_info info = {.name = "graph node",
                         .form = GAIT_KIND_POINTERS,
                         .map_bytes = sizeof(struct graph_node),
                         .pointer_map = tagged ? NULL : &references,
                         .tagged_map = tagged ? &references : NULL};
  return gait_kind_register(heap, &info, kind);
}

__attribute__((noinline)) static gait_result graph_build(const struct workload_input *input,
                                                         const struct graph_words *words,
                                                         const char *shape, uint64_t nodes,
                                                         struct graph *graph) {
  gait_thread *thread = input->thread;
  gait_kind table_kind, node_kind;
  gait_result result = workload_kind(input->heap, "graph table", 8, 1, 8, &table_kind);
  if (result == GAIT_OK) result = graph_node_kind(input->heap, words->tag != 0, &node_kind);
  if (result != GAIT_OK) return result;

  struct graph_node **table = gait_alloc_array(thread, table_kind, 0, nodes, sizeof *table);
  gait_store(thread, &graph->table, table);
  for (uint64_t i = 0; i < nodes; i++)
    gait_store_init(thread, &table[i], gait_alloc(thread, node_kind, sizeof(struct graph_node)));
  bool keep_table = graph_link(&(struct graph_linking){thread, table, nodes, words}, shape);
  gait_store(thread, &graph->root, table[0]);
  if (!keep_table) gait_store(thread, &graph->table, NULL);
  return GAIT_OK;
}

/* Collects once unmeasured and then `rounds` times; the best time, 0 on failure. */
static uint64_t graph_best_ns(gait_thread *thread, uint64_t rounds) {
  uint64_t best = UINT64_MAX;
  if (gait_heap_collect(thread) != GAIT_OK) return 0;
  for (uint64_t i = 0; i < rounds; i++) {
    uint64_t start = workload_now_ns();
    if (gait_heap_collect(thread) != GAIT_OK) return 0;
    uint64_t ns = workload_now_ns() - start;
    if (ns < best) best = ns;
  }
  return best;
}

/* The node that a link, which is not NULL, refers to. */
static const struct graph_node *graph_follow(const struct graph_words *words,
                                             const struct graph_node *link) {
  return (const struct graph_node *)((uintptr_t)link - words->tag);
}

/* The nodes that are still there: all of them, unless the collector lost some. */
static uint64_t graph_count(const struct graph_words *words, const struct graph_node *node) {
  uint64_t nodes = 1;
  for (; node->a != NULL; node = graph_follow(words, node->a), nodes++)
    if (node->b != NULL) nodes += graph_count(words, graph_follow(words, node->b));
  return nodes;
}

/* The same by the chains that begin in the table. */
static uint64_t graph_count_chains(const struct graph_words *words, struct graph_node *const *table,
                                   uint64_t nodes) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < nodes; i++) {
    if (table[i] == NULL) continue;
    count++;
    for (const struct graph_node *link = table[i]->a; link != NULL; count++)
      link = graph_follow(words, link)->a;
  }
  return count;
}

static uint64_t graph_count_linked(struct graph_node *const *table, uint64_t nodes) {
  uint64_t linked = 0;
  for (uint64_t i = 0; i < nodes; i++)
    linked += table[i]->a != NULL && table[i]->b != NULL;
  return linked;
}

static uint64_t graph_checksum(const struct graph_words *words, const struct graph *graph,
                               const char *shape, uint64_t nodes) {
  if (graph->table == NULL) return graph_count(words, graph->root);
  if (strcmp(shape, "random") == 0) return graph_count_linked(graph->table, nodes);
  return graph_count_chains(words, graph->table, nodes);
}

/* What is to be measured. */
struct graph_plan {
  const char *shape;
  const struct graph_words *words;
  uint64_t nodes, rounds;
};

static enum workload_status graph_measure(const struct workload_input *input,
                                          const struct graph_plan *plan, struct graph *graph,
                                          struct workload_result *result) {
  gait_result built = graph_build(input, plan->words, plan->shape, plan->nodes, graph);
  if (built != GAIT_OK)
    return workload_stop(result, WORKLOAD_FAILED, "%s", gait_result_text(built));
  uint64_t best = graph_best_ns(input->thread, plan->rounds);
  if (best == 0) return workload_stop(result, WORKLOAD_FAILED, "a forced collection failed");

  result->ops = plan->nodes;
  result->seconds = (double)best * 1e-9;
  result->ns_per_op = (double)best / (double)plan->nodes;
  result->checksum = graph_checksum(plan->words, graph, plan->shape, plan->nodes);
  gait_stats stats;
  gait_stats_read(input->heap, &stats);
  workload_figure(result, "side_table_bytes", stats.side_table_bytes);
  return WORKLOAD_OK;
}

static bool graph_read_plan(const struct workload_input *input, struct graph_plan *plan,
                            struct workload_result *result) {
  static const char *const shapes[] = {"random", "tree", "list", "shuffled", "array", "mixed"};
  plan->shape = input->argument_count > 2 ? input->arguments[2] : "random";
  plan->words = graph_words_find(input->argument_count, input->arguments);
  if (!workload_number(input, 0, "NODES", 1, (uint64_t)1 << 36, &plan->nodes, result) ||
      !workload_number(input, 1, "ROUNDS", 1, 1000000, &plan->rounds, result))
    return false;
  bool known = false;
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
    known = known || strcmp(plan->shape, shapes[i]) == 0;
  if (!known)
    workload_stop(result, WORKLOAD_USAGE,
                  "SHAPE: '%s' is not one of random, tree, list, shuffled, array, mixed",
                  plan->shape);
  else if (plan->words == NULL)
    workload_stop(result, WORKLOAD_USAGE, "WORDS: '%s' is not one of plain, low, boxed",
                  input->arguments[3]);
  return known && plan->words != NULL;
}

static enum workload_status graph_run(const struct workload_input *input,
                                      struct workload_result *result) {
  struct graph_plan plan;
  if (!graph_read_plan(input, &plan, result)) return WORKLOAD_USAGE;
  struct graph graph = {NULL, NULL};
  gait_result added = gait_roots_add(input->heap, &graph, sizeof graph, GAIT_ROOTS_BARRIERED);
  if (added != GAIT_OK)
    return workload_stop(result, WORKLOAD_FAILED, "%s", gait_result_text(added));
  enum workload_status status = graph_measure(input, &plan, &graph, result);
  gait_clear(input->thread, (void **)&graph, sizeof graph / sizeof(void *));
  gait_roots_remove(input->heap, &graph);
  return status;
}

const struct workload workload_mark_graph = {
    .name = "mark-graph",
    .arguments = "NODES ROUNDS [SHAPE [WORDS]]",
    .summary = "collects ROUNDS times while NODES nodes of 48 bytes are live, and tells the best "
               "time; SHAPE random, tree, list, shuffled, array or mixed; WORDS, by which nodes "
               "refer to others: plain, low (a tag in three low bits) or boxed (in 16 high bits)",
    .operation = "live node in one collection",
    .threads_max = 1,
    .run = graph_run,
    .tags = graph_tags,
};
