/* cycle_json.h: a cycle's record as a JSON object, and back. */
#ifndef GAIT_CYCLE_JSON_H
#define GAIT_CYCLE_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "gait/tune.h"

/* Members have the names that they have in gait_cycle_record, but for `seconds`, which is
 * started_ns, `cause`, a word, and `young`, a boolean.  A setting that is off is null. */
json_t *cycle_json_write(const gait_cycle_record *record);

/* Members that are not there are 0.  NULL, or the name of the first one that is wrong. */
const char *cycle_json_read(const json_t *object, gait_cycle_record *record);

#endif
