/* numerals.c: builtins of numbers and characters. */
#include "scheme.h"

#include <ctype.h>
#include <math.h>
#include <time.h>
#include <wctype.h>

static word builtin_plus(struct machine *vm, word *args, size_t count) {
  word sum = 0;
  for (size_t i = 0; i < count; i++)
    sum = number_add(vm, sum, args[i]);
  return sum;
}

static word builtin_times(struct machine *vm, word *args, size_t count) {
  word product = fixnum(1);
  for (size_t i = 0; i < count; i++)
    product = number_multiply(vm, product, args[i]);
  return product;
}

static word builtin_minus(struct machine *vm, word *args, size_t count) {
  if (count == 1) return number_subtract(vm, is_flonum(args[0]) ? flonum(vm, -0.0) : 0, args[0]);
  word rest = args[0];
  for (size_t i = 1; i < count; i++)
    rest = number_subtract(vm, rest, args[i]);
  return rest;
}

static word builtin_over(struct machine *vm, word *args, size_t count) {
  if (count == 1) return number_divide(vm, fixnum(1), args[0]);
  word rest = args[0];
  for (size_t i = 1; i < count; i++)
    rest = number_divide(vm, rest, args[i]);
  return rest;
}

/* Whether each neighbour is in one of the orders, which are bits: 1 less, 2 equal, 4 greater. */
static word compare_all(struct machine *vm, word *args, size_t count, unsigned orders) {
  if (count == 1) (void)number_double(vm, args[0]);
  for (size_t i = 1; i < count; i++)
    if (!(orders >> (number_compare(vm, args[i - 1], args[i]) + 1) & 1)) return W_FALSE;
  return W_TRUE;
}

#define COMPARISON(name, orders)                                                                   \
  static word builtin_##name(struct machine *vm, word *args, size_t count) {                       \
    return compare_all(vm, args, count, orders);                                                   \
  }
COMPARISON(less, 1)
COMPARISON(same, 2)
COMPARISON(less_or_same, 3)
COMPARISON(greater, 4)
COMPARISON(greater_or_same, 6)

#define DIVISION(name, division)                                                                   \
  static word builtin_##name(struct machine *vm, word *args, size_t count) {                       \
    (void)count;                                                                                   \
    return number_division(vm, division, args[0], args[1]);                                        \
  }
DIVISION(quotient, QUOTIENT)
DIVISION(remainder, REMAINDER)
DIVISION(modulo, MODULO)
DIVISION(floor_quotient, FLOOR_QUOTIENT)

static word extreme(struct machine *vm, word *args, size_t count, int order) {
  word best = args[0];
  bool inexact = is_flonum(best);
  if (count == 1) (void)number_double(vm, best);
  for (size_t i = 1; i < count; i++) {
    inexact |= is_flonum(args[i]);
    if (number_compare(vm, args[i], best) == order) best = args[i];
  }
  return inexact && !is_flonum(best) ? flonum(vm, number_double(vm, best)) : best;
}

static word builtin_min(struct machine *vm, word *args, size_t count) {
  return extreme(vm, args, count, -1);
}

static word builtin_max(struct machine *vm, word *args, size_t count) {
  return extreme(vm, args, count, 1);
}

static word builtin_gcd(struct machine *vm, word *args, size_t count) {
  word result = 0;
  for (size_t i = 0; i < count; i++)
    result = number_gcd(vm, result, args[i]);
  return result;
}

/* ---- What a number is ---- */

#define PREDICATE(name, expression)                                                                \
  static word builtin_##name(struct machine *vm, word *args, size_t count) {                       \
    const word w = args[0];                                                                        \
    (void)vm, (void)count;                                                                         \
    return boolean(expression);                                                                    \
  }
PREDICATE(is_number, is_number(w))
PREDICATE(is_integer, is_integer(w))
PREDICATE(is_rational, is_number(w) && !(is_flonum(w) && !isfinite(flonum_value(w))))
PREDICATE(is_exact, ((void)number_double(vm, w), !is_flonum(w)))
PREDICATE(is_inexact, ((void)number_double(vm, w), is_flonum(w)))
PREDICATE(is_exact_integer, is_fixnum(w) || is_type(w, T_BIGNUM))
PREDICATE(is_nan, isnan(number_double(vm, w)))
PREDICATE(is_infinite, isinf(number_double(vm, w)))
PREDICATE(is_finite, isfinite(number_double(vm, w)))
PREDICATE(is_char, is_char(w))
PREDICATE(is_alphabetic, is_char(w) && iswalpha((wint_t)char_value(w)))
PREDICATE(is_numeric, is_char(w) && iswdigit((wint_t)char_value(w)))
PREDICATE(is_whitespace, is_char(w) && iswspace((wint_t)char_value(w)))
PREDICATE(is_upper, is_char(w) && iswupper((wint_t)char_value(w)))
PREDICATE(is_lower, is_char(w) && iswlower((wint_t)char_value(w)))

