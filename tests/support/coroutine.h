/* coroutine.h: stacks that a test swaps, by some lines of assembly, or by ucontext where the C
 * library has it.  Sanitizers are told. */
#ifndef SUPPORT_COROUTINE_H
#define SUPPORT_COROUTINE_H

#include <stdbool.h>
#include <stddef.h>
#if defined(__GLIBC__)
#include <ucontext.h>
#define COROUTINE_UCONTEXT 1
#else
#define COROUTINE_UCONTEXT 0
#endif

/* A stack; a zeroed one is that of the thread which swaps from it first.
 *   low, bytes  of its memory, which is mapped without reserve
 *   place       where its registers are, while it waits
 *   ucontext    swapped by swapcontext */
struct coroutine {
  char *low;
  size_t bytes;
  void *place;
  void (*entry)(void *);
  void *arg;
  bool ucontext;
  bool ended;             /* it is swapped from for the last time */
  struct coroutine *from; /* that swapped to it last */
  void *fake_stack;
  void *tsan;
#if COROUTINE_UCONTEXT
  ucontext_t context;
#endif
};

/* A stack on which entry(arg), which does not return, begins at the first swap to it.  False: no
 * memory. */
bool coroutine_make(struct coroutine *coroutine, size_t bytes, bool ucontext, void (*entry)(void *),
                    void *arg);
void coroutine_free(struct coroutine *coroutine);

/* The same on memory of the caller's, swapped by assembly. */
void coroutine_make_at(struct coroutine *coroutine, char *low, size_t bytes, void (*entry)(void *),
                       void *arg);

/* The arg of coroutine_swap, which is a gait_fiber_swap_fn. */
struct coroutine_swap {
  struct coroutine *from, *to;
};
void coroutine_swap(void *arg);

#endif
