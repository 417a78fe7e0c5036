/* libFuzzer target: the file that `gait sim` reads, and the simulation of what it says.
 *
 * Whatever the bytes are: either a sentence says what is wrong, or each program runs at each
 * setting to numbers that a program can have.  The name recorded.txt stands for a small recording.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_file.h"
#include "sim_description.h"
#include "sim/sim_spec.h"

#define FUZZ_CYCLES_MOST   200
#define FUZZ_SETTINGS_MOST 4u

static void fuzz_require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "fuzz_spec: %s\n", what);
  abort();
}

static void fuzz_cycle(void *context, const struct sim_cycle *cycle) {
  struct sim_cycle *last = context;
  fuzz_require(cycle->number == last->number + 1 && cycle->start_seconds >= last->start_seconds,
               "cycles out of order");
  fuzz_require(cycle->mark_seconds >= 0 && cycle->assist_seconds >= 0 &&
                   cycle->background_seconds >= 0,
               "a time below 0");
  fuzz_require(cycle->trigger_bytes >= 0 && cycle->peak_bytes >= cycle->trigger_bytes &&
                   cycle->marked_bytes >= 0 && cycle->marked_bytes <= cycle->peak_bytes * 1.000001,
               "sizes out of order");
  *last = *cycle;
}

static void fuzz_run(const struct sim_description *program, const struct setting *setting) {
  struct sim_cycle last = {0};
  struct sim_result result;
  double by_law;
  const char *wrong = sim_description_run(program, setting, fuzz_cycle, &last, &result, &by_law);
  if (wrong != NULL) {
    fuzz_require(wrong[0] != '\0', "refused without a sentence");
    return;
  }
  fuzz_require(result.cycles == last.number, "cycles were not shown");
  fuzz_require(result.seconds >= 0 && result.allocated_bytes >= 0 && result.gc_cpu_seconds >= 0 &&
                   result.assist_cpu_seconds >= 0 && result.peak_heap_bytes >= 0 &&
                   result.mean_live_bytes >= 0,
               "a result below 0, or none");
}

static void fuzz_program(const struct sim_spec *spec, struct sim_description *program) {
  struct setting setting = {100, SETTING_OFF, 0};
  program->most_cycles = fmin(program->most_cycles, FUZZ_CYCLES_MOST);
  fuzz_run(program, &setting);
  for (unsigned i = 0; i < spec->gogc.count && i < FUZZ_SETTINGS_MOST; i++) {
    setting.gogc_percent = spec->gogc.values[i];
    setting.memory_limit_bytes =
        i < spec->memory_limit.count ? spec->memory_limit.values[i] : SETTING_OFF;
    fuzz_run(program, &setting);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char recorded[] =
      "gc 1 @0.1s 1%: 0.1+2+0.1 ms clock, 0.2+0.1/2/1+0.2 ms cpu, 40->42->20 MB, 44 MB goal, 0 MB "
      "stacks, 0 MB globals, 2 P\n"
      "gc 2 @0.3s 1%: 0.1+2+0.1 ms clock, 0.2+0.1/2/1+0.2 ms cpu, 40->44->22 MB, 44 MB goal, 0 MB "
      "stacks, 0 MB globals, 2 P\n";
  struct sim_spec spec;
  struct sim_error error = {""};
  fuzz_file_write("recorded.txt", recorded, sizeof recorded - 1);
  const char *path = fuzz_file_write("spec.json", (const char *)data, size);
  if (!sim_spec_load(&spec, path, &error)) {
    fuzz_require(error.text[0] != '\0' && spec.programs == NULL, "refused without a sentence");
    return 0;
  }
  fuzz_require(spec.count > 0, "accepted without a program");
  for (size_t i = 0; i < spec.count && i < FUZZ_SETTINGS_MOST; i++)
    fuzz_program(&spec, &spec.programs[i]);
  sim_spec_destroy(&spec);
  return 0;
}
