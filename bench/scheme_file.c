/* scheme FILE...: runs programs of the small Scheme in tests/examples/scheme, on a heap whose
 * references are tagged words. */
#include "workload.h"

#include "scheme.h"

#include <string.h>

static enum workload_status scheme_run(const struct workload_input *input,
                                       struct workload_result *result) {
  static struct machine machine;
  struct scheme scheme;
  if (input->argument_count == 0)
    return workload_stop(result, WORKLOAD_USAGE, "FILE: the name of a program is wanted");
  gait_result created = scheme_create(&scheme, input->heap);
  if (created == GAIT_OK) created = machine_create(&scheme, input->thread, &machine);
  if (created != GAIT_OK)
    return workload_stop(result, WORKLOAD_FAILED, "%s", gait_result_text(created));
  scheme_start(&machine);
  const uint64_t start = workload_now_ns();
  const int status = scheme_main(&machine, input->argument_count, input->arguments);
  result->seconds = (double)(workload_now_ns() - start) * 1e-9;
  result->ops = (uint64_t)input->argument_count;
  result->ns_per_op = result->seconds * 1e9 / (double)result->ops;
  machine_destroy(&machine);
  gait_roots_remove(input->heap, scheme.roots);
  return status == 0 ? WORKLOAD_OK
                     : workload_stop(result, WORKLOAD_FAILED, "a program ended in an error");
}

static const gait_tags *scheme_rule(int argument_count, char *const *arguments) {
  (void)argument_count, (void)arguments;
  return &scheme_tags;
}

const struct workload workload_scheme = {
    .name = "scheme",
    .arguments = "FILE...",
    .summary = "runs programs of the small Scheme in tests/examples/scheme",
    .operation = "program",
    .threads_max = 1,
    .run = scheme_run,
    .tags = scheme_rule,
};
