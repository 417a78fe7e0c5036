/* Threads: attached, detached, gone without a word, outside, blocked, late, many. */
#include "unit.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "../support/random.h"
#include "../support/sanitizer.h"

const char *const unit_suite_name = "threads";

START_TEST(threads_attach_and_detach) {
  const gait_options options = unit_options(_i);
  gait_heap *heap = NULL;
  ck_assert_int_eq(gait_heap_create(&options, &heap), GAIT_OK);
  for (unsigned round = 0; round < 100; round++) {
    gait_thread *thread = NULL, *second = NULL;
    const gait_thread_roots roots = round % 2 ? GAIT_STACK_EXACT : GAIT_STACK_CONSERVATIVE;
    ck_assert_int_eq(gait_thread_attach(heap, round % 3 ? NULL : "name", roots, &thread), GAIT_OK);
    ck_assert_ptr_eq(gait_thread_heap(thread), heap);
    ck_assert_int_eq(gait_thread_attach(heap, NULL, roots, &second), GAIT_ERROR_ALREADY);
    ck_assert_ptr_null(second);
    ck_assert_uint_eq(unit_stats(heap).threads, 1);
    if (round % 5 == 0) ck_assert_int_eq(gait_heap_collect(thread), GAIT_OK);
    ck_assert_ptr_nonnull(gait_alloc(thread, gait_kind_leaf(heap), 64));
    if (round % 2) gait_thread_leave(thread); /* detaching works from either state */
    ck_assert_int_eq(gait_thread_detach(thread), GAIT_OK);
    ck_assert_uint_eq(unit_stats(heap).threads, 0);
  }
  ck_assert_int_eq(gait_heap_destroy(heap), GAIT_OK);
}
END_TEST

START_TEST(one_thread_on_several_heaps) {
  unit_world worlds[3];
  for (unsigned i = 0; i < 3; i++) {
    unit_open(&worlds[i], _i, GAIT_STACK_CONSERVATIVE);
    worlds[i].slots[0] = unit_tagged_leaf(&worlds[i], i);
  }
  for (unsigned i = 0; i < 3; i++)
    ck_assert_uint_eq(unit_alive(&worlds[i]), UNIT_TAG(i));
  for (unsigned i = 0; i < 3; i++)
    unit_close(&worlds[i]);
}
END_TEST

/* ---- Threads that exit ---- */

struct threads_errand {
  gait_heap *heap;
  int how;
  gait_thread *thread;
};

static void *threads_exit_attached(void *arg) {
  struct threads_errand *errand = arg;
  UNIT_CHECK(gait_thread_attach(errand->heap, "exits", GAIT_STACK_CONSERVATIVE, &errand->thread) ==
             GAIT_OK);
  for (int i = 0; i < 1000; i++)
    UNIT_CHECK(gait_alloc(errand->thread, gait_kind_conservative(errand->heap), 100) != NULL);
  if (errand->how % 2) gait_thread_leave(errand->thread);
  if (errand->how >= 2) pthread_exit(NULL);
  return NULL;
}

START_TEST(a_thread_that_exits_is_detached) {
  for (int i = 0; i < 40; i++) {
    struct threads_errand errand = {.heap = unit.heap, .how = i % 4};
    unit_on_thread(unit.thread, threads_exit_attached, &errand);
    ck_assert_uint_eq(unit_stats(unit.heap).threads, 1);
    if (i % 8 == 0) ck_assert_uint_eq(unit_alive(&unit), 0);
  }
  ck_assert_uint_eq(unit_stats(unit.heap).alloc_objects, 40 * 1000);
}
END_TEST

/* ---- Outside ---- */

static void *threads_double(void *arg) {
  return (char *)arg + (uintptr_t)arg;
}

START_TEST(outside_returns_the_result_of_its_function) {
  for (uintptr_t i = 1; i < 100; i++)
    ck_assert_ptr_eq(gait_thread_outside(unit.thread, threads_double, (void *)i), (void *)(2 * i));
  for (int i = 0; i < 1000; i++) {
    gait_thread_leave(unit.thread);
    gait_thread_enter(unit.thread);
    UNIT_CHECK(gait_alloc(unit.thread, unit.leaf, 48) != NULL);
  }
  ck_assert_uint_eq(unit_stats(unit.heap).alloc_objects, 1000);
}
END_TEST

struct threads_blocked {
  gait_heap *heap;
  sem_t ready;
  sem_t go;
};

static void threads_await(sem_t *semaphore) {
  while (sem_wait(semaphore) != 0) {
  }
}

