/* privileged: a program with raised privileges takes no option from its environment.
 *
 * The test copies itself to a file that another user owns and that runs as its owner, which takes
 * root, and a folder where such files are not switched off; otherwise it is skipped. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gait/gait.h>
#include <gait/tune.h>

#include "../support/sanitizer.h"

#define SKIPPED  77
#define SOMEBODY 65534

#define PERCENT_SET "57"

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "privileged: %s\n", what);
  exit(EXIT_FAILURE);
}

/* As the copy: exits with what the heap took for `gogc`. */
static int privileged_child(bool raised) {
  if ((getauxval(AT_SECURE) != 0) != raised) return SKIPPED;
  gait_heap *heap;
  int64_t percent = 0;
  must(gait_heap_create(NULL, &heap) == GAIT_OK, "no heap");
  must(gait_heap_set_gogc(heap, 100, &percent) == GAIT_OK, "no percentage");
  must(gait_heap_destroy(heap) == GAIT_OK, "the heap stays");
  return (int)percent;
}

static void privileged_copy(const char *path, mode_t mode) {
  struct stat status;
  const int from = open("/proc/self/exe", O_RDONLY);
  const int to = open(path, O_WRONLY | O_CREAT | O_EXCL, 0700);
  must(from >= 0 && to >= 0 && fstat(from, &status) == 0, "no copy");
  for (off_t done = 0; done < status.st_size;)
    must(sendfile(to, from, &done, (size_t)(status.st_size - done)) > 0, "no copy");
  must(fchown(to, SOMEBODY, SOMEBODY) == 0 && fchmod(to, mode) == 0, "no other owner");
  close(from);
  close(to);
}

/* What a copy with those permissions exits with, and what it says on standard error. */
static int privileged_run(const char *folder, const char *name, mode_t mode, bool *said) {
  char path[256], text[4096];
  int ends[2], status = 0;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  privileged_copy(path, mode);
  must(pipe(ends) == 0, "no pipe");
  const pid_t child = fork();
  must(child >= 0, "no child");
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl(path, path, name, (char *)NULL);
    _exit(SKIPPED);
  }
  close(ends[1]);
  *said = read(ends[0], text, sizeof text) > 0;
  must(waitpid(child, &status, 0) == child, "the child is lost");
  close(ends[0]);
  unlink(path);
  must(WIFEXITED(status), "the child ended by a signal");
  return WEXITSTATUS(status);
}

int main(int argc, char **argv) {
  if (argc > 1) return privileged_child(strcmp(argv[1], "raised") == 0);
  if (geteuid() != 0 || SANITIZER_ADDRESS) return SKIPPED; /* the leak checker prints at the end */
  char folder[] = "/tmp/gait_privileged_XXXXXX";
  must(mkdtemp(folder) != NULL && chmod(folder, 0755) == 0, "no folder");
  setenv("GAIT_GOGC", PERCENT_SET, 1);
  setenv("GAIT_GOCG", PERCENT_SET, 1);
  bool plain_said, raised_said;
  const int plain = privileged_run(folder, "plain", 0755, &plain_said);
  const int raised = privileged_run(folder, "raised", 04755, &raised_said);
  rmdir(folder);
  if (plain == SKIPPED || raised == SKIPPED) return SKIPPED;
  must(plain == atoi(PERCENT_SET) && plain_said, "an ordinary program ignored its environment");
  must(raised == 100 && !raised_said, "a privileged program took an option");
  return EXIT_SUCCESS;
}
