/* gait what-if --check: measures the method on recordings whose settings are known.
 *
 * A recording takes part when a line of it, as our recorder writes, says what was run and how:
 *
 *     # ... command: ./program arguments; GOGC=100 GOMEMLIMIT=off
 *
 * Recordings with the same command are of one program.  Its GOGC=100 recording without a limit is
 * what the others are predicted from; that line serves only to group them and to say what is to be
 * predicted, never the prediction. */
#include "what_if_check.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "settings.h"
#include "recording_file.h"
#include "what_if_model.h"

#define CHECK_MOST    1024
#define CHECK_RESULTS 16384

struct check_recording {
  char *name;
  char *command;
  struct setting setting;
  struct recording recording;
};

enum check_quantity { CHECK_CYCLES, CHECK_PEAK, CHECK_CPU, CHECK_QUANTITIES };

/* What was predicted for one recording, and what it says itself. */
struct check_result {
  const struct check_recording *of, *from;
  double truth[CHECK_QUANTITIES];
  struct what_if_range predicted[CHECK_QUANTITIES];
};

struct check {
  struct check_recording recordings[CHECK_MOST];
  struct check_result results[CHECK_RESULTS];
  int count, result_count;
  bool each; /* from each recording without a limit, not from the one at GOGC=100 alone */
};

/* ---- Reading ---- */

static bool check_setting(struct check_recording *into, char *line) {
  char *command = strstr(line, "command: "), *gogc = strstr(line, "; GOGC=");
  char *limit = gogc == NULL ? NULL : strstr(gogc, " GOMEMLIMIT=");
  if (line[0] != '#' || command == NULL || limit == NULL || gogc < command) return false;
  *gogc = *limit = '\0';
  gogc += strlen("; GOGC=");
  limit += strlen(" GOMEMLIMIT=");
  limit[strcspn(limit, " \r\n")] = '\0';
  into->setting.gogc_percent = strcmp(gogc, "off") == 0 ? SETTING_OFF : strtoll(gogc, NULL, 10);
  into->setting.memory_limit_bytes =
      strcmp(limit, "off") == 0 ? SETTING_OFF : settings_size_read(limit);
  into->command = strdup(command + strlen("command: "));
  return into->command != NULL;
}

static bool check_header(struct check_recording *into, const char *path) {
  char *line = NULL;
  size_t bytes = 0;
  bool found = false;
  FILE *in = fopen(path, "r");
  if (in == NULL) return false;
  while (!found && getline(&line, &bytes, in) > 0)
    found = check_setting(into, line);
  free(line);
  fclose(in);
  return found;
}

static void check_release(struct check_recording *recording) {
  recording_destroy(&recording->recording);
  free(recording->name);
  free(recording->command);
}

static void check_read_one(struct check *check, const char *folder, const char *name) {
  struct check_recording *into = &check->recordings[check->count];
  struct recording_error error;
  char path[4096];
  if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path) return;
  *into = (struct check_recording){0};
  if (!check_header(into, path)) return;
  into->name = strdup(name);
  if (into->name != NULL && recording_load(&into->recording, path, &error)) {
    check->count++;
    return;
  }
  if (into->name != NULL) fprintf(stderr, "gait what-if: %s\n", error.text);
  check_release(into);
}

static bool check_read(struct check *check, const char *folder) {
  struct dirent **entries;
  int count = scandir(folder, &entries, NULL, alphasort);
  if (count < 0) return false;
  for (int i = 0; i < count; i++) {
    if (check->count < CHECK_MOST) check_read_one(check, folder, entries[i]->d_name);
    free(entries[i]);
  }
  free(entries);
  return true;
}

/* ---- Predicting ---- */

static bool check_is_base(const struct check *check, const struct check_recording *recording) {
  return recording->setting.memory_limit_bytes == SETTING_OFF &&
         (check->each || recording->setting.gogc_percent == 100);
}

