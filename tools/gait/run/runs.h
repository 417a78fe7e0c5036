/* runs.h: many runs of `gait run`, each in a process of its own, so that none warms another's
 * memory and each has a peak of its own. */
#ifndef GAIT_RUNS_H
#define GAIT_RUNS_H

#include <jansson.h>
#include <stdio.h>

#include "progress.h"

struct runs {
  struct progress progress;
  unsigned done;
  unsigned failed;
  json_t *rows;     /* what each run printed, in order; a run that failed leaves no row */
  char *complaints; /* what the last run wrote to standard error */
  int usage;        /* a run found its arguments senseless; no more are made */
};

/* For `total` runs.  Returns 0, or -1 when out of memory. */
int runs_init(struct runs *runs, unsigned total);
void runs_destroy(struct runs *runs);

/* Runs `gait run WORDS --json --cycles`; `words` ends in NULL.  What it writes to standard error
 * goes on to ours, unless the run before wrote the same.  Returns its row, or NULL. */
json_t *runs_make(struct runs *runs, const char *const *words);

/* The number under `name`; 0 when there is none. */
double runs_number(const json_t *row, const char *name);

/* Writes all rows as one table for a person, or every number of every row as CSV. */
void runs_print(const struct runs *runs, FILE *out);
void runs_print_csv(const struct runs *runs, FILE *out);

#endif
