/* Litmus: kinds. */
#include "heap/kind.h"

#include <string.h>

static uint32_t kinds_index_of(const struct gaiti_kinds *kinds, const char *name) {
  for (uint32_t i = 0; i < gaiti_kinds_count(kinds); i++)
    if (strcmp(kinds->table[i].name, name) == 0) return i;
  return gaiti_kinds_count(kinds);
}

static bool kind_info_valid(const gait_kind_info *info) {
  switch (info->form) {
  case GAIT_KIND_LEAF:
  case GAIT_KIND_CONSERVATIVE: return true;
  case GAIT_KIND_CALLBACK:
  case GAIT_KIND_CALLBACK_ANYWHERE: return info->trace != NULL;
  case GAIT_KIND_POINTERS:
    return (info->pointer_map || info->tagged_map) && info->map_bytes > 0 &&
           info->map_bytes % 8 == 0 && info->map_bytes <= GAITI_KIND_MAP_BYTES &&
           info->repeat_bytes % 8 == 0 && info->repeat_bytes <= info->map_bytes;
  }
  return false;
}

/* 64 words of the object to one of the map. */
static size_t kind_map_words(size_t words) {
  return (words + 63) / 64;
}

/* Whether there may be tagged words, and none of them is a plain reference as well. */
static bool kind_tags_valid(const struct gaiti_kinds *kinds, const gait_kind_info *info) {
  if (!info->tagged_map) return true;
  if (!kinds->tagged || info->form != GAIT_KIND_POINTERS) return false;
  size_t words = info->map_bytes / 8;
  for (size_t i = 0; info->pointer_map && i < kind_map_words(words); i++) {
    uint64_t both = info->pointer_map[i] & info->tagged_map[i];
    if (words - i * 64 < 64) both &= ((uint64_t)1 << words % 64) - 1;
    if (both) return false;
  }
  return true;
}

/* A copy of `map`, NULL: of one without a bit, that describes so many words.  NULL: out of memory.
 */
static uint64_t *kind_copy_map(struct gaiti_space *space, const uint64_t *map, size_t words) {
  size_t map_words = kind_map_words(words);
  uint64_t *copy = gaiti_structure_alloc(space, map_words * sizeof *copy);
  if (!copy || !map) return copy;
  memcpy(copy, map, map_words * sizeof *copy);
  if (words % 64) copy[map_words - 1] &= ((uint64_t)1 << words % 64) - 1;
  return copy;
}

static void kind_free_maps(struct gaiti_space *space, struct gaiti_kind *kind) {
  size_t bytes = kind_map_words(kind->words) * sizeof *kind->map;
  gaiti_structure_free(space, kind->map, bytes);
  gaiti_structure_free(space, kind->tagged_map, bytes);
}

static bool kind_copy_maps(struct gaiti_space *space, struct gaiti_kind *kind,
                           const gait_kind_info *info) {
  size_t words = info->map_bytes / 8;
  kind->words = (uint16_t)words;
  kind->repeat_words = (uint16_t)(info->repeat_bytes / 8);
  kind->map = kind_copy_map(space, info->pointer_map, words);
  if (info->tagged_map) kind->tagged_map = kind_copy_map(space, info->tagged_map, words);
  if (!kind->map || (info->tagged_map && !kind->tagged_map)) {
    kind_free_maps(space, kind);
    return false;
  }
  if (words > 64) return true;
  kind->short_map = kind->map[0];
  if (kind->tagged_map) kind->short_tagged_map = kind->tagged_map[0];
  return true;
}

static bool kind_map_has(const struct gaiti_kind *kind, const uint64_t *map, size_t word) {
  size_t head = (size_t)kind->words - kind->repeat_words;
  if (!map || (word >= kind->words && kind->repeat_words == 0)) return false;
  if (word >= kind->words) word = head + (word - head) % kind->repeat_words;
  return map[word / 64] >> word % 64 & 1;
}

bool gaiti_kind_is_tagged(const struct gaiti_kind *kind, size_t word) {
  return kind_map_has(kind, kind->tagged_map, word);
}

bool gaiti_kind_is_plain(const struct gaiti_kind *kind, size_t word) {
  return kind_map_has(kind, kind->map, word);
}

