/* Another thread's stack.
 *
 * No thread can read the stack of one that runs, so that one is asked to do it: by a signal, whose
 * handler is installed for this moment only, and only where the program has left the signal alone.
 * backtrace() walks by the tables for unwinding, so it needs no frame pointers.  Its first call
 * loads a library, which a handler must not do; so the asking thread calls it once before.
 *
 *   asking thread                               thread that is asked
 *   FREE -> CLAIMED; else another heap asks
 *   installs the handler
 *   CLAIMED -> ASKED, sends the signal
 *   waits                                       ASKED -> ANSWERING, or it is too late
 *   .                                           writes the frames
 *   sees ANSWERED                               ANSWERING -> ANSWERED
 *   puts the signal back
 *   ANSWERED -> FREE
 *
 * A thread may not answer: it is gone, it blocks the signal, or it does not get to run.  Then ASKED
 * -> CLAIMED ends it, after which a handler that runs does nothing.  The signal may still be
 * pending; to ignore it for a moment discards it, so that no other disposition meets it.  A thread
 * that stays in ANSWERING keeps the word for good: no further stack is taken.
 *
 * Thread sanitizer puts a signal off until the thread calls something that it knows of, which a
 * thread that spins does not do: there is no stack in such a build.  Nor is there one where the C
 * library has no backtrace().
 *
 * Litmus: stack. */
#define _GNU_SOURCE
#include "os/stack.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/asan.h"
#include "base/atomic.h"
#include "os/os.h"

#if defined(__has_include)
#if __has_include(<execinfo.h>)
#define STACK_HAS_BACKTRACE 1
#include <execinfo.h>
#endif
#endif

#if !defined(STACK_HAS_BACKTRACE) || defined(__SANITIZE_THREAD__) ||                               \
    GAITI_HAS_FEATURE(thread_sanitizer)
#define STACK_SUPPORTED 0
#else
#define STACK_SUPPORTED 1
#endif

const char *gaiti_stack_reason(enum gaiti_stack_result result) {
  static const char *const reasons[] = {"it is known",
                                        "it cannot be taken in this build, or not by this signal",
                                        "the program has set the signal's disposition",
                                        "another one is being taken", "the thread does not answer"};
  return reasons[result];
}

#if STACK_SUPPORTED

#define STACK_WAIT_NS  1000000000u
#define STACK_SLEEP_NS 100000u
/* The handler's own frame, the system's, and those that a sanitizer may add. */
#define STACK_OWN_FRAMES 8

enum stack_state { STACK_FREE, STACK_CLAIMED, STACK_ASKED, STACK_ANSWERING, STACK_ANSWERED };

/* For the whole process, as dispositions of signals are.  The rest belongs to the thread that moved
 * the state to CLAIMED or to ANSWERING. */
static AO_t stack_state = STACK_FREE;
static AO_t stack_tid;
static void *stack_frames[GAITI_STACK_FRAMES + STACK_OWN_FRAMES];
static int stack_count;
static uintptr_t stack_place; /* the instruction that was interrupted */

/* Moves the state; false when another thread has moved it before. */
static bool stack_move(enum stack_state from, enum stack_state to) {
  return AO_compare_and_swap_full(&stack_state, from, to);
}

/* ---- The thread that is asked ---- */

static uintptr_t stack_interrupted(const void *context) {
  const ucontext_t *interrupted = context;
#if defined(__x86_64__)
  return (uintptr_t)interrupted->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
  return (uintptr_t)interrupted->uc_mcontext.pc;
#else
  (void)interrupted;
  return 0;
#endif
}

/* The handler: the asked thread writes its stack down. */
static void stack_answer(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)info;
  int before = errno;
  if ((AO_t)gaiti_os_thread_id() == AO_load(&stack_tid) &&
      stack_move(STACK_ASKED, STACK_ANSWERING)) {
    stack_place = stack_interrupted(context);
    stack_count = backtrace(stack_frames, GAITI_STACK_FRAMES + STACK_OWN_FRAMES);
    AO_store_release(&stack_state, STACK_ANSWERED);
  }
  errno = before;
}

/* ---- The thread that asks ---- */

