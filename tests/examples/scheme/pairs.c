/* pairs.c: builtins of pairs and lists, symbols and truth. */
#include "scheme.h"

#include <string.h>

/* ---- Pairs ---- */

BUILTIN(cons) {
  UNUSED;
  return cons(vm, args[0], args[1]);
}

/* car, cdr and what they are made up to, by the path: 1 and its bits, 0 for car, 1 for cdr. */
static word path(struct machine *vm, word pair, unsigned steps) {
  for (; steps > 1; steps >>= 1) {
    if (!is_pair(pair)) scheme_wrong(vm, "a pair", pair);
    pair = steps & 1 ? cdr(pair) : car(pair);
  }
  return pair;
}

#define PATH(name, steps)                                                                          \
  BUILTIN(name) {                                                                                  \
    UNUSED;                                                                                        \
    return path(vm, args[0], steps);                                                               \
  }
PATH(car, 2)
PATH(cdr, 3)
PATH(caar, 4)
PATH(cadr, 5)
PATH(cdar, 6)
PATH(cddr, 7)
PATH(caaar, 8)
PATH(caadr, 9)
PATH(cadar, 10)
PATH(caddr, 11)
PATH(cdaar, 12)
PATH(cdadr, 13)
PATH(cddar, 14)
PATH(cdddr, 15)
PATH(cadddr, 23)
PATH(cddddr, 31)

BUILTIN(set_car) {
  UNUSED;
  if (!is_pair(args[0])) scheme_wrong(vm, "a pair", args[0]);
  return set_car(vm, args[0], args[1]), W_VOID;
}

BUILTIN(set_cdr) {
  UNUSED;
  if (!is_pair(args[0])) scheme_wrong(vm, "a pair", args[0]);
  return set_cdr(vm, args[0], args[1]), W_VOID;
}

#define PREDICATE(name, expression)                                                                \
  BUILTIN(name) {                                                                                  \
    const word w = args[0];                                                                        \
    UNUSED;                                                                                        \
    return boolean(expression);                                                                    \
  }
PREDICATE(is_pair, is_pair(w))
PREDICATE(is_null, w == W_NIL)
PREDICATE(is_list, list_length(w) >= 0)
PREDICATE(is_symbol, is_type(w, T_SYMBOL))
PREDICATE(is_boolean, w == W_TRUE || w == W_FALSE)
PREDICATE(is_eof, w == W_EOF)
PREDICATE(not, w == W_FALSE)
PREDICATE(is_zero, number_compare(vm, w, 0) == 0)
PREDICATE(is_procedure, is_type(w, T_CLOSURE) || is_type(w, T_BUILTIN) ||
                            is_type(w, T_CONTINUATION) || is_type(w, T_PARAMETER))
PREDICATE(eq, w == args[1])
PREDICATE(eqv, eqv(w, args[1]))
PREDICATE(equal, equal(vm, w, args[1]))

/* ---- Lists ---- */

BUILTIN(list) {
  UNUSED;
  word list = W_NIL;
  while (count > 0)
    list = cons(vm, args[--count], list);
  return list;
}

BUILTIN(list_star) {
  word list = args[--count];
  while (count > 0)
    list = cons(vm, args[--count], list);
  return list;
}

BUILTIN(length) {
  UNUSED;
  const int64_t length = list_length(args[0]);
  if (length < 0) scheme_wrong(vm, "a list", args[0]);
  return fixnum(length);
}

static word append_two(struct machine *vm, word list, word rest) {
  word head = rest, tail = W_NIL;
  for (; is_pair(list); list = cdr(list)) {
    const word new = cons(vm, car(list), rest);
    if (tail == W_NIL)
      head = new;
    else
      set_cdr(vm, tail, new);
    tail = new;
  }
  if (list != W_NIL) scheme_wrong(vm, "a list", list);
  return head;
}

BUILTIN(append) {
  if (count == 0) return W_NIL;
  word list = args[--count];
  while (count > 0)
    list = append_two(vm, args[--count], list);
  return list;
}

BUILTIN(reverse) {
  UNUSED;
  if (list_length(args[0]) < 0) scheme_wrong(vm, "a list", args[0]);
  return list_reverse(vm, args[0]);
}

BUILTIN(list_tail) {
  UNUSED;
  word list = args[0];
  for (int64_t n = index_argument(vm, args[1], SIZE_MAX >> 3); n > 0; n--, list = cdr(list))
    if (!is_pair(list)) scheme_wrong(vm, "a longer list", args[0]);
  return list;
}

BUILTIN(list_ref) {
  const word pair = builtin_list_tail(vm, args, count);
  if (!is_pair(pair)) scheme_wrong(vm, "a longer list", args[0]);
  return car(pair);
}

BUILTIN(list_copy) {
  UNUSED;
  return is_pair(args[0]) ? append_two(vm, args[0], W_NIL) : args[0];
}

BUILTIN(make_list) {
  word list = W_NIL;
  const word fill = count > 1 ? args[1] : W_VOID;
  for (int64_t n = index_argument(vm, args[0], SIZE_MAX >> 8); n > 0; n--)
    list = cons(vm, fill, list);
  return list;
}

