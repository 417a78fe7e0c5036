#define _GNU_SOURCE
#include "os/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/os.h"

/* A file that is longer than the limit of the process would be answered with a signal. */
static bool mapped_may_be_long(size_t bytes) {
  struct rlimit limit;
  return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
         limit.rlim_cur >= bytes;
}

static bool mapped_reserve(int file, size_t bytes) {
  if (!mapped_may_be_long(bytes)) {
    errno = EFBIG;
    return false;
  }
  int result;
  do
    result = fallocate(file, 0, 0, (off_t)bytes);
  while (result != 0 && errno == EINTR);
  if (result == 0) return true;
  bool cannot = errno == EOPNOTSUPP || errno == ENOSYS;
  return cannot && ftruncate(file, (off_t)bytes) == 0;
}

static void *mapped_create(const char *path, size_t bytes) {
  int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (file < 0) return NULL;
  void *start = MAP_FAILED;
  if (mapped_reserve(file, bytes))
    start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  int error = errno;
  close(file);
  if (start == MAP_FAILED) unlink(path);
  errno = error;
  return start == MAP_FAILED ? NULL : start;
}

void *gaiti_mapped_create(const char *path, size_t bytes, int *error) {
  int before = errno, cancel = gaiti_os_cancel_off();
  void *start = mapped_create(path, bytes);
  *error = start ? 0 : errno;
  gaiti_os_cancel_back(cancel);
  errno = before;
  return start;
}

int gaiti_mapped_rename(const char *from, const char *to) {
  int before = errno;
  int error = rename(from, to) == 0 ? 0 : errno;
  errno = before;
  return error;
}

void gaiti_mapped_remove(const char *path) {
  int before = errno;
  unlink(path);
  errno = before;
}

void gaiti_mapped_close(void *start, size_t bytes) {
  int before = errno;
  munmap(start, bytes);
  errno = before;
}
