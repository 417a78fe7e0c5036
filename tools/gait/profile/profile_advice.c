#include "profile/profile_advice.h"

/* Of a row of sizes, each to the one before. */
#define ADVICE_LEAST_SIZES 4
#define ADVICE_LEAST_RATIO 1.4
#define ADVICE_MOST_RATIO  2.2
#define ADVICE_ROW_SHARE   0.9
#define ADVICE_POOL_SHARE  0.8

const char *profile_advice_name(enum profile_advice advice) {
  static const char *const names[] = {"none", "stack", "preallocate", "pool"};
  return names[advice];
}

/* The share of the bytes at risk that a first, and that a second cycle found. */
static void advice_survivors(const struct profile_site *site, double *first, double *second) {
  double share[SURVIVAL_CLASSES];
  survival_curve(&site->cycles, share);
  *first = share[0];
  *second = share[1];
}

/* The row of sizes that ends with the largest: how many there are of it, and its bytes. */
static size_t advice_row(const struct profile_site *site, double *row_bytes) {
  size_t first = site->size_count > 0 ? site->size_count - 1 : 0;
  *row_bytes = 0;
  while (first > 0) {
    double ratio = site->sizes[first].bytes / site->sizes[first - 1].bytes;
    if (ratio < ADVICE_LEAST_RATIO || ratio > ADVICE_MOST_RATIO) break;
    first--;
  }
  for (size_t i = first; i < site->size_count; i++)
    *row_bytes += site->sizes[i].bytes * site->sizes[i].objects;
  return site->size_count - first;
}

static bool advice_is_grown(const struct profile_site *site) {
  double row_bytes;
  if (site->memory[0] != '\0' || site->samples < PROFILE_LEAST_SAMPLES || site->size_count < 2)
    return false;
  size_t count = advice_row(site, &row_bytes);
  return site->by_array ||
         (count >= ADVICE_LEAST_SIZES && row_bytes >= ADVICE_ROW_SHARE * site->alloc_space);
}

/* An array of one size has come from the size before: of each size as many are the last of their
 * array as there are more of it than of the next. */
static double advice_grown_bytes(const struct profile_site *site) {
  double last_bytes = 0;
  for (size_t i = 0; i < site->size_count; i++) {
    double next = i + 1 < site->size_count ? site->sizes[i + 1].objects : 0;
    double last = site->sizes[i].objects - next;
    if (last > 0) last_bytes += last * site->sizes[i].bytes;
  }
  return last_bytes < site->alloc_space ? site->alloc_space - last_bytes : 0;
}

static bool advice_comes_and_goes(const struct profile_site *site) {
  double first, second;
  if (site->memory[0] != '\0' || site->samples < PROFILE_LEAST_SAMPLES || site->size_count == 0 ||
      site->sizes[0].bytes <= PROFILE_LARGE_BYTES)
    return false;
  advice_survivors(site, &first, &second);
  return second <= 1 - ADVICE_POOL_SHARE;
}

static bool advice_fits_stack(const struct profile_site *site) {
  double dead = 0, found = 0, samples = site->samples;
  for (int i = 0; i < SURVIVAL_CLASSES; i++) {
    dead += site->cycles.dead[i];
    if (i > 0) found += site->cycles.dead[i] + site->cycles.live[i];
  }
  return site->memory[0] == '\0' && found == 0 && site->size_count > 0 &&
         site->sizes[site->size_count - 1].bytes <= PROFILE_STACK_BYTES && site->alloc_space > 0 &&
         samples * dead / site->alloc_space >= PROFILE_LEAST_SAMPLES - 0.5;
}

enum profile_advice profile_advise(const struct profile_site *site, double *saved_bytes) {
  *saved_bytes = 0;
  if (advice_is_grown(site)) {
    *saved_bytes = advice_grown_bytes(site);
    if (*saved_bytes > 0) return PROFILE_PREALLOCATE;
  }
  if (advice_comes_and_goes(site)) {
    *saved_bytes = site->alloc_space - site->inuse_space;
    return PROFILE_POOL;
  }
  if (!advice_fits_stack(site)) return PROFILE_NO_ADVICE;
  *saved_bytes = site->alloc_space;
  return PROFILE_STACK;
}
