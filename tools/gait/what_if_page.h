/* what_if_page.h: a web page that shows rows of predicted or simulated settings. */
#ifndef GAIT_WHAT_IF_PAGE_H
#define GAIT_WHAT_IF_PAGE_H

#include <jansson.h>

/* Writes the page to the file `path`, with everything that it needs inside.  A row has `gogc` and
 * `memlimit`, null for off, and numbers, each perhaps with NAME_low and NAME_high beside it; all of
 * them go into a table, and cycles, gc_cpu_seconds or gc_cpu_share, and peak_heap_bytes into plots.
 * Returns 0, or -1 after a message. */
int what_if_page_write(const char *path, const char *title, const char *text, const char *command,
                       json_t *rows);

#endif
