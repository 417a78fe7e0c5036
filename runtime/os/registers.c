#include "os/registers.h"

#include "base/attributes.h"

/* The first address past the part of the stack that may go. */
static uintptr_t registers_window_end(uintptr_t low, const struct gaiti_stack_part *part) {
  uintptr_t frame = (uintptr_t)part->frame, from = frame > low && frame < part->high ? frame : low;
  return part->high - from > GAITI_WINDOW_BYTES ? from + GAITI_WINDOW_BYTES : part->high;
}

/* Copies words of the stack, whatever they are.  A copy by the C library would be looked at by a
 * sanitizer, which forbids parts of the frames. */
GAITI_RACY static void registers_copy_words(uintptr_t *to, uintptr_t from, size_t count) {
#if defined(__x86_64__)
  __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
#else
  const volatile uintptr_t *word = (const volatile uintptr_t *)from;
  for (size_t i = 0; i < count; i++)
    to[i] = word[i];
#endif
}

GAITI_RACY GAITI_NOINLINE static size_t registers_count_words(const volatile uintptr_t *word,
                                                              uintptr_t end,
                                                              const struct gaiti_stack_part *part) {
  size_t count = 0;
  for (; (uintptr_t)word < end; word++)
    count += *word - part->base < part->bytes;
  return count;
}

/* Keeps words from this function's own frame on: all frames of its callers lie above, and a
 * function that calls another keeps nothing below its stack pointer.  All of them where there is
 * room, which is quicker than to look at each; of a large frame those that may be references.
 * Returns how many there was no room for. */
GAITI_RACY GAITI_NOINLINE static size_t registers_keep_words(struct gaiti_saved *saved,
                                                             const struct gaiti_stack_part *part) {
  uintptr_t low = gaiti_stack_pointer() & ~(sizeof(uintptr_t) - 1);
  uintptr_t end = registers_window_end(low, part) & ~(sizeof(uintptr_t) - 1);
  const volatile uintptr_t *word = (const volatile uintptr_t *)low;
  uintptr_t *kept = saved->more ? saved->more->words : saved->words;
  size_t capacity = saved->more ? saved->more->capacity : GAITI_WINDOW_WORDS, count = 0;
  uintptr_t base = part->base;
  size_t bytes = part->bytes;
  if ((end - low) / sizeof *word <= capacity) {
    saved->count = (end - low) / sizeof *word;
    saved->rest = end;
    registers_copy_words(kept, low, saved->count);
    return 0;
  }
  for (; (uintptr_t)word < end; word++) {
    uintptr_t value = *word;
    if (value - base >= bytes) continue;
    if (count == capacity) break;
    kept[count++] = value;
  }
  saved->count = count;
  saved->rest = (uintptr_t)word;
  return (uintptr_t)word < end ? registers_count_words(word, end, part) : 0;
}

/* Registers of its callers that this function has pushed are in the window: its frame is there
 * until the words are kept, since there is something to do after. */
GAITI_NOINLINE size_t gaiti_registers_save(struct gaiti_saved *saved,
                                           const struct gaiti_stack_part *part) {
  gaiti_registers_read(saved->registers);
  size_t left = registers_keep_words(saved, part);
  __asm__ volatile("" : : : "memory");
  return left > 0 ? saved->count + left : 0;
}
