/* machine.c: a machine's stack, calls, continuations and errors.
 *
 *   stack   registers | bottom frame | ... | frame | unused
 *   frame   bytes to the caller's slots, where the caller goes on, closure | slots
 *
 * The stack, as far as it is in use, is one exact frame of the thread, written plainly.  When it is
 * full, or a continuation is taken, all that is on it becomes a segment: an object that names the
 * segment below.  The bottom frame then returns to op_underflow, which copies the topmost frame of
 * the segment back and leaves the others.  So a continuation is a segment and how much of it, may
 * be entered again and again, and depth costs heap alone.  As a frame may be copied twice,
 * variables that are assigned to live in boxes.
 *
 * A frame that has been copied back is cleared in its segment, or all that it had would live as
 * long as the frames below it; but not where a continuation has the segment too.  That is known of
 * the segment that was made for it; of one below, when the machine comes to it from above. */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#define CLEAR_WORDS    (REST_MAX + STACK_SPARE)
#define MACHINE_C_ROOM ((size_t)4 * 1024 * 1024)

/* What `interrupted` may be. */
enum { INTERRUPT_NONE, INTERRUPT_RAISES, INTERRUPT_TERMINATES };

static word *machine_base(const struct machine *vm) {
  return vm->stack + REGISTERS;
}

gait_result machine_create(struct scheme *scheme, gait_thread *thread, struct machine *vm) {
  memset(vm, 0, sizeof *vm);
  vm->scheme = scheme;
  vm->c_room = MACHINE_C_ROOM;
  vm->pairs = scheme->pairs;
  vm->objects = scheme->objects;
  vm->codes = scheme->codes;
  vm->leaves = scheme->leaves;
  if (!symbols_create(scheme, thread)) return GAIT_ERROR_MEMORY;
  vm->stack = calloc(STACK_WORDS, sizeof(word));
  if (!vm->stack) return GAIT_ERROR_MEMORY;
  vm->fp = machine_base(vm) + FRAME_WORDS;
  vm->limit_of_stack = vm->limit = vm->stack + STACK_WORDS - STACK_SPARE;
  vm->stack[REG_WINDERS] = vm->stack[REG_HANDLERS] = vm->stack[REG_PARAMETERS] = W_NIL;
  if (thread) machine_attach(vm, thread);
  return GAIT_OK;
}

/* The slots of the running frame. */
static size_t machine_slots(const struct machine *vm) {
  const word callee = vm->fp[-1];
  return is_type(callee, T_CLOSURE) ? ((const struct code *)object_of(slots_of(callee)[0]))->frame
                                    : vm->count;
}

/* Arguments may be more than the slots, until those for a rest list are in one. */
static word *machine_top(const struct machine *vm) {
  const size_t slots = machine_slots(vm);
  return vm->fp + (slots > vm->count ? slots : vm->count);
}

/* A frame has slots that nothing has been put into yet: what calls that are over have left there
 * would come to life again, so it is cleared.  No frame has so many zeros in a row as end it. */
static size_t machine_count(void *arg) {
  const struct machine *vm = arg;
  word *top = machine_top(vm), *end = vm->stack + STACK_WORDS;
  for (size_t zeros = 0, i = 0; top + i < end && zeros < CLEAR_WORDS; i++) {
    zeros = top[i] == 0 ? zeros + 1 : 0;
    if (top[i] != 0) top[i] = 0;
  }
  return (size_t)(top - vm->stack);
}

/* The stack is a root between runs too: what they have left on it would be stale otherwise. */
void machine_attach(struct machine *vm, gait_thread *thread) {
  vm->thread = thread;
  if (!gait_thread_user(thread)) gait_thread_set_user(thread, vm);
  gait_frame_push_sized(thread, &vm->frame, (void **)(void *)vm->stack, STACK_WORDS, machine_count,
                        vm);
}

void machine_detach(struct machine *vm) {
  gait_frame_pop(vm->thread, &vm->frame.frame);
  if (gait_thread_user(vm->thread) == vm) gait_thread_set_user(vm->thread, NULL);
}

void machine_destroy(struct machine *vm) {
  if (vm->thread) machine_detach(vm);
  free(vm->stack);
}

/* Of the machine, and of the generators that run in its place. */
static void machine_stop(struct machine *vm, int how) {
  for (; vm; vm = vm->inner) {
    vm->interrupted = how;
    vm->limit = NULL;
  }
}

/* From a signal handler, too. */
void machine_interrupt(struct machine *vm) {
  machine_stop(vm, INTERRUPT_RAISES);
}

