/* pace.h: the driver of the pacer: takes the snapshots, passes them on, and publishes the decisions
 * where the allocation path reads them.
 *
 * Under the lock: the pacer, the limiter and every field that is not atomic.  The allocation path
 * reads the atomic ones without it: a value that is a moment old costs a run of allocation at
 * most. */
#ifndef GAITI_CYCLE_PACE_H
#define GAITI_CYCLE_PACE_H

#include "gait/tune.h"
#include "heap/heap.h"
#include "ladder.h"
#include "pacer.h"

/*   assist_ratio        bits of a double: bytes to mark for each byte allocated
 *   background_credit   bytes marked by workers that assists may draw on
 *   assist_ns ...       CPU time in this cycle
 *   slack_bytes         at the last end of marking: mapped for objects, and never filled
 *   live_bytes          likewise: live, without the unused part of runs */
struct gaiti_pace {
  struct gaiti_lock lock;
  struct gaiti_pacer pacer;
  struct gaiti_pacer_limiter limiter;
  struct gaiti_pacer_decision decision;
  struct gaiti_pacer_workers plan;
  struct gaiti_ladder ladder;
  enum gaiti_ladder_step reported; /* the step that the program knows */
  bool limit_is_soft;              /* of the two limits the lower one, and there is one */
  double cpus;
  AO_t whole_cpus; /* the same, one at least, to be read without the lock */
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
  AO_t total_stopped_cpu_ns;
  AO_t stalled_ns;    /* CPUs' time lost to waiting for the limit; never set back */
  AO_t own_limit;     /* the setting, where it is a number; GAITI_NO_LIMIT: none */
  AO_t limit_is_auto; /* it follows the limit of the control group */
  AO_t looked_ns;     /* when the collector's thread last looked there */
  AO_t limiting;
  AO_t limit_unreachable; /* the live heap of the last cycle leaves no room under it */
  AO_t limit_bound;       /* the memory limit, or the CPU cap above it, has set the goal */
  AO_t limit_relaxed; /* the CPU cap has set the goal: the heap may go past the limit to there */
  AO_t limit_fails;   /* the heap has been over it for too long, and allocations return NULL */
  AO_t cpu_cap_percent;
  AO_t limit_refused;         /* since marking last ended, the limit kept a block from a thread */
  uint64_t limited_assist_ns; /* of assist_ns, already passed to the limiter */
  uint64_t limited_idle_ns;
  uint64_t limited_stalled_ns;
  uint64_t stalled_before_ns; /* stalled_ns when the cycle began */
  bool uncounted;            /* marking has ended, and the CPU time used since is not counted yet */
  uint64_t uncounted_cpu_ns; /* the CPU time to count, less the clock of the thread that runs the
                                cycle */
  bool stopped;              /* every thread is stopped, or is about to be */
  uint64_t stopped_threads;  /* threads in that stop that would run otherwise */
  uint64_t stopped_since_ns; /* the time when that stop began */
  uint64_t stopped_since_background_ns; /* background_ns when that stop began */
  uint64_t stopped_ns;                  /* the time of earlier stops in this cycle */
  uint64_t stopped_background_ns;       /* the part of background_ns in those stops */
  AO_t total_stopped_ns;                /* the time of all stops; never set back */
  uint64_t stopped_cpu_ns;              /* CPU time that threads would have had in this cycle's */
  uint64_t started_ns;
  uint64_t started_bytes; /* the heap when the cycle began; 0 between cycles */
  uint64_t stack_bytes;
  uint64_t slack_bytes;
  uint64_t live_bytes;
};

bool gaiti_pace_init(gait_heap *heap);
void gaiti_pace_destroy(gait_heap *heap);

/* A cycle starts, be it a young one or a full one; learns afresh how many CPUs there are.
 * Returns whether the next one may be young, if stores are remembered from here on. */
bool gaiti_pace_start_cycle(gait_heap *heap, bool young);

/* As gaiti_pacer_learn_survival. */
void gaiti_pace_learn_survival(gait_heap *heap, uint64_t allocated_bytes, uint64_t survived_bytes);

/* Looks at the numbers again while marking; gives up when another thread is at it. */
void gaiti_pace_revise(gait_heap *heap);

/* Every thread is about to be stopped for the cycle under way; that has been done, and so many
 * would run otherwise; they go on.  The time between counts against the cap on the collector's CPU
 * time, of every CPU that those threads would have had. */
void gaiti_pace_begin_stop(gait_heap *heap);
void gaiti_pace_note_stop(gait_heap *heap, uint64_t threads);
void gaiti_pace_end_stop(gait_heap *heap);

/* The heap at the end of marking, dead objects and their external bytes included; its live part, or
 * in runs; and of that, the unused part of runs.  With external bytes. */
struct gaiti_pace_end {
  uint64_t peak_bytes;
  uint64_t marked_bytes;
  uint64_t reserved_bytes;
};

/* Marking has ended; the live bytes have not been set back yet.  Returns the plan for the next
 * cycle. */
struct gaiti_pacer_next gaiti_pace_end_cycle(gait_heap *heap, const struct gaiti_pace_end *end);

/* Another thread goes on with the cycle: called by the one before, and by the next. */
void gaiti_pace_hand_over(gait_heap *heap);
void gaiti_pace_take_over(gait_heap *heap);

/* Bytes under the memory limit that the last cycle has left no room in: all that it found, and
 * overhead. */
uint64_t gaiti_pace_used(gait_heap *heap);

/* Mapped memory that objects cannot fill.  The lock is held. */
uint64_t gaiti_pace_overhead(const gait_heap *heap);

/* A limit that another thread has set is another one: decides anew. */
void gaiti_pace_review(gait_heap *heap);

/* The live heap of the last cycle, external bytes included. */
uint64_t gaiti_pace_live(gait_heap *heap);

/* The live bytes have been set back to those that are live: publishes the next trigger. */
void gaiti_pace_publish(gait_heap *heap);

int64_t gaiti_pace_gogc(const gait_heap *heap);
gait_result gaiti_pace_set_gogc(gait_heap *heap, int64_t percent, int64_t *before);
gait_result gaiti_pace_set_memory_limit(gait_heap *heap, int64_t bytes, int64_t *before);
gait_result gaiti_pace_set_cpu_cap(gait_heap *heap, int64_t percent, int64_t *before);

/* Whether the step under the memory limit is another one than the program knows; it does from here
 * on.  The report lacks numbers that the pacer does not know. */
bool gaiti_pace_take_limit_report(gait_heap *heap, gait_limit_report *report);

/* The setting; GAIT_AUTO where it follows the control group. */
int64_t gaiti_pace_memory_limit(const gait_heap *heap);

/* The pressure in the control group, in percent; 0 where its limit is not followed. */
double gaiti_pace_pressure(const gait_heap *heap);

/* Whether the collector's thread is to look at limits that change outside of the heap, now or at
 * some time. */
bool gaiti_pace_has_to_look(const gait_heap *heap);
bool gaiti_pace_looks(const gait_heap *heap);

/* Looks at them, and decides anew.  Thread: one that holds no lock; it reads files. */
void gaiti_pace_look(gait_heap *heap);

/* How many bytes of free memory should go back, at leisure and at once. */
struct gaiti_pacer_release gaiti_pace_plan_release(gait_heap *heap);

/* Whether the cap on the collector's CPU time is reached: it then lets the heap grow. */
static inline bool gaiti_pace_limiting(const struct gaiti_pace *pace) {
  return AO_load(&pace->limiting) != 0;
}

double gaiti_pace_assist_ratio(const struct gaiti_pace *pace);

#endif
