/* dumps.h: dumps that the option `dump` asks for. */
#ifndef GAITI_CYCLE_DUMPS_H
#define GAITI_CYCLE_DUMPS_H

#include "heap/heap.h"

/*   path     of the option, by copy; NULL: there is no such option
 *   number   of the heap among those of the process that have it
 *   written  a dump has been written, or tried; atomic
 *   full     the heap has been full; atomic
 *   thread   waits for the signal, at `bell`, while it `runs`, until it `ends`, atomic */
struct gaiti_dumps {
  char *path;
  unsigned number;
  AO_t written;
  AO_t full;
  pthread_t thread;
  int bell;
  bool runs;
  AO_t ends;
};

/* The heap is whole: copies the path, and starts the thread. */
void gaiti_dumps_begin(gait_heap *heap);

/* Ends the thread.  Then, when no thread is attached: dumps the heap, unless it has been dumped. */
void gaiti_dumps_stop(gait_heap *heap);
void gaiti_dumps_end(gait_heap *heap);

/* In the child of a fork: there is no such thread. */
void gaiti_dumps_forget(gait_heap *heap);

/* An allocation of the thread has to fail: dumps the heap, the first time. */
void gaiti_dumps_note_full(gait_thread *thread);

/* The path to dump to, to be freed with gaiti_os_free; NULL: there is none, or no memory. */
char *gaiti_dumps_path(gait_heap *heap);

#endif
