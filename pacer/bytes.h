/* Arithmetic on byte counts that saturates instead of overflowing, so that a
 * heap of terabytes or a percentage of millions gives a large goal, not a
 * negative one.  All counts are 0 or more unless a name says otherwise. */
#ifndef GAITI_PACER_BYTES_H
#define GAITI_PACER_BYTES_H

#include <stdbool.h>
#include <stdint.h>

static inline int64_t bytes_min(int64_t a, int64_t b) {
  return a < b ? a : b;
}
static inline int64_t bytes_max(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static inline int64_t bytes_add(int64_t a, int64_t b) {
  return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* The part of x above 0: no wrap, since a and b are not negative. */
static inline int64_t bytes_over(int64_t a, int64_t b) {
  return a > b ? a - b : 0;
}

/* x * percent / 100, rounded down, exact as long as it fits. */
static inline int64_t bytes_percent(int64_t x, int64_t percent) {
  int64_t hundreds = x / 100, rest = x % 100;
  if (percent > 0 && hundreds > INT64_MAX / percent) return INT64_MAX;
  if (percent > INT64_MAX / 100) return x > 0 ? INT64_MAX : 0;
  return bytes_add(hundreds * percent, rest * percent / 100);
}

/* Rounds toward 0; a value below 0 or not a number gives 0. */
static inline int64_t bytes_from_real(double x) {
  if (!(x > 0)) return 0;
  if (x >= 9223372036854775807.0) return INT64_MAX;
  return (int64_t)x;
}

/* x * num / den, rounded down, for small fractions of 1. */
static inline int64_t bytes_fraction(int64_t x, int64_t num, int64_t den) {
  return x / den * num;
}

#endif
