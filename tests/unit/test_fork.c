/* fork: parent and child both go on, each with its own heap's copy. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/sanitizer.h"

const char *const unit_suite_name = "fork";

#define FORK_NODES 5000

/* Of a build that counts what runs: _exit does not keep the counts. */
void __gcov_dump(void) __attribute__((weak));

static _Noreturn void fork_end(int status) {
  if (__gcov_dump) __gcov_dump();
  _exit(status);
}

/* A list whose nodes count down to `seed`. */
static void fork_build(unit_world *world, uintptr_t seed) {
  world->slots[0] = NULL;
  for (size_t i = 0; i < FORK_NODES; i++) {
    void **node = gait_alloc(world->thread, world->references, 16 + 8 * (i % 20));
    UNIT_CHECK(node != NULL);
    gait_store_init(world->thread, &node[0], world->slots[0]);
    node[1] = (void *)(seed + i);
    world->slots[0] = node;
  }
}

static bool fork_is_whole(const unit_world *world, uintptr_t seed) {
  size_t left = FORK_NODES;
  for (void **node = world->slots[0]; node; node = node[0])
    if (node[1] != (void *)(seed + --left)) return false;
  return left == 0;
}

/* What both sides do after a fork; plain results, since the child must not talk to Check. */
static bool fork_go_on(unit_world *world, uintptr_t seed) {
  if (!fork_is_whole(world, seed)) return false;
  for (unsigned i = 0; i < 3; i++) {
    if (gait_heap_collect(world->thread) != GAIT_OK) return false;
    if (!fork_is_whole(world, seed)) return false;
    for (size_t k = 0; k < 5000; k++)
      if (!gait_alloc(world->thread, world->references, 16 + k % 1000)) return false;
  }
  gait_cycle_record record;
  gait_stats stats;
  gait_stats_read(world->heap, &stats);
  return gait_records_read(world->heap, stats.cycles, &record, 1) == 1;
}

static void fork_await(pid_t child) {
  int status = 0;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with status %#x",
                (unsigned)status);
}

/* Before the first cycle, and after some. */
START_TEST(fork_lets_parent_and_child_go_on) {
  fork_build(&unit, 1000);
  for (unsigned round = 0; round < 2; round++) {
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) fork_end(fork_go_on(&unit, 1000) ? 0 : 1);
    ck_assert(fork_go_on(&unit, 1000));
    fork_await(child);
    ck_assert(fork_go_on(&unit, 1000));
  }
}
END_TEST

START_TEST(forked_child_may_destroy_and_create_heaps) {
  fork_build(&unit, 0);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  const pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    gait_frame_pop(unit.thread, &unit.frame);
    if (gait_thread_detach(unit.thread) != GAIT_OK) fork_end(2);
    if (gait_heap_destroy(unit.heap) != GAIT_OK) fork_end(3);
    unit_open(&unit, _i, GAIT_STACK_EXACT);
    fork_build(&unit, 77);
    fork_end(fork_go_on(&unit, 77) ? 0 : 4);
  }
  ck_assert(fork_go_on(&unit, 0));
  fork_await(child);
}
END_TEST

START_TEST(forked_child_may_fork_again) {
  fork_build(&unit, 5);
  const pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    if (!fork_go_on(&unit, 5)) fork_end(1);
    const pid_t grandchild = fork();
    if (grandchild == 0) fork_end(fork_go_on(&unit, 5) ? 0 : 1);
    int status = 1;
    if (!fork_go_on(&unit, 5)) fork_end(1);
    fork_end(waitpid(grandchild, &status, 0) == grandchild && status == 0 ? 0 : 1);
  }
  ck_assert(fork_go_on(&unit, 5));
  fork_await(child);
}
END_TEST

/* ---- While others mutate and cycles run ---- */

static atomic_bool fork_stop;

