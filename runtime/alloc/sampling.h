/* sampling.h: samples of a thread's allocations, for the profile (heap/samples.h).
 *
 * `caller` is the address to which the program's call returns.  Each is called between two
 * safepoints, with the object in the thread's hands, and with no lock held.  Thread: the caller, in
 * managed state. */
#ifndef GAITI_ALLOC_SAMPLING_H
#define GAITI_ALLOC_SAMPLING_H

#include "heap/samples.h"
#include "mutator/thread.h"

/* The object has a point in its slot of so many bytes. */
void gaiti_sampling_note(gait_thread *thread, const void *object, uint16_t kind, size_t bytes,
                         const void *caller);

/* The same, if a point lies in the bytes of a large object that has been made, or in `more` bytes
 * by which one has grown. */
void gaiti_sampling_note_large(gait_thread *thread, const void *object, uint16_t kind, size_t bytes,
                               const void *caller);
void gaiti_sampling_note_growth(gait_thread *thread, gaiti_ref ref, size_t more,
                                const void *caller);

/* The object holds `bytes` bytes outside the heap, `change` more than before. */
void gaiti_sampling_note_external(gait_thread *thread, gaiti_ref ref, size_t bytes, int64_t change,
                                  const void *caller);

#endif
