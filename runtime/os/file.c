/* No stream is used: one takes memory, and some C libraries read into a buffer on the stack. */
#define _GNU_SOURCE
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "os/os.h"

static bool file_read_all(int file, char *text, size_t bytes) {
  size_t count = 0;
  while (count + 1 < bytes) {
    ssize_t got = read(file, text + count, bytes - 1 - count);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    count += (size_t)got;
  }
  text[count] = '\0';
  return true;
}

bool gaiti_file_read(const char *path, char *text, size_t bytes) {
  int before = errno, cancel = gaiti_os_cancel_off();
  int file = open(path, O_RDONLY | O_CLOEXEC);
  bool read = file >= 0 && file_read_all(file, text, bytes);
  if (file >= 0) close(file);
  gaiti_os_cancel_back(cancel);
  errno = before;
  return read;
}

bool gaiti_path_expand(const char *path, char *text, size_t bytes) {
  size_t used = 0;
  for (; *path && used + 1 < bytes; path++) {
    int added = 1;
    if (path[0] == '%' && path[1] == 'p') {
      added = snprintf(text + used, bytes - used, "%d", (int)getpid());
      path++;
    } else {
      if (path[0] == '%' && path[1] == '%') path++;
      text[used] = *path;
    }
    used += (size_t)added;
  }
  if (used + 1 > bytes) return false;
  text[used] = '\0';
  return *path == '\0';
}