static void check_truth(const struct recording *recording, double truth[CHECK_QUANTITIES]) {
  truth[CHECK_CYCLES] = (double)recording->count;
  truth[CHECK_PEAK] = truth[CHECK_CPU] = 0;
  for (size_t i = 0; i < recording->count; i++) {
    const struct recording_cycle *cycle = &recording->cycles[i];
    truth[CHECK_PEAK] = fmax(truth[CHECK_PEAK], cycle->peak_bytes);
    truth[CHECK_CPU] += (cycle->assist_ms + cycle->background_ms) / 1e3;
  }
}

static bool check_predict(struct check *check, const struct check_recording *base,
                          const struct check_recording *of) {
  struct what_if_program program;
  struct recording_error error;
  struct what_if_constants constants = what_if_constants_default(base->recording.system);
  if (!what_if_program_recover(&program, &base->recording, &constants, &error)) {
    fprintf(stderr, "gait what-if: %s: %s\n", base->name, error.text);
    return false;
  }
  struct what_if_prediction prediction;
  what_if_predict(&program, &of->setting, &prediction);
  struct check_result *result = &check->results[check->result_count++];
  *result = (struct check_result){
      .of = of,
      .from = base,
      .predicted = {[CHECK_CYCLES] = prediction.cycles,
                    [CHECK_PEAK] = prediction.peak_heap_bytes,
                    [CHECK_CPU] = prediction.gc_cpu_seconds},
  };
  check_truth(&of->recording, result->truth);
  what_if_program_destroy(&program);
  return true;
}

/* From the first recording of the program that is a base, or from each. */
static bool check_predict_one(struct check *check, const struct check_recording *of) {
  for (int i = 0; i < check->count; i++) {
    const struct check_recording *base = &check->recordings[i];
    if (!check_is_base(check, base) || strcmp(base->command, of->command) != 0) continue;
    if (base != of && check->result_count < CHECK_RESULTS && !check_predict(check, base, of))
      return false;
    if (!check->each) break;
  }
  return true;
}

/* ---- Telling ---- */

static double check_error(const struct check_result *result, int quantity) {
  return result->predicted[quantity].estimate / result->truth[quantity] - 1;
}

static bool check_inside(const struct check_result *result, int quantity) {
  const struct what_if_range *range = &result->predicted[quantity];
  return range->low <= result->truth[quantity] && result->truth[quantity] <= range->high;
}

struct check_summary {
  double median, worst;       /* errors, */
  double width, wide, widest; /* high over low: median, nine of ten, the largest */
  int count, inside;
};

static int check_compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double check_median(const double *sorted, int count) {
  return (sorted[count / 2] + sorted[(count - 1) / 2]) / 2;
}

static double check_width(const struct what_if_range *range) {
  return range->low > 0 ? range->high / range->low : INFINITY;
}

static struct check_summary check_summarise(const struct check *check, int quantity, bool limited) {
  struct check_summary summary = {0};
  static double errors[CHECK_RESULTS], widths[CHECK_RESULTS];
  for (int i = 0; i < check->result_count; i++) {
    const struct check_result *result = &check->results[i];
    const struct what_if_range *range = &result->predicted[quantity];
    if ((result->of->setting.memory_limit_bytes != SETTING_OFF) != limited) continue;
    errors[summary.count] = fabs(check_error(result, quantity));
    widths[summary.count++] = check_width(range);
    summary.inside += check_inside(result, quantity);
  }
  if (summary.count == 0) return summary;
  qsort(errors, (size_t)summary.count, sizeof *errors, check_compare);
  qsort(widths, (size_t)summary.count, sizeof *widths, check_compare);
  summary.median = check_median(errors, summary.count);
  summary.worst = errors[summary.count - 1];
  summary.width = check_median(widths, summary.count);
  summary.wide = widths[summary.count * 9 / 10];
  summary.widest = widths[summary.count - 1];
  return summary;
}

static const char *const check_names[] = {"cycles", "peak_heap_bytes", "gc_cpu_seconds"};

/* The goals: a median error without a limit, and nine of ten truths inside their ranges. */
static const double check_goals[CHECK_QUANTITIES] = {0.04, 0.05, 0.15};

static bool check_covered(const struct check_summary *summary) {
  return summary->inside * 10 >= summary->count * 9;
}

static bool check_reached(const struct check_summary *free_runs,
                          const struct check_summary *limited, int quantity) {
  return free_runs->median <= check_goals[quantity] && check_covered(free_runs) &&
         check_covered(limited);
}

