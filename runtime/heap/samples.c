#include "heap/samples.h"

#include <string.h>

/* A cycle looks at so many samples without asking for the time: about a hundred microseconds. */
#define PROFILE_SHORT 1000u

bool gaiti_profile_init(gait_heap *heap) {
  uint64_t mean = (uint64_t)heap->options.profile_bytes;
  if (mean == 0) return true;
  struct gaiti_profile *profile = gaiti_os_alloc(sizeof *profile);
  if (!profile) return false;
  profile->filter = gaiti_os_alloc(GAITI_PROFILE_FILTER);
  if (!profile->filter || !gaiti_lock_init(&profile->lock, GAITI_RANK_PROFILE)) {
    gaiti_os_free(profile->filter);
    gaiti_os_free(profile);
    return false;
  }
  gaiti_unwind_prepare();
  profile->mean = mean;
  profile->started_ns = gaiti_os_now_ns();
  heap->profile = profile;
  return true;
}

void gaiti_profile_drop(struct gaiti_profile *copy) {
  gaiti_os_free(copy->samples);
  gaiti_os_free(copy->tallies);
  gaiti_call_stacks_destroy(&copy->stacks);
}

void gaiti_profile_destroy(gait_heap *heap) {
  struct gaiti_profile *profile = heap->profile;
  if (!profile) return;
  heap->profile = NULL;
  gaiti_profile_drop(profile);
  gaiti_word_map_destroy(&profile->index);
  gaiti_word_map_destroy(&profile->tally_index);
  gaiti_os_free(profile->filter);
  gaiti_os_free(profile->path);
  gaiti_lock_destroy(&profile->lock);
  gaiti_os_free(profile);
}

/* ---- Ages ---- */

uint32_t gaiti_age_class(uint64_t bytes) {
  if (bytes < 4) return (uint32_t)bytes;
  uint32_t log2 = 63u - (uint32_t)__builtin_clzll((unsigned long long)bytes);
  return log2 * 4 - 4 + (uint32_t)(bytes >> (log2 - 2) & 3);
}

uint64_t gaiti_age_bytes(uint32_t age_class) {
  if (age_class < 4) return age_class;
  return (uint64_t)(age_class % 4 + 4) << (age_class / 4 - 1);
}

static uint32_t profile_cycles_class(uint32_t cycles) {
  return cycles < 4 ? cycles : 1u << (31 - __builtin_clz(cycles));
}

/* ---- The filter ---- */

static unsigned char *profile_filter(const struct gaiti_profile *profile, uintptr_t address) {
  uint64_t hash = (uint64_t)(address >> 4) * 0x9E3779B97F4A7C15u;
  return &profile->filter[hash >> 50 & (GAITI_PROFILE_FILTER - 1)];
}

static void profile_filter_add(const struct gaiti_profile *profile, uintptr_t address, int change) {
  unsigned char *count = profile_filter(profile, address), now = AO_char_load(count);
  if (now < UINT8_MAX) AO_char_store(count, (unsigned char)(now + change));
}

/* ---- The living ---- */

/* A free place, taken out of its list; GAITI_NO_STACK: out of memory. */
static uint32_t profile_take_place(struct gaiti_profile *profile) {
  if (profile->free) {
    uint32_t place = profile->free - 1;
    profile->free = profile->samples[place].next;
    return place;
  }
  void *samples = profile->samples;
  if (profile->places >= GAITI_NO_STACK - 1 ||
      !gaiti_room_make(&samples, profile->places, &profile->room, 1, sizeof *profile->samples))
    return GAITI_NO_STACK;
  profile->samples = samples;
  return (uint32_t)profile->places++;
}

static void profile_give_place(struct gaiti_profile *profile, uint32_t place) {
  profile->samples[place] = (struct gaiti_sample){.next = profile->free};
  profile->free = place + 1;
}

/* Puts it in front of the samples of its object. */
static bool profile_link(struct gaiti_profile *profile, const struct gaiti_sample *sample) {
  uint32_t place = profile_take_place(profile);
  if (place == GAITI_NO_STACK) return false;
  const uintptr_t *first = gaiti_word_map_find(&profile->index, sample->address);
  uint32_t next = first ? (uint32_t)*first + 1 : 0;
  if (!gaiti_word_map_set(&profile->index, sample->address, place)) {
    profile_give_place(profile, place);
    return false;
  }
  profile->samples[place] = *sample;
  profile->samples[place].next = next;
  profile_filter_add(profile, sample->address, 1);
  gaiti_counter_add(&profile->live, 1);
  return true;
}

