/* gait run: one workload on one heap. */
#include "command.h"
#include "measure.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
  struct measure_plan plan;
  bool json;
};

enum {
  RUN_GOGC = 1,
  RUN_MEMORY_LIMIT,
  RUN_THREADS,
  RUN_OPTION,
  RUN_TRACE,
  RUN_JSON,
  RUN_CYCLES,
  RUN_PROFILE,
  RUN_VIRTUAL
};

static const struct argp_option run_options[] = {
    {"gogc", RUN_GOGC, "N", 0, "Let the heap grow by N% of its live bytes between cycles; or off",
     0},
    {"memory-limit", RUN_MEMORY_LIMIT, "SIZE", 0,
     "Keep all of the heap within SIZE (512MiB ...); or off", 0},
    {"memlimit", RUN_MEMORY_LIMIT, "SIZE", OPTION_HIDDEN, "As it was called before", 0},
    {"threads", RUN_THREADS, "N", 0, "Work in N threads", 0},
    {"option", RUN_OPTION, "NAME=VALUE", 0, "Set any option of the heap; `gait options` lists them",
     0},
    {"trace", RUN_TRACE, NULL, 0, "Print a line for each cycle on standard error", 0},
    {"profile", RUN_PROFILE, "FILE", 0,
     "Write a profile of the allocations for pprof and `gait profile`; one sample in 512KiB, or as "
     "the option profile_bytes says",
     0},
    {"json", RUN_JSON, NULL, 0, "Print one JSON object", 0},
    {"virtual", RUN_VIRTUAL, "CPUS", OPTION_ARG_OPTIONAL,
     "Run on a virtual machine of 2 CPUs, or so many, whose clock counts work: the same everywhere",
     0},
    {"cycles", RUN_CYCLES, NULL, 0, "With --json: every cycle too, as `timeline`", 0},
    {0}};

static void run_set(struct run *run, const char *name, const char *value,
                    struct argp_state *state) {
  char error[256];
  if (gait_options_set(&run->plan.options, name, value, error, sizeof error) != GAIT_OK)
    argp_error(state, "%s", error);
}

static void run_set_pair(struct run *run, const char *pair, struct argp_state *state) {
  const char *equals = strchr(pair, '=');
  char *name = equals == NULL ? NULL : strndup(pair, (size_t)(equals - pair));
  if (name == NULL)
    argp_error(state, "--option=%s: NAME=VALUE is wanted", pair);
  else
    run_set(run, name, equals + 1, state);
  free(name);
}

static unsigned run_thread_count(const char *text, struct argp_state *state) {
  char *end;
  unsigned long count = strtoul(text, &end, 10);
  if (text[0] < '1' || text[0] > '9' || *end != '\0' || count > WORKLOAD_THREADS_MAX)
    argp_error(state, "--threads=%s: a number in 1 .. %u is wanted", text, WORKLOAD_THREADS_MAX);
  return (unsigned)count;
}

static unsigned run_virtual_cpus(const char *text, struct argp_state *state) {
  char *end;
  unsigned long count = text == NULL ? 2 : strtoul(text, &end, 10);
  if (text != NULL && (text[0] < '1' || text[0] > '9' || *end != '\0' || count > 64))
    argp_error(state, "--virtual=%s: a number of CPUs in 1 .. 64 is wanted", text);
  return (unsigned)count;
}

/* What keeps a run from being the same everywhere; NULL: nothing does. */
static const char *run_differs(const struct measure_plan *plan) {
  if (!plan->workload->exact) return "finds references by scanning the stack";
  if (plan->threads > 1) return "would run in threads of the system";
  if (plan->options.memory_limit_bytes == GAIT_AUTO) return "would follow a limit of the system";
  return NULL;
}

static void run_argument(struct run *run, char *word, struct argp_state *state) {
  struct measure_plan *plan = &run->plan;
  if (plan->workload != NULL) {
    plan->arguments[plan->argument_count++] = word;
    return;
  }
  plan->workload = workload_find(word);
  if (plan->workload == NULL)
    argp_error(state, "there is no workload '%s'; --help lists them", word);
}

