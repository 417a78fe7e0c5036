/* The size classes, as a program of version 0.2.0 has them compiled in. */
#include <gait/gait.h>

#include "classes.h"

unsigned frozen_size_class(size_t bytes) {
  return gait_size_class(bytes);
}

size_t frozen_slot_bytes(size_t bytes) {
  return gait_slot_bytes(bytes);
}
