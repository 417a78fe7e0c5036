/* arithmetic.c: fixnums, bignums by GMP, ratios and flonums.
 *
 * A bignum's limbs are an object of leaves, which GMP reads where it is.  A result is made in
 * GMP's own memory, and copied; numbers that a function made there are cleared before an error. */
#include "scheme.h"

#include <gmp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGN_BIT ((word)1 << 63)

struct integer { /* a fixnum or bignum as GMP sees it */
  mpz_t z;
  mp_limb_t limb;
};

static size_t bignum_limbs(word w) {
  return (size_t)((object_of(w)->header & ~SIGN_BIT) >> 8);
}

static mpz_srcptr integer_view(struct integer *view, word w) {
  if (!is_fixnum(w)) {
    const mp_size_t limbs = (mp_size_t)bignum_limbs(w);
    const bool negative = object_of(w)->header & SIGN_BIT;
    return mpz_roinit_n(view->z, (const mp_limb_t *)slots_of(w), negative ? -limbs : limbs);
  }
  const int64_t value = fixnum_value(w);
  view->limb = value < 0 ? -(mp_limb_t)value : (mp_limb_t)value;
  return mpz_roinit_n(view->z, &view->limb, value < 0 ? -1 : value > 0);
}

/* The number as a word; clears `z`. */
static word integer_take(struct machine *vm, mpz_t z) {
  const size_t limbs = mpz_size(z);
  const mp_limb_t low = mpz_getlimbn(z, 0);
  const bool negative = mpz_sgn(z) < 0;
  if (limbs <= 1 && low <= (mp_limb_t)FIXNUM_MAX) {
    mpz_clear(z);
    return fixnum(negative ? -(int64_t)low : (int64_t)low);
  }
  struct object *object =
      gait_alloc(vm->thread, vm->leaves, sizeof *object + limbs * sizeof(mp_limb_t));
  if (object) {
    object->header = HEADER(T_BIGNUM, limbs) | (negative ? SIGN_BIT : 0);
    memcpy(object->slots, mpz_limbs_read(z), limbs * sizeof(mp_limb_t));
  }
  mpz_clear(z);
  if (!object) scheme_full(vm);
  return object_word(object);
}

word number_from_int(struct machine *vm, int64_t value) {
  if (value >= FIXNUM_MIN && value <= FIXNUM_MAX) return fixnum(value);
  mpz_t z;
  mpz_init_set_si(z, value);
  return integer_take(vm, z);
}

static bool is_exact_integer(word w) {
  return is_fixnum(w) || is_type(w, T_BIGNUM);
}

bool is_number(word w) {
  return is_fixnum(w) || is_flonum(w) || is_type(w, T_BIGNUM) || is_type(w, T_RATIO);
}

bool is_integer(word w) {
  if (is_flonum(w)) return isfinite(flonum_value(w)) && flonum_value(w) == floor(flonum_value(w));
  return is_exact_integer(w);
}

double number_double(struct machine *vm, word n) {
  if (is_fixnum(n)) return (double)fixnum_value(n);
  if (is_flonum(n)) return flonum_value(n);
  struct integer a, b;
  if (is_type(n, T_BIGNUM)) return mpz_get_d(integer_view(&a, n));
  if (!is_type(n, T_RATIO)) scheme_wrong(vm, "a number", n);
  mpq_t q;
  mpq_init(q);
  mpz_set(mpq_numref(q), integer_view(&a, slots_of(n)[0]));
  mpz_set(mpq_denref(q), integer_view(&b, slots_of(n)[1]));
  const double value = mpq_get_d(q);
  mpq_clear(q);
  return value;
}

/* ---- Ratios ---- */

static word ratio_part(struct machine *vm, word n, int part) {
  if (is_type(n, T_RATIO)) return slots_of(n)[part];
  if (!is_exact_integer(n)) scheme_wrong(vm, "an exact number", n);
  return part == 0 ? n : fixnum(1);
}