static void *fork_mutate(void *arg) {
  unit_world world = {.heap = arg};
  UNIT_CHECK(gait_thread_attach(world.heap, "mutates", GAIT_STACK_EXACT, &world.thread) == GAIT_OK);
  UNIT_CHECK(gait_kind_find(world.heap, "references", &world.references) == GAIT_OK);
  gait_frame_push(world.thread, &world.frame, world.slots, UNIT_SLOTS);
  for (uintptr_t seed = 0; !atomic_load(&fork_stop); seed++) {
    fork_build(&world, seed);
    UNIT_CHECK(fork_is_whole(&world, seed));
    if (seed % 4 == 0) UNIT_CHECK(gait_heap_collect(world.thread) == GAIT_OK);
  }
  gait_frame_pop(world.thread, &world.frame);
  UNIT_CHECK(gait_thread_detach(world.thread) == GAIT_OK);
  return NULL;
}

START_TEST(fork_while_others_mutate) {
  enum { THREADS = 2, FORKS = 12 };
  unit_world world;
  gait_options options = unit_options(_i);
  options.gogc_percent = 50;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  fork_build(&world, 9);
  atomic_store(&fork_stop, false);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    UNIT_CHECK(pthread_create(&threads[i], NULL, fork_mutate, world.heap) == 0);
  for (int i = 0; i < FORKS; i++) {
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
      if (!fork_go_on(&world, 9)) fork_end(1);
      gait_stats stats;
      gait_stats_read(world.heap, &stats);
      fork_end(stats.threads == 1 ? 0 : 2); /* only the thread that forked is there */
    }
    ck_assert(fork_is_whole(&world, 9));
    ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
    gait_thread_leave(world.thread);
    fork_await(child);
    gait_thread_enter(world.thread);
  }
  atomic_store(&fork_stop, true);
  gait_thread_leave(world.thread);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  gait_thread_enter(world.thread);
  ck_assert(fork_go_on(&world, 9));
  unit_close(&world);
}
END_TEST

/* A thread that is not attached forks; the child attaches. */
START_TEST(unattached_thread_may_fork) {
  unit_world world;
  gait_options options = unit_options(_i);
  options.gogc_percent = 50;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  gait_frame_pop(world.thread, &world.frame);
  ck_assert_int_eq(gait_thread_detach(world.thread), GAIT_OK);
  atomic_store(&fork_stop, false);
  pthread_t thread;
  UNIT_CHECK(pthread_create(&thread, NULL, fork_mutate, world.heap) == 0);
  for (int i = 0; i < 10; i++) {
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
      if (gait_thread_attach(world.heap, NULL, GAIT_STACK_EXACT, &world.thread) != GAIT_OK)
        fork_end(2);
      gait_frame_push(world.thread, &world.frame, world.slots, UNIT_SLOTS);
      fork_build(&world, 3);
      fork_end(fork_go_on(&world, 3) ? 0 : 3);
    }
    fork_await(child);
  }
  atomic_store(&fork_stop, true);
  pthread_join(thread, NULL);
  ck_assert_int_eq(gait_heap_destroy(world.heap), GAIT_OK);
}
END_TEST

/* A C library that holds a lock of its own while it calls the handlers of a fork, as musl does, has
 * other threads that fork wait for that lock: outside, or the fork would wait for them. */
static pid_t fork_beside_others(gait_thread *thread) {
#ifdef __GLIBC__
  (void)thread;
  return fork();
#else
  gait_thread_leave(thread);
  const pid_t child = fork();
  gait_thread_enter(thread);
  return child;
#endif
}

