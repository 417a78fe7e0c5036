#include "os/registers.h"

#include "base/attributes.h"

/* Copies the window from this function's own frame on: all frames of its callers lie above, and a
 * function that calls another keeps nothing below its stack pointer.  Word by word: a sanitizer
 * must not look at what lies between the variables of other functions. */
GAITI_RACY GAITI_NOINLINE static uintptr_t registers_copy_window(struct gaiti_saved *saved,
                                                                 uintptr_t high) {
  uintptr_t low = gaiti_stack_pointer() & ~(sizeof(uintptr_t) - 1);
  size_t bytes = high - low < GAITI_WINDOW_BYTES ? high - low : GAITI_WINDOW_BYTES;
  const volatile uintptr_t *words = (const volatile uintptr_t *)low;
  saved->count = bytes / sizeof(uintptr_t);
  saved->rest = low + saved->count * sizeof(uintptr_t);
  for (size_t i = 0; i < saved->count; i++)
    saved->words[i] = words[i];
  return low;
}

/* Registers of its callers that this function has pushed are in the window. */
GAITI_NOINLINE uintptr_t gaiti_registers_save(struct gaiti_saved *saved, uintptr_t high) {
  gaiti_registers_read(saved->registers);
  return registers_copy_window(saved, high);
}
