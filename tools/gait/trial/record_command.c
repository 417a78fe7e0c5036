/* gait record: any program of Gait's, with its cycles in a file. */
#include "command.h"
#include "record_reader.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct record {
  const char *path;
  char **program;
};

enum { RECORD_TRIAL = 1, RECORD_SET };

static const struct argp_option record_options[] = {
    {"output", 'o', "FILE", 0, "The record file; gait.records by default", 0},
    {"trial", RECORD_TRIAL, "TRIAL", 0, "As GAIT_TRIAL: gogc:100,200 ...", 0},
    {"set", RECORD_SET, "NAME=VALUE", 0,
     "Set an option of the heap, as its variable GAIT_NAME does; `gait options` lists them", 0},
    {0}};

static const gait_option *record_find(const char *name, size_t bytes) {
  const gait_option *option;
  for (size_t i = 0; (option = gait_option_at(i)) != NULL; i++)
    if (strlen(option->name) == bytes && strncmp(option->name, name, bytes) == 0) return option;
  return NULL;
}

/* In the environment, which the program inherits.  A value that is none is found here. */
static void record_set(const char *name, size_t bytes, const char *value,
                       struct argp_state *state) {
  gait_options scratch;
  char error[256] = "";
  const gait_option *option = record_find(name, bytes);
  gait_options_init(&scratch);
  if (option == NULL) argp_error(state, "there is no option '%.*s'", (int)bytes, name);
  if (gait_options_set(&scratch, option->name, value, error, sizeof error) != GAIT_OK)
    argp_error(state, "%s", error);
  setenv(option->environment, value, 1);
}

static error_t record_option(int key, char *arg, struct argp_state *state) {
  struct record *record = state->input;
  const char *equals;
  switch (key) {
  case 'o': record->path = arg; return 0;
  case RECORD_TRIAL: record_set("trial", strlen("trial"), arg, state); return 0;
  case RECORD_SET:
    equals = strchr(arg, '=');
    if (equals == NULL) argp_error(state, "--set=%s: NAME=VALUE is wanted", arg);
    record_set(arg, (size_t)(equals - arg), equals + 1, state);
    return 0;
  case ARGP_KEY_ARG:
    record->program = state->argv + state->next - 1;
    state->next = state->argc;
    return 0;
  case ARGP_KEY_NO_ARGS: argp_error(state, "which PROGRAM?"); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp record_argp = {
    .options = record_options,
    .parser = record_option,
    .args_doc = "PROGRAM [ARGUMENT...]",
    .doc = "Run a program with its cycles recorded in a file, and say how it ended.\v"
           "The program is any that takes its options from the environment; it is not changed, and "
           "its exit status is this command's.  `gait records`, `gait explain`, `gait top`, `gait "
           "trial` and `gait compare` read the file, the second also while the program runs.",
};

/* The status of the program, or 128 and a signal's number, as in shells; -1 after a message. */
static int record_run(const struct record *record) {
  pid_t child;
  int status = 0;
  int error = posix_spawnp(&child, record->program[0], NULL, NULL, record->program, environ);
  if (error != 0) {
    fprintf(stderr, "gait record: %s: %s\n", record->program[0], strerror(error));
    return -1;
  }
  signal(SIGINT, SIG_IGN); /* it is the program's to end */
  signal(SIGQUIT, SIG_IGN);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  if (WIFSIGNALED(status))
    fprintf(stderr, "gait record: %s ended by signal %d, %s\n", record->program[0],
            WTERMSIG(status), strsignal(WTERMSIG(status)));
  else
    fprintf(stderr, "gait record: %s ended with status %d\n", record->program[0],
            WEXITSTATUS(status));
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void record_say(const char *path, struct record_reader *reader) {
  gait_record_now now;
  uint64_t first = 0, last = 0;
  if (!record_reader_now(reader, &now)) {
    fprintf(stderr, "gait record: %s\n", record_reader_error(reader));
    return;
  }
  record_reader_range(reader, &first, &last);
  fprintf(stderr, "gait record: %s: %llu cycles, of which %llu are there, in %.3f s%s\n", path,
          (unsigned long long)now.cycles_written,
          (unsigned long long)(last == 0 ? 0 : last - first + 1), (double)now.updated_ns * 1e-9,
          now.ended ? "" : "; the heap was not destroyed");
}

int gait_cmd_record(int argc, char **argv) {
  struct record record = {.path = "gait.records"};
  char error[400];
  argp_parse(&record_argp, argc, argv, ARGP_IN_ORDER, NULL, &record);
  if (unlink(record.path) != 0 && errno != ENOENT) {
    fprintf(stderr, "gait record: %s: %s\n", record.path, strerror(errno));
    return COMMAND_FAILED;
  }
  setenv("GAIT_RECORDS", record.path, 1);
  int status = record_run(&record);
  if (status < 0) return 127;
  struct record_reader *reader = record_reader_open(record.path, error, sizeof error);
  if (reader == NULL) {
    fprintf(stderr, "gait record: it left no records: %s\n", error);
    return status != 0 ? status : COMMAND_FAILED;
  }
  record_say(record.path, reader);
  record_reader_close(reader);
  return status;
}