static void *fork_in_a_loop(void *arg) {
  unit_world world = {.heap = arg};
  UNIT_CHECK(gait_thread_attach(world.heap, "forks", GAIT_STACK_EXACT, &world.thread) == GAIT_OK);
  UNIT_CHECK(gait_kind_find(world.heap, "references", &world.references) == GAIT_OK);
  gait_frame_push(world.thread, &world.frame, world.slots, UNIT_SLOTS);
  fork_build(&world, 21);
  for (int i = 0; i < 12; i++) {
    const pid_t child = fork_beside_others(world.thread);
    UNIT_CHECK(child >= 0);
    if (child == 0) fork_end(fork_is_whole(&world, 21) && fork_go_on(&world, 21) ? 0 : 1);
    int status = 1;
    gait_thread_leave(world.thread);
    UNIT_CHECK(waitpid(child, &status, 0) == child && status == 0);
    gait_thread_enter(world.thread);
  }
  gait_frame_pop(world.thread, &world.frame);
  UNIT_CHECK(gait_thread_detach(world.thread) == GAIT_OK);
  return NULL;
}

START_TEST(several_threads_may_fork_at_once) {
  pthread_t threads[3];
  gait_thread_leave(unit.thread);
  for (int i = 0; i < 3; i++)
    UNIT_CHECK(pthread_create(&threads[i], NULL, fork_in_a_loop, unit.heap) == 0);
  for (int i = 0; i < 3; i++)
    pthread_join(threads[i], NULL);
  gait_thread_enter(unit.thread);
}
END_TEST

static void *fork_create_heaps(void *arg) {
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(arg, "creates", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  while (!atomic_load(&fork_stop)) {
    gait_heap *heap = NULL;
    UNIT_CHECK(gait_heap_create(NULL, &heap) == GAIT_OK);
    UNIT_CHECK(gait_heap_destroy(heap) == GAIT_OK);
    gait_thread_poll(thread);
  }
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

START_TEST(heaps_may_come_and_go_during_forks) {
  fork_build(&unit, 31);
  atomic_store(&fork_stop, false);
  pthread_t thread;
  UNIT_CHECK(pthread_create(&thread, NULL, fork_create_heaps, unit.heap) == 0);
  for (int i = 0; i < 100; i++) {
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) fork_end(fork_is_whole(&unit, 31) ? 0 : 1);
    gait_thread_leave(unit.thread);
    fork_await(child);
    gait_thread_enter(unit.thread);
  }
  atomic_store(&fork_stop, true);
  gait_thread_leave(unit.thread);
  pthread_join(thread, NULL);
  gait_thread_enter(unit.thread);
}
END_TEST

/* ---- Threads that are attached to two heaps ---- */

typedef struct fork_pair {
  unit_world worlds[2];
} fork_pair;

static void fork_attach(unit_world *world) {
  world->slots[0] = NULL; /* what was in it is not kept */
  UNIT_CHECK(gait_thread_attach(world->heap, "both", GAIT_STACK_EXACT, &world->thread) == GAIT_OK);
  gait_frame_push(world->thread, &world->frame, world->slots, UNIT_SLOTS);
}

static void fork_detach(unit_world *world) {
  gait_frame_pop(world->thread, &world->frame);
  UNIT_CHECK(gait_thread_detach(world->thread) == GAIT_OK);
}

/* In managed state of both heaps, does in each what may have to wait for a fork; one thread begins
 * with the first heap, the other with the second. */
static void fork_use_both(unit_world *worlds, bool *swapped) {
  unit_world *one = &worlds[*swapped], *other = &worlds[!*swapped];
  fork_build(one, 1);
  gait_thread_leave(other->thread);
  gait_thread_enter(other->thread);
  UNIT_CHECK(gait_heap_collect(other->thread) == GAIT_OK);
  UNIT_CHECK(fork_is_whole(one, 1));
  fork_detach(one);
  fork_attach(one);
  fork_build(one, 1);
  fork_build(other, 1);
  UNIT_CHECK(gait_heap_collect(one->thread) == GAIT_OK);
  *swapped = !*swapped;
}

static void *fork_between(void *arg, bool swapped) {
  const fork_pair *pair = arg;
  unit_world worlds[2] = {pair->worlds[0], pair->worlds[1]};
  for (unsigned i = 0; i < 2; i++)
    fork_attach(&worlds[i]);
  while (!atomic_load(&fork_stop))
    fork_use_both(worlds, &swapped);
  fork_detach(&worlds[0]);
  return NULL; /* attached to the second: its exit detaches it */
}

static void *fork_first_then_second(void *arg) {
  return fork_between(arg, false);
}

static void *fork_second_then_first(void *arg) {
  return fork_between(arg, true);
}

/* The child, too, goes on with both. */
static bool fork_go_on_with_both(fork_pair *pair) {
  for (unsigned i = 0; i < 2; i++)
    if (!fork_go_on(&pair->worlds[i], 40 + i)) return false;
  return true;
}

START_TEST(fork_with_threads_of_two_heaps) {
  fork_pair pair;
  for (unsigned i = 0; i < 2; i++) {
    unit_open(&pair.worlds[i], _i, GAIT_STACK_EXACT);
    fork_build(&pair.worlds[i], 40 + i);
  }
  atomic_store(&fork_stop, false);
  pthread_t threads[2];
  UNIT_CHECK(pthread_create(&threads[0], NULL, fork_first_then_second, &pair) == 0);
  UNIT_CHECK(pthread_create(&threads[1], NULL, fork_second_then_first, &pair) == 0);
  for (int i = 0; i < 12; i++) {
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) fork_end(fork_go_on_with_both(&pair) ? 0 : 1);
    for (unsigned k = 0; k < 2; k++)
      gait_thread_leave(pair.worlds[k].thread);
    fork_await(child);
    for (unsigned k = 0; k < 2; k++)
      gait_thread_enter(pair.worlds[k].thread);
  }
  atomic_store(&fork_stop, true);
  for (unsigned k = 0; k < 2; k++)
    gait_thread_leave(pair.worlds[k].thread);
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  for (unsigned k = 0; k < 2; k++)
    gait_thread_enter(pair.worlds[k].thread);
  ck_assert(fork_go_on_with_both(&pair));
  for (unsigned i = 0; i < 2; i++)
    unit_close(&pair.worlds[i]);
}
END_TEST

