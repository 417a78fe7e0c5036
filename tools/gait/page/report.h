/* report.h: a web page that shows rows of figures, with everything that it needs inside. */
#ifndef GAIT_REPORT_H
#define GAIT_REPORT_H

#include <jansson.h>

struct report {
  const char *noun; /* NOUN.html and NOUN.js of tools/page show the rows */
  const char *title;
  const char *command; /* what made the rows */
  const char *text;    /* a sentence about them; NULL where NOUN.html has its own */
};

/* Writes the report about `rows` to the file `path`.  Returns 0, or -1 after a message.  The noun
 * is "grid" for rows as `gait run --json --cycles` prints them, "law" for those of `gait law`.
 * "what_if" is for predicted or simulated settings: a row has `gogc` and `memory_limit`, null for
 * off, and numbers, each perhaps with NAME_low and NAME_high beside it; all of them go into a
 * table, and cycles, gc_cpu_seconds or gc_cpu_share, and peak_heap_bytes into plots. */
int report_write(const char *path, const struct report *report, json_t *rows);

/* The arguments as one line, for `command`; malloced, NULL when out of memory. */
char *report_command(int argc, char *const *argv);

#endif
