#include "apart.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void apart_must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "negative: %s\n", what);
  exit(EXIT_FAILURE);
}

/* Of a build that counts what runs: neither an abort nor _exit keeps the counts. */
void __gcov_dump(void) __attribute__((weak));

static void apart_keep_counts(void) {
  if (__gcov_dump) __gcov_dump();
}

static void apart_abort_with_counts(int number) {
  apart_keep_counts();
  signal(number, SIG_DFL);
  raise(number);
}

static _Noreturn void apart_begin(int (*run)(const void *), const void *arg, int standard_error) {
  static const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  dup2(standard_error, STDERR_FILENO);
  if (__gcov_dump) signal(SIGABRT, apart_abort_with_counts);
  const int result = run(arg);
  apart_keep_counts();
  _exit(result);
}

/* Reads to the end, so that the child never waits for room. */
static void apart_read(int end, char *said, size_t said_bytes) {
  size_t used = 0;
  char rest[4096];
  for (;;) {
    const bool room = used + 1 < said_bytes;
    const ssize_t count =
        read(end, room ? said + used : rest, room ? said_bytes - 1 - used : sizeof rest);
    if (count <= 0) break;
    if (room) used += (size_t)count;
  }
  said[used] = '\0';
}

/* An emulator tells of a signal that ends the program. */
static void apart_drop_emulator(char *said) {
  char *line = strstr(said, "qemu: uncaught target signal");
  if (line && (line == said || line[-1] == '\n')) *line = '\0';
}

int apart_run(int (*run)(const void *), const void *arg, char *said, size_t said_bytes) {
  int ends[2], status = 0;
  apart_must(pipe(ends) == 0, "no pipe");
  const pid_t child = fork();
  apart_must(child >= 0, "no child");
  if (child == 0) {
    close(ends[0]);
    apart_begin(run, arg, ends[1]);
  }
  close(ends[1]);
  apart_read(ends[0], said, said_bytes);
  apart_drop_emulator(said);
  close(ends[0]);
  apart_must(waitpid(child, &status, 0) == child, "the child is lost");
  return status;
}
