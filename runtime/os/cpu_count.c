/* How much of the machine this process has: the CPUs it may run on, cut by the CPU quota of
 * its control group and of every group above it (versions 1 and 2).  Other CPUs of the
 * machine do not matter: a worker planned on a CPU that the quota does not grant only delays
 * the mutators.
 *
 * The CPUs are those with which the process was started (start.h).  A thread of the
 * collector's own has been let run on all of them, so the system's answer for that thread is the
 * same, but for CPUs that were taken from the process, or given back to it, since.
 *
 * A quota stands in several files, which takes some ten microseconds to read, and longer while the
 * system changes them.  So no thread of the embedder's reads them, but for the one that makes a
 * heap: the collector's threads do, once a second, and all others take the values that were read
 * last. */
#define _GNU_SOURCE
#include "os/os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "os/file.h"
#include "os/start.h"

#define QUOTA_PATH_BYTES   4096
#define QUOTA_GROUPS_BYTES 16384
#define QUOTA_KEPT_NS      1000000000u

/* Too large for a stack.
 *   groups  the text of the file that names the process's groups
 *   folder  of the group that is looked at
 *   path    of a file in it */
struct quota_scratch {
  char groups[QUOTA_GROUPS_BYTES];
  char folder[QUOTA_PATH_BYTES];
  char path[QUOTA_PATH_BYTES + 32];
};

/* Reads up to `count` whole numbers from a file; "max" reads as -1.  Returns how many. */
static int quota_read(struct quota_scratch *scratch, const char *name, int64_t *numbers,
                      int count) {
  char text[128];
  snprintf(scratch->path, sizeof scratch->path, "%s/%s", scratch->folder, name);
  if (!gaiti_file_read(scratch->path, text, sizeof text)) return 0;
  int read = 0;
  char *rest = NULL;
  for (char *word = strtok_r(text, " \n", &rest); word && read < count;
       word = strtok_r(NULL, " \n", &rest))
    numbers[read++] = strcmp(word, "max") == 0 ? -1 : strtoll(word, NULL, 10);
  return read;
}

/* The quota of the group at `folder`, of version 2 (cpu.max) or 1 (cpu.cfs_*); 0: it has none. */
static double quota_at(struct quota_scratch *scratch, bool unified) {
  int64_t numbers[2] = {-1, 0};
  if (unified) {
    if (quota_read(scratch, "cpu.max", numbers, 2) < 2) return 0;
  } else if (quota_read(scratch, "cpu.cfs_quota_us", &numbers[0], 1) < 1 ||
             quota_read(scratch, "cpu.cfs_period_us", &numbers[1], 1) < 1) {
    return 0;
  }
  return numbers[0] > 0 && numbers[1] > 0 ? (double)numbers[0] / (double)numbers[1] : 0;
}

static double quota_least(double one, double other) {
  if (one == 0 || other == 0) return one + other;
  return one < other ? one : other;
}

/* The least quota from `group` up to the root of the hierarchy mounted at `mount`; 0: none. */
static double quota_up_from(struct quota_scratch *scratch, const char *mount, const char *group,
                            bool unified) {
  char *folder = scratch->folder;
  int length = snprintf(folder, QUOTA_PATH_BYTES, "%s%s", mount, group);
  if (length < 0 || length >= QUOTA_PATH_BYTES) return 0;
  size_t root = strlen(mount);
  double least = 0;
  for (;;) {
    least = quota_least(least, quota_at(scratch, unified));
    char *slash = strrchr(folder, '/');
    if (!slash || strlen(folder) <= root) return least;
    *slash = '\0';
  }
}

/* Whether `list`, separated by commas, has the word "cpu". */
static bool quota_lists_cpu(const char *list) {
  for (const char *word = list; word; word = strchr(word, ',')) {
    if (*word == ',') word++;
    if (strncmp(word, "cpu", 3) == 0 && (word[3] == ',' || word[3] == '\0')) return true;
  }
  return false;
}

/* A line of the process's groups: a number, controllers, and the group's path. */
static double quota_of_line(struct quota_scratch *scratch, char *line) {
  char *controllers = strchr(line, ':');
  char *group = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!group) return 0;
  *group++ = '\0';
  controllers++;
  bool unified = *controllers == '\0';
  if (!unified && !quota_lists_cpu(controllers)) return 0;
  return quota_up_from(scratch, unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu", group, unified);
}

/* In CPUs; 0: none. */
static double quota_find(struct quota_scratch *scratch) {
  if (!gaiti_file_read("/proc/self/cgroup", scratch->groups, sizeof scratch->groups)) return 0;
  double least = 0;
  char *rest = NULL;
  for (char *line = strtok_r(scratch->groups, "\n", &rest); line;
       line = strtok_r(NULL, "\n", &rest))
    least = quota_least(least, quota_of_line(scratch, line));
  return least;
}

/* ---- The values learned last ----
 *
 * Each is written by whichever thread learns, and two that do it at a time find the same.
 *   learned_ns        when; 0: never
 *   count             CPUs, by a collector's thread; 0: by none yet
 *   quota_thousandths of a CPU; 0: there is no quota */
static AO_t learned_ns, cpus_count, quota_thousandths;

static void cpus_learn_count(void) {
  struct gaiti_cpus own;
  if (gaiti_start_restored() && gaiti_cpus_read(0, &own))
    AO_store(&cpus_count, gaiti_cpus_count(&own));
}

void gaiti_os_cpus_learn(void) {
  int before = errno;
  struct quota_scratch *scratch = gaiti_os_alloc(sizeof *scratch);
  if (scratch) AO_store(&quota_thousandths, (AO_t)(quota_find(scratch) * 1000));
  gaiti_os_free(scratch);
  cpus_learn_count();
  AO_store_release(&learned_ns, (AO_t)gaiti_os_now_ns() | 1);
  errno = before;
}

bool gaiti_os_cpus_are_old(void) {
  AO_t learned = AO_load_acquire(&learned_ns);
  return learned == 0 || (AO_t)gaiti_os_now_ns() - learned >= QUOTA_KEPT_NS;
}

double gaiti_os_cpus(void) {
  AO_t count = AO_load(&cpus_count);
  double all = (double)(count ? count : gaiti_start_cpus());
  double quota = (double)AO_load(&quota_thousandths) / 1000;
  return quota > 0 && quota < all ? quota : all;
}
