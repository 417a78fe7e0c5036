#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "command.h"
#include "cycle_json.h"
#include "gait/profile.h"
#include "os/virtual.h"
#include "pacer.h"
#include "sim_law.h"

/* As a program with GAIT_PROFILE takes samples. */
#define MEASURE_PROFILE_BYTES ((int64_t)512 << 10)

/* ---- Running ---- */

/* What the collector's thread notes of each cycle; read when the heap is gone. */
struct measure_notes {
  struct sim_law law;
  bool keep;
  gait_cycle_record *cycles;
  size_t count, capacity;
};

static void measure_cycle(gait_heap *heap, const struct gait_cycle_record *record, void *arg) {
  (void)heap;
  struct measure_notes *notes = arg;
  sim_law_cycle(&notes->law, (double)record->at_mark_end_bytes, (double)record->marked_bytes);
  if (!notes->keep) return;
  if (notes->count == notes->capacity) {
    size_t capacity = notes->capacity == 0 ? 256 : notes->capacity * 2;
    gait_cycle_record *cycles = realloc(notes->cycles, capacity * sizeof *cycles);
    if (cycles == NULL) return; /* the record is lost, the run is not */
    notes->cycles = cycles;
    notes->capacity = capacity;
  }
  notes->cycles[notes->count++] = *record;
}

/* The workloads do not look for NULL, so the process ends here. */
static int measure_out_of_memory(gait_heap *heap, size_t bytes, void *arg) {
  (void)heap, (void)arg;
  fflush(stdout);
  fprintf(stderr, "gait: out of memory: no room for an object of %zu bytes\n", bytes);
  _exit(COMMAND_FAILED);
}