static error_t run_option(int key, char *arg, struct argp_state *state) {
  struct run *run = state->input;
  switch (key) {
  case RUN_GOGC: run_set(run, "gogc", arg, state); return 0;
  case RUN_MEMORY_LIMIT: run_set(run, "memory_limit", arg, state); return 0;
  case RUN_THREADS: run->plan.threads = run_thread_count(arg, state); return 0;
  case RUN_OPTION: run_set_pair(run, arg, state); return 0;
  case RUN_TRACE: run->plan.options.trace = 1; return 0;
  case RUN_PROFILE: run->plan.profile = arg; return 0;
  case RUN_JSON: run->json = true; return 0;
  case RUN_VIRTUAL: run->plan.virtual_cpus = run_virtual_cpus(arg, state); return 0;
  case RUN_CYCLES: run->plan.keep_cycles = true; return 0;
  case ARGP_KEY_ARG: run_argument(run, arg, state); return 0;
  case ARGP_KEY_NO_ARGS: argp_error(state, "which workload?"); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

/* The list of workloads, for the end of --help. */
static char *run_help(int key, const char *text, void *input) {
  (void)input;
  if (key != ARGP_KEY_HELP_POST_DOC) return (char *)(uintptr_t)text;
  char *help = NULL;
  size_t bytes = 0;
  FILE *out = open_memstream(&help, &bytes);
  if (out == NULL) return NULL;
  fputs("Workloads:", out);
  for (size_t i = 0; workload_at(i) != NULL; i++) {
    const struct workload *workload = workload_at(i);
    fprintf(out, "\n\n%s %s\n%s", workload->name, workload->arguments, workload->summary);
  }
  fclose(out);
  return help;
}

static const struct argp run_argp = {
    .options = run_options,
    .parser = run_option,
    .args_doc = "WORKLOAD ARGUMENT...",
    .doc = "Run a workload on a heap of its own and tell what it cost.\v",
    .help_filter = run_help,
};

static int run_report(const struct run *run, const struct measurement *measurement) {
  if (!run->json) {
    measure_print(&run->plan, measurement);
    return COMMAND_OK;
  }
  json_t *object = measure_json(&run->plan, measurement);
  int failed = object == NULL || json_dumpf(object, stdout, JSON_REAL_PRECISION(10)) != 0;
  json_decref(object);
  putchar('\n');
  return failed ? COMMAND_FAILED : COMMAND_OK;
}

static int run_plan(const struct run *run) {
  const struct measure_plan *plan = &run->plan;
  if (plan->threads > plan->workload->threads_max) {
    fprintf(stderr, "gait run: %s runs in %u thread(s) at most\n", plan->workload->name,
            plan->workload->threads_max);
    return COMMAND_USAGE;
  }
  const char *differs = plan->virtual_cpus ? run_differs(plan) : NULL;
  if (differs != NULL) {
    fprintf(stderr, "gait run: --virtual: %s %s\n", plan->workload->name, differs);
    return COMMAND_USAGE;
  }
  struct measurement measurement;
  enum workload_status status = measure(plan, &measurement);
  int outcome = COMMAND_OK;
  if (status == WORKLOAD_OK) {
    outcome = run_report(run, &measurement);
  } else {
    fprintf(stderr, "gait run: %s: %s\n", plan->workload->name, measurement.work.error);
    if (status == WORKLOAD_USAGE)
      fprintf(stderr, "Usage: gait run %s %s\n", plan->workload->name, plan->workload->arguments);
    outcome = status == WORKLOAD_USAGE ? COMMAND_USAGE : COMMAND_FAILED;
  }
  measurement_destroy(&measurement);
  return outcome;
}

int gait_cmd_run(int argc, char **argv) {
  struct run run = {.plan = {.threads = 1}};
  char error[256];
  gait_options_init(&run.plan.options);
  if (gait_options_from_environment(&run.plan.options, error, sizeof error) != GAIT_OK) {
    fprintf(stderr, "gait run: %s\n", error);
    return COMMAND_USAGE;
  }
  run.plan.arguments = calloc((size_t)argc, sizeof *run.plan.arguments);
  if (run.plan.arguments == NULL) return COMMAND_FAILED;
  argp_parse(&run_argp, argc, argv, 0, NULL, &run);
  int status = run_plan(&run);
  free(run.plan.arguments);
  return status;
}
