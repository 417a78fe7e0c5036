/* control.c: builtins of control, records and promises; the interpreter's start. */
#include "scheme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BUILTIN(values) {
  UNUSED;
  return count == 1 ? args[0] : make_values(vm, T_VALUES, count, args);
}

/* A register of the machine: gives it, and takes a new one. */
#define REGISTER(name, which)                                                                      \
  BUILTIN(name) {                                                                                  \
    const word old = vm->stack[which];                                                             \
    if (count > 0) vm->stack[which] = args[0];                                                     \
    return old;                                                                                    \
  }
REGISTER(winders, REG_WINDERS)
REGISTER(handlers, REG_HANDLERS)
REGISTER(parameters, REG_PARAMETERS)

BUILTIN(continuation_winders) {
  UNUSED;
  return slots_of(args[0])[2];
}

BUILTIN(parameter_set) {
  UNUSED;
  for (word list = vm->stack[REG_PARAMETERS]; is_pair(list); list = cdr(list))
    if (car(car(list)) == args[0]) return set_cdr(vm, car(list), args[1]), W_VOID;
  return set_slot(vm, args[0], 0, args[1]), W_VOID;
}

BUILTIN(make) {
  const enum type type = (enum type)fixnum_value(args[0]);
  return make_values(vm, type, count - 1, args + 1);
}

/* (%ref object type index), and (%set! object type index value) */
BUILTIN(ref) {
  UNUSED;
  if (!is_type(args[0], (enum type)fixnum_value(args[1])))
    scheme_wrong(vm, "an object of another type", args[0]);
  return slots_of(args[0])[fixnum_value(args[2])];
}

BUILTIN(set) {
  (void)builtin_ref(vm, args, count);
  return set_slot(vm, args[0], (size_t)fixnum_value(args[2]), args[3]), W_VOID;
}

BUILTIN(is) {
  UNUSED;
  return boolean(is_type(args[0], (enum type)fixnum_value(args[1])));
}

/* ---- Records ---- */

static void record_check(struct machine *vm, word record, word type) {
  if (is_type(record, T_RECORD) && slots_of(record)[0] == type) return;
  scheme_wrong(vm, "a record of another type", record);
}

BUILTIN(record) {
  UNUSED;
  return make_values(vm, T_RECORD, count, args);
}

BUILTIN(record_ref) {
  UNUSED;
  record_check(vm, args[0], args[1]);
  return slots_of(args[0])[fixnum_value(args[2])];
}

BUILTIN(record_set) {
  UNUSED;
  record_check(vm, args[0], args[1]);
  return set_slot(vm, args[0], (size_t)fixnum_value(args[2]), args[3]), W_VOID;
}

BUILTIN(is_record) {
  UNUSED;
  return boolean(is_type(args[0], T_RECORD) && slots_of(args[0])[0] == args[1]);
}

BUILTIN(root) {
  UNUSED;
  word *root = &vm->scheme->roots[index_argument(vm, args[0], ROOT_COUNT)];
  if (count > 1) gait_store_word(vm->thread, root, args[1]);
  return *root;
}

/* Ballast again, when there is room. */
BUILTIN(ballast) {
  UNUSED;
  if (vm->scheme->roots[ROOT_BALLAST] != 0) return W_FALSE;
  struct object *object = gait_alloc(vm->thread, vm->leaves, BALLAST_BYTES);
  if (object) {
    object->header = HEADER(T_BYTES, 0);
    gait_store_word(vm->thread, &vm->scheme->roots[ROOT_BALLAST], object_word(object));
  }
  return boolean(object != NULL);
}

/* ---- The rest ---- */

BUILTIN(compile) {
  UNUSED;
  return compile(vm, args[0]);
}

BUILTIN(exit) {
  UNUSED;
  port_flush(vm, vm->scheme->roots[ROOT_OUT]);
  const word code = count > 0 ? args[0] : W_TRUE;
  exit(is_fixnum(code) ? (int)fixnum_value(code) : code == W_FALSE);
}

BUILTIN(void) {
  UNUSED;
  return W_VOID;
}

BUILTIN(eof) {
  UNUSED;
  return W_EOF;
}

BUILTIN(collect) {
  UNUSED;
  gait_heap_collect(vm->thread);
  return W_VOID;
}

BUILTIN(interrupt) {
  UNUSED;
  raise(SIGINT);
  return W_VOID;
}

BUILTIN(environment) {
  UNUSED;
  size_t bytes;
  if (!is_type(args[0], T_STRING)) scheme_wrong(vm, "a string", args[0]);
  const char *value = getenv(string_utf8(vm, args[0], 0, length_of(args[0]), &bytes));
  return value ? string_from(vm, value, strlen(value)) : W_FALSE;
}

const struct builtin_row control_builtins[] = {
    {"apply", NULL, 2, MANY, SPECIAL_APPLY},
    {"call-with-current-continuation", NULL, 1, 1, SPECIAL_CALLCC},
    {"call/cc", NULL, 1, 1, SPECIAL_CALLCC},
    {"%spread", NULL, 2, 2, SPECIAL_SPREAD},
    {"values", builtin_values, 0, MANY, 0},
    {"%winders", builtin_winders, 0, 1, 0},
    {"%handlers", builtin_handlers, 0, 1, 0},
    {"%parameters", builtin_parameters, 0, 1, 0},
    {"%continuation-winders", builtin_continuation_winders, 1, 1, 0},
    {"%parameter-set!", builtin_parameter_set, 2, 2, 0},
    {"%make", builtin_make, 1, MANY, 0},
    {"%ref", builtin_ref, 3, 3, 0},
    {"%set!", builtin_set, 4, 4, 0},
    {"%is?", builtin_is, 2, 2, 0},
    {"%record", builtin_record, 1, MANY, 0},
    {"%record-ref", builtin_record_ref, 3, 3, 0},
    {"%record-set!", builtin_record_set, 4, 4, 0},
    {"%record?", builtin_is_record, 2, 2, 0},
    {"%root", builtin_root, 1, 2, 0},
    {"%ballast!", builtin_ballast, 0, 0, 0},
    {"%compile", builtin_compile, 1, 1, 0},
    {"exit", builtin_exit, 0, 1, 0},
    {"emergency-exit", builtin_exit, 0, 1, 0},
    {"%void", builtin_void, 0, 0, 0},
    {"eof-object", builtin_eof, 0, 0, 0},
    {"collect", builtin_collect, 0, 0, 0},
    {"interrupt-self", builtin_interrupt, 0, 0, 0},
    {"get-environment-variable", builtin_environment, 1, 1, 0},
    {0},
};

void builtins_define(struct machine *vm, const struct builtin_row *rows) {
  for (; rows->name; rows++) {
    const word symbol = intern(vm, rows->name);
    struct builtin *builtin = scheme_allocate(vm, vm->codes, sizeof *builtin);
    builtin->header = HEADER(T_BUILTIN, 0);
    gait_store_init_word(vm->thread, &builtin->name, symbol);
    builtin->function = rows->function;
    builtin->least = rows->least;
    builtin->most = rows->most;
    builtin->special = rows->special;
    set_slot(vm, symbol, SYMBOL_VALUE, object_word(builtin));
    set_slot(vm, symbol, SYMBOL_INLINE, 0);
    symbol_keep(vm, symbol);
  }
}
