#include "os/registers.h"

#include "base/attributes.h"
#include "base/check.h"

GAITI_RACY GAITI_NOINLINE void gaiti_save_words(struct gaiti_saved_frame *saved, uintptr_t low,
                                                uintptr_t high) {
  size_t count = (high - low) / sizeof(uintptr_t);
  CHECK("registers.frame", count <= GAITI_SAVED_WORDS, "a frame that saves registers is too large");
  for (size_t i = 0; i < count; i++)
    saved->words[i] = ((const volatile uintptr_t *)low)[i];
  saved->count = count;
}
