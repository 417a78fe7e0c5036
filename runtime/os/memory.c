/* Addresses and memory, through mmap. */
#define _GNU_SOURCE
#include "os/os.h"

#include "os/virtual.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/atomic.h"
#include "os/file.h"

/* Linux 5.14 and 5.18; older headers, and those of musl, do not have them. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

size_t gaiti_os_page_bytes(void) {
  static AO_t known;
  AO_t bytes = AO_load(&known);
  if (bytes != 0) return bytes;
  int before = errno;
  long size = sysconf(_SC_PAGESIZE);
  errno = before;
  bytes = size > 0 ? (AO_t)size : 4096;
  AO_store(&known, bytes);
  return bytes;
}

/* ---- Addresses ---- */

/* The bytes of addresses that the process has taken; 0 where that cannot be read. */
static size_t memory_taken(void) {
  char text[64];
  if (!gaiti_file_read("/proc/self/statm", text, sizeof text)) return 0;
  return (size_t)strtoull(text, NULL, 10) * gaiti_os_page_bytes();
}

size_t gaiti_os_addresses_left(void) {
  struct rlimit limit;
  int before = errno;
  bool limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  size_t taken = limited ? memory_taken() : 0;
  errno = before;
  if (!limited) return SIZE_MAX;
  return limit.rlim_cur > taken ? (size_t)limit.rlim_cur - taken : 0;
}

static void *memory_reserve(size_t bytes, size_t alignment) {
  size_t slack = alignment > gaiti_os_page_bytes() ? alignment : 0;
  char *start =
      mmap(NULL, bytes + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return NULL;
  if (slack == 0) return start;
  char *aligned = (char *)(((uintptr_t)start + alignment - 1) & ~(uintptr_t)(alignment - 1));
  if (aligned > start) munmap(start, (size_t)(aligned - start));
  size_t tail = slack - (size_t)(aligned - start);
  if (tail > 0) munmap(aligned + bytes, tail);
  return aligned;
}

void *gaiti_os_reserve(size_t bytes, size_t alignment) {
  int before = errno;
  void *start = memory_reserve(bytes, alignment);
  errno = before;
  return start;
}

void gaiti_os_unreserve(void *start, size_t bytes) {
  int before = errno;
  munmap(start, bytes);
  errno = before;
}

/* ---- Memory behind them ---- */

bool gaiti_os_commit(void *start, size_t bytes) {
  int before = errno;
  bool done = mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0;
  errno = before;
  return done;
}

/* Returns 0, or the error's number; leaves errno as it was. */
static int memory_advise(void *start, size_t bytes, int advice) {
  int before = errno;
  int error = madvise(start, bytes, advice) == 0 ? 0 : errno;
  errno = before;
  return error;
}

/* The first form is refused, as invalid, where the program has locked its memory (mlockall). */
bool gaiti_os_release(void *start, size_t bytes) {
  int error = memory_advise(start, bytes, MADV_DONTNEED);
  if (error == EINVAL) error = memory_advise(start, bytes, MADV_DONTNEED_LOCKED);
  return error == 0;
}

void gaiti_os_populate(void *start, size_t bytes) {
  memory_advise(start, bytes, MADV_POPULATE_WRITE);
}

size_t gaiti_os_resident_pages(const void *start, size_t pages) {
  if (gaiti_virtual_is_on) return 0; /* not the program's doing */
  unsigned char there[GAITI_OS_PAGES_MAX];
  size_t count = 0;
  int before = errno;
  if (pages > GAITI_OS_PAGES_MAX) pages = GAITI_OS_PAGES_MAX;
  bool known = mincore((void *)(uintptr_t)start, pages * gaiti_os_page_bytes(), there) == 0;
  errno = before;
  for (size_t i = 0; known && i < pages; i++)
    count += there[i] & 1;
  return count;
}

void gaiti_os_prefer_huge_pages(void *start, size_t bytes) {
  memory_advise(start, bytes, MADV_HUGEPAGE);
}

void gaiti_os_refuse_huge_pages(void *start, size_t bytes) {
  memory_advise(start, bytes, MADV_NOHUGEPAGE);
}

void *gaiti_os_alloc(size_t bytes) {
  int before = errno;
  void *memory = calloc(1, bytes);
  errno = before;
  return memory;
}

void *gaiti_os_alloc_aligned(size_t alignment, size_t bytes) {
  int before = errno;
  void *memory;
  bool failed = posix_memalign(&memory, alignment, bytes) != 0;
  errno = before;
  return failed ? NULL : memset(memory, 0, bytes);
}

void gaiti_os_free(void *memory) {
  int before = errno;
  free(memory);
  errno = before;
}
