/* Threads of the collector, and what it asks about the embedder's. */
#define _GNU_SOURCE
#include "os/os.h"

#include <link.h>
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

struct thread_end {
  uintptr_t stack_low;
  uintptr_t high;
};

/* Lowers `high` to the first variable that a library has in the calling thread alone, if it lies on
 * the thread's stack. */
static int thread_below_variables(struct dl_phdr_info *library, size_t bytes, void *arg) {
  const size_t known = offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof(void *);
  struct thread_end *end = arg;
  uintptr_t variables = bytes >= known ? (uintptr_t)library->dlpi_tls_data : 0;
  if (variables > end->stack_low && variables < end->high) end->high = variables;
  return 0;
}

/* What the C library knows of a thread stands at the high end of its stack, and is no part of any
 * frame.  In glibc on x86-64 that is, from above: the descriptor, whose address names the thread;
 * the variables of the thread's own, which are no roots; 1 to 2 KiB for variables of libraries that
 * come later, zero until then; and the place to which the outermost frame returns, which is not.
 * Elsewhere one or the other is missing, and less is left out. */
static uintptr_t thread_below_library(uintptr_t low, uintptr_t high) {
  struct thread_end end = {low, high};
  uintptr_t descriptor = (uintptr_t)pthread_self();
  if (descriptor <= low || descriptor >= high) return high;
  end.high = descriptor;
  dl_iterate_phdr(thread_below_variables, &end);
  const uintptr_t *word = (const uintptr_t *)(end.high & ~(uintptr_t)7);
  while (word[-1] == 0)
    word--;
  return (uintptr_t)word;
}

/* The system reads its list of mappings for it when the thread is the process's first. */
bool gaiti_os_stack_now(uintptr_t *low, uintptr_t *high) {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return false;
  void *start = NULL;
  size_t bytes = 0;
  bool known = pthread_attr_getstack(&attributes, &start, &bytes) == 0;
  pthread_attr_destroy(&attributes);
  if (!known) return false;
  *low = (uintptr_t)start;
  *high = thread_below_library(*low, *low + bytes);
  return true;
}

bool gaiti_os_stack(uintptr_t *low, uintptr_t *high) {
  static _Thread_local uintptr_t known_low, known_high;
  if (!known_high && !gaiti_os_stack_now(&known_low, &known_high)) return false;
  *low = known_low;
  *high = known_high;
  return true;
}
