/* ops.c: the instructions, one function each, which call the next one last.
 *
 * With SCHEME_TAIL_CALLS defined as 1 the compiler makes jumps of these calls, as gcc and clang do
 * at -O2; otherwise an instruction returns to machine_run, which calls the next one.
 *
 * An instruction that may fail or allocate notes its frame first: an error's handler is called from
 * behind it. */
#include "ops.h"

#ifndef SCHEME_TAIL_CALLS
#define SCHEME_TAIL_CALLS 0
#endif

#define OP(name) static void op_##name(struct machine *vm, const word *pc, word *fp)
#define R(n)     fp[pc[n]]
#define SAVE()   (vm->fp = fp)
#if SCHEME_TAIL_CALLS
#define GO(at, frame)                                                                              \
  do {                                                                                             \
    const word *go_at = (at);                                                                      \
    ((op_fn *)(uintptr_t)*go_at)(vm, go_at, (frame));                                              \
    return;                                                                                        \
  } while (0)
#else
#define GO(at, frame)                                                                              \
  do {                                                                                             \
    vm->pc = (at);                                                                                 \
    vm->fp = (frame);                                                                              \
    return;                                                                                        \
  } while (0)
#endif
#define NEXT(words) GO(pc + (words), fp)
#define BY(n)       GO(pc + (int64_t)pc[n], fp)

#define LIKELY(x) __builtin_expect(!!(x), 1)

/* ---- Variables ---- */

OP(move) {
  R(1) = R(2);
  NEXT(3);
}

OP(constant) {
  R(1) = pc[2];
  NEXT(3);
}

OP(free) {
  R(1) = slots_of(fp[-1])[pc[2]];
  NEXT(3);
}

OP(free_unbox) {
  const word value = slots_of(slots_of(fp[-1])[pc[2]])[0];
  SAVE();
  if (!LIKELY(value != W_UNBOUND)) scheme_error(vm, "a variable has no value yet", W_UNBOUND);
  R(1) = value;
  NEXT(3);
}

OP(box) {
  SAVE();
  const word box = make_object(vm, T_BOX, 1);
  gait_store_init_word(vm->thread, slots_of(box), R(2));
  R(1) = box;
  NEXT(3);
}

OP(unbox) {
  const word value = slots_of(R(2))[0];
  SAVE();
  if (!LIKELY(value != W_UNBOUND)) scheme_error(vm, "a variable has no value yet", W_UNBOUND);
  R(1) = value;
  NEXT(3);
}

OP(set_box) {
  gait_store_word(vm->thread, slots_of(R(1)), R(2));
  NEXT(3);
}

OP(global) {
  const word value = slots_of(pc[2])[SYMBOL_VALUE];
  SAVE();
  if (!LIKELY(value != W_UNBOUND)) scheme_error(vm, "there is no such variable", pc[2]);
  R(1) = value;
  NEXT(3);
}

OP(set_global) {
  SAVE();
  if (symbol_slot(pc[1], SYMBOL_VALUE) == W_UNBOUND)
    scheme_error(vm, "there is no such variable", pc[1]);
  gait_store_word(vm->thread, &slots_of(pc[1])[SYMBOL_VALUE], R(2));
  NEXT(3);
}

OP(define) {
  gait_store_word(vm->thread, &slots_of(pc[1])[SYMBOL_VALUE], R(2));
  NEXT(3);
}

/* ---- Jumps ---- */

OP(jump) {
  BY(1);
}

OP(loop) {
  SAVE();
  gait_thread_poll(vm->thread);
  if (!LIKELY(vm->limit)) machine_look(vm);
  BY(1);
}

OP(if) {
  if (R(1) == W_FALSE) BY(2);
  NEXT(3);
}

OP(if_true) {
  if (R(1) != W_FALSE) BY(2);
  NEXT(3);
}

OP(if_pair) {
  if (!is_pair(R(1))) BY(2);
  NEXT(3);
}

OP(if_null) {
  if (R(1) != W_NIL) BY(2);
  NEXT(3);
}

OP(if_eq) {
  if (R(1) != R(2)) BY(3);
  NEXT(4);
}

OP(if_eq_constant) {
  if (R(1) != pc[2]) BY(3);
  NEXT(4);
}

/* Whether a comparison's result, as number_compare has it, is one of the orders. */
static bool op_compare(struct machine *vm, word *fp, word a, word b, unsigned orders) {
  SAVE();
  return orders >> (number_compare(vm, a, b) + 1) & 1;
}

#define COMPARE(name, sign, orders)                                                                \
  OP(if_##name) {                                                                                  \
    const word a = R(1), b = R(2);                                                                 \
    if (LIKELY(are_fixnums(a, b))) {                                                               \
      if (!((int64_t)a sign(int64_t) b)) BY(3);                                                    \
      NEXT(4);                                                                                     \
    }                                                                                              \
    if (!op_compare(vm, fp, a, b, orders)) BY(3);                                                  \
    NEXT(4);                                                                                       \
  }                                                                                                \
  OP(if_##name##_k) {                                                                              \
    const word a = R(1), b = pc[2];                                                                \
    if (LIKELY(is_fixnum(a))) {                                                                    \
      if (!((int64_t)a sign(int64_t) b)) BY(3);                                                    \
      NEXT(4);                                                                                     \
    }                                                                                              \
    if (!op_compare(vm, fp, a, b, orders)) BY(3);                                                  \
    NEXT(4);                                                                                       \
  }
