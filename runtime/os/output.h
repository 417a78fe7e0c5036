/* output.h: files that Gait writes.  Like all of os.h it changes no errno, and is no cancellation
 * point. */
#ifndef GAITI_OS_OUTPUT_H
#define GAITI_OS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the file, or empties it.  The descriptor, or, below 0, the negative number of the system's
 * error. */
int gaiti_output_open(const char *path);

/* Writes all of it.  0, or the number of the error. */
int gaiti_output_write(int file, const void *data, size_t bytes);

/* Closes it: a system may tell only now that nothing was written.  0, or the number. */
int gaiti_output_close(int file);

#endif