/* ---- Reals ---- */

static word round_all(struct machine *vm, word w, double (*function)(double), enum division way) {
  if (is_flonum(w)) return flonum(vm, function(flonum_value(w)));
  if (!is_type(w, T_RATIO)) return (void)number_double(vm, w), w;
  return number_division(vm, way, slots_of(w)[0], slots_of(w)[1]);
}

static word builtin_floor(struct machine *vm, word *args, size_t count) {
  (void)count;
  return round_all(vm, args[0], floor, FLOOR_QUOTIENT);
}

static word builtin_truncate(struct machine *vm, word *args, size_t count) {
  (void)count;
  return round_all(vm, args[0], trunc, QUOTIENT);
}

static word builtin_ceiling(struct machine *vm, word *args, size_t count) {
  (void)count;
  if (!is_type(args[0], T_RATIO)) return round_all(vm, args[0], ceil, QUOTIENT);
  return number_add(vm, round_all(vm, args[0], floor, FLOOR_QUOTIENT), fixnum(1));
}

/* Of a ratio: the floor of it and a half, less one where that is the odd one of two. */
static word builtin_round(struct machine *vm, word *args, size_t count) {
  (void)count;
  if (!is_type(args[0], T_RATIO)) return round_all(vm, args[0], nearbyint, QUOTIENT);
  const word twice = number_add(vm, number_multiply(vm, args[0], fixnum(2)), fixnum(1));
  if (is_type(twice, T_RATIO))
    return round_all(vm, number_divide(vm, twice, fixnum(2)), floor, FLOOR_QUOTIENT);
  const word up = number_division(vm, FLOOR_QUOTIENT, twice, fixnum(2));
  return number_division(vm, MODULO, up, fixnum(2)) == 0 ? up : number_subtract(vm, up, fixnum(1));
}

#define REAL(name)                                                                                 \
  static word builtin_##name(struct machine *vm, word *args, size_t count) {                       \
    (void)count;                                                                                   \
    return flonum(vm, name(number_double(vm, args[0])));                                           \
  }
REAL(exp)
REAL(sin)
REAL(cos)
REAL(tan)
REAL(asin)
REAL(acos)

static word builtin_log(struct machine *vm, word *args, size_t count) {
  const double value = log(number_double(vm, args[0]));
  return flonum(vm, count == 1 ? value : value / log(number_double(vm, args[1])));
}

static word builtin_atan(struct machine *vm, word *args, size_t count) {
  const double y = number_double(vm, args[0]);
  return flonum(vm, count == 1 ? atan(y) : atan2(y, number_double(vm, args[1])));
}

static word exact_root(struct machine *vm, word n) {
  word whole = W_FALSE;
  const word root = number_root(vm, n, &whole);
  return whole == W_TRUE ? root : W_FALSE;
}

static word builtin_sqrt(struct machine *vm, word *args, size_t count) {
  const word n = args[0];
  (void)count;
  const double value = number_double(vm, n);
  if (!is_flonum(n) && value >= 0) {
    const bool ratio = is_type(n, T_RATIO);
    const word above = exact_root(vm, ratio ? slots_of(n)[0] : n);
    const word below = ratio ? exact_root(vm, slots_of(n)[1]) : fixnum(1);
    if (above != W_FALSE && below != W_FALSE) return number_divide(vm, above, below);
  }
  return flonum(vm, sqrt(value));
}

static word builtin_exact_root(struct machine *vm, word *args, size_t count) {
  word whole;
  (void)count;
  return number_root(vm, args[0], &whole);
}

static word power(struct machine *vm, word base, word exponent) {
  word result = fixnum(1);
  for (int64_t n = fixnum_value(exponent); n > 0; n >>= 1) {
    if (n & 1) result = number_multiply(vm, result, base);
    if (n > 1) base = number_multiply(vm, base, base);
  }
  return result;
}

