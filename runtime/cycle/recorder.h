/* recorder.h: the file in which other processes see the collector at work (option `records`).
 *
 * gait/record_file.h has its layout.  No lock is held while it is written: its pages belong to a
 * disk. */
#ifndef GAITI_CYCLE_RECORDER_H
#define GAITI_CYCLE_RECORDER_H

#include "cycle/record_layout.h"
#include "heap/heap.h"

struct gaiti_stage; /* cycle/events.c */

/*   layout        the mapped file; NULL: none is open
 *   path          as the option has it; NULL: the heap has no such option, or its file failed
 *   settings      the section of that name
 *   opens         in the child of a fork: with the next cycle, it is to have a file of its own
 *   threads_used  entries of its list of threads that are taken, or would be
 *   cycle         the cycle under way; 0: none
 *   runner        the thread that last ran a cycle, as the system numbers it
 *   present_*     when the present was last written, when its sums of all threads were, and the
 *                 live bytes at which it is to be written again
 *   stage         events that were noted under a lock */
struct gaiti_recorder {
  gaiti_atomic_pointer layout;
  char *path;
  char *settings;
  size_t settings_bytes;
  bool opens;
  AO_t threads_used;
  AO_t cycle;
  AO_t runner;
  AO_t present_ns;
  AO_t present_counted_ns;
  AO_t present_next_bytes;
  struct gaiti_stage *stage;
};

void gaiti_recorder_init(gait_heap *heap);

/* The path with each %p replaced by the number of the process, and %% by %.  False: it is too
 * long. */
bool gaiti_recorder_expand(const char *path, char *text, size_t bytes);

/* Opens the file, if the heap has the option, with that section of settings.  Where that fails the
 * log says why, and the heap goes on without it.  Locks: none. */
void gaiti_recorder_open(gait_heap *heap, const char *settings);

/* Opens the file of a forked child, if it is to have one.  Thread: the one that begins a cycle. */
void gaiti_recorder_reopen(gait_heap *heap);

/* Adds the record of a cycle.  Thread: the one that has run it.  Locks: none. */
void gaiti_recorder_add(gait_heap *heap, const gait_cycle_record *record);

/* Writes the end, and closes it.  No thread is attached. */
void gaiti_recorder_close(gait_heap *heap);

/* In the child of a fork: the file is the parent's.  The child gets one of its own if the path has
 * the number of the process in it. */
void gaiti_recorder_forget(gait_heap *heap, gait_thread *caller);

#endif
