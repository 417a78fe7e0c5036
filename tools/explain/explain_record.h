/* explain_record.h: a cycle's record as an explanation takes it. */
#ifndef GAIT_EXPLAIN_RECORD_H
#define GAIT_EXPLAIN_RECORD_H

#include "explain.h"
#include "gait/tune.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A record in which no field tells of the plan, as of an earlier version, has rule and trigger
 * unknown. */
void explain_take_record(struct explain_cycle *cycle, const gait_cycle_record *record);

#ifdef __cplusplus
}
#endif
#endif
