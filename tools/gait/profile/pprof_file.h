/* pprof_file.h: a profile from a file, compressed by gzip or not. */
#ifndef GAIT_PPROF_FILE_H
#define GAIT_PPROF_FILE_H

#include "profile/pprof.h"

/* No profile is read that is larger than this, uncompressed. */
#define PPROF_MOST_BYTES ((size_t)1 << 30)

struct pprof_file_error {
  char text[512];
};

/* The uncompressed bytes of a profile, of malloc. */
struct pprof_message {
  unsigned char *bytes;
  size_t count;
};

/* Reads the profile in these bytes of a file.  False: `error` says why, with the offset.
 * `message` (may be NULL) takes the uncompressed ones, which the caller frees. */
bool pprof_read(struct pprof *profile, const void *bytes, size_t count,
                struct pprof_message *message, struct pprof_file_error *error);

/* The same of a file; "-" is standard input.  The sentence begins with its name. */
bool pprof_load(struct pprof *profile, const char *path, struct pprof_message *message,
                struct pprof_file_error *error);

#endif
