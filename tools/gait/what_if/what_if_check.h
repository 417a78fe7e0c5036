/* what_if_check.h: how far predictions are from what was recorded. */
#ifndef GAIT_WHAT_IF_CHECK_H
#define GAIT_WHAT_IF_CHECK_H

#include <stdbool.h>

/* Predicts every recording in the folder `path` from its program's GOGC=100 one without a limit, or
 * from each of its recordings without one.  Prints a line for each with the errors; then errors
 * and ranges in sum.  With `json` as one object.  Returns an exit status; not that of success where
 * a goal is missed. */
int what_if_check(const char *path, bool each, bool json);

#endif
