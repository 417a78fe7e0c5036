/* limits_granted: the memory that control groups grant, read from files that are not there, and
 * heaps that follow it.
 *
 * The linker sends the library's open here, so each case is a small file system. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "gait/tune.h"
#include "os/os.h"

#define GROUP_FILES 6
#define MIB         ((int64_t)1 << 20)
#define NONE        GAITI_OS_NO_LIMIT

struct group_file {
  const char *path;
  const char *text;
};

struct group_case {
  const char *what;
  int64_t limit_bytes;
  double pressure;
  struct group_file files[GROUP_FILES];
};

static const struct group_case *volatile group_now;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

static int group_open(const char *text) {
  const int file = memfd_create("group", MFD_CLOEXEC);
  if (file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text) &&
      lseek(file, 0, SEEK_SET) == 0)
    return file;
  perror("limits_granted: memfd_create");
  exit(EXIT_FAILURE);
}

/* A text that is NULL is a file that cannot be read: a folder. */
int __wrap_open(const char *path, int flags, ...) {
  const struct group_case *now = group_now;
  for (int i = 0; i < GROUP_FILES && now->files[i].path; i++) {
    if (strcmp(now->files[i].path, path) != 0) continue;
    return now->files[i].text ? group_open(now->files[i].text) : __real_open("/", flags);
  }
  errno = ENOENT;
  return -1;
}

#define OWN2(group) "/proc/self/cgroup", "0::" group "\n"

static const struct group_case group_cases[] = {
    {"no group", NONE, 0, {{NULL, NULL}}},
    {"version 2, a limit of its own",
     512 * MIB,
     0,
     {{OWN2("/app")}, {"/sys/fs/cgroup/app/memory.max", "536870912\n"}}},
    {"version 2, memory.high is less",
     256 * MIB,
     0,
     {{OWN2("/app")},
      {"/sys/fs/cgroup/app/memory.max", "536870912\n"},
      {"/sys/fs/cgroup/app/memory.high", "268435456\n"}}},
    {"version 2, memory.high alone",
     256 * MIB,
     0,
     {{OWN2("/app")},
      {"/sys/fs/cgroup/app/memory.max", "max\n"},
      {"/sys/fs/cgroup/app/memory.high", "268435456\n"}}},
    {"version 2, a group above has less",
     64 * MIB,
     0,
     {{OWN2("/a/b/c")},
      {"/sys/fs/cgroup/a/b/c/memory.max", "536870912\n"},
      {"/sys/fs/cgroup/a/memory.high", "67108864\n"}}},
    {"version 2, the root of a container",
     128 * MIB,
     0,
     {{OWN2("/")}, {"/sys/fs/cgroup/memory.max", "134217728\n"}}},
    {"version 2, no limit",
     NONE,
     0,
     {{OWN2("/app")},
      {"/sys/fs/cgroup/app/memory.max", "max\n"},
      {"/sys/fs/cgroup/app/memory.high", "max\n"}}},
    {"version 2, nothing is granted",
     0,
     0,
     {{OWN2("/app")}, {"/sys/fs/cgroup/app/memory.max", "0\n"}}},
    {"version 2, nonsense",
     NONE,
     0,
     {{OWN2("/app")},
      {"/sys/fs/cgroup/app/memory.max", "plenty\n"},
      {"/sys/fs/cgroup/app/memory.high", "12MiB\n"}}},
    {"version 2, empty, and a file that cannot be read",
     NONE,
     0,
     {{OWN2("/app")},
      {"/sys/fs/cgroup/app/memory.max", ""},
      {"/sys/fs/cgroup/app/memory.high", NULL}}},
    {"version 2, pressure",
     512 * MIB,
     12.34,
     {{OWN2("/app")},
      {"/sys/fs/cgroup/app/memory.max", "536870912\n"},
      {"/sys/fs/cgroup/app/memory.pressure", "some avg10=12.34 avg60=1.00 avg300=0.10 "
                                             "total=1\nfull avg10=9.00 avg60=0 avg300=0 total=0\n"},
      {"/sys/fs/cgroup/memory.pressure", "some avg10=50.00 avg60=0.00 avg300=0.00 total=0\n"}}},
    {"version 2, pressure above, as the own group has none",
     NONE,
     100,
     {{OWN2("/app")},
      {"/sys/fs/cgroup/app/memory.pressure", "none\n"},
      {"/sys/fs/cgroup/memory.pressure", "some avg10=100 avg60=0.00\n"}}},
    {"version 2, half a pressure",
     NONE,
     0.5,
     {{OWN2("/app")}, {"/sys/fs/cgroup/app/memory.pressure", "some avg10=0.5"}}},
    {"version 2, pressure that is no number",
     NONE,
     0,
     {{OWN2("/app")}, {"/sys/fs/cgroup/app/memory.pressure", "some avg10=-1.00\n"}}},
    {"version 1",
     32 * MIB,
     0,
     {{"/proc/self/cgroup", "9:cpuset:/\n4:memory:/app\n"},
      {"/sys/fs/cgroup/memory/app/memory.limit_in_bytes", "33554432\n"}}},
    {"version 1, another controller's folder",
     NONE,
     0,
     {{"/proc/self/cgroup", "4:memoryless,cpu:/app\n"},
      {"/sys/fs/cgroup/memory/app/memory.limit_in_bytes", "33554432\n"}}},
    {"version 1, a container: its path is of the world outside",
     32 * MIB,
     0,
     {{"/proc/self/cgroup", "4:memory:/docker/0123\n"},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "33554432\n"}}},
    {"version 1, no limit",
     NONE,
     0,
     {{"/proc/self/cgroup", "4:memory:/app\n"},
      {"/sys/fs/cgroup/memory/app/memory.limit_in_bytes", "9223372036854771712\n"}}},
    {"both versions, the least counts",
     48 * MIB,
     0,
     {{"/proc/self/cgroup", "4:memory:/app\n0::/app\n"},
      {"/sys/fs/cgroup/memory/app/memory.limit_in_bytes", "67108864\n"},
      {"/sys/fs/cgroup/app/memory.max", "50331648\n"}}},
};

