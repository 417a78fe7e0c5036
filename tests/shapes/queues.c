/* Threads that hand lists over through queues: each takes a list from its own queue, checks it,
 * adds a cell, and puts it into the queue of the next thread.  While a list is in a queue, nobody
 * else has it; while a thread has it, it is in no queue. */
#include "shapes.h"

#define QUEUES_THREADS 4
#define QUEUES_PLACES  6
#define QUEUES_LONGEST 300

struct baton {
  struct baton *next;
  uint64_t position; /* from the end */
  uint64_t owner;
};

/* The places are roots; what is beside them is in plain memory. */
struct queue {
  void *places[QUEUES_PLACES];
  uint32_t count;
  uint32_t lengths[QUEUES_PLACES];
  pthread_mutex_t mutex;
  pthread_cond_t changed;
};

static void queue_put(struct shape_worker *worker, struct queue *queue, struct baton *list,
                      uint32_t length) {
  shape_lock(worker, &queue->mutex);
  while (queue->count == QUEUES_PLACES)
    shape_wait(worker, &queue->changed, &queue->mutex);
  gait_store(worker->thread, &queue->places[queue->count], list);
  queue->lengths[queue->count++] = length;
  pthread_cond_broadcast(&queue->changed);
  pthread_mutex_unlock(&queue->mutex);
}

/* The oldest; the rest moves up. */
static struct baton *queue_take(struct shape_worker *worker, struct queue *queue,
                                uint32_t *length) {
  shape_lock(worker, &queue->mutex);
  while (queue->count == 0)
    shape_wait(worker, &queue->changed, &queue->mutex);
  struct baton *list = gait_load(&queue->places[0]);
  *length = queue->lengths[0];
  queue->count--;
  gait_copy(worker->thread, &queue->places[0], &queue->places[1], queue->count);
  gait_store(worker->thread, &queue->places[queue->count], NULL);
  for (uint32_t i = 0; i < queue->count; i++)
    queue->lengths[i] = queue->lengths[i + 1];
  pthread_cond_broadcast(&queue->changed);
  pthread_mutex_unlock(&queue->mutex);
  return list;
}

static struct baton *baton_add(struct shape_worker *worker, struct baton *list, uint32_t length) {
  struct baton *baton =
      shape_alloc(worker, gait_kind_conservative(worker->run->heap), sizeof *baton);
  baton->position = length;
  baton->owner = worker->index;
  gait_store_init(worker->thread, &baton->next, list);
  return baton;
}

static void baton_check(const struct shape_worker *worker, struct baton *list, uint32_t length) {
  for (uint32_t left = length; left > 0; left--, list = list->next)
    if (!list || list->position != left - 1 || list->owner >= QUEUES_THREADS)
      shape_fail(worker->run, "baton %u of %u is not what it was", left, length);
  if (list) shape_fail(worker->run, "a list of %u goes on", length);
}

/* Each thread starts two lists, so that there are always some under way, and never more than fit.
 */
static void queues_work(struct shape_worker *worker) {
  struct queue *queues = worker->arg;
  struct queue *own = &queues[worker->index];
  struct queue *next = &queues[(worker->index + 1) % QUEUES_THREADS];
  uint32_t length;
  for (int i = 0; i < 2; i++)
    queue_put(worker, next, baton_add(worker, NULL, 0), 1);
  for (uint32_t turn = 0; turn < 600 * worker->run->scale; turn++) {
    struct baton *list = queue_take(worker, own, &length);
    baton_check(worker, list, length);
    if (length >= QUEUES_LONGEST) list = NULL, length = 0;
    const uint32_t more = 1 + random_below(&worker->random, 40);
    for (uint32_t i = 0; i < more; i++)
      list = baton_add(worker, list, length++);
    queue_put(worker, next, list, length);
  }
}

void shape_queues(struct shape_run *run) {
  struct queue queues[QUEUES_THREADS];
  for (int i = 0; i < QUEUES_THREADS; i++) {
    queues[i] = (struct queue){.count = 0};
    pthread_mutex_init(&queues[i].mutex, NULL);
    pthread_cond_init(&queues[i].changed, NULL);
    shape_roots(run, queues[i].places, sizeof queues[i].places);
  }
  shape_threads(run, QUEUES_THREADS, queues_work, queues);
  for (int i = 0; i < QUEUES_THREADS; i++) {
    shape_roots_end(run, queues[i].places);
    pthread_mutex_destroy(&queues[i].mutex);
    pthread_cond_destroy(&queues[i].changed);
  }
}
