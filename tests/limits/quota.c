/* limits_quota: what a process may use of the machine, read from files that are not there.
 *
 * The linker sends the library's open and sched_getaffinity here, so each case is a small file
 * system and a number of CPUs. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
  double wanted; /* 0: those with which the process was started */
  struct quota_file files[QUOTA_FILES];
};

static const struct quota_case *quota_now;

int __wrap_open(const char *path, int flags, ...);
int __real_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set);
int __wrap_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set);

static int quota_open(const char *text) {
  const int file = memfd_create("quota", MFD_CLOEXEC);
  if (file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text) &&
      lseek(file, 0, SEEK_SET) == 0)
    return file;
  perror("limits_quota: memfd_create");
  exit(EXIT_FAILURE);
}

int __wrap_open(const char *path, int flags, ...) {
  (void)flags;
  for (int i = 0; i < QUOTA_FILES && quota_now->files[i].path; i++)
    if (strcmp(quota_now->files[i].path, path) == 0) return quota_open(quota_now->files[i].text);
  errno = ENOENT;
  return -1;
}

/* When the process starts there is no case yet. */
int __wrap_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set) {
  if (!quota_now) return __real_sched_getaffinity(pid, bytes, set);
  memset(set, 0, bytes);
  for (size_t i = 0; i < (size_t)quota_now->affinity; i++)
    CPU_SET(i, set);
  return quota_now->affinity ? 0 : -1;
}

static char quota_long_line[6000];

static const struct quota_case quota_cases[] = {
    {"no affinity", 0, 0, {{NULL, NULL}}},
    {"no group", 8, 8, {{NULL, NULL}}},
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
  const double started = gaiti_os_cpus();
  gaiti_os_thread_begin("gait-quota"); /* as the thread does that reads */
  int failed = 0;
  for (size_t i = 0; i < sizeof quota_cases / sizeof *quota_cases; i++) {
    quota_now = &quota_cases[i];
    const double wanted = quota_now->wanted > 0 ? quota_now->wanted : started;
    gaiti_os_cpus_learn();
    const double cpus = gaiti_os_cpus();
    if (cpus == wanted) continue;
    fprintf(stderr, "limits_quota: %s: %g CPUs, not %g\n", quota_now->what, cpus, wanted);
    failed = 1;
  }
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
