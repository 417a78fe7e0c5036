/* trace.h: the references of an object, by its kind. */
#ifndef GAITI_MARK_TRACE_H
#define GAITI_MARK_TRACE_H

#include "mark/marker.h"

/* An object above this size is traced a piece at a time. */
#define GAITI_TRACE_PIECE_BYTES ((size_t)4096)

/* Hands each reference of the object at `start` that lies in its bytes [from, to) to the marker. */
void gaiti_trace(struct gaiti_marker *marker, const struct gaiti_kind *kind, uintptr_t start,
                 size_t bytes, size_t from, size_t to);

#endif
