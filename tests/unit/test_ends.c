/* Ends: threads that end outside managed code, by pthread_exit or by cancellation, with exact
 * frames linked.  Their stack is in use again, by destructors and cleanup handlers, while the
 * collector still lists them. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/sanitizer.h"

const char *const unit_suite_name = "ends";

#define ENDS_DEPTH 200

struct ends_errand {
  gait_heap *heap;
  bool cancelled;
  gait_thread_roots roots;
  sem_t outside;  /* the thread has left managed code */
  sem_t scrubbed; /* its frames have been overwritten, and it is still attached */
  sem_t collected;
};

/* Made before Gait makes its own, so that this destructor runs first. */
static pthread_key_t ends_key;

/* Overwrites where the frames were with words that are no addresses. */
static __attribute__((noinline)) void ends_scrub(void) {
  volatile char frames[64 * 1024];
  for (size_t i = 0; i < sizeof frames; i++)
    frames[i] = (char)0xa5;
}

/* Goes on while the collector looks. */
static void ends_dead(void *arg) {
  struct ends_errand *errand = arg;
  ends_scrub();
  sem_post(&errand->scrubbed);
  while (sem_trywait(&errand->collected) != 0)
    ends_scrub();
}

static void ends_unwound(void *arg) {
  ends_dead(arg);
}

static void ends_end(struct ends_errand *errand, gait_thread *thread) {
  gait_thread_leave(thread);
  sem_post(&errand->outside);
  if (!errand->cancelled) pthread_exit(NULL);
  while (errand->cancelled)
    pause();
}

/* Links frames down the stack, leaves at the last, and ends there. */
static __attribute__((noinline)) void ends_descend(struct ends_errand *errand, gait_thread *thread,
                                                   int depth) {
  gait_frame frame;
  void *slots[3] = {NULL, NULL, NULL};
  gait_frame_push(thread, &frame, slots, 3);
  slots[depth % 3] = gait_alloc(thread, gait_kind_leaf(errand->heap), 48);
  if (depth > 0)
    ends_descend(errand, thread, depth - 1);
  else
    ends_end(errand, thread);
}

static void *ends_run(void *arg) {
  struct ends_errand *errand = arg;
  gait_thread *thread = NULL;
  if (!errand->cancelled) pthread_setspecific(ends_key, errand);
  UNIT_CHECK(gait_thread_attach(errand->heap, "ends", errand->roots, &thread) == GAIT_OK);
  pthread_cleanup_push(ends_unwound, errand);
  if (errand->cancelled) ends_descend(errand, thread, ENDS_DEPTH);
  pthread_cleanup_pop(0);
  ends_descend(errand, thread, ENDS_DEPTH);
  return NULL;
}

static void ends_wait(unit_world *world, sem_t *semaphore) {
  gait_thread_leave(world->thread);
  while (sem_wait(semaphore) != 0) {
  }
  gait_thread_enter(world->thread);
}

/* ---- Threads that detach while the process forks ---- */

struct ends_detacher {
  gait_heap *heaps[2];
  atomic_bool stop;
};

/* Attached to two heaps, and on its way out of them most of the time. */
static void *ends_detach(void *arg) {
  struct ends_detacher *detacher = arg;
  while (!atomic_load(&detacher->stop)) {
    gait_thread *threads[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
      UNIT_CHECK(gait_thread_attach(detacher->heaps[i], NULL, GAIT_STACK_EXACT, &threads[i]) ==
                 GAIT_OK);
      gait_thread_leave(threads[i]);
    }
    sched_yield();
    for (int i = 0; i < 2; i++)
      UNIT_CHECK(gait_thread_detach(threads[i]) == GAIT_OK);
  }
  return NULL;
}

/* What an OS thread's attachments share is freed once, in the child as well. */
START_TEST(a_process_may_fork_while_threads_detach) {
  unit_world worlds[2];
  struct ends_detacher detacher = {.heaps = {NULL, NULL}};
  for (int i = 0; i < 2; i++) {
    unit_open(&worlds[i], _i, GAIT_STACK_EXACT);
    detacher.heaps[i] = worlds[i].heap;
  }
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, ends_detach, &detacher), 0);
  for (int i = 0; i < 50; i++) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
  }
  atomic_store(&detacher.stop, true);
  for (int i = 0; i < 2; i++)
    gait_thread_leave(worlds[i].thread);
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  for (int i = 0; i < 2; i++)
    gait_thread_enter(worlds[i].thread);
  for (int i = 0; i < 2; i++)
    unit_close(&worlds[i]);
}
END_TEST

/* ---- Threads that end outside ---- */

static void ends_open(unit_world *world, int mode) {
  ck_assert_int_eq(pthread_key_create(&ends_key, ends_dead), 0);
  unit_open(world, mode, GAIT_STACK_EXACT);
}

UNIT_FIXTURE(ends_world, UNIT_MODES, ends_open);

static void ends_try(gait_thread_roots roots, bool cancelled) {
  struct ends_errand errand = {.heap = unit.heap, .cancelled = cancelled, .roots = roots};
  sem_init(&errand.outside, 0, 0);
  sem_init(&errand.scrubbed, 0, 0);
  sem_init(&errand.collected, 0, 0);
  pthread_t thread;
  ck_assert_int_eq(pthread_create(&thread, NULL, ends_run, &errand), 0);
  ends_wait(&unit, &errand.outside);
  if (cancelled) ck_assert_int_eq(pthread_cancel(thread), 0);
  ends_wait(&unit, &errand.scrubbed);
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  sem_post(&errand.collected);
  gait_thread_leave(unit.thread);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  gait_thread_enter(unit.thread);
  ck_assert_uint_eq(unit_stats(unit.heap).threads, 1);
  ck_assert_uint_eq(unit_marked_objects(&unit), 0);
}

START_TEST(a_thread_may_exit_outside_with_frames) {
  ends_try(GAIT_STACK_EXACT, false);
}
END_TEST

START_TEST(a_thread_may_be_cancelled_outside_with_frames) {
  ends_try(GAIT_STACK_EXACT, true);
}
END_TEST

START_TEST(a_conservative_thread_may_exit_outside_with_frames) {
  ends_try(GAIT_STACK_CONSERVATIVE, false);
}
END_TEST

START_TEST(a_conservative_thread_may_be_cancelled_outside_with_frames) {
  ends_try(GAIT_STACK_CONSERVATIVE, true);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *forks = unit_case(suite, "outside");
  const unit_worlds ends = unit_world_cases(suite, "outside", &ends_world);
  UNIT_WORLD_TEST(ends, a_thread_may_exit_outside_with_frames);
  UNIT_WORLD_TEST(ends, a_conservative_thread_may_exit_outside_with_frames);
  if (!SANITIZER_ADDRESS) { /* it takes the frames that a cancelled thread unwinds for live ones */
    UNIT_WORLD_TEST(ends, a_thread_may_be_cancelled_outside_with_frames);
    UNIT_WORLD_TEST(ends, a_conservative_thread_may_be_cancelled_outside_with_frames);
  }
  UNIT_TEST(forks, a_process_may_fork_while_threads_detach);
}
