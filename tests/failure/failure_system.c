/* failure_system: a system that is not as usual, call by call.
 *
 *   failure_system CASE
 *
 * The linker sends the library's calls to the wrappers below.  Each case says by `system_is` what
 * they do, and asserts what the contract promises there.  What the library reads once in a process
 * is why each case is a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <gait/gait.h>
#include <gait/tune.h>

#include "../support/run_case.h"
#include "../support/sizes.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

#define MUST(condition)                                                                            \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "failure_system: %s:%d: %s\n", __FILE__, __LINE__, #condition);              \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

/* What the wrappers do; all zero: what the system does.
 *   poisons      every call changes errno, also one that succeeds
 *   page_bytes   the size of pages: an address in the middle of one is refused, and what is said of
 *                a part of one is said of all of it
 *   most_bytes   more memory than that is granted to no one call
 *   locked       memory is locked: 1: only the newer advice gives it back, 2: none does
 *   clock_fails  from this one on of those asked for, counted from 1
 *   no_maps      the list of mappings cannot be read
 *   quota        of the control group, as its file says it
 *   ahead_s      by so many seconds the clocks are ahead */
static struct {
  atomic_bool poisons;
  long page_bytes;
  size_t most_bytes;
  int locked;
  atomic_int clock_fails;
  bool no_maps;
  _Atomic(const char *) quota;
  atomic_int ahead_s;
} system_is;

static atomic_int system_refused; /* grants of memory */
static atomic_int system_small;   /* advice against huge pages */
static atomic_int system_given;   /* memory given back */
static atomic_int system_times;   /* clocks asked for */

/* Files read by a thread of this program's that has set this. */
static _Thread_local bool system_reads_nothing;
static atomic_int system_read;

#define POISON 4711

/* ---- Wrappers ---- */

static void system_poison(void) {
  if (atomic_load(&system_is.poisons)) errno = POISON;
}

#define WRAP(type, name, ...)                                                                      \
  type __real_##name(__VA_ARGS__);                                                                 \
  type __wrap_##name(__VA_ARGS__);                                                                 \
  type __wrap_##name(__VA_ARGS__)

