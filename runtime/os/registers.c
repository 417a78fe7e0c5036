#include "os/registers.h"

#include <string.h>

#include "base/asan.h"
#include "base/attributes.h"

/* A sanitizer must not look at what lies between the variables of other functions. */
GAITI_RACY static void registers_copy(uintptr_t *to, uintptr_t from, size_t count) {
#if GAITI_ASAN || defined(__SANITIZE_THREAD__) || GAITI_HAS_FEATURE(thread_sanitizer)
  for (size_t i = 0; i < count; i++)
    to[i] = ((const volatile uintptr_t *)from)[i];
#else
  memcpy(to, (const void *)from, count * sizeof *to);
#endif
}

/* Copies the window from this function's own frame on: all frames of its callers lie above, and a
 * function that calls another keeps nothing below its stack pointer. */
GAITI_NOINLINE static uintptr_t registers_copy_window(struct gaiti_saved *saved, uintptr_t high) {
  uintptr_t low = gaiti_stack_pointer() & ~(sizeof(uintptr_t) - 1);
  size_t bytes = high - low < GAITI_WINDOW_BYTES ? high - low : GAITI_WINDOW_BYTES;
  saved->count = bytes / sizeof(uintptr_t);
  saved->rest = low + saved->count * sizeof(uintptr_t);
  registers_copy(saved->words, low, saved->count);
  return low;
}

/* Registers of its callers that this function has pushed are in the window. */
GAITI_NOINLINE uintptr_t gaiti_registers_save(struct gaiti_saved *saved, uintptr_t high) {
  gaiti_registers_read(saved->registers);
  return registers_copy_window(saved, high);
}
