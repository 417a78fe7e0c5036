/* pace.h: the driver of the pacer: takes the snapshots, passes them on, and publishes what was
 * decided where the allocation path reads it.
 *
 * Under the lock: the pacer, the limiter and all that is not atomic.  The allocation path reads
 * `trigger_bytes` and `assist_ratio` without it; a value that is a moment old costs a run of
 * allocation at most. */
#ifndef GAITI_CYCLE_PACE_H
#define GAITI_CYCLE_PACE_H

#include "gait/gait.h"
#include "heap/heap.h"
#include "pacer.h"

/*   assist_ratio        bits of a double: bytes to mark for each byte allocated
 *   background_credit   bytes marked by workers that assists may draw on
 *   assist_ns ...       CPU time in this cycle
 *   slack_bytes         at the last end of marking: mapped for objects, and never filled
 *   live_bytes          likewise: live, without what runs had not handed out */
struct gaiti_pace {
  struct gaiti_lock lock;
  struct gaiti_pacer pacer;
  struct gaiti_pacer_limiter limiter;
  struct gaiti_pacer_decision decision;
  struct gaiti_pacer_workers plan;
  double processors;
  AO_t whole_processors; /* the same, one at least, to be read without the lock */
  AO_t trigger_bytes;
  AO_t goal_bytes;
  AO_t stall_bytes; /* from here on allocation waits for marking */
  AO_t assist_ratio;
  AO_t background_credit;
  AO_t assist_ns;
  AO_t background_ns;
  AO_t idle_ns;
  AO_t total_assist_ns;
  AO_t total_background_ns;
  AO_t total_idle_ns;
  AO_t stalled_ns; /* processors' time lost to waiting for the limit; never set back */
  AO_t limiting;
  AO_t limit_unreachable;     /* what was live at last leaves no room under it */
  AO_t limit_rules;           /* the memory limit has set the goal, or the cap above it: */
  AO_t relieved;              /* the cap, so that the heap may go past the limit to there */
  AO_t refused;               /* since marking last ended, the limit kept a block from a thread */
  uint64_t limited_assist_ns; /* of assist_ns, already passed to the limiter */
  uint64_t limited_idle_ns;
  uint64_t limited_stalled_ns;
  uint64_t stalled_before_ns; /* stalled_ns when the cycle began */
  bool unsettled;            /* marking has ended, and it is not counted yet what was used since: */
  uint64_t unsettled_cpu_ns; /* that, less the CPU time of the thread that runs the cycle */
  bool stopped;              /* every thread is, or is about to be, */
  uint64_t stopped_threads;  /* of which so many would run, */
  uint64_t stopped_since_ns; /* since then, when background_ns was this: */
  uint64_t stopped_since_background_ns;
  uint64_t stopped_ns;            /* in this cycle, for so long before, */
  uint64_t stopped_background_ns; /* in which background marking took so much of background_ns */
  AO_t total_stopped_ns;          /* in all; never set back */
  uint64_t started_ns;
  uint64_t started_bytes; /* the heap when the cycle began; 0 between cycles */
  uint64_t stack_bytes;
  uint64_t slack_bytes;
  uint64_t live_bytes;
};

bool gaiti_pace_init(gait_heap *heap);
void gaiti_pace_destroy(gait_heap *heap);

/* A cycle starts, be it a young one or a full one; learns afresh how many processors there are.
 * Returns whether the next one may be young, if stores are remembered from here on. */
bool gaiti_pace_start_cycle(gait_heap *heap, bool young);

/* As gaiti_pacer_learn_survival. */
void gaiti_pace_learn_survival(gait_heap *heap, uint64_t allocated_bytes, uint64_t survived_bytes);

/* Looks at the numbers again while marking; gives up when another thread is at it. */
void gaiti_pace_revise(gait_heap *heap);

/* Every thread is about to be stopped for the cycle under way; that has been done, and so many
 * would run otherwise; they go on.  The time between counts against the cap on the collector's CPU
 * time, of every processor that those threads would have had. */
void gaiti_pace_start_stop(gait_heap *heap);
void gaiti_pace_note_stop(gait_heap *heap, uint64_t threads);
void gaiti_pace_finish_stop(gait_heap *heap);

/* The heap at the end of marking, dead objects and what they held included; what is live, or in
 * runs; and of that, in runs that have not handed it out.  With external bytes. */
struct gaiti_pace_end {
  uint64_t peak_bytes;
  uint64_t marked_bytes;
  uint64_t reserved_bytes;
};

/* Marking has ended; the live bytes have not been set back yet.  Returns what the next cycle is to
 * be. */
struct gaiti_pacer_next gaiti_pace_end_cycle(gait_heap *heap, const struct gaiti_pace_end *end);

/* Another thread goes on with the cycle: called by the one before, and by the next. */
void gaiti_pace_hand_over(gait_heap *heap);
void gaiti_pace_take_over(gait_heap *heap);

/* The live bytes have been set back to what is live: publishes the next trigger. */
void gaiti_pace_settle(gait_heap *heap);

int64_t gaiti_pace_gogc(gait_heap *heap);
gait_result gaiti_pace_set_gogc(gait_heap *heap, int64_t percent, int64_t *before);
gait_result gaiti_pace_set_memory_limit(gait_heap *heap, int64_t bytes, int64_t *before);

/* How many bytes of free memory should go back, at leisure and at once. */
struct gaiti_pacer_release gaiti_pace_plan_release(gait_heap *heap);

/* Whether the cap on the collector's CPU time is reached: it then lets the heap grow. */
static inline bool gaiti_pace_limiting(const struct gaiti_pace *pace) {
  return AO_load(&pace->limiting) != 0;
}

double gaiti_pace_assist_ratio(const struct gaiti_pace *pace);

#endif
