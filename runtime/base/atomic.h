/* atomic.h: atomic fields, through libatomic_ops.
 *
 * A field that two threads touch is an AO_t (a word) or an unsigned (AO_int_...); the order stands
 * in the operation's name.  This file has only the parts that libatomic_ops lacks: pointers and
 * 64-bit counters under names of their own. */
#ifndef GAITI_BASE_ATOMIC_H
#define GAITI_BASE_ATOMIC_H

#define AO_REQUIRE_CAS
#define AO_PREFER_BUILTIN_ATOMICS
#include <atomic_ops.h>
#include <stdbool.h>
#include <stdint.h>

_Static_assert(sizeof(AO_t) == 8, "words are 64 bits");

/* A pointer that two threads touch. */
typedef AO_t gaiti_atomic_pointer;

static inline void *gaiti_pointer_load_acquire(const gaiti_atomic_pointer *field) {
  return (void *)AO_load_acquire(field);
}

static inline void gaiti_pointer_store_release(gaiti_atomic_pointer *field, const void *value) {
  AO_store_release(field, (AO_t)value);
}

/* Adds, where only the sum matters; the result is the sum after. */
static inline uint64_t gaiti_counter_add(AO_t *counter, uint64_t n) {
  return AO_fetch_and_add(counter, n) + n;
}

static inline uint64_t gaiti_counter_sub(AO_t *counter, uint64_t n) {
  return AO_fetch_and_add(counter, (AO_t)0 - n) - n;
}

/* The same, where it is often nothing. */
static inline void gaiti_counter_add_some(AO_t *counter, uint64_t n) {
  if (n) gaiti_counter_add(counter, n);
}

/* A counter from which some may take a little more than was added: 0 then. */
static inline uint64_t gaiti_counter_read(const AO_t *counter) {
  AO_t value = AO_load(counter);
  return (int64_t)value < 0 ? 0 : value;
}

/* Raises a counter to `value` where that is more. */
static inline void gaiti_counter_raise(AO_t *counter, uint64_t value) {
  AO_t old = AO_load(counter);
  while (old < value && !AO_compare_and_swap(counter, old, value))
    old = AO_load(counter);
}

#endif
