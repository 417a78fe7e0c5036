/* weak_hash_tables.c: hash tables whose entries go with their keys, on Gait's weak tables; keys are
 * compared by eq?.
 *
 * A value is in a pair of its own, since the word 0, a fixnum, would remove the entry. */
#include "scheme.h"

#include <gait/weak_table.h>

static gait_weak_table *table_of(word w) {
  return (gait_weak_table *)(uintptr_t)(slots_of(w)[0] - TAG_OBJECT);
}

/* The word 0 is no key. */
static void *table_key(word key) {
  return (void *)(uintptr_t)(key == 0 ? W_UNBOUND : key);
}

static word table_word(const void *key) {
  const word w = (word)(uintptr_t)key;
  return w == W_UNBOUND ? 0 : w;
}

word weak_table_make(struct machine *vm) {
  const gait_weak_table *table = gait_weak_table_create(vm->thread, GAIT_WEAK_KEYS);
  if (!table) scheme_full(vm);
  const word slots[] = {object_word(table)};
  return make_values(vm, T_WEAK_TABLE, 1, slots);
}

word weak_table_get(struct machine *vm, word table, word key, word otherwise) {
  const void *pair = gait_weak_table_get(vm->thread, table_of(table), table_key(key));
  return pair ? car((word)(uintptr_t)pair) : otherwise;
}

void weak_table_put(struct machine *vm, word table, word key, word value) {
  const word pair = cons(vm, value, W_NIL);
  if (!gait_weak_table_put(vm->thread, table_of(table), table_key(key), (void *)(uintptr_t)pair))
    scheme_full(vm);
}

void weak_table_delete(struct machine *vm, word table, word key) {
  gait_weak_table_remove(vm->thread, table_of(table), table_key(key));
}

/* A list of the pairs of key and value of the live entries. */
word weak_table_entries(struct machine *vm, word table) {
  gait_weak_table_iterator *iterator = gait_weak_table_iterate(vm->thread, table_of(table));
  if (!iterator) scheme_full(vm);
  word result = W_NIL;
  for (void *key, *pair; gait_weak_table_next(vm->thread, iterator, &key, &pair);)
    result = cons(vm, cons(vm, table_word(key), car((word)(uintptr_t)pair)), result);
  return result;
}

void weak_table_clear(struct machine *vm, word table) {
  if (!gait_weak_table_clear(vm->thread, table_of(table))) scheme_full(vm);
}
