/* Clocks and pauses of the calling thread.  A clock that cannot be read stands at 0. */
#define _GNU_SOURCE
#include "os/os.h"

#include "os/virtual.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

static uint64_t clock_read_ns(clockid_t clock) {
  struct timespec time = {0};
  int before = errno;
  if (clock_gettime(clock, &time) != 0) errno = before;
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t gaiti_os_now_ns(void) {
  return gaiti_virtual_is_on ? gaiti_virtual_now_ns() : clock_read_ns(CLOCK_MONOTONIC);
}

uint64_t gaiti_os_wall_ns(void) {
  return clock_read_ns(CLOCK_REALTIME);
}

uint64_t gaiti_os_thread_cpu_ns(void) {
  if (gaiti_virtual_is_on) return gaiti_virtual_thread_cpu_ns();
  return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t gaiti_os_process_cpu_ns(void) {
  if (gaiti_virtual_is_on) return gaiti_virtual_process_cpu_ns();
  return clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void gaiti_os_sleep_ns(uint64_t ns) {
  if (gaiti_virtual_is_on) {
    gaiti_virtual_sleep_ns(ns);
    return;
  }
  struct timespec time = {.tv_sec = (time_t)(ns / 1000000000u),
                          .tv_nsec = (long)(ns % 1000000000u)};
  int cancel = gaiti_os_cancel_off();
  while (clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &time) == EINTR) {
  }
  gaiti_os_cancel_back(cancel);
}

void gaiti_os_yield(void) {
  if (gaiti_virtual_is_on) {
    gaiti_virtual_pause();
    return;
  }
  int before = errno;
  sched_yield();
  errno = before;
}

void gaiti_os_pause(void) {
  if (gaiti_virtual_is_on) {
    gaiti_virtual_pause();
    return;
  }
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