/* Waits for a state, a second at most. */
static bool stack_wait(enum stack_state until) {
  uint64_t start = gaiti_os_now_ns();
  while (AO_load_acquire(&stack_state) != (AO_t)until) {
    if (gaiti_os_now_ns() - start >= STACK_WAIT_NS) return false;
    gaiti_os_sleep_ns(STACK_SLEEP_NS);
  }
  return true;
}

/* Whether the thread has answered; no handler is at work afterwards, unless the state is
 * ANSWERING. */
static bool stack_ask(int tid, int signal) {
  AO_store(&stack_tid, (AO_t)tid);
  AO_store_full(&stack_state, STACK_ASKED);
  if (syscall(SYS_tgkill, getpid(), tid, signal) == 0 && stack_wait(STACK_ANSWERED)) return true;
  return !stack_move(STACK_ASKED, STACK_CLAIMED) && stack_wait(STACK_ANSWERED);
}

/* Drops the handler's own frames. */
static void stack_copy(struct gaiti_stack *stack) {
  int first = 0;
  while (first < stack_count && (uintptr_t)stack_frames[first] != stack_place)
    first++;
  if (first == stack_count || first > STACK_OWN_FRAMES) first = 0;
  stack->count = stack_count - first;
  if (stack->count > GAITI_STACK_FRAMES) stack->count = GAITI_STACK_FRAMES;
  for (int i = 0; i < stack->count; i++)
    stack->frames[i] = stack_frames[first + i];
}

static bool stack_is_ours(const struct sigaction *action) {
  return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == stack_answer;
}

/* Unless the program has installed a handler meanwhile. */
static void stack_put_back(int signal, bool may_be_pending, const struct sigaction *before) {
  struct sigaction now, ignored = {.sa_handler = SIG_IGN};
  if (sigaction(signal, NULL, &now) != 0 || !stack_is_ours(&now)) return;
  if (may_be_pending) sigaction(signal, &ignored, NULL);
  sigaction(signal, before, NULL);
}

static enum gaiti_stack_result stack_take_claimed(int tid, int signal, struct gaiti_stack *stack) {
  struct sigaction before, ours = {.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  ours.sa_sigaction = stack_answer;
  sigfillset(&ours.sa_mask);
  if (sigaction(signal, NULL, &before) != 0) return GAITI_STACK_UNSUPPORTED;
  if ((before.sa_flags & SA_SIGINFO) || before.sa_handler != SIG_DFL) return GAITI_STACK_HANDLED;
  if (backtrace(stack->frames, 1) < 1) return GAITI_STACK_UNSUPPORTED;
  if (sigaction(signal, &ours, NULL) != 0) return GAITI_STACK_UNSUPPORTED;
  bool answered = stack_ask(tid, signal);
  stack_put_back(signal, !answered, &before);
  if (!answered) return GAITI_STACK_SILENT;
  stack_copy(stack);
  return stack->count > 0 ? GAITI_STACK_TAKEN : GAITI_STACK_UNSUPPORTED;
}

enum gaiti_stack_result gaiti_stack_take(int tid, int signal, struct gaiti_stack *stack) {
  stack->count = 0;
  if (!stack_move(STACK_FREE, STACK_CLAIMED)) return GAITI_STACK_BUSY;
  int before = errno, cancel = gaiti_os_cancel_off();
  enum gaiti_stack_result result = stack_take_claimed(tid, signal, stack);
  gaiti_os_cancel_back(cancel);
  errno = before;
  if (AO_load_acquire(&stack_state) != STACK_ANSWERING) AO_store_release(&stack_state, STACK_FREE);
  return result;
}

void gaiti_stack_describe(const struct gaiti_stack *stack, int frame, char *text, size_t bytes) {
  int before = errno, cancel = gaiti_os_cancel_off();
  char **symbols = backtrace_symbols(&stack->frames[frame], 1);
  snprintf(text, bytes, "%s", symbols ? symbols[0] : "?");
  free(symbols);
  gaiti_os_cancel_back(cancel);
  errno = before;
}

#else

enum gaiti_stack_result gaiti_stack_take(int tid, int signal, struct gaiti_stack *stack) {
  (void)tid;
  (void)signal;
  stack->count = 0;
  return GAITI_STACK_UNSUPPORTED;
}

void gaiti_stack_describe(const struct gaiti_stack *stack, int frame, char *text, size_t bytes) {
  snprintf(text, bytes, "%p", stack->frames[frame]);
}

#endif
