/* api_profile.h: the option profile. */
#ifndef GAITI_API_API_PROFILE_H
#define GAITI_API_API_PROFILE_H

#include "heap/samples.h"

/* Sets the options profile and profile_bytes by the variable GAIT_PROFILE, and the second by the
 * first, where they are not set. */
void gaiti_profile_take_environment(gait_options *options);

/* Notes where the new heap is to write its profile, and when. */
void gaiti_profile_begin(gait_heap *heap);

/* Writes it there, before the heap is destroyed. */
void gaiti_profile_end(gait_heap *heap);

#endif
