/* Threads of the collector, and its questions about the embedder's. */
#define _GNU_SOURCE
#include "os/os.h"

#include <errno.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attributes.h"
#include "os/cpus.h"
#include "os/start.h"
#include "os/virtual.h"

int gaiti_os_cancel_off(void) {
  int before = PTHREAD_CANCEL_ENABLE;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  return before;
}

void gaiti_os_cancel_back(int before) {
  int off;
  pthread_setcancelstate(before, &off);
}

bool gaiti_os_thread_start(pthread_t *thread, gaiti_os_thread_fn *run, void *arg) {
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, SIGSEGV); /* where it is blocked, a fault ends the process (os/guard.c) */
  sigdelset(&all, SIGTRAP);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return false;
  int error = errno, cancel = gaiti_os_cancel_off();
  bool started = gaiti_virtual_is_on ? gaiti_virtual_thread_start(thread, run, arg)
                                     : pthread_create(thread, NULL, run, arg) == 0;
  gaiti_os_cancel_back(cancel);
  errno = error;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

void gaiti_os_thread_join(pthread_t thread) {
  int cancel = gaiti_os_cancel_off();
  if (gaiti_virtual_is_on)
    gaiti_virtual_thread_join(thread);
  else
    pthread_join(thread, NULL);
  gaiti_os_cancel_back(cancel);
}

void gaiti_os_thread_begin(const char *name) {
  gaiti_os_cancel_off();
  int before = errno;
  pthread_setname_np(pthread_self(), name);
  errno = before;
  gaiti_start_restore();
}

int gaiti_os_thread_id(void) {
  if (gaiti_virtual_is_on) return gaiti_virtual_thread_id();
  return (int)syscall(SYS_gettid); /* which does not fail */
}

void gaiti_os_thread_name(char *name, size_t bytes) {
  char text[16] = ""; /* as long as the system's names are */
  int before = errno;
  prctl(PR_GET_NAME, text);
  errno = before;
  snprintf(name, bytes, "%.15s", text);
}

/* By the system's call: musl's function does nothing. */
void gaiti_os_thread_idle_priority(void) {
  if (gaiti_virtual_is_on) {
    gaiti_virtual_set_idle(true);
    return;
  }
  struct sched_param parameters = {.sched_priority = 0};
  int before = errno;
  syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &parameters);
  errno = before;
}

void gaiti_os_thread_end_idle_priority(int tid) {
  if (gaiti_virtual_is_on) return; /* the thread that joins it waits, and leaves it a CPU */
  struct sched_param parameters = {.sched_priority = 0};
  int before = errno;
  syscall(SYS_sched_setscheduler, tid, SCHED_OTHER, &parameters);
  errno = before;
}

int gaiti_os_thread_cpu(void) {
  if (gaiti_virtual_is_on) return -1;
  int before = errno, cpu = sched_getcpu();
  errno = before;
  return cpu;
}

static GAITI_NOINLINE void thread_move_to(int cpu) {
  struct gaiti_cpus allowed, one;
  if (!gaiti_cpus_read(0, &allowed) || !gaiti_cpus_has(&allowed, cpu)) return;
  gaiti_cpus_set_one(&one, cpu);
  if (gaiti_cpus_apply(&one)) gaiti_cpus_apply(&allowed);
}

/* Not a thread of the embedder's that runs a cycle: it has a small stack, perhaps, and its affinity
 * is no business of ours. */
void gaiti_os_thread_move_to(int cpu) {
  if (gaiti_start_restored()) thread_move_to(cpu);
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

/* The C library's data on a thread stand at the high end of its stack, and are no part of any
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

/* Where the process's first frame began: glibc's dynamic linker and its startup code note it. */
extern void *__libc_stack_end __attribute__((weak));

/* The process's first thread where the C library cannot tell: how far its stack may grow is the
 * system's limit. */
static bool thread_find_first_stack(uintptr_t *low, uintptr_t *high) {
  struct rlimit limit;
  if (gaiti_os_thread_id() != getpid() || !&__libc_stack_end) return false;
  *high = (uintptr_t)__libc_stack_end;
  bool known = getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < *high;
  *low = known ? *high - limit.rlim_cur : 0;
  return true;
}

/* The C library reads the system's list of mappings for it when the thread is the process's first.
 * Where there is no such list, in a chroot without /proc, that thread's is still known. */
static bool thread_find_stack(uintptr_t *low, uintptr_t *high) {
  pthread_attr_t attributes;
  void *start = NULL;
  size_t bytes = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0)
    return thread_find_first_stack(low, high);
  bool known = pthread_attr_getstack(&attributes, &start, &bytes) == 0;
  pthread_attr_destroy(&attributes);
  if (!known) return false;
  *low = (uintptr_t)start;
  *high = thread_below_library(*low, *low + bytes);
  return true;
}

bool gaiti_os_stack_now(uintptr_t *low, uintptr_t *high) {
  int before = errno, cancel = gaiti_os_cancel_off();
  bool known = thread_find_stack(low, high);
  gaiti_os_cancel_back(cancel);
  errno = before;
  return known;
}

bool gaiti_os_stack(uintptr_t *low, uintptr_t *high) {
  static _Thread_local uintptr_t known_low, known_high;
  if (!known_high && !gaiti_os_stack_now(&known_low, &known_high)) return false;
  *low = known_low;
  *high = known_high;
  return true;
}
