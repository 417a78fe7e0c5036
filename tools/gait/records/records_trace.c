/* A timeline in the trace event format of Chrome, which Perfetto reads.
 *
 * A slice (phase "X") has to lie inside the one that it begins in, or after it, on the same track;
 * readers drop or cut others.  So each kind of slices that may overlap has tracks of its own:
 *
 *   GC cycles      a cycle, and inside it its phases
 *   GC handshakes  from asking to the last answer; stops of all threads
 *   NAME           of each thread: pauses, assists and marking, and an instant for each phase that
 *                  it moved
 *   NAME answers   of each thread: from asking to its answer
 *
 * and where the events have been dropped between which a slice would end, it ends where the next
 * begins.  Tracks are threads of the format; those that are none have numbers above any thread's.
 * Counters: live bytes, goal, trigger; and of each cycle, marked bytes and the share of GC CPU. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "records_forms.h"

#define TRACE_CYCLES     (INT64_C(1) << 30)
#define TRACE_HANDSHAKES (TRACE_CYCLES + 1)
#define TRACE_ANSWERS    (TRACE_CYCLES + 16) /* and the thread's own */

struct slice {
  int64_t track;
  uint64_t begin_ns;
  uint64_t end_ns;
  size_t order; /* an outer one comes before an inner one of the same begin and end */
  json_t *name;
  json_t *args;
};

struct trace {
  struct record_reader *reader;
  FILE *out;
  bool failed;
  size_t written;
  json_int_t process;
  uint64_t base_ns;
  const gait_record_event *events;
  size_t count;
  struct slice *slices;
  size_t slices_count;
  size_t slices_room;
};

/* ---- Writing ---- */

/* Takes the object over.  Times are in microseconds of the monotonic clock. */
static void trace_write(struct trace *trace, json_t *event) {
  if (!event) {
    trace->failed = true;
    return;
  }
  json_object_set_new(event, "pid", json_integer(trace->process));
  fputs(trace->written++ ? ",\n" : "", trace->out);
  if (json_dumpf(event, trace->out, JSON_COMPACT | JSON_REAL_PRECISION(17)) != 0)
    trace->failed = true;
  json_decref(event);
}

static double trace_us(const struct trace *trace, uint64_t ns) {
  return (double)(trace->base_ns + ns) / 1e3;
}

static void trace_name_track(struct trace *trace, int64_t track, const char *name, int order) {
  trace_write(trace, json_pack("{s:s, s:s, s:I, s:{s:o}}", "ph", "M", "name", "thread_name", "tid",
                               (json_int_t)track, "args", "name", records_text_json(name)));
  trace_write(trace, json_pack("{s:s, s:s, s:I, s:{s:i}}", "ph", "M", "name", "thread_sort_index",
                               "tid", (json_int_t)track, "args", "sort_index", order));
}

static const char *trace_word(const struct trace *trace, const char *list, uint64_t value) {
  const char *word = record_reader_word(trace->reader, list, value);
  return word ? word : "?";
}

/* ---- Slices ---- */

/* Takes name and arguments over. */
static void trace_add(struct trace *trace, int64_t track, uint64_t begin_ns, uint64_t took_ns,
                      json_t *name, json_t *args) {
  if (trace->slices_count == trace->slices_room) {
    size_t room = trace->slices_room ? trace->slices_room * 2 : 1024;
    struct slice *more = realloc(trace->slices, room * sizeof *more);
    if (!more) {
      json_decref(name);
      json_decref(args);
      trace->failed = true;
      return;
    }
    trace->slices = more;
    trace->slices_room = room;
  }
  uint64_t end_ns = begin_ns + took_ns < begin_ns ? UINT64_MAX : begin_ns + took_ns;
  trace->slices[trace->slices_count] =
      (struct slice){track, begin_ns, end_ns, trace->slices_count, name, args};
  trace->slices_count++;
}

static int slice_compare(const void *left, const void *right) {
  const struct slice *a = left, *b = right;
  if (a->track != b->track) return a->track < b->track ? -1 : 1;
  if (a->begin_ns != b->begin_ns) return a->begin_ns < b->begin_ns ? -1 : 1;
  if (a->end_ns != b->end_ns) return a->end_ns > b->end_ns ? -1 : 1;
  return a->order < b->order ? -1 : a->order > b->order;
}

