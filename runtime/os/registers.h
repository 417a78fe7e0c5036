/* registers.h: the registers that a callee must preserve, and that may so hold a caller's only
 * reference to an object.
 *
 * The ABI of each machine names them.  They are read by name, at one place in a function, and a
 * register that the functions on the way there have used for themselves is on the stack by then:
 * the registers, and the stack from the stack pointer up, are all that a caller may hold a
 * reference in.  Nothing here depends on how a compiler lays out a frame.  setjmp would not do: the
 * C library hides some of the registers that it stores. */
#ifndef GAITI_OS_REGISTERS_H
#define GAITI_OS_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)

/* System V ABI: rbx, rbp, r12 to r15. */
#define GAITI_REGISTERS 6

/* How far GAIT_FRAME_END may lie below the end of its frame: the caller's frame pointer and the
 * place to return to are there. */
#define GAITI_FRAME_END_BYTES ((size_t)16)

static inline __attribute__((always_inline)) void gaiti_registers_read(uintptr_t *words) {
  __asm__ volatile("movq %%rbx, 0(%0)\n\t"
                   "movq %%rbp, 8(%0)\n\t"
                   "movq %%r12, 16(%0)\n\t"
                   "movq %%r13, 24(%0)\n\t"
                   "movq %%r14, 32(%0)\n\t"
                   "movq %%r15, 40(%0)"
                   :
                   : "r"(words)
                   : "memory");
}

static inline __attribute__((always_inline)) uintptr_t gaiti_stack_pointer(void) {
  uintptr_t pointer;
  __asm__ volatile("movq %%rsp, %0" : "=r"(pointer));
  return pointer;
}

#elif defined(__aarch64__)

/* AAPCS64: x19 to x28, the frame pointer x29, and the low halves of v8 to v15, in which a compiler
 * may put a word for which it has no other register. */
#define GAITI_REGISTERS       19

/* How far GAIT_FRAME_END may lie below the end of its frame.  Clang saves above it all of these and
 * the place to return to, and the registers with arguments where their number varies. */
#define GAITI_FRAME_END_BYTES ((size_t)384)

static inline __attribute__((always_inline)) void gaiti_registers_read(uintptr_t *words) {
  __asm__ volatile("stp x19, x20, [%0, #0]\n\t"
                   "stp x21, x22, [%0, #16]\n\t"
                   "stp x23, x24, [%0, #32]\n\t"
                   "stp x25, x26, [%0, #48]\n\t"
                   "stp x27, x28, [%0, #64]\n\t"
                   "str x29, [%0, #80]\n\t"
                   "stp d8, d9, [%0, #88]\n\t"
                   "stp d10, d11, [%0, #104]\n\t"
                   "stp d12, d13, [%0, #120]\n\t"
                   "stp d14, d15, [%0, #136]"
                   :
                   : "r"(words)
                   : "memory");
}

static inline __attribute__((always_inline)) uintptr_t gaiti_stack_pointer(void) {
  uintptr_t pointer;
  __asm__ volatile("mov %0, sp" : "=r"(pointer));
  return pointer;
}

#else
#error "say here which registers a callee preserves on this machine"
#endif

/* Bytes of a stack that may go beyond the frame that leaves managed code, and the words of them. */
#define GAITI_WINDOW_BYTES ((size_t)1024 + GAITI_FRAME_END_BYTES)
/* The frames of Gait's own functions, and of a leaver that has few variables, fit in as well. */
#define GAITI_WINDOW_WORDS ((GAITI_WINDOW_BYTES + 1024) / sizeof(uintptr_t))

/* Room for words of a frame that has more of them. */
struct gaiti_saved_room {
  size_t capacity;
  uintptr_t words[];
};

/* Where a thread may hold references, as of one moment: its registers, the words of the lowest part
 * of its stack, or those that could be references, by copy, and the rest of the stack, in place.
 *
 * A thread that leaves managed code goes on: the function that left may return, and so may its
 * caller, if that is a wrapper.  Their frames hold registers of functions further up, which are
 * then in registers again, and the frames are overwritten.  So the words of frames that may go are
 * copied: of the function that leaves, of any size, and GAITI_WINDOW_BYTES above.  Higher frames
 * stay in place while the thread is outside, which gait_thread_enter checks.
 *   words, count  of that part
 *   more          in place of words, where a frame had more than these
 *   rest          where it ends and the rest begins; sooner when there is no room for more words */
struct gaiti_saved {
  uintptr_t registers[GAITI_REGISTERS];
  uintptr_t words[GAITI_WINDOW_WORDS];
  struct gaiti_saved_room *more;
  size_t count;
  uintptr_t rest;
};

static inline const uintptr_t *gaiti_saved_words(const struct gaiti_saved *saved) {
  return saved->more ? saved->more->words : saved->words;
}

/* A stack, and the part of it to save.
 *   frame        of the function that leaves, or NULL
 *   high         where the stack ends
 *   base, bytes  the addresses to which references point; all words are kept where bytes is
 *                SIZE_MAX */
struct gaiti_stack_part {
  const void *frame;
  uintptr_t high;
  uintptr_t base;
  size_t bytes;
};

/* Saves the references that the calling thread may hold now.  Returns 0, or, when there was no room
 * for the words of all frames that may go, how many would have to be kept. */
size_t gaiti_registers_save(struct gaiti_saved *saved, const struct gaiti_stack_part *part);

#endif
