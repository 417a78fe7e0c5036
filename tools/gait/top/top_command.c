/* gait top: a heap as it runs, from its record file. */
#include "command.h"
#include "top_screen.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "explain_record.h"

struct top {
  const char *target;
  double interval_seconds;
  unsigned long times; /* 0: until the heap ends */
  bool plain;
};

enum { TOP_TIMES = 1, TOP_PLAIN_OPTION };

static const struct argp_option top_options[] = {
    {"interval", 'i', "SECONDS", 0, "Look so often, every second by default", 0},
    {"times", TOP_TIMES, "N", 0, "Plain lines: look so often, and end", 0},
    {"plain", TOP_PLAIN_OPTION, NULL, 0, "Plain lines, also on a terminal", 0},
    {0}};

static error_t top_option(int key, char *arg, struct argp_state *state) {
  struct top *top = state->input;
  char *end;
  switch (key) {
  case 'i':
    top->interval_seconds = strtod(arg, &end);
    if (end == arg || *end != '\0' || !(top->interval_seconds >= 0.01) ||
        !(top->interval_seconds <= 3600))
      argp_error(state, "--interval=%s: seconds in 0.01 .. 3600 are wanted", arg);
    return 0;
  case TOP_TIMES:
    top->times = strtoul(arg, &end, 10);
    if (arg[0] < '1' || arg[0] > '9' || *end != '\0')
      argp_error(state, "--times=%s: a number from 1 on is wanted", arg);
    return 0;
  case TOP_PLAIN_OPTION: top->plain = true; return 0;
  case ARGP_KEY_ARG:
    if (top->target != NULL) argp_error(state, "one FILE or PID is wanted, not '%s' too", arg);
    top->target = arg;
    return 0;
  case ARGP_KEY_NO_ARGS: argp_error(state, "which FILE or PID?"); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp top_argp = {
    .options = top_options,
    .parser = top_option,
    .args_doc = "FILE|PID",
    .doc =
        "Show a heap as it runs: its size against trigger, goal and limit, rates, phases, GC CPU, "
        "pauses, and its last cycles in words.\v"
        "FILE is the record file of a program that was started with GAIT_RECORDS=FILE, also of "
        "one that has ended; PID is the number of such a process.  Where the output is no "
        "terminal, or --plain is given, a line is printed at each look, with the newest cycle in "
        "words below it, until the heap ends.",
};

static void top_sleep(double seconds) {
  struct timespec left = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  while (nanosleep(&left, &left) != 0 && errno == EINTR)
    continue;
}

/* The newest cycle, if it was not there at the last look. */
static void top_print_cycle(const struct top_look *look, uint64_t *told) {
  if (look->replaced) *told = 0;
  if (look->cycle_count == 0) return;
  const gait_cycle_record *record = &look->cycles[look->cycle_count - 1];
  struct explain_cycle cycle;
  struct explanation explanation;
  if (record->cycle <= *told) return;
  *told = record->cycle;
  explain_take_record(&cycle, record);
  explain_cycle(&cycle, &explanation);
  printf("  %s\n  %s\n", explanation.why, explanation.outcome);
}

static int top_print(const struct top *top, struct top_source *source) {
  struct top_look look;
  uint64_t told = 0;
  for (unsigned long i = 0; top->times == 0 || i < top->times; i++) {
    char line[512];
    if (i > 0) top_sleep(top->interval_seconds);
    if (!top_source_look(source, &look)) {
      fprintf(stderr, "gait top: %s\n", source->error);
      return COMMAND_FAILED;
    }
    top_view_line(source, &look, top->interval_seconds, line, sizeof line);
    printf("%s\n", line);
    top_print_cycle(&look, &told);
    if (fflush(stdout) != 0) return COMMAND_FAILED;
    if (look.state != TOP_RUNS) break;
  }
  return COMMAND_OK;
}

int gait_cmd_top(int argc, char **argv) {
  struct top top = {.interval_seconds = 1};
  struct top_source source;
  argp_parse(&top_argp, argc, argv, 0, NULL, &top);
  if (!top_source_open(&source, top.target)) {
    fprintf(stderr, "gait top: %s\n", source.error);
    return COMMAND_FAILED;
  }
  int status = COMMAND_OK;
  bool plain = top.plain || top.times > 0;
  if (plain || !top_screen_run(&source, top.interval_seconds)) status = top_print(&top, &source);
  top_source_close(&source);
  return status;
}
