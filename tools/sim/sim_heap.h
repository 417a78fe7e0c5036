/* sim_heap.h: a heap on which a simulated program runs, from one collection to the next.
 *
 * What the program is comes from a source: a description (sim_model.c), or the track of a page. */
#ifndef GAIT_SIM_HEAP_H
#define GAIT_SIM_HEAP_H

#include "sim_mark.h"

/* What a program is like at one moment. */
struct sim_nature {
  double live_bytes; /* reachable, without external bytes */
  double roots_bytes;
  struct sim_rates rates; /* while a cycle marks; `scannable` is that of what is live as well */
};

/* A program; it keeps its own clock. */
struct sim_source {
  void *program;
  /* Mutators alone allocate `bytes` in *seconds.  Returns how many they did: fewer, or none, where
   * the program ends before. */
  double (*run)(void *program, double bytes, double *seconds);
  /* So much passed while a cycle marked. */
  void (*pass)(void *program, double bytes, double seconds);
  void (*look)(void *program, struct sim_nature *nature);
};

struct sim_heap {
  struct sim_driver driver;
  int64_t marked_bytes;        /* by the last cycle, with what was allocated meanwhile */
  int64_t external_bytes;      /* of those: held by objects outside the heap */
  int64_t external_next_bytes; /* what the next cycle finds of them */
};

/* One collection, and what came before it. */
struct sim_collection {
  struct gaiti_pacer_decision begun, ended; /* when the program ran on, and when the mark ended */
  struct sim_mark mark;
  double run_seconds; /* before it */
  double live_bytes;
  int64_t work_bytes;
  int64_t start_bytes, peak_bytes; /* the heap when it started, and when its mark ended */
};

/* Runs up to the end of the next cycle.  The mark goes in so many equal steps, at each of which the
 * pacer decides anew; with 0, in as few as its plan needs.  False when the program ends before a
 * cycle starts: then only `begun`, `run_seconds` and `start_bytes` say something. */
bool sim_heap_collect(struct sim_heap *heap, const struct sim_source *source, int steps,
                      struct sim_collection *collection);

#endif
