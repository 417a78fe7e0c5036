#include "profile/profile_sites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the frames of a sample, so many may be Gait's. */
#define SITES_OWN_FRAMES 8

enum {
  SITES_ALLOC_OBJECTS,
  SITES_ALLOC_SPACE,
  SITES_INUSE_OBJECTS,
  SITES_INUSE_SPACE,
  SITES_VALUES
};

struct sites_maker {
  struct profile_sites *sites;
  const struct pprof *profile;
  int values[SITES_VALUES];
  bool failed;
};

/* ---- The site of a sample ---- */

/* Calls of Gait's that allocate, by the beginnings of their names. */
static bool sites_is_own(const char *function) {
  static const char *const names[] = {"gait_alloc",      "gait_array_", "gait_checked_",
                                      "gait_ephemeron_", "gait_intern", "gait_object_",
                                      "gait_pool_get",   "gait_weak_"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strncmp(function, names[i], strlen(names[i])) == 0) return true;
  return false;
}

static const char *sites_function(const struct sites_maker *maker,
                                  const struct pprof_sample *sample, size_t frame) {
  if (frame >= sample->frame_count) return "";
  return pprof_function_name(maker->profile, maker->profile->frames[sample->frames + frame]);
}

/* Whether the frame is an interpreter's, which has no address. */
static bool sites_is_named(const struct sites_maker *maker, const struct pprof_sample *sample,
                           size_t frame) {
  const struct pprof *profile = maker->profile;
  return profile->locations[profile->frames[sample->frames + frame]].address == 0;
}

/* How many of the innermost frames are Gait's: those up to the last that has such a name.  Frames
 * of an interpreter stand before them all. */
static size_t sites_own_frames(const struct sites_maker *maker, const struct pprof_sample *sample) {
  size_t own = 0;
  for (size_t i = 0; i < SITES_OWN_FRAMES && i + 1 < sample->frame_count; i++) {
    if (sites_is_named(maker, sample, i)) break;
    if (sites_is_own(sites_function(maker, sample, i))) own = i + 1;
  }
  return own;
}

static bool sites_is_by_array(const struct sites_maker *maker, const struct pprof_sample *sample,
                              size_t own) {
  for (size_t i = 0; i < own; i++)
    if (strncmp(sites_function(maker, sample, i), "gait_array_", strlen("gait_array_")) == 0)
      return true;
  return false;
}

static const char *sites_text(const struct sites_maker *maker, const struct pprof_sample *sample,
                              const char *key) {
  const struct pprof_label *label = pprof_find_label(maker->profile, sample, key);
  return label == NULL ? "" : maker->profile->strings[label->text];
}

static struct profile_site sites_key(const struct sites_maker *maker,
                                     const struct pprof_sample *sample) {
  size_t own = sites_own_frames(maker, sample), caller = own + 1;
  struct profile_site site = {.function = sites_function(maker, sample, own),
                              .kind = sites_text(maker, sample, "kind"),
                              .memory = sites_text(maker, sample, "memory"),
                              .by_array = sites_is_by_array(maker, sample, own)};
  while (caller < sample->frame_count &&
         (strcmp(sites_function(maker, sample, caller), site.function) == 0 ||
          sites_is_own(sites_function(maker, sample, caller))))
    caller++;
  site.caller = sites_function(maker, sample, caller);
  return site;
}

/* ---- Sums ---- */

static int sites_compare_keys(const struct profile_site *a, const struct profile_site *b) {
  int order = strcmp(a->function, b->function);
  if (order == 0) order = strcmp(a->caller, b->caller);
  if (order == 0) order = strcmp(a->kind, b->kind);
  if (order == 0) order = strcmp(a->memory, b->memory);
  return order;
}

