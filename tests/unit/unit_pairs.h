/* unit_pairs.h: what tests of ephemerons share. */
#ifndef UNIT_PAIRS_H
#define UNIT_PAIRS_H

#include "unit.h"

#include <gait/ephemeron.h>

static inline gait_ephemeron *pair_of(unit_world *world, void *key, void *value) {
  gait_ephemeron *ephemeron = gait_ephemeron_new(world->thread, key, value);
  UNIT_CHECK(ephemeron != NULL);
  return ephemeron;
}

/* An array of references in that slot. */
static inline void **pair_array(unit_world *world, size_t slot, size_t count) {
  void **array = world->slots[slot] =
      gait_alloc(world->thread, world->references, count * sizeof *array);
  UNIT_CHECK(array != NULL);
  return array;
}

#endif
