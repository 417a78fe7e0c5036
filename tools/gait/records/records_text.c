/* For people: the numbers of now, who is late, the last cycles. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "records_forms.h"

#define TEXT_CYCLES 20 /* of them, where no number is asked for */

static double text_mib(uint64_t bytes) {
  return (double)bytes / 1048576;
}

static double text_us(uint64_t ns) {
  return (double)ns / 1e3;
}

static void text_head(struct record_reader *reader, const gait_record_now *now, FILE *out) {
  const gait_record_header *header = record_reader_header(reader);
  time_t begun = (time_t)(header->wall_ns / 1000000000u);
  char when[64] = "";
  struct tm local;
  if (localtime_r(&begun, &local)) strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local);
  fprintf(out, "%s, process %" PRId64 ", heap %" PRIu64 " since %s: %s after %.3f s\n",
          header->program[0] ? header->program : "a program", header->process, header->heap, when,
          now->ended                      ? "ended"
          : record_reader_is_live(reader) ? "last seen"
                                          : "gone, last seen",
          (double)now->updated_ns / 1e9);
}

static void text_limit(const gait_record_now *now, FILE *out) {
  if (now->memory_limit_bytes >= 0)
    fprintf(out, ", limit %.1f MiB", text_mib((uint64_t)now->memory_limit_bytes));
  if (now->gogc_percent >= 0)
    fprintf(out, ", gogc %" PRId64, now->gogc_percent);
  else
    fprintf(out, ", gogc off");
}

static void text_now(struct record_reader *reader, const gait_record_now *now, FILE *out) {
  const char *phase = record_reader_word(reader, "phase", now->phase);
  uint64_t gc_ns = now->gc_assist_ns + now->gc_background_ns + now->gc_stopped_ns;
  fprintf(out, "  heap       %.1f MiB live, trigger %.1f, goal %.1f, %.1f mapped",
          text_mib(now->heap_live_bytes), text_mib(now->trigger_bytes), text_mib(now->goal_bytes),
          text_mib(now->mapped_bytes));
  text_limit(now, out);
  fprintf(out, "\n  allocated  %.1f MiB in %" PRIu64 " objects\n", text_mib(now->alloc_bytes),
          now->alloc_objects);
  fprintf(out, "  cycles     %" PRIu64, now->cycles_written);
  if (now->cycle)
    fprintf(out, ", in number %" PRIu64 ", phase %s", now->cycle, phase ? phase : "?");
  fprintf(out, "; collector's CPU time %.3f s, of it assists %.3f s\n", (double)gc_ns / 1e9,
          (double)now->gc_assist_ns / 1e9);
  fprintf(out, "  pauses     %" PRIu64 ", p50 %.1f us, p99 %.1f us, longest %.1f us\n", now->pauses,
          text_us(now->pause_p50_ns), text_us(now->pause_p99_ns), text_us(now->pause_max_ns));
  fprintf(out, "  lateness   %" PRIu64 " answers, p50 %.1f us, p99 %.1f us, latest %.1f us\n",
          now->answers, text_us(now->late_p50_ns), text_us(now->late_p99_ns),
          text_us(now->late_max_ns));
  fprintf(out, "  events     %" PRIu64 ", dropped %" PRIu64 "\n", now->events_written,
          now->events_dropped);
}

/* ---- Threads ---- */

static int text_compare_late(const void *left, const void *right) {
  const gait_record_thread *a = left, *b = right;
  return a->late_max_ns < b->late_max_ns ? 1 : a->late_max_ns > b->late_max_ns ? -1 : 0;
}

/* The latest first, as many as fit on a screen. */
static void text_threads(gait_record_thread *threads, size_t count, FILE *out) {
  char name[64];
  size_t shown = 0;
  qsort(threads, count, sizeof *threads, text_compare_late);
  for (size_t i = 0; i < count && shown < TEXT_CYCLES; i++) {
    const gait_record_thread *thread = &threads[i];
    if (thread->answers == 0) continue;
    if (shown++ == 0)
      fprintf(out, "\n  thread                      answers   late, mean   latest\n");
    fprintf(out, "  %-26s %8" PRIu64 " %9.1f us %9.1f us\n",
            records_thread_name(threads, count, thread->thread, name, sizeof name), thread->answers,
            text_us(thread->late_total_ns) / (double)thread->answers, text_us(thread->late_max_ns));
  }
}

/* ---- Cycles ---- */

struct text_cycles {
  FILE *out;
  const gait_record_field *number;
  const gait_record_thread *threads;
  size_t count;
  bool begun;
};

static void text_cycle(struct record_reader *reader, const void *entry, void *arg) {
  struct text_cycles *cycles = arg;
  gait_cycle_record record;
  char late[64] = "-";
  if (!record_reader_cycle(reader, record_reader_value(cycles->number, entry).whole, &record))
    return;
  if (!cycles->begun)
    fprintf(cycles->out,
            "\n  cycle      at  cause          trigger    peak  marked    goal  mark    GC CPU  "
            "last to answer\n");
  cycles->begun = true;
  if (record.late_thread)
    records_thread_name(cycles->threads, cycles->count, record.late_thread, late, sizeof late);
  const char *cause = record_reader_word(reader, "cause", record.cause);
  fprintf(cycles->out,
          "  %5" PRIu64 " %7.3f  %-13s %7.1f %7.1f %7.1f %7.1f  %5.2f ms %4.1f%%  %s, %.1f us\n",
          record.cycle, (double)record.started_ns / 1e9,
          record.young ? "young"
          : cause      ? cause
                       : "?",
          text_mib(record.at_trigger_bytes), text_mib(record.at_mark_end_bytes),
          text_mib(record.marked_bytes), text_mib(record.goal_bytes), (double)record.mark_ns / 1e6,
          record.gc_cpu_share * 100, late, text_us(record.late_ns));
}

bool records_write_text(struct record_reader *reader, const struct records_choice *choice,
                        FILE *out) {
  gait_record_now now;
  size_t count;
  struct records_choice shown = *choice;
  if (!record_reader_now(reader, &now)) return false;
  gait_record_thread *threads = record_reader_threads(reader, &count);
  text_head(reader, &now, out);
  text_now(reader, &now, out);
  text_threads(threads, count, out);
  struct text_cycles cycles = {.out = out,
                               .number = record_reader_field(reader, GAIT_RECORD_CYCLES, "cycle"),
                               .threads = threads,
                               .count = count};
  if (!shown.last) shown.last = TEXT_CYCLES;
  if (cycles.number) records_each(reader, &shown, text_cycle, &cycles);
  free(threads);
  return record_reader_error(reader)[0] == '\0';
}
