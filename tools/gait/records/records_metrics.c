/* Metrics in text.
 *
 * Two forms that differ in one point: the type of a counter stands before the name that its sample
 * has, with _total, in the text format of Prometheus; in OpenMetrics before the name without it.
 * Times are in seconds, as both want them. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "records_forms.h"

struct metrics {
  FILE *out;
  bool strict;
  char labels[512]; /* of every sample, without the braces */
};

/* ---- Text ---- */

/* As labels want it: quotes, strokes and ends of lines are marked, other control characters and
 * what is no ASCII are question marks. */
static void metrics_escape(const char *text, char *to, size_t bytes) {
  size_t used = 0;
  for (; *text && used + 3 < bytes; text++) {
    if (*text == '"' || *text == '\\') to[used++] = '\\';
    to[used++] = *text < ' ' || *text > '~' ? '?' : *text;
  }
  to[used] = '\0';
}

static void metrics_begin(const struct metrics *metrics, const char *name, const char *type,
                          const char *unit, const char *help) {
  bool counter = strcmp(type, "counter") == 0;
  const char *total = counter && !metrics->strict ? "_total" : "";
  fprintf(metrics->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, total, help, name, total, type);
  if (metrics->strict && unit[0]) fprintf(metrics->out, "# UNIT %s %s\n", name, unit);
}

/* `more`: a label of this sample, or "". */
static void metrics_sample(const struct metrics *metrics, const char *name, const char *ending,
                           const char *more, double value) {
  fprintf(metrics->out, "%s%s{%s%s%s} %.17g\n", name, ending, metrics->labels, more[0] ? "," : "",
          more, value);
}

/* ---- One number each ---- */

#define METRIC_NS 1e-9

/*   field   of the present
 *   factor  from its unit to that of the metric */
static const struct metric {
  const char *field;
  const char *name;
  const char *type;
  const char *unit;
  double factor;
  const char *help;
} metrics_list[] = {
    {"heap_live_bytes", "gait_heap_live_bytes", "gauge", "bytes", 1,
     "Found live by the last cycle, and handed to threads since."},
    {"marked_bytes", "gait_heap_marked_bytes", "gauge", "bytes", 1,
     "Found live by the last cycle."},
    {"goal_bytes", "gait_heap_goal_bytes", "gauge", "bytes", 1,
     "Live bytes at which the next cycle is to end."},
    {"trigger_bytes", "gait_heap_trigger_bytes", "gauge", "bytes", 1,
     "Live bytes at which the next cycle begins."},
    {"mapped_bytes", "gait_heap_mapped_bytes", "gauge", "bytes", 1,
     "Memory of the machine that the heap keeps."},
    {"mapped_peak_bytes", "gait_heap_mapped_peak_bytes", "gauge", "bytes", 1,
     "The most that it has kept."},
    {"external_bytes", "gait_heap_external_bytes", "gauge", "bytes", 1,
     "Held outside by objects of the heap."},
    {"memory_limit_bytes", "gait_memory_limit_bytes", "gauge", "bytes", 1, "The soft limit."},
    {"gogc_percent", "gait_gogc_ratio", "gauge", "ratio", 0.01,
     "How far the heap may grow over the live heap."},
    {"cpus", "gait_cpus", "gauge", "", 1, "CPUs that the collector plans for."},
    {"threads", "gait_threads", "gauge", "", 1, "Attached threads."},
    {"cycle", "gait_cycle_under_way", "gauge", "", 1, "Number of the cycle under way; 0: none."},
    {"cycles_written", "gait_cycles", "counter", "", 1, "Cycles that have ended."},
    {"alloc_bytes", "gait_allocated_bytes", "counter", "bytes", 1, "Allocated in all."},
    {"alloc_objects", "gait_allocated_objects", "counter", "", 1, "Objects allocated in all."},
    {"events_written", "gait_record_events", "counter", "", 1, "Events of the record file."},
    {"events_dropped", "gait_record_events_dropped", "counter", "", 1,
     "Events that found no place."},
    {"ended", "gait_heap_ended", "gauge", "", 1, "1: the heap has been destroyed."},
};

static double metrics_number(struct record_value value) {
  return value.is_real     ? value.real
         : value.is_signed ? (double)(int64_t)value.whole
                           : (double)value.whole;
}

/* A limit that is off has no sample, and so has a field that the file lacks. */
static void metrics_write_one(const struct metrics *metrics, const struct record_reader *reader,
                              const struct metric *metric, const void *now) {
  const gait_record_field *field = record_reader_field(reader, GAIT_RECORD_NOW, metric->field);
  if (!field) return;
  struct record_value value = record_reader_value(field, now);
  if (value.is_signed && (int64_t)value.whole == GAIT_OFF) return;
  metrics_begin(metrics, metric->name, metric->type, metric->unit, metric->help);
  metrics_sample(metrics, metric->name, strcmp(metric->type, "counter") == 0 ? "_total" : "", "",
                 metrics_number(value) * metric->factor);
}

/* ---- Several ---- */