#define TRACE_DEPTH 16

/* One that would outlast the one around it ends with that. */
static void trace_write_slices(struct trace *trace) {
  uint64_t ends[TRACE_DEPTH];
  size_t depth = 0;
  if (trace->slices_count > 0)
    qsort(trace->slices, trace->slices_count, sizeof *trace->slices, slice_compare);
  for (size_t i = 0; i < trace->slices_count; i++) {
    struct slice *slice = &trace->slices[i];
    if (i > 0 && slice->track != slice[-1].track) depth = 0;
    while (depth > 0 && ends[depth - 1] <= slice->begin_ns)
      depth--;
    if (depth > 0 && slice->end_ns > ends[depth - 1]) slice->end_ns = ends[depth - 1];
    if (depth < TRACE_DEPTH) ends[depth++] = slice->end_ns;
    trace_write(trace,
                json_pack("{s:s, s:o, s:I, s:f, s:f, s:o}", "ph", "X", "name", slice->name, "tid",
                          (json_int_t)slice->track, "ts", trace_us(trace, slice->begin_ns), "dur",
                          (double)(slice->end_ns - slice->begin_ns) / 1e3, "args", slice->args));
  }
}

/* ---- Events as slices ---- */

/* A phase lasts until the next one. */
static void trace_phase(struct trace *trace, size_t at) {
  const gait_record_event *event = &trace->events[at];
  const char *word = trace_word(trace, "phase", event->value[0]);
  trace_write(trace, json_pack("{s:s, s:s, s:o, s:i, s:f}", "ph", "i", "s", "t", "name",
                               json_sprintf("to %s", word), "tid", (int)event->thread, "ts",
                               trace_us(trace, event->time_ns)));
  if (event->value[0] == 0) return;
  size_t next = at + 1;
  while (next < trace->count && trace->events[next].type != GAIT_EVENT_PHASE)
    next++;
  uint64_t end_ns = next < trace->count ? trace->events[next].time_ns : event->time_ns;
  trace_add(trace, TRACE_CYCLES, event->time_ns, end_ns - event->time_ns, records_text_json(word),
            json_pack("{s:I, s:I}", "cycle", (json_int_t)event->value[1], "moved by thread",
                      (json_int_t)event->thread));
}

static void trace_answer(struct trace *trace, const gait_record_event *event) {
  uint64_t late_ns = event->value[0] < event->time_ns ? event->value[0] : event->time_ns;
  trace_add(trace, TRACE_ANSWERS + event->thread, event->time_ns - late_ns, late_ns,
            records_text_json(trace_word(trace, "action", event->value[1])),
            json_pack("{s:f, s:b}", "late_us", (double)event->value[0] / 1e3, "in its place",
                      event->value[2] != 0));
}

static void trace_took(struct trace *trace, const gait_record_event *event) {
  uint64_t took_ns = event->value[0];
  switch (event->type) {
  case GAIT_EVENT_HANDSHAKE:
    trace_add(trace, TRACE_HANDSHAKES, event->time_ns, took_ns,
              records_text_json(trace_word(trace, "action", event->value[1])),
              json_pack("{s:I}", "handshake", (json_int_t)event->value[2]));
    break;
  case GAIT_EVENT_STOP:
    trace_add(trace, TRACE_HANDSHAKES, event->time_ns, took_ns, json_string("all stopped"),
              json_object());
    break;
  case GAIT_EVENT_ASSIST:
    trace_add(trace, event->thread, event->time_ns, took_ns, json_string("assist"),
              json_pack("{s:I}", "bytes", (json_int_t)event->value[1]));
    break;
  case GAIT_EVENT_MARK:
    trace_add(trace, event->thread, event->time_ns, took_ns, json_string("mark"),
              json_pack("{s:I}", "bytes", (json_int_t)event->value[1]));
    break;
  case GAIT_EVENT_PAUSE:
    trace_add(trace, event->thread, event->time_ns, took_ns,
              json_sprintf("pause: %s", trace_word(trace, "pause", event->value[1])),
              json_object());
    break;
  case GAIT_EVENT_CYCLE:
    trace_add(trace, TRACE_CYCLES, event->time_ns, took_ns,
              json_sprintf("cycle %" PRIu64, event->value[1]),
              json_pack("{s:s}", "cause", trace_word(trace, "cause", event->value[2])));
    break;
  default: break;
  }
}

