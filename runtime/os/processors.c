/* How much of the machine this process has: the processors it may run on, cut by the CPU quota of
 * its control group and of every group above it (versions 1 and 2).  What the machine has does not
 * matter: a worker planned on a processor that the quota does not grant only delays the mutators.
 */
#define _GNU_SOURCE
#include "os/os.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"

#define GROUP_PATH_BYTES 4096
#define QUOTA_KEPT_NS    1000000000u

static double processors_by_affinity(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return (double)CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (double)online : 1.0;
}

/* Reads up to `count` numbers from a file; "max" reads as -1.  Returns how many. */
static int processors_read(const char *path, double *numbers, int count) {
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  int read = 0;
  char word[64];
  while (read < count && fscanf(file, "%63s", word) == 1)
    numbers[read++] = strcmp(word, "max") == 0 ? -1.0 : strtod(word, NULL);
  fclose(file);
  return read;
}

/* The quota of one group of version 2 (cpu.max) or 1 (cpu.cfs_*); 0 when it has none. */
static double processors_quota_at(const char *folder, bool unified) {
  char path[GROUP_PATH_BYTES + 64];
  double numbers[2] = {-1, 0};
  if (unified) {
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (processors_read(path, numbers, 2) < 2) return 0;
  } else {
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (processors_read(path, &numbers[0], 1) < 1) return 0;
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    if (processors_read(path, &numbers[1], 1) < 1) return 0;
  }
  return numbers[0] > 0 && numbers[1] > 0 ? numbers[0] / numbers[1] : 0;
}

/* The least quota from `group` up to the root of the hierarchy mounted at `mount`; 0: none. */
static double processors_quota(const char *mount, const char *group, bool unified) {
  char folder[GROUP_PATH_BYTES];
  int length = snprintf(folder, sizeof folder, "%s%s", mount, group);
  if (length < 0 || (size_t)length >= sizeof folder) return 0;
  size_t root = strlen(mount);
  double least = 0;
  for (;;) {
    double quota = processors_quota_at(folder, unified);
    if (quota > 0 && (least == 0 || quota < least)) least = quota;
    char *slash = strrchr(folder, '/');
    if (!slash || strlen(folder) <= root) return least;
    *slash = '\0';
  }
}

/* Whether `list`, separated by commas, has the word "cpu". */
static bool processors_lists_cpu(const char *list) {
  for (const char *word = list; word; word = strchr(word, ',')) {
    if (*word == ',') word++;
    if (strncmp(word, "cpu", 3) == 0 && (word[3] == ',' || word[3] == '\0')) return true;
  }
  return false;
}

static double processors_by_quota(void) {
  FILE *file = fopen("/proc/self/cgroup", "re");
  if (!file) return 0;
  char line[GROUP_PATH_BYTES];
  double least = 0;
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) continue;
    *group++ = '\0';
    controllers++;
    bool unified = *controllers == '\0';
    if (!unified && !processors_lists_cpu(controllers)) continue;
    double quota =
        processors_quota(unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu", group, unified);
    if (quota > 0 && (least == 0 || quota < least)) least = quota;
  }
  fclose(file);
  return least;
}

/* The quota in thousandths of a processor, 0: none.  Several files have to be read for it, so that
 * is done once a second; two threads that do it at a time find the same. */
static double processors_recent_quota(void) {
  static AO_t read_ns, thousandths;
  AO_t now_ns = (AO_t)gaiti_os_now_ns(), before_ns = AO_load_acquire(&read_ns);
  if (before_ns == 0 || now_ns - before_ns >= QUOTA_KEPT_NS) {
    AO_store(&thousandths, (AO_t)(processors_by_quota() * 1000));
    AO_store_release(&read_ns, now_ns);
  }
  return (double)AO_load(&thousandths) / 1000;
}

double gaiti_os_processors(void) {
  double affinity = processors_by_affinity(), quota = processors_recent_quota();
  return quota > 0 && quota < affinity ? quota : affinity;
}
