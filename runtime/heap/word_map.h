/* word_map.h: a table from words to words, for options that find bugs: it grows, and its memory is
 * no part of the heap's. */
#ifndef GAITI_HEAP_WORD_MAP_H
#define GAITI_HEAP_WORD_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: empty.  No key is 0. */
struct gaiti_word_pair {
  uintptr_t key;
  uintptr_t value;
};
struct gaiti_word_map {
  struct gaiti_word_pair *pairs;
  size_t capacity; /* a power of two, or 0 */
  size_t count;
};

void gaiti_word_map_destroy(struct gaiti_word_map *map);

/* The value of a key, to be read or written until the map changes; NULL: it has none. */
uintptr_t *gaiti_word_map_find(const struct gaiti_word_map *map, uintptr_t key);

/* Sets it; false: out of memory. */
bool gaiti_word_map_set(struct gaiti_word_map *map, uintptr_t key, uintptr_t value);

void gaiti_word_map_remove(struct gaiti_word_map *map, uintptr_t key);

/* Takes all keys out, and keeps the memory. */
void gaiti_word_map_clear(struct gaiti_word_map *map);

#endif
