/* Steps under the memory limit, as the program sees them (pacer/ladder.h decides on them). */
#include "cycle/limit_report.h"

#include "base/check.h"
#include "cycle/cycle.h"

_Static_assert((int)GAIT_LIMIT_FREE == (int)GAITI_LADDER_FREE &&
                   (int)GAIT_LIMIT_NEAR == (int)GAITI_LADDER_LIMIT &&
                   (int)GAIT_LIMIT_CAP == (int)GAITI_LADDER_CAP &&
                   (int)GAIT_LIMIT_FAIL == (int)GAITI_LADDER_FAIL,
               "steps have the same values for both");

static const char *report_step(gait_limit_step step) {
  static const char *const names[] = {"free", "near", "cap", "fail"};
  return names[step];
}

/* The last step is for the log of a program that asked for nothing else. */
static void report_log(gait_heap *heap, const gait_limit_report *report) {
  if (!heap->options.trace && report->step != GAIT_LIMIT_FAIL) return;
  const unsigned long long mb = 1 << 20;
  gaiti_log(
      heap,
      "gait: memory limit: %s -> %s at %.3fs: %llu MB live, %llu MB mapped, limit %llu MB, "
      "for %.1f s at a CPU cap of %lld%%; a limit of %llu MB would cost half of it",
      report_step(report->before), report_step(report->step), (double)report->at_ns / 1e9,
      (unsigned long long)report->live_bytes / mb, (unsigned long long)report->mapped_bytes / mb,
      (unsigned long long)report->memory_limit_bytes / mb, (double)report->at_cap_ns / 1e9,
      (long long)report->cpu_cap_percent, (unsigned long long)report->suggested_limit_bytes / mb);
}

void gaiti_limit_report(gait_heap *heap) {
  gait_limit_report report;
  if (!gaiti_pace_take_limit_report(heap, &report)) return;
  const gait_cycle_record *record = &heap->cycle->runner.record;
  report.cycle = record->cycle;
  report.at_ns = gaiti_os_now_ns() - heap->cycle->records.created_ns;
  report.gc_cpu_share = record->gc_cpu_share;
  report.mapped_bytes = gaiti_space_mapped(&heap->space);
  report.external_bytes = AO_load(&heap->externals.bytes);
  gaiti_handshake_stand_still(heap, true);
  report_log(heap, &report);
  if (heap->options.limit_report)
    heap->options.limit_report(heap, &report, heap->options.limit_report_arg);
  gaiti_handshake_stand_still(heap, false);
  REQUIRE("limit.lasting",
          report.step != GAIT_LIMIT_FAIL || heap->options.fail_by != GAIT_FAIL_BY_ABORT,
          "the heap has needed more than its memory limit, at the cap on the collector's CPU time, "
          "for as long as the option fail_after lets it");
}
