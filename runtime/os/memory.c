/* Addresses and memory, through mmap. */
#define _GNU_SOURCE
#include "os/os.h"

#include <stdlib.h>
#include <sys/mman.h>

void *gaiti_os_reserve(size_t bytes, size_t alignment) {
  size_t slack = alignment > GAITI_PAGE_BYTES ? alignment : 0;
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

bool gaiti_os_commit(void *start, size_t bytes) {
  return mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool gaiti_os_release(void *start, size_t bytes) {
  return madvise(start, bytes, MADV_DONTNEED) == 0;
}

void gaiti_os_populate(void *start, size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  madvise(start, bytes, MADV_POPULATE_WRITE);
#else
  (void)start, (void)bytes;
#endif
}

size_t gaiti_os_resident_pages(const void *start, size_t pages) {
  unsigned char there[GAITI_OS_PAGES_MAX];
  size_t count = 0;
  if (pages > GAITI_OS_PAGES_MAX) pages = GAITI_OS_PAGES_MAX;
  if (mincore((void *)(uintptr_t)start, pages * GAITI_PAGE_BYTES, there) != 0) return 0;
  for (size_t i = 0; i < pages; i++)
    count += there[i] & 1;
  return count;
}

void gaiti_os_prefer_huge_pages(void *start, size_t bytes) {
  madvise(start, bytes, MADV_HUGEPAGE);
}

void gaiti_os_unreserve(void *start, size_t bytes) {
  munmap(start, bytes);
}

void *gaiti_os_alloc(size_t bytes) {
  return calloc(1, bytes);
}

void gaiti_os_free(void *memory) {
  free(memory);
}
