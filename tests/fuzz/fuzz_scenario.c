/* libFuzzer target: what `gait pacer-replay` reads.
 *
 * The input is the folder's files: a scenario, and after lines "==bounds" and "==limiter" these
 * two. Whatever they hold: either a sentence says what is wrong, or every cycle that was run has
 * numbers that a cycle can have, and all checks are made. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_file.h"
#include "replay/replay_check.h"

#define FUZZ_CYCLES_MOST 64 /* more only take time */

static void fuzz_require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "fuzz_scenario: %s\n", what);
  abort();
}

static void fuzz_results(const struct replay_scenario *scenario) {
  for (size_t i = 0; i < scenario->cycles; i++) {
    const struct replay_result *result = &scenario->results[i];
    fuzz_require(result->trigger_bytes >= 0 && result->goal_bytes >= 0, "a size below 0");
    fuzz_require(result->peak_bytes >= result->trigger_bytes, "a peak below the trigger");
    fuzz_require(result->duration_ns >= 0 && result->assist_ns >= 0, "a time below 0");
    fuzz_require(!isnan(result->gc_utilization) && !isnan(result->cons_mark) &&
                     !isnan(result->period_gc_share),
                 "no number");
  }
}

static void fuzz_complain(void *context, const char *text) {
  (void)context;
  fuzz_require(text[0] != '\0', "a complaint without words");
}

static void fuzz_scenario(struct replay_folder *folder, struct replay_scenario *scenario) {
  struct replay_error error = {""};
  struct replay_tally tally = {0};
  if (scenario->cycles > FUZZ_CYCLES_MOST) return;
  if (!replay_scenario_run(scenario, &error) ||
      !replay_check_scenario(folder, scenario, fuzz_complain, NULL, &tally, &error)) {
    fuzz_require(error.text[0] != '\0', "failed without a sentence");
    return;
  }
  fuzz_results(scenario);
  fuzz_require(tally.failed >= 0 && tally.failed <= tally.checks, "more failed than checked");
  struct replay_figures figures = replay_figures_of(folder, scenario, scenario->results);
  fuzz_require(!isnan(figures.overshoot_max) && figures.peak_max_bytes >= 0, "a figure");
}

static void fuzz_folder(const char *path) {
  struct replay_folder folder;
  struct replay_error error = {""};
  struct replay_tally tally = {0};
  if (!replay_folder_read(&folder, path, &error)) {
    fuzz_require(error.text[0] != '\0' && folder.scenarios == NULL && folder.bounds == NULL,
                 "refused without a sentence");
    return;
  }
  replay_check_unused_bounds(&folder, fuzz_complain, NULL);
  for (size_t i = 0; i < folder.scenario_count; i++)
    fuzz_scenario(&folder, &folder.scenarios[i]);
  if (!replay_check_limiter(&folder.limiter, fuzz_complain, NULL, &tally, &error))
    fuzz_require(error.text[0] != '\0', "failed without a sentence");
  replay_folder_release(&folder);
}

/* Where `mark` begins a line of the input; its end when there is none. */
static size_t fuzz_find(const char *text, size_t size, const char *mark) {
  for (size_t i = 0; i + strlen(mark) <= size; i++)
    if (memcmp(text + i, mark, strlen(mark)) == 0) return i;
  return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const marks[] = {"\n==bounds\n", "\n==limiter\n"};
  static const char *const files[] = {"bounds.csv", "limiter.csv"};
  const char *text = (const char *)data;
  size_t bounds = fuzz_find(text, size, marks[0]), limiter = fuzz_find(text, size, marks[1]);
  size_t first = bounds < limiter ? bounds : limiter;
  fuzz_file_write("Fuzzed.csv", text, first);
  for (int i = 0; i < 2; i++) {
    size_t start = i == 0 ? bounds : limiter, other = i == 0 ? limiter : bounds;
    size_t end = other > start ? other : size;
    fuzz_file_remove(files[i]);
    if (start == size) continue;
    start += strlen(marks[i]);
    if (start <= end) fuzz_file_write(files[i], text + start, end - start);
  }
  fuzz_folder(fuzz_file_folder());
  return 0;
}
