#include "runs.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

extern char **environ;

#define RUNS_WORDS_EXTRA 5u /* gait run ... --json --cycles NULL */

int runs_init(struct runs *runs, unsigned total) {
  *runs = (struct runs){.rows = json_array()};
  if (runs->rows == NULL) return -1;
  progress_start(&runs->progress, total);
  return 0;
}

void runs_destroy(struct runs *runs) {
  json_decref(runs->rows);
  free(runs->complaints);
}

/* ---- One child ---- */

/* `gait run WORDS --json --cycles`; the array is malloced, the words are not. */
static char **runs_command(const char *const *words) {
  size_t count = 0;
  while (words[count] != NULL)
    count++;
  const char **all = calloc(count + RUNS_WORDS_EXTRA, sizeof *all);
  if (all == NULL) return NULL;
  all[0] = "gait";
  all[1] = "run";
  memcpy(all + 2, words, count * sizeof *all);
  all[count + 2] = "--json";
  all[count + 3] = "--cycles";
  return (char **)(uintptr_t)all;
}

/* Starts this same program with its two outputs on the given files. */
static int runs_spawn(char **command, int output, int errors, pid_t *child) {
  posix_spawn_file_actions_t actions;
  int error = posix_spawn_file_actions_init(&actions);
  if (error != 0) return error;
  error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  if (error == 0) error = posix_spawn(child, "/proc/self/exe", &actions, NULL, command, environ);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/* Runs the command to its end; its exit status, or -1 when it could not start or was killed. */
static int runs_wait(char **command, FILE *output, FILE *errors) {
  pid_t child;
  int status = 0;
  int error = runs_spawn(command, fileno(output), fileno(errors), &child);
  if (error != 0) {
    fprintf(stderr, "gait: a run could not be started: %s\n", strerror(error));
    return -1;
  }
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  if (WIFSIGNALED(status))
    fprintf(stderr, "gait: a run ended by %s\n", strsignal(WTERMSIG(status)));
  return -1;
}

static char *runs_text(FILE *file) {
  char *text = NULL;
  size_t bytes = 0;
  rewind(file);
  if (getdelim(&text, &bytes, '\0', file) >= 0) return text;
  free(text);
  return strdup("");
}

/* Passes on what a run complained of, once for runs that complain of the same. */
static void runs_complain(struct runs *runs, FILE *errors) {
  char *text = runs_text(errors);
  if (text != NULL && text[0] != '\0' &&
      (runs->complaints == NULL || strcmp(text, runs->complaints) != 0)) {
    progress_clear(&runs->progress);
    fputs(text, stderr);
  }
  free(runs->complaints);
  runs->complaints = text;
}

static json_t *runs_row(struct runs *runs, char **command, FILE *output, FILE *errors) {
  int status = runs_wait(command, output, errors);
  runs_complain(runs, errors);
  runs->usage = runs->usage || status == COMMAND_USAGE;
  if (status != COMMAND_OK) return NULL;
  rewind(output);
  json_error_t error;
  json_t *row = json_loadf(output, JSON_DISABLE_EOF_CHECK, &error);
  if (row == NULL) fprintf(stderr, "gait: a run printed no JSON: %s\n", error.text);
  return row;
}

static void runs_show(const struct runs *runs, const char *const *words) {
  char what[64] = "";
  size_t used = 0;
  for (; *words != NULL && used < sizeof what; words++)
    used += (size_t)snprintf(what + used, sizeof what - used, "%s ", *words);
  progress_show(&runs->progress, runs->done, what);
}

json_t *runs_make(struct runs *runs, const char *const *words) {
  runs_show(runs, words);
  FILE *output = tmpfile(), *errors = tmpfile();
  char **command = runs_command(words);
  json_t *row = NULL;
  if (output != NULL && errors != NULL && command != NULL)
    row = runs_row(runs, command, output, errors);
  else
    fprintf(stderr, "gait: a run could not be prepared: %s\n", strerror(errno));
  free(command);
  if (output != NULL) fclose(output);
  if (errors != NULL) fclose(errors);
  runs->done++;
  if (row == NULL)
    runs->failed++;
  else
    json_array_append_new(runs->rows, row);
  return row;
}

/* ---- Printing ---- */

double runs_number(const json_t *row, const char *name) {
  return json_number_value(json_object_get(row, name));
}

static bool runs_known(const json_t *row, const char *name) {
  return json_is_number(json_object_get(row, name));
}

static void runs_print_row(const json_t *row, FILE *out) {
  fprintf(out, "%-14s", json_string_value(json_object_get(row, "workload")));
  if (runs_known(row, "gogc_percent"))
    fprintf(out, " %6.0f", runs_number(row, "gogc_percent"));
  else
    fprintf(out, " %6s", "off");
  if (runs_known(row, "memory_limit_bytes"))
    fprintf(out, " %8.1f", runs_number(row, "memory_limit_bytes") / 1048576);
  else
    fprintf(out, " %8s", "none");
  if (runs_known(row, "cycles_by_law"))
    fprintf(out, " %9.1f", runs_number(row, "cycles_by_law"));
  else
    fprintf(out, " %9s", "-");
  fprintf(out, " %9.0f %7.1f%% %9.1f %9.1f %10.3f %8.3f %9.2f\n", runs_number(row, "cycles"),
          100 * runs_number(row, "gc_cpu_share"), runs_number(row, "peak_rss_bytes") / 1048576,
          runs_number(row, "mapped_peak_bytes") / 1048576, runs_number(row, "pause_max_ns") * 1e-6,
          runs_number(row, "seconds"), runs_number(row, "ns_per_op"));
}

void runs_print(const struct runs *runs, FILE *out) {
  size_t index;
  json_t *row;
  fprintf(out, "%-14s %6s %8s %9s %9s %8s %9s %9s %10s %8s %9s\n", "", "", "limit", "cycles",
          "cycles", "GC CPU", "peak RSS", "peak heap", "longest", "time", "");
  fprintf(out, "%-14s %6s %8s %9s %9s %8s %9s %9s %10s %8s %9s\n", "workload", "GOGC", "MiB",
          "predicted", "measured", "share", "MiB", "MiB", "pause, ms", "s", "ns per op");
  json_array_foreach(runs->rows, index, row) runs_print_row(row, out);
}

static void runs_print_csv_row(const json_t *row, json_t *header, FILE *out) {
  const char *name, *between = "";
  json_t *first;
  json_object_foreach(header, name, first) {
    const json_t *value = json_object_get(row, name);
    if (json_is_array(first)) continue;
    fputs(between, out);
    if (json_is_string(value)) fputs(json_string_value(value), out);
    if (json_is_integer(value)) fprintf(out, "%lld", (long long)json_integer_value(value));
    if (json_is_real(value)) fprintf(out, "%.10g", json_real_value(value));
    between = ",";
  }
  fputc('\n', out);
}

void runs_print_csv(const struct runs *runs, FILE *out) {
  json_t *header = json_array_get(runs->rows, 0);
  const char *name, *between = "";
  json_t *value, *row;
  size_t index;
  json_object_foreach(header, name, value) {
    if (json_is_array(value)) continue;
    fprintf(out, "%s%s", between, name);
    between = ",";
  }
  if (header != NULL) fputc('\n', out);
  json_array_foreach(runs->rows, index, row) runs_print_csv_row(row, header, out);
}