void machine_terminate(struct machine *vm) {
  machine_stop(vm, INTERRUPT_TERMINATES);
}

void machine_look(struct machine *vm) {
  if (vm->limit != vm->limit_of_stack) vm->limit = vm->limit_of_stack;
  if (!vm->interrupted) return;
  if (vm->interrupted == INTERRUPT_TERMINATES) longjmp(vm->escape, INTERRUPT_TERMINATES);
  vm->interrupted = 0;
  scheme_raise(vm, vm->scheme->roots[ROOT_INTERRUPT]);
}

void machine_deep(struct machine *vm) {
  scheme_error(vm, "data are too deep", W_UNBOUND);
}

/* ---- Errors ---- */

_Noreturn void scheme_raise(struct machine *vm, word object) {
  vm->stack[REG_ERROR] = object;
  longjmp(vm->escape, 1);
}

_Noreturn void scheme_error(struct machine *vm, const char *message, word irritant) {
  const word list = irritant == W_UNBOUND ? W_NIL : cons(vm, irritant, W_NIL);
  const word text = string_from(vm, message, strlen(message));
  const word slots[] = {vm->scheme->roots[ROOT_ERROR], text, list};
  scheme_raise(vm, make_values(vm, T_RECORD, 3, slots));
}

_Noreturn void scheme_wrong(struct machine *vm, const char *wanted, word found) {
  const size_t length = strlen(wanted);
  const word text = make_leaf(vm, T_BYTES, 0, length + 32);
  char *message = (char *)bytes_of(text);
  memcpy(message, wanted, length);
  strcpy(message + length, " is wanted:");
  scheme_error(vm, message, found);
}

/* There is room for a handler again when the ballast is found dead. */
_Noreturn void scheme_full(struct machine *vm) {
  gait_store_word(vm->thread, &vm->scheme->roots[ROOT_BALLAST], 0);
  gait_heap_collect(vm->thread);
  scheme_raise(vm, vm->scheme->roots[ROOT_FULL]);
}

/* ---- Segments ---- */

/* The words of a segment before those of the stack. */
enum { SEGMENT_BELOW, SEGMENT_LENGTH, SEGMENT_SHARED, SEGMENT_WORDS };

static void segment_share(struct machine *vm) {
  if (vm->stack[REG_SEGMENT]) set_slot(vm, vm->stack[REG_SEGMENT], SEGMENT_SHARED, W_TRUE);
}

/* Makes a segment of all below the frame `fp`; returns where that frame is to be now. */
static word *machine_seal(struct machine *vm, const word *fp) {
  word *base = machine_base(vm);
  const size_t count = (size_t)(fp - base);
  if (count == FRAME_WORDS && base[1] == (word)(uintptr_t)(machine_underflows + 1))
    return base + FRAME_WORDS;
  const word segment = make_object(vm, T_SEGMENT, count + SEGMENT_WORDS);
  word *slots = slots_of(segment);
  gait_store_init_word(vm->thread, &slots[SEGMENT_BELOW], vm->stack[REG_SEGMENT]);
  slots[SEGMENT_LENGTH] = fixnum((int64_t)vm->segment_length);
  slots[SEGMENT_SHARED] = W_FALSE;
  gait_copy_words(vm->thread, slots + SEGMENT_WORDS, base, count);
  vm->stack[REG_SEGMENT] = segment;
  vm->segment_length = count;
  base[0] = 0;
  base[1] = (word)(uintptr_t)(machine_underflows + 1);
  return base + FRAME_WORDS;
}

/* Leaves segments of which only the bottom frame is left, which returns to the one below. */
static void machine_leave_segments(struct machine *vm) {
  for (;;) {
    const word *slots = slots_of(vm->stack[REG_SEGMENT]);
    if (vm->segment_length != FRAME_WORDS ||
        slots[SEGMENT_WORDS + 1] != (word)(uintptr_t)(machine_underflows + 1))
      return;
    vm->stack[REG_SEGMENT] = slots[SEGMENT_BELOW];
    vm->segment_length = (size_t)fixnum_value(slots[SEGMENT_LENGTH]);
    if (slots[SEGMENT_SHARED] == W_TRUE) segment_share(vm);
  }
}

