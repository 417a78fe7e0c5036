/* start ROUNDS: how long a heap takes from its creation over its first object to its end. */
#include "workload.h"

/* One heap with the environment's settings; 0 when something failed. */
static uint64_t start_round(void) {
  gait_heap *heap;
  gait_thread *thread;
  if (gait_heap_create(NULL, &heap) != GAIT_OK) return 0;
  gait_result result = gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread);
  uint64_t *object = NULL;
  uint64_t value = 0;
  if (result == GAIT_OK) {
    object = gait_alloc(thread, gait_kind_leaf(heap), sizeof *object);
    if (object != NULL) value = *object += 1; /* it was zero */
    result = gait_thread_detach(thread);
  }
  return gait_heap_destroy(heap) == GAIT_OK && result == GAIT_OK ? value : 0;
}

static enum workload_status start_run(const struct workload_input *input,
                                      struct workload_result *result) {
  uint64_t rounds;
  if (!workload_number(input, 0, "ROUNDS", 1, 1000000000, &rounds, result)) return WORKLOAD_USAGE;
  if (!latency_init(&result->latency))
    return workload_stop(result, WORKLOAD_FAILED, "out of memory");

  uint64_t start = workload_now_ns();
  for (uint64_t i = 0; i < rounds; i++) {
    uint64_t before = workload_now_ns();
    uint64_t value = start_round();
    latency_add(&result->latency, workload_now_ns() - before);
    if (value != 1)
      return workload_stop(result, WORKLOAD_FAILED, "round %llu failed", (unsigned long long)i);
    result->checksum += value;
  }
  uint64_t ns = workload_now_ns() - start;
  result->ops = rounds;
  result->seconds = (double)ns * 1e-9;
  result->ns_per_op = (double)ns / (double)rounds;
  return WORKLOAD_OK;
}

const struct workload workload_start = {
    .name = "start",
    .arguments = "ROUNDS",
    .summary = "creates a heap, attaches, allocates one object, detaches and destroys the heap, "
               "ROUNDS times",
    .operation = "heap",
    .threads_max = 1,
    .run = start_run,
};
