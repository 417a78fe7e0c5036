/* Cyclic graphs: rings whose nodes also point across.  They are dropped at random, as whole rings
 * and by cutting parts out, which leaves cycles that only a tracing collector frees.  At the end
 * nothing may be left but what is still held. */
#include "shapes.h"

#define RINGS_HELD    24
#define RINGS_LONGEST 60

struct node {
  struct node *next, *previous, *across;
  uint64_t ring;
};

struct rings {
  gait_kind kind;
  void *held[2][RINGS_HELD]; /* roots, a row for each thread */
  uint32_t lengths[2][RINGS_HELD];
  uint64_t names[2][RINGS_HELD];
};

static struct node *ring_node(struct shape_worker *worker, gait_kind kind, uint64_t name) {
  struct node *node = shape_alloc(worker, kind, sizeof *node);
  node->ring = name;
  return node;
}

static struct node *ring_new(struct shape_worker *worker, gait_kind kind, uint64_t name,
                             uint32_t length) {
  gait_thread *thread = worker->thread;
  struct node *first = ring_node(worker, kind, name), *last = first;
  gait_store(thread, &first->across, first);
  for (uint32_t i = 1; i < length; i++) {
    struct node *node = ring_node(worker, kind, name);
    gait_store(thread, &node->across, random_below(&worker->random, 2) ? first : last);
    gait_store(thread, &node->previous, last);
    gait_store(thread, &last->next, node);
    last = node;
  }
  gait_store(thread, &last->next, first);
  gait_store(thread, &first->previous, last);
  return first;
}

static void ring_check(const struct shape_worker *worker, struct node *first, uint64_t name,
                       uint32_t length) {
  struct node *node = first;
  for (uint32_t i = 0; i < length; i++, node = node->next)
    if (!node || node->ring != name || node->next->previous != node || node->across->ring != name)
      shape_fail(worker->run, "node %u of a ring of %u is not what it was", i, length);
  if (node != first) shape_fail(worker->run, "a ring of %u does not close", length);
}

/* Cuts the second half out, which is a ring of its own then, and forgets it. */
static uint32_t ring_cut(struct shape_worker *worker, struct node *first, uint32_t length) {
  gait_thread *thread = worker->thread;
  const uint32_t left = length / 2;
  struct node *end = first, *cut, *last = first->previous;
  if (left == 0) return length;
  for (uint32_t i = 1; i < left; i++)
    end = end->next;
  cut = end->next;
  gait_store(thread, &end->next, first);
  gait_store(thread, &first->previous, end);
  gait_store(thread, &last->next, cut);
  gait_store(thread, &cut->previous, last);
  return left;
}

static void rings_work(struct shape_worker *worker) {
  struct rings *rings = worker->arg;
  void **held = rings->held[worker->index];
  uint32_t *lengths = rings->lengths[worker->index];
  uint64_t *names = rings->names[worker->index];
  for (uint32_t turn = 0; turn < 2500 * worker->run->scale; turn++) {
    const uint32_t place = random_below(&worker->random, RINGS_HELD);
    struct node *ring = gait_load(&held[place]);
    if (ring) ring_check(worker, ring, names[place], lengths[place]);
    if (ring && random_below(&worker->random, 3)) {
      lengths[place] = ring_cut(worker, ring, lengths[place]);
      continue;
    }
    lengths[place] = 1 + random_below(&worker->random, RINGS_LONGEST);
    names[place] = (uint64_t)worker->index << 32 | turn;
    gait_store(worker->thread, &held[place],
               ring_new(worker, rings->kind, names[place], lengths[place]));
  }
  gait_clear(worker->thread, held, RINGS_HELD);
}

/* Nothing is held now.  A word on this thread's stack may look like a reference to some ring, not
 * to many. */
static void rings_look(struct shape_worker *worker) {
  gait_cycle_record record;
  gait_stats stats;
  if (gait_heap_collect(worker->thread) != GAIT_OK) shape_fail(worker->run, "no collection");
  gait_stats_read(worker->run->heap, &stats);
  if (gait_records_read(worker->run->heap, stats.cycles, &record, 1) != 1)
    shape_fail(worker->run, "the last cycle left no record");
  if (record.marked_objects > 4 * RINGS_LONGEST)
    shape_fail(worker->run, "%u objects are left of rings that were dropped",
               (unsigned)record.marked_objects);
}

void shape_rings(struct shape_run *run) {
  static struct rings rings;
  rings = (struct rings){.kind = shape_kind(run, "node", 1 << 0 | 1 << 1 | 1 << 2, false)};
  shape_roots(run, rings.held, sizeof rings.held);
  shape_threads(run, 2, rings_work, &rings);
  shape_threads(run, 1, rings_look, NULL);
  shape_roots_end(run, rings.held);
}