void machine_underflow(struct machine *vm, word value) {
  word *base = machine_base(vm);
  machine_leave_segments(vm);
  word *slots = slots_of(vm->stack[REG_SEGMENT]), *end = slots + SEGMENT_WORDS + vm->segment_length;
  const size_t words_back = end[-3] / sizeof(word);
  const word *to = (const word *)(uintptr_t)end[-2];
  if (words_back > 0) { /* else the machine's own bottom, which halts */
    memcpy(base, end - words_back - FRAME_WORDS, words_back * sizeof(word));
    base[0] = 0;
    base[1] = (word)(uintptr_t)(machine_underflows + 1);
    if (slots[SEGMENT_SHARED] == W_FALSE)
      gait_clear_words(vm->thread, end - words_back, words_back);
  }
  vm->segment_length -= words_back;
  vm->fp = base + FRAME_WORDS;
  vm->fp[to[-1]] = value;
  vm->pc = to;
}

/* The arguments of a frame that has moved. */
static word *machine_sealed(struct machine *vm, word *fp, size_t count) {
  word *new = machine_seal(vm, fp);
  new[-1] = fp[-1];
  memmove(new, fp, count * sizeof(word));
  return vm->fp = new;
}

/* ---- Returns ---- */

void machine_return(struct machine *vm, word *fp, word value) {
  const word *to = (const word *)(uintptr_t)fp[-2];
  vm->fp = fp - fp[-3] / sizeof(word);
  vm->fp[to[-1]] = value;
  vm->pc = to;
}

/* Whether `k` could be gone on with at once; else fp calls the procedure that unwinds. */
static bool machine_throw(struct machine *vm, word *fp, size_t count) {
  const word k = fp[-1], *slots = slots_of(k);
  const word value = count == 1 ? fp[0] : make_values(vm, T_VALUES, count, fp);
  if (slots[2] != vm->stack[REG_WINDERS]) {
    fp[-1] = vm->scheme->roots[ROOT_REWIND];
    fp[0] = k;
    fp[1] = value;
    return false;
  }
  vm->stack[REG_SEGMENT] = slots[0];
  vm->segment_length = (size_t)fixnum_value(slots[1]);
  vm->stack[REG_HANDLERS] = slots[3];
  word *base = machine_base(vm);
  base[0] = 0;
  base[1] = (word)(uintptr_t)(machine_underflows + 1);
  machine_underflow(vm, value);
  return true;
}

/* ---- Calls ---- */

static word *machine_capture(struct machine *vm, word *fp) {
  fp = machine_sealed(vm, fp, 1);
  segment_share(vm);
  const word slots[] = {vm->stack[REG_SEGMENT], fixnum((int64_t)vm->segment_length),
                        vm->stack[REG_WINDERS], vm->stack[REG_HANDLERS]};
  const word k = make_values(vm, T_CONTINUATION, 4, slots);
  fp[-1] = fp[0];
  fp[0] = k;
  return fp;
}

/* Puts the last argument's elements into its place; *count is of all then. */
static word *machine_spread(struct machine *vm, word *fp, size_t *count) {
  const word last = fp[*count - 1];
  const bool values = is_type(last, T_VALUES);
  const int64_t length = values ? (int64_t)length_of(last) : list_length(last);
  if (length < 0) scheme_wrong(vm, "a list", last);
  if ((size_t)length + *count > REST_MAX) scheme_error(vm, "too many arguments", fixnum(length));
  if (fp + *count + length > vm->limit_of_stack) fp = machine_sealed(vm, fp, *count);
  fp[-1] = fp[0];
  memmove(fp, fp + 1, (*count - 1) * sizeof(word));
  word *to = fp + *count - 2;
  if (values)
    for (int64_t i = 0; i < length; i++)
      to[i] = slots_of(last)[i];
  else
    for (word list = last; is_pair(list); list = cdr(list))
      *to++ = car(list);
  *count += (size_t)length - 2;
  return fp;
}

static void machine_arity(struct machine *vm, word callee, size_t count) {
  (void)count;
  scheme_error(vm, "a procedure has the wrong number of arguments:", callee);
}

static void machine_rest(struct machine *vm, word *fp, size_t count, size_t least) {
  word rest = W_NIL;
  while (count > least) {
    rest = cons(vm, fp[count - 1], rest);
    count--;
  }
  fp[least] = rest;
}

static void machine_enter(struct machine *vm, word *fp, size_t count) {
  const word callee = fp[-1];
  const struct code *code = (const struct code *)object_of(slots_of(callee)[0]);
  if (fp + (code->frame > count ? code->frame : count) > vm->limit_of_stack)
    fp = machine_sealed(vm, fp, count);
  vm->fp = fp;
  machine_look(vm);
  if (code->arity != UINT64_MAX && code->arity != count) machine_arity(vm, callee, count);
  if (count < code->least) machine_arity(vm, callee, count);
  if (code->arity == UINT64_MAX) machine_rest(vm, fp, count, code->least);
  vm->pc = code->ops;
}

