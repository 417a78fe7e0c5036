/* young.h: the work of a young cycle beside that of every cycle: the cards, and old marks. */
#ifndef GAITI_MARK_YOUNG_H
#define GAITI_MARK_YOUNG_H

#include "mark/marker.h"

/* Traces anew all words that may refer to young objects: the parts of old objects that lie on dirty
 * cards, and old objects whose kind has a function that traces.  Thread: the one that runs the
 * cycle; the barrier is on everywhere. */
void gaiti_young_trace_old(gait_heap *heap, struct gaiti_marker *marker);

/* Takes one off each dirty card: marking is closed, and every thread still allocates black. */
void gaiti_young_age_cards(gait_heap *heap);

/* Clears the marks that were kept, before a cycle that is not young.  Nothing marks. */
void gaiti_young_forget_old(gait_heap *heap);

#endif