/* ---- Counters ---- */

static void trace_counter(struct trace *trace, const char *name, uint64_t ns, double value) {
  if (!isfinite(value)) return;
  trace_write(trace, json_pack("{s:s, s:s, s:f, s:{s:f}}", "ph", "C", "name", name, "ts",
                               trace_us(trace, ns), "args", "value", value));
}

static void trace_heap(struct trace *trace, const gait_record_event *event) {
  trace_counter(trace, "heap live bytes", event->time_ns, (double)event->value[0]);
  trace_counter(trace, "heap goal bytes", event->time_ns, (double)event->value[1]);
  trace_counter(trace, "heap trigger bytes", event->time_ns, (double)event->value[2]);
}

static void trace_cycle_counters(struct record_reader *reader, const void *entry, void *arg) {
  struct trace *trace = arg;
  gait_cycle_record record;
  const gait_record_field *number = record_reader_field(reader, GAIT_RECORD_CYCLES, "cycle");
  if (!number || !record_reader_cycle(reader, record_reader_value(number, entry).whole, &record))
    return;
  uint64_t end_ns = record.started_ns + record.start_ns + record.mark_ns + record.end_ns;
  trace_counter(trace, "marked bytes", end_ns, (double)record.marked_bytes);
  trace_counter(trace, "GC CPU percent", end_ns, record.gc_cpu_share * 100);
}

/* ---- The whole ---- */

static void trace_events(struct trace *trace) {
  for (size_t i = 0; i < trace->count; i++) {
    const gait_record_event *event = &trace->events[i];
    switch (event->type) {
    case GAIT_EVENT_PHASE: trace_phase(trace, i); break;
    case GAIT_EVENT_ANSWER: trace_answer(trace, event); break;
    case GAIT_EVENT_HEAP: trace_heap(trace, event); break;
    default: trace_took(trace, event); break;
    }
  }
}

/* Threads in the order in which they came, each with its answers below it. */
static void trace_names(struct trace *trace) {
  const gait_record_header *header = record_reader_header(trace->reader);
  size_t count;
  char name[96], answers[112], program[sizeof header->program];
  gait_record_thread *threads = record_reader_threads(trace->reader, &count);
  snprintf(program, sizeof program, "%s", header->program[0] ? header->program : "a program");
  for (char *at = program; *at; at++)
    if ((unsigned char)*at >= 128) *at = '?';
  trace_write(trace, json_pack("{s:s, s:s, s:{s:o}}", "ph", "M", "name", "process_name", "args",
                               "name", json_sprintf("%s, heap %" PRIu64, program, header->heap)));
  trace_name_track(trace, TRACE_CYCLES, "GC cycles", 0);
  trace_name_track(trace, TRACE_HANDSHAKES, "GC handshakes", 1);
  for (size_t i = 0; i < count; i++) {
    int64_t thread = (int64_t)threads[i].thread;
    records_thread_name(threads, count, threads[i].thread, name, sizeof name);
    snprintf(answers, sizeof answers, "%s answers", name);
    trace_name_track(trace, thread, name, (int)(2 * i + 2));
    trace_name_track(trace, TRACE_ANSWERS + thread, answers, (int)(2 * i + 3));
  }
  free(threads);
}

bool records_write_trace(struct record_reader *reader, const struct records_choice *choice,
                         FILE *out) {
  const gait_record_header *header = record_reader_header(reader);
  uint64_t lost;
  struct trace trace = {.reader = reader,
                        .out = out,
                        .process = (json_int_t)header->process,
                        .base_ns = header->monotonic_ns};
  gait_record_event *events = record_reader_events(reader, &trace.count, &lost);
  trace.events = events;
  fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", out);
  trace_names(&trace);
  trace_events(&trace);
  trace_write_slices(&trace);
  records_each(reader, choice, trace_cycle_counters, &trace);
  fprintf(out, "\n],\"otherData\":{\"heap\":%" PRIu64 ",\"events lost\":%" PRIu64 "}}\n",
          header->heap, lost);
  free(events);
  free(trace.slices);
  return !trace.failed && record_reader_error(reader)[0] == '\0';
}
