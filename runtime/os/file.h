/* file.h: small files of the system's, such as those of /proc. */
#ifndef GAITI_OS_FILE_H
#define GAITI_OS_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Reads a file from its beginning into `text`, at most `bytes` - 1 of it, and ends that with a 0.
 * False when it cannot be read.  Like all of os.h it changes no errno and is no cancellation point.
 */
bool gaiti_file_read(const char *path, char *text, size_t bytes);

/* Copies the path with each %p replaced by the number of the process, and %% by %.  False: it is
 * too long. */
bool gaiti_path_expand(const char *path, char *text, size_t bytes);

#endif
