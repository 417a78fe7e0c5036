/* limit_report.h: tells the program that its heap has come to another step under its limit. */
#ifndef GAITI_CYCLE_LIMIT_REPORT_H
#define GAITI_CYCLE_LIMIT_REPORT_H

#include "heap/heap.h"

/* A cycle has ended, and its record is there: where the step has changed, logs that, calls the
 * program's function, and ends the program if the last step is to.  Thread: the one that runs the
 * cycle; it holds no lock. */
void gaiti_limit_report(gait_heap *heap);

#endif
