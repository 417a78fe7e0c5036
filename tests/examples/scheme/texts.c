/* texts.c: builtins of strings, vectors and bytevectors. */
#include "scheme.h"

#include <string.h>
#include <wctype.h>

/* The bytes of an element: strings, bytevectors, vectors. */
static size_t unit_of(enum type type) {
  return type == T_STRING ? sizeof(uint32_t) : type == T_BYTES ? 1 : sizeof(word);
}

static void wants(struct machine *vm, word w, enum type type) {
  if (!is_type(w, type))
    scheme_wrong(vm,
                 type == T_STRING  ? "a string"
                 : type == T_BYTES ? "a bytevector"
                                   : "a vector",
                 w);
}

static word make_like(struct machine *vm, enum type type, size_t length) {
  if (type == T_VECTOR) return make_vector(vm, length, 0);
  return make_leaf(vm, type, length, length * unit_of(type));
}

/* Optional arguments `at` and `at` + 1: a range of the sequence. */
static void range(struct machine *vm, word *args, size_t count, size_t at, size_t length,
                  size_t *from, size_t *to) {
  *to = count > at + 1 ? (size_t)index_argument(vm, args[at + 1], length) : length;
  *from = count > at ? (size_t)index_argument(vm, args[at], *to) : 0;
}

static void copy(struct machine *vm, word to, size_t at, word from, size_t start, size_t length) {
  const size_t unit = unit_of(type_of(to));
  if (is_type(to, T_VECTOR))
    gait_copy_words(vm->thread, slots_of(to) + at, slots_of(from) + start, length);
  else
    memmove(bytes_of(to) + at * unit, bytes_of(from) + start * unit, length * unit);
}

static word copy_range(struct machine *vm, word *args, size_t count, enum type type) {
  size_t from, to;
  wants(vm, args[0], type);
  range(vm, args, count, 1, length_of(args[0]), &from, &to);
  const word new = make_like(vm, type, to - from);
  copy(vm, new, 0, args[0], from, to - from);
  return new;
}

static word copy_into(struct machine *vm, word *args, size_t count, enum type type) {
  size_t from, to;
  wants(vm, args[0], type);
  wants(vm, args[2], type);
  range(vm, args, count, 3, length_of(args[2]), &from, &to);
  const size_t at = (size_t)index_argument(vm, args[1], length_of(args[0]));
  if (to - from > length_of(args[0]) - at) scheme_wrong(vm, "a shorter range", args[2]);
  copy(vm, args[0], at, args[2], from, to - from);
  return W_VOID;
}

static word append_all(struct machine *vm, word *args, size_t count, enum type type) {
  size_t length = 0, at = 0;
  for (size_t i = 0; i < count; i++) {
    wants(vm, args[i], type);
    length += length_of(args[i]);
  }
  const word new = make_like(vm, type, length);
  for (size_t i = 0; i < count; at += length_of(args[i++]))
    copy(vm, new, at, args[i], 0, length_of(args[i]));
  return new;
}

static word element(word sequence, size_t i) {
  switch (type_of(sequence)) {
  case T_STRING: return character(string_chars(sequence)[i]);
  case T_BYTES: return fixnum(bytes_of(sequence)[i]);
  default: return slots_of(sequence)[i];
  }
}

static void set_element(struct machine *vm, word sequence, size_t i, word value) {
  if (is_type(sequence, T_VECTOR)) {
    set_slot(vm, sequence, i, value);
  } else if (is_type(sequence, T_BYTES)) {
    bytes_of(sequence)[i] = (uint8_t)index_argument(vm, value, 255);
  } else {
    if (!is_char(value)) scheme_wrong(vm, "a character", value);
    string_chars(sequence)[i] = char_value(value);
  }
}

static word fill_range(struct machine *vm, word *args, size_t count, enum type type) {
  size_t from, to;
  wants(vm, args[0], type);
  range(vm, args, count, 2, length_of(args[0]), &from, &to);
  for (size_t i = from; i < to; i++)
    set_element(vm, args[0], i, args[1]);
  return W_VOID;
}