static void measure_usage(struct measurement *measurement) {
  struct rusage usage;
  if (gaiti_virtual_is_on) {
    measurement->cpu_seconds = (double)gaiti_os_process_cpu_ns() * 1e-9;
    return;
  }
  getrusage(RUSAGE_SELF, &usage);
  measurement->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
  measurement->cpu_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                             (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static double measure_now_seconds(void) {
  return (double)workload_now_ns() * 1e-9;
}

static enum workload_status measure_on_heap(const struct measure_plan *plan, gait_heap *heap,
                                            struct measurement *measurement) {
  struct workload_input input = {.heap = heap,
                                 .threads = plan->threads,
                                 .argument_count = plan->argument_count,
                                 .arguments = plan->arguments};
  double began = measure_now_seconds();
  gait_thread_roots roots = plan->virtual_cpus ? GAIT_STACK_EXACT : GAIT_STACK_CONSERVATIVE;
  gait_result attached = gait_thread_attach(heap, "main", roots, &input.thread);
  if (attached != GAIT_OK)
    return workload_stop(&measurement->work, WORKLOAD_FAILED, "%s", gait_result_text(attached));
  enum workload_status status = plan->workload->run(&input, &measurement->work);
  gait_thread_detach(input.thread);
  gait_stats_read(heap, &measurement->stats);
  measurement->run_seconds = measure_now_seconds() - began;
  measure_usage(measurement);
  return status;
}

static struct sim_law measure_law(const gait_options *options) {
  bool off = options->policy != GAIT_POLICY_GOGC || options->gogc_percent == GAIT_OFF;
  int64_t limit = options->memory_limit_bytes;
  return (struct sim_law){
      .setting = {.gogc_percent = off ? SETTING_OFF : options->gogc_percent,
                  .memory_limit_bytes = limit == GAIT_OFF ? SETTING_OFF : limit},
      .minimum_heap_bytes = (double)options->min_heap_bytes};
}

static enum workload_status measure_profile(const struct measure_plan *plan, gait_heap *heap,
                                            struct measurement *measurement) {
  gait_result result = gait_profile_write(heap, plan->profile);
  if (result == GAIT_OK) return WORKLOAD_OK;
  return workload_stop(&measurement->work, WORKLOAD_FAILED, "%s: %s", plan->profile,
                       gait_result_text(result));
}

static enum workload_status measure_here(const struct measure_plan *plan,
                                         struct measurement *measurement) {
  *measurement = (struct measurement){.cycles_by_law = -1};
  struct measure_notes notes = {.law = measure_law(&plan->options), .keep = plan->keep_cycles};
  gait_options options = plan->options;
  options.cycle = measure_cycle;
  options.cycle_arg = &notes;
  options.out_of_memory = measure_out_of_memory;
  if (plan->profile != NULL && options.profile_bytes == 0)
    options.profile_bytes = MEASURE_PROFILE_BYTES;
  if (plan->workload->tags)
    options.tags = plan->workload->tags(plan->argument_count, plan->arguments);

  gait_heap *heap;
  gait_result created = gait_heap_create(&options, &heap);
  if (created != GAIT_OK)
    return workload_stop(&measurement->work, WORKLOAD_FAILED, "%s", gait_result_text(created));
  enum workload_status status = measure_on_heap(plan, heap, measurement);
  if (status == WORKLOAD_OK && plan->profile != NULL)
    status = measure_profile(plan, heap, measurement);
  gait_heap_destroy(heap);
  if (sim_law_speaks(&notes.law))
    measurement->cycles_by_law =
        sim_law_cycles(&notes.law, (double)measurement->stats.heap_live_bytes);
  measurement->cycles = notes.cycles;
  measurement->cycle_count = notes.count;
  return status;
}

/* ---- A virtual machine ---- */

static struct workload_clock measure_begin_virtual(unsigned cpus) {
  struct workload_clock clock = workload_clock;
  struct gaiti_virtual machine = GAITI_VIRTUAL_DEFAULT;
  machine.cpus = cpus;
  gaiti_virtual_begin(&machine);
  workload_clock = (struct workload_clock){gaiti_os_now_ns, gaiti_os_sleep_ns};
  return clock;
}

static void measure_end_virtual(struct workload_clock clock) {
  workload_clock = clock;
  gaiti_virtual_end();
}

enum workload_status measure(const struct measure_plan *plan, struct measurement *measurement) {
  if (!plan->virtual_cpus) return measure_here(plan, measurement);
  struct workload_clock clock = measure_begin_virtual(plan->virtual_cpus);
  enum workload_status status = measure_here(plan, measurement);
  measure_end_virtual(clock);
  return status;
}

void measurement_destroy(struct measurement *measurement) {
  latency_destroy(&measurement->work.latency);
  free(measurement->cycles);
  measurement->cycles = NULL;
}

/* ---- Showing ---- */

static json_t *measure_json_cycles(const struct measurement *measurement) {
  json_t *list = json_array();
  for (size_t i = 0; i < measurement->cycle_count; i++)
    json_array_append_new(list, cycle_json_write(&measurement->cycles[i]));
  return list;
}

static json_t *measure_json_plan(const struct measure_plan *plan) {
  json_t *object = json_object(), *arguments = json_array();
  for (int i = 0; i < plan->argument_count; i++)
    json_array_append_new(arguments, json_string(plan->arguments[i]));
  bool off = plan->options.gogc_percent == GAIT_OFF;
  bool unlimited = plan->options.memory_limit_bytes == GAIT_OFF;
  json_object_set_new(object, "workload", json_string(plan->workload->name));
  json_object_set_new(object, "arguments", arguments);
  json_object_set_new(object, "threads", json_integer(plan->threads));
  json_object_set_new(object, "gogc_percent",
                      off ? json_null() : json_integer(plan->options.gogc_percent));
  json_object_set_new(object, "memory_limit_bytes",
                      unlimited ? json_null() : json_integer(plan->options.memory_limit_bytes));
  return object;
}

/* The counters of gait_stats by the names that they have there. */
static void measure_json_stats(json_t *object, const gait_stats *stats) {
  const struct {
    const char *name;
    uint64_t value;
  } rows[] = {
      {"cycles", stats->cycles},
      {"forced_cycles", stats->forced_cycles},
      {"young_cycles", stats->young_cycles},
      {"heap_live_bytes", stats->heap_live_bytes},
      {"marked_bytes", stats->marked_bytes},
      {"goal_bytes", stats->goal_bytes},
      {"mapped_bytes", stats->mapped_bytes},
      {"mapped_peak_bytes", stats->mapped_peak_bytes},
      {"released_bytes", stats->released_bytes},
      {"alloc_bytes", stats->alloc_bytes},
      {"alloc_objects", stats->alloc_objects},
      {"gc_assist_ns", stats->gc_assist_ns},
      {"gc_background_ns", stats->gc_background_ns},
      {"gc_idle_ns", stats->gc_idle_ns},
      {"pauses", stats->pauses},
      {"pause_total_ns", stats->pause_total_ns},
      {"pause_max_ns", stats->pause_max_ns},
      {"pause_p50_ns", stats->pause_p50_ns},
      {"pause_p99_ns", stats->pause_p99_ns},
      {"pause_p9999_ns", stats->pause_p9999_ns},
      {"pause_cpu_max_ns", stats->pause_cpu_max_ns},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    json_object_set_new(object, rows[i].name, json_integer((json_int_t)rows[i].value));
}

static void measure_json_latency(json_t *object, const struct latency *latency) {
  static const struct {
    const char *name;
    double share;
  } rows[] = {{"op_p99_ns", .99}, {"op_p999_ns", .999}, {"op_p9999_ns", .9999}};
  bool measured = latency->count != NULL;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint64_t ns = measured ? latency_quantile_ns(latency, rows[i].share) : 0;
    json_object_set_new(object, rows[i].name,
                        measured ? json_integer((json_int_t)ns) : json_null());
  }
  json_object_set_new(object, "op_max_ns",
                      measured ? json_integer((json_int_t)latency->max_ns) : json_null());
}

static double measure_gc_share(const struct measurement *measurement) {
  const gait_stats *stats = &measurement->stats;
  return gaiti_pacer_cpu_share((double)stats->gc_cpu_ns * 1e-9, measurement->run_seconds,
                               stats->cpus);
}

json_t *measure_json(const struct measure_plan *plan, const struct measurement *measurement) {
  const struct workload_result *work = &measurement->work;
  json_t *object = measure_json_plan(plan);
  char checksum[32];
  snprintf(checksum, sizeof checksum, "%016llx", (unsigned long long)work->checksum);
  json_object_set_new(object, "ops", json_integer((json_int_t)work->ops));
  json_object_set_new(object, "seconds", json_real(work->seconds));
  json_object_set_new(object, "ns_per_op", json_real(work->ns_per_op));
  json_object_set_new(object, "checksum", json_string(checksum));
  json_object_set_new(object, "cycles_by_law",
                      measurement->cycles_by_law < 0 ? json_null()
                                                     : json_real(measurement->cycles_by_law));
  json_object_set_new(object, "cpu_seconds", json_real(measurement->cpu_seconds));
  json_object_set_new(object, "run_seconds", json_real(measurement->run_seconds));
  json_object_set_new(object, "gc_cpu_seconds",
                      json_real((double)measurement->stats.gc_cpu_ns * 1e-9));
  json_object_set_new(object, "gc_cpu_share", json_real(measure_gc_share(measurement)));
  if (!plan->virtual_cpus)
    json_object_set_new(object, "peak_rss_bytes",
                        json_integer((json_int_t)measurement->peak_rss_bytes));
  measure_json_stats(object, &measurement->stats);
  measure_json_latency(object, &work->latency);
  for (size_t i = 0; i < work->figure_count; i++)
    json_object_set_new(object, work->figures[i].name,
                        json_integer((json_int_t)work->figures[i].value));
  if (plan->keep_cycles) json_object_set_new(object, "timeline", measure_json_cycles(measurement));
  return object;
}

static void measure_print_latency(const struct latency *latency) {
  printf("  %-22s p99 %.1f us, p99.99 %.1f us, longest %.1f us\n", "one operation",
         (double)latency_quantile_ns(latency, .99) * 1e-3,
         (double)latency_quantile_ns(latency, .9999) * 1e-3, (double)latency->max_ns * 1e-3);
}

void measure_print(const struct measure_plan *plan, const struct measurement *measurement) {
  const struct workload_result *work = &measurement->work;
  const gait_stats *stats = &measurement->stats;
  printf("%s", plan->workload->name);
  for (int i = 0; i < plan->argument_count; i++)
    printf(" %s", plan->arguments[i]);
  printf("\n  %-22s %llu (one: %s)\n", "operations", (unsigned long long)work->ops,
         plan->workload->operation);
  printf("  %-22s %.3f s, %.2f ns an operation\n", "time", work->seconds, work->ns_per_op);
  if (work->latency.count != NULL) measure_print_latency(&work->latency);
  printf("  %-22s %llu, %llu of them forced, %llu young", "cycles",
         (unsigned long long)stats->cycles, (unsigned long long)stats->forced_cycles,
         (unsigned long long)stats->young_cycles);
  if (measurement->cycles_by_law >= 0) printf("; %.1f by the law", measurement->cycles_by_law);
  printf("\n  %-22s %.3f s, %.1f%% of %.3g CPUs; of the process %.3f s\n", "collector's CPU time",
         (double)stats->gc_cpu_ns * 1e-9, 100 * measure_gc_share(measurement), stats->cpus,
         measurement->cpu_seconds);
  printf("  %-22s p99.99 %.1f us, longest %.1f us; CPU time of one at most %.1f us\n", "pauses",
         (double)stats->pause_p9999_ns * 1e-3, (double)stats->pause_max_ns * 1e-3,
         (double)stats->pause_cpu_max_ns * 1e-3);
  printf("  %-22s %.1f MiB in %llu objects\n", "allocated", (double)stats->alloc_bytes / 1048576,
         (unsigned long long)stats->alloc_objects);
  printf("  %-22s %.1f MiB live, %.1f MiB mapped at most\n", "heap",
         (double)stats->marked_bytes / 1048576, (double)stats->mapped_peak_bytes / 1048576);
  if (!plan->virtual_cpus)
    printf("  %-22s %.1f MiB at most\n", "process", (double)measurement->peak_rss_bytes / 1048576);
  for (size_t i = 0; i < work->figure_count; i++)
    printf("  %-22s %llu\n", work->figures[i].name, (unsigned long long)work->figures[i].value);
  printf("  %-22s %016llx\n", "checksum", (unsigned long long)work->checksum);
}
