/* hash_tables.c: hash tables: a vector of lists of pairs, which doubles.
 *
 * Objects do not move, so eq? hashes their addresses. */
#include "scheme.h"

#include <string.h>

enum { TABLE_BUCKETS, TABLE_COUNT, TABLE_KIND, TABLE_SLOTS };
enum { TABLE_EQV, TABLE_EQUAL };

static uint64_t mix(uint64_t hash) {
  hash *= 0x9E3779B97F4A7C15u;
  return hash ^ hash >> 29;
}

static uint64_t hash_bytes(const void *bytes, size_t count) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < count; i++)
    hash = (hash ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
  return hash;
}

static uint64_t hash_eqv(word key) {
  double value;
  if (is_flonum(key)) return value = flonum_value(key), hash_bytes(&value, sizeof value);
  if (is_type(key, T_BIGNUM)) return mix(slots_of(key)[0]);
  if (is_type(key, T_RATIO)) return hash_eqv(slots_of(key)[0]) + 1;
  return mix(key);
}

static uint64_t hash_equal(word key, int depth) {
  uint64_t hash = 0;
  if (is_type(key, T_STRING)) return hash_bytes(slots_of(key), length_of(key) * sizeof(uint32_t));
  if (is_type(key, T_BYTES)) return hash_bytes(slots_of(key), length_of(key));
  if (is_type(key, T_VECTOR)) return mix(length_of(key));
  if (!is_pair(key)) return hash_eqv(key);
  for (; is_pair(key) && depth > 0; key = cdr(key), depth--)
    hash = mix(hash + hash_equal(car(key), depth - 1));
  return hash;
}

static size_t bucket(word table, word key, size_t buckets) {
  const bool by_equal = slots_of(table)[TABLE_KIND] == fixnum(TABLE_EQUAL);
  return mix(by_equal ? hash_equal(key, 4) : hash_eqv(key)) & (buckets - 1);
}

static word find(struct machine *vm, word table, word key) {
  const bool by_equal = slots_of(table)[TABLE_KIND] == fixnum(TABLE_EQUAL);
  const word buckets = slots_of(table)[TABLE_BUCKETS];
  word list = slots_of(buckets)[bucket(table, key, length_of(buckets))];
  for (; is_pair(list); list = cdr(list)) {
    const word other = car(car(list));
    if (other == key || (by_equal ? equal(vm, other, key) : eqv(other, key))) return car(list);
  }
  return W_FALSE;
}

static void grow(struct machine *vm, word table) {
  const word old = slots_of(table)[TABLE_BUCKETS];
  const word new = make_vector(vm, length_of(old) * 2, W_NIL);
  for (size_t i = 0; i < length_of(old); i++)
    for (word list = slots_of(old)[i], rest; is_pair(list); list = rest) {
      const size_t at = bucket(table, car(car(list)), length_of(new));
      rest = cdr(list);
      set_cdr(vm, list, slots_of(new)[at]);
      set_slot(vm, new, at, list);
    }
  set_slot(vm, table, TABLE_BUCKETS, new);
}

static bool is_weak(word w) {
  return is_type(w, T_WEAK_TABLE);
}

static void wants_table(struct machine *vm, word w) {
  if (!is_type(w, T_TABLE)) scheme_wrong(vm, "a hash table", w);
}

BUILTIN(make_weak) {
  UNUSED;
  return weak_table_make(vm);
}

BUILTIN(make) {
  UNUSED;
  const word slots[] = {make_vector(vm, 8, W_NIL), fixnum(0), args[0]};
  return make_values(vm, T_TABLE, TABLE_SLOTS, slots);
}

/* (hash-table-ref/default table key default) */
BUILTIN(get) {
  UNUSED;
  if (is_weak(args[0])) return weak_table_get(vm, args[0], args[1], args[2]);
  wants_table(vm, args[0]);
  const word entry = find(vm, args[0], args[1]);
  return entry == W_FALSE ? args[2] : cdr(entry);
}

