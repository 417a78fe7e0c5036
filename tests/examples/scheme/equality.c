/* equality.c: eqv? and equal?.
 *
 * What is circular or shares much is compared in bounded time: from some comparisons on, pairs and
 * vectors that have been compared are united in classes, and two of one class are taken for equal.
 * If they are not, the comparison that united them finds so itself. */
#include "scheme.h"

#include <string.h>

/* So many are compared before anything is remembered. */
#define EQUALITY_FREE  1000
#define EQUALITY_FIRST 1024

struct member { /* of a class: a parent of its own is the class's name */
  word key;
  word parent;
};

struct equality {
  struct machine *vm;
  size_t free;
  size_t count;
  size_t size;  /* a power of two, or nothing yet */
  word members; /* open addressing, in a leaf; objects do not move */
};

bool eqv(word a, word b) {
  return a == b || number_eqv(a, b);
}

/* Where `key` is, or would be. */
static struct member *equality_slot(const struct equality *equality, word key) {
  struct member *members = (struct member *)(void *)slots_of(equality->members);
  size_t at = (size_t)((uint64_t)key * 0x9E3779B97F4A7C15u >> 32);
  while (members[at & (equality->size - 1)].key != key &&
         members[at & (equality->size - 1)].key != 0)
    at++;
  return &members[at & (equality->size - 1)];
}

static void equality_grow(struct equality *equality) {
  const struct equality old = *equality;
  equality->size = old.size == 0 ? EQUALITY_FIRST : 2 * old.size;
  const size_t bytes = equality->size * sizeof(struct member);
  equality->members = make_leaf(equality->vm, T_BYTES, bytes, bytes);
  memset(slots_of(equality->members), 0, bytes);
  const struct member *members = old.size == 0 ? NULL : (const void *)slots_of(old.members);
  for (size_t i = 0; i < old.size; i++)
    if (members[i].key != 0) *equality_slot(equality, members[i].key) = members[i];
}

static struct member *equality_class(struct equality *equality, word key) {
  struct member *member = equality_slot(equality, key);
  if (member->key == 0) {
    *member = (struct member){key, key};
    equality->count++;
  }
  while (member->parent != member->key) {
    struct member *parent = equality_slot(equality, member->parent);
    member->parent = parent->parent;
    member = parent;
  }
  return member;
}

/* Whether `a` and `b` were of one class; now they are. */
static bool equality_unite(struct equality *equality, word a, word b) {
  if (equality->free > 0) {
    equality->free--;
    return false;
  }
  if (2 * (equality->count + 2) > equality->size) equality_grow(equality);
  struct member *first = equality_class(equality, a), *second = equality_class(equality, b);
  if (first == second) return true;
  first->parent = second->key;
  return false;
}

static bool equality_compare(struct equality *equality, word a, word b);

static bool equality_compare_vectors(struct equality *equality, word a, word b) {
  if (length_of(a) != length_of(b)) return false;
  if (equality_unite(equality, a, b)) return true;
  for (size_t i = 0; i < length_of(a); i++)
    if (!equality_compare(equality, slots_of(a)[i], slots_of(b)[i])) return false;
  return true;
}

static bool equality_compare(struct equality *equality, word a, word b) {
  machine_recurse(equality->vm);
  for (; is_pair(a) && is_pair(b); a = cdr(a), b = cdr(b)) {
    if (a == b || equality_unite(equality, a, b)) return true;
    if (!equality_compare(equality, car(a), car(b))) return false;
  }
  if (eqv(a, b)) return true;
  if (!is_object(a) || !is_object(b) || type_of(a) != type_of(b)) return false;
  if (is_type(a, T_VECTOR)) return equality_compare_vectors(equality, a, b);
  if (!is_type(a, T_STRING) && !is_type(a, T_BYTES)) return false;
  const size_t unit = is_type(a, T_STRING) ? sizeof(uint32_t) : 1;
  return length_of(a) == length_of(b) && memcmp(slots_of(a), slots_of(b), length_of(a) * unit) == 0;
}

bool equal(struct machine *vm, word a, word b) {
  struct equality equality = {.vm = vm, .free = EQUALITY_FREE};
  return equality_compare(&equality, a, b);
}