/* Takes one out of the samples of its object. */
static void profile_unlink(struct gaiti_profile *profile, uint32_t place) {
  const struct gaiti_sample *sample = &profile->samples[place];
  uintptr_t *first = gaiti_word_map_find(&profile->index, sample->address);
  if (*first != place) {
    uint32_t before = (uint32_t)*first;
    while (profile->samples[before].next != place + 1)
      before = profile->samples[before].next - 1;
    profile->samples[before].next = sample->next;
  } else if (sample->next) {
    *first = sample->next - 1;
  } else {
    gaiti_word_map_remove(&profile->index, sample->address);
  }
  profile_filter_add(profile, sample->address, -1);
  gaiti_counter_sub(&profile->live, 1);
  profile_give_place(profile, place);
}

/* ---- The dead ---- */

static bool profile_is_tally(const struct gaiti_sample_tally *tally,
                             const struct gaiti_sample_tally *other) {
  return memcmp(&tally->site, &other->site, sizeof tally->site) == 0 &&
         tally->cycles == other->cycles && tally->age == other->age;
}

static uintptr_t profile_hash(const struct gaiti_sample_tally *tally) {
  uint64_t hash = tally->site.bytes;
  hash = (hash ^ tally->site.stack) * 0x9E3779B97F4A7C15u;
  hash = (hash ^ hash >> 31 ^ (uint64_t)tally->site.kind << 16 ^ tally->site.form) *
         0xBF58476D1CE4E5B9u;
  hash = (hash ^ hash >> 29 ^ (uint64_t)tally->cycles << 32 ^ tally->age) * 0x94D049BB133111EBu;
  return (uintptr_t)(hash ^ hash >> 32) | 1;
}

static void profile_count(struct gaiti_profile *profile, const struct gaiti_sample_tally *dead) {
  uintptr_t key = profile_hash(dead);
  for (const uintptr_t *known; (known = gaiti_word_map_find(&profile->tally_index, key)); key += 2)
    if (profile_is_tally(&profile->tallies[*known], dead)) {
      profile->tallies[*known].count++;
      return;
    }
  void *tallies = profile->tallies;
  bool made = gaiti_room_make(&tallies, profile->tally_count, &profile->tally_room, 1,
                              sizeof *profile->tallies);
  profile->tallies = tallies;
  if (!made || !gaiti_word_map_set(&profile->tally_index, key, profile->tally_count)) {
    profile->lost++;
    return;
  }
  profile->tallies[profile->tally_count] = *dead;
  profile->tallies[profile->tally_count++].count = 1;
}

static void profile_die(struct gaiti_profile *profile, uint32_t place) {
  const struct gaiti_sample *sample = &profile->samples[place];
  struct gaiti_sample_tally dead = {.site = sample->site,
                                    .cycles = profile_cycles_class(sample->cycles),
                                    .age = gaiti_age_class(profile->clock - sample->born)};
  profile_count(profile, &dead);
  profile_unlink(profile, place);
}

/* ---- Calls of threads ---- */

/* The interpreter's frames are the innermost. */
static uint32_t profile_intern(struct gaiti_profile *profile,
                               const struct gaiti_sample_stack *stack) {
  uintptr_t words[2 * GAITI_STACK_FRAMES];
  size_t count = 0;
  for (size_t i = 0; i < stack->named_count; i++) {
    words[count] = gaiti_call_stacks_name(&profile->stacks, &stack->named[i]);
    if (words[count++] == 0) return GAITI_NO_STACK;
  }
  for (size_t i = 0; i < stack->count; i++)
    words[count++] = stack->frames[i];
  return gaiti_call_stacks_add(&profile->stacks, words, count);
}

static void profile_advance(struct gaiti_profile *profile, struct gaiti_sampler *sampler) {
  profile->clock += sampler->passed;
  sampler->passed = 0;
}

