/* collecting.h: whether the calling thread does the collector's work: it runs a cycle, or it marks.
 *
 * A callback of the embedder's that runs meanwhile is a part of that work, and must not make a call
 * that waits for the work to be done. */
#ifndef GAITI_BASE_COLLECTING_H
#define GAITI_BASE_COLLECTING_H

#include <stdbool.h>

/* Calls nest. */
void gaiti_collecting_begin(void);
void gaiti_collecting_end(void);

bool gaiti_is_collecting(void);

#endif