/* ---- What a thread was zeroing ---- */

#define FORK_LARGE_BYTES ((size_t)64 << 20)

/* Each time but the first the memory is that of the object before, and has to be zeroed. */
static void *fork_zero(void *arg) {
  unit_world world = {.heap = arg};
  UNIT_CHECK(gait_thread_attach(world.heap, "zeroes", GAIT_STACK_EXACT, &world.thread) == GAIT_OK);
  gait_frame_push(world.thread, &world.frame, world.slots, UNIT_SLOTS);
  while (!atomic_load(&fork_stop)) {
    world.slots[0] = NULL;
    UNIT_CHECK(gait_heap_collect(world.thread) == GAIT_OK);
    world.slots[0] = gait_alloc(world.thread, gait_kind_leaf(world.heap), FORK_LARGE_BYTES);
    UNIT_CHECK(world.slots[0] != NULL);
  }
  gait_frame_pop(world.thread, &world.frame);
  UNIT_CHECK(gait_thread_detach(world.thread) == GAIT_OK);
  return NULL;
}

/* There are addresses for one such object and no two. */
START_TEST(fork_loses_no_blocks_that_are_being_zeroed) {
  enum { FORKS = 8 };
  unit_world world;
  gait_options options = unit_options(_i);
  options.reserve_bytes = FORK_LARGE_BYTES / 2 * 3;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  atomic_store(&fork_stop, false);
  pthread_t thread;
  UNIT_CHECK(pthread_create(&thread, NULL, fork_zero, world.heap) == 0);
  for (int i = 0; i < FORKS; i++) {
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
      if (gait_heap_collect(world.thread) != GAIT_OK) fork_end(2);
      fork_end(gait_alloc(world.thread, world.leaf, FORK_LARGE_BYTES) ? 0 : 1);
    }
    gait_thread_leave(world.thread);
    fork_await(child);
    gait_thread_enter(world.thread);
  }
  atomic_store(&fork_stop, true);
  gait_thread_leave(world.thread);
  pthread_join(thread, NULL);
  gait_thread_enter(world.thread);
  unit_close(&world);
}
END_TEST