static word make_filled(struct machine *vm, word *args, size_t count, enum type type, word fill) {
  const size_t length = (size_t)index_argument(vm, args[0], (size_t)1 << 31);
  const word new = make_like(vm, type, length);
  if (count > 1) fill = args[1];
  for (size_t i = 0; i < length; i++)
    set_element(vm, new, i, fill);
  return new;
}

static word from_arguments(struct machine *vm, word *args, size_t count, enum type type) {
  const word new = make_like(vm, type, count);
  for (size_t i = 0; i < count; i++)
    set_element(vm, new, i, args[i]);
  return new;
}

static word to_list(struct machine *vm, word *args, size_t count, enum type type) {
  size_t from, to;
  wants(vm, args[0], type);
  range(vm, args, count, 1, length_of(args[0]), &from, &to);
  word list = W_NIL;
  while (to > from)
    list = cons(vm, element(args[0], --to), list);
  return list;
}

static word from_list(struct machine *vm, word list, enum type type) {
  const int64_t length = list_length(list);
  if (length < 0) scheme_wrong(vm, "a list", list);
  const word new = make_like(vm, type, (size_t)length);
  for (size_t i = 0; i < (size_t)length; i++, list = cdr(list))
    set_element(vm, new, i, car(list));
  return new;
}

static word convert(struct machine *vm, word *args, size_t count, enum type type, enum type new) {
  size_t from, to;
  wants(vm, args[0], type);
  range(vm, args, count, 1, length_of(args[0]), &from, &to);
  const word result = make_like(vm, new, to - from);
  for (size_t i = from; i < to; i++)
    set_element(vm, result, i - from, element(args[0], i));
  return result;
}

static word ref(struct machine *vm, word *args, enum type type) {
  wants(vm, args[0], type);
  const size_t i = (size_t)index_argument(vm, args[1], SIZE_MAX >> 3);
  if (i >= length_of(args[0])) scheme_wrong(vm, "an index in range", args[1]);
  return element(args[0], i);
}

static word set(struct machine *vm, word *args, enum type type) {
  (void)ref(vm, args, type);
  set_element(vm, args[0], (size_t)fixnum_value(args[1]), args[2]);
  return W_VOID;
}

static word length(struct machine *vm, word *args, enum type type) {
  wants(vm, args[0], type);
  return fixnum((int64_t)length_of(args[0]));
}

/* What the three kinds of sequences have alike. */
#define SEQUENCE(noun, type, filler)                                                               \
  BUILTIN(noun##_copy) {                                                                           \
    return copy_range(vm, args, count, type);                                                      \
  }                                                                                                \
  BUILTIN(noun##_copy_into) {                                                                      \
    return copy_into(vm, args, count, type);                                                       \
  }                                                                                                \
  BUILTIN(noun##_append) {                                                                         \
    return append_all(vm, args, count, type);                                                      \
  }                                                                                                \
  BUILTIN(noun##_fill) {                                                                           \
    return fill_range(vm, args, count, type);                                                      \
  }                                                                                                \
  BUILTIN(noun##_make) {                                                                           \
    return make_filled(vm, args, count, type, filler);                                             \
  }                                                                                                \
  BUILTIN(noun##_new) {                                                                            \
    return from_arguments(vm, args, count, type);                                                  \
  }                                                                                                \
  BUILTIN(noun##_ref) {                                                                            \
    UNUSED;                                                                                        \
    return ref(vm, args, type);                                                                    \
  }                                                                                                \
  BUILTIN(noun##_set) {                                                                            \
    UNUSED;                                                                                        \
    return set(vm, args, type);                                                                    \
  }                                                                                                \
  BUILTIN(noun##_length) {                                                                         \
    UNUSED;                                                                                        \
    return length(vm, args, type);                                                                 \
  }                                                                                                \
  BUILTIN(is_##noun) {                                                                             \
    UNUSED;                                                                                        \
    return boolean(is_type(args[0], type));                                                        \
  }                                                                                                \
  BUILTIN(noun##_to_list) {                                                                        \
    return to_list(vm, args, count, type);                                                         \
  }                                                                                                \
  BUILTIN(list_to_##noun) {                                                                        \
    UNUSED;                                                                                        \
    return from_list(vm, args[0], type);                                                           \
  }
