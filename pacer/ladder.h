/* ladder.h: the steps of a heap that does not fit its memory limit.
 *
 * Pure, as pacer.h: times come in from the driver, which takes a step at the end of each cycle. */
#ifndef GAITI_PACER_LADDER_H
#define GAITI_PACER_LADDER_H

#include "pacer.h"

#ifdef __cplusplus
extern "C" {
#endif

enum gaiti_ladder_step {
  GAITI_LADDER_FREE,  /* another rule than the memory limit sets the goal */
  GAITI_LADDER_LIMIT, /* the limit does: cycles come as often as that takes */
  GAITI_LADDER_CAP,   /* that has come to the CPU cap: the heap may grow past the limit */
  GAITI_LADDER_FAIL,  /* and has lasted for as long as it may */
};

#define GAITI_LADDER_NEVER INT64_MAX /* fail_after_ns: the heap stays at its cap for good */

struct gaiti_ladder {
  enum gaiti_ladder_step step;
  int64_t since_ns; /* since when it has been at the cap, or past it; else the last look */
};

/* A cycle has ended at `now_ns`, with this decision for the next; `limited` if the limit that the
 * pacer has is a soft one.  Returns whether the step is another one than before.
 *
 * Up to the cap the step is that of the decision.  Past it there is one after `fail_after_ns` at
 * the cap without a break; the first cycle that needs no more of the cap ends that. */
bool gaiti_ladder_climb(struct gaiti_ladder *ladder, int64_t now_ns, int64_t fail_after_ns,
                        bool limited, const struct gaiti_pacer_decision *decision);

/* For how long the heap has been at the cap, or past it; 0 below. */
int64_t gaiti_ladder_at_cap_ns(const struct gaiti_ladder *ladder, int64_t now_ns);

/* A limit under which cycles would cost half of the CPU cap, by measured numbers: live heap
 * and overhead, twice the room in which they cost the cap, and the headroom. */
int64_t gaiti_ladder_suggest(const struct gaiti_pacer *pacer,
                             const struct gaiti_pacer_snapshot *snapshot);

#ifdef __cplusplus
}
#endif
#endif