/* ---- Threads that reach no safepoint ---- */

/* A library that locks itself across forks, as a logger may.  Its handlers were registered after
 * those of Gait, so the lock is taken before Gait's turn, and given back after. */
static struct fork_library {
  pthread_mutex_t lock;
  gait_thread *forks; /* NULL: no test that uses the library runs */
  gait_heap *heap;
  atomic_bool wanted;
} fork_library = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void fork_library_prepare(void) {
  if (!fork_library.forks) return;
  for (;;) {
    pthread_mutex_lock(&fork_library.lock);
    for (unsigned i = 0; i < 100; i++) {
      if (atomic_load(&fork_library.wanted)) return; /* by a thread that waits for it now */
      sched_yield();
    }
    pthread_mutex_unlock(&fork_library.lock);
    gait_thread_poll(fork_library.forks); /* that thread may be waiting for this one */
  }
}

static void fork_library_end(void) {
  if (!fork_library.forks) return;
  pthread_mutex_unlock(&fork_library.lock);
  UNIT_CHECK(gait_alloc(fork_library.forks, gait_kind_leaf(fork_library.heap), 100) != NULL);
}

/* One that was there before there was a heap, and may not call Gait. */
static pthread_mutex_t fork_early_lock = PTHREAD_MUTEX_INITIALIZER;

static void fork_early_prepare(void) {
  pthread_mutex_lock(&fork_early_lock);
}
static void fork_early_end(void) {
  pthread_mutex_unlock(&fork_early_lock);
}

/* In managed state, waits for that lock again and again. */
static void *fork_use_library(void *arg) {
  unit_world world = {.heap = arg};
  UNIT_CHECK(gait_thread_attach(world.heap, "calls", GAIT_STACK_EXACT, &world.thread) == GAIT_OK);
  UNIT_CHECK(gait_kind_find(world.heap, "references", &world.references) == GAIT_OK);
  gait_frame_push(world.thread, &world.frame, world.slots, UNIT_SLOTS);
  for (uintptr_t seed = 0; !atomic_load(&fork_stop); seed++) {
    for (size_t i = 0; i < 50; i++) {
      void **node = gait_alloc(world.thread, world.references, 16 + i % 2000);
      UNIT_CHECK(node != NULL);
      gait_store_init(world.thread, &node[0], i < 4 ? NULL : world.slots[i % 4]);
      world.slots[i % 4] = node;
    }
    atomic_store(&fork_library.wanted, true);
    pthread_mutex_lock(&fork_library.lock);
    pthread_mutex_unlock(&fork_library.lock);
    atomic_store(&fork_library.wanted, false);
    gait_thread_poll(world.thread);
  }
  atomic_store(&fork_library.wanted, true);
  gait_frame_pop(world.thread, &world.frame);
  UNIT_CHECK(gait_thread_detach(world.thread) == GAIT_OK);
  return NULL;
}

