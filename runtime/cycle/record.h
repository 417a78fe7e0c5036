/* record.h: the record of a cycle, and the ring of the last ones, always on. */
#ifndef GAITI_CYCLE_RECORD_H
#define GAITI_CYCLE_RECORD_H

#include "gait/tune.h"
#include "heap/heap.h"

#define GAITI_RECORDS 256

/* .inv.records  Cycle n's record is at n % GAITI_RECORDS; the records of the last GAITI_RECORDS
 *               cycles, up to `last`, are there. */
struct gaiti_records {
  struct gaiti_lock lock;
  uint64_t last;
  uint64_t created_ns; /* the creation of the heap */
  uint64_t ended_ns;   /* the last end of marking; only the thread that runs the cycle uses it */
  gait_cycle_record ring[GAITI_RECORDS];
};

bool gaiti_records_init(struct gaiti_records *records);
void gaiti_records_destroy(struct gaiti_records *records);

/* Begins the record of a cycle, notes the goal that it has once the pacer knows of it, and ends the
 * record, when the cycle has been swept, and adds it to the ring.
 * Thread: the one that runs the cycle. */
void gaiti_record_begin(gait_heap *heap, gait_cycle_cause cause);
void gaiti_record_goal(gait_heap *heap);
void gaiti_record_end(gait_heap *heap);

/* Copies the records from cycle `first` on, the oldest first, each in `record_bytes` bytes; returns
 * how many, `count` at most. */
size_t gaiti_records_copy(struct gaiti_records *records, uint64_t first, void *copies, size_t count,
                          size_t record_bytes);

/* As gait_cycle_format. */
int gaiti_record_format(const gait_cycle_record *record, char *line, size_t line_bytes);

#endif
