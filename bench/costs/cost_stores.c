/* cost_stores.c: loads and stores, in each state of the barrier.
 *
 *   off       no cycle runs
 *   noting    young cycles are expected: a store leaves a note of where it was
 *   marking   another thread collects a list; parts of the loop are timed whose barrier is on */
#include "costs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "gait/weak.h"

#define SLOTS       4096u
#define QUIET_PARTS 140 /* of SLOTS stores each, in each run */
#define MARK_PARTS  30
#define LIST_LINKS  2000000u /* for long marks */

struct stored {
  void **slots;     /* an old object */
  uint64_t *words;  /* and another, of tagged words */
  void *values[64]; /* old as well, and slots of a frame */
  gait_frame frame;
  gait_weak *weak;
};

typedef void store_body(gait_thread *thread, struct stored *stored);

#define STORE_LOOP(name, operation)                                                                \
  static void name(gait_thread *thread, struct stored *stored) {                                   \
    for (size_t i = 0; i < SLOTS; i++) {                                                           \
      void *value = stored->values[i % 64];                                                        \
      (void)thread, (void)value;                                                                   \
      operation;                                                                                   \
    }                                                                                              \
  }

STORE_LOOP(plainly, __atomic_store_n(&stored->slots[i], value, __ATOMIC_RELEASE))
STORE_LOOP(by_store, gait_store(thread, &stored->slots[i], value))
STORE_LOOP(by_init, gait_store_init(thread, &stored->slots[i], value))
STORE_LOOP(by_word, gait_store_word(thread, &stored->words[i], (uintptr_t)value))
STORE_LOOP(by_number, gait_store_word(thread, &stored->words[i], 2 * i + 1))
STORE_LOOP(by_cas, gait_cas(thread, &stored->slots[i], stored->slots[i], value))
STORE_LOOP(by_load, __asm__ volatile("" : : "r"(gait_load(&stored->slots[i]))))
STORE_LOOP(by_weak_get, __asm__ volatile("" : : "r"(gait_weak_get(thread, stored->weak))))

static void by_copy(gait_thread *thread, struct stored *stored) {
  gait_copy(thread, stored->slots, stored->slots + SLOTS, SLOTS);
}

static void by_copy_and_clear(gait_thread *thread, struct stored *stored) {
  by_copy(thread, stored);
  gait_clear(thread, stored->slots, SLOTS);
}

static const struct {
  const char *name;
  store_body *body;
} rows[] = {
    {"a plain store", plainly},
    {"`gait_store`", by_store},
    {"`gait_store_init`", by_init},
    {"`gait_store_word`, a reference", by_word},
    {"`gait_store_word`, a number", by_number},
    {"`gait_cas`", by_cas},
    {"`gait_copy`, each reference", by_copy},
    {"`gait_copy` and `gait_clear`, each reference", by_copy_and_clear},
    {"`gait_load`", by_load},
    {"`gait_weak_get`", by_weak_get},
};

#define ROWS (sizeof rows / sizeof *rows)

static double quiet_cost(struct bench *bench, struct stored *stored, store_body *body) {
  uint64_t least = UINT64_MAX;
  for (int part = 0; part < QUIET_PARTS * cost_runs; part++) {
    const uint64_t before = cost_now_ns();
    body(bench->thread, stored);
    const uint64_t took = cost_now_ns() - before;
    if (took < least) least = took;
  }
  return (double)least / SLOTS;
}

/* ---- While a cycle marks ---- */

struct marker {
  gait_heap *heap;
  atomic_bool over;
};

static void *marker_main(void *arg) {
  struct marker *marker = arg;
  gait_thread *thread;
  cost_require(gait_thread_attach(marker->heap, "marker", GAIT_STACK_EXACT, &thread) == GAIT_OK,
               "gait_thread_attach");
  while (!atomic_load(&marker->over))
    gait_heap_collect(thread);
  gait_thread_detach(thread);
  return NULL;
}

static bool is_marking(const struct bench *bench) {
  return (gait_fast_of(bench->thread)->marking & (GAIT_SHADE_OLD | GAIT_SHADE_NEW)) != 0;
}

