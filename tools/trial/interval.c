#include "interval.h"

#include <math.h>

static const double interval_level = 0.95;
static const double interval_pi = 3.14159265358979323846;

/* P(|T| <= t) for whole degrees of freedom, a finite sum: Abramowitz and Stegun, 26.7.3 and 26.7.4.
 */
static double interval_within(double t, int freedom) {
  double angle = atan(t / sqrt(freedom)), cosine = cos(angle);
  double sum = 0, term = freedom % 2 == 1 ? cosine : 1;
  for (int i = freedom % 2 == 1 ? 3 : 2; i <= freedom; i += 2) {
    sum += term;
    term *= cosine * cosine * (i - 1) / i;
  }
  if (freedom % 2 == 1) return 2 / interval_pi * (angle + sin(angle) * sum);
  return sin(angle) * sum;
}

/* Degrees that are no whole number are rounded down, which makes the interval wider. */
double interval_quantile(double freedom) {
  int whole = freedom < 1 ? 1 : freedom > 1000 ? 1000 : (int)freedom;
  double low = 0, high = 64;
  for (int i = 0; i < 64; i++) {
    double middle = (low + high) / 2;
    if (interval_within(middle, whole) < interval_level)
      low = middle;
    else
      high = middle;
  }
  return high;
}

static double interval_mean(const double *values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += values[i];
  return sum / (double)count;
}

/* The variance of the mean; of a single value it is not known. */
static double interval_error(const double *values, size_t count) {
  double mean = interval_mean(values, count), sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += (values[i] - mean) * (values[i] - mean);
  return count < 2 ? INFINITY : sum / (double)(count - 1) / (double)count;
}

static struct interval interval_around(double mean, double error, double freedom, size_t count) {
  double half = isfinite(error) ? interval_quantile(freedom) * sqrt(error) : INFINITY;
  return (struct interval){mean, mean - half, mean + half, count};
}

struct interval interval_paired(const double *differences, size_t count) {
  if (count == 0) return (struct interval){0, -INFINITY, INFINITY, 0};
  return interval_around(interval_mean(differences, count), interval_error(differences, count),
                         (double)count - 1, count);
}

struct interval interval_welch(const double *a, size_t a_count, const double *b, size_t b_count) {
  size_t count = a_count < b_count ? a_count : b_count;
  if (count == 0) return (struct interval){0, -INFINITY, INFINITY, 0};
  double of_a = interval_error(a, a_count), of_b = interval_error(b, b_count), both = of_a + of_b;
  double parts = of_a * of_a / (double)(a_count - 1) + of_b * of_b / (double)(b_count - 1);
  double freedom = parts > 0 && isfinite(parts) ? both * both / parts : 1000;
  return interval_around(interval_mean(b, b_count) - interval_mean(a, a_count), both, freedom,
                         count);
}