static word builtin_expt(struct machine *vm, word *args, size_t count) {
  const word base = args[0], exponent = args[1];
  (void)count;
  if (!is_fixnum(exponent) || is_flonum(base))
    return flonum(vm, pow(number_double(vm, base), number_double(vm, exponent)));
  if ((int64_t)exponent >= 0) return power(vm, base, exponent);
  return number_divide(vm, fixnum(1), power(vm, base, number_subtract(vm, 0, exponent)));
}

static word builtin_exact(struct machine *vm, word *args, size_t count) {
  (void)count;
  if (is_flonum(args[0])) return number_exact(vm, flonum_value(args[0]));
  return (void)number_double(vm, args[0]), args[0];
}

static word builtin_inexact(struct machine *vm, word *args, size_t count) {
  (void)count;
  return is_flonum(args[0]) ? args[0] : flonum(vm, number_double(vm, args[0]));
}

static word builtin_numerator(struct machine *vm, word *args, size_t count) {
  (void)vm, (void)count;
  return is_type(args[0], T_RATIO) ? slots_of(args[0])[0] : args[0];
}

static word builtin_denominator(struct machine *vm, word *args, size_t count) {
  (void)vm, (void)count;
  return is_type(args[0], T_RATIO) ? slots_of(args[0])[1] : fixnum(1);
}

static word builtin_shift(struct machine *vm, word *args, size_t count) {
  (void)count;
  if (!is_fixnum(args[1])) scheme_wrong(vm, "a fixnum", args[1]);
  return number_shift(vm, args[0], fixnum_value(args[1]));
}

#define BITS(name, operation, start)                                                               \
  static word builtin_##name(struct machine *vm, word *args, size_t count) {                       \
    word result = start;                                                                           \
    for (size_t i = 0; i < count; i++)                                                             \
      result = number_bits(vm, operation, result, args[i]);                                        \
    return result;                                                                                 \
  }
BITS(and, '&', fixnum(-1))
BITS(or, '|', fixnum(0))
BITS(xor, '^', fixnum(0))

/* ---- Text and characters ---- */

static word builtin_to_text(struct machine *vm, word *args, size_t count) {
  if (!is_number(args[0])) scheme_wrong(vm, "a number", args[0]);
  return number_text(vm, args[0], count > 1 ? (int)index_argument(vm, args[1], 36) : 10);
}

static word builtin_from_text(struct machine *vm, word *args, size_t count) {
  size_t bytes;
  if (!is_type(args[0], T_STRING)) scheme_wrong(vm, "a string", args[0]);
  return number_parse(vm, string_utf8(vm, args[0], 0, length_of(args[0]), &bytes),
                      count > 1 ? (int)index_argument(vm, args[1], 36) : 10);
}

static word builtin_to_integer(struct machine *vm, word *args, size_t count) {
  (void)count;
  if (!is_char(args[0])) scheme_wrong(vm, "a character", args[0]);
  return fixnum(char_value(args[0]));
}

static word builtin_to_char(struct machine *vm, word *args, size_t count) {
  (void)count;
  return character((uint32_t)index_argument(vm, args[0], 0x10FFFF));
}

static word builtin_upcase(struct machine *vm, word *args, size_t count) {
  (void)count;
  if (!is_char(args[0])) scheme_wrong(vm, "a character", args[0]);
  return character((uint32_t)towupper((wint_t)char_value(args[0])));
}

static word builtin_downcase(struct machine *vm, word *args, size_t count) {
  (void)count;
  if (!is_char(args[0])) scheme_wrong(vm, "a character", args[0]);
  return character((uint32_t)towlower((wint_t)char_value(args[0])));
}

