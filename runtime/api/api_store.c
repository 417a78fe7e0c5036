/* Stores of many references at once. */
#include "barrier/barrier.h"
#include "base/check.h"

/* The functions, not the macros of slot.h. */
#undef gait_copy
#undef gait_clear

void gait_copy(gait_thread *thread, void *to, const void *from, size_t count) {
  REQUIRE_ARGUMENT(thread);
  if (count == 0) return;
  REQUIRE_ARGUMENT(to);
  REQUIRE_ARGUMENT(from);
  gaiti_copy(thread, to, from, count);
}

void gait_clear(gait_thread *thread, void *slots, size_t count) {
  REQUIRE_ARGUMENT(thread);
  if (count == 0) return;
  REQUIRE_ARGUMENT(slots);
  gaiti_clear(thread, slots, count);
}