static int group_failed;

static void group_expect(bool right, const char *what, const char *sentence) {
  if (right) return;
  fprintf(stderr, "limits_granted: %s: %s\n", what, sentence);
  group_failed = 1;
}

static void group_run_cases(void) {
  for (size_t i = 0; i < sizeof group_cases / sizeof *group_cases; i++) {
    group_now = &group_cases[i];
    gaiti_os_memory_learn();
    if (gaiti_os_memory_limit() == group_now->limit_bytes &&
        gaiti_os_memory_pressure() == group_now->pressure)
      continue;
    fprintf(stderr, "limits_granted: %s: %lld bytes, not %lld; pressure %g, not %g\n",
            group_now->what, (long long)gaiti_os_memory_limit(), (long long)group_now->limit_bytes,
            gaiti_os_memory_pressure(), group_now->pressure);
    group_failed = 1;
  }
}

/* ---- A heap ---- */

static const struct group_case group_wide = {
    "wide", 0, 0, {{OWN2("/app")}, {"/sys/fs/cgroup/app/memory.max", "1073741824\n"}}};
static const struct group_case group_narrow = {
    "narrow",
    0,
    0,
    {{OWN2("/app")},
     {"/sys/fs/cgroup/app/memory.max", "1073741824\n"},
     {"/sys/fs/cgroup/app/memory.high", "67108864\n"},
     {"/sys/fs/cgroup/app/memory.pressure", "some avg10=2.50 avg60=0.00\n"}}};

#define WIDE_BYTES   ((INT64_C(1024) * MIB) - (INT64_C(1024) * MIB) / 10)
#define NARROW_BYTES (48 * MIB)