COMPARE(less, <, 1)
COMPARE(same, ==, 2)
COMPARE(less_same, <=, 3)
COMPARE(greater, >, 4)
COMPARE(greater_same, >=, 6)

/* ---- Arithmetic ---- */

#define ARITHMETIC(name, sign, overflows)                                                          \
  OP(name) {                                                                                       \
    const word a = R(2), b = R(3);                                                                 \
    int64_t result;                                                                                \
    if (LIKELY(are_fixnums(a, b)) && LIKELY(!overflows)) {                                         \
      R(1) = (word)result;                                                                         \
      NEXT(4);                                                                                     \
    }                                                                                              \
    SAVE();                                                                                        \
    R(1) = is_flonum(a) && is_flonum(b) ? flonum(vm, flonum_value(a) sign flonum_value(b))         \
                                        : number_##name(vm, a, b);                                 \
    NEXT(4);                                                                                       \
  }
ARITHMETIC(add, +, __builtin_add_overflow((int64_t)a, (int64_t)b, &result))
ARITHMETIC(subtract, -, __builtin_sub_overflow((int64_t)a, (int64_t)b, &result))
ARITHMETIC(multiply, *, __builtin_mul_overflow(fixnum_value(a), (int64_t)b, &result))

OP(divide) {
  SAVE();
  R(1) = number_divide(vm, R(2), R(3));
  NEXT(4);
}

OP(add_k) {
  const word a = R(2), b = pc[3];
  int64_t sum;
  if (LIKELY(is_fixnum(a)) && LIKELY(!__builtin_add_overflow((int64_t)a, (int64_t)b, &sum))) {
    R(1) = (word)sum;
    NEXT(4);
  }
  SAVE();
  R(1) = number_add(vm, a, b);
  NEXT(4);
}

OP(quotient) {
  const word a = R(2), b = R(3);
  SAVE();
  if (LIKELY(are_fixnums(a, b) && (int64_t)b > 0))
    R(1) = fixnum((int64_t)a / (int64_t)b);
  else
    R(1) = number_division(vm, QUOTIENT, a, b);
  NEXT(4);
}

OP(remainder) {
  const word a = R(2), b = R(3);
  SAVE();
  if (LIKELY(are_fixnums(a, b) && (int64_t)b > 0))
    R(1) = (word)((int64_t)a % (int64_t)b);
  else
    R(1) = number_division(vm, REMAINDER, a, b);
  NEXT(4);
}

/* ---- Objects ---- */

OP(car) {
  const word pair = R(2);
  SAVE();
  if (!LIKELY(is_pair(pair))) scheme_wrong(vm, "a pair", pair);
  R(1) = car(pair);
  NEXT(3);
}

OP(cdr) {
  const word pair = R(2);
  SAVE();
  if (!LIKELY(is_pair(pair))) scheme_wrong(vm, "a pair", pair);
  R(1) = cdr(pair);
  NEXT(3);
}

OP(cons) {
  SAVE();
  R(1) = cons(vm, R(2), R(3));
  NEXT(4);
}

OP(set_car) {
  SAVE();
  if (!is_pair(R(1))) scheme_wrong(vm, "a pair", R(1));
  gait_store_word(vm->thread, &pair_of(R(1))->car, R(2));
  NEXT(3);
}

OP(set_cdr) {
  SAVE();
  if (!is_pair(R(1))) scheme_wrong(vm, "a pair", R(1));
  gait_store_word(vm->thread, &pair_of(R(1))->cdr, R(2));
  NEXT(3);
}

/* A fixnum that is negative, or no fixnum, is no index below a length. */
static inline bool op_index(word object, enum type type, word index) {
  return LIKELY(is_object(object)) && LIKELY((object_of(object)->header & 255) == (word)type) &&
         LIKELY(is_fixnum(index)) && LIKELY(index >> 2 < object_of(object)->header >> 8);
}

static _Noreturn void op_bad_index(struct machine *vm, word object, enum type type, word index) {
  if (!is_type(object, type)) scheme_wrong(vm, type == T_VECTOR ? "a vector" : "a string", object);
  scheme_wrong(vm, "an index in range", index);
}

OP(vector_ref) {
  const word vector = R(2), index = R(3);
  SAVE();
  if (!op_index(vector, T_VECTOR, index)) op_bad_index(vm, vector, T_VECTOR, index);
  R(1) = slots_of(vector)[index >> 2];
  NEXT(4);
}

