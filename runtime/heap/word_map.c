#include "heap/word_map.h"

#include <string.h>

#include "os/os.h"

#define WORD_MAP_FIRST ((size_t)64)

static size_t word_map_place(const struct gaiti_word_map *map, uintptr_t key) {
  uint64_t hash = (uint64_t)key * 0x9E3779B97F4A7C15u;
  return (size_t)(hash >> 32) & (map->capacity - 1);
}

/* The place of the key, or the free one where it would be put. */
static size_t word_map_probe(const struct gaiti_word_map *map, uintptr_t key) {
  size_t place = word_map_place(map, key);
  while (map->pairs[place].key && map->pairs[place].key != key)
    place = (place + 1) & (map->capacity - 1);
  return place;
}

static bool word_map_grow(struct gaiti_word_map *map) {
  struct gaiti_word_map larger = {.capacity = map->capacity ? map->capacity * 2 : WORD_MAP_FIRST};
  larger.pairs = gaiti_os_alloc(larger.capacity * sizeof *larger.pairs);
  if (!larger.pairs) return false;
  for (size_t i = 0; i < map->capacity; i++)
    if (map->pairs[i].key) larger.pairs[word_map_probe(&larger, map->pairs[i].key)] = map->pairs[i];
  larger.count = map->count;
  gaiti_os_free(map->pairs);
  *map = larger;
  return true;
}

void gaiti_word_map_destroy(struct gaiti_word_map *map) {
  gaiti_os_free(map->pairs);
  *map = (struct gaiti_word_map){0};
}

uintptr_t *gaiti_word_map_find(const struct gaiti_word_map *map, uintptr_t key) {
  if (map->count == 0) return NULL;
  struct gaiti_word_pair *pair = &map->pairs[word_map_probe(map, key)];
  return pair->key ? &pair->value : NULL;
}

bool gaiti_word_map_set(struct gaiti_word_map *map, uintptr_t key, uintptr_t value) {
  if ((map->count + 1) * 2 > map->capacity && !word_map_grow(map)) return false;
  struct gaiti_word_pair *pair = &map->pairs[word_map_probe(map, key)];
  if (!pair->key) map->count++;
  *pair = (struct gaiti_word_pair){key, value};
  return true;
}

/* Whether a pair at `place`, whose key hashes to `home`, may move to the free place before it. */
static bool word_map_may_move(size_t home, size_t hole, size_t place) {
  return hole <= place ? home <= hole || home > place : home <= hole && home > place;
}

void gaiti_word_map_remove(struct gaiti_word_map *map, uintptr_t key) {
  if (map->count == 0) return;
  size_t hole = word_map_probe(map, key), mask = map->capacity - 1;
  if (!map->pairs[hole].key) return;
  map->count--;
  map->pairs[hole].key = 0;
  for (size_t place = (hole + 1) & mask; map->pairs[place].key; place = (place + 1) & mask) {
    if (!word_map_may_move(word_map_place(map, map->pairs[place].key), hole, place)) continue;
    map->pairs[hole] = map->pairs[place];
    map->pairs[place].key = 0;
    hole = place;
  }
}

void gaiti_word_map_clear(struct gaiti_word_map *map) {
  if (map->count > 0) memset(map->pairs, 0, map->capacity * sizeof *map->pairs);
  map->count = 0;
}
