/* A program allocates from cursors by the size classes of its own headers: they are the library's.
 */
#include <gait/gait.h>

#include <stdio.h>
#include <stdlib.h>

#include "classes.h"

int main(void) {
  for (size_t bytes = 1; bytes <= GAIT_SMALL_BYTES; bytes++) {
    if (gait_size_class(bytes) == frozen_size_class(bytes) &&
        gait_slot_bytes(bytes) == frozen_slot_bytes(bytes))
      continue;
    fprintf(stderr, "%zu bytes: class %u of %zu bytes was %u of %zu\n", bytes,
            gait_size_class(bytes), gait_slot_bytes(bytes), frozen_size_class(bytes),
            frozen_slot_bytes(bytes));
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
