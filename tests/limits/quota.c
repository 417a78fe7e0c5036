/* limits_quota: what a process may use of the machine, read from files that are not there.
 *
 * The linker sends the library's fopen, sched_getaffinity and clock_gettime here, so each case is a
 * small file system and a number of processors, a minute after the one before: the library keeps
 * what it has read for a moment. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/os.h"

#define QUOTA_FILES 6

struct quota_file {
  const char *path;
  const char *text;
};

struct quota_case {
  const char *what;
  int affinity;  /* 0: it cannot be asked for */
  double wanted; /* 0: what the system says */
  struct quota_file files[QUOTA_FILES];
};

static const struct quota_case *quota_now;

FILE *__wrap_fopen(const char *path, const char *mode);
int __wrap_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);

FILE *__wrap_fopen(const char *path, const char *mode) {
  (void)mode;
  for (int i = 0; i < QUOTA_FILES && quota_now->files[i].path; i++)
    if (strcmp(quota_now->files[i].path, path) == 0)
      return fmemopen((void *)(uintptr_t)quota_now->files[i].text, strlen(quota_now->files[i].text),
                      "r");
  errno = ENOENT;
  return NULL;
}

int __wrap_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set) {
  (void)pid;
  memset(set, 0, bytes);
  for (size_t i = 0; i < (size_t)quota_now->affinity; i++)
    CPU_SET(i, set);
  return quota_now->affinity ? 0 : -1;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
  static time_t minutes;
  (void)clock;
  *time = (struct timespec){.tv_sec = ++minutes * 60};
  return 0;
}

static char quota_long_line[6000];

static const struct quota_case quota_cases[] = {
    {"no group", 8, 8, {{NULL, NULL}}},
    {"no affinity", 0, 0, {{NULL, NULL}}},
    {"version 2, a quota of its own",
     8,
     0.5,
     {{"/proc/self/cgroup", "0::/app\n"}, {"/sys/fs/cgroup/app/cpu.max", "50000 100000\n"}}},
    {"version 2, a group above has less",
     8,
     1.5,
     {{"/proc/self/cgroup", "0::/a/b\n"},
      {"/sys/fs/cgroup/a/b/cpu.max", "400000 100000\n"},
      {"/sys/fs/cgroup/a/cpu.max", "150000 100000\n"}}},
    {"version 2, max at the bottom, a quota at the root of a container",
     8,
     2,
     {{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "200000 100000\n"}}},
    {"version 2, no quota",
     8,
     8,
     {{"/proc/self/cgroup", "0::/app\n"}, {"/sys/fs/cgroup/app/cpu.max", "max 100000\n"}}},
    {"version 2, more than the affinity",
     2,
     2,
     {{"/proc/self/cgroup", "0::/app\n"}, {"/sys/fs/cgroup/app/cpu.max", "800000 100000\n"}}},
    {"version 2, half a file",
     8,
     8,
     {{"/proc/self/cgroup", "0::/app\n"}, {"/sys/fs/cgroup/app/cpu.max", "50000\n"}}},
    {"version 2, nonsense",
     8,
     8,
     {{"/proc/self/cgroup", "0::/app\n"}, {"/sys/fs/cgroup/app/cpu.max", "many -3\n"}}},
    {"version 1, among other controllers",
     8,
     0.25,
     {{"/proc/self/cgroup", "9:cpuset:/\n4:memory:/x\n3:cpuacct,cpu:/app\n"},
      {"/sys/fs/cgroup/cpu/app/cpu.cfs_quota_us", "25000\n"},
      {"/sys/fs/cgroup/cpu/app/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, no quota",
     8,
     8,
     {{"/proc/self/cgroup", "3:cpu,cpuacct:/app\n"},
      {"/sys/fs/cgroup/cpu/app/cpu.cfs_quota_us", "-1\n"},
      {"/sys/fs/cgroup/cpu/app/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, no period",
     8,
     8,
     {{"/proc/self/cgroup", "3:cpu:/app\n"},
      {"/sys/fs/cgroup/cpu/app/cpu.cfs_quota_us", "50000\n"}}},
    {"both versions, the least counts",
     8,
     1,
     {{"/proc/self/cgroup", "3:cpu:/app\n0::/app\n"},
      {"/sys/fs/cgroup/cpu/app/cpu.cfs_quota_us", "300000\n"},
      {"/sys/fs/cgroup/cpu/app/cpu.cfs_period_us", "100000\n"},
      {"/sys/fs/cgroup/app/cpu.max", "100000 100000\n"}}},
    {"a controller that is not cpu, and a line without a group",
     8,
     8,
     {{"/proc/self/cgroup", "3:cpuset:/app\nnonsense\n4:cpuonly\n"},
      {"/sys/fs/cgroup/cpu/app/cpu.cfs_quota_us", "50000\n"},
      {"/sys/fs/cgroup/cpu/app/cpu.cfs_period_us", "100000\n"}}},
    {"a path that is too long", 8, 8, {{"/proc/self/cgroup", quota_long_line}}},
};

int main(void) {
  memset(quota_long_line, 'x', sizeof quota_long_line - 1);
  memcpy(quota_long_line, "0::/", 4);
  const double online = (double)sysconf(_SC_NPROCESSORS_ONLN);
  int failed = 0;
  for (size_t i = 0; i < sizeof quota_cases / sizeof *quota_cases; i++) {
    quota_now = &quota_cases[i];
    const double wanted = quota_now->wanted > 0 ? quota_now->wanted : online;
    const double processors = gaiti_os_processors();
    if (processors == wanted) continue;
    fprintf(stderr, "limits_quota: %s: %g processors, not %g\n", quota_now->what, processors,
            wanted);
    failed = 1;
  }
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
