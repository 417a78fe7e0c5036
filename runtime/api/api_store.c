/* Stores of many references at once. */
#include "barrier/barrier.h"
#include "barrier/finder.h"
#include "base/check.h"

/* The functions, not the macros of slot.h. */
#undef gait_copy
#undef gait_clear

void gait_copy(gait_thread *thread, void *to, const void *from, size_t count) {
  REQUIRE_ARGUMENT(thread);
  if (count == 0) return;
  REQUIRE_ARGUMENT(to);
  REQUIRE_ARGUMENT(from);
  if (gaiti_finder_is_on(thread->heap))
    gaiti_finder_note_stores(thread, to, from, count, __builtin_return_address(0));
  gaiti_copy(thread, to, from, count);
}

void gait_clear(gait_thread *thread, void *slots, size_t count) {
  REQUIRE_ARGUMENT(thread);
  if (count == 0) return;
  REQUIRE_ARGUMENT(slots);
  if (gaiti_finder_is_on(thread->heap))
    gaiti_finder_note_stores(thread, slots, NULL, count, __builtin_return_address(0));
  gaiti_clear(thread, slots, count);
}
