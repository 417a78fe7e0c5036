/* crowd IDLE DEPTH: what threads that exist but do not run cost those that do.
 *
 * IDLE threads allocate a tree each and then wait outside managed code, while one thread builds and
 * walks short-lived trees.  They wait with their tree on their stack, as a server's threads would.
 */
#include <pthread.h>
#include <stdlib.h>

#include "tree.h"

#define CROWD_IDLE_MAX    10000u
#define CROWD_OWN_DEPTH   4u /* of the tree that each idle thread keeps */
#define CROWD_TREES       256u
#define CROWD_STACK_BYTES ((size_t)256 << 10)

struct crowd {
  gait_heap *heap;
  gait_kind kind;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  unsigned ready; /* idle threads that wait, or could not begin; under lock */
  unsigned failed;
  bool over;
  uint64_t kept; /* nodes that idle threads found again at the end */
};

static void crowd_note(struct crowd *crowd, unsigned failed) {
  pthread_mutex_lock(&crowd->lock);
  crowd->ready++;
  crowd->failed += failed;
  pthread_cond_broadcast(&crowd->changed);
  pthread_mutex_unlock(&crowd->lock);
}

static void *crowd_idle(void *arg) {
  struct crowd *crowd = arg;
  gait_thread *thread;
  if (gait_thread_attach(crowd->heap, "idle", GAIT_STACK_CONSERVATIVE, &thread) != GAIT_OK) {
    crowd_note(crowd, 1);
    return NULL;
  }
  struct tree *tree = tree_make(thread, crowd->kind, CROWD_OWN_DEPTH);
  gait_thread_leave(thread);
  crowd_note(crowd, 0);
  pthread_mutex_lock(&crowd->lock);
  while (!crowd->over)
    pthread_cond_wait(&crowd->changed, &crowd->lock);
  pthread_mutex_unlock(&crowd->lock);
  gait_thread_enter(thread);
  uint64_t nodes = tree_count(tree);
  gait_thread_detach(thread);
  pthread_mutex_lock(&crowd->lock);
  crowd->kept += nodes;
  pthread_mutex_unlock(&crowd->lock);
  return NULL;
}

/* Starts the idle threads and waits until each has its tree; how many there are. */
static unsigned crowd_gather(struct crowd *crowd, pthread_t *ids, unsigned idle) {
  pthread_attr_t attributes;
  unsigned started = 0;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, CROWD_STACK_BYTES);
  while (started < idle && pthread_create(&ids[started], &attributes, crowd_idle, crowd) == 0)
    started++;
  pthread_attr_destroy(&attributes);
  pthread_mutex_lock(&crowd->lock);
  while (crowd->ready < started)
    pthread_cond_wait(&crowd->changed, &crowd->lock);
  pthread_mutex_unlock(&crowd->lock);
  return started;
}

static void crowd_dismiss(struct crowd *crowd, pthread_t *ids, unsigned started) {
  pthread_mutex_lock(&crowd->lock);
  crowd->over = true;
  pthread_cond_broadcast(&crowd->changed);
  pthread_mutex_unlock(&crowd->lock);
  for (unsigned i = 0; i < started; i++)
    pthread_join(ids[i], NULL);
}

static void crowd_work(const struct crowd *crowd, gait_thread *thread, unsigned depth,
                       struct workload_result *result) {
  uint64_t start = workload_now_ns();
  for (unsigned i = 0; i < CROWD_TREES; i++)
    result->ops += tree_count(tree_make(thread, crowd->kind, depth));
  uint64_t ns = workload_now_ns() - start;
  result->seconds = (double)ns * 1e-9;
  result->ns_per_op = (double)ns / (double)result->ops;
}

static enum workload_status crowd_run(const struct workload_input *input,
                                      struct workload_result *result) {
  uint64_t idle, depth;
  if (!workload_number(input, 0, "IDLE", 0, CROWD_IDLE_MAX, &idle, result) ||
      !workload_number(input, 1, "DEPTH", 1, 30, &depth, result))
    return WORKLOAD_USAGE;
  struct crowd crowd = {
      .heap = input->heap, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  gait_result ready = tree_kind(input->heap, &crowd.kind);
  if (ready != GAIT_OK)
    return workload_stop(result, WORKLOAD_FAILED, "%s", gait_result_text(ready));
  pthread_t *ids = calloc(idle + 1, sizeof *ids);
  if (ids == NULL) return workload_stop(result, WORKLOAD_FAILED, "out of memory");

  gait_thread_leave(input->thread);
  unsigned started = crowd_gather(&crowd, ids, (unsigned)idle);
  gait_thread_enter(input->thread);
  crowd_work(&crowd, input->thread, (unsigned)depth, result);
  gait_thread_leave(input->thread);
  crowd_dismiss(&crowd, ids, started);
  gait_thread_enter(input->thread);
  free(ids);
  result->checksum = result->ops + crowd.kept;
  if (started < idle || crowd.failed > 0)
    return workload_stop(result, WORKLOAD_FAILED, "only %u threads could be started",
                         started - crowd.failed);
  return WORKLOAD_OK;
}

const struct workload workload_crowd = {
    .name = "crowd",
    .arguments = "IDLE DEPTH",
    .summary = "builds and walks short-lived trees of DEPTH while IDLE attached threads wait "
               "outside managed code, each with a tree of its own",
    .operation = "node of a short-lived tree",
    .threads_max = 1,
    .run = crowd_run,
};