/* Whole pages. */
static size_t system_round(size_t bytes) {
  const size_t page_bytes = system_is.page_bytes ? (size_t)system_is.page_bytes : 4096;
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

static bool system_misplaced(const void *start) {
  if ((uintptr_t)start % system_round(1) == 0) return false;
  errno = EINVAL;
  return true;
}

WRAP(int, munmap, void *start, size_t bytes) {
  if (system_misplaced(start)) return -1;
  const int failed = __real_munmap(start, system_round(bytes));
  system_poison();
  return failed;
}

WRAP(void *, mmap, void *start, size_t bytes, int protection, int flags, int file, off_t offset) {
  const size_t whole = system_round(bytes), page_bytes = system_round(1);
  char *mapped = __real_mmap(start, whole + page_bytes, protection, flags, file, offset);
  if (mapped == MAP_FAILED) return mapped;
  char *first = (char *)system_round((uintptr_t)mapped);
  if (first > mapped) __real_munmap(mapped, (size_t)(first - mapped));
  __real_munmap(first + whole, page_bytes - (size_t)(first - mapped));
  system_poison();
  return first;
}

WRAP(int, mprotect, void *start, size_t bytes, int protection) {
  if (system_misplaced(start)) return -1;
  const bool refused = system_is.most_bytes > 0 && bytes > system_is.most_bytes;
  atomic_fetch_add(&system_refused, refused);
  const int failed = refused ? -1 : __real_mprotect(start, system_round(bytes), protection);
  if (refused) errno = ENOMEM;
  system_poison();
  return failed;
}

/* Whether memory is given back by that advice. */
static bool system_gives_back(int advice) {
  return advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED;
}

WRAP(int, madvise, void *start, size_t bytes, int advice) {
  if (system_misplaced(start)) return -1;
  if (advice == MADV_NOHUGEPAGE) atomic_fetch_add(&system_small, 1);
  if (system_gives_back(advice) && system_is.locked > (advice == MADV_DONTNEED_LOCKED)) {
    errno = EINVAL;
    return -1;
  }
  if (advice == MADV_DONTNEED_LOCKED) advice = MADV_DONTNEED; /* which an older system has not */
  const int failed = __real_madvise(start, system_round(bytes), advice);
  if (system_gives_back(advice)) atomic_fetch_add(&system_given, 1);
  system_poison();
  return failed;
}

WRAP(int, mincore, void *start, size_t bytes, unsigned char *there) {
  if (system_misplaced(start)) return -1;
  const int failed = __real_mincore(start, bytes, there);
  system_poison();
  return failed;
}

WRAP(long, sysconf, int name) {
  const long value = __real_sysconf(name);
  system_poison();
  return name == _SC_PAGESIZE && system_is.page_bytes ? system_is.page_bytes : value;
}

WRAP(void *, calloc, size_t count, size_t bytes) {
  void *memory = __real_calloc(count, bytes);
  system_poison();
  return memory;
}

WRAP(void, free, void *memory) {
  __real_free(memory);
  system_poison();
}

WRAP(int, clock_gettime, clockid_t clock, struct timespec *now) {
  const int fails = atomic_load(&system_is.clock_fails);
  const int number = atomic_fetch_add(&system_times, 1) + 1;
  const bool failed = (fails && number >= fails) || __real_clock_gettime(clock, now) != 0;
  if (!failed) now->tv_sec += atomic_load(&system_is.ahead_s);
  if (failed) errno = EINVAL; /* and nothing else: the C library reads it without the system */
  return failed ? -1 : 0;
}

static int system_open_text(const char *text) {
  const int file = memfd_create("text", MFD_CLOEXEC);
  MUST(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
  MUST(lseek(file, 0, SEEK_SET) == 0);
  return file;
}

WRAP(FILE *, fopen, const char *path, const char *mode) {
  atomic_fetch_add(&system_read, system_reads_nothing);
  return __real_fopen(path, mode);
}

WRAP(int, open, const char *path, int flags, ...) {
  const char *quota = atomic_load(&system_is.quota);
  atomic_fetch_add(&system_read, system_reads_nothing);
  int file;
  if (quota && strcmp(path, "/proc/self/cgroup") == 0)
    file = system_open_text("0::/some\n");
  else if (quota && strcmp(path, "/sys/fs/cgroup/some/cpu.max") == 0)
    file = system_open_text(quota);
  else
    file = __real_open(path, flags); /* none of these is made */
  system_poison();
  return file;
}

WRAP(int, sched_yield, void) {
  const int failed = __real_sched_yield();
  system_poison();
  return failed;
}

WRAP(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
     void *arg) {
  const int failed = __real_pthread_create(thread, attributes, run, arg);
  system_poison();
  return failed;
}

WRAP(int, pthread_getattr_np, pthread_t thread, pthread_attr_t *attributes) {
  const int failed = system_is.no_maps ? ENOENT : __real_pthread_getattr_np(thread, attributes);
  system_poison();
  return failed;
}

/* ---- A heap ---- */

struct node {
  struct node *next;
  uint64_t number;
};

struct heap {
  gait_heap *heap;
  gait_thread *thread;
  gait_kind words;
  gait_frame frame;
  struct node *list;
  uint64_t count;
};

static gait_options heap_options(void) {
  gait_options options;
  gait_options_init(&options);
  options.reserve_bytes = (int64_t)(64 * MIB);
  options.min_heap_bytes = (int64_t)(MIB / 2);
  options.cpus = 2;
  options.debug.heap_walk = options.debug.checkmark = 1;
  if (gait_options_check(&options, NULL, 0) != GAIT_OK)
    options.debug.heap_walk = options.debug.checkmark = 0;
  return options;
}

/* A public call, after which errno has to be as before. */
#define KEEPS(call)                                                                                \
  do {                                                                                             \
    errno = 1234;                                                                                  \
    MUST(call);                                                                                    \
    if (errno != 1234) {                                                                           \
      fprintf(stderr, "failure_system: line %d: errno is %d after %s\n", __LINE__, errno, #call);  \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

static void heap_open(struct heap *heap, const gait_options *options, gait_thread_roots roots) {
  memset(heap, 0, sizeof *heap);
  KEEPS(gait_heap_create(options, &heap->heap) == GAIT_OK);
  KEEPS(gait_thread_attach(heap->heap, "system", roots, &heap->thread) == GAIT_OK);
  heap->words = gait_kind_conservative(heap->heap);
  gait_frame_push(heap->thread, &heap->frame, (void **)&heap->list, 1);
}

static void heap_close(struct heap *heap) {
  gait_frame_pop(heap->thread, &heap->frame);
  KEEPS(gait_thread_detach(heap->thread) == GAIT_OK);
  KEEPS(gait_heap_destroy(heap->heap) == GAIT_OK);
}

static bool heap_keep(struct heap *heap, size_t bytes) {
  struct node *node = gait_alloc(heap->thread, heap->words, bytes);
  if (!node) return false;
  node->number = heap->count++;
  gait_store_init(heap->thread, &node->next, heap->list);
  heap->list = node;
  return true;
}

static void heap_check(const struct heap *heap) {
  uint64_t count = heap->count;
  for (const struct node *node = heap->list; node; node = node->next)
    MUST(node->number == --count);
  MUST(count == 0);
}

/* Keeps 24 MiB in nodes of all sizes, drops them and goes on, with garbage between. */
static void heap_live(struct heap *heap) {
  static const size_t sizes[] = {32, 500, 5000, 40 * KIB, 200 * KIB, 16};
  for (int round = 0; round < 2; round++) {
    for (size_t bytes = 0, i = 0; bytes < 24 * MIB; i++) {
      const size_t size = sizes[i % (sizeof sizes / sizeof *sizes)];
      KEEPS(heap_keep(heap, size));
      KEEPS(gait_alloc(heap->thread, heap->words, size) != NULL);
      bytes += size;
    }
    heap_check(heap);
    KEEPS(gait_heap_collect(heap->thread) == GAIT_OK);
    heap_check(heap);
    heap->list = NULL;
    heap->count = 0;
  }
  KEEPS(gait_heap_collect(heap->thread) == GAIT_OK);
}

static gait_stats heap_stats(const struct heap *heap) {
  gait_stats stats;
  gait_stats_read(heap->heap, &stats);
  return stats;
}

static char system_line[512];

static void system_log(const char *line, void *arg) {
  (void)arg;
  snprintf(system_line, sizeof system_line, "%s", line);
}

/* A heap cannot be made; the log says why. */
static void heap_is_refused(const char *why) {
  gait_options options = heap_options();
  gait_heap *heap;
  options.log = system_log;
  KEEPS(gait_heap_create(&options, &heap) == GAIT_ERROR_SYSTEM);
  MUST(!heap && strstr(system_line, why));
}

/* ---- The cases ---- */

static void *system_enter_and_leave(void *arg) {
  struct heap *heap = arg;
  gait_thread *thread;
  KEEPS(gait_thread_attach(heap->heap, NULL, GAIT_STACK_CONSERVATIVE, &thread) == GAIT_OK);
  for (int i = 0; i < 1000; i++) {
    KEEPS(gait_alloc(thread, heap->words, 64) != NULL);
    KEEPS((gait_thread_leave(thread), true));
    KEEPS((gait_thread_enter(thread), true));
    KEEPS((gait_thread_poll(thread), true));
  }
  KEEPS(gait_heap_collect(thread) == GAIT_OK);
  KEEPS(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static void *system_run_threads(void *arg) {
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    MUST(pthread_create(&threads[i], NULL, system_enter_and_leave, arg) == 0);
  for (int i = 0; i < 3; i++)
    pthread_join(threads[i], NULL);
  return NULL;
}

/* Nothing that succeeds changes errno, though everything that the system does changes it. */
static void system_errno(void) {
  struct heap heap;
  static void *range[4];
  gait_options options = heap_options();
  atomic_store(&system_is.poisons, true);
  KEEPS(gait_options_set(&options, "memory_limit", "1GiB", NULL, 0) == GAIT_OK);
  heap_open(&heap, &options, GAIT_STACK_CONSERVATIVE);
  KEEPS(gait_roots_add(heap.heap, range, sizeof range, GAIT_ROOTS_BARRIERED) == GAIT_OK);
  gait_handle *handle = NULL;
  KEEPS((handle = gait_handle_create(heap.thread, NULL)) != NULL);
  heap_live(&heap);
  KEEPS(heap_keep(&heap, 100));
  KEEPS(gait_object_set_external(heap.thread, heap.list, MIB) == GAIT_OK);
  gait_thread_outside(heap.thread, system_run_threads, &heap);
  KEEPS(gait_heap_set_memory_limit(heap.heap, (int64_t)(16 * MIB), NULL) == GAIT_OK);
  KEEPS(gait_heap_set_gogc(heap.heap, 50, NULL) == GAIT_OK);
  KEEPS((gait_heap_trim(heap.heap), true));
  KEEPS((heap_stats(&heap), true));
  KEEPS((gait_handle_destroy(heap.thread, handle), true));
  KEEPS(gait_roots_remove(heap.heap, range) == GAIT_OK);
  heap_close(&heap);
}

/* What is needed is had, though memory ahead of that is not. */
static void system_commit(void) {
  struct heap heap;
  gait_options options = heap_options();
  options.gogc_percent = GAIT_OFF;
  heap_open(&heap, &options, GAIT_STACK_EXACT);
  system_is.most_bytes = 200 * KIB;
  for (size_t bytes = 0; bytes < 16 * MIB; bytes += 4 * KIB)
    MUST(heap_keep(&heap, 4 * KIB));
  MUST(atomic_load(&system_refused) > 0 && heap_stats(&heap).cycles == 0);
  heap_check(&heap);
  heap_close(&heap);
}

static void system_pages(long page_bytes) {
  struct heap heap;
  const gait_options options = heap_options();
  system_is.page_bytes = page_bytes;
  heap_open(&heap, &options, GAIT_STACK_EXACT);
  heap_live(&heap);
  gait_heap_trim(heap.heap);
  const gait_stats stats = heap_stats(&heap);
  MUST(stats.mapped_bytes < 2 * MIB && stats.mapped_peak_bytes > 24 * MIB);
  heap_live(&heap);
  heap_close(&heap);
}

static void system_pages_16(void) {
  system_pages((long)(16 * KIB));
}
static void system_pages_64(void) {
  system_pages((long)(64 * KIB));
}
static void system_pages_128(void) {
  system_is.page_bytes = (long)(128 * KIB);
  heap_is_refused("larger than 64 KiB");
}

/* Memory that the program has locked goes back by the newer advice. */
static void system_locked(void) {
  struct heap heap;
  const gait_options options = heap_options();
  system_is.locked = 1;
  heap_open(&heap, &options, GAIT_STACK_EXACT);
  heap_live(&heap);
  gait_heap_trim(heap.heap);
  MUST(atomic_load(&system_given) > 0 && heap_stats(&heap).mapped_bytes < 2 * MIB);
  heap_live(&heap);
  heap_close(&heap);
}

/* Where nothing gives it back it stays, is counted, and is used again. */
static void system_locked_for_good(void) {
  struct heap heap;
  gait_options options = heap_options();
  options.memory_limit_bytes = (int64_t)(32 * MIB);
  system_is.locked = 2;
  heap_open(&heap, &options, GAIT_STACK_EXACT);
  heap_live(&heap);
  gait_heap_trim(heap.heap);
  const gait_stats stats = heap_stats(&heap);
  MUST(atomic_load(&system_given) == 0 && stats.mapped_bytes > 16 * MIB);
  heap_live(&heap);
  heap_close(&heap);
}

/* Under a limit what is counted has to be what there is. */
static void system_huge_pages(void) {
  struct heap heap;
  gait_options options = heap_options();
  heap_open(&heap, &options, GAIT_STACK_EXACT);
  heap_close(&heap);
  MUST(atomic_load(&system_small) == 0);
  options.memory_limit_bytes = (int64_t)(32 * MIB);
  heap_open(&heap, &options, GAIT_STACK_EXACT);
  heap_close(&heap);
  const int asked = atomic_load(&system_small);
  MUST(asked == 2); /* the heap and its tables */
  options.huge_pages = 1;
  heap_open(&heap, &options, GAIT_STACK_EXACT);
  heap_close(&heap);
  MUST(atomic_load(&system_small) == asked);
}

/* Whichever clock it is, a heap that needs it is not made. */
static void system_clock(void) {
  for (int number = 1; number <= 3; number++) {
    atomic_store(&system_times, 0);
    atomic_store(&system_is.clock_fails, number);
    heap_is_refused("cannot be read");
  }
}

/* A clock that fails later stops nothing. */
static void system_clock_later(void) {
  struct heap heap;
  const gait_options options = heap_options();
  heap_open(&heap, &options, GAIT_STACK_EXACT);
  MUST(heap_keep(&heap, 64));
  atomic_store(&system_is.clock_fails, 1);
  for (int i = 0; i < 1000; i++)
    MUST(heap_keep(&heap, 64));
  MUST(gait_heap_collect(heap.thread) == GAIT_OK);
  heap_check(&heap);
  heap_close(&heap);
}

/* Allocates, and runs what cycles are offered, until one knows the quota that the file has; reads
 * nothing. */
static void system_await_quota(struct heap *heap, const char *quota, double wanted) {
  gait_cycle_record record = {.cpus = 0};
  uint64_t next = 1;
  atomic_store(&system_is.quota, quota);
  atomic_fetch_add(&system_is.ahead_s, 2); /* what was read is old */
  system_reads_nothing = true;
  while (record.cpus != wanted) {
    MUST(gait_alloc(heap->thread, heap->words, 500));
    if (gait_records_read(heap->heap, next, &record, 1) == 1) next = record.cycle + 1;
  }
  system_reads_nothing = false;
  MUST(atomic_load(&system_read) == 0);
}

/* A thread that allocates reads no file: what a quota is comes from the collector's thread. */
static void system_quota(void) {
  struct heap heap;
  gait_options options = heap_options();
  options.cpus = 0;
  atomic_store(&system_is.quota, "25000 100000\n");
  heap_open(&heap, &options, GAIT_STACK_EXACT);
  MUST(gait_heap_collect(heap.thread) == GAIT_OK);
  system_await_quota(&heap, "25000 100000\n", 0.25);
  system_await_quota(&heap, "50000 100000\n", 0.5);
  system_await_quota(&heap, "75000 100000\n", 0.75);
  heap_close(&heap);
}

static void *system_attach_elsewhere(void *arg) {
  struct heap *heap = arg;
  gait_thread *thread;
  MUST(gait_thread_attach(heap->heap, NULL, GAIT_STACK_CONSERVATIVE, &thread) == GAIT_ERROR_SYSTEM);
  return NULL;
}

static __attribute__((noinline)) void system_make(struct heap *heap, uint64_t **kept) {
  *kept = gait_alloc(heap->thread, heap->words, 64);
  MUST(*kept);
  (*kept)[3] = 42;
}

/* The first thread's stack is known though the list of mappings cannot be read. */
static void system_no_maps(void) {
  struct heap heap;
  const gait_options options = heap_options();
  system_is.no_maps = true;
  heap_open(&heap, &options, GAIT_STACK_CONSERVATIVE);
  uint64_t *volatile kept;
  system_make(&heap, (uint64_t **)&kept);
  MUST(gait_heap_collect(heap.thread) == GAIT_OK);
  for (int i = 0; i < 1000; i++)
    MUST(gait_alloc(heap.thread, heap.words, 64));
  MUST(gait_object_start(heap.heap, kept) == kept && kept[3] == 42);
  pthread_t other;
  MUST(pthread_create(&other, NULL, system_attach_elsewhere, &heap) == 0);
  gait_thread_leave(heap.thread);
  pthread_join(other, NULL);
  gait_thread_enter(heap.thread);
  heap_close(&heap);
}

static const struct run_case system_cases[] = {
    {"errno", system_errno},
    {"commit", system_commit},
    {"pages_16", system_pages_16},
    {"pages_64", system_pages_64},
    {"pages_128", system_pages_128},
    {"locked", system_locked},
    {"locked_for_good", system_locked_for_good},
    {"huge_pages", system_huge_pages},
    {"clock", system_clock},
    {"clock_later", system_clock_later},
    {"no_maps", system_no_maps},
    {"quota", system_quota},
    {NULL, NULL},
};

int main(int argc, char **argv) {
  const struct run_case *table = system_cases,
                        *one = run_case_find(&table, 1, argc == 2 ? argv[1] : NULL);
  one->run();
  return EXIT_SUCCESS;
}
