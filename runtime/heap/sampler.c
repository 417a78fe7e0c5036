/* The library is linked without libm: the logarithm and the exponential are made here, to nine
 * digits. */
#include "heap/sampler.h"

#define SAMPLER_LN2 0.69314718055994530942

/* The natural logarithm of n / 2^53, for 1 <= n <= 2^53. */
static double sampler_log(uint64_t n) {
  int top = 63 - __builtin_clzll((unsigned long long)n);
  double m = (double)n / (double)((uint64_t)1 << top); /* [1, 2] */
  int power = top - 53;
  if (m > 1.4142135623730951) {
    m /= 2;
    power++;
  }
  double s = (m - 1) / (m + 1), square = s * s;
  double sum = 1 + square * (1.0 / 3 + square * (1.0 / 5 + square * (1.0 / 7 + square / 9)));
  return 2 * s * sum + power * SAMPLER_LN2;
}

static uint64_t sampler_next(struct gaiti_sampler *sampler) {
  sampler->random ^= sampler->random >> 12;
  sampler->random ^= sampler->random << 25;
  sampler->random ^= sampler->random >> 27;
  return sampler->random * 0x2545F4914F6CDD1Du >> 11; /* 53 bits */
}

double gaiti_sampler_random(struct gaiti_sampler *sampler) {
  return (double)sampler_next(sampler) / (double)((uint64_t)1 << 53);
}

void gaiti_sampler_draw(struct gaiti_sampler *sampler) {
  double distance = -sampler_log(sampler_next(sampler) + 1) * (double)sampler->mean;
  sampler->until = (uint64_t)distance;
}

void gaiti_sampler_init(struct gaiti_sampler *sampler, uint64_t mean, uint64_t seed) {
  *sampler = (struct gaiti_sampler){.mean = mean, .random = (seed + 1) * 0x9E3779B97F4A7C15u};
  if (sampler->random == 0) sampler->random = 1;
  for (int i = 0; i < 8; i++)
    sampler_next(sampler);
  if (mean > 0) gaiti_sampler_draw(sampler);
}

/* exp(-x) of x = power * ln 2 + rest, by its series. */
static double sampler_exp_minus(double x) {
  int power = (int)(x / SAMPLER_LN2);
  double rest = -(x - power * SAMPLER_LN2), term = 1, sum = 1;
  for (int i = 1; i < 14; i++) {
    term *= rest / i;
    sum += term;
  }
  return sum / (double)((uint64_t)1 << power);
}

double gaiti_sampler_chance(double x) {
  if (x > 40) return 1;
  if (x < 1e-5) return x - x * x / 2;
  return 1 - sampler_exp_minus(x);
}
