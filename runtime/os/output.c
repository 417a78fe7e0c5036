#define _GNU_SOURCE
#include "os/output.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "os/os.h"

int gaiti_output_open(const char *path) {
  int before = errno, cancel = gaiti_os_cancel_off();
  int file;
  do
    file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
  while (file < 0 && errno == EINTR);
  if (file < 0) file = -errno;
  gaiti_os_cancel_back(cancel);
  errno = before;
  return file;
}

int gaiti_output_write(int file, const void *data, size_t bytes) {
  int before = errno, cancel = gaiti_os_cancel_off(), error = 0;
  const char *at = data;
  while (bytes > 0 && error == 0) {
    ssize_t wrote = write(file, at, bytes);
    if (wrote > 0) {
      at += wrote;
      bytes -= (size_t)wrote;
    } else if (wrote == 0) {
      error = EIO; /* it would go on to take nothing */
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  gaiti_os_cancel_back(cancel);
  errno = before;
  return error;
}

int gaiti_output_close(int file) {
  int before = errno, cancel = gaiti_os_cancel_off();
  int error = close(file) == 0 || errno == EINTR ? 0 : errno;
  gaiti_os_cancel_back(cancel);
  errno = before;
  return error;
}
