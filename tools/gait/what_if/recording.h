/* recording.h: the cycles that a real program's log tells of.
 *
 * A recording is any text in which lines in the form of Go's `GODEBUG=gctrace=1` stand, of Go 1.5
 * or later or of Gait's own trace, among whatever else the program printed. */
#ifndef GAIT_RECORDING_H
#define GAIT_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes are whole binary megabytes in the text, rounded down; here they are in bytes, raised by the
 * half megabyte that rounding took on average.  A size of 0 stays 0.  What was marked is known
 * better where the next cycle's goal tells: see recording.c. */
struct recording_cycle {
  size_t line;          /* where it stands, from 1 */
  uint64_t number;      /* as the program counts its cycles */
  double start_seconds; /* since the program began */
  double stop_ms;       /* wall time of the two stops around marking, */
  double mark_ms;       /* and of marking */
  double assist_ms;     /* CPU time of mark assists, */
  double background_ms;
  double idle_ms;
  double trigger_bytes; /* heap when the cycle started, */
  double peak_bytes;    /* when marking ended, */
  double marked_bytes;  /* and what marking found live */
  double goal_bytes;
  double roots_bytes; /* stacks and globals; 0: not told */
  double cpus;
  bool forced; /* somebody asked for it */
  bool young;  /* it marked only what was new: what it found includes all that was old */
};

enum recording_system { RECORDING_GO, RECORDING_GAIT };

struct recording {
  struct recording_cycle *cycles;
  size_t count;
  size_t capacity;
  enum recording_system system;
  double gogc_percent; /* that goals follow from, in Go's text or a record file; 0: none */
  /* Lines that look like cycles and are not used, and the first of them, said in one sentence. */
  size_t unused;
  char complaint[200];
};

struct recording_error {
  char text[300];
};

/* Puts the sentence there; false, for the caller to return. */
bool recording_say(struct recording_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reads the recording in `text`.  False when there is nothing to learn from it: `error` says why,
 * with the line; the recording is then empty.  A second run in it is an error. */
bool recording_parse(struct recording *recording, const char *text, size_t bytes,
                     struct recording_error *error);
void recording_destroy(struct recording *recording);

/* Runs one after another in one file, as those of a program that was started again. */
struct recordings {
  struct recording *list;
  size_t count, capacity;
};

/* As recording_parse; each run is a recording. */
bool recordings_parse(struct recordings *recordings, const char *text, size_t bytes,
                      struct recording_error *error);
/* Room for one more, which counts when the caller says so; NULL when out of memory. */
struct recording *recordings_next(struct recordings *recordings);
void recordings_destroy(struct recordings *recordings);

#endif
