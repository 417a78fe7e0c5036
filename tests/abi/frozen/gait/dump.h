/* dump.h: a dump of the heap to a file: its objects, and their holders.
 *
 * The file has the objects with their kinds, sizes and external bytes, the references of each, and
 * the roots by their holders; no other words of the program's.  `gait heap` reads it: objects by
 * kind, size or site, a shortest path from a root to an object, the size that each object retains,
 * and the differences of two dumps.  docs/heap-dump.md has the format, for other readers. */
#ifndef GAIT_DUMP_H
#define GAIT_DUMP_H

#include "gait/gait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs a whole cycle, stops every thread of the heap, and writes to the file `path`, which is made
 * anew, the objects that the cycle has found and those that were allocated since it began.  The
 * threads are stopped while the heap is read, some tens of nanoseconds a reference, and do not wait
 * for the disk: all that is not written yet is kept in memory, as long as there is any.  This call
 * returns when all has been written.
 *
 * Without a path (NULL) the file is that of the heap's option `dump`.
 *
 * `error` (may be NULL, with 0 bytes) takes a sentence with the file, the place in it, and the
 * system's reason; an incomplete file is left as it is, and no reader takes it for a whole one.
 * Thread: attached.  GC: safepoint; runs a cycle, marks.
 * Fails: GAIT_ERROR_SYSTEM (the file cannot be written, or there is no memory for that),
 * GAIT_ERROR_ARGUMENT (an empty path, or NULL and no such option), GAIT_ERROR_STATE (outside
 * managed code, or not the owner). */
GAIT_API gait_result gait_heap_dump(gait_thread *thread, const char *path, char *error,
                                    size_t error_bytes);

#ifdef __cplusplus
}
#endif
#endif