void gaiti_profile_add(gait_heap *heap, uintptr_t address, struct gaiti_sample_site site,
                       const struct gaiti_sample_stack *stack, AO_t black,
                       struct gaiti_sampler *sampler) {
  struct gaiti_profile *profile = heap->profile;
  gaiti_lock(&profile->lock);
  profile_advance(profile, sampler);
  site.stack = profile_intern(profile, stack);
  struct gaiti_sample sample = {
      .site = site, .address = address, .black = black, .born = profile->clock};
  if (site.stack == GAITI_NO_STACK || !profile_link(profile, &sample)) profile->lost++;
  gaiti_unlock(&profile->lock);
}

void gaiti_profile_free(gait_heap *heap, uintptr_t address) {
  struct gaiti_profile *profile = heap->profile;
  if (AO_char_load(profile_filter(profile, address)) == 0) return;
  gaiti_lock(&profile->lock);
  for (const uintptr_t *first; (first = gaiti_word_map_find(&profile->index, address));)
    profile_die(profile, (uint32_t)*first);
  gaiti_unlock(&profile->lock);
}

void gaiti_profile_thin(gait_heap *heap, uintptr_t address, uint64_t before, uint64_t after,
                        struct gaiti_sampler *sampler) {
  struct gaiti_profile *profile = heap->profile;
  if (AO_char_load(profile_filter(profile, address)) == 0) return;
  gaiti_lock(&profile->lock);
  const uintptr_t *first = gaiti_word_map_find(&profile->index, address);
  for (uint32_t next = first ? (uint32_t)*first + 1 : 0; next;) {
    uint32_t place = next - 1;
    const struct gaiti_sample *sample = &profile->samples[place];
    next = sample->next;
    if (sample->site.form == GAITI_SAMPLE_EXTERNAL &&
        gaiti_sampler_random(sampler) * (double)before >= (double)after)
      profile_die(profile, place);
  }
  gaiti_unlock(&profile->lock);
}

/* ---- The cycle ---- */

bool gaiti_profile_is_long(const gait_heap *heap) {
  return heap->profile && AO_load(&heap->profile->live) > PROFILE_SHORT;
}

void gaiti_profile_close(gait_heap *heap) {
  struct gaiti_profile *profile = heap->profile;
  if (!profile) return;
  const struct gaiti_map *map = &heap->map;
  AO_t epoch = AO_load(&heap->epoch);
  gaiti_lock(&profile->lock);
  profile->closes++;
  for (uint32_t place = 0; place < profile->places; place++) {
    struct gaiti_sample *sample = &profile->samples[place];
    if (!sample->address) continue;
    if (!gaiti_ref_is_marked(map, gaiti_map_find(map, sample->address)))
      profile_die(profile, place);
    else if (sample->black != epoch)
      sample->cycles++;
  }
  gaiti_unlock(&profile->lock);
}

/* ---- The writer ---- */

static bool profile_copy_locked(const struct gaiti_profile *profile, struct gaiti_profile *copy) {
  copy->mean = profile->mean;
  copy->clock = profile->clock;
  copy->closes = profile->closes;
  copy->lost = profile->lost;
  copy->started_ns = profile->started_ns;
  copy->samples = gaiti_os_alloc((profile->places + 1) * sizeof *copy->samples);
  copy->tallies = gaiti_os_alloc((profile->tally_count + 1) * sizeof *copy->tallies);
  if (!copy->samples || !copy->tallies || !gaiti_call_stacks_copy(&copy->stacks, &profile->stacks))
    return false;
  copy->places = profile->places;
  copy->tally_count = profile->tally_count;
  if (copy->places) memcpy(copy->samples, profile->samples, copy->places * sizeof *copy->samples);
  if (copy->tally_count)
    memcpy(copy->tallies, profile->tallies, copy->tally_count * sizeof *copy->tallies);
  return true;
}

bool gaiti_profile_copy(gait_heap *heap, struct gaiti_profile *copy) {
  memset(copy, 0, sizeof *copy);
  gaiti_lock(&heap->profile->lock);
  bool copied = profile_copy_locked(heap->profile, copy);
  gaiti_unlock(&heap->profile->lock);
  if (!copied) gaiti_profile_drop(copy);
  return copied;
}
