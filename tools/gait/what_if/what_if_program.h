/* what_if_program.h: a program as its recording shows it, freed of the setting it ran with.
 *
 * The program's own clock is the number of bytes that it has allocated.  What it holds live, what a
 * cycle costs and how fast it allocates are functions of that clock; a change of GOGC or of the
 * limit changes when it is collected, and none of these.  docs/design/what-if.md argues it. */
#ifndef GAIT_WHAT_IF_PROGRAM_H
#define GAIT_WHAT_IF_PROGRAM_H

#include "recording.h"

/* Constants of the recorded system that a recording at one setting cannot show.  How each was found
 * is told in docs/design/what-if.md; `gait what-if --check` measures what they are worth. */
struct what_if_constants {
  double span_waste;     /* of the heap, counted as allocated in every cycle though it is not */
  double spread_cost;    /* marking costs (heap / live) to this power, */
  double spread_black;   /* and this much is allocated meanwhile: mutators are slowed as well */
  double overhead_bytes; /* under a memory limit, not for the heap: so much, */
  double overhead_share; /* so much of the limit, */
  double fill_least;     /* of the room under a limit, at least so much can be filled */
};

/* One recorded cycle. */
struct what_if_point {
  double start_clock; /* bytes allocated when it started, */
  double end_clock;   /* and when it ended */
  double live_bytes;  /* reachable when it started */
  double jump_bytes;  /* at least so much was allocated in one piece just before it; 0: none */
  double spread;      /* heap / live when it started */
  double cost;        /* CPU seconds of all marking, per live byte and spread */
  double black_bytes; /* what would be allocated during one like it without assists, */
  double black_cpu;   /* and it took so many CPU seconds */
  double pressure;    /* share of the mutators' time that assists took, */
  double room_bytes;  /* with so much room from trigger to goal */
  double workers;     /* CPU time of workers over that of mutators, assists among it */
  double help;        /* all of marking's CPU over that of workers, by these two */
  double back_share;  /* of the workers' CPU, background; the rest is idle CPUs */
  bool young;         /* it marked only what was new; cost to workers are those of a full one */
  double survival;    /* of what was allocated before it, as far as young cycles tell; else 1 */
  double young_cost;  /* CPU seconds a young cycle takes, a byte allocated before it */
  double free_rate;   /* bytes allocated a second, while not marking */
  double roots_bytes;
};

struct what_if_program {
  struct what_if_constants constants;
  enum recording_system system;
  struct what_if_point *points;
  size_t count;
  double end_clock;   /* bytes allocated when the last cycle ended, */
  double tail_bytes;  /* and at most this many more until the program did */
  double starved;     /* share of the CPU due to background workers that they did not get */
  bool young;         /* some of its cycles were */
  double first_bytes; /* allocated in one piece before the first cycle; 0: none seen */
  double cpus;
  double top_bytes;    /* live at most, where it is not seen: see what_if_program_live */
  double surge;        /* the largest of five cons/mark ratios over their mean, on average */
  double gogc_percent; /* that it seems to have run with; below 0: not to be told */
};

struct what_if_constants what_if_constants_default(enum recording_system system);

/* False when out of memory or when the recording shows too little: `error` says what. */
bool what_if_program_recover(struct what_if_program *program, const struct recording *recording,
                             const struct what_if_constants *constants,
                             struct recording_error *error);
void what_if_program_destroy(struct what_if_program *program);

/* Live bytes when `clock` bytes have been allocated.  Of a live heap that grew with every
 * allocation and was found fallen by the next cycle, the recording does not show how far it grew:
 * `fall` says how much of the way to that cycle, 0 .. 1. */
double what_if_program_live(const struct what_if_program *program, double clock, double fall);

/* How much more is allocated at `clock` before anything can be done, since it is one piece. */
double what_if_program_jump(const struct what_if_program *program, double clock);

/* What cycles between two clocks were like, on average; the nearest one when there were none. */
struct what_if_point what_if_program_between(const struct what_if_program *program, double from,
                                             double to);

#endif