/* The mean over parts, as shading has work that comes by and by. */
static double marking_cost(struct bench *bench, struct stored *stored, store_body *body) {
  uint64_t sum = 0;
  for (int part = 0; part < MARK_PARTS * cost_runs; part++) {
    while (!is_marking(bench))
      gait_thread_poll(bench->thread);
    const uint64_t before = cost_now_ns();
    body(bench->thread, stored);
    sum += cost_now_ns() - before;
    gait_thread_poll(bench->thread);
  }
  return (double)sum / MARK_PARTS / cost_runs / SLOTS;
}

/* ---- The table ---- */

static void stored_make(struct bench *bench, struct stored *stored, gait_frame *frame,
                        void *roots[4]) {
  memset(stored, 0, sizeof *stored);
  gait_frame_push(bench->thread, frame, roots, 4);
  gait_frame_push(bench->thread, &stored->frame, stored->values, 64);
  roots[0] = stored->slots =
      gait_alloc(bench->thread, bench->references, 2 * SLOTS * sizeof(void *));
  roots[1] = stored->words = gait_alloc(bench->thread, bench->tagged, SLOTS * sizeof(uint64_t));
  for (size_t i = 0; i < 64; i++) {
    stored->values[i] = gait_alloc(bench->thread, gait_kind_leaf(bench->heap), 16);
    for (size_t slot = i; slot < 2 * SLOTS; slot += 64)
      gait_store(bench->thread, &stored->slots[slot], stored->values[i]);
  }
  roots[2] = stored->weak = gait_weak_create(bench->thread, stored->values[0]);
  for (int i = 0; i < 3; i++) /* all of it is old then */
    gait_heap_collect(bench->thread);
}

static void quiet_costs(int64_t young_percent, double *costs) {
  struct bench bench;
  struct stored stored;
  gait_frame frame;
  void *roots[4] = {NULL};
  bench_begin(&bench, young_percent);
  stored_make(&bench, &stored, &frame, roots);
  cost_require(gait_fast_of(bench.thread)->marking ==
                   (young_percent == GAIT_OFF ? 0 : GAIT_REMEMBER),
               "the barrier's state");
  for (size_t row = 0; row < ROWS; row++)
    costs[row] = quiet_cost(&bench, &stored, rows[row].body);
  gait_frame_pop(bench.thread, &stored.frame);
  gait_frame_pop(bench.thread, &frame);
  bench_end(&bench);
}

static void *list_of(struct bench *bench, void **root, size_t links) {
  for (size_t i = 0; i < links; i++) {
    void **link = gait_alloc(bench->thread, bench->references, 16);
    gait_store_init(bench->thread, link, *root);
    *root = link;
  }
  return *root;
}

static void marking_costs(double *costs) {
  struct bench bench;
  struct stored stored;
  gait_frame frame;
  void *roots[4] = {NULL};
  pthread_t id;
  bench_begin(&bench, GAIT_OFF);
  stored_make(&bench, &stored, &frame, roots);
  list_of(&bench, &roots[3], LIST_LINKS);
  struct marker marker = {.heap = bench.heap};
  cost_require(pthread_create(&id, NULL, marker_main, &marker) == 0, "pthread_create");
  for (size_t row = 0; row < ROWS; row++)
    costs[row] = marking_cost(&bench, &stored, rows[row].body);
  atomic_store(&marker.over, true);
  gait_thread_leave(bench.thread);
  pthread_join(id, NULL);
  gait_thread_enter(bench.thread);
  gait_frame_pop(bench.thread, &stored.frame);
  gait_frame_pop(bench.thread, &frame);
  bench_end(&bench);
}

void costs_of_stores(void) {
  double off[ROWS], noting[ROWS], marking[ROWS];
  quiet_costs(GAIT_OFF, off);
  quiet_costs(100, noting);
  marking_costs(marking);
  printf("| Loads and stores | barrier off, ns | young cycles, ns | while marking, ns |\n"
         "|---|---|---|---|\n");
  for (size_t row = 0; row < ROWS; row++)
    printf("| %s | %.1f | %.1f | %.1f |\n", rows[row].name, off[row], noting[row], marking[row]);
}
