/* Threads of the collector, and what it asks about the embedder's. */
#define _GNU_SOURCE
#include "os/os.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

bool gaiti_os_thread_start(pthread_t *thread, gaiti_os_thread_fn *run, void *arg) {
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return false;
  bool started = pthread_create(thread, NULL, run, arg) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

void gaiti_os_thread_set_name(const char *name) {
  pthread_setname_np(pthread_self(), name);
}

int gaiti_os_thread_id(void) {
  return (int)syscall(SYS_gettid);
}

void gaiti_os_thread_set_idle(int tid, bool idle) {
  struct sched_param parameters = {.sched_priority = 0};
  sched_setscheduler(tid, idle ? SCHED_IDLE : SCHED_OTHER, &parameters);
}

void gaiti_os_thread_idle_priority(void) {
  gaiti_os_thread_set_idle(0, true);
}

int gaiti_os_thread_processor(void) {
  return sched_getcpu();
}

void gaiti_os_thread_move_to(int processor) {
  cpu_set_t allowed, one;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  if (processor < 0 || processor >= CPU_SETSIZE || !CPU_ISSET((size_t)processor, &allowed)) return;
  CPU_ZERO(&one);
  CPU_SET((size_t)processor, &one);
  if (sched_setaffinity(0, sizeof one, &one) == 0) sched_setaffinity(0, sizeof allowed, &allowed);
}

/* What the C library knows of a thread stands at the high end of its stack, 2 KiB that are no part
 * of any frame; and the thread's name is where that begins, in glibc and musl. */
static char *thread_below_descriptor(char *low, char *high) {
  uintptr_t descriptor = (uintptr_t)pthread_self();
  return descriptor > (uintptr_t)low && descriptor < (uintptr_t)high ? (char *)descriptor : high;
}

static char *thread_find_stack_base(void) {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return NULL;
  void *low = NULL;
  size_t bytes = 0;
  int failed = pthread_attr_getstack(&attributes, &low, &bytes);
  pthread_attr_destroy(&attributes);
  return failed ? NULL : thread_below_descriptor(low, (char *)low + bytes);
}

/* The system reads its list of mappings for it when the thread is the process's first. */
char *gaiti_os_stack_base(void) {
  static _Thread_local char *base;
  if (!base) base = thread_find_stack_base();
  return base;
}
