/* A client that allocates and stores by gait/jit.h alone, under the checks that find a reference
 * which the barrier missed: cycles of every kind run meanwhile, and a queue of objects that is
 * pushed at one end and popped at the other stays whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gait/tune.h>

#include "fast_path.h"

#define QUEUE_MOST 500u
#define ROUNDS     60000u

static void require_at(bool holds, const char *condition, int line) {
  if (holds) return;
  fprintf(stderr, "jit.c:%d: %s\n", line, condition);
  exit(EXIT_FAILURE);
}
#define REQUIRE(condition) require_at((condition), #condition, __LINE__)

struct cell {
  struct cell *next;
  uint64_t number;
  struct cell *payload;
};

struct queue {
  struct cell *first;
  struct cell *last;
  uint64_t popped;
  uint64_t pushed;
};

static void *jit_new(gait_thread *thread, gait_kind kind, size_t bytes) {
  const unsigned char *object =
      jit_alloc(thread, kind, bytes, gait_size_class(bytes), gait_slot_bytes(bytes));
  REQUIRE(object);
  for (size_t i = 0; i < bytes; i++)
    REQUIRE(object[i] == 0);
  return (void *)object;
}

static struct cell *cell_new(gait_thread *thread, gait_kind kind, uint64_t number) {
  struct cell *cell = jit_new(thread, kind, sizeof *cell);
  cell->number = number;
  return cell;
}

/* The payload is found through a slot that is stored to again and again. */
static void queue_push(gait_thread *thread, gait_kind kind, struct queue *queue) {
  struct cell *cell = cell_new(thread, kind, queue->pushed++);
  jit_store_init(thread, &cell->payload, cell_new(thread, kind, ~cell->number));
  if (queue->last)
    jit_store(thread, &queue->last->next, cell);
  else
    jit_store(thread, &queue->first, cell);
  jit_store(thread, &queue->last, cell);
}

static void queue_pop(gait_thread *thread, struct queue *queue) {
  struct cell *cell = queue->first;
  REQUIRE(cell->number == queue->popped++ && cell->payload->number == ~cell->number);
  if (cell->next) jit_store(thread, &cell->next->payload, cell->next->payload);
  jit_store(thread, &queue->first, cell->next);
}

/* Garbage of a class of its own each time: the table of cursors is used from end to end. */
static void churn(gait_thread *thread, gait_kind leaf, unsigned round) {
  const size_t bytes = 1 + round * 7919u % GAIT_SMALL_BYTES;
  memset(jit_new(thread, leaf, bytes), 0xab, bytes);
  jit_poll(thread);
}

/* Old objects, each of which gets its payload late: the first store to a slot has to leave a note
 * as well. */
#define ELDERS      64u
#define ELDER_EVERY (ROUNDS / ELDERS)
static struct cell *elders[ELDERS];

static void elders_open(gait_heap *heap, gait_thread *thread, gait_kind kind) {
  memset(elders, 0, sizeof elders);
  REQUIRE(gait_roots_add(heap, elders, sizeof elders, GAIT_ROOTS_BARRIERED) == GAIT_OK);
  for (unsigned i = 0; i < ELDERS; i++)
    jit_store(thread, &elders[i], cell_new(thread, kind, i));
}

static void elders_close(gait_heap *heap, unsigned rounds) {
  for (unsigned i = 0; i < rounds / ELDER_EVERY; i++)
    REQUIRE(elders[i]->number == i && elders[i]->payload->number == ~(uint64_t)i);
  REQUIRE(gait_roots_remove(heap, elders) == GAIT_OK);
}

static void play(gait_heap *heap, gait_thread *thread, gait_kind kind) {
  static struct queue queue;
  memset(&queue, 0, sizeof queue);
  REQUIRE(gait_roots_add(heap, &queue, 2 * sizeof(void *), GAIT_ROOTS_BARRIERED) == GAIT_OK);
  elders_open(heap, thread, kind);
  for (unsigned round = 0; round < ROUNDS; round++) {
    const unsigned elder = round / ELDER_EVERY;
    if (round % ELDER_EVERY == ELDER_EVERY - 1 && elder < ELDERS)
      jit_store_init(thread, &elders[elder]->payload, cell_new(thread, kind, ~(uint64_t)elder));
    queue_push(thread, kind, &queue);
    if (queue.pushed - queue.popped > QUEUE_MOST) queue_pop(thread, &queue);
    if (round % 16 == 0) churn(thread, gait_kind_leaf(heap), round);
  }
  elders_close(heap, ROUNDS);
  REQUIRE(gait_roots_remove(heap, &queue) == GAIT_OK);
}

static void run(int64_t young_percent, int64_t collect_every) {
  static const uint64_t map[] = {1u << 0 | 1u << 2};
  const gait_kind_info info = {.name = "cell",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(struct cell),
                               .pointer_map = map};
  gait_options options;
  gait_heap *heap;
  gait_thread *thread;
  gait_kind kind;
  gait_stats stats;
  gait_options_init(&options);
  options.young_percent = young_percent;
  options.min_heap_bytes = 1 << 20;
  options.debug.run_bytes = 16 << 10; /* as in a build that does not shrink it */
  options.debug.collect_every = collect_every;
  options.debug.checkmark = options.debug.poison = options.debug.heap_walk = 1;
  REQUIRE(gait_heap_create(&options, &heap) == GAIT_OK);
  REQUIRE(gait_kind_register(heap, &info, &kind) == GAIT_OK);
  REQUIRE(gait_thread_attach(heap, "jit", GAIT_STACK_CONSERVATIVE, &thread) == GAIT_OK);
  jit_slow = 0;
  play(heap, thread, kind);
  gait_stats_read(heap, &stats);
  REQUIRE(stats.cycles > 5 && (young_percent == 0) == (stats.young_cycles == 0));
  REQUIRE(stats.alloc_objects >= 2 * ROUNDS);
  REQUIRE(collect_every || jit_slow < stats.alloc_objects / 2);
  REQUIRE(gait_thread_detach(thread) == GAIT_OK && gait_heap_destroy(heap) == GAIT_OK);
}

int main(void) {
  run(0, 0);
  run(100, 0);
  run(100, 1000);
  return EXIT_SUCCESS;
}