static word builtin_jiffy(struct machine *vm, word *args, size_t count) {
  struct timespec now;
  (void)vm, (void)args, (void)count;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return fixnum(now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

static word builtin_second(struct machine *vm, word *args, size_t count) {
  struct timespec now;
  (void)args, (void)count;
  clock_gettime(CLOCK_REALTIME, &now);
  return flonum(vm, (double)now.tv_sec + (double)now.tv_nsec / 1e9);
}

const struct builtin_row number_builtins[] = {
    {"+", builtin_plus, 0, MANY, 0},
    {"*", builtin_times, 0, MANY, 0},
    {"-", builtin_minus, 1, MANY, 0},
    {"/", builtin_over, 1, MANY, 0},
    {"=", builtin_same, 1, MANY, 0},
    {"<", builtin_less, 1, MANY, 0},
    {">", builtin_greater, 1, MANY, 0},
    {"<=", builtin_less_or_same, 1, MANY, 0},
    {">=", builtin_greater_or_same, 1, MANY, 0},
    {"quotient", builtin_quotient, 2, 2, 0},
    {"remainder", builtin_remainder, 2, 2, 0},
    {"modulo", builtin_modulo, 2, 2, 0},
    {"truncate-quotient", builtin_quotient, 2, 2, 0},
    {"truncate-remainder", builtin_remainder, 2, 2, 0},
    {"floor-quotient", builtin_floor_quotient, 2, 2, 0},
    {"floor-remainder", builtin_modulo, 2, 2, 0},
    {"min", builtin_min, 1, MANY, 0},
    {"max", builtin_max, 1, MANY, 0},
    {"gcd", builtin_gcd, 0, MANY, 0},
    {"number?", builtin_is_number, 1, 1, 0},
    {"complex?", builtin_is_number, 1, 1, 0},
    {"real?", builtin_is_number, 1, 1, 0},
    {"rational?", builtin_is_rational, 1, 1, 0},
    {"integer?", builtin_is_integer, 1, 1, 0},
    {"exact?", builtin_is_exact, 1, 1, 0},
    {"inexact?", builtin_is_inexact, 1, 1, 0},
    {"exact-integer?", builtin_is_exact_integer, 1, 1, 0},
    {"nan?", builtin_is_nan, 1, 1, 0},
    {"infinite?", builtin_is_infinite, 1, 1, 0},
    {"finite?", builtin_is_finite, 1, 1, 0},
    {"floor", builtin_floor, 1, 1, 0},
    {"ceiling", builtin_ceiling, 1, 1, 0},
    {"truncate", builtin_truncate, 1, 1, 0},
    {"round", builtin_round, 1, 1, 0},
    {"exp", builtin_exp, 1, 1, 0},
    {"log", builtin_log, 1, 2, 0},
    {"sin", builtin_sin, 1, 1, 0},
    {"cos", builtin_cos, 1, 1, 0},
    {"tan", builtin_tan, 1, 1, 0},
    {"asin", builtin_asin, 1, 1, 0},
    {"acos", builtin_acos, 1, 1, 0},
    {"atan", builtin_atan, 1, 2, 0},
    {"sqrt", builtin_sqrt, 1, 1, 0},
    {"%exact-root", builtin_exact_root, 1, 1, 0},
    {"expt", builtin_expt, 2, 2, 0},
    {"exact", builtin_exact, 1, 1, 0},
    {"inexact", builtin_inexact, 1, 1, 0},
    {"inexact->exact", builtin_exact, 1, 1, 0},
    {"exact->inexact", builtin_inexact, 1, 1, 0},
    {"numerator", builtin_numerator, 1, 1, 0},
    {"denominator", builtin_denominator, 1, 1, 0},
    {"arithmetic-shift", builtin_shift, 2, 2, 0},
    {"bitwise-and", builtin_and, 0, MANY, 0},
    {"bitwise-or", builtin_or, 0, MANY, 0},
    {"bitwise-xor", builtin_xor, 0, MANY, 0},
    {"number->string", builtin_to_text, 1, 2, 0},
    {"string->number", builtin_from_text, 1, 2, 0},
    {"char?", builtin_is_char, 1, 1, 0},
    {"char->integer", builtin_to_integer, 1, 1, 0},
    {"integer->char", builtin_to_char, 1, 1, 0},
    {"char-upcase", builtin_upcase, 1, 1, 0},
    {"char-downcase", builtin_downcase, 1, 1, 0},
    {"char-foldcase", builtin_downcase, 1, 1, 0},
    {"char-alphabetic?", builtin_is_alphabetic, 1, 1, 0},
    {"char-numeric?", builtin_is_numeric, 1, 1, 0},
    {"char-whitespace?", builtin_is_whitespace, 1, 1, 0},
    {"char-upper-case?", builtin_is_upper, 1, 1, 0},
    {"char-lower-case?", builtin_is_lower, 1, 1, 0},
    {"current-jiffy", builtin_jiffy, 0, 0, 0},
    {"current-second", builtin_second, 0, 0, 0},
    {0},
};
