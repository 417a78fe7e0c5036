/* explain.h: a cycle in two sentences, from the pacer's own terms.
 *
 * The first says why the cycle began then and where its goal comes from, the second what missed, by
 * how much, and which setting would change it, with its number.  Arithmetic and words alone:
 * freestanding, so that the command, the live view and the page say the same by the same code. */
#ifndef GAIT_EXPLAIN_H
#define GAIT_EXPLAIN_H

#include <stdbool.h>

#include "pacer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As gait_cycle_cause. */
enum explain_cause {
  EXPLAIN_CAUSE_GOGC,
  EXPLAIN_CAUSE_LIMIT,
  EXPLAIN_CAUSE_FORCED,
  EXPLAIN_CAUSE_OUT_OF_MEMORY,
  EXPLAIN_CAUSE_DEBUG,
};

/* Not told, as in a trace of Go's. */
#define EXPLAIN_RULE_UNKNOWN  ((int)GAITI_PACER_RULES)
#define EXPLAIN_BOUND_UNKNOWN ((int)GAITI_PACER_TRIGGER_NEVER + 1)

/* One cycle.  Bytes, seconds, shares of 1; a size that is never reached is infinite, one that is
 * not told is 0.  Names as in gait_cycle_record. */
struct explain_cycle {
  double number;
  enum explain_cause cause;
  bool young;
  bool ran; /* false: no such cycle will come, and only the goal is there to explain */
  bool limiter_on;
  bool limit_unreachable;
  bool limit_is_hard;  /* limit_bytes is that of max_heap */
  int rule;            /* enum gaiti_pacer_rule of goal_bytes */
  int bound;           /* enum gaiti_pacer_trigger_bound */
  double gogc_percent; /* below 0: off */
  double limit_bytes;  /* that goals keep; infinite: none */
  double background_share, cpu_cap;
  double cpus;
  double grain_bytes; /* sizes are no finer than this */

  double counted_bytes; /* that the cycle before left, and goals grow from */
  double growth_goal_bytes;
  double planned_goal_bytes, trigger_bytes; /* of the decision that it began by */
  double goal_bytes;                        /* once it had begun */
  double runway_bytes, expected_work_bytes, overhead_bytes;
  double external_bytes; /* that objects hold outside: they are not under max_heap */

  double at_trigger_bytes, peak_bytes, work_bytes;
  double mark_seconds;
  double assist_seconds, background_seconds, stalled_seconds; /* of CPU */
  double gc_cpu_share; /* since the cycle before; below 0: not told */
};

enum explain_miss {
  EXPLAIN_MISS_NONE,
  EXPLAIN_MISS_UNREACHABLE, /* live heap and overhead leave no room under the limit */
  EXPLAIN_MISS_LIMITER,     /* the cap on CPU time held assists back */
  EXPLAIN_MISS_LATE,        /* over the goal: it began past its trigger, */
  EXPLAIN_MISS_WORK,        /* marking had more to do than was expected, */
  EXPLAIN_MISS_RATE,        /* or the program allocated more meanwhile than was planned; */
  EXPLAIN_MISS_OVER,        /* the plan is not told */
  EXPLAIN_MISS_STALLED,     /* threads had to wait, */
  EXPLAIN_MISS_ASSISTS,     /* or to mark */
  EXPLAIN_MISS_ASKED,       /* below the goal: it was asked for early, */
  EXPLAIN_MISS_ROOM,        /* a start is given more room than marking takes, */
  EXPLAIN_MISS_FAST,        /* or marking was done sooner than planned; */
  EXPLAIN_MISS_BELOW,       /* the plan is not told */
  EXPLAIN_MISSES
};

/* The setting that would change it. */
enum explain_advice {
  EXPLAIN_ADVICE_NONE,       /* none is known to */
  EXPLAIN_ADVICE_GOGC_TRADE, /* gogc: memory for CPU time, or the reverse */
  EXPLAIN_ADVICE_GOGC_PEAK,  /* gogc: such a cycle would end at the goal of this one */
  EXPLAIN_ADVICE_GOGC_ROOM,  /* gogc: room for background marking alone */
  EXPLAIN_ADVICE_GOGC_ON,    /* gogc: there is no goal without it */
  EXPLAIN_ADVICE_BACKGROUND, /* background: a share with which no thread would have to mark */
  EXPLAIN_ADVICE_LIMIT_HALF, /* memory_limit: cycles would cost half of the cap */
  EXPLAIN_ADVICE_LIMIT_ROOM, /* memory_limit: twice the room, or half of it */
  EXPLAIN_ADVICE_LIMIT_FREE, /* memory_limit: gogc alone would set the goal */
  EXPLAIN_ADVICE_MIN_HEAP,   /* min_heap: likewise */
  EXPLAIN_ADVICE_POLICY,     /* the number of the policy: twice the room */
  EXPLAIN_ADVICE_WAIT,       /* not to ask for it: it would have begun at its trigger */
  EXPLAIN_ADVICES
};

/* What the sentences say, and the numbers in the second. */
struct explanation {
  enum explain_miss miss;
  enum explain_advice advice;
  double over_bytes;         /* how far it ended over its goal; below 0: short of it */
  double late_bytes;         /* how far it began past its trigger */
  double setting;            /* that is advised: percent, bytes */
  double setting_goal_bytes; /* with it; 0: nothing is said of that */
  double setting_share;      /* of the CPU, with it; below 0: nothing is said of that */
  char why[640];
  char outcome[640];
};

void explain_cycle(const struct explain_cycle *cycle, struct explanation *explanation);

/* Where a recording tells no rule: the one that the sizes agree with. */
void explain_infer(struct explain_cycle *cycle);

/* Parts of the above. */
double
explain_goal_kept(const struct explain_cycle *cycle); /* the goal that a miss is counted from */
double explain_tolerance(const struct explain_cycle *cycle); /* what is less is no miss */
bool explain_is_finite(double bytes);
double explain_headroom(double limit_bytes);            /* that goals leave under a limit */
bool explain_helped(const struct explain_cycle *cycle); /* threads that allocate had to mark */
void explain_choose(const struct explain_cycle *cycle, struct explanation *explanation);

#ifdef __cplusplus
}
#endif
#endif
