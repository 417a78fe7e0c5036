/* The records of the last cycles. */
#include "base/check.h"
#include "base/sized.h"
#include "cycle/cycle.h"

#define RECORD_IS_SHORT "a gait_cycle_record has at least the size of version 0.2.0"

size_t gait_records_read_sized(gait_heap *heap, uint64_t first, gait_cycle_record *records,
                               size_t count, size_t record_bytes) {
  REQUIRE_ARGUMENT(heap);
  if (count > 0) REQUIRE_ARGUMENT(records);
  REQUIRE("struct.bytes", gaiti_sized_may_fill(record_bytes, GAITI_RECORD_BYTES), RECORD_IS_SHORT);
  return gaiti_records_copy(&heap->cycle->records, first, records, count, record_bytes);
}

const char *gait_cycle_cause_name(gait_cycle_cause cause) {
  static const char *const names[] = {"gogc", "memory limit", "forced", "out of memory", "debug"};
  return (size_t)cause < sizeof names / sizeof names[0] ? names[cause] : "unknown";
}

int gait_cycle_format_sized(const gait_cycle_record *record, size_t record_bytes, char *line,
                            size_t line_bytes) {
  REQUIRE_ARGUMENT(record);
  if (line_bytes > 0) REQUIRE_ARGUMENT(line);
  REQUIRE("struct.bytes", gaiti_sized_may_fill(record_bytes, GAITI_RECORD_BYTES), RECORD_IS_SHORT);
  gait_cycle_record own;
  gaiti_sized_copy(&own, sizeof own, record, record_bytes);
  return gaiti_record_format(&own, line, line_bytes);
}
