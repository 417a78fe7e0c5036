/* profile.h: a profile of allocation in the format of pprof.  You call us, and once we call you.
 *
 * A heap with the option `profile_bytes` takes a sample of its allocations, one in so many bytes by
 * the mean, at random distances, so that each byte has the same chance.  Of each it notes the stack
 * of calls, the kind and the size, and when a cycle finds the object dead.  The file has four
 * values for each stack, kind and size: alloc_objects and alloc_space, since the heap was made, and
 * inuse_objects and inuse_space, which the last cycle found; all scaled to the whole.  `go tool
 * pprof` reads it, and `gait profile`.
 *
 * A program that is started with GAIT_PROFILE=FILE in its environment takes a sample in 512 KiB,
 * where profile_bytes is not set, and writes FILE when its heap is destroyed or the process calls
 * exit. */
#ifndef GAIT_PROFILE_H
#define GAIT_PROFILE_H

#include "gait/gait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Writing -------------------------------------------------------------------------------- */

/* Writes the profile to the file `path`, or to the descriptor `file`, which stays open.  A file is
 * written beside its place and then renamed, so that it is whole or as before; one that is there
 * and is no regular file is written where it is.  Samples go on being taken meanwhile; no lock is
 * held while the file is written.
 *
 * In use are the objects that the last cycle found; where none has run yet, all of them.  An object
 * counts from the first cycle on that has begun after it was made.
 *
 * Thread: any.  GC: safepoint of the heaps in whose managed state the thread is; starts no cycle.
 * Fails: GAIT_ERROR_STATE (the heap has no profile: profile_bytes is 0), GAIT_ERROR_SYSTEM (the
 * file cannot be written), GAIT_ERROR_MEMORY, GAIT_ERROR_ARGUMENT. */
GAIT_API gait_result gait_profile_write(gait_heap *heap, const char *path);
GAIT_API gait_result gait_profile_write_to(gait_heap *heap, int file);

/* ---- Frames of an interpreter --------------------------------------------------------------- */

/* A call of a program that an interpreter runs.  The names are copied, up to 255 bytes of each.
 *   function  NULL or "": it has no name
 *   file      NULL: not known; line 0 likewise */
typedef struct gait_profile_frame {
  const char *function;
  const char *file;
  int64_t line;
} gait_profile_frame;

/* Fills `frames` with the calls that `thread` is in, innermost first, `most` of them at most;
 * returns how many.  The names have to stay until the next call on that thread, or its next
 * safepoint.  Is called in an allocation that is sampled, with the new object not yet in the
 * program's hands, and therefore may not allocate, nor come to a safepoint.
 * Thread: the one that allocates, in managed state.  No lock of Gait's is held. */
typedef size_t gait_profile_frames_fn(gait_thread *thread, gait_profile_frame *frames, size_t most,
                                      void *arg);

/* Has `function` asked for the frames of each sample from now on; NULL: no function is.
 * They stand in the profile as the innermost ones, as if the interpreter's C functions had called
 * them.
 * Thread: any, while no other allocates from the heap.  Fails: GAIT_ERROR_ARGUMENT. */
GAIT_API gait_result gait_profile_set_frames(gait_heap *heap, gait_profile_frames_fn *function,
                                             void *arg);

#ifdef __cplusplus
}
#endif
#endif
