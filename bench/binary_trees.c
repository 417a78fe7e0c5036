/* binary-trees DEPTH: builds and walks many short-lived trees beside one that stays. */
#include "tree.h"

struct trees_job {
  gait_kind kind;
  unsigned depth;
  unsigned threads;
  uint64_t nodes[WORKLOAD_THREADS_MAX]; /* walked by each thread */
};

/* This thread's share of the trees of each depth. */
static void trees_part(void *arg, unsigned number, gait_thread *thread) {
  struct trees_job *job = arg;
  uint64_t nodes = 0;
  for (unsigned depth = 4; depth <= job->depth; depth += 4) {
    uint64_t trees = (uint64_t)1 << (job->depth - depth + 4);
    uint64_t first = trees * number / job->threads, end = trees * (number + 1) / job->threads;
    for (uint64_t i = first; i < end; i++)
      nodes += tree_count(tree_make(thread, job->kind, depth));
  }
  job->nodes[number] = nodes;
}

static enum workload_status trees_run(const struct workload_input *input,
                                      struct workload_result *result) {
  uint64_t depth;
  if (!workload_number(input, 0, "DEPTH", 4, 40, &depth, result)) return WORKLOAD_USAGE;
  struct trees_job job = {.depth = (unsigned)depth, .threads = input->threads};
  gait_result registered = tree_kind(input->heap, &job.kind);
  if (registered != GAIT_OK)
    return workload_stop(result, WORKLOAD_FAILED, "%s", gait_result_text(registered));

  uint64_t start = workload_now_ns();
  uint64_t stretch = tree_count(tree_make(input->thread, job.kind, job.depth + 1));
  struct tree *long_lived = tree_make(input->thread, job.kind, job.depth);
  if (!workload_in_parallel(input, trees_part, &job, result)) return WORKLOAD_FAILED;
  uint64_t kept = tree_count(long_lived);
  uint64_t ns = workload_now_ns() - start;

  for (unsigned i = 0; i < job.threads; i++)
    result->ops += job.nodes[i];
  result->checksum = stretch + kept + result->ops;
  result->seconds = (double)ns * 1e-9;
  result->ns_per_op = (double)ns / (double)result->ops;
  workload_figure(result, "stretch_nodes", stretch);
  workload_figure(result, "long_lived_nodes", kept);
  return WORKLOAD_OK;
}

const struct workload workload_binary_trees = {
    .name = "binary-trees",
    .arguments = "DEPTH",
    .summary = "builds and walks short-lived binary trees up to DEPTH beside one that stays",
    .operation = "node of a short-lived tree",
    .threads_max = WORKLOAD_THREADS_MAX,
    .run = trees_run,
};