SEQUENCE(string, T_STRING, character(' '))
SEQUENCE(vector, T_VECTOR, W_VOID)
SEQUENCE(bytes, T_BYTES, 0)

BUILTIN(vector_to_string) {
  return convert(vm, args, count, T_VECTOR, T_STRING);
}

BUILTIN(string_to_vector) {
  return convert(vm, args, count, T_STRING, T_VECTOR);
}

BUILTIN(utf8_to_string) {
  size_t from, to;
  wants(vm, args[0], T_BYTES);
  range(vm, args, count, 1, length_of(args[0]), &from, &to);
  return string_from(vm, (const char *)bytes_of(args[0]) + from, to - from);
}

BUILTIN(string_to_utf8) {
  size_t from, to, bytes;
  wants(vm, args[0], T_STRING);
  range(vm, args, count, 1, length_of(args[0]), &from, &to);
  const char *text = string_utf8(vm, args[0], from, to, &bytes);
  const word new = make_leaf(vm, T_BYTES, bytes, bytes);
  memcpy(bytes_of(new), text, bytes);
  return new;
}

/* ---- Order ---- */

static int string_order(struct machine *vm, word a, word b, bool fold) {
  wants(vm, a, T_STRING);
  wants(vm, b, T_STRING);
  const size_t least = length_of(a) < length_of(b) ? length_of(a) : length_of(b);
  for (size_t i = 0; i < least; i++) {
    const uint32_t x = string_chars(a)[i], y = string_chars(b)[i];
    const uint32_t p = fold ? (uint32_t)towlower((wint_t)x) : x;
    const uint32_t q = fold ? (uint32_t)towlower((wint_t)y) : y;
    if (p != q) return p < q ? -1 : 1;
  }
  return (length_of(a) > length_of(b)) - (length_of(a) < length_of(b));
}

static int char_order(struct machine *vm, word a, word b, bool fold) {
  if (!is_char(a)) scheme_wrong(vm, "a character", a);
  if (!is_char(b)) scheme_wrong(vm, "a character", b);
  const wint_t x = (wint_t)char_value(a), y = (wint_t)char_value(b);
  const wint_t p = fold ? towlower(x) : x, q = fold ? towlower(y) : y;
  return (p > q) - (p < q);
}

#define ORDER(name, order, sign, fold)                                                             \
  BUILTIN(name) {                                                                                  \
    for (size_t i = 1; i < count; i++)                                                             \
      if (!(order(vm, args[i - 1], args[i], fold) sign 0)) return W_FALSE;                         \
    return W_TRUE;                                                                                 \
  }
ORDER(string_same, string_order, ==, false)
ORDER(string_less, string_order, <, false)
ORDER(string_greater, string_order, >, false)
ORDER(string_less_same, string_order, <=, false)
ORDER(string_greater_same, string_order, >=, false)
ORDER(string_same_fold, string_order, ==, true)
ORDER(string_less_fold, string_order, <, true)
ORDER(char_same, char_order, ==, false)
ORDER(char_less, char_order, <, false)
ORDER(char_greater, char_order, >, false)
ORDER(char_less_same, char_order, <=, false)
ORDER(char_greater_same, char_order, >=, false)
ORDER(char_same_fold, char_order, ==, true)

static word string_case(struct machine *vm, word string, wint_t (*change)(wint_t)) {
  wants(vm, string, T_STRING);
  const word new = make_string(vm, length_of(string));
  for (size_t i = 0; i < length_of(string); i++)
    string_chars(new)[i] = (uint32_t)change((wint_t)string_chars(string)[i]);
  return new;
}

BUILTIN(string_upcase) {
  UNUSED;
  return string_case(vm, args[0], towupper);
}

BUILTIN(string_downcase) {
  UNUSED;
  return string_case(vm, args[0], towlower);
}