OP(vector_set) {
  const word vector = R(1), index = R(2);
  SAVE();
  if (!op_index(vector, T_VECTOR, index)) op_bad_index(vm, vector, T_VECTOR, index);
  gait_store_word(vm->thread, &slots_of(vector)[index >> 2], R(3));
  NEXT(4);
}

OP(string_ref) {
  const word string = R(2), index = R(3);
  SAVE();
  if (!op_index(string, T_STRING, index)) op_bad_index(vm, string, T_STRING, index);
  R(1) = character(string_chars(string)[index >> 2]);
  NEXT(4);
}

OP(closure) {
  const size_t count = pc[3];
  SAVE();
  const word closure = make_object(vm, T_CLOSURE, count + 1);
  word *slots = slots_of(closure);
  gait_store_init_word(vm->thread, &slots[0], pc[2]);
  for (size_t i = 0; i < count; i++) {
    const int64_t from = (int64_t)pc[4 + i];
    const word value = from >= 0 ? fp[from] : slots_of(fp[-1])[~from];
    gait_store_init_word(vm->thread, &slots[i + 1], value);
  }
  R(1) = closure;
  NEXT(4 + count);
}

OP(patch) {
  gait_store_word(vm->thread, &slots_of(R(1))[pc[2]], R(3));
  NEXT(4);
}

OP(builtin) {
  SAVE();
  R(1) = ((builtin_fn *)(uintptr_t)pc[4])(vm, &R(2), pc[3]);
  NEXT(5);
}

/* ---- Calls ---- */

static void op_apply(struct machine *vm, const word *pc, word *fp) {
  (void)pc;
  machine_apply(vm, fp, vm->count);
  GO(vm->pc, vm->fp);
}

/* Runs `callee`, whose arguments are in its frame `fp` already. */
#define ENTER(procedure, arguments)                                                                \
  do {                                                                                             \
    const word callee = (procedure);                                                               \
    fp[-1] = callee;                                                                               \
    SAVE();                                                                                        \
    vm->count = (arguments);                                                                       \
    gait_thread_poll(vm->thread);                                                                  \
    if (LIKELY(is_type(callee, T_CLOSURE))) {                                                      \
      const struct code *code = (const struct code *)object_of(slots_of(callee)[0]);               \
      if (LIKELY(code->arity == (arguments)) && LIKELY(fp + code->frame <= vm->limit))             \
        GO(code->ops, fp);                                                                         \
    }                                                                                              \
    op_apply(vm, NULL, fp);                                                                        \
    return;                                                                                        \
  } while (0)

OP(call) {
  const word procedure = R(3);
  const word first = pc[1], count = pc[2];
  fp += first;
  fp[-3] = first * sizeof(word);
  fp[-2] = (word)(uintptr_t)(pc + 5);
  ENTER(procedure, count);
}

OP(call_global) {
  const word procedure = slots_of(pc[3])[SYMBOL_VALUE];
  const word first = pc[1], count = pc[2];
  SAVE();
  if (!LIKELY(procedure != W_UNBOUND)) scheme_error(vm, "there is no such variable", pc[3]);
  fp += first;
  fp[-3] = first * sizeof(word);
  fp[-2] = (word)(uintptr_t)(pc + 5);
  ENTER(procedure, count);
}

OP(tail_call) {
  const word procedure = R(3);
  const word first = pc[1], count = pc[2];
  for (word i = 0; i < count; i++)
    fp[i] = fp[first + i];
  ENTER(procedure, count);
}

OP(tail_call_global) {
  const word procedure = slots_of(pc[3])[SYMBOL_VALUE];
  const word first = pc[1], count = pc[2];
  SAVE();
  if (!LIKELY(procedure != W_UNBOUND)) scheme_error(vm, "there is no such variable", pc[3]);
  for (word i = 0; i < count; i++)
    fp[i] = fp[first + i];
  ENTER(procedure, count);
}

OP(return ) {
  const word value = R(1);
  const word *to = (const word *)(uintptr_t)fp[-2];
  fp -= fp[-3] / sizeof(word);
  fp[to[-1]] = value;
  GO(to, fp);
}

/* ---- Where a frame returns to that no instruction has called ---- */

static void op_halt(struct machine *vm, const word *pc, word *fp) {
  (void)pc;
  vm->fp = fp;
  vm->running = false;
}

static void op_underflow(struct machine *vm, const word *pc, word *fp) {
  (void)pc;
  machine_underflow(vm, fp[0]);
  GO(vm->pc, vm->fp);
}

static void op_trap(struct machine *vm, const word *pc, word *fp) {
  (void)pc;
  SAVE();
  scheme_error(vm, "a handler of an error has returned", W_UNBOUND);
}

/* Before each: the slot that takes the value. */
const word machine_halts[] = {0, (word)(uintptr_t)op_halt};
const word machine_underflows[] = {0, (word)(uintptr_t)op_underflow};
const word machine_traps[] = {0, (word)(uintptr_t)op_trap};

op_fn *const machine_ops[] = {
#define OP_FUNCTION(name, words) op_##name,
    OPS(OP_FUNCTION)
#undef OP_FUNCTION
};
