/* stack.h: the stack of another thread of this process, for a line or two in the log. */
#ifndef GAITI_OS_STACK_H
#define GAITI_OS_STACK_H

#include <stdbool.h>
#include <stddef.h>

#define GAITI_STACK_FRAMES 48

enum gaiti_stack_result {
  GAITI_STACK_TAKEN,
  GAITI_STACK_UNSUPPORTED, /* not in this build, or not with this signal */
  GAITI_STACK_HANDLED,     /* the program has its own handler for the signal, or ignores it */
  GAITI_STACK_BUSY,        /* a stack is being taken for another heap */
  GAITI_STACK_SILENT,      /* the thread is gone, blocks the signal, or did not run */
};

/* Why there is no stack, for a sentence. */
const char *gaiti_stack_reason(enum gaiti_stack_result result);

/* Addresses of instructions, innermost first. */
struct gaiti_stack {
  int count;
  void *frames[GAITI_STACK_FRAMES];
};

/* Asks thread `tid` for its stack by `signal`, and waits for it, a second at most.  The calling
 * thread is another one, and holds no lock.  The signal is as before afterwards. */
enum gaiti_stack_result gaiti_stack_take(int tid, int signal, struct gaiti_stack *stack);

/* Writes the name of a frame's place in the program or library: its file, function and offset. */
void gaiti_stack_describe(const struct gaiti_stack *stack, int frame, char *text, size_t bytes);

#endif
