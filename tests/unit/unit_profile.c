#include "unit_profile.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Files ---- */

/* The library stores blocks, and does not compress them: this is all that its files need. */
static size_t profile_unpack(const unsigned char *file, size_t bytes, unsigned char *message) {
  size_t at = 10, count = 0;
  ck_assert_uint_gt(bytes, 18);
  ck_assert(file[0] == 0x1f && file[1] == 0x8b && file[2] == 8);
  for (bool last = false; !last;) {
    last = file[at] & 1;
    const size_t length = file[at + 1] | (size_t)file[at + 2] << 8;
    ck_assert_uint_eq(file[at] >> 1, 0);
    ck_assert_uint_eq(length ^ 0xffff, file[at + 3] | (size_t)file[at + 4] << 8);
    memcpy(message + count, file + at + 5, length);
    count += length;
    at += 5 + length;
    ck_assert_uint_le(at, bytes);
  }
  ck_assert_uint_eq(at + 8, bytes);
  return count;
}

static void profile_parse(int file, struct pprof *profile) {
  const off_t bytes = lseek(file, 0, SEEK_END);
  ck_assert_int_gt(bytes, 0);
  unsigned char *packed = malloc((size_t)bytes), *message = malloc((size_t)bytes);
  ck_assert_int_eq(pread(file, packed, (size_t)bytes, 0), bytes);
  struct pprof_error error;
  const size_t count = profile_unpack(packed, (size_t)bytes, message);
  if (!pprof_parse(profile, message, count, &error))
    ck_abort_msg("at %zu: %s", error.offset, error.text);
  free(packed);
  free(message);
}

void unit_profile_read(const char *path, struct pprof *profile) {
  const int file = open(path, O_RDONLY);
  ck_assert_msg(file >= 0, "%s is not there", path);
  profile_parse(file, profile);
  close(file);
}

void unit_profile_take(gait_heap *heap, struct pprof *profile) {
  FILE *file = tmpfile();
  ck_assert_ptr_nonnull(file);
  ck_assert_int_eq(gait_profile_write_to(heap, fileno(file)), GAIT_OK);
  profile_parse(fileno(file), profile);
  fclose(file);
}

/* ---- Sums ---- */

static bool profile_has_function(const struct pprof *profile, const struct pprof_sample *sample,
                                 const char *function) {
  for (size_t i = 0; i < sample->frame_count; i++)
    if (strcmp(pprof_function_name(profile, profile->frames[sample->frames + i]), function) == 0)
      return true;
  return false;
}

static bool profile_has_label(const struct pprof *profile, const struct pprof_sample *sample,
                              const char *key, const char *text) {
  const struct pprof_label *label = pprof_find_label(profile, sample, key);
  return !text || (label ? strcmp(profile->strings[label->text], text) == 0 : text[0] == '\0');
}

void unit_profile_sum(const struct pprof *profile, struct unit_profile_of of,
                      double sums[UNIT_LENSES]) {
  ck_assert_uint_eq(profile->type_count, UNIT_LENSES);
  memset(sums, 0, UNIT_LENSES * sizeof *sums);
  for (size_t i = 0; i < profile->sample_count; i++) {
    const struct pprof_sample *sample = &profile->samples[i];
    if ((of.function && !profile_has_function(profile, sample, of.function)) ||
        !profile_has_label(profile, sample, "kind", of.kind) ||
        !profile_has_label(profile, sample, "memory", of.memory) ||
        !profile_has_label(profile, sample, "state", of.state))
      continue;
    for (size_t lens = 0; lens < UNIT_LENSES; lens++)
      sums[lens] += (double)profile->values[sample->values + lens];
  }
}

double unit_profile_z(double estimate, double count, double bytes, double mean) {
  const double chance = 1 - exp(-bytes / mean);
  const double deviation = sqrt(count * (1 - chance) / chance);
  return fabs(estimate - count) / (deviation > 1 ? deviation : 1);
}
