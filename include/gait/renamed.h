/* renamed.h: names of version 0.1, for programs that were written for it.
 *
 * gait.h includes this file unless GAIT_NO_OLD_NAMES is defined, and with it tune.h, whose contents
 * gait.h had then.  The names go with version 0.3. */
#ifndef GAIT_RENAMED_H
#define GAIT_RENAMED_H

#include "gait/tune.h"

#define GAIT_GOGC_OFF GAIT_OFF

#endif
