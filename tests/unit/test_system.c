/* The collector beside what a program does to its threads: small stacks, affinities and priorities
 * of their own, cancellation. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../support/random.h"
#include "../support/sanitizer.h"
#include "../support/sizes.h"

const char *const unit_suite_name = "system";

static gait_options system_options(int mode) {
  gait_options options = unit_options(mode);
  options.gogc_percent = 100;
  options.min_heap_bytes = (int64_t)MIB;
  return options;
}

/* Garbage until the heap has run so many cycles more. */
static void system_churn(gait_heap *heap, gait_thread *thread, uint64_t cycles) {
  const gait_kind leaf = gait_kind_leaf(heap);
  const uint64_t until = unit_stats(heap).cycles + cycles;
  while (unit_stats(heap).cycles < until)
    for (int i = 0; i < 1000; i++)
      UNIT_CHECK(gait_alloc(thread, leaf, 512) != NULL);
}

/* ---- Small stacks ---- */

#define SYSTEM_PAINT 0xb6

struct system_small {
  unit_world *world;
  uint64_t **kept;
};

static void *system_on_small_stack(void *arg) {
  struct system_small *small = arg;
  gait_heap *heap = small->world->heap;
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(heap, "small", GAIT_STACK_CONSERVATIVE, &thread) == GAIT_OK);
  uint64_t *volatile kept = gait_alloc(thread, small->world->conservative, 64);
  UNIT_CHECK(kept != NULL);
  kept[7] = 42;
  system_churn(heap, thread, 200);
  for (int i = 0; i < 20; i++) {
    UNIT_CHECK(gait_alloc(thread, small->world->conservative, 300000) != NULL);
    gait_thread_leave(thread);
    gait_thread_enter(thread);
    UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  }
  UNIT_CHECK(gait_object_start(heap, kept) == kept && kept[7] == 42);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

/* The least stack that there may be; musl's would not hold a line of the log. */
#ifdef __GLIBC__
#define SYSTEM_STACK_MIN ((size_t)PTHREAD_STACK_MIN)
#else
#define SYSTEM_STACK_MIN ((size_t)16384)
#endif

/* Starts it with such a stack, below which nothing can be touched. */
static void *system_start_small(void *arg) {
  const size_t bytes = SYSTEM_STACK_MIN, page = (size_t)sysconf(_SC_PAGESIZE);
  unsigned char *memory =
      mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_attr_t attributes;
  pthread_t thread;
  UNIT_CHECK(memory != MAP_FAILED && mprotect(memory, page, PROT_NONE) == 0);
  memset(memory + page, SYSTEM_PAINT, bytes);
  UNIT_CHECK(pthread_attr_init(&attributes) == 0);
  UNIT_CHECK(pthread_attr_setstack(&attributes, memory + page, bytes) == 0);
  UNIT_CHECK(pthread_create(&thread, &attributes, system_on_small_stack, arg) == 0);
  UNIT_CHECK(pthread_join(thread, NULL) == 0);
  size_t unused = 0;
  while (unused < bytes && memory[page + unused] == SYSTEM_PAINT)
    unused++;
  printf("system: of a stack of %zu bytes %zu were not touched\n", bytes, unused);
  pthread_attr_destroy(&attributes);
  munmap(memory, bytes + page);
  return NULL;
}

/* Cycles that the thread runs itself are among them, with the line of each in the default log. */
START_TEST(the_least_stack_of_a_thread_is_enough) {
  if (SANITIZER_ADDRESS || SANITIZER_THREAD) return;
  unit_world world;
  gait_options options = system_options(_i);
  options.trace = 1;
  const int nowhere = open("/dev/null", O_WRONLY);
  ck_assert_int_ge(nowhere, 0);
  ck_assert_int_eq(dup2(nowhere, STDERR_FILENO), STDERR_FILENO);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  usleep(1100000); /* what was read of the system's files is old from here on */
  struct system_small small = {.world = &world};
  unit_on_thread(world.thread, system_start_small, &small);
  unit_close(&world);
  close(nowhere);
}
END_TEST

