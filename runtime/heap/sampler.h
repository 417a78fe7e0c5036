/* sampler.h: points on the clock of allocated bytes, at which the profile takes its samples.
 *
 * .sample.points  The distances between points are exponential, with the mean that is asked for.
 * Such points have no memory: whatever lies behind, the next one is as far away as ever.  So bytes
 * may be handed out in any order, taken and never handed out, or taken anew, and each of them is a
 * point with the same chance, as long as nothing that depends on the point decides which of these
 * it is.  An object of so many bytes has at least one point in it with the chance 1 - exp(-bytes /
 * mean), by which the writer divides (api/profile_file.c). */
#ifndef GAITI_HEAP_SAMPLER_H
#define GAITI_HEAP_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

/* Of one processor, used by its holder.
 *   mean    bytes from one point to the next; 0: there are no points
 *   until   bytes that may be passed before the next
 *   passed  bytes since the clock was read last (heap/samples.h) */
struct gaiti_sampler {
  uint64_t mean;
  uint64_t until;
  uint64_t passed;
  uint64_t random;
};

void gaiti_sampler_init(struct gaiti_sampler *sampler, uint64_t mean, uint64_t seed);

/* Sets the next point. */
void gaiti_sampler_draw(struct gaiti_sampler *sampler);

/* A number in [0, 1). */
double gaiti_sampler_random(struct gaiti_sampler *sampler);

/* Passes `bytes` bytes in slots of `slot_bytes`, or the slots up to the first that has a point.
 * Returns whether one has, and *offset: where that slot begins.  The bytes behind it have yet to be
 * passed. */
static inline bool gaiti_sampler_pass(struct gaiti_sampler *sampler, uint64_t bytes,
                                      uint64_t slot_bytes, uint64_t *offset) {
  if (sampler->mean == 0) return false;
  if (sampler->until >= bytes) {
    sampler->until -= bytes;
    sampler->passed += bytes;
    return false;
  }
  *offset = sampler->until / slot_bytes * slot_bytes;
  sampler->passed += *offset + slot_bytes;
  gaiti_sampler_draw(sampler);
  return true;
}

/* 1 - exp(-x), for x >= 0: the chance that an object of `x` times the mean is sampled. */
double gaiti_sampler_chance(double x);

#endif