static bool kind_init(struct gaiti_space *space, struct gaiti_kind *kind,
                      const gait_kind_info *info) {
  *kind =
      (struct gaiti_kind){.form = info->form, .trace = info->trace, .trace_arg = info->trace_arg};
  size_t name_bytes = strlen(info->name) + 1;
  kind->name = gaiti_structure_alloc(space, name_bytes);
  if (!kind->name) return false;
  memcpy(kind->name, info->name, name_bytes);
  if (info->form != GAIT_KIND_POINTERS || kind_copy_maps(space, kind, info)) return true;
  gaiti_structure_free(space, kind->name, name_bytes);
  return false;
}

static const gait_kind_info kinds_own[GAITI_KINDS_OWN] = {
    [GAITI_KIND_LEAF] = {.name = "leaf", .form = GAIT_KIND_LEAF},
    [GAITI_KIND_CONSERVATIVE] = {.name = "conservative", .form = GAIT_KIND_CONSERVATIVE},
    [GAITI_KIND_WEAK] = {.name = "weak reference", .form = GAIT_KIND_LEAF},
};

static bool kinds_add_own(struct gaiti_kinds *kinds) {
  uint16_t index;
  for (size_t i = 0; i < GAITI_KINDS_OWN; i++)
    if (gaiti_kinds_add(kinds, &kinds_own[i], &index) != GAIT_OK) return false;
  return true;
}

#define KINDS_TABLE_BYTES (GAIT_MAX_KINDS * sizeof(struct gaiti_kind))

bool gaiti_kinds_init(struct gaiti_kinds *kinds, struct gaiti_space *space) {
  AO_store(&kinds->count, 0);
  kinds->space = space;
  kinds->table = gaiti_structure_alloc(space, KINDS_TABLE_BYTES);
  if (!kinds->table) return false;
  if (!gaiti_lock_init(&kinds->lock, GAITI_RANK_KINDS)) goto fail_table;
  if (kinds_add_own(kinds)) return true;
  gaiti_kinds_destroy(kinds);
  return false;
fail_table:
  gaiti_structure_free(space, kinds->table, KINDS_TABLE_BYTES);
  return false;
}

void gaiti_kinds_destroy(struct gaiti_kinds *kinds) {
  for (uint32_t i = 0; i < gaiti_kinds_count(kinds); i++) {
    struct gaiti_kind *kind = &kinds->table[i];
    gaiti_structure_free(kinds->space, kind->name, strlen(kind->name) + 1);
    kind_free_maps(kinds->space, kind);
  }
  gaiti_structure_free(kinds->space, kinds->table, KINDS_TABLE_BYTES);
  gaiti_lock_destroy(&kinds->lock);
}

gait_result gaiti_kinds_add(struct gaiti_kinds *kinds, const gait_kind_info *info,
                            uint16_t *index) {
  if (!info->name || !info->name[0] || !kind_info_valid(info) || !kind_tags_valid(kinds, info))
    return GAIT_ERROR_ARGUMENT;
  gait_result result = GAIT_OK;
  gaiti_lock(&kinds->lock);
  uint32_t count = gaiti_kinds_count(kinds);
  if (kinds_index_of(kinds, info->name) < count) {
    result = GAIT_ERROR_ALREADY;
  } else if (count == GAIT_MAX_KINDS) {
    result = GAIT_ERROR_TOO_MANY;
  } else if (!kind_init(kinds->space, &kinds->table[count], info)) {
    result = GAIT_ERROR_MEMORY;
  } else {
    *index = (uint16_t)count;
    AO_store_release(&kinds->count, count + 1);
  }
  gaiti_unlock(&kinds->lock);
  return result;
}

gait_result gaiti_kinds_find(struct gaiti_kinds *kinds, const char *name, uint16_t *index) {
  gaiti_lock(&kinds->lock);
  uint32_t found = kinds_index_of(kinds, name);
  bool known = found < gaiti_kinds_count(kinds);
  gaiti_unlock(&kinds->lock);
  if (!known) return GAIT_ERROR_NOT_FOUND;
  *index = (uint16_t)found;
  return GAIT_OK;
}
