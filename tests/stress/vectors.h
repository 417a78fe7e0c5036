/* vectors.h: each mutator has a vector of references, which grows in its slot, or is copied to a
 * larger one and freed. */
#ifndef STRESS_VECTORS_H
#define STRESS_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#include <gait/gait.h>

struct mutator;

/* The vector's object, as a frame of the thread has it, and the ids that its references have. */
struct vector {
  gait_frame frame;
  void *object;
  uint32_t *ids;
  size_t used;
  size_t capacity;
};

void vectors_begin(struct mutator *mutator);
void vectors_end(struct mutator *mutator);

/* Appends to it, looks at it, or lets go of it. */
void vectors_step(struct mutator *mutator);

#endif
