/* registers.h: the registers that a callee must preserve, and that may so hold a caller's only
 * reference to an object.
 *
 * GAITI_SAVE_FRAME must stand at the start of a function that is not inlined.  The compiler then
 * pushes every such register in the function's prologue, before the function can use one for
 * itself, and the function's own frame, from the stack pointer to the frame address, has them all.
 * That frame is copied, so the function may return.  setjmp would not do: the C library hides some
 * of what it stores. */
#ifndef GAITI_OS_REGISTERS_H
#define GAITI_OS_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

#define GAITI_SAVED_WORDS 64

/* Words of a frame. */
struct gaiti_saved_frame {
  size_t count;
  uintptr_t words[GAITI_SAVED_WORDS];
};

static inline __attribute__((always_inline)) uintptr_t gaiti_stack_pointer(void) {
  uintptr_t pointer;
#if defined(__x86_64__)
  __asm__ volatile("movq %%rsp, %0" : "=r"(pointer));
#elif defined(__aarch64__)
  __asm__ volatile("mov %0, sp" : "=r"(pointer));
#else
#error "say here how to read the stack pointer of this machine"
#endif
  return pointer;
}

#define GAITI_SAVE_FRAME(saved, stack_low)                                                         \
  do {                                                                                             \
    __builtin_unwind_init();                                                                       \
    gaiti_save_words((saved), gaiti_stack_pointer(), (uintptr_t)__builtin_frame_address(0));       \
    (stack_low) = __builtin_frame_address(0);                                                      \
  } while (0)

/* Copies the words of [low, high), which must fit. */
void gaiti_save_words(struct gaiti_saved_frame *saved, uintptr_t low, uintptr_t high);

#endif
