/* ops.h: the instructions.  Each is the address of a function and its operands, one word each;
 * slots are of the frame, a jump counts from its instruction. */
#ifndef SCHEME_OPS_H
#define SCHEME_OPS_H

#include "scheme.h"

/* X(name, words) */
#define OPS(X)                                                                                     \
  X(move, 3)           /* to, from */                                                              \
  X(constant, 3)       /* to, word */                                                              \
  X(free, 3)           /* to, index */                                                             \
  X(free_unbox, 3)     /* to, index */                                                             \
  X(box, 3)            /* to, from */                                                              \
  X(unbox, 3)          /* to, box */                                                               \
  X(set_box, 3)        /* box, from */                                                             \
  X(global, 3)         /* to, symbol */                                                            \
  X(set_global, 3)     /* symbol, from */                                                          \
  X(define, 3)         /* symbol, from */                                                          \
  X(jump, 2)           /* by */                                                                    \
  X(loop, 2)           /* by: a jump back */                                                       \
  X(if, 3)             /* slot, by: jumps where it is false, as all of these do */                 \
  X(if_true, 3)        /* slot, by: jumps where it is true */                                      \
  X(if_pair, 3)        /* slot, by */                                                              \
  X(if_null, 3)        /* slot, by */                                                              \
  X(if_eq, 4)          /* slot, slot, by */                                                        \
  X(if_eq_constant, 4) /* slot, word, by */                                                        \
  X(if_less, 4)        /* slot, slot, by */                                                        \
  X(if_less_same, 4)                                                                               \
  X(if_greater, 4)                                                                                 \
  X(if_greater_same, 4)                                                                            \
  X(if_same, 4)                                                                                    \
  X(if_less_k, 4) /* slot, fixnum, by */                                                           \
  X(if_less_same_k, 4)                                                                             \
  X(if_greater_k, 4)                                                                               \
  X(if_greater_same_k, 4)                                                                          \
  X(if_same_k, 4)                                                                                  \
  X(add, 4) /* to, slot, slot */                                                                   \
  X(subtract, 4)                                                                                   \
  X(multiply, 4)                                                                                   \
  X(divide, 4)                                                                                     \
  X(add_k, 4) /* to, slot, fixnum */                                                               \
  X(quotient, 4)                                                                                   \
  X(remainder, 4)                                                                                  \
  X(car, 3) /* to, slot */                                                                         \
  X(cdr, 3)                                                                                        \
  X(cons, 4)                                                                                       \
  X(set_car, 3) /* pair, slot */                                                                   \
  X(set_cdr, 3)                                                                                    \
  X(vector_ref, 4)  /* to, vector, index */                                                        \
  X(vector_set, 4)  /* vector, index, slot */                                                      \
  X(string_ref, 4)  /* to, string, index */                                                        \
  X(closure, 4)     /* to, code, count, then of each a slot, or ~ the index of a free one */       \
  X(patch, 4)       /* closure, index, slot */                                                     \
  X(builtin, 5)     /* to, first, count, function */                                               \
  X(call, 5)        /* first slot past the header, count, procedure, to */                         \
  X(call_global, 5) /* first slot, count, symbol, to */                                            \
  X(tail_call, 4)   /* first slot, count, procedure */                                             \
  X(tail_call_global, 4)                                                                           \
  X(return, 2) /* slot */

enum op {
#define OP_ENUM(name, words) OP_##name,
  OPS(OP_ENUM)
#undef OP_ENUM
      OP_COUNT
};

typedef void op_fn(struct machine *vm, const word *pc, word *fp);
extern op_fn *const machine_ops[];

/* Readies vm->fp and vm->pc to run what is in fp[-1] on `count` arguments in its frame `fp`. */
void machine_apply(struct machine *vm, word *fp, size_t count);
/* Readies them to go on where the frame `fp` returns to. */
void machine_return(struct machine *vm, word *fp, word value);
/* Goes on with what `vm` has of sealed frames. */
void machine_underflow(struct machine *vm, word value);

extern const word machine_halts[], machine_underflows[], machine_traps[];

#endif