static void check_print_summary(const struct check *check, int quantity, bool limited) {
  struct check_summary summary = check_summarise(check, quantity, limited);
  if (summary.count == 0) return;
  printf("%-16s %-15s median error %4.1f%%, worst %5.1f%%; %d of %d inside, high over low: median "
         "%.2f, nine of ten %.2f, widest %.2f\n",
         check_names[quantity], limited ? "with a limit" : "without a limit", 100 * summary.median,
         100 * summary.worst, summary.inside, summary.count, summary.width, summary.wide,
         summary.widest);
}

static void check_print(const struct check *check) {
  const double units[] = {1, 1048576, 1};
  printf("%-34s  %31s  %31s  %31s\n", "", "cycles", "peak heap, MiB", "GC CPU, s");
  for (int i = 0; i < check->result_count; i++) {
    const struct check_result *result = &check->results[i];
    printf("%-34s", result->of->name);
    if (check->each) printf(" from %-34s", result->from->name);
    for (int q = 0; q < CHECK_QUANTITIES; q++) {
      const struct what_if_range *range = &result->predicted[q];
      int digits = q == CHECK_CPU ? 2 : 0;
      printf("  %6.*f %6.*f %+6.1f%% %c[%.*f]", digits, result->truth[q] / units[q], digits,
             range->estimate / units[q], 100 * check_error(result, q),
             check_inside(result, q) ? ' ' : '!', 2, range->low > 0 ? range->high / range->low : 0);
    }
    putchar('\n');
  }
  puts("\nEach: recorded, predicted, error, ! when outside its range, [high / low].\n");
  for (int q = 0; q < CHECK_QUANTITIES; q++) {
    check_print_summary(check, q, false);
    check_print_summary(check, q, true);
  }
}

static json_t *check_summary_json(const struct check_summary *summary) {
  return json_pack("{s:i, s:f, s:f, s:i, s:f, s:f, s:f}", "recordings", summary->count,
                   "median_error", summary->median, "worst_error", summary->worst, "inside",
                   summary->inside, "median_range", summary->width, "wide_range", summary->wide,
                   "widest_range", summary->widest);
}

static void check_print_json(const struct check *check) {
  json_t *all = json_object();
  for (int q = 0; q < CHECK_QUANTITIES; q++) {
    struct check_summary free_runs = check_summarise(check, q, false);
    struct check_summary limited = check_summarise(check, q, true);
    json_object_set_new(all, check_names[q],
                        json_pack("{s:o, s:o, s:b}", "without_limit",
                                  check_summary_json(&free_runs), "with_limit",
                                  check_summary_json(&limited), "goals_reached",
                                  check_reached(&free_runs, &limited, q)));
  }
  json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
  putchar('\n');
  json_decref(all);
}

static int check_status(const struct check *check) {
  int status = COMMAND_OK;
  for (int q = 0; q < CHECK_QUANTITIES; q++) {
    struct check_summary free_runs = check_summarise(check, q, false);
    struct check_summary limited = check_summarise(check, q, true);
    if (check_reached(&free_runs, &limited, q)) continue;
    fprintf(stderr, "gait what-if: %s misses its goal\n", check_names[q]);
    status = COMMAND_FAILED;
  }
  return status;
}

int what_if_check(const char *path, bool each, bool json) {
  struct check *check = calloc(1, sizeof *check);
  if (check == NULL) return COMMAND_FAILED;
  check->each = each;
  int status = COMMAND_FAILED;
  bool predicted = check_read(check, path);
  if (!predicted) perror(path);
  for (int i = 0; i < check->count && predicted; i++)
    predicted = check_predict_one(check, &check->recordings[i]);
  if (predicted && check->result_count == 0) {
    fprintf(stderr, "gait what-if: %s has no recordings with a line that tells their setting\n",
            path);
  } else if (predicted) {
    if (json)
      check_print_json(check);
    else
      check_print(check);
    status = check_status(check);
  }
  for (int i = 0; i < check->count; i++)
    check_release(&check->recordings[i]);
  free(check);
  return status;
}
