/* The log of finalizers that wait for themselves (.finalizer.order). */
#include <stdio.h>
#include <string.h>

#include "weak/finalizers.h"

/* So many kinds are named. */
#define REPORT_KINDS 8

struct finalizer_report {
  uint64_t objects;
  uint16_t kinds[REPORT_KINDS];
  unsigned count;
};

static void report_note(struct finalizer_report *report, uint16_t kind) {
  report->objects++;
  for (unsigned i = 0; i < report->count; i++)
    if (report->kinds[i] == kind) return;
  if (report->count < REPORT_KINDS) report->kinds[report->count++] = kind;
}

/* Those that wait and have not been named. */
static void report_collect(gait_heap *heap, struct finalizer_report *report) {
  const struct gaiti_finalizer_table *table = &heap->finalizers->table;
  gaiti_lock(&heap->finalizers->lock);
  for (uint32_t i = 0; i < table->count; i++)
    for (uint64_t bits = table->chunks[i].used; bits; bits &= bits - 1) {
      struct gaiti_finalizer *record = &table->chunks[i].records[__builtin_ctzll(bits)];
      if (!record->waits || record->reported) continue;
      record->reported = true;
      report_note(report, gaiti_ref_kind(gaiti_map_find(&heap->map, record->object)));
    }
  gaiti_unlock(&heap->finalizers->lock);
}

void gaiti_finalizers_report(gait_heap *heap) {
  if (!AO_load(&heap->finalizers->stuck)) return;
  AO_store(&heap->finalizers->stuck, 0);
  struct finalizer_report report = {.objects = 0};
  report_collect(heap, &report);
  if (report.objects == 0) return;
  char kinds[REPORT_KINDS * 40] = "";
  for (unsigned i = 0; i < report.count; i++) {
    size_t length = strlen(kinds);
    snprintf(kinds + length, sizeof kinds - length, "%s\"%.32s\"", i ? ", " : "",
             heap->kinds.table[report.kinds[i]].name);
  }
  gaiti_log(heap,
            "gait: finalizers: dead objects lead to one another and will never be finalized: %llu "
            "of the kinds %s",
            (unsigned long long)report.objects, kinds);
}
