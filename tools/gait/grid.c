#include "grid.h"

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

#define GRID_WORDS_EXTRA 5u /* gait run ... --json --cycles NULL */

int grid_init(struct grid *grid, unsigned total) {
  *grid = (struct grid){.rows = json_array()};
  if (grid->rows == NULL) return -1;
  progress_start(&grid->progress, total);
  return 0;
}

void grid_destroy(struct grid *grid) {
  json_decref(grid->rows);
  free(grid->complaints);
}

/* ---- One child ---- */

/* `gait run WORDS --json --cycles`; the array is malloced, the words are not. */
static char **grid_command(const char *const *words) {
  size_t count = 0;
  while (words[count] != NULL)
    count++;
  const char **all = calloc(count + GRID_WORDS_EXTRA, sizeof *all);
  if (all == NULL) return NULL;
  all[0] = "gait";
  all[1] = "run";
  memcpy(all + 2, words, count * sizeof *all);
  all[count + 2] = "--json";
  all[count + 3] = "--cycles";
  return (char **)(uintptr_t)all;
}

/* Starts this same program with its two outputs on the given files. */
static int grid_spawn(char **command, int output, int errors, pid_t *child) {
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
static int grid_wait(char **command, FILE *output, FILE *errors) {
  pid_t child;
  int status = 0;
  int error = grid_spawn(command, fileno(output), fileno(errors), &child);
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

static char *grid_text(FILE *file) {
  char *text = NULL;
  size_t bytes = 0;
  rewind(file);
  if (getdelim(&text, &bytes, '\0', file) >= 0) return text;
  free(text);
  return strdup("");
}

/* Passes on what a run complained of, once for runs that complain of the same. */
static void grid_complain(struct grid *grid, FILE *errors) {
  char *text = grid_text(errors);
  if (text != NULL && text[0] != '\0' &&
      (grid->complaints == NULL || strcmp(text, grid->complaints) != 0)) {
    progress_clear(&grid->progress);
    fputs(text, stderr);
  }
  free(grid->complaints);
  grid->complaints = text;
}

static json_t *grid_row(struct grid *grid, char **command, FILE *output, FILE *errors) {
  int status = grid_wait(command, output, errors);
  grid_complain(grid, errors);
  grid->usage = grid->usage || status == COMMAND_USAGE;
  if (status != COMMAND_OK) return NULL;
  rewind(output);
  json_error_t error;
  json_t *row = json_loadf(output, JSON_DISABLE_EOF_CHECK, &error);
  if (row == NULL) fprintf(stderr, "gait: a run printed no JSON: %s\n", error.text);
  return row;
}

static void grid_show(const struct grid *grid, const char *const *words) {
  char what[64] = "";
  size_t used = 0;
  for (; *words != NULL && used < sizeof what; words++)
    used += (size_t)snprintf(what + used, sizeof what - used, "%s ", *words);
  progress_show(&grid->progress, grid->done, what);
}

json_t *grid_run(struct grid *grid, const char *const *words) {
  grid_show(grid, words);
  FILE *output = tmpfile(), *errors = tmpfile();
  char **command = grid_command(words);
  json_t *row = NULL;
  if (output != NULL && errors != NULL && command != NULL)
    row = grid_row(grid, command, output, errors);
  else
    fprintf(stderr, "gait: a run could not be prepared: %s\n", strerror(errno));
  free(command);
  if (output != NULL) fclose(output);
  if (errors != NULL) fclose(errors);
  grid->done++;
  if (row == NULL)
    grid->failed++;
  else
    json_array_append_new(grid->rows, row);
  return row;
}

/* ---- Printing ---- */

double grid_number(const json_t *row, const char *name) {
  return json_number_value(json_object_get(row, name));
}

static bool grid_known(const json_t *row, const char *name) {
  return json_is_number(json_object_get(row, name));
}

static void grid_print_row(const json_t *row, FILE *out) {
  fprintf(out, "%-14s", json_string_value(json_object_get(row, "workload")));
  if (grid_known(row, "gogc_percent"))
    fprintf(out, " %6.0f", grid_number(row, "gogc_percent"));
  else
    fprintf(out, " %6s", "off");
  if (grid_known(row, "memory_limit_bytes"))
    fprintf(out, " %8.1f", grid_number(row, "memory_limit_bytes") / 1048576);
  else
    fprintf(out, " %8s", "none");
  if (grid_known(row, "cycles_by_law"))
    fprintf(out, " %9.1f", grid_number(row, "cycles_by_law"));
  else
    fprintf(out, " %9s", "-");
  fprintf(out, " %9.0f %7.1f%% %9.1f %9.1f %10.3f %8.3f %9.2f\n", grid_number(row, "cycles"),
          100 * grid_number(row, "gc_cpu_share"), grid_number(row, "peak_rss_bytes") / 1048576,
          grid_number(row, "mapped_peak_bytes") / 1048576, grid_number(row, "pause_max_ns") * 1e-6,
          grid_number(row, "seconds"), grid_number(row, "ns_per_op"));
}

void grid_print(const struct grid *grid, FILE *out) {
  size_t index;
  json_t *row;
  fprintf(out, "%-14s %6s %8s %9s %9s %8s %9s %9s %10s %8s %9s\n", "", "", "limit", "cycles",
          "cycles", "GC CPU", "peak RSS", "peak heap", "longest", "time", "");
  fprintf(out, "%-14s %6s %8s %9s %9s %8s %9s %9s %10s %8s %9s\n", "workload", "GOGC", "MiB",
          "predicted", "measured", "share", "MiB", "MiB", "pause, ms", "s", "ns per op");
  json_array_foreach(grid->rows, index, row) grid_print_row(row, out);
}

static void grid_print_csv_row(const json_t *row, json_t *header, FILE *out) {
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

void grid_print_csv(const struct grid *grid, FILE *out) {
  json_t *header = json_array_get(grid->rows, 0);
  const char *name, *between = "";
  json_t *value, *row;
  size_t index;
  json_object_foreach(header, name, value) {
    if (json_is_array(value)) continue;
    fprintf(out, "%s%s", between, name);
    between = ",";
  }
  if (header != NULL) fputc('\n', out);
  json_array_foreach(grid->rows, index, row) grid_print_csv_row(row, header, out);
}
