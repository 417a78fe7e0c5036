/* alloc SIZE COUNT LEAF: makes garbage as fast as it can, one object at a time. */
#include "workload.h"

#include <stdlib.h>

/* The one object that a thread keeps, on cache lines of its own. */
struct alloc_kept {
  void *object;
  char apart[120];
};

struct alloc_job {
  struct alloc_kept kept[WORKLOAD_THREADS_MAX]; /* a barriered root */
  gait_kind kind;
  size_t size;
  uint64_t count;
};

/* Compiled once for each size that is constant where it is called, and once for any other. */
__attribute__((always_inline)) static inline void
alloc_loop(const struct alloc_job *job, struct alloc_kept *kept, gait_thread *thread, size_t size) {
  gait_kind kind = job->kind;
  uint64_t count = job->count;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t *object = gait_alloc(thread, kind, size);
    *object = i; /* a small number refers to no heap */
    gait_store(thread, &kept->object, object);
  }
}

static void alloc_part(void *arg, unsigned number, gait_thread *thread) {
  struct alloc_job *job = arg;
  struct alloc_kept *kept = &job->kept[number];
  switch (job->size) {
  case 16: alloc_loop(job, kept, thread, 16); break;
  case 32: alloc_loop(job, kept, thread, 32); break;
  case 64: alloc_loop(job, kept, thread, 64); break;
  case 128: alloc_loop(job, kept, thread, 128); break;
  default: alloc_loop(job, kept, thread, job->size); break;
  }
}

static enum workload_status alloc_measure(const struct workload_input *input, struct alloc_job *job,
                                          struct workload_result *result) {
  alloc_part(job, 0, input->thread); /* the peers warm up in the same way */
  uint64_t start = workload_now_ns();
  if (!workload_in_parallel(input, alloc_part, job, result)) return WORKLOAD_FAILED;
  uint64_t ns = workload_now_ns() - start;
  result->ops = job->count * input->threads;
  result->seconds = (double)ns * 1e-9;
  result->ns_per_op = (double)ns / (double)job->count;
  for (unsigned i = 0; i < input->threads; i++)
    result->checksum += *(uint64_t *)job->kept[i].object + 1;
  return WORKLOAD_OK;
}

static enum workload_status alloc_run(const struct workload_input *input,
                                      struct workload_result *result) {
  uint64_t size, count, leaf;
  if (!workload_number(input, 0, "SIZE", sizeof(uint64_t), GAIT_MAX_OBJECT_BYTES, &size, result) ||
      !workload_number(input, 1, "COUNT", 1, UINT64_MAX / WORKLOAD_THREADS_MAX, &count, result) ||
      !workload_number(input, 2, "LEAF", 0, 1, &leaf, result))
    return WORKLOAD_USAGE;

  struct alloc_job *job = calloc(1, sizeof *job);
  if (job == NULL) return workload_stop(result, WORKLOAD_FAILED, "out of memory");
  job->size = size;
  job->count = count;
  job->kind = gait_kind_leaf(input->heap);
  gait_result ready = GAIT_OK;
  if (!leaf) ready = workload_kind(input->heap, "references", 8, 1, 8, &job->kind);
  if (ready == GAIT_OK)
    ready = gait_roots_add(input->heap, job->kept, sizeof job->kept, GAIT_ROOTS_BARRIERED);

  enum workload_status status = WORKLOAD_FAILED;
  if (ready == GAIT_OK) {
    status = alloc_measure(input, job, result);
    gait_roots_remove(input->heap, job->kept);
  } else {
    workload_stop(result, WORKLOAD_FAILED, "%s", gait_result_text(ready));
  }
  free(job);
  return status;
}

const struct workload workload_alloc = {
    .name = "alloc",
    .arguments = "SIZE COUNT LEAF",
    .summary = "allocates COUNT objects of SIZE bytes in each thread and keeps the last one; LEAF "
               "1: without references, 0: all references",
    .operation = "allocation",
    .threads_max = WORKLOAD_THREADS_MAX,
    .run = alloc_run,
};
