/* unit_profile.h: a profile of a test's heap, read back. */
#ifndef UNIT_PROFILE_H
#define UNIT_PROFILE_H

#include "unit.h"

#include <gait/profile.h>

#include "profile/pprof.h"

/* Writes the heap's profile and reads it; asserts that both work. */
void unit_profile_take(gait_heap *heap, struct pprof *profile);

/* The same from a file that is there. */
void unit_profile_read(const char *path, struct pprof *profile);

/* The four values, in the order of the file. */
enum { UNIT_ALLOC_OBJECTS, UNIT_ALLOC_SPACE, UNIT_INUSE_OBJECTS, UNIT_INUSE_SPACE, UNIT_LENSES };

/* Which samples: those with the function in their stack, and the texts as labels; NULL: any. */
struct unit_profile_of {
  const char *function;
  const char *kind;
  const char *memory;
  const char *state;
};
void unit_profile_sum(const struct pprof *profile, struct unit_profile_of of,
                      double sums[UNIT_LENSES]);

/* How far an estimate is from the truth, in standard deviations: `count` objects of `bytes` bytes,
 * one sample in `mean` bytes. */
double unit_profile_z(double estimate, double count, double bytes, double mean);
#define UNIT_PROFILE_Z 4.0

#endif
