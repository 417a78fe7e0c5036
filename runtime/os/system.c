/* The needs of Gait. */
#define _GNU_SOURCE
#include "os/os.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static bool system_has_clock(clockid_t clock) {
  struct timespec time;
  int before = errno;
  bool works = clock_gettime(clock, &time) == 0;
  errno = before;
  return works;
}

const char *gaiti_os_missing(void) {
  if (gaiti_os_page_bytes() > GAITI_OS_PAGE_BYTES_MAX)
    return "the system's pages are larger than 64 KiB, which Gait does not support";
  if (!system_has_clock(CLOCK_MONOTONIC)) return "the system's monotonic clock cannot be read";
  if (!system_has_clock(CLOCK_THREAD_CPUTIME_ID) || !system_has_clock(CLOCK_PROCESS_CPUTIME_ID))
    return "the system's clocks of CPU time cannot be read";
  return NULL;
}

/* One call of the stream: it is not buffered, and each call is a write. */
void gaiti_os_print(const char *text) {
  int before = errno, cancel = gaiti_os_cancel_off();
  fputs(text, stderr);
  gaiti_os_cancel_back(cancel);
  errno = before;
}
