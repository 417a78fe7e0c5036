/* sim_mark.h: how mutators and marking share the processors while a cycle marks. */
#ifndef GAIT_SIM_MARK_H
#define GAIT_SIM_MARK_H

#include "sim_driver.h"

/* Shares are of all processors.  Together they may be less than 1: the rest has nothing to do. */
struct sim_rates {
  double alloc;      /* bytes allocated a second of mutators' CPU, */
  double scannable;  /* the share of them that has to be scanned, */
  double mark;       /* and bytes marked a second of CPU that marks */
  double background; /* the share of background marking, */
  double least;      /* that GC takes at least, the background's in it, */
  double idle;       /* that marks beside it for nothing, */
  double busy;       /* and that mutators would keep busy without a cycle */
};

/* What a mark has taken so far. */
struct sim_mark {
  int64_t globals_left_bytes, heap_left_bytes; /* still to be scanned, in this order */
  double allocated_bytes;
  double seconds;
  double assist_seconds, idle_seconds; /* of CPU; assists are all of GC but the background's, */
  double owed_seconds;                 /* and of those the assist ratio asks for these */
  double ratio_most;
};

/* The share of GC, idle marking apart, at which bytes marked over bytes allocated are the assist
 * ratio; not less than the least. */
double sim_mark_share(const struct sim_rates *rates, double assist_ratio);

/* Marks so many bytes at the ratio of this moment; all that are left if they are fewer. */
void sim_mark_bytes(struct sim_driver *driver, const struct sim_rates *rates, int64_t bytes,
                    struct sim_mark *mark);

/* Seconds as the limiter takes them: no more than its bucket can tell. */
int64_t sim_mark_ns(double seconds);

#endif