static void metrics_write_cpu(const struct metrics *metrics, const gait_record_now *now) {
  metrics_begin(metrics, "gait_gc_cpu_seconds", "counter", "seconds",
                "CPU time of the collector; idle: on CPUs that nothing else used.");
  const struct {
    const char *label;
    uint64_t ns;
  } times[] = {{"kind=\"assist\"", now->gc_assist_ns},
               {"kind=\"background\"", now->gc_background_ns},
               {"kind=\"stopped\"", now->gc_stopped_ns},
               {"kind=\"idle\"", now->gc_idle_ns}};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++)
    metrics_sample(metrics, "gait_gc_cpu_seconds", "_total", times[i].label,
                   (double)times[i].ns * METRIC_NS);
}

static void metrics_write_summary(const struct metrics *metrics, const char *name, const char *help,
                                  const uint64_t numbers[5]) {
  metrics_begin(metrics, name, "summary", "seconds", help);
  metrics_sample(metrics, name, "", "quantile=\"0.5\"", (double)numbers[0] * METRIC_NS);
  metrics_sample(metrics, name, "", "quantile=\"0.99\"", (double)numbers[1] * METRIC_NS);
  metrics_sample(metrics, name, "", "quantile=\"1\"", (double)numbers[2] * METRIC_NS);
  metrics_sample(metrics, name, "_sum", "", (double)numbers[3] * METRIC_NS);
  metrics_sample(metrics, name, "_count", "", (double)numbers[4]);
}

static void metrics_write_summaries(const struct metrics *metrics, const gait_record_now *now) {
  const uint64_t pauses[5] = {now->pause_p50_ns, now->pause_p99_ns, now->pause_max_ns,
                              now->pause_total_ns, now->pauses};
  const uint64_t late[5] = {now->late_p50_ns, now->late_p99_ns, now->late_max_ns,
                            now->late_total_ns, now->answers};
  metrics_write_summary(metrics, "gait_pause_seconds",
                        "Times for which the collector kept a thread.", pauses);
  metrics_write_summary(metrics, "gait_late_seconds", "How late threads were to answer handshakes.",
                        late);
}

/* ---- The last cycle, threads ---- */

static void metrics_write_cycle(const struct metrics *metrics, struct record_reader *reader) {
  uint64_t first, last;
  gait_cycle_record record;
  if (!record_reader_range(reader, &first, &last) || !record_reader_cycle(reader, last, &record))
    return;
  const struct {
    const char *name;
    const char *unit;
    double value;
    const char *help;
  } gauges[] = {
      {"gait_last_cycle_gc_cpu_ratio", "ratio", record.gc_cpu_share,
       "The collector's share of CPU time, up to the end of the last cycle's marking."},
      {"gait_last_cycle_mark_seconds", "seconds", (double)record.mark_ns * METRIC_NS,
       "Wall time of marking in the last cycle."},
      {"gait_last_cycle_peak_bytes", "bytes", (double)record.at_mark_end_bytes,
       "Live bytes when the last cycle's marking ended."},
      {"gait_last_cycle_late_seconds", "seconds", (double)record.late_ns * METRIC_NS,
       "How late the last thread was to answer in the last cycle."},
      {"gait_allocation_bytes_per_second", "", record.alloc_bytes_per_second,
       "The rate of allocation that the last cycle measured."},
  };
  for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
    if (!isfinite(gauges[i].value)) continue;
    metrics_begin(metrics, gauges[i].name, "gauge", gauges[i].unit, gauges[i].help);
    metrics_sample(metrics, gauges[i].name, "", "", gauges[i].value);
  }
}

static void metrics_write_threads(const struct metrics *metrics, struct record_reader *reader) {
  size_t count;
  char name[80], label[128];
  gait_record_thread *threads = record_reader_threads(reader, &count);
  metrics_begin(metrics, "gait_thread_late_max_seconds", "gauge", "seconds",
                "How late a thread was at most to answer a handshake.");
  for (size_t i = 0; i < count; i++) {
    if (threads[i].answers == 0) continue;
    metrics_escape(threads[i].name, name, sizeof name);
    snprintf(label, sizeof label, "thread=\"%s\",tid=\"%" PRIu64 "\"", name, threads[i].thread);
    metrics_sample(metrics, "gait_thread_late_max_seconds", "", label,
                   (double)threads[i].late_max_ns * METRIC_NS);
  }
  free(threads);
}

bool records_write_metrics(struct record_reader *reader, const struct records_choice *choice,
                           FILE *out) {
  const gait_record_header *header = record_reader_header(reader);
  struct metrics metrics = {.out = out, .strict = choice->strict};
  gait_record_now now;
  char program[160];
  void *entry = malloc(record_reader_now_bytes(reader));
  if (!entry || !record_reader_now_entry(reader, entry) || !record_reader_now(reader, &now)) {
    free(entry);
    return false;
  }
  metrics_escape(header->program, program, sizeof program);
  snprintf(metrics.labels, sizeof metrics.labels,
           "program=\"%s\",process=\"%" PRId64 "\",heap=\"%" PRIu64 "\"", program, header->process,
           header->heap);
  for (size_t i = 0; i < sizeof metrics_list / sizeof *metrics_list; i++)
    metrics_write_one(&metrics, reader, &metrics_list[i], entry);
  metrics_write_cpu(&metrics, &now);
  metrics_write_summaries(&metrics, &now);
  metrics_write_cycle(&metrics, reader);
  metrics_write_threads(&metrics, reader);
  fputs("# EOF\n", out);
  free(entry);
  return record_reader_error(reader)[0] == '\0';
}
