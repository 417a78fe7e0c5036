/* libFuzzer target: the reader of profiles, and the sites and advice that are made of one.
 *
 * The bytes are a profile that is not compressed, or a gzip file.  Whatever they are: either a
 * sentence says why nothing was read, or all that the profile refers to is there, the shares of
 * each curve fall, and no advice saves more than was allocated. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/pprof_file.h"
#include "profile/profile_advice.h"
#include "profile/profile_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_require(bool holds, const char *text) {
  if (holds) return;
  fprintf(stderr, "fuzz_profile: %s\n", text);
  abort();
}

static void fuzz_samples(const struct pprof *profile) {
  size_t chars = 0;
  for (size_t i = 0; i < profile->sample_count; i++) {
    const struct pprof_sample *sample = &profile->samples[i];
    fuzz_require(sample->frames + sample->frame_count <= profile->frame_count, "frames");
    fuzz_require(sample->labels + sample->label_count <= profile->label_count, "labels");
    fuzz_require(sample->values + profile->type_count <= profile->value_count, "values");
    for (size_t j = 0; j < sample->frame_count; j++) {
      size_t location = profile->frames[sample->frames + j];
      fuzz_require(location < profile->location_count, "a location");
      fuzz_require(profile->locations[location].mapping <= profile->mapping_count, "a mapping");
      chars += strlen(pprof_function_name(profile, location));
    }
    pprof_find_label(profile, sample, "kind");
  }
  fuzz_require(chars < SIZE_MAX, "chars");
}

static void fuzz_curve(const struct survival *survival) {
  double share[SURVIVAL_CLASSES], before = 1;
  survival_curve(survival, share);
  for (int i = 0; i < SURVIVAL_CLASSES; i++) {
    fuzz_require(share[i] >= -1e-9 && share[i] <= before + 1e-9, "a curve rises");
    before = share[i];
  }
}

static void fuzz_sites(const struct pprof *profile) {
  struct profile_sites sites;
  const char *error = NULL;
  if (!profile_sites_make(&sites, profile, &error)) {
    fuzz_require(error != NULL && error[0] != '\0', "no sentence");
    return;
  }
  for (size_t i = 0; i < sites.count; i++) {
    double saved;
    enum profile_advice advice = profile_advise(&sites.sites[i], &saved);
    fuzz_require(profile_advice_name(advice)[0] != '\0', "an advice without a name");
    fuzz_require(saved >= 0 && saved <= sites.sites[i].alloc_space, "bytes saved");
    fuzz_curve(&sites.sites[i].cycles);
    fuzz_curve(&sites.sites[i].bytes);
  }
  profile_sites_destroy(&sites);
}

/* With lines for what has any, which is nothing but by chance. */
static void fuzz_lines(const struct pprof *profile, const struct pprof_message *message) {
  struct pprof_file_error error = {""};
  size_t found = 0;
  bool written = profile_lines_write(profile, message, "/dev/null", &found, &error);
  fuzz_require(written || error.text[0] != '\0', "not written without a sentence");
  fuzz_require(found <= profile->location_count, "too many lines");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pprof profile;
  struct pprof_message message;
  struct pprof_file_error error = {""};
  if (!pprof_read(&profile, data, size, &message, &error)) {
    fuzz_require(strncmp(error.text, "at byte ", 8) == 0 || strstr(error.text, "zlib") != NULL,
                 "refused without a place");
    fuzz_require(profile.samples == NULL && profile.strings == NULL, "refused, and not empty");
    return 0;
  }
  fuzz_require(profile.type_count > 0 && profile.string_count > 0, "accepted without a type");
  fuzz_samples(&profile);
  fuzz_sites(&profile);
  fuzz_lines(&profile, &message);
  free(message.bytes);
  pprof_destroy(&profile);
  return 0;
}
