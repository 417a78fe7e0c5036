/* sim_program.h: the one notion of a program that all simulations have: how fast it allocates, what
 * is live at some time, and how fast that is marked.
 *
 * A source translates into it: a description (sim_description.c), a recording
 * (gait/what_if/what_if_history.c), a scenario (gait/replay/replay_model.c), the track of a page
 * (page/page_model.c).  sim_heap.c runs it and knows none of them. */
#ifndef GAIT_SIM_PROGRAM_H
#define GAIT_SIM_PROGRAM_H

#include "pacer.h"

/* How mutators and marking share the CPUs while a cycle marks.  Shares are of all CPUs.
 * Together they may be less than 1: the rest has nothing to do. */
struct sim_rates {
  double alloc;      /* bytes allocated a second of mutators' CPU, */
  double scannable;  /* the share of them that has to be scanned, */
  double mark;       /* and bytes marked a second of CPU that marks */
  double background; /* the share of background marking, */
  double least;      /* that GC takes at least, the background's in it, */
  double idle;       /* that marks beside it for nothing, */
  double busy;       /* and that mutators would keep busy without a cycle */
  double early; /* Mutators assist though they owe nothing yet, as where the credit of workers is
                   not there when it is asked for: assists over the rest of the mutators' time,
                   for each byte of the assist ratio, */
  double early_most; /* but no more than this */
};

/* A program at one moment. */
struct sim_moment {
  double live_bytes; /* reachable, without external bytes */
  double roots_bytes;
  struct sim_rates rates; /* while a cycle marks; `scannable` is that of what is live as well */
};

struct sim_collection; /* sim_heap.h */

/* What mutators alone did. */
struct sim_stretch {
  double bytes, seconds;
};

/* A program; it keeps its own clock. */
struct sim_program {
  void *self;
  /* Mutators alone allocate `bytes`, under the pacer's decision: more where the last allocation is
   * larger than what was left of them.  Infinitely many are asked for where no cycle comes.  False
   * when the program ends before; then *ran is up to there. */
  bool (*run)(void *self, const struct gaiti_pacer_decision *decision, double bytes,
              struct sim_stretch *ran);
  /* So much passed while a cycle marked. */
  void (*pass)(void *self, double bytes, double seconds);
  /* The program now, in a heap of so many bytes without external ones. */
  void (*look)(void *self, double heap_bytes, struct sim_moment *moment);
  /* A mark has ended, and the pacer is about to be told `cycle`.  A source whose collector measures
   * or counts otherwise changes that.  May be NULL. */
  void (*tell)(void *self, const struct sim_collection *collection,
               struct gaiti_pacer_cycle *cycle);
};

#endif