BUILTIN(put) {
  UNUSED;
  const word table = args[0], key = args[1];
  if (is_weak(table)) return weak_table_put(vm, table, key, args[2]), W_VOID;
  wants_table(vm, table);
  const word entry = find(vm, table, key);
  if (entry != W_FALSE) return set_cdr(vm, entry, args[2]), W_VOID;
  const int64_t entries = fixnum_value(slots_of(table)[TABLE_COUNT]);
  if ((size_t)entries >= length_of(slots_of(table)[TABLE_BUCKETS])) grow(vm, table);
  const word buckets = slots_of(table)[TABLE_BUCKETS];
  const size_t at = bucket(table, key, length_of(buckets));
  set_slot(vm, buckets, at, cons(vm, cons(vm, key, args[2]), slots_of(buckets)[at]));
  slots_of(table)[TABLE_COUNT] = fixnum(entries + 1);
  return W_VOID;
}

BUILTIN(delete) {
  UNUSED;
  const word table = args[0];
  if (is_weak(table)) return weak_table_delete(vm, table, args[1]), W_VOID;
  wants_table(vm, table);
  const word entry = find(vm, table, args[1]), buckets = slots_of(table)[TABLE_BUCKETS];
  if (entry == W_FALSE) return W_VOID;
  const size_t at = bucket(table, args[1], length_of(buckets));
  word before = W_NIL, list = slots_of(buckets)[at];
  for (; car(list) != entry; list = cdr(list))
    before = list;
  if (before == W_NIL)
    set_slot(vm, buckets, at, cdr(list));
  else
    set_cdr(vm, before, cdr(list));
  slots_of(table)[TABLE_COUNT] -= fixnum(1);
  return W_VOID;
}

BUILTIN(size) {
  UNUSED;
  if (is_weak(args[0])) return fixnum(list_length(weak_table_entries(vm, args[0])));
  wants_table(vm, args[0]);
  return slots_of(args[0])[TABLE_COUNT];
}

/* A list of the pairs of key and value, which are copies. */
BUILTIN(entries) {
  UNUSED;
  if (is_weak(args[0])) return weak_table_entries(vm, args[0]);
  wants_table(vm, args[0]);
  const word buckets = slots_of(args[0])[TABLE_BUCKETS];
  word result = W_NIL;
  for (size_t i = 0; i < length_of(buckets); i++)
    for (word list = slots_of(buckets)[i]; is_pair(list); list = cdr(list))
      result = cons(vm, cons(vm, car(car(list)), cdr(car(list))), result);
  return result;
}

BUILTIN(clear) {
  UNUSED;
  if (is_weak(args[0])) return weak_table_clear(vm, args[0]), W_VOID;
  wants_table(vm, args[0]);
  set_slot(vm, args[0], TABLE_BUCKETS, make_vector(vm, 8, W_NIL));
  slots_of(args[0])[TABLE_COUNT] = fixnum(0);
  return W_VOID;
}

BUILTIN(hash) {
  UNUSED;
  return fixnum((int64_t)(mix(hash_equal(args[0], 4)) & 0x3FFFFFFF));
}

BUILTIN(is_table) {
  UNUSED;
  return boolean(is_type(args[0], T_TABLE) || is_weak(args[0]));
}

BUILTIN(is_weak_table) {
  UNUSED;
  return boolean(is_weak(args[0]));
}

const struct builtin_row table_builtins[] = {
    {"%make-hash-table", builtin_make, 1, 1, 0},
    {"make-weak-eq-hash-table", builtin_make_weak, 0, 0, 0},
    {"hash-table?", builtin_is_table, 1, 1, 0},
    {"hash-table-weak?", builtin_is_weak_table, 1, 1, 0},
    {"hash-table-ref/default", builtin_get, 3, 3, 0},
    {"hash-table-set!", builtin_put, 3, 3, 0},
    {"hash-table-delete!", builtin_delete, 2, 2, 0},
    {"hash-table-size", builtin_size, 1, 1, 0},
    {"hash-table-count", builtin_size, 1, 1, 0},
    {"hash-table->alist", builtin_entries, 1, 1, 0},
    {"hash-table-clear!", builtin_clear, 1, 1, 0},
    {"equal-hash", builtin_hash, 1, 1, 0},
    {0},
};