/* The site with the key, put where it belongs if it is new; NULL: out of memory. */
static struct profile_site *sites_find(struct sites_maker *maker, const struct profile_site *key) {
  struct profile_sites *sites = maker->sites;
  size_t low = 0, high = sites->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = sites_compare_keys(&sites->sites[middle], key);
    if (order == 0) return &sites->sites[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  if ((sites->count & (sites->count - 1)) == 0) {
    size_t room = sites->count == 0 ? 1 : sites->count * 2;
    struct profile_site *larger = realloc(sites->sites, room * sizeof *larger);
    if (larger == NULL) return NULL;
    sites->sites = larger;
  }
  memmove(&sites->sites[low + 1], &sites->sites[low], (sites->count - low) * sizeof *sites->sites);
  sites->count++;
  sites->sites[low] = *key;
  return &sites->sites[low];
}

static struct profile_size *sites_find_size(struct profile_site *site, double bytes) {
  size_t at = 0;
  while (at < site->size_count && site->sizes[at].bytes < bytes)
    at++;
  if (at < site->size_count && site->sizes[at].bytes == bytes) return &site->sizes[at];
  struct profile_size *larger = realloc(site->sizes, (site->size_count + 1) * sizeof *site->sizes);
  if (larger == NULL) return NULL;
  memmove(larger + at + 1, larger + at, (site->size_count - at) * sizeof *larger);
  site->sizes = larger;
  site->size_count++;
  larger[at] = (struct profile_size){.bytes = bytes};
  return &larger[at];
}

static int64_t sites_number(const struct sites_maker *maker, const struct pprof_sample *sample,
                            const char *key) {
  const struct pprof_label *label = pprof_find_label(maker->profile, sample, key);
  return label == NULL || label->number < 0 ? -1 : label->number;
}

/* How many samples the objects have been scaled up from. */
static double sites_samples(const struct sites_maker *maker, double space, double bytes) {
  double period = (double)maker->profile->period;
  if (bytes <= 0 || period <= 0) return 0;
  return space / bytes * -expm1(-bytes / period);
}

static void sites_add_life(const struct sites_maker *maker, const struct pprof_sample *sample,
                           struct profile_site *site, double space) {
  int64_t cycles = sites_number(maker, sample, "cycles"), age = sites_number(maker, sample, "age");
  if (cycles < 0 || age < 0) return;
  bool dead = strcmp(sites_text(maker, sample, "state"), "dead") == 0;
  struct survival *by_cycles = &site->cycles, *by_bytes = &site->bytes;
  (dead ? by_cycles->dead : by_cycles->live)[survival_cycles_class((uint64_t)cycles)] += space;
  (dead ? by_bytes->dead : by_bytes->live)[survival_bytes_class((uint64_t)age)] += space;
  maker->sites->has_lives = true;
}

static bool sites_add(struct sites_maker *maker, const struct pprof_sample *sample,
                      struct profile_site *site) {
  const int64_t *values = &maker->profile->values[sample->values];
  double value[SITES_VALUES], bytes = (double)sites_number(maker, sample, "bytes");
  for (int i = 0; i < SITES_VALUES; i++)
    value[i] = fmax((double)values[maker->values[i]], 0);
  double samples = sites_samples(maker, value[SITES_ALLOC_SPACE], bytes);
  struct profile_size *size = bytes > 0 ? sites_find_size(site, bytes) : NULL;
  if (bytes > 0 && size == NULL) return false;
  if (size != NULL) {
    size->objects += value[SITES_ALLOC_OBJECTS];
    size->samples += samples;
  }
  site->samples += samples;
  site->alloc_objects += value[SITES_ALLOC_OBJECTS];
  site->alloc_space += value[SITES_ALLOC_SPACE];
  site->inuse_objects += value[SITES_INUSE_OBJECTS];
  site->inuse_space += value[SITES_INUSE_SPACE];
  sites_add_life(maker, sample, site, value[SITES_ALLOC_SPACE]);
  return true;
}

/* ---- The whole ---- */

static int sites_compare_space(const void *a, const void *b) {
  const struct profile_site *x = a, *y = b;
  if (x->alloc_space != y->alloc_space) return x->alloc_space < y->alloc_space ? 1 : -1;
  return sites_compare_keys(x, y);
}

static bool sites_has_values(struct sites_maker *maker) {
  static const char *const names[SITES_VALUES] = {"alloc_objects", "alloc_space", "inuse_objects",
                                                  "inuse_space"};
  for (int i = 0; i < SITES_VALUES; i++) {
    maker->values[i] = pprof_find_type(maker->profile, names[i]);
    if (maker->values[i] < 0) return false;
  }
  return true;
}

bool profile_sites_make(struct profile_sites *sites, const struct pprof *profile,
                        const char **error) {
  struct sites_maker maker = {.sites = sites, .profile = profile};
  *sites = (struct profile_sites){.whole = {"", "", "", "", .samples = 0}};
  *error = "it is no profile of a heap: alloc_space and inuse_space are not among its values";
  if (!sites_has_values(&maker)) return false;
  *error = "out of memory";
  for (size_t i = 0; i < profile->sample_count; i++) {
    const struct pprof_sample *sample = &profile->samples[i];
    struct profile_site key = sites_key(&maker, sample), *site = sites_find(&maker, &key);
    if (site == NULL || !sites_add(&maker, sample, site) ||
        !sites_add(&maker, sample, &sites->whole)) {
      profile_sites_destroy(sites);
      return false;
    }
    site->by_array = site->by_array || key.by_array;
  }
  if (sites->count > 0)
    qsort(sites->sites, sites->count, sizeof *sites->sites, sites_compare_space);
  return true;
}

void profile_sites_destroy(struct profile_sites *sites) {
  for (size_t i = 0; i < sites->count; i++)
    free(sites->sites[i].sizes);
  free(sites->sites);
  free(sites->whole.sizes);
  *sites = (struct profile_sites){0};
}
