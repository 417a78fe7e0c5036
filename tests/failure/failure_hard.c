/* failure_hard: memory and threads refused where the collector can least do without.
 *
 *   failure_hard CASE
 *
 * Each case brings a heap into one state, in which nothing more is to be had, and asserts what the
 * contract promises.  A collector that waits for memory there hangs; the runner's time-out ends it.
 */
#include <gait/ephemeron.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cells.h"
#include "cycle/cycle.h"
#include "inject.h"

#include "../support/random.h"
#include "../support/run_case.h"
#include "../support/sizes.h"

#define OBJECTS 20000

struct hard {
  gait_heap *heap;
  gait_thread *thread;
  gait_kind words;
  gait_frame frame;
  void **table; /* OBJECTS references, in the one slot of the frame */
  atomic_int step;
};

static void hard_open(struct hard *hard, int64_t gogc_percent) {
  gait_options options;
  gait_options_init(&options);
  options.reserve_bytes = (int64_t)1 << 30;
  options.gogc_percent = gogc_percent;
  options.min_heap_bytes = 1 << 20;
  options.debug.barrier_entries = 4;
  options.debug.mark_segments = 8;
  options.idle_help = 0;
  options.debug.heap_walk = options.debug.checkmark = 1;
  memset(hard, 0, sizeof *hard);
  MUST(gait_heap_create(&options, &hard->heap) == GAIT_OK);
  MUST(gait_thread_attach(hard->heap, "hard", GAIT_STACK_EXACT, &hard->thread) == GAIT_OK);
  gait_frame_push(hard->thread, &hard->frame, (void **)&hard->table, 1);
  hard->words = gait_kind_conservative(hard->heap);
}

static void hard_close(struct hard *hard) {
  inject_disarm();
  gait_frame_pop(hard->thread, &hard->frame);
  MUST(gait_thread_detach(hard->thread) == GAIT_OK);
  MUST(gait_heap_destroy(hard->heap) == GAIT_OK);
}

static void hard_fill(struct hard *hard) {
  hard->table = gait_alloc(hard->thread, hard->words, OBJECTS * sizeof(void *));
  MUST(hard->table);
  for (size_t i = 0; i < OBJECTS; i++) {
    uint64_t *object = gait_alloc(hard->thread, hard->words, 64);
    MUST(object);
    object[7] = ~(uint64_t)i;
    gait_store_init(hard->thread, &hard->table[i], object);
  }
}

static void hard_await(struct hard *hard, int step) {
  while (atomic_load(&hard->step) < step)
    usleep(200);
}

