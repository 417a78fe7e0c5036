/* profile_file.h: a profile as a file in the format of pprof. */
#ifndef GAITI_API_PROFILE_FILE_H
#define GAITI_API_PROFILE_FILE_H

#include "heap/samples.h"
#include "os/wire.h"

/* A profile by itself, when its heap may be gone: the copy, and the heap's numbers. */
struct gaiti_profile_shot {
  struct gaiti_profile copy;
  char *kinds[GAIT_MAX_KINDS];
  uint64_t alloc_bytes;
  uint64_t alloc_objects;
  uint64_t cycles;
};

/* Encodes it; wire->failed: out of memory.  Reads the program's files, for names. */
void gaiti_profile_encode(const struct gaiti_profile_shot *shot, struct gaiti_wire *wire);

#endif
