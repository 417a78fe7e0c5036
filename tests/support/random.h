/* random.h: a reproducible stream of numbers, splitmix64; any seed does. */
#ifndef SUPPORT_RANDOM_H
#define SUPPORT_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The seed that GAIT_SEED gives, or else the clock; it is printed. */
static inline uint64_t random_seed(void) {
  const char *given = getenv("GAIT_SEED");
  uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
  printf("GAIT_SEED=%llu\n", (unsigned long long)seed);
  fflush(stdout);
  return seed;
}

/* A hash of a number, by which neighbours get far from one another. */
static inline uint64_t random_mix(uint64_t value) {
  value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
  return value ^ value >> 31;
}

static inline uint64_t random_next(uint64_t *state) {
  return random_mix(*state += UINT64_C(0x9e3779b97f4a7c15));
}

/* In [0, end). */
static inline uint32_t random_below(uint64_t *state, uint32_t end) {
  return (uint32_t)((random_next(state) >> 32) * end >> 32);
}

/* In [low, high). */
static inline double random_real(uint64_t *state, double low, double high) {
  return low + (high - low) * (double)(random_next(state) >> 11) / 9007199254740992.0;
}

/* In [0, 2^bits), spread evenly over the orders of magnitude. */
static inline int64_t random_bytes(uint64_t *state, unsigned bits) {
  unsigned order = (unsigned)(random_next(state) % (bits + 1));
  return order == 0 ? 0 : (int64_t)(random_next(state) >> (64 - order));
}

#endif
