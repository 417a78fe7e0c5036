/* The constructor runs before main, or in whichever thread loads the library later: so it asks for
 * the process's first thread, not for the calling one.
 *
 * Policies and niceness by the system's calls: musl's functions for the former do nothing.  An
 * ordinary user may lower the policy and niceness of a thread, and not raise them again: a
 * collector's thread that was made by an idle or a nice thread then stays as that one is. */
#define _GNU_SOURCE
#include "os/start.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/os.h"

static struct {
  bool has_cpus;
  struct gaiti_cpus cpus;
  int policy;
  int nice;
} start;

static _Thread_local bool start_restored;

static int start_policy(int tid) {
  int policy = (int)syscall(SYS_sched_getscheduler, tid);
  return policy < 0 ? SCHED_OTHER : policy & ~SCHED_RESET_ON_FORK;
}

/* Before the constructors of the program, which may make a heap. */
__attribute__((constructor(101))) static void start_note(void) {
  int before = errno, first = getpid();
  start.has_cpus = gaiti_cpus_read(first, &start.cpus);
  start.policy = start_policy(first);
  start.nice = getpriority(PRIO_PROCESS, (id_t)first);
  errno = before;
}

unsigned gaiti_start_cpus(void) {
  unsigned count = start.has_cpus ? gaiti_cpus_count(&start.cpus) : 0;
  if (count > 0) return count;
  int before = errno;
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  errno = before;
  return online > 0 ? (unsigned)online : 1;
}

/* Never to a policy of real time: the collector's work would keep such threads waiting. */
static void start_restore_policy(void) {
  bool plain = start.policy == SCHED_BATCH || start.policy == SCHED_IDLE;
  int wanted = plain ? start.policy : SCHED_OTHER;
  struct sched_param parameters = {.sched_priority = 0};
  if (start_policy(0) != wanted) syscall(SYS_sched_setscheduler, 0, wanted, &parameters);
}

void gaiti_start_restore(void) {
  int before = errno;
  start_restored = start.has_cpus && gaiti_cpus_apply(&start.cpus);
  start_restore_policy();
  setpriority(PRIO_PROCESS, (id_t)gaiti_os_thread_id(), start.nice);
  errno = before;
}

bool gaiti_start_restored(void) {
  return start_restored;
}
