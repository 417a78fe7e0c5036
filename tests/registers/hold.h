/* hold.h: functions in assembly that hold a reference in one place and nowhere else.
 *
 * A place is a register that a callee must preserve, or a word of the function's own frame: `low`
 * is the word at the stack pointer, `high` the one below what the function saved of its caller's
 * registers.  A reference is disguised, as its complement, wherever C sees it. */
#ifndef REGISTERS_HOLD_H
#define REGISTERS_HOLD_H

#include <stddef.h>
#include <stdint.h>

typedef void hold_call(void);

/* One call that is made while the reference is held.  hold.S knows the offsets. */
struct hold_step {
  hold_call *call;
  uint64_t arguments[4];
  const int *until;  /* not NULL: while it is zero, after the call go back ... */
  uint64_t back;     /* ... by so many bytes of steps; 0: the same call again */
  uint64_t returned; /* what the last call returned */
  uint64_t is_gaits; /* made at the frame's own stack pointer; others further down */
};

/* Makes the calls of [first, end) with the reference in its place; returns what is there then,
 * disguised. */
typedef uintptr_t hold_fn(struct hold_step *first, struct hold_step *end, uintptr_t hidden);

/* Calls `function(first, second)` with the register pushed and cleared, and returns: what the
 * function has saved of registers is then its caller's no more.  hold_far_REGISTER does it from a
 * frame of GAIT_LEAVE_FRAMES_BYTES. */
typedef void hold_spill_fn(hold_call *function, uint64_t first, uint64_t second);

/* What hold_foreign is given. */
struct hold_foreign {
  hold_spill_fn *spill;
  hold_call *callback;
  void *arg;
  hold_call *then;
};

/* Foreign code, for gait_thread_outside: has `spill` call `callback(arg)`, overwrites the stack
 * below itself, and calls `then(arg)` further down the stack.  Uses no register that it must
 * preserve. Returns its argument. */
void *hold_foreign(void *foreign);

#if defined(__x86_64__)
#define HOLD_REGISTERS(X) X(rbx) X(rbp) X(r12) X(r13) X(r14) X(r15)
#elif defined(__aarch64__)
#define HOLD_REGISTERS(X)                                                                          \
  X(x19)                                                                                           \
  X(x20)                                                                                           \
  X(x21)                                                                                           \
  X(x22)                                                                                           \
  X(x23)                                                                                           \
  X(x24)                                                                                           \
  X(x25)                                                                                           \
  X(x26)                                                                                           \
  X(x27) X(x28) X(x29) X(d8) X(d9) X(d10) X(d11) X(d12) X(d13) X(d14) X(d15)
#else
#error "say here which registers a callee of this machine preserves"
#endif

#define HOLD_DECLARE(place)                                                                        \
  hold_fn hold_##place;                                                                            \
  hold_spill_fn hold_spill_##place;                                                                \
  hold_spill_fn hold_far_##place;
HOLD_REGISTERS(HOLD_DECLARE)
hold_fn hold_low;
hold_fn hold_high;
hold_spill_fn hold_spill_none;

#endif