static void *hard_collect_elsewhere(void *arg) {
  struct hard *hard = arg;
  gait_thread *thread;
  MUST(gait_thread_attach(hard->heap, "collects", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  atomic_store(&hard->step, 1);
  MUST(gait_heap_collect(thread) == GAIT_OK);
  MUST(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static void *hard_join(void *arg) {
  pthread_join(*(pthread_t *)arg, NULL);
  return NULL;
}

/* Starts a collection on another thread and goes on until its cycle is in `phase`, answering the
 * first `answers` handshakes. */
static void hard_reach(struct hard *hard, pthread_t *collects, enum gaiti_phase phase) {
  inject_thread_start(collects, hard_collect_elsewhere, hard);
  hard_await(hard, 1);
  while (gaiti_phase(hard->heap) < phase) {
    if (phase != GAITI_PHASE_START || gaiti_phase(hard->heap) != GAITI_PHASE_START)
      gait_thread_poll(hard->thread);
    sched_yield();
  }
}

/* ---- The cases ---- */

/* A collection is wanted most when there is no memory: it needs none. */
static void hard_no_memory_to_collect(void) {
  struct hard hard;
  gait_stats stats;
  gait_cycle_record record;
  hard_open(&hard, GAIT_OFF);
  hard_fill(&hard);
  inject_arm(INJECT_ALL, 1, true);
  MUST(gait_heap_collect(hard.thread) == GAIT_OK);
  MUST(gait_records_read(hard.heap, 1, &record, 1) == 1 && record.marked_objects == OBJECTS + 1);
  hard.table = NULL;
  MUST(gait_heap_collect(hard.thread) == GAIT_OK);
  gait_stats_read(hard.heap, &stats);
  MUST(stats.cycles == 2 && stats.forced_cycles == 2);
  MUST(gait_records_read(hard.heap, 2, &record, 1) == 1 && record.marked_objects == 0);
  hard_close(&hard);
}

/* Garbage of 64 MiB on a heap that should stay near one. */
static void hard_no_thread(void) {
  for (int rest = 0; rest < 2; rest++) {
    struct hard hard;
    gait_stats stats;
    hard_open(&hard, 100);
    inject_arm(INJECT_ONE(INJECT_THREAD), 1, rest);
    for (size_t bytes = 0; bytes < 64 * MIB; bytes += 512)
      MUST(gait_alloc(hard.thread, hard.words, 512));
    MUST(inject_failed() > 0);
    gait_stats_read(hard.heap, &stats);
    MUST(stats.cycles > 0 && stats.mapped_peak_bytes < 32 * MIB);
    hard_close(&hard);
  }
}

static void *hard_leave_and_enter(void *arg) {
  struct hard *hard = arg;
  gait_thread *thread;
  MUST(gait_thread_attach(hard->heap, "leaves", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  gait_thread_leave(thread);
  atomic_store(&hard->step, 1);
  hard_await(hard, 2);
  gait_thread_enter(thread);
  MUST(gait_alloc(thread, hard->words, 16));
  MUST(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

/* The processor of a thread that is outside is taken by another; there is no memory for a new one
 * when the first comes back, so it has to wait until one is free. */
static void hard_no_memory_to_enter(void) {
  struct hard hard;
  pthread_t leaves;
  hard_open(&hard, GAIT_OFF);
  MUST(gait_alloc(hard.thread, hard.words, 16));
  gait_frame_pop(hard.thread, &hard.frame);
  MUST(gait_thread_detach(hard.thread) == GAIT_OK);
  inject_thread_start(&leaves, hard_leave_and_enter, &hard);
  hard_await(&hard, 1);
  MUST(gait_thread_attach(hard.heap, "takes", GAIT_STACK_EXACT, &hard.thread) == GAIT_OK);
  gait_frame_push(hard.thread, &hard.frame, (void **)&hard.table, 1);
  inject_arm(INJECT_ONE(INJECT_ALLOC), 1, true);
  atomic_store(&hard.step, 2);
  while (inject_failed() == 0)
    sched_yield();
  gait_thread_outside(hard.thread, hard_join, &leaves);
  hard_close(&hard);
}

/* Overwrites every reference of the table, so that each old one has to be shaded. */
static void hard_store_all(struct hard *hard) {
  for (size_t i = 0; i < OBJECTS / 2; i++) {
    void *object = hard->table[i];
    gait_store(hard->thread, &hard->table[i], hard->table[OBJECTS - 1 - i]);
    gait_store(hard->thread, &hard->table[OBJECTS - 1 - i], object);
  }
}

static void hard_look_at_all(struct hard *hard) {
  for (size_t i = 0; i < OBJECTS; i++) {
    const uint64_t *object = hard->table[i];
    MUST(object[7] == ~(uint64_t)(OBJECTS - 1 - i));
  }
}

static void *hard_sit(void *arg) {
  struct hard *hard = arg;
  gait_thread *thread;
  MUST(gait_thread_attach(hard->heap, "sits", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  atomic_store(&hard->step, 1);
  while (atomic_load(&hard->step) < 3)
    sched_yield();
  MUST(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static void *hard_collect_once(void *arg) {
  struct hard *hard = arg;
  gait_thread *thread;
  MUST(gait_thread_attach(hard->heap, "collects", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  MUST(gait_heap_collect(thread) == GAIT_OK);
  MUST(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

/* One thread has its barrier on and stores without end; another has not answered, so no marker may
 * empty a buffer yet. */
static void hard_no_memory_to_shade_at_the_start(void) {
  struct hard hard;
  pthread_t sits, collects;
  hard_open(&hard, GAIT_OFF);
  hard_fill(&hard);
  inject_thread_start(&sits, hard_sit, &hard);
  hard_await(&hard, 1);
  inject_thread_start(&collects, hard_collect_once, &hard);
  while (!gait_fast_of(hard.thread)->marking) {
    gait_thread_poll(hard.thread);
    sched_yield();
  }
  inject_arm(INJECT_ONE(INJECT_ALLOC), 1, true);
  hard_store_all(&hard);
  MUST(inject_failed() > 0);
  atomic_store(&hard.step, 3);
  gait_thread_outside(hard.thread, hard_join, &collects);
  gait_thread_outside(hard.thread, hard_join, &sits);
  hard_look_at_all(&hard);
  inject_disarm();
  MUST(gait_heap_collect(hard.thread) == GAIT_OK);
  hard_look_at_all(&hard);
  hard_close(&hard);
}

/* The same while marking: the collector has no memory for a marker that would empty the buffers. */
static void hard_no_memory_to_shade_while_marking(void) {
  struct hard hard;
  pthread_t collects;
  hard_open(&hard, GAIT_OFF);
  hard_fill(&hard);
  hard_reach(&hard, &collects, GAITI_PHASE_MARK);
  inject_arm(INJECT_ONE(INJECT_ALLOC), 1, true);
  hard_store_all(&hard);
  gait_thread_outside(hard.thread, hard_join, &collects);
  hard_look_at_all(&hard);
  inject_disarm();
  MUST(gait_heap_collect(hard.thread) == GAIT_OK);
  hard_look_at_all(&hard);
  hard_close(&hard);
}

#define HARD_PAIRS 1000

/* The first half of the table has ephemerons, of leaves that nothing else refers to. */
static void hard_fill_pairs(struct hard *hard) {
  const gait_kind leaf = gait_kind_leaf(hard->heap);
  hard->table = gait_alloc(hard->thread, hard->words, 2 * HARD_PAIRS * sizeof(void *));
  MUST(hard->table);
  for (size_t i = 0; i < HARD_PAIRS; i++) {
    void *key = gait_alloc(hard->thread, leaf, 16);
    uint64_t *value = gait_alloc(hard->thread, leaf, 16);
    MUST(key && value);
    *value = ~(uint64_t)i;
    gait_store(hard->thread, &hard->table[i], gait_ephemeron_new(hard->thread, key, value));
  }
}

/* All is marked but the keys, for which the ephemerons wait, when a thread gets one after the other
 * and has no buffer for them. */
static void hard_no_memory_to_shade_keys(void) {
  struct hard hard;
  pthread_t collects;
  hard_open(&hard, GAIT_OFF);
  hard_fill_pairs(&hard);
  hard_reach(&hard, &collects, GAITI_PHASE_FLUSH);
  inject_arm(INJECT_ONE(INJECT_ALLOC), 1, true);
  for (size_t i = 0; i < HARD_PAIRS; i++)
    gait_store(hard.thread, &hard.table[HARD_PAIRS + i],
               gait_ephemeron_key(hard.thread, hard.table[i]));
  MUST(inject_failed() > 0);
  gait_thread_outside(hard.thread, hard_join, &collects);
  inject_disarm();
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < HARD_PAIRS; i++) {
      const uint64_t *value = gait_ephemeron_value(hard.thread, hard.table[i]);
      MUST(value && *value == ~(uint64_t)i);
      MUST(gait_ephemeron_key(hard.thread, hard.table[i]) == hard.table[HARD_PAIRS + i]);
    }
    MUST(gait_heap_collect(hard.thread) == GAIT_OK);
  }
  hard_close(&hard);
}

static void hard_trace_nothing(gait_tracer *tracer, void *arg) {
  (void)tracer;
  ++*(int *)arg;
}

/* A root is taken away while marking: whoever frees its memory next has no way to take a no. */
static void hard_no_memory_to_remove_roots(void) {
  struct hard hard;
  pthread_t collects;
  static void *range[4];
  int calls = 0;
  hard_open(&hard, GAIT_OFF);
  hard_fill(&hard);
  MUST(gait_roots_add(hard.heap, range, sizeof range, GAIT_ROOTS_BARRIERED) == GAIT_OK);
  MUST(gait_roots_add_callback(hard.heap, hard_trace_nothing, &calls, GAIT_ROOTS_BARRIERED) ==
       GAIT_OK);
  hard_reach(&hard, &collects, GAITI_PHASE_MARK);
  inject_arm(INJECT_ONE(INJECT_ALLOC), 1, true);
  MUST(gait_roots_remove(hard.heap, range) == GAIT_OK);
  MUST(gait_roots_remove_callback(hard.heap, hard_trace_nothing, &calls) == GAIT_OK);
  gait_thread_outside(hard.thread, hard_join, &collects);
  hard_close(&hard);
}

/* A table at its limit grows at the next object, but not for one that it has. */
static void hard_no_memory_to_lower_external(void) {
  struct hard hard;
  hard_open(&hard, GAIT_OFF);
  hard_fill(&hard);
  inject_arm(INJECT_ONE(INJECT_ALLOC), 1, false);
  inject_disarm();
  size_t taken = 0;
  for (; taken < OBJECTS; taken++) {
    inject_arm(INJECT_ONE(INJECT_ALLOC), 1, true);
    const gait_result result = gait_object_set_external(hard.thread, hard.table[taken], 100);
    MUST(result == GAIT_OK || result == GAIT_ERROR_MEMORY);
    for (size_t i = 0; i < taken && i < 40; i++) {
      MUST(gait_object_set_external(hard.thread, hard.table[i], 50) == GAIT_OK);
      MUST(gait_object_set_external(hard.thread, hard.table[i], 100) == GAIT_OK);
    }
    inject_disarm();
    if (result != GAIT_OK)
      MUST(gait_object_set_external(hard.thread, hard.table[taken], 100) == GAIT_OK);
    if (taken > 1000) break;
  }
  inject_arm(INJECT_ONE(INJECT_ALLOC), 1, true);
  for (size_t i = 0; i <= taken; i++)
    MUST(gait_object_set_external(hard.thread, hard.table[i], 0) == GAIT_OK);
  gait_stats stats;
  gait_stats_read(hard.heap, &stats);
  MUST(stats.external_bytes == 0);
  hard_close(&hard);
}

/* ---- Threads that store while memory comes and goes ---- */

#define STORM_THREADS 3
#define STORM_SLOTS   500
#define STORM_ROUNDS  20

/* Objects of one thread.  Each refers to one more that nothing else refers to, and that has the
 * number of the slot in which it was put first; slots only exchange what they have. */
struct storm {
  struct hard *hard;
  gait_thread *thread;
  void **table;
  void **fresh;
  uint64_t random;
};

static uint64_t storm_number(const void *object) {
  return ((uint64_t *const *)object)[0][3];
}

/* Makes a new pair for a slot; false when there is no memory for it. */
static bool storm_make(struct storm *storm, size_t slot, uint64_t number) {
  storm->fresh =
      gait_alloc(storm->thread, storm->hard->words, 16 + random_next(&storm->random) % 100);
  if (!storm->fresh) return false;
  uint64_t *inner = gait_alloc(storm->thread, storm->hard->words, 64);
  if (!inner) return false;
  inner[3] = number;
  gait_store_init(storm->thread, storm->fresh, inner);
  gait_store(storm->thread, &storm->table[slot], storm->fresh);
  return true;
}

static void storm_exchange(struct storm *storm) {
  const size_t one = random_next(&storm->random) % STORM_SLOTS,
               other = random_next(&storm->random) % STORM_SLOTS;
  void *kept = storm->table[one];
  gait_store(storm->thread, &storm->table[one], storm->table[other]);
  gait_store(storm->thread, &storm->table[other], kept);
}

/* Each number is there once. */
static void storm_check(const struct storm *storm) {
  bool seen[STORM_SLOTS] = {false};
  for (size_t i = 0; i < STORM_SLOTS; i++) {
    const uint64_t number = storm_number(storm->table[i]);
    MUST(number < STORM_SLOTS && !seen[number]);
    seen[number] = true;
  }
}

static void *storm_run(void *arg) {
  struct hard *hard = arg;
  struct storm storm = {.hard = hard, .random = (uint64_t)(uintptr_t)&storm | 1};
  gait_frame tables, fresh;
  MUST(gait_thread_attach(hard->heap, "storm", GAIT_STACK_EXACT, &storm.thread) == GAIT_OK);
  gait_frame_push(storm.thread, &tables, (void **)&storm.table, 1);
  gait_frame_push(storm.thread, &fresh, (void **)&storm.fresh, 1);
  MUST(storm.table = gait_alloc(storm.thread, hard->words, STORM_SLOTS * sizeof *storm.table));
  for (size_t i = 0; i < STORM_SLOTS; i++)
    MUST(storm_make(&storm, i, i));
  atomic_fetch_add(&hard->step, 1);
  while (atomic_load(&hard->step) <= STORM_THREADS) {
    for (int i = 0; i < 50; i++)
      storm_exchange(&storm);
    const size_t slot = random_next(&storm.random) % STORM_SLOTS;
    storm_make(&storm, slot, storm_number(storm.table[slot]));
    gait_thread_poll(storm.thread);
  }
  storm_check(&storm);
  gait_frame_pop(storm.thread, &fresh);
  gait_frame_pop(storm.thread, &tables);
  MUST(gait_thread_detach(storm.thread) == GAIT_OK);
  return NULL;
}

static void hard_storm(void) {
  struct hard hard;
  pthread_t threads[STORM_THREADS];
  hard_open(&hard, 50);
  for (int i = 0; i < STORM_THREADS; i++)
    inject_thread_start(&threads[i], storm_run, &hard);
  hard_await(&hard, STORM_THREADS);
  uint64_t failed = 0;
  for (uint64_t round = 0; round < STORM_ROUNDS; round++) {
    inject_arm(INJECT_ONE(INJECT_ALLOC) | INJECT_ONE(INJECT_MPROTECT), 1 + round % 7, round % 3);
    MUST(gait_heap_collect(hard.thread) == GAIT_OK);
    failed += inject_failed();
    inject_disarm();
    if (round % 4 == 0) MUST(gait_heap_collect(hard.thread) == GAIT_OK);
  }
  MUST(failed > 0);
  atomic_store(&hard.step, STORM_THREADS + 1);
  for (int i = 0; i < STORM_THREADS; i++)
    gait_thread_outside(hard.thread, hard_join, &threads[i]);
  hard_close(&hard);
}

/* What is made once in a process. */
static void hard_child(void (*run)(void)) {
  fflush(stdout);
  const pid_t child = fork();
  MUST(child >= 0);
  if (child == 0) {
    run();
    _exit(0);
  }
  int status = 0;
  MUST(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void hard_key_refused(void) {
  gait_heap *heap;
  gait_thread *thread;
  MUST(gait_heap_create(NULL, &heap) == GAIT_OK);
  inject_arm(INJECT_ONE(INJECT_KEY), 1, true);
  MUST(gait_thread_attach(heap, "keyless", GAIT_STACK_EXACT, &thread) == GAIT_ERROR_SYSTEM);
  inject_disarm();
  MUST(!thread && gait_heap_destroy(heap) == GAIT_OK);
}

static void hard_fork_handler_refused(void) {
  gait_heap *heap;
  const struct inject_balance before = inject_balance();
  inject_arm(INJECT_ONE(INJECT_ATFORK), 1, false);
  MUST(gait_heap_create(NULL, &heap) == GAIT_ERROR_SYSTEM && !heap);
  inject_disarm();
  MUST(inject_balance().blocks == before.blocks);
  MUST(inject_balance().mapped_bytes == before.mapped_bytes);
}

static void hard_once(void) {
  hard_child(hard_key_refused);
  hard_child(hard_fork_handler_refused);
}

static const struct run_case hard_cases[] = {
    {"no_memory_to_collect", hard_no_memory_to_collect},
    {"no_thread", hard_no_thread},
    {"no_memory_to_enter", hard_no_memory_to_enter},
    {"no_memory_to_shade_at_the_start", hard_no_memory_to_shade_at_the_start},
    {"no_memory_to_shade_while_marking", hard_no_memory_to_shade_while_marking},
    {"no_memory_to_shade_keys", hard_no_memory_to_shade_keys},
    {"no_memory_to_remove_roots", hard_no_memory_to_remove_roots},
    {"no_memory_to_lower_external", hard_no_memory_to_lower_external},
    {"storm", hard_storm},
    {"once", hard_once},
    {NULL, NULL},
};

int main(int argc, char **argv) {
  const struct run_case *table = hard_cases,
                        *one = run_case_find(&table, 1, argc == 2 ? argv[1] : NULL);
  cells_where = one->name;
  one->run();
  return EXIT_SUCCESS;
}
