/* scan.h: tracing marked objects, whose memory a marker has asked for before.  The loops are
 * compiled for heaps without tagged references and for two forms of their rule. */
#ifndef GAITI_MARK_SCAN_H
#define GAITI_MARK_SCAN_H

#include "mark/marker.h"

/* Traces the first `count` groups of a half of `scans`. */
void gaiti_scan(struct gaiti_marker *marker, bool half, uint32_t count);

/* Follows a chain, in which there is nothing to ask ahead for: each object is asked for together
 * with its mark bit, and goes through no queue; until the marker's work has come to `until`.
 * Whether there was one; there are no scans then. */
bool gaiti_scan_chain(struct gaiti_marker *marker, uint64_t until);

#endif
