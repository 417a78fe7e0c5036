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

#include "base/atomic.h"
#include "os/group.h"
#include "os/start.h"
#include "os/virtual.h"

#define QUOTA_KEPT_NS 1000000000u

/* The quota of the group, of version 2 (cpu.max) or 1 (cpu.cfs_*); 0: it has none. */
static double quota_at(const struct gaiti_group *group) {
  int64_t numbers[2] = {-1, 0};
  if (group->unified) {
    if (gaiti_group_read(group, "cpu.max", numbers, 2) < 2) return 0;
  } else if (gaiti_group_read(group, "cpu.cfs_quota_us", &numbers[0], 1) < 1 ||
             gaiti_group_read(group, "cpu.cfs_period_us", &numbers[1], 1) < 1) {
    return 0;
  }
  return numbers[0] > 0 && numbers[1] > 0 ? (double)numbers[0] / (double)numbers[1] : 0;
}

/* In CPUs; 0: none. */
static void quota_take_least(const struct gaiti_group *group, void *arg) {
  double *least = arg, quota = quota_at(group);
  if (quota > 0 && (*least == 0 || quota < *least)) *least = quota;
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
  double quota = 0;
  gaiti_group_walk("cpu", quota_take_least, &quota);
  AO_store(&quota_thousandths, (AO_t)(quota * 1000));
  cpus_learn_count();
  AO_store_release(&learned_ns, (AO_t)gaiti_os_now_ns() | 1);
  errno = before;
}

bool gaiti_os_cpus_are_old(void) {
  if (gaiti_virtual_is_on) return false;
  AO_t learned = AO_load_acquire(&learned_ns);
  return learned == 0 || (AO_t)gaiti_os_now_ns() - learned >= QUOTA_KEPT_NS;
}

double gaiti_os_cpus(void) {
  if (gaiti_virtual_is_on) return gaiti_virtual_cpus();
  AO_t count = AO_load(&cpus_count);
  double all = (double)(count ? count : gaiti_start_cpus());
  double quota = (double)AO_load(&quota_thousandths) / 1000;
  return quota > 0 && quota < all ? quota : all;
}
