/* libFuzzer target: the reader of recordings, and what is recovered from them.
 *
 * Whatever the bytes are: either a sentence says why nothing was read, or every number of every
 * cycle is one that a cycle can have, and the program recovered from them has finite numbers. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "what_if/what_if_program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "fuzz_recording: %s\n", what);
  abort();
}

static void fuzz_cycles(const struct recording *recording) {
  for (size_t i = 0; i < recording->count; i++) {
    const struct recording_cycle *cycle = &recording->cycles[i];
    fuzz_require(cycle->trigger_bytes >= 0 && cycle->trigger_bytes <= cycle->peak_bytes &&
                     cycle->marked_bytes <= cycle->peak_bytes && cycle->peak_bytes < 1e16,
                 "sizes out of order");
    fuzz_require(cycle->mark_ms >= 0 && cycle->assist_ms >= 0 && cycle->background_ms >= 0 &&
                     cycle->idle_ms >= 0 && isfinite(cycle->mark_ms + cycle->stop_ms),
                 "times below 0");
    fuzz_require(cycle->cpus > 0 && cycle->cpus <= 65536, "cpus");
    fuzz_require(cycle->line > 0 && (i == 0 || cycle->line > cycle[-1].line), "lines");
  }
}

static void fuzz_program(const struct recording *recording) {
  struct what_if_program program;
  struct recording_error error = {""};
  struct what_if_constants constants = what_if_constants_default(recording->system);
  if (!what_if_program_recover(&program, recording, &constants, &error)) {
    fuzz_require(error.text[0] != '\0', "no sentence");
    return;
  }
  double clock = 0;
  for (size_t i = 0; i < program.count; i++) {
    const struct what_if_point *point = &program.points[i];
    fuzz_require(point->start_clock >= clock && point->end_clock >= point->start_clock,
                 "the clock of allocation goes back");
    fuzz_require(point->live_bytes > 0 && isfinite(point->cost) && isfinite(point->black_bytes) &&
                     isfinite(point->free_rate) && point->pressure < 1,
                 "a point that is none");
    clock = point->end_clock;
  }
  double live = what_if_program_live(&program, program.end_clock / 2, 0.5);
  fuzz_require(isfinite(live) && live >= 0, "live bytes");
  what_if_program_between(&program, 0, program.end_clock);
  what_if_program_destroy(&program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct recording recording;
  struct recording_error error = {""};
  if (!recording_parse(&recording, (const char *)data, size, &error)) {
    fuzz_require(error.text[0] != '\0' && recording.count == 0 && recording.cycles == NULL,
                 "refused without a sentence");
    return 0;
  }
  fuzz_require(recording.count > 0, "accepted without a cycle");
  fuzz_cycles(&recording);
  fuzz_program(&recording);
  recording_destroy(&recording);
  return 0;
}