/* ---- What threads inherit ---- */

struct system_inherited {
  int mode;
  cpu_set_t started; /* where the process may run */
  int nice;
  bool may_undo; /* a thread that was made nice may be made as it was */
  double cpus;
};

static int system_tid(void) {
  return (int)syscall(SYS_gettid);
}

static bool system_thread_name(const char *tid, char name[32]) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%.20s/comm", tid);
  FILE *file = fopen(path, "r");
  if (!file) return false;
  const bool read = fgets(name, 32, file) != NULL;
  fclose(file);
  return read;
}

static bool system_is_as_started(const struct system_inherited *wanted, const char *name, int tid) {
  cpu_set_t set;
  if (sched_getaffinity(tid, sizeof set, &set) != 0 || !CPU_EQUAL(&set, &wanted->started))
    return false;
  if (strcmp(name, "gait-idle\n") == 0) return true; /* which is idle by itself */
  return syscall(SYS_sched_getscheduler, tid) == SCHED_OTHER &&
         getpriority(PRIO_PROCESS, (id_t)tid) == wanted->nice + (wanted->may_undo ? 0 : 5);
}

/* Whether every thread of the collector is as the process was started; counts them. */
static bool system_all_as_started(const struct system_inherited *wanted, int *count) {
  DIR *folder = opendir("/proc/self/task");
  UNIT_CHECK(folder != NULL);
  bool all = true;
  *count = 0;
  for (const struct dirent *entry; (entry = readdir(folder));) {
    char name[32];
    if (entry->d_name[0] == '.' || !system_thread_name(entry->d_name, name)) continue;
    if (strncmp(name, "gait-", 5) != 0) continue;
    ++*count;
    all &= system_is_as_started(wanted, name, atoi(entry->d_name));
  }
  closedir(folder);
  return all;
}

/* One processor, another policy, nice: all of this thread alone. */
static void system_set_apart(struct system_inherited *inherited) {
  cpu_set_t one;
  int processor = 0;
  while (!CPU_ISSET((size_t)processor, &inherited->started))
    processor++;
  CPU_ZERO(&one);
  CPU_SET((size_t)processor, &one);
  UNIT_CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
  UNIT_CHECK(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &(struct sched_param){0}) == 0);
  const id_t tid = (id_t)system_tid();
  UNIT_CHECK(setpriority(PRIO_PROCESS, tid, inherited->nice + 5) == 0);
  inherited->may_undo = setpriority(PRIO_PROCESS, tid, inherited->nice) == 0;
  UNIT_CHECK(setpriority(PRIO_PROCESS, tid, inherited->nice + 5) == 0);
}

static double system_cpus(gait_heap *heap, gait_thread *thread) {
  UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  return unit_last_record(heap).cpus;
}

static void *system_collect_apart(void *arg) {
  struct system_inherited *inherited = arg;
  unit_world world;
  const gait_options options = system_options(inherited->mode);
  system_set_apart(inherited);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (size_t bytes = 0; bytes < 4 * MIB; bytes += 64) { /* more than a slice: others help */
    void **node = gait_alloc(world.thread, world.references, 64);
    UNIT_CHECK(node != NULL);
    gait_store_init(world.thread, node, world.slots[0]);
    world.slots[0] = node;
  }
  inherited->cpus = system_cpus(world.heap, world.thread);
  int count = 0;
  bool all = false;
  for (int i = 0; i < 2000 && !all; i++) { /* a thread may have yet to begin */
    all = system_all_as_started(inherited, &count);
    usleep(1000);
  }
  UNIT_CHECK(all && count > 1);
  unit_close(&world);
  return NULL;
}

