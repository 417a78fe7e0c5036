/* lateness.h: how late threads are when the collector asks them for something. */
#ifndef GAITI_MUTATOR_LATENESS_H
#define GAITI_MUTATOR_LATENESS_H

#include "mutator/thread.h"

/* A thread and how late it was, in a word, so that the latest of all is the largest: the time in
 * its high bits, which hold an hour and more, the system's number of the thread in the others. */
#define GAITI_LATENESS_TID_BITS 22u

static inline AO_t gaiti_lateness_pack(uint64_t late_ns, int tid) {
  const uint64_t most = UINT64_MAX >> GAITI_LATENESS_TID_BITS;
  return (late_ns < most ? late_ns : most) << GAITI_LATENESS_TID_BITS |
         ((AO_t)(unsigned)tid & (((AO_t)1 << GAITI_LATENESS_TID_BITS) - 1));
}
static inline uint64_t gaiti_lateness_ns(AO_t packed) {
  return packed >> GAITI_LATENESS_TID_BITS;
}
static inline uint64_t gaiti_lateness_thread(AO_t packed) {
  return packed & (((AO_t)1 << GAITI_LATENESS_TID_BITS) - 1);
}

/* Sums up the pauses of all threads and their answers, of those that are gone too.  Returns how
 * many are attached.  Locks: none of the threads'. */
uint32_t gaiti_lateness_sum(gait_heap *heap, struct gaiti_latency *pauses,
                            struct gaiti_latency *answers);

#endif
