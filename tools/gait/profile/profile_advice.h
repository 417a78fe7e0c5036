/* profile_advice.h: sites whose allocations can be done without, and the gain.
 *
 *   stack        objects of at most PROFILE_STACK_BYTES, of which none was ever found by a cycle,
 *                and at least PROFILE_LEAST_SAMPLES have died: they may be locals of a function
 *   preallocate  arrays that grow: a growable array of Gait's made them, or they come in at least
 *                four sizes, of which each is 1.4 to 2.2 times the one before, and all but a tenth
 *                of the bytes are in that row.  Every size but the last of each array could be left
 *                out
 *   pool         objects of more than GAIT_SMALL_BYTES of which four fifths die before a second
 *                cycle finds them: one may be used again, all but those in use are saved
 *
 * A site has the first of these that it meets, in the order preallocate, pool, stack.  Without the
 * saved bytes there would be as many cycles less, by their share: the number of cycles goes with
 * the allocated bytes. */
#ifndef GAIT_PROFILE_ADVICE_H
#define GAIT_PROFILE_ADVICE_H

#include "profile/profile_sites.h"

#define PROFILE_STACK_BYTES   1024
#define PROFILE_LARGE_BYTES   32768
#define PROFILE_LEAST_SAMPLES 10

enum profile_advice { PROFILE_NO_ADVICE, PROFILE_STACK, PROFILE_PREALLOCATE, PROFILE_POOL };

/* The advice for a site, and the bytes that it would have saved. */
enum profile_advice profile_advise(const struct profile_site *site, double *saved_bytes);

/* "stack" ... */
const char *profile_advice_name(enum profile_advice advice);

#endif