static word ratio_make(struct machine *vm, word above, word below) {
  if (below == 0) scheme_error(vm, "division by zero", above);
  if (number_compare(vm, below, 0) < 0) {
    above = number_subtract(vm, 0, above);
    below = number_subtract(vm, 0, below);
  }
  const word divisor = number_gcd(vm, above, below);
  above = number_division(vm, QUOTIENT, above, divisor);
  below = number_division(vm, QUOTIENT, below, divisor);
  const word slots[] = {above, below};
  return below == fixnum(1) ? above : make_values(vm, T_RATIO, 2, slots);
}

static word ratio_operate(struct machine *vm, char operation, word a, word b) {
  const word an = ratio_part(vm, a, 0), ad = ratio_part(vm, a, 1);
  const word bn = ratio_part(vm, b, 0), bd = ratio_part(vm, b, 1);
  if (operation == '*')
    return ratio_make(vm, number_multiply(vm, an, bn), number_multiply(vm, ad, bd));
  const word left = number_multiply(vm, an, bd), right = number_multiply(vm, bn, ad);
  const word sum =
      operation == '+' ? number_add(vm, left, right) : number_subtract(vm, left, right);
  return ratio_make(vm, sum, number_multiply(vm, ad, bd));
}

/* ---- The four operations ---- */

static word number_operate(struct machine *vm, char operation, word a, word b) {
  if (is_flonum(a) || is_flonum(b)) {
    const double x = number_double(vm, a), y = number_double(vm, b);
    return flonum(vm, operation == '+' ? x + y : operation == '-' ? x - y : x * y);
  }
  if (!is_exact_integer(a) || !is_exact_integer(b)) {
    if (!is_number(a)) scheme_wrong(vm, "a number", a);
    if (!is_number(b)) scheme_wrong(vm, "a number", b);
    return ratio_operate(vm, operation, a, b);
  }
  struct integer x, y;
  mpz_t z;
  mpz_init(z);
  if (operation == '+')
    mpz_add(z, integer_view(&x, a), integer_view(&y, b));
  else if (operation == '-')
    mpz_sub(z, integer_view(&x, a), integer_view(&y, b));
  else
    mpz_mul(z, integer_view(&x, a), integer_view(&y, b));
  return integer_take(vm, z);
}

word number_add(struct machine *vm, word a, word b) {
  int64_t sum;
  if (are_fixnums(a, b) && !__builtin_add_overflow((int64_t)a, (int64_t)b, &sum)) return (word)sum;
  return number_operate(vm, '+', a, b);
}

word number_subtract(struct machine *vm, word a, word b) {
  int64_t rest;
  if (are_fixnums(a, b) && !__builtin_sub_overflow((int64_t)a, (int64_t)b, &rest))
    return (word)rest;
  return number_operate(vm, '-', a, b);
}

word number_multiply(struct machine *vm, word a, word b) {
  int64_t product;
  if (are_fixnums(a, b) && !__builtin_mul_overflow(fixnum_value(a), (int64_t)b, &product))
    return (word)product;
  return number_operate(vm, '*', a, b);
}

word number_divide(struct machine *vm, word a, word b) {
  if (is_flonum(a) || is_flonum(b)) {
    if (b == 0) scheme_error(vm, "division by zero", a);
    return flonum(vm, number_double(vm, a) / number_double(vm, b));
  }
  if (!is_number(a)) scheme_wrong(vm, "a number", a);
  return ratio_make(vm, number_multiply(vm, ratio_part(vm, a, 0), ratio_part(vm, b, 1)),
                    number_multiply(vm, ratio_part(vm, a, 1), ratio_part(vm, b, 0)));
}