const struct builtin_row string_builtins[] = {
    {"string?", builtin_is_string, 1, 1, 0},
    {"string", builtin_string_new, 0, MANY, 0},
    {"make-string", builtin_string_make, 1, 2, 0},
    {"string-length", builtin_string_length, 1, 1, 0},
    {"string-ref", builtin_string_ref, 2, 2, 0},
    {"string-set!", builtin_string_set, 3, 3, 0},
    {"string-append", builtin_string_append, 0, MANY, 0},
    {"substring", builtin_string_copy, 2, 3, 0},
    {"string-copy", builtin_string_copy, 1, 3, 0},
    {"string-copy!", builtin_string_copy_into, 3, 5, 0},
    {"string-fill!", builtin_string_fill, 2, 4, 0},
    {"string->list", builtin_string_to_list, 1, 3, 0},
    {"list->string", builtin_list_to_string, 1, 1, 0},
    {"string->vector", builtin_string_to_vector, 1, 3, 0},
    {"vector->string", builtin_vector_to_string, 1, 3, 0},
    {"string->utf8", builtin_string_to_utf8, 1, 3, 0},
    {"utf8->string", builtin_utf8_to_string, 1, 3, 0},
    {"string-upcase", builtin_string_upcase, 1, 1, 0},
    {"string-downcase", builtin_string_downcase, 1, 1, 0},
    {"string-foldcase", builtin_string_downcase, 1, 1, 0},
    {"string=?", builtin_string_same, 1, MANY, 0},
    {"string<?", builtin_string_less, 1, MANY, 0},
    {"string>?", builtin_string_greater, 1, MANY, 0},
    {"string<=?", builtin_string_less_same, 1, MANY, 0},
    {"string>=?", builtin_string_greater_same, 1, MANY, 0},
    {"string-ci=?", builtin_string_same_fold, 1, MANY, 0},
    {"string-ci<?", builtin_string_less_fold, 1, MANY, 0},
    {"char=?", builtin_char_same, 1, MANY, 0},
    {"char<?", builtin_char_less, 1, MANY, 0},
    {"char>?", builtin_char_greater, 1, MANY, 0},
    {"char<=?", builtin_char_less_same, 1, MANY, 0},
    {"char>=?", builtin_char_greater_same, 1, MANY, 0},
    {"char-ci=?", builtin_char_same_fold, 1, MANY, 0},
    {0},
};

const struct builtin_row vector_builtins[] = {
    {"vector?", builtin_is_vector, 1, 1, 0},
    {"vector", builtin_vector_new, 0, MANY, 0},
    {"make-vector", builtin_vector_make, 1, 2, 0},
    {"vector-length", builtin_vector_length, 1, 1, 0},
    {"vector-ref", builtin_vector_ref, 2, 2, 0},
    {"vector-set!", builtin_vector_set, 3, 3, 0},
    {"vector-append", builtin_vector_append, 0, MANY, 0},
    {"vector-copy", builtin_vector_copy, 1, 3, 0},
    {"vector-copy!", builtin_vector_copy_into, 3, 5, 0},
    {"vector-fill!", builtin_vector_fill, 2, 4, 0},
    {"vector->list", builtin_vector_to_list, 1, 3, 0},
    {"list->vector", builtin_list_to_vector, 1, 1, 0},
    {"bytevector?", builtin_is_bytes, 1, 1, 0},
    {"bytevector", builtin_bytes_new, 0, MANY, 0},
    {"make-bytevector", builtin_bytes_make, 1, 2, 0},
    {"bytevector-length", builtin_bytes_length, 1, 1, 0},
    {"bytevector-u8-ref", builtin_bytes_ref, 2, 2, 0},
    {"bytevector-u8-set!", builtin_bytes_set, 3, 3, 0},
    {"bytevector-append", builtin_bytes_append, 0, MANY, 0},
    {"bytevector-copy", builtin_bytes_copy, 1, 3, 0},
    {"bytevector-copy!", builtin_bytes_copy_into, 3, 5, 0},
    {"bytevector-fill!", builtin_bytes_fill, 2, 4, 0},
    {"bytevector->list", builtin_bytes_to_list, 1, 3, 0},
    {"list->bytevector", builtin_list_to_bytes, 1, 1, 0},
    {0},
};