/* Has a cycle under way at most times: it stands still while that thread waits. */
static void *fork_collect(void *arg) {
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(arg, "collects", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  while (!atomic_load(&fork_stop))
    UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static void fork_with_a_lock_wanted(unit_world *world, int forks, int threads) {
  void *(*const functions[])(void *) = {fork_use_library, fork_collect};
  pthread_t others[2];
  atomic_store(&fork_stop, false);
  for (int i = 0; i < threads; i++)
    UNIT_CHECK(pthread_create(&others[i], NULL, functions[i], world->heap) == 0);
  for (int i = 0; i < forks; i++) {
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
      fork_library.forks = NULL;
      fork_end(fork_go_on(world, 12) ? 0 : 1);
    }
    ck_assert(fork_is_whole(world, 12));
    gait_thread_leave(world->thread);
    fork_await(child);
    gait_thread_enter(world->thread);
  }
  atomic_store(&fork_stop, true);
  gait_thread_leave(world->thread);
  for (int i = 0; i < threads; i++)
    pthread_join(others[i], NULL);
  gait_thread_enter(world->thread);
}

static void fork_open_with_handlers(unit_world *world, int mode) {
  UNIT_CHECK(pthread_atfork(fork_early_prepare, fork_early_end, fork_early_end) == 0);
  unit_open(world, mode, GAIT_STACK_EXACT);
  UNIT_CHECK(pthread_atfork(fork_library_prepare, fork_library_end, fork_library_end) == 0);
  fork_library.forks = world->thread;
  fork_library.heap = world->heap;
  fork_build(world, 12);
}

UNIT_FIXTURE(fork_handlers_world, UNIT_MODES, fork_open_with_handlers);

START_TEST(fork_handlers_may_take_locks_that_others_want) {
  fork_with_a_lock_wanted(&unit, 3, 1);
  fork_library.forks = NULL;
  ck_assert(fork_go_on(&unit, 12));
}
END_TEST

START_TEST(fork_handlers_may_take_locks_while_a_cycle_waits) {
  fork_with_a_lock_wanted(&unit, 8, 2);
  fork_library.forks = NULL;
  ck_assert(fork_go_on(&unit, 12));
}
END_TEST

/* Does all that is no safepoint, until the fork is over. */
static atomic_bool fork_runs_free, fork_is_over;

static void fork_run_free(unit_world *world) {
  static void *root[4];
  void **node = world->slots[0];
  for (uintptr_t i = 0; !atomic_load(&fork_is_over); i++) {
    gait_store(world->thread, &node[0], i % 2 ? node : NULL);
    UNIT_CHECK(gait_object_set_external(world->thread, node, 1 + i % 100) == GAIT_OK);
    gait_handle *handle = gait_handle_create(world->thread, node);
    UNIT_CHECK(handle != NULL);
    UNIT_CHECK(gait_roots_add(world->heap, root, sizeof root, GAIT_ROOTS_BARRIERED) == GAIT_OK);
    UNIT_CHECK(gait_roots_remove(world->heap, root) == GAIT_OK);
    gait_handle_destroy(world->thread, handle);
    atomic_store(&fork_runs_free, true);
  }
}

static void *fork_without_safepoints(void *arg) {
  unit_world world = {.heap = arg};
  UNIT_CHECK(gait_thread_attach(world.heap, "runs", GAIT_STACK_EXACT, &world.thread) == GAIT_OK);
  UNIT_CHECK(gait_kind_find(world.heap, "references", &world.references) == GAIT_OK);
  gait_frame_push(world.thread, &world.frame, world.slots, UNIT_SLOTS);
  world.slots[0] = gait_alloc(world.thread, world.references, 64);
  UNIT_CHECK(world.slots[0] != NULL);
  while (!atomic_load(&fork_stop)) {
    if (!atomic_load(&fork_is_over)) fork_run_free(&world);
    gait_thread_poll(world.thread);
  }
  gait_frame_pop(world.thread, &world.frame);
  UNIT_CHECK(gait_thread_detach(world.thread) == GAIT_OK);
  return NULL;
}

static bool fork_registers(unit_world *world) {
  static void *root[4];
  gait_handle *handle = gait_handle_create(world->thread, world->slots[0]);
  const bool done = handle &&
                    gait_object_set_external(world->thread, world->slots[0], 1000) == GAIT_OK &&
                    gait_roots_add(world->heap, root, sizeof root, GAIT_ROOTS_BARRIERED) == GAIT_OK;
  if (handle) gait_handle_destroy(world->thread, handle);
  return done;
}

START_TEST(fork_with_a_thread_that_reaches_no_safepoint) {
  enum { FORKS = 4 };
  fork_build(&unit, 50);
  atomic_store(&fork_stop, false);
  atomic_store(&fork_is_over, true);
  pthread_t thread;
  UNIT_CHECK(pthread_create(&thread, NULL, fork_without_safepoints, unit.heap) == 0);
  for (int i = 0; i < FORKS; i++) {
    atomic_store(&fork_runs_free, false);
    atomic_store(&fork_is_over, false);
    while (!atomic_load(&fork_runs_free))
      gait_thread_poll(unit.thread);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) fork_end(fork_registers(&unit) && fork_go_on(&unit, 50) ? 0 : 1);
    atomic_store(&fork_is_over, true);
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    gait_thread_leave(unit.thread);
    fork_await(child);
    gait_thread_enter(unit.thread);
  }
  atomic_store(&fork_stop, true);
  gait_thread_leave(unit.thread);
  pthread_join(thread, NULL);
  gait_thread_enter(unit.thread);
  ck_assert(fork_go_on(&unit, 50));
}
END_TEST