int number_compare(struct machine *vm, word a, word b) {
  if (are_fixnums(a, b)) return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
  if (is_flonum(a) || is_flonum(b)) {
    const double x = number_double(vm, a), y = number_double(vm, b);
    return isunordered(x, y) ? 2 : (x > y) - (x < y);
  }
  if (is_type(a, T_RATIO) || is_type(b, T_RATIO))
    return number_compare(vm, number_multiply(vm, ratio_part(vm, a, 0), ratio_part(vm, b, 1)),
                          number_multiply(vm, ratio_part(vm, b, 0), ratio_part(vm, a, 1)));
  if (!is_number(a)) scheme_wrong(vm, "a number", a);
  if (!is_number(b)) scheme_wrong(vm, "a number", b);
  struct integer x, y;
  const int order = mpz_cmp(integer_view(&x, a), integer_view(&y, b));
  return (order > 0) - (order < 0);
}

bool number_eqv(word a, word b) {
  struct integer x, y;
  if (is_flonum(a) && is_flonum(b))
    return flonum_value(a) == flonum_value(b) &&
           signbit(flonum_value(a)) == signbit(flonum_value(b));
  if (is_type(a, T_BIGNUM) && is_type(b, T_BIGNUM))
    return mpz_cmp(integer_view(&x, a), integer_view(&y, b)) == 0;
  if (is_type(a, T_RATIO) && is_type(b, T_RATIO))
    return eqv(slots_of(a)[0], slots_of(b)[0]) && eqv(slots_of(a)[1], slots_of(b)[1]);
  return false;
}

/* ---- Division of integers ---- */

static word division_of_flonums(struct machine *vm, enum division division, double a, double b) {
  if (!isfinite(a) || a != floor(a) || b != floor(b) || b == 0)
    scheme_error(vm, "integers are wanted, and a divisor that is not zero", flonum(vm, b));
  switch (division) {
  case QUOTIENT: return flonum(vm, trunc(a / b));
  case REMAINDER: return flonum(vm, fmod(a, b));
  case FLOOR_QUOTIENT: return flonum(vm, floor(a / b));
  default: return flonum(vm, a - b * floor(a / b));
  }
}

static word division_of_fixnums(struct machine *vm, enum division division, int64_t a, int64_t b) {
  const int64_t rest = a % b, quotient = a / b;
  const bool floors = rest != 0 && (rest < 0) != (b < 0);
  switch (division) {
  case QUOTIENT: return number_from_int(vm, quotient);
  case REMAINDER: return fixnum(rest);
  case FLOOR_QUOTIENT: return number_from_int(vm, quotient - floors);
  default: return fixnum(floors ? rest + b : rest);
  }
}

word number_division(struct machine *vm, enum division division, word a, word b) {
  if (is_flonum(a) || is_flonum(b))
    return division_of_flonums(vm, division, number_double(vm, a), number_double(vm, b));
  if (!is_exact_integer(a)) scheme_wrong(vm, "an integer", a);
  if (!is_exact_integer(b)) scheme_wrong(vm, "an integer", b);
  if (b == 0) scheme_error(vm, "division by zero", a);
  if (are_fixnums(a, b)) return division_of_fixnums(vm, division, fixnum_value(a), fixnum_value(b));
  struct integer x, y;
  mpz_t z;
  mpz_init(z);
  integer_view(&x, a), integer_view(&y, b);
  switch (division) {
  case QUOTIENT: mpz_tdiv_q(z, x.z, y.z); break;
  case REMAINDER: mpz_tdiv_r(z, x.z, y.z); break;
  case FLOOR_QUOTIENT: mpz_fdiv_q(z, x.z, y.z); break;
  default: mpz_fdiv_r(z, x.z, y.z); break;
  }
  return integer_take(vm, z);
}

