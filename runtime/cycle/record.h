/* record.h: the ring of cycle records, always on. */
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

/* Fills in the rates over the time since the last cycle's end of marking; `reserved_bytes` of the
 * heap's bytes at the end of marking were not handed out yet. */
void gaiti_records_measure(struct gaiti_records *records, gait_cycle_record *record,
                           uint64_t reserved_bytes);

void gaiti_records_add(struct gaiti_records *records, const gait_cycle_record *record);

#endif