START_TEST(collector_threads_undo_inherited_settings) {
  unit_world world;
  struct system_inherited inherited = {.mode = _i, .nice = getpriority(PRIO_PROCESS, 0)};
  const gait_options options = system_options(_i);
  ck_assert_int_eq(sched_getaffinity(0, sizeof inherited.started, &inherited.started), 0);
  if (inherited.nice > 10) return;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  const double cpus = system_cpus(world.heap, world.thread);
  unit_close(&world);
  unit_on_thread(NULL, system_collect_apart, &inherited);
  ck_assert_double_eq(inherited.cpus, cpus);
  ck_assert_double_le(cpus, CPU_COUNT(&inherited.started));
}
END_TEST

/* ---- Cancellation ---- */

struct system_cancelled {
  gait_heap *heap;
  gait_heap *other;
  gait_kind leaf;
  uint64_t seed;
  atomic_bool goes;
};

/* Everything that may wait, until it is cancelled.  There is a point for that in each round, for
 * Gait has none. */
static void *system_until_cancelled(void *arg) {
  struct system_cancelled *cancelled = arg;
  for (;;) {
    gait_thread *thread, *other;
    UNIT_CHECK(gait_thread_attach(cancelled->heap, "c", GAIT_STACK_EXACT, &thread) == GAIT_OK);
    UNIT_CHECK(gait_thread_attach(cancelled->other, "o", GAIT_STACK_EXACT, &other) == GAIT_OK);
    for (int i = 0; i < 20; i++) {
      for (int k = 0; k < 200; k++) /* a tight limit: the thread stalls */
        UNIT_CHECK(gait_alloc(thread, cancelled->leaf, 2000) != NULL);
      gait_thread_leave(thread);
      gait_thread_enter(thread);
      if (i % 5 == 0) UNIT_CHECK(gait_heap_collect(i % 2 ? thread : other) == GAIT_OK);
      atomic_store(&cancelled->goes, true);
      pthread_testcancel();
    }
    UNIT_CHECK(gait_thread_detach(other) == GAIT_OK);
    UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  }
  return NULL;
}

#define SYSTEM_CANCELLED 3

static void *system_cancel_some(void *arg) {
  struct system_cancelled *cancelled = arg;
  pthread_t threads[SYSTEM_CANCELLED];
  for (int i = 0; i < SYSTEM_CANCELLED; i++)
    UNIT_CHECK(pthread_create(&threads[i], NULL, system_until_cancelled, cancelled) == 0);
  while (!atomic_load(&cancelled->goes))
    sched_yield();
  usleep((useconds_t)(random_next(&cancelled->seed) % 3000));
  for (int i = 0; i < SYSTEM_CANCELLED; i++) {
    void *result = NULL;
    UNIT_CHECK(pthread_cancel(threads[i]) == 0);
    UNIT_CHECK(pthread_join(threads[i], &result) == 0);
    UNIT_CHECK(result == PTHREAD_CANCELED);
  }
  return NULL;
}

/* Threads that are cancelled at random leave two heaps that go on. */
START_TEST(a_cancelled_thread_leaves_no_lock) {
  unit_world world, other;
  gait_options options = system_options(_i);
  options.memory_limit_bytes = 6 << 20;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  unit_open(&other, _i, GAIT_STACK_EXACT);
  struct system_cancelled cancelled = {
      .heap = world.heap, .other = other.heap, .leaf = world.leaf, .seed = 18 + (uint64_t)_i};
  for (int round = 0; round < 30; round++) {
    atomic_store(&cancelled.goes, false);
    gait_thread_leave(other.thread);
    unit_on_thread(world.thread, system_cancel_some, &cancelled);
    gait_thread_enter(other.thread);
    ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
    ck_assert_int_eq(gait_heap_collect(other.thread), GAIT_OK);
  }
  unit_close(&other);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  UNIT_TEST(unit_case(suite, "stacks"), the_least_stack_of_a_thread_is_enough);
  UNIT_TEST(unit_case(suite, "inheritance"), collector_threads_undo_inherited_settings);
  if (SANITIZER_ADDRESS) return; /* it takes the frames that a cancelled thread unwinds for live */
  UNIT_TEST(unit_case(suite, "cancellation"), a_cancelled_thread_leaves_no_lock);
}