word number_gcd(struct machine *vm, word a, word b) {
  if (is_flonum(a) || is_flonum(b)) {
    a = number_exact(vm, number_double(vm, a));
    b = number_exact(vm, number_double(vm, b));
    return flonum(vm, number_double(vm, number_gcd(vm, a, b)));
  }
  if (!is_exact_integer(a)) scheme_wrong(vm, "an integer", a);
  if (!is_exact_integer(b)) scheme_wrong(vm, "an integer", b);
  struct integer x, y;
  mpz_t z;
  mpz_init(z);
  mpz_gcd(z, integer_view(&x, a), integer_view(&y, b));
  return integer_take(vm, z);
}

word number_root(struct machine *vm, word n, word *rest) {
  struct integer x;
  mpz_t root, left;
  if (!is_exact_integer(n) || number_compare(vm, n, 0) < 0)
    scheme_wrong(vm, "an exact integer that is not negative", n);
  mpz_inits(root, left, NULL);
  mpz_sqrtrem(root, left, integer_view(&x, n));
  *rest = boolean(mpz_sgn(left) == 0);
  mpz_clear(left);
  return integer_take(vm, root);
}

word number_shift(struct machine *vm, word n, int64_t by) {
  struct integer x;
  mpz_t z;
  if (!is_exact_integer(n)) scheme_wrong(vm, "an exact integer", n);
  if (by > 1 << 30) scheme_error(vm, "a shift is too far", fixnum(by));
  mpz_init(z);
  if (by >= 0)
    mpz_mul_2exp(z, integer_view(&x, n), (mp_bitcnt_t)by);
  else
    mpz_fdiv_q_2exp(z, integer_view(&x, n), (mp_bitcnt_t)-by);
  return integer_take(vm, z);
}

word number_bits(struct machine *vm, char operation, word a, word b) {
  struct integer x, y;
  mpz_t z;
  if (!is_exact_integer(a)) scheme_wrong(vm, "an exact integer", a);
  if (!is_exact_integer(b)) scheme_wrong(vm, "an exact integer", b);
  mpz_init(z);
  if (operation == '&')
    mpz_and(z, integer_view(&x, a), integer_view(&y, b));
  else if (operation == '|')
    mpz_ior(z, integer_view(&x, a), integer_view(&y, b));
  else
    mpz_xor(z, integer_view(&x, a), integer_view(&y, b));
  return integer_take(vm, z);
}

word number_exact(struct machine *vm, double value) {
  if (!isfinite(value)) scheme_error(vm, "there is no such exact number", flonum(vm, value));
  mpq_t q;
  mpz_t below;
  mpq_init(q);
  mpq_set_d(q, value);
  mpz_init_set(below, mpq_denref(q));
  mpz_t above;
  mpz_init_set(above, mpq_numref(q));
  mpq_clear(q);
  const word numerator = integer_take(vm, above);
  return ratio_make(vm, numerator, integer_take(vm, below));
}

int64_t index_argument(struct machine *vm, word w, size_t limit) {
  if (!is_fixnum(w) || fixnum_value(w) < 0 || (uint64_t)fixnum_value(w) > limit)
    scheme_wrong(vm, "an index in range", w);
  return fixnum_value(w);
}

/* ---- Text ---- */

static word text_of_integer(struct machine *vm, word n, int radix, char **out) {
  struct integer x;
  integer_view(&x, n);
  const word text = make_leaf(vm, T_BYTES, 0, mpz_sizeinbase(x.z, radix) + 2);
  *out = mpz_get_str((char *)bytes_of(text), radix, x.z);
  return text;
}

static void text_of_double(double value, char *text, size_t bytes) {
  if (isnan(value))
    strcpy(text, "+nan.0");
  else if (isinf(value))
    strcpy(text, value > 0 ? "+inf.0" : "-inf.0");
  else {
    for (int digits = 15; digits <= 17; digits++) {
      snprintf(text, bytes, "%.*g", digits, value);
      if (strtod(text, NULL) == value) break;
    }
    char *exponent = strchr(text, 'e');
    if (exponent == NULL && !strchr(text, '.')) strcat(text, ".0");
    if (exponent) { /* 1e+07 is 1e7 */
      char *digits = exponent + 1 + (exponent[1] == '+' || exponent[1] == '-');
      const size_t zeros = strspn(digits, "0");
      memmove(digits, digits + zeros, strlen(digits + zeros) + 1);
      if (exponent[1] == '+') memmove(exponent + 1, exponent + 2, strlen(exponent + 1));
    }
  }
}

