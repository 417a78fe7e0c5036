/* fiber_generators.c: generators, each on a fiber with a machine of its own.
 *
 * The object refers to nothing of the fiber; the fiber is a root.  So a generator that nothing
 * refers to is found dead, and its finalizer gives the stack back, unless what waits there refers
 * to the generator itself. */
#include "scheme.h"

#include <gait/fiber.h>
#include <gait/finalizer.h>
#include <stdlib.h>
#include <ucontext.h>

enum { GENERATOR_VALUE, GENERATOR_PLACE, GENERATOR_SLOTS };

#define GENERATOR_STACK_BYTES ((size_t)256 * 1024)
#define GENERATOR_C_ROOM      (GENERATOR_STACK_BYTES / 2)

struct generator {
  struct machine vm;
  ucontext_t own, caller;
  gait_fiber *fiber, *back; /* NULL: the stack of a thread */
  char *stack;
  word object; /* while it runs: a caller has it among its arguments */
  struct machine *runs_in;
  bool over, failed;
};

static void generator_swap_in(void *arg) {
  struct generator *generator = arg;
  swapcontext(&generator->caller, &generator->own);
}

static void generator_swap_out(void *arg) {
  struct generator *generator = arg;
  swapcontext(&generator->own, &generator->caller);
}

static void generator_set_value(struct generator *generator, word value) {
  set_slot(&generator->vm, generator->object, GENERATOR_VALUE, value);
}

static void generator_main(unsigned high, unsigned low) {
  struct generator *generator = (struct generator *)((uintptr_t)high << 32 | low);
  struct machine *vm = &generator->vm;
  machine_attach(vm, generator->runs_in->thread);
  vm->stack[REG_THREAD] = generator->runs_in->stack[REG_THREAD];
  vm->stack[REG_PARAMETERS] = generator->runs_in->stack[REG_PARAMETERS];
  const word thunk = slots_of(generator->object)[GENERATOR_VALUE];
  const word caught = symbol_slot(intern(vm, "%caught"), SYMBOL_VALUE);
  const word condition = machine_run(vm, caught, 1, &thunk);
  generator_set_value(generator, condition == W_FALSE ? W_EOF : condition);
  generator->failed = condition != W_FALSE;
  generator->over = true;
  machine_detach(vm);
  gait_fiber_finish(vm->thread, generator->back, generator_swap_out, generator);
}

static void generator_free(gait_thread *thread, struct generator *generator) {
  if (generator->fiber) gait_fiber_unregister(thread, generator->fiber);
  generator->vm.thread = NULL; /* its frame went with the fiber */
  machine_destroy(&generator->vm);
  free(generator->stack);
  free(generator);
}

static void generator_finalize(gait_thread *thread, void *object, void *arg) {
  (void)object;
  generator_free(thread, arg);
}

static bool generator_init(struct machine *vm, struct generator *generator) {
  const uintptr_t place = (uintptr_t)generator;
  if (machine_create(vm->scheme, NULL, &generator->vm)) return false;
  generator->vm.c_room = GENERATOR_C_ROOM;
  generator->stack = malloc(GENERATOR_STACK_BYTES);
  if (!generator->stack || getcontext(&generator->own) != 0) return false;
  generator->own.uc_stack.ss_sp = generator->stack;
  generator->own.uc_stack.ss_size = GENERATOR_STACK_BYTES;
  generator->own.uc_link = NULL;
  makecontext(&generator->own, (void (*)(void))generator_main, 2, (unsigned)(place >> 32),
              (unsigned)place);
  return gait_fiber_register(vm->thread, generator->stack, GENERATOR_STACK_BYTES,
                             GAIT_STACK_CONSERVATIVE, &generator->fiber) == GAIT_OK;
}

/* (%generator thunk) */
BUILTIN(generator) {
  UNUSED;
  dead_collect(vm);
  struct generator *generator = calloc(1, sizeof *generator);
  if (generator && !generator_init(vm, generator)) {
    generator_free(vm->thread, generator);
    generator = NULL;
  }
  if (!generator) scheme_error(vm, "there is no memory for a generator", args[0]);
  const word slots[GENERATOR_SLOTS] = {args[0], fixnum((int64_t)(uintptr_t)generator)};
  const word object = make_values(vm, T_GENERATOR, GENERATOR_SLOTS, slots);
  if (gait_finalizer_add(vm->thread, object_of(object), generator_finalize, generator,
                         GAIT_FINALIZER_UNORDERED, NULL)) {
    generator_free(vm->thread, generator);
    scheme_full(vm);
  }
  return object;
}

static struct generator *generator_argument(struct machine *vm, word w) {
  if (!is_type(w, T_GENERATOR)) scheme_wrong(vm, "a generator", w);
  return (struct generator *)(uintptr_t)fixnum_value(slots_of(w)[GENERATOR_PLACE]);
}

/* (generator-next generator): its next value, or the eof object; it raises what the generator
 * did. */
BUILTIN(generator_next) {
  UNUSED;
  const word object = args[0];
  struct generator *generator = generator_argument(vm, object);
  struct machine *expected = NULL;
  if (!__atomic_compare_exchange_n(&generator->runs_in, &expected, vm, false, __ATOMIC_ACQ_REL,
                                   __ATOMIC_RELAXED))
    scheme_error(vm, "the generator runs already", object);
  if (!generator->over) {
    generator->object = object;
    generator->vm.thread = vm->thread;
    generator->vm.generator = generator;
    generator->back = gait_fiber_current(vm->thread);
    vm->inner = &generator->vm;
    gait_fiber_switch(vm->thread, generator->fiber, generator_swap_in, generator);
    vm->inner = NULL;
  }
  const bool failed = generator->failed;
  const word value = slots_of(object)[GENERATOR_VALUE];
  generator->failed = false;
  if (generator->over) set_slot(vm, object, GENERATOR_VALUE, W_EOF);
  __atomic_store_n(&generator->runs_in, NULL, __ATOMIC_RELEASE);
  machine_look(vm);
  if (failed) scheme_raise(vm, car(value));
  return value;
}

/* (yield value), in the body of a generator */
BUILTIN(yield) {
  UNUSED;
  struct generator *generator = vm->generator;
  if (!generator) scheme_error(vm, "there is no generator that could yield", args[0]);
  generator_set_value(generator, args[0]);
  vm->thread = gait_fiber_switch(vm->thread, generator->back, generator_swap_out, generator);
  vm->stack[REG_THREAD] = generator->runs_in->stack[REG_THREAD];
  return W_VOID;
}

const struct builtin_row generator_builtins[] = {
    {"%generator", builtin_generator, 1, 1, 0},
    {"generator-next", builtin_generator_next, 1, 1, 0},
    {"yield", builtin_yield, 1, 1, 0},
    {0},
};