static gait_stats group_stats(gait_heap *heap) {
  gait_stats stats;
  gait_stats_read(heap, &stats);
  return stats;
}

/* Allocates until the heap has so many bytes as its limit.  The number of looks only ends what
 * would hang. */
static void group_allocate_until(gait_heap *heap, gait_thread *thread, int64_t limit_bytes) {
  for (int looks = 0; looks < 20000; looks++) {
    for (int i = 0; i < 256; i++)
      if (!gait_alloc(thread, gait_kind_leaf(heap), 4096)) abort();
    if (group_stats(heap).memory_limit_bytes == limit_bytes) return;
    gait_thread_leave(thread);
    usleep(1000);
    gait_thread_enter(thread);
  }
}

/* A running program is told of a lower limit at the end of some cycle, an idle one at some time;
 * and free memory goes back to it. */
static void group_test_running(void) {
  gait_options options;
  gait_options_init(&options);
  gait_heap *heap;
  gait_thread *thread;
  group_now = &group_wide;
  options.memory_limit_bytes = GAIT_AUTO;
  if (gait_heap_create(&options, &heap) != GAIT_OK ||
      gait_thread_attach(heap, "group", GAIT_STACK_EXACT, &thread) != GAIT_OK)
    abort();
  group_expect(group_stats(heap).memory_limit_bytes == WIDE_BYTES, "heap", "the limit at first");
  group_expect(gait_heap_memory_limit(heap) == GAIT_AUTO, "heap", "the setting");
  group_now = &group_narrow;
  group_allocate_until(heap, thread, NARROW_BYTES);
  gait_heap_collect(thread);
  gait_heap_collect(thread);
  gait_cycle_record record;
  gait_records_read(heap, group_stats(heap).cycles, &record, 1);
  group_expect(record.memory_limit_bytes == NARROW_BYTES, "heap", "the limit in the record");
  group_expect(record.memory_pressure_percent == 2.5, "heap", "the pressure in the record");
  group_expect(group_stats(heap).memory_pressure_percent == 2.5, "heap", "the pressure");
  gait_thread_leave(thread);
  group_now = &group_wide;
  for (int looks = 0; looks < 60000 && group_stats(heap).memory_limit_bytes != WIDE_BYTES; looks++)
    usleep(1000);
  group_expect(group_stats(heap).memory_limit_bytes == WIDE_BYTES, "heap", "an idle one's limit");
  gait_thread_detach(thread);
  gait_heap_destroy(heap);
}

static void group_test_setter(void) {
  gait_heap *heap;
  int64_t before = 0;
  group_now = &group_narrow;
  gait_options options;
  gait_options_init(&options);
  if (gait_heap_create(&options, &heap) != GAIT_OK) abort();
  group_expect(group_stats(heap).memory_limit_bytes == GAIT_OFF, "setter", "none at first");
  group_expect(gait_heap_set_memory_limit(heap, GAIT_AUTO, &before) == GAIT_OK &&
                   before == GAIT_OFF && gait_heap_memory_limit(heap) == GAIT_AUTO,
               "setter", "auto is a setting");
  group_expect(group_stats(heap).memory_limit_bytes == NARROW_BYTES, "setter", "and a number");
  group_expect(gait_heap_set_memory_limit(heap, 7 * MIB, &before) == GAIT_OK &&
                   before == GAIT_AUTO && group_stats(heap).memory_limit_bytes == 7 * MIB,
               "setter", "a number ends it");
  group_now = &group_cases[0];
  gait_heap_set_memory_limit(heap, GAIT_AUTO, &before);
  group_expect(group_stats(heap).memory_limit_bytes == GAIT_OFF, "setter", "no group, no limit");
  gait_heap_destroy(heap);
}

int main(void) {
  group_run_cases();
  group_test_setter();
  group_test_running();
  return group_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