word number_text(struct machine *vm, word number, int radix) {
  char text[64], *digits;
  if (is_flonum(number)) {
    text_of_double(flonum_value(number), text, sizeof text);
    return string_from(vm, text, strlen(text));
  }
  if (!is_type(number, T_RATIO)) {
    text_of_integer(vm, number, radix, &digits);
    return string_from(vm, digits, strlen(digits));
  }
  const word above = number_text(vm, slots_of(number)[0], radix);
  const word below = number_text(vm, slots_of(number)[1], radix);
  const size_t length = length_of(above);
  const word string = make_string(vm, length + 1 + length_of(below));
  memcpy(string_chars(string), string_chars(above), length * 4);
  string_chars(string)[length] = '/';
  memcpy(string_chars(string) + length + 1, string_chars(below), length_of(below) * 4);
  return string;
}

static word parse_integer(struct machine *vm, const char *text, size_t length, int radix) {
  char *copy = strndup(text[0] == '+' ? text + 1 : text, length - (text[0] == '+'));
  if (!copy) scheme_full(vm);
  mpz_t z;
  const bool good = copy[0] != '\0' && copy[0] != ' ' && mpz_init_set_str(z, copy, radix) == 0;
  if (!good && copy[0] != '\0' && copy[0] != ' ') mpz_clear(z);
  free(copy);
  return good ? integer_take(vm, z) : W_FALSE;
}

static word parse_real(struct machine *vm, const char *text) {
  char *end;
  if (strspn(text, "+-.0123456789eE") != strlen(text) || !strpbrk(text, "0123456789"))
    return W_FALSE;
  if (text[0] == 'e' || text[0] == 'E') return W_FALSE;
  const double value = strtod(text, &end);
  return *end == '\0' ? flonum(vm, value) : W_FALSE;
}

static word parse_plain(struct machine *vm, const char *text, int radix) {
  const size_t length = strlen(text);
  const char *slash = strchr(text, '/');
  if (length == 0) return W_FALSE;
  if (strcmp(text, "+inf.0") == 0) return flonum(vm, (double)INFINITY);
  if (strcmp(text, "-inf.0") == 0) return flonum(vm, (double)-INFINITY);
  if (strcmp(text, "+nan.0") == 0 || strcmp(text, "-nan.0") == 0) return flonum(vm, (double)NAN);
  if (slash) {
    const word above = parse_integer(vm, text, (size_t)(slash - text), radix);
    const word below = parse_integer(vm, slash + 1, length - (size_t)(slash + 1 - text), radix);
    return above == W_FALSE || below == W_FALSE || below == 0 ? W_FALSE
                                                              : ratio_make(vm, above, below);
  }
  const word integer = parse_integer(vm, text, length, radix);
  return integer != W_FALSE || radix != 10 ? integer : parse_real(vm, text);
}

word number_parse(struct machine *vm, const char *text, int radix) {
  char exactness = 0;
  for (; text[0] == '#' && text[1] != '\0'; text += 2) {
    const char c = (char)(text[1] | 32);
    if (c == 'x')
      radix = 16;
    else if (c == 'b')
      radix = 2;
    else if (c == 'o')
      radix = 8;
    else if (c == 'd')
      radix = 10;
    else
      exactness = c;
  }
  const word number = parse_plain(vm, text, radix);
  if (number == W_FALSE || exactness == 0) return number;
  if (exactness == 'i') return flonum(vm, number_double(vm, number));
  if (exactness != 'e') return W_FALSE;
  return is_flonum(number) ? number_exact(vm, flonum_value(number)) : number;
}