static void *threads_wait(void *arg) {
  struct threads_blocked *blocked = arg;
  sem_post(&blocked->ready);
  threads_await(&blocked->go);
  return arg;
}

static void threads_blocked_init(struct threads_blocked *blocked, gait_heap *heap) {
  blocked->heap = heap;
  sem_init(&blocked->ready, 0, 0);
  sem_init(&blocked->go, 0, 0);
}

static void threads_start(struct threads_blocked *blocked, pthread_t *id, void *(*run)(void *)) {
  UNIT_CHECK(pthread_create(id, NULL, run, blocked) == 0);
}

/* Lets them end, and waits until they have.  The caller is outside. */
static void threads_let_go(struct threads_blocked *blocked, const pthread_t *ids, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    sem_post(&blocked->go);
  for (unsigned i = 0; i < count; i++)
    pthread_join(ids[i], NULL);
}

static void *threads_block_outside(void *arg) {
  struct threads_blocked *blocked = arg;
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(blocked->heap, "blocks", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  uint64_t *object = gait_alloc(thread, gait_kind_leaf(blocked->heap), 16);
  void *slots[1] = {object};
  gait_frame frame;
  gait_frame_push(thread, &frame, slots, 1);
  *object = (uintptr_t)slots;
  UNIT_CHECK(gait_thread_outside(thread, threads_wait, blocked) == blocked);
  UNIT_CHECK(*object == (uintptr_t)slots);
  UNIT_CHECK(gait_alloc(thread, gait_kind_leaf(blocked->heap), 16) != NULL);
  gait_frame_pop(thread, &frame);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

START_TEST(the_collector_does_not_wait_for_blocked_threads) {
  enum { THREADS = 20 };
  struct threads_blocked blocked;
  pthread_t threads[THREADS];
  gait_thread_leave(unit.thread);
  threads_blocked_init(&blocked, unit.heap);
  for (int i = 0; i < THREADS; i++)
    threads_start(&blocked, &threads[i], threads_block_outside);
  for (int i = 0; i < THREADS; i++)
    threads_await(&blocked.ready);
  gait_thread_enter(unit.thread);
  for (int i = 0; i < 10; i++)
    ck_assert_uint_eq(unit_marked_objects(&unit), THREADS);
  gait_thread_leave(unit.thread);
  threads_let_go(&blocked, threads, THREADS);
  gait_thread_enter(unit.thread);
  ck_assert_uint_eq(unit_marked_objects(&unit), 0);
}
END_TEST

/* Its object is known to its outermost frame alone. */
static void *threads_hold_outside(void *arg) {
  struct threads_blocked *blocked = arg;
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(blocked->heap, "holds", GAIT_STACK_CONSERVATIVE, &thread) ==
             GAIT_OK);
  uint64_t *volatile object = gait_alloc(thread, gait_kind_leaf(blocked->heap), 16);
  *object = 12345;
  gait_thread_leave(thread);
  threads_wait(blocked);
  gait_thread_enter(thread);
  UNIT_CHECK(*object == 12345);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

/* What is searched of an idle thread's stack are its frames, and not the 2 to 4 KiB that the C
 * library has above them. */
START_TEST(an_idle_stack_is_searched_to_its_first_frame) {
  enum { THREADS = 20, FRAME_BYTES = 1536 };
  ck_assert_uint_eq(unit_marked_objects(&unit), 0);
  const uint64_t root_bytes = unit_last_record(unit.heap).root_bytes;
  struct threads_blocked blocked;
  pthread_t threads[THREADS];
  gait_thread_leave(unit.thread);
  threads_blocked_init(&blocked, unit.heap);
  for (int i = 0; i < THREADS; i++)
    threads_start(&blocked, &threads[i], threads_hold_outside);
  for (int i = 0; i < THREADS; i++)
    threads_await(&blocked.ready);
  gait_thread_enter(unit.thread);
  ck_assert_uint_ge(unit_marked_objects(&unit), THREADS);
  if (!SANITIZER_ADDRESS && !SANITIZER_THREAD)
    ck_assert_uint_le(unit_last_record(unit.heap).root_bytes - root_bytes, THREADS * FRAME_BYTES);
  gait_thread_leave(unit.thread);
  threads_let_go(&blocked, threads, THREADS);
  gait_thread_enter(unit.thread);
}
END_TEST

/* ---- Crowds ---- */

struct threads_crowd {
  gait_heap *heap;
  gait_kind references;
  atomic_uint number;
  atomic_bool stop;
  atomic_uint_fast64_t allocated;
};

/* Builds lists, checks them, leaves and enters, until told to stop. */
static void *threads_work(void *arg) {
  struct threads_crowd *crowd = arg;
  const unsigned number = atomic_fetch_add(&crowd->number, 1);
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(crowd->heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  void *slots[2] = {NULL, NULL};
  gait_frame frame;
  gait_frame_push(thread, &frame, slots, 2);
  uint64_t random = number + 1, allocated = 0;
  for (unsigned round = 0; round < 4 || !atomic_load(&crowd->stop); round++) {
    slots[0] = NULL;
    const size_t length = 1 + random_next(&random) % 200;
    for (size_t i = 0; i < length; i++, allocated++) {
      void **node = gait_alloc(thread, crowd->references, 32);
      UNIT_CHECK(node != NULL && node[0] == NULL && node[1] == NULL && node[3] == NULL);
      gait_store_init(thread, &node[0], slots[0]);
      node[1] = (void *)(uintptr_t)(number << 16 | i);
      slots[0] = node;
    }
    if (random_next(&random) % 4 == 0) {
      gait_thread_leave(thread);
      usleep(100);
      gait_thread_enter(thread);
    }
    size_t left = length;
    for (void **node = slots[0]; node; node = node[0])
      UNIT_CHECK(node[1] == (void *)(uintptr_t)(number << 16 | --left));
    UNIT_CHECK(left == 0);
  }
  atomic_fetch_add(&crowd->allocated, allocated);
  gait_frame_pop(thread, &frame);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static void threads_run_crowd(int mode, unsigned count, unsigned cycles) {
  unit_world world;
  gait_options options = unit_options(mode);
  options.gogc_percent = 100;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  struct threads_crowd crowd = {.heap = world.heap, .references = world.references};
  pthread_t threads[256];
  UNIT_CHECK(count <= 256);
  for (unsigned i = 0; i < count; i++)
    UNIT_CHECK(pthread_create(&threads[i], NULL, threads_work, &crowd) == 0);
  for (unsigned i = 0; i < cycles; i++)
    UNIT_CHECK(gait_heap_collect(world.thread) == GAIT_OK);
  atomic_store(&crowd.stop, true);
  gait_thread_leave(world.thread);
  for (unsigned i = 0; i < count; i++)
    pthread_join(threads[i], NULL);
  gait_thread_enter(world.thread);
  const gait_stats stats = unit_stats(world.heap);
  ck_assert_uint_eq(stats.threads, 1);
  ck_assert_uint_ge(stats.cycles, cycles);
  ck_assert_uint_eq(stats.alloc_objects, atomic_load(&crowd.allocated));
  ck_assert_uint_eq(stats.alloc_bytes, 32 * atomic_load(&crowd.allocated));
  ck_assert_uint_eq(unit_marked_objects(&world), 0);
  unit_close(&world);
}

START_TEST(a_few_threads_work_during_cycles) {
  threads_run_crowd(_i, 4, 100);
}
END_TEST
/* ThreadSanitizer keeps the clocks of all threads for each word that one of them has stored to:
 * with 200 it takes a hundred times as much memory as the heap. */
START_TEST(two_hundred_threads_work_during_cycles) {
  threads_run_crowd(_i, SANITIZER_THREAD ? 40 : 200, 10);
}
END_TEST

/* Caches follow the threads that run, not those that exist. */
START_TEST(idle_threads_hold_no_cache) {
  enum { THREADS = 200 };
  const unit_resources before = unit_count_resources();
  const uint64_t mapped_before = unit_stats(unit.heap).mapped_bytes;
  struct threads_blocked blocked;
  pthread_t threads[THREADS];
  gait_thread_leave(unit.thread);
  threads_blocked_init(&blocked, unit.heap);
  for (int i = 0; i < THREADS; i++) { /* one at a time */
    threads_start(&blocked, &threads[i], threads_block_outside);
    threads_await(&blocked.ready);
  }
  const gait_stats stats = unit_stats(unit.heap);
  ck_assert_uint_eq(stats.threads, THREADS + 1);
  ck_assert_uint_le(stats.processors, THREADS / 4);
  ck_assert_uint_le(stats.mapped_bytes, mapped_before + ((size_t)8 << 20));
  ck_assert_uint_ge(unit_count_resources().threads, before.threads + THREADS);
  threads_let_go(&blocked, threads, THREADS);
  gait_thread_enter(unit.thread);
}
END_TEST

/* ---- Coming and going during cycles ---- */

static void *threads_visit(void *arg) {
  struct threads_crowd *crowd = arg;
  gait_thread *thread = NULL;
  for (int i = 0; i < 50; i++) {
    UNIT_CHECK(gait_thread_attach(crowd->heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
    void *slots[1] = {NULL};
    gait_frame frame;
    gait_frame_push(thread, &frame, slots, 1);
    uint64_t *object = gait_alloc(thread, gait_kind_leaf(crowd->heap), 2048);
    slots[0] = object;
    object[0] = object[255] = 42;
    gait_thread_poll(thread);
    UNIT_CHECK(object[0] == 42 && object[255] == 42);
    gait_frame_pop(thread, &frame);
    if (i % 3 == 0) gait_thread_leave(thread);
    UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  }
  atomic_fetch_add(&crowd->number, 1);
  return NULL;
}

START_TEST(threads_come_and_go_during_cycles) {
  struct threads_crowd crowd = {.heap = unit.heap};
  for (unsigned wave = 0; wave < 10; wave++) {
    pthread_t threads[8];
    for (unsigned i = 0; i < 8; i++)
      UNIT_CHECK(pthread_create(&threads[i], NULL, threads_visit, &crowd) == 0);
    while (atomic_load(&crowd.number) < 8 * (wave + 1))
      UNIT_CHECK(gait_heap_collect(unit.thread) == GAIT_OK);
    for (unsigned i = 0; i < 8; i++)
      pthread_join(threads[i], NULL);
  }
  ck_assert_uint_eq(unit_marked_objects(&unit), 0);
}
END_TEST

static void *threads_poll_forever(void *arg) {
  struct threads_crowd *crowd = arg;
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(crowd->heap, NULL, GAIT_STACK_CONSERVATIVE, &thread) == GAIT_OK);
  atomic_fetch_add(&crowd->number, 1);
  while (!atomic_load(&crowd->stop))
    gait_thread_poll(thread);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

START_TEST(a_thread_that_only_polls_holds_no_other_up) {
  struct threads_crowd crowd = {.heap = unit.heap};
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    UNIT_CHECK(pthread_create(&threads[i], NULL, threads_poll_forever, &crowd) == 0);
  while (atomic_load(&crowd.number) < 3)
    gait_thread_poll(unit.thread);
  unit.slots[0] = unit_tagged_leaf(&unit, 0);
  for (int i = 0; i < 20; i++)
    ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(0));
  atomic_store(&crowd.stop, true);
  gait_thread_leave(unit.thread);
  for (int i = 0; i < 3; i++)
    pthread_join(threads[i], NULL);
  gait_thread_enter(unit.thread);
}
END_TEST

/* ---- A thread that is late ---- */

static void *threads_spin(void *arg) {
  struct threads_crowd *crowd = arg;
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(crowd->heap, "spins", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  atomic_fetch_add(&crowd->number, 1);
  while (!atomic_load(&crowd->stop)) {
  }
  gait_thread_poll(thread);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

/* The spinning thread answers no handshake, so whoever accepts a cycle has to hand it over. */
START_TEST(a_thread_that_runs_a_cycle_waits_for_no_other) {
  if (_i == UNIT_BARRIERLESS) return; /* which holds all threads */
  gait_options options = unit_options(_i);
  options.gogc_percent = 100;
  options.inline_bytes = UNIT_OPTION(inline_bytes)->maximum;
  unit_world world;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  struct threads_crowd crowd = {.heap = world.heap};
  pthread_t thread;
  UNIT_CHECK(pthread_create(&thread, NULL, threads_spin, &crowd) == 0);
  while (!atomic_load(&crowd.number))
    gait_thread_poll(world.thread);
  const uint64_t goal = unit_stats(world.heap).goal_bytes;
  for (uint64_t done = 0; done < goal + (goal >> 4); done += 512)
    UNIT_CHECK(gait_alloc(world.thread, world.leaf, 512) != NULL);
  ck_assert_uint_eq(unit_stats(world.heap).cycles, 1);
  atomic_store(&crowd.stop, true);
  gait_thread_leave(world.thread);
  pthread_join(thread, NULL);
  while (unit_stats(world.heap).cycles == 1) {
  }
  gait_thread_enter(world.thread);
  unit_close(&world);
}
END_TEST

static ptrdiff_t threads_room(const unit_world *world, size_t bytes) {
  const struct gait_cursor *cursor =
      &gait_fast_of(world->thread)->rows[world->leaf.index][gait_size_class(bytes)];
  return cursor->limit - cursor->next;
}

static void threads_allocate_until(unit_world *world, uint64_t cycles) {
  while (unit_stats(world->heap).cycles < cycles)
    for (int i = 0; i < 64; i++)
      UNIT_CHECK(gait_alloc(world->thread, world->leaf, 512) != NULL);
}

/* Whoever runs a cycle is the first of those whose runs are handed out in parts.  The run is what
 * it was: its slots come one after the other. */
START_TEST(runs_come_in_parts_while_a_thread_runs_a_cycle) {
  enum { BYTES = 16, RUN = 16384 };
  if (_i == UNIT_BARRIERLESS) return;
  gait_options options = unit_options(_i);
  options.gogc_percent = 100;
  options.debug.run_bytes = RUN;
  options.inline_bytes = UNIT_OPTION(inline_bytes)->maximum;
  unit_world world;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  const uint64_t cycles = unit_stats(world.heap).cycles;
  const char *object = gait_alloc(world.thread, world.leaf, BYTES);
  ck_assert_int_eq(threads_room(&world, BYTES), RUN - BYTES);
  threads_allocate_until(&world, cycles + 1);
  ck_assert_int_gt(threads_room(&world, BYTES), 0);
  ck_assert_int_lt(threads_room(&world, BYTES), RUN / 4);
  for (int i = 1; i < RUN / BYTES; i++)
    UNIT_CHECK(gait_alloc(world.thread, world.leaf, BYTES) == object + i * (ptrdiff_t)BYTES);
  ck_assert_int_eq(threads_room(&world, BYTES), 0);
  unit_close(&world);
}
END_TEST

struct threads_late_log {
  struct threads_crowd *crowd;
  unit_log lines;
};

/* Lets the spinning thread go as soon as the log has named it. */
static void threads_take_line(const char *line, void *arg) {
  struct threads_late_log *log = arg;
  unit_log_line(line, &log->lines);
  if (strstr(line, "spins")) atomic_store(&log->crowd->stop, true);
}

START_TEST(a_late_thread_is_named) {
  static struct threads_late_log log;
  struct threads_crowd crowd = {.heap = NULL};
  memset(&log, 0, sizeof log);
  log.crowd = &crowd;
  gait_options options = unit_options(_i);
  options.log = threads_take_line;
  options.log_arg = &log;
  options.late_ms = 20;
  unit_world world;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  crowd.heap = world.heap;
  pthread_t thread;
  UNIT_CHECK(pthread_create(&thread, NULL, threads_spin, &crowd) == 0);
  while (!atomic_load(&crowd.number))
    gait_thread_poll(world.thread);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  ck_assert_ptr_nonnull(strstr(log.lines.text, "spins"));
  gait_thread_leave(world.thread);
  pthread_join(thread, NULL);
  gait_thread_enter(world.thread);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *life = unit_case(suite, "life");
  const unit_worlds life_worlds = unit_world_cases(suite, "life", &unit_exact);
  UNIT_TEST(life, threads_attach_and_detach);
  UNIT_TEST(life, one_thread_on_several_heaps);
  UNIT_WORLD_TEST(life_worlds, a_thread_that_exits_is_detached);
  const unit_worlds outside = unit_world_cases(suite, "outside", &unit_exact);
  UNIT_WORLD_TEST(outside, outside_returns_the_result_of_its_function);
  UNIT_WORLD_TEST(outside, the_collector_does_not_wait_for_blocked_threads);
  UNIT_WORLD_TEST(outside, an_idle_stack_is_searched_to_its_first_frame);
  TCase *crowds = unit_case(suite, "crowds");
  const unit_worlds crowds_worlds = unit_world_cases(suite, "crowds", &unit_exact);
  UNIT_TEST(crowds, a_few_threads_work_during_cycles);
  UNIT_TEST(crowds, two_hundred_threads_work_during_cycles);
  UNIT_WORLD_TEST(crowds_worlds, idle_threads_hold_no_cache);
  UNIT_WORLD_TEST(crowds_worlds, threads_come_and_go_during_cycles);
  UNIT_WORLD_TEST(crowds_worlds, a_thread_that_only_polls_holds_no_other_up);
  UNIT_TEST(crowds, a_thread_that_runs_a_cycle_waits_for_no_other);
  UNIT_TEST(crowds, runs_come_in_parts_while_a_thread_runs_a_cycle);
  UNIT_TEST(crowds, a_late_thread_is_named);
}
