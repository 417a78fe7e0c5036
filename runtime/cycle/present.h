/* present.h: the heap's numbers at this moment, in the record file.  Nothing where none is open. */
#ifndef GAITI_CYCLE_PRESENT_H
#define GAITI_CYCLE_PRESENT_H

#include "cycle/cycle.h"

/* Writes it.  Thread: any.  Locks: none. */
void gaiti_present_write(gait_heap *heap);

/* A cycle has come to another phase: writes that, and the rest if it was not written shortly
 * before.  Likewise. */
void gaiti_present_note_phase(gait_heap *heap);

/* Writes it a last time. */
void gaiti_present_end(gait_heap *heap);

void gaiti_present_write_slow(gait_heap *heap, uint64_t live_bytes);

/* The heap has so many live bytes: writes the present if they have grown by much, but not more
 * often than some hundred times a second.  Locks: none. */
static inline void gaiti_present_note_growth(gait_heap *heap, uint64_t live_bytes) {
  if (live_bytes >= AO_load(&heap->cycle->file.present_next_bytes))
    gaiti_present_write_slow(heap, live_bytes);
}

#endif