/* Whether the builtin has run; otherwise *fp and *count are of another call. */
static bool machine_builtin(struct machine *vm, word **fp, size_t *count) {
  const struct builtin *builtin = (const struct builtin *)object_of((*fp)[-1]);
  if (*count < builtin->least || *count > builtin->most) machine_arity(vm, (*fp)[-1], *count);
  switch (builtin->special) {
  case SPECIAL_APPLY: *fp = machine_spread(vm, *fp, count); return false;
  case SPECIAL_SPREAD:
    if (!is_type((*fp)[1], T_VALUES)) {
      (*fp)[-1] = (*fp)[0];
      (*fp)[0] = (*fp)[1];
      *count = 1;
      return false;
    }
    *fp = machine_spread(vm, *fp, count);
    return false;
  case SPECIAL_CALLCC: *fp = machine_capture(vm, *fp); return false;
  default: machine_return(vm, *fp, builtin->function(vm, *fp, *count)); return true;
  }
}

static word machine_parameter(struct machine *vm, word parameter) {
  for (word list = vm->stack[REG_PARAMETERS]; is_pair(list); list = cdr(list))
    if (car(car(list)) == parameter) return cdr(car(list));
  return slots_of(parameter)[0];
}

void machine_apply(struct machine *vm, word *fp, size_t count) {
  for (;;) {
    const word callee = fp[-1];
    vm->fp = fp;
    vm->count = count;
    switch (is_object(callee) ? type_of(callee) : T_VECTOR) {
    case T_CLOSURE: machine_enter(vm, fp, count); return;
    case T_BUILTIN:
      if (machine_builtin(vm, &fp, &count)) return;
      break;
    case T_CONTINUATION:
      if (machine_throw(vm, fp, count)) return;
      count = 2;
      break;
    case T_PARAMETER: machine_return(vm, fp, machine_parameter(vm, callee)); return;
    default: scheme_wrong(vm, "a procedure", callee);
    }
  }
}

/* ---- Runs ---- */

/* An error where there is no handler yet, in the prelude. */
static _Noreturn void machine_fail(struct machine *vm) {
  const word port = vm->scheme->roots[ROOT_ERR], error = vm->stack[REG_ERROR];
  if (is_type(error, T_RECORD)) {
    print(vm, port, slots_of(error)[1], false);
    print(vm, port, slots_of(error)[2], true);
    port_flush(vm, port);
  }
  abort();
}

/* Gives up all frames: the error is the run's value. */
static void machine_reset(struct machine *vm) {
  word *base = machine_base(vm);
  vm->stack[REG_SEGMENT] = 0;
  vm->stack[REG_WINDERS] = W_NIL;
  vm->fp = base + FRAME_WORDS;
  vm->fp[0] = vm->stack[REG_ERROR];
  vm->pc = machine_halts + 1;
}

/* Calls the handler of errors from behind the frame that had one. */
static void machine_handle(struct machine *vm) {
  if (vm->scheme->roots[ROOT_RAISE] == 0) machine_fail(vm);
  const size_t slots = machine_slots(vm);
  word *fp = vm->fp + slots + FRAME_WORDS;
  if (fp >
      vm->stack + STACK_WORDS - STACK_SPARE / 8) { /* no heap for a segment, nor for a handler */
    machine_reset(vm);
    return;
  }
  fp[-3] = (slots + FRAME_WORDS) * sizeof(word);
  fp[-2] = (word)(uintptr_t)(machine_traps + 1);
  fp[-1] = vm->scheme->roots[ROOT_RAISE];
  fp[0] = vm->stack[REG_ERROR];
  machine_apply(vm, fp, 1);
}

static void machine_dispatch(struct machine *vm) {
  while (vm->running)
    ((op_fn *)(uintptr_t)*vm->pc)(vm, vm->pc, vm->fp);
}

word machine_run(struct machine *vm, word function, size_t count, const word *arguments) {
  word *fp = machine_base(vm) + FRAME_WORDS;
  fp[-3] = 0;
  fp[-2] = (word)(uintptr_t)(machine_halts + 1);
  fp[-1] = function;
  for (size_t i = 0; i < count; i++)
    fp[i] = arguments[i];
  vm->c_limit = (char *)__builtin_frame_address(0) - vm->c_room;
  vm->running = true;
  vm->fp = fp;
  switch (setjmp(vm->escape)) {
  case 0: machine_apply(vm, fp, count); break;
  case INTERRUPT_TERMINATES: machine_reset(vm); break;
  default: machine_handle(vm);
  }
  machine_dispatch(vm);
  return vm->fp[0];
}
