/* mapped_file.h: a file that this process writes as memory, and others read meanwhile. */
#ifndef GAITI_OS_MAPPED_FILE_H
#define GAITI_OS_MAPPED_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the file `path` anew, of `bytes` zeros, and maps it.  Its blocks are taken from the disk at
 * once, where the file system can do that: a page that finds the disk full would end the process.
 * NULL when that fails, with the system's number of the error; there is no such file then. */
void *gaiti_mapped_create(const char *path, size_t bytes, int *error);

/* Gives the file its name, in place of another's file, which lives on where it is mapped.  Returns
 * the system's number of the error, or 0. */
int gaiti_mapped_rename(const char *from, const char *to);

void gaiti_mapped_remove(const char *path);

/* Ends the mapping; the file stays. */
void gaiti_mapped_close(void *start, size_t bytes);

#endif
