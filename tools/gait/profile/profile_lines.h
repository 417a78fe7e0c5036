/* profile_lines.h: source lines for the addresses of a profile, from the debug information of the
 * program's files. */
#ifndef GAIT_PROFILE_LINES_H
#define GAIT_PROFILE_LINES_H

#include "profile/pprof.h"
#include "profile/pprof_file.h"

/* Whether this gait was built with libdw, which reads it. */
bool profile_lines_can(void);

/* Writes the profile of `message`, which `profile` was read from, to the file `path`, with the
 * functions and lines of each address that a file of the program has them for: calls that were
 * inlined are functions of their own there.  *found: how many addresses have a line now.  False:
 * `error` says why not. */
bool profile_lines_write(const struct pprof *profile, const struct pprof_message *message,
                         const char *path, size_t *found, struct pprof_file_error *error);

#endif
