/* sim_heap.h: a heap on which a simulated program runs, from one collection to the next. */
#ifndef GAIT_SIM_HEAP_H
#define GAIT_SIM_HEAP_H

#include "sim_mark.h"

#define SIM_MOST_BYTES (INT64_C(1) << 60) /* a heap never has more: no cycle starts beyond */

struct sim_heap {
  struct sim_driver driver;
  int64_t marked_bytes;        /* by the last cycle, with what was allocated meanwhile */
  int64_t external_bytes;      /* of those: held by objects outside the heap */
  int64_t external_next_bytes; /* what the next cycle finds of them */
  double way;                  /* from the live heap to the trigger, on which the next cycle starts:
                                  1, less where somebody forces it, more where it comes late */
};

/* An empty heap.  NULL, or a sentence that says what is wrong with the settings. */
const char *sim_heap_init(struct sim_heap *heap, const struct gaiti_pacer_config *config,
                          double cpus);

/* Where a mark has the pacer decide anew.  All 0: in as few steps as its plan needs. */
struct sim_steps {
  int parts;    /* after each of so many equal parts of the work; */
  int64_t ns;   /* or after each time of so long, */
  int64_t most; /* so often at most */
};

/* One collection, and what came before it. */
struct sim_collection {
  struct gaiti_pacer_decision begun, ended; /* when the program ran on, and when the mark ended */
  struct sim_mark mark;
  struct sim_stretch ran; /* before it */
  double live_bytes;
  int64_t work_bytes;
  int64_t start_bytes, peak_bytes; /* the heap when it started, and when its mark ended */
};

enum sim_outcome {
  SIM_COLLECTED,
  SIM_PROGRAM_ENDED, /* before a cycle started, which may be never: only `begun`, `ran` and
                        `start_bytes` say something */
  /* Of steps of equal time alone: */
  SIM_MARK_STUCK,   /* a step marks nothing */
  SIM_MARK_ENDLESS, /* the mark takes too many */
  SIM_HEAP_ENDLESS, /* the heap grows beyond SIM_MOST_BYTES meanwhile */
};

/* Runs up to the end of the next cycle. */
enum sim_outcome sim_heap_collect(struct sim_heap *heap, const struct sim_program *program,
                                  const struct sim_steps *steps, struct sim_collection *collection);

#endif
