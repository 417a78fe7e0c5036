/* guardians.c: guardians, which give back objects that nothing else refers to any more.
 *
 * Each object that is guarded has a finalizer that is never called: the next question to any
 * guardian takes all that are due and puts each in the queue of its guardian.  A finalizer's word
 * is no root, so it names the guardian by a number; a guardian that is gone itself is in the list
 * by a weak reference alone. */
#include "scheme.h"

#include <gait/finalizer.h>
#include <gait/weak.h>

enum { GUARDIAN_QUEUE, GUARDIAN_NUMBER, GUARDIAN_SLOTS };

/* The object's tag is in the low bits. */
#define GUARDIAN_SHIFT 3

static void *referent(word w) {
  return (void *)(uintptr_t)(w & ~(word)TAG_MASK);
}

/* Of the list of guardians, whose elements are a number and a weak reference. */
static word guardian_of(struct machine *vm, word entry) {
  const gait_weak *weak = referent(cdr(entry));
  const void *object = gait_weak_get(vm->thread, weak);
  return object ? object_word(object) : W_FALSE;
}

/* Under the lock: the guardian of that number, or #f; entries of dead ones are taken out. */
static word guardian_find(struct machine *vm, int64_t number) {
  word before = 0, found = W_FALSE;
  for (word list = vm->scheme->roots[ROOT_GUARDIANS]; is_pair(list); list = cdr(list)) {
    const word guardian = guardian_of(vm, car(list));
    if (car(car(list)) == fixnum(number)) found = guardian;
    if (guardian != W_FALSE)
      before = list;
    else if (before != 0)
      set_cdr(vm, before, cdr(list));
    else
      gait_store_word(vm->thread, &vm->scheme->roots[ROOT_GUARDIANS], cdr(list));
  }
  return found;
}

/* Never called: the program takes it itself. */
static void guardian_due(gait_thread *thread, void *object, void *arg) {
  (void)thread, (void)object, (void)arg;
}

/* Looks after all that was found dead, generators too.  The pair is made first: once it is taken,
 * an object is nowhere but here. */
void dead_collect(struct machine *vm) {
  gait_due due;
  for (;;) {
    const word pair = cons(vm, W_FALSE, W_NIL);
    if (!gait_finalizer_next(vm->thread, &due)) return;
    if (due.finalizer != guardian_due) {
      due.finalizer(vm->thread, due.object, due.arg);
      continue;
    }
    const uintptr_t arg = (uintptr_t)due.arg;
    set_car(vm, pair, (word)(uintptr_t)due.object + (arg & TAG_MASK));
    pthread_mutex_lock(&vm->scheme->threads);
    const word guardian = guardian_find(vm, (int64_t)(arg >> GUARDIAN_SHIFT));
    if (guardian != W_FALSE) {
      set_cdr(vm, pair, slots_of(guardian)[GUARDIAN_QUEUE]);
      set_slot(vm, guardian, GUARDIAN_QUEUE, pair);
    }
    pthread_mutex_unlock(&vm->scheme->threads);
  }
}

BUILTIN(guardian) {
  UNUSED;
  struct scheme *scheme = vm->scheme;
  const word slots[GUARDIAN_SLOTS] = {W_NIL, fixnum(0)};
  const word guardian = make_values(vm, T_GUARDIAN, GUARDIAN_SLOTS, slots);
  const gait_weak *weak = gait_weak_create(vm->thread, object_of(guardian));
  if (!weak) scheme_full(vm);
  const word entry = cons(vm, fixnum(0), object_word(weak)), list = cons(vm, entry, W_NIL);
  pthread_mutex_lock(&scheme->threads);
  const word number = fixnum(++scheme->guardian_number);
  set_car(vm, entry, number);
  set_slot(vm, guardian, GUARDIAN_NUMBER, number);
  set_cdr(vm, list, scheme->roots[ROOT_GUARDIANS]);
  gait_store_word(vm->thread, &scheme->roots[ROOT_GUARDIANS], list);
  pthread_mutex_unlock(&scheme->threads);
  return guardian;
}

BUILTIN(guardian_add) {
  UNUSED;
  const word object = args[1], number = slots_of(args[0])[GUARDIAN_NUMBER];
  if ((object & TAG_MASK) < TAG_PAIR) scheme_wrong(vm, "an object that can be dead", object);
  const uintptr_t arg = (uintptr_t)fixnum_value(number) << GUARDIAN_SHIFT | (object & TAG_MASK);
  if (gait_finalizer_add(vm->thread, referent(object), guardian_due, (void *)arg,
                         GAIT_FINALIZER_UNORDERED, NULL))
    scheme_full(vm);
  return W_VOID;
}

BUILTIN(guardian_next) {
  UNUSED;
  dead_collect(vm);
  pthread_mutex_lock(&vm->scheme->threads);
  const word queue = slots_of(args[0])[GUARDIAN_QUEUE];
  if (queue != W_NIL) set_slot(vm, args[0], GUARDIAN_QUEUE, cdr(queue));
  pthread_mutex_unlock(&vm->scheme->threads);
  return queue == W_NIL ? W_FALSE : car(queue);
}

const struct builtin_row guardian_builtins[] = {
    {"%guardian", builtin_guardian, 0, 0, 0},
    {"%guardian-add!", builtin_guardian_add, 2, 2, 0},
    {"%guardian-next", builtin_guardian_next, 1, 1, 0},
    {0},
};