#define SEARCH(name, same, found)                                                                  \
  BUILTIN(name) {                                                                                  \
    UNUSED;                                                                                        \
    const word wanted = args[0];                                                                   \
    for (word list = args[1]; is_pair(list); list = cdr(list))                                     \
      if (same) return found;                                                                      \
    return W_FALSE;                                                                                \
  }
SEARCH(memq, car(list) == wanted, list)
SEARCH(memv, eqv(car(list), wanted), list)
SEARCH(member, equal(vm, wanted, car(list)), list)
SEARCH(assq, is_pair(car(list)) && car(car(list)) == wanted, car(list))
SEARCH(assv, is_pair(car(list)) && eqv(car(car(list)), wanted), car(list))
SEARCH(assoc, is_pair(car(list)) && equal(vm, wanted, car(car(list))), car(list))

/* ---- Symbols ---- */

BUILTIN(symbol_text) {
  UNUSED;
  if (!is_type(args[0], T_SYMBOL)) scheme_wrong(vm, "a symbol", args[0]);
  return symbol_slot(args[0], SYMBOL_NAME);
}

BUILTIN(to_symbol) {
  UNUSED;
  if (!is_type(args[0], T_STRING)) scheme_wrong(vm, "a string", args[0]);
  const word copy = make_string(vm, length_of(args[0]));
  memcpy(string_chars(copy), string_chars(args[0]), length_of(args[0]) * sizeof(uint32_t));
  return intern_string(vm, copy);
}

BUILTIN(gensym) {
  UNUSED;
  static unsigned long last;
  char name[32] = "g";
  size_t length = 1;
  for (unsigned long n = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED); n > 0; n /= 10)
    name[length++] = (char)('0' + n % 10);
  const word slots[SYMBOL_SLOTS] = {string_from(vm, name, length), W_UNBOUND, W_FALSE, W_FALSE,
                                    W_FALSE};
  return make_values(vm, T_SYMBOL, SYMBOL_SLOTS, slots);
}

const struct builtin_row list_builtins[] = {
    {"cons", builtin_cons, 2, 2, 0},
    {"%cons", builtin_cons, 2, 2, 0},
    {"car", builtin_car, 1, 1, 0},
    {"cdr", builtin_cdr, 1, 1, 0},
    {"caar", builtin_caar, 1, 1, 0},
    {"cadr", builtin_cadr, 1, 1, 0},
    {"cdar", builtin_cdar, 1, 1, 0},
    {"cddr", builtin_cddr, 1, 1, 0},
    {"caaar", builtin_caaar, 1, 1, 0},
    {"caadr", builtin_caadr, 1, 1, 0},
    {"cadar", builtin_cadar, 1, 1, 0},
    {"caddr", builtin_caddr, 1, 1, 0},
    {"cdaar", builtin_cdaar, 1, 1, 0},
    {"cdadr", builtin_cdadr, 1, 1, 0},
    {"cddar", builtin_cddar, 1, 1, 0},
    {"cdddr", builtin_cdddr, 1, 1, 0},
    {"cadddr", builtin_cadddr, 1, 1, 0},
    {"cddddr", builtin_cddddr, 1, 1, 0},
    {"set-car!", builtin_set_car, 2, 2, 0},
    {"set-cdr!", builtin_set_cdr, 2, 2, 0},
    {"pair?", builtin_is_pair, 1, 1, 0},
    {"null?", builtin_is_null, 1, 1, 0},
    {"list?", builtin_is_list, 1, 1, 0},
    {"symbol?", builtin_is_symbol, 1, 1, 0},
    {"boolean?", builtin_is_boolean, 1, 1, 0},
    {"procedure?", builtin_is_procedure, 1, 1, 0},
    {"eof-object?", builtin_is_eof, 1, 1, 0},
    {"not", builtin_not, 1, 1, 0},
    {"zero?", builtin_is_zero, 1, 1, 0},
    {"eq?", builtin_eq, 2, 2, 0},
    {"%eq?", builtin_eq, 2, 2, 0},
    {"eqv?", builtin_eqv, 2, 2, 0},
    {"equal?", builtin_equal, 2, 2, 0},
    {"list", builtin_list, 0, MANY, 0},
    {"cons*", builtin_list_star, 1, MANY, 0},
    {"length", builtin_length, 1, 1, 0},
    {"append", builtin_append, 0, MANY, 0},
    {"%append", builtin_append, 0, MANY, 0},
    {"reverse", builtin_reverse, 1, 1, 0},
    {"list-tail", builtin_list_tail, 2, 2, 0},
    {"list-ref", builtin_list_ref, 2, 2, 0},
    {"list-copy", builtin_list_copy, 1, 1, 0},
    {"make-list", builtin_make_list, 1, 2, 0},
    {"memq", builtin_memq, 2, 2, 0},
    {"memv", builtin_memv, 2, 2, 0},
    {"%member", builtin_member, 2, 2, 0},
    {"assq", builtin_assq, 2, 2, 0},
    {"assv", builtin_assv, 2, 2, 0},
    {"%assoc", builtin_assoc, 2, 2, 0},
    {"symbol->string", builtin_symbol_text, 1, 1, 0},
    {"string->symbol", builtin_to_symbol, 1, 1, 0},
    {"generate-symbol", builtin_gensym, 0, 0, 0},
    {0},
};