/* ---- In a callback ---- */

static struct fork_out_of_memory {
  unit_world *world;
  bool forked;
  pid_t child;
} fork_out_of_memory;

static int fork_when_out_of_memory(gait_heap *heap, size_t bytes, void *arg) {
  struct fork_out_of_memory *state = arg;
  (void)heap, (void)bytes;
  if (state->forked) return 0;
  state->forked = true;
  state->child = fork();
  state->world->slots[1] = NULL;
  return 1;
}

START_TEST(out_of_memory_handler_may_fork) {
  const size_t bytes = (size_t)8 << 20;
  unit_world world;
  gait_options options = unit_options(_i);
  options.reserve_bytes = (int64_t)bytes * 4;
  options.out_of_memory = fork_when_out_of_memory;
  options.out_of_memory_arg = &fork_out_of_memory;
  fork_out_of_memory = (struct fork_out_of_memory){.world = &world};
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  fork_build(&world, 8);
  for (size_t i = 1; i < 4; i++) {
    world.slots[i] = gait_alloc(world.thread, world.leaf, bytes);
    UNIT_CHECK(world.slots[i] != NULL);
  }
  world.slots[4] = gait_alloc(world.thread, world.leaf, bytes);
  const bool met = fork_out_of_memory.forked && world.slots[4] != NULL;
  for (size_t i = 1; i <= 4; i++)
    world.slots[i] = NULL;
  const bool goes_on = met && fork_go_on(&world, 8);
  if (fork_out_of_memory.child == 0) fork_end(goes_on ? 0 : 1);
  ck_assert(goes_on);
  fork_await(fork_out_of_memory.child);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *tcase = unit_case(suite, "fork");
  const unit_worlds worlds = unit_world_cases(suite, "fork", &unit_exact);
  const unit_worlds conservative = unit_world_cases(suite, "fork", &unit_conservative);
  const unit_worlds handlers = unit_world_cases(suite, "fork", &fork_handlers_world);
  UNIT_WORLD_TEST(worlds, fork_lets_parent_and_child_go_on);
  UNIT_WORLD_TEST(worlds, forked_child_may_destroy_and_create_heaps);
  UNIT_WORLD_TEST(conservative, forked_child_may_fork_again);
  UNIT_TEST(tcase, out_of_memory_handler_may_fork);
  if (SANITIZER_ADDRESS) return; /* locks that its allocator holds at a fork stay so in the child */
  UNIT_TEST(tcase, fork_while_others_mutate);
  UNIT_TEST(tcase, unattached_thread_may_fork);
  UNIT_WORLD_TEST(worlds, several_threads_may_fork_at_once);
  UNIT_WORLD_TEST(worlds, heaps_may_come_and_go_during_forks);
  UNIT_TEST(tcase, fork_with_threads_of_two_heaps);
  UNIT_TEST(tcase, fork_loses_no_blocks_that_are_being_zeroed);
  UNIT_WORLD_TEST(handlers, fork_handlers_may_take_locks_that_others_want);
  UNIT_WORLD_TEST(handlers, fork_handlers_may_take_locks_while_a_cycle_waits);
  UNIT_WORLD_TEST(worlds, fork_with_a_thread_that_reaches_no_safepoint);
}
